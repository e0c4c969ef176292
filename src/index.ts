/** typegrad: tensors, differentiation and compilation. */
export * from "./api/index.js";
export type { DType, TypedArray } from "./ir/dtype.js";
export { isFloat, limits, promote } from "./ir/dtype.js";
export type { Shape } from "./ir/shape.js";
export { einsum } from "./linalg/einsum.js";
export * from "./tensor/index.js";
export * from "./util/errors.js";
export { Module } from "./tree/index.js";
export * as tree from "./tree/index.js";
export * as random from "./random/index.js";
