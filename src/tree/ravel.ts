/** Trees as vectors. */
import { isFloat } from "../ir/dtype.js";
import { concatenate, split } from "../tensor/functions.js";
import type { Tensor } from "../tensor/tensor.js";
import { ArgumentError, ShapeError } from "../util/errors.js";
import { entries, map } from "./tree.js";

/** A tree as one vector, and the way back. */
export interface Raveled<T> {
  /** The parameters of the tree, one after the other; float64 when one of them is. */
  readonly vector: Tensor;
  /** The tree with parameters from a vector, in their own dtypes. It can be differentiated. */
  unravel(vector: Tensor): T;
}

/**
 * The parameters of a tree as one vector: its float tensors, but for buffers and what is frozen, which `unravel` leaves
 * as they are. JAX's `ravel_pytree`.
 */
export function ravel<T>(tree: T): Raveled<T> {
  const found = entries(tree).filter((e) => e.role === "parameter" && isFloat(e.leaf.dtype));
  if (found.length === 0)
    throw new ArgumentError("tree.ravel: there must be a float tensor in the tree, got none. check what is passed");
  const sizes = found.map((e) => e.leaf.size);
  const total = sizes.reduce((a, b) => a + b, 0);
  const places = new Map(found.map((e, i) => [e.path, i]));
  return {
    vector: concatenate(found.map((e) => e.leaf.flatten())),
    unravel(vector) {
      if (vector.rank !== 1 || vector.size !== total)
        throw new ShapeError(
          `tree.unravel: there must be ${total} numbers, got ${vector.describe()}. pass a vector like the one that came out`,
        );
      const parts = split(vector, sizes);
      return map((leaf, path) => {
        const i = places.get(path);
        return i === undefined ? leaf : parts[i].reshape(leaf.shape).astype(leaf.dtype);
      }, tree);
    },
  };
}
