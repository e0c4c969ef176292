/**
 * Scalar operations as instructions. Forms of values on the stack: a scalar bool is the i32 0 or 1; a vector of bools is a
 * mask, 32 bits a lane, all ones for true (so that selecting and combining need one instruction). Two lanes of a 32-bit
 * type are the low half of a vector; what its high half holds means nothing.
 */
import { InternalError } from "../../util/errors.js";
import { isFloat } from "../../ir/dtype.js";
import type { ScalarOp, ScalarType } from "../../ir/scalar.js";
import type { Lanes, Value } from "../../compile/loop.js";
import type { Code, WasmType } from "./assembler.js";
import type { LaneOp, PlainOp } from "./opcodes.js";

export type OpValue = Value & { readonly kind: "op" };
type Row = Partial<Record<ScalarType, PlainOp>>;
type Table = Partial<Record<ScalarOp, Row>>;

/** What operations need of the function they are written into. */
export interface Machine {
  readonly code: Code;
  readonly relaxed: boolean;
  /** Pushes a value. */
  value(v: Value): void;
  /** Pushes a scalar float as the first lane of a vector; what the others hold means nothing. */
  lifted(v: Value): void;
  /** Runs `use` with a local that is free again afterwards. */
  withTemp(type: WasmType, use: (local: number) => void): void;
  /** Calls the exact float64 remainder of the two values on the stack. */
  callRemainder(): void;
}

export const wide = (type: ScalarType): boolean => type === "float64" || type === "int64";

export function wasmType(type: ScalarType, lanes: Lanes): WasmType {
  if (lanes !== 1) return "v128";
  return scalarTypes[type];
}

const scalarTypes: Readonly<Record<ScalarType, WasmType>> = {
  float32: "f32",
  float64: "f64",
  int32: "i32",
  uint32: "i32",
  bool: "i32",
  int64: "i64",
};

// oxfmt-ignore
const scalarTable: Table = {
  add: { float32: "f32.add", float64: "f64.add", int32: "i32.add", uint32: "i32.add", int64: "i64.add", bool: "i32.or" },
  sub: { float32: "f32.sub", float64: "f64.sub", int32: "i32.sub", uint32: "i32.sub", int64: "i64.sub" },
  mul: { float32: "f32.mul", float64: "f64.mul", int32: "i32.mul", uint32: "i32.mul", int64: "i64.mul", bool: "i32.and" },
  div: { float32: "f32.div", float64: "f64.div" },
  min: { bool: "i32.and" },
  max: { bool: "i32.or" },
  and: { int32: "i32.and", uint32: "i32.and", int64: "i64.and", bool: "i32.and" },
  or: { int32: "i32.or", uint32: "i32.or", int64: "i64.or", bool: "i32.or" },
  xor: { int32: "i32.xor", uint32: "i32.xor", int64: "i64.xor", bool: "i32.xor" },
  shl: { int32: "i32.shl", uint32: "i32.shl", int64: "i64.shl" },
  shr: { int32: "i32.shr_s", uint32: "i32.shr_u", int64: "i64.shr_s" },
  lt: { float32: "f32.lt", float64: "f64.lt", int32: "i32.lt_s", uint32: "i32.lt_u", int64: "i64.lt_s", bool: "i32.lt_u" },
  le: { float32: "f32.le", float64: "f64.le", int32: "i32.le_s", uint32: "i32.le_u", int64: "i64.le_s", bool: "i32.le_u" },
  eq: { float32: "f32.eq", float64: "f64.eq", int32: "i32.eq", uint32: "i32.eq", int64: "i64.eq", bool: "i32.eq" },
  ne: { float32: "f32.ne", float64: "f64.ne", int32: "i32.ne", uint32: "i32.ne", int64: "i64.ne", bool: "i32.ne" },
  neg: { float32: "f32.neg", float64: "f64.neg" },
  abs: { float32: "f32.abs", float64: "f64.abs" },
  sqrt: { float32: "f32.sqrt", float64: "f64.sqrt" },
  floor: { float32: "f32.floor", float64: "f64.floor" },
  ceil: { float32: "f32.ceil", float64: "f64.ceil" },
  trunc: { float32: "f32.trunc", float64: "f64.trunc" },
  nearest: { float32: "f32.nearest", float64: "f64.nearest" },
  not: { bool: "i32.eqz" },
};

