/** Tasks on sequences that need no files. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { adding } from "typegrad/data";

test("adding: two marks a sequence, and their sum", () => {
  const [count, length] = [4000, 30];
  const { sequences, sums } = adding({ count, length, seed: 3 }).arrays;
  assert.deepEqual(
    [sequences.shape, sums.shape],
    [
      [count, 2, length],
      [count, 1],
    ],
  );
  const places = new Array<number>(length).fill(0);
  let [mean, square] = [0, 0];
  for (let n = 0; n < count; n++) {
    const row = (k: number): number[] =>
      Array.from(sequences.data.subarray((2 * n + k) * length, (2 * n + k + 1) * length), Number);
    const [numbers, marks] = [row(0), row(1)];
    assert.ok(numbers.every((x) => x >= 0 && x < 1));
    const marked = marks.flatMap((mark, t) => (mark === 1 ? [t] : []));
    assert.equal(marked.length, 2);
    assert.equal(marks.filter((mark) => mark === 0).length, length - 2);
    assert.ok(Math.abs(Number(sums.data[n]) - numbers[marked[0]] - numbers[marked[1]]) < 1e-6);
    for (const t of marked) places[t]++;
    mean += Number(sums.data[n]) / count;
    square += (Number(sums.data[n]) - 1) ** 2 / count;
  }
  // The sum of two uniform numbers has mean 1 and variance 1/6; means over 4000 stay within 4.5 deviations.
  assert.ok(Math.abs(mean - 1) < 4.5 * Math.sqrt(1 / 6 / count), `mean ${mean}`);
  assert.ok(Math.abs(square - 1 / 6) < 4.5 * Math.sqrt((1 / 15 - 1 / 36) / count), `variance ${square}`);
  const expected = (2 * count) / length;
  const chi = places.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  assert.ok(chi < 75, `marks lie everywhere alike: ${chi} of 29 degrees`);
});

test("adding: a sequence depends on the seed and its number alone", () => {
  const [few, many, other] = [
    adding({ count: 2, length: 5, seed: 1 }),
    adding({ count: 3, length: 5, seed: 1 }),
    adding({ count: 2, length: 5, seed: 2 }),
  ].map(({ arrays }) => Array.from(arrays.sequences.data, Number));
  assert.deepEqual(many.slice(0, 20), few);
  assert.notDeepEqual(other, few);
  assert.throws(() => adding({ length: 1 }), /^ArgumentError: adding: length must be an integer of at least 2, got 1/);
  assert.throws(() => adding({ count: 0 }), /count must be an integer of at least 1, got 0/);
  assert.throws(() => adding({ seed: -1 }), /the seed must be a non-negative integer, got -1/);
});
