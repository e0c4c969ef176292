/** Printing, reading and indexing as NumPy does them; values from NumPy itself (test/golden/arrays.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ArgumentError, arange, DTypeError, type Index, ShapeError, Slice, tensor, type Tensor, zeros } from "typegrad";
import { formatArray } from "#src/tensor/format.js";

type Written = number | "nan" | "inf" | "-inf" | "-0";
interface Printed {
  readonly dtype: "float32" | "float64" | "int32";
  readonly shape: readonly number[];
  readonly data: readonly Written[];
  readonly text: string;
}
interface Taken {
  readonly index: readonly (number | string | null | readonly number[])[];
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
const path = new URL("../../../test/golden/arrays.json", import.meta.url);
const fixture: { readonly printed: readonly Printed[]; readonly taken: readonly Taken[] } = JSON.parse(
  readFileSync(path, "utf8"),
);

const numbers: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 };
const valueOf = (x: Written): number => (typeof x === "number" ? x : numbers[x]);

test("printing is NumPy's", () => {
  for (const { dtype, shape, data, text } of fixture.printed) {
    const x = tensor(Float64Array.from(data, valueOf), { shape, dtype });
    assert.equal(formatArray(x.dataSync(), dtype, shape), text);
    const separator = shape.length > 1 ? "\n" : " ";
    assert.equal(String(x), `${dtype}[${shape.join(",")}]${separator}${text}`);
  }
  assert.equal(String(tensor([true, false])), "bool[2] [ true, false]");
  assert.equal(String(tensor(Uint32Array.of(4294967295, 1))), "uint32[2] [4294967295,          1]");
});

test("at is NumPy's indexing", () => {
  const x = arange(24).reshape([2, 3, 4]);
  for (const { index, shape, data } of fixture.taken) {
    const y = x.at(...index);
    assert.deepEqual([y.shape, [...y.dataSync()]], [shape, data], `x.at(${JSON.stringify(index)})`);
  }
});

test("at: slices as objects, index tensors, masks", () => {
  const x = arange(6).reshape([2, 3]);
  const list = (y: Tensor): unknown => y.toArraySync();
  assert.deepEqual(list(x.at(":", new Slice(null, 0, -1))), [
    [2, 1],
    [5, 4],
  ]);
  const places = tensor(
    [
      [0, 1],
      [1, 0],
    ],
    { dtype: "int32" },
  );
  assert.deepEqual(list(x.at(places)), [
    [
      [0, 1, 2],
      [3, 4, 5],
    ],
    [
      [3, 4, 5],
      [0, 1, 2],
    ],
  ]);
  assert.deepEqual(list(x.at(places.at(0), tensor([2, -3], { dtype: "int32" }))), [2, 3]);
  assert.deepEqual(list(x.at(x.greater(2))), [3, 4, 5]);
  assert.deepEqual(list(x.at(tensor([false, true]))), [[3, 4, 5]]);
  assert.deepEqual(list(x.at(":", tensor([true, false, true]))), [
    [0, 2],
    [3, 5],
  ]);
  assert.deepEqual(x.at(x.greater(9)).shape, [0]);
  assert.deepEqual(list(x.take(tensor([2, 0], { dtype: "int32" }), 1)), [
    [2, 0],
    [5, 3],
  ]);
  const out = tensor([[1, 2]]).at(":", tensor([5], { dtype: "int32" }));
  assert.ok(Number.isNaN(out.dataSync()[0]), "an index tensor outside gives NaN");
});

test("at: what cannot be indexed is said", () => {
  const x = zeros([2, 3]);
  const wrong: readonly (readonly [readonly Index[], new (...args: never[]) => Error, RegExp])[] = [
    [[2], ShapeError, /an index of axis 0 must be an integer from -2 to 1, got 2 for float32\[2,3\]/],
    [[0, -4], ShapeError, /an index of axis 1 .*, got -4/],
    [[0, 0, 0], ShapeError, /at most 2 axes can be indexed, got 3/],
    [["...", "..."], ArgumentError, /"\.\.\." may appear once/],
    [["1;2"], ArgumentError, /"start:stop:step", got "1;2"/],
    [["::0"], ArgumentError, /step must be a non-zero integer/],
    [[1.5], ShapeError, /an integer .*, got 1.5/],
    [[tensor([0.5])], DTypeError, /must be int32, uint32 or bool/],
  ];
  for (const [index, error, message] of wrong)
    assert.throws(
      () => x.at(...index),
      (e: unknown) => e instanceof error && message.test(e.message),
    );
});

test("toArray nests, and dtypes come back as they went in", async () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  assert.deepEqual(await x.toArray(), [
    [1, 2],
    [3, 4],
  ]);
  assert.deepEqual(tensor([[true], [false]]).toArraySync(), [[true], [false]]);
  assert.equal(tensor(5).toArraySync(), 5);
  assert.deepEqual(zeros([2, 0]).toArraySync(), [[], []]);
  assert.deepEqual(zeros([0, 2]).toArraySync(), []);
  for (const array of [
    Float32Array.of(0.1, -0),
    Float64Array.of(0.1, 1e300),
    Int32Array.of(-(2 ** 31), 7),
    Uint32Array.of(2 ** 32 - 1, 0),
    Uint8Array.of(1, 0),
  ]) {
    const t = tensor(array);
    assert.deepEqual(t.dataSync(), array);
    assert.deepEqual(
      await t
        .add(t.dtype === "bool" ? t.and(false) : 0)
        .astype(t.dtype)
        .data(),
      array.map((v) => v + 0),
    );
  }
  const source = Float32Array.of(1, 2);
  const copy = tensor(source);
  source[0] = 100;
  assert.deepEqual([...copy.dataSync()], [1, 2], "the array is copied");
  copy.dataSync()[0] = 50;
  assert.deepEqual([...copy.dataSync()], [1, 2], "what is read is a copy");
  assert.equal(await tensor([[7]]).item(), 7);
  assert.throws(() => tensor([1, 2]).itemSync(), ShapeError);
});

test("ragged, mixed and mis-shaped data is refused", () => {
  assert.throws(() => tensor([[1, 2], [3]]), { name: "ShapeError", message: /equally long/ });
  assert.throws(() => tensor([[1, 2], 3]), ShapeError);
  assert.throws(() => tensor([1, [2]]), ShapeError);
  assert.throws(() => tensor(Float32Array.of(1, 2), { shape: [3] }), { message: /must hold 3 elements, got 2/ });
  assert.throws(() => zeros([-1]), { name: "ShapeError", message: /non-negative integers/ });
  assert.throws(() => zeros([1.5]), ShapeError);
  assert.throws(() => zeros([2 ** 16, 2 ** 16]), { message: /at most 2147483647 elements/ });
});
