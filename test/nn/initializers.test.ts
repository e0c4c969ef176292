/** Initializers: fans and gains as PyTorch computes them, and the moments each distribution must have. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor } from "typegrad";
import * as nn from "typegrad/nn";
import { manualSeed } from "typegrad/random";
import { fixture } from "../golden/fixtures.js";

const { initializers } = nn;
interface Golden {
  readonly fans: readonly { readonly shape: readonly number[]; readonly fans: readonly [number, number] }[];
  readonly gains: readonly {
    readonly name: Parameters<typeof initializers.gain>[0];
    readonly slope?: number;
    readonly gain: number;
  }[];
  readonly layers: readonly { readonly layer: string; readonly weight: number; readonly bias: number }[];
  readonly shape: readonly [number, number];
  readonly statistics: readonly { readonly name: "lecun" | "glorot" | "he"; readonly deviation: number }[];
}
const golden = fixture<Golden>("initializers");

async function moments(x: Tensor): Promise<{ mean: number; deviation: number; low: number; high: number }> {
  const data = Float64Array.from(await x.data());
  const mean = data.reduce((a, b) => a + b, 0) / data.length;
  const square = data.reduce((a, b) => a + (b - mean) ** 2, 0) / data.length;
  return {
    mean,
    deviation: Math.sqrt(square),
    low: data.reduce((a, b) => Math.min(a, b)),
    high: data.reduce((a, b) => Math.max(a, b)),
  };
}
/** Within five standard errors of a mean of n draws, which a right generator misses once in two million times. */
const near = (actual: number, expected: number, error: number, what: string): void =>
  assert.ok(Math.abs(actual - expected) <= 5 * error, `${what}: ${actual} and not ${expected}`);

test("fans and gains", () => {
  for (const { shape, fans } of golden.fans) {
    const { fanIn, fanOut } = initializers.fans(shape);
    assert.deepEqual([fanIn, fanOut], fans);
  }
  for (const { name, slope, gain } of golden.gains) assert.equal(initializers.gain(name, slope), gain);
  assert.throws(() => initializers.fans([5]), /at least 2 axes/);
});

for (const { name, deviation } of golden.statistics)
  for (const kind of ["Uniform", "Normal"] as const)
    test(`${name}${kind}`, async () => {
      manualSeed(1);
      const m = await moments(initializers[`${name}${kind}`]()(golden.shape));
      const n = golden.shape[0] * golden.shape[1];
      near(m.mean, 0, deviation / Math.sqrt(n), "mean");
      // The deviation of a sample deviation: σ √((kurtosis - 1) / 4n), with kurtosis 1.8 and 3.
      near(m.deviation, deviation, deviation * Math.sqrt((kind === "Uniform" ? 0.8 : 2) / (4 * n)), "deviation");
      if (kind === "Uniform") assert.ok(m.high <= deviation * Math.sqrt(3) + 1e-7 && m.high > deviation * 1.73);
    });

test("layers start within PyTorch's bounds", async () => {
  manualSeed(2);
  const layers = { linear: new nn.Linear(64, 48), conv2d: new nn.Conv2d(6, 8, [3, 5], { groups: 2 }) };
  for (const { layer, weight, bias } of golden.layers) {
    const { weight: w, bias: b } = layer === "linear" ? layers.linear : layers.conv2d;
    assert.ok(b);
    const [mw, mb] = [await moments(w), await moments(b)];
    assert.ok(mw.high <= weight + 1e-7 && mw.low >= -weight - 1e-7, `${layer} weight within ${weight}`);
    near(
      mw.deviation,
      weight / Math.sqrt(3),
      (weight / Math.sqrt(3)) * Math.sqrt(0.8 / (4 * w.size)),
      `${layer} weight`,
    );
    assert.ok(mb.high <= bias + 1e-7 && mb.low >= -bias - 1e-7, `${layer} bias within ${bias}`);
    assert.ok(mb.deviation > 0.3 * bias);
  }
});

test("truncated normal: bounds, and the closed form of its deviation", async () => {
  manualSeed(3);
  const m = await moments(initializers.truncatedNormal(0, 0.5, -0.5, 0.5)([300, 300]));
  assert.ok(m.low >= -0.5 && m.high <= 0.5);
  // Var = σ² (1 - 2 φ(1) / (2Φ(1) - 1)) for bounds at one deviation: σ · 0.5396… (Johnson, Kotz & Balakrishnan 1994).
  const phi = Math.exp(-0.5) / Math.sqrt(2 * Math.PI);
  const deviation = 0.5 * Math.sqrt(1 - (2 * phi) / 0.682689492137086);
  near(m.deviation, deviation, deviation / Math.sqrt(4 * 90_000), "deviation");
  near(m.mean, 0, deviation / 300, "mean");
});

test("orthogonal: rows or columns are orthonormal", async () => {
  manualSeed(4);
  for (const shape of [
    [7, 7],
    [9, 4],
    [4, 3, 2, 2],
    [1, 5],
  ]) {
    const q = initializers.orthogonal(2)(shape).reshape([shape[0], -1]);
    const product = q.shape[0] <= q.shape[1] ? q.matmul(q.transpose()) : q.transpose().matmul(q);
    const data = await product.data();
    const n = product.shape[0];
    data.forEach((v, i) => assert.ok(Math.abs(v - (i % (n + 1) === 0 ? 4 : 0)) < 1e-5, `${shape}: ${v} at ${i}`));
  }
  const [a, b] = [initializers.orthogonal()([3, 3]), initializers.orthogonal()([3, 3])];
  assert.notDeepEqual([...(await a.data())], [...(await b.data())]);
});
