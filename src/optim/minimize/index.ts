/** Minimisation of whole functions, in SciPy's manner. */
export { leastSquares, type LeastSquaresOptions, type LeastSquaresResult } from "./least-squares.js";
export { cg, type ConjugateGradientOptions, type ConjugateGradientResult } from "./linear.js";
export { type Method, minimize, type MinimizeOptions } from "./minimize.js";
export type { MinimizeResult, Progress, Status, Stopping } from "./result.js";
