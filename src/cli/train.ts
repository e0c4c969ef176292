/** `typegrad train` */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DataLoader, split } from "../data/index.js";
import { type Tensor, random } from "../index.js";
import { fileExists, writeFileAtomic } from "../io/index.js";
import { loadStateDict } from "../nn/index.js";
import { type BatchEvent, type Callback, type FitResult, type Progress, type Trainable, fit } from "../train/index.js";
import { fitting, modelIn, readCheckpoint, writeCheckpoint, writeModel } from "./checkpoint.js";
import { type Position, type ProgressDisplay, progressDisplay } from "./progress.js";
import { type Examples, type Facts, type Pair, type Task, inRecord, testBatch } from "./registry/task.js";
import { report } from "./report.js";
import { metricsOf, recordOf } from "./results.js";
import { files } from "./run.js";
import { type Plan, type Session, type TrainFlags, commandOf, heldOutName, openSession, titleOf } from "./session.js";
import { count, duration, lossText, plural } from "./text.js";

/** Exit code of a program that Ctrl-C ended. */
const interrupted = 130;

/** Trains a model, or goes on with it; gives the exit code. */
export async function train(name: string, flags: TrainFlags, out: NodeJS.WriteStream): Promise<number> {
  const display = progressDisplay(out);
  const session = await openSession(name, flags, display.line);
  const { data, settings } = session.run;
  display.line(`${titleOf(session)}: ${count(data.train)} to learn from, ${count(data.test)} to test with`);
  display.line(`${data.source}; device ${settings.device}, seed ${settings.seed}; into ${session.folder}`);
  const stop = stopOnSignal(display.line);
  try {
    const model = freshModel(session);
    const result = await learn(session, model, display, stop.signal);
    await writeModel(session.folder, model);
    await writeReport(session, model, result, display.line);
    if (result.reason !== "interrupted") return 0;
    display.line(`stopped. go on with: ${commandOf(session)} --resume`);
    return interrupted;
  } catch (error) {
    await leaveUnbegun(session);
    throw error;
  } finally {
    stop.release();
    display.close();
  }
}

/** A run that failed before its first checkpoint leaves its name free. */
async function leaveUnbegun({ folder }: Session): Promise<void> {
  if (await fileExists(join(folder, files.checkpoint))) return;
  await rm(join(folder, files.run), { force: true });
}

/** The model as the seed makes it. */
function freshModel({ plan, run, data }: Session): Trainable {
  random.manualSeed(run.settings.seed);
  return plan.model.build(data.facts);
}

/** What it learns from, and what it is watched with. */
function partsOf({ data, run }: Session): readonly [train: Examples, heldOut: Examples] {
  const { valSplit, seed } = run.settings;
  if (valSplit === 0) return [data.train, data.test];
  const heldOut = Math.max(1, Math.round(valSplit * data.train.length));
  const [train, validation] = split(data.train, [data.train.length - heldOut, heldOut], { seed });
  return [train, validation];
}

/** What a recipe says of learning, as `fit` takes it; `steps` are those of the optimizer. */
export function learningOf(
  { recipe, model: { task } }: Plan,
  facts: Facts,
  model: Trainable,
  lr: number,
  steps: number,
) {
  const { objective, average, accumulate = 1 } = recipe;
  return {
    augment: (pair: Pair) => recipe.augment?.(pair, facts) ?? pair,
    forward: (m: Trainable, x: Tensor) => m.forward(task.prepare(x, facts)),
    loss: task.loss,
    objective: objective && ((m: Trainable, x: Tensor, y: Tensor) => objective(m, task.prepare(x, facts), y)),
    optimizer: recipe.optimizer(lr, steps),
    accumulate,
    average: average && { ...average, of: average.of(model) },
    metrics: task.metrics(facts),
  };
}

