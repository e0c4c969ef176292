/** Pictures cut, flipped, turned and stretched: all of it is reading them at other places. */
import { ArgumentError, arange, full, random, tensor, type Tensor, where } from "../../index.js";
import { type GridMode, type GridPadding, sampleAt } from "../../nn/index.js";
import { triangles } from "../pictures.js";
import {
  checkPictures,
  checkProbability,
  drawn,
  fixed,
  type Range,
  rangeOf,
  sometimes,
  type Transform,
  transform,
} from "./transform.js";

/** Height and width, or both at once. */
export type Size = number | readonly [height: number, width: number];

function sizeOf(name: string, size: Size): readonly [number, number] {
  const both = typeof size === "number" ? ([size, size] as const) : size;
  if (both.length !== 2 || !both.every((n) => Number.isInteger(n) && n > 0))
    throw new ArgumentError(
      `${name}: the size must be a positive integer, or a height and a width, got ${JSON.stringify(size)}. round it`,
    );
  return both;
}

/** What lies beyond the border. */
export interface BorderOptions {
  /** `"constant"` (the default), the border pixel, or the mirrored picture without and with a second border pixel. */
  readonly paddingMode?: "constant" | "edge" | "reflect" | "symmetric";
  /** The constant; 0 unless told. */
  readonly fill?: number;
}

const borders: Readonly<Record<string, { readonly paddingMode: GridPadding; readonly alignCorners?: boolean }>> = {
  constant: { paddingMode: "zeros" },
  edge: { paddingMode: "border" },
  reflect: { paddingMode: "reflection", alignCorners: true },
  symmetric: { paddingMode: "reflection" },
};

/** A number, or one for every picture `[N]`. */
export type PerPicture = number | Tensor;

/** As `[N, 1, 1]`, or `[1, 1, 1]` for all. */
const perPicture = (value: PerPicture): Tensor =>
  typeof value === "number" ? full([1, 1, 1], value) : value.reshape([-1, 1, 1]);

/** 0, 1, … down the rows, `[1, height, 1]`, and along the columns, `[1, 1, width]`. */
const down = (height: number): Tensor => arange(height).reshape([1, height, 1]);
const along = (width: number): Tensor => arange(width).reshape([1, 1, width]);

/** The pixels of a window of the given size, from row `top` and column `left` on; some may lie beyond the border. */
export function crop(
  x: Tensor,
  top: PerPicture,
  left: PerPicture,
  size: Size,
  { paddingMode = "constant", fill = 0 }: BorderOptions = {},
): Tensor {
  checkPictures("crop", x);
  const [height, width] = sizeOf("crop", size);
  if (!Object.hasOwn(borders, paddingMode))
    throw new ArgumentError(
      `crop: paddingMode must be one of ${Object.keys(borders).join(", ")}, got ${JSON.stringify(paddingMode)}. choose one`,
    );
  const rows = perPicture(top).add(down(height));
  const columns = perPicture(left).add(along(width));
  return sampleAt(x, rows, columns, { mode: "nearest", fill, ...borders[paddingMode] });
}

/** Where a middle begins that leaves so many pixels free: halves go to the even number, as torchvision rounds. */
const middleOf = (free: number): number =>
  free < 0 ? Math.ceil(free / 2) : free % 2 === 0 ? free / 2 : 2 * Math.round(free / 4);

/** The middle of each picture; what is too small gets zeros around it. */
export function centerCrop(size: Size): Transform {
  const [height, width] = sizeOf("centerCrop", size);
  return fixed("centerCrop", (x) => {
    const [, , h, w] = x.shape;
    return crop(x, middleOf(h - height), middleOf(w - width), size);
  });
}

/** Pixels for every side, or for each. */
export type Sides = number | readonly [left: number, top: number, right: number, bottom: number];

function sidesOf(name: string, padding: Sides): readonly [number, number, number, number] {
  const sides = typeof padding === "number" ? ([padding, padding, padding, padding] as const) : padding;
  if (sides.length !== 4 || !sides.every((n) => Number.isInteger(n) && n >= 0))
    throw new ArgumentError(
      `${name}: padding must be an integer of at least 0, or one for each side [left, top, right, bottom], got ${JSON.stringify(padding)}. round it`,
    );
  return sides;
}

/** More pixels on the sides. */
export function pad(padding: Sides, options: BorderOptions = {}): Transform {
  const [left, top, right, bottom] = sidesOf("pad", padding);
  return fixed("pad", (x) => {
    const [, , h, w] = x.shape;
    return crop(x, -top, -left, [h + top + bottom, w + left + right], options);
  });
}

