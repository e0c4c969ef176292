/** Pictures as PNG, through the kept library. */
import { convertIndexedToRgb, decode, encode } from "fast-png";
import type { DecodedPng } from "fast-png";
import { ArgumentError, FormatError, messageOf } from "../util/errors.js";

/** A picture of bytes, row by row from the top, with the channels (1 grey, 3 colour, 4 with alpha) of a pixel together. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly pixels: Uint8Array;
}

/** The bytes of a PNG file. */
export function encodePng({ width, height, channels, pixels }: Picture): Uint8Array {
  if (pixels.length !== width * height * channels)
    throw new ArgumentError(
      `encodePng: there must be ${width} × ${height} × ${channels} bytes, got ${pixels.length}. check width and height`,
    );
  return encode({ width, height, channels, depth: 8, data: pixels });
}

/** A PNG as a URI that an `<img>` shows with no file beside the page. */
export const pngUri = (picture: Picture): string =>
  `data:image/png;base64,${btoa(Array.from(encodePng(picture), (byte) => String.fromCharCode(byte)).join(""))}`;

/** Samples of fewer than 8 bits, which PNG packs into bytes row by row with the first in the high bits. */
function unpack({ data, width, height, depth }: DecodedPng): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * rowBytes + (bit >> 3)];
    return (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  });
}

/** The samples as numbers from 0 to 1, and how many a pixel has. */
function samples(png: DecodedPng): { values: Float64Array; channels: number } {
  if (png.palette)
    return { values: Float64Array.from(convertIndexedToRgb(png), (v) => v / 255), channels: png.palette[0].length };
  const top = 2 ** png.depth - 1;
  const values = Float64Array.from(png.depth < 8 ? unpack(png) : png.data, (v) => v / top);
  return { values, channels: png.channels };
}

/** Grey levels (luma of ITU-R BT.601) of any kind of PNG, on a white ground where it is transparent. */
export function decodeGrey(bytes: Uint8Array): Picture {
  const png = parse(bytes, "decodeGrey");
  const { values, channels } = samples(png);
  const pixels = Uint8Array.from({ length: png.width * png.height }, (_, i) => {
    const [a, b, c, d] = values.subarray(i * channels, (i + 1) * channels);
    const luma = channels < 3 ? a : 0.299 * a + 0.587 * b + 0.114 * c;
    const alpha = channels === 2 ? b : channels === 4 ? d : 1;
    return Math.round(255 * (luma * alpha + 1 - alpha));
  });
  return { width: png.width, height: png.height, channels: 1, pixels };
}

/**
 * Any kind of PNG with 8 bits a channel: grey, colour, or colour with alpha, which grey with alpha becomes, too.
 *
 * @throws FormatError starting with `what` when it is damaged.
 */
export function decodePng(bytes: Uint8Array, what = "decodePng"): Picture {
  const png = parse(bytes, what);
  const { width, height } = png;
  const { values, channels } = samples(png);
  const levels = Uint8Array.from(values, (v) => Math.round(255 * v));
  if (channels === 1 || channels === 3 || channels === 4) return { width, height, channels, pixels: levels };
  const from = [0, 0, 0, 1]; // grey and alpha
  const pixels = Uint8Array.from({ length: 4 * width * height }, (_, i) => levels[2 * (i >> 2) + from[i & 3]]);
  return { width, height, channels: 4, pixels };
}

/**
 * The numbers that a PNG of one channel or with a palette stores, unscaled: levels of grey, or places in the palette.
 *
 * @throws FormatError starting with `what` when it is damaged, or has several channels or more than 8 bits.
 */
export function decodePngLevels(bytes: Uint8Array, what = "decodePngLevels"): Picture {
  const png = parse(bytes, what);
  const { width, height, depth, channels } = png;
  if ((channels !== 1 && !png.palette) || depth > 8)
    throw new FormatError(
      `${what}: it must have one channel of at most 8 bits, or a palette, got ${channels} channels of ${depth} bits. convert it`,
    );
  return { width, height, channels: 1, pixels: depth < 8 ? unpack(png) : Uint8Array.from(png.data) };
}

function parse(bytes: Uint8Array, what: string): DecodedPng {
  try {
    return decode(bytes, { checkCrc: true });
  } catch (cause) {
    throw new FormatError(
      `${what}: the file must be an undamaged PNG, got ${bytes.length} bytes (${messageOf(cause)}). save or fetch it again`,
      {
        cause,
      },
    );
  }
}
