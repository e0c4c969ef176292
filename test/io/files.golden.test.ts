/** Files written by NumPy, and by hand from PyTorch tensors, hold what NumPy and PyTorch say they hold. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decode } from "#src/io/elements.js";
import { type HostArray, formatNpy, parseNpy, parseNpz, parseSafetensors } from "#src/io/index.js";

interface Values {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | boolean | string)[];
}
interface Golden {
  readonly npy: readonly (Values & { readonly name: string; readonly file: string })[];
  readonly npz: readonly {
    readonly name: string;
    readonly file: string;
    readonly members: Readonly<Record<string, Values>>;
  }[];
  readonly safetensors: {
    readonly file: string;
    readonly metadata: Readonly<Record<string, string>>;
    readonly tensors: Readonly<Record<string, Values>>;
  };
  readonly everyHalf: string;
  readonly everyBrain: string;
}
const golden: Golden = JSON.parse(readFileSync(new URL("../../../test/golden/files.json", import.meta.url), "utf8"));

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

/** A value of the fixture: `nan`, `inf` and `-inf` are strings there. */
const valueOf = (x: number | boolean | string): number =>
  typeof x === "string" ? Number(x.replace("inf", "Infinity")) : Number(x);

function assertHolds(array: HostArray | undefined, expected: Values): void {
  assert.ok(array);
  assert.equal(array.dtype, expected.dtype);
  assert.deepEqual(array.shape, expected.shape);
  assert.deepEqual([...array.data], expected.data.map(valueOf));
}

test("npy files of NumPy", () => {
  assert.equal(golden.npy.length, 12 * 4 + 3 + 4);
  for (const { name, file, ...expected } of golden.npy) {
    assert.doesNotThrow(() => assertHolds(parseNpy(bytesOf(file)), expected), name);
  }
});

test("what is written is byte for byte what NumPy writes", () => {
  const same = ["<b1", "<i4", "<u4", "<f4", "<f8", "version 1", "shape ()", "shape (1,)", "shape (0, 3)"];
  for (const name of same) {
    const file = golden.npy.find((x) => x.name === name)?.file;
    assert.ok(file, name);
    assert.deepEqual(formatNpy(parseNpy(bytesOf(file))), bytesOf(file), name);
  }
});

test("npz archives of NumPy, stored and deflated", async () => {
  for (const { file, members } of golden.npz) {
    const arrays = await parseNpz(bytesOf(file));
    assert.deepEqual([...arrays.keys()], Object.keys(members));
    for (const [name, expected] of Object.entries(members)) assertHolds(arrays.get(name), expected);
  }
});

test("a safetensors file of PyTorch tensors of every dtype", () => {
  const { file, metadata, tensors } = golden.safetensors;
  const found = parseSafetensors(bytesOf(file));
  assert.deepEqual(Object.fromEntries(found.metadata), metadata);
  assert.deepEqual([...found.tensors.keys()], Object.keys(tensors));
  for (const [name, expected] of Object.entries(tensors)) assertHolds(found.tensors.get(name), expected);
});

test("all 65,536 float16 and bfloat16 patterns widen as in NumPy and PyTorch", () => {
  const patterns = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);
  for (const [type, expected] of [
    ["f2", golden.everyHalf],
    ["bf16", golden.everyBrain],
  ] as const) {
    const wide = Float32Array.from(decode("test", type, patterns, true), (x) => (Number.isNaN(x) ? 0 : x));
    assert.equal(createHash("sha256").update(new Uint8Array(wide.buffer)).digest("hex"), expected, type);
  }
});
