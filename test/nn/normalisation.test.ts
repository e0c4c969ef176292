/** Normalisation layers and parametrised weights against PyTorch, and the laws they obey. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, compile, grad, tensor, valueAndGrad } from "typegrad";
import { svd } from "typegrad/linalg";
import * as nn from "typegrad/nn";
import { sgd } from "typegrad/optim";
import { manualSeed, randn } from "typegrad/random";
import { compareCases } from "../golden/cases.js";
import { type Case, close, fixture, fromStored, type Stored } from "../golden/fixtures.js";

interface Options extends nn.LocalResponseOptions {
  readonly groups: number;
  readonly shape: readonly number[];
  readonly size: number;
  readonly axis: number;
  readonly epsilon?: number;
}
interface Step {
  readonly training: boolean;
  readonly x: Stored;
  readonly output: Stored;
  readonly cotangent: Stored;
  readonly gradient: Stored;
}
interface Running {
  readonly kind: "BatchNorm" | "InstanceNorm";
  readonly features: number;
  readonly options: nn.RunningNormOptions;
  readonly weight?: Stored;
  readonly bias?: Stored;
  readonly steps: readonly (Step & { readonly runningMean?: Stored; readonly runningVariance?: Stored })[];
}
interface Spectral {
  readonly axis: number;
  readonly powerIterations: number;
  readonly weight: Stored;
  readonly bias: Stored;
  readonly u: Stored;
  readonly v: Stored;
  readonly steps: readonly (Step & { readonly u: Stored; readonly v: Stored; readonly weightGradient: Stored })[];
}
const golden = fixture<{ cases: Case<Options>[]; running: Running[]; spectral: Spectral[] }>("normalisation");

const withMagnitude = (v: Tensor, magnitude: Tensor, axis: number | null): nn.WeightNorm =>
  Object.assign(new nn.WeightNorm(v, axis), { magnitude });

compareCases<Options>(golden.cases, {
  groupNorm: ({ x, weight, bias }, o) => nn.groupNorm(x, o.groups, weight, bias),
  instanceNorm: ({ x, weight, bias }) => nn.instanceNorm(x, weight, bias),
  rmsNorm: ({ x, weight }, o) => nn.rmsNorm(x, o.shape, weight, o.epsilon),
  localResponseNorm: ({ x }, o) => nn.localResponseNorm(x, o.size, o),
  normalize: ({ x }, o) => nn.normalize(x, o.axis, o.epsilon),
  weightNorm: ({ v, magnitude }, o) => withMagnitude(v, magnitude, o.axis).forward(v),
  weightNormConv: ({ x, v, magnitude, bias }) => {
    const conv = Object.assign(new nn.Conv2d(2, 3, 2, { padding: 1 }), { weight: v, bias });
    return new nn.Parametrized(conv, "weight", withMagnitude(v, magnitude, 0)).forward(x);
  },
});

/** Output and gradient of a layer for one step, compared. */
async function compareStep<L extends nn.Layer>(layer: L, step: Step, n: number): Promise<L> {
  let output = fromStored(step.x);
  const g = grad((tree: { x: Tensor; layer: L }) => {
    output = tree.layer.forward(tree.x);
    return output.mul(fromStored(step.cotangent)).sum();
  })({ x: fromStored(step.x), layer });
  await close(output, step.output, `output ${n}`);
  await close(g.x, step.gradient, `gradient of x ${n}`, 2e-5);
  return g.layer;
}

golden.running.forEach((c, i) => {
  test(`${c.kind} ${JSON.stringify(c.options)} (${i})`, async () => {
    const kind = { BatchNorm: nn.BatchNorm, InstanceNorm: nn.InstanceNorm }[c.kind];
    const layer = new kind(c.features, c.options);
    if (c.weight) layer.weight = fromStored(c.weight);
    if (c.bias) layer.bias = fromStored(c.bias);
    for (const [n, step] of c.steps.entries()) {
      layer.train(step.training);
      await compareStep(layer, step, n);
      assert.equal(layer.runningMean === null, step.runningMean === undefined);
      if (layer.runningMean && step.runningMean) await close(layer.runningMean, step.runningMean, `mean ${n}`);
      if (layer.runningVariance && step.runningVariance)
        await close(layer.runningVariance, step.runningVariance, `variance ${n}`);
    }
    if (layer.numBatchesTracked) assert.equal(await layer.numBatchesTracked.item(), 3);
  });
});

