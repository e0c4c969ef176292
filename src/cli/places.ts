/** Data as people name them: by the name of a set, by a folder, or both. */
import { stat } from "node:fs/promises";
import { dataNames } from "./registry/index.js";
import { didYouMean, UsageError } from "./usage.js";

/** What was typed. */
export interface DataFlags {
  /** The name of a data set, or a folder with the files of the usual one. */
  readonly data?: string;
  readonly dataDir?: string;
}

/** A data set by name, and the folder to take it from, if one was named. */
export interface DataPlace {
  readonly name: string | undefined;
  readonly folder: string | undefined;
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** What `--data` and `--data-dir` say together. */
export async function placeOf({ data, dataDir }: DataFlags): Promise<DataPlace> {
  const names: readonly string[] = dataNames();
  if (data === undefined || names.includes(data)) return { name: data, folder: dataDir };
  if (dataDir !== undefined)
    throw new UsageError(`--data must be a name beside --data-dir, got "${data}". there are ${names.join(", ")}`);
  if (!/[/\\]/.test(data) && !(await isFolder(data)))
    throw new UsageError(`--data must be ${names.join(", ")} or a folder, got "${data}".${didYouMean(data, names)}`);
  return { name: undefined, folder: data };
}
