/** The grammar of the loop form, checked: types, lanes, buffers, and locals that are set before they are read. */
import type { ScalarOp, ScalarType } from "#src/ir/scalar.js";
import { InternalError, invariant } from "#src/util/errors.js";
import type { Kernel, Local, Program, Statement, Step, Value } from "#src/compile/loop.js";
import { operandsOf } from "#src/compile/walk.js";

const comparisons: ReadonlySet<ScalarOp> = new Set(["lt", "le", "eq", "ne"]);
const argumentCount = (op: ScalarOp): number =>
  op === "select" || op === "fma"
    ? 3
    : ["neg", "abs", "sqrt", "floor", "ceil", "trunc", "nearest", "not", "convert", "bitcast"].includes(op)
      ? 1
      : 2;
const wide = (t: ScalarType): boolean => t === "float64" || t === "int64";

class Checker {
  readonly #program: Program;
  readonly #kernel: Kernel;
  readonly #loops: ReadonlySet<number>;
  readonly #checked = new Set<Value>();
  readonly #vectorBytes: number;

  constructor(program: Program, kernel: Kernel, loops: ReadonlySet<number>, vectorBytes: number) {
    this.#vectorBytes = vectorBytes;
    this.#program = program;
    this.#kernel = kernel;
    this.#loops = loops;
  }

  #require(holds: boolean, what: string, x?: Value): void {
    if (!holds)
      throw new InternalError(
        `internal: kernel ${this.#kernel.name}: ${what}${x ? `: ${x.kind} ${x.type}x${x.lanes}` : ""}. please report this`,
      );
  }

  /** Locals known after the statements that were known before or are set in all of their paths. */
  statements(list: readonly Statement[], known: ReadonlySet<Local>): Set<Local> {
    const now = new Set(known);
    for (const s of list) this.#statement(s, now);
    return now;
  }

  #statement(s: Statement, known: Set<Local>): void {
    switch (s.kind) {
      case "set":
        this.#value(s.value, known);
        this.#require(
          s.value.type === s.local.type && s.value.lanes === s.local.lanes,
          `${s.local.name} is set to another type`,
          s.value,
        );
        known.add(s.local);
        return;
      case "store":
        this.#offset(s.offset, known);
        this.#value(s.value, known);
        return this.#element(s.buffer, s.value);
      case "loop": {
        this.#offset(s.from, known);
        this.#offset(s.to, known);
        this.#require(s.step > 0 && Number.isInteger(s.step), `a loop with step ${s.step}`);
        this.#require(s.index.type === "int32" && s.index.lanes === 1, "a loop counts in int32");
        this.statements(s.body, new Set(known).add(s.index));
        return;
      }
      case "if":
        this.#value(s.condition, known);
        this.#require(s.condition.type === "bool" && s.condition.lanes === 1, "a condition is one bool", s.condition);
        const then = this.statements(s.then, known);
        for (const x of this.statements(s.otherwise, known)) if (then.has(x)) known.add(x);
    }
  }

  #offset(x: Value, known: ReadonlySet<Local>): void {
    this.#value(x, known);
    this.#require(x.type === "int32" && x.lanes === 1, "an offset is one int32", x);
  }

  #element(buffer: number, x: Value): void {
    const info = this.#program.buffers[buffer];
    this.#require(info !== undefined, `there is no buffer ${buffer}`, x);
    this.#require(info.dtype === x.type, `buffer ${buffer} holds ${info.dtype}`, x);
  }

  #value(x: Value, known: ReadonlySet<Local>): void {
    if (x.kind === "get") return this.#require(known.has(x.local), "a local is read before it is set", x);
    for (const part of operandsOf(x)) this.#value(part, known);
    // What is known to be well formed may read other locals here.
    if (x.kind !== "load" && this.#checked.has(x)) return;
    this.#checked.add(x);
    this.#require(x.lanes * (wide(x.type) ? 8 : 4) <= this.#vectorBytes, "a vector longer than registers", x);
    switch (x.kind) {
      case "counter":
        return this.#require(this.#loops.has(x.loop), `a counter of loop ${x.loop} outside it`);
      case "load":
        this.#require(x.offset.type === "int32" && x.offset.lanes === 1, "an offset is one int32", x);
        return this.#element(x.buffer, x);
      case "splat":
        return this.#require(x.value.lanes === 1 && x.value.type === x.type && x.lanes > 1, "a splat of a vector", x);
      case "pack":
        this.#require(x.values.length === x.lanes, "a pack of another length", x);
        return this.#require(
          x.values.every((y) => y.lanes === 1 && y.type === x.type),
          "a pack of other types",
          x,
        );
      case "lane":
        return this.#require(
          x.value.type === x.type && x.lane >= 0 && x.lane < x.value.lanes,
          "a lane that is not there",
          x,
        );
      case "op":
        return this.#op(x);
      case "const":
        return;
    }
  }

  #op(x: Value & { kind: "op" }): void {
    const [a, b] = x.args;
    this.#require(x.args.length === argumentCount(x.op), `${x.op} of ${x.args.length} arguments`, x);
    this.#require(
      x.args.every((y) => y.lanes === x.lanes),
      "arguments of other lanes",
      x,
    );
    if (x.op === "convert") return;
    if (x.op === "bitcast") return this.#require(wide(a.type) === wide(x.type), "a bit cast to another width", x);
    if (comparisons.has(x.op))
      return this.#require(x.type === "bool" && a.type === b.type, "a comparison of two types", x);
    const values = x.op === "select" ? x.args.slice(1) : x.args;
    this.#require(x.op !== "select" || a.type === "bool", "a selection by something else than bool", x);
    this.#require(
      values.every((y) => y.type === x.type),
      "arguments of other types",
      x,
    );
  }
}

/** Throws an `InternalError` unless the program follows the grammar of the loop form, with vectors of that many bytes. */
export function verify(program: Program, vectorBytes: number): void {
  const { buffers } = program;
  const walk = (steps: readonly Step[], loops: ReadonlySet<number>): void => {
    for (const step of steps)
      if (step.kind === "kernel") {
        const { kernel } = step;
        for (const [b, other] of kernel.renamed ?? []) invariant(buffers[b].dtype === buffers[other].dtype, "a form");
        if (!kernel.renamed)
          new Checker(program, kernel, loops, vectorBytes).statements(
            kernel.body,
            new Set([kernel.first, kernel.last]),
          );
      } else if (step.kind === "loop") walk(step.steps, new Set(loops).add(step.loop));
      else if (step.kind === "branch") for (const inside of step.cases) walk(inside, loops);
  };
  walk(program.steps, new Set());
}
