/** Networks with a result for every place, against PyTorch: `test/golden/sequences.py`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, grad, tensor } from "typegrad";
import { muLawDecode, muLawEncode } from "typegrad/data";
import {
  PixelCNN,
  type PixelCNNOptions,
  TCN,
  type TCNOptions,
  TCNReader,
  UNet,
  type UNetOptions,
  WaveNet,
  type WaveNetOptions,
} from "typegrad/models";
import { cast, countParameters, dice, loadStateDict, namedParameters, summary } from "typegrad/nn";
import type { Module } from "typegrad/tree";
import { type Stored, close, fixture } from "../golden/fixtures.js";

type Digest = readonly [sum: number, weighted: number];
type ModelCase = {
  readonly x: Stored;
  readonly output: Stored;
  readonly gradients: Readonly<Record<string, Digest>>;
  readonly inputGradient?: Digest;
} & (
  | { readonly model: "tcn"; readonly options: TCNOptions & { readonly channels: readonly number[] } }
  | { readonly model: "wavenet"; readonly options: WaveNetOptions }
  | { readonly model: "pixelcnn"; readonly options: PixelCNNOptions }
  | { readonly model: "unet"; readonly options: UNetOptions }
);
const golden = fixture<{
  readonly cases: readonly ModelCase[];
  readonly dice: {
    readonly logits: Stored;
    readonly target: Stored;
    readonly bySmooth: Readonly<Record<string, { readonly losses: Stored; readonly gradient: Stored }>>;
  };
  readonly muLaw: {
    readonly x: Stored;
    readonly byLevels: Readonly<Record<string, { readonly codes: Stored; readonly decoded: Stored }>>;
  };
}>("sequences");

type Model = Module & { forward(x: Tensor): Tensor };

function modelOf(c: ModelCase): Model {
  switch (c.model) {
    case "tcn":
      return new TCN(c.x.shape[1], c.options.channels, { ...c.options, dropout: 0 });
    case "wavenet":
      return new WaveNet(c.options);
    case "pixelcnn":
      return new PixelCNN(c.options);
    case "unet":
      return new UNet(c.options);
  }
}

const float64 = (s: Stored): Tensor => tensor([...s.data], { dtype: s.dtype ?? "float64" }).reshape(s.shape);

/** `scale · sin(0.37 i + s)`, as the script says. */
function byFormula(name: string, shape: readonly number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const seed = [...name].reduce((sum, c) => sum + c.charCodeAt(0), 0);
  const scale = shape.length === 1 ? 0.1 : 1 / Math.sqrt(size / shape[0]);
  const data = Float64Array.from({ length: size }, (_, i) => scale * Math.sin(0.37 * i + seed));
  return tensor(data, { shape });
}

async function checkDigest(gradient: Tensor, [sum, weighted]: Digest, what: string): Promise<void> {
  const data = [...(await gradient.data())];
  const found = [data.reduce((a, g) => a + g, 0), data.reduce((a, g, i) => a + g * Math.cos(0.11 * i), 0)];
  [sum, weighted].forEach((e, i) => {
    assert.ok(Math.abs(found[i] - e) <= 1e-7 * (1 + Math.abs(e)), `${what}: ${found[i]} and not ${e}`);
  });
}

golden.cases.forEach((c, i) => {
  test(`${c.model} ${JSON.stringify(c.options)} (${i})`, async () => {
    const model = cast(modelOf(c), "float64");
    const own = namedParameters(model);
    assert.deepEqual(Object.keys(own).sort(), Object.keys(c.gradients).sort(), "names of parameters");
    loadStateDict(model, Object.fromEntries(Object.entries(own).map(([name, t]) => [name, byFormula(name, t.shape)])), {
      strict: false,
    });
    const x = float64(c.x);
    const loss = (m: Model, input: Tensor): Tensor => {
      const y = m.forward(input);
      const cotangent = tensor(Float64Array.from({ length: y.size }, (_, k) => Math.cos(0.7 * k)));
      return y.mul(cotangent.reshape(y.shape)).sum();
    };
    await close(model.forward(x), c.output, "output", 1e-8);
    const gradients = namedParameters(grad((m: Model) => loss(m, x))(model));
    for (const [name, digest] of Object.entries(c.gradients)) await checkDigest(gradients[name], digest, name);
    if (c.inputGradient)
      await checkDigest(grad((input: Tensor) => loss(model, input))(x), c.inputGradient, "gradient of the input");
  });
});

