/** Data sets: examples by number, and what is made of them. */
import { ArgumentError, shown } from "../index.js";
import { type Batch, type Rows, arrayRows, collate } from "./batch.js";
import { permutation } from "./shuffle.js";

/** Examples by number. An example is a tree: numbers, booleans, typed arrays, arrays with a shape, or tensors, in objects and lists. */
export interface Dataset<E> {
  readonly length: number;
  get(index: number): E | Promise<E>;
  /** Several examples at once, stacked; data sets without it are asked one by one. */
  batch?(indices: readonly number[]): Promise<Batch<E>>;
}

/** The examples with the given numbers as one tree of tensors, each with a batch axis in front. */
export async function batchOf<E>(dataset: Dataset<E>, indices: readonly number[]): Promise<Batch<E>> {
  if (dataset.batch) return dataset.batch(indices);
  return collate(await Promise.all(indices.map((i) => dataset.get(i))));
}

function checkIndex(index: number, length: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= length)
    throw new ArgumentError(
      `dataset: the index must be an integer from 0 to ${length - 1}, got ${shown(index)}. stay below length`,
    );
}

/** A data set over whole arrays. */
export interface ArrayDataset<T> extends Dataset<Rows<T>> {
  /** The arrays it was made of: every one has the examples along its first axis. */
  readonly arrays: T;
}

/**
 * A data set over a tree of whole arrays that have the examples along their first axis:
 * `arrayDataset({ images, labels })` gives `{ images: row, labels: row }`. A bare typed array has one number an example.
 *
 * @throws ArgumentError when the arrays do not have equally many examples.
 */
export function arrayDataset<T>(arrays: T): ArrayDataset<T> {
  const rows = arrayRows(arrays);
  return {
    arrays,
    length: rows.length,
    get: async (index) => {
      checkIndex(index, rows.length);
      return rows.get(index);
    },
    batch: async (indices) => {
      for (const i of indices) checkIndex(i, rows.length);
      return rows.batch(indices);
    },
  };
}

/** The examples with the given numbers, in their order; repeats are allowed. */
export function subset<E>(dataset: Dataset<E>, indices: ArrayLike<number>): Dataset<E> {
  const chosen = Array.from(indices);
  for (const i of chosen) checkIndex(i, dataset.length);
  const at = (i: number): number => {
    checkIndex(i, chosen.length);
    return chosen[i];
  };
  return {
    length: chosen.length,
    get: (index) => dataset.get(at(index)),
    batch: (indices) => batchOf(dataset, indices.map(at)),
  };
}

/** The first `count` examples (all, when there are fewer). */
export function take<E>(dataset: Dataset<E>, count: number): Dataset<E> {
  if (!Number.isInteger(count) || count < 0)
    throw new ArgumentError(`take: the count must be a non-negative integer, got ${shown(count)}. round it`);
  return subset(
    dataset,
    Array.from({ length: Math.min(count, dataset.length) }, (_, i) => i),
  );
}

/** Every example passed through `f`, when it is asked for. */
export function map<E, F>(dataset: Dataset<E>, f: (example: E, index: number) => F | Promise<F>): Dataset<F> {
  return { length: dataset.length, get: async (index) => f(await dataset.get(index), index) };
}

/** Options of `split`. */
export interface SplitOptions {
  /** Whether examples are dealt out at random (the default) or stay in order. */
  readonly shuffle?: boolean;
  readonly seed?: number;
}

/**
 * Disjoint parts that together are the whole data set: `split(data, [0.8, 0.2])`. The parts are fractions that add up to 1
 * (what rounding leaves goes to the first parts, one each) or counts that add up to the length.
 */
export function split<E>(
  dataset: Dataset<E>,
  parts: readonly number[],
  { shuffle = true, seed = 0 }: SplitOptions = {},
): Dataset<E>[] {
  const counts = countsOf(dataset.length, parts);
  const order = shuffle ? permutation(dataset.length, seed) : Uint32Array.from({ length: dataset.length }, (_, i) => i);
  let start = 0;
  return counts.map((count) => {
    const part = subset(dataset, order.subarray(start, start + count));
    start += count;
    return part;
  });
}

function countsOf(length: number, parts: readonly number[]): number[] {
  const sum = parts.reduce((a, b) => a + b, 0);
  if (parts.length > 0 && parts.every((x) => Number.isInteger(x) && x >= 0) && sum === length) return [...parts];
  if (!parts.every((x) => x >= 0 && x <= 1) || Math.abs(sum - 1) > 1e-9)
    throw new ArgumentError(
      `split: parts must be fractions that add up to 1 or counts that add up to ${length}, got [${parts.join(", ")}]. adjust one part`,
    );
  const counts = parts.map((x) => Math.floor(x * length + 1e-9));
  let rest = length - counts.reduce((a, b) => a + b, 0);
  for (let i = 0; rest > 0; i = (i + 1) % counts.length) {
    if (parts[i] === 0) continue;
    counts[i]++;
    rest--;
  }
  return counts;
}
