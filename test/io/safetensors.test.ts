import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { type HostArray, formatSafetensors, parseSafetensors } from "#src/io/index.js";
import { formatErrorOf, namedArrays, patched } from "./support.js";

/** A file with the given header text (or bytes) and data, laid out by hand. */
function file(header: string | Uint8Array, data: Uint8Array | number = 0, length?: bigint): Uint8Array {
  const head = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, length ?? BigInt(head.length), true);
  return new Uint8Array([...size, ...head, ...(typeof data === "number" ? new Uint8Array(data) : data)]);
}
const one = (dtype: string, shape: string, offsets: string): string =>
  `{"a":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}}`;
const two = (first: string, second: string): string =>
  `{"a":{"dtype":"F32","shape":[1],"data_offsets":${first}},"b":{"dtype":"F32","shape":[1],"data_offsets":${second}}}`;
const int64 = (x: bigint): Uint8Array => new Uint8Array(new BigInt64Array([x]).buffer);
const small: HostArray = { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) };

test("what is written is read back", () => {
  fc.assert(
    fc.property(namedArrays, fc.dictionary(fc.string(), fc.string()), (arrays, metadata) => {
      const notes = Object.entries(metadata).filter(([key]) => key !== "__proto__");
      const found = parseSafetensors(formatSafetensors(arrays, notes));
      assert.deepEqual(new Map(found.tensors), new Map(arrays));
      assert.deepEqual(new Map(found.metadata), new Map(notes));
    }),
  );
});

test("the layout: header padded to 8 bytes, wide elements first, then names", () => {
  const flag: HostArray = { dtype: "bool", shape: [1], data: Uint8Array.of(1) };
  const wide: HostArray = { dtype: "float64", shape: [1], data: Float64Array.of(3) };
  const bytes = formatSafetensors([
    ["z", small],
    ["flag", flag],
    ["b", small],
    ["wide", wide],
  ]);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assert.equal(length % 8, 0);
  const header: Record<string, { data_offsets: number[] }> = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + length)),
  );
  assert.deepEqual(
    Object.entries(header).map(([name, info]) => [name, info.data_offsets]),
    [
      ["wide", [0, 8]],
      ["b", [8, 16]],
      ["z", [16, 24]],
      ["flag", [24, 25]],
    ],
  );
});

