/** Convolutions whose kernel differs from place to place. */
import { ArgumentError, type Shape, ShapeError, type Tensor, einsum } from "../../index.js";
import { Module } from "../../tree/index.js";
import { type Initializer, layerBias } from "../initializers.js";
import type { Channels } from "../layer.js";
import { checkCounts, checkInput, type PerAxis, perAxis, spatialShape } from "../spatial.js";
import { type WindowOptions, convOutputSize } from "./geometry.js";
import { windowsOf } from "./unfold.js";

/** Sums over channels and taps, by the number of axes. */
const sums = ["nclk,lock->nol", "nchwkj,hwockj->nohw"];

function locallyConnected(
  rank: number,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: WindowOptions,
): Tensor {
  const name = `locallyConnected${rank}d`;
  const lengths = spatialShape(name, x, rank);
  const places = weight.shape.slice(0, rank);
  const [, into, ...kernel] = weight.shape.slice(rank);
  const fits =
    kernel.length === rank &&
    into === x.shape[1] &&
    convOutputSize(lengths, kernel, options).every((n, i) => n === places[i]);
  if (!fits)
    throw new ShapeError(
      `${name}: the weight must be […places, out, channels, …kernel] with a place for every window, got ${x.describe()} and weight ${weight.describe()}. check the input's lengths`,
    );
  const outputs = [weight.shape[rank], ...places];
  if (bias && bias.shape.join() !== outputs.join())
    throw new ShapeError(
      `${name}: the bias must be [${outputs.join(",")}], one for each output and place, got ${bias.describe()}. reshape it`,
    );
  const y = einsum(sums[rank - 1], windowsOf(name, x, kernel, options), weight);
  return bias ? y.add(bias) : y;
}

/** `conv1d` with a kernel and a bias of its own for each of L places: a weight `[L, out, in, K]`, a bias `[out, L]`. */
export const locallyConnected1d = (
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: WindowOptions = {},
): Tensor => locallyConnected(1, x, weight, bias, options);

/** `conv2d` with a kernel and a bias for each place: a weight `[H', W', out, in, KH, KW]`, a bias `[out, H', W']`. */
export const locallyConnected2d = (
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: WindowOptions = {},
): Tensor => locallyConnected(2, x, weight, bias, options);

export interface LocallyConnectedOptions extends WindowOptions {
  /** Whether it adds a learnt bias; true unless told. */
  readonly bias?: boolean;
  readonly initWeight?: Initializer;
  readonly initBias?: Initializer;
}

/**
 * A convolution without shared weights, for inputs of fixed lengths: `places · out · (in · kernel + 1)` parameters. It starts
 * uniform within `±1 / √(in · kernel)`.
 */
abstract class LocallyConnected<In extends number, Out extends number> extends Module {
  declare readonly shapes: Channels<In, Out>;
  weight: Tensor;
  bias: Tensor | null;
  readonly options: WindowOptions;

  constructor(
    rank: number,
    inChannels: In,
    outChannels: Out,
    lengths: PerAxis,
    kernel: PerAxis,
    options: LocallyConnectedOptions,
  ) {
    super();
    const name = `LocallyConnected${rank}d`;
    checkCounts(name, "channels", [inChannels, outChannels]);
    const sizes = perAxis(name, "kernel", kernel, rank);
    const fan = sizes.reduce((a, b) => a * b, inChannels);
    const { bias = true, initWeight = layerBias(fan), initBias = layerBias(fan), ...rest } = options;
    const places: Shape = convOutputSize(perAxis(name, "lengths", lengths, rank), sizes, rest);
    if (places.some((n) => n < 1))
      throw new ArgumentError(
        `${name}: a kernel must fit into the input, got ${JSON.stringify(kernel)} for lengths ${JSON.stringify(lengths)}. pad, or take a smaller one`,
      );
    this.options = rest;
    this.weight = initWeight([...places, outChannels, inChannels, ...sizes]);
    this.bias = bias ? initBias([outChannels, ...places]) : null;
  }

  /** What its outputs see. */
  get windows(): WindowOptions & { readonly kernel: readonly number[] } {
    return { ...this.options, kernel: this.weight.shape.slice(this.weight.rank / 2 + 1) };
  }

  forward(x: Tensor): Tensor {
    const rank = this.weight.rank / 2 - 1;
    checkInput(`LocallyConnected${rank}d`, x, rank, this.weight.shape[rank + 1]);
    return locallyConnected(rank, x, this.weight, this.bias, this.options);
  }
}

/** `Conv1d` with weights of its own at every place: `[N, in, length]` to `[N, out, L']`. */
export class LocallyConnected1d<In extends number = number, Out extends number = number> extends LocallyConnected<
  In,
  Out
> {
  constructor(
    inChannels: In,
    outChannels: Out,
    length: PerAxis,
    kernel: PerAxis,
    options: LocallyConnectedOptions = {},
  ) {
    super(1, inChannels, outChannels, length, kernel, options);
  }
}

/** `Conv2d` with weights of its own at every place: `[N, in, …lengths]` to `[N, out, H', W']`. */
export class LocallyConnected2d<In extends number = number, Out extends number = number> extends LocallyConnected<
  In,
  Out
> {
  constructor(
    inChannels: In,
    outChannels: Out,
    lengths: PerAxis,
    kernel: PerAxis,
    options: LocallyConnectedOptions = {},
  ) {
    super(2, inChannels, outChannels, lengths, kernel, options);
  }
}
