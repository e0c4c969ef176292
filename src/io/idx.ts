/** The idx format that MNIST is published in (http://yann.lecun.com/exdb/mnist): big-endian numbers with a shape. */
import { FormatError } from "../util/errors.js";
import { gunzip, isGzip } from "./deflate.js";
import { malformed } from "./malformed.js";

type IdxData = Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;

/** The numbers of an idx file, in the type it stores. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: IdxData;
}

interface IdxType {
  readonly bytes: number;
  /** The elements of a view, all of them. */
  read(view: DataView, count: number): IdxData;
}

const types: ReadonlyMap<number, IdxType> = new Map([
  [0x08, { bytes: 1, read: (v) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength).slice() }],
  [0x09, { bytes: 1, read: (v, n) => Int8Array.from({ length: n }, (_, i) => v.getInt8(i)) }],
  [0x0b, { bytes: 2, read: (v, n) => Int16Array.from({ length: n }, (_, i) => v.getInt16(2 * i)) }],
  [0x0c, { bytes: 4, read: (v, n) => Int32Array.from({ length: n }, (_, i) => v.getInt32(4 * i)) }],
  [0x0d, { bytes: 4, read: (v, n) => Float32Array.from({ length: n }, (_, i) => v.getFloat32(4 * i)) }],
  [0x0e, { bytes: 8, read: (v, n) => Float64Array.from({ length: n }, (_, i) => v.getFloat64(8 * i)) }],
] satisfies [number, IdxType][]);

const hex = (bytes: Uint8Array): string => Array.from(bytes, (x) => x.toString(16).padStart(2, "0")).join(" ");

/**
 * Reads an idx file, plain or packed with gzip.
 *
 * @throws FormatError starting with `what` when the file is damaged, cut off or too long.
 */
export async function parseIdx(bytes: Uint8Array, what = "idx"): Promise<IdxArray> {
  const file = isGzip(bytes) ? await gunzip(what, bytes) : bytes;
  const fail = (message: string): FormatError => malformed(what, message);
  if (file.length < 4 || file[0] !== 0 || file[1] !== 0)
    throw fail(`a file must start with 00 00, a type and a rank, got ${hex(file.subarray(0, 4)) || "nothing"}`);
  const type = types.get(file[2]);
  if (type === undefined) throw fail(`the type must be one of 08 09 0b 0c 0d 0e, got ${hex(file.subarray(2, 3))}`);
  const start = 4 + 4 * file[3];
  if (file.length < start)
    throw fail(`the shape must take ${start - 4} bytes, got ${file.length - 4}. the file is cut off`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const shape = Array.from({ length: file[3] }, (_, i) => view.getUint32(4 + 4 * i));
  const count = shape.reduce((a, b) => a * b, 1);
  const [expected, found] = [count * type.bytes, file.length - start];
  if (found !== expected)
    throw fail(
      `[${shape.join(",")}] must take ${expected} bytes, got ${found}. ${found < expected ? "the file is cut off" : "something follows the data"}`,
    );
  return { shape, data: type.read(new DataView(file.buffer, file.byteOffset + start, found), count) };
}
