/** Minimising a function of a tree of tensors. */
import { ArgumentError, type Tensor, tensor, shown } from "../../index.js";
import { ravel } from "../../tree/index.js";
import { strongWolfe } from "./line-search.js";
import { newton, trustStep } from "./newton.js";
import { type Evaluation, isUsable, Objective, toVector } from "./objective.js";
import { projectedStep } from "./projected.js";
import { checkStopping, type Iteration, type MinimizeResult, messages, type Status, type Stopping } from "./result.js";
import { bfgs, conjugate, InverseHessian, limitedBfgs, type Rule, steepest } from "./rules.js";
import { dot, maxAbs, minus, norm, times, type Vector } from "./vectors.js";

export const methods = [
  "gradient-descent",
  "cg",
  "bfgs",
  "l-bfgs",
  "newton",
  "trust-ncg",
  "projected-gradient",
] as const;

/**
 * `gradient-descent`, nonlinear conjugate gradients `cg`, `bfgs`, `l-bfgs` and `newton` search along a line; `trust-ncg` is
 * Newton's method in a trust region, for large problems with indefinite Hessians; `projected-gradient` stays in a set.
 */
export type Method = (typeof methods)[number];

export interface MinimizeOptions<M> extends Stopping<M> {
  /** `bfgs` unless given. */
  readonly method?: Method;
  /** The Wolfe conditions' constants. */
  readonly c1?: number;
  readonly c2?: number;
  /** How many points one line search may try; 50 unless given. */
  readonly maxLineSearch?: number;
  /** Pairs that `l-bfgs` keeps; 10 unless given. */
  readonly historySize?: number;
  /**
   * The multiple of the identity from which `bfgs` and `l-bfgs` build the inverse Hessian. Unless given it is `sᵀy / yᵀy`,
   * of the first step in `bfgs` and of the last in `l-bfgs`.
   */
  readonly initialInverseHessian?: number;
  /** The nearest point of the set that `projected-gradient` stays in, such as `projections.l2Ball(1)`. */
  readonly projection?: (x: M) => M;
  /** The first radius of `trust-ncg`; 1 unless given. */
  readonly initialTrustRadius?: number;
}

/** Iterations that search along the rule's direction, and along `-∇f` where that leads nowhere. */
function alongLines<M>(objective: Objective<M>, rule: Rule, options: MinimizeOptions<M>): Iteration {
  const { c1 = 1e-4, c2 = rule.c2, maxLineSearch = 50 } = options;
  if (!(0 < c1 && c1 < c2 && c2 < 1))
    throw new ArgumentError(
      `minimize: c1 and c2 must have 0 < c1 < c2 < 1, got ${c1} and ${c2}. 1e-4 and 0.9 are usual`,
    );
  return async (at, fall) => {
    for (const fresh of [false, true]) {
      if (fresh) rule.reset();
      const direction = fresh ? times(-1, at.gradient) : await rule.direction(at);
      if (!(dot(direction, at.gradient) < 0)) {
        if (fresh) return "notDescent";
        continue;
      }
      const known = fresh ? null : fall;
      const first = fresh ? Math.min(1, 1 / norm(direction)) : rule.firstStep(at, direction, known);
      const found = await strongWolfe(objective, at, direction, { c1, c2, first, trials: maxLineSearch });
      if (found.found) {
        rule.learn(at, found.at);
        return found.at;
      }
      if (fresh || found.reason === "unbounded") return found.reason;
    }
    return "precision";
  };
}

function iterationOf<M>(objective: Objective<M>, options: MinimizeOptions<M>, inverse: InverseHessian): Iteration {
  const along = (rule: Rule): Iteration => alongLines(objective, rule, options);
  const { method = "bfgs", historySize = 10, initialTrustRadius = 1, projection } = options;
  if (!(initialTrustRadius > 0))
    throw new ArgumentError(`minimize: initialTrustRadius must be positive, got ${initialTrustRadius}. 1 is usual`);
  if (!Number.isInteger(historySize) || historySize < 1)
    throw new ArgumentError(`minimize: historySize must be a positive integer, got ${shown(historySize)}. 10 is usual`);
  if (projection !== undefined && method !== "projected-gradient")
    throw new ArgumentError(`minimize: ${method} does not stay in a set, got a projection. use projected-gradient`);
  switch (method) {
    case "gradient-descent":
      return along(steepest());
    case "cg":
      return along(conjugate());
    case "bfgs":
      return along(bfgs(inverse));
    case "l-bfgs":
      return along(limitedBfgs(historySize, options.initialInverseHessian ?? null));
    case "newton":
      return along(newton(objective));
    case "trust-ncg": {
      const state = { radius: initialTrustRadius };
      return (at) => trustStep(objective, at, state);
    }
    case "projected-gradient":
      if (projection === undefined)
        throw new ArgumentError("minimize: projected-gradient needs a projection, got none. see projections");
      return projectedStep(objective, flatProjection(objective, projection), options.c1 ?? 1e-4);
  }
}

