/** What a model is made of, as rows and as a table. */
import type { DType, Shape, Tensor } from "../index.js";
import { type Entry, type Module, entries, modules } from "../tree/index.js";
import { countParameters } from "./state.js";
import { surveyOf } from "./survey.js";

/** What `summary` says of one module. */
export interface SummaryRow {
  readonly path: string;
  readonly type: string;
  /** Shape of what `forward` gave; `null` when it was not called, or gave no tensor. */
  readonly outputShape: Shape | null;
  /** Parameters of the module itself, without those of modules inside it. */
  readonly parameters: number;
  /** Products that are summed, in matrix products and convolutions of the module itself, for the whole input. */
  readonly multiplyAdds: number;
  /**
   * How many elements of the input one of the output sees along each spatial axis, through windows (padding included); `null`
   * where that is not known: behind layers that change places otherwise, and where no places are left.
   */
  readonly receptiveField: readonly number[] | null;
  readonly frozen: boolean;
}

/** What all modules of one type have together. */
export interface SummaryKind {
  readonly type: string;
  readonly count: number;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** What `summary` says of a model. */
export interface Summary {
  readonly rows: readonly SummaryRow[];
  /** The types that hold parameters or multiply, most parameters first. */
  readonly kinds: readonly SummaryKind[];
  readonly parameters: number;
  readonly trainable: number;
  readonly multiplyAdds: number;
  /** The table, ready to print. */
  toString(): string;
}

/**
 * The modules of a model with what `forward` gives for inputs of a shape, how many parameters each holds, how many
 * multiply-adds it makes, and what its outputs see. Nothing is computed or allocated: shapes alone go through the model, in
 * evaluation mode.
 */
export function summary(
  model: Module & { forward(x: Tensor): Tensor },
  inputShape: Shape,
  options: { readonly dtype?: DType } = {},
): Summary {
  const seen = surveyOf(model, inputShape, options.dtype);
  const rows = modules(model).map(({ path, module }): SummaryRow => {
    const own = ownEntries(module);
    const { outputShape = null, multiplyAdds = 0, receptiveField = null } = seen.get(module) ?? {};
    return {
      path,
      type: module.constructor.name,
      outputShape,
      parameters: own.reduce((sum, e) => sum + e.leaf.size, 0),
      multiplyAdds,
      receptiveField,
      frozen: own.length > 0 && own.every((e) => e.role === "frozen"),
    };
  });
  const { total, trainable } = countParameters(model);
  const multiplyAdds = rows.reduce((sum, row) => sum + row.multiplyAdds, 0);
  const result = { rows, kinds: kindsOf(rows), parameters: total, trainable, multiplyAdds };
  return { ...result, toString: () => table(result) };
}

/** Trained and frozen tensors that a module holds itself. */
function ownEntries(module: Module): Entry[] {
  const inner = modules(module).slice(1);
  const prefixes = inner.map(({ path }) => `${path}.`);
  return entries(module).filter((e) => e.role !== "buffer" && !prefixes.some((p) => e.path.startsWith(p)));
}

function kindsOf(rows: readonly SummaryRow[]): SummaryKind[] {
  const kinds = new Map<string, SummaryKind>();
  for (const { type, parameters, multiplyAdds } of rows) {
    const known = kinds.get(type) ?? { type, count: 0, parameters: 0, multiplyAdds: 0 };
    kinds.set(type, {
      type,
      count: known.count + 1,
      parameters: known.parameters + parameters,
      multiplyAdds: known.multiplyAdds + multiplyAdds,
    });
  }
  return [...kinds.values()]
    .filter((kind) => kind.parameters + kind.multiplyAdds > 0)
    .toSorted((a, b) => b.parameters - a.parameters);
}

const number = (n: number): string => n.toLocaleString("en-US");
const orNothing = (n: number): string => (n === 0 ? "" : number(n));
const percent = (part: number, whole: number): string => (whole === 0 ? "" : `${((100 * part) / whole).toFixed(1)} %`);

function table({ rows, kinds, parameters, trainable, multiplyAdds }: Omit<Summary, "toString">): string {
  const lines = rows.map((r) => [
    r.path === "" ? "(model)" : r.path,
    r.type,
    r.outputShape === null ? "" : `[${r.outputShape.join(", ")}]`,
    r.parameters === 0 ? "" : `${number(r.parameters)}${r.frozen ? " (frozen)" : ""}`,
    orNothing(r.multiplyAdds),
    r.receptiveField === null ? "" : r.receptiveField.join("×"),
  ]);
  const shares = kinds.map((k) => [
    k.type,
    number(k.count),
    orNothing(k.parameters),
    percent(k.parameters, parameters),
    orNothing(k.multiplyAdds),
    percent(k.multiplyAdds, multiplyAdds),
  ]);
  return [
    textTable(["path", "type", "output shape", "parameters", "multiply-adds", "sees"], lines, 3),
    "",
    textTable(["type", "modules", "parameters", "share", "multiply-adds", "share"], shares, 1),
    "",
    `${number(parameters)} parameters, ${number(trainable)} of them trained; ${number(multiplyAdds)} multiply-adds`,
  ].join("\n");
}

/** Columns side by side; those from number `right` on are aligned to the right. */
function textTable(header: readonly string[], lines: readonly (readonly string[])[], right: number): string {
  const widths = header.map((h, i) => Math.max(h.length, ...lines.map((line) => line[i].length)));
  const row = (cells: readonly string[]): string =>
    cells
      .map((c, i) => (i >= right ? c.padStart(widths[i]) : c.padEnd(widths[i])))
      .join("  ")
      .trimEnd();
  return [row(header), widths.map((w) => "─".repeat(w)).join("  "), ...lines.map(row)].join("\n");
}
