/** Modules compute what their functions compute, with the options they were given. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, evaluate, grad, ones, tensor } from "typegrad";
import * as nn from "typegrad/nn";
import { manualSeed, randn } from "typegrad/random";

manualSeed(11);
const x = randn([2, 4, 6]);
const images = randn([2, 4, 6, 6]);
const volumes = randn([1, 2, 4, 4, 4]);
const options = { stride: 2, padding: 1 };
const places = tensor(
  [
    [0, 2],
    [1, 0],
  ],
  { dtype: "int32" },
);

const conv1d = new nn.Conv1d(4, 2, 3, { ...options, dilation: 2, groups: 2 });
const conv2d = new nn.Conv2d(4, 2, [3, 2], { ...options, bias: false });
const conv3d = new nn.Conv3d(2, 3, 2);
const linear = new nn.Linear(6, 5, { bias: false });
const table = new nn.Embedding(3, 4, { paddingIndex: 0 });
const norm = new nn.LayerNorm([4, 6], { epsilon: 0.1 });
const prelu = new nn.PReLU(4, 0.3);

const pairs: Readonly<Record<string, readonly [layer: nn.Layer, input: Tensor, expected: (x: Tensor) => Tensor]>> = {
  ReLU: [new nn.ReLU(), x, nn.relu],
  ReLU6: [new nn.ReLU6(), x, nn.relu6],
  LeakyReLU: [new nn.LeakyReLU(0.2), x, (v) => nn.leakyRelu(v, 0.2)],
  PReLU: [prelu, x, (v) => nn.prelu(v, prelu.weight)],
  ELU: [new nn.ELU(2), x, (v) => nn.elu(v, 2)],
  CELU: [new nn.CELU(2), x, (v) => nn.celu(v, 2)],
  SELU: [new nn.SELU(), x, nn.selu],
  GELU: [new nn.GELU({ approximate: "tanh" }), x, (v) => nn.gelu(v, { approximate: "tanh" })],
  SiLU: [new nn.SiLU(), x, nn.silu],
  Mish: [new nn.Mish(), x, nn.mish],
  Softplus: [new nn.Softplus(3), x, (v) => nn.softplus(v, 3)],
  Softsign: [new nn.Softsign(), x, nn.softsign],
  Softshrink: [new nn.Softshrink(0.1), x, (v) => nn.softshrink(v, 0.1)],
  Hardshrink: [new nn.Hardshrink(0.1), x, (v) => nn.hardshrink(v, 0.1)],
  Tanhshrink: [new nn.Tanhshrink(), x, nn.tanhshrink],
  Hardtanh: [new nn.Hardtanh({ min: 0 }), x, (v) => nn.hardtanh(v, { min: 0 })],
  Hardsigmoid: [new nn.Hardsigmoid(), x, nn.hardsigmoid],
  Hardswish: [new nn.Hardswish(), x, nn.hardswish],
  Sigmoid: [new nn.Sigmoid(), x, nn.sigmoid],
  Tanh: [new nn.Tanh(), x, nn.tanh],
  LogSigmoid: [new nn.LogSigmoid(), x, nn.logSigmoid],
  Softmax: [new nn.Softmax(1), x, (v) => nn.softmax(v, 1)],
  LogSoftmax: [new nn.LogSoftmax(0), x, (v) => nn.logSoftmax(v, 0)],
  Softmin: [new nn.Softmin(1), x, (v) => nn.softmin(v, 1)],
  GLU: [new nn.GLU(1), x, (v) => nn.glu(v, 1)],
  Linear: [linear, x, (v) => nn.linear(v, linear.weight)],
  Conv1d: [conv1d, x, (v) => nn.conv1d(v, conv1d.weight, conv1d.bias, { ...options, dilation: 2, groups: 2 })],
  Conv2d: [conv2d, images, (v) => nn.conv2d(v, conv2d.weight, null, options)],
  Conv3d: [conv3d, volumes, (v) => nn.conv3d(v, conv3d.weight, conv3d.bias)],
  AvgPool1d: [new nn.AvgPool1d(3, options), x, (v) => nn.avgPool1d(v, 3, options)],
  AvgPool2d: [new nn.AvgPool2d([2, 3]), images, (v) => nn.avgPool2d(v, [2, 3])],
  AvgPool3d: [new nn.AvgPool3d(2), volumes, (v) => nn.avgPool3d(v, 2)],
  MaxPool1d: [new nn.MaxPool1d(3, options), x, (v) => nn.maxPool1d(v, 3, options)],
  MaxPool2d: [new nn.MaxPool2d(2, { dilation: 2 }), images, (v) => nn.maxPool2d(v, 2, { dilation: 2 })],
  MaxPool3d: [new nn.MaxPool3d(2), volumes, (v) => nn.maxPool3d(v, 2)],
  Embedding: [table, places, (v) => nn.embedding(v, table.weight, 0)],
  LayerNorm: [norm, x, (v) => nn.layerNorm(v, [4, 6], norm.weight, norm.bias, 0.1)],
  Flatten: [new nn.Flatten(), images, (v) => v.reshape([2, -1])],
};

for (const [name, [layer, input, expected]] of Object.entries(pairs))
  test(name, async () => {
    evaluate([layer, input]); // drawing weights would make the first program another one, which may round otherwise
    const [y, z] = [layer.forward(input), expected(input)];
    assert.deepEqual([...y.shape], [...z.shape]);
    assert.deepEqual(await y.data(), await z.data());
    assert.notDeepEqual(await y.toArray(), await input.toArray(), "it does something");
  });

test("a padding row starts at zero and gets no gradient", async () => {
  assert.deepEqual([...(await table.weight.at(0).data())], [0, 0, 0, 0]);
  const g = grad((m: typeof table) => m.forward(places).sum())(table);
  assert.deepEqual(await g.weight.toArray(), [
    [0, 0, 0, 0],
    [1, 1, 1, 1],
    [1, 1, 1, 1],
  ]);
});

test("pooling windows that touch and those that do not agree", async () => {
  const byRows = images.at(":", ":", ":", "0:4");
  const windows = nn.maxPool2d(byRows, 2, { stride: [2, 2] });
  // The same windows among overlapping ones.
  const overlapping = nn.maxPool2d(byRows, 2, { stride: 1 }).at(":", ":", "::2", "::2");
  assert.deepEqual(await windows.data(), await overlapping.data());
});

test("a model in float64 computes in float64", async () => {
  const model = nn.cast(new nn.Sequential([new nn.Linear(3, 4), new nn.BatchNorm(4), nn.tanh]), "float64");
  const y = model.forward(ones([2, 3], { dtype: "float64" }).mul(tensor([[1], [2]], { dtype: "float64" })));
  assert.equal(y.dtype, "float64");
  assert.equal(model.layers[1].runningVariance?.dtype, "float64");
  assert.equal((await y.data()).constructor, Float64Array);
});
