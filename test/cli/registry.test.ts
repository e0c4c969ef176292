/** The registry: what is in it goes together, and what does not is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { random, tensor } from "typegrad";
import { checkFit, dataNames, dataOf, modelNames, modelOf, recipeNames, recipeOf } from "#src/cli/registry/index.js";
import { classification } from "#src/cli/registry/classification.js";
import { cropAndFlip, flips } from "#src/cli/registry/augment.js";
import { pictureOf } from "#src/cli/registry/pictures.js";
import { judgementOf, segmentation } from "#src/cli/registry/segmentation.js";
import { succeed, typegrad } from "./support.js";

test("every recipe fits its data, and every model has a recipe", () => {
  for (const name of recipeNames()) {
    const recipe = recipeOf(name);
    const data = dataOf(recipe.data);
    checkFit(modelOf(recipe.model), data, data.facts);
    const known: readonly string[] = dataNames();
    for (const { source, text } of recipe.published ?? []) assert.ok(source.length > 20 && text.length > 3, name);
    assert.ok(known.includes(recipe.data));
  }
  const trained = recipeNames().map((name) => recipeOf(name).model);
  assert.deepEqual(
    modelNames().filter((name) => !trained.includes(name)),
    [],
  );
});

test("models and data of two kinds, or sizes that do not suit, are refused", async () => {
  const cases: [string[], RegExp][] = [
    [
      ["summary", "unet", "--data", "mnist"],
      /U-Net is for segmentation, got MNIST, which is for classification\. take --data cells/,
    ],
    [["train", "lenet5", "--data", "cells"], /LeNet-5 is for classification, got Cells/],
    [["summary", "unet", "--data", "moon"], /--data must be .*"mnist"/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await typegrad(args);
    assert.match(stderr, message);
    assert.equal(code, 2);
  }
  const facts = { ...dataOf("mnist").facts, input: [1, 30, 30] };
  assert.throws(
    () => checkFit(modelOf("lenet5"), dataOf("mnist"), facts),
    /LeNet-5 takes pictures of a side that 4 divides, at least 16 pixels, got \[1,30,30\] from MNIST/,
  );
});

test("models are built for the channels, sizes and classes of the data", async () => {
  const facts = { ...dataOf("mnist").facts, input: [3, 32, 32], outputs: 7 };
  for (const name of ["lenet5", "cnn", "resnet20"] as const) {
    const logits = modelOf(name)
      .build(facts)
      .eval()
      .forward(tensor(new Float32Array(2 * 3 * 32 * 32), { shape: [2, 3, 32, 32] }));
    assert.deepEqual(logits.shape, [2, 7], name);
  }
  assert.match(await succeed(["summary", "wavenet"]), /WaveNet, for one example \[1,2048\] of Names of loudspeakers/);
  assert.match(await succeed(["models"]), /^lenet5 +LeNet-5 +classification +mnist$/m);
  assert.match(
    await succeed(["data"]),
    /^fashion-mnist +Fashion-MNIST +pictures of clothes, \[1,28,28\] +classification$/m,
  );
});

test("pictures are moved and mirrored one by one", async () => {
  random.manualSeed(5);
  const side = 6;
  // One lit pixel in row 2 and column 1 of every picture.
  const lit = Float32Array.from({ length: 64 * side * side }, (_, i) => Number(i % (side * side) === 2 * side + 1));
  const facts = { ...dataOf("fashion-mnist").facts, input: [1, side, side] };
  const [x] = cropAndFlip(1)([tensor(lit, { shape: [64, 1, side, side] }), tensor([0])], facts);
  const data = [...(await x.data())];
  const places = new Set(data.flatMap((v, i) => (v === 1 ? [i % (side * side)] : [])));
  const expected = [1, 2, 3].flatMap((row) => [0, 1, 2, 3, 4, 5].map((column) => row * side + column));
  assert.equal(
    data.reduce((a, b) => a + b, 0),
    64,
  );
  assert.deepEqual(
    [...places].sort((a, b) => a - b),
    expected,
  );
});

test("classes of pixels are mirrored with their pictures", async () => {
  random.manualSeed(6);
  const levels = Float32Array.from({ length: 32 * 16 }, (_, i) => i % 16);
  const x = tensor(levels, { shape: [32, 1, 4, 4] });
  const [moved, classes] = flips([x, x.squeeze(1).astype("int32")], dataOf("cells").facts);
  assert.equal(classes.dtype, "int32");
  const [pixels, marks] = [[...(await moved.data())], [...(await classes.data())]];
  assert.deepEqual(marks, pixels);
  const first = new Set(pixels.filter((_, i) => i % 16 === 0));
  assert.deepEqual(
    [...first].sort((a, b) => a - b),
    [0, 3, 12, 15],
    "each of the four corners comes first somewhere",
  );
});

test("segmentation is judged by its overlaps", () => {
  // 6 of 10 background pixels right, 3 of 4 of the cell: IoU 6 / 11 and 3 / 8.
  const counts = [
    [6, 4],
    [1, 3],
  ];
  const { figures } = judgementOf(counts, ["background", "cell"], 0.5, []);
  const value = (name: string): number => figures.find((f) => f.name === name)?.value ?? Number.NaN;
  assert.ok(Math.abs(value("iou of background") - 6 / 11) < 1e-12 && Math.abs(value("iou of cell") - 3 / 8) < 1e-12);
  assert.ok(Math.abs(value("iou") - (6 / 11 + 3 / 8) / 2) < 1e-12);
  assert.ok(Math.abs(value("pixel accuracy") - 9 / 14) < 1e-12);
});

test("inputs are standardised channel by channel, and pictures are shown in their colours", async () => {
  const facts = { ...dataOf("mnist").facts, input: [3, 1, 1], mean: [0.5, 0.25, 0], deviation: [0.5, 0.25, 2] };
  const x = classification.prepare(tensor([1, 0.5, 1]).reshape([1, 3, 1, 1]), facts);
  assert.deepEqual([...(await x.data())], [1, 1, 0.5]);
  assert.equal(segmentation.prepare, classification.prepare);
  const { channels, pixels } = pictureOf({
    dtype: "float32",
    shape: [3, 1, 2],
    data: Float32Array.of(0, 1, 0.2, 0.4, 0.6, 0.8),
  });
  assert.equal(channels, 3);
  assert.deepEqual([...pixels], [0, 51, 153, 255, 102, 204]);
});
