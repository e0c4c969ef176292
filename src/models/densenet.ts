/**
 * Densely connected networks (Huang, Liu, van der Maaten & Weinberger, Densely Connected Convolutional Networks, CVPR
 * 2017), the kind with bottlenecks and compression (DenseNet-BC). Fields are named as torchvision's.
 */
import { ArgumentError, concatenate, type Tensor } from "../index.js";
import { avgPool2d, BatchNorm, Conv2d, Dropout, initializers, Linear, maxPool2d, relu } from "../nn/index.js";
import { Module } from "../tree/index.js";
import { checkPictures } from "./pictures.js";

const conv = (from: number, to: number, kernel: number, stride = 1): Conv2d =>
  new Conv2d(from, to, kernel, {
    stride,
    padding: (kernel - 1) / 2,
    bias: false,
    initWeight: initializers.heNormal(),
  });

/** Normalisation, relu, 1×1 convolution, and the same with 3×3: `[N, in, H, W]` to `growthRate` new maps of the same size. */
export class DenseLayer extends Module {
  norm1: BatchNorm;
  conv1: Conv2d;
  norm2: BatchNorm;
  conv2: Conv2d;
  dropout: Dropout;

  constructor(from: number, growthRate: number, bottleneck: number, dropout: number) {
    super();
    this.norm1 = new BatchNorm(from);
    this.conv1 = conv(from, bottleneck * growthRate, 1);
    this.norm2 = new BatchNorm(bottleneck * growthRate);
    this.conv2 = conv(bottleneck * growthRate, growthRate, 3);
    this.dropout = new Dropout(dropout);
  }

  forward(x: Tensor): Tensor {
    const narrow = this.conv1.forward(relu(this.norm1.forward(x))); // [N, bottleneck · growthRate, H, W]
    const maps = this.conv2.forward(relu(this.norm2.forward(narrow))); // [N, growthRate, H, W]
    return this.dropout.forward(maps);
  }
}

/** Layers each of which sees what all before it made: `[N, in, H, W]` to `[N, in + count · growthRate, H, W]`. */
export class DenseBlock extends Module {
  readonly count: number;
  [layer: `denselayer${number}`]: DenseLayer;

  constructor(count: number, from: number, growthRate: number, bottleneck: number, dropout: number) {
    super();
    this.count = count;
    for (let i = 0; i < count; i++)
      this[`denselayer${i + 1}`] = new DenseLayer(from + i * growthRate, growthRate, bottleneck, dropout);
  }

  forward(x: Tensor): Tensor {
    let maps = x; // [N, in + i · growthRate, H, W]
    for (let i = 0; i < this.count; i++) maps = concatenate([maps, this[`denselayer${i + 1}`].forward(maps)], 1);
    return maps;
  }
}

/** Between blocks, half of the maps at half the size: `[N, in, H, W]` to `[N, out, H / 2, W / 2]`. */
export class Transition extends Module {
  norm: BatchNorm;
  conv: Conv2d;

  constructor(from: number, to: number) {
    super();
    this.norm = new BatchNorm(from);
    this.conv = conv(from, to, 1);
  }

  forward(x: Tensor): Tensor {
    const fewer = this.conv.forward(relu(this.norm.forward(x))); // [N, out, H, W]
    return avgPool2d(fewer, 2); // [N, out, H / 2, W / 2]
  }
}

export interface DenseNetOptions {
  /** How many classes it tells apart; 1000 unless told. */
  readonly classes?: number;
  /** Channels of the pictures; 3 unless told. */
  readonly channels?: number;
  /** Maps that each layer adds, k in the paper; 32 unless told. */
  readonly growthRate?: number;
  /** Layers of each block; 6, 12, 24 and 16 unless told. */
  readonly layers?: readonly number[];
  /** Maps of the first convolution; 64 unless told. */
  readonly width?: number;
  /** How many times `growthRate` the 1×1 convolutions give; 4 unless told. */
  readonly bottleneck?: number;
  /** Probability of dropping what a layer adds; 0 unless told. */
  readonly dropout?: number;
}

/** Stem, blocks with transitions between them, and a last normalisation: everything before the classifier. */
class DenseFeatures extends Module {
  readonly blocks: number;
  /** How many maps come out. */
  readonly maps: number;
  conv0: Conv2d;
  norm0: BatchNorm;
  [block: `denseblock${number}`]: DenseBlock;
  [transition: `transition${number}`]: Transition;
  norm5: BatchNorm;

  constructor(options: Required<Omit<DenseNetOptions, "classes">>) {
    super();
    const { channels, growthRate, layers, width, bottleneck, dropout } = options;
    this.blocks = layers.length;
    this.conv0 = conv(channels, width, 7, 2);
    this.norm0 = new BatchNorm(width);
    let maps = width;
    layers.forEach((count, i) => {
      if (i > 0) {
        this[`transition${i}`] = new Transition(maps, Math.floor(maps / 2));
        maps = Math.floor(maps / 2);
      }
      this[`denseblock${i + 1}`] = new DenseBlock(count, maps, growthRate, bottleneck, dropout);
      maps += count * growthRate;
    });
    this.norm5 = new BatchNorm(maps);
    this.maps = maps;
  }

  forward(x: Tensor): Tensor {
    let y = relu(this.norm0.forward(this.conv0.forward(x))); // [N, 64, 112, 112]
    y = maxPool2d(y, 3, { stride: 2, padding: 1 }); // [N, 64, 56, 56]
    y = this.denseblock1.forward(y); // [N, 256, 56, 56]
    for (let i = 1; i < this.blocks; i++) {
      y = this[`transition${i}`].forward(y); // [N, 128, 28, 28], [N, 256, 14, 14], [N, 512, 7, 7]
      y = this[`denseblock${i + 1}`].forward(y); // [N, 512, 28, 28], [N, 1024, 14, 14], [N, 1024, 7, 7]
    }
    return this.norm5.forward(y); // [N, 1024, 7, 7]
  }
}

/** A densely connected network for pictures of about 224×224 (table 1 of the paper). */
export class DenseNet extends Module {
  features: DenseFeatures;
  classifier: Linear;

  constructor(options: DenseNetOptions = {}) {
    super();
    const { classes = 1000, channels = 3, growthRate = 32, layers = [6, 12, 24, 16], width = 64 } = options;
    const { bottleneck = 4, dropout = 0 } = options;
    if (layers.length === 0)
      throw new ArgumentError("DenseNet: there must be at least one block, got layers []. give counts such as [6, 12]");
    this.features = new DenseFeatures({ channels, growthRate, layers, width, bottleneck, dropout });
    this.classifier = new Linear(this.features.maps, classes, { initBias: initializers.zeros() });
  }

  /** `[N, channels, H, W]` to logits `[N, classes]`. Shapes are those of DenseNet-121 for pictures of 224×224. */
  forward(x: Tensor): Tensor {
    // The stem rounds up twice, transitions round down.
    checkPictures("DenseNet", x, this.features.conv0.weight.shape[1], 4 * (2 ** (this.features.blocks - 1) - 1) + 1);
    const maps = relu(this.features.forward(x)); // [N, 1024, 7, 7]
    return this.classifier.forward(maps.mean([2, 3])); // [N, classes]
  }
}

/** DenseNet-121: 7,978,856 parameters; torchvision's top-1 accuracy on ImageNet is 74.43 %. */
export const densenet121 = (options: DenseNetOptions = {}): DenseNet => new DenseNet(options);
