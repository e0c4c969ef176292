/** What a kind of task is: everything that depends on what models take and give. */
import { DataLoader, type Dataset, type DownloadProgress } from "../../data/index.js";
import { type DType, type Tensor, zeros } from "../../index.js";
import type { HostArray } from "../../io/index.js";
import type { AxisOptions } from "../../plot/index.js";
import type { Metric, Trainable } from "../../train/index.js";
import type { Markup } from "../html.js";

/** What goes in, and what should come out. */
export type Example = readonly [input: HostArray, target: HostArray];
export type Examples = Dataset<Example>;

/** What a model must know of the data that it is for. */
export interface Facts {
  /** Shape of one input, such as `[channels, rows, columns]`. */
  readonly input: readonly number[];
  /** How many values an answer chooses from: classes, or levels. */
  readonly outputs: number;
  /** What the classes are called; none where answers are levels. */
  readonly names: readonly string[];
  /** Mean and standard deviation of every channel over the training set. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Whether the mirror image of an example is one, too. */
  readonly mirrors: boolean;
}

/** Examples to train and to test with. */
export interface LoadedData {
  readonly train: Examples;
  readonly test: Examples;
  /** Where they are from, for people. */
  readonly source: string;
  readonly facts: Facts;
  /** Another for other data: a SHA-256 in hexadecimal. */
  readonly sha256: string;
}

/** A file that a person gives. */
export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A data set that has a name. */
export interface DataEntry {
  readonly title: string;
  /** What there are so many of: `handwritten digits`. */
  readonly about: string;
  readonly task: Task;
  /** What is known before anything is read. */
  readonly facts: Facts;
  /** The data of a folder when one is given; otherwise what is found, or downloaded. */
  load(folder: string | undefined, onProgress: (progress: DownloadProgress) => void): Promise<LoadedData>;
  /** The input that a person's file stands for; a `FormatError` that names the file when it stands for none. */
  read(file: GivenFile, facts: Facts): Float32Array | Promise<Float32Array>;
}

/** A model that has a name. */
export interface ModelEntry {
  readonly title: string;
  readonly task: Task;
  /** What data must be for this model, when these are not. */
  readonly refuses?: (facts: Facts) => string | null;
  readonly build: (facts: Facts) => Trainable;
}

/** A number that says how good a model is. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  /** As people read it. */
  readonly text: string;
}

/** A batch on its way into a training step. */
export type Pair = readonly [input: Tensor, target: Tensor];

/** The metric of every epoch by which models of a task are compared. */
export interface Measure {
  /** `accuracy` stands in records as `trainAccuracy` and `testAccuracy`. */
  readonly name: string;
  /** What it is called in texts: `mean IoU`. */
  readonly title: string;
  readonly better: "max" | "min";
  readonly text: (value: number) => string;
  /** What its chart says along the axis. */
  readonly axis: AxisOptions;
}

/** What the measure is called in records: `testAccuracy` over the part `test`. */
export const inRecord = (part: string, { name }: Measure): string => `${part}${name[0].toUpperCase()}${name.slice(1)}`;

/** A trained model before its test set. */
export interface Tested {
  readonly model: Trainable;
  readonly facts: Facts;
  readonly test: Examples;
  /** What the model gives for inputs `[N, …]`, compiled. */
  readonly run: (x: Tensor) => Tensor;
}

/** How good a model is. */
export interface Judgement {
  /** The loss, the measure of the task, and what else is one number. */
  readonly figures: readonly Figure[];
  /** What the report shows at a glance, beside what it shows of every run. */
  readonly cards: readonly (readonly [value: string, name: string])[];
  readonly sections: readonly Markup[];
}

/** What was asked of a trained model. */
export interface Asked {
  readonly model: Trainable;
  readonly facts: Facts;
  readonly data: DataEntry;
  readonly run: (x: Tensor) => Tensor;
  readonly file: GivenFile | null;
  readonly write: (bytes: Uint8Array, extension: string) => Promise<string>;
}

/** A kind of task. */
export interface Task {
  readonly name: string;
  /** What examples are called. */
  readonly examples: string;
  readonly loss: (output: Tensor, target: Tensor) => Tensor;
  readonly lossName: string;
  readonly metrics: (facts: Facts) => Readonly<Record<string, Metric>>;
  readonly measure: Measure;
  /** Inputs as models want them. */
  readonly prepare: (x: Tensor, facts: Facts) => Tensor;
  judge(tested: Tested): Promise<Judgement>;
  /** Answers in lines to print. */
  predict(asked: Asked): Promise<readonly string[]>;
}

/** What models of a task take: floats, or the integers that levels and classes are. */
export const inputDType = ({ prepare }: Task, facts: Facts): DType => prepare(zeros([1, ...facts.input]), facts).dtype;

/** Examples in a batch where nothing is learned: few where they are large. */
export const testBatch = ({ input }: Facts): number =>
  Math.max(1, Math.min(250, Math.floor(2 ** 20 / input.reduce((a, b) => a * b, 1))));

/** What a model gives for a part of its test set; `first` is the position of the first example. */
export interface Answers {
  readonly first: number;
  readonly input: Tensor;
  readonly target: Tensor;
  readonly output: Tensor;
}

/** The test set in its order. */
export async function* answersOf({ run, test, facts }: Tested): AsyncGenerator<Answers> {
  let first = 0;
  for await (const [input, target] of new DataLoader(test, { batchSize: testBatch(facts) })) {
    yield { first, input, target, output: run(input) };
    first += input.shape[0];
  }
}