/** Comparisons of 64-bit lanes leave masks of 64 bits. */
// oxfmt-ignore
const vectorTable: Table = {
  add: { float32: "f32x4.add", float64: "f64x2.add", int32: "i32x4.add", uint32: "i32x4.add", int64: "i64x2.add", bool: "v128.or" },
  sub: { float32: "f32x4.sub", float64: "f64x2.sub", int32: "i32x4.sub", uint32: "i32x4.sub", int64: "i64x2.sub" },
  mul: { float32: "f32x4.mul", float64: "f64x2.mul", int32: "i32x4.mul", uint32: "i32x4.mul", int64: "i64x2.mul", bool: "v128.and" },
  div: { float32: "f32x4.div", float64: "f64x2.div" },
  min: { float32: "f32x4.min", float64: "f64x2.min", int32: "i32x4.min_s", uint32: "i32x4.min_u", bool: "v128.and" },
  max: { float32: "f32x4.max", float64: "f64x2.max", int32: "i32x4.max_s", uint32: "i32x4.max_u", bool: "v128.or" },
  and: { int32: "v128.and", uint32: "v128.and", int64: "v128.and", bool: "v128.and" },
  or: { int32: "v128.or", uint32: "v128.or", int64: "v128.or", bool: "v128.or" },
  xor: { int32: "v128.xor", uint32: "v128.xor", int64: "v128.xor", bool: "v128.xor" },
  lt: { float32: "f32x4.lt", float64: "f64x2.lt", int32: "i32x4.lt_s", uint32: "i32x4.lt_u", int64: "i64x2.lt_s", bool: "i32x4.lt_u" },
  le: { float32: "f32x4.le", float64: "f64x2.le", int32: "i32x4.le_s", uint32: "i32x4.le_u", int64: "i64x2.le_s", bool: "i32x4.le_u" },
  eq: { float32: "f32x4.eq", float64: "f64x2.eq", int32: "i32x4.eq", uint32: "i32x4.eq", int64: "i64x2.eq", bool: "i32x4.eq" },
  ne: { float32: "f32x4.ne", float64: "f64x2.ne", int32: "i32x4.ne", uint32: "i32x4.ne", int64: "i64x2.ne", bool: "i32x4.ne" },
  neg: { float32: "f32x4.neg", float64: "f64x2.neg", int32: "i32x4.neg", uint32: "i32x4.neg", int64: "i64x2.neg" },
  abs: { float32: "f32x4.abs", float64: "f64x2.abs", int32: "i32x4.abs", int64: "i64x2.abs" },
  sqrt: { float32: "f32x4.sqrt", float64: "f64x2.sqrt" },
  floor: { float32: "f32x4.floor", float64: "f64x2.floor" },
  ceil: { float32: "f32x4.ceil", float64: "f64x2.ceil" },
  trunc: { float32: "f32x4.trunc", float64: "f64x2.trunc" },
  nearest: { float32: "f32x4.nearest", float64: "f64x2.nearest" },
  not: { bool: "v128.not", int32: "v128.not", uint32: "v128.not", int64: "v128.not" },
};

const shifts: Partial<Record<ScalarOp, Row>> = {
  shl: { int32: "i32x4.shl", uint32: "i32x4.shl", int64: "i64x2.shl" },
  shr: { int32: "i32x4.shr_s", uint32: "i32x4.shr_u", int64: "i64x2.shr_s" },
};

