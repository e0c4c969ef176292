/** Modules: types of shapes, modes, freezing, state dicts, summaries. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, compile, grad, ones, tensor, zeros } from "typegrad";
import * as nn from "typegrad/nn";
import { manualSeed } from "typegrad/random";
import { lenet5 } from "typegrad/models";

const perceptron = () => new nn.Sequential([new nn.Linear(4, 3), nn.relu, new nn.Dropout(0.5), new nn.Linear(3, 2)]);

test("shapes flow through Sequential as types", () => {
  const model = perceptron();
  const y = model.forward(zeros([5, 4]));
  const shape: readonly [5, 2] = y.shape;
  assert.deepEqual([...shape], [5, 2]);
  const weight: readonly [3, 4] = model.layers[0].weight.shape;
  assert.deepEqual([...weight], [3, 4]);
  const nested = new nn.Sequential([model, nn.tanh, new nn.Linear(2, 7)]);
  const wide: readonly [5, 7] = nested.forward(zeros([5, 4])).shape;
  assert.deepEqual([...wide], [5, 7]);
  // @ts-expect-error Sequential: layer 1 takes 100 features, got 128
  const wrong = new nn.Sequential([new nn.Linear(784, 128), new nn.Linear(100, 10)]);
  // @ts-expect-error Sequential: the last axis must have 784 features, got 780
  assert.throws(() => wrong.forward(zeros([1, 780])), /Linear: the last axis/);
  const images = new nn.Sequential([new nn.Conv2d(1, 6, 3), nn.relu, new nn.AvgPool2d(2), new nn.Flatten()]);
  const flat: readonly [8, number] = images.forward(zeros([8, 1, 6, 6])).shape;
  assert.deepEqual([...flat], [8, 24]);
  // @ts-expect-error Sequential: layer 1 takes 3 features, got 6
  assert.ok(new nn.Sequential([new nn.Conv2d(1, 6, 3), new nn.Conv2d(3, 6, 3)]));
  // @ts-expect-error Linear: the last axis must have 4 features, got 3
  assert.throws(() => new nn.Linear(4, 2).forward(zeros([1, 3])), /Linear: the last axis/);
});

test("errors name shapes and say what to do", () => {
  assert.throws(
    () => nn.linear(zeros([2, 3]), zeros([5, 4])),
    /linear: the last axis of the input must have the weight's features, got float32\[2,3\] and weight float32\[5,4\]\. /,
  );
  assert.throws(() => nn.conv2d(zeros([1, 3, 8]), zeros([4, 3, 3, 3])), /conv2d: the input must have 4 axes/);
  assert.throws(() => nn.conv2d(zeros([1, 3, 8, 8]), zeros([4, 2, 3, 3])), /conv2d: the weight must be/);
  assert.throws(() => nn.mse(zeros([3]), zeros([3, 1])), /mse: input and target must have the same shape/);
  assert.throws(() => nn.crossEntropy(zeros([2, 3]), zeros([3]).astype("int32")), /crossEntropy: target must have/);
  assert.throws(() => nn.maxPool2d(zeros([1, 1, 4, 4]), 2, { padding: 2 }), /at most half the window/);
  assert.throws(() => new nn.Dropout(1.5), /Dropout: probability must be from 0 to 1, got 1.5/);
  assert.throws(() => new nn.Conv2d(3, 4, 3, { groups: 2 }), /groups must divide/);
  assert.throws(() => nn.embedding(zeros([2]), zeros([3, 4])), /embedding: indices must be integers/);
});

test("padding same keeps lengths, also for even kernels and dilation", () => {
  for (const [kernel, dilation] of [
    [3, 1],
    [4, 1],
    [2, 3],
  ])
    assert.deepEqual(
      [...nn.conv1d(zeros([1, 1, 9]), zeros([1, 1, kernel]), null, { padding: "same", dilation }).shape],
      [1, 1, 9],
    );
});

test("a target that is no class is an error, or NaN where it is not known, and one to ignore nothing", async () => {
  const targets = tensor([5, -100, 1], { dtype: "int32" });
  const loss = (y: Tensor): Tensor => nn.crossEntropy(zeros([3, 2]), y, { reduction: "none" });
  assert.throws(() => loss(targets), {
    name: "ArgumentError",
    message: /^crossEntropy: targets must be classes from 0 to 1, got 5 in int32\[3\]\. check the labels/,
  });
  assert.throws(() => nn.nll(zeros([1, 2]), tensor([-1], { dtype: "int32" })), { message: /^nll: .* got -1 in/ });
  const [a, b, c] = await compile(loss)(targets).data();
  assert.ok(Number.isNaN(a));
  assert.equal(Math.abs(b), 0);
  assert.ok(Math.abs(c - Math.LN2) < 1e-6);
});

test("softplus has its second derivative at 0", async () => {
  const slope = (x: Tensor): Tensor => grad((v: Tensor) => nn.softplus(v))(x);
  assert.ok(Math.abs((await slope(tensor(0)).item()) - 0.5) < 1e-6);
  assert.ok(Math.abs((await grad(slope)(tensor(0)).item()) - 0.25) < 1e-6);
});

test("dropout keeps the mean in training and does nothing in evaluation", async () => {
  manualSeed(5);
  const layer = new nn.Dropout(0.25);
  const x = ones([200, 200]);
  const data = await layer.forward(x).data();
  const kept = data.filter((v) => v !== 0);
  assert.ok(kept.every((v) => Math.abs(v - 1 / 0.75) < 1e-6));
  // Standard error of a share of 40,000: √(0.75 · 0.25 / 40000) = 0.0022.
  assert.ok(Math.abs(kept.length / 40_000 - 0.75) < 0.011, `${kept.length}`);
  layer.eval();
  assert.deepEqual(await layer.forward(x).data(), await x.data());
  assert.deepEqual([...(await nn.dropout(ones([4]), 1).data())], [0, 0, 0, 0]);
});

test("train and eval reach every module", () => {
  const model = perceptron();
  model.eval();
  assert.ok(!model.training && !model.layers[2].training);
  model.train();
  assert.ok(model.training && model.layers[2].training);
});

test("freezing takes tensors from the optimizer's view", () => {
  const model = perceptron();
  assert.deepEqual(Object.keys(nn.namedParameters(model)), [
    "layers.0.weight",
    "layers.0.bias",
    "layers.3.weight",
    "layers.3.bias",
  ]);
  nn.freeze(model, "layers.0");
  assert.deepEqual(Object.keys(nn.namedParameters(model)), ["layers.3.weight", "layers.3.bias"]);
  assert.deepEqual(nn.countParameters(model), { total: 23, trainable: 8 });
  nn.unfreeze(model, "layers.0.bias");
  assert.deepEqual(Object.keys(nn.namedParameters(model)), ["layers.0.bias", "layers.3.weight", "layers.3.bias"]);
  nn.unfreeze(model);
  assert.equal(Object.keys(nn.namedParameters(model)).length, 4);
  assert.throws(() => nn.freeze(model, "layers.9"), /there must be parameters at the path, got "layers\.9"/);
});

test("a state dict goes from one model to another, and mismatches are named", async () => {
  const [a, b] = [perceptron(), perceptron()];
  const state = nn.stateDict(a);
  nn.loadStateDict(b, state);
  const x = ones([2, 4]);
  a.eval();
  b.eval();
  assert.deepEqual(await b.forward(x).data(), await a.forward(x).data());

  const { "layers.0.weight": weight, ...rest } = state;
  assert.throws(
    () => nn.loadStateDict(b, { ...rest, extra: weight, "layers.3.bias": zeros([3]) }),
    /missing layers\.0\.weight; unexpected extra; of another shape layers\.3\.bias \(float32\[2\] in the model, float32\[3\]/,
  );
  assert.throws(() => nn.loadStateDict(b, { ...rest, extra: weight }), {
    name: "StateDictError",
    differences: "missing layers.0.weight; unexpected extra",
  });
  const report = nn.loadStateDict(b, { ...rest, extra: weight }, { strict: false });
  assert.deepEqual(report, { missing: ["layers.0.weight"], unexpected: ["extra"] });
  const norm = new nn.BatchNorm(3);
  assert.deepEqual(Object.keys(nn.stateDict(norm)).toSorted(), ["bias", "runningMean", "runningVariance", "weight"]);
  assert.deepEqual(Object.keys(nn.namedParameters(norm)).toSorted(), ["bias", "weight"]);
});

test("LeNet-5 has the shapes and parameter counts of the paper's form", () => {
  const model = lenet5();
  const s = nn.summary(model, [1, 1, 28, 28]);
  assert.equal(s.parameters, 61_706);
  assert.equal(s.trainable, 61_706);
  const row = (path: string) => s.rows.find((r) => r.path === path);
  assert.deepEqual(row("layers.0")?.outputShape, [1, 6, 28, 28]);
  assert.deepEqual(row("layers.3")?.outputShape, [1, 16, 10, 10]);
  assert.deepEqual(row("layers.6")?.outputShape, [1, 400]);
  assert.deepEqual(
    [row("layers.0"), row("layers.3"), row("layers.7"), row("layers.9"), row("layers.11")].map((r) => r?.parameters),
    [156, 2416, 48_120, 10_164, 850],
  );
  assert.equal(row("")?.parameters, 0);
  const text = s.toString();
  assert.match(text, /layers\.3 +Conv2d +\[1, 16, 10, 10\] +2,416/);
  assert.match(text, /61,706 parameters, 61,706 of them trained/);
  assert.ok(model.training, "the mode is as it was");
  assert.ok(!Object.hasOwn(model.layers[0], "forward"), "forward is as it was");
});
