/** Products of matrices and vectors, and matrices of a given structure. */
import { arange, concatenate, type Tensor, stack, where, zerosLike } from "../tensor/index.js";
import { range } from "../util/arrays.js";
import { ArgumentError, operation, ShapeError } from "../util/errors.js";

/** The diagonal of a matrix, or the matrix of a diagonal when given a vector (NumPy's `diag`). */
export function diag(a: Tensor): Tensor {
  if (a.rank === 0) throw new ShapeError(`diag: a vector or a matrix is needed, got ${a.describe()}. reshape it`);
  if (a.rank === 1) {
    const i = arange(a.size);
    const onDiagonal = i.expandDims(1).equal(i.expandDims(0));
    return where(onDiagonal, a.expandDims(0), zerosLike(a).expandDims(0));
  }
  const [rows, columns] = a.shape.slice(-2);
  const n = Math.min(rows, columns);
  const flat = a.reshape([...a.shape.slice(0, -2), rows * columns]);
  return flat.take(arange(0, n * (columns + 1), columns + 1).at(`:${n}`), -1);
}

/** `Σᵢ a[i, i]`. */
export function trace(a: Tensor): Tensor {
  if (a.rank < 2) throw new ShapeError(`trace: a matrix is needed, got ${a.describe()}. reshape it`);
  return diag(a).sum(-1);
}

/** The Kronecker product of matrices, blocks `a[i, j]·b`; leading axes broadcast. */
export function kron(a: Tensor, b: Tensor): Tensor {
  if (a.rank < 2 || b.rank < 2)
    throw new ShapeError(`kron: two matrices are needed, got ${a.describe()} and ${b.describe()}. reshape them`);
  const blocks = a.expandDims(-1).expandDims(-3).mul(b.expandDims(-2).expandDims(-4)); // […, i, k, j, l]
  const [m, p, n, q] = blocks.shape.slice(-4);
  return blocks.reshape([...blocks.shape.slice(0, -4), m * p, n * q]);
}

/** The inner product of two vectors. */
export function inner(a: Tensor, b: Tensor): Tensor {
  if (a.rank !== 1 || b.rank !== 1)
    throw new ShapeError(`inner: two vectors are needed, got ${a.describe()} and ${b.describe()}. use matmul`);
  return a.matmul(b);
}

/** The cross product of vectors of three components along an axis; the other axes broadcast. */
export const cross = operation("cross", (a: Tensor, b: Tensor, axis: number = -1): Tensor => {
  const [x, y] = [a.moveAxis(axis, -1), b.moveAxis(axis, -1)];
  if (x.shape.at(-1) !== 3 || y.shape.at(-1) !== 3)
    throw new ShapeError(
      `cross: vectors must have 3 components, got ${a.describe()} and ${b.describe()} along axis ${axis}. name another axis`,
    );
  const at = (v: Tensor, i: number): Tensor => v.at("...", i % 3);
  const parts = range(3).map((i) =>
    at(x, i + 1)
      .mul(at(y, i + 2))
      .sub(at(x, i + 2).mul(at(y, i + 1))),
  );
  return stack(parts, -1).moveAxis(-1, axis);
});

/** `t[i, j] = column[i - j]`, and `row[j - i]` above the diagonal; the row is the column unless given, its first element unused. */
export function toeplitz(column: Tensor, row: Tensor = column): Tensor {
  if (column.rank === 0 || row.rank === 0)
    throw new ShapeError(`toeplitz: vectors are needed, got ${column.describe()} and ${row.describe()}. reshape them`);
  const [m, n] = [column.shape[column.rank - 1], row.shape[row.rank - 1]];
  const values = concatenate([row.at("...", "1:").flip(-1), column], -1); // value d stands at d + n - 1
  const places = arange(m)
    .expandDims(1)
    .sub(arange(n).expandDims(0))
    .add(n - 1);
  return values.take(places, -1);
}

/**
 * The product of a chain of matrices (the first and last may be vectors) in the order that needs the fewest
 * multiplications (T. C. Hu and M. T. Shing, 1982; by dynamic programming).
 */
export function multiDot(matrices: readonly Tensor[]): Tensor {
  const [first] = matrices;
  if (first === undefined)
    throw new ArgumentError("multiDot: at least one matrix is needed, got none. pass the chain as a list");
  matrices.forEach((a, i) => {
    const isEnd = i === 0 || i === matrices.length - 1;
    if (!(a.rank === 2 || (a.rank === 1 && isEnd && matrices.length > 1)))
      throw new ShapeError(`multiDot: factor ${i} must be a matrix, got ${a.describe()}. vectors stand at the ends`);
  });
  const sizes = [
    first.rank === 1 ? 1 : first.shape[0],
    ...matrices.map((a, i) => (a.rank === 1 && i > 0 ? 1 : (a.shape.at(-1) ?? 1))),
  ];
  const split = bestSplits(sizes);
  const product = (i: number, j: number): Tensor =>
    i === j ? matrices[i] : product(i, split[i][j]).matmul(product(split[i][j] + 1, j));
  return product(0, matrices.length - 1);
}

/** Where to cut the chain from i to j: `k` for (i … k)(k + 1 … j), factor i being sizes[i] × sizes[i + 1]. */
function bestSplits(sizes: readonly number[]): number[][] {
  const count = sizes.length - 1;
  const cost = range(count).map(() => new Array<number>(count).fill(0));
  const split = range(count).map(() => new Array<number>(count).fill(0));
  for (let length = 1; length < count; length++)
    for (let i = 0; i + length < count; i++) {
      const j = i + length;
      const costs = range(length).map(
        (s) => cost[i][i + s] + cost[i + s + 1][j] + sizes[i] * sizes[i + s + 1] * sizes[j + 1],
      );
      cost[i][j] = Math.min(...costs);
      split[i][j] = i + costs.indexOf(cost[i][j]);
    }
  return split;
}
