/** Random layers: what they keep on average, what they drop together, and predictions with them left on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, compile, grad, ones, tensor, zeros } from "typegrad";
import * as nn from "typegrad/nn";
import { manualSeed, randn } from "typegrad/random";

const worst = async (x: Tensor, y: Tensor): Promise<number> => x.sub(y).abs().max().item();

/** Asserts that a sample mean of `n` numbers of standard deviation `s` lies within five standard errors. */
function near(mean: number, expected: number, s: number, n: number, what: string): void {
  assert.ok(Math.abs(mean - expected) < (5 * s) / Math.sqrt(n), `${what}: ${mean} and not ${expected}`);
}

test("channels are dropped whole, and each by itself", async () => {
  manualSeed(1);
  for (const [layer, shape] of [
    [new nn.Dropout1d(0.3), [40, 50, 3]],
    [new nn.Dropout2d(0.3), [40, 50, 2, 3]],
    [new nn.Dropout3d(0.3), [40, 50, 2, 1, 2]],
  ] as const) {
    const flat = layer.forward(ones(shape)).reshape([2000, -1]);
    assert.equal(await worst(flat, flat.at(":", "0:1").broadcastTo(flat.shape)), 0);
    const kept = flat.at(":", 0).greater(0).astype("float32");
    near(await kept.mean().item(), 0.7, Math.sqrt(0.21), 2000, layer.constructor.name);
    assert.ok(Math.abs((await flat.max().item()) - 1 / 0.7) < 1e-6);
    layer.eval();
    assert.equal(await worst(layer.forward(ones(shape)), ones([1])), 0);
  }
  assert.throws(
    () => new nn.Dropout2d().forward(ones([2, 3, 4])),
    /dropout2d: the input must have 4 axes, got float32\[2,3,4\]/,
  );
  assert.throws(() => new nn.Dropout2d(2), /Dropout2d: probability must be from 0 to 1, got 2/);
});

test("stochastic depth drops examples, or the batch", async () => {
  manualSeed(2);
  const rows = new nn.StochasticDepth(0.4).forward(ones([3000, 2, 2])).reshape([3000, 4]);
  assert.equal(await worst(rows, rows.at(":", "0:1").broadcastTo(rows.shape)), 0);
  near(await rows.mean().item(), 1, Math.sqrt(0.4 / 0.6), 3000, "row");
  let alive = 0;
  for (let i = 0; i < 100; i++) {
    const y = nn.stochasticDepth(ones([4, 3]), 0.4, "batch");
    const [low, high] = [await y.min().item(), await y.max().item()];
    assert.equal(low, high);
    if (high > 0) alive++;
  }
  near(alive / 100, 0.6, Math.sqrt(0.24), 100, "batch");
  assert.equal(
    await nn
      .stochasticDepth(ones([4, 3]), 1)
      .abs()
      .max()
      .item(),
    0,
  );
});

test("noise for SELUs keeps mean 0 and variance 1; Gaussian noise has dropout's moments", async () => {
  manualSeed(3);
  const n = 200_000;
  const x = randn([n]);
  const y = nn.alphaDropout(x, 0.3);
  near(await y.mean().item(), 0, 1, n, "mean");
  near(await y.variance().item(), 1, 2, n, "variance");
  // The dropped ones are all a (-λα) + b, with a and b of the paper's equations.
  const a = 1 / Math.sqrt(0.7 * (1 + 0.3 * 1.7580993408473766 ** 2));
  const floor = a * -1.7580993408473766 * 0.7;
  near(await y.sub(floor).abs().less(1e-5).astype("float32").mean().item(), 0.3, 0.46, n, "dropped");
  const g = nn.gaussianDropout(ones([n]), 0.2);
  near(await g.mean().item(), 1, 0.5, n, "Gaussian mean");
  near(await g.variance().item(), 0.25, 0.36, n, "Gaussian variance p / (1 - p)");
  const noisy = new nn.GaussianNoise(0.1);
  near(
    await noisy
      .forward(zeros([n]))
      .std()
      .item(),
    0.1,
    0.071,
    n,
    "deviation",
  );
  assert.equal(
    await noisy
      .eval()
      .forward(ones([3]))
      .max()
      .item(),
    1,
  );
  assert.throws(() => nn.gaussianDropout(x, 1), /gaussianDropout: probability must be below 1/);
});

