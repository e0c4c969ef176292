/** Windows that slide over the spatial axes of `[N, C, …]`. */
import { ArgumentError, type Tensor, slidingWindows } from "../../index.js";
import { checkFits, type PerAxis, perAxis, spatialShape } from "../spatial.js";

export interface PoolOptions {
  /** Distance between windows; the window's own size unless told. */
  readonly stride?: PerAxis;
  /** Added on both sides, at most half a window: elements that belong to no maximum and no mean but those that count them. */
  readonly padding?: PerAxis;
  /** Distance between the elements of a window; 1 unless told. */
  readonly dilation?: PerAxis;
  /** Whether windows may reach beyond the end, as long as they begin before it; false unless told. */
  readonly ceilMode?: boolean;
}

/** Where windows lie. */
export interface Geometry {
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Elements before the first and after the last, along every spatial axis. */
  readonly padding: readonly number[];
  /** How far, behind the padding, the last windows reach beyond the end. */
  readonly beyond: readonly number[];
}

/** The numbers that say where windows lie, whatever they slide over; throws the user's errors. */
export function windowNumbers(
  name: string,
  rank: number,
  kernel: PerAxis,
  options: PoolOptions,
): Omit<Geometry, "beyond"> {
  const sizes = perAxis(name, "kernel", kernel, rank);
  const strides = perAxis(name, "stride", options.stride ?? kernel, rank);
  const padding = perAxis(name, "padding", options.padding ?? 0, rank, 0);
  const dilations = perAxis(name, "dilation", options.dilation ?? 1, rank);
  if (padding.some((p, i) => 2 * p > sizes[i]))
    throw new ArgumentError(
      `${name}: padding must be at most half the window, got ${JSON.stringify(padding)} for ${JSON.stringify(sizes)}. pad less`,
    );
  return { sizes, strides, padding, dilations };
}

/** Throws for exponents that no norm has. */
export function checkNormType(name: string, { normType = 2 }: { readonly normType?: number }): void {
  if (!(normType > 0 && normType < Infinity))
    throw new ArgumentError(`${name}: normType must be positive and finite, got ${normType}. maxPool is the limit`);
}

/** Throws unless the temperature is positive. */
export function checkTemperature(name: string, { temperature = 1 }: { readonly temperature?: number }): void {
  if (!(temperature > 0))
    throw new ArgumentError(`${name}: temperature must be positive, got ${temperature}. negate x for soft minima`);
}

/** The same length for every spatial axis, or one for each; `null` keeps the input's. */
export type OutputSize = number | null | readonly (number | null)[];

/** One length, or `null`, for each of `rank` spatial axes. */
export function outputSizes(name: string, size: OutputSize, rank: number): readonly (number | null)[] {
  const list: readonly (number | null)[] =
    size === null || typeof size === "number" ? new Array<number | null>(rank).fill(size) : size;
  if (list.length !== rank || list.some((n) => n !== null && (!Number.isInteger(n) || n < 1)))
    throw new ArgumentError(
      `${name}: the output size must be a positive integer or null, or ${rank} of them, got ${JSON.stringify(size)}. give one for each spatial axis`,
    );
  return list;
}

/** Where the windows of `[N, C, …]` lie; throws the user's errors. */
export function geometry(name: string, rank: number, x: Tensor, kernel: PerAxis, options: PoolOptions): Geometry {
  const lengths = spatialShape(name, x, rank);
  const { sizes, strides, padding, dilations } = windowNumbers(name, rank, kernel, options);
  const beyond = lengths.map((length, i) => {
    if (!options.ceilMode) return 0;
    const room = length + 2 * padding[i] - dilations[i] * (sizes[i] - 1) - 1;
    const steps = Math.ceil(room / strides[i]);
    const begins = steps * strides[i] < length + padding[i];
    return begins ? Math.max(0, steps * strides[i] - room) : 0;
  });
  checkFits(
    name,
    x,
    sizes.map((n, i) => dilations[i] * (n - 1) + 1),
    lengths.map((n, i) => n + 2 * padding[i] + beyond[i]),
  );
  return { sizes, strides, dilations, padding, beyond };
}

/** `x` with so many elements before and after its spatial axes. */
export function padSpatial(x: Tensor, before: readonly number[], after: readonly number[], fill: number): Tensor {
  if ([...before, ...after].every((n) => n === 0)) return x;
  return x.pad([[0, 0], [0, 0], ...before.map((n, i): [number, number] => [n, after[i]])], fill);
}

export interface Windows {
  /** `[N, C, …]` with the elements of each window along `axes`. */
  readonly windows: Tensor;
  readonly axes: readonly number[];
}

/** The windows of `[N, C, …]`, with `fill` wherever they reach beyond it. */
export function windowsOf(x: Tensor, g: Geometry, fill: number): Windows {
  return slide(
    padSpatial(
      x,
      g.padding,
      g.padding.map((p, i) => p + g.beyond[i]),
      fill,
    ),
    g,
  );
}

/** The windows of what has been padded. */
export function slide(padded: Tensor, { sizes, strides, dilations }: Geometry): Windows {
  const touching = sizes.every((n, i) => n === strides[i] && dilations[i] === 1 && n <= padded.shape[i + 2]);
  if (touching) return touchingWindows(padded, sizes);
  const windows = slidingWindows(padded, sizes, { axes: sizes.map((_, i) => i + 2), strides, dilations });
  return { windows, axes: sizes.map((_, i) => 2 + sizes.length + i) };
}

/** Windows side by side are a reshape, `[N, C, L / K, K, …]`; what is left at the ends belongs to none. */
export function touchingWindows(x: Tensor, sizes: readonly number[]): Windows {
  const [n, c, ...lengths] = x.shape;
  const counts = lengths.map((length, i) => Math.floor(length / sizes[i]));
  const whole = x.at(":", ":", ...counts.map((count, i) => `0:${count * sizes[i]}`));
  return {
    windows: whole.reshape([n, c, ...counts.flatMap((count, i) => [count, sizes[i]])]),
    axes: sizes.map((_, i) => 3 + 2 * i),
  };
}

/** The windows with their elements along one last axis, in row-major order. */
export function joined({ windows, axes }: Windows): Tensor {
  const kept = windows.shape.flatMap((_, i) => (axes.includes(i) ? [] : [i]));
  const front = windows.transpose([...kept, ...axes]);
  const size = axes.reduce((n, a) => n * windows.shape[a], 1);
  return front.reshape([...kept.map((a) => windows.shape[a]), size]);
}
