/**
 * A program as one C file: a function for each kernel, and two for each segment, which run its steps in order with their
 * loops and branches. `alone` is for one thread; `shared` is called by several threads at once, which divide the tasks of
 * each kernel between them and meet before the next.
 */
import type { Kernel, Step } from "../../compile/loop.js";
import type { Plan } from "../arena/plan.js";
import type { Source } from "./builder.js";
import { type KernelText, aliasesOf, kernelText } from "./kernel.js";
import { Vocabulary } from "./operations.js";

/** Keeps a vector in a register: the compiler cannot know that the empty instruction leaves it unchanged. */
const keep = `#if defined(__AVX512F__)
#define KEEP(x) __asm__("" : "+v"(x))
#elif defined(__x86_64__)
#define KEEP(x) __asm__("" : "+x"(x))
#elif defined(__aarch64__)
#define KEEP(x) __asm__("" : "+w"(x))
#else
#define KEEP(x) ((void)0)
#endif`;

/**
 * The words of a barrier: how many threads have arrived, how often all have met, and (set from outside) whether a thread
 * has died; each on a cache line of its own.
 */
const meet = `#if defined(__x86_64__)
#define RELAX() __builtin_ia32_pause()
#else
#define RELAX() ((void)0)
#endif
int sched_yield(void);
static __attribute__((noinline)) i32 meet(u32 *barrier, i32 threads) {
  u32 round = __atomic_load_n(barrier + 16, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(barrier, 1, __ATOMIC_ACQ_REL) == (u32)threads) {
    __atomic_store_n(barrier, 0, __ATOMIC_RELAXED);
    __atomic_add_fetch(barrier + 16, 1, __ATOMIC_RELEASE);
    return 0;
  }
  for (u32 turn = 0; __atomic_load_n(barrier + 16, __ATOMIC_ACQUIRE) == round; turn++) {
    if (__atomic_load_n(barrier + 32, __ATOMIC_RELAXED)) return 1;
    if (turn < 4096) RELAX(); else sched_yield();
  }
  return 0;
}`;

/** Kernels are known to the library alone. Inlined into steps they would take longer to compile and run no faster. */
const hidden = `#define KERNEL __attribute__((noinline, visibility("hidden")))`;

/** Calls a kernel with this thread's part of the tasks. */
const run = `#define RUN(kernel, tasks, ...) do { \\
    const ix from = ((ix)(tasks) * thread + threads - 1) / threads, to = ((ix)(tasks) * (thread + 1) + threads - 1) / threads; \\
    if (from < to) kernel(from, to, __VA_ARGS__); \\
    if (threads > 1 && meet(barrier, threads)) return 1; \\
  } while (0)`;

export function render(plan: Plan): Source {
  return new ProgramWriter(plan).write();
}

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
    const segments = this.#plan.segments.map((steps, i) => this.#segment(steps, i));
    const kernels = [...this.#functions].map(([text, name]) => `KERNEL void ${name}${text}`);
    const declared = kernels.map((text) => `${text.slice(0, text.indexOf(" {"))};`);
    return {
      head: [this.#vocabulary.text(), keep, meet, run, hidden, ...declared].join("\n\n"),
      functions: [...kernels, segments.join("\n\n")],
    };
  }

  #segment(steps: readonly Step[], number: number): string {
    const body = this.#steps(steps, "  ", new Set());
    return [
      `static inline __attribute__((always_inline)) i32 run${number}(char *base, u32 table, u32 scratch, i32 thread, i32 threads, u32 *barrier) {`,
      `  u32 *const words = (u32 *)(base + table);`,
      `  (void)scratch, (void)words;`,
      ...body,
      "  return 0;",
      "}",
      `i32 alone${number}(char *base, u32 table, u32 scratch) { return run${number}(base, table, scratch, 0, 1, 0); }`,
      `i32 shared${number}(char *base, u32 table, u32 scratch, i32 thread, i32 threads, u32 barrier) {`,
      `  return run${number}(base, table, scratch, thread, threads, (u32 *)(base + barrier));`,
      "}",
    ].join("\n");
  }

  /** `counters`: the loops whose counters are variables here; others stand in the table. */
  #steps(steps: readonly Step[], indent: string, counters: ReadonlySet<number>): string[] {
    return steps.flatMap((step) => {
      switch (step.kind) {
        case "kernel":
          return [indent + this.#call(step.kernel, counters)];
        case "loop":
          return this.#loop(step, indent, counters);
        case "branch":
          return this.#branch(step, indent, counters);
        case "routine":
          return [];
      }
    });
  }

  #call(kernel: Kernel, counters: ReadonlySet<number>): string {
    const { name, buffers, counters: used } = this.#kernel(kernel);
    const { table } = this.#plan;
    const values = used.map((c) => (counters.has(c) ? `loop${c}` : `(i32)words[${table.counters + c}]`));
    return `RUN(${[name, kernel.tasks, ...buffers.map((b) => this.#pointer(b)), ...values].join(", ")});`;
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

  #loop(
    { loop, length, reverse, steps }: Step & { kind: "loop" },
    indent: string,
    counters: ReadonlySet<number>,
  ): string[] {
    const head = reverse
      ? `for (i32 loop${loop} = ${length - 1}; loop${loop} >= 0; loop${loop}--) {`
      : `for (i32 loop${loop} = 0; loop${loop} < ${length}; loop${loop}++) {`;
    return [indent + head, ...this.#steps(steps, `${indent}  `, new Set(counters).add(loop)), `${indent}}`];
  }

  #branch({ selector, cases }: Step & { kind: "branch" }, indent: string, counters: ReadonlySet<number>): string[] {
    const last = cases.length - 1;
    return [
      `${indent}switch (min_ix(max_ix(*(const i32 *)${this.#pointer(selector)}, 0), ${last})) {`,
      ...cases.flatMap((steps, i) => [
        `${indent}case ${i}:`,
        ...this.#steps(steps, `${indent}  `, counters),
        `${indent}  break;`,
      ]),
      `${indent}}`,
    ];
  }
}

const identifier = (name: string): string => `k_${name.replaceAll(/\W/g, "_").slice(0, 60)}`;