const splats: Readonly<Record<ScalarType, PlainOp>> = {
  float32: "f32x4.splat",
  float64: "f64x2.splat",
  int32: "i32x4.splat",
  uint32: "i32x4.splat",
  bool: "i32x4.splat",
  int64: "i64x2.splat",
};
const extracts: Readonly<Record<ScalarType, LaneOp>> = {
  float32: "f32x4.extract_lane",
  float64: "f64x2.extract_lane",
  int32: "i32x4.extract_lane",
  uint32: "i32x4.extract_lane",
  bool: "i32x4.extract_lane",
  int64: "i64x2.extract_lane",
};
const replaces: Readonly<Record<ScalarType, LaneOp>> = {
  float32: "f32x4.replace_lane",
  float64: "f64x2.replace_lane",
  int32: "i32x4.replace_lane",
  uint32: "i32x4.replace_lane",
  bool: "i32x4.replace_lane",
  int64: "i64x2.replace_lane",
};

/** The constant a value is in every lane, if it is one. */
export function constantOf(v: Value): number | null {
  if (v.kind === "splat") return constantOf(v.value);
  return v.kind === "const" ? v.value : null;
}

const unsupported = (v: OpValue): never => {
  throw new InternalError(`internal: no instructions for ${v.op} on ${v.args[0].type} with ${v.lanes} lanes`);
};

/** Scalar to vector: the same in every lane. */
export function splat(m: Machine, type: ScalarType): void {
  m.code.op(splats[type]);
  if (type === "bool") m.code.op("i32x4.neg");
}

/** Vector to scalar. */
export function extract(m: Machine, type: ScalarType, lane: number): void {
  m.code.lane(extracts[type], lane);
  if (type === "bool") m.code.i32(1).op("i32.and");
}

/** A vector whose lanes `push` pushes as scalars. */
export function gather(m: Machine, type: ScalarType, lanes: Lanes, push: (lane: number) => void): void {
  push(0);
  m.code.op(splats[type]);
  for (let i = 1; i < lanes; i++) {
    push(i);
    m.code.lane(replaces[type], i);
  }
  if (type === "bool") m.code.op("i32x4.neg");
}

/** Pushes the result of an operation. */
export function operation(m: Machine, v: OpValue): void {
  if (v.lanes === 1) scalarOperation(m, v, (i) => m.value(v.args[i]));
  else vectorOperation(m, v);
}

/** Pushes a vector of bools as a mask with lanes as wide as those of `like`. */
function mask(m: Machine, v: Value, like: ScalarType): void {
  if (wide(like) && v.kind === "op" && v.lanes !== 1) {
    if (isCompare(v.op) && wide(v.args[0].type)) return compareLanes(m, v);
    if (v.type === "bool" && (v.op === "and" || v.op === "or" || v.op === "xor" || v.op === "not")) {
      for (const x of v.args) mask(m, x, like);
      m.code.op(row(vectorTable, v, "bool"));
      return;
    }
  }
  m.value(v);
  if (wide(like)) m.code.op("i64x2.extend_low_i32x4_s");
}

const isCompare = (op: ScalarOp): boolean => op === "lt" || op === "le" || op === "eq" || op === "ne";

/** Keeps the low word of each 64-bit lane, side by side in the low half. */
const narrow = (m: Machine): unknown =>
  m.code.v128(new Uint8Array(16)).shuffle([0, 1, 2, 3, 8, 9, 10, 11, 16, 16, 16, 16, 16, 16, 16, 16]);

function row(table: Table, v: OpValue, type: ScalarType = v.args[0].type): PlainOp {
  return table[v.op]?.[type] ?? unsupported(v);
}

// --- scalars -----------------------------------------------------------------------------------------------------------

