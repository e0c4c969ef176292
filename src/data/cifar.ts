/** CIFAR-10 and CIFAR-100 (Krizhevsky 2009, "Learning multiple layers of features from tiny images"), in the binary version. */
import { FileError, FormatError } from "../index.js";
import { fileExists, gunzip, isGzip, readFile } from "../io/index.js";
import { type ArrayDataset, arrayDataset } from "./dataset.js";
import { type RemoteFile, download } from "./download.js";
import { cacheFolder, dataFolders } from "./folders.js";
import { type LabelledImages, type PublishedOptions, checkPublished } from "./idx-images.js";
import { Levels } from "./levels.js";
import { parseTar } from "./tar.js";

/** What the labels 0 to 9 of CIFAR-10 stand for. */
export const cifar10Classes: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

const pixels = 3 * 32 * 32;

/** One of the two sets. */
interface Published {
  readonly op: string;
  /** The folder in the archive, and below a data folder. */
  readonly folder: string;
  readonly archive: RemoteFile;
  readonly files: Readonly<Record<"train" | "test", readonly string[]>>;
  /** How many classes each byte before a picture tells of; the last is the label. */
  readonly labels: readonly number[];
}

const homes = ["https://www.cs.toronto.edu/~kriz"];

const ten: Published = {
  op: "cifar10",
  folder: "cifar-10-batches-bin",
  archive: {
    name: "cifar-10-binary.tar.gz",
    bytes: 170_052_171,
    sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
  },
  files: { train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`), test: ["test_batch.bin"] },
  labels: [10],
};

const hundred: Published = {
  op: "cifar100",
  folder: "cifar-100-binary",
  archive: {
    name: "cifar-100-binary.tar.gz",
    bytes: 168_513_733,
    sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
  },
  files: { train: ["train.bin"], test: ["test.bin"] },
  labels: [20, 100], // twenty groups of five classes
};

interface File {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Pictures and labels of files in CIFAR's binary format: records of label bytes and 3,072 levels, red, green, then blue.
 *
 * @throws FormatError when a file is cut off or a label is no class.
 */
function records(set: Published, files: readonly File[], limit: number): LabelledImages {
  const size = set.labels.length + pixels;
  for (const { name, bytes } of files)
    if (bytes.length === 0 || bytes.length % size !== 0)
      throw new FormatError(
        `${set.op}: ${name} must hold records of ${size} bytes, got ${bytes.length} bytes. it is cut off, or of another set`,
      );
  const count = Math.min(
    limit,
    files.reduce((sum, { bytes }) => sum + bytes.length / size, 0),
  );
  const [levels, labels] = [new Uint8Array(count * pixels), new Int32Array(count)];
  let done = 0;
  for (const { name, bytes } of files)
    for (let at = 0; at < bytes.length && done < count; at += size, done++) {
      const wrong = set.labels.findIndex((classes, i) => bytes[at + i] >= classes);
      if (wrong >= 0)
        throw new FormatError(
          `${set.op}: labels must be below ${set.labels[wrong]}, got ${bytes[at + wrong]} at byte ${at + wrong} of ${name}. is it a file of this set?`,
        );
      labels[done] = bytes[at + set.labels.length - 1];
      levels.set(bytes.subarray(at + set.labels.length, at + size), done * pixels);
    }
  return {
    images: new Levels(levels, [count, 3, 32, 32]),
    labels: { dtype: "int32", shape: [count], data: labels },
  };
}

/** The archive's files of a split. */
async function unpacked(set: Published, split: "train" | "test", { name, bytes }: File): Promise<File[]> {
  const tar = isGzip(bytes) ? await gunzip(name, bytes) : bytes;
  const members = parseTar(tar, name);
  return set.files[split].map((file) => {
    const content = members.get(`${set.folder}/${file}`);
    if (content === undefined)
      throw new FormatError(
        `${set.op}: ${name} must hold ${set.folder}/${file}, got ${[...members.keys()].slice(0, 5).join(", ") || "no files"}. is it the binary version?`,
      );
    return { name: file, bytes: content };
  });
}

async function findFiles(set: Published, options: PublishedOptions): Promise<File[]> {
  const { split = "train" } = options;
  const folders = dataFolders(set.folder, options.root);
  const read = async (path: string): Promise<File> => ({ name: path, bytes: await readFile(path, set.op) });
  for (const folder of folders) {
    const paths = set.files[split].map((file) => `${folder}/${file}`);
    const present = await Promise.all(paths.map((path) => fileExists(path, set.op)));
    if (present.every(Boolean)) return Promise.all(paths.map(read));
    const archive = `${folder}/${set.archive.name}`;
    if (await fileExists(archive, set.op)) return unpacked(set, split, await read(archive));
  }
  if (options.download === false)
    throw new FileError(
      `${set.op}: ${set.archive.name}, or ${set.files[split].join(", ")}, must lie in one folder, got neither in ${folders.join(", ")}. put them into one and name it with TYPEGRAD_DATA or root, or allow the download`,
    );
  const path = `${options.root ?? `${cacheFolder()}/${set.folder}`}/${set.archive.name}`;
  const bytes = await download(set.archive, options.homes ?? homes, path, options);
  return unpacked(set, split, { name: path, bytes });
}

async function load(set: Published, options: PublishedOptions): Promise<ArrayDataset<LabelledImages>> {
  checkPublished(set.op, options);
  return arrayDataset(records(set, await findFiles(set, options), options.limit ?? Infinity));
}

/**
 * CIFAR-10, 50,000 small photographs to train on and 10,000 to test with, as
 * `{ images: float32[N,3,32,32], labels: int32[N] }`.
 *
 * The files `data_batch_1.bin` …, or the archive `cifar-10-binary.tar.gz`, are looked for in `root`, then in the folder
 * that `TYPEGRAD_DATA` names, then in the user's cache folder, each with its subfolder `cifar-10-batches-bin`; an archive
 * that is found nowhere is downloaded, checked, and kept.
 *
 * @throws FileError when the files are nowhere and cannot be downloaded; FormatError when they are damaged.
 */
export const cifar10 = (options: PublishedOptions = {}): Promise<ArrayDataset<LabelledImages>> => load(ten, options);

/**
 * CIFAR-100, as `cifar10`, with a hundred classes: the files `train.bin` and `test.bin`, or `cifar-100-binary.tar.gz`, in
 * the subfolder `cifar-100-binary`. The names of the classes are in the archive's `fine_label_names.txt`.
 *
 * @throws FileError when the files are nowhere and cannot be downloaded; FormatError when they are damaged.
 */
export const cifar100 = (options: PublishedOptions = {}): Promise<ArrayDataset<LabelledImages>> =>
  load(hundred, options);
