/** Linear algebra. Matrices are the last two axes; leading axes are a batch. Everything can be differentiated. */
export {
  cholesky,
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
export { cond, type MatrixNorm, matrixNorm, norm } from "./norms.js";
export { cross, diag, inner, kron, multiDot, toeplitz, trace } from "./products.js";
export {
  choleskySolve,
  det,
  inv,
  leadingMinors,
  type LeastSquares,
  lstsq,
  matrixPower,
  matrixRank,
  pinv,
  principalMinors,
  slogdet,
  solve,
  solveTriangular,
} from "./systems.js";
