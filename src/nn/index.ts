/** Layers, activations, losses and initializers. Modules hold state, functions hold maths. */
export * from "./activation-layers.js";
export * from "./activations.js";
export * from "./convolution/index.js";
export * from "./dropout.js";
export { embedding, Embedding, type EmbeddingOptions } from "./embedding.js";
export { Ensemble, type EnsembleOptions, stackModels, unstackModels } from "./ensemble.js";
export { flatten, Flatten } from "./flatten.js";
export {
  affineGrid,
  type GridMode,
  type GridPadding,
  gridSample,
  sampleAt,
  type SampleOptions,
} from "./grid-sample.js";
export * as initializers from "./initializers.js";
export type { Initializer } from "./initializers.js";
export type * from "./layer.js";
export { linear, Linear, type LinearOptions } from "./linear.js";
export * from "./losses.js";
export { batchNorm, BatchNorm, instanceNorm, InstanceNorm, type RunningNormOptions } from "./batch-norm.js";
export {
  groupNorm,
  GroupNorm,
  layerNorm,
  LayerNorm,
  localResponseNorm,
  LocalResponseNorm,
  type LocalResponseOptions,
  normalize,
  type NormOptions,
  rmsNorm,
  RMSNorm,
} from "./norm.js";
export {
  Parametrized,
  SpectralNorm,
  spectralNorm,
  type SpectralNormOptions,
  WeightNorm,
  weightNorm,
} from "./parametrized.js";
export { mcDropout, monteCarlo, type Prediction } from "./monte-carlo.js";
export {
  CircularPad1d,
  CircularPad2d,
  CircularPad3d,
  ConstantPad1d,
  ConstantPad2d,
  ConstantPad3d,
  pad,
  type PadMode,
  type PadOptions,
  ReflectionPad1d,
  ReflectionPad2d,
  ReflectionPad3d,
  ReplicationPad1d,
  ReplicationPad2d,
  ReplicationPad3d,
  ZeroPad1d,
  ZeroPad2d,
  ZeroPad3d,
} from "./padding.js";
export type { Pairs, PerAxis } from "./spatial.js";
export * from "./pooling/index.js";
export { pytorchNames } from "./pytorch-names.js";
export { MultiTask, UncertaintyWeights, weightedSum } from "./multi-task.js";
export { Sequential, type Stage } from "./sequential.js";
export {
  cast,
  countParameters,
  freeze,
  type LoadReport,
  loadStateDict,
  namedParameters,
  type Naming,
  type StateDict,
  StateDictError,
  stateDict,
  unfreeze,
} from "./state.js";
export { Branches, DenseConnection, Residual, SqueezeExcite, type SqueezeExciteOptions } from "./structure.js";
export {
  interpolate,
  type InterpolateOptions,
  type InterpolationMode,
  pixelShuffle,
  PixelShuffle,
  pixelUnshuffle,
  PixelUnshuffle,
  Upsample,
} from "./upsample.js";
export { summary, type Summary, type SummaryKind, type SummaryRow } from "./summary.js";
export * from "./unlabelled-losses.js";
