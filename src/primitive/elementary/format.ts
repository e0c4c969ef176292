/** Floats as bit patterns, in scalar expressions: powers of two, exponents, signs, exact splits and sums. */
import { type Expr, s } from "../../ir/scalar.js";

/** The float types that have elementary functions of their own. */
export type FloatType = "float32" | "float64";

interface Format {
  readonly type: FloatType;
  readonly int: "int32" | "int64";
  /** Bits of the fraction. */
  readonly mantissa: number;
  readonly bias: number;
  /** 1.5 · 2^mantissa: adding it leaves a small integer in the low bits, in two's complement. */
  readonly magic: number;
  readonly magicBits: number;
  /** Bits of √½, rounded so that a JavaScript number holds them. */
  readonly sqrtHalfBits: number;
  readonly signBit: number;
  /** Keeps a head of half the significant bits. */
  readonly headMask: number;
  readonly smallestNormal: number;
}

const formats: Readonly<Record<FloatType, Format>> = {
  float32: {
    type: "float32",
    int: "int32",
    mantissa: 23,
    bias: 127,
    magic: 1.5 * 2 ** 23,
    magicBits: 0x4b400000,
    sqrtHalfBits: 0x3f3504f3,
    signBit: -(2 ** 31),
    headMask: -(2 ** 12),
    smallestNormal: 2 ** -126,
  },
  float64: {
    type: "float64",
    int: "int64",
    mantissa: 52,
    bias: 1023,
    magic: 1.5 * 2 ** 52,
    magicBits: 0x43380000 * 2 ** 32,
    sqrtHalfBits: 0x3fe6a09e * 2 ** 32,
    signBit: -(2 ** 63),
    headMask: -(2 ** 27),
    smallestNormal: 2 ** -1022,
  },
};

/** The format of a float expression. */
export const formatOf = (x: Expr): Format => formats[x.type === "float32" ? "float32" : "float64"];

/** The entry of a table for `x`'s type. */
export const pick = <T>(x: Expr, table: Readonly<Record<FloatType, T>>): T => table[formatOf(x).type];

/** A constant of `x`'s type. */
export const constant = (x: Expr, value: number): Expr => s.const(x.type, value);

const bitsOf = (x: Expr): Expr => s.bitcast(formatOf(x).int, x);

/** Works in float64 and rounds the result to a float32. */
export const throughFloat64 =
  (f: (...xs: Expr[]) => Expr) =>
  (...xs: Expr[]): Expr =>
    s.convert("float32", f(...xs.map((x) => s.convert("float64", x))));

/** 2ⁿ for a whole float `n` from 1 - bias to bias. */
export function powerOfTwo(n: Expr): Expr {
  const { type, mantissa, bias, magic } = formatOf(n);
  return s.bitcast(type, s.shl(bitsOf(s.add(n, magic + bias)), mantissa));
}

/** x · 2ⁿ in two steps, so that neither factor overflows and a subnormal result is rounded once; |n| ≤ 2 · bias - 2. */
export function scale(x: Expr, n: Expr): Expr {
  const { type, mantissa, bias, magic } = formatOf(n);
  const half = bitsOf(s.fma(n, 0.5, constant(n, magic + bias)));
  const rest = s.sub(bitsOf(s.add(n, magic + 2 * bias)), half);
  const factor = (bits: Expr) => s.bitcast(type, s.shl(bits, mantissa));
  return s.mul(s.mul(x, factor(half)), factor(rest));
}

/** A positive float as `mantissa · 2^exponent` with a mantissa from √½ to √2; both are floats. */
export function splitExponent(x: Expr): { mantissa: Expr; exponent: Expr } {
  const { type, mantissa, magic, magicBits, sqrtHalfBits, smallestNormal } = formatOf(x);
  const tiny = s.lt(x, smallestNormal);
  const bits = bitsOf(s.select(tiny, s.mul(x, 2 ** (mantissa + 1)), x));
  const exponent = s.shr(s.sub(bits, sqrtHalfBits), mantissa);
  const whole = s.sub(s.bitcast(type, s.add(exponent, magicBits)), magic);
  return {
    mantissa: s.bitcast(type, s.sub(bits, s.shl(exponent, mantissa))),
    exponent: s.sub(whole, s.select(tiny, constant(x, mantissa + 1), 0)),
  };
}

/** The low bits of a whole float, as an integer. */
export const wholeBits = (n: Expr): Expr => bitsOf(s.add(n, formatOf(n).magic));

/** Turns the sign of `x` round where that of `y` is set. */
export function flipSign(x: Expr, y: Expr): Expr {
  const { type, signBit } = formatOf(x);
  return s.bitcast(type, s.xor(bitsOf(x), s.and(bitsOf(y), signBit)));
}

/** Turns the sign of `x` round where the integer `n`, of x's width, is odd in bit `bit`. */
export function flipSignByBit(x: Expr, n: Expr, bit: number): Expr {
  const { type, int, signBit } = formatOf(x);
  const width = int === "int32" ? 31 : 63;
  return s.bitcast(type, s.xor(bitsOf(x), s.and(s.shl(n, width - bit), signBit)));
}

/** The non-negative `x` with the sign of `y`. */
export function withSign(x: Expr, y: Expr): Expr {
  const { type, signBit } = formatOf(x);
  return s.bitcast(type, s.or(bitsOf(x), s.and(bitsOf(y), signBit)));
}

/** `x` with the lower half of its significant bits cleared: squares of heads are exact. */
export function headOf(x: Expr): Expr {
  const { type, headMask } = formatOf(x);
  return s.bitcast(type, s.and(bitsOf(x), headMask));
}

/** Within `[low, high]`; NaN stays NaN. */
export const clamp = (x: Expr, low: number, high: number): Expr => s.min(s.max(x, low), high);

/** A number as the unevaluated sum of two floats, the second much smaller. */
export interface Pair {
  readonly head: Expr;
  readonly tail: Expr;
}

/** a + b without error (Knuth, "Seminumerical Algorithms", 4.2.2). */
export function exactSum(a: Expr, b: Expr): Pair {
  const head = s.add(a, b);
  const bRounded = s.sub(head, a);
  const aRounded = s.sub(head, bRounded);
  return { head, tail: s.add(s.sub(a, aRounded), s.sub(b, bRounded)) };
}

/** a + b without error where |a| ≥ |b| (T. J. Dekker, 1971). */
export function exactSumOrdered(a: Expr, b: Expr): Pair {
  const head = s.add(a, b);
  return { head, tail: s.sub(b, s.sub(head, a)) };
}

/** x · x as a sum whose error is a rounding of its smallest part. */
export function square(x: Expr): Pair {
  const head = headOf(x);
  return { head: s.mul(head, head), tail: s.mul(s.sub(x, head), s.add(x, head)) };
}
