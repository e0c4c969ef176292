/** `fit` with gathered gradients, averaged parameters, trees for batches, and objectives of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, tensor } from "typegrad";
import * as nn from "typegrad/nn";
import { ema, polyakAverage, sgd } from "typegrad/optim";
import * as train from "typegrad/train";
import { manualSeed, randn } from "typegrad/random";
import { Module } from "typegrad/tree";

/** `y = w x` from w = 1: the mean squared error of a batch has the gradient `2 mean(x (w x - y))`. */
class Slope extends Module {
  w: Tensor = tensor(1);
  forward(x: Tensor): Tensor {
    return x.mul(this.w);
  }
}
const points = [
  [1, 3],
  [2, 1],
  [-1, 2],
  [3, 4],
  [0.5, -1],
] as const;
const one = ([x, y]: readonly [number, number]): train.Batch => [tensor([x]), tensor([y])];
const loss = (output: Tensor, target: Tensor): Tensor => nn.mse(output, target);
const rate = 0.05;
const slopeOf = (w: number, list: readonly (readonly [number, number])[]): number =>
  list.reduce((sum, [x, y]) => sum + 2 * x * (w * x - y), 0) / list.length;
const close = (got: number, expected: number, what: string): void =>
  assert.ok(Math.abs(got - expected) < 1e-5, `${what}: ${got} and ${expected}`);

/** The weight after epochs in which batches of one example are gathered in pairs; the fifth stands alone. */
function byPairs(epochs: number): number {
  let w = 1;
  for (let e = 0; e < epochs; e++)
    for (const group of [points.slice(0, 2), points.slice(2, 4), points.slice(4)]) w -= rate * slopeOf(w, group);
  return w;
}

test("gradients of several batches make one step, and what is left at the end of an epoch another", async () => {
  const model = new Slope();
  const optimizer = sgd({ learningRate: rate });
  await train.fit(model, { data: points.map(one), loss, optimizer, epochs: 2, accumulate: 2 });
  close(await model.w.item(), byPairs(2), "weight");
  assert.equal(await optimizer.count.item(), 6);
});

test("a run goes on between two batches of a step", async () => {
  const states: train.TrainState[] = [];
  const copied = async (state: train.TrainState): Promise<void> => {
    const tensors: Record<string, Tensor> = {};
    for (const [name, x] of Object.entries(state.tensors))
      tensors[name] = tensor(await x.data(), { dtype: x.dtype, shape: x.shape });
    states.push({ ...state, tensors });
  };
  const options = { data: points.map(one), loss, epochs: 2, accumulate: 2 };
  const first = new Slope();
  await train.fit(first, {
    ...options,
    optimizer: sgd({ learningRate: rate }),
    checkpoint: { save: copied, everyBatches: 1 },
  });
  const resume = states.find(({ progress }) => progress.epoch === 2 && progress.position === 3);
  assert.ok(resume);
  const again = new Slope();
  await train.fit(again, { ...options, optimizer: sgd({ learningRate: rate }), resume });
  assert.equal(await again.w.item(), await first.w.item());
});

test("averages are judged and kept", async () => {
  const model = new Slope();
  const seen: number[] = [];
  const { history } = await train.fit(model, {
    data: points.map(one),
    validation: [one([1, 0])],
    loss,
    optimizer: sgd({ learningRate: rate }),
    epochs: 2,
    average: { of: ema(model, { decay: 0.5 }) },
    checkpoint: { save: async ({ tensors }) => void seen.push(await tensors["model.w"].item()) },
  });
  let [w, mean] = [1, 1];
  for (let e = 0; e < 2; e++) {
    for (const point of points) {
      w -= rate * slopeOf(w, [point]);
      mean = 0.5 * mean + 0.5 * w;
    }
    close(Number(history[e].validationLoss), mean * mean, `loss of the average in epoch ${e}`);
    close(seen[e], w, "the checkpoint has the parameters themselves");
  }
  close(await model.w.item(), mean, "what is kept");
});

test("an average once an epoch", async () => {
  const model = new Slope();
  const average = { of: ema(model, { decay: 0.5 }), every: "epoch" as const };
  await train.fit(model, { data: points.map(one), loss, optimizer: sgd({ learningRate: rate }), epochs: 2, average });
  let [w, mean] = [1, 1];
  for (let e = 0; e < 2; e++) {
    for (const point of points) w -= rate * slopeOf(w, [point]);
    mean = 0.5 * mean + 0.5 * w;
  }
  close(await model.w.item(), mean, "weight");
});

/** Outputs `w x + b`, normalised, from given weights. */
class Normalised extends Module {
  linear = new nn.Linear(1, 1);
  norm = new nn.BatchNorm(1, { momentum: 0.25, epsilon: 1e-3 });
  forward(x: Tensor): Tensor {
    return this.norm.forward(this.linear.forward(x));
  }
}
const batchOf = (list: readonly (readonly [number, number])[]): train.Batch => [
  tensor(list.map(([x]) => [x])),
  tensor(list.map(([, y]) => [y])),
];
const batches = [batchOf(points.slice(0, 3)), batchOf(points.slice(3))];

