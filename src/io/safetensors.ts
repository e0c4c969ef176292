/**
 * The safetensors format (https://huggingface.co/docs/safetensors): eight bytes with the little-endian length of a JSON
 * header, the header, and the tensors' bytes one behind the other without holes.
 */
import type { DType } from "../ir/dtype.js";
import { sizeOf } from "../ir/shape.js";
import { ArgumentError, FormatError } from "../util/errors.js";
import {
  type ElementType,
  type HostArray,
  byteCount,
  checkHostArray,
  decode,
  elementBytes,
  elementDType,
  elementOf,
  encode,
} from "./elements.js";
import type { OpenFile } from "./files.js";
import { type Json, isJsonObject, parseStrictJson } from "./json.js";
import { malformed } from "./malformed.js";

/** What a safetensors file holds. Maps, so that no name can be mistaken for a property of objects. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, HostArray>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The format's own bound on its header. */
const maxHeader = 100_000_000;

const fileTypes: ReadonlyMap<string, ElementType> = new Map([
  ["BOOL", "b1"],
  ["I8", "i1"],
  ["I16", "i2"],
  ["I32", "i4"],
  ["I64", "i8"],
  ["U8", "u1"],
  ["U16", "u2"],
  ["U32", "u4"],
  ["U64", "u8"],
  ["F16", "f2"],
  ["BF16", "bf16"],
  ["F32", "f4"],
  ["F64", "f8"],
]);

const fileTypeOf: Readonly<Record<DType, string>> = {
  float32: "F32",
  float64: "F64",
  int32: "I32",
  uint32: "U32",
  bool: "BOOL",
};

const fail = (message: string, options?: ErrorOptions): FormatError => malformed("safetensors", message, options);

/**
 * Reads a safetensors file. F16 and BF16 widen to float32; I8, I16, U8 and U16 to int32; I64 and U64 are checked into
 * int32 and uint32.
 *
 * @throws FormatError when the bytes break a rule of the format, naming the rule.
 */
export function parseSafetensors(bytes: Uint8Array): Safetensors {
  const end = headerEnd(bytes.subarray(0, 8), bytes.length);
  const { entries, metadata } = readHeader(bytes.subarray(8, end), bytes.length - end);
  const tensors = entries.map((e) => [e.name, arrayIn(e, bytes.subarray(end + e.begin, end + e.end))] as const);
  return { tensors: new Map(tensors), metadata };
}

/** As `parseSafetensors`, of a file: `take` makes of each tensor what is kept, so that its bytes need not stay in memory. */
export async function readSafetensors<T>(
  { size, read }: OpenFile,
  take: (array: HostArray) => T,
): Promise<{ readonly tensors: ReadonlyMap<string, T>; readonly metadata: ReadonlyMap<string, string> }> {
  const end = headerEnd(await read(0, Math.min(8, size)), size);
  const { entries, metadata } = readHeader(await read(8, end), size - end);
  const tensors = new Map<string, T>();
  for (const e of entries) tensors.set(e.name, take(arrayIn(e, await read(end + e.begin, end + e.end))));
  return { tensors, metadata };
}

/** Where the header of a file of `size` bytes ends, which begins with `start`. */
function headerEnd(start: Uint8Array, size: number): number {
  if (size < 8) throw fail(`a file must start with 8 bytes of header length, got ${size} bytes`);
  const length = Number(new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true));
  if (length > maxHeader) throw fail(`the header must have at most ${maxHeader} bytes, got ${length}`);
  if (8 + length > size) throw fail(`the header must have ${length} bytes, got ${size - 8}. the file is cut off`);
  return 8 + length;
}

/** What the header says of the `length` bytes behind it. */
function readHeader(header: Uint8Array, length: number): { entries: Entry[]; metadata: Map<string, string> } {
  if (header[0] !== 0x7b)
    throw fail(`the header must start with "{", got ${header.length === 0 ? "nothing" : header[0]}`);
  const root = parseStrictJson(textOf(header), (must, options) => fail(`the header ${must}`, options));
  if (!isJsonObject(root)) throw fail("the header must be a JSON object");
  const { __metadata__: metadata, ...infos } = root;
  const entries = Object.entries(infos).map(([name, info]) => readEntry(name, info));
  checkLayout(entries, length);
  return { entries, metadata: readMetadata(metadata) };
}

function textOf(header: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(header);
  } catch (error) {
    throw fail("the header must be UTF-8", { cause: error });
  }
}

const arrayIn = ({ name, type, shape }: Entry, bytes: Uint8Array): HostArray => ({
  dtype: elementDType(type),
  shape,
  data: decode(`safetensors: tensor ${JSON.stringify(name)}`, type, bytes, true),
});

