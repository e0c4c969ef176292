/**
 * Scalar expressions: the small closed language in which primitives say what one element of their result is. Adding a
 * primitive never extends it, so a renderer never learns a primitive's name.
 *
 * Integer `div` and `rem` truncate toward zero and give 0 for a zero divisor; shifts take the count modulo the width;
 * `min` and `max` hand NaN on; `nearest` rounds half to even; comparisons give `bool`; `convert` of a float to an integer
 * truncates and saturates, NaN gives 0.
 */
import { type DType, roundTo } from "./dtype.js";
import type { Aval, Shape } from "./shape.js";
import type { NdArray } from "./node.js";
import type { Graph } from "./graph.js";
import { InternalError } from "../util/errors.js";

/** Types of scalars in a kernel: every dtype, and `int64` for the bits of a float64. */
export type ScalarType = DType | "int64";

export type UnaryOp = "neg" | "abs" | "sqrt" | "floor" | "ceil" | "trunc" | "nearest" | "not" | "convert" | "bitcast";
export type BinaryOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "rem"
  | "min"
  | "max"
  | "and"
  | "or"
  | "xor"
  | "shl"
  | "shr"
  | "lt"
  | "le"
  | "eq"
  | "ne";
export type TernaryOp = "select" | "fma";
export type ScalarOp = UnaryOp | BinaryOp | TernaryOp;

/** One element of a result, as a tree over constants, loop indices and elements of inputs. */
export type Expr =
  | { readonly kind: "const"; readonly type: ScalarType; readonly value: number }
  /** A loop counter running from 0 to `extent - 1`; always int32. */
  | { readonly kind: "index"; readonly type: "int32"; readonly id: number; readonly extent: number }
  /** The element of a tensor (`source`, a number the compiler gave) at an index that lies inside its shape. */
  | { readonly kind: "load"; readonly type: ScalarType; readonly source: number; readonly at: readonly Expr[] }
  | { readonly kind: "op"; readonly type: ScalarType; readonly op: ScalarOp; readonly args: readonly Expr[] };

/** How a reduction joins two elements. `argmax` and `argmin` give the flat int32 position of the first extreme (or NaN). */
export type Combine = "sum" | "product" | "max" | "min" | "all" | "any" | "argmax" | "argmin";

/** An input of a primitive, as its lowering sees it. `at` must only be used with indices inside `shape`. */
export interface Operand extends Aval {
  at(index: readonly Expr[]): Expr;
}

/** What a primitive computes, in one of a few forms that schedulers, tilers and renderers know. */
export type Lowering =
  /** Each element of the result by itself. */
  | { readonly form: "map"; value(at: readonly Expr[]): Expr }
  /** Each element folds `value` over the index space `over`; an empty space gives the combine's neutral element. */
  | {
      readonly form: "reduce";
      readonly combine: Combine;
      readonly over: Shape;
      value(at: readonly Expr[], over: readonly Expr[]): Expr;
    }
  /** Running fold along `axis`: element i folds elements 0 to i (from i to the end when `reverse`). */
  | {
      readonly form: "prefix";
      readonly combine: "sum" | "product" | "max" | "min";
      readonly axis: number;
      readonly reverse: boolean;
      value(at: readonly Expr[]): Expr;
    }
  /** `result = initial`, then, for each `over` in row-major order with `inside`, `result[target] += value`. */
  | {
      readonly form: "scatter";
      readonly over: Shape;
      initial(at: readonly Expr[]): Expr;
      inside(over: readonly Expr[]): Expr;
      target(over: readonly Expr[]): readonly Expr[];
      value(over: readonly Expr[]): Expr;
    }
  /** A host algorithm on whole arrays; a compiled program is cut here. */
  | { readonly form: "routine"; run(inputs: readonly NdArray[]): readonly NdArray[] }
  /** Other nodes take this one's place: the body of a composite, an identity. */
  | { readonly form: "inline"; readonly body: Graph }
  /** `body` runs `length` times over (consts, carry, a slice of each xs) and gives (carry, a slice of each ys). */
  | {
      readonly form: "loop";
      readonly body: Graph;
      readonly length: number;
      readonly reverse: boolean;
      readonly constants: number;
      readonly carries: number;
    }
  /** The first input, a bool or int32 scalar, chooses which body runs on the rest. */
  | { readonly form: "branch"; readonly bodies: readonly Graph[] }
  /** A value from outside: a constant's data, an argument. */
  | { readonly form: "input" };

let nextIndex = 0;

/** A scalar operand: an expression, or a number that takes the other operand's type. */
export type Operandish = Expr | number;

const isConst = (e: Expr): e is Expr & { kind: "const" } => e.kind === "const";

