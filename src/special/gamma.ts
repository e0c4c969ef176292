/** The gamma function and its logarithm's derivatives: formulas, references, derivatives. */
import { floats } from "../ir/dtype.js";
import type { Node, Primitive } from "../ir/node.js";
import { type Expr, s } from "../ir/scalar.js";
import { mul } from "../primitive/arithmetic.js";
import { apply, elementwise, type None, none, pointwise } from "../primitive/define.js";
import { exp } from "../primitive/elementary/exponential.js";
import { constant, throughFloat64 } from "../primitive/elementary/format.js";
import { log } from "../primitive/elementary/logarithm.js";
import { pow } from "../primitive/elementary/power.js";
import { sin, tan } from "../primitive/elementary/trigonometric.js";
import { range } from "../util/arrays.js";
import * as table from "./coefficients.js";

/** float32 is computed in float64 and rounded once. */
export const wide = (f: (...xs: Expr[]) => Expr): ((...xs: Expr[]) => Expr) => {
  const narrow = throughFloat64(f);
  return (...xs) => (xs[0].type === "float32" ? narrow(...xs) : f(...xs));
};

const halfLogTwoPi = Math.log(2 * Math.PI) / 2;

/** An argument z < 8.5 brought below `top` in steps of 1: `w` and the product of the numbers passed. */
function stepDown(z: Expr, top: number, steps: number): { w: Expr; product: Expr } {
  let w = z;
  let product = constant(z, 1);
  for (let i = 0; i < steps; i++) {
    const isHigh = s.le(constant(z, top), w);
    const below = s.sub(w, 1);
    product = s.select(isHigh, s.mul(product, below), product);
    w = s.select(isHigh, below, w);
  }
  return { w, product };
}

/** The correction of Stirling's formula, `log Γ(z) - (z - ½) log z + z - log √(2π)`, for z ≥ 8. */
export function stirlingTail(z: Expr): Expr {
  const inverse = s.div(constant(z, 1), z);
  return s.mul(inverse, s.polynomial(s.mul(inverse, inverse), table.stirling));
}

/** log Γ(z) for z ≥ 0: polynomials around 1 and 2, recurrence up to 8, Stirling's formula beyond. */
function logGammaPositive(z: Expr): Expr {
  const isSmall = s.lt(z, 1);
  const isFar = s.le(constant(z, 8), z);
  const { w, product } = stepDown(z, 2.5, 6);
  const t = s.select(isSmall, s.select(s.lt(z, 0.5), z, s.sub(z, 1)), s.select(s.lt(w, 1.5), s.sub(w, 1), s.sub(w, 2)));
  const byOne = s.select(isSmall, s.lt(z, 0.5), s.lt(w, 1.5));
  const inside = s.select(isSmall, t, s.min(s.max(t, -0.5), 0.5));
  const near = s.mul(
    t,
    s.select(byOne, s.polynomial(inside, table.logGammaOne), s.polynomial(inside, table.logGammaTwo)),
  );
  const logarithm = log(s.select(isFar, z, s.select(isSmall, z, product)));
  const far = s.fma(s.sub(z, 0.5), s.sub(logarithm, 1), s.add(stirlingTail(s.select(isFar, z, 8)), halfLogTwoPi - 0.5));
  return s.select(isFar, far, s.select(isSmall, s.sub(near, logarithm), s.add(near, logarithm)));
}

/** The distance to the nearest integer, where sin πx and tan πx are computed without loss. */
const fromInteger = (x: Expr): Expr => s.sub(x, s.nearest(x));

/** log |Γ(x)|; for x < 0 by reflection. */
export const logGamma = wide((x) => {
  const isNegative = s.lt(x, 0);
  const positive = logGammaPositive(s.select(isNegative, s.sub(constant(x, 1), x), x));
  const sine = s.abs(sin(s.mul(fromInteger(x), Math.PI)));
  const reflected = s.sub(s.sub(constant(x, Math.log(Math.PI)), log(sine)), positive);
  const value = s.select(isNegative, reflected, positive);
  return s.select(s.eq(s.abs(x), Infinity), constant(x, Infinity), value);
});

