/** Numbers that are to be told from what is given. */
import { type Tensor, tensor } from "../../index.js";
import { mse } from "../../nn/index.js";
import { histogram, scatter } from "../../plot/index.js";
import { rmse } from "../../train/index.js";
import { html, raw } from "../html.js";
import { count, figure } from "../text.js";
import { UsageError } from "../usage.js";
import { type Asked, type Judgement, type Task, type Tested, answersOf } from "./task.js";

/** How many test examples the picture shows. */
const shown = 1000;
const size = { width: 500, height: 360 };

async function judge(tested: Tested): Promise<Judgement> {
  const truths: number[] = [];
  const answers: number[] = [];
  for await (const { target, output } of answersOf(tested)) {
    truths.push(...(await target.data()));
    answers.push(...(await output.data()));
  }
  return judgementOf(truths, answers);
}

/** Figures and the picture of the report from what is true and what is said. */
export function judgementOf(truths: readonly number[], answers: readonly number[]): Judgement {
  const n = truths.length;
  const misses = answers.map((answer, i) => Math.abs(answer - truths[i]));
  const squares = misses.reduce((sum, miss) => sum + miss ** 2, 0);
  const mean = truths.reduce((sum, truth) => sum + truth, 0) / n;
  const spread = truths.reduce((sum, truth) => sum + (truth - mean) ** 2, 0);
  const largest = misses.reduce((a, b) => Math.max(a, b), 0);
  const [low, high] = [truths.reduce((a, b) => Math.min(a, b)), truths.reduce((a, b) => Math.max(a, b))];
  const picture = scatter([{ name: "test examples", x: truths.slice(0, shown), y: answers.slice(0, shown) }], {
    ...size,
    title: "What is said of what is true",
    radius: 1.5,
    x: { label: "true", domain: [low, high] },
    y: { label: "said by the model" },
  });
  const errors = histogram(
    answers.map((answer, i) => answer - truths[i]),
    { ...size, title: "Errors", x: { label: "said minus true" }, y: { label: "test examples" } },
  );
  const figures = [
    { name: "loss", value: squares / n, text: figure(squares / n) },
    { name: "rmse", value: Math.sqrt(squares / n), text: figure(Math.sqrt(squares / n)) },
    { name: "explained", value: 1 - squares / spread, text: (1 - squares / spread).toFixed(5) },
    { name: "largest error", value: largest, text: figure(largest) },
  ];
  return {
    figures,
    cards: [
      [figures[0].text, "mean squared error"],
      [figures[2].text, "of the variance explained"],
      [figures[3].text, `largest error of ${count(n)}`],
    ],
    sections: [
      html`<h2>Answers</h2>
        <div class="pair">${raw(picture)}${raw(errors)}</div>`,
    ],
  };
}

/** The answer to a file. */
async function predict({ file, data, facts, run }: Asked): Promise<readonly string[]> {
  if (file === null) throw new UsageError("predict: there must be a file to look at, got none. name one");
  const answer = await run(tensor(await data.read(file, facts), { shape: [1, ...facts.input] })).data();
  return facts.names.map((name, i) => `${name}  ${figure(answer[i])}`);
}

/** One or several numbers for every example: answers and targets `[N, outputs]`. */
export const regression: Task = {
  name: "regression",
  examples: "examples",
  loss: (output: Tensor, target: Tensor) => mse(output, target),
  lossName: "mean squared error",
  metrics: () => ({ rmse: rmse() }),
  measure: {
    name: "rmse",
    title: "typical error",
    better: "min",
    text: figure,
    axis: { label: "root of the mean squared error", log: true },
  },
  prepare: (x) => x,
  judge,
  predict,
};
