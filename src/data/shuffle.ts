/** Deterministic orders: the same on every machine, whatever else draws random numbers. */
import { ArgumentError, shown } from "../index.js";

const rotations = [13, 15, 26, 6, 17, 29, 16, 24];

/** Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): two random words. */
export function threefry(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const keys = [key0, key1, 0x1bd11bda ^ key0 ^ key1];
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let round = 0; round < 20; round++) {
    x0 = (x0 + x1) | 0;
    const by = rotations[round % 8];
    x1 = ((x1 << by) | (x1 >>> (32 - by))) ^ x0;
    if (round % 4 !== 3) continue;
    const step = (round + 1) / 4;
    x0 = (x0 + keys[step % 3]) | 0;
    x1 = (x1 + keys[(step + 1) % 3] + step) | 0;
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** Random numbers one after the other. */
export interface Drawer {
  /** Uniform in `[0, 1)`, one of 2^24 numbers, all of which float32 has. */
  unit(): number;
  /** A uniform integer from 0 to `bound - 1`. */
  below(bound: number): number;
}

/** Random numbers of a seed, whose streams are independent; `op` is who draws, for the error. */
export function drawer(seed: number, stream: number, op = "shuffle"): Drawer {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new ArgumentError(`${op}: the seed must be a non-negative integer, got ${shown(seed)}. use Math.trunc`);
  let draws = 0;
  const word = (): number => threefry(seed >>> 0, Math.floor(seed / 2 ** 32), stream, draws++)[0];
  return {
    unit: () => (word() >>> 8) / 2 ** 24,
    below(bound) {
      const limit = 2 ** 32 - (2 ** 32 % bound); // words from here on would favour small numbers
      for (;;) {
        const drawn = word();
        if (drawn < limit) return drawn % bound;
      }
    },
  };
}

/**
 * A uniformly random order of `0 … length - 1` (Fisher–Yates), a function of its arguments alone. Different streams of a
 * seed are independent.
 */
export function permutation(length: number, seed: number, stream = 0): Uint32Array {
  const { below } = drawer(seed, stream);
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Options of `bootstrap`. */
export interface BootstrapOptions {
  /** How many to draw; as many as there are unless given. */
  readonly count?: number;
  readonly seed?: number;
  /** Samples with other streams of a seed are independent: the number of the model in an ensemble, say. */
  readonly stream?: number;
}

/**
 * Numbers from `0 … length - 1` drawn with replacement, for `subset` or `take`: a bootstrap sample (Efron 1979). About
 * `1 - 1/e = 63.2 %` of all occur in it; `outOfBag` has the others.
 */
export function bootstrap(length: number, options: BootstrapOptions = {}): Uint32Array {
  const { count = length, seed = 0, stream = 0 } = options;
  if (!Number.isInteger(length) || length < 1)
    throw new ArgumentError(`bootstrap: there must be at least one example, got ${length}. check the data set`);
  if (!Number.isInteger(count) || count < 0)
    throw new ArgumentError(`bootstrap: count must be a non-negative integer, got ${shown(count)}. round it`);
  const { below } = drawer(seed, stream);
  return Uint32Array.from({ length: count }, () => below(length));
}

/** The numbers from `0 … length - 1` that were not drawn, in order: an honest test set for what was trained on the others. */
export function outOfBag(length: number, drawn: Uint32Array): Uint32Array {
  const seen = new Set(drawn);
  return Uint32Array.from({ length }, (_, i) => i).filter((i) => !seen.has(i));
}
