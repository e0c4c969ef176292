/** The error function, its complement and its inverse: formulas, references, derivatives. */
import { floats } from "../ir/dtype.js";
import type { Node } from "../ir/node.js";
import { type Expr, s } from "../ir/scalar.js";
import { mul, neg } from "./arithmetic.js";
import { elementwise, unary } from "./define.js";
import * as table from "./elementary/coefficients.js";
import { expReduced, reduceExp } from "./elementary/exponential.js";
import { constant, pick, powerOfTwo, scale, square, throughFloat64, withSign } from "./elementary/format.js";
import { log } from "./elementary/logarithm.js";
import { exp, scaled } from "./transcendental.js";

/** erf x for |x| ≤ 1. */
function erfNear(x: Expr): Expr {
  const z = s.mul(x, x);
  return s.fma(x, s.polynomial(z, pick(x, table.errorNear)), x);
}

/** e^(-x²) · q without the rounding of x² (x ≥ 0, result possibly subnormal). */
function gaussianTimes(x: Expr, q: Expr): Expr {
  const [high, low] = pick(x, table.ln2);
  const { head, tail } = square(x);
  const n = s.nearest(s.mul(head, -Math.LOG2E));
  const top = s.sub(s.fma(n, -high, s.neg(head)), tail);
  return scale(s.mul(expReduced(s.fma(n, -low, top)), q), n);
}

/** erfc x for x ≥ 0: e^(-x²) / (1 + 2x) times a polynomial in (x - 4)/(x + 4) (M. Shepherd and J. Laframboise, 1981). */
function erfcFar(x: Expr, coefficients: readonly number[]): Expr {
  const t = s.div(s.sub(x, 4), s.add(x, 4));
  return gaussianTimes(x, s.div(s.polynomial(t, coefficients), s.fma(x, 2, constant(x, 1))));
}

const erfFar32 = (a: Expr): Expr => {
  const { n, r, tail } = reduceExp(s.polynomial(s.min(a, 4), table.errorTail.float32));
  return s.sub(constant(a, 1), s.mul(expReduced(r, tail), powerOfTwo(n)));
};
const erfFar64 = (a: Expr): Expr => s.sub(constant(a, 1), erfcFar(s.min(a, 7), table.errorFar.float64));

/** 2/√π ∫₀ˣ e^(-t²) dt. */
function erfScalar(x: Expr): Expr {
  const a = s.abs(x);
  const far = a.type === "float32" ? erfFar32(a) : erfFar64(a);
  return s.select(s.lt(a, 1), erfNear(x), withSign(far, x));
}

function erfcBy(x: Expr, coefficients: readonly number[]): Expr {
  const far = erfcFar(s.min(s.abs(x), 28), coefficients);
  return s.select(s.lt(x, 0), s.sub(constant(x, 2), far), far);
}
const erfcNarrow = throughFloat64((x) => erfcBy(x, table.errorFar.short));

/** 1 - erf x, accurate where that is small. */
const erfcWide = (x: Expr): Expr =>
  s.select(s.lt(s.abs(x), 0.5), s.sub(constant(x, 1), erfNear(x)), erfcBy(x, table.errorFar.float64));
const erfcScalar = (x: Expr): Expr => (x.type === "float32" ? erfcNarrow(x) : erfcWide(x));

/**
 * Rational approximations of the normal quantile: M. J. Wichura, "Algorithm AS 241: The percentage points of the normal
 * distribution", Applied Statistics 37 (1988), PPND16. Numerator and denominator, highest power first.
 */
const wichura = {
  central: [
    [
      2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
      133.14166789178438, 3.3871328727963665,
    ],
    [
      5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
      687.1870074920579, 42.31333070160091, 1,
    ],
  ],
  near: [
    [
      0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
      5.769497221460691, 4.630337846156546, 1.4234371107496835,
    ],
    [
      1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
      1.6763848301838038, 2.053191626637759, 1,
    ],
  ],
  far: [
    [
      2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
      1.7848265399172913, 5.463784911164114, 6.657904643501103,
    ],
    [
      2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133, 0.014875361290850615,
      0.1369298809227358, 0.599832206555888, 1,
    ],
  ],
} as const;

const rational = (x: Expr, [above, below]: readonly [readonly number[], readonly number[]]): Expr =>
  s.div(s.polynomial(x, above), s.polynomial(x, below));

