/** Runs programs of the loop form in plain JavaScript, checking every access: what the compiler is tested with. */
import assert from "node:assert/strict";
import type { Kernel, Local, Program, Statement, Step, Value } from "#src/compile/loop.js";
import { bufferIn } from "#src/compile/walk.js";
import { byteSize } from "#src/ir/dtype.js";
import type { NdArray } from "#src/ir/node.js";
import type { ScalarOp, ScalarType } from "#src/ir/scalar.js";
import { type Aval, sizeOf } from "#src/ir/shape.js";

/** One lane: int64 is a bigint, everything else a number. */
type Scalar = number | bigint;
type Memory = Float32Array | Float64Array | Int32Array | Uint32Array;

function view(a: Aval, bytes: ArrayBuffer, offset: number): Memory {
  const n = sizeOf(a.shape);
  switch (a.dtype) {
    case "float32":
      return new Float32Array(bytes, offset, n);
    case "float64":
      return new Float64Array(bytes, offset, n);
    case "uint32":
      return new Uint32Array(bytes, offset, n);
    case "int32":
    case "bool":
      return new Int32Array(bytes, offset, n);
  }
}

const fresh = (a: Aval): Memory => view(a, new ArrayBuffer(sizeOf(a.shape) * byteSize(a.dtype)), 0);

function saturate(x: number, low: number, high: number): number {
  return Number.isNaN(x) ? 0 : Math.min(high, Math.max(low, Math.trunc(x)));
}

const scratch = new DataView(new ArrayBuffer(8));
function bitcast(from: ScalarType, to: ScalarType, x: Scalar): Scalar {
  if (from === "float64") scratch.setFloat64(0, Number(x));
  else if (from === "int64") scratch.setBigInt64(0, BigInt(x));
  else if (from === "float32") scratch.setFloat32(0, Number(x));
  else scratch.setUint32(0, Number(x) >>> 0);
  if (to === "float64") return scratch.getFloat64(0);
  if (to === "int64") return scratch.getBigInt64(0);
  if (to === "float32") return scratch.getFloat32(0);
  return to === "uint32" ? scratch.getUint32(0) : scratch.getInt32(0);
}

function convert(from: ScalarType, to: ScalarType, x: Scalar): Scalar {
  const isFloat = from === "float32" || from === "float64";
  if (to === "bool") return Number(x) === 0 ? 0 : 1;
  if (to === "int64")
    return isFloat ? BigInt.asIntN(64, BigInt(saturate(Number(x), -(2 ** 63), 2 ** 63 - 1024))) : BigInt(x);
  if (isFloat && to === "int32") return saturate(Number(x), -(2 ** 31), 2 ** 31 - 1);
  if (isFloat && to === "uint32") return saturate(Number(x), 0, 2 ** 32 - 1);
  if (from === "int64" && to === "int32") return Number(BigInt.asIntN(32, BigInt(x)));
  if (from === "int64" && to === "uint32") return Number(BigInt.asUintN(32, BigInt(x)));
  return wrap(to, Number(x));
}

function wrap(type: ScalarType, x: number): number {
  return type === "float32" ? Math.fround(x) : type === "int32" ? x | 0 : type === "uint32" ? x >>> 0 : x;
}

function nearest(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}

function bigOp(op: ScalarOp, a: bigint, b: bigint): Scalar {
  const shift = b & 63n;
  switch (op) {
    case "add":
      return BigInt.asIntN(64, a + b);
    case "sub":
      return BigInt.asIntN(64, a - b);
    case "mul":
      return BigInt.asIntN(64, a * b);
    case "and":
      return a & b;
    case "or":
      return a | b;
    case "xor":
      return a ^ b;
    case "shl":
      return BigInt.asIntN(64, a << shift);
    case "shr":
      return a >> shift;
    case "lt":
      return Number(a < b);
    case "le":
      return Number(a <= b);
    case "eq":
      return Number(a === b);
    case "ne":
      return Number(a !== b);
    case "not":
      return ~a;
    case "neg":
      return BigInt.asIntN(64, -a);
    default:
      throw new Error(`int64 ${op}`);
  }
}

