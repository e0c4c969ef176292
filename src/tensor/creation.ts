/** Making tensors from numbers. */
import { checkKnown, type DType, dtypeOf, hostArray, isInteger, roundTo, type TypedArray } from "../ir/dtype.js";
import type { HostValue } from "../ir/node.js";
import { checkShape, type Shape, sizeOf } from "../ir/shape.js";
import { convert } from "../primitive/arithmetic.js";
import { constant, fill, iota } from "../primitive/leaf.js";
import { range } from "../util/arrays.js";
import { ArgumentError, DTypeError, ShapeError } from "../util/errors.js";
import { pairs } from "./operations.js";
import { type Nested, Tensor } from "./tensor.js";

/** The dtype of what is made; float32 unless the data says otherwise. */
export interface WithDType {
  readonly dtype?: DType;
}

type Widened<T> = T extends readonly unknown[] ? number : never;
/** The shape of nested lists, as far as their type tells. */
export type NestedShape<T> = T extends readonly (infer E)[]
  ? T extends readonly []
    ? readonly [0]
    : number extends T["length"]
      ? E extends readonly unknown[]
        ? Shape
        : readonly [number]
      : E extends readonly unknown[]
        ? NestedShape<E> extends infer R extends Shape
          ? readonly [T["length"], ...R]
          : Shape
        : readonly [T["length"]]
  : Widened<T> extends never
    ? readonly []
    : Shape;

const isTypedArray = (data: Nested | TypedArray): data is TypedArray => ArrayBuffer.isView(data);

/** Values of a tensor written on the host; the array is copied. */
function hostValue(op: string, data: ArrayLike<number>, dtype: DType, shape: Shape): HostValue {
  checkKnown(op, dtype);
  if (isInteger(dtype)) checkIntegers(op, data, dtype);
  const array = hostArray(dtype, data.length);
  if (data.constructor === array.constructor && dtype !== "bool") array.set(data);
  else for (let i = 0; i < data.length; i++) array[i] = roundTo(dtype, data[i]);
  return { device: "host", dtype, shape, data: array };
}

/** Throws unless an integer dtype can hold the numbers, cut off at their points. */
function checkIntegers(op: string, data: ArrayLike<number>, dtype: DType): void {
  for (let i = 0; i < data.length; i++)
    if (roundTo(dtype, data[i]) !== Math.trunc(data[i]) + 0)
      throw new ArgumentError(`${op}: numbers must fit ${dtype}, got ${data[i]} at ${i}. use another dtype`);
}

/** The dtype of a typed array, whose bytes are bools only when they say nothing else. */
function dtypeOfData(data: TypedArray): DType {
  const dtype = dtypeOf(data);
  const other = dtype === "bool" ? data.findIndex((x: number) => x > 1) : -1;
  if (other >= 0)
    throw new DTypeError(
      `tensor: a Uint8Array must hold the bools 0 and 1, got ${data[other]} at ${other}. name the dtype of other bytes, as in { dtype: "float32" }`,
    );
  return dtype;
}

/**
 * A tensor from nested lists (`tensor([[1, 2], [3, 4]])`), a number, or a typed array with a `shape`. The dtype is the
 * typed array's, bool for booleans, else float32. Integers are not guessed: say `{ dtype: "int32" }`.
 */
export function tensor<const T extends Nested>(data: T, options?: WithDType): Tensor<NestedShape<T>>;
export function tensor<const S extends Shape = readonly [number]>(
  data: TypedArray,
  options?: WithDType & { readonly shape?: S },
): Tensor<S>;
export function tensor(data: Nested | TypedArray, options: WithDType & { readonly shape?: Shape } = {}): Tensor {
  if (isTypedArray(data)) {
    const shape = options.shape ?? [data.length];
    checkShape("tensor", shape);
    if (sizeOf(shape) !== data.length)
      throw new ShapeError(
        `tensor: [${shape.join(",")}] must hold ${sizeOf(shape)} elements, got ${data.length}. check the shape`,
      );
    return Tensor.of(constant(hostValue("tensor", data, options.dtype ?? dtypeOfData(data), shape)));
  }
  const shape = shapeOfNested(data);
  const flat: (number | boolean)[] = [];
  flattenInto(flat, data, shape, 0);
  const dtype = options.dtype ?? (flat.length > 0 && flat.every((x) => typeof x === "boolean") ? "bool" : "float32");
  return Tensor.of(constant(hostValue("tensor", flat.map(Number), dtype, shape)));
}

