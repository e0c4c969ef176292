/** What `minimize` is told, and what it says. */
import { ArgumentError, type Tensor } from "../../index.js";
import { checkRange } from "../transformations.js";
import type { Evaluation } from "./objective.js";

/** Why a run ended. */
export type Status =
  | "converged"
  | "maxIterations"
  | "maxEvaluations"
  | "precision"
  | "unbounded"
  | "notFinite"
  | "notDescent"
  | "stopped";

/** Where a run is after an iteration. */
export interface Progress<M> {
  readonly x: M;
  readonly fun: number;
  readonly jac: M;
  readonly nit: number;
}

/** When a minimisation ends. */
export interface Stopping<M> {
  /** Converged when no element of the gradient exceeds it; 1e-5 unless given. */
  readonly gtol?: number;
  /** Converged when an iteration lowers f by at most this, relative to `max(|f|, 1)`; 0, which is never, unless given. */
  readonly ftol?: number;
  /** Converged when an iteration moves no element by more than this times `max(|x|, 1)`; never unless given. */
  readonly xtol?: number;
  /** 200 for each element of x unless given. */
  readonly maxIterations?: number;
  /** A bound on evaluations of f, looked at between iterations. */
  readonly maxEvaluations?: number;
  /** Called after every iteration; the run ends when it returns true. */
  readonly callback?: (progress: Progress<M>) => boolean | void | Promise<boolean | void>;
  /** Compile f; true unless told. A function that reads values, or that changes from call to call, must not be. */
  readonly compile?: boolean;
}

/** SciPy's `OptimizeResult`. */
export interface MinimizeResult<M> {
  readonly x: M;
  /** The value at x. */
  readonly fun: number;
  /** The gradient at x, in the form of x. */
  readonly jac: M;
  /** Iterations. */
  readonly nit: number;
  /** Evaluations of the function, of its gradient, and of Hessians or products with them. */
  readonly nfev: number;
  readonly njev: number;
  readonly nhev: number;
  readonly status: Status;
  /** Whether the status is `converged`. */
  readonly success: boolean;
  readonly message: string;
  /** What BFGS knows of the inverse Hessian [n, n]. */
  readonly inverseHessian?: Tensor;
}

/** One iteration: the next point, or why there is none. `fall` is what the last one lowered f by. */
export type Iteration = (at: Evaluation, fall: number | null) => Promise<Evaluation | Status>;

export const messages: Readonly<Record<Status, string>> = {
  converged: "a tolerance is reached",
  maxIterations: "the greatest number of iterations is reached; it is no minimum yet",
  maxEvaluations: "the greatest number of evaluations is reached; it is no minimum yet",
  precision:
    "no step along the direction lowers the function: what its precision allows is reached, or the gradient is not the function's",
  unbounded: "the function falls without end along the direction: it has no minimum there",
  notFinite: "the function or its gradient is not finite where the run is",
  notDescent: "the function does not fall along the gradient's opposite: the gradient is zero or not finite",
  stopped: "the callback said so",
};

export function checkStopping(options: Stopping<never>): void {
  for (const name of ["gtol", "ftol", "xtol"] as const) checkRange(name, options[name] ?? 0, 0);
  for (const name of ["maxIterations", "maxEvaluations"] as const) {
    const value = options[name] ?? 1;
    if (!(value >= 0)) throw new ArgumentError(`minimize: ${name} must be at least 0, got ${value}. raise it`);
  }
}