const flatProjection =
  <M>(objective: Objective<M>, projection: (x: M) => M) =>
  (x: Vector): Promise<Vector> =>
    toVector(ravel(projection(objective.space.tree(x))).vector);

/** How far a point is from stationary: the largest element of its gradient, or of what a projected step would move. */
async function stationarity<M>(objective: Objective<M>, at: Evaluation, options: MinimizeOptions<M>): Promise<number> {
  if (options.method !== "projected-gradient" || options.projection === undefined) return maxAbs(at.gradient);
  const moved = await flatProjection(objective, options.projection)(minus(at.x, at.gradient));
  return maxAbs(minus(moved, at.x));
}

function hasSettled<M>(before: Evaluation, after: Evaluation, { ftol = 0, xtol = 0 }: Stopping<M>): boolean {
  const fall = before.value - after.value;
  const scale = Math.max(1, Math.abs(before.value), Math.abs(after.value));
  if (ftol > 0 && fall <= ftol * scale) return true;
  return xtol > 0 && after.x.every((v, i) => Math.abs(v - before.x[i]) <= xtol * Math.max(1, Math.abs(v)));
}

/**
 * The minimum of a scalar function near `x0`, in SciPy's manner: `x0` is a tensor or any tree of them, such as a model, of
 * which the parameters are varied. Points are kept in float64; f is computed in the dtypes of x0. The run ends with one of
 * the statuses, and never says `converged` without a tolerance reached.
 */
export async function minimize<M>(
  f: (x: M) => Tensor,
  x0: M,
  options: MinimizeOptions<M> = {},
): Promise<MinimizeResult<M>> {
  checkStopping(options);
  if (options.method !== undefined && !methods.includes(options.method))
    throw new ArgumentError(
      `minimize: the method must be one of ${methods.join(", ")}, got ${String(options.method)}. choose one`,
    );
  const objective = new Objective(f, x0, options.compile ?? true);
  const { initialInverseHessian = null } = options;
  if (initialInverseHessian !== null && !(initialInverseHessian > 0))
    throw new ArgumentError(
      `minimize: initialInverseHessian must be positive, got ${initialInverseHessian}. leave it out`,
    );
  const inverse = new InverseHessian(initialInverseHessian);
  const iterate = iterationOf(objective, options, inverse);
  const run = await follow(objective, iterate, options);
  const { space } = objective;
  const n = run.at.x.length;
  const rows = inverse.rows;
  return {
    x: space.tree(run.at.x),
    fun: run.at.value,
    jac: space.tree(run.at.gradient),
    nit: run.nit,
    nfev: objective.nfev,
    njev: objective.njev,
    nhev: objective.nhev,
    status: run.status,
    success: run.status === "converged",
    message: `${options.method ?? "bfgs"}: ${messages[run.status]}`,
    ...(rows === null
      ? {}
      : { inverseHessian: tensor(Float64Array.from(rows.flatMap((r) => [...r])), { shape: [n, n] }) }),
  };
}

interface Run {
  readonly at: Evaluation;
  readonly nit: number;
  readonly status: Status;
}

async function begin<M>(objective: Objective<M>, options: MinimizeOptions<M>): Promise<Evaluation> {
  const x = await toVector(objective.space.start);
  const { method, projection } = options;
  const inside = method === "projected-gradient" && projection ? await flatProjection(objective, projection)(x) : x;
  return objective.at(inside);
}

async function follow<M>(objective: Objective<M>, iterate: Iteration, options: MinimizeOptions<M>): Promise<Run> {
  const { gtol = 1e-5, maxEvaluations = Infinity, callback } = options;
  let at = await begin(objective, options);
  const { maxIterations = 200 * at.x.length } = options;
  let fall: number | null = null;
  for (let nit = 0; ; nit++) {
    if (at.value === -Infinity) return { at, nit, status: "unbounded" };
    if (!isUsable(at)) return { at, nit, status: "notFinite" };
    if ((await stationarity(objective, at, options)) <= gtol) return { at, nit, status: "converged" };
    if (nit >= maxIterations) return { at, nit, status: "maxIterations" };
    if (objective.nfev >= maxEvaluations) return { at, nit, status: "maxEvaluations" };
    const next = await iterate(at, fall);
    if (typeof next === "string") return { at, nit, status: next };
    const before = at;
    at = next;
    fall = before.value - at.value;
    const { space } = objective;
    const said = await callback?.({ x: space.tree(at.x), fun: at.value, jac: space.tree(at.gradient), nit: nit + 1 });
    if (said === true) return { at, nit: nit + 1, status: "stopped" };
    if (isUsable(at) && hasSettled(before, at, options)) return { at, nit: nit + 1, status: "converged" };
  }
}
