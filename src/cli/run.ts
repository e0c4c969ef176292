/** The folder of a run: what is in it, how it is read back, and what must agree before it goes on. */
import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FileError, FormatError, messageOf } from "../index.js";
import { makeFolder, writeFileAtomic } from "../io/index.js";
import type { Facts } from "./registry/task.js";
import { UsageError } from "./usage.js";

/** What decides every number of a run, besides its data. */
export interface Settings {
  readonly recipe: string;
  /** The data set's name. */
  readonly data: string;
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  readonly seed: number;
  readonly device: string;
  /** The share of the training data that is held out to watch the run with; 0 watches with the test data. */
  readonly valSplit: number;
  /** For how many epochs the held-out measure may stay as it is; 0 trains all epochs. */
  readonly patience: number;
}

/** What was trained on; `sha256` is over the examples, so data that changed is seen. */
export interface DataFacts {
  readonly source: string;
  /** The folder that `--data` named. */
  readonly folder: string | null;
  readonly train: number;
  readonly test: number;
  readonly sha256: string;
  readonly facts: Facts;
}

/** `run.json` */
export interface RunFile {
  readonly settings: Settings;
  readonly data: DataFacts;
  readonly startedAt: string;
  readonly versions: Readonly<Record<string, string>>;
}

export const files = {
  run: "run.json",
  checkpoint: "checkpoint.safetensors",
  model: "model.safetensors",
  metrics: "metrics.jsonl",
  report: "report.html",
} as const;

type Fields<T> = { readonly [K in keyof T]: (value: unknown) => value is T[K] };

export const isText = (value: unknown): value is string => typeof value === "string";
export const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
/** Or `null`. */
export const orNull =
  <T>(holds: (value: unknown) => value is T) =>
  (value: unknown): value is T | null =>
    value === null || holds(value);
/** Checks every named field of an object. */
export const hasFields =
  <T>(fields: Fields<T>) =>
  (value: unknown): value is T =>
    isObject(value) && Object.entries<(field: unknown) => boolean>(fields).every(([key, holds]) => holds(value[key]));
const isTexts = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) && Object.values(value).every(isText);

export const listOf =
  <T>(holds: (value: unknown) => value is T) =>
  (value: unknown): value is readonly T[] =>
    Array.isArray(value) && value.every(holds);
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";

const isRunFile = hasFields<RunFile>({
  settings: hasFields<Settings>({
    recipe: isText,
    data: isText,
    epochs: isNumber,
    batch: isNumber,
    lr: isNumber,
    seed: isNumber,
    device: isText,
    valSplit: isNumber,
    patience: isNumber,
  }),
  data: hasFields<DataFacts>({
    source: isText,
    folder: orNull(isText),
    train: isNumber,
    test: isNumber,
    sha256: isText,
    facts: hasFields<Facts>({
      input: listOf(isNumber),
      outputs: isNumber,
      names: listOf(isText),
      mean: listOf(isNumber),
      deviation: listOf(isNumber),
      mirrors: isBoolean,
    }),
  }),
  startedAt: isText,
  versions: isTexts,
});

/** JSON that holds what `holds` checks, or a `FormatError` that names the file. */
export function parseJson<T>(path: string, text: string, holds: (value: unknown) => value is T): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${path}: must be JSON, got ${messageOf(cause)}. start a run of another name`, {
      cause,
    });
  }
  if (holds(value)) return value;
  throw new FormatError(
    `${path}: must be what typegrad train writes there, got something else. start a run of another name`,
  );
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The run in a folder. */
export async function readRun(folder: string): Promise<RunFile> {
  const path = join(folder, files.run);
  if (!(await exists(path)))
    throw new UsageError(
      `there must be a run in "${folder}", got no ${files.run} there. train one: typegrad train lenet5`,
    );
  return parseJson(path, await readFile(path, "utf8"), isRunFile);
}

export const writeRun = (folder: string, run: RunFile): Promise<void> =>
  writeFileAtomic(join(folder, files.run), `${JSON.stringify(run, null, 2)}\n`);

/** Fails unless a new run may be written there: the folder can be made and no run is in it. */
export async function claimFolder(folder: string): Promise<void> {
  if (await exists(join(folder, files.run)))
    throw new UsageError(`there is a run in "${folder}" already. go on with it by --resume, or choose another --name`);
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (cause) {
    const own = cause instanceof FileError ? cause.cause : cause;
    const reason = own instanceof Error && "code" in own ? own.code : own;
    throw new FileError(
      `the run's folder must be writable, got ${reason} for "${resolve(folder)}". choose another --out`,
      { cause },
    );
  }
}

/** Settings as they are typed. */
const typedAs: Readonly<Record<keyof Settings, string>> = {
  recipe: "the model",
  data: "--data",
  epochs: "--epochs",
  batch: "--batch",
  lr: "--lr",
  seed: "--seed",
  device: "--device",
  valSplit: "--val-split",
  patience: "--patience",
};

const settingNames = (): (keyof Settings)[] =>
  Object.keys(typedAs).filter((name): name is keyof Settings => name in typedAs);

/** Settings that are named in other ways, and those that are off. */
const isNamed = (settings: Settings, name: keyof Settings): boolean =>
  name === "recipe" || name === "data" || ((name === "valSplit" || name === "patience") && settings[name] === 0);

/** The flags that give a run again, besides its name and data. */
export const settingFlags = (settings: Settings): string =>
  settingNames()
    .filter((name) => !isNamed(settings, name))
    .map((name) => `${typedAs[name]} ${settings[name]}`)
    .join(" ");

/** Fails when settings that were typed are not those of the run, since the run would not be the same any more. */
export function checkSame(run: Settings, typed: Partial<Settings>): void {
  const other = settingNames().filter((name) => typed[name] !== undefined && typed[name] !== run[name]);
  if (other.length === 0) return;
  const list = other.map((name) => `${typedAs[name]} ${typed[name]} where the run has ${run[name]}`);
  throw new UsageError(
    `--resume goes on with the run's own settings, so that its numbers stay the same, got ${list.join(", ")}. leave these out, or start a run of another --name`,
  );
}
