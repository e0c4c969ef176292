/**
 * A program as a WebAssembly module: a function for each kernel, and one for each segment, which runs the steps between
 * two host routines in order, with their loops and branches, without returning to JavaScript.
 */
import type { Kernel, Step } from "../../compile/loop.js";
import { bufferIn, buffersIn } from "../../compile/walk.js";
import type { Plan } from "../arena/plan.js";
import type { Stage } from "../arena/stages.js";
import { type Code, type FunctionBuilder, ModuleBuilder } from "./assembler.js";
import { hasRelaxedSimd } from "./features.js";
import { type KernelContext, kernelParameters, renderKernel } from "./kernel.js";
import { type Meeting, writeMeeting } from "./meeting.js";

/** Segments take the addresses of the thread's table and of its scratch memory, its number, and how many there are. */
const segmentParameters = ["i32", "i32", "i32", "i32"] as const;
const [table, scratch, thread, threads] = [0, 1, 2, 3];

/**
 * The module of a program; it exports its segments as `segment0`, `segment1`, … For a memory that is `shared`, several
 * threads may call a segment together.
 */
export function render(plan: Plan, shared: boolean): Uint8Array<ArrayBuffer> {
  return new ProgramWriter(plan, shared).write();
}

type LoopHead = Pick<Step & { readonly kind: "loop" }, "loop" | "length" | "reverse">;

class ProgramWriter {
  readonly #plan: Plan;
  readonly #module: ModuleBuilder;
  readonly #context: KernelContext;
  /** Functions of kernels, by their bodies. */
  readonly #kernels = new Map<Kernel["body"], FunctionBuilder>();
  readonly #shared: boolean;
  readonly #abandoned: number;
  #meet: Meeting | null = null;
  #remainder: number | null = null;

  constructor(plan: Plan, shared: boolean) {
    this.#plan = plan;
    this.#shared = shared;
    this.#module = new ModuleBuilder({ shared });
    this.#abandoned = this.#module.imported("abandoned", [], ["i32"]);
    this.#context = {
      buffers: plan.program.buffers,
      table: plan.table,
      relaxed: hasRelaxedSimd(),
      remainder: () => (this.#remainder ??= writeRemainder(this.#module)),
    };
  }

