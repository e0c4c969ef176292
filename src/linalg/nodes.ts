/** Matrix algebra on nodes, for derivative rules. Matrices are the last two axes; leading axes broadcast. */
import type { DType } from "../ir/dtype.js";
import type { Node } from "../ir/node.js";
import { fillLike, iota } from "../primitive/leaf.js";
import { convert, equal, less, lessEqual, notEqual } from "../primitive/arithmetic.js";
import { sum } from "../primitive/define.js";
import { reshape, swapAxes } from "../primitive/movement.js";
import { matmul, pairs, where } from "../tensor/operations.js";

export const { add, sub, mul, div } = pairs;
export { matmul };

/** The two last axes swapped. */
export const transposed = (x: Node): Node => swapAxes(x, x.shape.length - 2, x.shape.length - 1);

/** A vector as a column: a new last axis of length 1. */
export const asColumn = (v: Node): Node => reshape(v, [...v.shape, 1]);
/** A vector as a row: a new axis of length 1 before the last. */
export const asRow = (v: Node): Node => reshape(v, v.shape.toSpliced(-1, 0, 1));

/** A matrix m × n of bools: what a row and a column have to be for an element to count. */
const pattern = (m: number, n: number, holds: (row: Node, column: Node) => Node): Node =>
  holds(iota("int32", [m, n], 0), iota("int32", [m, n], 1));

/** The identity matrix. */
export const identity = (n: number, dtype: DType): Node => convert(pattern(n, n, equal), dtype);

/** The elements of a matrix where a pattern holds, else 0. */
const part =
  (holds: (row: Node, column: Node) => Node) =>
  (x: Node): Node => {
    const [m, n] = x.shape.slice(-2);
    return where(pattern(m, n, holds), x, 0);
  };
/** What stands below the diagonal, without it. */
export const strictlyLower = part((row, column) => less(column, row));
/** What stands on and below the diagonal. */
export const lower = part((row, column) => lessEqual(column, row));
/** What stands on and above the diagonal. */
export const upper = part(lessEqual);
/** What does not stand on the diagonal. */
export const offDiagonal = part(notEqual);
const onDiagonal = part(equal);
/** The diagonal of a square matrix as a vector. */
export const diagonal = (x: Node): Node => sum(onDiagonal(x), [x.shape.length - 1]);

/** `(x + xᵀ)/2`. */
export const symmetric = (x: Node): Node => mul(add(x, transposed(x)), 0.5);

/** `y[i, j] = 1 / (v[j] - v[i])` off the diagonal and 0 on it. Infinite where two elements are equal. */
export function reciprocalGaps(v: Node): Node {
  const gaps = sub(asRow(v), asColumn(v));
  const eye = identity(v.shape[v.shape.length - 1], v.dtype);
  return sub(div(fillLike(gaps, 1), add(gaps, eye)), eye);
}