interface Entry {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const isNumbers = (x: Json | undefined): x is readonly number[] =>
  Array.isArray(x) && x.every((d) => typeof d === "number");

function readEntry(name: string, info: Json): Entry {
  const tensor = `tensor ${JSON.stringify(name)}`;
  if (!isJsonObject(info)) throw fail(`${tensor} must be an object, got ${JSON.stringify(info)}`);
  const { dtype, shape, data_offsets: offsets, ...rest } = info;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw fail(`${tensor} must have dtype, shape and data_offsets only, got ${JSON.stringify(unknown)}`);
  const type = typeof dtype === "string" ? fileTypes.get(dtype) : undefined;
  if (type === undefined)
    throw fail(`${tensor}: dtype must be one of ${[...fileTypes.keys()].join(", ")}, got ${JSON.stringify(dtype)}`);
  const size = isNumbers(shape) ? byteCount(shape, type) : null;
  if (!isNumbers(shape) || size === null)
    throw fail(
      `${tensor}: shape must be non-negative integers with a product of at most 2147483647, got ${JSON.stringify(shape)}`,
    );
  if (!isNumbers(offsets) || offsets.length !== 2 || !offsets.every((x) => Number.isSafeInteger(x) && x >= 0))
    throw fail(`${tensor}: data_offsets must be two non-negative integers, got ${JSON.stringify(offsets)}`);
  const [begin, end] = offsets;
  if (end - begin !== size)
    throw fail(`${tensor}: ${dtype}[${shape.join(",")}] must take ${size} bytes, got data_offsets [${begin},${end}]`);
  return { name, type, shape, begin, end };
}

/** The tensors must cover the buffer: no overlap, no hole, nothing missing, nothing behind. */
function checkLayout(entries: readonly Entry[], length: number): void {
  let at = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const tensor = `tensor ${JSON.stringify(name)}`;
    if (begin < at) throw fail(`${tensor} must not overlap another, got offset ${begin} before ${at}`);
    if (begin > at) throw fail(`tensors must leave no hole, got bytes ${at} to ${begin} before ${tensor}`);
    if (end > length)
      throw fail(`${tensor} must end inside the ${length} bytes of data, got offset ${end}. the file is cut off`);
    at = end;
  }
  if (at !== length) throw fail(`tensors must cover the data, got ${length - at} bytes behind the last`);
}

function readMetadata(metadata: Json | undefined): Map<string, string> {
  const result = new Map<string, string>();
  if (metadata === undefined) return result;
  if (!isJsonObject(metadata)) throw fail(`__metadata__ must be an object, got ${JSON.stringify(metadata)}`);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string")
      throw fail(`__metadata__ must hold strings, got ${JSON.stringify(value)} for ${JSON.stringify(key)}`);
    result.set(key, value);
  }
  return result;
}

/**
 * The bytes of a safetensors file. Tensors are laid out by element size, largest first, then by name, as the reference
 * implementation does; the header is padded to a multiple of 8, so that every tensor is aligned.
 */
export function formatSafetensors(
  tensors: Iterable<readonly [string, HostArray]>,
  metadata: Iterable<readonly [string, string]> = [],
): Uint8Array {
  const { start, sorted, length } = safetensorsLayout(tensors, metadata);
  for (const [name, array] of sorted) checkHostArray(`safetensors: tensor ${JSON.stringify(name)}`, array);
  const bytes = new Uint8Array(start.length + length);
  bytes.set(start);
  let at = start.length;
  for (const [, { data }] of sorted) {
    bytes.set(encode(data), at);
    at += data.byteLength;
  }
  return bytes;
}

/** How a safetensors file begins, and the tensors in the order in which their `length` bytes follow. */
export function safetensorsLayout<T extends Pick<HostArray, "dtype" | "shape">>(
  tensors: Iterable<readonly [string, T]>,
  metadata: Iterable<readonly [string, string]>,
): { readonly start: Uint8Array; readonly sorted: readonly (readonly [string, T])[]; readonly length: number } {
  const bytesIn = ({ dtype }: T): number => elementBytes(elementOf[dtype]);
  const sorted = uniqueNames("tensor", tensors, ["__metadata__", "__proto__"]).sort(
    ([a, x], [b, y]) => bytesIn(y) - bytesIn(x) || (a < b ? -1 : 1),
  );
  const notes = uniqueNames("metadata", metadata, ["__proto__"]);
  const header = new Map<string, Json>();
  if (notes.length > 0) header.set("__metadata__", Object.fromEntries(notes));
  let length = 0;
  for (const [name, x] of sorted) {
    const end = length + sizeOf(x.shape) * bytesIn(x);
    header.set(name, { dtype: fileTypeOf[x.dtype], shape: x.shape, data_offsets: [length, end] });
    length = end;
  }
  return { start: headerBytes(JSON.stringify(Object.fromEntries(header))), sorted, length };
}

/** The length of a header and the header, padded. */
function headerBytes(header: string): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > maxHeader)
    throw new ArgumentError(
      `safetensors: names and metadata must fit ${maxHeader} bytes, got ${text.length}. shorten the metadata`,
    );
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  return bytes;
}

function uniqueNames<T>(
  kind: string,
  entries: Iterable<readonly [string, T]>,
  reserved: readonly string[],
): [string, T][] {
  const map = new Map<string, T>();
  for (const [name, value] of entries) {
    if (reserved.includes(name) || map.has(name) || /\p{Surrogate}/u.test(name))
      throw new ArgumentError(
        `safetensors: ${kind} names must be distinct Unicode text other than ${reserved.join(" and ")}, got ${JSON.stringify(name)}. rename it`,
      );
    map.set(name, value);
  }
  return [...map];
}
