/** Convolutions over odd combinations of options, forward and all gradients, against PyTorch. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, tensor, zeros } from "typegrad";
import * as nn from "typegrad/nn";
import { compareCases } from "../golden/cases.js";
import { type Case, fixture, type Stored } from "../golden/fixtures.js";

interface Written {
  readonly op: string;
  readonly options: Options;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly outputShape: readonly number[];
  readonly output: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}
type Options = nn.ConvOptions &
  nn.ConvTransposeOptions &
  nn.PadOptions & {
    readonly kernel: nn.PerAxis;
    readonly widths: nn.Pairs;
    readonly lengths: readonly number[];
  };

/** The integers of the script beside the fixture. */
function integers(shape: readonly number[], seed: number): Stored {
  const n = shape.reduce((a, b) => a * b, 1);
  return {
    shape,
    data: Array.from({ length: n }, (_, i) => ((i * 7919 + ((i * i) % 101) + seed * 31) % 11) - 5),
  };
}
const cases = fixture<{ cases: Written[] }>("convolution").cases.map(
  ({ op, options, shapes, outputShape, output, gradients }): Case<Options> => {
    const inputs = Object.fromEntries(Object.entries(shapes).map(([k, shape], i) => [k, integers(shape, i + 1)]));
    const stored = Object.entries(gradients).map(([k, data]) => [k, { shape: shapes[k], data }]);
    return {
      op,
      options,
      inputs,
      output: { shape: outputShape, data: output },
      cotangent: integers(outputShape, 9),
      gradients: Object.fromEntries(stored),
    };
  },
);

compareCases<Options>(cases, {
  conv1d: ({ x, weight, bias }, o) => nn.conv1d(x, weight, bias, o),
  conv2d: ({ x, weight, bias }, o) => nn.conv2d(x, weight, bias, o),
  conv3d: ({ x, weight, bias }, o) => nn.conv3d(x, weight, bias, o),
  convTranspose1d: ({ x, weight, bias }, o) => nn.convTranspose1d(x, weight, bias, o),
  convTranspose2d: ({ x, weight, bias }, o) => nn.convTranspose2d(x, weight, bias, o),
  convTranspose3d: ({ x, weight, bias }, o) => nn.convTranspose3d(x, weight, bias, o),
  locallyConnected1d: ({ x, weight, bias }, o) => nn.locallyConnected1d(x, weight, bias, o),
  locallyConnected2d: ({ x, weight, bias }, o) => nn.locallyConnected2d(x, weight, bias, o),
  pad: ({ x }, o) => nn.pad(x, o.widths, o),
  unfold: ({ x }, o) => nn.unfold(x, o.kernel, o),
  fold: ({ x }, o) => nn.fold(x, o.lengths, o.kernel, o),
});

test("lengths by formula are those of the results", () => {
  for (const c of cases.filter(({ op }) => op.startsWith("conv"))) {
    const [, , ...lengths] = c.inputs.x.shape;
    const kernel = c.inputs.weight.shape.slice(2);
    const size = c.op.startsWith("convTranspose") ? nn.convTransposeOutputSize : nn.convOutputSize;
    assert.deepEqual(size(lengths, kernel, c.options), c.output.shape.slice(2), `${c.op} ${JSON.stringify(c.options)}`);
  }
});

