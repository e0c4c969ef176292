/** What newcomers do wrong: errors name what they called, what must hold, what they gave, and what to do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TypegradError, zeros } from "typegrad";
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
    /^conv2d: the input must have 4 axes .*got float32\[3,8,8\]/,
  ],
  [() => nn.conv2d(pictures, zeros([8, 3, 3, 3]), zeros([3])), /^conv2d: the bias must be \[8\], .*got float32\[3\]/],
  [
    () => nn.locallyConnected1d(zeros([1, 1, 4]), zeros([2, 5, 1, 3]), zeros([5])),
    /^locallyConnected1d: the bias must be \[5,2\], .*got float32\[5\]/,
  ],
  // @ts-expect-error the kernel is missing
  [() => new nn.MaxPool2d().forward(pictures), /^maxPool2d: kernel must be an integer .*, got none\. /],
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
  [() => new nn.SqueezeExcite(4, 2).forward(pictures), /^SqueezeExcite: axis 1 must have 4 channels, got float32/],
];

test("wrong calls of layers are told by their names", () => {
  for (const [call, message] of mistakes)
    assert.throws(call, (error) => {
      assert.ok(error instanceof TypegradError, `${String(error)} where ${String(message)} is expected`);
      assert.match(error.message, message);
      return true;
    });
});
