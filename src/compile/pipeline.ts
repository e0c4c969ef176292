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
  text(): string;
}

export interface Compiled {
  readonly program: Program;
  readonly passes: readonly PassRecord[];
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
  const wiring = wireUp(inputs, outputs);
  const plan = schedule(wiring);
  const { program, nests } = assemble(wiring, plan, donated, target);
  verify(program, target.vectorBytes);
  const passes: PassRecord[] = [
    {
      name: "wires",
      summary: `${wiring.wires.length} arrays, ${wiring.merged} merged`,
      text: () => wiring.wires.map(showWire).join("\n"),
    },
    {
      name: "schedule",
      summary: `${plan.drafts.length} kernels, ${plan.inlined.size} arrays computed where they are used`,
      text: () => plan.drafts.map((d) => showSpace(d.names.toReversed().join("_"), d)).join("\n"),
    },
    {
      name: "nests",
      summary: `${nests.length} loop nests`,
      text: () => nests.map((n) => showSpace(n.name, n)).join("\n"),
    },
    {
      name: "program",
      summary: `${kernelsOf(program.steps).length} kernels, ${program.workspaceBytes} bytes of workspace`,
      text: () => printProgram(program),
    },
  ];
  return { program, passes };
}

/** The program that computes `outputs` from `inputs`. */
export const compileProgram = (source: Source, target: Target = defaultTarget): Program =>
  compileWithPasses(source, target).program;

/** All passes as text. */
export function explainCompiled({ program, passes }: Compiled): string {
  const signature = `${program.inputs.map(show).join(", ")} -> ${program.outputs.map(show).join(", ")}`;
  return [signature, ...passes.map((p) => `== ${p.name}: ${p.summary}\n${p.text()}`)].join("\n");
}
