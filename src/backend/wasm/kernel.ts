/**
 * A kernel as a WebAssembly function `(first, last, table, ...)`: tasks `first` up to `last`, the address of the call's
 * table, where counters of program loops stand, and those of the buffers.
 *
 * Address arithmetic is taken out of loops as far as it goes: an access at `base + Σ factor·local + constant` uses a
 * pointer that is computed before the outermost loop that leaves it unchanged, steps along with a loop's index where it
 * depends on that, and is shared by all accesses that differ in the constant only, which the instruction itself adds.
 */
import type { ScalarType } from "../../ir/scalar.js";
import { byteSize } from "../../ir/dtype.js";
import type { BufferInfo, Kernel, Local, Statement, Value } from "../../compile/loop.js";
import { visitStatements } from "../../compile/walk.js";
import { range } from "../../util/arrays.js";
import { guardBytes } from "../arena/arena.js";
import type { Plan } from "../arena/plan.js";
import { type Affine, Expressions, type Term } from "./affine.js";
import { Code, type FunctionBuilder, type WasmType } from "./assembler.js";
import type { MemoryOp } from "./opcodes.js";
import {
  type Machine,
  type OpValue,
  constantOf,
  extract,
  fusedLanes,
  gather,
  operation,
  splat,
  wasmType,
  wide,
} from "./operations.js";

/** The first parameters of every kernel. */
export const kernelParameters: readonly WasmType[] = ["i32", "i32", "i32"];
const [firstParameter, lastParameter, tableParameter] = [0, 1, 2];

/** What kernels of one program share. */
export interface KernelContext {
  readonly buffers: readonly BufferInfo[];
  readonly table: Plan["table"];
  readonly relaxed: boolean;
  /** The index of the function that computes exact float64 remainders. */
  remainder(): number;
}

/** A loop being written, or (the outermost) the function. */
interface Scope {
  /** Locals that change inside. */
  readonly assigned: ReadonlySet<Local>;
  readonly index: Local | null;
  readonly step: number;
  /** Whether no loop is inside. */
  readonly innermost: boolean;
  /** Runs before the loop; for the function, first of all. */
  readonly preheader: Code;
  /** What the preheader has computed, by what it is. */
  readonly ready: Map<string, number>;
  /** Pointers that move with the index, and the bytes they move by. */
  readonly moving: { readonly pointer: number; readonly bytes: number }[];
}

/** A local that holds an address; a temporary one is only lent, until it was pushed. */
interface Pointer {
  readonly local: number;
  readonly temporary: boolean;
}

/** Writes the body; the addresses of `buffers` are the further parameters. */
export function renderKernel(
  kernel: Kernel,
  f: FunctionBuilder,
  buffers: readonly number[],
  context: KernelContext,
): void {
  new KernelWriter(kernel, f, buffers, context).write(kernel);
}

class KernelWriter implements Machine {
  code: Code;
  readonly relaxed: boolean;
  readonly #function: FunctionBuilder;
  readonly #buffers: readonly number[];
  readonly #context: KernelContext;
  readonly #expressions = new Expressions();
  readonly #locals: Map<Local, number>;
  /** Locals for use within one statement. What is hoisted never uses these: the loop body may have used them before. */
  readonly #free = new Map<WasmType, number[]>();
  /** Vectors that are made again rather than kept through a loop. */
  readonly #cheap = new Map<Local, Value>();
  /** Vectors made since the last loop or branch began or ended. */
  #literals = new Map<string, number>();
  readonly #scopes: Scope[] = [];
  /** Locals that one statement alone sets. */
  readonly #setOnce: ReadonlySet<Local>;
  /** Those of them that were set, in statements that are still open. */
  readonly #settled = new Set<Local>();
  /** Scalar floats that are kept in the first lane of a vector, where multiply-adds want them. */
  readonly #lifted: ReadonlySet<Local>;

