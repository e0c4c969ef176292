/** What rows of all chapters use; the course computes in float64. */
import { type Nested, random, type Tensor, tensor } from "typegrad";

/** A float64 tensor of nested lists. */
export const f64 = (data: Nested): Tensor => tensor(data, { dtype: "float64" });

/** Standard normal float64 numbers, the same for the same seed. */
export const gaussian = (seed: number, ...shape: number[]): Tensor =>
  random.normal(random.key(seed), shape, { dtype: "float64" });

/** Uniform float64 numbers between two bounds, the same for the same seed. */
export const uniform = (seed: number, low: number, high: number, ...shape: number[]): Tensor =>
  random.uniform(random.key(seed), shape, { dtype: "float64", low, high });

/** The numbers 0, 1, …, n - 1. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** `count` numbers at equal distances from `low` to `high`, both included. */
export const grid = (low: number, high: number, count: number): number[] =>
  range(count).map((i) => low + ((high - low) * i) / (count - 1));

/** A tensor's elements as plain numbers. */
export const numbers = (x: Tensor): number[] => Array.from(x.dataSync(), Number);

/** The slope of the least-squares line through points. */
export function slope(x: readonly number[], y: readonly number[]): number {
  const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
  const [mx, my] = [mean(x), mean(y)];
  const products = x.map((a, i) => [(a - mx) * (y[i] - my), (a - mx) ** 2]);
  return products.reduce((s, [p]) => s + p, 0) / products.reduce((s, [, q]) => s + q, 0);
}
