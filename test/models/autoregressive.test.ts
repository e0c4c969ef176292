/** What WaveNet and PixelCNN promise: nothing of the future is seen, probabilities add up to 1, drawing follows them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, grad, random, scan, tensor } from "typegrad";
import { PixelCNN, type PixelCNNOptions, WaveNet, dilationCycles, pixelMask } from "typegrad/models";
import { cast } from "typegrad/nn";

const largest = async (x: Tensor): Promise<number> => x.abs().max().item();

/** All `levels ** size` rows of `size` classes. */
function everyRow(levels: number, size: number): Int32Array {
  const rows = new Int32Array(levels ** size * size);
  for (let i = 0; i < rows.length; i++) rows[i] = Math.floor(Math.floor(i / size) / levels ** (i % size)) % levels;
  return rows;
}

const small = (): WaveNet => {
  random.manualSeed(4);
  return cast(
    new WaveNet({ levels: 7, residualChannels: 5, skipChannels: 6, kernel: 2, dilations: dilationCycles(4, 2) }),
    "float64",
  );
};

test("WaveNet: one sample at a time gives what the whole sound gives", async () => {
  for (const kernel of [2, 3]) {
    const model = cast(
      new WaveNet({ levels: 5, residualChannels: 4, skipChannels: 4, kernel, dilations: [1, 2, 4, 1, 3] }),
      "float64",
    );
    const x = random.randint(random.key(1), [3, 40], 0, 5);
    const [, logits] = scan(
      (memory: readonly Tensor[], sample: Tensor) => {
        const step = model.step(sample, memory);
        return [step.memory, step.logits] as const;
      },
      model.start(3),
      x.T,
    );
    assert.ok((await largest(logits.moveAxis(0, 2).sub(model.forward(x)))) < 1e-14);
  }
});

test("WaveNet: the likeliest next samples are those of the whole network", async () => {
  const model = small();
  const prompt = random.randint(random.key(2), [2, 9], 0, 7);
  const drawn = [...(await model.sample(25, { prompt, temperature: 0 }).data())];
  let sound = [...(await prompt.data())];
  const rows = [sound.slice(0, 9), sound.slice(9)];
  for (let t = 0; t < 25; t++) {
    const x = tensor(rows, { dtype: "int32" });
    const next = await model.forward(x).at(":", ":", -1).argmax(1).data();
    rows.forEach((row, i) => row.push(next[i]));
  }
  sound = rows.flatMap((row) => row.slice(9));
  assert.deepEqual(drawn, sound);
});

test("WaveNet: draws are seeded, and by the model's probabilities", async () => {
  const model = small();
  const draws = async (seed: number, temperature: number): Promise<number[]> => [
    ...(await model.sample(30, { key: random.key(seed), temperature }).data()),
  ];
  assert.deepEqual(await draws(1, 1), await draws(1, 1));
  assert.notDeepEqual(await draws(1, 1), await draws(2, 1));
  const prompt = random.randint(random.key(2), [1, 12], 0, 7).broadcastTo([4000, 12]);
  const first = [...(await model.sample(1, { key: random.key(5), prompt, temperature: 0.5 }).data())];
  const shares = Array.from(await model.forward(prompt.at(":1")).at(0, ":", -1).div(0.5).exp().data(), Number);
  const total = shares.reduce((a, b) => a + b, 0);
  for (let k = 0; k < 7; k++) {
    const p = shares[k] / total;
    const share = first.filter((x) => x === k).length / first.length;
    assert.ok(Math.abs(share - p) < 4.5 * Math.sqrt((p * (1 - p)) / first.length), `class ${k}: ${share} and not ${p}`);
  }
  assert.throws(() => model.sample(3, { temperature: -1 }), /temperature must be finite and not negative, got -1/);
});

test("WaveNet: a prediction sees the receptive field and nothing later", async () => {
  const model = small();
  assert.equal(model.receptiveField, 31);
  assert.equal(
    new WaveNet({ residualChannels: 2, skipChannels: 2, dilations: dilationCycles(10) }).receptiveField,
    1024,
  );
  const h = random.normal(random.key(3), [1, 5, 45], { dtype: "float64" });
  const at = 36;
  const sensitivity = grad((x: Tensor) => model.logits(x).at(0, ":", at).square().sum())(h);
  const seen = [...(await sensitivity.abs().sum([0, 1]).data())].map((v) => v > 0);
  assert.deepEqual(
    seen,
    seen.map((_, t) => t <= at && t > at - 31),
  );
});

test("WaveNet: probabilities of all sounds add up to 1", async () => {
  const model = cast(new WaveNet({ levels: 3, residualChannels: 4, skipChannels: 4, dilations: [1, 2] }), "float64");
  const all = tensor(everyRow(3, 5), { shape: [3 ** 5, 5] });
  const probabilities = model.nll(all).sum(1).neg().exp(); // of the last four samples given the first
  assert.ok(Math.abs((await probabilities.sum().item()) - 3) < 1e-12);
});

