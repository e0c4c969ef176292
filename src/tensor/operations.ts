/** Operations on nodes as users mean them: dtypes promoted, shapes broadcast, axes named from either end. */
import { type DType, isFloat, promote } from "../ir/dtype.js";
import type { Node } from "../ir/node.js";
import { type Aval, broadcastShapes, normalizeAxes, normalizeAxis, type Shape, show, sizeOf } from "../ir/shape.js";
import * as a from "../primitive/arithmetic.js";
import { dot } from "../primitive/contraction.js";
import { cumsum as runningSum } from "../primitive/cumulative.js";
import { add, sum } from "../primitive/define.js";
import { argsort, gather } from "../primitive/indexing.js";
import { fill, fillLike, iota } from "../primitive/leaf.js";
import { erf, erfc, erfinv } from "../primitive/error-function.js";
import * as e from "../primitive/transcendental.js";
import * as move from "../primitive/movement.js";
import * as reduce from "../primitive/reduction.js";
import { range } from "../util/arrays.js";
import { ArgumentError, DTypeError, ShapeError, shown } from "../util/errors.js";
import { broadcastTo, type NodeOrNumber, toFloat, together, toNumber } from "./coerce.js";

type Lift = (dtype: DType) => DType;
const asIs: Lift = (dtype) => dtype;

/** A binary operation of nodes and numbers from one of nodes of equal shape and dtype. */
const pair =
  (op: string, f: (x: Node, y: Node) => Node, lift: Lift) =>
  (x: NodeOrNumber, y: NodeOrNumber): Node => {
    const [left, right] = together(op, [x, y], lift);
    return f(left, right);
  };
/** A unary operation from one on the dtypes its primitive has. */
const map =
  (f: (x: Node) => Node, lift: Lift) =>
  (x: Node): Node =>
    f(a.convert(x, lift(x.dtype)));

/** ⌊x / y⌋ of floats. A rounded x / y may reach the next integer; what the remainder leaves is a multiple of y. */
function wholeQuotient(x: Node, y: Node): Node {
  const whole = a.round(a.div(a.sub(x, a.remainder(x, y)), y));
  return a.select(maps.isFinite(whole), whole, a.floor(a.div(x, y)));
}

export const pairs = {
  add: pair("add", add, toNumber),
  sub: pair("sub", a.sub, toNumber),
  mul: pair("mul", a.mul, toNumber),
  div: pair("div", a.div, toFloat),
  floorDivide: pair("floorDivide", (x, y) => (isFloat(x.dtype) ? wholeQuotient(x, y) : a.floorDivide(x, y)), toNumber),
  remainder: pair("remainder", a.remainder, toNumber),
  pow: pair("pow", e.pow, toFloat),
  atan2: pair("atan2", e.atan2, toFloat),
  maximum: pair("maximum", a.maximum, toNumber),
  minimum: pair("minimum", a.minimum, toNumber),
  equal: pair("equal", a.equal, asIs),
  notEqual: pair("notEqual", a.notEqual, asIs),
  less: pair("less", a.less, toNumber),
  lessEqual: pair("lessEqual", a.lessEqual, toNumber),
  greater: pair("greater", (x, y) => a.less(y, x), toNumber),
  greaterEqual: pair("greaterEqual", (x, y) => a.lessEqual(y, x), toNumber),
  and: pair("and", a.and, asIs),
  or: pair("or", a.or, asIs),
  xor: pair("xor", a.xor, asIs),
  shiftLeft: pair("shiftLeft", a.shiftLeft, asIs),
  shiftRight: pair("shiftRight", a.shiftRight, asIs),
} as const;

