/** Transposed convolution over one, two or three spatial axes: what a convolution does to gradients, as a layer. */
import { ShapeError, type Tensor, convolution } from "../../index.js";
import { Module } from "../../tree/index.js";
import { layerBias, layerWeight } from "../initializers.js";
import type { Channels } from "../layer.js";
import { pad } from "../padding.js";
import { checkInput, type PerAxis, perAxis, spatialShape } from "../spatial.js";
import type { ConvLayerOptions } from "./conv.js";
import { checkGroups, type TransposedOptions, convTransposeOutputSize, transposedWindows } from "./geometry.js";

export interface ConvTransposeOptions extends TransposedOptions {
  /** Groups of channels that do not see each other. */
  readonly groups?: number;
}

type Geometry = ReturnType<typeof transposedWindows>;

/** A weight `[in, out / groups, …K]` as the convolution needs it: `[out, in / groups, …K]`, turned by 180°. */
function turned(weight: Tensor, groups: number): Tensor {
  const [into, out, ...kernel] = weight.shape;
  const axes = kernel.map((_, i) => i);
  const swapped = weight
    .reshape([groups, into / groups, out, ...kernel])
    .transpose([0, 2, 1, ...axes.map((i) => i + 3)])
    .reshape([groups * out, into / groups, ...kernel]);
  return swapped.flip(axes.map((i) => i + 2));
}

/** As a convolution of the input with zeros between its elements. */
function throughGaps(x: Tensor, weight: Tensor, groups: number, g: Geometry): Tensor {
  return convolution(x, turned(weight, groups), {
    inputDilations: g.strides,
    dilations: g.dilations,
    groups,
    padding: g.padding.map(([before, after], i) => {
      const span = g.dilations[i] * (g.kernel[i] - 1);
      return [span - before, span - after + g.outputPadding[i]];
    }),
  });
}

/**
 * As one convolution without zeros between elements, whose channels are the S phases of the output (Shi et al. 2016): tap
 * `q S + r` of the kernel reaches output `j S + r` from input `j - q`. Needs dilation 1 where the stride is not.
 */
function throughPhases(x: Tensor, weight: Tensor, groups: number, g: Geometry): Tensor {
  const [n, into, ...lengths] = x.shape;
  const out = weight.shape[1];
  const { kernel, strides, dilations } = g;
  const axes = kernel.map((_, i) => i);
  const taps = axes.map((i) => Math.ceil(kernel[i] / strides[i]));
  const phases = strides.reduce((a, b) => a * b, 1);
  const phased = pad(
    weight,
    axes.map((i) => [0, taps[i] * strides[i] - kernel[i]]),
  )
    .reshape([groups, into / groups, out, ...axes.flatMap((i) => [taps[i], strides[i]])])
    .transpose([0, 2, ...axes.map((i) => 4 + 2 * i), 1, ...axes.map((i) => 3 + 2 * i)])
    .reshape([groups * out * phases, into / groups, ...taps])
    .flip(axes.map((i) => i + 2));
  const spans = axes.map((i) => dilations[i] * (taps[i] - 1));
  const y = convolution(x, phased, { dilations, groups, padding: spans.map((span) => [span, span]) });
  const wide = lengths.map((length, i) => length + spans[i]);
  const whole = y
    .reshape([n, groups * out, ...strides, ...wide])
    .transpose([0, 1, ...axes.flatMap((i) => [2 + axes.length + i, 2 + i])])
    .reshape([n, groups * out, ...wide.map((length, i) => length * strides[i])]);
  const surplus = axes.map((i) => (strides[i] === 1 ? 0 : taps[i] * strides[i] - kernel[i]));
  return pad(
    whole,
    g.padding.map(([before, after], i) => [-before, g.outputPadding[i] - after - surplus[i]]),
  );
}

