/** Elementary functions as primitives: derivatives and references. Their formulas stand in `elementary/`. */
import { floats } from "../ir/dtype.js";
import type { Node, Primitive } from "../ir/node.js";
import type { Expr } from "../ir/scalar.js";
import { add, binary, elementwise, type None, unary } from "./define.js";
import { and, div, equal, lessEqual, mul, neg, select, sub } from "./arithmetic.js";
import * as exponential from "./elementary/exponential.js";
import * as hyperbolic from "./elementary/inverse-hyperbolic.js";
import * as inverse from "./elementary/inverse-trigonometric.js";
import * as logarithm from "./elementary/logarithm.js";
import * as powers from "./elementary/power.js";
import * as circular from "./elementary/trigonometric.js";
import { fillLike } from "./leaf.js";

/** c · x. */
export const scaled = (x: Node, c: number): Node => mul(x, fillLike(x, c));
/** x + c. */
const plus = (x: Node, c: number): Node => add(x, fillLike(x, c));
/** c - x. */
const from = (c: number, x: Node): Node => sub(fillLike(x, c), x);
/** (1 - x)(1 + x), without the cancellation of 1 - x². */
const oneMinusSquare = (x: Node): Node => mul(from(1, x), plus(x, 1));
const onePlusSquare = (x: Node): Node => plus(mul(x, x), 1);

/**
 * A function of one float; `partial` gets the tangent, x and the result. `domain` is where its samples are drawn, [-2, 2]
 * by default.
 */
function smooth(
  name: string,
  scalar: (x: Expr) => Expr,
  reference: (x: number) => number,
  partial: (t: Node, x: Node, y: Node) => Node,
  domain: readonly [number, number] = [-2, 2],
): Primitive<None> {
  return elementwise({
    name,
    dtypes: floats,
    partials: [(t, y) => partial(t, y.inputs[0], y)],
    scalar: (x) => scalar(x),
    reference: (x) => reference(x),
    domain,
  });
}
/** Arguments of functions that need positive ones. */
const positive = [0.3, 3] as const;
/** Arguments of functions that live between -1 and 1. */
const inner = [-0.8, 0.8] as const;

export const expPrimitive = smooth("exp", exponential.exp, Math.exp, (t, _x, y) => mul(t, y));
export const exp = unary(expPrimitive);

export const exp2Primitive = smooth(
  "exp2",
  exponential.exp2,
  (x) => 2 ** x,
  (t, _x, y) => mul(t, scaled(y, Math.LN2)),
);
/** 2ˣ. */
export const exp2 = unary(exp2Primitive);

export const expm1Primitive = smooth("expm1", exponential.expm1, Math.expm1, (t, _x, y) => mul(t, plus(y, 1)));
/** eˣ - 1, accurate near 0. */
export const expm1 = unary(expm1Primitive);

export const logPrimitive = smooth("log", logarithm.log, Math.log, (t, x) => div(t, x), positive);
/** Natural logarithm. */
export const log = unary(logPrimitive);

const toBase = (ln: number) => (t: Node, x: Node) => div(t, scaled(x, ln));
export const log2Primitive = smooth("log2", logarithm.log2, Math.log2, toBase(Math.LN2), positive);
export const log2 = unary(log2Primitive);

export const log10Primitive = smooth("log10", logarithm.log10, Math.log10, toBase(Math.LN10), positive);
export const log10 = unary(log10Primitive);

export const log1pPrimitive = smooth("log1p", logarithm.log1p, Math.log1p, (t, x) => div(t, plus(x, 1)), [-0.8, 3]);
/** log(1 + x), accurate near 0. */
export const log1p = unary(log1pPrimitive);

export const sinPrimitive = smooth("sin", circular.sin, Math.sin, (t, x) => mul(t, cos(x)));
export const sin = unary(sinPrimitive);

export const cosPrimitive = smooth("cos", circular.cos, Math.cos, (t, x) => neg(mul(t, sin(x))));
export const cos = unary(cosPrimitive);

export const tanPrimitive = smooth("tan", circular.tan, Math.tan, (t, _x, y) => mul(t, onePlusSquare(y)), [-1, 1]);
export const tan = unary(tanPrimitive);

const arc = (t: Node, x: Node) => mul(t, rsqrt(oneMinusSquare(x)));
export const asinPrimitive = smooth("asin", inverse.asin, Math.asin, arc, inner);
export const asin = unary(asinPrimitive);