/** Γ(z) for z ≥ 0. */
function gammaPositive(z: Expr): Expr {
  const isSmall = s.lt(z, 1);
  const { w, product } = stepDown(z, 2, 7);
  const t = s.select(isSmall, s.sub(z, 0.5), s.sub(w, 1.5));
  const reciprocal = s.polynomial(s.min(s.max(t, -0.5), 0.5), table.reciprocalGamma);
  const near = s.div(s.select(isSmall, constant(z, 1), product), s.select(isSmall, s.mul(z, reciprocal), reciprocal));
  // z^(z - ½) in two halves, which overflow later than the whole
  const far = s.max(z, 8);
  const half = pow(far, s.fma(far, 0.5, constant(z, -0.25)));
  const size = s.mul(s.mul(half, exp(s.neg(far))), half);
  const stirling = s.mul(s.mul(size, Math.sqrt(2 * Math.PI)), exp(stirlingTail(far)));
  return s.select(s.lt(z, 8), near, s.select(s.lt(constant(z, 172), z), constant(z, Infinity), stirling));
}

/** Γ(x); NaN at the negative integers. */
const gammaScalar = wide((x) => {
  const isNegative = s.lt(x, 0);
  const positive = gammaPositive(s.abs(x));
  const n = s.nearest(x);
  const half = s.mul(n, 0.5);
  const sine = sin(s.mul(s.sub(x, n), Math.PI));
  const signed = s.select(s.ne(s.nearest(half), half), s.neg(sine), sine);
  const reflected = s.div(constant(x, -Math.PI), s.mul(s.mul(x, signed), positive)); // Γ(x) Γ(-x) = -π / (x sin πx)
  const pole = s.or(s.eq(sine, 0), s.eq(x, -Infinity));
  const negative = s.select(pole, constant(x, Number.NaN), reflected);
  const zero = s.div(constant(x, 1), x); // ±∞ at ±0
  return s.select(isNegative, negative, s.select(s.eq(x, Infinity), x, s.select(s.eq(x, 0), zero, positive)));
});

/** ψ(z) for z ≥ 0. */
function digammaPositive(z: Expr): Expr {
  const isSmall = s.lt(z, 1);
  let w = z;
  let sum = constant(z, 0);
  for (let i = 0; i < 7; i++) {
    const isHigh = s.le(constant(z, 2), w);
    const below = s.sub(w, 1);
    sum = s.select(isHigh, s.add(sum, s.div(constant(z, 1), below)), sum);
    w = s.select(isHigh, below, w);
  }
  const t = s.select(isSmall, s.sub(z, 0.5), s.sub(w, 1.5));
  const [head, rest] = table.digammaRoot;
  const distance = s.sub(s.select(isSmall, s.add(z, 1 - head), s.sub(w, head)), rest);
  const near = s.mul(distance, s.polynomial(s.min(s.max(t, -0.5), 0.5), table.digamma));
  const far = s.max(z, 8);
  const inverse = s.div(constant(z, 1), far);
  const square = s.mul(inverse, inverse);
  const tail = s.fma(square, s.polynomial(square, table.digammaFar), s.mul(inverse, 0.5));
  const beyond = s.sub(log(far), tail);
  const inside = s.select(isSmall, s.sub(near, s.div(constant(z, 1), z)), s.add(near, sum));
  return s.select(s.lt(z, 8), inside, beyond);
}

/** ψ(x) = Γ'(x)/Γ(x); NaN at the negative integers, ∓∞ at ±0. */
const digammaScalar = wide((x) => {
  const isNegative = s.lt(x, 0);
  const positive = digammaPositive(s.select(isNegative, s.sub(constant(x, 1), x), x));
  const r = fromInteger(x);
  const reflected = s.sub(positive, s.div(constant(x, Math.PI), tan(s.mul(r, Math.PI))));
  const negative = s.select(s.or(s.eq(r, 0), s.eq(x, -Infinity)), constant(x, Number.NaN), reflected);
  return s.select(isNegative, negative, s.select(s.ne(x, x), x, positive));
});