function shapeOfNested(data: Nested): number[] {
  const shape: number[] = [];
  for (let part: Nested = data; Array.isArray(part); part = part[0]) {
    shape.push(part.length);
    if (part.length === 0) break;
  }
  return shape;
}

function flattenInto(out: (number | boolean)[], data: Nested, shape: Shape, depth: number): void {
  if (Array.isArray(data)) {
    if (data.length !== shape[depth])
      throw new ShapeError(
        `tensor: nested lists must be equally long, got ${data.length} beside ${shape[depth] ?? "a number"} at depth ${depth}. pad them`,
      );
    for (const part of data) flattenInto(out, part, shape, depth + 1);
  } else if (depth !== shape.length || (typeof data !== "number" && typeof data !== "boolean")) {
    throw new ShapeError(
      `tensor: nested lists must be numbers at depth ${shape.length}, got ${typeof data} at depth ${depth}. check the data`,
    );
  } else out.push(data);
}

/** `value` everywhere. */
export const full = <const S extends Shape>(shape: S, value: number, options: WithDType = {}): Tensor<S> =>
  filled("full", shape, value, options);
function filled<S extends Shape>(op: string, shape: S, value: number, options: WithDType): Tensor<S> {
  checkShape(op, shape);
  checkKnown(op, options.dtype ?? "float32");
  return Tensor.of(fill(value, options.dtype ?? "float32", shape));
}
/** Zeros. */
export const zeros = <const S extends Shape>(shape: S, options: WithDType = {}): Tensor<S> =>
  filled("zeros", shape, 0, options);
/** Ones. */
export const ones = <const S extends Shape>(shape: S, options: WithDType = {}): Tensor<S> =>
  filled("ones", shape, 1, options);
/** `value` in the shape and dtype of another tensor. */
export const fullLike = <S extends Shape>(x: Tensor<S>, value: number): Tensor<S> =>
  Tensor.of(fill(value, x.dtype, x.shape));
/** Zeros in the shape and dtype of another tensor. */
export const zerosLike = <S extends Shape>(x: Tensor<S>): Tensor<S> => fullLike(x, 0);
/** Ones in the shape and dtype of another tensor. */
export const onesLike = <S extends Shape>(x: Tensor<S>): Tensor<S> => fullLike(x, 1);

/** `start, start + step, …` up to, not including, `stop`; with one argument from 0. int32 when all are integers. */
export function arange(start: number, stop?: number, step = 1, options: WithDType = {}): Tensor<readonly [number]> {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (!(step !== 0 && Number.isFinite(from) && Number.isFinite(to) && Number.isFinite(step)))
    throw new ArgumentError(
      `arange: bounds must be finite and the step not zero, got ${from}, ${to}, ${step}. check them`,
    );
  const n = Math.max(0, Math.ceil((to - from) / step));
  checkShape("arange", [n]);
  const dtype = options.dtype ?? ([from, to, step].every(Number.isInteger) ? "int32" : "float32");
  return Tensor.of(
    constant(
      hostValue(
        "arange",
        range(n).map((i) => from + i * step),
        dtype,
        [n],
      ),
    ),
  );
}

/** `count` numbers at equal distances from `start` to `stop`, both included. */
export function linspace<const N extends number>(
  start: number,
  stop: number,
  count: N,
  options: WithDType = {},
): Tensor<readonly [N]> {
  checkShape("linspace", [count]);
  const step = count > 1 ? (stop - start) / (count - 1) : 0;
  const values = range(count).map((i) => (i === count - 1 && count > 1 ? stop : start + i * step));
  return Tensor.of(constant(hostValue("linspace", values, options.dtype ?? "float32", [count])));
}

/** Ones on a diagonal of a matrix: the main one, or the `k`-th above it. */
export function eye<const N extends number, const M extends number = N>(
  rows: N,
  columns?: M,
  options: WithDType & { readonly k?: number } = {},
): Tensor<readonly [N, M]> {
  const shape = [rows, columns ?? rows];
  checkShape("eye", shape);
  const i = iota("int32", shape, 0);
  const j = iota("int32", shape, 1);
  const dtype = options.dtype ?? "float32";
  checkKnown("eye", dtype);
  return Tensor.of(convert(pairs.equal(pairs.add(i, options.k ?? 0), j), dtype));
}
