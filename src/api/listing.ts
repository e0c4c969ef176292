/** Programs and kernels as text that reads like C. */
import type { Compiled } from "../compile/pipeline.js";
import { show } from "../ir/shape.js";
import type { Kernel, Program, Statement, Step, Value } from "../compile/loop.js";

const infix: Readonly<Record<string, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  rem: "%",
  and: "&",
  or: "|",
  xor: "^",
  shl: "<<",
  shr: ">>",
  lt: "<",
  le: "<=",
  eq: "==",
  ne: "!=",
};

const typed = (type: string, lanes: number): string => (lanes === 1 ? type : `${type}x${lanes}`);

function printValue(x: Value): string {
  switch (x.kind) {
    case "const":
      return `${Object.is(x.value, -0) ? "-0" : x.value}${x.lanes > 1 ? `x${x.lanes}` : ""}`;
    case "get":
      return x.local.name;
    case "counter":
      return `counter${x.loop}`;
    case "load":
      return `b${x.buffer}[${printValue(x.offset)}${x.lanes > 1 ? `:${x.lanes}` : ""}]`;
    case "splat":
      return `splat${x.lanes}(${printValue(x.value)})`;
    case "pack":
      return `{${x.values.map(printValue).join(", ")}}`;
    case "lane":
      return `${printValue(x.value)}.${x.lane}`;
    case "op": {
      const args = x.args.map(printValue);
      const sign = infix[x.op];
      if (sign) return `(${args.join(` ${sign} `)})`;
      return `${x.op === "convert" || x.op === "bitcast" ? `${x.op}<${typed(x.type, x.lanes)}>` : x.op}(${args.join(", ")})`;
    }
  }
}

function printStatements(statements: readonly Statement[], indent: string): string[] {
  return statements.flatMap((s): string[] => {
    switch (s.kind) {
      case "set":
        return [`${indent}${typed(s.local.type, s.local.lanes)} ${s.local.name} = ${printValue(s.value)}`];
      case "store": {
        const { lanes } = s.value;
        return [
          `${indent}b${s.buffer}[${printValue(s.offset)}${lanes > 1 ? `:${lanes}` : ""}] = ${printValue(s.value)}`,
        ];
      }
      case "loop":
        return [
          `${indent}for ${s.index.name} = ${printValue(s.from)} to ${printValue(s.to)}${s.step === 1 ? "" : ` step ${s.step}`}`,
          ...printStatements(s.body, `${indent}  `),
        ];
      case "if":
        return [
          `${indent}if ${printValue(s.condition)}`,
          ...printStatements(s.then, `${indent}  `),
          ...(s.otherwise.length > 0 ? [`${indent}else`, ...printStatements(s.otherwise, `${indent}  `)] : []),
        ];
    }
  });
}

const amount = (n: number): string =>
  n < 1e4
    ? `${n}`
    : n < 1e7
      ? `${Math.round(n / 1e3)}k`
      : n < 1e10
        ? `${Math.round(n / 1e6)}M`
        : `${Math.round(n / 1e9)}G`;

function printKernel(kernel: Kernel, indent: string): string {
  const { name, tasks, cost, renamed } = kernel;
  const head = `${indent}kernel ${name}: ${tasks} task${tasks === 1 ? "" : "s"}, ${amount(cost.flops)} operations`;
  if (renamed) return `${head}, as above with ${[...renamed].map(([b, now]) => `b${now} for b${b}`).join(", ")}`;
  return [head, ...printStatements(kernel.body, `${indent}  `)].join("\n");
}

function printSteps(steps: readonly Step[], indent: string): string[] {
  return steps.flatMap((step): string[] => {
    switch (step.kind) {
      case "kernel":
        return [printKernel(step.kernel, indent)];
      case "routine":
        return [
          `${indent}routine ${step.name}: ${step.inputs.map((b) => `b${b}`)} -> ${step.outputs.map((b) => `b${b}`)}`,
        ];
      case "loop":
        return [
          `${indent}loop counter${step.loop}: ${step.length} times${step.reverse ? ", backwards" : ""}`,
          ...printSteps(step.steps, `${indent}  `),
        ];
      case "branch":
        return [
          `${indent}branch on b${step.selector}`,
          ...step.cases.flatMap((c, i) => [`${indent}case ${i}`, ...printSteps(c, `${indent}  `)]),
        ];
    }
  });
}

function printProgram(program: Program): string {
  const places = program.buffers.map((b, i) => {
    const { placement: p } = b;
    const where = "index" in p ? `${p.kind} ${p.index}` : `${p.kind} at ${p.offset}`;
    const reuse = p.kind === "output" ? program.reuses[p.index] : null;
    return `b${i}: ${show(b)}, ${where}${reuse === null ? "" : `, in place of input ${reuse}`}`;
  });
  const memory = `workspace ${program.workspaceBytes} bytes, scratch ${program.scratchBytes} bytes`;
  return [...places, memory, ...printSteps(program.steps, "")].join("\n");
}

/** What all passes came to, and the program. */
export function listing({ program, passes }: Compiled): string {
  const signature = `${program.inputs.map(show).join(", ")} -> ${program.outputs.map(show).join(", ")}`;
  return [signature, ...passes.map((p) => `== ${p.name}: ${p.summary}`), printProgram(program)].join("\n");
}