export const acosPrimitive = smooth("acos", inverse.acos, Math.acos, (t, x) => neg(arc(t, x)), inner);
export const acos = unary(acosPrimitive);

export const atanPrimitive = smooth("atan", inverse.atan, Math.atan, (t, x) => div(t, onePlusSquare(x)));
export const atan = unary(atanPrimitive);

export const atan2Primitive = elementwise({
  name: "atan2",
  dtypes: floats,
  partials: [
    (t, { inputs: [y, x] }) => mul(t, div(x, add(mul(x, x), mul(y, y)))),
    (t, { inputs: [y, x] }) => neg(mul(t, div(y, add(mul(x, x), mul(y, y))))),
  ],
  scalar: (y, x) => inverse.atan2(y, x),
  reference: (y, x) => Math.atan2(y, x),
  domain: [0.5, 2],
});
/** The angle from -π to π of the point (x, y); the first argument is y. */
export const atan2 = binary(atan2Primitive);

export const sinhPrimitive = smooth("sinh", exponential.sinh, Math.sinh, (t, x) => mul(t, cosh(x)));
export const sinh = unary(sinhPrimitive);

export const coshPrimitive = smooth("cosh", exponential.cosh, Math.cosh, (t, x) => mul(t, sinh(x)));
export const cosh = unary(coshPrimitive);

export const tanhPrimitive = smooth("tanh", exponential.tanh, Math.tanh, (t, _x, y) => mul(t, from(1, mul(y, y))));
export const tanh = unary(tanhPrimitive);

export const asinhPrimitive = smooth("asinh", hyperbolic.asinh, Math.asinh, (t, x) => mul(t, rsqrt(onePlusSquare(x))));
export const asinh = unary(asinhPrimitive);

export const acoshPrimitive = smooth(
  "acosh",
  hyperbolic.acosh,
  Math.acosh,
  (t, x) => mul(t, rsqrt(mul(plus(x, -1), plus(x, 1)))),
  [1.3, 4],
);
export const acosh = unary(acoshPrimitive);

export const atanhPrimitive = smooth("atanh", hyperbolic.atanh, Math.atanh, (t, x) => div(t, oneMinusSquare(x)), inner);
export const atanh = unary(atanhPrimitive);

export const sigmoidPrimitive = smooth(
  "sigmoid",
  exponential.sigmoid,
  (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
  (t, _x, y) => mul(t, mul(y, from(1, y))),
);
/** 1 / (1 + e⁻ˣ). */
export const sigmoid = unary(sigmoidPrimitive);

export const sqrtPrimitive = smooth("sqrt", powers.sqrt, Math.sqrt, (t, _x, y) => div(t, scaled(y, 2)), positive);
export const sqrt = unary(sqrtPrimitive);

export const rsqrtPrimitive = smooth(
  "rsqrt",
  powers.rsqrt,
  (x) => 1 / Math.sqrt(x),
  (t, x, y) => mul(t, div(scaled(y, -0.5), x)),
  positive,
);
/** 1 / √x. */
export const rsqrt = unary(rsqrtPrimitive);

export const cbrtPrimitive = smooth(
  "cbrt",
  powers.cbrt,
  Math.cbrt,
  (t, _x, y) => div(t, scaled(mul(y, y), 3)),
  positive,
);
/** ∛x, of negative numbers too. */
export const cbrt = unary(cbrtPrimitive);

/** `base^y` where JavaScript departs from IEEE 754: 1 to any power and -1 to an infinite one are 1. */
const powReference = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y);

/** y · x^(y-1), and 0 for y = 0 whatever x is. */
function powByBase(t: Node, { inputs: [x, y] }: Node): Node {
  const constantPower = equal(y, fillLike(y, 0));
  return mul(t, mul(y, pow(x, select(constantPower, fillLike(y, 1), plus(y, -1)))));
}

/** x^y · log x, and 0 where x = 0 and y ≥ 0. */
function powByExponent(t: Node, z: Node): Node {
  const [x, y] = z.inputs;
  const flat = and(equal(x, fillLike(x, 0)), lessEqual(fillLike(y, 0), y));
  return mul(t, mul(z, log(select(flat, fillLike(x, 1), x))));
}

export const powPrimitive = elementwise({
  name: "pow",
  dtypes: floats,
  partials: [powByBase, powByExponent],
  scalar: (x, y) => powers.pow(x, y),
  reference: powReference,
  domain: [0.5, 2],
});
/** x^y. */
export const pow = binary(powPrimitive);
