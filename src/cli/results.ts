/** What a trained run gave: its test set looked at one by one, and all of it as a record. */
import { cpus } from "node:os";
import { type Tensor, compile } from "../index.js";
import { stateDict, summary } from "../nn/index.js";
import type { EpochRecord, Trainable } from "../train/index.js";
import type { EpochMetrics, LayerRow, RunRecord } from "./record.js";
import { type Facts, type Task, type Tested, inputDType, inRecord } from "./registry/task.js";
import { type Session, heldOutName, titleOf, wholeCommandOf } from "./session.js";
import { count } from "./text.js";

/** The part of an epoch's record that everything here is about. */
export function metricsOf(record: EpochRecord, { measure }: Task, heldOut: string): EpochMetrics {
  return {
    epoch: record.epoch,
    trainLoss: Number(record.trainLoss),
    trainMeasure: Number(record[inRecord("train", measure)]),
    heldOutLoss: Number(record[`${heldOut}Loss`]),
    heldOutMeasure: Number(record[inRecord(heldOut, measure)]),
    seconds: record.seconds,
    examplesPerSecond: record.examplesPerSecond,
    learningRate: record.learningRate,
  };
}

/** A model in evaluation mode with what it gives for inputs as they are in the data. */
export function runner(model: Trainable, { prepare }: Task, facts: Facts): Pick<Tested, "model" | "run"> {
  model.eval();
  return { model, run: compile((x: Tensor) => model.forward(prepare(x, facts)), { state: [model] }) };
}

function layersOf(task: Task, facts: Facts, model: Trainable): LayerRow[] {
  const tensors = Object.entries(stateDict(model));
  return summary(model, [1, ...facts.input], { dtype: inputDType(task, facts) })
    .rows.filter((row) => row.path !== "" || row.parameters > 0)
    .map(({ path, type, outputShape, parameters }) => ({
      path,
      kind: type,
      output: outputShape?.slice(1) ?? null,
      parameters,
      tensors: tensors
        .filter(([name]) => name.slice(0, name.lastIndexOf(".")) === path)
        .map(([name, x]) => `${name.slice(path.length + 1)} [${x.shape.join(", ")}]`)
        .join(", "),
    }));
}

function settingsOf({ run, plan }: Session): RunRecord["settings"] {
  const { epochs, batch, lr, seed, device } = run.settings;
  const { examples } = plan.model.task;
  const processors = cpus();
  return [
    {
      name: "Training",
      rows: [
        ["epochs", `${epochs}`],
        ["batch", `${batch}`],
        ["learning rate", `${lr} at its highest`],
        ...plan.recipe.method,
        ["seed", `${seed}`],
      ],
    },
    {
      name: "Data",
      rows: [
        ["source", run.data.source],
        ["training", `${count(run.data.train)} ${examples}`],
        ["test", `${count(run.data.test)} ${examples}`],
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
  const { plan, run, data, flags } = session;
  const { task } = plan.model;
  const { facts, test } = data;
  const heldOut = heldOutName(run.settings);
  return {
    name: flags.name ?? run.settings.recipe,
    title: titleOf(session),
    command: wholeCommandOf(session),
    startedAt: `${run.startedAt.slice(0, 16).replace("T", " ")} UTC`,
    seconds: history.reduce((sum, { seconds }) => sum + seconds, 0),
    plannedEpochs: run.settings.epochs,
    epochs: history.map((record) => metricsOf(record, task, heldOut)),
    heldOut,
    examples: task.examples,
    lossName: task.lossName,
    measure: task.measure,
    judgement: await task.judge({ ...runner(model, task, facts), facts, test }),
    published: plan.recipe.published ?? [],
    layers: layersOf(task, facts, model),
    settings: settingsOf(session),
    version: run.versions.typegrad,
  };
}