const isInt = (t: ScalarType): boolean => t === "int32" || t === "uint32";

function numberOp(type: ScalarType, op: ScalarOp, a: number, b: number, c: number): number {
  switch (op) {
    case "neg":
      return wrap(type, -a);
    case "abs":
      return wrap(type, Math.abs(a));
    case "sqrt":
      return wrap(type, Math.sqrt(a));
    case "floor":
      return Math.floor(a);
    case "ceil":
      return Math.ceil(a);
    case "trunc":
      return Math.trunc(a);
    case "nearest":
      return nearest(a);
    case "not":
      return type === "bool" ? 1 - a : wrap(type, ~a);
    case "add":
      return wrap(type, a + b);
    case "sub":
      return wrap(type, a - b);
    case "mul":
      return isInt(type) ? wrap(type, Math.imul(a, b)) : wrap(type, a * b);
    case "div":
      return isInt(type) ? (b === 0 ? 0 : wrap(type, Math.trunc(a / b))) : wrap(type, a / b);
    case "rem":
      return isInt(type) && b === 0 ? 0 : wrap(type, a % b);
    case "min":
      return Math.min(a, b);
    case "max":
      return Math.max(a, b);
    case "and":
      return wrap(type, a & b);
    case "or":
      return wrap(type, a | b);
    case "xor":
      return wrap(type, a ^ b);
    case "shl":
      return wrap(type, a << (b & 31));
    case "shr":
      return type === "uint32" ? a >>> (b & 31) : a >> (b & 31);
    case "lt":
      return Number(a < b);
    case "le":
      return Number(a <= b);
    case "eq":
      return Number(a === b);
    case "ne":
      return Number(a !== b);
    case "fma":
      return wrap(type, isInt(type) ? Math.imul(a, b) + c : a * b + c);
    default:
      throw new Error(`number ${op}`);
  }
}

