/** CNV-16 to CNV-18: pooling, counts of parameters, and text. */
import type { Row } from "typegrad/course";

export const pooling: readonly Row[] = [];
