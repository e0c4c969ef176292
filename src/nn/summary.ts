/** What a model is made of, as rows and as a table. */
import { type DType, type Shape, Tensor, zeros } from "../index.js";
import { type Entry, type Module, entries, modules } from "../tree/index.js";
import { countParameters } from "./state.js";

export interface SummaryRow {
  readonly path: string;
  readonly type: string;
  /** Shape of what `forward` gave; `null` when it was not called, or gave no tensor. */
  readonly outputShape: Shape | null;
  /** Parameters of the module itself, without those of modules inside it. */
  readonly parameters: number;
  readonly frozen: boolean;
}

export interface Summary {
  readonly rows: readonly SummaryRow[];
  readonly parameters: number;
  readonly trainable: number;
  /** The table, ready to print. */
  toString(): string;
}

type Forward = (this: Module, ...args: readonly unknown[]) => unknown;
const forwardOf = (module: Module): Forward | null => {
  const method: unknown = Reflect.get(module, "forward");
  return typeof method === "function" ? (...args) => Reflect.apply(method, module, args) : null;
};

/** Runs `f` while every module notes the shape that its `forward` gives. */
function watchForward(model: Module, f: () => void): Map<Module, Shape> {
  const shapes = new Map<Module, Shape>();
  const watched = modules(model).flatMap(({ module }) => {
    const forward = forwardOf(module);
    if (forward === null) return [];
    const watching = (...args: readonly unknown[]): unknown => {
      const result = Reflect.apply(forward, module, args);
      if (result instanceof Tensor) shapes.set(module, result.shape);
      return result;
    };
    Object.defineProperty(module, "forward", { value: watching, configurable: true, enumerable: false });
    return [module];
  });
  try {
    f();
  } finally {
    for (const module of watched) Reflect.deleteProperty(module, "forward");
  }
  return shapes;
}

/**
 * The modules of a model with what `forward` gives for inputs of a shape, and how many parameters each holds. Nothing is
 * computed: shapes alone go through the model, in evaluation mode.
 */
export function summary(
  model: Module & { forward(x: Tensor): Tensor },
  inputShape: Shape,
  options: { readonly dtype?: DType } = {},
): Summary {
  const wasTraining = modules(model).filter(({ module }) => module.training);
  model.eval();
  const shapes = watchForward(model, () => model.forward(zeros(inputShape, { dtype: options.dtype })));
  for (const { module } of wasTraining) module.training = true;
  const rows = modules(model).map(({ path, module }): SummaryRow => {
    const own = ownEntries(module);
    return {
      path,
      type: module.constructor.name,
      outputShape: shapes.get(module) ?? null,
      parameters: own.reduce((sum, e) => sum + e.leaf.size, 0),
      frozen: own.length > 0 && own.every((e) => e.role === "frozen"),
    };
  });
  const { total, trainable } = countParameters(model);
  return { rows, parameters: total, trainable, toString: () => table(rows, total, trainable) };
}

/** Trained and frozen tensors that a module holds itself. */
function ownEntries(module: Module): Entry[] {
  const inner = modules(module).slice(1);
  const prefixes = inner.map(({ path }) => `${path}.`);
  return entries(module).filter((e) => e.role !== "buffer" && !prefixes.some((p) => e.path.startsWith(p)));
}

const number = (n: number): string => n.toLocaleString("en-US");

function table(rows: readonly SummaryRow[], total: number, trainable: number): string {
  const lines = rows.map((r) => [
    r.path === "" ? "(model)" : r.path,
    r.type,
    r.outputShape === null ? "" : `[${r.outputShape.join(", ")}]`,
    r.parameters === 0 ? "" : `${number(r.parameters)}${r.frozen ? " (frozen)" : ""}`,
  ]);
  return [
    textTable(["path", "type", "output shape", "parameters"], lines),
    `${number(total)} parameters, ${number(trainable)} of them trained`,
  ].join("\n");
}

/** Columns side by side; the last one is aligned to the right. */
function textTable(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = header.map((h, i) => Math.max(h.length, ...lines.map((line) => line[i].length)));
  const last = header.length - 1;
  const row = (cells: readonly string[]): string =>
    cells.map((c, i) => (i === last ? c.padStart(widths[i]) : c.padEnd(widths[i]))).join("  ");
  return [row(header), widths.map((w) => "─".repeat(w)).join("  "), ...lines.map(row)].join("\n");
}
