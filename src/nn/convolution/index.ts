/** Convolutions as functions and layers, and what they are as matrices, sums and fields of view. */
export * from "./conv.js";
export * from "./depthwise.js";
export {
  convOutputSize,
  type ConvPadding,
  convTransposeOutputSize,
  type OutputSizeOptions,
  type TransposedOptions,
  type WindowOptions,
} from "./geometry.js";
export * from "./transposed.js";
export * from "./local.js";
export { fold, unfold } from "./unfold.js";
export { convolutionMatrix } from "./matrix.js";
export { effectiveReceptiveField, type ReceptiveField, receptiveField, type Windowing } from "./receptive-field.js";
export { convolve, type ConvolveMode, type ConvolveOptions, correlate } from "./signals.js";
