/**
 * Scalar expressions, run one number at a time: every operation is rounded to its type, `int64` is a bigint, and `fma` is
 * fused or not as asked, since devices differ in that.
 */
import type { Expr, ScalarOp, ScalarType } from "#src/ir/scalar.js";

export type Scalar = number | bigint;

const buffer = new DataView(new ArrayBuffer(8));

function read(type: ScalarType): Scalar {
  switch (type) {
    case "float32":
      return buffer.getFloat32(0);
    case "float64":
      return buffer.getFloat64(0);
    case "int64":
      return buffer.getBigInt64(0);
    case "int32":
      return buffer.getInt32(0);
    default:
      return buffer.getUint32(0);
  }
}

function write(type: ScalarType, x: Scalar): void {
  if (type === "int64") buffer.setBigInt64(0, BigInt(x));
  else if (type === "float64") buffer.setFloat64(0, Number(x));
  else if (type === "float32") buffer.setFloat32(0, Number(x));
  else buffer.setUint32(0, Number(x) >>> 0);
}

export function bitcast(from: ScalarType, to: ScalarType, x: Scalar): Scalar {
  write(from, x);
  return read(to);
}

/** a + b = head + tail (Knuth). */
function twoSum(a: number, b: number): [head: number, tail: number] {
  const head = a + b;
  const back = head - a;
  return [head, a - (head - back) + (b - back)];
}

/** a · b = head + tail (Veltkamp and Dekker), while nothing overflows. */
function twoProduct(a: number, b: number): [head: number, tail: number] {
  const split = (x: number) => {
    const c = x * 134217729;
    const high = c - (c - x);
    return [high, x - high];
  };
  const [ah, al] = split(a);
  const [bh, bl] = split(b);
  const head = a * b;
  return [head, al * bl - (head - ah * bh - al * bh - ah * bl)];
}

/** a + b rounded to odd: an inexact sum gets an odd last bit, which no later rounding mistakes for a tie. */
function oddSum(a: number, b: number): number {
  const [sum, error] = twoSum(a, b);
  if (error === 0 || !Number.isFinite(sum)) return sum;
  buffer.setFloat64(0, sum);
  const bits = buffer.getBigInt64(0);
  if (bits & 1n) return sum;
  buffer.setBigInt64(0, bits + (error > 0 === sum > 0 ? 1n : -1n));
  return buffer.getFloat64(0);
}

/** a · b + c with one rounding (S. Boldo and G. Melquiond, "Emulation of a FMA and correctly rounded sums", 2008). */
export function fusedMultiplyAdd(type: ScalarType, a: number, b: number, c: number): number {
  if (type === "float32") return Math.fround(oddSum(a * b, c));
  // the parts of small products would be subnormal, and those of huge ones overflow
  const up = Math.abs(a * b) < 2 ** -500 && Math.abs(c) < 2 ** -500 ? 2 ** 300 : 1;
  const [uh, ul] = twoProduct(a * up, b);
  const [th, tl] = twoSum(c * up, ul);
  const [vh, vl] = twoSum(uh, th);
  const fused = (vh + oddSum(tl, vl)) / up;
  return Number.isNaN(fused) || fused === 0 ? a * b + c : fused;
}

/** Half to even. */
function nearest(x: number): number {
  if (Math.abs(x) >= 2 ** 52 || Number.isNaN(x)) return x;
  const magic = x < 0 || Object.is(x, -0) ? -(2 ** 52) : 2 ** 52;
  const r = x + magic - magic;
  return r === 0 && magic < 0 ? -0 : r;
}

function saturate(x: number, low: number, high: number): number {
  return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, low), high));
}

function convert(to: ScalarType, x: number): Scalar {
  switch (to) {
    case "float32":
      return Math.fround(x);
    case "float64":
      return x;
    case "int32":
      return saturate(x, -(2 ** 31), 2 ** 31 - 1);
    case "uint32":
      return saturate(x, 0, 2 ** 32 - 1);
    case "bool":
      return x !== 0 ? 1 : 0;
    case "int64":
      return BigInt.asIntN(64, BigInt(saturate(x, -(2 ** 63), 2 ** 63)));
  }
}

/** What an exact or float64 result becomes in the operation's type. */
function wrapTo(type: ScalarType): (x: number) => number {
  if (type === "float32") return Math.fround;
  if (type === "int32") return (x) => x | 0;
  if (type === "uint32") return (x) => x >>> 0;
  return (x) => x;
}

type Apply = (a: number, b: number, c: number) => number;

