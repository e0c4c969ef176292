/** Curvature at a point. */
import { compile, grad, hessian, type Tensor, tensor } from "../../index.js";
import { eigvalsh } from "../../linalg/index.js";

const point = (x: ArrayLike<number>): Tensor => tensor(Float64Array.from(x));

/** The eigenvalues of the Hessian of a scalar function of a vector, in ascending order: μ and L of a quadratic are the ends. */
export async function curvatures(f: (x: Tensor) => Tensor, x: ArrayLike<number>): Promise<number[]> {
  return Array.from(await eigvalsh(compile(hessian(f))(point(x))).data());
}

/** `degenerate`: the Hessian is singular and has no two signs, so that it alone does not tell. */
export type Critical = "minimum" | "maximum" | "saddle" | "degenerate" | "not critical";

/** What kind of critical point there is, with the gradient's norm and the curvatures that say so. */
export interface CriticalPoint {
  readonly kind: Critical;
  readonly gradientNorm: number;
  readonly curvatures: readonly number[];
}

/**
 * What kind of critical point x is, by the first and second order conditions: ε-stationary when `‖∇f‖ ≤ ε`, curvatures up
 * to `epsilon` count as 0; 1e-8 unless given.
 */
export async function critical(
  f: (x: Tensor) => Tensor,
  x: ArrayLike<number>,
  options: { readonly epsilon?: number } = {},
): Promise<CriticalPoint> {
  const { epsilon = 1e-8 } = options;
  const gradient = await grad(f)(point(x)).data();
  const gradientNorm = Math.hypot(...gradient);
  const found = await curvatures(f, x);
  const [down, up] = [found.some((c) => c < -epsilon), found.some((c) => c > epsilon)];
  const isFlat = found.some((c) => Math.abs(c) <= epsilon);
  const kind = (): Critical => {
    if (!(gradientNorm <= epsilon)) return "not critical";
    if (down && up) return "saddle";
    if (isFlat) return "degenerate";
    return up ? "minimum" : "maximum";
  };
  return { kind: kind(), gradientNorm, curvatures: found };
}