/** Trains from the checkpoint, or from the beginning, until the epochs are done or the signal comes. */
async function learn(
  session: Session,
  model: Trainable,
  display: ProgressDisplay,
  signal: AbortSignal,
): Promise<FitResult> {
  const { plan, run, data, folder, flags } = session;
  const { task } = plan.model;
  const { accumulate = 1 } = plan.recipe;
  const { epochs, batch, lr, seed, valSplit, patience } = run.settings;
  const heldOutIs = heldOutName(run.settings);
  const [train, heldOut] = partsOf(session);
  const batches = new DataLoader(train, { batchSize: batch, shuffle: true, seed });
  const resume = session.resumed ? await readCheckpoint(folder) : undefined;
  if (resume) {
    await fitting(join(folder, files.checkpoint), plan.model.title, () => loadStateDict(model, modelIn(resume)));
    display.line(standing(resume.progress, epochs, batches.length));
  }
  return fit(model, {
    ...learningOf(plan, data.facts, model, lr, epochs * Math.ceil(batches.length / accumulate)),
    data: batches,
    epochs,
    validation: new DataLoader(heldOut, { batchSize: testBatch(data.facts) }),
    validationName: heldOutIs,
    // Where the test data is watched, it must decide nothing.
    restoreBest: valSplit > 0,
    monitor: { name: inRecord(heldOutIs, task.measure), mode: task.measure.better },
    earlyStopping: patience > 0 ? { patience } : undefined,
    callbacks: [shownOn(display, session, batches)],
    checkpoint: { save: (state) => writeCheckpoint(folder, state), everyBatches: flags.saveEvery },
    resume,
    signal,
  });
}

const standing = ({ epoch, position }: Progress, epochs: number, steps: number): string =>
  epoch > epochs ? `all ${epochs} epochs are done` : `going on in epoch ${epoch} after ${position} of ${steps} steps`;

/** Lets the program hear signals: steps that compute at once would keep it busy for ever. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function shownOn(
  display: ProgressDisplay,
  { plan, run }: Session,
  { length, dataset }: { length: number; dataset: { length: number } },
): Callback {
  const { task } = plan.model;
  const { measure, examples } = task;
  const heldOut = heldOutName(run.settings);
  let breathed = 0;
  return {
    async onBatch(event) {
      if (performance.now() - breathed > 50) {
        await breathe();
        breathed = performance.now();
      }
      if (display.due()) display.show(await positionOf(event, task, length, dataset.length));
    },
    onEpoch({ record }) {
      const m = metricsOf(record, task, heldOut);
      const test = `${heldOut} loss ${lossText(m.heldOutLoss)}  ${heldOut} ${measure.title} ${measure.text(m.heldOutMeasure)}`;
      const speed = `${count(m.examplesPerSecond)} ${examples}/s`;
      display.line(`epoch ${m.epoch}  loss ${lossText(m.trainLoss)}  ${test}  ${speed}  ${duration(m.seconds)}`);
    },
  };
}

async function positionOf(event: BatchEvent, task: Task, batches: number, all: number): Promise<Position> {
  const { epoch, epochs, batch, examplesPerSecond } = event;
  const { measure, examples } = task;
  const measured = await event.measured();
  return {
    epoch,
    epochs,
    batch,
    batches,
    loss: Number(measured.trainLoss),
    measure: `${measure.title} ${measure.text(Number(measured[inRecord("train", measure)]))}`,
    speed: `${count(examplesPerSecond)} ${examples}/s`,
    secondsLeft: (all * (epochs - epoch + 1) - event.examples) / examplesPerSecond,
  };
}

/** The first Ctrl-C ends training after the step in hand, the second ends the program. */
function stopOnSignal(say: (line: string) => void): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const heard = (): void => {
    if (controller.signal.aborted) process.exit(interrupted);
    controller.abort();
    say("stopping after this step; Ctrl-C once more stops at once");
  };
  process.on("SIGINT", heard).on("SIGTERM", heard);
  return { signal: controller.signal, release: () => void process.off("SIGINT", heard).off("SIGTERM", heard) };
}

/** Writes the report of the epochs that are done, and says how it went. */
async function writeReport(
  session: Session,
  model: Trainable,
  { history }: FitResult,
  say: (line: string) => void,
): Promise<void> {
  if (history.length === 0) return;
  const record = await recordOf(session, model, history);
  const path = join(session.folder, files.report);
  await writeFileAtomic(path, report(record));
  const { measure } = session.plan.model.task;
  const { text } = record.judgement.figures.find(({ name }) => name === measure.name) ?? record.judgement.figures[0];
  const done = `${plural(history.length, "epoch")} in ${duration(record.seconds)}`;
  say(`test ${measure.title} ${text}, ${done}; report: ${path}`);
}