test("layers start within PyTorch's bounds, with its shapes, and keep their options", () => {
  const up = new nn.ConvTranspose2d(6, 4, [2, 3], { stride: 2, groups: 2, outputPadding: [1, 0] });
  assert.deepEqual([...up.weight.shape], [6, 2, 2, 3]);
  assert.deepEqual(up.bias && [...up.bias.shape], [4]);
  assert.deepEqual([...up.forward(zeros([1, 6, 3, 4])).shape], [1, 4, 7, 9]);
  const bound = 1 / Math.sqrt(2 * 2 * 3);
  const largest = up.weight.abs().max().itemSync();
  assert.ok(largest <= bound && largest > 0.7 * bound, String(largest));
  const deep = new nn.DepthwiseConv2d(3, 3, { multiplier: 2, padding: 1 });
  assert.deepEqual([...deep.weight.shape], [6, 1, 3, 3]);
  assert.deepEqual([...deep.forward(zeros([1, 3, 5, 4])).shape], [1, 6, 5, 4]);
  const line = new nn.DepthwiseConv1d(3, 2, { padding: "causal", bias: false });
  assert.equal(line.bias, null);
  assert.deepEqual([...line.forward(zeros([1, 3, 5])).shape], [1, 3, 5]);
  const local = new nn.LocallyConnected2d(3, 6, 32, 5);
  assert.equal(nn.countParameters(local).total, (3 * 5 * 5 + 1) * 784 * 6);
  assert.deepEqual([...local.forward(zeros([2, 3, 32, 32])).shape], [2, 6, 28, 28]);
  assert.deepEqual([...new nn.LocallyConnected1d(2, 4, 9, 3, { stride: 2 }).weight.shape], [4, 4, 2, 3]);
});

test("separable convolutions are a depthwise one and a mixture of its channels", async () => {
  const layer = new nn.SeparableConv2d(3, 5, 3, { multiplier: 2, padding: 1, stride: 2 });
  assert.equal(nn.countParameters(layer).total, 3 * 2 * 9 + 5 * 6 + 5);
  const x = tensor([...integers([2, 3, 5, 4], 1).data]).reshape([2, 3, 5, 4]);
  // The same as one convolution whose kernel is the product of both.
  const mix = layer.pointwise.weight.reshape([5, 3, 2, 1, 1]);
  const kernel = mix.mul(layer.depthwise.weight.reshape([1, 3, 2, 3, 3])).sum(2);
  const whole = nn.conv2d(x, kernel, layer.pointwise.bias, { padding: 1, stride: 2 });
  const off = await layer.forward(x).sub(whole).abs().max().item();
  assert.ok(off < 1e-5, String(off));
  const line = new nn.SeparableConv1d(4, 2, 3, { padding: "same" });
  assert.equal(nn.countParameters(line).total, 4 * 3 + 2 * 4 + 2);
  assert.deepEqual([...line.forward(zeros([1, 4, 7])).shape], [1, 2, 7]);
});

test("padding layers have PyTorch's names and take numbers, or pairs in the order of the axes", async () => {
  const x = tensor([1, 2, 3]).reshape([1, 1, 3]);
  const values = async (y: Tensor): Promise<number[]> => Array.from(await y.data(), Number);
  assert.deepEqual(await values(new nn.ReflectionPad1d(2).forward(x)), [3, 2, 1, 2, 3, 2, 1]);
  assert.deepEqual(await values(new nn.ReplicationPad1d([[1, 2]]).forward(x)), [1, 1, 2, 3, 3, 3]);
  assert.deepEqual(await values(new nn.CircularPad1d([[2, 0]]).forward(x)), [2, 3, 1, 2, 3]);
  assert.deepEqual(await values(new nn.ZeroPad1d([[-1, 1]]).forward(x)), [2, 3, 0]);
  assert.deepEqual(await values(new nn.ConstantPad1d(1, 9).forward(x)), [9, 1, 2, 3, 9]);
  const pads = [
    new nn.ReflectionPad2d([1, 2]),
    new nn.ReplicationPad2d([1, 2]),
    new nn.CircularPad2d([1, 2]),
    new nn.ZeroPad2d([1, 2]),
    new nn.ConstantPad2d([1, 2], 1),
  ];
  for (const layer of pads) assert.deepEqual([...layer.forward(zeros([1, 1, 3, 4])).shape], [1, 1, 5, 8]);
  const deep = [
    new nn.ReflectionPad3d(1),
    new nn.ReplicationPad3d(1),
    new nn.CircularPad3d(1),
    new nn.ZeroPad3d(1),
    new nn.ConstantPad3d(1, 1),
  ];
  for (const layer of deep) assert.deepEqual([...layer.forward(zeros([1, 1, 2, 3, 4])).shape], [1, 1, 4, 5, 6]);
});

