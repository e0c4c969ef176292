/** Brightness, contrast, saturation, hue, and the colours' principal axes; of pictures from 0 to 1. */
import { ArgumentError, random, type Tensor, concatenate, tensor, where } from "../../index.js";
import { eigh } from "../../linalg/index.js";
import { checkPictures, drawn, fixed, type Range, rangeOf, type Transform, transform } from "./transform.js";
import type { PerPicture } from "./geometry.js";

/** As `[N, 1, 1, 1]`, or the number. */
const factorOf = (value: PerPicture): number | Tensor =>
  typeof value === "number" ? value : value.reshape([-1, 1, 1, 1]);

/** `factor · x + (1 - factor) · other`, kept from 0 to 1. */
function blend(x: Tensor, other: Tensor, factor: PerPicture): Tensor {
  const f = factorOf(factor);
  return x.sub(other).mul(f).add(other).clip(0, 1);
}

/** The grey level `[N,1,H,W]`: 0.2989 R + 0.587 G + 0.114 B (ITU-R BT.601), or the only channel. */
function greyOf(name: string, x: Tensor): Tensor {
  if (x.shape[1] === 1) return x;
  checkPictures(name, x, 3);
  return x.mul(tensor([0.2989, 0.587, 0.114]).reshape([1, 3, 1, 1])).sum(1, { keepDims: true });
}

/** Grey pictures, of one channel unless told. */
export const grayscale = (channels: 1 | 3 = 1): Transform =>
  fixed("grayscale", (x) => {
    const grey = greyOf("grayscale", x);
    return channels === 1 ? grey : concatenate([grey, grey, grey], 1);
  });

/** `factor · x`: 0 is black, 1 changes nothing. */
export function adjustBrightness(x: Tensor, factor: PerPicture): Tensor {
  checkPictures("adjustBrightness", x);
  return x.mul(factorOf(factor)).clip(0, 1);
}

/** Away from the picture's mean grey level by a factor: 0 is flat grey, 1 changes nothing. */
export function adjustContrast(x: Tensor, factor: PerPicture): Tensor {
  checkPictures("adjustContrast", x);
  return blend(x, greyOf("adjustContrast", x).mean([1, 2, 3], { keepDims: true }), factor);
}

/** Away from each pixel's grey level by a factor: 0 is grey, 1 changes nothing, as it does for pictures of one channel. */
export function adjustSaturation(x: Tensor, factor: PerPicture): Tensor {
  checkPictures("adjustSaturation", x);
  return x.shape[1] === 1 ? x : blend(x, greyOf("adjustSaturation", x), factor);
}

/** The hue turned by a share of the colour circle, from -0.5 to 0.5; pictures of one channel have none. */
export function adjustHue(x: Tensor, shift: PerPicture): Tensor {
  checkPictures("adjustHue", x);
  if (x.shape[1] === 1) return x;
  checkPictures("adjustHue", x, 3);
  const [red, green, blue] = [0, 1, 2].map((c) => x.at(":", `${c}:${c + 1}`)); // [N, 1, H, W]
  const value = red.maximum(green).maximum(blue);
  const chroma = value.sub(red.minimum(green).minimum(blue));
  const divisor = where(chroma.equal(0), 1, chroma);
  const sixth = where(
    value.equal(red),
    green.sub(blue).div(divisor),
    where(value.equal(green), blue.sub(red).div(divisor).add(2), red.sub(green).div(divisor).add(4)),
  );
  const hue = sixth.add(typeof shift === "number" ? 6 * shift : shift.mul(6).reshape([-1, 1, 1, 1]));
  // A hexagonal cone (Smith 1978): each channel is the value less its share of the chroma.
  const channel = (start: number): Tensor => {
    const k = hue.add(start).remainder(6);
    return value.sub(k.minimum(k.neg().add(4)).clip(0, 1).mul(chroma));
  };
  return concatenate([channel(5), channel(3), channel(1)], 1);
}

/** How much `colorJitter` varies; what is left out does not. */
export interface ColorJitterOptions {
  /** Of the factor, around 1. */
  readonly brightness?: Range;
  readonly contrast?: Range;
  readonly saturation?: Range;
  /** Of the turn, around 0, at most 0.5. */
  readonly hue?: Range;
}

/**
 * Brightness, contrast, saturation and hue, in this order, each changed by an amount drawn for each picture; a number r
 * stands for factors from `max(0, 1 - r)` to `1 + r`, for the hue for turns from -r to r.
 */
export function colorJitter(options: ColorJitterOptions): Transform {
  const name = "colorJitter";
  const factors = (what: "brightness" | "contrast" | "saturation") => rangeOf(name, what, options[what] ?? 0, 1, 0);
  const hue = rangeOf(name, "hue", options.hue ?? 0, 0, -0.5);
  if (hue[1] > 0.5)
    throw new ArgumentError(`${name}: hue must be at most 0.5, got ${hue[1]}. half a circle is every colour`);
  const steps = [
    [adjustBrightness, factors("brightness"), 1],
    [adjustContrast, factors("contrast"), 1],
    [adjustSaturation, factors("saturation"), 1],
    [adjustHue, hue, 0],
  ] as const;
  return transform(name, (x, key) =>
    steps.reduce(
      (y, [adjust, range, still], i) =>
        range[0] === still && range[1] === still ? y : adjust(y, drawn(random.foldIn(key, i), y, range)),
      x,
    ),
  );
}

/** Principal axes of colours. */
export interface ColorAxes {
  /** Of the covariance of R, G and B over all pixels, `[3]`. */
  readonly eigenvalues: Tensor;
  /** `[3,3]`, one in each column. */
  readonly eigenvectors: Tensor;
}

/** The principal axes of the channels of pictures `[N,3,H,W]`, over all pixels. */
export function colorAxes(x: Tensor): ColorAxes {
  checkPictures("colorAxes", x);
  const [n, channels, h, w] = x.shape;
  const pixels = x.transpose([1, 0, 2, 3]).reshape([channels, n * h * w]);
  const centred = pixels.sub(pixels.mean(1, { keepDims: true }));
  const { values, vectors } = eigh(centred.matmul(centred.transpose()).div(n * h * w));
  return { eigenvalues: values, eigenvectors: vectors };
}

/**
 * `x + P (α ⊙ λ)` with `α ~ N(0, std²)` drawn for each picture: every pixel moves along the principal axes P of the colours
 * by shares of the eigenvalues λ (Krizhevsky, Sutskever, Hinton 2012, section 4.1, where std is 0.1).
 */
export function pcaJitter({ eigenvalues, eigenvectors }: ColorAxes, std = 0.1): Transform {
  const channels = eigenvalues.shape[0];
  return transform("pcaJitter", (x, key) => {
    checkPictures("pcaJitter", x, channels);
    const amounts = random.normal(key, [x.shape[0], channels], { std }).mul(eigenvalues); // [N, C]
    const moves = amounts.matmul(eigenvectors.transpose()).astype(x.dtype);
    return x.add(moves.reshape([-1, channels, 1, 1]));
  });
}
