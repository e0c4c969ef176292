/** `typegrad/optim/zoo`: functions to try optimizers on, with what is known about them. */
export { classics } from "./classics.js";
export {
  ackley,
  beale,
  booth,
  himmelblau,
  huber,
  monkeySaddle,
  polyakLojasiewicz,
  rastrigin,
  rosenbrock,
  saddle,
} from "./classics.js";
export { leastSquares, logisticRegression, quadratic, type QuadraticOptions } from "./data.js";
export { grid, type Specimen } from "./specimen.js";
