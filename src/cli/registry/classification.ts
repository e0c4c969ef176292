/** Pictures that show one of several things. */
import { UsageError } from "../usage.js";
import { type Tensor, tensor } from "../../index.js";
import { crossEntropy, softmax } from "../../nn/index.js";
import { type Picture, confusion as confusionPlot, pngUri } from "../../plot/index.js";
import { accuracy } from "../../train/index.js";
import { type Markup, html, raw, table } from "../html.js";
import { blockBar } from "../progress.js";
import { count, figure, percent, plural } from "../text.js";
import { pictureOf, standardised } from "./pictures.js";
import { type Asked, type Judgement, type Task, type Tested, answersOf } from "./task.js";

/** A test picture that the model takes for something else. */
interface Mistake {
  /** Position in the test set. */
  readonly index: number;
  /** Class numbers, and the probabilities that the model gives to both. */
  readonly truth: number;
  readonly predicted: number;
  readonly probability: number;
  readonly truthProbability: number;
}

/** What a model says of its test set. */
export interface Verdict {
  /** Rows are true classes, columns predictions. */
  readonly confusion: readonly (readonly number[])[];
  readonly names: readonly string[];
  /** Some or all of the mistakes, the most confident first. */
  readonly mistakes: readonly (Mistake & { readonly picture: Picture })[];
}

const mistakesShown = 100;
/** More classes than this make no table that a person reads. */
const classesShown = 40;

const largest = (row: ArrayLike<number>): number => {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i;
  return best;
};

/** How many of all test pictures are taken for another class. */
export function errorsOf(confusion: Verdict["confusion"]): [wrong: number, all: number] {
  const all = confusion.flat().reduce((a, b) => a + b, 0);
  return [all - confusion.reduce((sum, row, i) => sum + row[i], 0), all];
}

async function judge(tested: Tested): Promise<Judgement> {
  const { facts, test } = tested;
  const confusion = facts.names.map(() => facts.names.map(() => 0));
  const wrong: Mistake[] = [];
  let surprise = 0;
  for await (const { first, target, output } of answersOf(tested)) {
    const [truths, shares] = [await target.data(), await softmax(output, 1).data()]; // [N], [N, C]
    truths.forEach((truth: number, i: number) => {
      const row = shares.subarray(i * facts.outputs, (i + 1) * facts.outputs);
      const predicted = largest(row);
      surprise -= Math.log(Math.max(row[truth], Number.MIN_VALUE));
      confusion[truth][predicted]++;
      if (truth !== predicted)
        wrong.push({ index: first + i, truth, predicted, probability: row[predicted], truthProbability: row[truth] });
    });
  }
  const most = wrong.sort((a, b) => b.probability - a.probability || a.index - b.index).slice(0, mistakesShown);
  const mistakes: Verdict["mistakes"][number][] = [];
  for (const mistake of most) mistakes.push({ ...mistake, picture: pictureOf((await test.get(mistake.index))[0]) });
  return judgementOf({ confusion, names: facts.names, mistakes }, surprise / test.length);
}

/** Figures and sections of the report from what was counted. */
export function judgementOf(verdict: Verdict, loss: number): Judgement {
  const [wrong, all] = errorsOf(verdict.confusion);
  const right = 1 - wrong / all;
  return {
    figures: [
      { name: "accuracy", value: right, text: percent(right) },
      { name: "loss", value: loss, text: figure(loss) },
    ],
    cards: [
      [percent(right), "test accuracy"],
      [`${count(wrong)} of ${count(all)}`, "test pictures wrong"],
      [figure(loss), "test loss"],
    ],
    sections: [confusionSection(verdict), mistakeSection(verdict)],
  };
}

/** Pairs of classes that are taken for each other, the most frequent first. */
const confusedPairs = ({ confusion, names }: Verdict): { truth: string; predicted: string; times: number }[] =>
  confusion
    .flatMap((row, i) => row.map((times, j) => ({ truth: names[i], predicted: names[j], times: i === j ? 0 : times })))
    .filter(({ times }) => times > 0)
    .sort((a, b) => b.times - a.times);

