/**
 * Trees of tensors: a tensor, an array, a plain object or a `Module`, nested as deep as needed. Everything else found
 * inside one is static: a part of its structure.
 */
import { isFloat } from "../ir/dtype.js";
import { Tensor } from "../tensor/tensor.js";
import { ArgumentError } from "../util/errors.js";
import { type Branch, children, isBranch, join, Module } from "./module.js";

/** What a tensor is to a training loop. Integers and bools are never parameters. */
export type Role = "parameter" | "buffer" | "frozen";

/** A leaf with the path that leads to it (`layers.0.weight`) and its role. */
export interface Entry {
  readonly path: string;
  readonly leaf: Tensor;
  readonly role: Role;
}

interface Visitor {
  leaf(leaf: Tensor, path: string, role: Role): void;
  fixed?(value: unknown, path: string): void;
}

/** Goes through a tree. A module that stands in it several times, or inside itself, is one module, and met once. */
function visit(
  tree: unknown,
  visitor: Visitor,
  path = "",
  role: Role = "parameter",
  met: Set<Module> = new Set(),
): void {
  if (tree instanceof Tensor) visitor.leaf(tree, path, isFloat(tree.dtype) ? role : "buffer");
  else if (tree instanceof Module && met.has(tree)) visitor.fixed?.("met before", path);
  else if (isBranch(tree)) {
    if (tree instanceof Module) met.add(tree);
    const kind =
      tree instanceof Module ? tree.constructor.name : Array.isArray(tree) ? `array ${tree.length}` : "object";
    visitor.fixed?.(kind, path);
    for (const [key, child] of children(tree)) visit(child, visitor, join(path, key), roleOf(tree, key, role), met);
  } else visitor.fixed?.(tree, path);
}

/** The role a module gives the tensors in one of its fields; other branches hand on what they are in. */
function roleOf(branch: Branch, key: string, inherited: Role): Role {
  if (!(branch instanceof Module)) return inherited;
  if (branch.buffers.includes(key)) return "buffer";
  return branch.frozen.includes(key) ? "frozen" : "parameter";
}

/** The tensors of a tree with their paths, in a fixed order. */
export function entries(tree: unknown): Entry[] {
  const found: Entry[] = [];
  visit(tree, { leaf: (leaf, path, role) => found.push({ path, leaf, role }) });
  return found;
}

/** The tensors of a tree, in a fixed order. */
export function leaves(tree: unknown): Tensor[] {
  const found: Tensor[] = [];
  let met: Set<Module> | null = null;
  const walk = (part: unknown): void => {
    if (part instanceof Tensor) found.push(part);
    else if (isBranch(part) && !(part instanceof Module && met?.has(part))) {
      if (part instanceof Module) (met ??= new Set()).add(part);
      for (const child of Array.isArray(part) ? part : Object.values(part)) walk(child);
    }
  };
  walk(tree);
  return found;
}

let nextObject = 0;
const objects = new WeakMap<object, number>();

/** A text for something static: its value when it has one, its identity when it is a function or a foreign object. */
function fixedText(value: unknown): string {
  if ((typeof value === "object" && value !== null) || typeof value === "function") {
    const known = objects.get(value) ?? nextObject++;
    objects.set(value, known);
    return `#${known}`;
  }
  return Object.is(value, -0) ? "-0" : `${typeof value} ${String(value)}`;
}

/** What a tree is beside the values of its tensors: equal for trees that one compiled program serves. */
export function structure(tree: unknown): string {
  const parts: string[] = [];
  visit(tree, {
    leaf: (leaf, path, role) => parts.push(`${path}:${leaf.describe()} ${role}`),
    fixed: (value, path) => parts.push(`${path}=${fixedText(value)}`),
  });
  return parts.join(";");
}

/** A tree of the same structure with every tensor replaced. Modules are copied: the original keeps its tensors. */
export function map<T>(f: (leaf: Tensor, path: string) => Tensor, tree: T): T;
export function map(f: (leaf: Tensor, path: string) => Tensor, tree: unknown): unknown {
  const copies = new Map<Module, Branch>();
  const walk = (part: unknown, path: string): unknown => {
    if (part instanceof Tensor) return f(part, path);
    if (!isBranch(part)) return part;
    const known = part instanceof Module ? copies.get(part) : undefined;
    if (known !== undefined) return known;
    const copy: Branch = Array.isArray(part) ? [] : Object.create(Object.getPrototypeOf(part));
    if (part instanceof Module) copies.set(part, copy);
    for (const [key, child] of children(part))
      Object.defineProperty(copy, key, {
        value: walk(child, join(path, key)),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    return copy;
  };
  return walk(tree, "");
}

/** A tree like `like` with other tensors, given in the order of `leaves`. */
export function unflatten<T>(like: T, tensors: readonly Tensor[]): T;
export function unflatten(like: unknown, tensors: readonly Tensor[]): unknown {
  if (like instanceof Tensor && tensors.length === 1) return tensors[0];
  const count = leaves(like).length;
  if (count !== tensors.length)
    throw new ArgumentError(`tree.unflatten: the tree has ${count} tensors, got ${tensors.length}. give one for each`);
  let next = 0;
  return map(() => tensors[next++], like);
}

/** Puts tensors, in the order of `leaves`, into a tree in place. The tree itself must not be a tensor. */
export function assign(target: unknown, tensors: readonly Tensor[]): void {
  let next = 0;
  const met = new Set<Module>();
  const walk = (part: unknown): void => {
    if (!isBranch(part) || (part instanceof Module && met.has(part))) return;
    if (part instanceof Module) met.add(part);
    for (const [key, child] of children(part))
      if (child instanceof Tensor) Reflect.set(part, key, tensors[next++]);
      else walk(child);
  };
  walk(target);
}

/** Corresponding tensors of several trees of one structure, combined into a tree like the first. */
export function zipMap<T>(f: (...xs: readonly Tensor[]) => Tensor, first: T, ...others: readonly unknown[]): T {
  const lists = others.map(leaves);
  const count = leaves(first).length;
  lists.forEach((list, k) => {
    if (list.length !== count)
      throw new ArgumentError(
        `tree.zipMap: trees must have equally many tensors, got ${count} and ${list.length} in tree ${k + 1}. pass trees of one structure`,
      );
  });
  let next = 0;
  return map((leaf) => {
    const rest = lists.map((list) => list[next]);
    next++;
    return f(leaf, ...rest);
  }, first);
}
