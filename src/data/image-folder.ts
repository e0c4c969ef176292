/** Pictures in folders: a folder for each class, or pictures beside masks. */
import { ArgumentError, FileError, FormatError, shown } from "../index.js";
import { type HostArray, listFolder, readFile } from "../io/index.js";
import type { Picture } from "../plot/index.js";
import type { Dataset } from "./dataset.js";
import { Levels } from "./levels.js";
import { type Channels, checkLoadSize, decodePicture, type LoadSize, resizePicture, withChannels } from "./pictures.js";

/** Options of `imageFolder`. */
export interface ImageFolderOptions {
  /** What all pictures are made into as they are read; needed for batches where they differ in size. */
  readonly size?: LoadSize;
  /** 1 grey, 3 colour (the default), 4 with how much a pixel covers. */
  readonly channels?: Channels;
}

/** A picture and its class. */
export interface LabelledImage {
  /** float32 `[channels, H, W]`, from 0 to 1. */
  readonly images: HostArray;
  /** int32, a scalar. */
  readonly labels: HostArray;
}

/** Pictures that are read when they are asked for. */
export interface ImageFolder extends Dataset<LabelledImage> {
  /** The names of the classes, in the order of their numbers. */
  readonly classes: readonly string[];
  /** Where each picture lies, and its class. */
  readonly files: readonly { readonly path: string; readonly label: number }[];
}

const isPicture = (name: string): boolean => /\.(png|jpe?g)$/i.test(name);

/** Names in the order of their characters' codes, the same everywhere. */
const sorted = (names: readonly string[]): string[] => names.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));

/** The paths of pictures in a folder and those below it. */
async function picturesIn(op: string, folder: string): Promise<string[]> {
  const { files, folders } = await listFolder(folder, op);
  const own = sorted(files.filter(isPicture)).map((name) => `${folder}/${name}`);
  const below = await Promise.all(sorted(folders).map((name) => picturesIn(op, `${folder}/${name}`)));
  return [...own, ...below.flat()];
}

function checkOptions(op: string, { size, channels = 3 }: ImageFolderOptions): void {
  checkLoadSize(op, size);
  if (![1, 3, 4].includes(channels))
    throw new ArgumentError(`${op}: channels must be 1, 3 or 4, got ${channels}. 3 is colour`);
}

/** Channels first, from 0 to 1. */
function channelsFirst({ width, height, channels, pixels }: Picture): HostArray {
  const area = width * height;
  const planes = Uint8Array.from(
    { length: area * channels },
    (_, i) => pixels[(i % area) * channels + Math.floor(i / area)],
  );
  const { dtype, shape, data } = new Levels(planes, [channels, height, width]);
  return { dtype, shape, data };
}

async function readPicture(op: string, path: string, { size, channels = 3 }: ImageFolderOptions): Promise<Picture> {
  const picture = withChannels(await decodePicture(await readFile(path, op), `${op}: ${path}`), channels);
  return size === undefined ? picture : resizePicture(picture, size);
}

/** Throws unless there is an example with this number. */
function checkPlace(op: string, index: number, length: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= length)
    throw new ArgumentError(
      `${op}: the index must be an integer from 0 to ${length - 1}, got ${shown(index)}. stay below length`,
    );
}

/**
 * PNG and JPEG pictures in a folder for each class, as torchvision's `ImageFolder`: classes are numbered in the order of
 * their names, and pictures may lie deeper. An example is `{ images: float32[channels,H,W], labels: int32 }`, so a batch is
 * `{ images: float32[N,channels,H,W], labels: int32[N] }`.
 *
 * @throws FileError when there is no such folder, or no picture in a class; FormatError when a picture is damaged, as it is
 * asked for.
 */
export async function imageFolder(root: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
  const op = "imageFolder";
  checkOptions(op, options);
  const classes = sorted((await listFolder(root, op)).folders);
  if (classes.length === 0)
    throw new FileError(`${op}: ${root} must hold a folder for each class, got none. move the pictures into folders`);
  const lists = await Promise.all(classes.map((name) => picturesIn(op, `${root}/${name}`)));
  lists.forEach((list, i) => {
    if (list.length === 0)
      throw new FileError(
        `${op}: every class must have a picture (.png, .jpg, .jpeg), got none in ${root}/${classes[i]}. add some, or remove the folder`,
      );
  });
  const files = lists.flatMap((list, label) => list.map((path) => ({ path, label })));
  return {
    classes,
    files,
    length: files.length,
    async get(index) {
      checkPlace(op, index, files.length);
      const { path, label } = files[index];
      return {
        images: channelsFirst(await readPicture(op, path, options)),
        labels: { dtype: "int32", shape: [], data: Int32Array.of(label) },
      };
    },
  };
}

/** Options of `imageMasks`. */
export interface ImageMaskOptions extends ImageFolderOptions {
  /** The class of a mask's level or palette entry, from 0 to 255; itself unless told. */
  readonly classOf?: (level: number) => number;
}

/** A picture and the class of every pixel. */
export interface SegmentedImage {
  /** float32 `[channels, H, W]`, from 0 to 1. */
  readonly images: HostArray;
  /** int32 `[H, W]`. */
  readonly masks: HostArray;
}

/**
 * Pictures of one folder with masks of another under the same names, but for the ending: `{ images: float32[channels,H,W],
 * masks: int32[H,W] }`. Masks are PNG files of one channel or with a palette, whose levels or entries are the classes; they
 * are resized by their nearest pixels.
 *
 * @throws FileError when a picture has no mask; FormatError when the two differ in size or one is damaged, as they are asked
 * for.
 */
export async function imageMasks(
  images: string,
  masks: string,
  options: ImageMaskOptions = {},
): Promise<Dataset<SegmentedImage>> {
  const op = "imageMasks";
  checkOptions(op, options);
  const { classOf = (level: number) => level } = options;
  const stem = (name: string): string => name.replace(/\.[^.]*$/, "");
  const maskNames = new Map(
    (await listFolder(masks, op)).files.filter((n) => /\.png$/i.test(n)).map((n) => [stem(n), n]),
  );
  const pairs = sorted((await listFolder(images, op)).files.filter(isPicture)).map((name) => {
    const mask = maskNames.get(stem(name));
    if (mask === undefined)
      throw new FileError(
        `${op}: every picture must have a mask, got no ${stem(name)}.png in ${masks} for ${images}/${name}. add it, or remove the picture`,
      );
    return { image: `${images}/${name}`, mask: `${masks}/${mask}` };
  });
  if (pairs.length === 0)
    throw new FileError(`${op}: ${images} must hold pictures (.png, .jpg, .jpeg), got none. name another folder`);
  return {
    length: pairs.length,
    async get(index) {
      checkPlace(op, index, pairs.length);
      const { image, mask } = pairs[index];
      const whole = await readPicture(op, image, { channels: options.channels });
      const { decodePngLevels } = await import("../plot/index.js");
      const levels = decodePngLevels(await readFile(mask, op), `${op}: ${mask}`);
      if (whole.width !== levels.width || whole.height !== levels.height)
        throw new FormatError(
          `${op}: a mask must be as large as its picture, got ${levels.width}×${levels.height} in ${mask} and ${whole.width}×${whole.height} in ${image}. make it anew`,
        );
      const sized = options.size === undefined ? whole : resizePicture(whole, options.size);
      const named = options.size === undefined ? levels : resizePicture(levels, options.size, "nearest");
      const data = Int32Array.from(named.pixels, classOf);
      return { images: channelsFirst(sized), masks: { dtype: "int32", shape: [named.height, named.width], data } };
    },
  };
}
