/** Inverses of distribution functions that have no closed form. */
import { stopGradient, type Tensor, where, whileLoop, zerosLike } from "../index.js";

/** A parameterisation `x(s)` of the support by numbers from `low` to `high`, increasing. */
interface Scale {
  readonly low: number;
  readonly high: number;
  x(s: Tensor): Tensor;
  /** `log dx/ds`. */
  logSlope(s: Tensor): Tensor;
}
/** Positive numbers by their logarithms. */
export const logScale: Scale = { low: -745, high: 709, x: (s) => s.exp(), logSlope: (s) => s };

/**
 * The x with `cumulative(x) = p`, all in float64: bisection on a scale, then two steps of Newton's method. The bisection has
 * no derivative; the steps give the first three (each doubles the order to which x is right as a function of p and of the
 * parameters).
 */
export function invertContinuous(
  p: Tensor,
  cumulative: (x: Tensor) => Tensor,
  logDensity: (x: Tensor) => Tensor,
  scale: Scale,
): Tensor {
  const like = stopGradient(cumulative(scale.x(zerosLike(p))));
  const target = stopGradient(p);
  const start = {
    low: zerosLike(like).add(scale.low),
    high: zerosLike(like).add(scale.high),
    left: zerosLike(like).sum().add(60),
  };
  const found = whileLoop(
    (state) => state.left.greater(0),
    ({ low, high, left }) => {
      const middle = low.add(high).mul(0.5);
      const isBelow = stopGradient(cumulative(scale.x(middle))).less(target);
      return { low: where(isBelow, middle, low), high: where(isBelow, high, middle), left: left.sub(1) };
    },
    start,
  );
  let s = stopGradient(found.low.add(found.high).mul(0.5));
  for (let i = 0; i < 2; i++) {
    const x = scale.x(s);
    const slope = logDensity(x).add(scale.logSlope(s)).exp();
    const isUsable = slope.greater(1e-290);
    s = s.sub(
      where(
        isUsable,
        cumulative(x)
          .sub(p)
          .div(where(isUsable, slope, 1)),
        0,
      ),
    );
  }
  return scale.x(s);
}

/** The least integer k from 0 to `high` with `cumulative(k) ≥ p`; without `high` it is looked for above `start`. */
export function invertDiscrete(
  p: Tensor,
  cumulative: (k: Tensor) => Tensor,
  bounds: { readonly high: Tensor } | { readonly start: Tensor },
): Tensor {
  const target = stopGradient(p);
  const isBelow = (k: Tensor): Tensor => k.less(0).or(stopGradient(cumulative(k.maximum(0))).less(target));
  const like = zerosLike(stopGradient(cumulative(zerosLike(p))));
  const high =
    "high" in bounds
      ? like.add(stopGradient(bounds.high))
      : whileLoop(
          (k) => isBelow(k).any(),
          (k) => where(isBelow(k), k.mul(2).add(1), k),
          like.add(stopGradient(bounds.start).ceil()),
        );
  const found = whileLoop(
    (state) => state.high.sub(state.low).greater(1).any(),
    (state) => {
      const middle = state.low.add(state.high).mul(0.5).floor();
      const below = isBelow(middle);
      return { low: where(below, middle, state.low), high: where(below, state.high, middle) };
    },
    { low: like.sub(1), high },
  );
  return stopGradient(found.high);
}
