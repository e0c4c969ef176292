/** A model, or a part of one: an object whose tensor fields, at any depth, are its state. */

/**
 * Base of layers and models. Fields that hold tensors are parameters, unless the class names them in `buffers` or they are
 * frozen; private names (`#weight`) are not seen. Other fields are static: they belong to the model's structure, and a
 * compiled step that sees one changed traces again.
 *
 * A module in several places is one module: its weights are shared, have one gradient and are saved under the first path.
 * One tensor in two fields makes two parameters, which go their own ways.
 */
export abstract class Module {
  /** Whether the model is being trained: dropout drops and batch normalisation uses the batch only then. */
  training = true;
  /** Names of own fields whose tensors optimizers leave alone. */
  frozen: readonly string[] = [];

  /** Names of own fields whose tensors are saved but are statistics, never trained. */
  get buffers(): readonly string[] {
    return [];
  }

  /** Puts this module and those inside it into training mode, or out of it. */
  train(on = true): this {
    for (const { module } of modules(this)) module.training = on;
    return this;
  }
  /** Puts this module and those inside it into evaluation mode. */
  eval(): this {
    return this.train(false);
  }

  /** Called by `compile` before it traces with this module in its state: the last moment to make tensors that stay. */
  beforeTrace(_state: readonly object[]): void {}
}

/** Parts of a tree by their keys. */
export type Branch = Record<string, unknown> | unknown[] | Module;

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};
export const isBranch = (value: unknown): value is Branch =>
  typeof value === "object" && value !== null && (Array.isArray(value) || value instanceof Module || isPlain(value));

export const children = (branch: Branch): [string, unknown][] => Object.entries(branch);
export const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

/** Every module in a tree with its path, outermost first; one that stands in several places under the first of them. */
export function modules(tree: unknown): { readonly path: string; readonly module: Module }[] {
  const found: { path: string; module: Module }[] = [];
  const met = new Set<Module>();
  const walk = (part: unknown, path: string): void => {
    if (!isBranch(part) || (part instanceof Module && met.has(part))) return;
    if (part instanceof Module) {
      met.add(part);
      found.push({ path, module: part });
    }
    for (const [key, child] of children(part)) walk(child, join(path, key));
  };
  walk(tree, "");
  return found;
}
