/** Optimizers: gradient transformations that chain, recipes made of them, and schedules. */
export * from "./averaging.js";
export * from "./gradients.js";
export { Lbfgs, lbfgs, type LbfgsOptions } from "./lbfgs.js";
export * from "./minimize/index.js";
export { l1Penalty, l2Penalty, type PenaltyOptions } from "./penalties.js";
export { Momentum, Nesterov, Optimizer, type Projection, type Rate, withParameters } from "./optimizer.js";
export * as projections from "./projections.js";
export * from "./recipes.js";
export * as schedules from "./schedules.js";
export type { Schedule } from "./schedules.js";
export {
  applyUpdates,
  chain,
  type GradientTransformation,
  identity,
  type Leaves,
  leavesOf,
  mapLeaves,
  masked,
  matrices,
  replaceLeaves,
  type ParameterMask,
  type State,
  stateless,
} from "./transformation.js";
export {
  type AdamaxState,
  type AdamMoments,
  type AdamState,
  type Moments,
  type MomentState,
  type NadamState,
  scaleByAdam,
  scaleByAdamax,
  scaleByLion,
  scaleByNadam,
  scaleByRadam,
} from "./moments.js";
export {
  addDecayedWeights,
  clipByGlobalNorm,
  clipByValue,
  globalNorm,
  scale,
  scaleByAdadelta,
  scaleByAdagrad,
  scaleByRms,
  scaleBySchedule,
  sign,
  trace,
  type TraceState,
} from "./transformations.js";
