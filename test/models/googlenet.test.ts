/** What GoogLeNet has beyond torchvision's outputs: its auxiliary classifiers, the paper's 5×5, its input's scale. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { grad, stack, tensor } from "typegrad";
import { type GoogLeNet, googlenet } from "typegrad/models";
import { countParameters, namedParameters } from "typegrad/nn";
import { fill, signed } from "#chapters/arc-shared.js";

test("gradients of each auxiliary classifier reach what lies before it, and nothing behind", async () => {
  const model = googlenet({ classes: 3, auxiliaryDropout: 0, dropout: 0 });
  const x = signed("picture", [2, 3, 64, 64]).astype("float32");
  const { auxiliary } = model.forwardWithAuxiliary(x);
  assert.deepEqual(
    auxiliary.map((y) => y.shape),
    [
      [2, 3],
      [2, 3],
    ],
  );
  const reached = async (which: number): Promise<Set<string>> => {
    const loss = (m: GoogLeNet) => m.forwardWithAuxiliary(x).auxiliary[which].square().sum();
    const gradients = Object.entries(namedParameters(grad(loss)(model)));
    const largest = await stack(gradients.map(([, g]) => g.abs().max())).data();
    return new Set(gradients.flatMap(([path], i) => (largest[i] > 0 ? [path.split(".")[0]] : [])));
  };
  const before = ["conv1", "conv2", "conv3", "inception3a", "inception3b", "inception4a"];
  assert.deepEqual(await reached(0), new Set([...before, "aux1"]));
  assert.deepEqual(await reached(1), new Set([...before, "inception4b", "inception4c", "inception4d", "aux2"]));
  assert.deepEqual(googlenet({ auxiliary: false }).forwardWithAuxiliary(x).auxiliary, []);
});

test("the paper's 5×5 has 16 weights more for each pair of maps that it joins", () => {
  const pairs = [16 * 32, 32 * 96, 16 * 48, 24 * 64, 24 * 64, 32 * 64, 32 * 128, 32 * 128, 48 * 128];
  const more = countParameters(googlenet({ largeKernel: 5 })).total - countParameters(googlenet()).total;
  assert.equal(
    more,
    pairs.reduce((sum, n) => sum + 16 * n, 0),
  );
});

test("transformInput takes pictures of ImageNet's mean and deviation to those of mean and deviation 1/2", async () => {
  const options = { classes: 3, auxiliary: false };
  const model = fill(googlenet(options)).eval();
  const same = fill(googlenet({ ...options, transformInput: true })).eval();
  const pixels = signed("pixels", [1, 3, 32, 32]).add(1).div(2).astype("float32"); // from 0 to 1
  const channels = (values: number[]) => tensor(values).reshape([3, 1, 1]);
  const normalised = pixels.sub(channels([0.485, 0.456, 0.406])).div(channels([0.229, 0.224, 0.225]));
  const expected = await model.forward(pixels.sub(0.5).div(0.5)).data();
  const actual = await same.forward(normalised).data();
  expected.forEach((e, i) => assert.ok(Math.abs(actual[i] - e) < 1e-3 * Math.max(...expected.map(Math.abs))));
});