class Machine {
  readonly #memory: readonly Memory[];
  #buffer = (number: number): Memory => this.#memory[number];
  readonly #counters: number[] = [];
  constructor(memory: readonly Memory[]) {
    this.#memory = memory;
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) this.#step(step);
  }

  #step(step: Step): void {
    switch (step.kind) {
      case "kernel":
        this.#buffer = (number) => this.#memory[bufferIn(step.kernel, number)];
        return runKernel(step.kernel, (locals, s) => this.#statements(s, locals));
      case "routine": {
        const inputs = step.inputs.map((b): NdArray => ({
          shape: this.shapes[b],
          data: Float64Array.from(this.#memory[b]),
        }));
        step.run(inputs).forEach((y, i) => this.#memory[step.outputs[i]].set(y.data));
        return;
      }
      case "loop":
        for (let i = 0; i < step.length; i++) {
          this.#counters[step.loop] = step.reverse ? step.length - 1 - i : i;
          this.run(step.steps);
        }
        return;
      case "branch": {
        const chosen = Math.min(step.cases.length - 1, Math.max(0, this.#memory[step.selector][0]));
        return this.run(step.cases[chosen]);
      }
    }
  }
  shapes: readonly (readonly number[])[] = [];

  #statements(list: readonly Statement[], locals: Map<Local, Scalar[]>): void {
    for (const s of list) this.#statement(s, locals);
  }

  #statement(s: Statement, locals: Map<Local, Scalar[]>): void {
    switch (s.kind) {
      case "set":
        locals.set(s.local, this.#value(s.value, locals));
        return;
      case "store": {
        const [at] = this.#value(s.offset, locals);
        const values = this.#value(s.value, locals);
        const memory = this.#buffer(s.buffer);
        values.forEach((x, lane) => {
          const to = Number(at) + lane;
          assert.ok(to >= 0 && to < memory.length, `store at ${to} of b${s.buffer} with ${memory.length} elements`);
          memory[to] = Number(x);
        });
        return;
      }
      case "loop": {
        const from = Number(this.#value(s.from, locals)[0]);
        const to = Number(this.#value(s.to, locals)[0]);
        for (let i = from; i < to; i += s.step) {
          locals.set(s.index, [i]);
          this.#statements(s.body, locals);
        }
        return;
      }
      case "if":
        return this.#statements(this.#value(s.condition, locals)[0] ? s.then : s.otherwise, locals);
    }
  }

  #value(x: Value, locals: ReadonlyMap<Local, Scalar[]>): Scalar[] {
    switch (x.kind) {
      case "const":
        return new Array<Scalar>(x.lanes).fill(x.type === "int64" ? BigInt(x.value) : x.value);
      case "get": {
        const value = locals.get(x.local);
        assert.ok(value, `local ${x.local.name} is not set`);
        return value;
      }
      case "counter":
        return [this.#counters[x.loop]];
      case "load": {
        const at = Number(this.#value(x.offset, locals)[0]);
        const memory = this.#buffer(x.buffer);
        assert.ok(
          at >= 0 && at + x.lanes <= memory.length,
          `load of ${x.lanes} at ${at} of b${x.buffer} with ${memory.length}`,
        );
        return Array.from({ length: x.lanes }, (_, lane) => memory[at + lane]);
      }
      case "splat":
        return new Array<Scalar>(x.lanes).fill(this.#value(x.value, locals)[0]);
      case "pack":
        return x.values.map((y) => this.#value(y, locals)[0]);
      case "lane":
        return [this.#value(x.value, locals)[x.lane]];
      case "op": {
        const args = x.args.map((y) => this.#value(y, locals));
        return args[0].map((a, lane) => apply(x, a, args[1]?.[lane] ?? 0, args[2]?.[lane] ?? 0));
      }
    }
  }
}

function apply(x: Value & { kind: "op" }, a: Scalar, b: Scalar, c: Scalar): Scalar {
  const from = x.args[0].type;
  if (x.op === "convert") return convert(from, x.type, a);
  if (x.op === "bitcast") return bitcast(from, x.type, a);
  if (x.op === "select") return a ? b : c;
  if (from === "int64") return bigOp(x.op, BigInt(a), BigInt(b));
  return numberOp(x.type, x.op, Number(a), Number(b), Number(c));
}

/** Tasks run one by one, so that a kernel that needs them in one piece fails. */
function runKernel(kernel: Kernel, run: (locals: Map<Local, Scalar[]>, body: readonly Statement[]) => void): void {
  for (let task = kernel.tasks - 1; task >= 0; task--) {
    const locals = new Map<Local, Scalar[]>();
    locals.set(kernel.first, [task]);
    locals.set(kernel.last, [task + 1]);
    run(locals, kernel.body);
  }
}

/** Runs a program. The workspace starts as garbage; an output that takes over an input writes over that input. */
export function runProgram(program: Program, inputs: readonly NdArray[]): NdArray[] {
  const garbage = (bytes: number) => new Uint8Array(bytes).fill(0xa5).buffer;
  const workspace = garbage(program.workspaceBytes);
  const scratchSpace = garbage(program.scratchBytes);
  const given = program.inputs.map((a, i) => {
    const memory = fresh(a);
    memory.set(inputs[i].data);
    return memory;
  });
  const results = program.outputs.map((a, i) => {
    const reused = program.reuses[i];
    return reused === null ? fresh(a) : given[reused];
  });
  const memory = program.buffers.map((b) => {
    const { placement: p } = b;
    if (p.kind === "input") return given[p.index];
    if (p.kind === "output") return results[p.index];
    return view(b, p.kind === "scratch" ? scratchSpace : workspace, p.offset);
  });
  const machine = new Machine(memory);
  machine.shapes = program.buffers.map((b) => b.shape);
  machine.run(program.steps);
  return program.outputs.map((a, i) => ({ shape: a.shape, data: Float64Array.from(results[i]) }));
}
