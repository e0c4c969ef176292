/** Frequencies, their order, and convolution by transforms. */
import { type DType, isFloat } from "../ir/dtype.js";
import { broadcastShapes, normalizeAxes } from "../ir/shape.js";
import { arange, type Axes, concatenate, roll, type Tensor } from "../tensor/index.js";
import { range } from "../util/arrays.js";
import { ArgumentError, ShapeError, shown } from "../util/errors.js";
import { irfftn, multiply, rfftn } from "./transforms.js";

/** The frequencies of `fft`'s elements for samples `spacing` apart: 0, 1, …, -2, -1, over `n · spacing`. */
export function fftfreq(n: number, spacing = 1, options: { readonly dtype?: DType } = {}): Tensor {
  checkCount("fftfreq", n);
  const negative = Math.floor(n / 2);
  const k = concatenate([arange(n - negative), arange(-negative, 0)]);
  return k.astype(options.dtype ?? "float32").div(n * spacing);
}

/** The frequencies of `rfft`'s elements: 0, 1, …, ⌊n/2⌋, over `n · spacing`. */
export function rfftfreq(n: number, spacing = 1, options: { readonly dtype?: DType } = {}): Tensor {
  checkCount("rfftfreq", n);
  return arange(Math.floor(n / 2) + 1)
    .astype(options.dtype ?? "float32")
    .div(n * spacing);
}

function checkCount(op: string, n: number): void {
  if (!Number.isInteger(n) || n < 1)
    throw new ArgumentError(
      `${op}: the number of samples must be a positive integer, got ${shown(n)}. pass the length`,
    );
}

const shifted = (op: string, x: Tensor, axes: Axes | undefined, by: (length: number) => number): Tensor =>
  normalizeAxes(op, axes, x.node.aval).reduce<Tensor>((y, axis) => roll(y, by(x.shape[axis]), axis), x);

/** Frequency 0 moved to the middle, along the axes or all. */
export const fftshift = (x: Tensor, axes?: Axes): Tensor => shifted("fftshift", x, axes, (n) => Math.floor(n / 2));
/** The inverse of `fftshift`. */
export const ifftshift = (x: Tensor, axes?: Axes): Tensor => shifted("ifftshift", x, axes, (n) => Math.ceil(n / 2));

export interface FftConvolveOptions {
  /** "full" (all sums), "same" (as many as the first operand has, from the middle), "valid" (those without padding). */
  readonly mode?: "full" | "same" | "valid";
  /** All axes unless given; the others broadcast. */
  readonly axes?: Axes;
}

/** The convolution `y[k] = Σⱼ a[j] b[k - j]` along axes, by products of Fourier transforms. */
export function fftConvolve(a: Tensor, b: Tensor, options: FftConvolveOptions = {}): Tensor {
  const { mode = "full" } = options;
  if (a.rank !== b.rank)
    throw new ShapeError(
      `fftConvolve: operands must have equally many axes, got ${a.describe()} and ${b.describe()}. add axes of length 1`,
    );
  const axes = normalizeAxes("fftConvolve", options.axes, a.node.aval);
  const others = (x: Tensor) => ({ dtype: x.dtype, shape: x.shape.filter((_, i) => !axes.includes(i)) });
  broadcastShapes("fftConvolve", others(a), others(b));
  if (mode === "valid" && axes.some((i) => b.shape[i] > a.shape[i]))
    throw new ShapeError(
      `fftConvolve: for "valid" the first operand must be the longer one, got ${a.describe()} and ${b.describe()}. exchange them`,
    );
  const full = axes.map((i) => a.shape[i] + b.shape[i] - 1);
  const lengths = full.map((n) => 2 ** Math.ceil(Math.log2(Math.max(1, n))));
  const [x, y] = [a, b].map((v) => rfftn(isFloat(v.dtype) ? v : v.astype("float32"), { axes, lengths }));
  const product = irfftn(multiply(x, y), { axes, lengths });
  return axes.reduce<Tensor>((z, axis, k) => {
    const size = mode === "full" ? full[k] : mode === "same" ? a.shape[axis] : a.shape[axis] - b.shape[axis] + 1;
    const start = Math.floor((full[k] - size) / 2);
    return z.at(...range(axis).map(() => ":"), `${start}:${start + size}`, "...");
  }, product);
}
