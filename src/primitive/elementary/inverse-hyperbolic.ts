/** Inverse hyperbolic functions. Each builder takes and gives an expression of type float32 or float64. */
import { type Expr, s } from "../../ir/scalar.js";
import { constant, pick, withSign } from "./format.js";
import { log, log1p } from "./logarithm.js";

/** log(x + √(x² + 1)). */
export function asinh(x: Expr): Expr {
  const a = s.abs(x);
  const huge = s.lt(constant(x, pick(x, { float32: 2 ** 14, float64: 2 ** 28 })), a);
  const square = s.mul(a, a);
  const near = log1p(s.add(a, s.div(square, s.add(s.sqrt(s.add(square, 1)), 1))));
  return withSign(s.select(huge, s.add(log(a), Math.LN2), near), x);
}

/** log(x + √(x² - 1)); NaN below 1. */
export function acosh(x: Expr): Expr {
  const huge = s.lt(constant(x, pick(x, { float32: 2 ** 14, float64: 2 ** 28 })), x);
  const above = s.sub(x, 1);
  const near = log1p(s.add(above, s.sqrt(s.mul(above, s.add(above, 2)))));
  const value = s.select(huge, s.add(log(x), Math.LN2), near);
  return s.select(s.lt(x, 1), constant(x, Number.NaN), value);
}

/** log((1 + x) / (1 - x)) / 2; NaN beyond ±1. */
export function atanh(x: Expr): Expr {
  const a = s.abs(x);
  return withSign(s.mul(log1p(s.div(s.mul(a, 2), s.sub(constant(x, 1), a))), 0.5), x);
}
