/**
 * The incomplete gamma and beta functions. The number of terms they need depends on their arguments, so they are host
 * routines; derivatives by parameters come from carrying truncated power series in the parameters through the sums.
 */
import { floats } from "../ir/dtype.js";
import type { Node, Primitive } from "../ir/node.js";
import { mul, neg, sub } from "../primitive/arithmetic.js";
import { add, apply, pointwiseRoutine } from "../primitive/define.js";
import { fillLike } from "../primitive/leaf.js";
import { exp, log, log1p } from "../primitive/transcendental.js";
import { forward } from "../transform/index.js";
import { range } from "../util/arrays.js";
import { lgamma, polygammaReference } from "./gamma.js";
import { jets, type Jets } from "./jets.js";
import { logBeta, logGamma, logGammaOnePlus, stirlingError } from "./logarithms.js";

const halfLogTwoPi = Math.log(2 * Math.PI) / 2;
const mostTerms = 200_000;

/** Taylor coefficients of log Γ at x, up to an order. */
function logGammaSeries(x: number, order: number): number[] {
  let factorial = 1;
  return range(order + 1).map((k) => {
    factorial *= Math.max(1, k);
    return k === 0 ? logGamma(x) : polygammaReference(k - 1, x) / factorial;
  });
}

/** `k log(k/m) + m - k` without cancellation where k is close to m (C. Loader, 2000). */
function deviance(k: number, m: number): number {
  if (Math.abs(k - m) >= 0.1 * (k + m)) return k * Math.log(k / m) + m - k;
  const v = (k - m) / (k + m);
  let sum = (k - m) * v;
  let term = 2 * k * v;
  for (let j = 1; ; j++) {
    term *= v * v;
    const next = sum + term / (2 * j + 1);
    if (next === sum) return sum;
    sum = next;
  }
}

/** `log(xᵃ e⁻ˣ / Γ(a + 1))`. */
const logGammaWeight = (a: number, x: number): number =>
  a < 10
    ? a * Math.log(x) - x - logGammaOnePlus(a)
    : -deviance(a, x) - stirlingError(a) - halfLogTwoPi - 0.5 * Math.log(a);

/** `xᵃ e⁻ˣ / Γ(a + 1)` as a series in a. */
function gammaWeight(j: Jets, a: number, x: number, order: number): Float64Array {
  const c = logGammaSeries(a + 1, order).map((v, k) => (k === 1 ? Math.log(x) : 0) - v);
  return j.exp(j.series(c.with(0, logGammaWeight(a, x)), 0));
}

const isSettled = (sum: Float64Array, term: Float64Array): boolean =>
  term.every((t, k) => Math.abs(t) <= 1e-17 * Math.abs(sum[k]));

/** `P(a, x) = xᵃ e⁻ˣ/Γ(a + 1) · Σ xᵏ / ((a + 1) … (a + k))` (DLMF 8.11.4), as a series in a; all terms are positive. */
function lowerGamma(j: Jets, a: number, x: number, order: number): Float64Array {
  let term = j.of(1);
  let sum = term;
  for (let k = 1; k < mostTerms; k++) {
    term = j.div(j.scale(term, x), j.variable(a + k, 0));
    sum = j.add(sum, term);
    if (k > x - a && isSettled(sum, term)) break;
  }
  return j.mul(gammaWeight(j, a, x, order), sum);
}

/** `Q(a, x) = xᵃ e⁻ˣ/Γ(a) · 1/(x + 1 - a - 1(1 - a)/(x + 3 - a - …))` (DLMF 8.9.2), as a series in a; for x > a + 1. */
function upperGamma(j: Jets, a: number, x: number, order: number): Float64Array {
  const levels = fractionLevels(a, x) + 20 * order;
  const denominator = (k: number) => j.variable(x + 2 * k + 1 - a, 0, -1);
  let tail = denominator(levels);
  for (let k = levels; k > 0; k--) {
    // k (k - a) over what is below
    const part = j.div(j.variable(k * (k - a), 0, -k), tail);
    tail = j.add(denominator(k - 1), j.scale(part, -1));
  }
  const weight = j.mul(gammaWeight(j, a, x, order), j.variable(a, 0));
  return j.div(weight, tail);
}

