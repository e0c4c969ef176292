/** Sampling: extremes, bounds, moments, and keys that never meet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, grad, ones, random, type Tensor, vmap, zeros } from "typegrad";
import { dropout } from "typegrad/nn";

const same = (a: Tensor, b: Tensor): boolean => a.equal(b).all().itemSync() === 1;
const numbers = (x: Tensor): number[] => [...x.dataSync()];

test("the largest word gives finite numbers", () => {
  // Found by search: word 4 of this key begins with 24 ones, of which there is one in 16.8 million.
  const [k, shape] = [random.key(493_805), [5]] as const;
  assert.equal(numbers(random.bits(k, shape))[4] >>> 8, 2 ** 24 - 1);
  assert.equal(numbers(random.uniform(k, shape))[4], 1 - 2 ** -24);
  // √2 erf⁻¹(1 - 2^-23) and -log(-log(1 - 2^-24)), from mpmath
  assert.ok(Math.abs(numbers(random.normal(k, shape))[4] - 5.294704084854598) < 1e-5);
  assert.ok(Math.abs(numbers(random.gumbel(k, shape))[4] - 16.635532303636364) < 1e-5);
});

test("a folded key is none that split gives, and every number gives another", () => {
  const k = random.key(7);
  const keys = [...random.split(k, 8), ...Array.from({ length: 8 }, (_, i) => random.foldIn(k, i)), k];
  assert.equal(new Set(keys.map((x) => String(x.dataSync()))).size, keys.length);
  assert.ok(same(random.foldIn(k, 3), random.foldIn(k, random.randint(k, [], 3, 4))), "a tensor folds as its number");
  for (const wrong of [-1, 1.5, 2 ** 32, Number.NaN])
    assert.throws(() => random.foldIn(k, wrong), {
      name: "ArgumentError",
      message: /^random\.foldIn: the number must/,
    });
});

test("integers are uniform in wide ranges too", () => {
  const n = 100_000;
  for (const [low, high] of [
    [0, 10],
    [-5, 6],
    [0, 1_500_000_000],
    [-(2 ** 31), 2 ** 31],
    [-1_500_000_000, 1_500_000_000],
  ]) {
    const drawn = numbers(random.randint(random.key(1), [n], low, high));
    assert.ok(
      drawn.every((x) => x >= low && x < high),
      `${low} to ${high}`,
    );
    // The share below a third of the range, within five standard deviations of a binomial.
    const third = low + Math.floor((high - low) / 3);
    const p = (third - low) / (high - low);
    const share = drawn.filter((x) => x < third).length / n;
    assert.ok(Math.abs(share - p) < 5 * Math.sqrt((p * (1 - p)) / n), `${share} below a third of ${low} to ${high}`);
  }
  assert.throws(() => random.randint(random.key(1), [1], 0, 3e9), { name: "ArgumentError", message: /2\^31/ });
});

test("normals have the moments of a normal distribution", () => {
  const n = 200_000;
  for (const dtype of ["float32", "float64"] as const) {
    const xs = numbers(random.normal(random.key(3), [n], { dtype }));
    // E xᵏ = 0, 1, 0, 3 with variances 1, 2, 15, 96 of xᵏ
    for (const [k, mean, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ]) {
      const moment = xs.reduce((sum, x) => sum + x ** k, 0) / n;
      assert.ok(Math.abs(moment - mean) < 5 * Math.sqrt(variance / n), `moment ${k} of ${dtype} is ${moment}`);
    }
  }
});

test("under vmap the default generator draws the same or different numbers, as said", () => {
  const draw = (randomness?: "same" | "different") =>
    vmap((x: Tensor) => x.add(random.randn([2])), { randomness })(zeros([3]));
  assert.throws(() => draw(), { name: "TraceError", message: /randomness: "different"/ });
  const rows = (x: Tensor): unknown[] => [0, 1, 2].map((i) => String(x.at(i)));
  assert.equal(new Set(rows(draw("same"))).size, 1);
  assert.equal(new Set([...rows(draw("different")), ...rows(draw("different"))]).size, 6);
  const nested = vmap((row: Tensor) => vmap((x: Tensor) => x.add(random.rand([])), { randomness: "different" })(row), {
    randomness: "different",
  })(zeros([4, 5]));
  assert.equal(new Set(numbers(nested)).size, 20);
  random.manualSeed(3);
  const before = numbers(draw("different"));
  random.manualSeed(3);
  const step = compile((x: Tensor) => vmap((v: Tensor) => v.add(random.randn([2])), { randomness: "different" })(x));
  assert.deepEqual(numbers(step(zeros([3]))), before);
  // Gradients of every example with its own dropout mask.
  const masks = vmap(
    grad((x: Tensor) => dropout(x, 0.5).sum()),
    { randomness: "different" },
  )(ones([6, 40]));
  assert.ok(numbers(masks).every((x) => x === 0 || x === 2));
  assert.equal(new Set([0, 1, 2, 3, 4, 5].map((i) => String(masks.at(i).dataSync()))).size, 6);
  assert.equal(random.rand([2]).size, 2); // and outside nothing is left of it
});
