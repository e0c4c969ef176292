/** Approximation theory: piecewise linear functions, the networks that equal them, their regions, and fits. */
export type { AffineFunction, AffineMap } from "./affine.js";
export { foldingNetwork, maximumNetwork, maxTree, sawtooth } from "./constructions.js";
export { DifferenceOfMaxima, hinges, HingeSum, MaxAffine } from "./maxima.js";
export { KinkSum, polygonalFit, type PolygonalFit, PolygonalLine } from "./polygonal.js";
export { type Box, Polyhedron } from "./polyhedron.js";
export { absolutePolynomial, bernstein } from "./polynomials.js";
export { linearRegions, type LinearRegion, montufar, zaslavsky } from "./regions.js";
export { activationPattern, localAffineMap, ReluNetwork } from "./relu-network.js";
export {
  type Activation,
  fitGreedy,
  fitRandomFeatures,
  fitRidgePolynomials,
  fitRidgeSum,
  fourierAverage,
  planeDirections,
  type RandomUnits,
  RidgePolynomials,
  RidgeSum,
} from "./ridge.js";
export {
  type Margin,
  maxMargin,
  perceptron,
  type PerceptronRun,
  type PerceptronUpdate,
  withBias,
} from "./perceptron.js";
