/** `typegrad predict` */
import { basename } from "node:path";
import { readFile, writeFileAtomic } from "../io/index.js";
import { random } from "../index.js";
import { runner } from "./results.js";
import { readTrained } from "./trained.js";

export interface PredictFlags {
  readonly device: string;
  readonly seed: number;
  /** Where an answer that is a file goes, without its extension. */
  readonly out: string;
}

/** Prints what a trained model answers to a file, or to nothing where it needs none. */
export async function predict(
  folder: string,
  file: string | undefined,
  flags: PredictFlags,
  out: NodeJS.WriteStream,
): Promise<number> {
  const { run, plan, model } = await readTrained(folder, flags.device);
  const { task } = plan.model;
  random.manualSeed(flags.seed);
  const lines = await task.predict({
    ...runner(model, task, run.data.facts),
    facts: run.data.facts,
    data: plan.data,
    file: file === undefined ? null : { name: basename(file), bytes: await readFile(file, "predict") },
    write: async (bytes, extension) => {
      const path = `${flags.out}.${extension}`;
      await writeFileAtomic(path, bytes, "predict: --out");
      return path;
    },
  });
  for (const line of lines) out.write(`${line}\n`);
  return 0;
}
