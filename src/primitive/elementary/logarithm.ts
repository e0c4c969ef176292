/** log and its kin. Each builder takes and gives an expression of type float32 or float64. */
import { type Expr, s } from "../../ir/scalar.js";
import * as table from "./coefficients.js";
import { constant, exactSumOrdered, headOf, type Pair, pick, splitExponent } from "./format.js";

/**
 * x = 2^exponent · (1 + f), and log(1 + f) = f - (f²/2 - rest) by the series of 2 atanh(f / (2 + f)), as in fdlibm's
 * `e_log.c` (Sun Microsystems, 1993).
 */
function parts(x: Expr): { exponent: Expr; f: Expr; halfSquare: Expr; rest: Expr } {
  const { mantissa, exponent } = splitExponent(x);
  const f = s.sub(mantissa, 1);
  const q = s.div(f, s.add(f, 2));
  const z = s.mul(q, q);
  const halfSquare = s.mul(s.mul(f, f), 0.5);
  const series = s.mul(z, s.polynomial(z, pick(x, table.log)));
  return { exponent, f, halfSquare, rest: s.mul(q, s.add(halfSquare, series)) };
}

/** The limits of a logarithm: of 0, of infinity and NaN, of negative numbers. */
function atLimits(x: Expr, finite: Expr): Expr {
  const positive = s.select(s.lt(x, Infinity), finite, x);
  const atZero = s.select(s.eq(x, 0), constant(x, -Infinity), positive);
  return s.select(s.lt(x, 0), constant(x, Number.NaN), atZero);
}

/** log(x + correction) for a correction below x's last bit, relative to x. */
function logCorrected(x: Expr, correction: Expr | null): Expr {
  const { exponent, f, halfSquare, rest } = parts(x);
  const [high, low] = pick(x, table.ln2);
  const small = correction ? s.fma(exponent, low, correction) : s.mul(exponent, low);
  return s.fma(exponent, high, s.sub(f, s.sub(halfSquare, s.add(rest, small))));
}

/** Natural logarithm. */
export const log = (x: Expr): Expr => atLimits(x, logCorrected(x, null));

/** log(head + tail). */
export const logOfSum = ({ head, tail }: Pair): Expr => atLimits(head, logCorrected(head, s.div(tail, head)));

/** log(1 + x), accurate near 0. */
export function log1p(x: Expr): Expr {
  const u = s.add(x, 1);
  const lost = s.select(s.lt(x, 1), s.sub(x, s.sub(u, 1)), s.sub(constant(x, 1), s.sub(u, x)));
  const value = logCorrected(u, s.div(lost, u));
  return s.select(s.eq(x, 0), x, atLimits(u, value));
}

/** log(1 + f) / log base, as a rounded value and its error, given 1 / log base as head and rest. */
function scaledParts(x: Expr, inverse: readonly [number, number]): { exponent: Expr; value: Expr; error: Expr } {
  const { exponent, f, halfSquare, rest } = parts(x);
  const head = headOf(s.sub(f, halfSquare));
  const tail = s.add(s.sub(s.sub(f, head), halfSquare), rest);
  const error = s.fma(s.add(tail, head), inverse[1], s.mul(tail, inverse[0]));
  return { exponent, value: s.mul(head, inverse[0]), error };
}

/** Logarithm to base 2, exact for powers of two. */
export function log2(x: Expr): Expr {
  const { exponent, value, error } = scaledParts(x, pick(x, table.log2e));
  const sum = exactSumOrdered(exponent, value);
  return atLimits(x, s.add(sum.head, s.add(error, sum.tail)));
}

/** Logarithm to base 10, exact for powers of ten. */
export function log10(x: Expr): Expr {
  const { exponent, value, error } = scaledParts(x, pick(x, table.log10e));
  const [high, low] = pick(x, table.log10Of2);
  const sum = exactSumOrdered(s.mul(exponent, high), value);
  return atLimits(x, s.add(sum.head, s.add(s.fma(exponent, low, error), sum.tail)));
}