export const maps = {
  neg: map(a.neg, toNumber),
  abs: map(a.abs, toNumber),
  sign: map((x) => (x.dtype === "uint32" ? a.convert(a.notEqual(x, fillLike(x, 0)), "uint32") : a.sign(x)), toNumber),
  floor: map(a.floor, toFloat),
  ceil: map(a.ceil, toFloat),
  trunc: map(a.trunc, toFloat),
  round: map(a.round, toFloat),
  not: map(a.not, asIs),
  isNaN: map((x) => a.notEqual(x, x), asIs),
  isFinite: map((x) => a.less(a.abs(x), fillLike(x, Number.POSITIVE_INFINITY)), toFloat),
  isInfinite: map((x) => a.equal(a.abs(x), fillLike(x, Number.POSITIVE_INFINITY)), toFloat),
  square: map((x) => a.mul(x, x), toNumber),
  reciprocal: map((x) => a.div(fillLike(x, 1), x), toFloat),
  relu: map(a.relu, toNumber),
} as const;

const mapFloat = (f: (x: Node) => Node) => map(f, toFloat);
export const elementary = {
  exp: mapFloat(e.exp),
  exp2: mapFloat(e.exp2),
  expm1: mapFloat(e.expm1),
  log: mapFloat(e.log),
  log2: mapFloat(e.log2),
  log10: mapFloat(e.log10),
  log1p: mapFloat(e.log1p),
  sin: mapFloat(e.sin),
  cos: mapFloat(e.cos),
  tan: mapFloat(e.tan),
  asin: mapFloat(e.asin),
  acos: mapFloat(e.acos),
  atan: mapFloat(e.atan),
  sinh: mapFloat(e.sinh),
  cosh: mapFloat(e.cosh),
  tanh: mapFloat(e.tanh),
  asinh: mapFloat(e.asinh),
  acosh: mapFloat(e.acosh),
  atanh: mapFloat(e.atanh),
  sigmoid: mapFloat(e.sigmoid),
  erf: mapFloat(erf),
  erfc: mapFloat(erfc),
  erfinv: mapFloat(erfinv),
  sqrt: mapFloat(e.sqrt),
  rsqrt: mapFloat(e.rsqrt),
  cbrt: mapFloat(e.cbrt),
} as const;

/** `condition ? x : y`, broadcast. */
export function where(condition: Node, x: NodeOrNumber, y: NodeOrNumber): Node {
  if (condition.dtype !== "bool")
    throw new DTypeError(
      `where: the condition must be bool, got ${show(condition.aval)}. compare it, as in x.greater(0)`,
    );
  const branches = typeof x === "object" || typeof y === "object" ? [x, y] : [fill(Number(x), numberType(x, y), []), y];
  const [left, right] = together("where", branches);
  const [, shaped] = together("where", [a.convert(condition, left.dtype), left]);
  const all = shaped.shape;
  return a.select(
    broadcastTo("where", condition, all),
    broadcastTo("where", left, all),
    broadcastTo("where", right, all),
  );
}
const numberType = (x: NodeOrNumber, y: NodeOrNumber): DType =>
  typeof x === "boolean" && typeof y === "boolean" ? "bool" : "float32";

/** Reductions over named axes, which stay with length 1 when asked. */
const reduction =
  (op: string, f: (x: Node, axes: readonly number[]) => Node, lift: Lift) =>
  (x: Node, axes: number | readonly number[] | undefined, keep: boolean): Node => {
    const value = a.convert(x, lift(x.dtype));
    const normal = normalizeAxes(op, axes, value.aval);
    const y = f(value, normal);
    return keep ? kept(y, x.shape, normal) : y;
  };

/** A reduced value with the axes it lost, of length 1. */
const kept = (y: Node, shape: Shape, axes: readonly number[]): Node =>
  move.reshape(
    y,
    shape.map((n, i) => (axes.includes(i) ? 1 : n)),
  );

const countOf = (x: Node, axes: readonly number[]): number => sizeOf(axes.map((i) => x.shape[i]));

function mean(x: Node, axes: readonly number[]): Node {
  const total = sum(x, axes);
  return a.div(total, fillLike(total, countOf(x, axes)));
}

