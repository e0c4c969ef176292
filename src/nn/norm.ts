/** Normalisation of every example by itself: over its last axes, its groups of channels, or neighbouring channels. */
import {
  ArgumentError,
  type Shape,
  ShapeError,
  type Tensor,
  ones,
  operation,
  slidingWindows,
  zeros,
} from "../index.js";
import { Module } from "../tree/index.js";
import { checkChannels, checkCounts } from "./spatial.js";
import { keepsShape, type PerChannel, type Same, type Sight } from "./layer.js";

export interface NormOptions {
  /** Added to the variance; 1e-5 unless told. */
  readonly epsilon?: number;
  /** Whether it learns a scale and a shift; true unless told. */
  readonly affine?: boolean;
}

/** `(x - mean) / √(variance + ε)` with the moments over some axes. */
export function standardized(x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const centred = x.sub(x.mean(axes, { keepDims: true }));
  const variance = centred.square().mean(axes, { keepDims: true });
  return centred.mul(variance.add(epsilon).rsqrt());
}

/** What a function of a name multiplies with and adds, by the names of its arguments; `null` for what is left out. */
type Affine = Readonly<Record<string, Tensor | null>>;

/** Throws unless each of these has the shape that it must have for `x`. */
export function checkAffine(name: string, x: Tensor, shape: Shape, affine: Affine): void {
  for (const [argument, t] of Object.entries(affine))
    if (t && t.shape.join() !== shape.join())
      throw new ShapeError(
        `${name}: the ${argument} must be [${shape.join(",")}] for ${x.describe()}, got ${t.describe()}. reshape it, or check the features`,
      );
}

/** `x · weight + bias`, where they are. */
function affinely(x: Tensor, weight: Tensor | null, bias: Tensor | null): Tensor {
  const scaled = weight ? x.mul(weight) : x;
  return bias ? scaled.add(bias) : scaled;
}

/** A tensor over the channels, ready to broadcast against `x` along axis 1. */
export const alongChannels = (t: Tensor, x: Tensor): Tensor => t.reshape(x.shape.map((d, i) => (i === 1 ? d : 1)));

/** `x · weight + bias` with one value of each for every channel. */
export const channelwise = (x: Tensor, weight: Tensor | null, bias: Tensor | null): Tensor =>
  affinely(x, weight && alongChannels(weight, x), bias && alongChannels(bias, x));

/** The last axes, which must have the given shape. */
function lastAxes(name: string, x: Tensor, shape: Shape): number[] {
  const first = x.rank - shape.length;
  if (first < 0 || shape.some((d, i) => d !== x.shape[first + i]))
    throw new ShapeError(
      `${name}: the last axes must be [${shape.join(",")}], got ${x.describe()}. reshape the input, or normalise other axes`,
    );
  return shape.map((_, i) => first + i);
}

/** `(x - mean) / √(variance + ε) · weight + bias` over the last axes, which have the given shape (Ba et al. 2016). */
export const layerNorm = keepsShape(
  (x, shape: Shape, weight: Tensor | null = null, bias: Tensor | null = null, epsilon: number = 1e-5) => {
    const axes = lastAxes("layerNorm", x, shape);
    checkAffine("layerNorm", x, shape, { weight, bias });
    return affinely(standardized(x, axes, epsilon), weight, bias);
  },
);

/** The distance from 1 to the next number. */
const machineEpsilon = (x: Tensor): number => (x.dtype === "float64" ? 2 ** -52 : 2 ** -23);

/**
 * `x / √(mean(x²) + ε) · weight` over the last axes, which have the given shape (Zhang & Sennrich 2019). ε is the dtype's
 * distance from 1 to the next number unless told.
 */
export const rmsNorm = keepsShape((x, shape: Shape, weight: Tensor | null = null, epsilon: number | null = null) => {
  const axes = lastAxes("rmsNorm", x, shape);
  checkAffine("rmsNorm", x, shape, { weight });
  const square = x.square().mean(axes, { keepDims: true });
  return affinely(x.mul(square.add(epsilon ?? machineEpsilon(x)).rsqrt()), weight, null);
});

/** Throws unless groups divide the channels. */
function checkGroups(name: string, groups: number, channels: number): void {
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new ArgumentError(
      `${name}: groups must divide the channels, got ${groups} groups of ${channels} channels. choose a divisor`,
    );
}

/**
 * `(x - mean) / √(variance + ε)` over groups of neighbouring channels and all that lies behind them, for each example; then
 * a weight and a bias for every channel (Wu & He 2018).
 */
export const groupNorm = keepsShape(
  (x, groups: number, weight: Tensor | null = null, bias: Tensor | null = null, epsilon: number = 1e-5) => {
    if (x.rank < 2)
      throw new ShapeError(`groupNorm: the input must be [N, C, …], got ${x.describe()}. add the missing axes`);
    const [n, channels, ...rest] = x.shape;
    checkGroups("groupNorm", groups, channels);
    checkAffine("groupNorm", x, [channels], { weight, bias });
    const grouped = x.reshape([n, groups, channels / groups, ...rest]);
    const axes = grouped.shape.flatMap((_, i) => (i < 2 ? [] : [i]));
    return channelwise(standardized(grouped, axes, epsilon).reshape(x.shape), weight, bias);
  },
);

