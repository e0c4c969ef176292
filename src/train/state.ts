/** What a run needs to go on where it stopped: tensors by name, and a few numbers. */
import type { Tensor } from "../index.js";
import { type StateDict, loadStateDict, stateDict } from "../nn/index.js";
import type { EpochRecord } from "./callbacks.js";

/** Where a run is; plain JSON. */
export interface Progress {
  /** The epoch to go on with, counted from 1. */
  readonly epoch: number;
  /** How many of its batches are done. */
  readonly position: number;
  /** How many examples they had. */
  readonly examples: number;
  /** The best monitored number so far and its epoch. */
  readonly best: { readonly epoch: number; readonly value: number } | null;
  /** The number early stopping compares with, and for how many epochs none was better. */
  readonly reference: number | null;
  readonly waited: number;
  readonly history: readonly EpochRecord[];
}

/**
 * A checkpoint: tensors named `model.…`, `optimizer.…`, `metrics.…`, `generator.…` and, where there are such, `best.…`,
 * `gathered.…` and `average.…`, to be written to safetensors, and progress, to be written as JSON.
 */
export interface TrainState {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly progress: Progress;
}

/** What a run changes, by the first part of its names in a checkpoint. */
export type Parts = Readonly<Record<"model" | "optimizer" | "metrics" | "generator", unknown>> & {
  /** A copy of the model at its best epoch. */
  readonly best?: unknown;
  /** Gradients of batches that the optimizer has not seen yet. */
  readonly gathered?: unknown;
  /** Averages of the parameters. */
  readonly average?: unknown;
};

/** The state of a run as it is now. Its tensors are those in use: read them before the next step. */
export function takeState(parts: Parts, progress: Progress): TrainState {
  const tensors = Object.entries(parts).flatMap(([part, tree]) =>
    Object.entries(stateDict(tree)).map(([name, x]): [string, Tensor] => [`${part}.${name}`, x]),
  );
  return { tensors: Object.fromEntries(tensors), progress };
}

/** Puts a state back; a `ShapeError` when it is of another model, optimizer or set of metrics. */
export function restoreState(state: TrainState, parts: Parts): Progress {
  for (const [part, tree] of Object.entries(parts)) {
    const own: StateDict = {};
    for (const [name, x] of Object.entries(state.tensors))
      if (name.startsWith(`${part}.`)) own[name.slice(part.length + 1)] = x;
    loadStateDict(tree, own);
  }
  return state.progress;
}
