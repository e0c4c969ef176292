/** From a graph to a program: every pass, in order. */
import type { Node } from "../ir/node.js";
import { show } from "../ir/shape.js";
import { assemble } from "./assemble.js";
import type { Target } from "./loops.js";
import type { Program } from "./loop.js";
import type { Nest } from "./nest.js";
import { printProgram } from "./print.js";
import { schedule } from "./schedule.js";
import { verify } from "./verify.js";
import { kernelsOf } from "./walk.js";
import { showWire, wireUp } from "./wires.js";

/** What is compiled: `outputs` from `inputs`; the memory of `donated` inputs may be taken over. */
export interface Source {
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
  readonly donated: readonly boolean[];
}

/** What a pass did, told when somebody asks. */
export interface PassRecord {
  readonly name: string;
  readonly summary: string;
  readonly milliseconds: number;
  text(): string;
}

export interface Compiled {
  readonly program: Program;
  readonly passes: readonly PassRecord[];
  /** The loops of each kernel, in the order of `kernelsOf`. */
  readonly nests: readonly Nest[];
}

export const defaultTarget: Target = {
  vectorBytes: 16,
  microRows: 6,
  microVectors: 2,
  kc: 256,
  mc: 96,
  cacheBytes: 1 << 20,
  panelRows: 64,
  farBytes: 1024,
  farSteps: 64,
  taskWork: 16384,
};

const showSpace = (name: string, { axes, over }: Pick<Nest, "axes" | "over">): string =>
  `${name} over [${axes.map((x) => x.extent)}] folds [${over.map((x) => x.extent)}]`;

/** Compiles, and tells what each pass did. */
export function compileWithPasses({ inputs, outputs, donated }: Source, target: Target = defaultTarget): Compiled {
  const [wiring, wiringTook] = timed(() => wireUp(inputs, outputs));
  const [plan, planTook] = timed(() => schedule(wiring));
  const [{ program, nests }, programTook] = timed(() => assemble(wiring, plan, donated, target));
  verify(program, target.vectorBytes);
  const passes: PassRecord[] = [
    {
      name: "wires",
      summary: `${wiring.wires.length} arrays, ${wiring.merged} merged`,
      milliseconds: wiringTook,
      text: () => wiring.wires.map(showWire).join("\n"),
    },
    {
      name: "schedule",
      summary: `${plan.drafts.length} kernels, ${plan.inlined.size} arrays computed where they are used`,
      milliseconds: planTook,
      text: () => plan.drafts.map((d) => showSpace(d.names.toReversed().join("_"), d)).join("\n"),
    },
    {
      name: "program",
      summary: `${kernelsOf(program.steps).length} kernels, ${program.workspaceBytes} bytes of workspace`,
      milliseconds: programTook,
      text: () => printProgram(program),
    },
  ];
  return { program, passes, nests };
}

function timed<T>(f: () => T): [result: T, milliseconds: number] {
  const start = performance.now();
  return [f(), performance.now() - start];
}

/** All passes as text. */
export function explainCompiled({ program, passes }: Compiled): string {
  const signature = `${program.inputs.map(show).join(", ")} -> ${program.outputs.map(show).join(", ")}`;
  return [signature, ...passes.map((p) => `== ${p.name}: ${p.summary}\n${p.text()}`)].join("\n");
}