  constructor(kernel: Kernel, f: FunctionBuilder, buffers: readonly number[], context: KernelContext) {
    this.#function = f;
    this.#buffers = buffers;
    this.#context = context;
    this.relaxed = context.relaxed;
    this.code = f.code;
    this.#locals = new Map([
      [kernel.first, firstParameter],
      [kernel.last, lastParameter],
    ]);
    this.#setOnce = setOnce(kernel.body);
    this.#lifted = context.relaxed ? multiplyAddLocals(kernel.body) : new Set();
  }

  write(kernel: Kernel): void {
    const { scope, body } = this.#inScope(
      { assigned: assignedIn(kernel.body), index: null, step: 0, innermost: !kernel.body.some(hasLoop) },
      () => this.#statements(kernel.body),
    );
    this.code.append(scope.preheader).append(body);
  }

  // --- statements ------------------------------------------------------------------------------------------------------

  /** What the statements define is known until their end: the indices it was computed from are then those of now. */
  #statements(list: readonly Statement[]): void {
    const { definitions } = this.#expressions;
    const settled: Local[] = [];
    for (const s of list) {
      this.#statement(s);
      if (s.kind !== "set" || !this.#setOnce.has(s.local)) continue;
      settled.push(s.local);
      this.#settled.add(s.local);
      if (this.#isDefinition(s.local, s.value)) definitions.set(s.local, s.value);
    }
    for (const l of settled) {
      this.#settled.delete(l);
      definitions.delete(l);
      this.#cheap.delete(l);
    }
  }

  /** Whether a local can stand for its value in addresses: an integer computed from what does not change meanwhile. */
  #isDefinition(local: Local, value: Value): boolean {
    if (local.type !== "int32" || local.lanes !== 1) return false;
    const { locals, loads } = this.#expressions.uses(value);
    return !loads && [...locals].every((l) => this.#settled.has(l) || this.#isIndexOrParameter(l));
  }
  #statement(s: Statement): void {
    switch (s.kind) {
      case "set":
        if (this.#isMadeAgain(s.local, s.value)) this.#cheap.set(s.local, s.value);
        else this.#set(s.local, s.value);
        return;
      case "store":
        return this.#store(s.buffer, s.offset, s.value);
      case "loop":
        return this.#loop(s);
      case "if":
        this.value(s.condition);
        this.code.if();
        this.#arm(s.then);
        if (s.otherwise.length > 0) {
          this.code.else();
          this.#arm(s.otherwise);
        }
        this.code.end();
        return;
    }
  }

  #set(local: Local, value: Value): void {
    if (this.#lifted.has(local)) this.lifted(value);
    else this.value(value);
    this.code.set(this.#local(local));
  }

  /** Whether a vector is made where it is needed, so that it takes no register from the loops between there and here. */
  #isMadeAgain(local: Local, value: Value): boolean {
    if (!this.#setOnce.has(local) || !isCheap(value) || this.#scopes.at(-1)?.innermost) return false;
    return [...this.#expressions.uses(value).locals].every((l) => this.#settled.has(l) || this.#isIndexOrParameter(l));
  }

  #arm(list: readonly Statement[]): void {
    const before = this.#literals;
    this.#literals = new Map(before);
    this.#statements(list);
    this.#literals = before;
  }

  #isIndexOrParameter(l: Local): boolean {
    return !this.#scopes[0].assigned.has(l) || this.#scopes.some(({ index }) => index === l);
  }

  #loop({ index, from, to, step, body }: Statement & { kind: "loop" }): void {
    const known = from.kind === "const" && to.kind === "const" ? Math.ceil((to.value - from.value) / step) : null;
    if (known !== null && known <= 0) return;
    const i = this.#local(index);
    this.value(from);
    this.code.set(i);
    const assigned = assignedIn(body).add(index);
    const limit = this.#limit(to, assigned);
    const around = { assigned, index, step, innermost: !body.some(hasLoop) };
    const { scope, body: inner } = this.#inScope(around, ({ moving }) => {
      this.#statements(body);
      if (known === 1) return;
      for (const { pointer, bytes } of moving) this.code.get(pointer).i32(bytes).op("i32.add").set(pointer);
      this.code.get(i).i32(step).op("i32.add").set(i);
    });
    const goesOn = () => {
      this.code.get(i);
      limit.push();
      return this.code.op("i32.lt_s");
    };
    const { code } = this;
    if (known === null) goesOn().if();
    code.append(scope.preheader);
    if (known === 1) code.append(inner);
    else if (isTile(body)) {
      code.loop();
      goesOn().if().loop().end().append(inner).br(1).end().end();
    } else {
      code.loop().append(inner);
      goesOn().brIf(0).end();
    }
    if (known === null) code.end();
    limit.done();
  }

  /** The end of a loop, computed once. */
  #limit(to: Value, assigned: ReadonlySet<Local>): { push: () => void; done: () => void } {
    if (to.kind === "const" || (to.kind === "get" && !assigned.has(to.local)))
      return { push: () => this.value(to), done: () => undefined };
    const local = this.#borrow("i32");
    this.value(to);
    this.code.set(local);
    return { push: () => this.code.get(local), done: () => this.#giveBack("i32", local) };
  }

  /** Writes a loop body (or the function's) apart, while what it hoists collects in the scope's preheader. */
  #inScope(
    around: Pick<Scope, "assigned" | "index" | "step" | "innermost">,
    write: (scope: Scope) => void,
  ): { scope: Scope; body: Code } {
    const scope: Scope = { ...around, preheader: new Code(), ready: new Map(), moving: [] };
    this.#literals = new Map();
    this.#scopes.push(scope);
    const body = this.#divert(new Code(), this.#scopes.length, () => write(scope));
    this.#scopes.pop();
    this.#literals = new Map();
    return { scope, body };
  }

  /** Writes into `target` as if only the first `depth` scopes were open. */
  #divert(target: Code, depth: number, write: () => void): Code {
    const outer = this.code;
    const inner = this.#scopes.splice(depth);
    this.code = target;
    write();
    this.code = outer;
    this.#scopes.push(...inner);
    return target;
  }

  /** A local that `write` fills (by leaving its value on the stack) before scope `depth` is entered. */
  #hoist(depth: number, key: string, type: WasmType, write: () => void): number {
    const scope = this.#scopes[depth];
    const known = scope.ready.get(key);
    if (known !== undefined) return known;
    const local = this.#function.local(type);
    this.#divert(scope.preheader, depth, () => {
      write();
      this.code.set(local);
    });
    scope.ready.set(key, local);
    return local;
  }

  // --- locals ----------------------------------------------------------------------------------------------------------

  #local(l: Local): number {
    const known = this.#locals.get(l);
    if (known !== undefined) return known;
    const local = this.#function.local(this.#lifted.has(l) ? "v128" : wasmType(l.type, l.lanes));
    this.#locals.set(l, local);
    return local;
  }
  #borrow(type: WasmType): number {
    return this.#free.get(type)?.pop() ?? this.#function.local(type);
  }
  #giveBack(type: WasmType, local: number): void {
    const list = this.#free.get(type);
    if (list === undefined) this.#free.set(type, [local]);
    else list.push(local);
  }
  withTemp(type: WasmType, use: (local: number) => void): void {
    const local = this.#borrow(type);
    use(local);
    this.#giveBack(type, local);
  }

  // --- values ----------------------------------------------------------------------------------------------------------

  value(v: Value): void {
    switch (v.kind) {
      case "const":
        return this.#constant(v.type, v.lanes, v.value);
      case "get":
        return this.#get(v.local);
      case "counter":
        return this.#counter(v.loop);
      case "load":
        return this.#load(v.buffer, v.offset, loadOp(v), v);
      case "splat":
        return this.#splat(v);
      case "pack":
        return this.#pack(v);
      case "lane":
        this.value(v.value);
        return extract(this, v.type, v.lane);
      case "op":
        return this.#operation(v);
    }
  }

  #counter(loop: number): void {
    const read = () => this.code.get(tableParameter).memory("i32.load", 4 * (this.#context.table.counters + loop));
    if (this.#scopes.length === 0) read();
    else this.code.get(this.#hoist(0, `counter ${loop}`, "i32", read));
  }

  lifted(v: Value): void {
    const constant = constantOf(v);
    if (constant !== null) this.#vectorConstant(v.type, constant);
    else if (v.kind === "op" && v.op === "fma") fusedLanes(this, v);
    else if (v.kind === "load")
      this.#load(v.buffer, v.offset, wide(v.type) ? "v128.load64_zero" : "v128.load32_zero", v);
    else if (v.kind === "get" && this.#lifted.has(v.local)) this.code.get(this.#local(v.local));
    else {
      this.value(v);
      splat(this, v.type);
    }
  }
  callRemainder(): void {
    this.code.call(this.#context.remainder());
  }

  #operation(v: OpValue): void {
    const level = this.#hoistable(v) ? this.#levelOf(v) : null;
    if (level === null) return operation(this, v);
    this.code.get(
      this.#hoist(level, `value ${this.#expressions.key(v)}`, wasmType(v.type, v.lanes), () => operation(this, v)),
    );
  }
  /** Integer arithmetic is worth a local when it can be computed outside of a loop. */
  #hoistable(v: OpValue): boolean {
    return v.lanes === 1 && v.type !== "float32" && v.type !== "float64";
  }
  /** The outermost scope before which a value can be computed, or `null` when it changes in the innermost. */
  #levelOf(v: Value): number | null {
    const { locals, loads } = this.#expressions.uses(v);
    if (loads) return null;
    const level = this.#scopes.findLastIndex((scope) => [...locals].some((l) => scope.assigned.has(l))) + 1;
    return level < this.#scopes.length ? level : null;
  }

  #constant(type: ScalarType, lanes: number, value: number): void {
    if (lanes !== 1) return this.#vectorConstant(type, value);
    if (type === "float32") this.code.f32(value);
    else if (type === "float64") this.code.f64(value);
    else if (type === "int64") this.code.i64(BigInt(value));
    else this.code.i32(value);
  }
  #get(local: Local): void {
    const cheap = this.#cheap.get(local);
    if (cheap !== undefined) return this.#makeAgain(local, cheap);
    this.code.get(this.#local(local));
    if (this.#lifted.has(local)) extract(this, local.type, 0);
  }

  #makeAgain(local: Local, value: Value): void {
    const key = `local ${this.#expressions.key({ kind: "get", type: local.type, lanes: local.lanes, local })}`;
    const level = this.#scopes.at(-1)?.innermost ? this.#levelOf(value) : null;
    if (level === null) this.#made(key, () => this.value(value));
    else this.code.get(this.#hoist(level, key, "v128", () => this.value(value)));
  }

  /**
   * Engines build a literal anew at each use, which costs an innermost loop more than half its speed: there it is built
   * before all loops.
   */
  #vectorConstant(type: ScalarType, value: number): void {
    const bytes = vectorBytes(type, value);
    const key = `constant ${bytes.join()}`;
    if (this.#scopes.at(-1)?.innermost) this.code.get(this.#hoist(0, key, "v128", () => this.code.v128(bytes)));
    else if (bytes.every((b) => b === 0)) this.code.v128(bytes);
    else this.#made(key, () => this.code.v128(bytes));
  }

  /** A vector between loops: kept only as far as the next one, so that it takes no register from that. */
  #made(key: string, write: () => unknown): void {
    const known = this.#literals.get(key);
    if (known !== undefined) {
      this.code.get(known);
      return;
    }
    const local = this.#function.local("v128");
    this.#literals.set(key, local);
    write();
    this.code.tee(local);
  }

  #splat(v: Value & { kind: "splat" }): void {
    const { value, type } = v;
    if (value.kind === "const") return this.#vectorConstant(type, value.value);
    if (value.kind === "load")
      return this.#load(value.buffer, value.offset, wide(type) ? "v128.load64_splat" : "v128.load32_splat", v);
    this.value(value);
    splat(this, type);
  }

  #pack(v: Value & { kind: "pack" }): void {
    const lanes = v.values.filter((x) => x.kind === "lane");
    const [a, b, ...more] = new Set(lanes.map((x) => x.value));
    if (lanes.length === 4 && b !== undefined && more.length === 0) {
      [a, b].forEach((x) => this.value(x));
      this.code.shuffle(lanes.flatMap((x) => range(4).map((byte) => (x.value === b ? 16 : 0) + 4 * x.lane + byte)));
      return;
    }
    const loads = v.values.filter((x) => x.kind === "load");
    if (loads.length < v.values.length) return gather(this, v.type, v.lanes, (lane) => this.value(v.values[lane]));
    const offsets = loads.toReversed().map((x) => this.#pushAddress(x.buffer, x.offset));
    this.code.memory(wide(v.type) ? "v128.load64_zero" : "v128.load32_zero", offsets[loads.length - 1]);
    for (let lane = 1; lane < loads.length; lane++)
      this.code.laneMemory(
        wide(v.type) ? "v128.load64_lane" : "v128.load32_lane",
        lane,
        offsets[loads.length - 1 - lane],
      );
    if (v.type === "bool") this.code.op("i32x4.neg");
  }

  #load(buffer: number, offset: Value, op: MemoryOp, v: Value): void {
    const bytes = this.#pushAddress(buffer, offset);
    this.code.memory(op, bytes);
    if (v.type === "bool" && v.lanes !== 1) this.code.op("i32x4.neg");
  }

  #store(buffer: number, offset: Value, v: Value): void {
    const bytes = this.#pushAddress(buffer, offset);
    this.value(v);
    if (v.type === "bool" && v.lanes !== 1) this.code.op("i32x4.neg");
    if (v.lanes === 2 && !wide(v.type)) this.code.laneMemory("v128.store64_lane", 0, bytes);
    else this.code.memory(storeOp(v), bytes);
  }

  // --- addresses -------------------------------------------------------------------------------------------------------

  /** Pushes the variable part of an element's address and returns the constant part. */
  #pushAddress(buffer: number, offset: Value): number {
    const { constant, terms } = this.#expressions.affine(offset, byteSize(this.#context.buffers[buffer].dtype));
    const within = ((constant % guardBytes) + guardBytes) % guardBytes;
    this.#pushPointer(this.#pointer(buffer, { constant: constant - within, terms }, this.#scopes.length - 1));
    return within;
  }

  #pushPointer({ local, temporary }: Pointer): void {
    this.code.get(local);
    if (temporary) this.#giveBack("i32", local);
  }

  /** The base of a buffer plus `sum`, valid inside scope `depth` and those around it. */
  #pointer(buffer: number, sum: Affine, depth: number): Pointer {
    if (depth < 0) {
      const local = kernelParameters.length + this.#buffers.indexOf(buffer);
      return this.#added({ local, temporary: false }, sum);
    }
    const scope = this.#scopes[depth];
    const key = `pointer ${buffer} ${sum.constant} ${sum.terms.map((t) => `${t.key}*${t.factor}`).join()}`;
    const known = scope.ready.get(key);
    if (known !== undefined) return { local: known, temporary: false };
    const changing = sum.terms.filter((t) => this.#changes(t, scope));
    if (changing.length === 0) return this.#steadyPointer(buffer, sum, depth, key);
    const [term] = changing;
    if (changing.length === 1 && isIndex(term, scope)) {
      const start = { ...sum, terms: sum.terms.filter((t) => t !== term) };
      const local = this.#hoist(depth, key, "i32", () => {
        this.#pushPointer(this.#pointer(buffer, start, depth - 1));
        this.#term(term);
        this.code.op("i32.add");
      });
      scope.moving.push({ pointer: local, bytes: term.factor * scope.step });
      return { local, temporary: false };
    }
    const others = changing.filter((t) => !isIndex(t, scope));
    const rest = { ...sum, terms: sum.terms.filter((t) => !others.includes(t)) };
    return this.#added(this.#pointer(buffer, rest, depth), { constant: 0, terms: others });
  }

  /** An address that does not change in scope `depth` is computed before it. */
  #steadyPointer(buffer: number, sum: Affine, depth: number, key: string): Pointer {
    const { preheader, ready } = this.#scopes[depth];
    let local = 0;
    this.#divert(preheader, depth, () => {
      const outer = this.#pointer(buffer, sum, depth - 1);
      local = outer.local;
      if (!outer.temporary) return;
      local = this.#function.local("i32");
      this.#pushPointer(outer);
      this.code.set(local);
    });
    ready.set(key, local);
    return { local, temporary: false };
  }

  /** `start` plus `sum`, computed on the spot. */
  #added(start: Pointer, { constant, terms }: Affine): Pointer {
    if (constant === 0 && terms.length === 0) return start;
    this.#pushPointer(start);
    if (constant !== 0) this.code.i32(constant).op("i32.add");
    for (const t of terms) {
      this.#term(t);
      this.code.op("i32.add");
    }
    const local = this.#borrow("i32");
    this.code.set(local);
    return { local, temporary: true };
  }

  #term({ atom, factor }: Term): void {
    this.value(atom);
    const log = Math.log2(factor);
    if (Number.isInteger(log)) {
      if (log > 0) this.code.i32(log).op("i32.shl");
    } else this.code.i32(factor).op("i32.mul");
  }

  #changes({ atom }: Term, scope: Scope): boolean {
    const { locals, loads } = this.#expressions.uses(atom);
    return loads || [...locals].some((l) => scope.assigned.has(l));
  }
}

