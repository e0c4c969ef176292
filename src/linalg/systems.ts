/** Linear systems, inverses, determinants. Matrices are the last two axes; leading axes are a batch. */
import { stack, Tensor } from "../tensor/index.js";
import { range } from "../util/arrays.js";
import { ArgumentError, ShapeError, shown } from "../util/errors.js";
import { epsilon, matrix, square, tensorsOf, together } from "./arguments.js";
import { cholesky, svdvals } from "./decompositions.js";
import * as determinant from "./determinant.js";
import * as factor from "./factor.js";
import * as functions from "./functions.js";
import { identity } from "./nodes.js";
import * as triangular from "./triangular.js";

/** Calls a solver of matrices with a right-hand side that may be one vector. */
function withRightSide(op: string, a: Tensor, b: Tensor, solver: (a: Tensor, b: Tensor) => Tensor): Tensor {
  if (b.rank === 0)
    throw new ShapeError(`${op}: the right-hand side needs an axis, got ${b.describe()}. pass a vector or a matrix`);
  const [left, right] = together(op, a, b.rank === 1 ? b.expandDims(1) : b);
  const x = solver(left, right);
  return b.rank === 1 ? x.squeeze(-1) : x;
}

/**
 * The solution of `a·x = b`: a[…, n, n] with b[n] gives x[…, n], with b[…, n, k] x[…, n, k]. Where a is exactly singular
 * the solution is NaN.
 */
export const solve = (a: Tensor, b: Tensor): Tensor =>
  withRightSide("solve", square("solve", a), b, (x, y) => Tensor.of(factor.solve(x.node, y.node)));

/**
 * The solution of `a·x = b`, or `aᵀ·x = b`, for a triangular a, of which the other triangle is not read (nor, with
 * `unitDiagonal`, the diagonal). Zeros on the diagonal give infinities.
 */
export function solveTriangular(
  a: Tensor,
  b: Tensor,
  options: { readonly upper?: boolean; readonly transpose?: boolean; readonly unitDiagonal?: boolean } = {},
): Tensor {
  const { upper = false, transpose = false, unitDiagonal = false } = options;
  const params = { lower: !upper, transpose, unit: unitDiagonal };
  return withRightSide("solveTriangular", square("solveTriangular", a), b, (x, y) =>
    Tensor.of(triangular.triangularSolve(x.node, y.node, params)),
  );
}

/** The solution of `l·lᵀ·x = b` for a Cholesky factor l. */
export const choleskySolve = (l: Tensor, b: Tensor): Tensor =>
  solveTriangular(l, solveTriangular(l, b), { transpose: true });

/** `a⁻¹`; NaN where a is exactly singular. */
export const inv = (a: Tensor): Tensor => Tensor.of(determinant.inverse(square("inv", a).node));

/** The tolerance up to which singular values count as 0 unless told: the longer side times the dtype's epsilon. */
const usualTolerance = (a: Tensor): number => Math.max(...a.shape.slice(-2)) * epsilon(a);

/** The Moore-Penrose inverse; singular values up to `tolerance` (relative to the largest) count as 0. */
export function pinv(a: Tensor, options: { readonly tolerance?: number } = {}): Tensor {
  const x = matrix("pinv", a);
  return Tensor.of(determinant.pinv(x.node, options.tolerance ?? usualTolerance(x)));
}

/** What `lstsq` found. */
export interface LeastSquares {
  readonly solution: Tensor;
  /** `‖a·x - b‖²` for each right-hand side. */
  readonly residuals: Tensor;
  readonly rank: Tensor;
  readonly singularValues: Tensor;
}

/**
 * The x of least norm among those that minimise `‖a·x - b‖`, for a[…, m, n] of any rank; b is a vector [m] or a matrix
 * […, m, k].
 */
export function lstsq(a: Tensor, b: Tensor, options: { readonly tolerance?: number } = {}): LeastSquares {
  const x = matrix("lstsq", a);
  const rows = b.shape[b.rank === 1 ? 0 : b.rank - 2];
  if (b.rank === 0 || rows !== x.shape[x.rank - 2])
    throw new ShapeError(
      `lstsq: the right-hand side must have as many rows as the matrix, got ${a.describe()} and ${b.describe()}. transpose or reshape it`,
    );
  const solution = withRightSide("lstsq", x, b, (left, right) => pinv(left, options).matmul(right));
  const difference = x.matmul(solution).sub(b);
  return {
    solution,
    residuals: difference.square().sum(b.rank === 1 ? -1 : -2),
    rank: matrixRank(x, options),
    singularValues: svdvals(x),
  };
}

