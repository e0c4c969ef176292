/**
 * Residual networks (He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition, CVPR 2016). Fields are named as
 * torchvision's.
 */
import { ArgumentError, type Tensor } from "../index.js";
import { BatchNorm, Conv2d, type Initializer, initializers, Linear, maxPool2d, relu, Sequential } from "../nn/index.js";
import { Module } from "../tree/index.js";
import { checkPictures } from "./pictures.js";

/** Normal with variance `2 / fanOut`, which keeps the size of gradients through relus (He et al. 2015). */
const heInit: Initializer = (shape) => initializers.heNormal({ mode: "out" })(shape);

/** A convolution that keeps the lengths when its stride is 1; batch normalisation behind it makes a bias pointless. */
const conv = (from: number, to: number, kernel: number, stride = 1): Conv2d =>
  new Conv2d(from, to, kernel, { stride, padding: (kernel - 1) / 2, bias: false, initWeight: heInit });

/** A normalisation that starts with scale 0, so that its block starts as the identity, or with scale 1. */
function norm(features: number, startsAtZero = false): BatchNorm {
  const layer = new BatchNorm(features);
  if (startsAtZero) layer.weight = initializers.zeros()([features]);
  return layer;
}

/** How the input of a block meets an output with more channels and fewer positions (section 3.3 of the paper). */
export type Shortcut =
  /** Option A, no parameters: every other position, and zeros for the channels that are new. */
  | "A"
  /** Option B: a 1×1 convolution with the block's stride. */
  | "B";

/** Option A: `[N, C, H, W]` to `[N, features, ⌈H / stride⌉, ⌈W / stride⌉]`. */
export class PaddedShortcut extends Module {
  readonly features: number;
  readonly stride: number;

  constructor(features: number, stride: number) {
    super();
    this.features = features;
    this.stride = stride;
  }

  forward(x: Tensor): Tensor {
    const seen = this.stride === 1 ? x : x.at(":", ":", `::${this.stride}`, `::${this.stride}`);
    return seen.pad([
      [0, 0],
      [0, this.features - x.shape[1]],
      [0, 0],
      [0, 0],
    ]);
  }
}

const shortcutOf = (kind: Shortcut, from: number, to: number, stride: number): Sequential | PaddedShortcut | null => {
  if (from === to && stride === 1) return null;
  return kind === "A" ? new PaddedShortcut(to, stride) : new Sequential([conv(from, to, 1, stride), norm(to)]);
};

export interface BlockOptions {
  readonly stride?: number;
  readonly shortcut?: Shortcut;
  readonly zeroInitResidual?: boolean;
}

/** `relu(x + F(x))` with two 3×3 convolutions in F: `[N, in, H, W]` to `[N, width, H / stride, W / stride]`. */
export class BasicBlock extends Module {
  static readonly expansion = 1;
  conv1: Conv2d;
  bn1: BatchNorm;
  conv2: Conv2d;
  bn2: BatchNorm;
  downsample: Sequential | PaddedShortcut | null;

  constructor(from: number, width: number, options: BlockOptions = {}) {
    super();
    const { stride = 1, shortcut = "B", zeroInitResidual = false } = options;
    this.conv1 = conv(from, width, 3, stride);
    this.bn1 = norm(width);
    this.conv2 = conv(width, width, 3);
    this.bn2 = norm(width, zeroInitResidual);
    this.downsample = shortcutOf(shortcut, from, width, stride);
  }

  forward(x: Tensor): Tensor {
    const y = relu(this.bn1.forward(this.conv1.forward(x))); // [N, width, H / stride, W / stride]
    const residual = this.bn2.forward(this.conv2.forward(y)); // [N, width, H / stride, W / stride]
    return relu(residual.add(this.downsample?.forward(x) ?? x));
  }
}

/**
 * `relu(x + F(x))` with 1×1, 3×3 and 1×1 convolutions in F: `[N, in, H, W]` to `[N, 4 width, H / stride, W / stride]`. The
 * stride is at the 3×3 convolution, as torchvision has it; the paper has it at the first.
 */
