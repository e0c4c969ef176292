/** Reading values where there are any. */
import { TraceError, type Tensor, type TypedArray } from "../index.js";

/** The elements, or `null` inside `compile` and `vmap`, where only shapes are known. */
export function readable(x: Tensor): TypedArray | null {
  try {
    return x.dataSync();
  } catch (error) {
    if (error instanceof TraceError) return null;
    throw error;
  }
}
