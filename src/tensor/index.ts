export {
  arange,
  eye,
  full,
  fullLike,
  linspace,
  type NestedShape,
  ones,
  onesLike,
  tensor,
  type WithDType,
  zeros,
  zerosLike,
} from "./creation.js";
export { cummax, cummin, logCumSumExp, type RunningOptions } from "./cumulative.js";
export { device, deviceNames, getDevice, getThreads, setDevice, setThreads } from "./device.js";
export * from "./functions.js";
export { Slice } from "./indexing.js";
export { addAt, setAt } from "./updates.js";
export { type Index, type KeepDims, type Nested, Tensor } from "./tensor.js";
export type {
  Axes,
  Broadcast,
  Complex,
  Fits,
  MatMul,
  Mismatch,
  Operand,
  Permuted,
  Reduced,
  Reshaped,
  ShapeOf,
} from "./types.js";
