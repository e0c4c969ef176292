/** Fourier transforms as users call them; names, arguments and norms as in `numpy.fft`. */
import { isFloat } from "../ir/dtype.js";
import { normalizeAxes, normalizeAxis, sameShape } from "../ir/shape.js";
import { type Axes, type Complex, concatenate, Tensor, zerosLike } from "../tensor/index.js";
import { range } from "../util/arrays.js";
import { ArgumentError, ShapeError, shown } from "../util/errors.js";
import { fourier } from "./primitive.js";

/**
 * Where the factor 1/n stands: "backward" in the inverse transform, "forward" in the transform, "ortho" its root in both,
 * which makes them unitary.
 */
export type Norm = "backward" | "ortho" | "forward";

export interface FftOptions {
  /** The last axis unless given. */
  readonly axis?: number;
  /** The length of the transform, to which the axis is cut or padded with zeros (of `irfft`: the length of the result). */
  readonly length?: number;
  readonly norm?: Norm;
}

export interface FftnOptions {
  /** All axes unless given (two-dimensional transforms: the last two). */
  readonly axes?: Axes;
  /** Lengths along the axes, as `length`. */
  readonly lengths?: readonly number[];
  readonly norm?: Norm;
}

const floats = (x: Tensor): Tensor => (isFloat(x.dtype) ? x : x.astype("float32"));
const complexOf = (x: Tensor | Complex): Complex => {
  if (!(x instanceof Tensor)) {
    if (!sameShape(x.re.shape, x.im.shape))
      throw new ShapeError(
        `fft: both parts must have one shape, got ${x.re.describe()} and ${x.im.describe()}. broadcast one`,
      );
    return { re: floats(x.re), im: floats(x.im) };
  }
  return { re: floats(x), im: zerosLike(floats(x)) };
};
const each = (x: Complex, f: (part: Tensor) => Tensor): Complex => ({ re: f(x.re), im: f(x.im) });
/** The complex conjugate. */
export const conjugate = ({ re, im }: Complex): Complex => ({ re, im: im.neg() });
/** The product of complex numbers, broadcast. */
export const multiply = (a: Complex, b: Complex): Complex => ({
  re: a.re.mul(b.re).sub(a.im.mul(b.im)),
  im: a.re.mul(b.im).add(a.im.mul(b.re)),
});

function factorOf(op: string, n: number, norm: Norm, inverse: boolean): number {
  switch (norm) {
    case "ortho":
      return 1 / Math.sqrt(n);
    case "backward":
      return inverse ? 1 / n : 1;
    case "forward":
      return inverse ? 1 : 1 / n;
    default:
      throw new ArgumentError(`${op}: norm must be "backward", "ortho" or "forward", got ${String(norm)}. choose one`);
  }
}

function checkLength(op: string, n: number): void {
  if (!Number.isInteger(n) || n < 1)
    throw new ArgumentError(`${op}: the length must be a positive integer, got ${shown(n)}. pad an empty axis`);
}

/** An axis cut, or padded with zeros, to a length. */
function resized(x: Tensor, axis: number, length: number): Tensor {
  const n = x.shape[axis];
  if (n === length) return x;
  if (n > length) return x.at(...range(axis).map(() => ":"), `:${length}`, "...");
  return x.pad(x.shape.map((_, i) => [0, i === axis ? length - n : 0]));
}

function transformed(op: string, x: Tensor | Complex, options: FftOptions, inverse: boolean): Complex {
  const pair = complexOf(x);
  const axis = normalizeAxis(op, options.axis ?? -1, pair.re.node.aval);
  const length = options.length ?? pair.re.shape[axis];
  checkLength(op, length);
  const last = each(pair, (part) => resized(part, axis, length).moveAxis(axis, -1));
  const [re, im] = fourier(last.re.node, last.im.node, inverse);
  const factor = factorOf(op, length, options.norm ?? "backward", inverse);
  return each({ re: Tensor.of(re), im: Tensor.of(im) }, (part) =>
    (factor === 1 ? part : part.mul(factor)).moveAxis(-1, axis),
  );
}

/** `X[k] = Σⱼ x[j] e^(-2πi jk/n)` along an axis of any length. */
export const fft = (x: Tensor | Complex, options: FftOptions = {}): Complex => transformed("fft", x, options, false);
/** `x[j] = 1/n Σₖ X[k] e^(2πi jk/n)`, the inverse of `fft`. */
export const ifft = (x: Tensor | Complex, options: FftOptions = {}): Complex => transformed("ifft", x, options, true);

