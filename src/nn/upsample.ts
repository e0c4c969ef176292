/** Other numbers of elements along the spatial axes: interpolation, and channels that become pixels. */
import { ArgumentError, ShapeError, type Shape, type Tensor, tensor, shown } from "../index.js";
import { Module } from "../tree/index.js";
import type { Pooled } from "./layer.js";
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from "./pooling/index.js";

/** PyTorch's modes: `linear`, `bilinear` and `trilinear` are one, for one, two and three spatial axes. */
export type InterpolationMode = "nearest" | "nearest-exact" | "linear" | "bilinear" | "trilinear" | "bicubic" | "area";

export interface InterpolateOptions {
  /** Lengths of the spatial axes afterwards; this or `scaleFactor`. */
  readonly size?: number | readonly number[];
  /** How many times longer they become; lengths are rounded down. */
  readonly scaleFactor?: number | readonly number[];
  /** `"nearest"` unless told. */
  readonly mode?: InterpolationMode;
  /** Whether the first and last elements keep their places; else the borders of the elements do. */
  readonly alignCorners?: boolean;
}

/** One axis: its lengths before and after, and how far one step afterwards goes before. */
interface Resized {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly alignCorners: boolean;
}

/** Where an element comes from: places along the axis and their weights. */
type Taps = readonly (readonly [place: number, weight: number])[];
type Kernel = (i: number, axis: Resized) => Taps;

/** Where an element's centre lies in the input. */
const centre = (i: number, { step, alignCorners }: Resized): number =>
  alignCorners ? i * step : (i + 0.5) * step - 0.5;

// PyTorch finds the nearest element in float32, which decides where a product meets an integer.
const nearest: Kernel = (i, { from, to, step }) => {
  const place = to === from ? i : to === 2 * from ? i >> 1 : Math.floor(Math.fround(i * Math.fround(step)));
  return [[Math.min(place, from - 1), 1]];
};
const nearestExact: Kernel = (i, { from, step }) => [
  [Math.min(Math.floor(Math.fround((i + 0.5) * Math.fround(step))), from - 1), 1],
];

const linear: Kernel = (i, axis) => {
  const at = Math.max(0, centre(i, axis));
  const low = Math.min(Math.floor(at), axis.from - 1);
  return [
    [low, 1 - (at - low)],
    [Math.min(low + 1, axis.from - 1), at - low],
  ];
};

/** Keys' cubic convolution (1981) with a = -0.75; elements beyond the ends are those at the ends. */
const cubic: Kernel = (i, axis) => {
  const a = -0.75;
  const at = centre(i, axis);
  const low = Math.floor(at);
  const weight = (d: number): number =>
    d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [-1, 0, 1, 2].map((k) => [Math.min(Math.max(low + k, 0), axis.from - 1), weight(Math.abs(at - low - k))]);
};

/** How each mode interpolates an axis, and for how many axes it is meant; `null` for any. */
const kernels: Readonly<
  Record<Exclude<InterpolationMode, "area">, { readonly kernel: Kernel; readonly rank: number | null }>
> = {
  nearest: { kernel: nearest, rank: null },
  "nearest-exact": { kernel: nearestExact, rank: null },
  linear: { kernel: linear, rank: 1 },
  bilinear: { kernel: linear, rank: 2 },
  trilinear: { kernel: linear, rank: 3 },
  bicubic: { kernel: cubic, rank: 2 },
};

/** `x` with every element of an axis a weighted sum of elements before. */
function resample(x: Tensor, axis: number, kernel: Kernel, resized: Resized): Tensor {
  const { from, to } = resized;
  const taps = Array.from({ length: to }, (_, i) => kernel(i, resized));
  const whole = to / from;
  if (taps.every((t, i) => t.length === 1 && Number.isInteger(whole) && t[0][0] === Math.floor(i / whole))) {
    const lead = x.shape.slice(0, axis + 1);
    const rest = x.shape.slice(axis + 1);
    return x
      .reshape([...lead, 1, ...rest])
      .broadcastTo([...lead, whole, ...rest])
      .reshape([...lead.slice(0, -1), to, ...rest]);
  }
  const along = x.shape.map((_, i) => (i === axis ? to : 1));
  const parts = taps[0].map((_, k) => {
    const places = tensor(
      taps.map((t) => t[k][0]),
      { dtype: "int32" },
    );
    const weights = taps.map((t) => t[k][1]);
    const taken = x.take(places, axis);
    return weights.every((w) => w === 1) ? taken : taken.mul(tensor(weights, { dtype: x.dtype }).reshape(along));
  });
  return parts.reduce((sum, part) => sum.add(part));
}

const perSpatial = (value: number | readonly number[], rank: number): readonly number[] =>
  typeof value === "number" ? Array.from({ length: rank }, () => value) : value;

/** Throws for options that fit no input. */
function checkOptions(name: string, { size, scaleFactor, mode = "nearest", alignCorners }: InterpolateOptions): void {
  if ((size === undefined) === (scaleFactor === undefined))
    throw new ArgumentError(`${name}: there must be either a size or a scale factor, got both or none. give one`);
  if (mode !== "area" && !Object.hasOwn(kernels, mode))
    throw new ArgumentError(
      `${name}: the mode must be area or one of ${Object.keys(kernels).join(", ")}, got ${JSON.stringify(mode)}. choose one`,
    );
  if (alignCorners !== undefined && (mode === "area" || kernels[mode].rank === null))
    throw new ArgumentError(
      `${name}: alignCorners is for linear and cubic modes, got it with ${JSON.stringify(mode)}. leave it out`,
    );
  const numbers = [size ?? scaleFactor].flat();
  if (numbers.some((n) => !(Number(n) > 0 && Number(n) < Infinity) || (size !== undefined && !Number.isInteger(n))))
    throw new ArgumentError(
      `${name}: ${size === undefined ? "scale factors must be positive numbers" : "sizes must be positive integers"}, got ${JSON.stringify(size ?? scaleFactor)}. give one, or one for each spatial axis`,
    );
}

