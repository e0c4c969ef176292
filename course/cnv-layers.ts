/** CNV-08 to CNV-15: convolution as a layer. */
import type { Row } from "typegrad/course";

export const layers: readonly Row[] = [];
