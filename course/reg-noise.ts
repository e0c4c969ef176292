/** REG-07 and REG-08: augmentation and noise. */
import type { Row } from "typegrad/course";

export const noise: readonly Row[] = [];