/** erfinv x = Φ⁻¹((1 + x)/2) / √2; `narrow` leaves out the tail that no float32 reaches. */
function erfinvBy(x: Expr, narrow: boolean): Expr {
  const a = s.abs(x);
  const q = s.mul(a, 0.5);
  const central = s.mul(q, rational(s.fma(s.neg(q), q, constant(x, 0.180625)), wichura.central));
  const r = s.sqrt(s.neg(log(s.fma(a, -0.5, constant(x, 0.5)))));
  const near = rational(s.sub(r, 1.6), wichura.near);
  const tail = narrow ? near : s.select(s.lt(constant(x, 5), r), rational(s.sub(r, 5), wichura.far), near);
  const inside = s.mul(s.select(s.le(q, 0.425), central, tail), Math.SQRT1_2);
  return withSign(s.select(s.eq(a, 1), constant(x, Infinity), inside), x);
}
const erfinvNarrow = throughFloat64((x) => erfinvBy(x, true));

/** The inverse of erf: ±∞ at ±1, NaN beyond. */
const erfinvScalar = (x: Expr): Expr => (x.type === "float32" ? erfinvNarrow(x) : erfinvBy(x, false));

/** e^(-x²) without the rounding of x². */
function gaussian(x: number): number {
  if (Math.abs(x) > 30) return 0; // below the least subnormal
  const head = Math.fround(x);
  return Math.exp(-head * head) * Math.exp(-(x - head) * (x + head));
}

/** 2x/√π e^(-x²) Σ (2x²)ⁿ / (1·3·5···(2n+1)) (DLMF 7.6.2): every term is positive. */
function erfSeries(x: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; term > sum * 1e-18; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * x * gaussian(x) * sum;
}

/** e^(-x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))) for x > 0 (DLMF 7.9.1), with levels enough for 20 digits. */
function erfcFraction(x: number): number {
  let f = x;
  for (let k = Math.ceil(270 / (x * x)) + 10; k > 0; k--) f = x + k / 2 / f;
  return gaussian(x) / Math.sqrt(Math.PI) / f;
}

const erfReference = (x: number): number =>
  Math.abs(x) < 1.5 ? erfSeries(x) : Math.sign(x) * (1 - erfcFraction(Math.abs(x)));

function erfcReference(x: number): number {
  if (x < 0.5) return 1 - erfReference(x);
  return erfcFraction(x);
}

/** Halley's iteration on erf or, far out, on erfc, from S. Winitzki's approximation (2008). */
function erfinvReference(x: number): number {
  const a = Math.abs(x);
  if (!(a > 0 && a < 1)) return a === 0 ? x : a === 1 ? x * Infinity : Number.NaN;
  const l = Math.log1p(-a) + Math.log1p(a);
  const b = 2 / (Math.PI * 0.147) + l / 2;
  let y = Math.sqrt(Math.sqrt(b * b - l / 0.147) - b);
  for (let i = 0; i < 4; i++) {
    const excess = a < 0.5 ? erfReference(y) - a : 1 - a - erfcReference(y);
    const newton = excess / ((2 / Math.sqrt(Math.PI)) * gaussian(y));
    y -= newton / (1 + y * newton);
  }
  return Math.sign(x) * y;
}

/** c · e^(±x²). */
const bell = (x: Node, sign: 1 | -1, c: number): Node => scaled(exp(scaled(mul(x, x), sign)), c);

export const erfPrimitive = elementwise({
  name: "erf",
  dtypes: floats,
  partials: [(t, { inputs: [x] }) => mul(t, bell(x, -1, 2 / Math.sqrt(Math.PI)))],
  scalar: erfScalar,
  reference: erfReference,
});
/** `2/√π ∫₀ˣ e^(-t²) dt`. */
export const erf = unary(erfPrimitive);

export const erfcPrimitive = elementwise({
  name: "erfc",
  dtypes: floats,
  partials: [(t, { inputs: [x] }) => neg(mul(t, bell(x, -1, 2 / Math.sqrt(Math.PI))))],
  scalar: erfcScalar,
  reference: erfcReference,
});
/** `1 - erf x`. */
export const erfc = unary(erfcPrimitive);

export const erfinvPrimitive = elementwise({
  name: "erfinv",
  dtypes: floats,
  partials: [(t, y) => mul(t, bell(y, 1, Math.sqrt(Math.PI) / 2))],
  scalar: erfinvScalar,
  reference: erfinvReference,
  domain: [-0.8, 0.8],
});
/** The inverse of `erf`. */
export const erfinv = unary(erfinvPrimitive);
