import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { type HostArray, formatNpy, formatNpz, parseNpy, parseNpz } from "#src/io/index.js";
import { formatErrorOf, hostArrays, joined, namedArrays, patched } from "./support.js";

const small: HostArray = { dtype: "float32", shape: [2, 1], data: Float32Array.of(1, 2) };

/** An npy file of version 1.0 with the given header. */
const file = (header: string, data = 0): Uint8Array =>
  joined(
    Uint8Array.of(0x93),
    "NUMPY\x01\x00",
    Uint8Array.of(header.length & 255, header.length >> 8),
    header,
    new Uint8Array(data),
  );
const header = (descr: string, shape: string, fortran = "False"): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

test("npy: what is written is read back, on a 64-byte boundary", () => {
  fc.assert(
    fc.property(hostArrays, (array) => {
      const bytes = formatNpy(array);
      assert.equal((bytes.length - array.data.byteLength) % 64, 0);
      assert.deepEqual(parseNpy(bytes), array);
    }),
  );
});

test("npz: what is written is read back, stored and deflated", async () => {
  await fc.assert(
    fc.asyncProperty(namedArrays, fc.boolean(), async (arrays, compress) => {
      assert.deepEqual(await parseNpz(await formatNpz(arrays, { compress })), new Map(arrays));
    }),
  );
});

test("npy: column-major of any rank becomes row-major", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), (shape) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const tuple = `(${shape.join(", ")},)`;
      const bytes = joined(
        file(header("|u1", tuple, "True")),
        Uint8Array.from({ length: size }, (_, i) => i),
      );
      const { data } = parseNpy(bytes);
      // the element at index (i, j, …) stands at i + shape[0] * (j + …)
      for (let at = 0; at < size; at++) {
        let rest = at;
        let from = 0;
        for (let axis = shape.length - 1; axis >= 0; axis--) {
          from += (rest % shape[axis]) * shape.slice(0, axis).reduce((a, b) => a * b, 1);
          rest = Math.floor(rest / shape[axis]);
        }
        assert.equal(data[at], from);
      }
    }),
  );
});

test("npy: a header in any order and spacing is read", () => {
  const odd = `  {"shape":(2L,1L),'fortran_order' : False,'descr':"<f4"}   `;
  assert.deepEqual(parseNpy(joined(file(odd), formatNpy(small).subarray(-8))), small);
});

const hostileNpy: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
  ["nothing", new Uint8Array(), /must start with \\x93NUMPY and a version/],
  ["something else", joined("PK\x03\x04 and more"), /must start with \\x93NUMPY/],
  ["version 4.0", patched(formatNpy(small), 6, 4), /version must be 1\.0, 2\.0 or 3\.0, got 4\.0/],
  ["version 1.7", patched(formatNpy(small), 7, 7), /version must be 1\.0, 2\.0 or 3\.0, got 1\.7/],
  ["a header that is cut off", patched(formatNpy(small), 8, 255, 255), /the header must have 65535 bytes, got 126/],
  ["version 2.0 without its length", joined(Uint8Array.of(0x93), "NUMPY\x02\x00\x00\x00"), /length is missing/],
  [
    "UTF-8 that is none",
    patched(joined(Uint8Array.of(0x93), "NUMPY\x03\x00\x01\x00\x00\x00\xff"), 12, 0xff),
    /must be UTF-8/,
  ],
  ["an empty header", file(""), /the header must be \{'descr'/],
  ["code", file(`{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),)}`), /the header must be/],
  ["a call behind", file(`{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}.x()`), /the header must be/],
  ["a missing key", file(`{'descr': '<f4', 'shape': (1,)}`, 4), /the header must be/],
  [
    "a key twice",
    file(`{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}`, 4),
    /the header must be/,
  ],
  ["another key", file(`{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 'y'}`, 4), /the header must be/],
  ["a structure", file(`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}`, 4), /of a plain dtype/],
  ["a shape that is a number", file(header("<f4", "(1)"), 4), /the header must be/],
  ["a negative dimension", file(header("<f4", "(-1,)"), 4), /the header must be/],
  ["two commas", file(header("<f4", "(1,,2)"), 8), /the header must be/],
  ["objects", file(header("|O", "(1,)"), 8), /dtype must be .*, got '\|O'\. convert it in NumPy/],
  ["text", file(header("<U3", "(1,)"), 12), /got '<U3'/],
  ["complex numbers", file(header("<c8", "(1,)"), 8), /got '<c8'/],
  ["an own name", file(header("<bf16", "(1,)"), 2), /got '<bf16'/],
  ["no byte order", file(header("f4", "(1,)"), 4), /got 'f4'/],
  ["a huge shape", file(header("<f4", "(4294967296, 4294967296)")), /at most 2147483647 elements/],
  ["digits beyond counting", file(header("<f4", `(${"9".repeat(400)},)`)), /at most 2147483647 elements/],
  ["too few bytes", file(header("<f4", "(2,)"), 7), /\(2\) of '<f4' must take 8 bytes, got 7/],
  ["bytes behind", file(header("<f4", "(2,)"), 9), /must take 8 bytes, got 9/],
  [
    "an i8 too large",
    joined(file(header(">i8", "(1,)")), Uint8Array.of(0, 0, 0, 0, 128, 0, 0, 0)),
    /must fit int32 .*got 2147483648/,
  ],
  ["a boolean that is none", joined(file(header("|b1", "(1,)")), Uint8Array.of(9)), /must fit bool/],
];

for (const [what, bytes, message] of hostileNpy)
  test(`npy refused: ${what}`, async () => {
    const text = await formatErrorOf(() => parseNpy(bytes));
    assert.match(text, message);
    assert.match(text, /^npy: /);
  });

