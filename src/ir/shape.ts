import { product, range } from "../util/arrays.js";
import { ShapeError, shown } from "../util/errors.js";
import type { DType } from "./dtype.js";

/** Lengths of the axes of a tensor, outermost first. */
export type Shape = readonly number[];

/** What is known of a value before it is computed. */
export interface Aval {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** `float32[2,3]`: the one way a value is written in errors, printed graphs and tests. */
export const show = (a: Aval): string => `${a.dtype}[${a.shape.join(",")}]`;

/** Number of elements. */
export const sizeOf = (shape: Shape): number => product(shape);

/** Distances, in elements, between neighbours along each axis of a row-major array. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Throws unless every length is a non-negative safe integer. */
export function checkShape(op: string, shape: Shape): void {
  if (!Array.isArray(shape))
    throw new ShapeError(`${op}: a shape must be a list of lengths, got ${String(shape)}. write [${String(shape)}]`);
  for (const d of shape)
    if (!Number.isSafeInteger(d) || d < 0)
      throw new ShapeError(
        `${op}: dimensions must be non-negative integers, got [${shape.map(shown).join(",")}]. check the shape`,
      );
  if (sizeOf(shape) > 2 ** 31 - 1)
    throw new ShapeError(`${op}: a tensor holds at most 2147483647 elements, got [${shape.join(",")}]. split it`);
}

export const sameAval = (a: Aval, b: Aval): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape);

/** An axis as a number from 0 to rank - 1; negative axes count from the end. */
export function normalizeAxis(op: string, axis: number, value: Aval): number {
  const rank = value.shape.length;
  if (rank === 0)
    throw new ShapeError(`${op}: the tensor must have an axis, got ${axis} for ${show(value)}. reshape it to [1]`);
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new ShapeError(
      `${op}: axis must be an integer from ${-rank} to ${rank - 1}, got ${shown(axis)} for ${show(value)}. name an axis the tensor has`,
    );
  return axis < 0 ? axis + rank : axis;
}

/** Axes normalized, checked for repeats and sorted; `undefined` means all of them. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, value: Aval): number[] {
  if (axes === undefined) return range(value.shape.length);
  const list = typeof axes === "number" ? [axes] : axes;
  const normal = list.map((a) => normalizeAxis(op, a, value)).sort((a, b) => a - b);
  normal.forEach((a, i) => {
    if (i > 0 && a === normal[i - 1])
      throw new ShapeError(
        `${op}: axes must be distinct, got [${list.join(",")}] for ${show(value)}. name each axis once`,
      );
  });
  return normal;
}

/** The shape two shapes broadcast to, by NumPy's rule. */
export function broadcastShapes(op: string, a: Aval, b: Aval): Shape {
  if (sameShape(a.shape, b.shape)) return a.shape;
  const rank = Math.max(a.shape.length, b.shape.length);
  const dim = (s: Shape, i: number) => s[i - rank + s.length] ?? 1;
  return range(rank).map((i) => {
    const m = dim(a.shape, i);
    const n = dim(b.shape, i);
    if (m !== n && m !== 1 && n !== 1)
      throw new ShapeError(
        `${op}: shapes must broadcast, got ${show(a)} and ${show(b)}. dimensions ${m} and ${n} differ and neither is 1`,
      );
    return m === 1 ? n : m;
  });
}
