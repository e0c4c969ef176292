/** `fit`: it learns, tells, stops, and goes on bit for bit where it stopped. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Module, type Tensor, tensor } from "typegrad";
import * as nn from "typegrad/nn";
import { manualSeed } from "typegrad/random";
import { adam, sgd } from "typegrad/optim";
import * as train from "typegrad/train";

/** Points on two rings, by a formula: class 1 lies outside. */
function rings(count: number, shift: number): train.Batch {
  const points = Array.from({ length: count }, (_, i) => {
    const angle = 2.399963 * (i + shift);
    const radius = i % 2 === 0 ? 0.5 : 1.5;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
  return [tensor(points), tensor(points.map((_, i) => i % 2)).astype("int32")];
}
const batches = Array.from({ length: 6 }, (_, i) => rings(i === 5 ? 10 : 16, 100 * i));
const heldOut = [rings(40, 1000)];

/** The batches in an order that depends on the epoch. */
const shuffled: train.Source = {
  length: batches.length,
  epoch: (n, start) => batches.map((_, i) => batches[(i * 5 + n) % batches.length]).slice(start),
};

/** Dropout makes the run depend on the generator, batch norm on buffers, Adam on its own state. */
function setting() {
  manualSeed(7);
  const model = new nn.Sequential([
    new nn.Linear(2, 16),
    new nn.BatchNorm(16),
    nn.tanh,
    new nn.Dropout(0.1),
    new nn.Linear(16, 2),
  ]);
  const optimizer = adam({ learningRate: 0.05 });
  const loss = (output: Tensor, target: Tensor): Tensor => nn.crossEntropy(output, target);
  const metrics = { accuracy: train.accuracy(), confusion: train.confusionMatrix(2), top2: train.topK(2) };
  return { model, options: { data: shuffled, validation: heldOut, optimizer, loss, metrics, seed: 3 } };
}

/** A checkpoint as a file would hold it. */
interface Saved {
  readonly arrays: Readonly<
    Record<string, { readonly data: number[]; readonly shape: readonly number[]; readonly dtype: Tensor["dtype"] }>
  >;
  readonly progress: string;
}
async function write(state: train.TrainState): Promise<Saved> {
  const arrays: Record<string, Saved["arrays"][string]> = {};
  for (const [name, x] of Object.entries(state.tensors))
    arrays[name] = { data: [...(await x.data())], shape: x.shape, dtype: x.dtype };
  return { arrays, progress: JSON.stringify(state.progress) };
}
const read = (saved: Saved): train.TrainState => ({
  tensors: Object.fromEntries(
    Object.entries(saved.arrays).map(([name, { data, shape, dtype }]) => [
      name,
      tensor(data, { dtype }).reshape(shape),
    ]),
  ),
  progress: JSON.parse(saved.progress),
});

const withoutTime = (history: readonly train.EpochRecord[]) =>
  history.map(({ seconds, examplesPerSecond, ...rest }) => {
    assert.ok(seconds > 0 && examplesPerSecond > 0);
    return rest;
  });

async function uninterrupted() {
  const { model, options } = setting();
  const lines: string[] = [];
  const states: Saved[] = [];
  let seen = 0;
  const result = await train.fit(model, {
    ...options,
    epochs: 12,
    callbacks: [train.jsonLines((line) => void lines.push(line)), { onBatch: () => void seen++ }],
    checkpoint: { everyBatches: 4, save: async (state) => void states.push(await write(state)) },
  });
  return { model, result, lines, states, seen };
}
const whole = uninterrupted();

test("it learns, and says what happened", async () => {
  const { result, lines, seen } = await whole;
  assert.equal(result.reason, "finished");
  assert.equal(result.history.length, 12);
  assert.equal(seen, 12 * 6);
  const [first, last] = [result.history[0], result.history[11]];
  assert.ok(Number(last.validationAccuracy) >= 0.95, `accuracy ${String(last.validationAccuracy)}`);
  assert.ok(Number(last.trainLoss) < 0.5 * Number(first.trainLoss));
  assert.equal(last.validationTop2, 1);
  const table = last.validationConfusion;
  assert.ok(Array.isArray(table));
  assert.equal(
    table.flat().reduce((a, b) => a + b, 0),
    40,
  );
  assert.equal((table[0][0] + table[1][1]) / 40, last.validationAccuracy);
  assert.equal(lines.length, 12);
  const line: unknown = JSON.parse(lines[3]);
  assert.ok(typeof line === "object" && line !== null && "epoch" in line && "validationLoss" in line);
  assert.equal(line.epoch, 4);
  const losses = result.history.map((r) => Number(r.validationLoss));
  assert.equal(result.best?.value, Math.min(...losses));
});

test("a run that goes on gives the same bits as one that never stopped", async () => {
  const { model, result, states } = await whole;
  // The middle of an epoch: four of its six batches are done.
  const saved = states.find((s) => JSON.parse(s.progress).position === 4 && JSON.parse(s.progress).epoch === 6);
  assert.ok(saved);
  const again = setting();
  const rest = await train.fit(again.model, { ...again.options, epochs: 12, resume: read(saved) });
  assert.deepEqual(withoutTime(rest.history), withoutTime(result.history));
  assert.deepEqual(rest.best, result.best);
  const [a, b] = [nn.stateDict(model), nn.stateDict(again.model)];
  for (const name of Object.keys(a)) assert.deepEqual(await b[name].data(), await a[name].data(), name);
});

test("a signal ends the run with a checkpoint from which it goes on", async () => {
  const { result } = await whole;
  const { model, options } = setting();
  const stop = new AbortController();
  const states: Saved[] = [];
  const first = await train.fit(model, {
    ...options,
    epochs: 12,
    signal: stop.signal,
    callbacks: [{ onBatch: (e) => void (e.epoch === 3 && e.batch === 2 && stop.abort()) }],
    checkpoint: { save: async (state) => void states.push(await write(state)) },
  });
  assert.equal(first.reason, "interrupted");
  assert.equal(first.history.length, 2);
  const again = setting();
  const saved = states.at(-1);
  assert.ok(saved);
  const rest = await train.fit(again.model, { ...again.options, epochs: 12, resume: read(saved) });
  assert.deepEqual(withoutTime(rest.history), withoutTime(result.history));
});

test("the state of another model is refused by name", async () => {
  const { states } = await whole;
  const model = new nn.Sequential([new nn.Linear(2, 2)]);
  const { options } = setting();
  await assert.rejects(
    train.fit(model, { ...options, epochs: 1, resume: read(states[0]) }),
    /unexpected layers\.1\.weight.*of another shape layers\.0\.weight/,
  );
});

test("early stopping waits for its patience", async () => {
  const { model, options } = setting();
  const optimizer = sgd({ learningRate: 0 });
  const result = await train.fit(model, {
    ...options,
    optimizer,
    epochs: 50,
    earlyStopping: { patience: 3 },
    monitor: { name: "validationAccuracy", mode: "max" },
  });
  assert.equal(result.reason, "stopped early");
  const best = result.best?.epoch ?? 0;
  assert.equal(result.history.length, best + 3);
});

test("plain lists of batches of any form do as well", async () => {
  const { model, options } = setting();
  const data = batches.map(([points, classes]) => ({ points, classes }));
  const states: Saved[] = [];
  const common = {
    ...options,
    validation: data,
    epochs: 2,
    pair: (b: (typeof data)[number]): train.Batch => [b.points, b.classes],
  };
  const whole = await train.fit(model, {
    ...common,
    data,
    checkpoint: { everyBatches: 4, save: async (s) => void states.push(await write(s)) },
  });
  const again = setting();
  const rest = await train.fit(again.model, {
    ...common,
    data,
    optimizer: again.options.optimizer,
    resume: read(states[0]),
  });
  assert.deepEqual(withoutTime(rest.history), withoutTime(whole.history));
  await assert.rejects(train.fit(model, { ...options, validation: data, data, epochs: 1 }), /say with pair/);
});

test("a timer fires while it trains", async () => {
  const { model, options } = setting();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 150);
  const result = await train.fit(model, { ...options, epochs: 1_000_000, signal: stop.signal });
  clearTimeout(timer);
  assert.equal(result.reason, "interrupted");
});

test("wrong options are named", async () => {
  const { model, options } = setting();
  await assert.rejects(train.fit(model, { ...options, epochs: 0 }), /fit: epochs must be a positive integer, got 0/);
  await assert.rejects(train.fit(model, { ...options, epochs: 1, data: [] }), /at least one batch/);
  await assert.rejects(
    train.fit(model, { ...options, epochs: 1, monitor: { name: "testLoss" } }),
    /monitor must name a number of the record, got testLoss\. there are epoch, trainLoss/,
  );
});

test("a loss that is no number ends the run before a checkpoint keeps it", async () => {
  const { model, options } = setting();
  const saved: number[] = [];
  const checkpoint = { save: (state: train.TrainState) => void saved.push(state.progress.epoch) };
  const data: train.Source = {
    length: 1,
    epoch: (n) => [n < 3 ? batches[0] : [batches[0][0], tensor(Array.from({ length: 16 }, () => 2)).astype("int32")]],
  };
  await assert.rejects(
    train.fit(model, { ...options, data, epochs: 5, checkpoint }),
    /fit: the training loss must be a number, got NaN in epoch 3\. lower the learning rate.*an output for every class/,
  );
  assert.deepEqual(saved, [2, 3]);
});

test("metrics against counts by hand", async () => {
  const logits = tensor([
    [3, 1, 2],
    [0, 5, 1],
    [1, 2, 3],
    [9, 8, 7],
  ]);
  const target = tensor([0, 2, 1, 2]).astype("int32");
  const value = async (m: train.Metric): Promise<train.Measured> => m.value(m.update(m.init(), logits, target));
  assert.equal(await value(train.accuracy()), 0.25);
  assert.equal(await value(train.topK(2)), 0.75);
  assert.deepEqual(await value(train.confusionMatrix(3)), [
    [1, 0, 0],
    [0, 0, 1],
    [1, 1, 0],
  ]);
  assert.ok(
    Math.abs(
      Number(await value(train.meanOf((o, t) => nn.crossEntropy(o, t)))) -
        (await nn.crossEntropy(logits, target).item()),
    ) < 1e-6,
  );
});

test("the model of the best epoch is put back, also by a run that goes on", async () => {
  const curve = [5, 3, 2, 4, 1, 3, 3, 3, 3];
  /** One number that grows by 1 with every batch, and a loss in evaluation that it looks up. */
  class Counter extends Module {
    x: Tensor = tensor(0);
    forward(input: Tensor): Tensor {
      return this.training ? this.x.add(input) : tensor(curve).take(this.x.astype("int32").sub(1)).add(input);
    }
  }
  const start = (resume?: train.TrainState, save: (state: train.TrainState) => Promise<void> = async () => {}) => {
    const model = new Counter();
    const result = train.fit(model, {
      data: { length: 1, epoch: () => [[tensor([0]), tensor([0])]] },
      validation: [[tensor([0]), tensor([0])]],
      loss: (output) => (model.training ? output.neg() : output).mean(),
      optimizer: sgd({ learningRate: 1 }),
      epochs: 9,
      earlyStopping: { patience: 2 },
      restoreBest: true,
      checkpoint: { save },
      resume,
    });
    return { model, result };
  };
  const states: Saved[] = [];
  const whole = start(undefined, async (state) => void states.push(await write(state)));
  const { reason, history, best } = await whole.result;
  assert.deepEqual([reason, history.length, best], ["stopped early", 7, { epoch: 5, value: 1 }]);
  assert.equal(await whole.model.x.item(), 5);
  // From the state after epoch 6, past the best one.
  const saved = states.find((s) => JSON.parse(s.progress).epoch === 7);
  assert.ok(saved);
  const rest = start(read(saved));
  assert.deepEqual((await rest.result).best, { epoch: 5, value: 1 });
  assert.equal(await rest.model.x.item(), 5);
});
