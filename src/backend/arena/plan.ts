/** How a program is driven: segments of steps that run without returning to JavaScript, and what stands between them. */
import type { Program, ProgramLoop, Step } from "../../compile/loop.js";
import type { Aval } from "../../ir/shape.js";
import { type Stage, type Worth, measuredWorth, sharedWork, stagesOf } from "./stages.js";

type Routine = Step & { readonly kind: "routine" };

/** Where a call's table, an array of words, holds what: addresses of buffers, and counters of program loops. */
function tableLayout(inputs: readonly Aval[], outputs: readonly Aval[], loops: number) {
  const afterInputs = 1 + inputs.length;
  const afterOutputs = afterInputs + outputs.length;
  return { workspace: 0, inputs: 1, outputs: afterInputs, counters: afterOutputs, words: afterOutputs + loops };
}

/** What the driver in JavaScript does, in order. Loops and branches are here only where a routine is inside. */
export type Action =
  | { readonly kind: "segment"; readonly number: number }
  | { readonly kind: "routine"; readonly routine: Routine }
  | (ProgramLoop & { readonly actions: readonly Action[] })
  | { readonly kind: "branch"; readonly selector: number; readonly cases: readonly (readonly Action[])[] };

export interface Plan {
  readonly program: Program;
  readonly table: Readonly<ReturnType<typeof tableLayout>>;
  readonly actions: readonly Action[];
  /** Steps, none of them a routine, that are rendered as one function. */
  readonly segments: readonly (readonly Step[])[];
  /** The same for several threads. */
  readonly stages: readonly (readonly Stage[])[];
  /** Operations of each segment that threads share. */
  readonly sharedWork: readonly number[];
}

/** Cuts a program at its routines, or, when kernels are to stand `apart`, everywhere: segment i is then kernel i. */
export function planOf(program: Program, worth: Worth = measuredWorth, apart = false): Plan {
  const segments: (readonly Step[])[] = [];
  const cut = (steps: readonly Step[]): readonly Action[] => {
    const actions: Action[] = [];
    let together: Step[] = [];
    const flush = () => {
      if (together.length > 0) actions.push({ kind: "segment", number: segments.push(together) - 1 });
      together = [];
    };
    for (const step of steps) {
      if (!apart && !hasRoutine(step)) {
        together.push(step);
        continue;
      }
      flush();
      if (step.kind === "kernel") actions.push({ kind: "segment", number: segments.push([step]) - 1 });
      else if (step.kind === "routine") actions.push({ kind: "routine", routine: step });
      else if (step.kind === "loop") actions.push({ ...step, actions: cut(step.steps) });
      else if (step.kind === "branch") actions.push({ ...step, cases: step.cases.map(cut) });
    }
    flush();
    return actions;
  };
  const { inputs, outputs, loops } = program;
  const actions = cut(program.steps);
  return {
    program,
    table: tableLayout(inputs, outputs, loops),
    actions,
    segments,
    stages: segments.map((steps) => stagesOf(steps, worth.kernel)),
    sharedWork: segments.map((steps) => sharedWork(steps, worth.kernel)),
  };
}

function hasRoutine(step: Step): boolean {
  if (step.kind === "routine") return true;
  if (step.kind === "loop") return step.steps.some(hasRoutine);
  if (step.kind === "branch") return step.cases.some((steps) => steps.some(hasRoutine));
  return false;
}
