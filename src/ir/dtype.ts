import { DTypeError } from "../util/errors.js";

/** Element types of tensors. `bool` holds 0 or 1 and takes one 32-bit word in memory, so that lanes of kernels line up. */
export type DType = "float32" | "float64" | "int32" | "uint32" | "bool";

/** Typed arrays that hold the elements of a tensor on the host. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

export const dtypes: readonly DType[] = ["float32", "float64", "int32", "uint32", "bool"];
export const floats: readonly DType[] = ["float32", "float64"];
export const integers: readonly DType[] = ["int32", "uint32"];
export const numbers: readonly DType[] = ["float32", "float64", "int32", "uint32"];

/** Whether numbers of a dtype have fractions. */
export const isFloat = (d: DType | "int64"): boolean => d === "float32" || d === "float64";
export const isInteger = (d: DType): boolean => d === "int32" || d === "uint32";

/** The least and the greatest value of a dtype, with which maxima and minima begin: infinities for floats. */
export const limits: Readonly<Record<DType, readonly [low: number, high: number]>> = {
  float32: [-Infinity, Infinity],
  float64: [-Infinity, Infinity],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  bool: [0, 1],
};

/** Bytes one element takes in device memory. */
export const byteSize = (d: DType): number => (d === "float64" ? 8 : 4);

const arrays: Readonly<Record<DType, new (length: number) => TypedArray>> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
};

/** A zeroed host array for `length` elements of `dtype`. */
export const hostArray = (dtype: DType, length: number): TypedArray => new arrays[dtype](length);

/** Throws unless it is a dtype; for names that only the type checker would catch. */
export function checkKnown(op: string, dtype: DType): void {
  if (!dtypes.includes(dtype))
    throw new DTypeError(`${op}: the dtype must be one of ${dtypes.join(", ")}, got "${dtype}". use one of these`);
}

/** The dtype a host array holds by itself (a `Uint8Array` is `bool`). */
export function dtypeOf(array: TypedArray): DType {
  if (array instanceof Float32Array) return "float32";
  if (array instanceof Float64Array) return "float64";
  if (array instanceof Int32Array) return "int32";
  if (array instanceof Uint32Array) return "uint32";
  if (array instanceof Uint8Array) return "bool";
  const name = Object.prototype.toString.call(array).slice(8, -1);
  throw new DTypeError(`tensor: the array must be of a dtype, got a ${name}. name the dtype its numbers shall have`);
}

/**
 * Rounds a number to what `dtype` can hold: to nearest for float32, toward zero and wrapping for integers, to 0 or 1 for
 * bool.
 */
export function roundTo(dtype: DType, x: number): number {
  switch (dtype) {
    case "float32":
      return Math.fround(x);
    case "float64":
      return x;
    case "int32":
      return x | 0;
    case "uint32":
      return x >>> 0;
    case "bool":
      return x ? 1 : 0;
  }
}

/**
 * The promotion table. Rows and columns in the order of `dtypes`; symmetric. An integer meeting a float takes the float's
 * type; `int32` with `uint32` has no common 32-bit type and is an error.
 */
const promotion: Readonly<Record<DType, Readonly<Record<DType, DType | null>>>> = {
  float32: { float32: "float32", float64: "float64", int32: "float32", uint32: "float32", bool: "float32" },
  float64: { float32: "float64", float64: "float64", int32: "float64", uint32: "float64", bool: "float64" },
  int32: { float32: "float32", float64: "float64", int32: "int32", uint32: null, bool: "int32" },
  uint32: { float32: "float32", float64: "float64", int32: null, uint32: "uint32", bool: "uint32" },
  bool: { float32: "float32", float64: "float64", int32: "int32", uint32: "uint32", bool: "bool" },
};

/** The dtype of a result of `op` on operands of dtypes `a` and `b`. */
export function promote(op: string, a: DType, b: DType): DType {
  const result = promotion[a][b];
  if (result === null)
    throw new DTypeError(`${op}: dtypes must have a common type, got ${a} and ${b}. convert one with astype`);
  return result;
}
