/** Deterministic orders: the same on every machine, whatever else draws random numbers. */
import { ArgumentError } from "../index.js";

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

/**
 * A uniformly random order of `0 … length - 1` (Fisher–Yates), a function of its arguments alone. Different streams of a
 * seed are independent.
 */
export function permutation(length: number, seed: number, stream = 0): Uint32Array {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new ArgumentError(`shuffle: the seed must be a non-negative integer, got ${seed}. use Math.trunc`);
  const order = Uint32Array.from({ length }, (_, i) => i);
  let draws = 0;
  const below = (bound: number): number => {
    const limit = 2 ** 32 - (2 ** 32 % bound); // words from here on would favour small numbers
    for (;;) {
      const [word] = threefry(seed >>> 0, Math.floor(seed / 2 ** 32), stream, draws++);
      if (word < limit) return word % bound;
    }
  };
  for (let i = length - 1; i > 0; i--) {
    const j = below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
