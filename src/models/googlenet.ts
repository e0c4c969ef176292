/**
 * GoogLeNet, the first Inception network (Szegedy et al., Going Deeper with Convolutions, CVPR 2015), with batch
 * normalisation as torchvision has it. Fields are named as torchvision's.
 */
import { ArgumentError, concatenate, type Tensor, tensor } from "../index.js";
import {
  adaptiveAvgPool2d,
  BatchNorm,
  Conv2d,
  Dropout,
  flatten,
  initializers,
  Linear,
  MaxPool2d,
  maxPool2d,
  relu,
  Sequential,
} from "../nn/index.js";
import { Module } from "../tree/index.js";
import { checkPictures } from "./pictures.js";

/** What weights start with: within two of `N(0, 0.01²)`. */
const initWeight = initializers.truncatedNormal(0, 0.01, -2, 2);

/** Convolution, normalisation and relu: `[N, in, H, W]` to `[N, out, H / stride, W / stride]`. */
export class ConvNorm extends Module {
  conv: Conv2d;
  bn: BatchNorm;

  constructor(from: number, to: number, kernel: number, stride = 1) {
    super();
    this.conv = new Conv2d(from, to, kernel, { stride, padding: (kernel - 1) / 2, bias: false, initWeight });
    this.bn = new BatchNorm(to, { epsilon: 1e-3 });
  }

  forward(x: Tensor): Tensor {
    return relu(this.bn.forward(this.conv.forward(x))); // [N, out, H / stride, W / stride]
  }
}

/** Channels in the columns of table 1 of the paper. */
export interface InceptionWidths {
  /** `#1×1`. */
  readonly one: number;
  /** `#3×3 reduce` and `#3×3`. */
  readonly three: readonly [reduce: number, out: number];
  /** `#5×5 reduce` and `#5×5`. */
  readonly five: readonly [reduce: number, out: number];
  /** `pool proj`. */
  readonly pool: number;
}

/** Four views of the same input side by side (figure 2 b of the paper): `[N, in, H, W]` to `[N, out, H, W]`. */
export class Inception extends Module {
  branch1: ConvNorm;
  branch2: Sequential;
  branch3: Sequential;
  branch4: Sequential;
  /** Channels that come out. */
  readonly out: number;

  constructor(from: number, { one, three, five, pool }: InceptionWidths, large: 3 | 5 = 3) {
    super();
    this.branch1 = new ConvNorm(from, one, 1); // [N, one, H, W]
    this.branch2 = new Sequential([
      new ConvNorm(from, three[0], 1), // [N, reduce, H, W]
      new ConvNorm(three[0], three[1], 3), // [N, out, H, W]
    ]);
    this.branch3 = new Sequential([
      new ConvNorm(from, five[0], 1), // [N, reduce, H, W]
      new ConvNorm(five[0], five[1], large), // [N, out, H, W]
    ]);
    this.branch4 = new Sequential([
      new MaxPool2d(3, { stride: 1, padding: 1 }), // [N, in, H, W]
      new ConvNorm(from, pool, 1), // [N, pool, H, W]
    ]);
    this.out = one + three[1] + five[1] + pool;
  }

  forward(x: Tensor): Tensor {
    const views = [this.branch1, this.branch2, this.branch3, this.branch4].map((branch) => branch.forward(x));
    return concatenate(views, 1); // [N, one + three + five + pool, H, W]
  }
}

/** A classifier on maps from the middle, for training only: `[N, in, H, W]` to logits `[N, classes]`. */
export class AuxiliaryClassifier extends Module {
  conv: ConvNorm;
  fc1: Linear;
  dropout: Dropout;
  fc2: Linear;

  constructor(from: number, classes: number, dropout: number) {
    super();
    this.conv = new ConvNorm(from, 128, 1);
    this.fc1 = new Linear(128 * 4 * 4, 1024, { initWeight });
    this.dropout = new Dropout(dropout);
    this.fc2 = new Linear(1024, classes, { initWeight });
  }

  forward(x: Tensor): Tensor {
    const maps = this.conv.forward(adaptiveAvgPool2d(x, 4)); // [N, 128, 4, 4]
    const hidden = relu(this.fc1.forward(flatten(maps))); // [N, 1024]
    return this.fc2.forward(this.dropout.forward(hidden)); // [N, classes]
  }
}

export interface GoogLeNetOptions {
  /** How many classes it tells apart; 1000 unless told. */
  readonly classes?: number;
  /** Channels of the pictures; 3 unless told. */
  readonly channels?: number;
  /** Whether it has the two classifiers for training; true unless told. */
  readonly auxiliary?: boolean;
  /** Probability of dropping an input of the last layer; 0.2 unless told (the paper has 0.4). */
  readonly dropout?: number;
  /** The same for the auxiliary classifiers; 0.7 unless told. */
  readonly auxiliaryDropout?: number;
  /** Kernel of the third branches: 5 is the paper's, 3 torchvision's, which its weights need. 3 unless told. */
  readonly largeKernel?: 3 | 5;
  /** Whether inputs are normalised as torchvision's and are to be moved to what its weights want; false unless told. */
  readonly transformInput?: boolean;
}

/** What a step of training needs: the loss is that of `logits` plus 0.3 times that of each of the auxiliary ones. */
export interface GoogLeNetOutputs {
  readonly logits: Tensor;
  /** Of the classifiers behind 4a and 4d; none without them. */
  readonly auxiliary: readonly Tensor[];
}

const widths = (
  one: number,
  three: readonly [number, number],
  five: readonly [number, number],
  pool: number,
): InceptionWidths => ({ one, three, five, pool });

