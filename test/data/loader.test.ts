import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import * as fc from "fast-check";
import { DataLoader, type Dataset, arrayDataset, map, permutation, split, subset, take } from "#src/data/index.js";
import { threefry } from "#src/data/shuffle.js";
import { type Tensor, tensor } from "typegrad";

const numbers = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);
const counting = (length: number) => arrayDataset({ x: numbers(length) });

/** The numbers in the batches of a loop. */
async function collect(batches: AsyncIterable<{ x: Tensor }>): Promise<number[][]> {
  const result: number[][] = [];
  for await (const { x } of batches) result.push([...(await x.data())]);
  return result;
}

test("threefry gives the known answers of its authors", () => {
  // kat_vectors of Random123 1.14.0 (Salmon et al.), threefry2x32 with 20 rounds
  const ones = 0xffffffff;
  assert.deepEqual(threefry(0, 0, 0, 0), [0x6b200159, 0x99ba4efe]);
  assert.deepEqual(threefry(ones, ones, ones, ones), [0x1cb996fc, 0xbb002be7]);
  assert.deepEqual(threefry(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3), [0xc4923a9c, 0x483df7a0]);
});

test("a permutation holds every number once and depends on nothing but its arguments", () => {
  fc.assert(
    fc.property(fc.nat(200), fc.maxSafeNat(), fc.nat(), (length, seed, stream) => {
      const order = permutation(length, seed, stream);
      assert.deepEqual(order.toSorted(), Uint32Array.from(numbers(length)));
      assert.deepEqual(permutation(length, seed, stream), order);
    }),
  );
  assert.notDeepEqual(permutation(50, 1, 0), permutation(50, 1, 1));
  assert.notDeepEqual(permutation(50, 1, 0), permutation(50, 2, 0));
  assert.notDeepEqual(permutation(50, 1, 0), permutation(50, 1 + 2 ** 32, 0));
  assert.throws(() => permutation(3, -1), /seed must be a non-negative integer, got -1/);
});