const factorial = (n: number): number => range(n).reduce((product, k) => product * (k + 1), 1);

/** The sum of Euler and Maclaurin after N terms for `ζ(p, z)`: of the powers z⁻ᵖ, (z + 1)⁻ᵖ, … */
function hurwitz(z: Expr, p: number): Expr {
  const count = 8 + p;
  const power = (x: Expr, n: number): Expr => range(n - 1).reduce((product) => s.mul(product, x), x);
  const one = constant(z, 1);
  let sum = constant(z, 0);
  for (let k = count - 1; k >= 0; k--) sum = s.add(sum, power(s.div(one, s.add(z, k)), p));
  const inverse = s.div(one, s.add(z, count));
  const square = s.mul(inverse, inverse);
  // p (p + 1) … (p + 2k - 2) B₂ₖ / (2k)!
  const rising = (k: number) => range(2 * k - 1).reduce((product, i) => product * (p + i), 1);
  const terms = table.eulerMaclaurin.map((b, k) => b * rising(k + 1)).toReversed();
  const tail = s.fma(square, s.polynomial(square, terms), s.fma(inverse, 0.5, constant(z, 1 / (p - 1))));
  return s.fma(power(inverse, p - 1), tail, sum);
}

/** Coefficients, constant first, of the n-th derivative of cot θ as a polynomial in cot θ: c' = -(1 + c²). */
function cotangentDerivative(n: number): number[] {
  let p = [0, 1];
  for (let i = 0; i < n; i++) {
    const slope = p.slice(1).map((c, k) => -c * (k + 1));
    p = range(slope.length + 2).map((k) => (slope[k] ?? 0) + (slope[k - 2] ?? 0));
  }
  return p;
}

/** ψ⁽ⁿ⁾(x) = (-1)ⁿ⁺¹ n! ζ(n + 1, x) for n ≥ 1; by reflection for x < 0. */
const polygammaScalar = (n: number) =>
  wide((x) => {
    const isNegative = s.lt(x, 0);
    const z = s.select(isNegative, s.sub(constant(x, 1), x), x);
    const size = factorial(n);
    const positive = s.mul(hurwitz(z, n + 1), n % 2 === 1 ? size : -size);
    const r = fromInteger(x);
    const cotangent = s.div(constant(x, 1), tan(s.mul(r, Math.PI)));
    const bend = s.mul(s.polynomial(cotangent, cotangentDerivative(n).toReversed()), Math.PI ** (n + 1));
    const reflected = s.sub(n % 2 === 1 ? s.neg(positive) : positive, bend);
    const pole = constant(x, n % 2 === 1 ? Infinity : Number.NaN);
    const value = s.select(isNegative, s.select(s.eq(r, 0), pole, reflected), positive);
    return s.select(s.eq(x, Infinity), constant(x, 0), s.select(s.eq(x, -Infinity), constant(x, Number.NaN), value));
  });

// References: arguments moved beyond 20, where a few terms of Stirling's series suffice.

const shiftTo = 20;
const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6];
const isPole = (x: number): boolean => x < 0 && Number.isInteger(x);

/** log |Γ(x)|. */
export function logGammaReference(x: number): number {
  if (Math.abs(x) === Infinity) return Infinity;
  if (x < 0) {
    const sine = Math.abs(Math.sin(Math.PI * (x - Math.round(x))));
    return Math.log(Math.PI) - Math.log(sine) - logGammaReference(1 - x);
  }
  let passed = 0;
  let z = x;
  for (; z < shiftTo; z++) passed += Math.log(z);
  const tail = bernoulli.reduce((sum, b, k) => sum + b / ((2 * k + 2) * (2 * k + 1) * z ** (2 * k + 1)), 0);
  return (z - 0.5) * (Math.log(z) - 1) - 0.5 + halfLogTwoPi + tail - passed;
}

