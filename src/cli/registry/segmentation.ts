/** Pictures with a class for every pixel. */
import { type Tensor, tensor } from "../../index.js";
import { crossEntropy } from "../../nn/index.js";
import { type Picture, encodePng, pngUri } from "../../plot/index.js";
import { accuracy, iou } from "../../train/index.js";
import { type Column, type Markup, html, table } from "../html.js";
import { count, figure, percent } from "../text.js";
import { UsageError } from "../usage.js";
import { pictureOf, standardised } from "./pictures.js";
import { type Asked, type Judgement, type Task, type Tested, answersOf } from "./task.js";

/** Counts over all pixels of a test set: rows are true classes, columns predictions. */
type Counts = readonly (readonly number[])[];

/** A test picture with what the model says of it. */
interface Looked {
  readonly picture: Picture;
  readonly overlay: Picture;
}

const shown = 6;
const colours = { right: [46, 160, 110], extra: [222, 60, 75], missing: [60, 110, 230] } as const;

/** How a pixel is tinted; the first class is the background. */
function tintOf(predicted: number, truth: number): readonly number[] | null {
  if (predicted === truth) return truth === 0 ? null : colours.right;
  return predicted === 0 ? colours.missing : colours.extra;
}

/** A picture in colour with tints over its pixels. */
function overlaid(
  { width, height, channels, pixels }: Picture,
  tint: (i: number) => readonly number[] | null,
): Picture {
  const painted = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const over = tint(i);
    for (let c = 0; c < 3; c++) {
      const level = pixels[i * channels + (channels === 1 ? 0 : c)];
      painted[3 * i + c] = over ? Math.round(0.55 * level + 0.45 * over[c]) : level;
    }
  }
  return { width, height, channels: 3, pixels: painted };
}

/** For every class: how many pixels are predicted and true at once, and how many predicted or true. */
const overlapsOf = (counts: Counts): { both: number; either: number }[] =>
  counts.map((row, k) => {
    const [truth, claimed] = [row.reduce((a, b) => a + b, 0), counts.reduce((sum, other) => sum + other[k], 0)];
    return { both: row[k], either: truth + claimed - row[k] };
  });

async function judge(tested: Tested): Promise<Judgement> {
  const { facts, test } = tested;
  const counts = facts.names.map(() => facts.names.map(() => 0));
  const looked: Looked[] = [];
  let loss = 0;
  for await (const { first, target, output } of answersOf(tested)) {
    const [truths, said] = [await target.data(), await output.argmax(1).data()]; // [N, H, W]
    truths.forEach((truth: number, i: number) => counts[truth][said[i]]++);
    loss += (await crossEntropy(output, target).item()) * target.shape[0];
    const size = truths.length / target.shape[0];
    for (let i = 0; i < target.shape[0] && looked.length < shown; i++) {
      const picture = pictureOf((await test.get(first + i))[0]);
      looked.push({ picture, overlay: overlaid(picture, (p) => tintOf(said[i * size + p], truths[i * size + p])) });
    }
  }
  return judgementOf(counts, facts.names, loss / test.length, looked);
}

/** Figures and sections of the report from what was counted. */
export function judgementOf(
  counts: Counts,
  names: readonly string[],
  loss: number,
  looked: readonly Looked[],
): Judgement {
  const all = counts.flat().reduce((a, b) => a + b, 0);
  const right = counts.reduce((sum, row, i) => sum + row[i], 0) / all;
  const shares = overlapsOf(counts).map(({ both, either }) => (either ? both / either : Number.NaN));
  const seen = shares.filter((share) => !Number.isNaN(share));
  const mean = seen.reduce((a, b) => a + b, 0) / seen.length;
  return {
    figures: [
      { name: "iou", value: mean, text: percent(mean) },
      ...shares.map((value, i) => ({ name: `iou of ${names[i]}`, value, text: percent(value) })),
      { name: "pixel accuracy", value: right, text: percent(right) },
      { name: "loss", value: loss, text: figure(loss) },
    ],
    cards: [
      [percent(mean), "mean IoU over classes"],
      [percent(right), "test pixels right"],
      [figure(loss), "test loss"],
    ],
    sections: [classSection(counts, names, shares), pictureSection(looked)],
  };
}

function classSection(counts: Counts, names: readonly string[], shares: readonly number[]): Markup {
  const rows = names.map((name, i) => [
    name,
    count(counts[i].reduce((a, b) => a + b, 0)),
    Number.isNaN(shares[i]) ? "none" : percent(shares[i]),
  ]);
  const columns: Column[] = [
    { name: "class" },
    { name: "test pixels", kind: "number" },
    { name: "IoU", kind: "number" },
  ];
  return html`<h2>Class by class</h2>
    <p class="muted">
      Intersection over union: pixels that are of the class and are taken for it, over those of which either holds.
    </p>
    ${table(columns, rows)}`;
}

const pictureSection = (looked: readonly Looked[]): Markup =>
  html`<h2>Test pictures</h2>
    <p class="muted">
      The first of the test set, each beside what the model says of it: green is found, red is taken for something that
      it is not, blue is missed.
    </p>
    <div class="digits twos">
      ${looked.map(
        ({ picture, overlay }, i) =>
          html`<figure>
            <img src="${pngUri(picture)}" alt="test picture ${i}" />
            <img src="${pngUri(overlay)}" alt="what the model says of test picture ${i}" />
          </figure>`,
      )}
    </div>`;

/** A PNG with what was found, and the share of every class. */
async function predict({ file, data, facts, run, write }: Asked): Promise<readonly string[]> {
  if (file === null) throw new UsageError("predict: there must be a picture to look at, got none. name a PNG");
  const levels = await data.read(file, facts);
  const said = await run(tensor(levels, { shape: [1, ...facts.input] }))
    .argmax(1)
    .data();
  const picture = pictureOf({ data: levels, dtype: "float32", shape: facts.input });
  const path = await write(encodePng(overlaid(picture, (i) => (said[i] === 0 ? null : colours.right))), "png");
  const width = Math.max(...facts.names.map((name) => name.length));
  const shares = facts.names.map((name, k) => {
    const share = said.filter((c: number) => c === k).length / said.length;
    return `${name.padStart(width)} ${percent(share).padStart(8)}`;
  });
  return [...shares, `painted in ${path}`];
}

/** A class for every pixel of pictures `[N, C, H, W]`: logits `[N, classes, H, W]`, targets `[N, H, W]`. */
export const segmentation: Task = {
  name: "segmentation",
  examples: "pictures",
  loss: (output: Tensor, target: Tensor) => crossEntropy(output, target),
  lossName: "cross-entropy of a pixel",
  metrics: ({ outputs }) => ({ iou: iou(outputs), pixelAccuracy: accuracy() }),
  measure: {
    name: "iou",
    title: "mean IoU",
    better: "max",
    text: percent,
    axis: { label: "intersection over union, mean over classes", format: ".0%" },
  },
  prepare: standardised,
  judge,
  predict,
};
