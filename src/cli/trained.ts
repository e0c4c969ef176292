/** A model that a run has trained, read back. */
import { join } from "node:path";
import { random } from "../index.js";
import { loadStateDict } from "../nn/index.js";
import type { Trainable } from "../train/index.js";
import { fitting, readModel } from "./checkpoint.js";
import { useDevice } from "./device.js";
import { type RunFile, files, readRun } from "./run.js";
import { type Plan, planOf } from "./session.js";

export interface Trained {
  readonly run: RunFile;
  readonly plan: Plan;
  /** In evaluation mode. */
  readonly model: Trainable;
}

/** The model of the run in a folder, on a device. */
export async function readTrained(folder: string, device: string): Promise<Trained> {
  const run = await readRun(folder);
  const plan = planOf(run.settings.recipe, run.settings.data);
  await useDevice(device);
  random.manualSeed(0);
  const model = plan.model.build(run.data.facts).eval();
  const tensors = await readModel(folder);
  await fitting(join(folder, files.model), plan.model.title, () => loadStateDict(model, tensors));
  return { run, plan, model };
}