/** A part of the given size at a random place, after padding. */
export function randomCrop(
  size: Size,
  { padding = 0, ...border }: BorderOptions & { readonly padding?: Sides } = {},
): Transform {
  const [height, width] = sizeOf("randomCrop", size);
  const [left, top, right, bottom] = sidesOf("randomCrop", padding);
  return transform("randomCrop", (x, key) => {
    const [n, , h, w] = x.shape;
    const [padded, wide] = [h + top + bottom, w + left + right];
    if (padded < height || wide < width)
      throw new ArgumentError(
        `randomCrop: pictures with their padding must be at least ${height}×${width}, got ${padded}×${wide}. pad or resize them`,
      );
    const [forRows, forColumns] = random.split(key);
    const offset = (k: random.Key, free: number, before: number): Tensor =>
      random
        .randint(k, [n], 0, free + 1)
        .astype("float32")
        .sub(before);
    return crop(x, offset(forRows, padded - height, top), offset(forColumns, wide - width, left), size, border);
  });
}

/** Left and right exchanged. */
export function hflip(x: Tensor): Tensor {
  checkPictures("hflip", x);
  return x.flip(3);
}
/** Top and bottom exchanged. */
export function vflip(x: Tensor): Tensor {
  checkPictures("vflip", x);
  return x.flip(2);
}

const randomFlip =
  (name: string, flip: (x: Tensor) => Tensor) =>
  (p = 0.5): Transform => {
    checkProbability(name, p);
    return transform(name, (x, key) => sometimes(key, p, flip(x), x));
  };
/** Left and right exchanged with probability p. */
export const randomHorizontalFlip = randomFlip("randomHorizontalFlip", hflip);
/** Top and bottom exchanged with probability p. */
export const randomVerticalFlip = randomFlip("randomVerticalFlip", vflip);

/** A part of each picture, in pixels. */
export interface Box {
  readonly top: PerPicture;
  readonly left: PerPicture;
  readonly height: PerPicture;
  readonly width: PerPicture;
}

/** How values between pixels are made. */
export interface Interpolation {
  /** `"bilinear"` unless told; `"nearest"` takes the pixel whose middle is nearest. */
  readonly interpolation?: "nearest" | "bilinear";
}

/** A part of each picture, stretched to a size; beyond its border that border counts. */
export function resizedCrop(
  x: Tensor,
  box: Box,
  size: Size,
  { interpolation = "bilinear" }: Interpolation = {},
): Tensor {
  checkPictures("resizedCrop", x);
  const [height, width] = sizeOf("resizedCrop", size);
  const places = (counter: Tensor, count: number, from: PerPicture, length: PerPicture): Tensor => {
    const whole = perPicture(length);
    const inside = counter.add(0.5).mul(whole.div(count)).sub(0.5); // middles of pixels
    return inside.maximum(0).minimum(whole.sub(1)).add(perPicture(from));
  };
  const rows = places(down(height), height, box.top, box.height);
  const columns = places(along(width), width, box.left, box.width);
  return sampleAt(x, rows, columns, { mode: interpolation, paddingMode: "border" });
}

/** How `resize` makes values between pixels. */
export interface ResizeOptions extends Interpolation {
  /** Whether pictures that get smaller are smoothed by bilinear interpolation; true unless told. */
  readonly antialias?: boolean;
}

/** What takes an axis to another length by triangles that widen as it gets shorter: `[to, from]`. */
function smoothing(from: number, to: number): Tensor {
  const matrix = new Float32Array(to * from);
  triangles(from, to, 0, from).forEach(({ start, weights }, i) => matrix.set(weights, i * from + start));
  return tensor(matrix, { shape: [to, from] });
}

/**
 * Pictures of another size; a number is the length of the shorter side. As torchvision's for tensors: bilinear, without
 * `alignCorners`, and smoothed where a picture gets smaller, so that every old pixel counts (`antialias`, its default from
 * 0.17 on). Without smoothing it is PyTorch's `interpolate`.
 */
export function resize(size: Size, options: ResizeOptions = {}): Transform {
  const { interpolation = "bilinear", antialias = true } = options;
  const both = sizeOf("resize", size);
  return fixed("resize", (x) => {
    const [, , h, w] = x.shape;
    const longer = Math.floor((both[0] * Math.max(h, w)) / Math.min(h, w));
    const target: Size = typeof size !== "number" ? both : h <= w ? [size, longer] : [longer, size];
    if (target[0] === h && target[1] === w) return x;
    if (antialias && interpolation === "bilinear" && (target[0] < h || target[1] < w))
      return smoothing(h, target[0]).matmul(x.matmul(smoothing(w, target[1]).T));
    return resizedCrop(x, { top: 0, left: 0, height: h, width: w }, target, options);
  });
}

