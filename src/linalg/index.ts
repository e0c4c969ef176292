/** Linear algebra. Matrices are the last two axes; leading axes are a batch. Everything can be differentiated. */
export type { Complex } from "../tensor/index.js";
export {
  cholesky,
  type Eig,
  eig,
  eigvals,
  type Eigh,
  eigh,
  eigvalsh,
  isPositiveDefinite,
  isPositiveSemidefinite,
  type LU,
  lu,
  type QR,
  qr,
  type SVD,
  svd,
  svdvals,
} from "./decompositions.js";
export { cond, type MatrixNorm, matrixNorm, norm, type NormOptions } from "./norms.js";
export { cross, diag, inner, kron, multiDot, toeplitz, trace } from "./products.js";
export {
  choleskySolve,
  det,
  expm,
  inv,
  logm,
  leadingMinors,
  type LeastSquares,
  lstsq,
  matrixPower,
  matrixRank,
  pinv,
  principalMinors,
  ridge,
  slogdet,
  solve,
  solveTriangular,
  sqrtm,
} from "./systems.js";