/** Mean squared distance from the mean, over n - correction. */
export const variance = (op: "variance" | "std", correction: number) =>
  reduction(
    op,
    (x, axes) => {
      const centred = a.sub(x, broadcastTo(op, kept(mean(x, axes), x.shape, axes), x.shape));
      const total = sum(a.mul(centred, centred), axes);
      return a.div(total, fillLike(total, Math.max(0, countOf(x, axes) - correction)));
    },
    toFloat,
  );

export const reductions = {
  sum: reduction("sum", sum, toNumber),
  prod: reduction("prod", reduce.prod, toNumber),
  max: reduction("max", reduce.max, toNumber),
  min: reduction("min", reduce.min, toNumber),
  mean: reduction("mean", mean, toFloat),
  any: reduction("any", reduce.any, () => "bool"),
  all: reduction("all", reduce.all, () => "bool"),
} as const;

/** The position of an extreme along an axis, or in the flattened tensor. */
export function extremePosition(op: "argmax" | "argmin", x: Node, axis: number | undefined, keep: boolean): Node {
  const value = a.convert(x, toNumber(x.dtype));
  const flat = axis === undefined ? move.reshape(value, [sizeOf(x.shape)]) : value;
  const along = normalizeAxis(op, axis ?? 0, flat.aval);
  const y = (op === "argmax" ? reduce.argmax : reduce.argmin)(flat, along);
  return keep ? kept(y, x.shape, axis === undefined ? range(x.shape.length) : [along]) : y;
}

/** Matrix product by NumPy's rules: vectors count as a row or a column, leading axes broadcast. */
export function matmul(x: Node, y: Node): Node {
  if (x.shape.length === 0 || y.shape.length === 0)
    throw new ShapeError(
      `matmul: operands must have at least one axis, got ${show(x.aval)} and ${show(y.aval)}. use mul`,
    );
  const dtype = toNumber(promote("matmul", x.dtype, y.dtype));
  const [p, q] = [x, y].map((v) => a.convert(v, dtype));
  const left = p.shape.length === 1 ? move.reshape(p, [1, p.shape[0]]) : p;
  const right = q.shape.length === 1 ? move.reshape(q, [q.shape[0], 1]) : q;
  const [k, k2] = [left.shape[left.shape.length - 1], right.shape[right.shape.length - 2]];
  if (k !== k2)
    throw new ShapeError(
      `matmul: inner dimensions ${k} and ${k2} differ, got ${show(x.aval)} and ${show(y.aval)}. transpose or reshape one`,
    );
  const product = batchedProduct(left, right);
  const shape = product.shape.filter(
    (_, i) =>
      !(p.shape.length === 1 && i === product.shape.length - 2) &&
      !(q.shape.length === 1 && i === product.shape.length - 1),
  );
  return move.reshape(product, shape);
}

function batchedProduct(x: Node, y: Node): Node {
  const contract = [[x.shape.length - 1], [y.shape.length - 2]] as const;
  // A right operand without leading axes multiplies every row of the left: no batch is needed.
  if (y.shape.length === 2) return dot(x, y, { contract, batch: [[], []] });
  const lead = (v: Node): Aval => ({ dtype: v.dtype, shape: v.shape.slice(0, -2) });
  const shared = broadcastShapes("matmul", lead(x), lead(y));
  const widen = (v: Node) => broadcastTo("matmul", v, [...shared, ...v.shape.slice(-2)]);
  const n = shared.length;
  return dot(widen(x), widen(y), { contract: [[n + 1], [n]], batch: [range(n), range(n)] });
}

/** A shape in which one -1 may stand for what is left. */
export function resolveShape(x: Node, shape: Shape): Shape {
  const unknown = shape.filter((n) => n === -1).length;
  if (unknown > 1) throw new ShapeError(`reshape: one dimension may be -1, got [${shape.join(",")}]. name the others`);
  const known = sizeOf(shape.filter((n) => n !== -1));
  if (
    shape.some((n) => n !== -1 && !(Number.isInteger(n) && n >= 0)) ||
    (unknown === 1 && (known === 0 || sizeOf(x.shape) % known !== 0))
  )
    throw new ShapeError(
      `reshape: the number of elements must stay ${sizeOf(x.shape)}, got ${show(x.aval)} and [${shape.join(",")}]. let one dimension be -1`,
    );
  return shape.map((n) => (n === -1 ? sizeOf(x.shape) / known : n));
}

