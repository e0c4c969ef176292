/** Programs evaluated in plain JavaScript, statement by statement: what rendered code is held against. */
import assert from "node:assert/strict";
import type { ScalarOp, ScalarType } from "#src/ir/scalar.js";
import { type TypedArray, hostArray } from "#src/ir/dtype.js";
import { sizeOf } from "#src/ir/shape.js";
import type { Kernel, Local, Program, Statement, Step, Value } from "#src/compile/loop.js";
import { bufferIn } from "#src/compile/walk.js";

/** A scalar: int64 as a bigint, everything else as a number (bools as 0 and 1). */
export type Scalar = number | bigint;

function big(x: Scalar): bigint {
  assert.ok(typeof x === "bigint");
  return x;
}
function num(x: Scalar): number {
  assert.ok(typeof x === "number");
  return x;
}

/** Wraps or rounds a result to its type. */
function fit(type: ScalarType, x: Scalar): Scalar {
  if (type === "int64") return BigInt.asIntN(64, big(x));
  const v = num(x);
  if (type === "float32") return Math.fround(v);
  if (type === "int32") return v | 0;
  if (type === "uint32") return v >>> 0;
  return v;
}

const bits = new DataView(new ArrayBuffer(8));

function toBits(type: ScalarType, x: Scalar): void {
  if (type === "float32") bits.setFloat32(0, num(x));
  else if (type === "float64") bits.setFloat64(0, num(x));
  else if (type === "int64") bits.setBigInt64(0, big(x));
  else bits.setInt32(0, num(x));
}
function fromBits(type: ScalarType): Scalar {
  if (type === "float32") return bits.getFloat32(0);
  if (type === "float64") return bits.getFloat64(0);
  if (type === "int64") return bits.getBigInt64(0);
  return type === "uint32" ? bits.getUint32(0) : bits.getInt32(0);
}

const clamp = (x: number, low: number, high: number): number =>
  Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), low), high);

function convert(from: ScalarType, to: ScalarType, x: Scalar): Scalar {
  if (to === "bool") return Number(x) === 0 ? 0 : 1;
  if (from === "int64")
    return to === "int64"
      ? x
      : to.startsWith("float")
        ? toFloat(to, big(x))
        : fit(to, Number(BigInt.asIntN(32, big(x))));
  const v = num(x);
  const float = from.startsWith("float");
  if (to === "int64") {
    if (!float) return BigInt(v);
    if (Number.isNaN(v)) return 0n;
    return v >= 2 ** 63 ? 2n ** 63n - 1n : v <= -(2 ** 63) ? -(2n ** 63n) : BigInt(Math.trunc(v));
  }
  if (float && to === "int32") return clamp(v, -(2 ** 31), 2 ** 31 - 1) | 0;
  if (float && to === "uint32") return clamp(v, 0, 2 ** 32 - 1) >>> 0;
  return fit(to, v);
}

/** Int64 to float with a single rounding: to float32, a sticky bit keeps the first rounding from deciding ties. */
function toFloat(to: ScalarType, x: bigint): number {
  if (to === "float64") return Number(x);
  const magnitude = x < 0n ? -x : x;
  let shift = 0n;
  while (magnitude >> shift >= 1n << 40n) shift++;
  const kept = magnitude >> shift;
  const sticky = kept << shift === magnitude ? 0n : 1n;
  const rounded = Math.fround(Number((kept << 1n) | sticky) * 2 ** (Number(shift) - 1));
  return x < 0n ? -rounded : rounded;
}

function divide(op: "div" | "rem", type: ScalarType, a: Scalar, b: Scalar): Scalar {
  if (type === "int64") return big(b) === 0n ? 0n : op === "div" ? big(a) / big(b) : big(a) % big(b);
  const [x, y] = [num(a), num(b)];
  if (type.startsWith("float")) return op === "div" ? x / y : x % y;
  if (y === 0) return 0;
  return op === "div" ? Math.trunc(x / y) : x % y;
}

function nearest(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Object.is(Math.round(x), 0) && x < 0 ? -0 : Math.round(x);
  const even = low % 2 === 0 ? low : low + 1;
  return even === 0 && x < 0 ? -0 : even;
}

const least = (a: Scalar, b: Scalar): Scalar =>
  typeof a === "bigint" || typeof b === "bigint" ? (a < b ? a : b) : Math.min(a, b);
const greatest = (a: Scalar, b: Scalar): Scalar =>
  typeof a === "bigint" || typeof b === "bigint" ? (a > b ? a : b) : Math.max(a, b);

/** Bitwise operations of numbers and bigints. */
function bitwise(op: "and" | "or" | "xor" | "shl" | "shr", type: ScalarType, a: Scalar, b: Scalar): Scalar {
  if (typeof a === "bigint" && typeof b === "bigint") {
    const count = b & 63n;
    return { and: a & b, or: a | b, xor: a ^ b, shl: a << count, shr: a >> count }[op];
  }
  const [x, y] = [num(a), num(b)];
  const shr = type === "uint32" ? x >>> (y & 31) : x >> (y & 31);
  return { and: x & y, or: x | y, xor: x ^ y, shl: x << (y & 31), shr }[op];
}

