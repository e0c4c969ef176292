/** Step lengths along a direction. */
import { type Evaluation, isUsable, type Objective } from "./objective.js";
import { dot, plus, type Vector } from "./vectors.js";

export interface WolfeOptions {
  /** Sufficient decrease: `φ(a) ≤ φ(0) + c1 a φ'(0)`; 1e-4 unless given. */
  readonly c1: number;
  /** Curvature: `|φ'(a)| ≤ c2 |φ'(0)|`; a small one makes the search nearly exact. */
  readonly c2: number;
  /** The step tried first. */
  readonly first: number;
  /** How many points are tried at most. */
  readonly trials: number;
}

/** A point on the ray, at `step` times the direction. */
interface Trial {
  readonly step: number;
  readonly value: number;
  readonly slope: number;
  readonly at: Evaluation;
}

export type Search =
  | { readonly found: true; readonly step: number; readonly at: Evaluation }
  | { readonly found: false; readonly reason: "unbounded" | "precision" | "notFinite" };

/** The least point of the cubic that has the values and slopes of two trials; NaN where there is none. */
function cubicMinimum(a: Trial, b: Trial): number {
  const d1 = a.slope + b.slope - (3 * (a.value - b.value)) / (a.step - b.step);
  const d2 = Math.sign(b.step - a.step) * Math.sqrt(d1 * d1 - a.slope * b.slope);
  return b.step - ((b.step - a.step) * (b.slope + d2 - d1)) / (b.slope - a.slope + 2 * d2);
}

/** A step strictly between two trials: the cubic's minimum where it is well inside, else the middle. */
function between(low: Trial, high: Trial): number {
  const [left, right] = [Math.min(low.step, high.step), Math.max(low.step, high.step)];
  const room = 0.05 * (right - left);
  const guess = Number.isFinite(high.value) ? cubicMinimum(low, high) : NaN;
  return guess > left + room && guess < right - room ? guess : (left + right) / 2;
}

/** A function along a ray, and which of its points are low and flat enough. */
class Ray<M> {
  readonly start: Trial;
  /** By how much values may differ for nothing but rounding. */
  readonly rounding: number;
  readonly #objective: Objective<M>;
  readonly #direction: Vector;
  readonly #options: WolfeOptions;
  #left: number;

  constructor(objective: Objective<M>, from: Evaluation, direction: Vector, options: WolfeOptions) {
    this.#objective = objective;
    this.#direction = direction;
    this.#options = options;
    this.#left = options.trials;
    this.rounding = 64 * objective.space.epsilon * Math.abs(from.value);
    this.start = { step: 0, value: from.value, slope: dot(from.gradient, direction), at: from };
  }

  /** The trial at a step; `null` when there were enough. */
  async attempt(step: number): Promise<Trial | null> {
    if (this.#left-- <= 0) return null;
    const at = await this.#objective.at(plus(this.start.at.x, step, this.#direction));
    if (at.value !== -Infinity && !isUsable(at)) return { step, value: Infinity, slope: NaN, at };
    return { step, value: at.value, slope: dot(at.gradient, this.#direction), at };
  }

  /** Whether two steps are different numbers. */
  isApart(a: Trial, b: Trial): boolean {
    return Math.abs(a.step - b.step) > this.#objective.space.epsilon * Math.max(a.step, b.step);
  }

  /** Sufficient decrease. */
  isLower(t: Trial): boolean {
    return t.value <= this.start.value + this.#options.c1 * t.step * this.start.slope;
  }

  /** Sufficient decrease, by slopes where values differ by rounding alone (Hager & Zhang 2005). */
  isLow(t: Trial): boolean {
    const { value, slope } = this.start;
    return this.isLower(t) || (t.value <= value + this.rounding && t.slope <= (2 * this.#options.c1 - 1) * slope);
  }

  isGood(t: Trial): boolean {
    return this.isLow(t) && Math.abs(t.slope) <= -this.#options.c2 * this.start.slope;
  }
}

const accept = ({ step, at }: Trial): Search => ({ found: true, step, at });

/** A good step between two trials, of which `low` is the lower one and falls towards `high` (algorithm 3.6). */
async function zoom<M>(ray: Ray<M>, low: Trial, high: Trial): Promise<Search> {
  while (ray.isApart(low, high)) {
    const t = await ray.attempt(between(low, high));
    if (t === null) break;
    if (ray.isGood(t)) return accept(t);
    if (!ray.isLow(t) || t.value >= low.value + ray.rounding) high = t;
    else {
      if (t.slope * (high.step - low.step) >= 0) high = low;
      low = t;
    }
  }
  if (low.step > 0 && ray.isLower(low)) return accept(low);
  return { found: false, reason: Number.isFinite(high.value) ? "precision" : "notFinite" };
}

/**
 * A step that satisfies the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6). Where values differ
 * by rounding alone, a slope between `(2 c1 - 1) φ'(0)` and `c2 |φ'(0)|` is enough. Points where the function is not
 * finite count as too high. If the trials run out, the best point with sufficient decrease is taken.
 */
export async function strongWolfe<M>(
  objective: Objective<M>,
  from: Evaluation,
  direction: Vector,
  options: WolfeOptions,
): Promise<Search> {
  const ray = new Ray(objective, from, direction, options);
  let before = ray.start;
  for (let step = options.first; ; step *= 2) {
    const t = await ray.attempt(step);
    if (t === null || t.value === -Infinity) return { found: false, reason: "unbounded" };
    if (ray.isGood(t)) return accept(t);
    if (!ray.isLow(t) || (before.step > 0 && t.value >= before.value + ray.rounding)) return zoom(ray, before, t);
    if (t.slope >= 0) return zoom(ray, t, before);
    before = t;
  }
}
