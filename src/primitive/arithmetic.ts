/** Arithmetic, comparison, selection, logic, bits, rounding and conversion. */
import { type DType, dtypes, floats, integers, isFloat, isInteger, limits, numbers, roundTo } from "../ir/dtype.js";
import { type Node, notDifferentiable, type Primitive } from "../ir/node.js";
import { type Expr, s } from "../ir/scalar.js";
import { apply, binary, elementwise, type None, none, pointwise, unary } from "./define.js";
import { fillLike } from "./leaf.js";
import { avals, refusal, times } from "./ndarray.js";

const bitTypes: readonly DType[] = [...integers, "bool"];

export const negPrimitive = elementwise({
  name: "neg",
  dtypes: numbers,
  partials: [(t) => neg(t)],
  scalar: (x) => s.neg(x),
  reference: (x) => -x,
});
export const neg = unary(negPrimitive);

export const subPrimitive = elementwise({
  name: "sub",
  dtypes: numbers,
  partials: [(t) => t, (t) => neg(t)],
  scalar: (x, y) => s.sub(x, y),
  reference: (x, y) => x - y,
});
export const sub = binary(subPrimitive);

export const mulPrimitive = pointwise<None>({
  name: "mul",
  arity: 2,
  dtypes: numbers,
  partials: [(t, { inputs: [, y] }) => mul(t, y), (t, { inputs: [x] }) => mul(t, x)],
  scalar: ([x, y]) => s.mul(x, y),
  reference: ([x, y], _params, dtype) => times(dtype, x, y),
  params: [none],
});
export const mul = binary(mulPrimitive);

export const divPrimitive = elementwise({
  name: "div",
  dtypes: floats,
  partials: [(t, { inputs: [, y] }) => div(t, y), (t, z) => neg(mul(t, div(z, z.inputs[1])))],
  scalar: (x, y) => s.div(x, y),
  reference: (x, y) => x / y,
  domain: [0.5, 2],
});
export const div = binary(divPrimitive);

/** Integer quotient rounded toward minus infinity; 0 for a zero divisor. */
export const floorDividePrimitive = elementwise({
  name: "floorDivide",
  dtypes: integers,
  partials: notDifferentiable,
  scalar: (x, y) => {
    const q = s.div(x, y);
    if (x.type === "uint32") return q;
    const inexact = s.and(s.ne(s.rem(x, y), 0), s.ne(s.lt(x, 0), s.lt(y, 0)));
    return s.sub(q, s.convert("int32", inexact));
  },
  reference: (x, y) => (y === 0 ? 0 : Math.floor(x / y)),
});
export const floorDivide = binary(floorDividePrimitive);

/** x - y·⌊x / y⌋ where the rounded quotient may be one too large; x itself where it is 0, for an infinite y too. */
function floatRemainder(x: Expr, y: Expr): Expr {
  const q = s.floor(s.div(x, y));
  return s.select(s.eq(q, 0), x, s.fma(s.neg(q), y, x));
}

/**
 * `x - y·floor(x / y)`: the remainder with the divisor's sign, as Python's `%`; 0 for a zero integer divisor. Floats are
 * exact, where the device has a fused multiply-add, while the quotient fits the mantissa.
 */
export const remainderPrimitive = elementwise({
  name: "remainder",
  dtypes: numbers,
  partials: [(t) => t, (t, { inputs: [x, y] }) => neg(mul(t, floor(div(x, y))))],
  scalar: (x, y) => {
    if (x.type === "uint32") return s.rem(x, y);
    const r = x.type === "int32" ? s.rem(x, y) : floatRemainder(x, y);
    return s.select(s.and(s.ne(r, 0), s.ne(s.lt(r, 0), s.lt(y, 0))), s.add(r, y), r);
  },
  reference: (x, y) => {
    const r = x % y;
    return r !== 0 && r < 0 !== y < 0 ? r + y : r;
  },
  domain: [1, 9],
});
export const remainder = binary(remainderPrimitive);

/** 1 where `lower < upper`, ½ where they are equal, else 0. */
const share = (lower: Node, upper: Node): Node =>
  select(less(lower, upper), fillLike(lower, 1), select(equal(lower, upper), fillLike(lower, 0.5), fillLike(lower, 0)));

const extreme = (op: "max" | "min", won: (x: Node, y: Node) => Node) =>
  elementwise({
    name: `${op}imum`,
    dtypes: numbers,
    partials: [(t, { inputs: [x, y] }) => mul(t, won(x, y)), (t, { inputs: [x, y] }) => mul(t, won(y, x))],
    scalar: (x, y) => s[op](x, y),
    reference: (x, y) => Math[op](x, y),
  });