function layerLike([out, into, ...kernel]: readonly number[]): nn.Linear | nn.Conv1d | nn.Conv2d {
  if (kernel.length === 0) return new nn.Linear(into, out);
  return kernel.length === 1 ? new nn.Conv1d(into, out, kernel) : new nn.Conv2d(into, out, kernel);
}

golden.spectral.forEach((c, i) => {
  test(`SpectralNorm of ${JSON.stringify(c.weight.shape)} along ${c.axis} (${i})`, async () => {
    const layer = nn.spectralNorm(layerLike(c.weight.shape), c);
    Object.assign(layer.layer, { weight: fromStored(c.weight), bias: fromStored(c.bias) });
    Object.assign(layer.parametrization, { u: fromStored(c.u), v: fromStored(c.v) });
    for (const [n, step] of c.steps.entries()) {
      layer.train(step.training);
      const g = await compareStep(layer, step, n);
      await close(g.layer.weight, step.weightGradient, `gradient of the weight ${n}`);
      await close(layer.parametrization.u, step.u, `u ${n}`);
      await close(layer.parametrization.v, step.v, `v ${n}`);
    }
  });
});

const worst = async (x: Tensor, y: Tensor): Promise<number> => x.sub(y).abs().max().item();

test("one group is all of an example, as many groups as channels are instances", async () => {
  manualSeed(1);
  const x = randn([3, 4, 5, 2]);
  const whole = new nn.GroupNorm(1, 4).forward(x).reshape([3, 40]);
  assert.ok((await whole.mean(1).abs().max().item()) < 1e-6);
  assert.ok((await whole.square().mean(1).sub(1).abs().max().item()) < 1e-4);
  assert.ok((await worst(new nn.GroupNorm(4, 4).forward(x), new nn.InstanceNorm(4).forward(x))) < 1e-6);
  const scaled = nn.rmsNorm(x.mul(1000), [2]);
  assert.ok((await worst(scaled, nn.rmsNorm(x, [2]))) < 1e-3, "the scale does not matter");
});

test("local responses: a lone channel is divided by what the paper says", async () => {
  // k = 2, α = 1e-4, β = 0.75 over n = 5: x / (2 + 1e-4 · x²)^0.75, where this α is the paper's times n.
  const y = nn.localResponseNorm(tensor([[[0], [0], [300], [0], [0]]]), 5, { k: 2, alpha: 5e-4 });
  assert.ok(Math.abs((await y.at(0, 2, 0).item()) - 300 / 11 ** 0.75) < 1e-3);
});

test("weight normalisation starts as the layer, and its directions' gradients turn only", async () => {
  manualSeed(2);
  const [x, inner] = [randn([5, 4]), new nn.Linear(4, 3)];
  const before = inner.forward(x);
  const layer = nn.weightNorm(inner);
  assert.ok((await worst(layer.forward(x), before)) < 1e-6);
  assert.deepEqual(Object.keys(nn.namedParameters(layer)), ["layer.weight", "layer.bias", "parametrization.magnitude"]);
  const shape: readonly [5, 3] = layer.forward(randn([5, 4])).shape;
  assert.deepEqual([...shape], [5, 3]);
  // @ts-expect-error Parametrized: the last axis must have 4 features, got 3
  assert.throws(() => layer.forward(randn([5, 3])), /Linear: the last axis/);
  const original = inner.weight;
  const g = grad((l: typeof layer) => l.forward(x).tanh().sum())(layer);
  assert.equal(inner.weight, original, "the layer's own tensor stands in its field again");
  assert.ok((await g.layer.weight.mul(inner.weight).sum(1).abs().max().item()) < 1e-5);
  // The length's gradient is the weight's along the direction.
  const plain = grad((w: Tensor) => nn.linear(x, w, inner.bias).tanh().sum())(inner.weight);
  const unit = nn.normalize(inner.weight, 1);
  assert.ok((await worst(g.parametrization.magnitude, plain.mul(unit).sum(1, { keepDims: true }))) < 1e-5);
});

