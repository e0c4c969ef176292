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

/**
 * A step that satisfies the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6). Where values differ
 * by rounding alone, a slope between `(2 c1 - 1) φ'(0)` and `c2 |φ'(0)|` is enough (Hager & Zhang 2005). Points where the
 * function is not finite count as too high. If the trials run out, the best point with sufficient decrease is taken.
 */
export async function strongWolfe<M>(
  objective: Objective<M>,
  from: Evaluation,
  direction: Vector,
  options: WolfeOptions,
): Promise<Search> {
  const { c1, c2, first, trials } = options;
  const slope0 = dot(from.gradient, direction);
  const rounding = 64 * objective.space.epsilon * Math.abs(from.value);
  const start: Trial = { step: 0, value: from.value, slope: slope0, at: from };
  const attempt = async (step: number): Promise<Trial> => {
    const at = await objective.at(plus(from.x, step, direction));
    if (at.value === -Infinity || isUsable(at))
      return { step, value: at.value, slope: dot(at.gradient, direction), at };
    return { step, value: Infinity, slope: NaN, at };
  };
  const isLower = (t: Trial): boolean => t.value <= from.value + c1 * t.step * slope0;
  const isLow = (t: Trial): boolean =>
    isLower(t) || (t.value <= from.value + rounding && t.slope <= (2 * c1 - 1) * slope0);
  const isFlat = (t: Trial): boolean => Math.abs(t.slope) <= -c2 * slope0;
  const accept = (t: Trial): Search => ({ found: true, step: t.step, at: t.at });

  let left = trials;
  const zoom = async (low: Trial, high: Trial): Promise<Search> => {
    while (left-- > 0 && Math.abs(high.step - low.step) > objective.space.epsilon * Math.max(low.step, high.step)) {
      const t = await attempt(between(low, high));
      if (isLow(t) && isFlat(t)) return accept(t);
      if (!isLow(t) || t.value >= low.value + rounding) high = t;
      else {
        if (t.slope * (high.step - low.step) >= 0) high = low;
        low = t;
      }
    }
    if (low.step > 0 && isLower(low)) return accept(low);
    return { found: false, reason: Number.isFinite(high.value) ? "precision" : "notFinite" };
  };

  let before = start;
  for (let step = first; left-- > 0; step *= 2) {
    const t = await attempt(step);
    if (t.value === -Infinity) return { found: false, reason: "unbounded" };
    if (isLow(t) && isFlat(t)) return accept(t);
    if (!isLow(t) || (before.step > 0 && t.value >= before.value + rounding)) return zoom(before, t);
    if (t.slope >= 0) return zoom(t, before);
    before = t;
  }
  return { found: false, reason: "unbounded" };
}
