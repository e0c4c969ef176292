/**
 * Published bounds on the errors of methods, as functions of the number k of steps. L is the gradient's Lipschitz constant,
 * μ the constant of strong convexity (or of the PL inequality), `distance` `‖x₀ - x*‖`, `gap` `f(x₀) - f*`.
 */
import { ArgumentError } from "../../index.js";

/** What a quantity is at most after k steps. */
export type Bound = (k: number) => number;

interface Constants {
  /** L. */
  readonly smoothness: number;
  /** μ. */
  readonly strongConvexity: number;
}

function check(name: string, values: Readonly<Record<string, number>>): void {
  for (const [what, value] of Object.entries(values))
    if (!(value >= 0) || value === Infinity)
      throw new ArgumentError(`${name}: ${what} must be a number from 0, got ${value}. compute it first`);
  const { smoothness = Infinity, strongConvexity = 0 } = values;
  if (strongConvexity > smoothness)
    throw new ArgumentError(`${name}: μ must be at most L, got ${strongConvexity} and ${smoothness}. exchange them`);
}

/** Gradient descent with rate 1/L on a convex function: `f - f* ≤ L‖x₀ - x*‖² / 2k`, from k = 1 (Beck 2017, theorem 10.21). */
export function gradientDescentConvex(c: { readonly smoothness: number; readonly distance: number }): Bound {
  check("gradientDescentConvex", { ...c });
  return (k) => (c.smoothness * c.distance ** 2) / (2 * k);
}

/** Gradient descent with rate 1/L under the PL inequality: `f - f* ≤ (1 - μ/L)ᵏ (f(x₀) - f*)` (Polyak 1963; Karimi et al. 2016, theorem 1). */
export function gradientDescentPl(c: Constants & { readonly gap: number }): Bound {
  check("gradientDescentPl", { ...c });
  return (k) => (1 - c.strongConvexity / c.smoothness) ** k * c.gap;
}

/**
 * Gradient descent with rate 2/(L + μ) on a strongly convex function: `‖x - x*‖ ≤ ((κ - 1)/(κ + 1))ᵏ ‖x₀ - x*‖` (Nesterov
 * 2018, theorem 2.1.15).
 */
export function gradientDescentStronglyConvex(c: Constants & { readonly distance: number }): Bound {
  check("gradientDescentStronglyConvex", { ...c });
  const rate = (c.smoothness - c.strongConvexity) / (c.smoothness + c.strongConvexity);
  return (k) => rate ** k * c.distance;
}

/** Steepest descent with exact line search on a quadratic: `f - f* ≤ ((κ - 1)/(κ + 1))²ᵏ (f(x₀) - f*)` (Nocedal & Wright 2006, theorem 3.3). */
export function steepestDescentQuadratic(c: Constants & { readonly gap: number }): Bound {
  check("steepestDescentQuadratic", { ...c });
  const rate = (c.smoothness - c.strongConvexity) / (c.smoothness + c.strongConvexity);
  return (k) => rate ** (2 * k) * c.gap;
}

/**
 * Nesterov's method with rate 1/L and the momentum `k/(k + 3)` on a convex function: `f - f* ≤ 2L‖x₀ - x*‖² / (k + 1)²`
 * (Nesterov 1983; Beck & Teboulle 2009, theorem 4.4).
 */
export function nesterovConvex(c: { readonly smoothness: number; readonly distance: number }): Bound {
  check("nesterovConvex", { ...c });
  return (k) => (2 * c.smoothness * c.distance ** 2) / (k + 1) ** 2;
}

/**
 * Nesterov's method with rate 1/L and momentum `(√κ - 1)/(√κ + 1)` on a strongly convex function:
 * `f - f* ≤ (1 - √(μ/L))ᵏ (f(x₀) - f* + μ/2 ‖x₀ - x*‖²)` (Nesterov 2018, theorem 2.2.3), itself at most
 * `L (1 - √(μ/L))ᵏ ‖x₀ - x*‖²`.
 */
export function nesterovStronglyConvex(c: Constants & { readonly gap: number; readonly distance: number }): Bound {
  check("nesterovStronglyConvex", { ...c });
  const rate = 1 - Math.sqrt(c.strongConvexity / c.smoothness);
  return (k) => rate ** k * (c.gap + (c.strongConvexity / 2) * c.distance ** 2);
}

/** The momentum `(√κ - 1)/(√κ + 1)` of Nesterov's method on strongly convex functions. */
export function nesterovMomentum({ smoothness, strongConvexity }: Constants): number {
  check("nesterovMomentum", { smoothness, strongConvexity });
  const root = Math.sqrt(smoothness / strongConvexity);
  return (root - 1) / (root + 1);
}

