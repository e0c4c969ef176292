/** Sound: WAV files (Microsoft and IBM 1991, RIFF), and other sampling rates. */
import { ArgumentError, FormatError, shown } from "../index.js";
import { type HostArray, readFile, writeFileAtomic } from "../io/index.js";

/** Sound as samples. */
export interface Sound {
  /** Samples a second. */
  readonly rate: number;
  /** float32 `[channels, T]`, from -1 to 1. */
  readonly samples: HostArray;
}

/** What the format chunk says. */
interface Layout {
  /** Integers, or IEEE floats. */
  readonly kind: "integer" | "float";
  readonly channels: number;
  readonly rate: number;
  readonly bits: number;
}

const tag = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));

function layoutOf(view: DataView, name: string): Layout {
  const fail = (what: string): FormatError =>
    new FormatError(`${name}: it must hold integers of 8 to 32 bits or floats, got ${what}. convert it to 16 bit PCM`);
  if (view.byteLength < 16) throw fail("a format chunk that is cut off");
  const code = view.getUint16(0, true);
  // An extensible format (0xfffe) has the code at the beginning of its sub-format.
  const format = code === 0xfffe && view.byteLength >= 26 ? view.getUint16(24, true) : code;
  const [channels, rate, bits] = [view.getUint16(2, true), view.getUint32(4, true), view.getUint16(14, true)];
  const kind = format === 1 ? "integer" : format === 3 ? "float" : null;
  if (kind === null) throw fail(`format ${format}`);
  if (!(kind === "integer" ? [8, 16, 24, 32] : [32, 64]).includes(bits)) throw fail(`${bits} bits`);
  if (channels === 0 || rate === 0) throw fail(`${channels} channels at ${rate} Hz`);
  return { kind, channels, rate, bits };
}

/** How a sample is read; integers of n bits are divided by 2^(n - 1), bytes lie around 128. */
function reader({ kind, bits }: Layout, view: DataView): (at: number) => number {
  if (kind === "float") return (at) => (bits === 32 ? view.getFloat32(at, true) : view.getFloat64(at, true));
  switch (bits) {
    case 8:
      return (at) => (view.getUint8(at) - 128) / 128;
    case 16:
      return (at) => view.getInt16(at, true) / 2 ** 15;
    case 24:
      return (at) => ((view.getInt16(at + 1, true) << 8) | view.getUint8(at)) / 2 ** 23;
    default:
      return (at) => view.getInt32(at, true) / 2 ** 31;
  }
}

/**
 * The sound in the bytes of a WAV file: PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64; other chunks are skipped.
 *
 * @throws FormatError when it is no such file, or cut off.
 */
export function parseWav(bytes: Uint8Array, name = "parseWav"): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tag(view, 0) !== "RIFF" || tag(view, 8) !== "WAVE")
    throw new FormatError(
      `${name}: it must begin with RIFF and WAVE, got ${bytes.length} other bytes. is it a WAV file?`,
    );
  let layout: Layout | null = null;
  for (let at = 12; at + 8 <= bytes.length;) {
    const [kind, size] = [tag(view, at), view.getUint32(at + 4, true)];
    const start = at + 8;
    if (start + size > bytes.length)
      throw new FormatError(
        `${name}: chunk ${JSON.stringify(kind)} must have ${size} bytes, got ${bytes.length - start}. the file is cut off`,
      );
    if (kind === "fmt ") layout = layoutOf(new DataView(view.buffer, view.byteOffset + start, size), name);
    if (kind === "data") {
      if (layout === null) throw new FormatError(`${name}: the format must come before the data, got none. repair it`);
      return soundOf(layout, new DataView(view.buffer, view.byteOffset + start, size));
    }
    at = start + size + (size % 2); // chunks begin at even places
  }
  throw new FormatError(`${name}: there must be a data chunk, got none. the file is cut off`);
}

function soundOf(layout: Layout, view: DataView): Sound {
  const { channels, rate, bits } = layout;
  const width = bits / 8;
  const length = Math.floor(view.byteLength / (width * channels));
  const read = reader(layout, view);
  const data = new Float32Array(channels * length);
  for (let t = 0; t < length; t++)
    for (let c = 0; c < channels; c++) data[c * length + t] = read((t * channels + c) * width);
  return { rate, samples: { dtype: "float32", shape: [channels, length], data } };
}