/** Weights and running moments of a model. */
async function numbersOf({ linear, norm }: Normalised) {
  const read = (x: Tensor | null): Promise<number> => (x ?? tensor(Number.NaN)).sum().item();
  const [w, b, scale, offset] = [linear.weight, linear.bias, norm.weight, norm.bias].map(read);
  return {
    w: await w,
    b: await b,
    scale: await scale,
    offset: await offset,
    mean: await read(norm.runningMean),
    variance: await read(norm.runningVariance),
  };
}

test("averaged weights are judged and kept with running moments of their own", async () => {
  const model = new Normalised();
  const weights: { w: number; b: number; scale: number; offset: number }[] = [];
  const average = { of: polyakAverage(model), every: "epoch" as const };
  const { history } = await train.fit(model, {
    data: batches,
    validation: [one([1, 0])].map(([x, y]): train.Batch => [x.reshape([1, 1]), y.reshape([1, 1])]),
    loss,
    optimizer: sgd({ learningRate: rate }),
    epochs: 3,
    average,
    // After an epoch the model is as it was trained, not as it was judged.
    callbacks: [{ onEpoch: async () => void weights.push(await numbersOf(model)) }],
  });
  const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const judged = (epochs: number) => {
    const seen = weights.slice(0, epochs);
    const [w, b] = [meanOf(seen.map((m) => m.w)), meanOf(seen.map((m) => m.b))];
    const outputs = [points.slice(0, 3), points.slice(3)].map((list) => list.map(([x]) => w * x + b));
    const mean = meanOf(outputs.map(meanOf));
    // Each batch's own variance, without bias, as running moments have it.
    const variance = meanOf(outputs.map((h) => h.reduce((sum, v) => sum + (v - meanOf(h)) ** 2, 0) / (h.length - 1)));
    const [scale, offset] = [meanOf(seen.map((m) => m.scale)), meanOf(seen.map((m) => m.offset))];
    return { w, mean, variance, said: (scale * (w + b - mean)) / Math.sqrt(variance + 1e-3) + offset };
  };
  history.forEach(({ validationLoss }, e) =>
    close(Number(validationLoss), judged(e + 1).said ** 2, `what is judged in epoch ${e}`),
  );
  const [kept, expected] = [await numbersOf(model), judged(3)];
  for (const name of ["w", "mean", "variance"] as const) close(kept[name], expected[name], name);
  assert.equal(model.norm.momentum, 0.25);
});

test("the pass for moments leaves the run as it is, and the model's own serve when asked for", async () => {
  const trained = async (average?: (model: Module) => train.FitOptions<Normalised>["average"]) => {
    manualSeed(4);
    const model = new Normalised();
    const seen: number[] = [];
    await train.fit(model, {
      data: batches,
      validation: batches,
      augment: ([x, y]) => [x.add(randn([x.shape[0], 1]).mul(0.1)), y],
      loss,
      optimizer: sgd({ learningRate: rate }),
      epochs: 3,
      average: average?.(model),
      callbacks: [
        {
          onEpoch: async () => {
            const { w, mean } = await numbersOf(model);
            seen.push(w, mean);
          },
        },
      ],
    });
    return { seen, kept: await numbersOf(model) };
  };
  const alone = await trained();
  const renewed = await trained((model) => ({ of: polyakAverage(model), every: "epoch" }));
  const own = await trained((model) => ({ of: polyakAverage(model), every: "epoch", moments: "own" }));
  assert.deepEqual(renewed.seen, alone.seen);
  assert.deepEqual(own.seen, alone.seen);
  assert.equal(own.kept.mean, alone.kept.mean);
  assert.notEqual(renewed.kept.mean, alone.kept.mean);
});

test("inputs and targets may be trees, and steps may minimise something else than is measured", async () => {
  type Input = { readonly left: Tensor; readonly right: Tensor };
  class Sum extends Module {
    w: Tensor = tensor(1);
    forward({ left, right }: Input): Tensor {
      return left.add(right).mul(this.w);
    }
  }
  const model = new Sum();
  const data = points.map(([x, y]) => ({ left: tensor([x / 2]), right: tensor([x / 2]), y: [tensor([y])] }));
  const { history } = await train.fit<Sum, (typeof data)[number], Input, readonly Tensor[]>(model, {
    data,
    pair: ({ left, right, y }) => [{ left, right }, y],
    augment: ([input, [y]]) => [input, [y.add(1)]],
    loss: (output, [y]) => nn.mse(output, y),
    objective: (m, input, [y]) => {
      const output = m.forward(input);
      return { loss: nn.mse(output, y).mul(2), output };
    },
    validation: data.slice(0, 1),
    optimizer: sgd({ learningRate: rate }),
    epochs: 1,
  });
  let w = 1;
  for (const [x, y] of points) w -= rate * 2 * slopeOf(w, [[x, y + 1]]);
  close(await model.w.item(), w, "twice the gradient, towards targets one higher");
  close(Number(history[0].validationLoss), (w - 3) ** 2, "the plain loss of the plain target");
});

test("wrong numbers of batches are named", async () => {
  const options = { data: points.map(one), loss, optimizer: sgd({ learningRate: rate }), epochs: 1, accumulate: 0 };
  await assert.rejects(train.fit(new Slope(), options), /fit: accumulate must be a positive integer, got 0/);
});
