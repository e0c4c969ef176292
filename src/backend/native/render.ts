/**
 * A program as one C file: a function for each kernel, and two for each segment, which run its steps in order with their
 * loops and branches. `alone` is for one thread; `shared` is called by several threads at once, and 1 when one was lost.
 */
import type { Kernel, Step } from "../../compile/loop.js";
import type { Plan } from "../arena/plan.js";
import type { Source } from "./builder.js";
import type { Stage } from "../arena/stages.js";
import { type KernelText, aliasesOf, kernelText } from "./kernel.js";
import { meetingText } from "./meeting.js";
import { Vocabulary } from "./operations.js";

/** Keeps a vector in a register: GCC cannot know that the empty instruction leaves it unchanged. Clang needs no help. */
const keep = `#if defined(__clang__)
#define KEEP(x) ((void)0)
#elif defined(__AVX512F__)
#define KEEP(x) __asm__("" : "+v"(x))
#elif defined(__x86_64__)
#define KEEP(x) __asm__("" : "+x"(x))
#elif defined(__aarch64__)
#define KEEP(x) __asm__("" : "+w"(x))
#else
#define KEEP(x) ((void)0)
#endif`;

/** Kernels are known to the library alone. Inlined into steps they would take longer to compile and run no faster. */
const hidden = `#define KERNEL __attribute__((noinline, visibility("hidden")))`;

export function render(plan: Plan): Source {
  return new ProgramWriter(plan).write();
}

type LoopHead = Pick<Step & { readonly kind: "loop" }, "loop" | "length" | "reverse">;

class ProgramWriter {
  readonly #plan: Plan;
  readonly #aliases: readonly number[];
  readonly #vocabulary = new Vocabulary();
  /** What to call for a kernel. */
  readonly #texts = new Map<Kernel, KernelText & { readonly name: string }>();
  readonly #functions = new Map<string, string>();

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#aliases = aliasesOf(plan.program);
  }

  write(): Source {
    const segments = this.#plan.segments.map((_, i) => this.#segment(i));
    const kernels = [...this.#functions].map(([text, name]) => `KERNEL void ${name}${text}`);
    const declared = kernels.map((text) => `${text.slice(0, text.indexOf(" {"))};`);
    const meeting = this.#plan.sharedWork.some((work) => work > 0) ? [meetingText] : [];
    return {
      head: [this.#vocabulary.text(), keep, hidden, ...declared].join("\n\n"),
      functions: [...kernels, [...meeting, ...segments].join("\n\n")],
    };
  }

  #segment(number: number): string {
    const { segments, stages, sharedWork } = this.#plan;
    const isShared = sharedWork[number] > 0;
    const body = isShared
      ? this.#stages(stages[number], "  ", new Set())
      : this.#steps(segments[number], "  ", new Set());
    const team = isShared ? ", i32 thread, i32 threads, i32 (*ask)(void)" : "";
    return [
      `${isShared ? "" : "static "}i32 ${isShared ? "shared" : "run"}${number}(char *base, u32 table, u32 scratch${team}) {`,
      `  u32 *const words = (u32 *)(base + table);`,
      `  (void)scratch, (void)words;`,
      ...body,
      "  return 0;",
      "}",
      `i32 alone${number}(char *base, u32 table, u32 scratch) { return ${isShared ? `shared${number}(base, table, scratch, 0, 1, 0)` : `run${number}(base, table, scratch)`}; }`,
    ].join("\n");
  }

  /** `counters`: the loops whose counters are variables here; others stand in the table. */
  #steps(steps: readonly Step[], indent: string, counters: ReadonlySet<number>): string[] {
    return steps.flatMap((step) => {
      switch (step.kind) {
        case "kernel":
          return [`${indent}${this.#call(step.kernel, counters, (name) => `${name}(0, `)}`];
        case "loop":
          return this.#loop(step, indent, (inner) => this.#steps(step.steps, inner, new Set(counters).add(step.loop)));
        case "branch":
          return this.#branch(step, indent, (i, inner) => this.#steps(step.cases[i], inner, counters));
        case "routine":
          return [];
      }
    });
  }

  #stages(stages: readonly Stage[], indent: string, counters: ReadonlySet<number>): string[] {
    return stages.flatMap((stage) => {
      switch (stage.kind) {
        case "alone":
          return [`${indent}if (thread == 0) {`, ...this.#steps(stage.steps, `${indent}  `, counters), `${indent}}`];
        case "together":
          return [`${indent}${this.#call(stage.kernel, counters, (name) => `SHARE(${name}, `)}`];
        case "barrier":
          return [`${indent}MEET();`];
        case "loop":
          return this.#loop(stage, indent, (inner) =>
            this.#stages(stage.stages, inner, new Set(counters).add(stage.loop)),
          );
        case "branch":
          return this.#branch(stage, indent, (i, inner) => this.#stages(stage.cases[i], inner, counters));
      }
    });
  }

  /** A call of a kernel for all its tasks; `start` is how it begins. */
  #call(kernel: Kernel, counters: ReadonlySet<number>, start: (name: string) => string): string {
    const { name, buffers, counters: used } = this.#kernel(kernel);
    const { table } = this.#plan;
    const values = used.map((c) => (counters.has(c) ? `loop${c}` : `(i32)words[${table.counters + c}]`));
    return `${start(name)}${[kernel.tasks, ...buffers.map((b) => this.#pointer(b)), ...values].join(", ")});`;
  }

  #kernel(kernel: Kernel): KernelText & { readonly name: string } {
    const known = this.#texts.get(kernel);
    if (known !== undefined) return known;
    const made = kernelText(kernel, this.#plan.program.buffers, this.#aliases, this.#vocabulary);
    const name = this.#functions.get(made.text) ?? `${identifier(kernel.name)}_${this.#functions.size}`;
    this.#functions.set(made.text, name);
    const entry = { ...made, name };
    this.#texts.set(kernel, entry);
    return entry;
  }

  #pointer(buffer: number): string {
    const { placement: p, dtype } = this.#plan.program.buffers[buffer];
    const { inputs, outputs, workspace } = this.#plan.table;
    const type = this.#vocabulary.type(dtype, 1);
    switch (p.kind) {
      case "input":
      case "output":
        return `(${type} *)(base + words[${(p.kind === "input" ? inputs : outputs) + p.index}])`;
      case "temporary":
        return `(${type} *)(base + words[${workspace}] + ${p.offset}u)`;
      case "scratch":
        return `(${type} *)(base + scratch + ${p.offset}u)`;
    }
  }

  #loop({ loop, length, reverse }: LoopHead, indent: string, body: (indent: string) => string[]): string[] {
    const head = reverse
      ? `for (i32 loop${loop} = ${length - 1}; loop${loop} >= 0; loop${loop}--) {`
      : `for (i32 loop${loop} = 0; loop${loop} < ${length}; loop${loop}++) {`;
    return [indent + head, ...body(`${indent}  `), `${indent}}`];
  }

  #branch(
    { selector, cases }: { readonly selector: number; readonly cases: readonly unknown[] },
    indent: string,
    body: (which: number, indent: string) => string[],
  ): string[] {
    const last = cases.length - 1;
    return [
      `${indent}switch (min_ix(max_ix(*(const i32 *)${this.#pointer(selector)}, 0), ${last})) {`,
      ...cases.flatMap((_, i) => [`${indent}case ${i}:`, ...body(i, `${indent}  `), `${indent}  break;`]),
      `${indent}}`,
    ];
  }
}

const identifier = (name: string): string => `k_${name.replaceAll(/\W/g, "_").slice(0, 60)}`;