/** The bytes of a WAV file with 16 bits a sample; what lies outside -1 to 1 is cut off. */
export function formatWav({ rate, samples }: Sound): Uint8Array<ArrayBuffer> {
  const [channels, length] = samples.shape;
  if (samples.shape.length !== 2 || !Number.isInteger(rate) || rate < 1)
    throw new ArgumentError(
      `formatWav: samples must be [channels, T] at a whole rate, got [${samples.shape.join(",")}] at ${rate}. reshape them`,
    );
  const size = 2 * channels * length;
  const bytes = new Uint8Array(44 + size);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string): void => bytes.set(new TextEncoder().encode(value), at);
  text(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  [1, channels].forEach((value, i) => view.setUint16(20 + 2 * i, value, true));
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * channels * rate, true);
  view.setUint16(32, 2 * channels, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, size, true);
  for (let t = 0; t < length; t++)
    for (let c = 0; c < channels; c++) {
      const level = Math.round(Number(samples.data[c * length + t]) * 2 ** 15);
      view.setInt16(44 + 2 * (t * channels + c), Math.max(-(2 ** 15), Math.min(2 ** 15 - 1, level)), true);
    }
  return bytes;
}

/** Zero crossings of the filter on each side. */
const crossings = 24;

/**
 * The sound at another rate, by a windowed sinc: `y[n] = Σ x[k] h(n · from / to - k)` with
 * `h(t) = c sinc(c t) cos²(π t c / 2K)`, which ends after `K` = 24 crossings, and `c` 0.95 of the lower of both rates
 * over the own, so that nothing above half the new rate remains (Smith and Gossett 1984).
 */
export function resample({ rate, samples }: Sound, to: number): Sound {
  if (!(to > 0 && to < Infinity))
    throw new ArgumentError(`resample: the rate must be positive, got ${to}. 8000 is that of telephones`);
  if (to === rate) return { rate, samples };
  const [channels, length] = samples.shape;
  const cut = 0.95 * Math.min(1, to / rate);
  const reach = crossings / cut;
  const filter = (t: number): number => {
    if (Math.abs(t) >= reach) return 0;
    const x = Math.PI * cut * t;
    return (x === 0 ? 1 : Math.sin(x) / x) * cut * Math.cos((Math.PI * t) / (2 * reach)) ** 2;
  };
  const count = Math.floor((length * to) / rate);
  const data = new Float32Array(channels * count);
  for (let n = 0; n < count; n++) {
    const at = (n * rate) / to;
    const [first, last] = [Math.max(0, Math.ceil(at - reach)), Math.min(length - 1, Math.floor(at + reach))];
    for (let k = first; k <= last; k++) {
      const weight = filter(at - k);
      for (let c = 0; c < channels; c++) data[c * count + n] += weight * Number(samples.data[c * length + k]);
    }
  }
  return { rate: to, samples: { dtype: "float32", shape: [channels, count], data } };
}

/**
 * The sound of a WAV file.
 *
 * @throws FileError when it cannot be read; FormatError when it is no such file, or cut off.
 */
export const readWav = async (path: string): Promise<Sound> => parseWav(await readFile(path, "readWav"), path);

/** Writes a WAV file with 16 bits a sample, whole or not at all. */
export const writeWav = (path: string, sound: Sound): Promise<void> =>
  writeFileAtomic(path, formatWav(sound), "writeWav");

/** Options of `windows`. */
export interface WindowOptions {
  /** Samples from the start of a window to that of the next; the length of a window unless told. */
  readonly hop?: number;
  /** Whether a last window that is not full is filled with silence; otherwise it is left out. */
  readonly pad?: boolean;
}

/** Pieces of a sound as examples, `[windows, channels, length]`. */
export function windows(
  { samples }: Sound,
  length: number,
  { hop = length, pad = false }: WindowOptions = {},
): HostArray {
  if (![length, hop].every((n) => Number.isInteger(n) && n > 0))
    throw new ArgumentError(
      `windows: length and hop must be positive integers, got ${shown(length)} and ${shown(hop)}. round them`,
    );
  const [channels, total] = samples.shape;
  const count = Math.max(0, pad ? Math.ceil(total / hop) : Math.floor((total - length) / hop) + 1);
  const data = new Float32Array(count * channels * length);
  for (let w = 0; w < count; w++)
    for (let c = 0; c < channels; c++) {
      const channel = samples.data.subarray(c * total, (c + 1) * total);
      data.set(channel.subarray(w * hop, w * hop + length), (w * channels + c) * length);
    }
  return { dtype: "float32", shape: [count, channels, length], data };
}