for (const gated of [false, true])
  test(`PixelCNN${gated ? ", gated" : ""}: probabilities of all pictures add up to 1`, async () => {
    const model = cast(new PixelCNN({ width: 4, blocks: 1, firstKernel: 5, gated }), "float64");
    const all = tensor(everyRow(2, 9), { shape: [512, 1, 3, 3] });
    assert.ok(Math.abs((await model.nll(all).neg().exp().sum().item()) - 1) < 1e-12);
    const rgb = cast(new PixelCNN({ width: 6, blocks: 1, channels: 3, firstKernel: 3, gated }), "float64");
    const coloured = tensor(everyRow(2, 6), { shape: [64, 3, 1, 2] });
    assert.ok(Math.abs((await rgb.nll(coloured).neg().exp().sum().item()) - 1) < 1e-12);
  });

/** Which pixels `[H, W]` the first logit of the one at (row, column) depends on, in any of many random pictures. */
async function seenFrom(options: PixelCNNOptions, size: number, row: number, column: number): Promise<boolean[]> {
  random.manualSeed(6);
  const model = cast(new PixelCNN(options), "float64");
  const x = random.normal(random.key(1), [32, 1, size, size], { dtype: "float64" });
  const slopes = grad((v: Tensor) => model.logits(v).at(":", 0, 0, row, column).sum())(x);
  return [...(await slopes.abs().sum([0, 1]).data())].map((v) => v > 0);
}

test("PixelCNN: a pixel sees only those before it; the gated one sees all of them, the other has a blind spot", async () => {
  const size = 9;
  const [row, column] = [5, 4];
  const before = Array.from({ length: size * size }, (_, i) => i < row * size + column);
  const options = { width: 8, blocks: 6, firstKernel: 3 };
  const plain = await seenFrom(options, size, row, column);
  const gated = await seenFrom({ ...options, gated: true }, size, row, column);
  assert.deepEqual(gated, before);
  // Going right a row at a time costs a row: what lies further right than up is out of reach.
  const reachable = before.map((b, i) => b && (i % size) - column <= row - Math.floor(i / size));
  assert.deepEqual(plain, reachable);
});

test("PixelCNN: masks hide the middle by colours", async () => {
  const middle = async (type: "A" | "B"): Promise<number[]> => [
    ...(await pixelMask(type, [3, 3, 3, 3], 3).at(":", ":", 1, 1).astype("int32").data()),
  ];
  assert.deepEqual(await middle("A"), [0, 0, 0, 1, 0, 0, 1, 1, 0]);
  assert.deepEqual(await middle("B"), [1, 0, 0, 1, 1, 0, 1, 1, 1]);
  const one = [...(await pixelMask("B", [1, 1, 3, 5]).astype("int32").data())];
  assert.deepEqual(one, [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
});

test("PixelCNN: pictures are drawn by their probabilities, and filled in where asked", async () => {
  random.manualSeed(3);
  const model = new PixelCNN({ width: 4, blocks: 1, firstKernel: 3, gated: true });
  const count = 3000;
  const drawn = await model.sample([count, 1, 2, 2], { key: random.key(7) }).data();
  const all = tensor(everyRow(2, 4), { shape: [16, 1, 2, 2] });
  const expected = await model.nll(all).neg().exp().data();
  const shares = new Float64Array(16);
  for (let n = 0; n < count; n++)
    shares[drawn[4 * n] + 2 * drawn[4 * n + 1] + 4 * drawn[4 * n + 2] + 8 * drawn[4 * n + 3]] += 1 / count;
  expected.forEach((p: number, k: number) => {
    assert.ok(
      Math.abs(shares[k] - p) < 4.5 * Math.sqrt((p * (1 - p)) / count),
      `picture ${k}: ${shares[k]} and not ${p}`,
    );
  });
  const given = {
    levels: tensor(
      [
        [1, 0],
        [0, 1],
      ],
      { dtype: "int32" },
    ),
    mask: tensor([
      [true, true],
      [false, true],
    ]),
  };
  const filled = [...(await model.sample([50, 1, 2, 2], { key: random.key(1), given }).data())];
  assert.ok(filled.every((v, i) => i % 4 === 2 || v === [1, 0, 0, 1][i % 4]));
  assert.ok(new Set(filled.filter((_, i) => i % 4 === 2)).size === 2);
});

for (const gated of [false, true])
  test(`PixelCNN${gated ? ", gated" : ""}: drawing from what a pixel sees is drawing from the whole picture`, async () => {
    random.manualSeed(8);
    const model = new PixelCNN({ levels: 3, width: 6, blocks: 1, firstKernel: 3, gated, channels: 3 });
    assert.equal(model.reach, 2);
    const [height, width] = [6, 8];
    const drawn = await model.sample([2, 3, height, width], { temperature: 0 }).data();
    const x = new Int32Array(drawn.length);
    for (let pixel = 0; pixel < height * width; pixel++)
      for (let colour = 0; colour < 3; colour++) {
        const best = await model
          .forward(tensor(x, { shape: [2, 3, height, width] }))
          .argmax(1)
          .data();
        for (const picture of [0, 1]) {
          const at = (picture * 3 + colour) * height * width + pixel;
          x[at] = best[at];
        }
      }
    assert.deepEqual([...drawn], [...x]);
  });
