/** The published networks are torchvision's: names, shapes, sizes, outputs, gradients. The large ones: TYPEGRAD_FULL=1. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, getDevice, scope, stack, type Tensor, vjp, zeros } from "typegrad";
import * as models from "typegrad/models";
import { cast, countParameters, Linear, loadStateDict, pytorchNames, Sequential, stateDict } from "typegrad/nn";
import type { Module } from "typegrad/tree";
import { fill, signed } from "#chapters/arc-shared.js";
import { described, digest, golden } from "./torchvision.js";

type Network = Module & { forward(x: Tensor): Tensor };

const networks: Readonly<Record<string, () => Network>> = {
  alexnet: models.alexnet,
  vgg16: models.vgg16,
  vgg19: models.vgg19,
  vgg16_bn: () => models.vgg16({ batchNorm: true }),
  vgg19_bn: () => models.vgg19({ batchNorm: true }),
  googlenet: models.googlenet,
  resnet18: models.resnet18,
  resnet34: models.resnet34,
  resnet50: models.resnet50,
  densenet121: models.densenet121,
};

function close(actual: ArrayLike<number>, expected: readonly number[], tolerance: number, what: string): void {
  assert.equal(actual.length, expected.length, `${what}: how many`);
  const scale = Math.max(...expected.map(Math.abs));
  expected.forEach((e, i) =>
    assert.ok(Math.abs(actual[i] - e) <= tolerance * scale, `${what}[${i}]: ${actual[i]} and not ${e}`),
  );
}

for (const [name, make] of Object.entries(networks)) {
  const { logits, parameters, size, tensors, sha256 } = golden.whole[name];
  const isLarge = parameters > 3e7;

  test(`${name} has the names, shapes and size of torchvision's`, () => {
    const model = make();
    assert.deepEqual(described(model), { tensors, sha256 });
    assert.equal(countParameters(model).total, parameters);
  });

  // Large networks in float32, which takes a gigabyte at most.
  const skip = isLarge && process.env["TYPEGRAD_FULL"] !== "1" ? "large; TYPEGRAD_FULL=1 runs it" : false;
  test(`${name} computes what torchvision's does`, { skip }, () => {
    const before = getDevice().memory().used;
    const ours = scope(() => {
      const model = fill(isLarge ? make() : cast(make(), "float64")).eval();
      const x = signed("picture", [1, 3, size, size]);
      return model.forward(isLarge ? x.astype("float32") : x).at(0, "::200");
    });
    close(ours.dataSync(), logits, isLarge ? 1e-5 : 1e-11, name);
    const left = getDevice().memory().used - before;
    // What the program needs on its way may stay for a next call; weights, of 4 or 8 bytes each, may not.
    assert.ok(left < parameters / 2, `${left} bytes are left behind`);
  });
}

const small: Readonly<Record<string, () => Network>> = {
  lenet: models.lenet5,
  alexnet: () => new models.AlexNet({ width: 4, classes: 5, dropout: 0 }),
  vgg: () => new models.VGG([[4], [6, 6]], { classes: 5, hidden: 8, batchNorm: true, dropout: 0 }),
  inception: () => new models.Inception(6, { one: 3, three: [2, 4], five: [2, 3], pool: 2 }),
  auxiliary: () => new models.AuxiliaryClassifier(6, 5, 0),
  basic: () => new models.BasicBlock(4, 6, { stride: 2 }),
  bottleneck: () => new models.Bottleneck(4, 2, { stride: 2 }),
  resnet: () => new models.ResNet(models.BasicBlock, [1, 1, 1, 1], { classes: 5 }),
  densenet: () => new models.DenseNet({ growthRate: 4, layers: [2, 3], width: 8, bottleneck: 2, classes: 5 }),
};

for (const [name, make] of Object.entries(small))
  test(`a small ${name}: output, gradients and statistics of a training step`, () => {
    const { shape, output, gradients, statistics } = golden.small[name];
    const model = fill(cast(make(), "float64"));
    const names = pytorchNames(model);
    const [y, pull] = vjp((at) => at.model.forward(at.x), { model, x: signed("picture", shape) });
    const of = pull(signed("cotangent", y.shape));
    close(y.reshape([-1]).at(":8").dataSync(), output, 1e-12, "output");
    const ours: Readonly<Record<string, Tensor>> = { input: of.x, ...stateDict(of.model, names) };
    const measured = Object.keys(gradients).map((key) => digest(key, ours[key]));
    close(stack(measured).dataSync(), Object.values(gradients), 1e-11, "gradients");
    const after = stateDict(model, names);
    const moved = Object.keys(statistics).map((key) => digest(key, after[key]));
    if (moved.length > 0) close(stack(moved).dataSync(), Object.values(statistics), 1e-12, "statistics");
  });

test("PyTorch's names: only what a Sequential adds is left out, and both directions agree", async () => {
  const model = new Sequential([new models.CIFARResNet(8, { width: 2 }), new Sequential([new Linear(10, 3)])]);
  const names = pytorchNames(model);
  const state = stateDict(model, names);
  assert.deepEqual(Object.keys(state).slice(0, 3), ["0.conv1.weight", "0.bn1.weight", "0.bn1.bias"]);
  assert.ok("0.layer1.0.bn1.running_var" in state && "1.0.bias" in state);
  const other = new Sequential([new models.CIFARResNet(8, { width: 2 }), new Sequential([new Linear(10, 3)])]);
  const counters = { "0.bn1.num_batches_tracked": zeros([]) };
  assert.deepEqual(loadStateDict(other, { ...state, ...counters }, names), { missing: [], unexpected: [] });
  const x = signed("x", [2, 3, 8, 8]).astype("float32");
  evaluate([state, x]); // drawing weights would make the first program another one, which may round otherwise
  assert.deepEqual([...(await other.forward(x).data())], [...(await model.forward(x).data())]);
});

test("keys that are missing, extra or of another shape are named as the state names them", () => {
  const model = new models.BasicBlock(2, 4, { stride: 2 });
  const names = pytorchNames(model);
  const { "bn1.running_mean": _, ...rest } = stateDict(model, names);
  const before = Object.values(stateDict(model));
  const state = { ...rest, "downsample.0.weight": zeros([4, 2, 3, 3]), "bn3.weight": zeros([4]) };
  assert.throws(
    () => loadStateDict(model, state, names),
    /missing bn1\.running_mean; unexpected bn3\.weight; of another shape downsample\.0\.weight \(float32\[4,2,1,1\] in the model at downsample\.layers\.0\.weight, float32\[4,2,3,3\] in the state\)/,
  );
  assert.throws(() => loadStateDict(model, state, { ...names, strict: false }), /downsample\.0\.weight/);
  assert.deepEqual(Object.values(stateDict(model)), before);
  const { "downsample.0.weight": __, ...fitting } = state;
  assert.deepEqual(loadStateDict(model, fitting, { ...names, strict: false }), {
    missing: ["bn1.running_mean", "downsample.0.weight"],
    unexpected: ["bn3.weight"],
  });
  assert.throws(() => stateDict(model, { rename: () => "all" }), /names must differ, got all for two tensors/);
});