function floatOp(op: ScalarOp, type: ScalarType, fused: boolean): Apply | null {
  const wrap = wrapTo(type);
  const table: Partial<Record<ScalarOp, Apply>> = {
    add: (a, b) => wrap(a + b),
    sub: (a, b) => wrap(a - b),
    mul: (a, b) => wrap(a * b),
    div: (a, b) => wrap(a / b),
    min: (a, b) => Math.min(a, b),
    max: (a, b) => Math.max(a, b),
    neg: (a) => -a,
    abs: (a) => Math.abs(a),
    sqrt: (a) => wrap(Math.sqrt(a)),
    floor: (a) => Math.floor(a),
    ceil: (a) => Math.ceil(a),
    trunc: (a) => Math.trunc(a),
    nearest: (a) => nearest(a),
    fma: fused ? (a, b, c) => fusedMultiplyAdd(type, a, b, c) : (a, b, c) => wrap(wrap(a * b) + c),
  };
  return table[op] ?? null;
}

function intOp(op: ScalarOp, type: ScalarType): Apply | null {
  const wrap = wrapTo(type);
  const table: Partial<Record<ScalarOp, Apply>> = {
    add: (a, b) => wrap(a + b),
    sub: (a, b) => wrap(a - b),
    mul: (a, b) => wrap(Math.imul(a, b)),
    div: (a, b) => (b === 0 ? 0 : wrap(Math.trunc(a / b))),
    rem: (a, b) => (b === 0 ? 0 : a % b),
    min: (a, b) => Math.min(a, b),
    max: (a, b) => Math.max(a, b),
    and: (a, b) => wrap(a & b),
    or: (a, b) => wrap(a | b),
    xor: (a, b) => wrap(a ^ b),
    shl: (a, b) => wrap(a << b),
    shr: (a, b) => (type === "int32" ? a >> b : wrap(a >>> b)),
    not: (a) => (type === "bool" ? 1 - a : wrap(~a)),
    neg: (a) => wrap(-a),
    abs: (a) => wrap(Math.abs(a)),
  };
  return table[op] ?? null;
}

const longOps: Partial<Record<ScalarOp, (a: bigint, b: bigint) => bigint>> = {
  add: (a, b) => BigInt.asIntN(64, a + b),
  sub: (a, b) => BigInt.asIntN(64, a - b),
  mul: (a, b) => BigInt.asIntN(64, a * b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => BigInt.asIntN(64, a << (b & 63n)),
  shr: (a, b) => a >> (b & 63n),
};

const comparisons: Partial<Record<ScalarOp, (a: Scalar, b: Scalar) => boolean>> = {
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
};

type Step = (registers: Scalar[]) => Scalar;

function stepOf(e: Expr & { kind: "op" }, at: readonly number[], fused: boolean): Step {
  const [i, j = 0, k = 0] = at;
  const from = e.args[0].type;
  const compare = comparisons[e.op];
  if (compare) return (r) => (compare(r[i], r[j]) ? 1 : 0);
  if (e.op === "select") return (r) => (r[i] ? r[j] : r[k]);
  if (e.op === "bitcast") return (r) => bitcast(from, e.type, r[i]);
  if (e.op === "convert") return (r) => convert(e.type, Number(r[i]));
  const long = longOps[e.op];
  if (e.type === "int64" && long) return (r) => long(BigInt(r[i]), BigInt(r[j]));
  const isFloat = e.type === "float32" || e.type === "float64";
  const apply = isFloat ? floatOp(e.op, e.type, fused) : intOp(e.op, e.type);
  if (!apply) throw new Error(`no operation ${e.op} of ${e.type}`);
  return (r) => apply(Number(r[i]), Number(r[j]), Number(r[k]));
}

/** A function of the loaded elements, `inputs[source]`; shared parts are computed once. */
export function evaluator(root: Expr, fused: boolean): (...inputs: Scalar[]) => Scalar {
  const slots = new Map<Expr, number>();
  const steps: ((registers: Scalar[], inputs: readonly Scalar[]) => Scalar)[] = [];
  const visit = (e: Expr): number => {
    const known = slots.get(e);
    if (known !== undefined) return known;
    if (e.kind === "index") throw new Error("an index has no value outside a loop");
    if (e.kind === "const") {
      const value = e.type === "int64" ? BigInt(e.value) : e.value;
      steps.push(() => value);
    } else if (e.kind === "load") steps.push((_, inputs) => inputs[e.source]);
    else steps.push(stepOf(e, e.args.map(visit), fused));
    slots.set(e, steps.length - 1);
    return steps.length - 1;
  };
  const result = visit(root);
  const registers: Scalar[] = new Array<Scalar>(steps.length);
  return (...inputs) => {
    for (let i = 0; i < steps.length; i++) registers[i] = steps[i](registers, inputs);
    return registers[result];
  };
}
