/** Minimising a sum of squares. */
import {
  ArgumentError,
  compile,
  concatenate,
  eye,
  jacobianForward,
  jacobianReverse,
  type Tensor,
  zeros,
} from "../../index.js";
import { Space, toVector } from "./objective.js";
import { checkStopping, messages, type Status, type Stopping } from "./result.js";
import { dot, isFinite, maxAbs, norm, plus, type Vector } from "./vectors.js";

export interface LeastSquaresOptions<M> extends Stopping<M> {
  /** Levenberg-Marquardt `lm`, or `gauss-newton` with halved steps; `lm` unless given. */
  readonly method?: "lm" | "gauss-newton";
}

/** SciPy's result of `least_squares`. */
export interface LeastSquaresResult<M> {
  readonly x: M;
  /** `½ Σ rᵢ²`. */
  readonly cost: number;
  /** The residuals r [m], and their Jacobian [m, n] with respect to the parameters as one vector. */
  readonly fun: Tensor;
  readonly jac: Tensor;
  /** The gradient `Jᵀr`, in the form of x. */
  readonly grad: M;
  readonly nit: number;
  readonly nfev: number;
  readonly njev: number;
  readonly status: Status;
  readonly success: boolean;
  readonly message: string;
}

/** Residuals and cost at a point. */
interface Residuals {
  readonly x: Vector;
  readonly tensor: Tensor;
  readonly cost: number;
}
/** With derivatives. */
interface Linearised extends Residuals {
  readonly jacobian: Tensor;
  readonly gradient: Vector;
}

/** Residual functions over host vectors, counted. */
class Residual<M> {
  readonly space: Space<M>;
  nfev = 0;
  njev = 0;
  readonly #f: (x: Tensor) => Tensor;
  readonly #jacobian: (x: Tensor, r: Tensor) => [jacobian: Tensor, gradient: Tensor];

  constructor(f: (x: M) => Tensor, x0: M, compiled: boolean) {
    this.space = new Space(x0);
    const flat = (x: Tensor): Tensor => f(this.space.unravel(x)).flatten();
    const derivative = (x: Tensor, r: Tensor): [Tensor, Tensor] => {
      const jacobian = (r.size < x.size ? jacobianReverse(flat) : jacobianForward(flat))(x); // [m, n]
      return [jacobian, r.matmul(jacobian)];
    };
    this.#f = compiled ? compile(flat) : flat;
    this.#jacobian = compiled ? compile(derivative) : derivative;
  }

  async at(x: Vector): Promise<Residuals> {
    this.nfev++;
    const r = this.#f(this.space.tensor(x));
    const values = await toVector(r);
    return { x, tensor: r, cost: dot(values, values) / 2 };
  }

  async linearise(at: Residuals): Promise<Linearised> {
    this.njev++;
    const [jacobian, gradient] = this.#jacobian(this.space.tensor(at.x), at.tensor);
    return { ...at, jacobian, gradient: await toVector(gradient) };
  }
}

/** A step p that minimises `‖J p + r‖² + λ‖p‖²`. */
type Solve = (jacobian: Tensor, residuals: Tensor, lambda: Tensor) => Promise<Vector>;

async function dampedSolve(): Promise<Solve> {
  const { qr, solveTriangular } = await import("../../linalg/index.js");
  const step = compile((jacobian: Tensor, r: Tensor, lambda: Tensor) => {
    const n = jacobian.shape[1];
    const damping = eye(n, n, { dtype: jacobian.dtype }).mul(lambda.sqrt());
    const factors = qr(concatenate([jacobian, damping])); // [m + n, n]
    const right = concatenate([r.neg(), zeros([n], { dtype: r.dtype })]);
    return solveTriangular(factors.r, right.matmul(factors.q), { upper: true });
  });
  return (jacobian, r, lambda) => toVector(step(jacobian, r, lambda));
}

/** The least of all steps that minimise `‖J p + r‖`, also where J has no full rank. */
async function plainSolve(): Promise<Solve> {
  const { lstsq } = await import("../../linalg/index.js");
  const step = compile((jacobian: Tensor, r: Tensor) => lstsq(jacobian, r.neg()).solution);
  return (jacobian, r) => toVector(step(jacobian, r));
}

/** The next point, or why there is none. */
type Iterate = (at: Linearised) => Promise<Residuals | Status>;

