/**
 * A kernel as a C function of a range of tasks, the buffers it uses and the counters of program loops around it. What it
 * says depends on nothing else, so kernels that compute alike read alike.
 */
import type { BufferInfo, Kernel, Local, Program, Statement, Value } from "../../compile/loop.js";
import { bufferIn, operandsOf, visitStatements } from "../../compile/walk.js";
import { InternalError } from "../../util/errors.js";
import { type OpValue, type Vocabulary, isWide } from "./operations.js";
import { streamedStores } from "./streams.js";

/** A function without its name, and what to call it with after the range of tasks. */
export interface KernelText {
  readonly text: string;
  readonly buffers: readonly number[];
  readonly counters: readonly number[];
}

/** The buffer that stands for all that share memory: an output that takes over an input is that input. */
export function aliasesOf(program: Program): readonly number[] {
  const { buffers, reuses } = program;
  const inputs = new Map(buffers.flatMap(({ placement: p }, i) => (p.kind === "input" ? [[p.index, i] as const] : [])));
  return buffers.map(({ placement: p }, i) => {
    const reused = p.kind === "output" ? reuses[p.index] : null;
    return reused === null ? i : (inputs.get(reused) ?? i);
  });
}

export function kernelText(
  kernel: Kernel,
  buffers: readonly BufferInfo[],
  aliases: readonly number[],
  vocabulary: Vocabulary,
): KernelText {
  return new KernelWriter(kernel, buffers, aliases, vocabulary).write();
}

class KernelWriter {
  readonly #kernel: Kernel;
  readonly #infos: readonly BufferInfo[];
  readonly #aliases: readonly number[];
  readonly #words: Vocabulary;
  readonly #lines: string[] = [];
  readonly #names = new Map<Local, string>();
  readonly #declared = new Map<string, string[]>();
  readonly #buffers = new Map<number, string>();
  readonly #written = new Set<number>();
  readonly #counters = new Map<number, string>();
  /** Locals that hold index arithmetic. */
  readonly #indices: ReadonlySet<Local>;
  readonly #streamed: ReadonlySet<Statement>;
  #indent = "  ";
  #limits = 0;

  constructor(kernel: Kernel, infos: readonly BufferInfo[], aliases: readonly number[], vocabulary: Vocabulary) {
    this.#kernel = kernel;
    this.#infos = infos;
    this.#aliases = aliases;
    this.#words = vocabulary;
    this.#indices = indexLocals(kernel);
    this.#streamed = streamedStores(kernel, infos, aliases);
    this.#names.set(kernel.first, "first").set(kernel.last, "last");
  }

