/** Pictures that people have, made into what models were trained on. */
import type { Picture } from "../plot/index.js";

/** Grey levels from 0 to 1, row by row. */
interface Grey {
  readonly width: number;
  readonly height: number;
  readonly values: Float64Array;
}

/** The level at a place; 0 outside. */
const at = ({ width, height, values }: Grey, x: number, y: number): number =>
  x >= 0 && y >= 0 && x < width && y < height ? values[y * width + x] : 0;

/** The median of the levels along the border. */
function groundOf(grey: Grey): number {
  const { width, height } = grey;
  const border: number[] = [];
  for (let x = 0; x < width; x++) border.push(at(grey, x, 0), at(grey, x, height - 1));
  for (let y = 0; y < height; y++) border.push(at(grey, 0, y), at(grey, width - 1, y));
  return border.sort((a, b) => a - b)[border.length >> 1];
}

/** Light strokes on black, whichever way the picture has them. */
function strokesOf(grey: Grey): Grey {
  const ground = groundOf(grey);
  const from = (level: number): number => (ground > 0.5 ? (ground - level) / ground : (level - ground) / (1 - ground));
  return { ...grey, values: grey.values.map((level) => Math.max(0, from(level))) };
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest box around what stands out from black; the whole picture when nothing does. */
function boxOf({ width, height, values }: Grey): Box {
  let [left, right, top, bottom] = [width, -1, height, -1];
  values.forEach((level, i) => {
    if (level <= 0.25) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  });
  if (right < 0) return { left: 0, top: 0, width, height };
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** How much of the interval from `from` to `to` lies over pixel `i`. */
const overlap = (i: number, from: number, to: number): number => Math.max(0, Math.min(i + 1, to) - Math.max(i, from));

/** The mean level over the rectangle between two corners, which may lie inside pixels. */
function meanOver(grey: Grey, x0: number, y0: number, x1: number, y1: number): number {
  let sum = 0;
  for (let y = Math.floor(y0); y < y1; y++)
    for (let x = Math.floor(x0); x < x1; x++) sum += at(grey, x, y) * overlap(x, x0, x1) * overlap(y, y0, y1);
  return sum / ((x1 - x0) * (y1 - y0));
}

/** The part of a picture in a box, as `width × height` means over equal areas. */
function resample(grey: Grey, box: Box, width: number, height: number): Grey {
  const [dx, dy] = [box.width / width, box.height / height];
  const values = Float64Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [box.left + (i % width) * dx, box.top + Math.floor(i / width) * dy];
    return meanOver(grey, x, y, x + dx, y + dy);
  });
  return { width, height, values };
}

/** The centre of mass, in pixels. */
function centreOf({ width, height, values }: Grey): [x: number, y: number] {
  let [mass, mx, my] = [0, 0, 0];
  values.forEach((level, i) => {
    mass += level;
    mx += level * ((i % width) + 0.5);
    my += level * (Math.floor(i / width) + 0.5);
  });
  return mass > 0 ? [mx / mass, my / mass] : [width / 2, height / 2];
}

/** Side of MNIST's and Fashion-MNIST's pictures, and of the box that the strokes of MNIST's fill. */
const side = 28;
const inner = 20;

/** Luma (ITU-R BT.601), on a white ground where the picture is transparent. */
function greyOf({ width, height, channels, pixels }: Picture): Grey {
  const level = (i: number): number => {
    const [a, b = a, c = a, cover = 255] = pixels.subarray(channels * i, channels * (i + 1));
    const luma = channels === 1 ? a : 0.299 * a + 0.587 * b + 0.114 * c;
    return 1 - ((1 - luma / 255) * cover) / 255;
  };
  return { width, height, values: Float64Array.from({ length: width * height }, (_, i) => level(i)) };
}

/** Whether a picture looks like those of the data sets already. */
const isThere = (seen: Grey): boolean => seen.width === side && seen.height === side && groundOf(seen) <= 0.5;

/** What stands out from the ground, light on black, as large as a box of `length × length` takes it. */
function fitted(seen: Grey, length: number): Grey {
  const strokes = strokesOf(seen);
  const box = boxOf(strokes);
  const fit = (side: number): number => Math.max(1, Math.round((side * length) / Math.max(box.width, box.height)));
  return resample(strokes, box, fit(box.width), fit(box.height));
}

/** `side × side` levels with a small picture in them, whose left upper corner is at `(dx, dy)`. */
const placed = (small: Grey, dx: number, dy: number): Float32Array =>
  Float32Array.from({ length: side * side }, (_, i) => at(small, (i % side) - dx, Math.floor(i / side) - dy));

/**
 * A drawn digit the way MNIST has them (LeCun et al. 1998, section III.A): light on dark, fitted into a box of 20 × 20
 * with its proportions kept, and put into 28 × 28 with its centre of mass in the middle. A picture of 28 × 28 on a dark
 * ground is taken as it is.
 */
export function digitLevels(picture: Picture): Float32Array {
  const seen = greyOf(picture);
  if (isThere(seen)) return Float32Array.from(seen.values);
  const small = fitted(seen, inner);
  const [cx, cy] = centreOf(small);
  // In MNIST the centre of mass lies in [14, 15), as a distance from the corner; the small number absorbs rounding.
  const shift = (centre: number): number => Math.ceil(side / 2 - centre - 1e-9);
  return placed(small, shift(cx), shift(cy));
}

/**
 * A picture of a garment the way Fashion-MNIST has them (Xiao, Rasul & Vollgraf 2017, section 2): light on black, its
 * longer side 28 pixels, in the middle. A picture of 28 × 28 on a dark ground is taken as it is.
 */
export function garmentLevels(picture: Picture): Float32Array {
  const seen = greyOf(picture);
  if (isThere(seen)) return Float32Array.from(seen.values);
  const small = fitted(seen, side);
  return placed(small, (side - small.width) >> 1, (side - small.height) >> 1);
}

/** A picture's levels at another size. */
export function greyLevels(picture: Picture, width: number, height: number): Float32Array {
  const seen = greyOf(picture);
  const whole = { left: 0, top: 0, width: seen.width, height: seen.height };
  return Float32Array.from(resample(seen, whole, width, height).values);
}

/** The middle square of a picture (in grey or colour, transparent or not) in colour, levels `[3, side, side]` at another size. */
export function colourLevels({ width, height, channels, pixels }: Picture, side: number): Float32Array {
  const length = Math.min(width, height);
  const square = { left: (width - length) / 2, top: (height - length) / 2, width: length, height: length };
  const levels = new Float32Array(3 * side * side);
  for (let c = 0; c < 3; c++) {
    const values = Float64Array.from(
      { length: width * height },
      (_, i) => pixels[channels * i + (channels === 1 ? 0 : c)] / 255,
    );
    levels.set(resample({ width, height, values }, square, side, side).values, c * side * side);
  }
  return levels;
}
