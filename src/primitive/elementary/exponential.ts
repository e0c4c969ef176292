/** exp and its kin. Each builder takes and gives an expression of type float32 or float64. */
import { type Expr, s } from "../../ir/scalar.js";
import * as table from "./coefficients.js";
import { clamp, constant, exactSumOrdered, type FloatType, pick, powerOfTwo, scale, withSign } from "./format.js";

type Limits = Readonly<Record<FloatType, readonly [low: number, high: number]>>;
/** Arguments at which the result surely is at its limit. */
const expLimits: Limits = { float32: [-104, 89], float64: [-746, 710] };
const exp2Limits: Limits = { float32: [-151, 129], float64: [-1076, 1025] };
const expm1Limits: Limits = { float32: [-18, 89], float64: [-38, 710] };

/** x = n ln 2 + (r + tail) with |r| ≤ ln 2 / 2, after W. J. Cody and W. Waite, 1980. */
export function reduceExp(x: Expr): { n: Expr; r: Expr; tail: Expr } {
  const [high, low] = pick(x, table.ln2);
  const n = s.nearest(s.mul(x, Math.LOG2E));
  const top = s.fma(n, -high, x);
  const r = s.fma(n, -low, top);
  return { n, r, tail: s.fma(n, -low, s.sub(top, r)) };
}

/** eʳ of a reduced argument, without scaling; the tail is worth a tenth of an ULP. */
export function expReduced(r: Expr, tail: Expr | null = null): Expr {
  const rest = s.fma(s.mul(r, r), s.polynomial(r, pick(r, table.exp)), tail ?? r);
  return s.add(tail === null ? rest : s.add(r, rest), 1);
}

/** eˣ; within 1.1 ULP. */
export function exp(x: Expr): Expr {
  const { n, r } = reduceExp(clamp(x, ...pick(x, expLimits)));
  return scale(expReduced(r), n);
}

/** eˣ / 2 for x ≥ 0, infinite only where that is. */
function halfExp(x: Expr): Expr {
  const { n, r, tail } = reduceExp(s.min(x, pick(x, { float32: 91, float64: 712 })));
  return scale(expReduced(r, tail), s.sub(n, 1));
}

/** 2ˣ. */
export function exp2(x: Expr): Expr {
  const limited = clamp(x, ...pick(x, exp2Limits));
  const n = s.nearest(limited);
  const r = s.sub(limited, n);
  return scale(s.fma(r, s.polynomial(r, pick(x, table.exp2)), constant(x, 1)), n);
}

const preciseExp = { float32: table.exp.precise, float64: table.exp.float64 };

/** eˣ - 1 = 2ⁿ (1 - 2⁻ⁿ + (eʳ - 1)), accurate near 0. */
export function expm1(x: Expr): Expr {
  const { n, r, tail } = reduceExp(clamp(x, ...pick(x, expm1Limits)));
  const rest = s.fma(s.mul(r, r), s.polynomial(r, pick(x, preciseExp)), tail);
  const least = pick(x, { float32: -40, float64: -80 });
  const one = s.sub(constant(x, 1), powerOfTwo(s.max(s.neg(n), least)));
  return s.select(s.eq(x, 0), x, scale(s.add(s.add(one, r), rest), n));
}

/** 1 - 2 / (e²ˣ + 1); a polynomial up to |x| = 0.55. */
export function tanh(x: Expr): Expr {
  const a = s.min(s.abs(x), pick(x, { float32: 10, float64: 20 }));
  const z = s.mul(a, a);
  const small = s.fma(s.mul(a, z), s.polynomial(z, pick(x, table.tanh)), a);
  const { n, r } = reduceExp(s.mul(a, 2));
  const growth = s.mul(expReduced(r), powerOfTwo(n));
  const large = s.sub(constant(x, 1), s.div(constant(x, 2), s.add(growth, 1)));
  return withSign(s.select(s.lt(a, 0.55), small, large), x);
}

/** 1 / (1 + e⁻ˣ), by e^(-|x|) with its last rounding only, and making good the rounding of the sum. */
export function sigmoid(x: Expr): Expr {
  const { n, r, tail } = reduceExp(s.max(s.neg(s.abs(x)), pick(x, expLimits)[0]));
  const sum = exactSumOrdered(constant(x, 1), r);
  const rest = s.fma(s.mul(r, r), s.polynomial(r, pick(x, preciseExp)), s.add(sum.tail, tail));
  const z = scale(s.add(sum.head, rest), n);
  const below = exactSumOrdered(constant(x, 1), z);
  const quotient = s.div(s.select(s.lt(x, 0), z, 1), below.head);
  return s.fma(s.neg(quotient), below.tail, quotient);
}

/** (eˣ + e⁻ˣ) / 2. */
export function cosh(x: Expr): Expr {
  const half = halfExp(s.abs(x));
  return s.add(half, s.div(constant(x, 0.25), half));
}

/** (eˣ - e⁻ˣ) / 2; a polynomial up to |x| = 1. */
export function sinh(x: Expr): Expr {
  const a = s.abs(x);
  const half = halfExp(a);
  const z = s.mul(a, a);
  const small = s.fma(s.mul(a, z), s.polynomial(z, pick(x, table.sinh)), a);
  return withSign(s.select(s.lt(a, 1), small, s.sub(half, s.div(constant(x, 0.25), half))), x);
}