/**
 * The rate `4/(√L + √μ)²` and the momentum `((√κ - 1)/(√κ + 1))²` with which the heavy ball is fastest on quadratics, and
 * the factor `(√κ - 1)/(√κ + 1)` by which its errors then fall with each step, in the end (Polyak 1964).
 */
export function heavyBallQuadratic({ smoothness, strongConvexity }: Constants): {
  readonly learningRate: number;
  readonly momentum: number;
  readonly factor: number;
} {
  const factor = nesterovMomentum({ smoothness, strongConvexity });
  const learningRate = 4 / (Math.sqrt(smoothness) + Math.sqrt(strongConvexity)) ** 2;
  return { learningRate, momentum: factor ** 2, factor };
}

/**
 * Conjugate gradients on a quadratic: `‖x - x*‖_A ≤ 2 ((√κ - 1)/(√κ + 1))ᵏ ‖x₀ - x*‖_A` (Nocedal & Wright 2006, 5.36); `distance`
 * is in the norm of A.
 */
export function conjugateGradients(c: Constants & { readonly distance: number }): Bound {
  const rate = nesterovMomentum(c);
  return (k) => 2 * rate ** k * c.distance;
}

/**
 * Stochastic gradients of mean square at most G² on a convex function, the mean of the points weighted by their rates:
 * `E f - f* ≤ (‖x₀ - x*‖² + G² Σ ηᵢ²) / 2 Σ ηᵢ` over the first k steps (Nemirovski et al. 2009, 2.18). With `η ∝ 1/√k` it is
 * O(1/√k) but for a logarithm.
 */
export function sgdConvex(c: {
  readonly distance: number;
  readonly gradientBound: number;
  readonly rate: (k: number) => number;
}): Bound {
  check("sgdConvex", { distance: c.distance, gradientBound: c.gradientBound });
  const sums = { count: 0, first: 0, second: 0 };
  return (k) => {
    if (k < sums.count) Object.assign(sums, { count: 0, first: 0, second: 0 });
    for (; sums.count < k; sums.count++) {
      const rate = c.rate(sums.count);
      sums.first += rate;
      sums.second += rate * rate;
    }
    return (c.distance ** 2 + c.gradientBound ** 2 * sums.second) / (2 * sums.first);
  };
}

/**
 * Stochastic gradient descent with a constant rate η < 1/L on a strongly convex mean of functions that are each convex and
 * L-smooth: `E‖x - x*‖² ≤ Aᵏ ‖x₀ - x*‖² + B` with `A = 1 - 2ημ(1 - ηL)` and `B = ησ² / μ(1 - ηL)`, σ² the mean square of the
 * gradients at x* (Needell, Srebro & Ward 2014, theorem 2.1). It comes to a floor B, and no further.
 */
export function sgdConstantRate(
  c: Constants & { readonly distance: number; readonly learningRate: number; readonly noise: number },
): Bound & { readonly factor: number; readonly floor: number } {
  check("sgdConstantRate", { ...c });
  const { smoothness, strongConvexity, learningRate, noise, distance } = c;
  const left = 1 - learningRate * smoothness;
  if (!(left > 0))
    throw new ArgumentError(
      `sgdConstantRate: the rate must be below 1/L, got ${learningRate} and L = ${smoothness}. lower it`,
    );
  const factor = 1 - 2 * learningRate * strongConvexity * left;
  const floor = (learningRate * noise) / (strongConvexity * left);
  return Object.assign((k: number) => factor ** k * distance ** 2 + floor, { factor, floor });
}

/**
 * SVRG with m inner steps: the expected gap falls by `1 / μη(1 - 2Lη)m + 2Lη / (1 - 2Lη)` with every snapshot, each a random
 * one of the inner points (Johnson & Zhang 2013, theorem 1); k counts snapshots.
 */
export function svrg(
  c: Constants & { readonly gap: number; readonly learningRate: number; readonly innerSteps: number },
): Bound & { readonly factor: number } {
  check("svrg", { ...c });
  const { smoothness, strongConvexity, learningRate, innerSteps, gap } = c;
  const left = 1 - 2 * smoothness * learningRate;
  if (!(left > 0))
    throw new ArgumentError(`svrg: the rate must be below 1/2L, got ${learningRate} and L = ${smoothness}. lower it`);
  const factor = 1 / (strongConvexity * learningRate * left * innerSteps) + (2 * smoothness * learningRate) / left;
  return Object.assign((k: number) => factor ** k * gap, { factor });
}