/** How deep the fraction must go: where its convergents agree (W. J. Lentz's method). */
function fractionLevels(a: number, x: number): number {
  let c = 1e300;
  let d = 1 / (x + 1 - a);
  for (let k = 1; k < mostTerms; k++) {
    const b = x + 2 * k + 1 - a;
    const part = -k * (k - a);
    d = 1 / (part * d + b);
    c = b + part / c;
    if (Math.abs(c * d - 1) < 1e-17) return k;
  }
  return mostTerms;
}

/** `1 - P` for small x, where P is close to 1 (for a near 0): by `expm1`. */
function upperGammaSmall(a: number, x: number): number {
  let term = 1;
  let sum = 0;
  for (let k = 1; k < 200; k++) {
    term *= -x / k;
    const part = (a * term) / (a + k);
    sum += part;
    if (Math.abs(part) <= 1e-17 * Math.abs(sum)) break;
  }
  const logWeight = a * Math.log(x) - logGammaOnePlus(a);
  return -Math.expm1(logWeight) - Math.exp(logWeight) * sum;
}

interface IncompleteGamma {
  /** Q in place of P. */
  readonly upper: boolean;
  /** How often it is differentiated by a. */
  readonly order: number;
}

/** Values at the ends; `null` in between. */
function gammaAtEnds(a: number, x: number, { upper, order }: IncompleteGamma): number | null {
  if (!(a >= 0 && x >= 0) || (a === 0 && (x === 0 || order > 0))) return Number.NaN;
  if (a === Infinity && x === Infinity) return Number.NaN;
  const flat = (p: number): number => (order > 0 ? 0 : upper ? 1 - p : p);
  if (a === 0 || x === Infinity) return flat(1);
  return x === 0 || a === Infinity ? flat(0) : null;
}

function incompleteGamma([a, x]: readonly number[], params: IncompleteGamma): number {
  const end = gammaAtEnds(a, x, params);
  if (end !== null) return end;
  const { upper, order } = params;
  if (a > 1e8) return order > 0 ? Number.NaN : largeGamma(a, x, upper);
  const j = jets([order, 0]);
  const viaUpper = x > a + 1 && x > 1.1;
  if (upper && order === 0 && x <= 1.1) return upperGammaSmall(a, x);
  const found = j.last(viaUpper ? upperGamma(j, a, x, order) : lowerGamma(j, a, x, order));
  return viaUpper === upper ? found : (order === 0 ? 1 : 0) - found;
}

/** `½ erfc` of an expansion that is uniform in x (N. M. Temme, 1979), with its first correction; error about a^(-3/2). */
function largeGamma(a: number, x: number, upper: boolean): number {
  const mu = (x - a) / a;
  const half = deviance(a, x) / a; // η²/2 = μ - log(1 + μ)
  const eta = Math.sign(mu) * Math.sqrt(2 * half);
  const correction = Math.abs(mu) < 1e-3 ? -1 / 3 + eta / 12 : 1 / mu - 1 / eta;
  const rest = (Math.exp(-a * half) / Math.sqrt(2 * Math.PI * a)) * correction;
  const tail = halfErfc(Math.sqrt(a * half)) + Math.sign(mu) * rest;
  const isTail = upper === mu > 0;
  return isTail ? tail : 1 - tail;
}

/** `½ erfc y` for y ≥ 0, as Q(½, y²). */
const halfErfc = (y: number): number => (y === 0 ? 0.5 : incompleteGamma([0.5, y * y], { upper: true, order: 0 }) / 2);

function incompleteGammaReference([a, x]: readonly number[], params: IncompleteGamma): number {
  const end = gammaAtEnds(a, x, params);
  if (end !== null) return end;
  const j = jets([params.order, 0]);
  const lower = j.last(lowerGamma(j, a, x, params.order));
  return params.upper ? (params.order === 0 ? 1 : 0) - lower : lower;
}

/** `f(a)` differentiated `order` times by the first of the nodes it is made of. */
function differentiated(
  f: (sources: readonly Node[]) => Node,
  sources: readonly Node[],
  orders: readonly number[],
): Node {
  let y = f(sources);
  orders.forEach((order, i) => {
    for (let k = 0; k < order; k++) {
      const tangents = sources.map((x, l) => (l === i ? fillLike(x, 1) : null));
      y = forward([y], sources, tangents)[0] ?? fillLike(y, 0);
    }
  });
  return y;
}

/** `xᵃ⁻¹ e⁻ˣ / Γ(a)`. */
const gammaDensity = ([a, x]: readonly Node[]): Node =>
  exp(sub(sub(mul(sub(a, fillLike(a, 1)), log(x)), x), lgamma(a)));