const noise: HostArray = {
  dtype: "int32",
  shape: [40],
  data: Int32Array.from({ length: 40 }, (_, i) => (i * 2654435761) | 0),
};
const archive = (compress: boolean): Promise<Uint8Array> =>
  formatNpz(
    [
      ["a", small],
      ["noise", noise],
    ],
    { compress },
  );

/** Where the bytes of a text stand, the `nth` time. */
function indexOf(bytes: Uint8Array, text: string, nth = 0): number {
  let at = -1;
  for (let i = 0; i <= nth; i++) at = Buffer.from(bytes).indexOf(text, at + 1, "latin1");
  assert.ok(at >= 0);
  return at;
}
const central = (bytes: Uint8Array): number => indexOf(bytes, "PK\x01\x02");
const end = (bytes: Uint8Array): number => indexOf(bytes, "PK\x05\x06");

const hostileNpz: readonly (readonly [what: string, change: (bytes: Uint8Array) => Uint8Array, message: RegExp])[] = [
  ["no archive", () => joined("nothing to see"), /must end with its directory, got none/],
  ["a byte behind", (b) => joined(b, "x"), /must end with its directory/],
  ["a byte in front", (b) => joined("x", b), /the directory must end at byte/],
  ["64-bit sizes", (b) => patched(b, end(b) + 12, 255, 255, 255, 255), /64-bit sizes are not supported/],
  ["a part of several", (b) => patched(b, end(b) + 4, 1), /an archive must be one file/],
  ["a wrong count", (b) => patched(b, end(b) + 8, 3, 0, 3), /must have 3 members, got 2/],
  ["a damaged record", (b) => patched(b, central(b), 0), /must have a record at byte/],
  ["a record that runs out", (b) => patched(b, central(b) + 30, 255, 255), /must end inside it/],
  ["encryption", (b) => patched(b, central(b) + 8, 1), /member "a\.npy" must not be encrypted/],
  ["another method", (b) => patched(b, central(b) + 10, 12), /must be stored or deflated, got method 12/],
  ["two methods", (b) => patched(b, 8, 0), /one compression method, got 0 in its own header/],
  ["a wrong place", (b) => patched(b, central(b) + 42, 5), /must have a header at byte 5/],
  ["a place outside", (b) => patched(b, central(b) + 42, 255, 255, 255, 0), /must have a header at byte 16777215/],
  ["another name inside", (b) => patched(b, 30, 0x62), /must have its name in its own header/],
  [
    "a name that is no text",
    (b) => patched(patched(b, 30, 0xff), central(b) + 46, 0xff),
    /names of members must be UTF-8/,
  ],
  [
    "a bomb",
    (b) => patched(b, central(b) + 24, 0, 0, 0, 64),
    /cannot have 1073741960 bytes|cannot have 1073741824 bytes/,
  ],
  ["a size too large", (b) => patched(b, central(b) + 24, 255), /content must have 255 bytes, got 136/],
  ["a size too small", (b) => patched(b, central(b) + 24, 1), /damaged \(it gives more than 1 bytes\)/],
  ["packed size too large", (b) => patched(b, central(b) + 22, 9), /must end before the directory/],
  ["a wrong checksum", (b) => patched(b, central(b) + 16, 1, 2, 3, 4), /must have the checksum 04030201, got /],
  ["content that is no deflate", (b) => patched(b, 35, 255, 255, 255), /the deflate stream is damaged/],
];

for (const [what, change, message] of hostileNpz)
  test(`npz refused: ${what}`, async () => {
    const bytes = change(await archive(true));
    const text = await formatErrorOf(() => parseNpz(bytes));
    assert.match(text, message);
    assert.match(text, /^npz: /);
  });

test("npz refused: the same member twice, overlapping members, other files, damaged arrays", async () => {
  const twins = await formatNpz([
    ["a", small],
    ["b", small],
  ]);
  const renamed = patched(twins, indexOf(twins, "b.npy", 1), 0x61);
  assert.match(await formatErrorOf(() => parseNpz(renamed)), /members must be distinct, got two of "a\.npy"/);
  const bytes = await archive(false);
  const longer = patched(bytes, central(bytes) + 20, 150, 0, 0, 0, 150, 0, 0, 0);
  assert.match(await formatErrorOf(() => parseNpz(longer)), /npz: member .* must/);
  const text = patched(
    patched(bytes, indexOf(bytes, "a.npy"), 0x61, 0x2e, 0x74),
    indexOf(bytes, "a.npy", 1),
    0x61,
    0x2e,
    0x74,
  );
  assert.match(
    await formatErrorOf(() => parseNpz(text)),
    /members must be named \*\.npy and not __proto__, got "a\.tpy"/,
  );
});

test("a file cut off anywhere is refused", async () => {
  const array = formatNpy(small);
  for (let length = 0; length < array.length; length++) await formatErrorOf(() => parseNpy(array.subarray(0, length)));
  for (const compress of [false, true]) {
    const bytes = await archive(compress);
    for (let length = 0; length < bytes.length; length++)
      await formatErrorOf(() => parseNpz(bytes.subarray(0, length)));
  }
});

test("npz: any changed bit of the content is noticed", async () => {
  for (const compress of [false, true]) {
    const bytes = await archive(compress);
    for (let at = 35; at < 35 + 40; at++) await formatErrorOf(() => parseNpz(patched(bytes, at, bytes[at] ^ 1)));
  }
});

test("names that cannot be written are refused", async () => {
  await assert.rejects(
    formatNpz([
      ["a", small],
      ["a", small],
    ]),
    /npz: names must be distinct .*got "a"/,
  );
  await assert.rejects(formatNpz([["__proto__", small]]), /npz: names must be/);
});