/** The larger of two; NaN if either is. At a tie each operand gets half the derivative. */
export const maximumPrimitive = extreme("max", (x, y) => share(y, x));
export const maximum = binary(maximumPrimitive);

/** The smaller of two; NaN if either is. At a tie each operand gets half the derivative. */
export const minimumPrimitive = extreme("min", share);
export const minimum = binary(minimumPrimitive);

/** |x|; its derivative at 0 is 0. */
export const absPrimitive = elementwise({
  name: "abs",
  dtypes: numbers,
  partials: [(t, { inputs: [x] }) => mul(t, sign(x))],
  scalar: (x) => (x.type === "uint32" ? x : s.abs(x)),
  reference: (x) => Math.abs(x),
});
export const abs = unary(absPrimitive);

/** -1, 0 or 1; NaN of NaN. */
export const signPrimitive = elementwise({
  name: "sign",
  dtypes: ["float32", "float64", "int32"],
  partials: notDifferentiable,
  scalar: (x) => s.select(s.lt(x, 0), s.const(x.type, -1), s.select(s.lt(s.const(x.type, 0), x), 1, x)),
  reference: (x) => Math.sign(x),
});
export const sign = unary(signPrimitive);

const rounding = (name: string, scalar: (x: Expr) => Expr, reference: (x: number) => number): Primitive<None> =>
  elementwise({
    name,
    dtypes: floats,
    partials: notDifferentiable,
    scalar: (x) => scalar(x),
    reference: (x) => reference(x),
  });
export const floorPrimitive = rounding("floor", s.floor, Math.floor);
export const floor = unary(floorPrimitive);
export const ceilPrimitive = rounding("ceil", s.ceil, Math.ceil);
export const ceil = unary(ceilPrimitive);
export const truncPrimitive = rounding("trunc", s.trunc, Math.trunc);
export const trunc = unary(truncPrimitive);
/** To the nearest integer; halves go to the even one. */
export const roundPrimitive = rounding("round", s.nearest, (x) => {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
});
export const round = unary(roundPrimitive);

const comparison = (
  name: string,
  of: readonly DType[],
  scalar: (x: Expr, y: Expr) => Expr,
  holds: (x: number, y: number) => boolean,
): Primitive<None> =>
  elementwise({
    name,
    dtypes: of,
    result: "bool",
    partials: notDifferentiable,
    scalar: (x, y) => scalar(x, y),
    reference: (x, y) => Number(holds(x, y)),
  });
export const equalPrimitive = comparison("equal", dtypes, s.eq, (x, y) => x === y);
export const equal = binary(equalPrimitive);
export const notEqualPrimitive = comparison("notEqual", dtypes, s.ne, (x, y) => x !== y);
export const notEqual = binary(notEqualPrimitive);
export const lessPrimitive = comparison("less", numbers, s.lt, (x, y) => x < y);
export const less = binary(lessPrimitive);
export const lessEqualPrimitive = comparison("lessEqual", numbers, s.le, (x, y) => x <= y);
export const lessEqual = binary(lessEqualPrimitive);

/** `condition ? x : y`, element by element. */
export const selectPrimitive = elementwise({
  name: "select",
  conditions: 1,
  dtypes,
  partials: [
    null,
    (t, { inputs: [c] }) => select(c, t, fillLike(t, 0)),
    (t, { inputs: [c] }) => select(c, fillLike(t, 0), t),
  ],
  scalar: (c, x, y) => s.select(c, x, y),
  reference: (c, x, y) => (c ? x : y),
});
export const select = (condition: Node, x: Node, y: Node): Node => apply(selectPrimitive, [condition, x, y], none);

/** `max(x, 0)`, NaN stays NaN. Its value tells its derivative, 0 at 0: nothing else is kept for the backward pass. */
export const reluPrimitive = elementwise({
  name: "relu",
  dtypes: numbers,
  partials: [(t, y) => select(lessEqual(y, fillLike(y, 0)), fillLike(t, 0), t)],
  scalar: (x) => s.select(s.le(x, 0), s.const(x.type, 0), x),
  reference: (x) => (x <= 0 ? 0 : x),
});
export const relu = unary(reluPrimitive);

/** An operation on bits, of two operands. */
const bitwise = (
  name: string,
  types: readonly DType[],
  scalar: (x: Expr, y: Expr) => Expr,
  of: (x: number, y: number, dtype: DType) => number,
  domain?: readonly [number, number],
): Primitive<None> =>
  pointwise<None>({
    name,
    arity: 2,
    dtypes: types,
    partials: notDifferentiable,
    scalar: ([x, y]) => scalar(x, y),
    reference: ([x, y], _params, dtype) => roundTo(dtype, of(x, y, dtype)),
    params: [none],
    ...(domain && { domain }),
  });