export class Bottleneck extends Module {
  static readonly expansion = 4;
  conv1: Conv2d;
  bn1: BatchNorm;
  conv2: Conv2d;
  bn2: BatchNorm;
  conv3: Conv2d;
  bn3: BatchNorm;
  downsample: Sequential | PaddedShortcut | null;

  constructor(from: number, width: number, options: BlockOptions = {}) {
    super();
    const { stride = 1, shortcut = "B", zeroInitResidual = false } = options;
    const to = width * Bottleneck.expansion;
    this.conv1 = conv(from, width, 1);
    this.bn1 = norm(width);
    this.conv2 = conv(width, width, 3, stride);
    this.bn2 = norm(width);
    this.conv3 = conv(width, to, 1);
    this.bn3 = norm(to, zeroInitResidual);
    this.downsample = shortcutOf(shortcut, from, to, stride);
  }

  forward(x: Tensor): Tensor {
    const narrow = relu(this.bn1.forward(this.conv1.forward(x))); // [N, width, H, W]
    const y = relu(this.bn2.forward(this.conv2.forward(narrow))); // [N, width, H / stride, W / stride]
    const residual = this.bn3.forward(this.conv3.forward(y)); // [N, 4 width, H / stride, W / stride]
    return relu(residual.add(this.downsample?.forward(x) ?? x));
  }
}

type Block = typeof BasicBlock | typeof Bottleneck;

/** `count` blocks in a row, of which the first has the stride. */
const stage = (block: Block, from: number, width: number, count: number, options: BlockOptions): Sequential =>
  new Sequential(
    Array.from({ length: count }, (_, i) =>
      i === 0 ? new block(from, width, options) : new block(width * block.expansion, width, { ...options, stride: 1 }),
    ),
  );

export interface ResNetOptions {
  /** How many classes it tells apart; 10 for `resnet20` to `resnet56`, 1000 for the others. */
  readonly classes?: number;
  /** Channels of the pictures; 3 unless told. */
  readonly channels?: number;
  /** `"A"` for `resnet20` to `resnet56` unless told, `"B"` for the others. */
  readonly shortcut?: Shortcut;
  /** Whether every block starts as the identity (Goyal et al. 2017); false unless told. */
  readonly zeroInitResidual?: boolean;
  /** Channels of the first stage: 16 for `resnet20` to `resnet56`, 64 for the others. Later stages double it. */
  readonly width?: number;
}

/**
 * The small residual networks for pictures of about 32×32 (section 4.2 of the paper): a 3×3 convolution, then three stages
 * of n basic blocks with `width`, `2 width` and `4 width` channels. Any size of picture will do. With option A there are
 * `w² (378 n - 90) + w (9 channels + 28 n + 4 classes + 2) + classes` parameters, w being the width.
 */
export class CIFARResNet extends Module {
  conv1: Conv2d;
  bn1: BatchNorm;
  layer1: Sequential;
  layer2: Sequential;
  layer3: Sequential;
  fc: Linear;

  constructor(depth: number, options: ResNetOptions = {}) {
    super();
    const { classes = 10, channels = 3, width = 16, shortcut = "A", zeroInitResidual = false } = options;
    const n = (depth - 2) / 6;
    if (!Number.isInteger(n) || n < 1)
      throw new ArgumentError(
        `CIFARResNet: the depth must be 6 n + 2 for n blocks in each of three stages, got ${depth}. take 20, 32, 44 or 56`,
      );
    const blocks = { shortcut, zeroInitResidual };
    this.conv1 = conv(channels, width, 3);
    this.bn1 = norm(width);
    this.layer1 = stage(BasicBlock, width, width, n, blocks);
    this.layer2 = stage(BasicBlock, width, 2 * width, n, { ...blocks, stride: 2 });
    this.layer3 = stage(BasicBlock, 2 * width, 4 * width, n, { ...blocks, stride: 2 });
    this.fc = new Linear(4 * width, classes);
  }

