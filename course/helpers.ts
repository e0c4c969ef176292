/** What rows of all chapters use; the course computes in float64. */
import { evaluate, type Nested, random, type Tensor, tensor } from "typegrad";
import { eigh } from "typegrad/linalg";

/** A float64 tensor of nested lists. */
export const f64 = (data: Nested): Tensor => tensor(data, { dtype: "float64" });

/** Evaluates numbers that were drawn, so that what is computed from them compiles without the drawing. */
function drawn(x: Tensor): Tensor {
  evaluate(x);
  return x;
}

/** Standard normal float64 numbers, the same for the same seed. */
export const gaussian = (seed: number, ...shape: number[]): Tensor =>
  drawn(random.normal(random.key(seed), shape, { dtype: "float64" }));

/** Uniform float64 numbers between two bounds, the same for the same seed. */
export const uniform = (seed: number, low: number, high: number, ...shape: number[]): Tensor =>
  drawn(random.uniform(random.key(seed), shape, { dtype: "float64", low, high }));

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

/**
 * Nodes and weights of Gauss's quadrature on [low, high], exact for polynomials of degree 2n - 1: eigenvalues of the
 * recurrence of Legendre's polynomials (Golub and Welsch, 1969).
 */
export function quadrature(n: number, low: number, high: number): { nodes: Tensor; weights: Tensor } {
  const off = range(n - 1).map((i) => (i + 1) / Math.sqrt(4 * (i + 1) ** 2 - 1));
  const recurrence = range(n).map((i) => range(n).map((j) => (Math.abs(i - j) === 1 ? off[Math.min(i, j)] : 0)));
  const { values, vectors } = eigh(f64(recurrence));
  const half = (high - low) / 2;
  return {
    nodes: values.add(1).mul(half).add(low),
    weights: vectors
      .at(0)
      .square()
      .mul(2 * half),
  };
}