/** Weights of the mean of squares in `localResponseNorm`; PyTorch's names and values. */
export interface LocalResponseOptions {
  /** 1e-4 unless told. */
  readonly alpha?: number;
  /** 0.75 unless told. */
  readonly beta?: number;
  /** 1 unless told. */
  readonly k?: number;
}

/**
 * `x / (k + α · mean(x²))^β`, the mean over `size` neighbouring channels with zeros beyond the ends (Krizhevsky et al. 2012,
 * whose α is this one divided by `size`).
 */
export const localResponseNorm = keepsShape((x, size: number, options: LocalResponseOptions = {}) => {
  const { alpha = 1e-4, beta = 0.75, k = 1 } = options;
  if (x.rank < 3)
    throw new ShapeError(
      `localResponseNorm: the input must be [N, C, L, …], got ${x.describe()}. add the missing axes`,
    );
  checkCounts("localResponseNorm", "size", [size]);
  const before = Math.floor(size / 2);
  const widths = x.shape.map((_, i): [number, number] => (i === 1 ? [before, size - 1 - before] : [0, 0]));
  const near = slidingWindows(x.square().pad(widths), [size], { axes: [1] });
  return x.div(near.mean(-1).mul(alpha).add(k).pow(beta));
});

/** `x / max(‖x‖, ε)` with the Euclidean norm along an axis, or of everything when the axis is `null`. */
export const normalize = keepsShape(
  operation("normalize", (x: Tensor, axis: number | null = 1, epsilon: number = 1e-12) =>
    x.mul(
      x
        .square()
        .sum(axis ?? undefined, { keepDims: true })
        .maximum(epsilon * epsilon)
        .rsqrt(),
    ),
  ),
);

function checkedShape(name: string, shape: number | Shape): Shape {
  const lengths = typeof shape === "number" ? [shape] : shape;
  checkCounts(name, "lengths of the last axes", lengths);
  return lengths;
}

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
    this.shape = checkedShape("LayerNorm", shape);
    this.epsilon = epsilon;
    this.weight = affine ? ones(this.shape) : null;
    this.bias = affine ? zeros(this.shape) : null;
  }

  /** Each output sees its own place, but for moments. */
  get windows(): Sight {
    return "own";
  }

  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    lastAxes("LayerNorm", x, this.shape);
    return layerNorm(x, this.shape, this.weight, this.bias, this.epsilon);
  }
}

/** Division by the root of the mean square, with a learnt scale for every element of `shape`. */
export class RMSNorm extends Module {
  declare readonly shapes: Same;
  readonly shape: Shape;
  readonly epsilon: number | null;
  weight: Tensor | null;

  /** `epsilon` is that of the input's dtype unless told. */
  constructor(shape: number | Shape, options: NormOptions = {}) {
    super();
    this.shape = checkedShape("RMSNorm", shape);
    this.epsilon = options.epsilon ?? null;
    this.weight = (options.affine ?? true) ? ones(this.shape) : null;
  }

  /** Each output sees its own place, but for moments. */
  get windows(): Sight {
    return "own";
  }

  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    lastAxes("RMSNorm", x, this.shape);
    return rmsNorm(x, this.shape, this.weight, this.epsilon);
  }
}

/** Group normalisation with a learnt scale and shift for every channel: one group is all of an example, `channels` are instances. */
export class GroupNorm<C extends number = number> extends Module {
  declare readonly shapes: PerChannel<C>;
  readonly groups: number;
  readonly channels: C;
  readonly epsilon: number;
  weight: Tensor | null;
  bias: Tensor | null;

  constructor(groups: number, channels: C, options: NormOptions = {}) {
    super();
    checkGroups("GroupNorm", groups, channels);
    const { epsilon = 1e-5, affine = true } = options;
    this.groups = groups;
    this.channels = channels;
    this.epsilon = epsilon;
    this.weight = affine ? ones([channels]) : null;
    this.bias = affine ? zeros([channels]) : null;
  }

  /** Each output sees its own place, but for moments. */
  get windows(): Sight {
    return "own";
  }

  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    checkChannels("GroupNorm", x, this.channels);
    return groupNorm(x, this.groups, this.weight, this.bias, this.epsilon);
  }
}

/** Division by what neighbouring channels answer, as in AlexNet. */
export class LocalResponseNorm extends Module {
  declare readonly shapes: Same;
  readonly size: number;
  readonly options: LocalResponseOptions;

  constructor(size: number, options: LocalResponseOptions = {}) {
    super();
    checkCounts("LocalResponseNorm", "size", [size]);
    this.size = size;
    this.options = options;
  }

  /** Each output sees its own place, but for moments. */
  get windows(): Sight {
    return "own";
  }

  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return localResponseNorm(x, this.size, this.options);
  }
}
