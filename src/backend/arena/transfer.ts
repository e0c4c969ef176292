/** Copies between arrays of the host and the arena. */
import { type DType, type TypedArray, hostArray } from "../../ir/dtype.js";
import type { NdArray } from "../../ir/node.js";
import { type Aval, sizeOf } from "../../ir/shape.js";
import type { Arena } from "./arena.js";

type View = new (buffer: ArrayBufferLike, address: number, length: number) => Exclude<TypedArray, Uint8Array>;
const views: Readonly<Record<DType, View>> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Int32Array,
};

/** The arena's own elements of a tensor; valid until the arena grows. */
const view = (arena: Arena, { dtype, shape }: Aval, address: number): InstanceType<View> =>
  new views[dtype](arena.bytes.buffer, address, sizeOf(shape));

/** Writes elements; bools become the words 0 and 1. */
export function write(arena: Arena, aval: Aval, address: number, data: ArrayLike<number>): void {
  const target = view(arena, aval, address);
  if (aval.dtype === "bool") for (let i = 0; i < target.length; i++) target[i] = data[i] === 0 ? 0 : 1;
  else target.set(data);
}

/** A copy of the elements. */
export function copyOut(arena: Arena, aval: Aval, address: number): TypedArray {
  const array = hostArray(aval.dtype, sizeOf(aval.shape));
  array.set(view(arena, aval, address));
  return array;
}

/** The elements as host routines take them. */
export function toNdArray(arena: Arena, aval: Aval, address: number): NdArray {
  return { shape: aval.shape, data: new Float64Array(view(arena, aval, address)) };
}
