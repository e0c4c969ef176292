/** Convolution over one, two or three spatial axes. */
import { ShapeError, type Tensor, convolution } from "../../index.js";
import { Module } from "../../tree/index.js";
import { type Initializer, layerBias, layerWeight } from "../initializers.js";
import type { Channels } from "../layer.js";
import { type PadMode, padFor } from "../padding.js";
import { checkInput, type PerAxis, perAxis, spatialShape } from "../spatial.js";
import { checkGroups, checkWindows, type WindowOptions, windowsOver } from "./geometry.js";

export interface ConvOptions extends WindowOptions {
  /** Groups of channels that do not see each other. */
  readonly groups?: number;
  /** What the padding holds; "zeros" unless told. */
  readonly paddingMode?: "zeros" | Exclude<PadMode, "constant">;
}

function conv(rank: number, x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions): Tensor {
  const name = `conv${rank}d`;
  const lengths = spatialShape(name, x, rank);
  const { groups = 1, paddingMode = "zeros" } = options;
  const [out, into, ...kernel] = weight.shape;
  if (kernel.length !== rank || x.shape[1] !== into * groups || out % groups !== 0)
    throw new ShapeError(
      `${name}: the weight must be [out, channels / groups, …kernel] with ${groups} groups, got ${x.describe()} and weight ${weight.describe()}. check the number of input channels`,
    );
  if (bias && bias.shape.join() !== String(out))
    throw new ShapeError(`${name}: the bias must be [${out}], one for each output, got ${bias.describe()}. reshape it`);
  const windows = windowsOver(name, lengths, kernel, options);
  checkWindows(name, x, windows);
  const { strides, dilations, padding } = windows;
  const zeros = paddingMode === "zeros";
  const y = convolution(zeros ? x : padFor(name, x, padding, { mode: paddingMode }), weight, {
    strides,
    dilations,
    groups,
    ...(zeros ? { padding } : {}),
  });
  return bias ? y.add(bias.reshape([out, ...kernel.map(() => 1)])) : y;
}

/**
 * Cross-correlation `[N, in, L]` with a weight `[out, in / groups, K]`:
 * `y[n, o, l] = bias[o] + Σ x[n, c, l · stride + k · dilation - padding] · weight[o, c, k]`.
 */
export const conv1d = (x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor =>
  conv(1, x, weight, bias, options);

/** Cross-correlation `[N, in, H, W]` with a weight `[out, in / groups, KH, KW]`. */
export const conv2d = (x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor =>
  conv(2, x, weight, bias, options);

/** Cross-correlation `[N, in, D, H, W]` with a weight `[out, in / groups, KD, KH, KW]`. */
export const conv3d = (x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor =>
  conv(3, x, weight, bias, options);

export interface ConvLayerOptions extends ConvOptions {
  /** Whether it adds a learnt bias; true unless told. */
  readonly bias?: boolean;
  readonly initWeight?: Initializer;
  readonly initBias?: Initializer;
}

/** A learnt convolution. It starts as PyTorch's does: uniform within `±1 / √(in / groups · kernel)`. */
abstract class Conv<In extends number, Out extends number> extends Module {
  declare readonly shapes: Channels<In, Out>;
  weight: Tensor;
  bias: Tensor | null;
  readonly options: ConvOptions;

  constructor(rank: number, inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvLayerOptions) {
    super();
    const { bias = true, initWeight = layerWeight(), initBias, ...rest } = options;
    const { groups = 1 } = rest;
    const name = `Conv${rank}d`;
    checkGroups(name, inChannels, outChannels, groups);
    const sizes = perAxis(name, "kernel", kernel, rank);
    windowsOver(name, sizes, sizes, rest);
    const shape = [outChannels, inChannels / groups, ...sizes];
    this.options = rest;
    this.weight = initWeight(shape);
    const fanIn = shape.slice(1).reduce((a, b) => a * b);
    this.bias = bias ? (initBias ?? layerBias(fanIn))([outChannels]) : null;
  }

  /** What its outputs see. */
  get windows(): WindowOptions & { readonly kernel: readonly number[] } {
    return { ...this.options, kernel: this.weight.shape.slice(2) };
  }

  forward(x: Tensor): Tensor {
    const rank = this.weight.rank - 2;
    checkInput(`Conv${rank}d`, x, rank, this.weight.shape[1] * (this.options.groups ?? 1));
    return conv(rank, x, this.weight, this.bias, this.options);
  }
}

/** Learnt convolution `[N, in, L]` to `[N, out, L']`. */
export class Conv1d<In extends number = number, Out extends number = number> extends Conv<In, Out> {
  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvLayerOptions = {}) {
    super(1, inChannels, outChannels, kernel, options);
  }
}

/** Learnt convolution `[N, in, H, W]` to `[N, out, H', W']`. */
export class Conv2d<In extends number = number, Out extends number = number> extends Conv<In, Out> {
  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvLayerOptions = {}) {
    super(2, inChannels, outChannels, kernel, options);
  }
}

/** Learnt convolution `[N, in, D, H, W]` to `[N, out, D', H', W']`. */
export class Conv3d<In extends number = number, Out extends number = number> extends Conv<In, Out> {
  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvLayerOptions = {}) {
    super(3, inChannels, outChannels, kernel, options);
  }
}
