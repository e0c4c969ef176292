/** Transposed convolution over one, two or three spatial axes: what a convolution does to gradients, as a layer. */
import { ArgumentError, ShapeError, type Tensor, convolution } from "../../index.js";
import { Module } from "../../tree/index.js";
import { layerBias, layerWeight } from "../initializers.js";
import type { Channels } from "../layer.js";
import { type PerAxis, perAxis, spatialShape } from "../spatial.js";
import type { ConvLayerOptions } from "./conv.js";
import { type TransposedOptions, convTransposeOutputSize, transposedWindows } from "./geometry.js";

export interface ConvTransposeOptions extends TransposedOptions {
  /** Groups of channels that do not see each other. */
  readonly groups?: number;
}

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
  const { strides, dilations, padding, outputPadding } = transposedWindows(name, kernel, rest);
  if (convTransposeOutputSize(lengths, kernel, rest).some((n) => n < 1))
    throw new ShapeError(
      `${name}: padding must leave something of the output, got ${JSON.stringify(padding)} for ${x.describe()} and weight ${weight.describe()}. cut off less`,
    );
  const y = convolution(x, turned(weight, groups), {
    inputDilations: strides,
    dilations,
    groups,
    padding: padding.map(([before, after], i) => {
      const span = dilations[i] * (kernel[i] - 1);
      return [span - before, span - after + outputPadding[i]];
    }),
  });
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
abstract class ConvTranspose<In extends number, Out extends number> extends Module {
  declare readonly shapes: Channels<In, Out>;
  weight: Tensor;
  bias: Tensor | null;
  readonly options: ConvTransposeOptions;

  constructor(rank: number, inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvTransposeLayerOptions) {
    super();
    const name = `ConvTranspose${rank}d`;
    const { bias = true, initWeight = layerWeight(), initBias, ...rest } = options;
    const { groups = 1 } = rest;
    if (!Number.isInteger(groups) || groups < 1 || inChannels % groups !== 0 || outChannels % groups !== 0)
      throw new ArgumentError(
        `${name}: groups must divide the channels, got ${groups} groups of ${inChannels} and ${outChannels} channels. choose a divisor of both`,
      );
    const sizes = perAxis(name, "kernel", kernel, rank);
    transposedWindows(name, sizes, rest);
    const shape = [inChannels, outChannels / groups, ...sizes];
    this.options = rest;
    this.weight = initWeight(shape);
    const fan = shape.slice(1).reduce((a, b) => a * b);
    this.bias = bias ? (initBias ?? layerBias(fan))([outChannels]) : null;
  }
}

/** Learnt transposed convolution `[N, in, L]` to `[N, out, L']`. */
export class ConvTranspose1d<In extends number = number, Out extends number = number> extends ConvTranspose<In, Out> {
  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super(1, inChannels, outChannels, kernel, options);
  }
  forward(x: Tensor): Tensor {
    return convTranspose1d(x, this.weight, this.bias, this.options);
  }
}

/** Learnt transposed convolution `[N, in, H, W]` to `[N, out, H', W']`. */
export class ConvTranspose2d<In extends number = number, Out extends number = number> extends ConvTranspose<In, Out> {
  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super(2, inChannels, outChannels, kernel, options);
  }
  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.options);
  }
}

/** Learnt transposed convolution `[N, in, D, H, W]` to `[N, out, D', H', W']`. */
export class ConvTranspose3d<In extends number = number, Out extends number = number> extends ConvTranspose<In, Out> {
  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super(3, inChannels, outChannels, kernel, options);
  }
  forward(x: Tensor): Tensor {
    return convTranspose3d(x, this.weight, this.bias, this.options);
  }
}