/** The first ⌊n/2⌋ + 1 elements of the `fft` of a real tensor; the others are their conjugates in reverse order. */
export function rfft(x: Tensor, options: FftOptions = {}): Complex {
  const all = transformed("rfft", x, options, false);
  const axis = normalizeAxis("rfft", options.axis ?? -1, x.node.aval);
  const kept = Math.floor(all.re.shape[axis] / 2) + 1;
  return each(all, (part) => resized(part, axis, kept));
}

/** The inverse of `rfft`: real, of length 2(m - 1) for m elements unless `length` is given. */
export function irfft(x: Tensor | Complex, options: FftOptions = {}): Tensor {
  const pair = complexOf(x);
  const axis = normalizeAxis("irfft", options.axis ?? -1, pair.re.node.aval);
  const length = options.length ?? 2 * (pair.re.shape[axis] - 1);
  checkLength("irfft", length);
  const kept = Math.floor(length / 2) + 1;
  const half = each(pair, (part) => resized(part, axis, kept).moveAxis(axis, -1));
  const mirrored = each(half, (part) => part.at("...", `1:${length - kept + 1}`).flip(-1));
  const whole = {
    re: concatenate([half.re, mirrored.re], -1),
    im: concatenate([half.im, mirrored.im.neg()], -1),
  };
  return ifft(whole, { norm: options.norm ?? "backward" }).re.moveAxis(-1, axis);
}

/** The transform of a signal with Hermitian symmetry, given by its first half: real. */
export const hfft = (x: Tensor | Complex, options: FftOptions = {}): Tensor =>
  irfft(conjugate(complexOf(x)), { ...options, norm: opposite(options.norm) });
/** The inverse of `hfft`. */
export const ihfft = (x: Tensor, options: FftOptions = {}): Complex =>
  conjugate(rfft(x, { ...options, norm: opposite(options.norm) }));
const opposite = (norm: Norm = "backward"): Norm =>
  norm === "backward" ? "forward" : norm === "forward" ? "backward" : norm;

/** The options of the transform along each axis, in the order given. */
function axesOf(op: string, x: Tensor, { axes, lengths, norm = "backward" }: FftnOptions): FftOptions[] {
  const { aval } = x.node;
  const given = axes ?? (lengths ? range(x.rank).slice(-lengths.length) : range(x.rank));
  const list = (typeof given === "number" ? [given] : given).map((a) => normalizeAxis(op, a, aval));
  normalizeAxes(op, list, aval); // throws for repeats
  if (lengths && lengths.length !== list.length)
    throw new ArgumentError(
      `${op}: one length for each of ${list.length} axes is needed, got ${lengths.length}. name as many`,
    );
  return list.map((axis, i) => ({ axis, norm, ...(lengths && { length: lengths[i] }) }));
}

const overAxes = (op: string, x: Tensor | Complex, options: FftnOptions, inverse: boolean): Complex =>
  axesOf(op, complexOf(x).re, options).reduce<Complex>((y, one) => transformed(op, y, one, inverse), complexOf(x));

/** `fft` along several axes. */
export const fftn = (x: Tensor | Complex, options: FftnOptions = {}): Complex => overAxes("fftn", x, options, false);
/** `ifft` along several axes. */
export const ifftn = (x: Tensor | Complex, options: FftnOptions = {}): Complex => overAxes("ifftn", x, options, true);

/** `rfft` along the last of the axes, `fft` along the others. */
export function rfftn(x: Tensor, options: FftnOptions = {}): Complex {
  const axes = axesOf("rfftn", x, options);
  return axes.slice(0, -1).reduce<Complex>((y, one) => fft(y, one), rfft(x, axes[axes.length - 1]));
}

/** The inverse of `rfftn`; the last of `lengths` is that of the result. */
export function irfftn(x: Tensor | Complex, options: FftnOptions = {}): Tensor {
  const pair = complexOf(x);
  const axes = axesOf("irfftn", pair.re, options);
  const others = axes.slice(0, -1).reduce<Complex>((y, one) => ifft(y, one), pair);
  return irfft(others, axes[axes.length - 1]);
}

const lastTwo = (options: FftnOptions): FftnOptions => ({ axes: [-2, -1], ...options });
/** `fftn` along the last two axes. */
export const fft2 = (x: Tensor | Complex, options: FftnOptions = {}): Complex => fftn(x, lastTwo(options));
/** `ifftn` along the last two axes. */
export const ifft2 = (x: Tensor | Complex, options: FftnOptions = {}): Complex => ifftn(x, lastTwo(options));
/** `rfftn` along the last two axes. */
export const rfft2 = (x: Tensor, options: FftnOptions = {}): Complex => rfftn(x, lastTwo(options));
/** `irfftn` along the last two axes. */
export const irfft2 = (x: Tensor | Complex, options: FftnOptions = {}): Tensor => irfftn(x, lastTwo(options));
