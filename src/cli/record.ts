/** What is known about a run, as plain data: the report is a function of it and of nothing else. */
import type { Judgement, Measure } from "./registry/task.js";

/** One line of `metrics.jsonl`. What is held out is the test set, or a part of the training set. */
export interface EpochMetrics {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainMeasure: number;
  readonly heldOutLoss: number;
  readonly heldOutMeasure: number;
  /** Training of this epoch, since the run was last started. */
  readonly seconds: number;
  readonly examplesPerSecond: number;
  readonly learningRate: number;
}

/** A row of the model summary. */
export interface LayerRow {
  readonly path: string;
  readonly kind: string;
  readonly output: readonly number[] | null;
  readonly parameters: number;
  /** Its tensors with their shapes. */
  readonly tensors: string;
}

export interface RunRecord {
  readonly name: string;
  /** What was trained on what, for people. */
  readonly title: string;
  /** The command that gives this run again. */
  readonly command: string;
  readonly startedAt: string;
  /** Time spent over all sessions of the run. */
  readonly seconds: number;
  readonly plannedEpochs: number;
  readonly epochs: readonly EpochMetrics[];
  /** What is held out in training: `test` or `validation`. */
  readonly heldOut: string;
  readonly examples: string;
  readonly lossName: string;
  readonly measure: Measure;
  /** Of the model as it is now, which is past its last epoch when the run was stopped inside one. */
  readonly judgement: Judgement;
  /** What others reached, where it is known. */
  readonly published: readonly { readonly data: string; readonly text: string; readonly source: string }[];
  readonly layers: readonly LayerRow[];
  /** Names and values, in groups that have a name. */
  readonly settings: readonly { readonly name: string; readonly rows: readonly (readonly [string, string])[] }[];
  readonly version: string;
}

export const parametersOf = (layers: readonly LayerRow[]): number =>
  layers.reduce((sum, row) => sum + row.parameters, 0);
