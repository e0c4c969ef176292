/** Colours by how they look: sRGB and CIE L*a*b*. */
import { concatenate, ShapeError, split, tensor, type Tensor, where } from "../index.js";

/** Linear sRGB to CIE XYZ under D65 (IEC 61966-2-1), rows X, Y, Z. */
const toXyz = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
];
/** The inverse of `toXyz`. */
const toRgb = [
  [3.2404542, -1.5371385, -0.4985314],
  [-0.969266, 1.8760108, 0.041556],
  [0.0556434, -0.2040259, 1.0572252],
];
/** What white is in XYZ: the sums of the rows. */
const white = toXyz.map((row) => row.reduce((a, b) => a + b));
/** Where the cube root of L*a*b* becomes a line (CIE 15). */
const delta = 6 / 29;

function checkColours(name: string, x: Tensor): void {
  if (x.rank !== 4 || x.shape[1] !== 3)
    throw new ShapeError(`${name}: pictures must be [N, 3, H, W], got ${x.describe()}. put the channels in axis 1`);
}

/** Every pixel's three channels times a 3 × 3 matrix. */
const mix = (x: Tensor, matrix: readonly (readonly number[])[]): Tensor =>
  tensor(matrix, { dtype: x.dtype })
    .matmul(x.flatten(2)) // [N, 3, H·W]
    .reshape(x.shape);

/** Red, green and blue from 0 to 1, `[N, 3, H, W]`, to L* from 0 to 100 and a*, b* (CIE 1976, white D65). */
export function rgbToLab(x: Tensor): Tensor {
  checkColours("rgbToLab", x);
  const bent = x.add(0.055).div(1.055).maximum(0).pow(2.4);
  const xyz = mix(where(x.greater(0.04045), bent, x.div(12.92)), toXyz);
  const relative = xyz.div(tensor(white, { dtype: x.dtype }).reshape([3, 1, 1]));
  const root = relative.maximum(delta ** 3).pow(1 / 3);
  const f = where(relative.greater(delta ** 3), root, relative.div(3 * delta ** 2).add(4 / 29));
  const [fx, fy, fz] = split(f, 3, 1);
  return concatenate([fy.mul(116).sub(16), fx.sub(fy).mul(500), fy.sub(fz).mul(200)], 1);
}

/** The inverse of `rgbToLab`; colours that sRGB does not have come out below 0 or above 1. */
export function labToRgb(x: Tensor): Tensor {
  checkColours("labToRgb", x);
  const [light, a, b] = split(x, 3, 1);
  const fy = light.add(16).div(116);
  const f = concatenate([fy.add(a.div(500)), fy, fy.sub(b.div(200))], 1);
  const relative = where(f.greater(delta), f.pow(3), f.sub(4 / 29).mul(3 * delta ** 2));
  const linear = mix(relative.mul(tensor(white, { dtype: x.dtype }).reshape([3, 1, 1])), toRgb);
  const bent = linear
    .maximum(0.0031308)
    .pow(1 / 2.4)
    .mul(1.055)
    .sub(0.055);
  return where(linear.greater(0.0031308), bent, linear.mul(12.92));
}
