/**
 * Nearest points of sets, in the Euclidean distance, each for a whole tensor taken as one vector, or for each of its rows.
 * Points of the set stay as they are. Use them by themselves, or as the `projection` of an optimizer.
 */
import { arange, ArgumentError, type Tensor, vmap, where } from "../index.js";
import type { Projection } from "./optimizer.js";
import { matrices, type ParameterMask } from "./transformation.js";

function checkRadius(name: string, radius: number): void {
  if (!(radius > 0)) throw new ArgumentError(`${name}: the radius must be positive, got ${radius}. raise it`);
}

/** Every element within `[low, high]`; leave one out with `-Infinity` or `Infinity`. */
export function box(low: number, high: number): (x: Tensor) => Tensor {
  if (!(low <= high)) throw new ArgumentError(`box: low must be at most high, got ${low} and ${high}. exchange them`);
  return (x) => x.clip(low === -Infinity ? undefined : low, high === Infinity ? undefined : high);
}

/** No element below 0. */
export const nonNegative = (): ((x: Tensor) => Tensor) => box(0, Infinity);

/** `‖x‖_∞ ≤ radius`: every element is cut off by itself. */
export function linfBall(radius = 1): (x: Tensor) => Tensor {
  checkRadius("linfBall", radius);
  return box(-radius, radius);
}

/** `‖x‖₂ ≤ radius`: `x · min(1, radius / ‖x‖₂)`. */
export function l2Ball(radius = 1): (x: Tensor) => Tensor {
  checkRadius("l2Ball", radius);
  return (x) => {
    // Over the largest element, so that squares neither overflow nor vanish.
    const largest = x.abs().max();
    const unit = where(largest.greater(0), largest, 1);
    const norm = x.div(unit).square().sum().sqrt().mul(unit);
    return where(norm.greater(radius), x.mul(where(norm.greater(radius), norm, 1).reciprocal().mul(radius)), x);
  };
}

/** The τ for which `Σ max(xᵢ - τ, 0) = total`: `max_k (Σ_{i≤k} x₍ᵢ₎ - total) / k` over the k largest. */
function threshold(x: Tensor, total: number): Tensor {
  const sums = x.sort(0, { descending: true }).cumsum(0);
  return sums
    .sub(total)
    .div(arange(1, x.size + 1).astype(x.dtype))
    .max();
}

/** `xᵢ ≥ 0` and `Σxᵢ = total` (Duchi, Shalev-Shwartz, Singer & Chandra 2008). */
export function simplex(total = 1): (x: Tensor) => Tensor {
  checkRadius("simplex", total);
  return (x) => x.sub(threshold(x.flatten(), total)).maximum(0);
}

/** `‖x‖₁ ≤ radius`: all elements shrink by one amount, and none past 0 (Duchi et al. 2008). */
export function l1Ball(radius = 1): (x: Tensor) => Tensor {
  checkRadius("l1Ball", radius);
  return (x) => {
    const sizes = x.abs();
    const shrunk = sizes.sub(threshold(sizes.flatten(), radius)).maximum(0).mul(x.sign());
    return where(sizes.sum().greater(radius), shrunk, x);
  };
}

/** `‖x‖₂ = radius`, the sphere: `x · radius / ‖x‖₂`. Of all its points, which are equally near to 0, 0 goes to none: NaN. */
export function l2Sphere(radius = 1): (x: Tensor) => Tensor {
  checkRadius("l2Sphere", radius);
  return (x) => {
    const unit = x.div(x.abs().max());
    return unit.mul(unit.square().sum().sqrt().reciprocal().mul(radius));
  };
}

/** The projection of every slice along the first axis by itself: of what goes into one unit, for weights `[out, …]`. */
export const rows = (projection: (x: Tensor) => Tensor): ((x: Tensor) => Tensor) => vmap((x: Tensor) => projection(x));

/** The projection for the parameters that `wanted` accepts; the others stay as they are. */
export const on =
  (wanted: ParameterMask, projection: Projection): Projection =>
  (x, path) =>
    wanted(path, x) ? projection(x, path) : x;

/**
 * The weights that go into each unit have a norm of at most `radius`; biases and scales are free (Srebro & Shraibman 2005,
 * Hinton et al. 2012: "max-norm"; 2 to 4 is usual).
 */
export const maxNorm = (radius: number): Projection => on(matrices, rows(l2Ball(radius)));

/** The weights that go into each unit have norm 1; biases and scales are free. */
export const unitNorm = (): Projection => on(matrices, rows(l2Sphere(1)));
