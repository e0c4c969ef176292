/** NumPy's array file format, versions 1.0 to 3.0 (numpy.lib.format, NEP 1), and its archives. */
import type { DType } from "../ir/dtype.js";
import { ArgumentError, FormatError } from "../util/errors.js";
import {
  type HostArray,
  byteCount,
  checkHostArray,
  decode,
  elementBytes,
  elementDType,
  elementOf,
  encode,
  isElementType,
} from "./elements.js";
import { formatZip, parseZip } from "./zip.js";
import { stridesOf } from "../ir/shape.js";
import { malformed } from "./malformed.js";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

const fail = (message: string, options?: ErrorOptions): FormatError => malformed("npy", message, options);

/**
 * Reads an npy file: booleans, integers and floats of any byte order, row- or column-major. float16 widens to float32;
 * 8- and 16-bit integers to int32; 64-bit integers are checked into 32 bits.
 *
 * @throws FormatError when the bytes are damaged or of a type that is not supported.
 */
export function parseNpy(bytes: Uint8Array): HostArray {
  const [text, start] = splitFile(bytes);
  const { descr, fortran, shape } = parseHeader(text);
  const order = descr[0];
  const type = descr.slice(1);
  if (!"<>|=".includes(order) || !isElementType(type) || type === "bf16")
    throw fail(`dtype must be a boolean, integer or float of 1 to 8 bytes, got '${descr}'. convert it in NumPy`);
  const size = byteCount(shape, type);
  if (size === null) throw fail(`shape must have at most 2147483647 elements, got (${shape.join(", ")})`);
  const found = bytes.length - start;
  if (found !== size) throw fail(`(${shape.join(", ")}) of '${descr}' must take ${size} bytes, got ${found}`);
  const data = decode("npy", type, bytes.subarray(start), order !== ">");
  const array = { dtype: elementDType(type), shape, data };
  return fortran ? rowMajor(array) : array;
}

function splitFile(bytes: Uint8Array): [header: string, start: number] {
  if (bytes.length < 10 || magic.some((x, i) => bytes[i] !== x))
    throw fail(`a file must start with \\x93NUMPY and a version, got ${bytes.length} bytes of something else`);
  const version = bytes[6];
  if (version < 1 || version > 3 || bytes[7] !== 0)
    throw fail(`version must be 1.0, 2.0 or 3.0, got ${version}.${bytes[7]}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const from = version === 1 ? 10 : 12;
  if (bytes.length < from) throw fail(`the header's length is missing. the file is cut off`);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (from + length > bytes.length)
    throw fail(`the header must have ${length} bytes, got ${bytes.length - from}. the file is cut off`);
  try {
    const decoder = new TextDecoder(version === 3 ? "utf-8" : "latin1", { fatal: true });
    return [decoder.decode(bytes.subarray(from, from + length)), from + length];
  } catch (error) {
    throw fail("the header must be UTF-8", { cause: error });
  }
}

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/** The header is a Python dict with three keys, in any order; only that grammar is read. */
function parseHeader(text: string): Header {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  const field = /\s*(['"])(\w+)\1\s*:\s*(?:(['"])([^'"\\]*)\3|(True|False)|(\([\d\s,L]*\)))\s*(?:,|$)/y;
  let descr: string | undefined;
  let fortran: boolean | undefined;
  let shape: number[] | undefined;
  const wrong = (): FormatError =>
    fail(
      `the header must be {'descr': …, 'fortran_order': …, 'shape': …} of a plain dtype, got ${text.trim().slice(0, 120)}`,
    );
  if (inner === undefined) throw wrong();
  while (inner.slice(field.lastIndex).trim() !== "") {
    const match = field.exec(inner);
    if (match === null) throw wrong();
    const [, , key, , string, boolean, tuple] = match;
    if (key === "descr" && string !== undefined && descr === undefined) descr = string;
    else if (key === "fortran_order" && boolean && fortran === undefined) fortran = boolean === "True";
    else if (key === "shape" && tuple && shape === undefined) shape = parseTuple(tuple);
    else throw wrong();
  }
  if (descr === undefined || fortran === undefined || shape === undefined) throw wrong();
  return { descr, fortran, shape };
}

/** `()`, `(3,)`, `(3, 4)`, `(3, 4,)`; Python 2 wrote `3L`. */
function parseTuple(text: string): number[] | undefined {
  if (!/^\(\s*(?:\d+L?\s*,\s*)*(?:\d+L?\s*)?\)$/.test(text) || /^\(\s*\d+L?\s*\)$/.test(text)) return undefined;
  return [...text.matchAll(/\d+/g)].map(([digits]) => Number(digits));
}

/** The same array with its last axis running fastest, from one whose first axis does. */
function rowMajor({ dtype, shape, data }: HostArray): HostArray {
  const out = data.slice();
  const strides = stridesOf([...shape].reverse()).reverse();
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    out[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return { dtype, shape, data: out };
}

const descrOf: Readonly<Record<DType, string>> = {
  float32: "<f4",
  float64: "<f8",
  int32: "<i4",
  uint32: "<u4",
  bool: "|b1",
};

/** The bytes of an npy file, version 1.0 (2.0 when the header needs it), little-endian and row-major, as NumPy writes them. */
export function formatNpy(array: HostArray): Uint8Array {
  checkHostArray("npy", array);
  const tuple = array.shape.length === 1 ? `(${array.shape[0]},)` : `(${array.shape.join(", ")})`;
  const header = `{'descr': '${descrOf[array.dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const version = header.length > 65_000 ? 2 : 1;
  const from = version === 1 ? 10 : 12;
  const start = Math.ceil((from + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(start + array.data.length * elementBytes(elementOf[array.dtype]));
  bytes.set([...magic, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, start - from, true);
  else view.setUint32(8, start - from, true);
  bytes.set(new TextEncoder().encode(header.padEnd(start - from - 1) + "\n"), from);
  bytes.set(encode(array.data), start);
  return bytes;
}

/**
 * Reads an npz archive: a zip of npy files, stored or deflated.
 *
 * @throws FormatError when the archive or one of its arrays is damaged.
 */
export async function parseNpz(bytes: Uint8Array): Promise<Map<string, HostArray>> {
  const arrays = new Map<string, HostArray>();
  for (const [name, content] of await parseZip("npz", bytes)) {
    if (name === "__proto__.npy" || !name.endsWith(".npy"))
      throw malformed("npz", `members must be named *.npy and not __proto__, got ${JSON.stringify(name)}`);
    try {
      arrays.set(name.slice(0, -4), parseNpy(content));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(`npz: ${JSON.stringify(name)}: ${error.message}`, { cause: error });
    }
  }
  return arrays;
}

/** The bytes of an npz archive, as `numpy.savez` (or `savez_compressed`, with `compress`) lays it out. */
export async function formatNpz(
  arrays: Iterable<readonly [string, HostArray]>,
  { compress = false }: { readonly compress?: boolean } = {},
): Promise<Uint8Array> {
  const members = new Map<string, Uint8Array>();
  for (const [name, array] of arrays) {
    const member = `${name}.npy`;
    if (members.has(member) || name === "__proto__")
      throw new ArgumentError(`npz: names must be distinct and not __proto__, got ${JSON.stringify(name)}. rename it`);
    members.set(member, formatNpy(array));
  }
  return formatZip("npz", members, compress);
}