/** `push(i)` pushes argument i; each is pushed once, in order. */
function scalarOperation(m: Machine, v: OpValue, push: (i: number) => void): void {
  const type = v.args[0].type;
  const all = () => v.args.forEach((_, i) => push(i));
  if (v.op === "convert") return (push(0), convertScalar(m, type, v.type));
  if (v.op === "bitcast") return (push(0), bitcastScalar(m, type, v.type));
  if (v.op === "select") return (push(1), push(2), push(0), void m.code.op("select"));
  if (v.op === "fma") return m.relaxed ? fusedScalar(m, v) : separateFma(m, v, push, scalarTable);
  if ((v.op === "min" || v.op === "max") && minMaxScalar(m, v, push)) return;
  if ((v.op === "div" || v.op === "rem") && divideScalar(m, v, push)) return;
  if (v.op === "rem") return floatRemainder(m, type, push);
  if (v.op === "shl" || v.op === "shr") return (all(), void m.code.op(row(scalarTable, v)));
  if (v.op === "neg" && isIntegral(type)) return (zero(m, type), push(0), void m.code.op(intOp(type, "sub")));
  if (v.op === "not" && isIntegral(type))
    return (push(0), ones(m, type), void m.code.op(type === "int64" ? "i64.xor" : "i32.xor"));
  if (v.op === "abs" && isIntegral(type)) return (push(0), absInteger(m, type));
  all();
  if (!isRounding(v.op) || !isIntegral(type)) m.code.op(row(scalarTable, v));
}

const isIntegral = (t: ScalarType): boolean => t === "int32" || t === "uint32" || t === "int64";
/** Operations that leave integers as they are. */
const isRounding = (op: ScalarOp): boolean => op === "floor" || op === "ceil" || op === "trunc" || op === "nearest";

const zero = (m: Machine, type: ScalarType): unknown => (type === "int64" ? m.code.i64(0n) : m.code.i32(0));
const one = (m: Machine, type: ScalarType): unknown => (type === "int64" ? m.code.i64(1n) : m.code.i32(1));
const ones = (m: Machine, type: ScalarType): unknown => (type === "int64" ? m.code.i64(-1n) : m.code.i32(-1));

function intOp(type: ScalarType, name: "add" | "sub" | "and" | "xor" | "eqz" | "le_u"): PlainOp {
  return type === "int64" ? `i64.${name}` : `i32.${name}`;
}

function absInteger(m: Machine, type: ScalarType): void {
  if (type === "uint32") return;
  m.withTemp(scalarTypes[type], (sign) => {
    m.withTemp(scalarTypes[type], (x) => {
      m.code.tee(x).get(x);
      if (type === "int64") m.code.i64(63n).op("i64.shr_s");
      else m.code.i32(31).op("i32.shr_s");
      m.code.tee(sign).op(intOp(type, "xor")).get(sign).op(intOp(type, "sub"));
    });
  });
}

/** Code that has both arguments in locals. */
function withBoth(m: Machine, wasm: WasmType, push: (i: number) => void, body: (a: number, b: number) => void): void {
  m.withTemp(wasm, (a) =>
    m.withTemp(wasm, (b) => {
      push(0);
      m.code.set(a);
      push(1);
      m.code.set(b);
      body(a, b);
    }),
  );
}

/**
 * Minimum and maximum, false for bools. A constant that is not NaN allows `x < c ? c : x`, which hands on NaN and is one
 * instruction on vectors.
 */
function minMaxScalar(m: Machine, v: OpValue, push: (i: number) => void): boolean {
  const type = v.args[0].type;
  if (type === "bool") return false;
  const at = constantOperand(v);
  if (!isIntegral(type) && at === null) return extremeScalar(m, v, push);
  withBoth(m, scalarTypes[type], push, (a, b) => {
    const [x, c] = at === 0 ? [b, a] : [a, b];
    const [left, right] = v.op === "max" ? [x, c] : [c, x];
    const test = row(scalarTable, { ...v, op: "lt" });
    m.code.get(c).get(x).get(left).get(right).op(test).op("select");
  });
  return true;
}

