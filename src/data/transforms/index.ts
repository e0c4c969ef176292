/** Augmentation: pictures of a batch changed at random, each by itself, with torchvision's names. */
export * from "./colour.js";
export {
  affine,
  type AffineMap,
  type AffineOptions,
  type BorderOptions,
  type Box,
  centerCrop,
  crop,
  hflip,
  type Interpolation,
  pad,
  type PerPicture,
  randomAffine,
  type RandomAffineOptions,
  randomCrop,
  randomHorizontalFlip,
  randomResizedCrop,
  randomRotation,
  randomVerticalFlip,
  resize,
  resizedCrop,
  type ResizedCropOptions,
  type ResizeOptions,
  rotate,
  type Sides,
  type Size,
  vflip,
} from "./geometry.js";
export { cutmix, type Mixed, type Mixing, type MixOptions, mixup, smoothLabels } from "./mixing.js";
export { type ErasingOptions, gaussianNoise, normalize, randomErasing } from "./noise.js";
export { compose, randomApply, type Range, type Transform } from "./transform.js";
