/** Linear systems by products alone. */
import { ArgumentError, ShapeError, Tensor } from "../../index.js";
import { leaves, ravel } from "../../tree/index.js";
import { Space, toVector } from "./objective.js";
import { checkRange } from "../transformations.js";
import { dot, minus, norm, plus, type Vector } from "./vectors.js";

export interface ConjugateGradientOptions<M> {
  /** Where to begin; 0 unless given. */
  readonly x0?: M;
  /** Solved when `‖b - A x‖ ≤ max(rtol ‖b‖, atol)`; 1e-5 and 0 unless given. */
  readonly rtol?: number;
  readonly atol?: number;
  /** 10 for each element of x unless given. */
  readonly maxIterations?: number;
  /** A product with an approximate inverse of A. */
  readonly preconditioner?: (r: M) => M;
}

/** What `cg` found. */
export interface ConjugateGradientResult<M> {
  readonly x: M;
  /** `‖b - A x‖` at the start and after every iteration. */
  readonly residuals: readonly number[];
  readonly nit: number;
  readonly status: "converged" | "maxIterations" | "notPositiveDefinite" | "notFinite";
  readonly success: boolean;
}

/**
 * The solution of `A x = b` for a symmetric positive definite A, given as a matrix [n, n] or as a product `x ↦ A x`, such
 * as `(v) => hvp(f, point, v)`; b may be any tree (Hestenes & Stiefel 1952; Nocedal & Wright, algorithm 5.3). In exact
 * arithmetic it takes as many iterations as A has different eigenvalues.
 */
export async function cg<M>(
  a: Tensor | ((x: M) => M),
  b: M,
  options: ConjugateGradientOptions<M> = {},
): Promise<ConjugateGradientResult<M>> {
  const { rtol = 1e-5, atol = 0, preconditioner } = options;
  checkRange("rtol", rtol, 0);
  checkRange("atol", atol, 0);
  const space = new Space(b);
  const onVectors =
    (f: (x: M) => M) =>
    (v: Vector): Promise<Vector> =>
      toVector(ravel(f(space.tree(v))).vector);
  const product = a instanceof Tensor ? matrixProduct(a, space) : onVectors(a);
  const precondition = preconditioner === undefined ? async (r: Vector) => r : onVectors(preconditioner);
  const right = await toVector(space.start);
  const { maxIterations = 10 * right.length } = options;
  const target = Math.max(rtol * norm(right), atol);

  let x: Vector = options.x0 === undefined ? new Float64Array(right.length) : await flat(options.x0, space);
  let r = options.x0 === undefined ? right : minus(right, await product(x));
  let z = await precondition(r);
  let d = z;
  const residuals = [norm(r)];
  const end = (status: ConjugateGradientResult<M>["status"]): ConjugateGradientResult<M> => ({
    x: space.tree(x),
    residuals,
    nit: residuals.length - 1,
    status,
    success: status === "converged",
  });
  for (;;) {
    const size = residuals[residuals.length - 1];
    if (!Number.isFinite(size)) return end("notFinite");
    if (size <= target) return end("converged");
    if (residuals.length > maxIterations) return end("maxIterations");
    const ad = await product(d);
    const curvature = dot(d, ad);
    if (!(curvature > 0)) return end(Number.isNaN(curvature) ? "notFinite" : "notPositiveDefinite");
    const rz = dot(r, z);
    x = plus(x, rz / curvature, d);
    r = plus(r, -rz / curvature, ad);
    residuals.push(norm(r));
    z = await precondition(r);
    d = plus(z, dot(r, z) / rz, d);
  }
}

async function flat<M>(x0: M, space: Space<M>): Promise<Vector> {
  const x = await toVector(ravel(x0).vector);
  if (x.length !== space.start.size)
    throw new ShapeError(
      `cg: x0 must be of the form of b, got ${x.length} numbers and ${space.start.size}. reshape it`,
    );
  return x;
}

function matrixProduct<M>(a: Tensor, space: Space<M>): (v: Vector) => Promise<Vector> {
  const n = space.start.size;
  if (a.rank !== 2 || a.shape[0] !== n || a.shape[1] !== n)
    throw new ShapeError(
      `cg: the matrix must be [${n},${n}] for b, got ${a.describe()}. pass a product for other forms`,
    );
  if (leaves(space.unravel(space.start)).length !== 1)
    throw new ArgumentError("cg: with a matrix b must be one tensor, got a tree of several. pass a product x ↦ A x");
  return (v) => toVector(a.matmul(space.tensor(v)));
}
