/** What is known about a run, as plain data: the report is a function of it and of nothing else. */
import type { Picture } from "../plot/index.js";

/** One line of `metrics.jsonl`. */
export interface EpochMetrics {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  /** Training of this epoch, since the run was last started. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
  readonly learningRate: number;
}

/** A test picture that the model takes for something else. */
export interface Mistake {
  /** Position in the test set. */
  readonly index: number;
  readonly picture: Picture;
  /** Class numbers, and the probabilities that the model gives to both. */
  readonly truth: number;
  readonly predicted: number;
  readonly probability: number;
  readonly truthProbability: number;
}

/** A row of the model summary. */
export interface LayerRow {
  readonly path: string;
  readonly kind: string;
  readonly output: readonly number[];
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
  readonly classes: readonly string[];
  /** Of the model as it is now, which is past its last epoch when the run was stopped inside one. */
  readonly testLoss: number;
  /** Rows are true classes, columns predictions, over the test set; of the model as it is now. */
  readonly confusion: readonly (readonly number[])[];
  /** Some or all of the mistakes, the most confident first. */
  readonly mistakes: readonly Mistake[];
  readonly layers: readonly LayerRow[];
  /** Names and values, in groups that have a name. */
  readonly settings: readonly { readonly name: string; readonly rows: readonly (readonly [string, string])[] }[];
  readonly version: string;
}

/** How many of all test pictures are taken for another class. */
export function errorsOf(confusion: RunRecord["confusion"]): [wrong: number, all: number] {
  const all = confusion.flat().reduce((a, b) => a + b, 0);
  return [all - confusion.reduce((sum, row, i) => sum + row[i], 0), all];
}