function gammaReference(x: number): number {
  if (isPole(x) || x === -Infinity) return Number.NaN;
  if (x === 0) return 1 / x;
  if (x < 0) return Math.PI / (Math.sin(Math.PI * (x % 2)) * gammaReference(1 - x));
  if (x > 172) return Infinity;
  let product = 1;
  let z = x;
  for (; z > 1; z--) product *= z - 1;
  return product * Math.exp(logGammaReference(z));
}

/** ψ⁽ⁿ⁾(x), n ≥ 0. */
export function polygammaReference(n: number, x: number): number {
  if (x === Infinity) return n === 0 ? Infinity : 0;
  if (x === -Infinity) return Number.NaN;
  if (isPole(x)) return n % 2 === 1 ? Infinity : Number.NaN;
  if (x < 0) {
    const cotangent = 1 / Math.tan(Math.PI * (x - Math.round(x)));
    const bend = cotangentDerivative(n).reduceRight((sum, c) => sum * cotangent + c, 0) * Math.PI ** (n + 1);
    return (n % 2 === 1 ? -1 : 1) * polygammaReference(n, 1 - x) - bend;
  }
  let z = x;
  let sum = 0;
  for (; z < shiftTo + n; z++) sum += (n === 0 ? -1 : 1) / z ** (n + 1);
  if (n === 0) {
    const tail = bernoulli.reduce((total, b, k) => total + b / ((2 * k + 2) * z ** (2 * k + 2)), 0);
    return sum + Math.log(z) - 1 / (2 * z) - tail;
  }
  const tail = bernoulli.reduce((total, b, k) => {
    const rising = range(2 * k + 1).reduce((product, i) => product * (n + 1 + i), 1);
    return total + (b / factorial(2 * k + 2)) * rising * z ** -(n + 2 + 2 * k);
  }, 0);
  const size = sum + z ** -n / n + z ** -(n + 1) / 2 + tail;
  return (n % 2 === 1 ? 1 : -1) * factorial(n) * size;
}

const positiveDomain = [0.3, 6] as const;

export const gammaPrimitive: Primitive<None> = elementwise({
  name: "gamma",
  dtypes: floats,
  partials: [(t, y) => mul(t, mul(y, digamma(y.inputs[0])))],
  scalar: (x) => gammaScalar(x),
  reference: gammaReference,
  domain: positiveDomain,
});
/** Γ(x). */
export const gamma = (x: Node): Node => apply(gammaPrimitive, [x], none);

export const lgammaPrimitive: Primitive<None> = elementwise({
  name: "lgamma",
  dtypes: floats,
  partials: [(t, { inputs: [x] }) => mul(t, digamma(x))],
  scalar: (x) => logGamma(x),
  reference: logGammaReference,
  domain: positiveDomain,
});
/** log |Γ(x)|. */
export const lgamma = (x: Node): Node => apply(lgammaPrimitive, [x], none);

export const digammaPrimitive: Primitive<None> = elementwise({
  name: "digamma",
  dtypes: floats,
  partials: [(t, { inputs: [x] }) => mul(t, polygamma(1, x))],
  scalar: (x) => digammaScalar(x),
  reference: (x) => polygammaReference(0, x),
  domain: positiveDomain,
});
/** ψ(x). */
export const digamma = (x: Node): Node => apply(digammaPrimitive, [x], none);

export interface Order {
  readonly order: number;
}

export const polygammaPrimitive: Primitive<Order> = pointwise<Order>({
  name: "polygamma",
  arity: 1,
  dtypes: floats,
  partials: [(t, { inputs: [x], params }) => mul(t, polygamma(params.order + 1, x))],
  scalar: ([x], { order }) => polygammaScalar(order)(x),
  reference: ([x], { order }) => polygammaReference(order, x),
  domain: positiveDomain,
  params: [{ order: 1 }, { order: 2 }, { order: 5 }],
});
/** ψ⁽ⁿ⁾(x), n ≥ 1. */
export const polygamma = (order: number, x: Node): Node => apply(polygammaPrimitive, [x], { order });