test("weights dropped in training, rescaled in evaluation, are what inverted dropout is", async () => {
  manualSeed(4);
  const layer = new nn.RescalingDropout(0.25);
  const data = Array.from(await layer.forward(ones([10_000])).data(), Number);
  assert.ok(data.every((v) => v === 0 || v === 1));
  near(data.reduce<number>((s, v) => s + v, 0) / 1e4, 0.75, Math.sqrt(0.1875), 1e4, "kept");
  assert.equal(
    await layer
      .eval()
      .forward(ones([2]))
      .max()
      .item(),
    0.75,
  );

  const inner = new nn.Linear(3, 2);
  const connect = nn.dropConnect(inner, 0.5);
  const eye = tensor([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  let sum: Tensor = zeros([3, 2]);
  for (let i = 0; i < 400; i++) sum = sum.add(connect.forward(eye).sub(inner.bias ?? 0));
  const expected = inner.weight.transpose();
  // A kept weight is doubled: standard deviation |w| ≤ 1 / √3.
  assert.ok((await worst(sum.div(400), expected)) < (5 * 0.58) / 20);
  assert.ok((await worst(connect.eval().forward(eye), inner.forward(eye))) < 1e-6);
});

test("predictions over all masks: mean and variance of a linear layer are known", async () => {
  manualSeed(5);
  const linear = Object.assign(new nn.Linear(4, 1, { bias: false }), { weight: tensor([[1, -2, 0.5, 3]]) });
  const model = new nn.Sequential([new nn.BatchNorm(4), new nn.Dropout(0.2), linear]);
  model.train();
  const x = tensor([[1, 2, -1, 0.5]]);
  const T = 4000;
  const { mean, variance, samples } = nn.monteCarlo(model, x, T);
  assert.deepEqual([...samples.shape], [T, 1, 1]);
  // Each term w x keeps its mean and has variance (w x)² p / (1 - p); batch normalisation divides by √(1 + ε).
  const terms = [1, -4, -0.5, 1.5].map((t) => t / Math.sqrt(1 + 1e-5));
  const spread = terms.reduce((s, t) => s + t * t * 0.25, 0);
  near(await mean.item(), -2, Math.sqrt(spread), T, "mean");
  near(await variance.item(), spread, 1.5 * spread, T, "variance");
  const [all, average] = [Array.from(await samples.data(), Number), await mean.item()];
  const direct = all.reduce((s, v) => s + (v - average) ** 2, 0) / T;
  assert.ok(Math.abs(direct - (await variance.item())) < 1e-3);
  assert.ok(model.training && model.layers[0].training, "modes are as they were");
  assert.equal(await model.layers[0].runningMean?.abs().max().item(), 0, "running moments did not move");
  nn.mcDropout(model);
  assert.ok(!model.layers[0].training && model.layers[1].training);
});

test("samples can be differentiated and compiled, and one mask serves a whole sample", async () => {
  manualSeed(6);
  const model = new nn.Sequential([new nn.Conv2d(1, 4, 3), nn.relu, new nn.Dropout2d(0.5), new nn.GlobalAvgPool()]);
  const x = randn([2, 1, 5, 5]);
  const step = compile((v: Tensor) => nn.monteCarlo(model, v, 8).samples, { state: [model] });
  const [first, second] = [step(x), step(x)];
  assert.deepEqual([...first.shape], [8, 2, 4]);
  assert.ok((await worst(first, second)) > 0, "fresh masks at every call");
  assert.ok((await worst(first.at(0), first.at(1))) > 0, "and in every sample");
  const g = grad((m: typeof model) => nn.monteCarlo(m, x, 8).mean.sum())(model);
  assert.ok((await g.layers[0].weight.abs().max().item()) > 0);
  assert.throws(() => nn.monteCarlo(model, x, 0), /samples must be a positive integer/);
});
