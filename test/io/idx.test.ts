import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { parseIdx } from "#src/io/index.js";
import { formatErrorOf, joined, patched } from "./support.js";

const be32 = (x: number): number[] => [x >>> 24, (x >>> 16) & 255, (x >>> 8) & 255, x & 255];
const idx = (type: number, shape: readonly number[], ...data: readonly number[]): Uint8Array =>
  Uint8Array.of(0, 0, type, shape.length, ...shape.flatMap(be32), ...data);
const small = idx(8, [2, 3], 0, 1, 2, 253, 254, 255);

test("every type is read, big-endian, plain and packed", async () => {
  // The numbers by their bits: 1.5 is 3fc00000 as a float and 3ff8000000000000 as a double.
  const files: readonly (readonly [Uint8Array, readonly number[], string])[] = [
    [small, [0, 1, 2, 253, 254, 255], "Uint8Array"],
    [idx(9, [2], 0x80, 0x7f), [-128, 127], "Int8Array"],
    [idx(0x0b, [2], 0x80, 0, 1, 2), [-32768, 258], "Int16Array"],
    [idx(0x0c, [2], 0x80, 0, 0, 0, 0, 1, 0, 0), [-(2 ** 31), 65536], "Int32Array"],
    [idx(0x0d, [1], 0x3f, 0xc0, 0, 0), [1.5], "Float32Array"],
    [idx(0x0e, [1], 0x3f, 0xf8, 0, 0, 0, 0, 0, 0), [1.5], "Float64Array"],
    [idx(8, [], 7), [7], "Uint8Array"],
    [idx(8, [0, 28, 28]), [], "Uint8Array"],
  ];
  for (const [bytes, values, type] of files)
    for (const packed of [bytes, new Uint8Array(gzipSync(bytes))]) {
      const { data } = await parseIdx(packed);
      assert.equal(data.constructor.name, type);
      assert.deepEqual([...data], values);
    }
  assert.deepEqual((await parseIdx(small)).shape, [2, 3]);
});

const damaged: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
  ["nothing", new Uint8Array(), /must start with 00 00, a type and a rank, got nothing/],
  ["another format", joined("PK\x03\x04"), /must start with 00 00, a type and a rank, got 50 4b 03 04/],
  ["an unknown type", patched(small, 2, 0x0a), /the type must be one of 08 09 0b 0c 0d 0e, got 0a/],
  ["a shape that is cut off", small.subarray(0, 9), /the shape must take 8 bytes, got 5\. the file is cut off/],
  ["data that is cut off", small.subarray(0, 17), /\[2,3\] must take 6 bytes, got 5\. the file is cut off/],
  ["something behind", joined(small, "x"), /\[2,3\] must take 6 bytes, got 7\. something follows the data/],
  ["a wider type", patched(small, 2, 0x0d), /\[2,3\] must take 24 bytes, got 6/],
  [
    "an absurd shape",
    patched(small, 4, 255, 255, 255, 255, 255, 255, 255, 255),
    /must take 18446744065119617000 bytes|must take 18446744065119617025 bytes/,
  ],
];

for (const [what, bytes, message] of damaged)
  test(`refused, plain and packed: ${what}`, async () => {
    const text = await formatErrorOf(() => parseIdx(bytes, "a/file"));
    assert.match(text, message);
    assert.match(text, /^a\/file: /);
    if (bytes.length > 0) assert.equal(await formatErrorOf(() => parseIdx(gzipSync(bytes), "a/file")), text);
  });

test("a file cut off anywhere is refused", async () => {
  const packed = gzipSync(small);
  for (let length = 0; length < small.length; length++) await formatErrorOf(() => parseIdx(small.subarray(0, length)));
  for (let length = 0; length < packed.length; length++)
    await formatErrorOf(() => parseIdx(packed.subarray(0, length)));
});

test("damaged gzip is refused: any bit of the stream and its trailer, and what follows it", async () => {
  const packed = new Uint8Array(gzipSync(small));
  const unused: number[] = [];
  for (let at = 10; at < packed.length; at++)
    for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
      const changed = patched(packed, at, packed[at] ^ bit);
      // The last byte of the stream has bits that mean nothing.
      const same = await parseIdx(changed).then(
        ({ data }) => assert.deepEqual(data, small.subarray(12)),
        () => formatErrorOf(() => parseIdx(changed)),
      );
      if (same === undefined) unused.push(at);
    }
  assert.ok(unused.length < 8 && unused.every((at) => at === packed.length - 9), `unnoticed at ${unused.join()}`);
  for (const junk of ["x", "some more text behind it", "\0".repeat(8), "\x1f\x8b rubbish", gzipSync(small)])
    await formatErrorOf(() => parseIdx(joined(packed, junk)));
});
