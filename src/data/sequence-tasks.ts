/** Tasks on long sequences that need no files: two numbers to be added. */
import { ArgumentError, shown } from "../index.js";
import type { HostArray } from "../io/index.js";
import { type ArrayDataset, arrayDataset } from "./dataset.js";
import { drawer } from "./shuffle.js";

/** Options of the adding problem. */
export interface AddingOptions {
  /** How many sequences; 1000 unless told. */
  readonly count?: number;
  /** Steps of a sequence; 200 unless told. */
  readonly length?: number;
  /** Other sequences for another seed; 0 unless told. */
  readonly seed?: number;
}

/** Sequences with their sums. */
export interface AddedSequences {
  /** float32 `[N, 2, T]`: numbers from 0 to 1, and below them 1 at two of them and 0 at all others. */
  readonly sequences: HostArray;
  /** float32 `[N, 1]`: the sum of the two. */
  readonly sums: HostArray;
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least)
    throw new ArgumentError(`adding: ${name} must be an integer of at least ${least}, got ${shown(value)}. round it`);
}

/**
 * The adding problem (Hochreiter & Schmidhuber 1997, as Bai, Kolter & Koltun 2018 have it): the sum of the two numbers of a
 * sequence that are marked, `{ sequences: float32[N,2,T], sums: float32[N,1] }`. Numbers are uniform in `[0, 1)`, and any
 * two places are marked, so always to say 1 has a mean squared error of 1/6. A sequence depends on the seed and its number
 * alone.
 *
 * @throws ArgumentError when there are no sequences, or no two steps.
 */
export function adding(options: AddingOptions = {}): ArrayDataset<AddedSequences> {
  const { count = 1000, length = 200, seed = 0 } = options;
  checkCount("count", count, 1);
  checkCount("length", length, 2);
  const sequences = new Float32Array(count * 2 * length);
  const sums = new Float32Array(count);
  for (let n = 0; n < count; n++) {
    const draw = drawer(seed, n, "adding");
    const start = 2 * length * n;
    for (let t = 0; t < length; t++) sequences[start + t] = draw.unit();
    const first = draw.below(length);
    const second = (first + 1 + draw.below(length - 1)) % length;
    for (const t of [first, second]) {
      sequences[start + length + t] = 1;
      sums[n] += sequences[start + t];
    }
  }
  return arrayDataset({
    sequences: { dtype: "float32", shape: [count, 2, length], data: sequences },
    sums: { dtype: "float32", shape: [count, 1], data: sums },
  });
}
