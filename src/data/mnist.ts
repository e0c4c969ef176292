/** The MNIST handwritten digits (LeCun, Cortes, Burges 1998), and data sets that are published in the same files. */
import { ArgumentError, FileError, FormatError } from "../index.js";
import { type HostArray, fileExists, parseIdx, readFile } from "../io/index.js";
import { type ArrayDataset, arrayDataset } from "./dataset.js";
import { type DownloadOptions, type RemoteFile, download } from "./download.js";
import { cacheFolder, dataFolders } from "./folders.js";

/** Pictures and what they show. */
export interface LabelledImages {
  /** float32 `[N, 1, rows, columns]`, from 0 to 1. */
  readonly images: HostArray;
  /** int32 `[N]`. */
  readonly labels: HostArray;
}

/** Options of `mnist`. */
export interface MnistOptions extends DownloadOptions {
  /** A folder that holds the files, plain or packed with gzip; there a download goes, too. */
  readonly root?: string;
  /** `"train"` (60,000, the default) or `"test"` (10,000). */
  readonly split?: "train" | "test";
  /** Whether what is not found may be downloaded; true by default. */
  readonly download?: boolean;
  /** How many examples to use, from the first on. */
  readonly limit?: number;
  /** Addresses of folders to download from. */
  readonly homes?: readonly string[];
}

/** Mirrors of the original files: PyTorch's, and that of the Common Visual Data Foundation, which TensorFlow uses. */
const publicHomes = [
  "https://ossci-datasets.s3.amazonaws.com/mnist",
  "https://storage.googleapis.com/cvdf-datasets/mnist",
];

/** The files as published. */
const files: Readonly<Record<"train" | "test", { images: RemoteFile; labels: RemoteFile }>> = {
  train: {
    images: {
      name: "train-images-idx3-ubyte.gz",
      bytes: 9_912_422,
      sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    },
    labels: {
      name: "train-labels-idx1-ubyte.gz",
      bytes: 28_881,
      sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    },
  },
  test: {
    images: {
      name: "t10k-images-idx3-ubyte.gz",
      bytes: 1_648_877,
      sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    },
    labels: {
      name: "t10k-labels-idx1-ubyte.gz",
      bytes: 4_542,
      sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
  },
};

/**
 * The MNIST digits as `{ images: float32[N,1,28,28], labels: int32[N] }`.
 *
 * They are looked for in `root`, then in the folder that `TYPEGRAD_DATA` names, then in the user's cache folder, each with
 * its subfolder `mnist`; what is found nowhere is downloaded, checked, and kept in `root` or the cache folder.
 *
 * @throws FileError when the files are nowhere and cannot be downloaded; FormatError when they are damaged.
 */
export async function mnist(options: MnistOptions = {}): Promise<ArrayDataset<LabelledImages>> {
  const { split = "train", limit = Infinity } = options;
  if (!Object.hasOwn(files, split))
    throw new ArgumentError(`mnist: split must be "train" or "test", got ${JSON.stringify(split)}. choose one of them`);
  if (limit !== Infinity && (!Number.isInteger(limit) || limit < 1))
    throw new ArgumentError(`mnist: limit must be an integer of at least 1, got ${limit}. leave it out for all`);
  const { images, labels } = await findFiles(split, options);
  return arrayDataset(await labelledImages(images, labels, limit));
}

/** The bytes of a file, and a name for messages. */
interface Source {
  readonly name: string;
  readonly bytes: Uint8Array;
}

async function findFiles(split: "train" | "test", options: MnistOptions): Promise<{ images: Source; labels: Source }> {
  const folders = dataFolders("mnist", options.root);
  const { images, labels } = files[split];
  for (const folder of folders) {
    const [imagesPath, labelsPath] = await Promise.all([pathIn(folder, images), pathIn(folder, labels)]);
    if (imagesPath !== undefined && labelsPath !== undefined)
      return { images: await read(imagesPath), labels: await read(labelsPath) };
  }
  if (options.download === false)
    throw new FileError(
      `mnist: ${images.name} and ${labels.name} must lie in one folder, got neither in ${folders.join(", ")}. put them into one and name it with TYPEGRAD_DATA or root, or allow the download`,
    );
  const folder = options.root ?? `${cacheFolder()}/mnist`;
  const fetched = async (file: RemoteFile): Promise<Source> => {
    const path = `${folder}/${file.name}`;
    if (await fileExists(path)) return read(path);
    return { name: path, bytes: await download(file, options.homes ?? publicHomes, path, options) };
  };
  return { labels: await fetched(labels), images: await fetched(images) };
}

const read = async (path: string): Promise<Source> => ({ name: path, bytes: await readFile(path) });

/** Where a folder holds a file: packed as published, unpacked, or under the name that other sites give it. */
async function pathIn(folder: string, { name }: RemoteFile): Promise<string | undefined> {
  const plain = name.replace(/\.gz$/, "");
  for (const candidate of [name, plain, plain.replace("-idx", ".idx")])
    if (await fileExists(`${folder}/${candidate}`)) return `${folder}/${candidate}`;
  return undefined;
}

/**
 * Pictures and labels from the bytes of two idx files of unsigned bytes, plain or packed.
 *
 * @throws FormatError when a file is damaged or the two do not belong together.
 */
export async function labelledImages(images: Source, labels: Source, limit = Infinity): Promise<LabelledImages> {
  const pixels = await bytesOf(images, 3);
  const classes = await bytesOf(labels, 1);
  const [found, rows, columns] = pixels.shape;
  if (found !== classes.shape[0])
    throw new FormatError(
      `mnist: pictures and labels must be equally many, got ${found} in ${images.name} and ${classes.shape[0]} in ${labels.name}`,
    );
  const count = Math.min(limit, found);
  return {
    images: grey(pixels.data.subarray(0, count * rows * columns), [count, 1, rows, columns]),
    labels: { dtype: "int32", shape: [count], data: Int32Array.from(classes.data.subarray(0, count)) },
  };
}

async function bytesOf({ name, bytes }: Source, rank: number): Promise<{ shape: readonly number[]; data: Uint8Array }> {
  const { shape, data } = await parseIdx(bytes, name);
  if (!(data instanceof Uint8Array) || shape.length !== rank)
    throw new FormatError(
      `${name}: it must hold unsigned bytes of rank ${rank}, got ${data.constructor.name} of rank ${shape.length}. is it another file?`,
    );
  return { shape, data };
}

/** Grey levels from 0 to 1. */
export function grey(levels: Uint8Array, shape: readonly number[]): HostArray {
  const unit = Float32Array.from({ length: 256 }, (_, level) => level / 255);
  const data = new Float32Array(levels.length);
  for (let i = 0; i < levels.length; i++) data[i] = unit[levels[i]];
  return { dtype: "float32", shape, data };
}