/** Boxes of whole pixels, each number `[N]`. */
export interface RandomBoxes {
  readonly top: Tensor;
  readonly left: Tensor;
  readonly height: Tensor;
  readonly width: Tensor;
  /** Whether one of ten tries fitted, `[N]`, bool; else the box is too large. */
  readonly fits: Tensor;
}

const tries = 10;

/**
 * Boxes in the pictures: the share of the area uniform on `scale`, the logarithm of the ratio of width to height uniform on
 * that of `ratio`; of ten tries the first that fits.
 */
export function randomBoxes(
  key: random.Key,
  x: Tensor,
  scale: readonly [number, number],
  ratio: readonly [number, number],
): RandomBoxes {
  const [n, , h, w] = x.shape;
  const [forArea, forRatio, forTop, forLeft] = random.split(key, 4);
  const area: Tensor = random.uniform(forArea, [n, tries], { low: scale[0] * h * w, high: scale[1] * h * w });
  const bounds = { low: Math.log(ratio[0]), high: Math.log(ratio[1]) };
  const slant = random.uniform(forRatio, [n, tries], bounds).exp();
  const heights = area.div(slant).sqrt().round();
  const widths = area.mul(slant).sqrt().round();
  const fitting = heights.greater(0).and(heights.lessEqual(h)).and(widths.greater(0)).and(widths.lessEqual(w));
  const first = fitting.astype("int32").argmax(1).expandDims(1); // [N, 1]
  const chosen = (of: Tensor): Tensor => of.takeAlongAxis(first, 1).squeeze(1);
  const [height, width] = [chosen(heights), chosen(widths)];
  const offset = (k: random.Key, room: Tensor): Tensor => random.uniform(k, [n]).mul(room.add(1)).floor();
  return {
    top: offset(forTop, height.neg().add(h)),
    left: offset(forLeft, width.neg().add(w)),
    height,
    width,
    fits: fitting.any(1),
  };
}

/** Options of `randomResizedCrop`. */
export interface ResizedCropOptions extends Interpolation {
  /** Which shares of the area a part may have; `[0.08, 1]` unless told. */
  readonly scale?: readonly [number, number];
  /** Which ratios of width to height; `[3/4, 4/3]` unless told. */
  readonly ratio?: readonly [number, number];
}

/** A random part of random size and shape, stretched to `size` (Szegedy et al. 2015, arXiv:1409.4842). */
export function randomResizedCrop(size: Size, options: ResizedCropOptions = {}): Transform {
  const name = "randomResizedCrop";
  sizeOf(name, size);
  const scale = rangeOf(name, "scale", options.scale ?? [0.08, 1], 0, 0);
  const ratio = rangeOf(name, "ratio", options.ratio ?? [3 / 4, 4 / 3], 0, Number.MIN_VALUE);
  return transform(name, (x, key) => {
    const [, , h, w] = x.shape;
    const found = randomBoxes(key, x, scale, ratio);
    // Where nothing fitted: the middle, as much of it as the ratio allows.
    const [height, width] = [Math.min(h, Math.round(w / ratio[0])), Math.min(w, Math.round(h * ratio[1]))];
    const box = {
      top: where(found.fits, found.top, Math.floor((h - height) / 2)),
      left: where(found.fits, found.left, Math.floor((w - width) / 2)),
      height: where(found.fits, found.height, height),
      width: where(found.fits, found.width, width),
    };
    return resizedCrop(x, box, size, options);
  });
}

/** Sines and cosines of degrees; multiples of 90° give -1, 0 and 1 exactly. */
function turn(degrees: Tensor): { readonly sin: Tensor; readonly cos: Tensor } {
  const quarters = degrees.div(90).round();
  const rest = degrees.sub(quarters.mul(90)).mul(Math.PI / 180);
  const quadrant = quarters.remainder(4);
  const pick = (a: Tensor, b: Tensor, c: Tensor, d: Tensor): Tensor =>
    where(quadrant.equal(0), a, where(quadrant.equal(1), b, where(quadrant.equal(2), c, d)));
  const [s, c] = [rest.sin(), rest.cos()];
  return { sin: pick(s, c, s.neg(), c.neg()), cos: pick(c, s.neg(), c.neg(), s) };
}

/** How `affine` makes values between pixels, and what it turns around. */
export interface AffineOptions {
  /** `"nearest"` unless told. */
  readonly interpolation?: GridMode;
  /** What comes in from outside; 0 unless told. */
  readonly fill?: number;
  /** What stays in place, in pixels from the upper left corner of the picture; its middle unless told. */
  readonly center?: readonly [column: number, row: number];
}

