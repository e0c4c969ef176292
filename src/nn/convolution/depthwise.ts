/** Convolutions that keep channels apart, and those followed by one that mixes them. */
import type { Tensor } from "../../index.js";
import { Module } from "../../tree/index.js";
import type { Channels, Layer } from "../layer.js";
import type { PerAxis } from "../spatial.js";
import { Conv1d, Conv2d, type ConvLayerOptions } from "./conv.js";

export interface DepthwiseOptions extends Omit<ConvLayerOptions, "groups"> {
  /** How many outputs each channel has; 1 unless told. */
  readonly multiplier?: number;
}

/** `Conv1d` with as many groups as channels: `[N, C, L]` to `[N, C · multiplier, L']`. */
export class DepthwiseConv1d<C extends number = number> extends Conv1d<C, number> {
  constructor(channels: C, kernel: PerAxis, options: DepthwiseOptions = {}) {
    super(channels, channels * (options.multiplier ?? 1), kernel, { ...options, groups: channels });
  }
}

/** `Conv2d` with as many groups as channels: `[N, C, H, W]` to `[N, C · multiplier, H', W']`. */
export class DepthwiseConv2d<C extends number = number> extends Conv2d<C, number> {
  constructor(channels: C, kernel: PerAxis, options: DepthwiseOptions = {}) {
    super(channels, channels * (options.multiplier ?? 1), kernel, { ...options, groups: channels });
  }
}

/** Options of both parts of a separable convolution: windows are the first one's, the bias is the second one's. */
function partsOf({ bias = true, initBias, ...rest }: DepthwiseOptions) {
  const { multiplier = 1, initWeight } = rest;
  return { multiplier, depthwise: { ...rest, bias: false }, pointwise: { bias, initBias, initWeight } };
}

/** A depthwise convolution, then one of width 1 that mixes the channels. */
abstract class Separable<In extends number, Out extends number, D extends Layer, P extends Layer> extends Module {
  declare readonly shapes: Channels<In, Out>;
  depthwise: D;
  pointwise: P;

  constructor(depthwise: D, pointwise: P) {
    super();
    this.depthwise = depthwise;
    this.pointwise = pointwise;
  }
  forward(x: Tensor): Tensor {
    return this.pointwise.forward(this.depthwise.forward(x));
  }
}

/**
 * A depthwise convolution without bias, then one of width 1 that mixes the channels, with bias unless told (Sifre 2014;
 * Chollet 2017): `[N, in, L]` to `[N, out, L']` with `C · multiplier · K + out · C · multiplier` weights in place of
 * `out · C · K`.
 */
export class SeparableConv1d<In extends number = number, Out extends number = number> extends Separable<
  In,
  Out,
  DepthwiseConv1d<In>,
  Conv1d<number, Out>
> {
  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: DepthwiseOptions = {}) {
    const { multiplier, depthwise, pointwise } = partsOf(options);
    super(
      new DepthwiseConv1d(inChannels, kernel, depthwise),
      new Conv1d(inChannels * multiplier, outChannels, 1, pointwise),
    );
  }
}

/** The same over images, `[N, in, H, W]` to `[N, out, H', W']`: `C · multiplier · KH · KW + out · C · multiplier` weights. */
export class SeparableConv2d<In extends number = number, Out extends number = number> extends Separable<
  In,
  Out,
  DepthwiseConv2d<In>,
  Conv2d<number, Out>
> {
  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: DepthwiseOptions = {}) {
    const { multiplier, depthwise, pointwise } = partsOf(options);
    super(
      new DepthwiseConv2d(inChannels, kernel, depthwise),
      new Conv2d(inChannels * multiplier, outChannels, 1, pointwise),
    );
  }
}
