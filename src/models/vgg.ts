/**
 * VGG networks (Simonyan & Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015):
 * stacks of 3×3 convolutions between poolings. Fields are named as torchvision's.
 */
import type { Tensor } from "../index.js";
import {
  adaptiveAvgPool2d,
  BatchNorm,
  Conv2d,
  Dropout,
  flatten,
  initializers,
  Linear,
  MaxPool2d,
  relu,
  Sequential,
  type Stage,
} from "../nn/index.js";
import { Module } from "../tree/index.js";
import { checkPictures } from "./pictures.js";

export interface VGGOptions {
  /** How many classes it tells apart; 1000 unless told. */
  readonly classes?: number;
  /** Channels of the pictures; 3 unless told. */
  readonly channels?: number;
  /** Probability of dropping an output of the first two linear layers; 0.5 unless told. */
  readonly dropout?: number;
  /** Whether every convolution is normalised, as in torchvision's `vgg16_bn`; false unless told. */
  readonly batchNorm?: boolean;
  /** Outputs of the first two linear layers; 4096 unless told. */
  readonly hidden?: number;
}

/** A 3×3 convolution that keeps the size: `[N, in, H, W]` to `[N, out, H, W]`. */
const conv = (from: number, to: number): Conv2d =>
  new Conv2d(from, to, 3, {
    padding: 1,
    initWeight: initializers.heNormal({ mode: "out" }),
    initBias: initializers.zeros(),
  });

const linear = (from: number, to: number): Linear =>
  new Linear(from, to, { initWeight: initializers.normal(0, 0.01), initBias: initializers.zeros() });

/** For every block the channels of its convolutions; blocks end with a pooling that halves the size. */
export type VGGBlocks = readonly (readonly number[])[];

/** Blocks of 3×3 convolutions, each ended by a pooling, and three linear layers: `[N, channels, H, W]` to logits `[N, classes]`. */
export class VGG extends Module {
  readonly channels: number;
  /** The least side of pictures: 1 is left after all poolings. */
  readonly leastSide: number;
  features: Sequential;
  classifier: Sequential;

  constructor(blocks: VGGBlocks, options: VGGOptions = {}) {
    super();
    const { classes = 1000, channels = 3, dropout = 0.5, batchNorm = false, hidden = 4096 } = options;
    this.channels = channels;
    this.leastSide = 2 ** blocks.length;
    let from = channels;
    const stages = blocks.flatMap((block): Stage[] => [
      ...block.flatMap((to): Stage[] => {
        const layer = conv(from, to);
        from = to;
        return batchNorm ? [layer, new BatchNorm(to), relu] : [layer, relu];
      }), // [N, out, H, W]
      new MaxPool2d(2), // [N, out, H / 2, W / 2]
    ]);
    this.features = new Sequential(stages);
    this.classifier = new Sequential([
      linear(from * 7 * 7, hidden), // [N, 4096]
      relu,
      new Dropout(dropout),
      linear(hidden, hidden), // [N, 4096]
      relu,
      new Dropout(dropout),
      linear(hidden, classes), // [N, classes]
    ]);
  }

  /** `[N, channels, H, W]` to logits `[N, classes]`. Shapes are those for pictures of 224×224. */
  forward(x: Tensor): Tensor {
    checkPictures("VGG", x, this.channels, this.leastSide);
    const maps = adaptiveAvgPool2d(this.features.forward(x), 7); // [N, 512, 7, 7]
    return this.classifier.forward(flatten(maps)); // [N, classes]
  }
}

/** `count` convolutions in each of the last three blocks. */
const blocks = (count: number): VGGBlocks => [
  [64, 64],
  [128, 128],
  ...[256, 512, 512].map((channels) => new Array<number>(count).fill(channels)),
];

/** VGG-16, column D of table 1: 138,357,544 parameters; torchvision's top-1 accuracy on ImageNet is 71.59 %. */
export const vgg16 = (options: VGGOptions = {}): VGG => new VGG(blocks(3), options);
/** VGG-19, column E of table 1: 143,667,240 parameters; torchvision's top-1 accuracy on ImageNet is 72.38 %. */
export const vgg19 = (options: VGGOptions = {}): VGG => new VGG(blocks(4), options);