test("all 24 orders of four come equally often", () => {
  const times = new Map<string, number>();
  const draws = 24_000;
  for (let stream = 0; stream < draws; stream++) {
    const key = permutation(4, 7, stream).join("");
    times.set(key, (times.get(key) ?? 0) + 1);
  }
  assert.equal(times.size, 24);
  const expected = draws / 24;
  const chiSquare = [...times.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  assert.ok(chiSquare < 49.73, `χ² = ${chiSquare}`); // the 99.9 % quantile at 23 degrees of freedom
});

test("batches hold every example once; the last one is short or dropped", async () => {
  for (const shuffle of [false, true]) {
    const loader = new DataLoader(counting(10), { batchSize: 4, shuffle, seed: 3 });
    assert.equal(loader.length, 3);
    const batches = await collect(loader.epoch(0));
    assert.deepEqual(
      batches.map((x) => x.length),
      [4, 4, 2],
    );
    assert.deepEqual(
      batches.flat().sort((a, b) => a - b),
      [...numbers(10)],
    );
    assert.deepEqual(batches.flat(), [...loader.order(0)]);
  }
  const dropping = new DataLoader(counting(10), { batchSize: 4, dropLast: true });
  assert.equal(dropping.length, 2);
  assert.deepEqual(await collect(dropping), [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
  ]);
  assert.deepEqual(await collect(new DataLoader(counting(3), { batchSize: 4, dropLast: true })), []);
});

test("every epoch has an order of its own, the same whoever asks, whatever came before", async () => {
  const make = () => new DataLoader(counting(20), { batchSize: 5, shuffle: true, seed: 11 });
  const one = make();
  const epochs = [await collect(one), await collect(one), await collect(one)];
  assert.notDeepEqual(epochs[0], epochs[1]);
  assert.notDeepEqual(epochs[1], epochs[2]);
  assert.deepEqual(await collect(make().epoch(2)), epochs[2]);
  assert.notDeepEqual(make().order(0), new DataLoader(counting(20), { shuffle: true, seed: 12 }).order(0));
});

test("continuing at any batch gives exactly what would have come", async () => {
  const make = () => new DataLoader(counting(11), { batchSize: 3, shuffle: true, seed: 5, prefetch: 3 });
  const whole = make();
  const all = [...(await collect(whole)), ...(await collect(whole)), ...(await collect(whole))];
  for (let stop = 1; stop < 8; stop++) {
    const first = make();
    const seen: number[][] = [];
    let state = first.state;
    while (seen.length < stop)
      for await (const { x } of first) {
        seen.push([...(await x.data())]);
        state = first.state;
        if (seen.length === stop) break;
      }
    const second = make();
    second.state = state;
    const rest = [];
    while (second.state.epoch < 3) rest.push(...(await collect(second)));
    assert.deepEqual([...seen, ...rest], all);
  }
});

test("an epoch that was left is over, unless its state is set again", async () => {
  const loader = new DataLoader(counting(6), { batchSize: 2 });
  for await (const _ of loader) break;
  assert.deepEqual(loader.state, { epoch: 0, batch: 1 });
  const { state } = loader;
  assert.equal((await collect(loader)).length, 3);
  assert.deepEqual(loader.state, { epoch: 2, batch: 0 });
  loader.state = state;
  assert.deepEqual(await collect(loader), [
    [2, 3],
    [4, 5],
  ]);
  assert.deepEqual(loader.state, { epoch: 1, batch: 0 });
});

test("batches are prepared while one is in use, no more than asked, and come in order", async () => {
  let running = 0;
  let most = 0;
  const started: number[] = [];
  const slow: Dataset<{ x: Int32Array }> = {
    length: 8,
    get: async (i) => {
      started.push(i);
      most = Math.max(most, ++running);
      await wait(i % 2 === 0 ? 15 : 1);
      running--;
      return { x: Int32Array.of(i) };
    },
  };
  const batches: number[] = [];
  for await (const { x } of new DataLoader(slow, { prefetch: 3 })) {
    assert.ok(started.length <= batches.length + 4, "at most three ahead of the one in use");
    batches.push(await x.item());
  }
  assert.deepEqual(batches, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.ok(most >= 3 && most <= 4, `${most} at once`);
  started.length = 0;
  for await (const _ of new DataLoader(slow, { prefetch: 0 })) assert.equal(running, 0);
});

test("an error of a data set comes when its batch does, and only then", async () => {
  const failing = map(counting(6), ({ x }, i) => {
    if (i === 4) throw new RangeError("example 4 is broken");
    return { x };
  });
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const { x } of new DataLoader(failing, { batchSize: 2, prefetch: 3 })) seen.push(...(await x.data()));
  }, /example 4 is broken/);
  assert.deepEqual(seen, [0, 1, 2, 3]);
  for await (const _ of new DataLoader(failing, { batchSize: 2, prefetch: 3 })) break;
  await wait(5); // an error nobody waits for is no unhandled rejection
});

test("wrong options are refused", () => {
  const data = counting(4);
  assert.throws(
    () => new DataLoader(data, { batchSize: 0 }),
    /DataLoader: batchSize must be an integer of at least 1, got 0/,
  );
  assert.throws(() => new DataLoader(data, { batchSize: 1.5 }), /batchSize/);
  assert.throws(() => new DataLoader(data, { seed: -1 }), /seed must be an integer of at least 0, got -1/);
  assert.throws(() => new DataLoader(data, { prefetch: -1 }), /prefetch/);
  const loader = new DataLoader(data);
  assert.throws(() => (loader.state = { epoch: 0, batch: 5 }), /state\.batch must be at most 4, got 5/);
  assert.throws(() => (loader.state = { epoch: -1, batch: 0 }), /state\.epoch/);
  loader.state = { epoch: 3, batch: 4 };
  assert.deepEqual(loader.state, { epoch: 4, batch: 0 });
});

