/** Pooling over one, two or three spatial axes: what becomes of each window of `[N, C, …]`. */
import { type Tensor, isFloat, limits, ones, stopGradient, where } from "../../index.js";
import { forRanks, type PerAxis } from "../spatial.js";
import {
  checkNormType,
  checkTemperature,
  geometry,
  type Geometry,
  padSpatial,
  type PoolOptions,
  slide,
  windowsOf,
} from "./windows.js";

export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts as elements of a mean; true unless told. What `ceilMode` adds never does. */
  readonly countIncludePad?: boolean;
  /** What sums are divided by, in place of the number of elements. */
  readonly divisorOverride?: number;
}
export interface LPPoolOptions extends PoolOptions {
  /** The norm's exponent p; 2 unless told. */
  readonly normType?: number;
}
export interface SoftmaxPoolOptions extends PoolOptions {
  /** Near 0 it is a maximum, without bound a mean; 1 unless told. */
  readonly temperature?: number;
}

/** A kind of pooling: what it makes of `x`, whose windows lie where `g` says. */
type Rule<O> = (x: Tensor, g: Geometry, options: O, name: string) => Tensor;

/** The functions of a kind of pooling, for one, two and three spatial axes. */
const pools = <O extends PoolOptions>(kind: string, rule: Rule<Partial<O>>) =>
  forRanks((rank) => {
    const name = `${kind}${rank}d`;
    return (x: Tensor, kernel: PerAxis, options: Partial<O> = {}): Tensor =>
      rule(x, geometry(name, rank, x, kernel, options), options, name);
  });

const average: Rule<AvgPoolOptions> = (x, g, { countIncludePad = true, divisorOverride }) => {
  const { windows, axes } = windowsOf(x, g, 0);
  if (divisorOverride !== undefined) return windows.sum(axes).div(divisorOverride);
  const partial = g.beyond.some((n) => n > 0) || (!countIncludePad && g.padding.some((n) => n > 0));
  if (!partial) return windows.mean(axes);
  const elements = ones([1, 1, ...x.shape.slice(2)], { dtype: x.dtype });
  const counted = padSpatial(elements, g.padding, g.padding, countIncludePad ? 1 : 0);
  const present = slide(
    padSpatial(
      counted,
      g.padding.map(() => 0),
      g.beyond,
      0,
    ),
    g,
  );
  return windows.sum(axes).div(present.windows.sum(present.axes));
};

/** Means over windows; `[N, C, L]` to `[N, C, L′]`, and so on for two and three axes. */
export const [avgPool1d, avgPool2d, avgPool3d] = pools<AvgPoolOptions>("avgPool", average);

/** Maxima over windows. */
export const [maxPool1d, maxPool2d, maxPool3d] = pools<PoolOptions>("maxPool", (x, g) => {
  const { windows, axes } = windowsOf(x, g, limits[x.dtype][0]);
  return windows.max(axes);
});

/** Minima over windows. */
export const [minPool1d, minPool2d, minPool3d] = pools<PoolOptions>("minPool", (x, g) => {
  const { windows, axes } = windowsOf(x, g, limits[x.dtype][1]);
  return windows.min(axes);
});

const pNorm: Rule<LPPoolOptions> = (x, g, options, name) => {
  checkNormType(name, options);
  const { normType = 2 } = options;
  const { windows, axes } = windowsOf(x.abs().pow(normType), g, 0);
  const sum = windows.sum(axes);
  const some = sum.greater(0);
  return where(some, where(some, sum, 1).pow(1 / normType), 0); // the root has no derivative at 0
};

/** `(Σ |x|^p)^(1/p)` over windows. PyTorch leaves the absolute value out, which is the same for even p. */
export const [lpPool1d, lpPool2d, lpPool3d] = pools<LPPoolOptions>("lpPool", pNorm);

const softmaxMean: Rule<SoftmaxPoolOptions> = (given, g, options, name) => {
  checkTemperature(name, options);
  const { temperature = 1 } = options;
  const x = isFloat(given.dtype) ? given : given.astype("float32");
  const { windows: logits, axes } = windowsOf(x, g, -Infinity);
  const { windows } = windowsOf(x, g, 0);
  const weights = logits
    .sub(stopGradient(logits.max(axes, { keepDims: true })))
    .div(temperature)
    .exp();
  return windows.mul(weights).sum(axes).div(weights.sum(axes));
};

/** `Σ x · softmax(x / T)` over windows: between their means and their maxima. */
export const [softmaxPool1d, softmaxPool2d, softmaxPool3d] = pools<SoftmaxPoolOptions>("softmaxPool", softmaxMean);