/** A map of the plane around the middle. */
export interface AffineMap {
  /** Degrees clockwise. */
  readonly angle?: PerPicture;
  /** Pixels. */
  readonly translate?: readonly [right: PerPicture, down: PerPicture];
  readonly scale?: PerPicture;
  /** Degrees. */
  readonly shear?: readonly [x: PerPicture, y: PerPicture];
}

/**
 * Each picture under an affine map, as torchvision's `affine`: the pixel at p goes to `center + translate + s R S (p - center)`
 * with the rotation R, shear S and scale s. Quarter turns are exact.
 */
export function affine(x: Tensor, map: AffineMap, options: AffineOptions = {}): Tensor {
  checkPictures("affine", x);
  const { angle = 0, translate = [0, 0], scale = 1, shear = [0, 0] } = map;
  const { interpolation = "nearest", fill = 0, center } = options;
  const [, , h, w] = x.shape;
  const [middleColumn, middleRow] = (center ?? [w / 2, h / 2]).map((place) => place - 0.5);
  const { sin, cos } = turn(perPicture(angle));
  const tangent = (degrees: PerPicture): Tensor => {
    const t = turn(perPicture(degrees));
    return t.sin.div(t.cos);
  };
  const [tanX, tanY] = shear.map(tangent);
  // R S = [[a, b], [c, d]] has determinant 1, so that its inverse is [[d, -b], [-c, a]].
  const a = cos.add(sin.mul(tanY));
  const b = a.mul(tanX).add(sin).neg();
  const c = sin.sub(cos.mul(tanY));
  const d = cos.sub(c.mul(tanX));
  const right = along(w).sub(middleColumn).sub(perPicture(translate[0])).div(perPicture(scale)); // [N, 1, W]
  const below = down(h).sub(middleRow).sub(perPicture(translate[1])).div(perPicture(scale)); // [N, H, 1]
  const rows = below.mul(a).sub(right.mul(c)).add(middleRow); // [N, H, W]
  const columns = right.mul(d).sub(below.mul(b)).add(middleColumn);
  return sampleAt(x, rows, columns, { mode: interpolation, fill });
}

/** Each picture turned counter-clockwise by degrees, as torchvision's `rotate`; the size stays. */
export const rotate = (x: Tensor, angle: PerPicture, options: AffineOptions = {}): Tensor =>
  affine(x, { angle: typeof angle === "number" ? -angle : angle.neg() }, options);

/** Turned by an angle from `degrees`; a number d stands for `[-d, d]`. */
export function randomRotation(degrees: Range, options: AffineOptions = {}): Transform {
  const range = rangeOf("randomRotation", "degrees", degrees, 0);
  return transform("randomRotation", (x, key) => rotate(x, drawn(key, x, range), options));
}

/** Options of `randomAffine`: what is left out does not vary. */
export interface RandomAffineOptions extends AffineOptions {
  /** Moves by whole pixels, up to these shares of width and height either way. */
  readonly translate?: readonly [horizontal: number, vertical: number];
  readonly scale?: readonly [number, number];
  /** Degrees of shear along the rows, and along the columns. */
  readonly shear?: readonly [x: Range, y: Range];
}

/** Turned, moved, stretched and sheared by amounts drawn for each picture; a number of degrees d stands for `[-d, d]`. */
export function randomAffine(degrees: Range, options: RandomAffineOptions = {}): Transform {
  const name = "randomAffine";
  const angles = rangeOf(name, "degrees", degrees, 0);
  const { translate = [0, 0], scale = [1, 1], shear = [0, 0] } = options;
  if (!translate.every((share) => share >= 0 && share <= 1))
    throw new ArgumentError(
      `${name}: translate must be two shares of the sides from 0 to 1, got ${JSON.stringify(translate)}. 0.1 is a tenth`,
    );
  const scales = rangeOf(name, "scale", scale, 1, Number.MIN_VALUE);
  const [shearX, shearY] = shear.map((range) => rangeOf(name, "shear", range, 0));
  return transform(name, (x, key) => {
    const [, , h, w] = x.shape;
    const keys = random.split(key, 6);
    // What does not vary is a number, and costs nothing.
    const varied = (k: random.Key, range: readonly [number, number]): PerPicture =>
      range[0] === range[1] ? range[0] : drawn(k, x, range);
    const moved = (k: random.Key, most: number): PerPicture => (most === 0 ? 0 : drawn(k, x, [-most, most]).round());
    const map: AffineMap = {
      angle: varied(keys[0], angles),
      translate: [moved(keys[1], translate[0] * w), moved(keys[2], translate[1] * h)],
      scale: varied(keys[3], scales),
      shear: [varied(keys[4], shearX), varied(keys[5], shearY)],
    };
    return affine(x, map, options);
  });
}
