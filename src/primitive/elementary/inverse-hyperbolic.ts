/** Inverse hyperbolic functions. Each builder takes and gives an expression of type float32 or float64. */
import { type Expr, s } from "../../ir/scalar.js";
import * as table from "./coefficients.js";
import { constant, exactSumOrdered, pick, withSign } from "./format.js";
import { log1p, logOfSum } from "./logarithm.js";

/** Where 1 beside x and x² does not count, and the result is log x + log 2. */
const hugeArgument = { float32: 2 ** 30, float64: 2 ** 60 };
const isHuge = (x: Expr): Expr => s.lt(constant(x, pick(x, hugeArgument)), x);
const plusLn2 = (x: Expr, where: Expr): Expr => s.add(x, s.select(where, constant(x, Math.LN2), 0));

/** log(x + √(x² + 1)). */
export function asinh(x: Expr): Expr {
  const a = s.abs(x);
  const huge = isHuge(a);
  const square = s.mul(a, a);
  const rest = s.div(square, s.add(s.sqrt(s.add(square, 1)), 1));
  return withSign(plusLn2(log1p(s.select(huge, a, s.add(a, rest))), huge), x);
}

/** log(x + √(x² - 1)), where x² - 1 = 2(x - 1) + (x - 1)²; NaN below 1. */
export function acosh(x: Expr): Expr {
  const huge = isHuge(x);
  const above = s.sub(x, 1);
  const root = s.sqrt(s.fma(above, above, s.mul(above, 2)));
  const value = plusLn2(logOfSum(exactSumOrdered(x, s.select(huge, constant(x, 0), root))), huge);
  return s.select(s.lt(x, 1), constant(x, Number.NaN), value);
}

/** log((1 + x) / (1 - x)) / 2; the logarithm's own series up to |x| = 0.17; NaN beyond ±1. */
export function atanh(x: Expr): Expr {
  const a = s.abs(x);
  const z = s.mul(a, a);
  const small = s.fma(s.mul(s.mul(a, z), 0.5), s.polynomial(z, pick(x, table.log)), a);
  const large = s.mul(log1p(s.div(s.mul(a, 2), s.sub(constant(x, 1), a))), 0.5);
  return withSign(s.select(s.lt(a, 0.17), small, large), x);
}
