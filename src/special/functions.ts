/** Special functions as users call them: element by element, integers as float32, several arguments broadcast. */
import { isFloat } from "../ir/dtype.js";
import type { Node } from "../ir/node.js";
import { convert } from "../primitive/arithmetic.js";
import { toFloat, together } from "../tensor/coerce.js";
import { fullLike, stopGradient, Tensor, where } from "../tensor/index.js";
import { ArgumentError, shown } from "../util/errors.js";
import { besselI } from "./bessel.js";
import * as betas from "./beta.js";
import * as gammas from "./gamma.js";
import * as incomplete from "./incomplete.js";

type Operand = Tensor | number;

const nodeOf = (x: Operand): Node | number => (x instanceof Tensor ? x.node : x);
const unary =
  (f: (x: Node) => Node) =>
  (x: Tensor): Tensor =>
    Tensor.of(f(convert(x.node, toFloat(x.dtype))));
const nary = (op: string, f: (...xs: Node[]) => Node, xs: readonly Operand[]): Tensor =>
  Tensor.of(f(...together(op, xs.map(nodeOf), toFloat)));

/** `Γ(x) = ∫₀^∞ t^(x-1) e^-t dt`, continued to negative x; NaN at the negative integers. */
export const gamma = unary(gammas.gamma);
/** `log |Γ(x)|`; infinite at 0 and the negative integers. */
export const lgamma = unary(gammas.lgamma);
/** `ψ(x) = Γ'(x)/Γ(x)`; NaN at the negative integers. */
export const digamma = unary(gammas.digamma);

/** `ψ⁽ⁿ⁾(x)`, the n-th derivative of digamma, for an integer n from 0 to 60. */
export function polygamma(n: number, x: Tensor): Tensor {
  if (!Number.isInteger(n) || n < 0 || n > 60)
    throw new ArgumentError(`polygamma: the order must be an integer from 0 to 60, got ${shown(n)}. use digamma for 0`);
  return n === 0 ? digamma(x) : unary((v) => gammas.polygamma(n, v))(x);
}

/** `log B(a, b)` for a, b > 0, accurate also where one is much larger than the other; NaN for negative arguments. */
export const lbeta = (a: Operand, b: Operand): Tensor => nary("lbeta", betas.lbeta, [a, b]);
/** `B(a, b) = Γ(a) Γ(b) / Γ(a + b)` for a, b > 0. */
export const beta = (a: Operand, b: Operand): Tensor => lbeta(a, b).exp();

/** `P(a, x) = 1/Γ(a) ∫₀ˣ t^(a-1) e^-t dt` for a, x ≥ 0, the regularized lower incomplete gamma function. */
export const gammainc = (a: Operand, x: Operand): Tensor => nary("gammainc", incomplete.gammainc, [a, x]);
/** `Q(a, x) = 1 - P(a, x)`, accurate where it is small. */
export const gammaincc = (a: Operand, x: Operand): Tensor => nary("gammaincc", incomplete.gammaincc, [a, x]);
/** `I(x; a, b) = 1/B(a, b) ∫₀ˣ t^(a-1) (1 - t)^(b-1) dt` for a, b > 0 and 0 ≤ x ≤ 1, the regularized incomplete beta function. */
export const betainc = (a: Operand, b: Operand, x: Operand): Tensor => nary("betainc", incomplete.betainc, [a, b, x]);

/** `I₀(x)`, the modified Bessel function of the first kind of order 0. */
export const i0 = unary((x) => besselI(x, { order: 0, scaled: false }));
/** `I₁(x)`. */
export const i1 = unary((x) => besselI(x, { order: 1, scaled: false }));
/** `e^(-|x|) I₀(x)`. */
export const i0e = unary((x) => besselI(x, { order: 0, scaled: true }));
/** `e^(-|x|) I₁(x)`. */
export const i1e = unary((x) => besselI(x, { order: 1, scaled: true }));

