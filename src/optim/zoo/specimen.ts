/** A function with its known facts. */
import { ArgumentError, type Tensor, tensor, vmap, shown } from "../../index.js";

type Interval = readonly [low: number, high: number];

/** A scalar function of a vector, and what is known of it. What is not known, or does not exist, is left out. */
export interface Specimen {
  readonly name: string;
  readonly dimension: number;
  /** The value at x[n], a scalar of the dtype of x. Differentiate it with `grad`. */
  readonly value: (x: Tensor) => Tensor;
  /** Where runs usually begin. */
  readonly start: readonly number[];
  /** The points of the least value. */
  readonly minimizers: readonly (readonly number[])[];
  /** The least value; left out where there is none, or none is known. */
  readonly minimum?: number;
  /** L: the gradient's Lipschitz constant everywhere. */
  readonly smoothness?: number;
  /** μ: the least curvature everywhere. */
  readonly strongConvexity?: number;
  /** μ with `½‖∇f‖² ≥ μ (f - f*)` everywhere. */
  readonly pl?: number;
  /** The part of the plane to look at, for functions of two variables. */
  readonly window: readonly [x: Interval, y: Interval];
}

/**
 * Values on a grid of `steps` by `steps` points over the window: what `plot.contour` draws. `scale` is applied to the
 * values: `Math.log1p` shows functions with steep walls.
 */
export async function grid(
  specimen: Specimen,
  options: { readonly steps?: number; readonly scale?: (value: number) => number } = {},
): Promise<{ readonly x: Interval; readonly y: Interval; readonly values: number[][] }> {
  const { steps = 100, scale = (v: number) => v } = options;
  const [x, y] = specimen.window;
  if (specimen.dimension !== 2)
    throw new ArgumentError(
      `grid: the function must have two variables, got ${specimen.name} with ${specimen.dimension}. fix the others`,
    );
  if (!Number.isInteger(steps) || steps < 2)
    throw new ArgumentError(`grid: steps must be an integer from 2, got ${shown(steps)}. 100 is usual`);
  const at = ([low, high]: Interval, i: number): number => low + ((high - low) * i) / (steps - 1);
  const points = Array.from({ length: steps * steps }, (_, k) => [at(x, k % steps), at(y, Math.floor(k / steps))]);
  const found = await vmap(specimen.value)(tensor(points, { dtype: "float64" })).data();
  const values = Array.from({ length: steps }, (_, i) =>
    Array.from(found.slice(i * steps, (i + 1) * steps), (v) => scale(v)),
  );
  return { x, y, values };
}
