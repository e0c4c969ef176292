/** From a graph to a program: every pass, in order. */
import type { Node } from "../ir/node.js";
import { type Space, assemble } from "./assemble.js";
import type { Target } from "./loops.js";
import type { Program } from "./loop.js";
import { schedule } from "./schedule.js";
import { kernelsOf } from "./walk.js";
import { wireUp } from "./wires.js";

/** What is compiled: `outputs` from `inputs`; the memory of `donated` inputs may be taken over. */
export interface Source {
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
  readonly donated: readonly boolean[];
}

/** What a pass did. */
export interface PassRecord {
  readonly name: string;
  readonly summary: string;
  readonly milliseconds: number;
}

export interface Compiled {
  readonly program: Program;
  readonly passes: readonly PassRecord[];
  /** The loops of each kernel, in the order of `kernelsOf`. */
  readonly spaces: readonly Space[];
}

export const defaultTarget: Target = {
  vectorBytes: 16,
  microRows: 6,
  microVectors: 2,
  kc: 1024,
  mc: 96,
  panelBytes: 1 << 22,
  cacheBytes: 1 << 20,
  panelRows: 64,
  farBytes: 1024,
  farSteps: 64,
  taskWork: 16384,
};

/** Compiles, and tells what each pass did. */
export function compileWithPasses({ inputs, outputs, donated }: Source, target: Target = defaultTarget): Compiled {
  const [wiring, wiringTook] = timed(() => wireUp(inputs, outputs));
  const [plan, planTook] = timed(() => schedule(wiring));
  const [{ program, spaces }, programTook] = timed(() => assemble(wiring, plan, donated, target));
  const kernels = kernelsOf(program.steps);
  const pass = (name: string, milliseconds: number, summary: string): PassRecord => ({ name, milliseconds, summary });
  const passes = [
    pass("wires", wiringTook, `${wiring.wires.length} arrays, ${wiring.merged} merged`),
    pass("schedule", planTook, `${plan.drafts.length} kernels, ${plan.inlined.size} arrays computed where used`),
    pass("program", programTook, `${kernels.length} kernels, ${program.workspaceBytes} bytes of workspace`),
  ];
  return { program, passes, spaces };
}

function timed<T>(f: () => T): [result: T, milliseconds: number] {
  const start = performance.now();
  return [f(), performance.now() - start];
}
