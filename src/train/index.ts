/** Training: `fit`, metrics, and what tells of a run. */
export {
  type BatchEvent,
  type Callback,
  type EpochEvent,
  type EpochRecord,
  jsonLines,
  type StopReason,
} from "./callbacks.js";
export {
  type Batch,
  fit,
  type FitOptions,
  type FitResult,
  type Objective,
  type Source,
  type Trainable,
} from "./fit.js";
export {
  accuracy,
  bitsPerDimension,
  confusionMatrix,
  dice,
  iou,
  meanOf,
  type Measured,
  type Metric,
  type OverlapOptions,
  type Ratio,
  rmse,
  type Sums,
  topK,
} from "./metrics.js";
export type { Progress, TrainState } from "./state.js";
export { updateBatchNorm } from "./batch-statistics.js";
export { linearProbe, type LinearProbeOptions } from "./probe.js";
