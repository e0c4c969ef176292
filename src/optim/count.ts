/** Step counts in arithmetic. */
import { isFloat, type Tensor } from "../index.js";

/** The count as a float; one that is a float already keeps its precision. */
export const toFloat = (count: Tensor): Tensor => (isFloat(count.dtype) ? count : count.astype("float32"));
