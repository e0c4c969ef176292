/** Optimizers: gradient transformations that chain, recipes made of them, and schedules. */
export * from "./optimizer.js";
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
  replaceLeaves,
  type State,
  stateless,
} from "./transformation.js";
export {
  addDecayedWeights,
  type AdamMoments,
  type AdamState,
  clipByGlobalNorm,
  clipByValue,
  globalNorm,
  scale,
  scaleByAdagrad,
  scaleByAdam,
  scaleByRms,
  scaleBySchedule,
  trace,
  type TraceState,
} from "./transformations.js";