/** Levenberg and Marquardt's method with Nielsen's damping (Madsen, Nielsen & Tingleff 2004, algorithm 3.16). */
async function levenbergMarquardt<M>(residual: Residual<M>): Promise<Iterate> {
  const solve = await dampedSolve();
  let lambda: number | null = null;
  let growth = 2;
  return async (at) => {
    lambda ??= 1e-3 * Math.max(1e-12, maxAbs(await toVector(at.jacobian)) ** 2);
    for (let k = 0; k < 60; k++) {
      const step = await solve(at.jacobian, at.tensor, residual.space.tensor(Float64Array.of(lambda)));
      // The model's fall, ½ pᵀ(λp - Jᵀr).
      const fall = (lambda * dot(step, step) - dot(step, at.gradient)) / 2;
      const trial = await residual.at(plus(at.x, 1, step));
      const ratio = (at.cost - trial.cost) / fall;
      if (Number.isFinite(trial.cost) && ratio > 0) {
        lambda *= Math.max(1 / 3, 1 - (2 * ratio - 1) ** 3);
        growth = 2;
        return trial;
      }
      if (norm(step) <= residual.space.epsilon * norm(at.x)) return "precision";
      lambda *= growth;
      growth *= 2;
    }
    return "precision";
  };
}

/** Gauss and Newton's method, its steps halved until the cost falls enough. */
async function gaussNewton<M>(residual: Residual<M>): Promise<Iterate> {
  const solve = await plainSolve();
  return async (at) => {
    const step = await solve(at.jacobian, at.tensor, residual.space.tensor(Float64Array.of(0)));
    const slope = dot(step, at.gradient);
    if (!(slope < 0)) return "notDescent";
    for (let k = 0; k < 60; k++) {
      const trial = await residual.at(plus(at.x, 2 ** -k, step));
      if (Number.isFinite(trial.cost) && trial.cost <= at.cost + 1e-4 * 2 ** -k * slope) return trial;
    }
    return "precision";
  };
}

/**
 * The minimum of `½ Σ rᵢ(x)²` near `x0`, in the manner of SciPy's `least_squares`; `residuals` gives a tensor r of any
 * shape, and `x0` is a tensor or a tree of them. Converged when no element of the gradient exceeds `gtol` (1e-8 unless
 * given), when an iteration lowers the cost by at most `ftol` (1e-8) of itself, or moves x by at most `xtol` (1e-8).
 */
export async function leastSquares<M>(
  residuals: (x: M) => Tensor,
  x0: M,
  options: LeastSquaresOptions<M> = {},
): Promise<LeastSquaresResult<M>> {
  checkStopping(options);
  const { method = "lm" } = options;
  if (method !== "lm" && method !== "gauss-newton")
    throw new ArgumentError(
      `leastSquares: the method must be lm or gauss-newton, got ${String(method)}. use one of them`,
    );
  const residual = new Residual(residuals, x0, options.compile ?? true);
  const iterate = await (method === "lm" ? levenbergMarquardt(residual) : gaussNewton(residual));
  const { at, nit, status } = await follow(residual, iterate, options);
  return {
    x: residual.space.tree(at.x),
    cost: at.cost,
    fun: at.tensor,
    jac: at.jacobian,
    grad: residual.space.tree(at.gradient),
    nit,
    nfev: residual.nfev,
    njev: residual.njev,
    status,
    success: status === "converged",
    message: `${method}: ${messages[status]}`,
  };
}

function hasSettled<M>(before: Residuals, after: Residuals, { ftol = 1e-8, xtol = 1e-8 }: Stopping<M>): boolean {
  const moved = norm(plus(after.x, -1, before.x));
  return before.cost - after.cost <= ftol * before.cost || moved <= xtol * (xtol + norm(after.x));
}

async function follow<M>(residual: Residual<M>, iterate: Iterate, options: LeastSquaresOptions<M>) {
  const { gtol = 1e-8, maxEvaluations = Infinity, callback } = options;
  let at = await residual.linearise(await residual.at(await toVector(residual.space.start)));
  const { maxIterations = 200 * at.x.length } = options;
  const end = (status: Status, nit: number) => ({ at, nit, status });
  for (let nit = 0; ; nit++) {
    if (!Number.isFinite(at.cost) || !isFinite(at.gradient)) return end("notFinite", nit);
    if (maxAbs(at.gradient) <= gtol) return end("converged", nit);
    if (nit >= maxIterations) return end("maxIterations", nit);
    if (residual.nfev >= maxEvaluations) return end("maxEvaluations", nit);
    const next = await iterate(at);
    if (typeof next === "string") return end(next, nit);
    const before = at;
    at = await residual.linearise(next);
    const { space } = residual;
    const said = await callback?.({ x: space.tree(at.x), fun: at.cost, jac: space.tree(at.gradient), nit: nit + 1 });
    if (said === true) return end("stopped", nit + 1);
    if (hasSettled(before, at, options)) return end("converged", nit + 1);
  }
}