/** Of two floats: the scalar instruction branches on which one is greater; that of vectors does not. */
function extremeScalar(m: Machine, v: OpValue, push: (i: number) => void): true {
  v.args.forEach((_, i) => (push(i), splat(m, v.type)));
  m.code.op(row(vectorTable, v));
  extract(m, v.type, 0);
  return true;
}

/** The instruction for vectors of floats that are no two zeros and no NaN. */
const eitherExtreme = ({ type, op }: Pick<OpValue, "type" | "op">): PlainOp =>
  `${type === "float32" ? "f32x4" : "f64x2"}.${op === "min" ? "pmin" : "pmax"}`;

/** Which argument is a constant that is not NaN. */
function constantOperand(v: OpValue): 0 | 1 | null {
  return isNumber(v.args[1]) ? 1 : isNumber(v.args[0]) ? 0 : null;
}

function isNumber(v: Value): boolean {
  const constant = constantOf(v);
  return constant !== null && !Number.isNaN(constant);
}

/** Integer division and remainder without traps; false for floats. */
function divideScalar(m: Machine, v: OpValue, push: (i: number) => void): boolean {
  const type = v.args[0].type;
  if (!isIntegral(type)) return false;
  const signed = type === "uint32" ? "u" : "s";
  const divide: PlainOp =
    type === "int64" ? `i64.${v.op === "div" ? "div_s" : "rem_s"}` : `i32.${v.op === "div" ? "div" : "rem"}_${signed}`;
  const divisor = constantOf(v.args[1]);
  if (divisor !== null && divisor > 0) {
    push(0);
    push(1);
    m.code.op(divide);
    return true;
  }
  withBoth(m, scalarTypes[type], push, (a, b) => {
    m.code.get(b);
    if (signed === "s" && v.op === "div") {
      // For -1 and 0: (-a) & b.
      one(m, type);
      m.code.op(intOp(type, "add"));
      one(m, type);
      m.code.op(intOp(type, "le_u"));
      m.code.if(scalarTypes[type]);
      zero(m, type);
      m.code.get(a).op(intOp(type, "sub")).get(b).op(intOp(type, "and"));
    } else {
      m.code.op(intOp(type, "eqz")).if(scalarTypes[type]);
      zero(m, type);
    }
    m.code.else().get(a).get(b).op(divide).end();
  });
  return true;
}

function floatRemainder(m: Machine, type: ScalarType, push: (i: number) => void): void {
  for (const i of [0, 1]) {
    push(i);
    if (type === "float32") m.code.op("f64.promote_f32");
  }
  m.callRemainder();
  if (type === "float32") m.code.op("f32.demote_f64");
}

/** a·b + c through vectors, so that it rounds as it does in the vector part of the same kernel. */
function fusedScalar(m: Machine, v: OpValue): void {
  fusedLanes(m, v);
  m.code.lane(extracts[v.type], 0);
}

/** Pushes a scalar a·b + c as the first lane of a vector; what the others hold means nothing. */
export function fusedLanes(m: Machine, v: OpValue): void {
  for (const x of v.args) m.lifted(x);
  m.code.op(v.type === "float64" ? "f64x2.relaxed_madd" : "f32x4.relaxed_madd");
}

function separateFma(m: Machine, v: OpValue, push: (i: number) => void, table: Table): void {
  push(0);
  push(1);
  m.code.op(row(table, { ...v, op: "mul" }));
  push(2);
  m.code.op(row(table, { ...v, op: "add" }));
}

function bitcastScalar(m: Machine, from: ScalarType, to: ScalarType): void {
  const [a, b] = [scalarTypes[from], scalarTypes[to]];
  if (a === b) return;
  if (a === "f32" && b === "i32") m.code.op("i32.reinterpret_f32");
  else if (a === "i32" && b === "f32") m.code.op("f32.reinterpret_i32");
  else if (a === "f64" && b === "i64") m.code.op("i64.reinterpret_f64");
  else if (a === "i64" && b === "f64") m.code.op("f64.reinterpret_i64");
  else throw new InternalError(`internal: no bitcast from ${from} to ${to}`);
}

