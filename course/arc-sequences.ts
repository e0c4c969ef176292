/** ARC-05 and ARC-08 to ARC-10: networks that give a result for every place of their input. */
import type { Row } from "typegrad/course";

export const sequences: readonly Row[] = [];
