/** Summaries: counts of parameters and multiply-adds against published ones, receptive fields, and that nothing is computed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, Module, ones, scan, zeros } from "typegrad";
import { alexnet, densenet121, googlenet, resnet18, resnet50, vgg16 } from "typegrad/models";
import * as nn from "typegrad/nn";

test("multiply-adds are those that torchvision publishes (its column GFLOPS)", () => {
  const published = [
    [alexnet, 61_100_840, 0.71],
    [vgg16, 138_357_544, 15.47],
    [resnet18, 11_689_512, 1.81],
    [resnet50, 25_557_032, 4.09],
    [densenet121, 7_978_856, 2.83],
    [googlenet, 13_004_888, 1.5],
  ] as const;
  for (const [model, parameters, billions] of published) {
    const s = nn.summary(model(), [1, 3, 224, 224]);
    assert.ok(Math.abs(s.multiplyAdds / 1e9 - billions) <= 0.00501, `${model.name}: ${s.multiplyAdds}`);
    assert.equal(s.parameters, parameters, model.name);
    assert.equal(
      s.kinds.reduce((sum, k) => sum + k.parameters, 0),
      s.parameters,
    );
  }
});

test("138 million parameters are counted without being made", () => {
  const before = process.memoryUsage();
  const s = nn.summary(vgg16(), [1, 3, 224, 224]);
  const after = process.memoryUsage();
  assert.equal(s.parameters, 138_357_544);
  // The parameters alone would be 553 MB.
  assert.ok(after.rss - before.rss < 100e6, `${after.rss - before.rss} bytes`);
  assert.ok(after.arrayBuffers - before.arrayBuffers < 20e6, `${after.arrayBuffers - before.arrayBuffers} bytes`);
  const conv = s.rows.find((r) => r.path === "features.layers.28");
  assert.deepEqual(conv?.receptiveField, [196, 196]);
  const pooled = s.rows.find((r) => r.path === "features.layers.30");
  assert.deepEqual(pooled?.receptiveField, [212, 212]);
  const fully = s.kinds.find((k) => k.type === "Linear");
  assert.equal(fully?.parameters, 123_642_856);
  const text = String(s);
  assert.match(text, /Linear +3 +123,642,856 +89\.4 % +123,633,664 +0\.8 %/);
  assert.match(text, /138,357,544 parameters, 138,357,544 of them trained; 15,470,264,320 multiply-adds/);
});

/** The rows of a model by path. */
function rowsOf(model: Module & { forward(x: Tensor): Tensor }, shape: readonly number[]) {
  const rows = new Map(nn.summary(model, shape).rows.map((r) => [r.path, r]));
  return (path: string) => {
    const row = rows.get(path);
    assert.ok(row, path);
    return row;
  };
}

test("multiply-adds of every layer are its formula's", () => {
  const model = new nn.Sequential([
    new nn.Conv2d(4, 6, [3, 2], { stride: 2, padding: 1, groups: 2 }),
    new nn.ConvTranspose2d(6, 5, 3, { stride: 2 }),
    new nn.BatchNorm(5),
    new nn.GlobalAvgPool(),
    new nn.Linear(5, 7),
  ]);
  const row = rowsOf(model, [3, 4, 9, 8]);
  assert.equal(row("layers.0").multiplyAdds, 3 * 6 * 5 * 5 * (4 / 2) * 3 * 2);
  assert.equal(row("layers.2").multiplyAdds, 0);
  assert.equal(row("layers.4").multiplyAdds, 3 * 7 * 5);
  assert.equal(row("").multiplyAdds, 0, "its layers' belong to them");
});

/** Attention without projections: `softmax(x xᵀ) x`, and a loop of products over the first axis. */
class Mixing extends Module {
  weight: Tensor = ones([6, 6]);
  forward(x: Tensor): Tensor {
    const mixed = nn.softmax(x.matmul(x.swapAxes(1, 2))).matmul(x); // [N, T, 6]
    const [last] = scan(
      (h: Tensor, v: Tensor) => [h.matmul(this.weight).add(v), h],
      zeros([mixed.shape[0], 6]),
      mixed.moveAxis(1, 0),
    );
    return last;
  }
}

test("products outside of layers count too, in loops as often as they run", () => {
  const row = rowsOf(new Mixing(), [2, 5, 6]);
  assert.equal(row("").multiplyAdds, 2 * (5 * 5 * 6) * 2 + 5 * 2 * 6 * 6);
  assert.equal(row("").receptiveField, null);
});

/** A convolution as a function, which says nothing of its windows. */
class Functional extends Module {
  weight: Tensor = ones([2, 2, 3]);
  forward(x: Tensor): Tensor {
    return nn.conv1d(x, this.weight, null, { padding: 1 });
  }
}

test("fields go through sums and branches, and stop where nothing is known of them", () => {
  const three = () => new nn.Conv1d(2, 2, 3, { padding: 1 });
  const wide = new nn.Conv1d(2, 2, 3, { padding: 2, dilation: 2 });
  const model = new nn.Sequential([
    new nn.Residual(new nn.Sequential([three(), nn.relu, three()])),
    new nn.MaxPool1d(2),
    new nn.Branches([wide, new nn.AvgPool1d(1)]),
    new nn.Conv1d(4, 2, 1),
    new Functional(),
    three(),
  ]);
  const row = rowsOf(model, [1, 2, 12]);
  assert.deepEqual(row("layers.0.f.layers.0").receptiveField, [3]);
  assert.deepEqual(row("layers.0").receptiveField, [5]);
  assert.deepEqual(row("layers.1").receptiveField, [6]);
  assert.deepEqual(row("layers.2.branches.0").receptiveField, [14]);
  assert.deepEqual(row("layers.2.branches.1").receptiveField, [6]);
  assert.deepEqual(row("layers.3").receptiveField, [14]);
  assert.equal(row("layers.4").receptiveField, null);
  assert.equal(row("layers.5").receptiveField, null);
  const linear = rowsOf(new nn.Sequential([new nn.Linear(4, 4)]), [1, 3, 4]);
  assert.equal(linear("layers.0").receptiveField, null);
});

test("a summary leaves modes, methods and statistics as they were", async () => {
  const model = new nn.Sequential([new nn.Conv2d(1, 2, 3), new nn.BatchNorm(2), new nn.Dropout()]);
  model.layers[2].eval();
  const before = model.layers[1].runningMean;
  nn.summary(model, [2, 1, 5, 5]);
  assert.ok(model.training && model.layers[1].training && !model.layers[2].training);
  assert.ok(model.layers.every((layer) => !Object.hasOwn(layer, "forward")));
  assert.equal(model.layers[1].runningMean, before);
  assert.throws(() => nn.summary(model, [2, 3, 5, 5]), /Conv2d: axis 1 must have 1 channel, got 3/);
  assert.ok(model.training && !Object.hasOwn(model.layers[0], "forward"), "after an error too");
  const tokens = new nn.Sequential([new nn.Embedding(10, 4), new nn.Linear(4, 2)]);
  assert.deepEqual(nn.summary(tokens, [2, 3], { dtype: "int32" }).rows[0].outputShape, [2, 3, 2]);
});
