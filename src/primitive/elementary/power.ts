/** Roots and powers. Each builder takes and gives expressions of type float32 or float64. */
import { type Expr, s } from "../../ir/scalar.js";
import * as table from "./coefficients.js";
import {
  clamp,
  constant,
  exactSumOrdered,
  flipSign,
  formatOf,
  headOf,
  type Pair,
  powerOfTwo,
  scale,
  splitExponent,
  throughFloat64,
  withSign,
} from "./format.js";

export const sqrt = (x: Expr): Expr => s.sqrt(x);

/** 1 / √x. */
export const rsqrt = (x: Expr): Expr => s.div(constant(x, 1), s.sqrt(x));

/** 2^(exponent/3) · mantissa^(1/3): a line through the mantissa's range, then Halley's iteration. */
export function cbrt(x: Expr): Expr {
  const a = s.abs(x);
  const { mantissa, exponent } = splitExponent(a);
  const third = s.nearest(s.mul(exponent, 1 / 3));
  // from √½ / 2 to 2√2, with the exponent's remainder
  const m = s.mul(mantissa, powerOfTwo(s.sub(exponent, s.mul(third, 3))));
  let root = s.polynomial(m, [-0.0715, 0.5183, 0.5531]);
  for (let i = 0; i < (formatOf(x).type === "float32" ? 2 : 3); i++) {
    const cube = s.mul(s.mul(root, root), root);
    root = s.sub(root, s.div(s.mul(root, s.sub(cube, m)), s.add(s.mul(cube, 2), m)));
  }
  const inside = s.mul(root, powerOfTwo(third));
  return withSign(s.select(s.and(s.lt(0, a), s.lt(a, Infinity)), inside, a), x);
}

/** log₂ x of a positive float64, precise enough for float32 powers. */
function log2Short(x: Expr): Expr {
  const { mantissa, exponent } = splitExponent(x);
  const f = s.sub(mantissa, 1);
  const q = s.div(f, s.add(f, 2));
  const z = s.mul(q, q);
  const series = s.fma(s.mul(z, q), s.polynomial(z, table.log.short), s.mul(q, 2));
  return s.fma(series, Math.LOG2E, exponent);
}

/**
 * log₂ x of a positive float64 to about 65 bits: 2/(3 ln 2) · q · (3 + q² + 3 q⁴ P(q²)) with q = f/(2 + f), products of
 * heads being exact (the plan of fdlibm's `e_pow.c`).
 */
function log2Long(x: Expr): Pair {
  const { mantissa, exponent } = splitExponent(x);
  const f = s.sub(mantissa, 1);
  const sum = exactSumOrdered(constant(x, 2), f);
  const ratio = s.div(f, sum.head);
  const q = headOf(ratio);
  const divisor = headOf(sum.head);
  const divisorRest = s.add(s.sub(sum.head, divisor), sum.tail);
  const qRest = s.div(s.sub(s.sub(f, s.mul(q, divisor)), s.mul(q, divisorRest)), sum.head);
  const square = s.mul(q, q);
  const z = s.mul(ratio, ratio);
  const small = s.fma(
    s.mul(s.mul(z, z), 3),
    s.polynomial(z, table.powLog.float64),
    s.mul(s.add(s.add(q, q), qRest), qRest),
  );
  const factor = headOf(s.add(s.add(square, 3), small));
  const factorRest = s.sub(small, s.sub(s.sub(factor, 3), square));
  const product = exactSumOrdered(s.mul(q, factor), s.fma(qRest, factor, s.mul(factorRest, ratio)));
  return addExponent(exponent, product);
}

/** exponent + 2/(3 ln 2) · product. */
function addExponent(exponent: Expr, product: Pair): Pair {
  const [high, low] = table.powScale.float64;
  const head = headOf(product.head);
  const rest = s.add(s.sub(product.head, head), product.tail);
  const scaled = exactSumOrdered(s.mul(head, high), s.fma(rest, high, s.mul(product.head, low)));
  const sum = exactSumOrdered(exponent, scaled.head);
  return exactSumOrdered(sum.head, s.add(sum.tail, scaled.tail));
}

/** a · y for a pair a, with an exact product of heads. */
function timesPair(y: Expr, a: Pair): Pair {
  const yHead = headOf(y);
  const head = headOf(a.head);
  const rest = s.add(s.sub(a.head, head), a.tail);
  return exactSumOrdered(s.mul(yHead, head), s.fma(y, rest, s.mul(s.sub(y, yHead), head)));
}

/** 2^(head + tail). */
function exp2Pair({ head, tail }: Pair, coefficients: readonly number[]): Expr {
  const n = s.nearest(head);
  const r = s.add(s.sub(head, n), tail);
  return scale(s.fma(r, s.polynomial(r, coefficients), constant(r, 1)), n);
}

/** Within what 2ˣ of a float64 is neither surely 0 nor surely infinite; a tail beyond that has no meaning. */
function limited({ head, tail }: Pair): Pair {
  const inside = s.lt(s.abs(head), 1100);
  return { head: clamp(head, -1100, 1100), tail: s.select(inside, tail, 0) };
}

/** a^y for a > 0 finite or not, in float64; `short` suffices for a result that becomes a float32. */
function positivePower(a: Expr, y: Expr, short: boolean): Expr {
  const edge = s.select(s.eq(a, 0), constant(a, -Infinity), a);
  const ordinary = s.and(s.lt(0, a), s.lt(a, Infinity));
  const logarithm = short ? { head: log2Short(a), tail: constant(a, 0) } : log2Long(a);
  // y beyond 2⁶⁵ decides by the logarithm's sign alone, and would overflow in products
  const bounded = clamp(y, -(2 ** 65), 2 ** 65);
  const product = short
    ? { head: s.mul(bounded, logarithm.head), tail: constant(a, 0) }
    : timesPair(bounded, logarithm);
  const exponent = {
    head: s.select(ordinary, product.head, s.mul(y, edge)),
    tail: s.select(ordinary, product.tail, 0),
  };
  return exp2Pair(limited(exponent), short ? table.exp2.short : table.exp2.float64);
}

/** x^y with the special values of IEEE 754 (C99 F.9.4.4), from a power of |x|. */
function power(x: Expr, y: Expr, short: boolean): Expr {
  const magnitude = positivePower(s.abs(x), y, short);
  const half = s.mul(y, 0.5);
  const whole = s.eq(s.nearest(y), y);
  const odd = s.and(whole, s.ne(s.nearest(half), half));
  const signed = s.select(odd, flipSign(magnitude, x), magnitude);
  const undefinedRoot = s.and(s.and(s.lt(x, 0), s.lt(-Infinity, x)), s.not(whole));
  const value = s.select(undefinedRoot, constant(x, Number.NaN), signed);
  const one = s.or(s.or(s.eq(y, 0), s.eq(x, 1)), s.and(s.eq(x, -1), s.eq(s.abs(y), Infinity)));
  return s.select(one, constant(x, 1), value);
}

const pow32 = throughFloat64((x, y) => power(x, y, true));

/** x^y. */
export const pow = (x: Expr, y: Expr): Expr => (x.type === "float32" ? pow32(x, y) : power(x, y, false));
