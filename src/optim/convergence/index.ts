/** `typegrad/optim/convergence`: what a run shows of its function, and whether it keeps the published bounds. */
export * as bounds from "./bounds.js";
export {
  type Certificate,
  certify,
  descentLemma,
  distances,
  gaps,
  plInequality,
  strongConvexity,
  smoothness,
  sufficientDecrease,
} from "./certificates.js";
export { type Critical, type CriticalPoint, critical, curvatures } from "./curvature.js";
export { type FlowOptions, gradientFlow } from "./flow.js";
export { geometricRate, type LineFit, lineFit, logLogSlope, type RobbinsMonro, robbinsMonro } from "./rates.js";
export { follow, type FollowOptions, observe, type Trajectory } from "./trajectory.js";
