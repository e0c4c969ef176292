/** Folds large enough to be done in parts, and scattered sums: exact values, on one thread and on two. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { kernelsOf } from "#src/compile/walk.js";
import { dot } from "#src/primitive/contraction.js";
import { sum } from "#src/primitive/define.js";
import { scatterAdd } from "#src/primitive/indexing.js";
import { hole } from "#src/primitive/leaf.js";
import { convolution, grad, setThreads, tensor, type Tensor, vjp, zeros } from "typegrad";
import { compileProgram } from "./support.js";

/** Prime, and such that there is a rest whatever the parts are. */
const n = 1_000_003;

test("a large sum has tasks to share, a small one has not, and sums with many results are not cut", () => {
  const names = (shape: readonly number[], axes: readonly number[]) => {
    const x = hole({ dtype: "float32", shape }, "x");
    return kernelsOf(compileProgram({ inputs: [x], outputs: [sum(x, axes)], donated: [false] }).steps);
  };
  const large = names([n], [0]);
  assert.deepEqual(
    large.map((k) => k.name),
    ["sum", "sum", "sum_end"],
  );
  assert.ok(large[0].tasks >= 8);
  assert.equal(names([1 << 20], [0]).length, 2, "parts that leave no rest");
  assert.equal(names([1000], [0]).length, 1);
  assert.equal(names([4096, 1024], [1]).length, 1);
});

test("long products with few results have tasks to share, others are not cut", () => {
  const product = (rows: number, folded: number, columns: number) => {
    const inputs = [
      hole({ dtype: "float32", shape: [rows, folded] }, "a"),
      hole({ dtype: "float32", shape: [folded, columns] }, "b"),
    ];
    const outputs = [dot(inputs[0], inputs[1], { contract: [[1], [0]], batch: [[], []] })];
    return kernelsOf(compileProgram({ inputs, outputs, donated: [false, false] }).steps);
  };
  const isEnd = ({ name }: { readonly name: string }) => name.endsWith("_end");
  const long = product(32, 1 << 15, 32);
  assert.ok(Math.max(...long.map((k) => k.tasks)) >= 16);
  assert.equal(long.filter(isEnd).length, 1);
  assert.ok(!product(32, 512, 32).some(isEnd), "a sum that is not long");
  assert.ok(!product(256, 1 << 15, 32).some(isEnd), "enough results");
});

test("sums of rows are scattered by columns, those of single elements are not shared", () => {
  const tasks = (columns: readonly number[]) => {
    const updates = hole({ dtype: "float32", shape: [5000, ...columns] }, "u");
    const places = hole({ dtype: "int32", shape: [5000] }, "i");
    const outputs = [scatterAdd(updates, places, { batch: 0, length: 70 })];
    const kernels = kernelsOf(compileProgram({ inputs: [updates, places], outputs, donated: [false, false] }).steps);
    return kernels[kernels.length - 1].tasks;
  };
  assert.ok(tasks([100]) > 8);
  assert.equal(tasks([]), 1);
});

