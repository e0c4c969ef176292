/** Labelled pictures in pairs of idx files, as MNIST is published, and where such files are found. */
import { ArgumentError, FileError, FormatError, shown } from "../index.js";
import { type HostArray, fileExists, parseIdx, readFile } from "../io/index.js";
import { type ArrayDataset, arrayDataset } from "./dataset.js";
import { type DownloadOptions, type RemoteFile, download } from "./download.js";
import { cacheFolder } from "./folders.js";
import { Levels } from "./levels.js";

/** Pictures and what they show. */
export interface LabelledImages {
  /** float32 `[N, channels, rows, columns]`, from 0 to 1. */
  readonly images: HostArray;
  /** int32 `[N]`. */
  readonly labels: HostArray;
}

/** Options of data sets that are published as files. */
export interface PublishedOptions extends DownloadOptions {
  /** A folder that holds the files; there a download goes, too. */
  readonly root?: string;
  /** The examples to train on (`"train"`, the default) or those held out. */
  readonly split?: "train" | "test";
  /** Whether what is not found may be downloaded; true by default. */
  readonly download?: boolean;
  /** How many examples to use, from the first on. */
  readonly limit?: number;
  /** Addresses of folders to download from. */
  readonly homes?: readonly string[];
}

/** Throws unless the split is one of two and the limit counts examples. */
export function checkPublished(op: string, { split = "train", limit = Infinity }: PublishedOptions): void {
  if (split !== "train" && split !== "test")
    throw new ArgumentError(`${op}: split must be "train" or "test", got ${JSON.stringify(split)}. choose one of them`);
  if (limit !== Infinity && (!Number.isInteger(limit) || limit < 1))
    throw new ArgumentError(`${op}: limit must be an integer of at least 1, got ${shown(limit)}. leave it out for all`);
}

/** A data set in idx files. */
export interface IdxImages {
  /** Of the function that loads it, for messages. */
  readonly op: string;
  /** Its folder below the cache folder. */
  readonly name: string;
  readonly homes: readonly string[];
  /** The files as published. */
  readonly files: Readonly<Record<"train" | "test", { readonly images: RemoteFile; readonly labels: RemoteFile }>>;
}

/** The pictures and labels that lie in one of the folders; what is in none is downloaded to `root` or the cache folder. */
export async function loadIdxImages(
  set: IdxImages,
  folders: readonly string[],
  options: PublishedOptions,
): Promise<ArrayDataset<LabelledImages>> {
  checkPublished(set.op, options);
  const { images, labels } = await findFiles(set, folders, options);
  return arrayDataset(await labelledImages(images, labels, options.limit, set.op));
}

/** The bytes of a file, and a name for messages. */
interface Source {
  readonly name: string;
  readonly bytes: Uint8Array;
}

async function findFiles(
  set: IdxImages,
  folders: readonly string[],
  options: PublishedOptions,
): Promise<{ images: Source; labels: Source }> {
  const { images, labels } = set.files[options.split ?? "train"];
  const read = async (path: string): Promise<Source> => ({ name: path, bytes: await readFile(path, set.op) });
  for (const folder of folders) {
    const [imagesPath, labelsPath] = await Promise.all([images, labels].map((file) => pathIn(set.op, folder, file)));
    if (imagesPath !== undefined && labelsPath !== undefined)
      return { images: await read(imagesPath), labels: await read(labelsPath) };
  }
  if (options.download === false)
    throw new FileError(
      `${set.op}: ${images.name} and ${labels.name} must lie in one folder, got neither in ${folders.join(", ")}. put them into one and name it with TYPEGRAD_DATA or root, or allow the download`,
    );
  const folder = options.root ?? `${cacheFolder()}/${set.name}`;
  const fetched = async (file: RemoteFile): Promise<Source> => {
    const path = `${folder}/${file.name}`;
    if (await fileExists(path, set.op)) return read(path);
    return { name: path, bytes: await download(file, options.homes ?? set.homes, path, options) };
  };
  return { labels: await fetched(labels), images: await fetched(images) };
}

/** Where a folder holds a file: packed as published, unpacked, or under the name that other sites give it. */
async function pathIn(op: string, folder: string, { name }: RemoteFile): Promise<string | undefined> {
  const plain = name.replace(/\.gz$/, "");
  for (const candidate of [name, plain, plain.replace("-idx", ".idx")])
    if (await fileExists(`${folder}/${candidate}`, op)) return `${folder}/${candidate}`;
  return undefined;
}

/**
 * Pictures and labels from the bytes of two idx files of unsigned bytes, plain or packed.
 *
 * @throws FormatError when a file is damaged or the two do not belong together.
 */
export async function labelledImages(
  images: Source,
  labels: Source,
  limit = Infinity,
  op = "labelledImages",
): Promise<LabelledImages> {
  const pixels = await bytesOf(images, 3);
  const classes = await bytesOf(labels, 1);
  const [found, rows, columns] = pixels.shape;
  if (found !== classes.shape[0])
    throw new FormatError(
      `${op}: pictures and labels must be equally many, got ${found} in ${images.name} and ${classes.shape[0]} in ${labels.name}. fetch both again`,
    );
  const count = Math.min(limit, found);
  return {
    images: new Levels(pixels.data.subarray(0, count * rows * columns), [count, 1, rows, columns]),
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