  write(): KernelText {
    this.#statements(this.#kernel.body);
    if (this.#streamed.size > 0) this.#line(this.#words.streamed());
    const pointers = [...this.#buffers].map(([b, name]) => {
      const type = this.#words.type(this.#infos[b].dtype, 1);
      return `${this.#written.has(b) ? "" : "const "}${type} *restrict ${name}`;
    });
    const parameters = ["ix first", "ix last", ...pointers, ...[...this.#counters.values()].map((c) => `i32 ${c}`)];
    const locals = [...this.#declared].map(([type, names]) => `  ${type} ${names.join(", ")};`);
    return {
      text: [`(${parameters.join(", ")}) {`, ...locals, ...this.#lines, "}"].join("\n"),
      buffers: [...this.#buffers.keys()],
      counters: [...this.#counters.keys()],
    };
  }

  #line(text: string): void {
    this.#lines.push(this.#indent + text);
  }

  // --- statements ------------------------------------------------------------------------------------------------------

  #statements(list: readonly Statement[]): void {
    for (const s of list) this.#statement(s);
  }
  #nested(list: readonly Statement[]): void {
    const outer = this.#indent;
    this.#indent += "  ";
    this.#statements(list);
    this.#indent = outer;
  }

  #statement(s: Statement): void {
    switch (s.kind) {
      case "set":
        return this.#set(s.local, s.value);
      case "store": {
        const [at, value] = [this.#index(s.offset), this.#value(s.value)];
        const { type, lanes } = s.value;
        const buffer = this.#buffer(s.buffer, true);
        if (lanes === 1) return this.#line(`${buffer}[${at}] = ${value};`);
        if (this.#streamed.has(s))
          return this.#line(`${this.#words.stream(type, lanes)}(${buffer} + ${at}, ${value});`);
        const stored = type === "bool" ? `-${value}` : value;
        return this.#line(`*(${this.#words.type(type, lanes)}_at *)(${buffer} + ${at}) = ${stored};`);
      }
      case "loop": {
        const [i, from, to] = [this.#local(s.index), this.#index(s.from), this.#limit(s.to)];
        this.#line(`for (${i} = ${from}; ${i} < ${to}; ${i} += ${s.step}) {`);
        this.#nested(s.body);
        return this.#line("}");
      }
      case "if":
        this.#line(`if (${this.#value(s.condition)}) {`);
        this.#nested(s.then);
        if (s.otherwise.length > 0) {
          this.#line("} else {");
          this.#nested(s.otherwise);
        }
        return this.#line("}");
    }
  }

  #set(local: Local, value: Value): void {
    const name = this.#local(local);
    if (this.#indices.has(local)) return this.#line(`${name} = ${this.#index(value)};`);
    this.#line(`${name} = ${this.#value(value)};`);
    // Without this, compilers make what is loaded once an operand of every use, and take interleaved vectors apart.
    if (isVectorLoad(value) || isInterleaved(value)) this.#line(`KEEP(${name});`);
  }

  /** The end of a loop, which is computed once. */
  #limit(to: Value): string {
    if (to.kind === "const") return this.#index(to);
    const name = `limit${this.#limits++}`;
    this.#line(`const ix ${name} = ${this.#index(to)};`);
    return name;
  }

  #local(l: Local): string {
    const known = this.#names.get(l);
    if (known !== undefined) return known;
    const name = `v${this.#names.size}`;
    this.#names.set(l, name);
    const type = this.#indices.has(l) ? "ix" : this.#words.type(l.type, l.lanes);
    const list = this.#declared.get(type);
    if (list === undefined) this.#declared.set(type, [name]);
    else list.push(name);
    return name;
  }

  #buffer(number: number, write: boolean): string {
    const b = this.#aliases[bufferIn(this.#kernel, number)];
    if (write) this.#written.add(b);
    let name = this.#buffers.get(b);
    if (name === undefined) this.#buffers.set(b, (name = `p${this.#buffers.size}`));
    return name;
  }
  #counter(loop: number): string {
    let name = this.#counters.get(loop);
    if (name === undefined) this.#counters.set(loop, (name = `c${this.#counters.size}`));
    return name;
  }

  // --- values ----------------------------------------------------------------------------------------------------------

  #value = (v: Value): string => {
    switch (v.kind) {
      case "const":
        return this.#words.constant(v.type, v.lanes, v.value);
      case "get":
        return this.#indices.has(v.local) ? `(i32)${this.#local(v.local)}` : this.#local(v.local);
      case "counter":
        return this.#counter(v.loop);
      case "load":
        return this.#load(v);
      case "splat":
        if (v.value.kind === "const") return this.#words.constant(v.type, v.lanes, v.value.value);
        return this.#words.splat(v.type, v.lanes, this.#value(v.value));
      case "pack": {
        const parts = v.values.map((x) => (v.type === "bool" ? `-(${this.#value(x)})` : this.#value(x)));
        return `(${this.#words.type(v.type, v.lanes)}){${parts.join(", ")}}`;
      }
      case "lane":
        return v.type === "bool" ? `-${this.#value(v.value)}[${v.lane}]` : `${this.#value(v.value)}[${v.lane}]`;
      case "op":
        return this.#operation(v);
    }
  };

  #operation(v: OpValue): string {
    return this.#words.operation(v, v.args.map(this.#value), this.#mask);
  }

  #load(v: Value & { kind: "load" }): string {
    const at = this.#index(v.offset);
    const buffer = this.#buffer(v.buffer, false);
    if (v.lanes === 1) return `${buffer}[${at}]`;
    const loaded = `*(const ${this.#words.type(v.type, v.lanes)}_at *)(${buffer} + ${at})`;
    return v.type === "bool" ? `(-${loaded})` : `(${loaded})`;
  }

