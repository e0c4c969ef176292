/** REG-09 to REG-11 and REG-17 to REG-19: more data, more tasks, more models. */
import type { Row } from "typegrad/course";

export const learning: readonly Row[] = [];