test("errors say what fits", () => {
  const [x, w] = [zeros([1, 2, 4]), zeros([2, 3, 2])];
  assert.throws(
    () => nn.pad(x, [[4, 0]], { mode: "reflect" }),
    /pad: widths for "reflect" must be integers from 0 to 3/,
  );
  assert.throws(
    () => nn.pad(x, [[0, 5]], { mode: "circular" }),
    /from 0 to 4, got \[0,5\] for axis 2 of float32\[1,2,4\]/,
  );
  assert.throws(
    () =>
      nn.pad(zeros([2]), [
        [1, 1],
        [1, 1],
      ]),
    /pad: there must be an axis for every pair/,
  );
  assert.throws(() => nn.pad(x, [[-3, -2]]), /pad: at most all of an axis can be cropped/);
  assert.throws(
    () =>
      x.pad([
        [0, 0],
        [0, 0],
        [-1, 1],
      ]),
    /pad: widths must be 3 non-negative numbers/,
  );
  assert.throws(() => new nn.ReflectionPad2d([[1, 2]]), /ReflectionPad2d: padding must be 2 pairs/);
  assert.throws(() => nn.conv1d(x, zeros([2, 2, 3]), null, { padding: [[1, 0.5]] }), /conv1d: padding must be 1 pairs/);
  assert.throws(
    () => nn.conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 2, 2]), null, { padding: "causal" }),
    /conv2d: padding "causal" needs one axis/,
  );
  assert.throws(() => nn.conv1d(x, zeros([2, 2, 9])), /conv1d: a window must fit .* windows of \[9\] and .* \[4\]/);
  assert.throws(() => nn.conv1d(x, zeros([2, 2, 3]), zeros([3])), /conv1d: the bias must be \[2\]/);
  assert.throws(
    () => new nn.Conv1d(2, 2, 3, { padding: 5, paddingMode: "reflect" }).forward(x),
    /conv1d: widths for "reflect" must be integers from 0 to 3/,
  );
  assert.throws(() => new nn.Conv2d(2, 2, 3, { stride: 0 }), /Conv2d: stride must be an integer of at least 1/);
  assert.throws(() => new nn.Conv2d(2, 0, 3), /Conv2d: groups must divide the channels, all positive integers/);
  assert.throws(() => new nn.ZeroPad2d([1, 2, 3]), /ZeroPad2d: padding .* must be an integer, or 2 of them/);
  assert.throws(() => nn.pad(x, [[0.5, 1]]), /pad: widths must be integers/);
  assert.throws(() => new nn.ReflectionPad1d(4).forward(x), /ReflectionPad1d: widths for "reflect"/);
  assert.throws(() => nn.convTranspose1d(x, zeros([3, 2, 2])), /convTranspose1d: the weight must be \[channels/);
  assert.throws(
    () => nn.convTranspose1d(x, w, null, { outputPadding: 1 }),
    /outputPadding must be less than the stride/,
  );
  assert.throws(() => nn.convTranspose1d(x, w, null, { padding: 3 }), /convTranspose1d: padding must leave something/);
  assert.throws(() => new nn.ConvTranspose1d(3, 4, 2, { groups: 2 }), /ConvTranspose1d: groups must divide/);
  assert.throws(() => nn.locallyConnected1d(x, zeros([2, 1, 2, 2])), /a place for every window/);
  assert.throws(() => new nn.LocallyConnected1d(1, 1, 2, 3), /LocallyConnected1d: a kernel must fit/);
  assert.throws(() => nn.fold(zeros([1, 4, 4]), [4], 2), /fold: columns must be \[N, channels · 2, 3\]/);
});
