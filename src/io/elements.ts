/** Elements as files store them, and their way to and from the dtypes of tensors. */
import { type DType, type TypedArray, dtypeOf, hostArray, limits } from "../ir/dtype.js";
import { type Aval, type Shape, show, sizeOf } from "../ir/shape.js";
import { DTypeError, FormatError, ShapeError } from "../util/errors.js";

/** An array held by JavaScript, row-major: what files and data sets are made of. */
export interface HostArray extends Aval {
  readonly data: TypedArray;
}

interface Element {
  readonly bytes: number;
  /** The dtype its values are read as. */
  readonly dtype: DType;
  /** Whether its bytes are those of the dtype's typed array. */
  readonly native: boolean;
  get(view: DataView, at: number, little: boolean): number;
}

/** Kind and bytes of an element, as NumPy names them; `bf16` is the upper half of a float32. */
export type ElementType = "b1" | "i1" | "i2" | "i4" | "i8" | "u1" | "u2" | "u4" | "u8" | "f2" | "bf16" | "f4" | "f8";

const elements: Readonly<Record<ElementType, Element>> = {
  b1: { bytes: 1, dtype: "bool", native: false, get: (v, at) => v.getUint8(at) },
  i1: { bytes: 1, dtype: "int32", native: false, get: (v, at) => v.getInt8(at) },
  i2: { bytes: 2, dtype: "int32", native: false, get: (v, at, little) => v.getInt16(at, little) },
  i4: { bytes: 4, dtype: "int32", native: true, get: (v, at, little) => v.getInt32(at, little) },
  i8: { bytes: 8, dtype: "int32", native: false, get: (v, at, little) => Number(v.getBigInt64(at, little)) },
  u1: { bytes: 1, dtype: "int32", native: false, get: (v, at) => v.getUint8(at) },
  u2: { bytes: 2, dtype: "int32", native: false, get: (v, at, little) => v.getUint16(at, little) },
  u4: { bytes: 4, dtype: "uint32", native: true, get: (v, at, little) => v.getUint32(at, little) },
  u8: { bytes: 8, dtype: "uint32", native: false, get: (v, at, little) => Number(v.getBigUint64(at, little)) },
  f2: { bytes: 2, dtype: "float32", native: false, get: (v, at, little) => fromHalf(v.getUint16(at, little)) },
  bf16: { bytes: 2, dtype: "float32", native: false, get: (v, at, little) => fromBrain(v.getUint16(at, little)) },
  f4: { bytes: 4, dtype: "float32", native: true, get: (v, at, little) => v.getFloat32(at, little) },
  f8: { bytes: 8, dtype: "float64", native: true, get: (v, at, little) => v.getFloat64(at, little) },
};

/** How a file stores each dtype. */
export const elementOf: Readonly<Record<DType, ElementType>> = {
  float32: "f4",
  float64: "f8",
  int32: "i4",
  uint32: "u4",
  bool: "b1",
};

export const isElementType = (name: string): name is ElementType => Object.hasOwn(elements, name);
export const elementBytes = (type: ElementType): number => elements[type].bytes;
export const elementDType = (type: ElementType): DType => elements[type].dtype;

/** IEEE 754 binary16: one sign bit, five of exponent (bias 15), ten of fraction. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const word = new DataView(new ArrayBuffer(4));

/** A bfloat16 is the upper half of a float32. */
function fromBrain(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

const hostIsLittle = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * The values of an array of `type` stored in `bytes`, widened to a dtype of tensors.
 *
 * @throws FormatError starting with `what` when a 64-bit integer does not fit 32 bits, or a boolean is neither 0 nor 1.
 */
export function decode(what: string, type: ElementType, bytes: Uint8Array, little: boolean): TypedArray {
  const { bytes: size, dtype, native, get } = elements[type];
  const out = hostArray(dtype, bytes.length / size);
  if (native && little === hostIsLittle) {
    new Uint8Array(out.buffer).set(bytes);
    return out;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [low, high] = limits[dtype];
  for (let i = 0; i < out.length; i++) {
    const x = get(view, i * size, little);
    if (x < low || x > high)
      throw new FormatError(
        `${what}: values must fit ${dtype} (${low} to ${high}), got ${x} as element ${i}. store it as a float or a smaller number`,
      );
    out[i] = x;
  }
  return out;
}

/** The bytes of an array, little-endian: its own memory, where that is so already. */
export function encode(data: TypedArray): Uint8Array {
  const own = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (hostIsLittle) return own;
  const size = data.BYTES_PER_ELEMENT;
  const bytes = own.slice();
  for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
  return bytes;
}

/** A typed array as an array of the given shape; by default of rank 1. A `Uint8Array` holds booleans. */
export function arrayOf(data: TypedArray, shape: Shape = [data.length]): HostArray {
  const array = { dtype: dtypeOf(data), shape, data };
  checkHostArray("arrayOf", array);
  return array;
}

/** Whether the elements of a typed array are those of a dtype. */
export const isTypedArray = (x: unknown): x is TypedArray =>
  x instanceof Float32Array ||
  x instanceof Float64Array ||
  x instanceof Int32Array ||
  x instanceof Uint32Array ||
  x instanceof Uint8Array;

/** Whether something is a `HostArray`. */
export const isHostArray = (x: unknown): x is HostArray =>
  typeof x === "object" && x !== null && "data" in x && "dtype" in x && "shape" in x && isTypedArray(x.data);

/** Throws unless the array's values are as many, and of the type, that its shape and dtype say. */
export function checkHostArray(op: string, array: HostArray): void {
  if (dtypeOf(array.data) !== array.dtype)
    throw new DTypeError(
      `${op}: values must be of the array's dtype, got ${dtypeOf(array.data)} for ${show(array)}. convert the values`,
    );
  if (array.data.length !== sizeOf(array.shape))
    throw new ShapeError(
      `${op}: ${show(array)} must hold ${sizeOf(array.shape)} values, got ${array.data.length}. give the shape of the data`,
    );
}

/** Number of bytes of `shape` elements; `null` when the numbers are no shape or their product is beyond what can be. */
export function byteCount(shape: Shape, type: ElementType): number | null {
  let count = 1;
  for (const d of shape) {
    if (!Number.isSafeInteger(d) || d < 0 || Object.is(d, -0)) return null;
    count *= d;
    if (count > 2 ** 31 - 1) return null;
  }
  return count * elementBytes(type);
}
