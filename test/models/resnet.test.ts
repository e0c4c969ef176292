/** The small residual networks: sizes by a closed form and as published, shapes, and a step that learns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, random, type Tensor, tensor, valueAndGrad } from "typegrad";
import { BasicBlock, CIFARResNet, PaddedShortcut, resnet20, resnet32, resnet44, resnet56 } from "typegrad/models";
import { countParameters, crossEntropy } from "typegrad/nn";
import { sgd } from "typegrad/optim";

const sizes: [number, typeof resnet20, string][] = [
  [20, resnet20, "0.27"],
  [32, resnet32, "0.46"],
  [44, resnet44, "0.66"],
  [56, resnet56, "0.85"],
];

/** 3×3 convolutions, normalisations and the classifier of 3 stages of n blocks, counted by hand. */
function counted(n: number, width: number, channels: number, classes: number): number {
  const convolution = (from: number, to: number): number => 9 * from * to + 2 * to;
  const stage = (from: number, to: number): number => convolution(from, to) + (2 * n - 1) * convolution(to, to);
  const stages = stage(width, width) + stage(width, 2 * width) + stage(2 * width, 4 * width);
  return convolution(channels, width) + stages + (4 * width + 1) * classes;
}

for (const [depth, make, millions] of sizes)
  test(`ResNet-${depth} has the size of table 6 in the paper`, () => {
    const { total } = countParameters(make());
    assert.equal(total, counted((depth - 2) / 6, 16, 3, 10));
    assert.equal((total / 1e6).toFixed(2), millions);
  });

test("width, channels and classes count as the closed form says; option B adds its convolutions", () => {
  const options = { width: 4, channels: 1, classes: 7 };
  const { total } = countParameters(new CIFARResNet(14, options));
  assert.equal(total, counted(2, 4, 1, 7));
  assert.equal(total, 4 ** 2 * (378 * 2 - 90) + 4 * (9 + 28 * 2 + 4 * 7 + 2) + 7);
  const learnt = countParameters(new CIFARResNet(14, { ...options, shortcut: "B" })).total;
  assert.equal(learnt - total, 4 * 8 + 2 * 8 + 8 * 16 + 2 * 16);
  assert.throws(() => new CIFARResNet(21), /the depth must be 6 n \+ 2 .* got 21/);
});

test("option A takes every other position and adds zeros for new channels", async () => {
  const x = tensor(Array.from({ length: 18 }, (_, i) => i + 1)).reshape([1, 2, 3, 3]);
  const y = new PaddedShortcut(4, 2).forward(x);
  assert.deepEqual([...y.shape], [1, 4, 2, 2]);
  assert.deepEqual([...(await y.data())], [1, 3, 7, 9, 10, 12, 16, 18, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test("a block whose last scale is zero is a rectified identity", async () => {
  const block = new BasicBlock(3, 3, { zeroInitResidual: true });
  const x = random.normal(random.key(1), [2, 3, 5, 5]);
  assert.deepEqual([...(await block.forward(x).data())], [...(await x.relu().data())]);
});

test("any size of picture goes through, and a compiled step learns a batch by heart", async () => {
  random.manualSeed(1);
  const model = new CIFARResNet(8, { width: 4, channels: 1 });
  for (const [height, width] of [
    [28, 28],
    [9, 13],
  ])
    assert.deepEqual([...model.forward(random.normal(random.key(2), [2, 1, height, width])).shape], [2, 10]);
  const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
  const step = compile(
    (x: Tensor, y: Tensor) => {
      const [loss, gradients] = valueAndGrad((m: CIFARResNet) => crossEntropy(m.forward(x), y))(model);
      optimizer.update(model, gradients);
      return loss;
    },
    { state: [model, optimizer] },
  );
  const x = random.normal(random.key(3), [20, 1, 12, 12]);
  const y = tensor(Array.from({ length: 20 }, (_, i) => i % 10)).astype("int32");
  const losses: number[] = [];
  for (let i = 0; i < 60; i++) losses.push(await step(x, y).item());
  assert.ok(losses[0] > 1.5, `it begins at ${losses[0]}`);
  assert.ok(losses[59] < 0.1, `it ends at ${losses[59]}`);
});
