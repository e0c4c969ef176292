/** The logarithm of the beta function, without the cancellation of three gammas. */
import { floats } from "../ir/dtype.js";
import type { Node, Primitive } from "../ir/node.js";
import { type Expr, s } from "../ir/scalar.js";
import { mul, sub } from "../primitive/arithmetic.js";
import { add, apply, elementwise, type None, none } from "../primitive/define.js";
import { constant } from "../primitive/elementary/format.js";
import { log, log1p } from "../primitive/elementary/logarithm.js";
import { digamma, logGamma, stirlingTail, wide } from "./gamma.js";
import { logBeta } from "./logarithms.js";

const halfLogTwoPi = Math.log(2 * Math.PI) / 2;

/**
 * `log Γ(p) + log Γ(q) - log Γ(p + q)` for p ≤ q: as it stands for q < 8, else with Stirling's formula for what is large, in
 * which the large terms cancel exactly.
 */
const logBetaScalar = wide((a, b) => {
  const [p, q] = [s.min(a, b), s.max(a, b)];
  const sum = s.add(p, q);
  const near = s.sub(s.add(logGamma(p), logGamma(q)), logGamma(sum));
  const far = s.max(q, 8);
  const farSum = s.add(p, far);
  const ratio = log1p(s.div(p, far));
  const tails = s.sub(stirlingTail(far), stirlingTail(farSum));
  const oneFar = s.sub(s.add(logGamma(p), tails), s.fma(s.sub(far, 0.5), ratio, s.mul(p, s.sub(log(farSum), 1))));
  const less = s.max(p, 8);
  const main = s.fma(s.sub(less, 0.5), log(s.div(less, farSum)), s.mul(s.neg(far), ratio));
  const bothFar = s.add(s.fma(log(far), -0.5, s.add(main, halfLogTwoPi)), s.add(stirlingTail(less), tails));
  const value = s.select(s.lt(q, 8), near, s.select(s.lt(p, 8), oneFar, bothFar));
  const ended = s.select(s.eq(p, 0), constant(a, Infinity), s.select(s.eq(q, Infinity), constant(a, -Infinity), value));
  const isOutside = s.or(s.lt(p, 0), s.and(s.eq(p, 0), s.eq(q, Infinity)));
  return s.select(isOutside, constant(a, Number.NaN), ended);
});

const partial =
  (i: 0 | 1) =>
  (t: Node, { inputs }: Node) =>
    mul(t, sub(digamma(inputs[i]), digamma(add(inputs[0], inputs[1]))));

export const lbetaPrimitive: Primitive<None> = elementwise({
  name: "lbeta",
  dtypes: floats,
  partials: [partial(0), partial(1)],
  scalar: (a: Expr, b: Expr) => logBetaScalar(a, b),
  reference: logBeta,
  domain: [0.3, 12],
});
/** log B(a, b). */
export const lbeta = (a: Node, b: Node): Node => apply(lbetaPrimitive, [a, b], none);
