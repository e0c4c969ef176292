/** Inverse circular functions. Each builder takes and gives an expression of type float32 or float64. */
import { type Expr, s } from "../../ir/scalar.js";
import * as table from "./coefficients.js";
import { constant, pick, withSign } from "./format.js";

/** `base` quarters of π plus `sign` · value, where the head of π/4 times up to 4 is exact. */
function addQuarters(base: Expr, sign: Expr, value: Expr, correction: Expr): Expr {
  const [high, low] = pick(value, table.quarterPi);
  const small = s.fma(base, low, s.mul(sign, correction));
  return s.fma(base, high, s.fma(sign, value, small));
}

/** t + atan's series: the value t and the small rest, for |t| ≤ ½. */
function atanRest(t: Expr): Expr {
  const z = s.mul(t, t);
  return s.mul(s.mul(t, z), s.polynomial(z, pick(t, table.atan)));
}

/**
 * The angle of the point (x, y), y ≥ 0, from 0 to π. It is folded into the first octant, and there above ½ turned by
 * -π/4: tan(θ - π/4) = (low - high) / (low + high).
 */
function angle(y: Expr, x: Expr): Expr {
  const a = s.abs(x);
  const swap = s.lt(a, y);
  const left = s.lt(x, 0);
  const high = s.select(swap, y, a);
  const low = s.select(swap, a, y);
  const turned = s.lt(s.mul(high, 0.5), low);
  const t = s.div(s.select(turned, s.sub(low, high), low), s.select(turned, s.add(low, high), high));
  const octant = s.select(turned, constant(t, 1), 0);
  const quadrant = s.select(swap, s.sub(constant(t, 2), octant), octant);
  const base = s.select(left, s.sub(constant(t, 4), quadrant), quadrant);
  const sign = s.select(s.ne(swap, left), constant(t, -1), 1);
  return addQuarters(base, sign, t, atanRest(t));
}

export const atan = (x: Expr): Expr => withSign(angle(s.abs(x), constant(x, 1)), x);

/** The angle of the point (x, y) from the positive x axis, from -π to π, with the limits of IEEE 754 (C99 F.10.1.4). */
export function atan2(y: Expr, x: Expr): Expr {
  const above = s.abs(y);
  const aside = s.abs(x);
  // sums of huge numbers must not overflow; what is lost below is far from mattering
  const huge = s.or(s.lt(constant(x, pick(x, hugeScale)), above), s.lt(constant(x, pick(x, hugeScale)), aside));
  const factor = s.select(huge, constant(x, 0.25), 1);
  const inside = angle(s.mul(above, factor), s.mul(x, factor));
  const equal = s.and(s.eq(above, aside), s.or(s.eq(above, 0), s.eq(above, Infinity)));
  return withSign(s.select(equal, atDegenerate(above, x), inside), y);
}
const hugeScale = { float32: 2 ** 120, float64: 2 ** 1000 };

/** Both coordinates 0, or both infinite: 0 or π by the sign of x; π/4 or 3π/4. */
function atDegenerate(above: Expr, x: Expr): Expr {
  const [high, low] = pick(x, table.quarterPi);
  const left = s.lt(withSign(constant(x, 1), x), 0);
  const atZero = s.select(left, constant(x, 4 * (high + low)), 0);
  const atInfinity = s.select(left, constant(x, 3 * high + 3 * low), high + low);
  return s.select(s.eq(above, 0), atZero, atInfinity);
}

/** asin by its series up to ½; beyond by asin x = π/2 - 2 asin √((1 - x)/2), where the root's rounding is made good. */
function asinParts(x: Expr): { outer: Expr; t: Expr; rest: Expr } {
  const a = s.abs(x);
  const outer = s.lt(constant(x, 0.5), a);
  const half = s.mul(s.sub(constant(x, 1), a), 0.5);
  const z = s.select(outer, half, s.mul(a, a));
  const t = s.select(outer, s.sqrt(half), a);
  return { outer, t, rest: s.mul(s.mul(t, z), s.polynomial(z, pick(x, table.asin))) };
}

/** NaN beyond ±1. */
export function asin(x: Expr): Expr {
  const { outer, t, rest } = asinParts(x);
  const base = s.select(outer, constant(x, 2), 0);
  const factor = s.select(outer, constant(x, -2), 1);
  return withSign(addQuarters(base, factor, t, rest), x);
}

/** NaN beyond ±1. */
export function acos(x: Expr): Expr {
  const { outer, t, rest } = asinParts(x);
  const left = s.lt(x, 0);
  const base = s.select(outer, s.select(left, constant(x, 4), 0), 2);
  const factor = s.mul(s.select(outer, constant(x, 2), 1), s.select(s.ne(outer, left), constant(x, 1), -1));
  return addQuarters(base, factor, t, rest);
}
