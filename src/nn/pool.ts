/** Pooling over one, two or three spatial axes, through windows. */
import { ArgumentError, type Tensor, ones, slidingWindows } from "../index.js";
import { Module } from "../tree/index.js";
import type { Pooled } from "./layer.js";
import { type PerAxis, perAxis, spatialShape } from "./spatial.js";

export interface PoolOptions {
  /** Distance between windows; the window's own size unless told. */
  readonly stride?: PerAxis;
  /** Added on both sides, at most half a window: zeros for means, -∞ for maxima. */
  readonly padding?: PerAxis;
}
export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts as elements of a mean; true unless told. */
  readonly countIncludePad?: boolean;
}
export interface MaxPoolOptions extends PoolOptions {
  readonly dilation?: PerAxis;
}

interface Windows {
  /** `[N, C, …]` with the elements of each window along `axes`. */
  readonly windows: Tensor;
  readonly axes: readonly number[];
}

/** The windows of `[N, C, …]` after padding with `fill`. */
function windowsOf(
  name: string,
  rank: number,
  x: Tensor,
  kernel: PerAxis,
  options: MaxPoolOptions,
  fill: number,
): Windows {
  spatialShape(name, x, rank);
  const sizes = perAxis(name, "kernel", kernel, rank);
  const strides = perAxis(name, "stride", options.stride ?? kernel, rank);
  const padding = perAxis(name, "padding", options.padding ?? 0, rank, 0);
  const dilations = perAxis(name, "dilation", options.dilation ?? 1, rank);
  if (padding.some((p, i) => 2 * p > sizes[i]))
    throw new ArgumentError(
      `${name}: padding must be at most half the window, got ${JSON.stringify(padding)} for ${JSON.stringify(sizes)}. pad less`,
    );
  const padded = padding.some((p) => p > 0)
    ? x.pad([[0, 0], [0, 0], ...padding.map((p): [number, number] => [p, p])], fill)
    : x;
  const touching = sizes.every((n, i) => n === strides[i] && dilations[i] === 1 && n <= padded.shape[i + 2]);
  if (touching) return touchingWindows(padded, sizes);
  const windows = slidingWindows(padded, sizes, { axes: sizes.map((_, i) => i + 2), strides, dilations });
  return { windows, axes: sizes.map((_, i) => 2 + rank + i) };
}

/** Windows side by side are a reshape, `[N, C, L / K, K, …]`; what is left at the ends belongs to none. */
function touchingWindows(x: Tensor, sizes: readonly number[]): Windows {
  const [n, c, ...lengths] = x.shape;
  const counts = lengths.map((length, i) => Math.floor(length / sizes[i]));
  const whole = x.at(":", ":", ...counts.map((count, i) => `0:${count * sizes[i]}`));
  return {
    windows: whole.reshape([n, c, ...counts.flatMap((count, i) => [count, sizes[i]])]),
    axes: sizes.map((_, i) => 3 + 2 * i),
  };
}

function avgPool(rank: number, x: Tensor, kernel: PerAxis, options: AvgPoolOptions): Tensor {
  const name = `avgPool${rank}d`;
  const { countIncludePad = true, ...rest } = options;
  const { windows, axes } = windowsOf(name, rank, x, kernel, rest, 0);
  if (countIncludePad || !rest.padding) return windows.mean(axes);
  const present = windowsOf(name, rank, ones([1, 1, ...x.shape.slice(2)], { dtype: x.dtype }), kernel, rest, 0);
  return windows.sum(axes).div(present.windows.sum(present.axes));
}

function maxPool(rank: number, x: Tensor, kernel: PerAxis, options: MaxPoolOptions): Tensor {
  const { windows, axes } = windowsOf(`maxPool${rank}d`, rank, x, kernel, options, Number.NEGATIVE_INFINITY);
  return windows.max(axes);
}

/** Means over windows of `[N, C, L]`. */
export const avgPool1d = (x: Tensor, kernel: PerAxis, options: AvgPoolOptions = {}): Tensor =>
  avgPool(1, x, kernel, options);

/** Means over windows of `[N, C, H, W]`. */
export const avgPool2d = (x: Tensor, kernel: PerAxis, options: AvgPoolOptions = {}): Tensor =>
  avgPool(2, x, kernel, options);

/** Means over windows of `[N, C, D, H, W]`. */
export const avgPool3d = (x: Tensor, kernel: PerAxis, options: AvgPoolOptions = {}): Tensor =>
  avgPool(3, x, kernel, options);

/** Maxima over windows of `[N, C, L]`. */
export const maxPool1d = (x: Tensor, kernel: PerAxis, options: MaxPoolOptions = {}): Tensor =>
  maxPool(1, x, kernel, options);

/** Maxima over windows of `[N, C, H, W]`. */
export const maxPool2d = (x: Tensor, kernel: PerAxis, options: MaxPoolOptions = {}): Tensor =>
  maxPool(2, x, kernel, options);

/** Maxima over windows of `[N, C, D, H, W]`. */
export const maxPool3d = (x: Tensor, kernel: PerAxis, options: MaxPoolOptions = {}): Tensor =>
  maxPool(3, x, kernel, options);

abstract class Pool<O> extends Module {
  declare readonly shapes: Pooled;
  readonly kernel: PerAxis;
  readonly options: O;

  constructor(kernel: PerAxis, options: O) {
    super();
    this.kernel = kernel;
    this.options = options;
  }
}

export class AvgPool1d extends Pool<AvgPoolOptions> {
  constructor(kernel: PerAxis, options: AvgPoolOptions = {}) {
    super(kernel, options);
  }
  forward(x: Tensor): Tensor {
    return avgPool1d(x, this.kernel, this.options);
  }
}

export class AvgPool2d extends Pool<AvgPoolOptions> {
  constructor(kernel: PerAxis, options: AvgPoolOptions = {}) {
    super(kernel, options);
  }
  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernel, this.options);
  }
}

export class AvgPool3d extends Pool<AvgPoolOptions> {
  constructor(kernel: PerAxis, options: AvgPoolOptions = {}) {
    super(kernel, options);
  }
  forward(x: Tensor): Tensor {
    return avgPool3d(x, this.kernel, this.options);
  }
}

export class MaxPool1d extends Pool<MaxPoolOptions> {
  constructor(kernel: PerAxis, options: MaxPoolOptions = {}) {
    super(kernel, options);
  }
  forward(x: Tensor): Tensor {
    return maxPool1d(x, this.kernel, this.options);
  }
}

export class MaxPool2d extends Pool<MaxPoolOptions> {
  constructor(kernel: PerAxis, options: MaxPoolOptions = {}) {
    super(kernel, options);
  }
  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernel, this.options);
  }
}

export class MaxPool3d extends Pool<MaxPoolOptions> {
  constructor(kernel: PerAxis, options: MaxPoolOptions = {}) {
    super(kernel, options);
  }
  forward(x: Tensor): Tensor {
    return maxPool3d(x, this.kernel, this.options);
  }
}
