import { InternalError } from "./errors.js";

/** Integers from `0` to `n - 1`. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The axes of a tensor of `rank` axes that are not among `axes`. */
export const otherAxes = (rank: number, axes: readonly number[]): number[] =>
  range(rank).filter((i) => !axes.includes(i));

/** Product of the numbers; 1 for none. */
export const product = (xs: readonly number[]): number => xs.reduce((a, b) => a * b, 1);

/** Pairs of two lists that must be equally long. */
export function zip<A, B>(as: readonly A[], bs: readonly B[]): [A, B][] {
  if (as.length !== bs.length) throw new InternalError(`internal: zip of ${as.length} and ${bs.length} elements`);
  return as.map((a, i) => [a, bs[i]]);
}

/** The list with position `from` moved to position `to`. */
export function moved<T>(xs: readonly T[], from: number, to: number): T[] {
  const rest = xs.toSpliced(from, 1);
  return rest.toSpliced(to, 0, xs[from]);
}

/** `inverse(p)[p[i]] = i`. */
export function inversePermutation(p: readonly number[]): number[] {
  const inverse = new Array<number>(p.length);
  p.forEach((from, to) => (inverse[from] = to));
  return inverse;
}
