/** Test functions of the literature. */
import { ArgumentError, type Tensor, where, shown } from "../../index.js";
import type { Specimen } from "./specimen.js";

function checkDimension(name: string, n: number, least: number): void {
  if (!Number.isInteger(n) || n < least)
    throw new ArgumentError(`${name}: the dimension must be an integer from ${least}, got ${shown(n)}. raise it`);
}
const repeated = (n: number, ...values: readonly number[]): number[] =>
  Array.from({ length: n }, (_, i) => values[i % values.length]);
const both = (low: number, high: number): Specimen["window"] => [
  [low, high],
  [low, high],
];

/** `Σ 100 (xᵢ₊₁ - xᵢ²)² + (1 - xᵢ)²`: a bent valley (Rosenbrock 1960). */
export function rosenbrock(n = 2): Specimen {
  checkDimension("rosenbrock", n, 2);
  return {
    name: "Rosenbrock",
    dimension: n,
    value(x) {
      const [u, v] = [x.at(":-1"), x.at("1:")];
      return v.sub(u.square()).square().mul(100).add(u.neg().add(1).square()).sum();
    },
    start: repeated(n, -1.2, 1),
    minimizers: [repeated(n, 1)],
    minimum: 0,
    window: [
      [-2, 2],
      [-1, 3],
    ],
  };
}

/** `10n + Σ xᵢ² - 10 cos 2πxᵢ`: many minima (Rastrigin 1974). Its curvature is at most `2 + 40π²`. */
export function rastrigin(n = 2): Specimen {
  checkDimension("rastrigin", n, 1);
  const waves = (x: Tensor): Tensor =>
    x
      .mul(2 * Math.PI)
      .cos()
      .mul(10);
  return {
    name: "Rastrigin",
    dimension: n,
    value: (x) =>
      x
        .square()
        .sub(waves(x))
        .sum()
        .add(10 * n),
    start: repeated(n, 2.3, -1.7),
    minimizers: [repeated(n, 0)],
    minimum: 0,
    smoothness: 2 + 40 * Math.PI ** 2,
    window: both(-5.12, 5.12),
  };
}

/** `20 + e - 20 exp(-0.2 √(Σxᵢ²/n)) - exp(Σ cos 2πxᵢ / n)`: a hole in a wavy plain (Ackley 1987); no gradient at 0. */
export function ackley(n = 2): Specimen {
  checkDimension("ackley", n, 1);
  return {
    name: "Ackley",
    dimension: n,
    value(x) {
      const hole = x.square().mean().sqrt().mul(-0.2).exp().mul(-20);
      const waves = x
        .mul(2 * Math.PI)
        .cos()
        .mean()
        .exp();
      return hole.sub(waves).add(20 + Math.E);
    },
    start: repeated(n, 2.3, -1.7),
    minimizers: [repeated(n, 0)],
    minimum: 0,
    window: both(-5, 5),
  };
}

/** `(x² + y - 11)² + (x + y² - 7)²`: four minima of one depth (Himmelblau 1972). */
export const himmelblau = (): Specimen => ({
  name: "Himmelblau",
  dimension: 2,
  value(p) {
    const [x, y] = [p.at(0), p.at(1)];
    return x.square().add(y).sub(11).square().add(x.add(y.square()).sub(7).square());
  },
  start: [0, 0],
  minimizers: [
    [3, 2],
    [-2.805118086952745, 3.131312518250573],
    [-3.779310253377747, -3.283185991286169],
    [3.584428340330492, -1.848126526964404],
  ],
  minimum: 0,
  window: both(-5, 5),
});

/** `(1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)²`: flat with steep corners (Beale 1958). */
export const beale = (): Specimen => ({
  name: "Beale",
  dimension: 2,
  value(p) {
    const [x, y] = [p.at(0), p.at(1)];
    const part = (offset: number, power: number): Tensor => x.mul(y.pow(power)).sub(x).add(offset).square();
    return part(1.5, 1).add(part(2.25, 2)).add(part(2.625, 3));
  },
  start: [1, 1],
  minimizers: [[3, 0.5]],
  minimum: 0,
  window: both(-4.5, 4.5),
});

/** `(x + 2y - 7)² + (2x + y - 5)²`: a quadratic with curvatures 2 and 18. */
export const booth = (): Specimen => ({
  name: "Booth",
  dimension: 2,
  value(p) {
    const [x, y] = [p.at(0), p.at(1)];
    return x.add(y.mul(2)).sub(7).square().add(x.mul(2).add(y).sub(5).square());
  },
  start: [-5, -5],
  minimizers: [[1, 3]],
  minimum: 0,
  smoothness: 18,
  strongConvexity: 2,
  pl: 2,
  window: both(-10, 10),
});

/**
 * `Σ xᵢ² + 3 sin² xᵢ`: not convex, yet the PL inequality holds with 1/32, and the curvature is at most 8 (Karimi, Nutini &
 * Schmidt 2016).
 */
export function polyakLojasiewicz(n = 1): Specimen {
  checkDimension("polyakLojasiewicz", n, 1);
  return {
    name: "x² + 3 sin² x",
    dimension: n,
    value: (x) => x.square().add(x.sin().square().mul(3)).sum(),
    start: repeated(n, 3, -2.5),
    minimizers: [repeated(n, 0)],
    minimum: 0,
    smoothness: 8,
    pl: 1 / 32,
    window: both(-4, 4),
  };
}

/** `x² - y²`: no minimum, and a critical point that is none. */
export const saddle = (): Specimen => ({
  name: "saddle",
  dimension: 2,
  value: (p) => p.at(0).square().sub(p.at(1).square()),
  start: [1, 1e-3],
  minimizers: [],
  smoothness: 2,
  window: both(-2, 2),
});

/** `x³ - 3xy²`: a critical point at 0 whose Hessian is 0. */
export const monkeySaddle = (): Specimen => ({
  name: "monkey saddle",
  dimension: 2,
  value(p) {
    const [x, y] = [p.at(0), p.at(1)];
    return x.pow(3).sub(x.mul(y.square()).mul(3));
  },
  start: [0.5, 0.5],
  minimizers: [],
  window: both(-2, 2),
});

/** `Σ` of `xᵢ²/2` within `delta` of 0 and `delta (|xᵢ| - delta/2)` outside: convex, smooth, linear far away (Huber 1964). */
export function huber(n = 2, delta = 1): Specimen {
  checkDimension("huber", n, 1);
  if (!(delta > 0)) throw new ArgumentError(`huber: delta must be positive, got ${delta}. 1 is usual`);
  return {
    name: "Huber",
    dimension: n,
    value(x) {
      const size = x.abs();
      return where(size.lessEqual(delta), x.square().div(2), size.sub(delta / 2).mul(delta)).sum();
    },
    start: repeated(n, 5, -3),
    minimizers: [repeated(n, 0)],
    minimum: 0,
    smoothness: 1,
    window: both(-4, 4),
  };
}

/** One of each, in the plane where there is a choice. */
export const classics = (): readonly Specimen[] => [
  rosenbrock(),
  rastrigin(),
  ackley(),
  himmelblau(),
  beale(),
  booth(),
  polyakLojasiewicz(2),
  saddle(),
  monkeySaddle(),
  huber(),
];
