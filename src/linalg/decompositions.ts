/** Decompositions as users call them. Matrices are the last two axes; leading axes are a batch. */
import { type Complex, concatenate, Tensor, tril, triu } from "../tensor/index.js";
import { counter } from "../tensor/operations.js";
import { ArgumentError } from "../util/errors.js";
import { matrix, square, tensorsOf } from "./arguments.js";
import * as eigen from "./eigen.js";
import * as factor from "./factor.js";
import { identity } from "./nodes.js";
import * as spectral from "./spectral.js";
import * as triangular from "./triangular.js";

/**
 * Cholesky's factor: the lower triangular L with `L·Lᵀ = (a + aᵀ)/2`, or `Lᵀ` with `upper`. Where a matrix is not positive
 * definite its factor is NaN; with `check`, which reads the values, that is an `ArgumentError`.
 */
export function cholesky(a: Tensor, options: { readonly upper?: boolean; readonly check?: boolean } = {}): Tensor {
  const l = Tensor.of(triangular.cholesky(square("cholesky", a).node));
  if (options.check === true && l.isNaN().any().itemSync() !== 0)
    throw new ArgumentError(
      `cholesky: the matrix must be positive definite, got ${a.describe()} that is not. add a small multiple of the identity`,
    );
  return options.upper === true ? l.T : l;
}

/** Factors with `a = p·l·u`, and the rows in their new order: `a[permutation] = l·u`. */
export interface LU {
  readonly p: Tensor;
  readonly l: Tensor;
  readonly u: Tensor;
  readonly permutation: Tensor;
}

/**
 * LU with partial pivoting of a[…, m, n], k = min(m, n): permutation matrix p[…, m, m], unit lower triangular l[…, m, k],
 * upper triangular u[…, k, n]. A zero pivot leaves a zero on u's diagonal.
 */
export function lu(a: Tensor): LU {
  const [packed, permutation] = tensorsOf(factor.lu(matrix("lu", a).node));
  const [m, n] = a.shape.slice(-2);
  const k = Math.min(m, n);
  const ones = Tensor.of(identity(Math.max(m, k), packed.dtype)).at(`:${m}`, `:${k}`);
  const rows = Tensor.of(counter(m)).expandDims(1);
  return {
    p: rows.equal(permutation.expandDims(-2)).astype(packed.dtype),
    l: tril(packed.at("...", ":", `:${k}`), -1).add(ones),
    u: triu(packed.at("...", `:${k}`, ":")),
    permutation,
  };
}

/** The factors of `qr`. */
export interface QR {
  readonly q: Tensor;
  readonly r: Tensor;
}

/**
 * `a = q·r` with orthonormal columns and an upper triangle whose diagonal is not negative. For a[…, m, n], k = min(m, n):
 * "reduced" gives q[…, m, k] and r[…, k, n], "complete" q[…, m, m] and r[…, m, n]. The derivative needs the first k columns
 * to be independent.
 */
export function qr(a: Tensor, options: { readonly mode?: "reduced" | "complete" } = {}): QR {
  const x = matrix("qr", a);
  const [m, n] = x.shape.slice(-2);
  const [q, first] = tensorsOf(factor.qr(m < n ? x.at("...", `:${m}`).node : x.node));
  const r = m < n ? concatenate([first, q.T.matmul(x.at("...", `${m}:`))], -1) : first;
  if (options.mode !== "complete" || m <= n) return { q, r };
  return {
    q: concatenate([q, complement(q)], -1),
    r: r.pad(r.shape.map((_, i) => [0, i === r.rank - 2 ? m - n : 0])),
  };
}

/**
 * Orthonormal columns that complete those of q[…, m, k]: QR of q beside unit vectors. The rows that partial pivoting of q
 * leaves over name unit vectors which, with q, are independent.
 */
function complement(q: Tensor): Tensor {
  const [m, k] = q.shape.slice(-2);
  const [, order] = tensorsOf(factor.lu(q.node));
  const rows = Tensor.of(counter(m)).expandDims(1);
  const units = rows.equal(order.at("...", `${k}:`).expandDims(-2)).astype(q.dtype);
  const [basis] = tensorsOf(factor.qr(concatenate([q, units], -1).node));
  return basis.at("...", `${k}:`);
}

