/** What chains promise: functional use, masks, frozen tensors, and one trace however rates change. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, compile, grad, ones, tensor, valueAndGrad } from "typegrad";
import * as nn from "typegrad/nn";
import * as optim from "typegrad/optim";

const numbers = async (x: Tensor): Promise<number[]> => [...(await x.data())];

test("transformations are functions of gradients, state and parameters", async () => {
  const params: optim.Leaves = { w: tensor([3, -4]), b: tensor(12) };
  const grads = grad((p: optim.Leaves) => p.w.square().sum().add(p.b.square()).mul(0.5))(params);
  // The gradient of half the squared norm is the point itself, here of norm √(9 + 16 + 144) = 13.
  assert.ok(Math.abs((await optim.globalNorm(grads).item()) - 13) < 1e-5);
  const descent = optim.chain(optim.clipByGlobalNorm(1.3), optim.addDecayedWeights(0.1), optim.scale(-0.5));
  const [updates] = descent.update(grads, descent.init(params), params);
  const moved = optim.applyUpdates(params, updates);
  // θ - ½ (0.1 θ + 0.1 θ) = 0.9 θ
  for (const [x, expected] of [
    [moved.w, [2.7, -3.6]],
    [moved.b, [10.8]],
  ] as const)
    (await numbers(x)).forEach((v, i) => assert.ok(Math.abs(v - expected[i]) < 1e-5, `${v} and not ${expected[i]}`));
});

test("a mask leaves the others' gradients as they are", async () => {
  const params: optim.Leaves = { weight: ones([2]), bias: ones([2]) };
  const decay = optim.masked(optim.addDecayedWeights(0.5), (path) => path !== "bias");
  const [updates] = decay.update(params, decay.init(params), params);
  assert.deepEqual(await numbers(updates.weight), [1.5, 1.5]);
  assert.deepEqual(await numbers(updates.bias), [1, 1]);
});

test("a schedule in a chain counts its own steps", async () => {
  const t = optim.scaleBySchedule(optim.schedules.step({ start: 8, every: 2, factor: 0.5 }));
  const params: optim.Leaves = { w: ones([1]) };
  let state = t.init(params);
  const factors: number[] = [];
  for (let i = 0; i < 5; i++) {
    const [updates, next] = t.update(params, state, params);
    factors.push(await updates.w.item());
    state = next;
  }
  assert.deepEqual(
    factors.map((f) => Math.round(f * 1e4) / 1e4),
    [8, 8, 4, 4, 2],
  );
});

function lineFit(optimizer: optim.Optimizer) {
  const model = new nn.Linear(1, 1);
  const step = compile(
    (x: Tensor, y: Tensor) => {
      const [loss, grads] = valueAndGrad((m: typeof model) => nn.mse(m.forward(x), y))(model);
      optimizer.update(model, grads);
      return loss;
    },
    { state: [model, optimizer] },
  );
  const x = tensor([[0], [1], [2], [3]]);
  const y = x.mul(2).add(1);
  return { model, step: () => step(x, y), traces: () => step.traces() };
}

test("the optimizer's state is made before the first trace, and rates may change without another", async () => {
  const optimizer = optim.adam({ learningRate: 0.5 });
  const { model, step, traces } = lineFit(optimizer);
  const first = await step().item();
  for (let i = 0; i < 60; i++) step();
  optimizer.learningRate = 0.05;
  for (let i = 0; i < 60; i++) step();
  assert.ok((await step().item()) < 1e-3 * first + 1e-3);
  assert.equal(traces(), 1);
  const before = await numbers(model.weight);
  optimizer.learningRate = 0;
  step();
  assert.deepEqual(await numbers(model.weight), before);
  assert.equal(await optimizer.count.item(), 123);
});

test("schedules keep their rate, and the trace", async () => {
  const optimizer = optim.sgd({ learningRate: optim.schedules.linear({ start: 0.1, steps: 4 }) });
  const { step, traces } = lineFit(optimizer);
  const rates: number[] = [];
  for (let i = 0; i < 6; i++) {
    rates.push(await optimizer.learningRate.item());
    step();
  }
  assert.deepEqual(
    rates.map((r) => Math.round(r * 1e4) / 1e4),
    [0.1, 0.075, 0.05, 0.025, 0, 0],
  );
  assert.equal(traces(), 1);
  assert.throws(() => (optimizer.learningRate = 1), /follows a schedule/);
});

test("what is frozen stays, bit for bit", async () => {
  const optimizer = optim.sgd({ learningRate: 0.1, weightDecay: 0.1 });
  const { model, step } = lineFit(optimizer);
  nn.freeze(model, "bias");
  const [weight, bias] = [await numbers(model.weight), model.bias ? await numbers(model.bias) : []];
  step();
  assert.deepEqual(model.bias ? await numbers(model.bias) : [], bias);
  assert.notDeepEqual(await numbers(model.weight), weight);
});

test("wrong numbers are named", () => {
  assert.throws(() => optim.sgd({ learningRate: 0.1, nesterov: true }), /nesterov needs momentum/);
  assert.throws(() => optim.adam({ betas: [1, 0.9] }), /betas\[0\] must be in \[0, 1\), got 1/);
  assert.throws(() => optim.adamw({ weightDecay: -1 }), /weightDecay must be at least 0/);
  assert.throws(() => optim.clipByGlobalNorm(-1), /at least 0/);
  assert.throws(() => optim.schedules.oneCycle({ peak: 1, steps: 10, warmup: 2 }), /between 0 and 1/);
  assert.throws(() => optim.schedules.join([], [3]), /one boundary between/);
});
