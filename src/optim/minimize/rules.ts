/** Directions of the methods that search along a line. */
import type { Evaluation } from "./objective.js";
import { dot, minus, norm, plus, times, type Vector } from "./vectors.js";

/** A method: where to go from a point, given the steps made so far. */
export interface Rule {
  /** `c2` of the line search unless the user has given one. */
  readonly c2: number;
  direction(at: Evaluation): Vector | Promise<Vector>;
  /** Takes in a step that was made. */
  learn(before: Evaluation, after: Evaluation): void;
  /** Forgets the steps made. */
  reset(): void;
  /** The first step to try along a direction; `fall` is what the last iteration lowered f by, `null` before the first. */
  firstStep(at: Evaluation, direction: Vector, fall: number | null): number;
}

/** A step that would lower a quadratic by as much as the last one did; a short one at first (Nocedal & Wright 3.60). */
function similarStep(at: Evaluation, direction: Vector, fall: number | null): number {
  if (fall === null || !(fall > 0)) return Math.min(1, 1 / norm(direction));
  return (-2.02 * fall) / dot(at.gradient, direction);
}

/** A full step, but a short one while nothing is known of the scale. */
const fullStep = (_at: Evaluation, direction: Vector, fall: number | null): number =>
  fall === null ? Math.min(1, 1 / norm(direction)) : 1;

/** `-∇f`. */
export const steepest = (): Rule => ({
  c2: 0.1,
  direction: (at) => times(-1, at.gradient),
  learn() {},
  reset() {},
  firstStep: similarStep,
});

/** Nonlinear conjugate gradients with `β = max(0, gᵀ(g - g₋) / g₋ᵀg₋)` (Polak-Ribière+; Nocedal & Wright 5.45). */
export function conjugate(): Rule {
  let last: { readonly gradient: Vector; readonly direction: Vector } | null = null;
  return {
    c2: 0.1,
    direction({ gradient }) {
      const down = times(-1, gradient);
      const beta =
        last === null
          ? 0
          : Math.max(0, dot(gradient, minus(gradient, last.gradient)) / dot(last.gradient, last.gradient));
      const direction = last === null ? down : plus(down, beta, last.direction);
      last = { gradient, direction };
      return direction;
    },
    learn() {},
    reset() {
      last = null;
    },
    firstStep: similarStep,
  };
}

/** Whether a step and the change of the gradient along it have curvature enough to learn from. */
const hasCurvature = (s: Vector, y: Vector): boolean => dot(s, y) > 1e-10 * norm(s) * norm(y);

/** The inverse Hessian as BFGS knows it: rows of a symmetric matrix. */
export class InverseHessian {
  rows: Vector[] | null = null;
  readonly #scale: number | null;

  /** It begins as `scale` times the identity, or as the first pair suggests. */
  constructor(scale: number | null) {
    this.#scale = scale;
  }

  times(v: Vector): Vector {
    return this.rows === null ? times(this.#scale ?? 1, v) : Float64Array.from(this.rows, (row) => dot(row, v));
  }

  /** `H ← (I - ρsyᵀ) H (I - ρysᵀ) + ρssᵀ` with `ρ = 1/yᵀs`, from `H = (sᵀy / yᵀy) I` (Nocedal & Wright 6.17, 6.20). */
  update(s: Vector, y: Vector): void {
    const sy = dot(s, y);
    const n = s.length;
    const scale = this.#scale ?? sy / dot(y, y);
    this.rows ??= Array.from({ length: n }, (_, i) => new Float64Array(n).fill(scale, i, i + 1));
    const hy = this.times(y);
    const both = (1 + dot(y, hy) / sy) / sy;
    this.rows.forEach((row, i) => {
      for (let j = 0; j < n; j++) row[j] += both * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / sy;
    });
  }
}

/** Broyden, Fletcher, Goldfarb and Shanno's method: `-H∇f` (Nocedal & Wright, algorithm 6.1). */
export function bfgs(inverse: InverseHessian): Rule {
  return {
    c2: 0.9,
    direction: (at) => times(-1, inverse.times(at.gradient)),
    learn(before, after) {
      const [s, y] = [minus(after.x, before.x), minus(after.gradient, before.gradient)];
      if (hasCurvature(s, y)) inverse.update(s, y);
    },
    reset() {
      inverse.rows = null;
    },
    firstStep: fullStep,
  };
}

/** A step and the change of the gradient along it. */
export interface Pair {
  readonly s: Vector;
  readonly y: Vector;
}

/** `H v` for the H that BFGS makes of the pairs, the oldest first, from `scale·I` (the two-loop recursion, 7.4). */
export function twoLoop(pairs: readonly Pair[], scale: number, v: Vector): Vector {
  let q = v;
  const weights = pairs.toReversed().map(({ s, y }) => {
    const weight = dot(s, q) / dot(s, y);
    q = plus(q, -weight, y);
    return weight;
  });
  let r = times(scale, q);
  pairs.forEach(({ s, y }, i) => {
    r = plus(r, weights[pairs.length - 1 - i] - dot(y, r) / dot(s, y), s);
  });
  return r;
}

/** BFGS from the last `history` pairs alone (Liu & Nocedal 1989; Nocedal & Wright, algorithm 7.5). */
export function limitedBfgs(history: number, fixedScale: number | null): Rule {
  const pairs: Pair[] = [];
  return {
    c2: 0.9,
    direction({ gradient }) {
      const last = pairs.at(-1);
      const scale = last === undefined ? 1 : dot(last.s, last.y) / dot(last.y, last.y);
      return times(-1, twoLoop(pairs, fixedScale ?? scale, gradient));
    },
    learn(before, after) {
      const [s, y] = [minus(after.x, before.x), minus(after.gradient, before.gradient)];
      if (!hasCurvature(s, y)) return;
      pairs.push({ s, y });
      if (pairs.length > history) pairs.shift();
    },
    reset() {
      pairs.length = 0;
    },
    firstStep: fullStep,
  };
}
