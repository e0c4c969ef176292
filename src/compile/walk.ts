/** Walking the loop form. */
import { remembered } from "../util/key.js";
import type { Kernel, Statement, Step, Value } from "./loop.js";

/** The values directly inside a value. */
export function operandsOf(x: Value): readonly Value[] {
  switch (x.kind) {
    case "const":
    case "get":
    case "counter":
      return [];
    case "load":
      return [x.offset];
    case "splat":
    case "lane":
      return [x.value];
    case "pack":
      return x.values;
    case "op":
      return x.args;
  }
}

export function visitValues(x: Value, visit: (x: Value) => unknown): void {
  visit(x);
  for (const part of operandsOf(x)) visitValues(part, visit);
}

/** Every statement, and (if asked for) every value of its own, in order. */
export function visitStatements(
  statements: readonly Statement[],
  onStatement: (s: Statement) => unknown,
  onValue: ((x: Value) => unknown) | null = null,
): void {
  for (const s of statements) {
    onStatement(s);
    const values =
      s.kind === "set"
        ? [s.value]
        : s.kind === "store"
          ? [s.offset, s.value]
          : s.kind === "loop"
            ? [s.from, s.to]
            : [s.condition];
    if (onValue) for (const x of values) visitValues(x, onValue);
    if (s.kind === "loop") visitStatements(s.body, onStatement, onValue);
    if (s.kind === "if") {
      visitStatements(s.then, onStatement, onValue);
      visitStatements(s.otherwise, onStatement, onValue);
    }
  }
}

/** The buffer that a number in the body of a kernel stands for. */
export const bufferIn = ({ renamed }: Kernel, number: number): number => renamed?.get(number) ?? number;

/** Buffers that are read and written. */
interface Used {
  readonly reads: ReadonlySet<number>;
  readonly writes: ReadonlySet<number>;
}

const used = new WeakMap<Kernel["body"], Used>();

/** The numbers of the buffers that a body reads and writes, which every kernel of its form has its own buffers for. */
export const buffersIn = (body: Kernel["body"]): Used =>
  remembered(used, body, () => {
    const [reads, writes] = [new Set<number>(), new Set<number>()];
    visitStatements(
      body,
      (s) => s.kind === "store" && writes.add(s.buffer),
      (x) => x.kind === "load" && reads.add(x.buffer),
    );
    return { reads, writes };
  });

/** The buffers a kernel reads and writes. */
export function buffersOf(kernel: Kernel): Used {
  const { reads, writes } = buffersIn(kernel.body);
  const here = (numbers: ReadonlySet<number>) => new Set([...numbers].map((b) => bufferIn(kernel, b)));
  return { reads: here(reads), writes: here(writes) };
}

/** All kernels of a list of steps, those inside loops and branches too. */
export function kernelsOf(steps: readonly Step[]): Kernel[] {
  return steps.flatMap((step) => {
    switch (step.kind) {
      case "kernel":
        return [step.kernel];
      case "routine":
        return [];
      case "loop":
        return kernelsOf(step.steps);
      case "branch":
        return step.cases.flatMap((c) => kernelsOf(c));
    }
  });
}

/** What kernels amount to in one run: those in loops as often as they run, of branches the case with most. */
export function workOf(steps: readonly Step[], of: (kernel: Kernel) => number): number {
  const amount = (step: Step): number => {
    switch (step.kind) {
      case "kernel":
        return of(step.kernel);
      case "routine":
        return 0;
      case "loop":
        return step.length * workOf(step.steps, of);
      case "branch":
        return Math.max(0, ...step.cases.map((c) => workOf(c, of)));
    }
  };
  return steps.reduce((sum, step) => sum + amount(step), 0);
}
