/** Linear algebra that needs no decomposition. Matrices are the last two axes; leading axes are a batch. */
import { arange, type Tensor, where, zerosLike } from "../tensor/index.js";
import type { Axes } from "../tensor/index.js";
import { ArgumentError, ShapeError } from "../util/errors.js";

function square(op: string, a: Tensor): number {
  const [rows, columns] = a.shape.slice(-2);
  if (a.rank < 2 || rows !== columns)
    throw new ShapeError(`${op}: the last two axes must be equally long, got ${a.describe()}. pass a square matrix`);
  return rows;
}

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
  square("trace", a);
  return diag(a).sum(-1);
}

/** `aⁿ` for an integer n ≥ 0, by repeated squaring. */
export function matrixPower(a: Tensor, n: number): Tensor {
  const size = square("matrixPower", a);
  if (!Number.isInteger(n) || n < 0)
    throw new ArgumentError(
      `matrixPower: the exponent must be an integer from 0, got ${n}. invert the matrix first for negative powers`,
    );
  const i = arange(size);
  let result = i.expandDims(1).equal(i.expandDims(0)).astype(a.dtype).broadcastTo(a.shape);
  for (let power: Tensor = a, rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result.matmul(power);
    if (rest > 1) power = power.matmul(power);
  }
  return result;
}

/**
 * The p-norm over axes, or of all elements: `(Σ |x|ᵖ)^(1/p)`; `Infinity` and `-Infinity` give the largest and smallest
 * magnitude, 0 the number of non-zero elements. The derivative of the 2-norm at 0 is 0.
 */
export function norm(
  a: Tensor,
  options: { readonly p?: number; readonly axes?: Axes; readonly keepDims?: boolean } = {},
): Tensor {
  const { p = 2, axes, keepDims = false } = options;
  const size = a.abs();
  if (p === Number.POSITIVE_INFINITY) return size.max(axes, { keepDims });
  if (p === Number.NEGATIVE_INFINITY) return size.min(axes, { keepDims });
  if (p === 0) return a.notEqual(0).astype("float32").sum(axes, { keepDims });
  if (p === 1) return size.sum(axes, { keepDims });
  if (p !== 2)
    return size
      .pow(p)
      .sum(axes, { keepDims })
      .pow(1 / p);
  const total = a.square().sum(axes, { keepDims });
  const isZero = total.equal(0);
  return where(isZero, 0, where(isZero, 1, total).sqrt());
}

/** The Kronecker product of two matrices: blocks `a[i, j]·b`. */
export function kron(a: Tensor, b: Tensor): Tensor {
  if (a.rank !== 2 || b.rank !== 2)
    throw new ShapeError(`kron: two matrices are needed, got ${a.describe()} and ${b.describe()}. reshape them`);
  const blocks = a.expandDims(1).expandDims(3).mul(b.expandDims(0).expandDims(2)); // [i, k, j, l]
  return blocks.reshape([a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]]);
}

/** The inner product of two vectors. */
export function inner(a: Tensor, b: Tensor): Tensor {
  if (a.rank !== 1 || b.rank !== 1)
    throw new ShapeError(`inner: two vectors are needed, got ${a.describe()} and ${b.describe()}. use matmul`);
  return a.matmul(b);
}
