/** Matrix algebra on nodes, for derivative rules. Matrices are the last two axes; leading axes broadcast. */
import type { DType } from "../ir/dtype.js";
import type { Node } from "../ir/node.js";
import { fillLike, iota } from "../primitive/leaf.js";
import { convert, equal, less, lessEqual } from "../primitive/arithmetic.js";
import { sum } from "../primitive/define.js";
import { reshape, transpose } from "../primitive/movement.js";
import { matmul, pairs, where } from "../tensor/operations.js";
import { range } from "../util/arrays.js";

export const { add, sub, mul, div } = pairs;
export { matmul };

/** The two last axes swapped. */
export function transposed(x: Node): Node {
  const rank = x.shape.length;
  return transpose(x, [...range(rank - 2), rank - 1, rank - 2]);
}

/** A vector as a column: a new last axis of length 1. */
export const asColumn = (v: Node): Node => reshape(v, [...v.shape, 1]);
/** A vector as a row: a new axis of length 1 before the last. */
export const asRow = (v: Node): Node => reshape(v, v.shape.toSpliced(-1, 0, 1));

const rowIndex = (rows: number, columns: number): Node => iota("int32", [rows, columns], 0);
const columnIndex = (rows: number, columns: number): Node => iota("int32", [rows, columns], 1);

/** The identity matrix. */
export const identity = (n: number, dtype: DType): Node => convert(equal(rowIndex(n, n), columnIndex(n, n)), dtype);

/** What stands below the diagonal, without it. */
export const strictlyLower = (x: Node): Node => {
  const [m, n] = x.shape.slice(-2);
  return where(less(columnIndex(m, n), rowIndex(m, n)), x, 0);
};
/** What stands on and below the diagonal. */
export const lower = (x: Node): Node => {
  const [m, n] = x.shape.slice(-2);
  return where(lessEqual(columnIndex(m, n), rowIndex(m, n)), x, 0);
};
/** What stands on and above the diagonal. */
export const upper = (x: Node): Node => {
  const [m, n] = x.shape.slice(-2);
  return where(lessEqual(rowIndex(m, n), columnIndex(m, n)), x, 0);
};
/** What does not stand on the diagonal. */
export const offDiagonal = (x: Node): Node => {
  const [m, n] = x.shape.slice(-2);
  return where(equal(rowIndex(m, n), columnIndex(m, n)), 0, x);
};
/** The diagonal of a square matrix as a vector. */
export const diagonal = (x: Node): Node => {
  const n = x.shape[x.shape.length - 1];
  return sum(where(equal(rowIndex(n, n), columnIndex(n, n)), x, 0), [x.shape.length - 1]);
};

/** `(x + xᵀ)/2`. */
export const symmetric = (x: Node): Node => mul(add(x, transposed(x)), 0.5);

/** `y[i, j] = 1 / (v[j] - v[i])` off the diagonal and 0 on it. Infinite where two elements are equal. */
export function reciprocalGaps(v: Node): Node {
  const gaps = sub(asRow(v), asColumn(v));
  const eye = identity(v.shape[v.shape.length - 1], v.dtype);
  return sub(div(fillLike(gaps, 1), add(gaps, eye)), eye);
}
