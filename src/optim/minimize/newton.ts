/** Newton's method: with a line search, and within a trust region. */
import { compile, eye, type Tensor } from "../../index.js";
import { type Evaluation, isUsable, type Objective, toVector } from "./objective.js";
import type { Status } from "./result.js";
import type { Rule } from "./rules.js";
import { dot, isFinite, norm, plus, times, type Vector } from "./vectors.js";

type Solve = (matrix: Tensor, shift: Tensor, right: Tensor) => Tensor;

/** `(H + τI) x = b` by Cholesky's factor; NaN where the matrix is not positive definite. Loads `linalg` when first used. */
async function shiftedSolve(): Promise<Solve> {
  const { cholesky, choleskySolve } = await import("../../linalg/index.js");
  return compile((matrix: Tensor, shift: Tensor, right: Tensor) => {
    const identity = eye(matrix.shape[0], matrix.shape[0], { dtype: matrix.dtype });
    return choleskySolve(cholesky(matrix.add(identity.mul(shift))), right);
  });
}

/**
 * `-(H + τI)⁻¹∇f` with the least τ of 0, β, 2β, 4β … that makes the matrix positive definite (Nocedal & Wright, algorithm
 * 3.3): damped where the Hessian is not.
 */
export function newton<M>(objective: Objective<M>): Rule {
  let solve: Solve | null = null;
  return {
    c2: 0.9,
    async direction(at) {
      solve ??= await shiftedSolve();
      const matrix = objective.hessian(at.x);
      const right = objective.space.tensor(times(-1, at.gradient));
      const size = Math.max(norm(await toVector(matrix)), objective.space.epsilon);
      if (!Number.isFinite(size)) return times(-1, at.gradient);
      for (let tau = 0; tau < 4 * size; tau = Math.max(2 * tau, 1e-3 * size)) {
        const direction = await toVector(solve(matrix, objective.space.tensor(Float64Array.of(tau)), right));
        if (isFinite(direction) && dot(direction, at.gradient) < 0) return direction;
      }
      return times(-1, at.gradient);
    },
    learn() {},
    reset() {},
    firstStep: () => 1,
  };
}

/** The positive t with `‖p + t d‖ = radius`. */
function toBoundary(p: Vector, d: Vector, radius: number): number {
  const [a, b, c] = [dot(d, d), 2 * dot(p, d), dot(p, p) - radius * radius];
  return (-b + Math.sqrt(Math.max(0, b * b - 4 * a * c))) / (2 * a);
}

/** A step within the radius that lowers the quadratic model, and by how much it does: Steihaug's conjugate gradients (7.2). */
export async function steihaug<M>(
  objective: Objective<M>,
  { x, gradient }: Evaluation,
  radius: number,
): Promise<{ readonly step: Vector; readonly fall: number; readonly atBoundary: boolean }> {
  const tolerance = Math.min(0.5, Math.sqrt(norm(gradient))) * norm(gradient);
  let p: Vector = new Float64Array(x.length);
  let hp: Vector = new Float64Array(x.length);
  let r = gradient;
  let d = times(-1, gradient);
  const end = (step: Vector, image: Vector, atBoundary: boolean) => ({
    step,
    fall: -(dot(gradient, step) + 0.5 * dot(step, image)),
    atBoundary,
  });
  for (let k = 0; k < 2 * x.length + 10; k++) {
    const hd = await objective.hessianTimes(x, d);
    const curvature = dot(d, hd);
    const rr = dot(r, r);
    const a = curvature > 0 ? rr / curvature : Infinity;
    if (!(norm(plus(p, a, d)) < radius)) {
      const t = toBoundary(p, d, radius);
      return end(plus(p, t, d), plus(hp, t, hd), true);
    }
    p = plus(p, a, d);
    hp = plus(hp, a, hd);
    r = plus(r, a, hd);
    if (norm(r) <= tolerance) break;
    d = plus(times(-1, r), dot(r, r) / rr, d);
  }
  return end(p, hp, false);
}

export interface TrustState {
  radius: number;
}

/** The region may grow up to this radius; a function that still falls then is taken to have no minimum. */
const greatestRadius = 1e15;

/** One iteration of Nocedal & Wright's algorithm 4.1: the next point, or why there is none. */
export async function trustStep<M>(
  objective: Objective<M>,
  at: Evaluation,
  state: TrustState,
): Promise<Evaluation | Status> {
  for (;;) {
    if (state.radius > greatestRadius) return "unbounded";
    const { step, fall, atBoundary } = await steihaug(objective, at, state.radius);
    const trial = await objective.at(plus(at.x, 1, step));
    if (trial.value === -Infinity) return trial;
    // Where rounding hides the fall, the model is believed.
    const rounding = 64 * objective.space.epsilon * Math.abs(at.value);
    const gain = at.value - trial.value;
    const ratio = !isUsable(trial) ? -1 : fall <= rounding && Math.abs(gain) <= rounding ? 1 : gain / fall;
    if (ratio < 0.25) state.radius = 0.25 * norm(step);
    else if (ratio > 0.75 && atBoundary) state.radius *= 2;
    if (ratio > 0.1) return trial;
    if (!(state.radius > objective.space.epsilon * Math.max(1, norm(at.x)))) return "precision";
  }
}
