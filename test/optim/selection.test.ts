/** Decay, penalties and norms of chosen parameters, against PyTorch's groups and `renorm`, and closed forms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, grad, ones, tensor, type Tensor, valueAndGrad } from "typegrad";
import * as nn from "typegrad/nn";
import * as optim from "typegrad/optim";
import { close, fixture, fromStored, type Stored, type StoredLeaves } from "../golden/fixtures.js";

const golden = fixture<{
  data: { readonly x: Stored; readonly y: Stored; readonly start: StoredLeaves };
  groups: Readonly<Record<"sgd" | "adam" | "adamw", readonly StoredLeaves[]>>;
  rows: readonly { readonly input: Stored; readonly radius: number; readonly output: Stored }[];
}>("regularisation");

const decay = { weightDecay: 0.3, weightDecayOn: optim.matrices };
const makers = {
  sgd: () => optim.sgd({ learningRate: 0.1, momentum: 0.9, ...decay }),
  adam: () => optim.adam({ learningRate: 0.1, ...decay }),
  adamw: () => optim.adamw({ learningRate: 0.1, ...decay }),
};
for (const name of ["sgd", "adam", "adamw"] as const)
  test(`${name}: the weight decays and the bias does not`, async () => {
    const [x, y] = [fromStored(golden.data.x), fromStored(golden.data.y)];
    const model = {
      weight: fromStored(golden.data.start.weight),
      bias: fromStored(golden.data.start.bias),
    };
    const optimizer = makers[name]().init(model);
    const loss = (m: typeof model): Tensor => nn.mse(nn.linear(x, m.weight, m.bias), y);
    const step = compile(() => optimizer.update(model, grad(loss)(model)), { state: [model, optimizer] });
    for (const expected of golden.groups[name]) {
      step();
      await close(model.weight, expected.weight, "weight");
      await close(model.bias, expected.bias, "bias");
    }
  });

test("sgdw: θ ← (1 - ηλ)θ - ηv, whatever the momentum", () => {
  const model = { x: tensor([2, -1], { dtype: "float64" }) };
  const optimizer = optim.sgdw({ learningRate: 0.1, momentum: 0.5, weightDecay: 0.2 });
  let [x, v] = [
    [2, -1],
    [0, 0],
  ];
  for (let t = 0; t < 5; t++) {
    optimizer.update(model, { x: model.x.mul(3) });
    v = v.map((a, i) => 0.5 * a + 3 * x[i]);
    x = x.map((a, i) => (1 - 0.1 * 0.2) * a - 0.1 * v[i]);
    [...model.x.dataSync()].forEach((a, i) => assert.ok(Math.abs(a - x[i]) < 1e-14));
  }
  assert.throws(() => optim.sgdw({ learningRate: 0.1, nesterov: true }), /sgdw: nesterov needs momentum/);
});

test("penalties: values and gradients, on matrices unless told", () => {
  const model = { weight: tensor([[3, -4]]), bias: tensor([2]) };
  const [l2, g2] = valueAndGrad((m: typeof model) => optim.l2Penalty(m, 0.5))(model);
  assert.equal(l2.itemSync(), 0.25 * 25);
  assert.deepEqual([g2.weight.toArraySync(), g2.bias.toArraySync()], [[[1.5, -2]], [0]]);
  const [l1, g1] = valueAndGrad((m: typeof model) => optim.l1Penalty(m, 0.5, { on: () => true }))(model);
  assert.equal(l1.itemSync(), 4.5);
  assert.deepEqual([g1.weight.toArraySync(), g1.bias.toArraySync()], [[[0.5, -0.5]], [0.5]]);
  assert.equal(optim.l2Penalty(model, 1, { on: (path) => path === "bias" }).itemSync(), 2);
  assert.throws(
    () => optim.l2Penalty({ bias: ones([2]) }, 1),
    /l2Penalty: the model must have a parameter that counts/,
  );
  assert.throws(() => optim.l1Penalty(model, -1), /l1Penalty: the strength must not be negative, got -1/);
});

test("maxNorm: every row as torch.renorm has it; biases are free", async () => {
  for (const { input, radius, output } of golden.rows)
    await close(optim.projections.maxNorm(radius)(fromStored(input), "weight"), output, "rows");
  assert.deepEqual(
    optim.projections
      .maxNorm(1)(tensor([3, 4]), "bias")
      .toArraySync(),
    [3, 4],
  );
});

test("unitNorm: rows of length 1 in the same direction, also while training", () => {
  const w = optim.projections.unitNorm()(
    tensor([
      [3, 4],
      [0, -2],
    ]),
    "weight",
  );
  const expected = [0.6, 0.8, 0, -1];
  [...w.dataSync()].forEach((a, i) => assert.ok(Math.abs(a - expected[i]) < 1e-6));
  const layer = new nn.Linear(3, 4);
  const optimizer = optim.sgd({ learningRate: 0.5, projection: optim.projections.unitNorm() });
  const x = tensor([[1, -2, 0.5]]);
  const step = compile(() => optimizer.update(layer, grad((m: typeof layer) => m.forward(x).square().sum())(layer)), {
    state: [layer, optimizer],
  });
  for (let t = 0; t < 4; t++) step();
  for (const n of layer.weight.square().sum(1).dataSync()) assert.ok(Math.abs(n - 1) < 1e-6);
});
