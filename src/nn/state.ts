/** The tensors of a model by name: reading them, loading them, and keeping some from being trained. */
import { ArgumentError, ShapeError, Tensor, isFloat } from "../index.js";
import { type Entry, type Module, assign, entries, leaves, modules } from "../tree/index.js";

/** Tensors of a model by path (`layers.0.weight`). */
export type StateDict = Record<string, Tensor>;

const named = (list: readonly Entry[]): StateDict => Object.fromEntries(list.map((e) => [e.path, e.leaf]));

/** What an optimizer trains, by path (`layers.0.weight`): neither statistics nor frozen tensors. */
export const namedParameters = (model: unknown): StateDict =>
  named(entries(model).filter((e) => e.role === "parameter"));

/** How the tensors of a model are called elsewhere; `pytorchNames(model)` is one. */
export interface Naming {
  /** The name in the state dict of the tensor at a path of the model; the path itself unless told. */
  readonly rename?: (path: string) => string;
  /** Whether a name in the state dict means nothing to the model. */
  readonly ignore?: (name: string) => boolean;
}

/** Every tensor of a model by path, statistics and frozen ones too: what a checkpoint holds. */
export function stateDict(model: unknown, naming: Pick<Naming, "rename"> = {}): StateDict {
  const { rename = (path) => path } = naming;
  const renamed = entries(model).map((e) => ({ ...e, path: rename(e.path) }));
  const twice = renamed.find((e, i) => renamed.findIndex((other) => other.path === e.path) !== i);
  if (twice)
    throw new ArgumentError(`stateDict: names must differ, got ${twice.path} for two tensors. rename them apart`);
  return named(renamed);
}

/** How many numbers a model holds, and how many of them are trained. Statistics do not count. */
export function countParameters(model: unknown): { readonly total: number; readonly trainable: number } {
  const sizes = (role: string): number =>
    entries(model).reduce((sum, e) => (e.role === role ? sum + e.leaf.size : sum), 0);
  const trainable = sizes("parameter");
  return { total: trainable + sizes("frozen"), trainable };
}

/** Converts the floats of a model in place, statistics too: `cast(model, "float64")`. */
export function cast<M>(model: M, dtype: "float32" | "float64"): M {
  assign(
    model,
    leaves(model).map((x) => (isFloat(x.dtype) ? x.astype(dtype) : x)),
  );
  return model;
}

/** A state dict that does not fit a model: names or shapes differ. */
export class StateDictError extends ShapeError {
  override name = "StateDictError";
  /** In what it differs, such as `missing layers.0.weight`. */
  readonly differences: string;

  constructor(differences: string) {
    super(
      `loadStateDict: names and shapes must be those of the model, got ${differences}. load what the same model saved, or rename, as pytorchNames(model) does for PyTorch's`,
    );
    this.differences = differences;
  }
}

/** Names that a model and a state dict do not share. */
export interface LoadReport {
  /** In the model and not in the state: the state's names for them. */
  readonly missing: readonly string[];
  /** In the state and not in the model. */
  readonly unexpected: readonly string[];
}

/**
 * Puts the tensors of a state dict in place of those of a model, in the model's dtypes. Names on one side only are an
 * error unless `strict` is false; shapes that differ always are. Nothing is changed when there is an error. Where the state
 * has other names than the model, `rename` and `ignore` say so: `loadStateDict(model, state, pytorchNames(model))`.
 */
export function loadStateDict(
  model: unknown,
  state: Readonly<StateDict>,
  options: Naming & { readonly strict?: boolean } = {},
): LoadReport {
  const { strict = true, rename = (path) => path, ignore = () => false } = options;
  const pairs = entries(model).map(({ path, leaf }) => {
    const name = rename(path);
    return { path, name, leaf, given: Object.hasOwn(state, name) ? state[name] : null };
  });
  const names = new Set(pairs.map((p) => p.name));
  const missing = pairs.flatMap((p) => (p.given === null ? [p.name] : []));
  const unexpected = Object.keys(state).filter((name) => !names.has(name) && !ignore(name));
  const misshaped = pairs.flatMap(({ path, name, leaf, given }) => {
    const fits = given === null || given.shape.join() === leaf.shape.join();
    const place = path === name ? "in the model" : `in the model at ${path}`;
    return fits ? [] : [`${name} (${leaf.describe()} ${place}, ${given.describe()} in the state)`];
  });
  const list = (what: string, items: readonly string[]): string[] =>
    items.length === 0 ? [] : [`${what} ${items.join(", ")}`];
  const problems = [
    ...(strict ? [...list("missing", missing), ...list("unexpected", unexpected)] : []),
    ...list("of another shape", misshaped),
  ];
  if (problems.length > 0) throw new StateDictError(problems.join("; "));
  assign(
    model,
    pairs.map(({ leaf, given }) => given?.astype(leaf.dtype) ?? leaf),
  );
  return { missing, unexpected };
}

/** Own fields of modules that hold tensors under `path` (all when it is empty). */
function fieldsUnder(model: unknown, path: string): { readonly module: Module; readonly field: string }[] {
  const found = modules(model).flatMap(({ path: at, module }) =>
    Object.entries(module).flatMap(([field, value]) => {
      const full = at === "" ? field : `${at}.${field}`;
      const holds = value instanceof Tensor || entries(value).length > 0;
      const inside = path === "" || full === path || full.startsWith(`${path}.`);
      return holds && inside ? [{ module, field }] : [];
    }),
  );
  if (found.length === 0)
    throw new ArgumentError(
      `freeze: there must be parameters at the path, got "${path}". paths are such as ${JSON.stringify(entries(model)[0]?.path ?? "")}`,
    );
  return found;
}

/** Keeps optimizers from changing the tensors under a path, or any of a model. A frozen tensor still has a gradient. */
export function freeze(model: unknown, path = ""): void {
  for (const { module, field } of fieldsUnder(model, path))
    if (!module.frozen.includes(field)) module.frozen = [...module.frozen, field];
}

/** Lets optimizers change them again. */
export function unfreeze(model: unknown, path = ""): void {
  for (const { module, field } of fieldsUnder(model, path)) module.frozen = module.frozen.filter((x) => x !== field);
}