test("what cannot be written is refused", () => {
  const wrong: HostArray = { dtype: "float32", shape: [3], data: Float32Array.of(1) };
  const other: HostArray = { dtype: "int32", shape: [1], data: Float32Array.of(1) };
  const format = formatSafetensors;
  assert.throws(
    () =>
      format([
        ["a", small],
        ["a", small],
      ]),
    /tensor names must be distinct .*got "a"\. rename it/,
  );
  assert.throws(() => format([["__metadata__", small]]), /names .* other than __metadata__ and __proto__/);
  assert.throws(() => format([["__proto__", small]]), /got "__proto__"/);
  assert.throws(() => format([["\ud800", small]]), /Unicode text/);
  assert.throws(() => format([], [["__proto__", ""]]), /metadata names/);
  assert.throws(() => format([["a", wrong]]), /safetensors: tensor "a": float32\[3\] must hold 3 values, got 1/);
  assert.throws(() => format([["a", other]]), /values must be of the array's dtype, got float32 for int32\[1\]/);
});

const hostile: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
  ["nothing", new Uint8Array(), /must start with 8 bytes of header length, got 0 bytes/],
  ["half a length", new Uint8Array(7), /got 7 bytes/],
  ["a header beyond the bound", file("{}", 0, 100_000_001n), /at most 100000000 bytes, got 100000001/],
  ["an absurd length", file("{}", 0, 2n ** 64n - 1n), /at most 100000000 bytes/],
  ["a header that is cut off", file("{}", 0, 3n), /must have 3 bytes, got 2\. the file is cut off/],
  ["no header", file(""), /must start with "\{", got nothing/],
  ["a space in front", file(" {}"), /must start with "\{", got 32/],
  ["a byte order mark", file("\ufeff{}"), /must start with "\{"/],
  ["a list", file("[]"), /must start with "\{"/],
  ["invalid UTF-8", file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /the header must be UTF-8/],
  ["half a surrogate", file('{"\\ud800":1}'), /half of a surrogate pair/],
  ["broken JSON", file("{"), /the header must be JSON/],
  ["two values", file("{}{}"), /the header must be JSON/],
  ["deep nesting", file(`{"a":${"[".repeat(200_000)}`), /the header must be JSON/],
  ["the same tensor twice", file(`{"a":1, "a" :2}`), /every key once, got two of "a"/],
  ["the same tensor in disguise", file(`{"a":1,"\\u0061":2}`), /every key once, got two of "a"/],
  [
    "the same field twice",
    file(`{"a":{"dtype":"F32","dtype":"F64","shape":[],"data_offsets":[0,4]}}`, 4),
    /every key once, got two of "dtype"/,
  ],
  [
    "a prototype",
    file(`{"__proto__":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}`, 1),
    /must not have the key "__proto__"/,
  ],
  ["a prototype in disguise", file(`{"\\u005f_proto__":{}}`), /must not have the key "__proto__"/],
  ["a prototype in metadata", file(`{"__metadata__":{"__proto__":"x"}}`), /must not have the key "__proto__"/],
  ["metadata that is no object", file(`{"__metadata__":[]}`), /__metadata__ must be an object, got \[\]/],
  ["metadata that is no text", file(`{"__metadata__":{"a":1}}`), /__metadata__ must hold strings, got 1 for "a"/],
  ["a tensor that is no object", file(`{"a":null}`), /tensor "a" must be an object, got null/],
  ["no dtype", file(`{"a":{"shape":[],"data_offsets":[0,0]}}`), /dtype must be one of BOOL, .*, got undefined/],
  ["an unknown dtype", file(one("F8_E5M2", "[1]", "[0,1]"), 1), /dtype must be one of .*, got "F8_E5M2"/],
  ["a dtype that objects have", file(one("constructor", "[1]", "[0,1]"), 1), /dtype must be one of/],
  [
    "another field",
    file(`{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}}`, 1),
    /data_offsets only, got "x"/,
  ],
  ["no shape", file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4), /shape must be .*, got undefined/],
  ["a negative dimension", file(one("F32", "[-1]", "[0,4]"), 4), /shape must be non-negative integers .*got \[-1\]/],
  ["two negative dimensions", file(one("F32", "[-1,-1]", "[0,4]"), 4), /shape must be non-negative integers/],
  ["a broken dimension", file(one("F32", "[1.5]", "[0,6]"), 6), /shape must be non-negative integers/],
  ["minus zero", file(one("F32", "[-0]", "[0,0]")), /shape must be non-negative integers/],
  ["a dimension that is text", file(one("F32", '["1"]', "[0,4]"), 4), /shape must be non-negative integers/],
  ["an overflow", file(one("U8", "[4294967296,4294967296]", "[0,0]")), /a product of at most 2147483647/],
  [
    "an overflow behind a zero",
    file(one("U8", "[9007199254740991,9007199254740991,0]", "[0,0]")),
    /a product of at most/,
  ],
  ["no offsets", file(`{"a":{"dtype":"F32","shape":[1]}}`, 4), /data_offsets must be two .*, got undefined/],
  ["one offset", file(one("F32", "[1]", "[4]"), 4), /data_offsets must be two non-negative integers, got \[4\]/],
  ["negative offsets", file(one("F32", "[1]", "[-4,0]"), 4), /data_offsets must be two non-negative integers/],
  [
    "offsets beyond counting",
    file(one("F32", "[1]", "[9007199254740993,9007199254740997]"), 4),
    /data_offsets must be two/,
  ],
  ["offsets backwards", file(one("F32", "[1]", "[4,0]"), 4), /must take 4 bytes, got data_offsets \[4,0\]/],
  [
    "too few bytes for the shape",
    file(one("F32", "[2]", "[0,4]"), 4),
    /F32\[2\] must take 8 bytes, got data_offsets \[0,4\]/,
  ],
  ["too many bytes for the shape", file(one("F32", "[]", "[0,8]"), 8), /F32\[\] must take 4 bytes/],
  ["an end outside", file(one("F32", "[2]", "[0,8]"), 4), /must end inside the 4 bytes of data, got offset 8/],
  ["an overlap", file(two("[0,4]", "[2,6]"), 6), /tensor "b" must not overlap another, got offset 2 before 4/],
  ["the same bytes twice", file(two("[0,4]", "[0,4]"), 4), /must not overlap another/],
  ["a hole", file(two("[0,4]", "[8,12]"), 12), /no hole, got bytes 4 to 8 before tensor "b"/],
  ["a hole in front", file(one("F32", "[1]", "[4,8]"), 8), /no hole, got bytes 0 to 4/],
  ["bytes behind", file(one("F32", "[1]", "[0,4]"), 5), /got 1 bytes behind the last/],
  ["bytes of no tensor", file("{}", 3), /got 3 bytes behind the last/],
  [
    "an I64 too large",
    file(one("I64", "[1]", "[0,8]"), int64(2n ** 31n)),
    /tensor "a": values must fit int32 .*got 2147483648 as element 0/,
  ],
  ["an I64 too small", file(one("I64", "[1]", "[0,8]"), int64(-(2n ** 31n) - 1n)), /must fit int32/],
  ["a U64 too large", file(one("U64", "[1]", "[0,8]"), int64(2n ** 32n)), /must fit uint32/],
  ["a BOOL that is none", file(one("BOOL", "[1]", "[0,1]"), Uint8Array.of(2)), /must fit bool \(0 to 1\), got 2/],
];

for (const [what, bytes, message] of hostile)
  test(`refused: ${what}`, async () => {
    const text = await formatErrorOf(() => parseSafetensors(bytes));
    assert.match(text, message);
    assert.match(text, /^safetensors: /);
  });

test("allowed: empty files, empty tensors, padding, names that objects have", () => {
  assert.equal(parseSafetensors(file("{}")).tensors.size, 0);
  assert.equal(parseSafetensors(file("{}      ")).tensors.size, 0);
  const empty = parseSafetensors(file(one("F32", "[3,0]", "[0,0]"))).tensors.get("a");
  assert.deepEqual(empty, { dtype: "float32", shape: [3, 0], data: new Float32Array(0) });
  const name = file(`{"constructor":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}`, Uint8Array.of(7));
  assert.deepEqual([...(parseSafetensors(name).tensors.get("constructor")?.data ?? [])], [7]);
});

test("a file cut off anywhere, or with a byte changed in its header, is read or refused, never worse", async () => {
  const bytes = formatSafetensors(
    [
      ["weight", small],
      ["bias", small],
    ],
    [["note", "x"]],
  );
  for (let length = 0; length < bytes.length; length++)
    await formatErrorOf(() => parseSafetensors(bytes.subarray(0, length)));
  let refused = 0;
  for (let at = 0; at < bytes.length - 16; at++)
    for (const value of [0, 0x22, 0x2d, 0x5c, 0x7b, 0x7d, 0xff])
      try {
        parseSafetensors(patched(bytes, at, value));
      } catch {
        refused++;
        await formatErrorOf(() => parseSafetensors(patched(bytes, at, value)));
      }
  assert.ok(refused > 500, `${refused} refused`);
});
