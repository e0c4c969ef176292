/** What `explain` tells must be so: counted by hand where that can be, and nothing is changed by asking. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import {
  compile,
  DeviceError,
  DonatedError,
  explain,
  getDevice,
  scan,
  setDevice,
  tensor,
  type Tensor,
  TraceError,
  tree,
  valueAndGrad,
} from "typegrad";
import { lenet5 } from "typegrad/models";
import { crossEntropy } from "typegrad/nn";
import { adam } from "typegrad/optim";
import { randn } from "typegrad/random";
import { close, f64 } from "./support.js";

const usual = getDevice().name;
afterEach(() => setDevice(usual));

/** A training step with state, and its arguments. */
function training() {
  const model = lenet5();
  const optimizer = adam();
  const step = compile(
    (x: Tensor, y: Tensor) => {
      const [value, gradients] = valueAndGrad((m: typeof model) => crossEntropy(m.forward(x), y))(model);
      optimizer.update(model, gradients);
      return value;
    },
    { state: [model, optimizer] },
  );
  const y = tensor([3, 1], { dtype: "int32" });
  return { model, optimizer, step, x: randn([2, 1, 28, 28]), y };
}

test("a product of matrices: operations, bytes and loops are those of the formula", () => {
  const [m, k, n] = [3, 5, 7];
  const product = compile((a: Tensor, b: Tensor) => a.matmul(b).relu());
  const told = explain(product, randn([m, k]), randn([k, n]));
  assert.equal(told.kernels.length, 1, "relu is applied where the product is stored");
  const [kernel] = told.kernels;
  assert.ok(kernel.operations >= m * k * n && kernel.operations <= m * k * n + 3 * m * n);
  assert.equal(kernel.bytesRead, 4 * (m * k + k * n));
  assert.equal(kernel.bytesWritten, 4 * m * n);
  assert.deepEqual([...kernel.over, ...kernel.folds], [m, n, k]);
  assert.equal(kernel.share, 1);
  assert.ok(kernel.milliseconds > 0 && told.runMilliseconds > 0);
  assert.deepEqual(told.memory, {
    inputs: 4 * (m * k + k * n),
    outputs: 4 * m * n,
    inPlace: 0,
    workspace: 0,
    unshared: 0,
  });
  assert.deepEqual(
    told.passes.map((p) => p.name),
    ["trace", "wires", "schedule", "program", "code"],
  );
  assert.ok(told.listing().includes("kernel "));
});

test("asking changes nothing: not the state, not what handles hold, not the number of programs", () => {
  const { model, optimizer, step, x, y } = training();
  const told = explain(step, x, y);
  const before = tree.leaves(model);
  assert.ok(told.kernels.length > 5 && told.memory.inPlace > 0);
  assert.equal(optimizer.count.itemSync(), 0);
  const first = step(x, y).itemSync();
  assert.equal(step.traces(), 1, "the program that was explained is the one that runs");
  assert.equal(optimizer.count.itemSync(), 1);
  assert.throws(() => before[0].dataSync(), DonatedError);
  const after = tree.leaves(model);
  explain(step);
  explain(step, x, y);
  assert.equal(optimizer.count.itemSync(), 1);
  tree.leaves(model).forEach((leaf, i) => assert.equal(leaf, after[i]));
  for (const leaf of after) assert.ok(leaf.dataSync().every(Number.isFinite));
  assert.ok(step(x, y).itemSync() < first);
  assert.equal(step.traces(), 1);
});

test("the table of a training step fits 120 columns and its shares add up", () => {
  const { step, x, y } = training();
  const told = explain(step, x, y);
  const lines = String(told).split("\n");
  assert.deepEqual(
    lines.filter((line) => line.length > 120),
    [],
  );
  assert.equal(lines.length, told.kernels.length + told.passes.length + 7);
  close(f64(told.kernels.map((k) => k.share)).sum(), 1, 1e-9);
  assert.match(lines[0], /^\d+ kernels?, [\d.]+ ms a run/);
});

test("kernels inside loops count all their turns", () => {
  const f = compile((x: Tensor) => scan((c: Tensor, v: Tensor) => [c.matmul(v).tanh(), c], x.at(0), x)[0]);
  const [few, many] = [4, 256].map((n) => explain(f, randn([n, 16, 16])).kernels);
  const times = [few, many].map((kernels) => kernels.reduce((sum, k) => sum + k.milliseconds, 0));
  assert.ok(times[1] > 8 * times[0], `${times.join(" and ")} ms`);
  const product = (kernels: typeof few): number => kernels.find((k) => k.folds.length > 0)?.operations ?? 0;
  assert.ok(product(few) >= 4 * 16 ** 3);
  assert.equal(product(many), 64 * product(few));
});

test("without a call or arguments, and on the reference, there is nothing to tell", async () => {
  const f = compile((x: Tensor) => x.mul(2).add(1));
  assert.throws(() => f.ready(null), TraceError);
  assert.throws(() => explain(f), /must have been called, or its arguments given/);
  assert.throws(() => Reflect.apply(explain, null, [(x: Tensor) => x]), /must be a compiled one, got function/);
  await setDevice("reference");
  assert.throws(() => explain(f, f64([1, 2])), DeviceError);
});
