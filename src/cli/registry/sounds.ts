/** Sounds drawn one sample after the other: models of how likely a sound is. */
import { type Sound, formatWav, muLawDecode } from "../../data/index.js";
import { type Tensor, random, tensor } from "../../index.js";
import { crossEntropy } from "../../nn/index.js";
import { lines } from "../../plot/index.js";
import { bitsPerDimension } from "../../train/index.js";
import { html, raw } from "../html.js";
import { count, figure } from "../text.js";
import { UsageError } from "../usage.js";
import { type Asked, type Facts, type Judgement, type Task, type Tested, answersOf } from "./task.js";

/** Samples a second of all sounds here. */
export const soundRate = 8000;

/** A model that draws what comes after a sound. */
interface Draws {
  sample(count: number, options: { readonly prompt?: Tensor }): Tensor;
}
const draws = (model: object): model is Draws => "sample" in model && typeof model.sample === "function";

/** A second of sound drawn by a model, after classes `[1, P]` where they are given, which it then begins with. */
async function drawn(
  { model, facts }: { readonly model: object; readonly facts: Facts },
  prompt?: Tensor,
): Promise<Sound> {
  if (!draws(model))
    throw new UsageError("this model gives probabilities of sounds, but draws none. take one that has sample");
  const classes = [...(prompt ? await prompt.data() : []), ...(await model.sample(soundRate, { prompt }).data())];
  const samples = await muLawDecode(tensor(classes, { dtype: "int32" }), facts.outputs).data();
  return {
    rate: soundRate,
    samples: { dtype: "float32", shape: [1, samples.length], data: Float32Array.from(samples, Number) },
  };
}

const bits = (value: number): string => value.toFixed(3);

/** The first half of the loudest test window, as classes `[1, P]`: after silence a model is right to draw silence. */
async function loudStart({ test, facts }: Tested): Promise<Tensor> {
  const silence = (facts.outputs - 1) / 2;
  let [loudest, classes]: [number, readonly number[]] = [-1, []];
  for (let i = 0; i < test.length; i++) {
    const [{ data }] = await test.get(i);
    const window = Array.from(data, Number);
    const loudness = window.reduce((sum, c) => sum + Math.abs(c - silence), 0);
    if (loudness > loudest) [loudest, classes] = [loudness, window];
  }
  const start = classes.slice(0, Math.ceil(classes.length / 2));
  return tensor(start, { dtype: "int32" }).reshape([1, -1]);
}

async function judge(tested: Tested): Promise<Judgement> {
  const { test, facts } = tested;
  let nats = 0;
  for await (const { target, output } of answersOf(tested))
    nats += await crossEntropy(output, target, { reduction: "sum" }).item();
  const samples = test.length * facts.input[0];
  const perSample = nats / samples / Math.LN2;
  random.manualSeed(0);
  const prompt = await loudStart(tested);
  const sound = await drawn(tested, prompt);
  const address = `data:audio/wav;base64,${Buffer.from(formatWav(sound)).toString("base64")}`;
  const [given, levels] = [prompt.size, Array.from(sound.samples.data, Number)];
  const part = (name: string, from: number, to?: number) => ({
    name,
    x: levels.slice(from, to).map((_, i) => (from + i) / soundRate),
    y: levels.slice(from, to),
  });
  const picture = lines([part("given", 0, given), part("drawn", given)], {
    x: { label: "seconds" },
    y: { domain: [-1, 1] },
    height: 200,
  });
  return {
    figures: [
      { name: "bits", value: perSample, text: bits(perSample) },
      { name: "loss", value: nats / samples, text: figure(nats / samples) },
    ],
    cards: [
      [bits(perSample), "bits per sample"],
      [count(samples), "test samples"],
    ],
    sections: [
      html`<h2>Drawn by the model</h2>
        <p class="muted">
          A second that follows the beginning of a test sound, sample after sample, each from the model's own
          distribution given those before it.
        </p>
        <p><audio controls src="${address}"></audio></p>
        ${raw(picture)}`,
    ],
  };
}

/** A second of new sound, or of what follows a given one, as a WAV file. */
async function predict(asked: Asked): Promise<readonly string[]> {
  const { file, data, facts, write } = asked;
  const start = file && (await data.read(file, facts));
  if (start?.length === 0) throw new UsageError(`${file?.name ?? "the file"} must hold a sound, got no samples`);
  const prompt = start ? tensor(start, { shape: [1, start.length] }).astype("int32") : undefined;
  const path = await write(formatWav(await drawn(asked, prompt)), "wav");
  return [file ? `${file.name}, continued by a second, is in ${path}` : `a second of new sound is in ${path}`];
}

/** The distribution of every next sample given those before it: classes `[N, T]`, targets one further, logits `[N, levels, T]`. */
export const sounds: Task = {
  name: "drawing sounds sample by sample",
  examples: "windows of sound",
  loss: (output: Tensor, target: Tensor) => crossEntropy(output, target),
  lossName: "nats per sample",
  metrics: () => ({ bits: bitsPerDimension() }),
  measure: {
    name: "bits",
    title: "bits per sample",
    better: "min",
    text: bits,
    axis: { label: "bits per sample" },
  },
  prepare: (x: Tensor) => x.astype("int32"),
  judge,
  predict,
};
