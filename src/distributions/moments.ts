/** Pieces of moment generating functions. */
import { fullLike, type Tensor, where } from "../index.js";

/** `f(x)` where the condition holds, else ∞; f sees 0 in place of what lies outside, so that derivatives stay finite. */
export const inDomain = (holds: Tensor, x: Tensor, f: (x: Tensor) => Tensor): Tensor =>
  where(holds, f(where(holds, x, 0)), Infinity);

/** `sinh(x)/x`, and 1 at 0, near which it is its Taylor polynomial, with all its derivatives up to the tenth. */
export function sinhc(x: Tensor): Tensor {
  const isNear = x.abs().less(0.5);
  const z = where(isNear, x, 0).square();
  const far = where(isNear, 1, x);
  // 1 + z/3! + z²/5! + …, up to 1/19!
  let series = fullLike(z, 1);
  for (let k = 9; k > 0; k--)
    series = series
      .mul(z)
      .mul(1 / (2 * k * (2 * k + 1)))
      .add(1);
  return where(isNear, series, far.sinh().div(far));
}
