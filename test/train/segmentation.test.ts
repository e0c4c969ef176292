/** Metrics of pixels, and the generated cells. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, oneHot, tensor } from "typegrad";
import { cells } from "typegrad/data";
import { bitsPerDimension, dice, iou, type Metric, type Sums } from "typegrad/train";

/** Logits `[N, C, …]` whose largest are those of the given classes. */
const logitsOf = (classes: Tensor, count: number): Tensor => oneHot(classes, count).moveAxis(-1, 1).mul(3);

async function measured<S extends Sums>(metric: Metric<S>, batches: readonly (readonly [Tensor, Tensor])[]) {
  let state = metric.init();
  for (const [output, target] of batches) state = metric.update(state, output, target);
  return Number(await metric.value(state));
}

test("overlaps of classes over batches", async () => {
  const predicted = [
    [0, 1, 1, 2],
    [2, 2, 0, 0],
  ];
  const truth = [
    [0, 1, 2, 2],
    [2, 1, 0, 1],
  ];
  const batches = predicted.map(
    (p, i) => [logitsOf(tensor([p], { dtype: "int32" }), 4), tensor([truth[i]], { dtype: "int32" })] as const,
  );
  // Class 0: 2 right of 3 predicted and 2 true; 1: 1 of 2 and 3; 2: 2 of 3 and 3; 3 never.
  const near = (value: number, expected: number): void => assert.ok(Math.abs(value - expected) < 1e-12, `${value}`);
  near(await measured(iou(4), batches), (2 / 3 + 1 / 4 + 2 / 4) / 3);
  near(await measured(dice(4), batches), (4 / 5 + 2 / 5 + 4 / 6) / 3);
  near(await measured(iou(4, { of: [1] }), batches), 1 / 4);
  assert.ok(Number.isNaN(await measured(iou(4, { of: [3] }), batches)));
  assert.throws(() => dice(2, { of: [2] }), /dice: of must name classes from 0 to 1, got \[2\]/);
});

test("bits per dimension", async () => {
  const p = [0.5, 0.25, 0.125, 0.125];
  const logits = tensor([p.map(Math.log), p.map(Math.log)]).reshape([2, 4, 1, 1]);
  const target = tensor([0, 3], { dtype: "int32" }).reshape([2, 1, 1]);
  const bits = await measured(bitsPerDimension(), [
    [logits, target],
    [logits.at(":1"), target.at(":1")],
  ]);
  assert.ok(Math.abs(bits - (1 + 3 + 1) / 3) < 1e-6);
});

test("cells: seeded, each picture by itself, and darker inside", async () => {
  const { images, masks } = cells({ count: 3, size: 32, seed: 5 }).arrays;
  assert.deepEqual(
    [images.shape, masks.shape],
    [
      [3, 1, 32, 32],
      [3, 32, 32],
    ],
  );
  const again = cells({ count: 2, size: 32, seed: 5 }).arrays;
  assert.deepEqual(again.images.data, images.data.slice(0, 2048));
  assert.notDeepEqual(cells({ count: 3, size: 32, seed: 6 }).arrays.masks.data, masks.data);
  const inside = Array.from(masks.data, Number);
  assert.deepEqual([...new Set(inside)].sort(), [0, 1]);
  const clean = cells({ count: 200, size: 32, seed: 5, noise: 0 }).arrays;
  const mean = (of: number): number => {
    const chosen = Array.from(clean.images.data).filter((_, i) => clean.masks.data[i] === of);
    return chosen.reduce((a, b) => a + b, 0) / chosen.length;
  };
  assert.ok(mean(0) - mean(1) > 0.1 && mean(0) - mean(1) < 0.25, `${mean(0)} and ${mean(1)}`);
  assert.throws(() => cells({ size: 0 }), /cells: count and size must be positive integers/);
});