// oxfmt-ignore
const scalarConversions: Readonly<Record<ScalarType, Readonly<Row>>> = {
  float32: { float64: "f64.promote_f32", int32: "i32.trunc_sat_f32_s", uint32: "i32.trunc_sat_f32_u", int64: "i64.trunc_sat_f32_s" },
  float64: { float32: "f32.demote_f64", int32: "i32.trunc_sat_f64_s", uint32: "i32.trunc_sat_f64_u", int64: "i64.trunc_sat_f64_s" },
  int32: { float32: "f32.convert_i32_s", float64: "f64.convert_i32_s", int64: "i64.extend_i32_s" },
  uint32: { float32: "f32.convert_i32_u", float64: "f64.convert_i32_u", int64: "i64.extend_i32_u" },
  bool: { float32: "f32.convert_i32_u", float64: "f64.convert_i32_u", int64: "i64.extend_i32_u" },
  int64: { float32: "f32.convert_i64_s", float64: "f64.convert_i64_s", int32: "i32.wrap_i64", uint32: "i32.wrap_i64" },
};

function convertScalar(m: Machine, from: ScalarType, to: ScalarType): void {
  if (to === "bool") {
    if (from === "float32") m.code.f32(0).op("f32.ne");
    else if (from === "float64") m.code.f64(0).op("f64.ne");
    else if (from !== "bool") {
      zero(m, from);
      m.code.op(from === "int64" ? "i64.ne" : "i32.ne");
    }
    return;
  }
  const op = scalarConversions[from][to];
  if (op !== undefined) m.code.op(op);
}

// --- vectors -----------------------------------------------------------------------------------------------------------

function vectorOperation(m: Machine, v: OpValue): void {
  const type = v.args[0].type;
  if (v.op === "convert") return convertVector(m, v);
  if (v.op === "bitcast") return m.value(v.args[0]);
  if (v.op === "select") return selectVector(m, v);
  if (v.op === "fma") return fmaVector(m, v);
  if (isCompare(v.op)) {
    compareLanes(m, v);
    if (wide(type)) narrow(m);
    return;
  }
  if (v.op === "min" || v.op === "max") return minMaxVector(m, v);
  if (v.op === "shl" || v.op === "shr") return shiftVector(m, v);
  if (isRounding(v.op) && isIntegral(type)) return m.value(v.args[0]);
  if (v.op === "abs" && type === "uint32") return m.value(v.args[0]);
  const op = vectorTable[v.op]?.[type];
  if (op === undefined) return laneByLane(m, v);
  for (const x of v.args) m.value(x);
  m.code.op(op);
}

/**
 * Choosing between a value and zero clears bits, which leaves engines more registers than choosing; choosing the greater or
 * the less of two floats is one instruction.
 */
function selectVector(m: Machine, { type, args: [condition, a, b] }: OpValue): void {
  const [x, y] = condition.kind === "op" && condition.op === "lt" && isFloat(type) ? condition.args : [];
  const isMax = x === b && y === a;
  if (isMax || (x === a && y === b)) {
    for (const value of [b, a]) m.value(value);
    return void m.code.op(eitherExtreme({ type, op: isMax ? "max" : "min" }));
  }
  const [first, second] = [a, b].map((x) => Object.is(constantOf(x), 0));
  if (!first) m.value(a);
  if (!second) m.value(b);
  mask(m, condition, type);
  m.code.op(second ? "v128.and" : first ? "v128.andnot" : "v128.bitselect");
}

/** Leaves a mask with lanes as wide as the arguments'. */
function compareLanes(m: Machine, v: OpValue): void {
  for (const x of v.args) m.value(x);
  m.code.op(row(vectorTable, v));
}