function classTable({ confusion, names }: Verdict): Markup {
  const rows = names.map((name, i) => {
    const [right, truth, claimed] = [
      confusion[i][i],
      confusion[i].reduce((a, b) => a + b, 0),
      confusion.reduce((sum, row) => sum + row[i], 0),
    ];
    const share = (n: number): string => (n ? percent(right / n, 1) : "none");
    return [name, count(truth), share(truth), share(claimed)];
  });
  return table(
    [
      { name: "class" },
      { name: "pictures", kind: "number" },
      { name: "recall", kind: "number" },
      { name: "precision", kind: "number" },
    ],
    rows,
  );
}

function confusionSection(verdict: Verdict): Markup {
  const few = verdict.names.length <= classesShown;
  const pairs = confusedPairs(verdict).slice(0, few ? 3 : 20);
  const most = pairs.map((p, i) => html`${i ? ", " : ""}${p.truth} as ${p.predicted} (${count(p.times)})`);
  const sentence = pairs.length
    ? html`<p class="muted">Most often: ${most}.</p>`
    : html`<p class="muted">No picture of the test set is taken for another class.</p>`;
  const tables = html`<div class="pair">
    <div>${raw(few ? confusionPlot(verdict.confusion, verdict.names, { width: 500 }) : "")}</div>
    ${classTable(verdict)}
  </div>`;
  return html`<h2>What is taken for what</h2>
    ${sentence} ${few ? tables : ""}`;
}

function mistakeFigure(names: readonly string[], mistake: Verdict["mistakes"][number]): Markup {
  const { picture, index, truth, predicted, probability, truthProbability } = mistake;
  const share = (p: number): string => percent(p, 0).replace(" ", "\u00a0");
  const title = `test picture ${index}: ${names[truth]} taken for ${names[predicted]}`;
  return html`<figure>
    <img src="${pngUri(picture)}" alt="${title}" title="${title}" />
    <figcaption>
      says <b>${names[predicted]}</b> · ${share(probability)}<br />is <i>${names[truth]}</i> ·
      ${share(truthProbability)}
    </figcaption>
  </figure>`;
}

function mistakeSection({ confusion, names, mistakes }: Verdict): Markup {
  const [wrong] = errorsOf(confusion);
  if (wrong === 0) return html``;
  const shown =
    mistakes.length < wrong
      ? `The ${count(mistakes.length)} most confident of ${count(wrong)} mistakes`
      : `All ${plural(wrong, "mistake")}`;
  return html`<h2>Mistakes</h2>
    <p class="muted">
      ${shown}, the most confident first: what the model says with its probability, then what the picture is and the
      probability that was left for it.
    </p>
    <div class="digits">${mistakes.map((mistake) => mistakeFigure(names, mistake))}</div>`;
}

/** The classes of a picture with their probabilities, the likeliest first. */
async function predict({ file, data, facts, run }: Asked): Promise<readonly string[]> {
  if (file === null) throw new UsageError("predict: there must be a picture to look at, got none. name a PNG");
  const x = tensor(await data.read(file, facts), { shape: [1, ...facts.input] });
  const probabilities = await softmax(run(x), 1).data();
  const rows = facts.names
    .map((name, i) => ({ name, share: probabilities[i] }))
    .sort((a, b) => b.share - a.share)
    .slice(0, 10);
  const width = Math.max(...rows.map((row) => row.name.length));
  return rows.map(({ name, share }) => `${name.padStart(width)} ${blockBar(share, 30)} ${percent(share).padStart(8)}`);
}

/** One of several classes for every picture `[N, C, H, W]`: logits `[N, classes]`, targets `[N]`. */
export const classification: Task = {
  name: "classification",
  examples: "pictures",
  loss: (output: Tensor, target: Tensor) => crossEntropy(output, target),
  lossName: "cross-entropy",
  metrics: () => ({ accuracy: accuracy() }),
  measure: {
    name: "accuracy",
    title: "accuracy",
    better: "max",
    text: percent,
    axis: { label: "share of pictures named correctly", format: ".0%" },
  },
  prepare: standardised,
  judge,
  predict,
};
