/** Inequalities checked along a run. */
import { dot } from "../minimize/vectors.js";
import { ArgumentError } from "../../index.js";
import type { Trajectory } from "./trajectory.js";

/** Whether something stays below its bound at every step, and how close it comes. */
export interface Certificate {
  readonly holds: boolean;
  /** The greatest quotient of what is measured and its bound: the bound is tight where it is 1, and broken above. */
  readonly worst: number;
  /** Where that is, or -1 where all that is measured is below the tolerance. */
  readonly at: number;
  readonly measured: readonly number[];
  readonly bound: readonly number[];
}

export interface CertifyOptions {
  /** The first index that is looked at: bounds with `1/k` begin at 1. */
  readonly from?: number;
  /** What is measured may exceed its bound by this, for rounding; 1e-12 unless given. */
  readonly tolerance?: number;
}

/** Checks `measured[k] ≤ bound(k)` for all k; numbers that are not finite break it. */
export function certify(
  measured: readonly number[],
  bound: (k: number) => number,
  options: CertifyOptions = {},
): Certificate {
  const { from = 0, tolerance = 1e-12 } = options;
  if (measured.length <= from)
    throw new ArgumentError(
      `certify: there must be something from index ${from} on, got ${measured.length} numbers. record more steps`,
    );
  const bounds = measured.map((_, k) => bound(k));
  let [holds, worst, at] = [true, 0, -1];
  for (let k = from; k < measured.length; k++) {
    const isKept = measured[k] <= bounds[k] + tolerance;
    holds &&= isKept;
    const quotient = isKept && measured[k] <= tolerance ? 0 : measured[k] / bounds[k];
    if (quotient > worst || Number.isNaN(quotient)) [worst, at] = [quotient, k];
  }
  return { holds, worst, at, measured, bound: bounds };
}

const minus = (x: Float64Array, y: ArrayLike<number>): Float64Array => x.map((v, i) => v - y[i]);
const square = (x: Float64Array): number => dot(x, x);

/** `‖xₖ - x*‖`. */
export const distances = ({ points }: Trajectory, minimizer: ArrayLike<number>): number[] =>
  points.map((x) => Math.sqrt(square(minus(x, minimizer))));

/** `f(xₖ) - f*`. */
export const gaps = ({ values }: Trajectory, minimum: number): number[] => values.map((v) => v - minimum);

/** All pairs of different points of a run. */
function* pairs({
  points,
  gradients,
}: Trajectory): Generator<{ readonly dx: Float64Array; readonly dg: Float64Array }> {
  for (let i = 0; i < points.length; i++)
    for (let j = 0; j < i; j++) {
      const dx = minus(points[i], points[j]);
      if (square(dx) > 0) yield { dx, dg: minus(gradients[i], gradients[j]) };
    }
}

/** The greatest `‖∇f(x) - ∇f(y)‖ / ‖x - y‖` over all pairs of points of a run: L is at least that. */
export function smoothness(run: Trajectory): number {
  let greatest = 0;
  for (const { dx, dg } of pairs(run)) greatest = Math.max(greatest, Math.sqrt(square(dg) / square(dx)));
  return greatest;
}

/**
 * The least `(∇f(x) - ∇f(y))ᵀ(x - y) / ‖x - y‖²` over all pairs of points of a run: μ is at most that, and where it is
 * negative the function is not convex.
 */
export function strongConvexity(run: Trajectory): number {
  let least = Infinity;
  for (const { dx, dg } of pairs(run)) least = Math.min(least, dot(dg, dx) / square(dx));
  return least;
}

/**
 * Checks the inequality of Polyak and Łojasiewicz, `μ (f - f*) ≤ ½‖∇f‖²`, at every point of a run. `constant` is the
 * greatest μ for which it holds there.
 */
export function plInequality(
  run: Trajectory,
  minimum: number,
  mu: number,
  options: CertifyOptions = {},
): Certificate & { readonly constant: number } {
  const slopes = run.gradients.map((g) => square(g) / 2);
  const above = gaps(run, minimum);
  const constants = above.flatMap((gap, k) => (gap > (options.tolerance ?? 1e-12) ? [slopes[k] / gap] : []));
  const certificate = certify(
    above.map((gap) => mu * gap),
    (k) => slopes[k],
    options,
  );
  return { ...certificate, constant: Math.min(Infinity, ...constants) };
}

/**
 * Checks the descent lemma at every step: `f(y) - f(x) - ∇f(x)ᵀ(y - x) ≤ L/2 ‖y - x‖²` (Nesterov 2018, lemma 1.2.3). It
 * holds for all steps, whatever made them, where the gradient has the Lipschitz constant L.
 */
export function descentLemma(run: Trajectory, L: number, options: CertifyOptions = {}): Certificate {
  const steps = run.points.slice(1).map((x, k) => minus(x, run.points[k]));
  return certify(
    steps.map((d, k) => run.values[k + 1] - run.values[k] - dot(run.gradients[k], d)),
    (k) => (L / 2) * square(steps[k]),
    options,
  );
}

/** Checks that every step of gradient descent with rate 1/L lowers f by `‖∇f‖² / 2L` at least. */
export function sufficientDecrease(run: Trajectory, L: number, options: CertifyOptions = {}): Certificate {
  return certify(
    run.gradients.slice(1).map((_, k) => square(run.gradients[k]) / (2 * L)),
    (k) => run.values[k] - run.values[k + 1],
    options,
  );
}