/** Eigenvalues `[…, n]` and eigenvectors, the columns of `[…, n, n]`. */
export interface Eigh {
  readonly values: Tensor;
  readonly vectors: Tensor;
}

/**
 * Eigenvalues, ascending, and orthonormal eigenvectors, as columns, of the symmetric matrix `(a + aᵀ)/2`. The largest
 * component of each vector is positive. Derivatives of the vectors are finite only where eigenvalues are distinct.
 */
export function eigh(a: Tensor): Eigh {
  const [values, vectors] = tensorsOf(spectral.eigh(square("eigh", a).node));
  return { values, vectors };
}
/** The eigenvalues of `eigh`; their derivative needs no distinctness. */
export const eigvalsh = (a: Tensor): Tensor => eigh(a).values;

/** Eigenvalues `[…, n]` and eigenvectors, the columns of `[…, n, n]`, as real and imaginary parts. */
export interface Eig {
  readonly values: Complex;
  readonly vectors: Complex;
}

/**
 * Eigenvalues and eigenvectors (columns of length 1 whose largest component is real and positive) of a general real
 * matrix: `a·V = V·diag(w)`, ordered by real, then imaginary part of w. Derivatives are finite only where eigenvalues are
 * distinct.
 */
export function eig(a: Tensor): Eig {
  const [wr, wi, vr, vi] = tensorsOf(eigen.eig(square("eig", a).node));
  return { values: { re: wr, im: wi }, vectors: { re: vr, im: vi } };
}
/** The eigenvalues of `eig`. */
export const eigvals = (a: Tensor): Complex => eig(a).values;

/** The factors of `svd`. */
export interface SVD {
  readonly u: Tensor;
  readonly s: Tensor;
  readonly vh: Tensor;
}

/**
 * `a = u·diag(s)·vh`. For a[…, m, n], k = min(m, n): s[…, k] descending; thin, u[…, m, k] and vh[…, k, n]; with `full`,
 * u[…, m, m] and vh[…, n, n]. The largest component of each column of u is positive. As in PyTorch, derivatives through u
 * or vh are finite only where singular values are distinct and (for a matrix that is not square) not 0; through s they
 * always are.
 */
export function svd(a: Tensor, options: { readonly full?: boolean } = {}): SVD {
  const x = matrix("svd", a);
  const [u, s, vh] = tensorsOf(spectral.svd(x.node));
  const [m, n] = x.shape.slice(-2);
  if (options.full !== true || m === n) return { u, s, vh };
  return m > n
    ? { u: concatenate([u, complement(u)], -1), s, vh }
    : { u, s, vh: concatenate([vh, complement(vh.T).T], -2) };
}
/** The singular values, descending; their derivative is finite for every matrix. */
export const svdvals = (a: Tensor): Tensor => svd(a).s;

/** Whether `a` is symmetric up to rounding and positive definite: all pivots of its Cholesky factor are. */
export function isPositiveDefinite(a: Tensor): Tensor {
  return isSymmetric(square("isPositiveDefinite", a)).and(cholesky(a).isNaN().any([-2, -1]).not());
}

/** Whether `a` is symmetric up to rounding with eigenvalues ≥ 0 up to rounding. */
export function isPositiveSemidefinite(a: Tensor): Tensor {
  const values = eigvalsh(square("isPositiveSemidefinite", a));
  const slack = values
    .abs()
    .max(-1)
    .mul(a.dtype === "float64" ? 1e-13 : 1e-5);
  return isSymmetric(a).and(values.min(-1).greaterEqual(slack.neg()));
}

function isSymmetric(a: Tensor): Tensor {
  const difference = a.sub(a.T).abs().max([-2, -1]);
  return difference.lessEqual(
    a
      .abs()
      .max([-2, -1])
      .mul(a.dtype === "float64" ? 1e-13 : 1e-5),
  );
}