export const incompleteGammaPrimitive: Primitive<IncompleteGamma> = pointwiseRoutine<IncompleteGamma>({
  name: "incompleteGamma",
  arity: 2,
  dtypes: floats,
  partials: [
    (t, { inputs: [a, x], params }) => mul(t, gammaNode(a, x, { ...params, order: params.order + 1 })),
    (t, { inputs, params: { upper, order } }) => {
      const density = differentiated(gammaDensity, inputs, [order]);
      return mul(t, upper ? neg(density) : density);
    },
  ],
  compute: incompleteGamma,
  reference: incompleteGammaReference,
  params: [
    { upper: false, order: 0 },
    { upper: true, order: 0 },
    { upper: false, order: 1 },
    { upper: true, order: 2 },
  ],
  points: [
    [0.4, 1.3, 2.5, 7, 3, 12, 0.7, 30],
    [0.3, 0.9, 4.5, 6, 9, 12.5, 3.2, 28],
  ],
});
const gammaNode = (a: Node, x: Node, params: IncompleteGamma): Node => apply(incompleteGammaPrimitive, [a, x], params);
/** P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt. */
export const gammainc = (a: Node, x: Node): Node => gammaNode(a, x, { upper: false, order: 0 });
/** Q(a, x) = 1 - P(a, x). */
export const gammaincc = (a: Node, x: Node): Node => gammaNode(a, x, { upper: true, order: 0 });

/** How often the incomplete beta function is differentiated by a and by b. */
interface IncompleteBeta {
  readonly orders: readonly [number, number];
}

/** `log(xᵃ (1 - x)ᵇ / B(a, b))`. */
function logBetaWeight(a: number, b: number, x: number, rest: number): number {
  const n = a + b;
  if (Math.min(a, b) < 10) return a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b);
  const corrections = stirlingError(n) - stirlingError(a) - stirlingError(b);
  return -deviance(a, n * x) - deviance(b, n * rest) + corrections + 0.5 * Math.log((a * b) / n) - halfLogTwoPi;
}

/** `xᵃ (1 - x)ᵇ / B(a, b)` as a series in a and b. */
function betaWeight(j: Jets, a: number, b: number, x: number, rest: number, orders: readonly [number, number]) {
  const order = orders[0] + orders[1];
  const linear = (slope: number, v: number, k: number) => (k === 1 ? slope - v : -v);
  const ofA = logGammaSeries(a, order).map((v, k) => linear(Math.log(x), v, k));
  const ofB = logGammaSeries(b, order).map((v, k) => linear(Math.log1p(-x), v, k));
  const ofBoth = logGammaSeries(a + b, order);
  const total = j.add(j.add(j.series(ofA, 0), j.series(ofB, 1)), j.series(ofBoth, 2));
  return j.exp(total.with(0, logBetaWeight(a, b, x, rest)));
}

/** `I(x; a, b) = xᵃ(1 - x)ᵇ/(a B) · Σ (a + b)ₖ/(a + 1)ₖ xᵏ` (DLMF 8.17.8); all terms are positive. */
function betaBySeries(j: Jets, a: number, b: number, x: number, rest: number, orders: readonly [number, number]) {
  let term = j.of(1);
  let sum = term;
  for (let k = 0; k < mostTerms; k++) {
    const above = j.series([a + b + k, 1, ...range(orders[0] + orders[1]).map(() => 0)], 2);
    term = j.div(j.scale(j.mul(term, above), x), j.variable(a + k + 1, 0));
    sum = j.add(sum, term);
    if (k > 10 && isSettled(sum, term)) break;
  }
  return j.div(j.mul(betaWeight(j, a, b, x, rest, orders), sum), j.variable(a, 0));
}

/** The fraction of DLMF 8.17.22, from its deepest level up; for x < (a + 1)/(a + b + 2). */
function betaByFraction(j: Jets, a: number, b: number, x: number, rest: number, orders: readonly [number, number]) {
  const order = orders[0] + orders[1];
  const [va, vb] = [j.variable(a, 0), j.variable(b, 1)];
  const plus = (v: Float64Array, c: number) => v.with(0, v[0] + c);
  const sum = j.add(va, vb);
  const coefficient = (m: number): Float64Array => {
    const k = Math.floor(m / 2);
    const below = j.mul(plus(va, m - 1), plus(va, m));
    if (m % 2 === 0) return j.div(j.scale(plus(vb, -k), k * x), below);
    return j.div(j.scale(j.mul(plus(va, k), plus(sum, k)), -x), below);
  };
  const levels = betaLevels(a, b, x) + 20 * order;
  let tail = j.of(1);
  for (let m = levels; m > 0; m--) tail = j.add(j.of(1), j.div(coefficient(m), tail));
  return j.div(betaWeight(j, a, b, x, rest, orders), j.mul(va, tail));
}

