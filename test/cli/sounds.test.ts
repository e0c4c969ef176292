/** Sounds on the command line: how good a model of them is, and what it draws. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, random, type Tensor } from "typegrad";
import { arrayDataset, parseWav } from "typegrad/data";
import { toHost } from "typegrad/io";
import { WaveNet } from "typegrad/models";
import { dataOf } from "#src/cli/registry/index.js";
import { sounds } from "#src/cli/registry/sounds.js";

test("a model of sounds is judged by its bits, and continues a sound", async () => {
  random.manualSeed(1);
  const facts = { ...dataOf("speech").facts, input: [40], outputs: 16 };
  const model = new WaveNet({ levels: 16, residualChannels: 4, skipChannels: 4, dilations: [1, 2] });
  const run = compile((x: Tensor) => model.forward(sounds.prepare(x, facts)), { state: [model] });
  const windows = random.randint(random.key(2), [6, 41], 0, 16);
  const examples = arrayDataset([await toHost(windows.at(":", ":-1")), await toHost(windows.at(":", "1:"))] as const);
  const { figures, sections } = await sounds.judge({ model, facts, test: examples, run });
  const expected = (await model.nll(windows).mean().item()) / Math.LN2;
  assert.ok(Math.abs(figures[0].value - expected) < 1e-5, `${figures[0].value} and not ${expected}`);
  assert.match(sections[0].text, /<audio controls src="data:audio\/wav;base64,UklGR/);

  const written: Uint8Array[] = [];
  const lines = await sounds.predict({
    model,
    facts,
    run,
    data: { ...dataOf("speech"), read: () => Float32Array.of(0, 15, 0) },
    file: { name: "hum.wav", bytes: new Uint8Array(0) },
    write: async (bytes, extension) => {
      written.push(bytes);
      return `out.${extension}`;
    },
  });
  assert.deepEqual(lines, ["hum.wav, continued by a second, is in out.wav"]);
  const { rate, samples } = parseWav(written[0]);
  assert.deepEqual([rate, samples.shape], [8000, [1, 8003]]);
  const near = (i: number, x: number): void => assert.ok(Math.abs(Number(samples.data[i]) - x) < 1e-4);
  [-1, 1, -1].forEach((x, i) => near(i, x));
});
