/** Batches of a data set, epoch by epoch, in an order that can be continued exactly. */
import { ArgumentError, shown } from "../index.js";
import type { Batch } from "./batch.js";
import { type Dataset, batchOf } from "./dataset.js";
import { permutation } from "./shuffle.js";

/** Options of a `DataLoader`. */
export interface LoaderOptions {
  /** Examples in a batch; 1 by default. */
  readonly batchSize?: number;
  /** Whether every epoch has an order of its own; otherwise examples come as they stand. */
  readonly shuffle?: boolean;
  /** Chooses the orders: that of epoch `e` depends on the seed and `e` alone. */
  readonly seed?: number;
  /** Whether a last batch that is not full is left out. */
  readonly dropLast?: boolean;
  /** How many batches are prepared ahead of the one in use; 2 by default. */
  readonly prefetch?: number;
}

/** A place in the sequence of batches: the next to come is number `batch` of epoch `epoch`. */
export interface LoaderState {
  readonly epoch: number;
  readonly batch: number;
}

const count = (name: string, value: number, least: number): number => {
  if (!Number.isSafeInteger(value) || value < least)
    throw new ArgumentError(
      `DataLoader: ${name} must be an integer of at least ${least}, got ${shown(value)}. round it or raise it`,
    );
  return value;
};

/**
 * Batches of a data set as trees of tensors.
 *
 * `for await (const batch of loader)` runs through one epoch, the next loop through the next. `loader.state` tells at any
 * time which batch comes next; setting it continues there. An epoch that was left early is over, unless its state is set
 * again. `loader.epoch(e, start)` runs through a given epoch and leaves the state alone.
 */
export class DataLoader<E> implements AsyncIterable<Batch<E>> {
  readonly dataset: Dataset<E>;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly dropLast: boolean;
  readonly prefetch: number;
  #state: LoaderState = { epoch: 0, batch: 0 };
  /** Whether a loop has begun the epoch that the state is in. */
  #begun = false;

  constructor(dataset: Dataset<E>, options: LoaderOptions = {}) {
    this.dataset = dataset;
    this.batchSize = count("batchSize", options.batchSize ?? 1, 1);
    this.shuffle = options.shuffle ?? false;
    this.seed = count("seed", options.seed ?? 0, 0);
    this.dropLast = options.dropLast ?? false;
    this.prefetch = count("prefetch", options.prefetch ?? 2, 0);
  }

  /** Batches in an epoch. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  get state(): LoaderState {
    return this.#state;
  }
  set state({ epoch, batch }: LoaderState) {
    count("state.epoch", epoch, 0);
    count("state.batch", batch, 0);
    if (batch > this.length)
      throw new ArgumentError(
        `DataLoader: state.batch must be at most ${this.length}, got ${batch}. was it of other data?`,
      );
    this.#state = this.#normal(epoch, batch);
    this.#begun = false;
  }

  /** Behind the last batch of an epoch comes the first of the next. */
  #normal(epoch: number, batch: number): LoaderState {
    return batch < this.length ? { epoch, batch } : { epoch: epoch + 1, batch: 0 };
  }

  /** The numbers of the examples in the order of an epoch. */
  order(epoch: number): Uint32Array {
    const { length } = this.dataset;
    if (this.shuffle) return permutation(length, this.seed, count("epoch", epoch, 0));
    return Uint32Array.from({ length }, (_, i) => i);
  }

  /** The batches of an epoch from number `start` on; up to `prefetch` are prepared while one is in use. */
  async *epoch(epoch: number, start = 0): AsyncGenerator<Batch<E>, void, void> {
    const order = this.order(epoch);
    let next = count("start", start, 0);
    const ahead: Promise<Batch<E>>[] = [];
    const fill = (size: number): void => {
      for (; ahead.length < size && next < this.length; next++) {
        const from = next * this.batchSize;
        const batch = batchOf(this.dataset, Array.from(order.subarray(from, from + this.batchSize)));
        batch.catch(() => {}); // it is thrown when its turn comes
        ahead.push(batch);
      }
    };
    for (;;) {
      fill(1);
      const batch = ahead.shift();
      if (batch === undefined) return;
      fill(this.prefetch);
      yield await batch;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch<E>, void, void> {
    if (this.#begun && this.#state.batch > 0) this.#state = { epoch: this.#state.epoch + 1, batch: 0 };
    this.#begun = true;
    const { epoch, batch: start } = this.#state;
    let done = start;
    for await (const batch of this.epoch(epoch, start)) {
      this.#state = this.#normal(epoch, ++done);
      yield batch;
    }
  }
}