/** How deep that fraction must go. */
function betaLevels(a: number, b: number, x: number): number {
  let [c, d] = [1e300, 1];
  for (let m = 1; m < mostTerms; m++) {
    const k = Math.floor(m / 2);
    const even = (k * (b - k) * x) / ((a + m - 1) * (a + m));
    const part = m % 2 === 0 ? even : (-(a + k) * (a + b + k) * x) / ((a + m - 1) * (a + m));
    d = 1 / (1 + part * d);
    c = 1 + part / c;
    if (Math.abs(c * d - 1) < 1e-17) return m;
  }
  return mostTerms;
}

/** Values at the ends; `null` in between. */
function betaAtEnds(a: number, b: number, x: number, { orders }: IncompleteBeta): number | null {
  if (!(a > 0 && b > 0 && a < Infinity && b < Infinity && x >= 0 && x <= 1)) return Number.NaN;
  if (x > 0 && x < 1) return null;
  return orders[0] + orders[1] > 0 ? 0 : x;
}

function incompleteBeta([a, b, x]: readonly number[], params: IncompleteBeta): number {
  const end = betaAtEnds(a, b, x, params);
  if (end !== null) return end;
  const { orders } = params;
  const j = jets(orders);
  if (x < (a + 1) / (a + b + 2)) return j.last(betaByFraction(j, a, b, x, 1 - x, orders));
  // I(x; a, b) = 1 - I(1 - x; b, a)
  const swapped = [orders[1], orders[0]] as const;
  const k = jets(swapped);
  const other = k.last(betaByFraction(k, b, a, 1 - x, x, swapped));
  return orders[0] + orders[1] > 0 ? -other : 1 - other;
}

function incompleteBetaReference([a, b, x]: readonly number[], params: IncompleteBeta): number {
  const j = jets(params.orders);
  return betaAtEnds(a, b, x, params) ?? j.last(betaBySeries(j, a, b, x, 1 - x, params.orders));
}

/** `xᵃ⁻¹ (1 - x)ᵇ⁻¹ / B(a, b)`. */
function betaDensity([a, b, x]: readonly Node[]): Node {
  const below = (v: Node): Node => sub(v, fillLike(v, 1));
  const powers = add(mul(below(a), log(x)), mul(below(b), log1p(neg(x))));
  return exp(add(powers, sub(lgamma(add(a, b)), add(lgamma(a), lgamma(b)))));
}

export const incompleteBetaPrimitive: Primitive<IncompleteBeta> = pointwiseRoutine<IncompleteBeta>({
  name: "incompleteBeta",
  arity: 3,
  dtypes: floats,
  partials: [
    (t, { inputs: [a, b, x], params: { orders } }) => mul(t, betaNode(a, b, x, { orders: [orders[0] + 1, orders[1]] })),
    (t, { inputs: [a, b, x], params: { orders } }) => mul(t, betaNode(a, b, x, { orders: [orders[0], orders[1] + 1] })),
    (t, { inputs, params: { orders } }) => mul(t, differentiated(betaDensity, inputs, orders)),
  ],
  compute: incompleteBeta,
  reference: incompleteBetaReference,
  params: [{ orders: [0, 0] }, { orders: [1, 0] }, { orders: [0, 1] }],
  points: [
    [0.5, 1.3, 2.5, 7, 3, 12],
    [0.7, 2.2, 5, 1.5, 14, 11],
    [0.3, 0.6, 0.2, 0.9, 0.1, 0.55],
  ],
});
const betaNode = (a: Node, b: Node, x: Node, params: IncompleteBeta): Node =>
  apply(incompleteBetaPrimitive, [a, b, x], params);
/** I(x; a, b) = 1/B(a, b) ∫₀ˣ tᵃ⁻¹ (1 - t)ᵇ⁻¹ dt. */
export const betainc = (a: Node, b: Node, x: Node): Node => betaNode(a, b, x, { orders: [0, 0] });
