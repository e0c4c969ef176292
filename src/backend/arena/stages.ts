/** A segment as several threads run it: which kernels are split, and where threads wait for each other. */
import type { Kernel, ProgramLoop, Step } from "../../compile/loop.js";
import { workOf } from "../../compile/walk.js";
import { defaultTarget } from "../../compile/pipeline.js";

/** What every thread of a run goes through, in order. */
export type Stage =
  /** Thread 0 does these; the others go on. */
  | { readonly kind: "alone"; readonly steps: readonly Step[] }
  /** All threads share the tasks of a kernel. */
  | { readonly kind: "together"; readonly kernel: Kernel }
  | { readonly kind: "barrier" }
  | (ProgramLoop & { readonly stages: readonly Stage[] })
  | { readonly kind: "branch"; readonly selector: number; readonly cases: readonly (readonly Stage[])[] };

/** From how many operations on threads are considered. */
export interface Worth {
  /** Of a task: kernels are not divided further. */
  readonly task: number;
  /** Of a kernel, to be split. */
  readonly kernel: number;
  /** Of the split kernels of a segment. What is faster decides (`Choice`), except where everything is `forced`. */
  readonly segment: number;
  readonly forced: boolean;
}

/**
 * Two threads, element-wise kernels in a chain, AVX2: of 16,000 operations (0.5 µs on one thread) they are 1.2 times as fast
 * as one on Node 26 and half as fast on Node 20; of 65,000 operations 1.7 and 1.1 times; of 131,000 1.8 and 1.3 times.
 */
export const measuredWorth: Worth = {
  task: defaultTarget.taskWork,
  kernel: 1 << 16,
  segment: 1 << 18,
  forced: false,
};

/** Whatever can be split is, on all threads: for tests. */
export const alwaysWorth: Worth = { task: 1, kernel: 0, segment: 1, forced: true };

/** Whether the tasks of a kernel are worth sharing, when it does `splitFrom` operations or more. */
export const isSplit = ({ tasks, cost }: Kernel, splitFrom: number): boolean => tasks > 1 && cost.flops >= splitFrom;

/** Operations that threads share in one run of the steps, 0 when they share none. */
export const sharedWork = (steps: readonly Step[], splitFrom: number): number =>
  workOf(steps, (kernel) => (isSplit(kernel, splitFrom) ? Math.max(1, kernel.cost.flops) : 0));

/** The stages of steps that contain no routine. They begin and end with all threads in step. */
export function stagesOf(steps: readonly Step[], splitFrom: number): readonly Stage[] {
  const writer = new StageWriter(splitFrom);
  writer.steps(steps);
  writer.meet();
  return writer.stages;
}

/**
 * Since the last barrier: nothing was done; thread 0 alone did something; any thread may have done something, or may not
 * yet have read what it goes by.
 */
type Since = "nothing" | "alone" | "anybody";

class StageWriter {
  readonly stages: Stage[] = [];
  readonly #splitFrom: number;
  #since: Since;

  constructor(splitFrom: number, since: Since = "nothing") {
    this.#splitFrom = splitFrom;
    this.#since = since;
  }

  /** A barrier, unless there was just one. */
  meet(): void {
    if (this.#since !== "nothing") this.stages.push({ kind: "barrier" });
    this.#since = "nothing";
  }

  steps(steps: readonly Step[]): void {
    for (const step of steps)
      if (sharedWork([step], this.#splitFrom) === 0) this.#alone(step);
      else if (step.kind === "kernel") this.#together(step.kernel);
      else if (step.kind === "loop") this.#loop(step);
      else if (step.kind === "branch") this.#branch(step);
  }

  #alone(step: Step): void {
    if (this.#since === "anybody") this.meet();
    this.#since = "alone";
    const last = this.stages.at(-1);
    if (last?.kind === "alone") this.stages[this.stages.length - 1] = { kind: "alone", steps: [...last.steps, step] };
    else this.stages.push({ kind: "alone", steps: [step] });
  }

  #together(kernel: Kernel): void {
    this.meet();
    this.stages.push({ kind: "together", kernel });
    this.#since = "anybody";
  }

  /** Each turn begins and ends in step. */
  #loop({ loop, length, reverse, steps }: Step & { readonly kind: "loop" }): void {
    this.meet();
    const body = new StageWriter(this.#splitFrom);
    body.steps(steps);
    body.meet();
    this.stages.push({ kind: "loop", loop, length, reverse, stages: body.stages });
  }

  /** Everybody reads the selector, before anybody does what could change it. */
  #branch({ selector, cases }: Step & { readonly kind: "branch" }): void {
    this.meet();
    const written = cases.map((steps) => {
      const inside = new StageWriter(this.#splitFrom, "anybody");
      inside.steps(steps);
      return inside.stages;
    });
    this.stages.push({ kind: "branch", selector, cases: written });
    this.#since = "anybody";
  }
}