  /** `[N, channels, H, W]` to logits `[N, classes]`. Shapes are those for width 16 and pictures of 32×32. */
  forward(x: Tensor): Tensor {
    checkPictures("CIFARResNet", x, this.conv1.weight.shape[1]);
    let y = relu(this.bn1.forward(this.conv1.forward(x))); // [N, 16, 32, 32]
    y = this.layer1.forward(y); // [N, 16, 32, 32]
    y = this.layer2.forward(y); // [N, 32, 16, 16]
    y = this.layer3.forward(y); // [N, 64, 8, 8]
    return this.fc.forward(y.mean([2, 3])); // [N, classes]
  }
}

/** ResNet-20 for small pictures: 269,722 parameters; 8.75 % error on CIFAR-10 in the paper. */
export const resnet20 = (options: ResNetOptions = {}): CIFARResNet => new CIFARResNet(20, options);
/** ResNet-32 for small pictures: 464,154 parameters; 7.51 % error on CIFAR-10 in the paper. */
export const resnet32 = (options: ResNetOptions = {}): CIFARResNet => new CIFARResNet(32, options);
/** ResNet-44 for small pictures: 658,586 parameters; 7.17 % error on CIFAR-10 in the paper. */
export const resnet44 = (options: ResNetOptions = {}): CIFARResNet => new CIFARResNet(44, options);
/** ResNet-56 for small pictures: 853,018 parameters; 6.97 % error on CIFAR-10 in the paper. */
export const resnet56 = (options: ResNetOptions = {}): CIFARResNet => new CIFARResNet(56, options);

/** The residual networks for ImageNet (table 1 of the paper): a stem, then four stages of blocks. */
export class ResNet extends Module {
  conv1: Conv2d;
  bn1: BatchNorm;
  layer1: Sequential;
  layer2: Sequential;
  layer3: Sequential;
  layer4: Sequential;
  fc: Linear;

  constructor(block: Block, counts: readonly [number, number, number, number], options: ResNetOptions = {}) {
    super();
    const { classes = 1000, channels = 3, width = 64, shortcut = "B", zeroInitResidual = false } = options;
    const blocks = { shortcut, zeroInitResidual };
    const e = block.expansion;
    this.conv1 = conv(channels, width, 7, 2);
    this.bn1 = norm(width);
    this.layer1 = stage(block, width, width, counts[0], blocks);
    this.layer2 = stage(block, e * width, 2 * width, counts[1], { ...blocks, stride: 2 });
    this.layer3 = stage(block, 2 * e * width, 4 * width, counts[2], { ...blocks, stride: 2 });
    this.layer4 = stage(block, 4 * e * width, 8 * width, counts[3], { ...blocks, stride: 2 });
    this.fc = new Linear(8 * e * width, classes);
  }

  /** `[N, channels, H, W]` to logits `[N, classes]`. Shapes are those of ResNet-50 for pictures of 224×224. */
  forward(x: Tensor): Tensor {
    checkPictures("ResNet", x, this.conv1.weight.shape[1]);
    let y = relu(this.bn1.forward(this.conv1.forward(x))); // [N, 64, 112, 112]
    y = maxPool2d(y, 3, { stride: 2, padding: 1 }); // [N, 64, 56, 56]
    y = this.layer1.forward(y); // [N, 256, 56, 56]
    y = this.layer2.forward(y); // [N, 512, 28, 28]
    y = this.layer3.forward(y); // [N, 1024, 14, 14]
    y = this.layer4.forward(y); // [N, 2048, 7, 7]
    return this.fc.forward(y.mean([2, 3])); // [N, classes]
  }
}

/** ResNet-18: 11,689,512 parameters; torchvision's top-1 accuracy on ImageNet is 69.76 %. */
export const resnet18 = (options: ResNetOptions = {}): ResNet => new ResNet(BasicBlock, [2, 2, 2, 2], options);
/** ResNet-34: 21,797,672 parameters; torchvision's top-1 accuracy on ImageNet is 73.31 %. */
export const resnet34 = (options: ResNetOptions = {}): ResNet => new ResNet(BasicBlock, [3, 4, 6, 3], options);
/** ResNet-50: 25,557,032 parameters; torchvision's top-1 accuracy on ImageNet is 76.13 %. */
export const resnet50 = (options: ResNetOptions = {}): ResNet => new ResNet(Bottleneck, [3, 4, 6, 3], options);