function fmaVector(m: Machine, v: OpValue): void {
  if (!m.relaxed) return separateFma(m, v, (i) => m.value(v.args[i]), vectorTable);
  for (const x of v.args) m.value(x);
  m.code.op(v.type === "float64" ? "f64x2.relaxed_madd" : "f32x4.relaxed_madd");
}

function minMaxVector(m: Machine, v: OpValue): void {
  const { type } = v;
  const at = constantOperand(v);
  if (isFloat(type) && at !== null) {
    m.value(v.args[1 - at]);
    m.value(v.args[at]);
    m.code.op(eitherExtreme(v));
  } else if (type === "int64") {
    const test = v.op === "min" ? "i64x2.lt_s" : "i64x2.gt_s";
    withBoth(
      m,
      "v128",
      (i) => m.value(v.args[i]),
      (a, b) => m.code.get(a).get(b).get(a).get(b).op(test).op("v128.bitselect"),
    );
  } else {
    for (const x of v.args) m.value(x);
    m.code.op(row(vectorTable, v));
  }
}

/** One count for all lanes is an instruction; others go lane by lane. */
function shiftVector(m: Machine, v: OpValue): void {
  const op = shifts[v.op]?.[v.type];
  const count = v.args[1];
  const constant = constantOf(count);
  if (op === undefined) return unsupported(v);
  if (constant === null && count.kind !== "splat") return laneByLane(m, v);
  m.value(v.args[0]);
  if (constant !== null) m.code.i32(constant);
  else if (count.kind === "splat") {
    m.value(count.value);
    if (v.type === "int64") m.code.op("i32.wrap_i64");
  }
  m.code.op(op);
}

function laneByLane(m: Machine, v: OpValue, args: readonly Value[] = v.args, locals: readonly number[] = []): void {
  if (args.length > 0) {
    m.withTemp("v128", (local) => {
      m.value(args[0]);
      m.code.set(local);
      laneByLane(m, v, args.slice(1), [...locals, local]);
    });
    return;
  }
  gather(m, v.type, v.lanes, (lane) =>
    scalarOperation(m, v, (i) => {
      m.code.get(locals[i]);
      extract(m, v.args[i].type, lane);
    }),
  );
}

// oxfmt-ignore
const vectorConversions: Readonly<Record<ScalarType, Readonly<Row>>> = {
  float32: { float64: "f64x2.promote_low_f32x4", int32: "i32x4.trunc_sat_f32x4_s", uint32: "i32x4.trunc_sat_f32x4_u" },
  float64: { float32: "f32x4.demote_f64x2_zero", int32: "i32x4.trunc_sat_f64x2_s_zero", uint32: "i32x4.trunc_sat_f64x2_u_zero" },
  int32: { float32: "f32x4.convert_i32x4_s", float64: "f64x2.convert_low_i32x4_s", int64: "i64x2.extend_low_i32x4_s" },
  uint32: { float32: "f32x4.convert_i32x4_u", float64: "f64x2.convert_low_i32x4_u", int64: "i64x2.extend_low_i32x4_u" },
  bool: { float32: "f32x4.convert_i32x4_s", float64: "f64x2.convert_low_i32x4_s", int64: "i64x2.extend_low_i32x4_u" },
  int64: {},
};

function convertVector(m: Machine, v: OpValue): void {
  const [x] = v.args;
  const from = x.type;
  const to = v.type;
  if ((from === "int64") !== (to === "int64") && (from.startsWith("float") || to.startsWith("float")))
    return laneByLane(m, v);
  m.value(x);
  if (from === to) return;
  if (to === "bool") {
    m.code.v128(new Uint8Array(16)).op(row(vectorTable, { ...v, op: "ne" }));
    if (wide(from)) narrow(m);
    return;
  }
  if (from === "bool") m.code.op("i32x4.neg");
  if (from === "int64") narrow(m);
  const op = vectorConversions[from][to];
  if (op !== undefined) m.code.op(op);
}
