/** A run's state on disk: what changes while it trains. */
import { join } from "node:path";
import { FormatError, type Tensor } from "../index.js";
import { fileExists, loadWithMetadata, readFile, save, writeFileAtomic } from "../io/index.js";
import { stateDict, StateDictError } from "../nn/index.js";
import type { EpochRecord, Progress, TrainState } from "../train/index.js";
import { files, hasFields, isNumber, isObject, orNull, parseJson } from "./run.js";

/** Where a run is, without its history, which `metrics.jsonl` holds: so equal runs have equal checkpoints, however long they took. */
type Place = Omit<Progress, "history">;

const isPlace = hasFields<Place>({
  epoch: isNumber,
  position: isNumber,
  examples: isNumber,
  best: orNull(hasFields<{ epoch: number; value: number }>({ epoch: isNumber, value: isNumber })),
  reference: orNull(isNumber),
  waited: isNumber,
});
const isRecord = (value: unknown): value is EpochRecord =>
  isObject(value) && ["epoch", "seconds", "examplesPerSecond", "learningRate"].every((name) => isNumber(value[name]));

/** Writes the model alone, as it is evaluated. */
export const writeModel = (folder: string, model: unknown): Promise<void> =>
  save(join(folder, files.model), stateDict(model));

const modelPrefix = "model.";

/**
 * Writes the metrics, the checkpoint and the bare model, in this order: whenever the program dies, the metrics hold every
 * epoch that the checkpoint has behind it. The checkpoint is one file that is there whole, the old one or the new.
 */
export async function writeCheckpoint(folder: string, state: TrainState): Promise<void> {
  const { history, ...place } = state.progress;
  await writeFileAtomic(join(folder, files.metrics), history.map((record) => `${JSON.stringify(record)}\n`).join(""));
  await save(join(folder, files.checkpoint), state.tensors, { metadata: { progress: JSON.stringify(place) } });
  await save(join(folder, files.model), modelIn(state));
}

/** `f`, which puts tensors of a file into a model; when they do not fit, the error names the file. */
export async function fitting<T>(path: string, title: string, f: () => T | Promise<T>): Promise<T> {
  try {
    return await f();
  } catch (cause) {
    if (!(cause instanceof StateDictError)) throw cause;
    const { differences } = cause;
    const shown = differences.length > 100 ? `${differences.slice(0, 100)} …` : differences;
    throw new FormatError(
      `${path}: it must hold the tensors of ${title}, got those of another model (${shown}). put the run's own file back, or start a run of another --name`,
      { cause },
    );
  }
}

/** The records of the epochs before `end`, every one of them. */
async function readHistory(path: string, end: number): Promise<EpochRecord[]> {
  const lines = new TextDecoder()
    .decode(await readFile(path))
    .split("\n")
    .filter((line) => line !== "");
  const records = lines.map((line) => parseJson(path, line, isRecord)).filter(({ epoch }) => epoch < end);
  const epochs = records.map(({ epoch }) => epoch);
  if (epochs.length !== end - 1 || epochs.some((epoch, i) => epoch !== i + 1))
    throw new FormatError(
      `${path}: must have the epochs before ${end}, got ${epochs.join(", ") || "none"}. start a run of another --name`,
    );
  return records;
}

/** The state that a run goes on from; `undefined` when it has not come to its first checkpoint. */
export async function readCheckpoint(folder: string): Promise<TrainState | undefined> {
  const path = join(folder, files.checkpoint);
  if (!(await fileExists(path))) return undefined;
  const { tensors, metadata } = await loadWithMetadata(path);
  const place = parseJson(path, metadata.progress ?? "", isPlace);
  const history = await readHistory(join(folder, files.metrics), place.epoch);
  return { tensors, progress: { ...place, history } };
}

/** The model's tensors in a state, by their own names. */
export const modelIn = ({ tensors }: TrainState): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(tensors).flatMap(([name, x]) =>
      name.startsWith(modelPrefix) ? [[name.slice(modelPrefix.length), x] as const] : [],
    ),
  );

/** The tensors of a run's model by name. */
export const readModel = async (folder: string): Promise<Record<string, Tensor>> =>
  (await loadWithMetadata(join(folder, files.model))).tensors;