const isIndex = ({ atom }: Term, scope: Scope): boolean => atom.kind === "get" && atom.local === scope.index;

/** Whether a vector costs no more than moving it: a constant or a scalar in every lane. */
const isCheap = (v: Value): boolean =>
  v.lanes !== 1 && (v.kind === "const" || (v.kind === "splat" && (v.value.kind === "get" || v.value.kind === "const")));

/**
 * Whether a loop adds to so many sums that registers are scarce. It then asks at the top whether to go on, and has an empty
 * loop inside. TurboFan (to V8 12) would load everything first that several turns need, or that is used after the loop too.
 * So what a turn computes goes nowhere but to the next one, loads stand beside their uses, and nothing is unrolled.
 */
const isTile = (body: readonly Statement[]): boolean => body.filter(isMultiplyAdd).length >= 8;

/** Whether a product is added to a sum. */
function isMultiplyAdd(s: Statement): boolean {
  if (s.kind !== "set" || s.value.kind !== "op" || s.value.op !== "fma") return false;
  const [, , sum] = s.value.args;
  return sum.kind === "get" && sum.local === s.local;
}

function hasLoop(s: Statement): boolean {
  return s.kind === "loop" || (s.kind === "if" && (s.then.some(hasLoop) || s.otherwise.some(hasLoop)));
}

