/** Helpers for `reference` rules: whole arrays addressed by their index, nothing clever. */
import type { ErrorSample, NdArray, Sample, SampleInput } from "../ir/node.js";
import { type DType, isInteger, roundTo } from "../ir/dtype.js";
import { type Aval, type Shape, sizeOf, stridesOf } from "../ir/shape.js";

/** The row-major position of an index. */
export const ravel = (index: readonly number[], shape: Shape): number =>
  stridesOf(shape).reduce((sum, stride, i) => sum + stride * index[i], 0);

/** The index at a row-major position. */
export const unravel = (position: number, shape: Shape): number[] =>
  stridesOf(shape).map((stride, i) => Math.floor(position / stride) % shape[i]);

/** An array from a function of the index. */
export function build(shape: Shape, f: (index: number[]) => number): NdArray {
  const data = new Float64Array(sizeOf(shape));
  for (let k = 0; k < data.length; k++) data[k] = f(unravel(k, shape));
  return { shape, data };
}

/** The element at an index. */
export const element = (x: NdArray, index: readonly number[]): number => x.data[ravel(index, x.shape)];

/** Calls `f` with every index of `shape`, in row-major order. */
export function each(shape: Shape, f: (index: number[]) => void): void {
  const n = sizeOf(shape);
  for (let k = 0; k < n; k++) f(unravel(k, shape));
}

/** `y[i] = x[place(i)]`. */
export const readFrom = (x: NdArray, shape: Shape, place: (index: number[]) => readonly number[]): NdArray =>
  build(shape, (i) => element(x, place(i)));

/** `y[place(i)] = x[i]`, and zeros at the other places. */
export function writtenTo(shape: Shape, x: NdArray, place: (index: number[]) => readonly number[]): NdArray {
  const y = build(shape, () => 0);
  each(x.shape, (i) => (y.data[ravel(place(i), shape)] = element(x, i)));
  return y;
}

/** `y[place(i)] += x[i]` for every index of x, from zeros. */
export function addedTo(shape: Shape, x: NdArray, place: (index: number[]) => readonly number[]): NdArray {
  const y = build(shape, () => 0);
  each(x.shape, (i) => (y.data[ravel(place(i), shape)] += element(x, i)));
  return y;
}

/** The product in a dtype: of integers the low 32 bits, which float64 arithmetic alone would round away. */
export const times = (dtype: DType, x: number, y: number): number =>
  isInteger(dtype) ? roundTo(dtype, Math.imul(x, y)) : x * y;

/** Arrays of one dtype. */
export const avals = (dtype: DType, ...shapes: readonly Shape[]): Aval[] => shapes.map((shape) => ({ dtype, shape }));
/** A sample whose inputs all have one dtype. */
export const sample = <P>(
  dtype: DType,
  shapes: readonly Shape[],
  params: P,
  domain?: readonly [number, number],
): Sample<P> => ({
  inputs: shapes.map((shape): SampleInput => (domain ? { dtype, shape, domain } : { dtype, shape })),
  params,
});
/** Inputs and params that a primitive must not take, and the text its error must contain. */
export const refusal = <P>(inputs: readonly Aval[], params: P, message: string): ErrorSample<P> => ({
  inputs,
  params,
  message,
});
