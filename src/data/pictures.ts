/** Pictures in files: PNG and JPEG as bytes of channels, made as large as a batch needs them. */
import { ArgumentError, FormatError, messageOf } from "../index.js";
import type { Picture } from "../plot/index.js";

const starts = (bytes: Uint8Array, mark: readonly number[]): boolean => mark.every((b, i) => bytes[i] === b);
const isPng = (bytes: Uint8Array): boolean => starts(bytes, [0x89, 0x50, 0x4e, 0x47]);
const isJpeg = (bytes: Uint8Array): boolean => starts(bytes, [0xff, 0xd8, 0xff]);

/** Megapixels and megabytes that a JPEG may ask for. */
const jpegLimits = { maxResolutionInMP: 100, maxMemoryUsageInMB: 1024 };

async function decodeJpeg(bytes: Uint8Array, what: string): Promise<Picture> {
  const { decode } = (await import("jpeg-js")).default;
  try {
    const { width, height, data } = decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      ...jpegLimits,
    });
    return { width, height, channels: 3, pixels: data };
  } catch (cause) {
    throw new FormatError(
      `${what}: the file must be an undamaged JPEG, got ${bytes.length} bytes (${messageOf(cause)}). save or fetch it again`,
      {
        cause,
      },
    );
  }
}

/**
 * The picture in a PNG or JPEG file.
 *
 * @throws FormatError starting with `what` when it is neither, or damaged.
 */
export async function decodePicture(bytes: Uint8Array, what = "decodePicture"): Promise<Picture> {
  if (isJpeg(bytes)) return decodeJpeg(bytes, what);
  if (!isPng(bytes))
    throw new FormatError(
      `${what}: the file must be a PNG or a JPEG, got ${bytes.length} bytes that begin like neither. convert it`,
    );
  const { decodePng } = await import("../plot/index.js"); // when there is a PNG: charts come with it
  return decodePng(bytes, what);
}

/** How many numbers a pixel has: grey, colour, or colour and how much it covers. */
export type Channels = 1 | 3 | 4;

/** Grey level (ITU-R BT.601), or colour; what a picture does not cover is white unless the cover itself is asked for. */
export function withChannels(picture: Picture, channels: Channels): Picture {
  if (picture.channels === channels) return picture;
  const { width, height, pixels, channels: has } = picture;
  const out = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const cover = has === 4 && channels < 4 ? pixels[4 * i + 3] / 255 : 1;
    const colour = [0, 1, 2].map((c) => pixels[has * i + (has === 1 ? 0 : c)] * cover + 255 * (1 - cover));
    const grey = has === 1 ? colour[0] : 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
    const pixel = channels === 1 ? [grey] : [...colour, 255];
    for (let c = 0; c < channels; c++) out[channels * i + c] = Math.round(pixel[c]);
  }
  return { width, height, channels, pixels: out };
}

/** What a new pixel of an axis is made of: old pixels from `start` on, and their shares. */
interface Share {
  readonly start: number;
  readonly weights: readonly number[];
}

/** A triangle as wide as two new pixels, or two old ones where the picture grows: bilinear with smoothing, as Pillow has it. */
export function triangles(from: number, to: number, low: number, length: number): Share[] {
  const scale = length / to;
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const middle = low + (i + 0.5) * scale;
    const start = Math.max(0, Math.floor(middle - reach + 0.5));
    const end = Math.min(from, Math.floor(middle + reach + 0.5));
    const raw = Array.from({ length: end - start }, (_, k) =>
      Math.max(0, 1 - Math.abs(start + k + 0.5 - middle) / reach),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    return { start, weights: raw.map((w) => w / sum) };
  });
}

/** The nearest pixel: for masks, whose numbers are names. */
const nearest = (from: number, to: number, low: number, length: number): Share[] =>
  Array.from({ length: to }, (_, i) => ({
    start: Math.min(from - 1, Math.floor(low + ((i + 0.5) * length) / to)),
    weights: [1],
  }));

/** One size for both sides: the shorter side becomes it, and the middle square stays. Two: the whole picture is stretched. */
export type LoadSize = number | readonly [height: number, width: number];

export function checkLoadSize(op: string, size: LoadSize | undefined): void {
  const sides = size === undefined ? [] : typeof size === "number" ? [size] : size;
  if (!sides.every((n) => Number.isInteger(n) && n > 0) || (typeof size === "object" && size.length !== 2))
    throw new ArgumentError(
      `${op}: the size must be a positive integer, or a height and a width, got ${JSON.stringify(size)}. round it`,
    );
}

/** A picture of another size: smoothed, or with the nearest pixels. */
export function resizePicture(picture: Picture, size: LoadSize, mode: "smooth" | "nearest" = "smooth"): Picture {
  checkLoadSize("resizePicture", size);
  const { width, height, channels, pixels } = picture;
  const shares = mode === "smooth" ? triangles : nearest;
  const [rows, columns] = typeof size === "number" ? [size, size] : size;
  const square = Math.min(width, height);
  const [tall, wide] = typeof size === "number" ? [square, square] : [height, width];
  const across = shares(width, columns, (width - wide) / 2, wide);
  const down = shares(height, rows, (height - tall) / 2, tall);
  const narrow = new Float64Array(height * columns * channels); // the columns first, then the rows
  for (let y = 0; y < height; y++)
    across.forEach(({ start, weights }, x) => {
      for (let c = 0; c < channels; c++)
        narrow[(y * columns + x) * channels + c] = weights.reduce(
          (sum, w, k) => sum + w * pixels[(y * width + start + k) * channels + c],
          0,
        );
    });
  const out = new Uint8Array(rows * columns * channels);
  const line = columns * channels;
  down.forEach(({ start, weights }, y) => {
    for (let i = 0; i < line; i++)
      out[y * line + i] = Math.round(weights.reduce((sum, w, k) => sum + w * narrow[(start + k) * line + i], 0));
  });
  return { width: columns, height: rows, channels, pixels: out };
}