/** `2/√π ∫₀ˣ e^(-t²) dt`. */
export const erf = (x: Tensor): Tensor => x.erf();
/** `1 - erf x`, accurate where it is small. */
export const erfc = (x: Tensor): Tensor => x.erfc();
/** The inverse of `erf`. */
export const erfinv = (x: Tensor): Tensor => x.erfinv();
/** `Φ(x)`, the distribution function of the standard normal distribution. */
export const ndtr = (x: Tensor): Tensor => x.mul(-Math.SQRT1_2).erfc().mul(0.5);
/** `Φ⁻¹(p)`, accurate also for p near 0. */
export function ndtri(p: Tensor): Tensor {
  const v = float(p);
  const isTail = v.greater(0).and(v.less(0.02)); // where 2p - 1 loses digits of p
  const middle = where(isTail, 0.5, v).mul(2).sub(1).erfinv().mul(Math.SQRT2);
  return where(isTail, lowerQuantile(where(isTail, v, 0.01).astype("float64")).astype(v.dtype), middle);
}

/**
 * Newton's method for `log Φ(x) = log p` from M. Abramowitz and I. A. Stegun's formula 26.2.23, whose error is at most
 * 4.5·10⁻⁴; the steps, of which each squares it, also have the derivatives.
 */
function lowerQuantile(p: Tensor): Tensor {
  const t = stopGradient(p).log().mul(-2).sqrt();
  const above = t.mul(0.010328).add(0.802853).mul(t).add(2.515517);
  const below = t.mul(0.001308).add(0.189269).mul(t).add(1.432788).mul(t).add(1);
  let x: Tensor = above.div(below).sub(t);
  for (let i = 0; i < 3; i++) {
    const mass = ndtr(x);
    const density = x
      .square()
      .mul(-0.5)
      .exp()
      .mul(1 / Math.sqrt(2 * Math.PI));
    x = x.sub(mass.div(p).log().mul(mass).div(density));
  }
  return x;
}

const float = (x: Tensor): Tensor => (isFloat(x.dtype) ? x : x.astype("float32"));

/** `log(p / (1 - p))`, the inverse of the sigmoid. */
export const logit = (p: Tensor): Tensor => float(p).log().sub(float(p).neg().log1p());
/** `1 / (1 + e^-x)`. */
export const expit = (x: Tensor): Tensor => x.sigmoid();

/** `x log y`, and 0 where x = 0 (unless y is NaN); there too its derivative by x is `log y`, where that is a number. */
export const xlogy = (x: Tensor, y: Tensor): Tensor => x.mul(where(hasNoLog(x, y), 1, y).log());
/** `x log(1 + y)`, and 0 where x = 0 (unless y is NaN), as `xlogy`. */
export const xlog1py = (x: Tensor, y: Tensor): Tensor => x.mul(where(hasNoLog(x, y.add(1)), 0, y).log1p());

/** Where x is 0 and y has no finite logarithm. */
const hasNoLog = (x: Tensor, y: Tensor): Tensor => x.equal(0).and(y.lessEqual(0).or(y.equal(Number.POSITIVE_INFINITY)));

/** `-x log x` for x > 0, 0 at 0, -∞ below. */
export function entr(x: Tensor): Tensor {
  const v = float(x);
  const isPositive = v.greater(0);
  const safe = where(isPositive, v, 1);
  const inside = where(isPositive, safe.mul(safe.log()).neg(), 0);
  return where(v.less(0), Number.NEGATIVE_INFINITY, where(v.isNaN(), v, inside));
}

/** `sin(πx)/(πx)`, and 1 at 0, where its derivatives are those of its Taylor polynomial. */
export function sinc(x: Tensor): Tensor {
  const angle = float(x).mul(Math.PI);
  const isNear = angle.abs().less(0.05);
  const far = where(isNear, 1, angle);
  const z = where(isNear, angle, 0).square();
  // 1 - z/3! + z²/5! - …
  const terms = [-1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6, 1];
  const series = terms.reduce<Tensor>((sum, c) => sum.mul(z).add(c), fullLike(z, 1 / 6227020800));
  return where(isNear, series, far.sin().div(far));
}
