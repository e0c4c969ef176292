/** `typegrad train` */
import { join } from "node:path";
import { DataLoader } from "../data/index.js";
import { random } from "../index.js";
import { writeFileAtomic } from "../io/index.js";
import { crossEntropy } from "../nn/index.js";
import {
  type BatchEvent,
  type Callback,
  type FitResult,
  type Progress,
  type Trainable,
  accuracy,
  fit,
} from "../train/index.js";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { type Position, type ProgressDisplay, progressDisplay } from "./progress.js";
import { errorsOf } from "./record.js";
import { report } from "./report.js";
import { metricsOf, recordOf, testBatch } from "./results.js";
import { files } from "./run.js";
import { type Session, type TrainFlags, commandOf, openSession, titleOf } from "./session.js";
import { count, duration, percent, plural } from "./text.js";

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
    await writeReport(session, model, result, display.line);
    if (result.reason !== "interrupted") return 0;
    display.line(`stopped. go on with: ${commandOf(session)} --resume`);
    return interrupted;
  } finally {
    stop.release();
    display.close();
  }
}

/** The model as the seed makes it. */
function freshModel({ recipe, run }: Session): Trainable {
  random.manualSeed(run.settings.seed);
  return recipe.model();
}

/** Trains from the checkpoint, or from the beginning, until the epochs are done or the signal comes. */
async function learn(
  session: Session,
  model: Trainable,
  display: ProgressDisplay,
  signal: AbortSignal,
): Promise<FitResult> {
  const { recipe, run, data, folder, flags } = session;
  const { epochs, batch, lr, seed } = run.settings;
  const batches = new DataLoader(data.train, { batchSize: batch, shuffle: true, seed });
  const resume = session.resumed ? await readCheckpoint(folder) : undefined;
  if (resume) display.line(standing(resume.progress, epochs, batches.length));
  return fit(model, {
    data: batches,
    pair: ({ images, labels }) => [images, labels],
    forward: (m, x) => m.forward(recipe.prepare(x, m.training)),
    loss: crossEntropy,
    optimizer: recipe.optimizer(lr, epochs * batches.length),
    epochs,
    validation: new DataLoader(data.test, { batchSize: testBatch }),
    validationName: "test",
    metrics: { accuracy: accuracy() },
    callbacks: [shownOn(display, batches)],
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
  { length, dataset }: { length: number; dataset: { length: number } },
): Callback {
  let breathed = 0;
  return {
    async onBatch(event) {
      if (performance.now() - breathed > 50) {
        await breathe();
        breathed = performance.now();
      }
      if (display.due()) display.show(await positionOf(event, length, dataset.length));
    },
    onEpoch({ record }) {
      const { epoch, trainLoss, testLoss, testAccuracy, seconds, imagesPerSecond } = metricsOf(record);
      const test = `test loss ${testLoss.toFixed(4)}  test accuracy ${percent(testAccuracy)}`;
      display.line(
        `epoch ${epoch}  loss ${trainLoss.toFixed(4)}  ${test}  ${count(imagesPerSecond)} images/s  ${duration(seconds)}`,
      );
    },
  };
}

async function positionOf(event: BatchEvent, batches: number, examples: number): Promise<Position> {
  const { epoch, epochs, batch, examplesPerSecond } = event;
  const { trainLoss, trainAccuracy } = await event.measured();
  return {
    epoch,
    epochs,
    batch,
    batches,
    loss: Number(trainLoss),
    accuracy: Number(trainAccuracy),
    imagesPerSecond: examplesPerSecond,
    secondsLeft: (examples * (epochs - epoch + 1) - event.examples) / examplesPerSecond,
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
  const [wrong, all] = errorsOf(record.confusion);
  say(
    `test accuracy ${percent(1 - wrong / all)}, ${plural(history.length, "epoch")} in ${duration(record.seconds)}; report: ${path}`,
  );
}