  /** A vector of bools with lanes as wide as those of `like`. */
  #mask = (v: Value, like: Value["type"]): string => {
    if (!isWide(like)) return this.#value(v);
    if (v.kind === "op" && isWide(v.args[0].type) && v.op !== "convert") return wideTest(v, v.args.map(this.#value));
    if (v.kind === "op" && v.args.every((x) => x.type === "bool") && v.op !== "select" && v.op !== "bitcast")
      return wideTest(
        v,
        v.args.map((x) => this.#mask(x, like)),
      );
    return `__builtin_convertvector(${this.#value(v)}, ${this.#words.type("int64", v.lanes)})`;
  };

  /** An int32 scalar as `ix`. */
  #index = (v: Value): string => {
    switch (v.kind) {
      case "const":
        return String(v.value);
      case "get":
        return this.#indices.has(v.local) ? this.#local(v.local) : `(ix)${this.#local(v.local)}`;
      case "counter":
        return `(ix)${this.#counter(v.loop)}`;
      case "op": {
        const parts = () => v.args.map(this.#index);
        if (v.op === "neg") return `(-${parts()[0]})`;
        if (v.op === "min" || v.op === "max") return `${v.op}_ix(${parts().join(", ")})`;
        const sign = { add: "+", sub: "-", mul: "*" }[String(v.op)];
        return sign === undefined ? `(ix)${this.#value(v)}` : `(${parts().join(` ${sign} `)})`;
      }
      default:
        return `(ix)${this.#value(v)}`;
    }
  };
}

const isVectorLoad = (v: Value): boolean =>
  v.lanes > 1 && v.type !== "bool" && (v.kind === "load" || (v.kind === "splat" && v.value.kind === "load"));

const isInterleaved = (v: Value): boolean =>
  v.type !== "bool" && v.kind === "pack" && v.values.every((x) => x.kind === "lane");

/** A comparison, or a combination of tests, without narrowing its lanes. */
function wideTest(v: OpValue, args: readonly string[]): string {
  if (v.op === "not") return `(~${args[0]})`;
  const sign = { lt: "<", le: "<=", eq: "==", ne: "!=", and: "&", or: "|", xor: "^" }[String(v.op)];
  if (sign === undefined) throw new InternalError(`internal: ${v.op} is not a test`);
  return `(${args.join(` ${sign} `)})`;
}

/** Int32 locals that only ever hold sums and products of each other, loop indices and constants. */
function indexLocals(kernel: Kernel): ReadonlySet<Local> {
  const indices = new Set<Local>([kernel.first, kernel.last]);
  const sets: (Statement & { kind: "set" })[] = [];
  visitStatements(kernel.body, (s) => {
    if (s.kind === "loop") indices.add(s.index);
    if (s.kind !== "set" || s.local.type !== "int32" || s.local.lanes !== 1) return;
    indices.add(s.local);
    sets.push(s);
  });
  const holds = (v: Value): boolean =>
    v.kind === "const" ||
    v.kind === "counter" ||
    (v.kind === "get" && indices.has(v.local)) ||
    (v.kind === "op" && ["add", "sub", "mul", "neg"].includes(v.op) && operandsOf(v).every(holds));
  for (let changed = true; changed;) {
    changed = false;
    for (const s of sets)
      if (indices.has(s.local) && !holds(s.value)) {
        indices.delete(s.local);
        changed = true;
      }
  }
  return indices;
}