  write(): Uint8Array<ArrayBuffer> {
    this.#plan.segments.forEach((steps, i) => {
      const f = this.#module.function(segmentParameters, [], `segment${i}`);
      if (this.#shared && this.#plan.sharedWork[i] > 0) this.#stages(f, this.#plan.stages[i]);
      else this.#steps(f, steps);
    });
    return this.#module.finish();
  }

  #steps(f: FunctionBuilder, steps: readonly Step[]): void {
    for (const step of steps)
      if (step.kind === "kernel") this.#call(f.code.i32(0).i32(step.kernel.tasks), step.kernel);
      else if (step.kind === "loop") this.#loop(f, step, () => this.#steps(f, step.steps));
      else if (step.kind === "branch") this.#branch(f, step, (i) => this.#steps(f, step.cases[i]));
  }

  #stages(f: FunctionBuilder, stages: readonly Stage[]): void {
    for (const stage of stages)
      if (stage.kind === "alone") {
        f.code.get(thread).op("i32.eqz").if();
        this.#steps(f, stage.steps);
        f.code.end();
      } else if (stage.kind === "together") this.#together(f, stage.kernel);
      else if (stage.kind === "barrier") f.code.get(thread).get(threads).call(this.#meeting().barrier);
      else if (stage.kind === "loop") this.#loop(f, stage, () => this.#stages(f, stage.stages));
      else this.#branch(f, stage, (i) => this.#stages(f, stage.cases[i]));
  }

  /** One thread does all tasks in one call; several take some at a time. */
  #together(f: FunctionBuilder, kernel: Kernel): void {
    const { take } = this.#meeting();
    const [first, last] = [f.local("i32"), f.local("i32")];
    f.code.get(threads).i32(1).op("i32.eq").if();
    this.#call(f.code.i32(0).i32(kernel.tasks), kernel).else();
    f.code.loop().get(thread).get(threads).i32(kernel.tasks).call(take).set(last).set(first);
    this.#call(f.code.get(last).if().get(first).get(last), kernel).br(1).end().end().end();
  }

  #meeting(): Meeting {
    return (this.#meet ??= writeMeeting(this.#module, this.#abandoned));
  }

  /** Calls a kernel for the tasks whose bounds are on the stack. Its buffers go where its form has their numbers. */
  #call(code: Code, kernel: Kernel): Code {
    code.get(table);
    const { reads, writes } = buffersIn(kernel.body);
    const buffers = [...new Set([...reads, ...writes])];
    for (const b of buffers) {
      const offset = this.#base(code, bufferIn(kernel, b));
      if (offset > 0) code.i32(offset).op("i32.add");
    }
    let f = this.#kernels.get(kernel.body);
    if (f === undefined) {
      const parameters = [...kernelParameters, ...buffers.map(() => "i32" as const)];
      f = this.#module.function(parameters, [], `kernel${this.#kernels.size}`);
      this.#kernels.set(kernel.body, f);
      renderKernel(kernel, f, buffers, this.#context);
    }
    return code.call(f.index);
  }

  /** The counter lives in the call's table, where kernels read it. */
  #loop(f: FunctionBuilder, { loop, length, reverse }: LoopHead, body: () => void): void {
    if (length === 0) return;
    const counter = f.local("i32");
    const at = 4 * (this.#context.table.counters + loop);
    f.code.i32(reverse ? length - 1 : 0).set(counter);
    f.code.loop().get(table).get(counter).memory("i32.store", at);
    body();
    f.code
      .get(counter)
      .i32(reverse ? -1 : 1)
      .op("i32.add")
      .tee(counter);
    if (reverse) f.code.i32(0).op("i32.ge_s");
    else f.code.i32(length).op("i32.lt_s");
    f.code.brIf(0).end();
  }

  #branch(
    f: FunctionBuilder,
    { selector, cases }: { readonly selector: number; readonly cases: readonly unknown[] },
    body: (which: number) => void,
  ): void {
    const last = cases.length - 1;
    f.code.block();
    for (let i = 0; i <= last; i++) f.code.block();
    this.#selected(f.code, f.local("i32"), selector, last);
    f.code.brTable(
      cases.map((_, i) => i),
      last,
    );
    cases.forEach((_, i) => {
      f.code.end();
      body(i);
      if (i < last) f.code.br(last - i);
    });
    f.code.end();
  }

  /** Pushes the selector, at least 0; the table of branches clamps it from above. */
  #selected(code: Code, x: number, selector: number, last: number): void {
    code.memory("i32.load", this.#base(code, selector)).tee(x).i32(0).get(x).i32(0).op("i32.ge_s").op("select");
    code.set(x).get(x).i32(last).get(x).i32(last).op("i32.le_s").op("select");
  }

  /** Pushes the part of a buffer's address that is known at each call, and returns the rest. */
  #base(code: Code, buffer: number): number {
    const { placement: p } = this.#context.buffers[buffer];
    const { workspace, inputs, outputs } = this.#context.table;
    if (p.kind === "scratch") code.get(scratch);
    else if (p.kind === "temporary") code.get(table).memory("i32.load", 4 * workspace);
    else code.get(table).memory("i32.load", 4 * ((p.kind === "input" ? inputs : outputs) + p.index));
    return "offset" in p ? p.offset : 0;
  }
}

/**
 * The exact remainder of float64 division, with the sign of the dividend: doubles the divisor while it fits, then halves
 * it back and subtracts; none of these steps rounds.
 */
function writeRemainder(module: ModuleBuilder): number {
  const f = module.function(["f64", "f64"], ["f64"]);
  const [x, y] = [0, 1];
  const [rest, divisor, part] = [f.local("f64"), f.local("f64"), f.local("f64")];
  const c = f.code;
  c.get(x).op("f64.abs").set(rest).get(y).op("f64.abs").tee(divisor).set(part);
  // NaN for a NaN, an infinite dividend or a zero divisor.
  c.get(rest).f64(Infinity).op("f64.lt").get(divisor).f64(0).op("f64.gt").op("i32.and").op("i32.eqz");
  c.if().f64(Number.NaN).return().end();
  c.get(divisor).f64(Infinity).op("f64.eq").if().get(x).return().end();
  c.block().loop().get(part).get(rest).get(part).op("f64.sub").op("f64.le").op("i32.eqz").brIf(1);
  c.get(part).get(part).op("f64.add").set(part).br(0).end().end();
  c.block().loop().get(part).get(divisor).op("f64.ge").op("i32.eqz").brIf(1);
  c.get(rest).get(part).op("f64.ge").if().get(rest).get(part).op("f64.sub").set(rest).end();
  c.get(part).f64(0.5).op("f64.mul").set(part).br(0).end().end();
  c.get(rest).get(x).op("f64.copysign");
  return f.index;
}