for (const threads of [1, 2])
  describe(`${threads} threads`, () => {
    test("sums, products and extremes", async () => {
      setThreads(threads);
      const integers = tensor(Int32Array.from({ length: n }, (_, i) => i % 1000));
      // 1000 full rounds of 0 + … + 999, then 0 + 1 + 2.
      assert.equal(await integers.sum().item(), 1000 * 499_500 + 3);
      assert.equal(await integers.max().item(), 999);
      const signs = Float32Array.from({ length: n }, (_, i) => (i === 7 || i === n - 1 || i === 500_000 ? -1 : 1));
      assert.equal(await tensor(signs).prod().item(), -1);
      assert.equal(await tensor(signs).sum().item(), n - 6);
      assert.equal(await tensor(signs).min().item(), -1);
    });

    test("sums with few results, along the leading and the last axis", async () => {
      setThreads(threads);
      const [rows, columns] = [40_009, 7];
      const x = tensor(Float64Array.from({ length: rows * columns }, (_, i) => i)).reshape([rows, columns]);
      const leading = await x.sum(0).data();
      for (let j = 0; j < columns; j++) assert.equal(leading[j], (columns * rows * (rows - 1)) / 2 + rows * j);
      const last = await x.reshape([columns, rows]).sum(1).data();
      for (let j = 0; j < columns; j++) assert.equal(last[j], rows * (rows * j) + (rows * (rows - 1)) / 2);
    });

    test("products of few long rows, with a rest", async () => {
      setThreads(threads);
      const [rows, folded, columns] = [24, 20_011, 40];
      const a = Float32Array.from({ length: rows * folded }, (_, i) => (i % 7) - 2);
      const b = Float32Array.from({ length: folded * columns }, (_, i) => (i % 5) - 1);
      const expected = new Float32Array(rows * columns);
      for (let k = 0; k < folded; k++)
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++) expected[i * columns + j] += a[i * folded + k] * b[k * columns + j];
      const found = tensor(a)
        .reshape([rows, folded])
        .matmul(tensor(b).reshape([folded, columns]));
      assert.deepEqual(await found.data(), expected);
    });

    test("a convolution's weight gradient over many pictures", async () => {
      setThreads(threads);
      const [pictures, channels, size] = [48, 16, 16];
      const shape = [pictures, channels, size, size];
      const fill = (value: (p: number, c: number) => number) => {
        const place = size * size;
        const data = Float32Array.from({ length: pictures * channels * place }, (_, i) =>
          value(Math.floor(i / place / channels), Math.floor(i / place) % channels),
        );
        return tensor(data).reshape(shape);
      };
      const [x, g] = [fill((_, c) => c + 1), fill((p, c) => (p % 3) * (c - 5))];
      const [, back] = vjp(
        (w: Tensor) =>
          convolution(x, w, {
            padding: [
              [1, 1],
              [1, 1],
            ],
          }),
        zeros([channels, channels, 3, 3]),
      );
      // Of three taps the outer two miss a row or column of the picture.
      const met = (tap: number) => (tap === 1 ? size : size - 1);
      const expected = Float32Array.from({ length: channels * channels * 9 }, (_, i) => {
        const [to, from] = [Math.floor(i / 9 / channels), Math.floor(i / 9) % channels];
        return pictures * (to - 5) * (from + 1) * met(Math.floor((i % 9) / 3)) * met(i % 3);
      });
      assert.deepEqual(await back(g).data(), expected);
    });

    test("the first of equal extremes, and the first NaN", async () => {
      setThreads(threads);
      const data = Float32Array.from({ length: n }, (_, i) => i % 97);
      const first = async (places: readonly number[], value: number) => {
        const changed = Float32Array.from(data);
        for (const i of places) changed[i] = value;
        const x = tensor(changed);
        return [await x.argmax().item(), await x.argmin().item()];
      };
      assert.deepEqual(await first([n - 1, 5003, 777_777], 100), [5003, 0]);
      assert.deepEqual(await first([n - 1], 100), [n - 1, 0]);
      assert.deepEqual(await first([999_999, 31, 640_000], -1), [96, 31]);
      assert.deepEqual(await first([900_001, 600_001], Number.NaN), [600_001, 600_001]);
    });

    test("rows added to the rows of a table, many to the same", async () => {
      setThreads(threads);
      const [rows, columns, length] = [5000, 100, 7];
      const places = tensor(Int32Array.from({ length: rows }, (_, i) => (i * i) % length));
      const table = zeros([length, columns], { dtype: "float64" });
      const weights = tensor(Float64Array.from({ length: rows * columns }, (_, i) => i)).reshape([rows, columns]);
      const gradient = grad((t: Tensor) => t.take(places).mul(weights).sum())(table);
      const expected = new Float64Array(length * columns);
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) expected[((i * i) % length) * columns + j] += i * columns + j;
      assert.deepEqual(await gradient.data(), expected);
    });

    test("positions along an axis of a few long rows", async () => {
      setThreads(threads);
      const [rows, columns] = [3, 200_003];
      const data = Int32Array.from({ length: rows * columns }, (_, i) => i % 5);
      data[columns + 123_456] = 9;
      data[columns + 123_457] = 9;
      data[2 * columns + columns - 1] = 9;
      const x = tensor(data).reshape([rows, columns]);
      assert.deepEqual(await x.argmax(1).toArray(), [4, 123_456, columns - 1]);
    });
  });

afterEach(() => setThreads(1));

/** Where NumPy finds the extreme: the first NaN, or else the first of the equal ones. */
function firstExtreme(row: readonly number[], sign: 1 | -1): number {
  const nan = row.findIndex((x) => Number.isNaN(x));
  return nan >= 0 ? nan : row.indexOf(sign * Math.max(...row.map((x) => sign * x)));
}

test("positions along rows of every length: ties, NaN, infinities, slices", async () => {
  const rows = 6;
  for (let columns = 1; columns <= 70; columns++) {
    const special = [Number.NaN, -Infinity, Infinity];
    const at = (i: number, j: number): number => {
      if (i === 0) return -Infinity;
      if (i < 4 && j % (7 * i + 1) === columns % (i + 2)) return special[i - 1];
      return (j * (i + 3)) % 5;
    };
    const table = Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (__, j) => at(i, j)));
    const x = tensor(table);
    assert.deepEqual(
      await x.argmax(1).toArray(),
      table.map((row) => firstExtreme(row, 1)),
    );
    assert.deepEqual(
      await x.argmin(1).toArray(),
      table.map((row) => firstExtreme(row, -1)),
    );
    const part = x.at("1:", "::2").transpose([1, 0]);
    const flat = table[0].flatMap((_, j) => (j % 2 === 0 ? table.slice(1).map((row) => row[j]) : []));
    assert.equal(await part.argmax().item(), firstExtreme(flat, 1));
  }
});