export const andPrimitive = bitwise("and", bitTypes, s.and, (x, y) => x & y);
export const and = binary(andPrimitive);
export const orPrimitive = bitwise("or", bitTypes, s.or, (x, y) => x | y);
export const or = binary(orPrimitive);
export const xorPrimitive = bitwise("xor", bitTypes, s.xor, (x, y) => x ^ y);
export const xor = binary(xorPrimitive);

/** Logical of bool, every bit of integers. */
export const notPrimitive = pointwise<None>({
  name: "not",
  arity: 1,
  dtypes: bitTypes,
  partials: notDifferentiable,
  scalar: ([x]) => s.not(x),
  reference: ([x], _params, dtype) => (dtype === "bool" ? Number(!x) : roundTo(dtype, ~x)),
  params: [none],
});
export const not = unary(notPrimitive);

/** The count is taken modulo 32. */
export const shiftLeftPrimitive = bitwise("shiftLeft", integers, s.shl, (x, y) => x << y, [0, 31]);
export const shiftLeft = binary(shiftLeftPrimitive);
/** Keeps the sign of int32; the count is taken modulo 32. */
export const shiftRightPrimitive = bitwise(
  "shiftRight",
  integers,
  s.shr,
  (x, y, dtype) => (dtype === "int32" ? x >> y : x >>> y),
  [0, 31],
);
export const shiftRight = binary(shiftRightPrimitive);

/** What a number becomes under another dtype. Floats become integers by truncation, saturating; all but 0 is true. */
function convertNumber(x: number, from: DType, to: DType): number {
  if (to === "bool") return Number(x !== 0);
  if (!isFloat(from) || !isInteger(to)) return roundTo(to, x);
  if (Number.isNaN(x)) return 0;
  const [low, high] = limits[to];
  return Math.trunc(Math.min(Math.max(x, low), high));
}

interface Conversion {
  readonly from: DType;
  readonly to: DType;
}
const conversions = (from: readonly DType[], to: readonly DType[]): Primitive<Conversion>["samples"] =>
  from.flatMap((a) =>
    to.map((b) => ({ inputs: [{ dtype: a, shape: [2, 3], domain: [0, 4] as const }], params: { from: a, to: b } })),
  );

/** Another dtype; int32 and uint32 turn into each other by their bits. */
export const convertPrimitive: Primitive<Conversion> = {
  ...pointwise<Conversion>({
    name: "convert",
    arity: 1,
    dtypes,
    result: (_input, { to }) => to,
    partials: notDifferentiable,
    scalar: ([x], { from, to }) => {
      if (to === "bool") return s.ne(x, 0);
      return isInteger(from) && isInteger(to) ? s.bitcast(to, x) : s.convert(to, x);
    },
    reference: ([x], { from, to }) => convertNumber(x, from, to),
    params: [],
  }),
  vjp: ({ params: { from, to } }, [g]) => [g && isFloat(from) && isFloat(to) ? convert(g, from) : null],
  jvp: ({ params: { from, to } }, [t]) => [t && isFloat(from) && isFloat(to) ? convert(t, to) : null],
  samples: conversions(dtypes, dtypes),
};
/** The node itself where it already has the dtype. */
export const convert = (x: Node, to: DType): Node =>
  x.dtype === to ? x : apply(convertPrimitive, [x], { from: x.dtype, to });

const words: readonly DType[] = ["float32", "int32", "uint32"];
const scratch = new DataView(new ArrayBuffer(4));

/** The same 32 bits under another dtype of that width. */
export const bitcastPrimitive: Primitive<Conversion> = {
  ...pointwise<Conversion>({
    name: "bitcast",
    arity: 1,
    dtypes: words,
    result: (_input, { to }) => to,
    partials: notDifferentiable,
    scalar: ([x], { to }) => s.bitcast(to, x),
    reference: ([x], { from, to }) => {
      if (from === "float32") scratch.setFloat32(0, x);
      else scratch.setInt32(0, x);
      return to === "float32" ? scratch.getFloat32(0) : roundTo(to, scratch.getInt32(0));
    },
    params: [],
  }),
  samples: conversions(words, words),
  errors: [refusal(avals("float64", [2]), { from: "float64", to: "int32" }, "bitcast: dtype must be")],
};
export const bitcast = (x: Node, to: DType): Node =>
  x.dtype === to ? x : apply(bitcastPrimitive, [x], { from: x.dtype, to });