test("split, subset, take and map", async () => {
  const data = counting(10);
  const values = async (d: Dataset<{ x: { data: ArrayLike<number> } }>) =>
    Promise.all(Array.from({ length: d.length }, async (_, i) => (await d.get(i)).x.data[0]));
  assert.deepEqual(await values(subset(data, [3, 3, 9])), [3, 3, 9]);
  assert.deepEqual(await values(take(data, 2)), [0, 1]);
  assert.equal(take(data, 99).length, 10);
  const doubled = map(data, ({ x }, i) => ({ x: { ...x, data: Int32Array.of(x.data[0] + i) } }));
  assert.deepEqual(await values(take(doubled, 3)), [0, 2, 4]);
  for (const parts of [
    [0.8, 0.2],
    [8, 2],
  ]) {
    const [train, test] = split(data, parts, { seed: 4 });
    assert.deepEqual([train.length, test.length], [8, 2]);
    const all = [...(await values(train)), ...(await values(test))];
    assert.notDeepEqual(all, [...numbers(10)]);
    assert.deepEqual(
      all.sort((a, b) => a - b),
      [...numbers(10)],
    );
  }
  assert.deepEqual(await values(split(data, [0.5, 0.5], { shuffle: false })[1]), [5, 6, 7, 8, 9]);
  assert.deepEqual(
    split(counting(11), [1 / 3, 1 / 3, 1 / 3]).map((x) => x.length),
    [4, 4, 3],
  );
  assert.throws(
    () => split(data, [0.8, 0.3]),
    /fractions that add up to 1 or counts that add up to 10, got \[0\.8, 0\.3\]/,
  );
  assert.throws(() => split(data, [5, 4]), /split: parts/);
  assert.throws(() => subset(data, [10]), /index must be an integer from 0 to 9, got 10/);
  assert.throws(() => take(data, -1), /take: the count/);
  await assert.rejects(Promise.resolve(data.get(-1)), /index must be/);
});

test("whole arrays and single examples may be tensors; they are read once", async () => {
  const data = arrayDataset({
    x: tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]).mul(2),
    y: Int32Array.of(7, 8, 9),
  });
  assert.equal(data.length, 3);
  const { value: batch } = await new DataLoader(subset(data, [2, 0]), { batchSize: 2 }).epoch(0).next();
  assert.ok(batch);
  assert.deepEqual(await batch.x.toArray(), [
    [10, 12],
    [2, 4],
  ]);
  assert.deepEqual(await batch.y.toArray(), [9, 7]);
  const lazy: Dataset<Tensor> = { length: 2, get: (i) => tensor([i, 1]).add(1) };
  const { value: pair } = await new DataLoader(lazy, { batchSize: 2 }).epoch(0).next();
  assert.deepEqual(await pair?.toArray(), [
    [1, 2],
    [2, 2],
  ]);
});

test("trees of every kind are stacked; what does not fit is refused by its place", async () => {
  const examples: Dataset<{ n: number; ok: boolean; pair: readonly [Float32Array, { k: Int32Array }] }> = {
    length: 3,
    get: (i) => ({ n: i / 2, ok: i > 0, pair: [Float32Array.of(i, -i), { k: Int32Array.of(i) }] }),
  };
  const { value: batch } = await new DataLoader(examples, { batchSize: 3 }).epoch(0).next();
  assert.ok(batch);
  const described = async (x: Tensor) => [x.describe(), [...(await x.data())]];
  assert.deepEqual(await described(batch.n), ["float32[3]", [0, 0.5, 1]]);
  assert.deepEqual(await described(batch.ok), ["bool[3]", [0, 1, 1]]);
  assert.deepEqual(await described(batch.pair[0]), ["float32[3,2]", [0, -0, 1, -1, 2, -2]]);
  assert.deepEqual(await described(batch.pair[1].k), ["int32[3,1]", [0, 1, 2]]);

  const first = async (get: (i: number) => unknown) =>
    new DataLoader({ length: 2, get }, { batchSize: 2 }).epoch(0).next();
  await assert.rejects(
    first((i) => ({ a: { b: new Float32Array(i + 1) } })),
    /float32\[1\] and float32\[2\] at a\.b/,
  );
  await assert.rejects(
    first((i) => ({ a: i === 0 ? 1 : true })),
    /float32\[\] and bool\[\] at a/,
  );
  await assert.rejects(
    first(() => ({ a: "text" })),
    /numbers, booleans and arrays, got string at a\. turn it/,
  );
  await assert.rejects(
    first((i) => (i === 0 ? { a: 1 } : { b: 1 })),
    /equal trees/,
  );
  assert.throws(() => arrayDataset({ a: numbers(2), b: numbers(3) }), /equally many examples, got 2, 3/);
  assert.throws(() => arrayDataset({ a: 1 }), /along their first axis, got a scalar at a/);
});
