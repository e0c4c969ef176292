/**
 * Numbers that every program computes alike, in whatever language: with them two programs that do the same have the same
 * results. What they are does not matter, that they are spread does. `peers/pytorch.py` has the same formulas.
 */
const prime = 10_007;

/** Integers in [0, 10007). */
const scrambled = (i: number, seed: number): number => (((i * i) % 9973) * 31 + i * 7919 + seed * 104_729) % prime;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** About uniform, with mean 0 and standard deviation `scale`. */
export const values = (shape: readonly number[], seed: number, scale = 1): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, (_, i) => (scrambled(i, seed) / prime - 0.5) * Math.sqrt(12) * scale);

/** Integers below `end`. */
export const integers = (count: number, seed: number, end: number): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => scrambled(i, seed) % end);

/** What is compared of a result, whatever the order of its axes: mean, mean of the squares, greatest element. */
export function digest(data: ArrayLike<number>): number[] {
  let sum = 0;
  let squares = 0;
  let greatest = -Infinity;
  for (let i = 0; i < data.length; i++) {
    sum += data[i];
    squares += data[i] * data[i];
    greatest = Math.max(greatest, data[i]);
  }
  return [sum / data.length, squares / data.length, greatest];
}
