/** Modified Bessel functions of the first kind, of whole order. */
import { floats } from "../ir/dtype.js";
import type { Node, Primitive } from "../ir/node.js";
import { type Expr, s } from "../ir/scalar.js";
import { mul, sign, sub } from "../primitive/arithmetic.js";
import { add, apply, pointwise, pointwiseRoutine } from "../primitive/define.js";
import { exp } from "../primitive/elementary/exponential.js";
import { flipSign } from "../primitive/elementary/format.js";
import { scaled as times } from "../primitive/transcendental.js";
import * as table from "./coefficients.js";
import { wide } from "./gamma.js";

/** Iₙ(x), or e^(-|x|) Iₙ(x) when `scaled`. */
interface Bessel {
  readonly order: number;
  readonly scaled: boolean;
}

/** Polynomials in x²/4 up to 7.75 and in 7.75/x beyond. */
const besselScalar = ({ order, scaled }: Bessel) =>
  wide((x: Expr) => {
    const a = s.abs(x);
    const small = s.min(a, 7.75);
    const z = s.mul(s.mul(small, small), 0.25);
    const series =
      order === 0
        ? s.add(s.mul(z, s.polynomial(z, table.bessel0)), 1)
        : s.mul(s.mul(small, 0.5), s.polynomial(z, table.bessel1));
    const near = scaled ? s.mul(series, exp(s.neg(small))) : series;
    const large = s.max(a, 7.75);
    const ratio = s.div(
      s.polynomial(s.div(s.const(a.type, 7.75), large), order === 0 ? table.bessel0Far : table.bessel1Far),
      s.sqrt(large),
    );
    const half = exp(s.mul(large, 0.5));
    const growing = s.select(s.eq(large, Infinity), large, s.mul(s.mul(ratio, half), half));
    const value = s.select(s.lt(a, 7.75), near, scaled ? ratio : growing);
    return order === 1 ? flipSign(value, x) : value;
  });

/** `Σ (x/2)^(2k + n) / (k! (k + n)!)` (DLMF 10.25.2), all terms of one sign; far out `1/π ∫ e^(x cos θ) cos nθ dθ`. */
function besselReference(x: number, { order: n, scaled }: Bessel): number {
  const a = Math.abs(x);
  const sign = x < 0 && n % 2 === 1 ? -1 : 1;
  if (Number.isNaN(x)) return x;
  if (a === Infinity) return scaled ? 0 : a * sign;
  if (a > 30) {
    // the trapezoidal rule of a periodic function, over the part that is not negligible
    const width = Math.min(Math.PI, 9 / Math.sqrt(a));
    const steps = 400;
    let sum = 0;
    for (let k = -steps; k <= steps; k++) {
      const theta = (k * width) / steps;
      sum += Math.exp(-2 * a * Math.sin(theta / 2) ** 2) * Math.cos(n * theta);
    }
    const value = (sum * width) / steps / (2 * Math.PI);
    return sign * (scaled ? value : value * Math.exp(a / 2) * Math.exp(a / 2));
  }
  let term = 1;
  for (let k = 1; k <= n; k++) term *= a / 2 / k;
  let sum = 0;
  for (let k = 1; term > sum * 1e-18; k++) {
    sum += term;
    term *= (a * a) / 4 / (k * (k + n));
  }
  return sign * (scaled ? sum * Math.exp(-a) : sum);
}

/** Iₙ by Miller's downward recurrence, normed by e^x = I₀ + 2 Σ Iₖ. */
function miller(x: number, { order: n, scaled }: Bessel): number {
  const a = Math.abs(x);
  if (!(a > 0 && a < Infinity)) return besselReference(x, { order: n, scaled });
  const start = n + 20 + Math.ceil(Math.sqrt(80 * (a + n)) + Math.min(a, 200));
  let [above, here, found, sum] = [0, 1e-300, 0, 0];
  for (let k = start; k > 0; k--) {
    sum += 2 * here;
    if (k === n) found = here;
    [above, here] = [here, above + ((2 * k) / a) * here];
    if (here > 1e200) [above, here, found, sum] = [above * 1e-200, here * 1e-200, found * 1e-200, sum * 1e-200];
  }
  const value = found / (sum + here);
  return (x < 0 && n % 2 === 1 ? -1 : 1) * (scaled ? value : value * Math.exp(a / 2) * Math.exp(a / 2));
}

/** Iₙ' = (Iₙ₋₁ + Iₙ₊₁)/2; the factor e^(-|x|) adds -sign x. */
function slope(t: Node, y: Node<Bessel>): Node {
  const [x] = y.inputs;
  const { order, scaled } = y.params;
  const neighbours = add(besselI(x, { order: Math.abs(order - 1), scaled }), besselI(x, { order: order + 1, scaled }));
  const rate = times(neighbours, 0.5);
  return mul(t, scaled ? sub(rate, mul(sign(x), y)) : rate);
}

/** Orders 0 and 1. */
export const besselPrimitive: Primitive<Bessel> = pointwise<Bessel>({
  name: "besselI",
  arity: 1,
  dtypes: floats,
  partials: [slope],
  scalar: ([x], params) => besselScalar(params)(x),
  reference: ([x], params) => besselReference(x, params),
  domain: [-12, 12],
  params: [
    { order: 0, scaled: false },
    { order: 1, scaled: false },
    { order: 0, scaled: true },
    { order: 1, scaled: true },
  ],
});

/** Higher orders, which only derivatives of the first two need: a recurrence whose length depends on x. */
export const besselHigherPrimitive: Primitive<Bessel> = pointwiseRoutine<Bessel>({
  name: "besselIHigher",
  arity: 1,
  dtypes: floats,
  partials: [slope],
  compute: ([x], params) => miller(x, params),
  reference: ([x], params) => besselReference(x, params),
  params: [
    { order: 2, scaled: false },
    { order: 3, scaled: true },
  ],
  points: [[0.3, -1.2, 4, 9, -14, 33]],
});

export const besselI = (x: Node, params: Bessel): Node =>
  apply(params.order < 2 ? besselPrimitive : besselHigherPrimitive, [x], params);
