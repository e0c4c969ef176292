/** Normalisation. */
import { ArgumentError, type Shape, ShapeError, type Tensor, ones, stopGradient, zeros } from "../index.js";
import { Module } from "../tree/index.js";
import { keepsShape, type PerChannel, type Same } from "./layer.js";

export interface NormOptions {
  /** Added to the variance; 1e-5 unless told. */
  readonly epsilon?: number;
  /** Whether it learns a scale and a shift; true unless told. */
  readonly affine?: boolean;
}

/** `(x - mean) / √(variance + ε) · weight + bias` over the last axes, which have the given shape (Ba et al. 2016). */
export const layerNorm = keepsShape(
  (x, shape: Shape, weight: Tensor | null = null, bias: Tensor | null = null, epsilon: number = 1e-5) => {
    const first = x.rank - shape.length;
    if (first < 0 || shape.some((d, i) => d !== x.shape[first + i]))
      throw new ShapeError(
        `layerNorm: the last axes must be [${shape.join(",")}], got ${x.describe()}. reshape the input`,
      );
    const axes = shape.map((_, i) => first + i);
    const centred = x.sub(x.mean(axes, { keepDims: true }));
    const variance = centred.square().mean(axes, { keepDims: true });
    const normal = centred.mul(variance.add(epsilon).rsqrt());
    const scaled = weight ? normal.mul(weight) : normal;
    return bias ? scaled.add(bias) : scaled;
  },
);

/** Layer normalisation with a learnt scale and shift for every element of `shape`. */
export class LayerNorm extends Module {
  declare readonly shapes: Same;
  readonly shape: Shape;
  readonly epsilon: number;
  weight: Tensor | null;
  bias: Tensor | null;

  constructor(shape: number | Shape, options: NormOptions = {}) {
    super();
    const { epsilon = 1e-5, affine = true } = options;
    this.shape = typeof shape === "number" ? [shape] : shape;
    this.epsilon = epsilon;
    this.weight = affine ? ones(this.shape) : null;
    this.bias = affine ? zeros(this.shape) : null;
  }

  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return layerNorm(x, this.shape, this.weight, this.bias, this.epsilon);
  }
}

/** A tensor over the channels, ready to broadcast against `x` along axis 1. */
const alongChannels = (t: Tensor, x: Tensor): Tensor => t.reshape(x.shape.map((d, i) => (i === 1 ? d : 1)));

/** Mean and biased variance of every channel (axis 1), `[C]` each. */
export function channelMoments(x: Tensor): { readonly mean: Tensor; readonly variance: Tensor } {
  const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const mean = x.mean(axes);
  return { mean, variance: x.sub(alongChannels(mean, x)).square().mean(axes) };
}

/** `(x - mean) / √(variance + ε) · weight + bias` with one value of each for every channel (axis 1). */
export const batchNorm = keepsShape(
  (
    x,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | null = null,
    bias: Tensor | null = null,
    epsilon: number = 1e-5,
  ) => {
    const scale = variance.add(epsilon).rsqrt();
    const factor = weight ? scale.mul(weight) : scale;
    const y = x.sub(alongChannels(mean, x)).mul(alongChannels(factor, x));
    return bias ? y.add(alongChannels(bias, x)) : y;
  },
);

/**
 * Batch normalisation over every axis but the channels (axis 1), for inputs of any rank from 2 (Ioffe & Szegedy 2015).
 * In training it normalises with the batch's own moments and moves the running ones by `momentum`; in evaluation it uses
 * the running ones. The running variance is the unbiased one.
 */
export class BatchNorm<C extends number = number> extends Module {
  declare readonly shapes: PerChannel<C>;
  readonly features: C;
  readonly epsilon: number;
  readonly momentum: number;
  weight: Tensor | null;
  bias: Tensor | null;
  runningMean: Tensor;
  runningVariance: Tensor;

  constructor(features: C, options: NormOptions & { readonly momentum?: number } = {}) {
    super();
    const { epsilon = 1e-5, momentum = 0.1, affine = true } = options;
    this.features = features;
    this.epsilon = epsilon;
    this.momentum = momentum;
    this.weight = affine ? ones([features]) : null;
    this.bias = affine ? zeros([features]) : null;
    this.runningMean = zeros([features]);
    this.runningVariance = ones([features]);
  }

  override get buffers(): readonly string[] {
    return ["runningMean", "runningVariance"];
  }

  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    if (x.shape.length < 2 || x.shape[1] !== this.features)
      throw new ShapeError(
        `BatchNorm: axis 1 must have ${this.features} channels, got ${x.describe()}. check the features of the layer before`,
      );
    if (!this.training)
      return batchNorm(x, this.runningMean, this.runningVariance, this.weight, this.bias, this.epsilon);
    const count = x.size / this.features;
    if (count < 2)
      throw new ArgumentError(
        `BatchNorm: training needs more than one value for each channel, got ${x.describe()}. use a larger batch, or eval mode`,
      );
    const { mean, variance } = channelMoments(x);
    const move = (running: Tensor, value: Tensor): Tensor =>
      running.mul(1 - this.momentum).add(stopGradient(value).mul(this.momentum));
    this.runningMean = move(this.runningMean, mean);
    this.runningVariance = move(this.runningVariance, variance.mul(count / (count - 1)));
    return batchNorm(x, mean, variance, this.weight, this.bias, this.epsilon);
  }
}
