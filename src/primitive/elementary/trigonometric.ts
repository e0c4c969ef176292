/** Circular functions. Each builder takes and gives an expression of type float32 or float64. */
import { type Expr, s } from "../../ir/scalar.js";
import { range } from "../../util/arrays.js";
import * as table from "./coefficients.js";
import {
  constant,
  exactSum,
  exactSumOrdered,
  flipSign,
  flipSignByBit,
  headOf,
  type Pair,
  throughFloat64,
  wholeBits,
} from "./format.js";

/** A non-negative angle as `quarters` quarter turns (the low bits of an integer) and the rest, at most π/4. */
interface Reduced {
  readonly quarters: Expr;
  readonly rest: Pair;
}

/** The distance to the nearest whole number. */
const wrap = (x: Expr): Expr => s.sub(x, s.nearest(x));

/**
 * The reduction of M. Payne and R. Hanek (1983) in float arithmetic: x is multiplied by digits of 1/2π, each product is
 * exact, and the whole turns in it are dropped before the products are added. A float32 in float64 arithmetic: x · digit
 * is exact. From 2⁷⁶ on x/2⁵³ is whole, so whole turns in 2⁵³/2π may be dropped beforehand.
 */
function reduceFloat32(x: Expr): Reduced {
  const large = s.le(constant(x, 2 ** 76), x);
  const y = s.select(large, s.mul(x, 2 ** -53), x);
  const turns = range(5).map((k) => {
    const [low, high] = table.shortTurnDigits.map((digits) => digits[k] * 2 ** (-27 * (k + 1)));
    return wrap(s.mul(y, s.select(large, constant(x, high), low)));
  });
  const sum = turns.reduceRight((a, b) => s.add(b, a));
  const quarters = s.nearest(s.mul(sum, 4));
  const rest = [s.fma(quarters, -0.25, turns[0]), ...turns.slice(1)].reduce((a, b) => s.add(a, b));
  return { quarters: wholeBits(quarters), rest: { head: s.mul(rest, 2 * Math.PI), tail: constant(x, 0) } };
}

/** Digits of 1/2π from where those before it give only whole turns, and x divided by the power of two they lost. */
function alignedDigits(x: Expr): { y: Expr; digits: readonly Expr[] } {
  let y = x;
  let digits = table.turnDigits.map((d) => constant(x, d));
  for (const step of [16, 8, 4, 2, 1]) {
    const far = s.le(constant(x, 2 ** (53 + 52 * step)), y);
    y = s.select(far, s.mul(y, 2 ** (-52 * step)), y);
    const kept = 9 + 2 * (step - 1);
    digits = digits
      .slice(0, kept)
      .map((d, i) => (i + 2 * step < digits.length ? s.select(far, digits[i + 2 * step], d) : d));
  }
  return { y, digits };
}

/**
 * The same for a float64: x is split in two so that products are exact. Columns of products of equal weight are exact
 * too (at most 53 bits), and are added with their errors.
 */
function reduceFloat64(x: Expr): Reduced {
  const { y, digits } = alignedDigits(x);
  const high = headOf(y);
  const low = s.mul(s.sub(y, high), 2 ** 26);
  const columns = digits.map((d, k) => {
    const product = k === 0 ? s.mul(high, d) : s.fma(low, digits[k - 1], s.mul(high, d));
    return wrap(s.mul(product, 2 ** (-26 * (k + 1))));
  });
  const quarters = s.nearest(
    s.mul(
      columns.reduceRight((a, b) => s.add(b, a)),
      4,
    ),
  );
  let head = s.fma(quarters, -0.25, columns[0]);
  let tail = s.add(columns[7], columns[8]);
  for (const column of columns.slice(1, 7)) {
    const sum = exactSum(head, column);
    head = sum.head;
    tail = s.add(tail, sum.tail);
  }
  return { quarters: wholeBits(quarters), rest: timesTwoPi(exactSumOrdered(head, tail)) };
}

/** 2π · turns, to about 100 bits. */
function timesTwoPi({ head, tail }: Pair): Pair {
  const [high, low] = table.twoPi.float64;
  const top = headOf(head);
  const small = s.fma(s.add(s.sub(head, top), tail), high, s.mul(head, low));
  return exactSumOrdered(s.mul(top, high), small);
}

/** sin and cos of the rest, |rest| ≤ π/4, by polynomials short enough for the result's type. */
interface Polynomials {
  readonly sin: readonly number[];
  readonly cos: readonly number[];
}
const short: Polynomials = { sin: table.sin.short, cos: table.cos.short };
const long: Polynomials = { sin: table.sin.float64, cos: table.cos.float64 };

function sinRest({ head, tail }: Pair, { sin }: Polynomials): Expr {
  const z = s.mul(head, head);
  const cubic = s.fma(s.mul(head, z), s.polynomial(z, sin), s.fma(s.mul(z, -0.5), tail, tail));
  return s.add(head, cubic);
}

/** 1 - z/2 is rounded, and its error goes into the small rest. */
function cosRest({ head, tail }: Pair, { cos }: Polynomials): Expr {
  const z = s.mul(head, head);
  const half = s.mul(z, 0.5);
  const top = s.sub(constant(head, 1), half);
  const lost = s.sub(s.sub(constant(head, 1), top), half);
  return s.add(top, s.fma(s.mul(z, z), s.polynomial(z, cos), s.sub(lost, s.mul(head, tail))));
}

const isOdd = (n: Expr): Expr => s.ne(s.and(n, 1), 0);

function sinOf(x: Expr, { quarters, rest }: Reduced, polynomials: Polynomials): Expr {
  const value = s.select(isOdd(quarters), cosRest(rest, polynomials), sinRest(rest, polynomials));
  return flipSign(flipSignByBit(value, quarters, 1), x);
}

function cosOf({ quarters, rest }: Reduced, polynomials: Polynomials): Expr {
  const value = s.select(isOdd(quarters), sinRest(rest, polynomials), cosRest(rest, polynomials));
  return flipSignByBit(value, s.add(quarters, 1), 1);
}

function tanOf(x: Expr, { quarters, rest }: Reduced, polynomials: Polynomials): Expr {
  const sine = sinRest(rest, polynomials);
  const cosine = cosRest(rest, polynomials);
  const odd = isOdd(quarters);
  const value = s.div(s.select(odd, cosine, sine), s.select(odd, sine, cosine));
  return flipSign(flipSignByBit(value, quarters, 0), x);
}

/** Below this sin x and tan x round to x, and products with digits of 1/2π might underflow. */
const linearBelow = 2 ** -27;
const orLinear = (x: Expr, value: Expr): Expr => s.select(s.lt(s.abs(x), linearBelow), x, value);

const sin32 = throughFloat64((x) => sinOf(x, reduceFloat32(s.abs(x)), short));
const cos32 = throughFloat64((x) => cosOf(reduceFloat32(s.abs(x)), short));
const tan32 = throughFloat64((x) => tanOf(x, reduceFloat32(s.abs(x)), short));

/** Sine, for arguments of any size. */
export const sin = (x: Expr): Expr =>
  x.type === "float32" ? sin32(x) : orLinear(x, sinOf(x, reduceFloat64(s.abs(x)), long));

/** Cosine, for arguments of any size. */
export const cos = (x: Expr): Expr => (x.type === "float32" ? cos32(x) : cosOf(reduceFloat64(s.abs(x)), long));

/** Tangent, for arguments of any size. */
export const tan = (x: Expr): Expr =>
  x.type === "float32" ? tan32(x) : orLinear(x, tanOf(x, reduceFloat64(s.abs(x)), long));
