/** What newcomers do wrong: errors name what they called, what must hold, what they gave, and what to do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tensor, TypegradError, zeros } from "typegrad";
import { lenet5 } from "typegrad/models";
import * as nn from "typegrad/nn";

const pictures = zeros([2, 3, 8, 8]);
const rows = zeros([2, 3]);

/** Calls, and how their errors begin and what they show. */
const mistakes: readonly (readonly [call: () => unknown, message: RegExp])[] = [
  // @ts-expect-error the kernel is missing
  [() => new nn.Conv2d(3, 8), /^Conv2d: kernel must be an integer of at least 1, or 2 of them, got none\. /],
  // @ts-expect-error names of paddings are small
  [() => new nn.Conv2d(3, 8, 3, { padding: "SAME" }), /^Conv2d: padding must be .*"same".*, got "SAME"\. choose one/],
  [() => new nn.Conv2d(3, 8, 2.5), /^Conv2d: kernel must be an integer .*, got 2\.5\. round it/],
  [
    () => new nn.Conv2d(3, 8, 3).forward(zeros([3, 8, 8])),
    /^Conv2d: the input must have 4 axes .*got float32\[3,8,8\]/,
  ],
  [() => nn.conv2d(pictures, zeros([8, 3, 3, 3]), zeros([3])), /^conv2d: the bias must be \[8\], .*got float32\[3\]/],
  [
    () => nn.locallyConnected1d(zeros([1, 1, 4]), zeros([2, 5, 1, 3]), zeros([5])),
    /^locallyConnected1d: the bias must be \[5,2\], .*got float32\[5\]/,
  ],
  // @ts-expect-error the kernel is missing
  [() => new nn.MaxPool2d(), /^MaxPool2d: kernel must be an integer .*, got none\. /],
  [() => nn.avgPool2d(zeros([2, 3, 8]), 2), /^avgPool2d: the input must have 4 axes/],
  [() => new nn.ZeroPad2d([1, 2, 3, 4]), /^ZeroPad2d: padding .*pairs \[before, after\].*, got \[1,2,3,4\]\. /],
  [
    // @ts-expect-error PyTorch's order of paddings
    () => nn.pad(pictures, [1, 1, 1, 1]),
    /^pad: widths must be integers, \[before, after\] for each axis, got \[1,1,1,1\]\. write/,
  ],
  [
    () => new nn.ReflectionPad2d(8).forward(pictures),
    /^ReflectionPad2d: widths .*from 0 to 7, got \[8,8\].*\. pad less/,
  ],
  [
    () => nn.conv1d(zeros([1, 1, 4]), zeros([1, 1, 3]), null, { padding: 9, paddingMode: "reflect" }),
    /^conv1d: widths for "reflect" must be integers from 0 to 3, got \[9,9\]/,
  ],
  [() => new nn.Linear(4.5, 5), /^Linear: features must be positive integers, got 4\.5 and 5\. /],
  [() => nn.linear(rows, zeros([5, 3]), zeros([4])), /^linear: the bias must be \[5\], .*got float32\[4\]\. /],
  [() => new nn.Embedding(0, 5), /^Embedding: size and features must be positive integers, got 0 and 5\. /],
  // @ts-expect-error how many channels is missing
  [() => new nn.BatchNorm(), /^BatchNorm: features must be positive integers, got undefined\. /],
  [() => new nn.GLU(1).forward(pictures), /^glu: axis 1 must have two halves, got float32\[2,3,8,8\]\. /],
  // @ts-expect-error "row" or "batch"
  [() => nn.stochasticDepth(rows, 0.5, "rows"), /^stochasticDepth: mode must be "row" or "batch", got "rows"\. /],
  // @ts-expect-error "row" or "batch"
  [() => new nn.StochasticDepth(0.5, "rows"), /^StochasticDepth: mode must be "row" or "batch", got "rows"\. /],
  [() => nn.gaussianNoise(rows, -1), /^gaussianNoise: the deviation must be finite and not negative, got -1\. /],
  [() => new nn.GaussianNoise(Number.NaN), /^GaussianNoise: the deviation must be .*, got NaN\. /],
  [() => new nn.SqueezeExcite(4, 2).forward(pictures), /^SqueezeExcite: axis 1 must have 4 channels, got 3 in float32/],
  [
    () => new nn.Conv2d<number>(1, 6, 5).forward(pictures),
    /^Conv2d: axis 1 must have 1 channel, got 3 in float32\[2,3,8,8\]\. make the layer for 3 channels/,
  ],
  [
    () => new nn.Conv2d<number>(3, 6, 5).forward(zeros([2, 8, 8, 3])),
    /^Conv2d: axis 1 must have 3 channels, got 8 in .*\. channels belong behind the batch: x\.moveAxis\(-1, 1\)/,
  ],
  [
    () => new nn.Conv1d<number>(8, 4, 3, { groups: 2 }).forward(zeros([2, 4, 9])),
    /^Conv1d: axis 1 must have 8 channels, got 4 in float32\[2,4,9\]\. /,
  ],
  [
    () => new nn.Conv3d<number>(2, 4, 3).forward(zeros([2, 4, 9, 9, 9])),
    /^Conv3d: axis 1 must have 2 channels, got 4 /,
  ],
  [
    () => new nn.ConvTranspose2d<number>(8, 4, 3).forward(pictures),
    /^ConvTranspose2d: axis 1 must have 8 channels, got 3 in float32\[2,3,8,8\]\. /,
  ],
  [
    () => new nn.SeparableConv2d<number>(4, 8, 3).forward(pictures),
    /^Conv2d: axis 1 must have 4 channels, got 3 in float32\[2,3,8,8\]\. /,
  ],
  [
    () => new nn.LocallyConnected2d<number>(1, 2, 8, 3).forward(pictures),
    /^LocallyConnected2d: axis 1 must have 1 channel, got 3 in float32\[2,3,8,8\]\. /,
  ],
  [
    () => new nn.LocallyConnected1d(0, 2, 8, 3),
    /^LocallyConnected1d: channels must be positive integers, got 0 and 2\. /,
  ],
  [
    () => new nn.Linear<number>(400, 10).forward(rows),
    /^Linear: the last axis must have 400 features, got 3 in float32\[2,3\]\. make the layer for 3 features/,
  ],
  [
    () => new nn.Linear<number>(192, 10).forward(pictures),
    /^Linear: the last axis must have 192 features, got 8 in float32\[2,3,8,8\]\. flatten what lies behind the batch/,
  ],
  [() => new nn.BatchNorm<number>(4).forward(pictures), /^BatchNorm: axis 1 must have 4 channels, got 3 in float32/],
  [() => new nn.GroupNorm<number>(2, 4).forward(pictures), /^GroupNorm: axis 1 must have 4 channels, got 3 in float32/],
  [
    () => new nn.InstanceNorm<number>(4).forward(tensor([1])),
    /^InstanceNorm: axis 1 must have 4 channels, got float32\[1\]/,
  ],
  [
    () => new nn.LayerNorm(4).forward(rows),
    /^LayerNorm: the last axes must be \[4\], got float32\[2,3\]\. reshape the input, or normalise other axes/,
  ],
  [() => new nn.RMSNorm([2, 4]).forward(rows), /^RMSNorm: the last axes must be \[2,4\], got float32\[2,3\]\. /],
  [
    () => new nn.Embedding(5, 2).forward(tensor([0, 5], { dtype: "int32" })),
    /^embedding: indices must be rows of the table from 0 to 4, got 5 in int32\[2\]\. make the table larger/,
  ],
  [() => nn.embedding(tensor([-1], { dtype: "int32" }), zeros([5, 2])), /^embedding: indices must be .*, got -1 in /],
  [
    () => lenet5().forward(zeros([2, 3, 28, 28])),
    /^Conv2d: axis 1 must have 1 channel, got 3 in float32\[2,3,28,28\]\. /,
  ],
  [() => new nn.MaxPool2d(0), /^MaxPool2d: kernel must be an integer of at least 1, or 2 of them, got 0\. /],
  [() => new nn.AvgPool1d(2, { stride: 0 }), /^AvgPool1d: stride must be an integer of at least 1, .*got 0\. /],
  [() => new nn.MinPool3d([2, 2]), /^MinPool3d: kernel must be .*3 of them, got \[2,2\]\. /],
  [
    () => new nn.MaxPool2d(2, { padding: 2 }),
    /^MaxPool2d: padding must be at most half the window, got \[2,2\] for \[2,2\]/,
  ],
  [() => new nn.LPPool2d(2, { normType: 0 }), /^LPPool2d: normType must be positive and finite, got 0\. /],
  [() => new nn.SoftmaxPool1d(2, { temperature: 0 }), /^SoftmaxPool1d: temperature must be positive, got 0\. /],
  [
    () => new nn.AdaptiveAvgPool2d(0),
    /^AdaptiveAvgPool2d: the output size must be a positive integer or null, .*got 0\. /,
  ],
  [() => new nn.AdaptiveMaxPool1d([1, 2]), /^AdaptiveMaxPool1d: the output size must be .*got \[1,2\]\. /],
  [() => new nn.MaxUnpool2d(2.5), /^MaxUnpool2d: kernel must be an integer .*got 2\.5\. /],
  [() => new nn.LayerNorm(0), /^LayerNorm: lengths of the last axes must be positive integers, got 0\. /],
  [() => new nn.RMSNorm([4, -1]), /^RMSNorm: lengths of the last axes must be positive integers, got 4 and -1\. /],
  [() => new nn.LocalResponseNorm(0), /^LocalResponseNorm: size must be positive integers, got 0\. /],
  [() => new nn.PixelShuffle(0), /^PixelShuffle: the factor must be a positive integer, got 0\. /],
  [() => new nn.PixelUnshuffle(1.5), /^PixelUnshuffle: the factor must be a positive integer, got 1\.5\. /],
  [() => new nn.Upsample({}), /^Upsample: there must be either a size or a scale factor, got both or none\. /],
  [() => new nn.Upsample({ size: 0 }), /^Upsample: sizes must be positive integers, got 0\. /],
  [
    () => new nn.Upsample({ scaleFactor: [2, -1] }),
    /^Upsample: scale factors must be positive numbers, got \[2,-1\]\. /,
  ],
  [
    () => new nn.Upsample({ size: 4, mode: "nearest", alignCorners: true }),
    /^Upsample: alignCorners is for linear and cubic modes, got it with "nearest"\. /,
  ],
];

test("wrong calls of layers are told by their names", () => {
  for (const [call, message] of mistakes)
    assert.throws(call, (error) => {
      assert.ok(error instanceof TypegradError, `${String(error)} where ${String(message)} is expected`);
      assert.match(error.message, message);
      return true;
    });
});