test("a compiled step trains a parametrised layer and its power iteration", async () => {
  manualSeed(3);
  const [x, target] = [randn([16, 6]), randn([16, 5])];
  const model = new nn.Sequential([
    nn.spectralNorm(new nn.Linear(6, 8)),
    new nn.BatchNorm(8, { momentum: null }),
    nn.tanh,
    nn.weightNorm(new nn.Linear(8, 5), { axis: null }),
  ]);
  const optimizer = sgd({ learningRate: 0.1 });
  const step = compile(
    () => {
      const [loss, grads] = valueAndGrad((m: typeof model) => nn.mse(m.forward(x), target))(model);
      optimizer.update(model, grads);
      return loss;
    },
    { state: [model, optimizer] },
  );
  const losses: number[] = [];
  for (let i = 0; i < 60; i++) losses.push(await step().item());
  assert.ok(losses[59] < 0.8 * losses[0], `${losses[0]} to ${losses[59]}`);
  assert.equal(await model.layers[1].numBatchesTracked?.item(), 60);
  // The weights move slowly, so one step of iteration for each of them keeps up: σ is that of the decomposition.
  const matrix = model.eval().layers[0].parametrized();
  assert.ok(Math.abs((await svd(matrix).s.at(0).item()) - 1) < 1e-2);
});

test("any function of a tensor parametrises, and folding leaves the plain layer", async () => {
  const layer = new nn.Parametrized(new nn.Linear(3, 3), "weight", (w) => w.add(w.transpose()));
  const x = randn([2, 3]);
  const y = layer.forward(x);
  const plain = layer.folded();
  assert.ok((await worst(plain.weight, plain.weight.transpose())) === 0);
  assert.ok((await worst(plain.forward(x), y)) < 1e-6);
});

test("normalisation's errors name shapes and say what to do", () => {
  const x = randn([2, 6, 4]);
  assert.throws(() => new nn.GroupNorm(4, 6), /GroupNorm: groups must divide the channels, got 4 groups of 6 channels/);
  assert.throws(() => nn.groupNorm(x, 5), /groupNorm: groups must divide/);
  assert.throws(
    () => new nn.BatchNorm(5).forward(x),
    /BatchNorm: axis 1 must have 5 channels, got 6 in float32\[2,6,4\]/,
  );
  assert.throws(() => new nn.InstanceNorm(6).forward(randn([2, 6, 1])), /InstanceNorm: there must be more than one/);
  const [five, six] = [randn([5]), randn([6])];
  assert.throws(
    () => nn.batchNorm(x, six, five),
    /batchNorm: the variance must be \[6\] for float32\[2,6,4\], got float32\[5\]/,
  );
  assert.throws(() => nn.batchNorm(x, six, six, six, five), /batchNorm: the bias must be \[6\]/);
  assert.throws(() => nn.instanceNorm(x, five), /instanceNorm: the weight must be \[6\]/);
  assert.throws(() => nn.groupNorm(x, 2, five), /groupNorm: the weight must be \[6\]/);
  assert.throws(() => nn.layerNorm(x, [4], randn([4]), five), /layerNorm: the bias must be \[4\]/);
  assert.throws(() => nn.rmsNorm(x, [6, 4], randn([4])), /rmsNorm: the weight must be \[6,4\]/);
  assert.throws(() => nn.rmsNorm(x, [3]), /rmsNorm: the last axes must be \[3\]/);
  assert.throws(() => nn.localResponseNorm(x, 0), /localResponseNorm: size must be positive integers, got 0/);
  assert.throws(() => nn.weightNorm(new nn.Linear(2, 2), { field: "kernel" }), /must hold a tensor in "kernel"/);
  assert.throws(
    () => nn.weightNorm(new nn.Linear(2, 2), { axis: 2 }),
    /WeightNorm: axis must be one of float32\[2,2\]/,
  );
  assert.throws(
    () => nn.spectralNorm(new nn.Linear(2, 2), { powerIterations: 0 }),
    /powerIterations must be a positive/,
  );
});
