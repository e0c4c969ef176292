/** REG-12 to REG-16 and REG-20: dropout, normalisation and residual connections. */
import type { Row } from "typegrad/course";

export const layers: readonly Row[] = [];
