/** Normalisation of channels, with moments of a batch in training and running ones in evaluation. */
import { ArgumentError, type Shape, ShapeError, type Tensor, ones, stopGradient, zeros } from "../index.js";
import { Module } from "../tree/index.js";
import { checkChannels, checkCounts } from "./spatial.js";
import { keepsShape, type PerChannel, type Sight } from "./layer.js";
import { alongChannels, channelwise, checkAffine, type NormOptions, standardized } from "./norm.js";

export interface RunningNormOptions extends NormOptions {
  /** The weight of a batch in the running moments; `null` for the plain average over all batches. */
  readonly momentum?: number | null;
  /** Whether running moments are kept, and used in evaluation; without them the input's own are always used. */
  readonly trackRunningStats?: boolean;
}

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
    if (x.rank < 2)
      throw new ShapeError(`batchNorm: the input must be [N, C, …], got ${x.describe()}. add the missing axes`);
    checkAffine("batchNorm", x, [x.shape[1]], { mean, variance, weight, bias });
    const scale = variance.add(epsilon).rsqrt();
    const factor = weight ? scale.mul(weight) : scale;
    const y = x.sub(alongChannels(mean, x)).mul(alongChannels(factor, x));
    return bias ? y.add(alongChannels(bias, x)) : y;
  },
);

const spatialAxes = (x: Tensor): number[] => x.shape.flatMap((_, i) => (i < 2 ? [] : [i]));

/** `(x - mean) / √(variance + ε) · weight + bias` over the axes behind every channel of every example (Ulyanov et al. 2016). */
export const instanceNorm = keepsShape(
  (x, weight: Tensor | null = null, bias: Tensor | null = null, epsilon: number = 1e-5) => {
    const axes = spatialAxes(x);
    if (axes.length === 0)
      throw new ShapeError(`instanceNorm: the input must be [N, C, L, …], got ${x.describe()}. add the missing axes`);
    checkAffine("instanceNorm", x, [x.shape[1]], { weight, bias });
    return channelwise(standardized(x, axes, epsilon), weight, bias);
  },
);

/** What batch and instance normalisation have in common: running moments of every channel. */
abstract class RunningNorm<C extends number> extends Module {
  declare readonly shapes: PerChannel<C>;
  readonly features: C;
  readonly epsilon: number;
  momentum: number | null;
  weight: Tensor | null;
  bias: Tensor | null;
  runningMean: Tensor | null;
  runningVariance: Tensor | null;
  /** How many batches the running moments are the average of; kept where `momentum` is `null`. */
  numBatchesTracked: Tensor | null;

  /** `affine` and `trackRunningStats` are `learns` unless told. */
  constructor(features: C, options: RunningNormOptions, learns: boolean) {
    super();
    checkCounts(new.target.name, "features", [features]);
    const { epsilon = 1e-5, momentum = 0.1, affine = learns, trackRunningStats = learns } = options;
    this.features = features;
    this.epsilon = epsilon;
    this.momentum = momentum;
    this.weight = affine ? ones([features]) : null;
    this.bias = affine ? zeros([features]) : null;
    this.runningMean = trackRunningStats ? zeros([features]) : null;
    this.runningVariance = trackRunningStats ? ones([features]) : null;
    this.numBatchesTracked = trackRunningStats && momentum === null ? zeros([], { dtype: "int32" }) : null;
  }

  /** Each output sees its own place, but for moments. */
  get windows(): Sight {
    return "own";
  }

  override get buffers(): readonly string[] {
    return ["runningMean", "runningVariance", "numBatchesTracked"];
  }

  /** Normalises with the running moments, where they are and it is evaluation; `null` where the input's own count. */
  protected evaluated(x: Tensor): Tensor | null {
    if (this.training || !this.runningMean || !this.runningVariance) return null;
    return batchNorm(x, this.runningMean, this.runningVariance, this.weight, this.bias, this.epsilon);
  }

  /** Moves the running moments towards those of a batch, the variance being the unbiased one. */
  protected track(mean: Tensor, variance: Tensor): void {
    if (!this.runningMean || !this.runningVariance) return;
    if (this.numBatchesTracked) this.numBatchesTracked = this.numBatchesTracked.add(1);
    const share = this.momentum ?? this.numBatchesTracked?.astype(mean.dtype).reciprocal() ?? 0;
    const kept = typeof share === "number" ? 1 - share : share.neg().add(1);
    const move = (running: Tensor, value: Tensor): Tensor => running.mul(kept).add(stopGradient(value).mul(share));
    this.runningMean = move(this.runningMean, mean);
    this.runningVariance = move(this.runningVariance, variance);
  }
}

/**
 * Batch normalisation over every axis but the channels (axis 1), for inputs of any rank from 2 (Ioffe & Szegedy 2015).
 * In training it normalises with the batch's own moments and moves the running ones by `momentum` (0.1 unless told); in
 * evaluation it uses the running ones. The running variance is the unbiased one.
 */
export class BatchNorm<C extends number = number> extends RunningNorm<C> {
  constructor(features: C, options: RunningNormOptions = {}) {
    super(features, options, true);
  }

  forward<S extends Shape>(x: Tensor<S>): Tensor<S>;
  forward(x: Tensor): Tensor {
    checkChannels("BatchNorm", x, this.features);
    const evaluated = this.evaluated(x);
    if (evaluated) return evaluated;
    const count = x.size / this.features;
    if (count < 2)
      throw new ArgumentError(
        `BatchNorm: training needs more than one value for each channel, got ${x.describe()}. use a larger batch, or eval mode`,
      );
    const { mean, variance } = channelMoments(x);
    if (this.training) this.track(mean, variance.mul(count / (count - 1)));
    return batchNorm(x, mean, variance, this.weight, this.bias, this.epsilon);
  }
}

/**
 * Instance normalisation: every channel of every example by itself (Ulyanov et al. 2016), for inputs of any rank from 3. As
 * PyTorch's it has no scale, shift or running moments unless told; running moments are means over the batch, and are used in
 * evaluation.
 */
export class InstanceNorm<C extends number = number> extends RunningNorm<C> {
  constructor(features: C, options: RunningNormOptions = {}) {
    super(features, options, false);
  }

  forward<S extends Shape>(x: Tensor<S>): Tensor<S>;
  forward(x: Tensor): Tensor {
    checkChannels("InstanceNorm", x, this.features);
    const evaluated = this.evaluated(x);
    if (evaluated) return evaluated;
    const axes = spatialAxes(x);
    const count = axes.reduce((n, a) => n * x.shape[a], 1);
    if (count < 2)
      throw new ArgumentError(
        `InstanceNorm: there must be more than one value in each channel of an example, got ${x.describe()}. use a larger input`,
      );
    if (this.training) this.track(x.mean([0, ...axes]), x.variance(axes, { correction: 1 }).mean(0));
    return instanceNorm(x, this.weight, this.bias, this.epsilon);
  }
}
