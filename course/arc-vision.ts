/** ARC-01 to ARC-04, ARC-06, ARC-07 and ARC-11: networks that name what a picture shows. */
import type { Row } from "typegrad/course";

export const vision: readonly Row[] = [];
