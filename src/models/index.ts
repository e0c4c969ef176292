export { lenet5, type LeNet5 } from "./lenet5.js";
export * from "./resnet.js";
export { type MaskType, MaskedConv2d, PixelCnn, type PixelCnnOptions, pixelMask } from "./pixelcnn.js";
export type { SamplingOptions } from "./sampling.js";
export { causalReceptiveField, dilationCycles, WaveNet, type WaveNetMemory, type WaveNetOptions } from "./wavenet.js";
export { Tcn, type TcnOptions } from "./tcn.js";
export { UNet, type UNetOptions } from "./unet.js";
