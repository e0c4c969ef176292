/** Twelve seconds of real speech that Debian installs with its sound tools: eight names of loudspeakers. */
import { ArgumentError, FileError, shown } from "../index.js";
import { type HostArray, fileExists, readFile } from "../io/index.js";
import { type ArrayDataset, arrayDataset } from "./dataset.js";
import { ownFolders } from "./folders.js";
import { type Sound, parseWav, resample } from "./wav.js";

export interface SpeechOptions {
  /** The folder that holds the WAV files. */
  readonly root?: string;
  /** `"train"` (seven names, the default) or `"test"` (the last, of whose two words the others have each). */
  readonly split?: "train" | "test";
  /** Samples a second; 8000 unless told. */
  readonly rate?: number;
  /** Samples of a window; 2048 unless told. */
  readonly length?: number;
  /** Samples from a window to the next; half a window in training, a whole one in tests unless told. */
  readonly stride?: number;
}

const names: Readonly<Record<"train" | "test", readonly string[]>> = {
  train: ["Front_Center", "Front_Left", "Front_Right", "Rear_Center", "Rear_Left", "Rear_Right", "Side_Left"],
  test: ["Side_Right"],
};

/** Where Debian's package alsa-utils has its speech samples. */
const debianFolder = "/usr/share/sounds/alsa";

/** The bytes of all files of a part, from the first folder that has them. */
async function filesOf(split: "train" | "test", root?: string): Promise<{ name: string; bytes: Uint8Array }[]> {
  const folders = [...ownFolders("alsa", root), debianFolder];
  for (const folder of folders) {
    const paths = names[split].map((name) => `${folder}/${name}.wav`);
    const found = await Promise.all(paths.map((path) => fileExists(path, "speech")));
    if (found.every(Boolean))
      return Promise.all(paths.map(async (name) => ({ name, bytes: await readFile(name, "speech") })));
  }
  throw new FileError(
    `speech: ${names[split][0]}.wav and the others must lie in one folder, got none of ${folders.join(", ")}. install Debian's package alsa-utils, or name the folder with root`,
  );
}

/** One channel at another rate, as loud as its loudest sample allows up to 0.9. */
function prepared(sound: Sound, rate: number): Float32Array {
  const { samples } = resample(sound, rate);
  const [, length] = samples.shape;
  const own = Float32Array.from(samples.data.subarray(0, length), Number);
  const peak = own.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-9);
  return own.map((x) => (0.9 * x) / peak);
}

/**
 * Windows of speech as `{ samples: float32[N, length] }`, from -1 to 1: a woman's voice that says "front center", "front
 * left" and so on, in the 48 kHz recordings of Debian's package alsa-utils, at 8 kHz unless told. They are looked for in
 * `root`, in a subfolder `alsa` of the folder that `TYPEGRAD_DATA` names and of the cache folder, and where Debian puts
 * them.
 *
 * @throws FileError when the files are nowhere; FormatError when one is damaged.
 */
export async function speech(options: SpeechOptions = {}): Promise<ArrayDataset<{ readonly samples: HostArray }>> {
  const { root, split = "train", rate = 8000, length = 2048 } = options;
  if (split !== "train" && split !== "test")
    throw new ArgumentError(
      `speech: split must be "train" or "test", got ${JSON.stringify(split)}. choose one of them`,
    );
  const { stride = split === "train" ? Math.ceil(length / 2) : length } = options;
  if (![rate, length, stride].every((n) => Number.isInteger(n) && n > 0))
    throw new ArgumentError(
      `speech: rate, length and stride must be positive integers, got ${shown(rate)}, ${shown(length)} and ${shown(stride)}. round them`,
    );
  const files = await filesOf(split, root);
  const windows = files.flatMap(({ name, bytes }) => {
    const sound = prepared(parseWav(bytes, name), rate);
    const count = Math.max(0, Math.floor((sound.length - length) / stride) + 1);
    return Array.from({ length: count }, (_, i) => sound.subarray(i * stride, i * stride + length));
  });
  if (windows.length === 0)
    throw new ArgumentError(`speech: a window must fit into the recordings, got ${length} samples. take fewer`);
  const data = new Float32Array(windows.length * length);
  windows.forEach((window, i) => data.set(window, i * length));
  return arrayDataset({ samples: { dtype: "float32", shape: [windows.length, length], data } });
}
