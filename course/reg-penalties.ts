/** REG-01 to REG-06: penalties, constraints and stopping early. */
import type { Row } from "typegrad/course";

export const penalties: readonly Row[] = [];