/** One scalar operation, by the words at the top of `ir/scalar`; `from` is the arguments' type. */
export function apply(op: ScalarOp, from: ScalarType, to: ScalarType, args: readonly Scalar[]): Scalar {
  const [a, b, c] = args;
  const float = from.startsWith("float");
  switch (op) {
    case "add":
      return fit(to, typeof a === "bigint" ? a + big(b) : a + num(b));
    case "sub":
      return fit(to, typeof a === "bigint" ? a - big(b) : a - num(b));
    case "mul":
      return fit(to, typeof a === "bigint" ? a * big(b) : float ? a * num(b) : Math.imul(a, num(b)));
    case "div":
    case "rem":
      return fit(to, divide(op, from, a, b));
    case "min":
      return least(a, b);
    case "max":
      return greatest(a, b);
    case "and":
    case "or":
    case "xor":
    case "shl":
    case "shr":
      return fit(to, bitwise(op, from, a, b));
    case "lt":
      return a < b ? 1 : 0;
    case "le":
      return a <= b ? 1 : 0;
    case "eq":
      return a === b ? 1 : 0;
    case "ne":
      return a === b ? 0 : 1;
    case "select":
      return num(a) === 0 ? c : b;
    case "fma":
      return fit(to, num(a) * num(b) + num(c));
    case "neg":
      return fit(to, -a);
    case "abs":
      return fit(to, a < 0 || Object.is(a, -0) ? -a : a);
    case "sqrt":
      return fit(to, Math.sqrt(num(a)));
    case "floor":
    case "ceil":
    case "trunc":
      return float ? Math[op](num(a)) : a;
    case "nearest":
      return float ? nearest(num(a)) : a;
    case "not":
      return from === "bool" ? 1 - num(a) : fit(to, typeof a === "bigint" ? ~a : ~num(a));
    case "convert":
      return convert(from, to, a);
    case "bitcast":
      toBits(from, a);
      return fromBits(to);
  }
}

class Run {
  readonly arrays: readonly TypedArray[];
  readonly counters: number[];
  #array = (number: number): TypedArray => this.arrays[number];
  readonly #locals = new Map<Local, readonly Scalar[]>();
  constructor(arrays: readonly TypedArray[], loops: number) {
    this.arrays = arrays;
    this.counters = new Array<number>(loops).fill(0);
  }

  kernel(kernel: Kernel, first = 0, last = kernel.tasks): void {
    this.#locals.set(kernel.first, [first]);
    this.#locals.set(kernel.last, [last]);
    this.#array = (number) => this.arrays[bufferIn(kernel, number)];
    this.#statements(kernel.body);
  }

  #statements(list: readonly Statement[]): void {
    for (const s of list) {
      if (s.kind === "set") this.#locals.set(s.local, this.#value(s.value));
      else if (s.kind === "store") {
        const at = this.#int(s.offset);
        const array = this.#array(s.buffer);
        this.#value(s.value).forEach((x, i) => {
          assert.ok(at + i >= 0 && at + i < array.length, `store at ${at + i} of ${array.length}`);
          array[at + i] = num(x);
        });
      } else if (s.kind === "if") this.#statements(this.#int(s.condition) === 0 ? s.otherwise : s.then);
      else {
        const to = this.#int(s.to);
        for (let i = this.#int(s.from); i < to; i += s.step) {
          this.#locals.set(s.index, [i]);
          this.#statements(s.body);
        }
      }
    }
  }

  #int(v: Value): number {
    return num(this.#value(v)[0]);
  }

  #value(v: Value): readonly Scalar[] {
    switch (v.kind) {
      case "const":
        return new Array<Scalar>(v.lanes).fill(v.type === "int64" ? BigInt(v.value) : v.value);
      case "get":
        return this.#locals.get(v.local) ?? [];
      case "counter":
        return [this.counters[v.loop]];
      case "load": {
        const at = this.#int(v.offset);
        const array = this.#array(v.buffer);
        assert.ok(at >= 0 && at + v.lanes <= array.length, `load at ${at} of ${array.length}`);
        return [...array.subarray(at, at + v.lanes)];
      }
      case "splat":
        return new Array<Scalar>(v.lanes).fill(this.#value(v.value)[0]);
      case "pack":
        return v.values.map((x) => this.#value(x)[0]);
      case "lane":
        return [this.#value(v.value)[v.lane]];
      case "op": {
        const args = v.args.map((x) => this.#value(x));
        const from = v.op === "select" ? v.type : v.args[0].type;
        return args[0].map((_, lane) =>
          apply(
            v.op,
            from,
            v.type,
            args.map((x) => x[lane]),
          ),
        );
      }
    }
  }
}

/** The outputs of a program. */
export function evaluate(program: Program, inputs: readonly TypedArray[]): readonly TypedArray[] {
  const arrays = program.buffers.map(({ dtype, shape, placement }) =>
    placement.kind === "input" ? inputs[placement.index].slice() : hostArray(dtype, sizeOf(shape)),
  );
  const run = new Run(arrays, program.loops);
  const steps = (list: readonly Step[]): void => {
    for (const s of list) {
      if (s.kind === "kernel") run.kernel(s.kernel);
      else if (s.kind === "routine") {
        const results = s.run(
          s.inputs.map((b) => ({ shape: program.buffers[b].shape, data: Float64Array.from(arrays[b]) })),
        );
        s.outputs.forEach((b, i) => arrays[b].set(results[i].data));
      } else if (s.kind === "loop") {
        for (let i = 0; i < s.length; i++) {
          run.counters[s.loop] = s.reverse ? s.length - 1 - i : i;
          steps(s.steps);
        }
      } else steps(s.cases[Math.min(Math.max(arrays[s.selector][0], 0), s.cases.length - 1)]);
    }
  };
  steps(program.steps);
  return program.outputs.map((_, i) => {
    const b = program.buffers.findIndex(({ placement }) => placement.kind === "output" && placement.index === i);
    return arrays[b];
  });
}