/** Locals that statements change. */
function assignedIn(body: readonly Statement[]): Set<Local> {
  const found = new Set<Local>();
  visitStatements(body, (s) => {
    if (s.kind === "set") found.add(s.local);
    else if (s.kind === "loop") found.add(s.index);
  });
  return found;
}

/** Locals with one `set` and no loop of their own. */
function setOnce(body: readonly Statement[]): ReadonlySet<Local> {
  const [once, more] = [new Set<Local>(), new Set<Local>()];
  visitStatements(body, (s) => {
    if (s.kind === "set") (once.has(s.local) ? more : once).add(s.local);
    else if (s.kind === "loop") more.add(s.index);
  });
  for (const l of more) once.delete(l);
  return once;
}

/** Scalar floats that take part in multiply-adds and are only ever set to what is as cheap to have in a vector. */
function multiplyAddLocals(body: readonly Statement[]): ReadonlySet<Local> {
  const [wanted, costly] = [new Set<Local>(), new Set<Local>()];
  const read = (v: Value): void => {
    if (v.kind === "op" && v.op === "fma" && v.lanes === 1)
      for (const x of v.args) if (x.kind === "get") wanted.add(x.local);
  };
  const note = (s: Statement): void => {
    if (s.kind !== "set" || s.local.lanes !== 1) return;
    const { value } = s;
    if (value.kind === "op" && value.op === "fma") wanted.add(s.local);
    else if (value.kind !== "load" && value.kind !== "const") costly.add(s.local);
  };
  visitStatements(body, note, read);
  for (const l of costly) wanted.delete(l);
  return wanted;
}

function loadOp({ type, lanes }: Value): MemoryOp {
  return lanes === 2 && !wide(type) ? "v128.load64_zero" : `${wasmType(type, lanes)}.load`;
}
const storeOp = ({ type, lanes }: Value): MemoryOp => `${wasmType(type, lanes)}.store`;

/** A constant in every lane, bools as masks. */
function vectorBytes(type: ScalarType, value: number): Uint8Array {
  switch (type) {
    case "float32":
      return new Uint8Array(new Float32Array(4).fill(value).buffer);
    case "float64":
      return new Uint8Array(new Float64Array(2).fill(value).buffer);
    case "int64":
      return new Uint8Array(new BigInt64Array(2).fill(BigInt(value)).buffer);
    case "bool":
      return new Uint8Array(16).fill(value === 0 ? 0 : 255);
    case "int32":
    case "uint32":
      return new Uint8Array(new Int32Array(4).fill(value).buffer);
  }
}
