/** Pictures drawn one pixel after the other: models of how likely a picture is. */
import { type Tensor, random, tensor } from "../../index.js";
import { type Reduction, crossEntropy } from "../../nn/index.js";
import { type Picture, encodePng, pngUri } from "../../plot/index.js";
import { type Metric, type Ratio, bitsPerDimension } from "../../train/index.js";
import { html } from "../html.js";
import { count, figure } from "../text.js";
import { UsageError } from "../usage.js";
import { pictureOf } from "./pictures.js";
import { type Asked, type Facts, type Judgement, type Task, type Tested, answersOf } from "./task.js";

type Shape4 = readonly [number, number, number, number];

/** A model that draws pictures of levels, whole ones or what is missing. */
interface Draws {
  sample(shape: Shape4, options: { readonly given?: { readonly levels: Tensor; readonly mask: Tensor } }): Tensor;
}
const draws = (model: object): model is Draws => "sample" in model && typeof model.sample === "function";

function drawerOf({ model }: { readonly model: object }): Draws {
  if (draws(model)) return model;
  throw new UsageError("this model gives probabilities of pictures, but draws none. take one that has sample");
}

/** Levels from 0 to 1 as integers from 0 to `levels - 1`. */
const integers = (x: Tensor, levels: number): Tensor =>
  x
    .mul(levels - 1)
    .round()
    .astype("int32");

/** The cross-entropy of pixels, whose targets are levels from 0 to 1. */
const surprise = (output: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor =>
  crossEntropy(output, integers(target, output.shape[1]), { reduction });

const bitsOfLevels = (): Metric<Ratio> => {
  const inner = bitsPerDimension();
  return {
    ...inner,
    update: (state, output, target) => inner.update(state, output, integers(target, output.shape[1])),
  };
};

const shapeOf = ({ input }: Facts, pictures: number): Shape4 => [pictures, input[0], input[1], input[2]];

/** Pictures of a tensor of levels `[N, C, H, W]`. */
async function picturesOf(levels: Tensor, { input, outputs }: Facts): Promise<Picture[]> {
  const data = await levels.data();
  const size = input.reduce((a, b) => a * b, 1);
  return Array.from({ length: levels.shape[0] }, (_, i) =>
    pictureOf({
      dtype: "float32",
      shape: input,
      data: Float32Array.from(data.subarray(i * size, (i + 1) * size), (v) => v / (outputs - 1)),
    }),
  );
}

/** How many are drawn for the report; half of them are continued from test pictures. */
const shown = 16;

const bits = (value: number): string => value.toFixed(4);

async function judge(tested: Tested): Promise<Judgement> {
  const { facts, test } = tested;
  let nats = 0;
  for await (const { target, output } of answersOf(tested)) nats += await surprise(output, target, "sum").item();
  const perPicture = nats / test.length;
  const perDimension = perPicture / Math.LN2 / facts.input.reduce((a, b) => a * b, 1);
  random.manualSeed(0);
  const drawn = await picturesOf(drawerOf(tested).sample(shapeOf(facts, shown), {}), facts);
  return {
    figures: [
      { name: "bits", value: perDimension, text: bits(perDimension) },
      { name: "nats", value: perPicture, text: `${figure(perPicture)} nats per picture` },
    ],
    cards: [
      [perDimension.toFixed(4), "bits per dimension"],
      [perPicture.toFixed(2), "nats per test picture"],
      [count(test.length), "test pictures"],
    ],
    sections: [
      html`<h2>Drawn by the model</h2>
        <p class="muted">Pixel after pixel, each from the model's own distribution given those before it.</p>
        <div class="digits">
          ${drawn.map((picture, i) => html`<figure><img src="${pngUri(picture)}" alt="drawn picture ${i}" /></figure>`)}
        </div>`,
    ],
  };
}

/** A new picture, or the lower half of a given one anew, as a PNG. */
async function predict(asked: Asked): Promise<readonly string[]> {
  const { file, data, facts, write } = asked;
  const shape = shapeOf(facts, 1);
  const [, , rows] = shape;
  const start = file && tensor(await data.read(file, facts), { shape });
  const upper = tensor(
    Array.from({ length: rows }, (_, y) => [y < rows / 2]),
    { dtype: "bool" },
  ); // [H, 1]
  const given = start ? { levels: integers(start, facts.outputs), mask: upper.broadcastTo(shape) } : undefined;
  const [picture] = await picturesOf(drawerOf(asked).sample(shape, { given }), facts);
  const path = await write(encodePng(picture), "png");
  return [file ? `${file.name} with its lower half drawn anew is in ${path}` : `a new picture is in ${path}`];
}

/** The distribution of every pixel given those before it: levels `[N, C, H, W]` from 0 to 1 in and as targets, logits `[N, levels, C, H, W]`. */
export const pixels: Task = {
  name: "drawing pixel by pixel",
  examples: "pictures",
  loss: (output: Tensor, target: Tensor) => surprise(output, target),
  lossName: "nats per dimension",
  metrics: () => ({ bits: bitsOfLevels() }),
  measure: {
    name: "bits",
    title: "bits per dimension",
    better: "min",
    text: bits,
    axis: { label: "bits per dimension" },
  },
  prepare: (x: Tensor, { outputs }: Facts) => integers(x, outputs),
  judge,
  predict,
};