/** Nine Inception modules behind three convolutions (table 1 of the paper): `[N, channels, H, W]` to logits `[N, classes]`. */
export class GoogLeNet extends Module {
  conv1: ConvNorm;
  conv2: ConvNorm;
  conv3: ConvNorm;
  inception3a: Inception;
  inception3b: Inception;
  inception4a: Inception;
  inception4b: Inception;
  inception4c: Inception;
  inception4d: Inception;
  inception4e: Inception;
  inception5a: Inception;
  inception5b: Inception;
  aux1: AuxiliaryClassifier | null;
  aux2: AuxiliaryClassifier | null;
  dropout: Dropout;
  fc: Linear;
  readonly transformInput: boolean;

  constructor(options: GoogLeNetOptions = {}) {
    super();
    const { classes = 1000, channels = 3, auxiliary = true, dropout = 0.2, auxiliaryDropout = 0.7 } = options;
    const { largeKernel = 3, transformInput = false } = options;
    if (transformInput && channels !== 3)
      throw new ArgumentError(
        `GoogLeNet: transformInput must go with pictures of 3 channels, got ${channels}. leave it out`,
      );
    const inception = (from: number, channelsOf: InceptionWidths): Inception =>
      new Inception(from, channelsOf, largeKernel);
    this.conv1 = new ConvNorm(channels, 64, 7, 2);
    this.conv2 = new ConvNorm(64, 64, 1);
    this.conv3 = new ConvNorm(64, 192, 3);
    this.inception3a = inception(192, widths(64, [96, 128], [16, 32], 32));
    this.inception3b = inception(256, widths(128, [128, 192], [32, 96], 64));
    this.inception4a = inception(480, widths(192, [96, 208], [16, 48], 64));
    this.inception4b = inception(512, widths(160, [112, 224], [24, 64], 64));
    this.inception4c = inception(512, widths(128, [128, 256], [24, 64], 64));
    this.inception4d = inception(512, widths(112, [144, 288], [32, 64], 64));
    this.inception4e = inception(528, widths(256, [160, 320], [32, 128], 128));
    this.inception5a = inception(832, widths(256, [160, 320], [32, 128], 128));
    this.inception5b = inception(832, widths(384, [192, 384], [48, 128], 128));
    this.aux1 = auxiliary ? new AuxiliaryClassifier(512, classes, auxiliaryDropout) : null;
    this.aux2 = auxiliary ? new AuxiliaryClassifier(528, classes, auxiliaryDropout) : null;
    this.dropout = new Dropout(dropout);
    this.fc = new Linear(1024, classes, { initWeight });
    this.transformInput = transformInput;
  }

  /** `[N, channels, H, W]` to logits `[N, classes]`. */
  forward(x: Tensor): Tensor {
    return this.#stages(x).logits;
  }

  /** `[N, channels, H, W]` to logits `[N, classes]` of all its classifiers. */
  forwardWithAuxiliary(x: Tensor): GoogLeNetOutputs {
    const { logits, after4a, after4d } = this.#stages(x);
    const auxiliary = [this.aux1?.forward(after4a), this.aux2?.forward(after4d)];
    return { logits, auxiliary: auxiliary.filter((y) => y !== undefined) };
  }

  /** Shapes are those for pictures of 224×224. */
  #stages(x: Tensor): { readonly logits: Tensor; readonly after4a: Tensor; readonly after4d: Tensor } {
    checkPictures("GoogLeNet", x, this.conv1.conv.weight.shape[1]);
    let y = this.conv1.forward(this.transformInput ? transformed(x) : x); // [N, 64, 112, 112]
    y = maxPool2d(y, 3, { stride: 2, ceilMode: true }); // [N, 64, 56, 56]
    y = this.conv3.forward(this.conv2.forward(y)); // [N, 192, 56, 56]
    y = maxPool2d(y, 3, { stride: 2, ceilMode: true }); // [N, 192, 28, 28]
    y = this.inception3a.forward(y); // [N, 256, 28, 28]
    y = this.inception3b.forward(y); // [N, 480, 28, 28]
    y = maxPool2d(y, 3, { stride: 2, ceilMode: true }); // [N, 480, 14, 14]
    const after4a = this.inception4a.forward(y); // [N, 512, 14, 14]
    y = this.inception4b.forward(after4a); // [N, 512, 14, 14]
    y = this.inception4c.forward(y); // [N, 512, 14, 14]
    const after4d = this.inception4d.forward(y); // [N, 528, 14, 14]
    y = this.inception4e.forward(after4d); // [N, 832, 14, 14]
    y = maxPool2d(y, 2, { stride: 2, ceilMode: true }); // [N, 832, 7, 7]
    y = this.inception5b.forward(this.inception5a.forward(y)); // [N, 1024, 7, 7]
    const logits = this.fc.forward(this.dropout.forward(y.mean([2, 3]))); // [N, classes]
    return { logits, after4a, after4d };
  }
}

/** From inputs with ImageNet's mean and deviation for each channel to those of the weights: mean and deviation 0.5. */
function transformed(x: Tensor): Tensor {
  const perChannel = (values: number[]): Tensor => tensor(values).astype(x.dtype).reshape([3, 1, 1]);
  const scale = perChannel([0.229, 0.224, 0.225].map((deviation) => deviation / 0.5));
  const shift = perChannel([0.485, 0.456, 0.406].map((mean) => (mean - 0.5) / 0.5));
  return x.mul(scale).add(shift);
}

/**
 * GoogLeNet: 13,004,888 parameters, of which 6,624,904 without the auxiliary classifiers; torchvision's top-1 accuracy on
 * ImageNet is 69.78 %.
 */
export const googlenet = (options: GoogLeNetOptions = {}): GoogLeNet => new GoogLeNet(options);
