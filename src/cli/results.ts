/** What a trained run gave: its test set looked at one by one, and all of it as a record. */
import { cpus } from "node:os";
import { DataLoader } from "../data/index.js";
import { type Tensor, compile } from "../index.js";
import { softmax, stateDict, summary } from "../nn/index.js";
import type { Picture } from "../plot/index.js";
import type { EpochRecord, Trainable } from "../train/index.js";
import type { LoadedData, Recipe } from "./recipes.js";
import type { EpochMetrics, LayerRow, Mistake, RunRecord } from "./record.js";
import { type Session, commandOf, settingFlags, titleOf } from "./session.js";
import { count } from "./text.js";

/** Examples in a batch where nothing is learned. */
export const testBatch = 250;
const mistakesShown = 100;

/** The part of an epoch's record that everything here is about. */
export const metricsOf = (record: EpochRecord): EpochMetrics => ({
  epoch: record.epoch,
  trainLoss: Number(record.trainLoss),
  trainAccuracy: Number(record.trainAccuracy),
  testLoss: Number(record.testLoss),
  testAccuracy: Number(record.testAccuracy),
  seconds: record.seconds,
  imagesPerSecond: record.examplesPerSecond,
  learningRate: record.learningRate,
});

/** Class probabilities of all test examples, one row each. */
async function probabilities(recipe: Recipe, model: Trainable, { test }: LoadedData): Promise<Float64Array[]> {
  const step = compile((x: Tensor) => softmax(model.forward(recipe.prepare(x, false)), 1), { state: [model] });
  const classes = recipe.data.classes.length;
  const rows: Float64Array[] = [];
  model.eval();
  for await (const { images } of new DataLoader(test, { batchSize: testBatch })) {
    const data = await step(images).data(); // [N, C]
    for (let i = 0; i < data.length; i += classes) rows.push(Float64Array.from(data.subarray(i, i + classes)));
  }
  return rows;
}

const largest = (row: Float64Array): number => row.reduce((best, p, i) => (p > row[best] ? i : best), 0);

/** Example `index` of the test set as a picture. */
function pictureOf({ test }: LoadedData, index: number): Picture {
  const { data, shape } = test.arrays.images; // [N, 1, H, W]
  const [, , height, width] = shape;
  const levels = data.subarray(index * height * width, (index + 1) * height * width);
  return { width, height, channels: 1, pixels: Uint8Array.from(levels, (v) => Math.round(255 * v)) };
}

/** Cross-entropy, confusion counts, and the mistakes with the most confident first. */
function judge(
  rows: readonly Float64Array[],
  { data, recipe }: Session,
): Pick<RunRecord, "testLoss" | "confusion" | "mistakes"> {
  const truths = data.test.arrays.labels.data;
  const confusion = recipe.data.classes.map(() => recipe.data.classes.map(() => 0));
  const wrong: Omit<Mistake, "picture">[] = [];
  let surprise = 0;
  rows.forEach((row, index) => {
    const [truth, predicted] = [truths[index], largest(row)];
    surprise -= Math.log(Math.max(row[truth], Number.MIN_VALUE));
    confusion[truth][predicted]++;
    if (truth !== predicted)
      wrong.push({ index, truth, predicted, probability: row[predicted], truthProbability: row[truth] });
  });
  const most = wrong.sort((a, b) => b.probability - a.probability || a.index - b.index).slice(0, mistakesShown);
  const testLoss = surprise / rows.length;
  return {
    testLoss,
    confusion,
    mistakes: most.map((mistake) => ({ ...mistake, picture: pictureOf(data, mistake.index) })),
  };
}

function layersOf(recipe: Recipe, model: Trainable): LayerRow[] {
  const tensors = Object.entries(stateDict(model));
  return summary(model, [1, ...recipe.input])
    .rows.filter((row) => row.path !== "" || row.parameters > 0)
    .map(({ path, type, outputShape, parameters }) => ({
      path,
      kind: type,
      output: outputShape?.slice(1) ?? [],
      parameters,
      tensors: tensors
        .filter(([name]) => name.slice(0, name.lastIndexOf(".")) === path)
        .map(([name, x]) => `${name.slice(path.length + 1)} [${x.shape.join(", ")}]`)
        .join(", "),
    }));
}

function settingsOf({ run, recipe }: Session): RunRecord["settings"] {
  const { epochs, batch, lr, seed, device } = run.settings;
  const processors = cpus();
  return [
    {
      name: "Training",
      rows: [
        ["epochs", `${epochs}`],
        ["batch", `${batch}`],
        ["learning rate", `${lr} at its highest`],
        ...recipe.method,
        ["seed", `${seed}`],
      ],
    },
    {
      name: "Data",
      rows: [
        ["source", run.data.source],
        ["training", `${count(run.data.train)} pictures`],
        ["test", `${count(run.data.test)} pictures`],
        ["SHA-256", run.data.sha256],
      ],
    },
    {
      name: "Machine",
      rows: [
        ["device", device],
        ["processor", `${processors[0]?.model.trim() ?? "unknown"}, ${processors.length} cores`],
        ["system", `${process.platform} ${process.arch}`],
      ],
    },
    { name: "Versions", rows: Object.entries(run.versions) },
  ];
}

/** All of the run, for its report. */
export async function recordOf(
  session: Session,
  model: Trainable,
  history: readonly EpochRecord[],
): Promise<RunRecord> {
  const { recipe, run, data, flags } = session;
  return {
    name: flags.name ?? run.settings.recipe,
    title: titleOf(session),
    command: `${commandOf(session)} ${settingFlags(run.settings)}`,
    startedAt: `${run.startedAt.slice(0, 16).replace("T", " ")} UTC`,
    seconds: history.reduce((sum, { seconds }) => sum + seconds, 0),
    plannedEpochs: run.settings.epochs,
    epochs: history.map(metricsOf),
    classes: recipe.data.classes,
    ...judge(await probabilities(recipe, model, data), session),
    layers: layersOf(recipe, model),
    settings: settingsOf(session),
    version: run.versions.typegrad,
  };
}