/** What becomes of each spatial axis; throws the user's errors. */
function resizing(x: Tensor, options: InterpolateOptions): Resized[] {
  const { size, scaleFactor, alignCorners = false } = options;
  const lengths = x.shape.slice(2);
  const rank = lengths.length;
  if (rank < 1 || rank > 3)
    throw new ShapeError(
      `interpolate: the input must be [N, C, …] with one to three spatial axes, got ${x.describe()}. reshape it`,
    );
  const scales = scaleFactor === undefined ? null : perSpatial(scaleFactor, rank);
  const sizes =
    size === undefined ? lengths.map((n, i) => Math.floor(n * (scales?.[i] ?? NaN))) : perSpatial(size, rank);
  if ((scales ?? sizes).length !== rank || sizes.some((n) => !Number.isInteger(n) || n < 1))
    throw new ArgumentError(
      `interpolate: the size must be a positive integer for each of ${rank} spatial axes, got ${JSON.stringify(size ?? scaleFactor)} for ${x.describe()}. give one number, or ${rank}`,
    );
  return lengths.map((from, i) => {
    const to = sizes[i];
    const corners = to > 1 ? (from - 1) / (to - 1) : 0;
    return { from, to, alignCorners, step: alignCorners ? corners : scales ? 1 / scales[i] : from / to };
  });
}

/**
 * `[N, C, …]` with other lengths of its one to three spatial axes, as PyTorch's `interpolate`. Without `alignCorners`
 * element i lies at `(i + ½) · step - ½`, with step = 1 / scaleFactor or the ratio of the lengths; with it at `i (L - 1) / (L′ - 1)`.
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  const { mode = "nearest" } = options;
  checkOptions("interpolate", options);
  const axes = resizing(x, options);
  const known = mode === "area" ? { kernel: null, rank: null } : kernels[mode];
  if (known.rank !== null && known.rank !== axes.length)
    throw new ArgumentError(
      `interpolate: the mode must fit ${axes.length} spatial axes, got ${JSON.stringify(mode)}. "nearest" fits any; linear, bilinear and trilinear one, two and three`,
    );
  const { kernel } = known;
  if (kernel !== null) return axes.reduce((y, axis, i) => resample(y, i + 2, kernel, axis), x);
  const pools = [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d];
  return pools[axes.length - 1](
    x,
    axes.map((axis) => axis.to),
  );
}

/** `interpolate` as a layer. */
export class Upsample extends Module {
  declare readonly shapes: Pooled;
  readonly options: InterpolateOptions;

  constructor(options: InterpolateOptions) {
    super();
    checkOptions("Upsample", options);
    this.options = options;
  }
  forward(x: Tensor): Tensor {
    return interpolate(x, this.options);
  }
}

/** `[N, C · r², H, W]` to `[N, C, H · r, W · r]`: r² channels become a square of pixels (Shi et al. 2016). */
export function pixelShuffle(x: Tensor, factor: number): Tensor {
  const [n, channels, h, w] = checkPlane("pixelShuffle", x, factor);
  const c = channels / (factor * factor);
  if (!Number.isInteger(c))
    throw new ShapeError(
      `pixelShuffle: the channels must be a multiple of ${factor * factor}, got ${x.describe()}. change the layer before`,
    );
  return x
    .reshape([n, c, factor, factor, h, w])
    .transpose([0, 1, 4, 2, 5, 3])
    .reshape([n, c, h * factor, w * factor]);
}

/** `[N, C, H · r, W · r]` to `[N, C · r², H, W]`: undoes `pixelShuffle`. */
export function pixelUnshuffle(x: Tensor, factor: number): Tensor {
  const [n, c, height, width] = checkPlane("pixelUnshuffle", x, factor);
  const [h, w] = [height / factor, width / factor];
  if (!Number.isInteger(h) || !Number.isInteger(w))
    throw new ShapeError(`pixelUnshuffle: the sides must be multiples of ${factor}, got ${x.describe()}. pad or crop`);
  return x
    .reshape([n, c, h, factor, w, factor])
    .transpose([0, 1, 3, 5, 2, 4])
    .reshape([n, c * factor * factor, h, w]);
}

function checkFactor(name: string, factor: number): void {
  if (!Number.isInteger(factor) || factor < 1)
    throw new ArgumentError(
      `${name}: the factor must be a positive integer, got ${shown(factor)}. 2 doubles the sides`,
    );
}

function checkPlane(name: string, x: Tensor, factor: number): Shape {
  checkFactor(name, factor);
  if (x.rank !== 4)
    throw new ShapeError(`${name}: the input must be [N, C, height, width], got ${x.describe()}. reshape it`);
  return x.shape;
}

/** The module of a rearrangement by a factor. */
function shuffling(shuffle: (x: Tensor, factor: number) => Tensor) {
  return class extends Module {
    readonly factor: number;
    constructor(factor: number) {
      super();
      checkFactor(new.target.name, factor);
      this.factor = factor;
    }
    forward(x: Tensor): Tensor {
      return shuffle(x, this.factor);
    }
  };
}

/** `pixelShuffle` as a layer. */
export class PixelShuffle extends shuffling(pixelShuffle) {}

/** `pixelUnshuffle` as a layer. */
export class PixelUnshuffle extends shuffling(pixelUnshuffle) {}
