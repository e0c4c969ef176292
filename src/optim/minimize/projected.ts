/** Gradient descent within a convex set. */
import { type Evaluation, isUsable, type Objective } from "./objective.js";
import type { Iteration } from "./result.js";
import { dot, minus, plus, type Vector } from "./vectors.js";

/**
 * `x ← Π(x - a∇f)`, a halved until `f(x₊) ≤ f(x) + c1 ∇fᵀ(x₊ - x)` (Bertsekas 1976), from Barzilai & Borwein's `sᵀs / sᵀy`.
 */
export function projectedStep<M>(
  objective: Objective<M>,
  project: (x: Vector) => Promise<Vector>,
  c1: number,
): Iteration {
  let before: Evaluation | null = null;
  const firstStep = (at: Evaluation): number => {
    if (before === null) return 1;
    const [s, y] = [minus(at.x, before.x), minus(at.gradient, before.gradient)];
    const curvature = dot(s, y);
    return curvature > 0 ? Math.min(1e6, Math.max(1e-6, dot(s, s) / curvature)) : 1;
  };
  return async (at) => {
    const first = firstStep(at);
    const rounding = 64 * objective.space.epsilon * Math.abs(at.value);
    for (let k = 0; k < 60; k++) {
      const x = await project(plus(at.x, -first / 2 ** k, at.gradient));
      const slope = dot(at.gradient, minus(x, at.x));
      const trial = await objective.at(x);
      if (trial.value === -Infinity) return "unbounded";
      const isLow =
        trial.value <= at.value + c1 * slope || (trial.value <= at.value + rounding && Math.abs(slope) <= rounding);
      if (isUsable(trial) && isLow && slope < 0) {
        before = at;
        return trial;
      }
    }
    return "precision";
  };
}