/** Elements of the axis at the places an index tensor names; the index's axes take the axis's place. */
export function take(x: Node, indices: Node, axis: number): Node {
  const along = normalizeAxis("take", axis, x.aval);
  const index = wrapNegative("take", indices, x.shape[along]);
  const y = gather(move.moveAxis(x, along, 0), index, 0); // [I…, the other axes]
  const own = range(index.shape.length);
  const others = range(x.shape.length - 1).map((i) => index.shape.length + i);
  return move.transpose(y, [...others.slice(0, along), ...own, ...others.slice(along)]);
}

/** `y[…, i, …] = x[…, indices[…, i, …], …]`: one index for each element of the other axes. */
export function takeAlongAxis(x: Node, indices: Node, axis: number): Node {
  const along = normalizeAxis("takeAlongAxis", axis, x.aval);
  if (indices.shape.length !== x.shape.length)
    throw new ShapeError(
      `takeAlongAxis: indices must have as many axes as the tensor, got ${show(x.aval)} and ${show(indices.aval)}. use take`,
    );
  const last = x.shape.length - 1;
  const index = move.moveAxis(wrapNegative("takeAlongAxis", indices, x.shape[along]), along, last);
  return move.moveAxis(gather(move.moveAxis(x, along, last), index, last), last, along);
}

function wrapNegative(op: string, indices: Node, length: number): Node {
  if (indices.dtype !== "int32" && indices.dtype !== "uint32")
    throw new DTypeError(`${op}: indices must be int32, got ${show(indices.aval)}. convert them with astype("int32")`);
  const i = a.convert(indices, "int32");
  return a.select(a.less(i, fillLike(i, 0)), add(i, fillLike(i, length)), i);
}

/** The order that sorts an axis. */
export function argsortAxis(x: Node, axis: number, descending: boolean): Node {
  const along = normalizeAxis("argsort", axis, x.aval);
  const last = x.shape.length - 1;
  return move.moveAxis(argsort(move.moveAxis(a.convert(x, toNumber(x.dtype)), along, last), descending), last, along);
}

/** The k largest elements of the last axis, and their places. */
export function topK(x: Node, k: number, largest: boolean): readonly [values: Node, indices: Node] {
  const last = x.shape.length - 1;
  if (!Number.isInteger(k) || k < 0 || k > (x.shape[last] ?? 0))
    throw new ArgumentError(
      `topK: k must be an integer from 0 to ${x.shape[last] ?? 0}, got ${shown(k)} for ${show(x.aval)}. ask for fewer`,
    );
  const indices = move.sliceAxis(argsortAxis(x, -1, largest), last, 0, k);
  return [takeAlongAxis(x, indices, -1), indices];
}

/** Running sum along an axis. */
export const cumsum = (x: Node, axis: number, reverse: boolean): Node =>
  runningSum(a.convert(x, toNumber(x.dtype)), normalizeAxis("cumsum", axis, x.aval), reverse);

/** Elements of `value` added before and after each axis. */
export function pad(x: Node, widths: readonly (readonly [number, number])[], value: number): Node {
  if (widths.length !== x.shape.length)
    throw new ShapeError(
      `pad: one [before, after] pair for each axis is needed, got ${widths.length} for ${show(x.aval)}. use [0, 0] for none`,
    );
  const params = { low: widths.map(([b]) => b), high: widths.map(([, b]) => b), interior: widths.map(() => 0) };
  const padded = move.pad(x, params);
  if (value === 0) return padded;
  const own = move.pad(fill(1, "bool", x.shape), params);
  return a.select(own, padded, fillLike(padded, value));
}

/** 0, 1, … n - 1 as int32. */
export const counter = (n: number): Node => iota("int32", [n], 0);

export { nonzero } from "./indexing.js";
