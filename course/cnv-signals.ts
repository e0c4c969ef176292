/** CNV-01 to CNV-07: what a convolution is, and its algebra. */
import type { Row } from "typegrad/course";

export const signals: readonly Row[] = [];