/**
 * The x that minimises `‖a·x - b‖² + alpha ‖x‖²`, that is `(aᵀa + alpha I)⁻¹ aᵀb`, for a[m, n] and b[m] or b[m, k] (Tikhonov;
 * Hoerl & Kennard 1970). Subtract the means of the columns first for an intercept that is not penalised.
 */
export function ridge(a: Tensor, b: Tensor, alpha: number): Tensor {
  const x = matrix("ridge", a);
  if (!(alpha > 0)) throw new ArgumentError(`ridge: alpha must be positive, got ${alpha}. use lstsq for no penalty`);
  if (x.rank !== 2 || b.rank === 0 || b.rank > 2 || b.shape[0] !== x.shape[0])
    throw new ShapeError(
      `ridge: the right-hand side must have as many rows as the matrix, got ${a.describe()} and ${b.describe()}. transpose or reshape it`,
    );
  const [m, n] = x.shape;
  const shifted = (gram: Tensor, size: number): Tensor => gram.add(Tensor.of(identity(size, x.dtype)).mul(alpha));
  // The smaller of the two systems: (aᵀa + αI)⁻¹aᵀ = aᵀ(aaᵀ + αI)⁻¹.
  if (n <= m) return choleskySolve(cholesky(shifted(x.T.matmul(x), n)), x.T.matmul(b));
  return x.T.matmul(choleskySolve(cholesky(shifted(x.matmul(x.T), m)), b));
}

/** How many singular values exceed `tolerance` times the largest; int32. */
export function matrixRank(a: Tensor, options: { readonly tolerance?: number } = {}): Tensor {
  const s = svdvals(matrix("matrixRank", a));
  const least = s.max(-1, { keepDims: true }).mul(options.tolerance ?? usualTolerance(a));
  return s.greater(least).astype("int32").sum(-1);
}

/** The determinant; its derivative is the cofactor matrix, also where a is singular. */
export const det = (a: Tensor): Tensor => Tensor.of(determinant.det(square("det", a).node));

/** Sign and logarithm of the absolute value of the determinant; 0 and -∞ where a is singular. */
export function slogdet(a: Tensor): { readonly sign: Tensor; readonly logAbs: Tensor } {
  const [sign, logAbs] = tensorsOf(determinant.slogdet(square("slogdet", a).node));
  return { sign, logAbs };
}

/** The determinants of the upper left blocks of sizes 1 to n, in a new last axis: all > 0 for a positive definite matrix. */
export function leadingMinors(a: Tensor): Tensor {
  const x = square("leadingMinors", a);
  const sizes = range(x.shape[x.rank - 1]).map((k) => k + 1);
  return stack(
    sizes.map((k) => det(x.at("...", `:${k}`, `:${k}`))),
    -1,
  );
}

/**
 * The determinants of all 2ⁿ - 1 blocks that keep the same rows and columns, in a new last axis (subset s at s - 1, its
 * bits saying what stays): all ≥ 0 for a positive semidefinite matrix (Sylvester's criterion).
 */
export function principalMinors(a: Tensor): Tensor {
  const x = square("principalMinors", a);
  const n = x.shape[x.rank - 1];
  if (n > 16)
    throw new ArgumentError(`principalMinors: a matrix has at most 16 rows, got ${n}. use leadingMinors or cholesky`);
  const subsets = range(2 ** n - 1).map((s) => range(n).filter((i) => ((s + 1) >> i) & 1));
  const minors = subsets.map((kept) => det(x.at("...", kept, ":").at("...", kept)));
  return stack(minors, -1);
}

/** `aⁿ` for an integer n, by repeated squaring; negative powers of the inverse. */
export function matrixPower(a: Tensor, n: number): Tensor {
  if (!Number.isInteger(n))
    throw new ArgumentError(`matrixPower: the exponent must be an integer, got ${shown(n)}. round it`);
  const size = square("matrixPower", a).shape[a.rank - 1];
  let result = Tensor.of(identity(size, a.dtype)).broadcastTo(a.shape);
  let power: Tensor = n < 0 ? inv(a) : a;
  for (let rest = Math.abs(n); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result.matmul(power);
    if (rest > 1) power = power.matmul(power);
  }
  return result;
}

/** The exponential `e^a = Σ aᵏ/k!` of a square matrix. */
export const expm = (a: Tensor): Tensor => Tensor.of(functions.expm(square("expm", a).node));
/** The principal square root: x with `x·x = a` and eigenvalues of positive real part; NaN where there is none. */
export const sqrtm = (a: Tensor): Tensor => Tensor.of(functions.sqrtm(square("sqrtm", a).node));
/** The principal logarithm: x with `e^x = a`; NaN where an eigenvalue is 0 or negative. */
export const logm = (a: Tensor): Tensor => Tensor.of(functions.logm(square("logm", a).node));