function convTranspose(
  rank: number,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvTransposeOptions,
): Tensor {
  const name = `convTranspose${rank}d`;
  const lengths = spatialShape(name, x, rank);
  const { groups = 1, ...rest } = options;
  const [into, out, ...kernel] = weight.shape;
  if (kernel.length !== rank || x.shape[1] !== into || into % groups !== 0)
    throw new ShapeError(
      `${name}: the weight must be [channels, out / groups, …kernel] with ${groups} groups, got ${x.describe()} and weight ${weight.describe()}. check the number of input channels`,
    );
  if (bias && bias.shape.join() !== String(out * groups))
    throw new ShapeError(
      `${name}: the bias must be [${out * groups}], one for each output, got ${bias.describe()}. reshape it`,
    );
  const g = transposedWindows(name, kernel, rest);
  if (convTransposeOutputSize(lengths, kernel, rest).some((n) => n < 1))
    throw new ShapeError(
      `${name}: padding must leave something of the output, got ${JSON.stringify(g.padding)} for ${x.describe()} and weight ${weight.describe()}. cut off less`,
    );
  const strided = g.strides.some((s) => s > 1);
  const undilated = g.strides.every((s, i) => s === 1 || g.dilations[i] === 1);
  const y = (strided && undilated ? throughPhases : throughGaps)(x, weight, groups, g);
  return bias ? y.add(bias.reshape([out * groups, ...kernel.map(() => 1)])) : y;
}

/**
 * The transpose of `conv1d` as a linear map of its input, `[N, in, L]` with a weight `[in, out / groups, K]`: every element
 * of the input lays a copy of the kernel, times itself, at `l · stride - padding`, and the copies add up.
 */
export const convTranspose1d = (
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTransposeOptions = {},
): Tensor => convTranspose(1, x, weight, bias, options);

/** The transpose of `conv2d`: `[N, in, H, W]` with a weight `[in, out / groups, KH, KW]`. */
export const convTranspose2d = (
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTransposeOptions = {},
): Tensor => convTranspose(2, x, weight, bias, options);

/** The transpose of `conv3d`: `[N, in, D, H, W]` with a weight `[in, out / groups, KD, KH, KW]`. */
export const convTranspose3d = (
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTransposeOptions = {},
): Tensor => convTranspose(3, x, weight, bias, options);

export interface ConvTransposeLayerOptions
  extends ConvTransposeOptions, Pick<ConvLayerOptions, "bias" | "initWeight" | "initBias"> {}

/** A learnt transposed convolution. It starts as PyTorch's does: uniform within `±1 / √(out / groups · kernel)`. */
export abstract class ConvTranspose<In extends number, Out extends number> extends Module {
  declare readonly shapes: Channels<In, Out>;
  weight: Tensor;
  bias: Tensor | null;
  readonly options: ConvTransposeOptions;

  constructor(rank: number, inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvTransposeLayerOptions) {
    super();
    const name = `ConvTranspose${rank}d`;
    const { bias = true, initWeight = layerWeight(), initBias, ...rest } = options;
    const { groups = 1 } = rest;
    checkGroups(name, inChannels, outChannels, groups);
    const sizes = perAxis(name, "kernel", kernel, rank);
    transposedWindows(name, sizes, rest);
    const shape = [inChannels, outChannels / groups, ...sizes];
    this.options = rest;
    this.weight = initWeight(shape);
    const fan = shape.slice(1).reduce((a, b) => a * b);
    this.bias = bias ? (initBias ?? layerBias(fan))([outChannels]) : null;
  }

  forward(x: Tensor): Tensor {
    const rank = this.weight.rank - 2;
    checkInput(`ConvTranspose${rank}d`, x, rank, this.weight.shape[0]);
    return convTranspose(rank, x, this.weight, this.bias, this.options);
  }
}

/** Learnt transposed convolution `[N, in, L]` to `[N, out, L']`. */
export class ConvTranspose1d<In extends number = number, Out extends number = number> extends ConvTranspose<In, Out> {
  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super(1, inChannels, outChannels, kernel, options);
  }
}

/** Learnt transposed convolution `[N, in, H, W]` to `[N, out, H', W']`. */
export class ConvTranspose2d<In extends number = number, Out extends number = number> extends ConvTranspose<In, Out> {
  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super(2, inChannels, outChannels, kernel, options);
  }
}

/** Learnt transposed convolution `[N, in, D, H, W]` to `[N, out, D', H', W']`. */
export class ConvTranspose3d<In extends number = number, Out extends number = number> extends ConvTranspose<In, Out> {
  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super(3, inChannels, outChannels, kernel, options);
  }
}