test("dice: one minus the soft overlap", async () => {
  const [logits, target] = [float64(golden.dice.logits), float64(golden.dice.target)];
  for (const [smooth, { losses, gradient }] of Object.entries(golden.dice.bySmooth)) {
    await close(dice(logits, target, { smooth: Number(smooth), reduction: "none" }), losses, "losses", 1e-9);
    const g = grad((x: Tensor) => dice(x, target, { smooth: Number(smooth) }))(logits);
    await close(g, gradient, "gradient", 1e-9);
  }
  assert.throws(() => dice(tensor([[1, 2]]), tensor([0], { dtype: "int32" })), /dice: logits must be \[N, C, …\]/);
});

test("µ-law codes and samples", async () => {
  const x = float64(golden.muLaw.x);
  for (const [levels, { codes, decoded }] of Object.entries(golden.muLaw.byLevels)) {
    const found = muLawEncode(x, Number(levels));
    await close(found, codes, "codes", 0);
    await close(muLawDecode(found, Number(levels)), decoded, "decoded", 1e-6);
  }
  assert.deepEqual([...(await muLawEncode(tensor([-3, 0, 3])).data())], [0, 128, 255]);
  assert.throws(() => muLawEncode(x, 1), /muLawEncode: levels must be an integer of at least 2, got 1/);
});

test("U-Net: the published size, and pictures that can be halved", () => {
  const published = new UNet({ padding: "valid" });
  assert.equal(countParameters(published).total, 31_030_658);
  assert.equal(published.outputSize(572), 388);
  assert.throws(() => published.outputSize(570), /halved 4 times without a rest, got a side of 570. 572 fits/);
  assert.throws(() => published.outputSize(12), /got a side of 12. 188 fits/);
  assert.equal(published.outputSize(188), 4);
  const same = new UNet({ width: 2, depth: 3, classes: 5, channels: 3 });
  assert.deepEqual(
    same.forward(tensor(new Float32Array(3 * 16 * 24), { shape: [1, 3, 16, 24] })).shape,
    [1, 5, 16, 24],
  );
  assert.throws(() => same.outputSize(20), /got a side of 20. 24 fits/);
});

test("TCN: the receptive field", () => {
  assert.equal(new TCN(1, [2, 2, 2], { kernel: 3 }).receptiveField, 29);
  assert.throws(() => new TCN(1, []), /TCN: there must be at least one block/);
});

test("a TCN that reads gives its last step, of pictures pixel by pixel, and the summary says what that sees", async () => {
  const reader = new TCNReader(2, [3, 4], 5, { kernel: 3, dropout: 0 }).eval();
  const x = tensor(
    Float32Array.from({ length: 3 * 2 * 20 }, (_, i) => Math.sin(i)),
    { shape: [3, 2, 4, 5] },
  );
  const steps = reader.tcn.forward(x.reshape([3, 2, 20]));
  const last = steps.at(":", ":", 19); // [3, 4]
  const expected = last.matmul(reader.head.weight.transpose()).add(reader.head.bias ?? 0);
  const difference = await reader.forward(x).sub(expected).abs().max().item();
  assert.ok(difference < 1e-6, `${difference}`);
  const { rows } = summary(reader, [1, 2, 4, 5]);
  const conv = rows.find(({ type }) => type === "Conv1d");
  assert.deepEqual(conv?.outputShape, [1, 3, 20]);
  assert.equal(conv.receptiveField, null, "places in a row are none in the picture");
});
