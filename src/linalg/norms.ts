/** Norms of vectors and matrices, and the condition number. */
import { type Axes, type Tensor, where } from "../tensor/index.js";
import { ArgumentError, operation } from "../util/errors.js";
import { matrix, square } from "./arguments.js";
import { svdvals } from "./decompositions.js";
import { inv } from "./systems.js";

/** `√total`, with derivative 0 at 0. */
function root(total: Tensor): Tensor {
  const isZero = total.equal(0);
  return where(isZero, 0, where(isZero, 1, total).sqrt());
}

export interface NormOptions {
  /** 2 unless given. */
  readonly p?: number;
  /** All axes unless given. */
  readonly axes?: Axes;
  readonly keepDims?: boolean;
}

/**
 * The p-norm over axes, or of all elements: `(Σ |x|ᵖ)^(1/p)`; `Infinity` and `-Infinity` give the largest and smallest
 * magnitude, 0 the number of non-zero elements. The derivative of the 2-norm at 0 is 0.
 */
export const norm = operation("norm", (a: Tensor, options: NormOptions = {}): Tensor => {
  const { p = 2, axes, keepDims = false } = options;
  const size = a.abs();
  if (p === Number.POSITIVE_INFINITY) return size.max(axes, { keepDims });
  if (p === Number.NEGATIVE_INFINITY) return size.min(axes, { keepDims });
  if (p === 0)
    return a
      .notEqual(0)
      .astype(a.dtype === "float64" ? "float64" : "float32")
      .sum(axes, { keepDims });
  if (p === 1) return size.sum(axes, { keepDims });
  if (p === 2) return root(a.square().sum(axes, { keepDims }));
  return size
    .pow(p)
    .sum(axes, { keepDims })
    .pow(1 / p);
});

/** Which norm of a matrix; names and numbers as in NumPy. */
export type MatrixNorm = "fro" | "nuc" | number;

/**
 * The norm of the matrices in the last two axes: "fro" `√Σ|a|²` (the default), "nuc" `Σσ`, 2 the largest and -2 the
 * smallest singular value, 1 and -1 the largest and smallest sum of magnitudes of a column, ±Infinity of a row.
 */
export function matrixNorm(a: Tensor, kind: MatrixNorm = "fro", options: { readonly keepDims?: boolean } = {}): Tensor {
  const y = plainNorm(matrix("matrixNorm", a), kind);
  return options.keepDims === true ? y.expandDims(-1).expandDims(-1) : y;
}

function plainNorm(a: Tensor, kind: MatrixNorm): Tensor {
  switch (kind) {
    case "fro":
      return norm(a, { axes: [-2, -1] });
    case "nuc":
      return svdvals(a).sum(-1);
    case 2:
      return svdvals(a).max(-1);
    case -2:
      return svdvals(a).min(-1);
    case 1:
      return a.abs().sum(-2).max(-1);
    case -1:
      return a.abs().sum(-2).min(-1);
    case Number.POSITIVE_INFINITY:
      return a.abs().sum(-1).max(-1);
    case Number.NEGATIVE_INFINITY:
      return a.abs().sum(-1).min(-1);
    default:
      throw new ArgumentError(
        `matrixNorm: the kind must be "fro", "nuc", ±1, ±2 or ±Infinity, got ${kind}. use norm for p-norms of vectors`,
      );
  }
}

/**
 * The condition number: `σ₁/σₙ` (for any matrix) unless another norm is named, which gives `‖a‖·‖a⁻¹‖` (for a square
 * one). Infinite for a singular matrix.
 */
export function cond(a: Tensor, kind: MatrixNorm = 2): Tensor {
  if (kind === 2 || kind === -2) {
    const s = svdvals(matrix("cond", a));
    return kind === 2 ? s.max(-1).div(s.min(-1)) : s.min(-1).div(s.max(-1));
  }
  const x = square("cond", a);
  const inverse = inv(x);
  const size = matrixNorm(x, kind).mul(matrixNorm(inverse, kind));
  return where(
    inverse.isNaN().any([-2, -1]),
    where(x.isNaN().any([-2, -1]), Number.NaN, Number.POSITIVE_INFINITY),
    size,
  );
}
