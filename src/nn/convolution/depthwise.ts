/** Convolutions that keep channels apart, and those followed by one that mixes them. */
import type { Tensor } from "../../index.js";
import { Module } from "../../tree/index.js";
import type { Channels } from "../layer.js";
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

/**
 * A depthwise convolution without bias, then one of width 1 that mixes the channels, with bias unless told (Sifre 2014;
 * Chollet 2017): `C · multiplier · K + out · C · multiplier` weights in place of `out · C · K`.
 */
export class SeparableConv1d<In extends number = number, Out extends number = number> extends Module {
  declare readonly shapes: Channels<In, Out>;
  depthwise: DepthwiseConv1d<In>;
  pointwise: Conv1d<number, Out>;

  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: DepthwiseOptions = {}) {
    super();
    const { bias = true, initBias, ...rest } = options;
    this.depthwise = new DepthwiseConv1d(inChannels, kernel, { ...rest, bias: false });
    this.pointwise = new Conv1d(inChannels * (options.multiplier ?? 1), outChannels, 1, {
      bias,
      initBias,
      initWeight: options.initWeight,
    });
  }
  forward(x: Tensor): Tensor {
    return this.pointwise.forward(this.depthwise.forward(x));
  }
}

/** The same over images: `C · multiplier · KH · KW + out · C · multiplier` weights. */
export class SeparableConv2d<In extends number = number, Out extends number = number> extends Module {
  declare readonly shapes: Channels<In, Out>;
  depthwise: DepthwiseConv2d<In>;
  pointwise: Conv2d<number, Out>;

  constructor(inChannels: In, outChannels: Out, kernel: PerAxis, options: DepthwiseOptions = {}) {
    super();
    const { bias = true, initBias, ...rest } = options;
    this.depthwise = new DepthwiseConv2d(inChannels, kernel, { ...rest, bias: false });
    this.pointwise = new Conv2d(inChannels * (options.multiplier ?? 1), outChannels, 1, {
      bias,
      initBias,
      initWeight: options.initWeight,
    });
  }
  forward(x: Tensor): Tensor {
    return this.pointwise.forward(this.depthwise.forward(x));
  }
}