/** Builders of scalar expressions; they fold constants and drop neutral elements of integer arithmetic. */
export const s = {
  const: (type: ScalarType, value: number): Expr => ({
    kind: "const",
    type,
    value: type === "int64" ? value : roundTo(type, value),
  }),
  index: (extent: number): Expr => ({ kind: "index", type: "int32", id: nextIndex++, extent }),
  load: (type: ScalarType, source: number, at: readonly Expr[]): Expr => ({ kind: "load", type, source, at }),

  add: (a: Operandish, b: Operandish): Expr => arithmetic("add", a, b),
  sub: (a: Operandish, b: Operandish): Expr => arithmetic("sub", a, b),
  mul: (a: Operandish, b: Operandish): Expr => arithmetic("mul", a, b),
  div: (a: Operandish, b: Operandish): Expr => arithmetic("div", a, b),
  rem: (a: Operandish, b: Operandish): Expr => arithmetic("rem", a, b),
  min: (a: Operandish, b: Operandish): Expr => arithmetic("min", a, b),
  max: (a: Operandish, b: Operandish): Expr => arithmetic("max", a, b),
  and: (a: Operandish, b: Operandish): Expr => arithmetic("and", a, b),
  or: (a: Operandish, b: Operandish): Expr => arithmetic("or", a, b),
  xor: (a: Operandish, b: Operandish): Expr => arithmetic("xor", a, b),
  shl: (a: Operandish, b: Operandish): Expr => arithmetic("shl", a, b),
  /** Arithmetic for int32 and int64, logical for uint32. */
  shr: (a: Operandish, b: Operandish): Expr => arithmetic("shr", a, b),
  lt: (a: Operandish, b: Operandish): Expr => compare("lt", a, b),
  le: (a: Operandish, b: Operandish): Expr => compare("le", a, b),
  eq: (a: Operandish, b: Operandish): Expr => compare("eq", a, b),
  ne: (a: Operandish, b: Operandish): Expr => compare("ne", a, b),

  neg: (a: Expr): Expr => unary("neg", a),
  abs: (a: Expr): Expr => unary("abs", a),
  sqrt: (a: Expr): Expr => unary("sqrt", a),
  floor: (a: Expr): Expr => unary("floor", a),
  ceil: (a: Expr): Expr => unary("ceil", a),
  trunc: (a: Expr): Expr => unary("trunc", a),
  nearest: (a: Expr): Expr => unary("nearest", a),
  /** Logical for bool, bitwise for integers. */
  not: (a: Expr): Expr => unary("not", a),
  convert: (type: ScalarType, a: Expr): Expr => (a.type === type ? a : { kind: "op", type, op: "convert", args: [a] }),
  /** The same bits under another type of the same width. */
  bitcast: (type: ScalarType, a: Expr): Expr => (a.type === type ? a : { kind: "op", type, op: "bitcast", args: [a] }),

  select: (condition: Expr, a: Operandish, b: Operandish): Expr => {
    const [x, y] = pair(a, b);
    if (isConst(condition)) return condition.value ? x : y;
    return { kind: "op", type: x.type, op: "select", args: [condition, x, y] };
  },
  /** a·b + c; fused where the machine can, so its rounding may differ by device. */
  fma: (a: Operandish, b: Operandish, c: Expr): Expr => {
    const [x, y] = pair(a, b, c);
    return { kind: "op", type: c.type, op: "fma", args: [x, y, c] };
  },
  /** Horner's rule; coefficients from the highest power down. */
  polynomial: (x: Expr, coefficients: readonly number[]): Expr =>
    coefficients.slice(1).reduce<Expr>((sum, c) => s.fma(sum, x, s.const(x.type, c)), s.const(x.type, coefficients[0])),
};

function pair(a: Operandish, b: Operandish, like?: Expr): [Expr, Expr] {
  const typed = typeof a === "number" ? (typeof b === "number" ? like : b) : a;
  if (typed === undefined) throw new InternalError("internal: an operation on two untyped numbers");
  const x = typeof a === "number" ? s.const(typed.type, a) : a;
  const y = typeof b === "number" ? s.const(typed.type, b) : b;
  if (x.type !== y.type) throw new InternalError(`internal: scalar operands of types ${x.type} and ${y.type}`);
  return [x, y];
}

function unary(op: UnaryOp, a: Expr): Expr {
  return { kind: "op", type: a.type, op, args: [a] };
}

function compare(op: "lt" | "le" | "eq" | "ne", a: Operandish, b: Operandish): Expr {
  const [x, y] = pair(a, b);
  if (isConst(x) && isConst(y)) {
    const holds =
      op === "lt"
        ? x.value < y.value
        : op === "le"
          ? x.value <= y.value
          : op === "eq"
            ? x.value === y.value
            : x.value !== y.value;
    return s.const("bool", holds ? 1 : 0);
  }
  return { kind: "op", type: "bool", op, args: [x, y] };
}

/** Int32 folding, enough to keep index arithmetic small. */
const foldInt: Partial<Record<BinaryOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => Math.imul(a, b),
  div: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  rem: (a, b) => (b === 0 ? 0 : a % b),
  min: Math.min,
  max: Math.max,
};

function arithmetic(op: BinaryOp, a: Operandish, b: Operandish): Expr {
  const [x, y] = pair(a, b);
  if (x.type === "int32") {
    const fold = foldInt[op];
    if (fold && isConst(x) && isConst(y)) return s.const("int32", fold(x.value, y.value));
    if (isConst(y)) {
      if (y.value === 0 && (op === "add" || op === "sub")) return x;
      if (y.value === 0 && op === "mul") return y;
      if (y.value === 1 && (op === "mul" || op === "div")) return x;
      if (y.value === 1 && op === "rem") return s.const("int32", 0);
    }
    if (isConst(x)) {
      if (x.value === 0 && op === "add") return y;
      if (x.value === 0 && (op === "mul" || op === "div" || op === "rem")) return x;
      if (x.value === 1 && op === "mul") return y;
    }
  }
  if (x.type === "bool" && isConst(y) && op === "and") return y.value ? x : y;
  if (x.type === "bool" && isConst(x) && op === "and") return x.value ? y : x;
  return { kind: "op", type: x.type, op, args: [x, y] };
}
