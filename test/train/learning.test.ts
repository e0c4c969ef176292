/** Ensembles, tasks that share, probes, mixtures with labels, predictive coding: against scikit-learn and closed forms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, grad, type Nested, ones, softmax, tensor, type Tensor, vmap, zeros } from "typegrad";
import { fitMixture } from "typegrad/distributions";
import { PredictiveCoding } from "typegrad/models";
import * as nn from "typegrad/nn";
import { adam, polyakAverage } from "typegrad/optim";
import { manualSeed, randn } from "typegrad/random";
import { linearProbe, updateBatchNorm } from "typegrad/train";
import { fixture } from "../golden/fixtures.js";

type Rows = readonly number[][];
const golden = fixture<{
  x: Rows;
  start: { readonly weights: number[]; readonly means: Rows };
  mixtures: Readonly<
    Record<
      "full" | "tied" | "diagonal" | "spherical",
      {
        readonly weights: number[];
        readonly means: Rows;
        readonly covariances: readonly Rows[];
        readonly score: number;
      }
    >
  >;
  logistic: { readonly classes: number[]; readonly C: number; readonly weight: Rows; readonly bias: number[] };
}>("learning");
const f64 = (x: Nested): Tensor => tensor(x, { dtype: "float64" });
function near(got: Tensor, expected: Tensor, tolerance: number, what: string): void {
  assert.deepEqual(got.shape, expected.shape, what);
  const wanted = expected.dataSync();
  got
    .dataSync()
    .forEach((v, i) => assert.ok(Math.abs(v - wanted[i]) <= tolerance, `${what}[${i}]: ${v}, ${wanted[i]}`));
}
const x = f64(golden.x);

for (const covariance of ["full", "tied", "diagonal", "spherical"] as const)
  test(`fitMixture, ${covariance}: eight iterations as scikit-learn's GaussianMixture`, async () => {
    const expected = golden.mixtures[covariance];
    const unit = f64([
      [1, 0],
      [0, 1],
    ]).broadcastTo([2, 2, 2]);
    const start = { weights: f64(golden.start.weights), means: f64(golden.start.means), covariances: unit };
    const fit = await fitMixture(x, { components: 2, covariance, start, maxIterations: 8, tolerance: 0 });
    assert.equal(fit.logLikelihoods.length, 9);
    near(fit.weights, f64(expected.weights), 1e-9, "weights");
    near(fit.means, f64(expected.means), 1e-9, "means");
    near(fit.covariances, f64(expected.covariances), 1e-9, "covariances");
    near(fit.mixture.logProb(x).mean(), f64(expected.score), 1e-9, "log-likelihood");
    assert.ok(Math.abs(fit.logLikelihoods[8] - expected.score) < 1e-9);
  });

test("fitMixture with all labels is the fit of each class; with some it never falls", async () => {
  const labels = tensor(
    Array.from({ length: 70 }, (_, i) => (i < 30 ? 0 : 1)),
    { dtype: "int32" },
  );
  const fit = await fitMixture(x, { components: 2, labels, regularisation: 0 });
  near(fit.weights, f64([3 / 7, 4 / 7]), 1e-12, "weights");
  near(fit.means.at(0), x.at(":30").mean(0), 1e-12, "mean");
  const few = tensor(
    Array.from({ length: 70 }, (_, i) => (i === 0 ? 0 : i === 69 ? 1 : -1)),
    { dtype: "int32" },
  );
  const some = await fitMixture(x, { components: 2, labels: few, covariance: "tied" });
  some.logLikelihoods.forEach((v, i, all) => assert.ok(i === 0 || v >= all[i - 1] - 1e-9));
  assert.ok(some.converged);
  assert.deepEqual([...some.responsibilities.at(0).dataSync()], [1, 0]);
  const free = await fitMixture(x, { components: 3, seed: 5 });
  assert.ok(free.converged && free.responsibilities.shape.join() === "70,3");
  await assert.rejects(fitMixture(x, { components: 0 }), /components must be an integer from 1 to the 70 rows, got 0/);
  await assert.rejects(fitMixture(x, { components: 2, labels: zeros([3]) }), /a label for each row/);
});

test("linearProbe is scikit-learn's LogisticRegression", async () => {
  const { classes, C, weight, bias } = golden.logistic;
  const layer = await linearProbe(x, tensor(classes, { dtype: "int32" }), { classes: 3, l2: 1 / (C * 70) });
  near(layer.weight, f64(weight), 2e-4, "weight");
  // Adding one number to all biases changes nothing.
  near(layer.bias?.sub(layer.bias.mean()) ?? zeros([0]), f64(bias).sub(f64(bias).mean()), 2e-4, "bias");
  await assert.rejects(linearProbe(x, zeros([3]), { classes: 3 }), /features \[N, d\] and classes \[N\]/);
});

test("Ensemble: softmax of its logits is the mean probability; stacked models are the models", () => {
  manualSeed(1);
  const models = [0, 1, 2].map(() => new nn.Sequential([new nn.Linear(4, 5), nn.tanh, new nn.Linear(5, 3)]));
  const input = randn([6, 4]);
  const ensemble = new nn.Ensemble(models);
  const mean = models.map((m) => softmax(m.forward(input), 1)).reduce((a, b) => a.add(b));
  near(softmax(ensemble.forward(input), 1), mean.div(3), 1e-6, "mean probability");
  near(new nn.Ensemble(models, { average: "outputs" }).forward(input), ensemble.each(input).mean(0), 1e-7, "outputs");
  const stacked = nn.stackModels(models);
  const all = vmap((m: (typeof models)[0], v: Tensor) => m.forward(v), { inAxes: [0, null] })(stacked, input);
  near(all, ensemble.each(input), 1e-6, "stacked");
  const [, second] = nn.unstackModels(stacked, 3);
  near(second.forward(input), models[1].forward(input), 0, "unstacked");
  assert.throws(
    () => nn.stackModels([models[0], new nn.Sequential([new nn.Linear(4, 5)])]),
    /one structure, got another one at place 1/,
  );
  assert.throws(() => new nn.Ensemble([]), /at least one member/);
});

test("MultiTask: heads share the trunk; gradients of weighted losses add; learnt weights end at log L", () => {
  const model = new nn.MultiTask(new nn.Linear(3, 2), { a: new nn.Linear(2, 1), b: new nn.Linear(2, 4) });
  const input = randn([5, 3]);
  evaluate([model, input]); // drawing weights would make the first program another one, which may round otherwise
  const outputs = model.all(input);
  near(outputs.b, model.forward(input, "b"), 0, "a head");
  const loss = (m: typeof model, a: number, b: number): Tensor => {
    const y = m.all(input);
    return nn.weightedSum({ a: y.a.square().mean(), b: y.b.abs().mean() }, { a, b });
  };
  const of = (a: number, b: number): Tensor => {
    const { trunk } = grad((m: typeof model) => loss(m, a, b))(model);
    return trunk instanceof nn.Linear ? trunk.weight : zeros([0]);
  };
  near(of(2, 3), of(1, 0).mul(2).add(of(0, 1).mul(3)), 1e-5, "gradient of the trunk");
  assert.throws(
    () => nn.weightedSum({ a: ones([]) }, { c: 1 }),
    /weightedSum: weights must be those of the losses, got c/,
  );

  const weights = new nn.UncertaintyWeights(["a", "b"]);
  const optimizer = adam({ learningRate: 0.05 });
  const losses = { a: tensor(0.25), b: tensor(3) };
  for (let k = 0; k < 400; k++) optimizer.update(weights, grad((w: typeof weights) => w.forward(losses))(weights));
  near(weights.logVariance, tensor([Math.log(0.25), Math.log(3)]), 1e-3, "log variances");
  assert.throws(() => weights.forward({ a: ones([]) }), /a loss for each task, got none for b/);
});

test("PredictiveCoding: losses are InfoNCE of its scores, written out", () => {
  manualSeed(2);
  const model = new PredictiveCoding({
    encoder: new nn.Linear(3, 2),
    context: new nn.Linear(2, 4),
    codeSize: 2,
    contextSize: 4,
    steps: 2,
  });
  const input = randn([5, 4, 3]);
  const [codes, contexts] = [model.encode(input), model.forward(input)];
  model.losses(input).forEach((loss, i) => {
    const ahead = i + 1;
    const each = Array.from({ length: 4 - ahead }, (_, t) => {
      const predicted = contexts.at(":", t).matmul(model.predictors[i].weight.T);
      return nn.infoNce(predicted.matmul(codes.at(":", t + ahead).T));
    });
    near(loss, each.reduce((a, b) => a.add(b)).div(each.length), 1e-5, `${ahead} ahead`);
  });
  assert.throws(() => model.loss(input.at(":", ":2")), /must be longer than 2 steps/);
});

test("updateBatchNorm: moments of averaged weights are means over the batches, and all else stays", async () => {
  manualSeed(3);
  const model = new nn.Sequential([new nn.Linear(3, 4), new nn.BatchNorm(4, { momentum: 0.3 }), nn.relu]);
  const batches = [randn([6, 3]), randn([6, 3]).mul(2), randn([6, 3]).add(1)];
  const average = polyakAverage(model);
  for (const scale of [1, 3]) {
    model.layers[0].weight = randn([4, 3]).mul(scale);
    average.update(model);
  }
  const swa = average.model(model).eval();
  await updateBatchNorm(swa, batches);
  const [linear, norm] = swa.layers;
  const inner = batches.map((x) => linear.forward(x));
  const meanOf = (f: (x: Tensor) => Tensor): Tensor =>
    inner
      .map(f)
      .reduce((a, b) => a.add(b))
      .div(3);
  near(
    norm.runningMean ?? zeros([0]),
    meanOf((x) => x.mean(0)),
    1e-6,
    "mean",
  );
  near(
    norm.runningVariance ?? zeros([0]),
    meanOf((x) => x.variance(0, { correction: 1 })),
    1e-5,
    "variance",
  );
  assert.deepEqual([norm.momentum, norm.numBatchesTracked, swa.training, norm.training], [0.3, null, false, false]);
  const kept = norm.runningMean;
  await assert.rejects(updateBatchNorm(swa, []), /at least one batch, got none/);
  assert.equal(norm.runningMean, kept);
});
