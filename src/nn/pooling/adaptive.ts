/** Pooling to an output of a given size, and over everything. */
import { ShapeError, type Tensor, tensor } from "../../index.js";
import { forRanks, spatialShape } from "../spatial.js";
import { type OutputSize, outputSizes, touchingWindows, type Windows } from "./windows.js";

/** Windows `⌊i L / O⌋ … ⌈(i + 1) L / O⌉ - 1` of an axis, and the weight in the mean of each of their elements. */
function stretches(length: number, count: number): { places: number[]; weights: number[]; widest: number } {
  const spans = Array.from({ length: count }, (_, i) => {
    const start = Math.floor((i * length) / count);
    return { start, size: Math.ceil(((i + 1) * length) / count) - start };
  });
  const widest = Math.max(...spans.map((s) => s.size));
  const taps = Array.from({ length: widest }, (_, k) => k);
  // A window that is not the widest repeats its last element with weight 0, which changes no maximum.
  return {
    places: spans.flatMap(({ start, size }) => taps.map((k) => start + Math.min(k, size - 1))),
    weights: spans.flatMap(({ size }) => taps.map((k) => (k < size ? 1 / size : 0))),
    widest,
  };
}

interface Reduction {
  /** What becomes of windows that are equally large. */
  even(w: Windows): Tensor;
  /** What becomes of windows along the last axis, whose elements have these weights in a mean. */
  weighted(windows: Tensor, weights: Tensor): Tensor;
}

/** Divides every axis into stretches and reduces each. */
function adaptive(name: string, rank: number, x: Tensor, size: OutputSize, r: Reduction): Tensor {
  const lengths = spatialShape(name, x, rank);
  const counts = outputSizes(name, size, rank).map((n, i) => n ?? lengths[i]);
  if (counts.every((count, i) => lengths[i] % count === 0))
    return r.even(
      touchingWindows(
        x,
        counts.map((count, i) => lengths[i] / count),
      ),
    );
  return counts.reduce((y, count, i) => {
    const axis = i + 2;
    const { places, weights, widest } = stretches(lengths[i], count);
    const taken = y.moveAxis(axis, -1).take(tensor(places, { dtype: "int32" }), -1);
    const windows = taken.reshape([...taken.shape.slice(0, -1), count, widest]);
    const reduced = r.weighted(windows, tensor(weights, { dtype: x.dtype }).reshape([count, widest]));
    return reduced.moveAxis(-1, axis);
  }, x);
}

const adaptivePools = (kind: string, reduction: Reduction) =>
  forRanks((rank) => {
    const name = `${kind}${rank}d`;
    return (x: Tensor, outputSize: OutputSize): Tensor => adaptive(name, rank, x, outputSize, reduction);
  });

/** Means over windows that cover the input and make an output of the given size, which need not divide the input's. */
export const [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d] = adaptivePools("adaptiveAvgPool", {
  even: ({ windows, axes }) => windows.mean(axes),
  weighted: (windows, weights) => windows.mul(weights).sum(-1),
});

/** Maxima over windows that cover the input and make an output of the given size, which need not divide the input's. */
export const [adaptiveMaxPool1d, adaptiveMaxPool2d, adaptiveMaxPool3d] = adaptivePools("adaptiveMaxPool", {
  even: ({ windows, axes }) => windows.max(axes),
  weighted: (windows) => windows.max(-1),
});

const spatialAxes = (name: string, x: Tensor): number[] => {
  if (x.rank < 3)
    throw new ShapeError(`${name}: the input must be [N, C, L, …], got ${x.describe()}. add the missing axes`);
  return x.shape.flatMap((_, i) => (i < 2 ? [] : [i]));
};

type Pooled = Tensor<readonly [number, number]>;

/** The mean of every channel: `[N, C, …]` to `[N, C]`. */
export const globalAvgPool = (x: Tensor): Pooled =>
  x.mean(spatialAxes("globalAvgPool", x)).reshape([x.shape[0], x.shape[1]]);

/** The maximum of every channel: `[N, C, …]` to `[N, C]`. */
export const globalMaxPool = (x: Tensor): Pooled =>
  x.max(spatialAxes("globalMaxPool", x)).reshape([x.shape[0], x.shape[1]]);
