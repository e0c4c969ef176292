/** Running a user's function on a transform's own tensors, and putting things back afterwards. */
import type { Node, Scope } from "../ir/node.js";
import { mark } from "../primitive/leaf.js";
import { evaluateLong, evaluateNodes } from "../tensor/evaluate.js";
import { Tensor } from "../tensor/tensor.js";
import { assign, leaves, unflatten } from "../tree/index.js";
import { ArgumentError, ShapeError } from "../util/errors.js";

/** The nodes of a tree's tensors, in the order of `leaves`. */
export const nodesOf = (tree: unknown): Node[] => leaves(tree).map((x) => x.node);

/** A tree like `like` with tensors of these nodes, in the order of `leaves`. */
export function withNodes<T>(like: T, nodes: readonly Node[]): T {
  evaluateLong(nodes);
  return unflatten(
    like,
    nodes.map((n) => Tensor.of(n)),
  );
}

/** Goes on with a result, at once or when its promise resolves, and cleans up in every case, after a throw too. */
export function finish<T, R>(run: () => T | Promise<T>, then: (value: T) => R, cleanup: () => void): R | Promise<R> {
  let waiting = false;
  try {
    const result = run();
    if (!(result instanceof Promise)) return then(result);
    waiting = true;
    return result.then(then).finally(cleanup);
  } finally {
    if (!waiting) cleanup();
  }
}

/** An argument whose tensors were exchanged for those of a transform. */
export interface Entered<T> {
  readonly argument: T;
  readonly nodes: readonly Node[];
  readonly originals: readonly Tensor[];
  /** Puts the original tensors back wherever the transform's still stand; what the function assigned stays. */
  restore(): void;
}

/**
 * Exchanges the tensors of a tree for `replace(node)`. Modules and containers are changed in place, so that a model's
 * methods see the new tensors; a bare tensor is simply another argument.
 */
export function enter<T>(tree: T, replace: (x: Node, index: number) => Node): Entered<T> {
  const originals = leaves(tree);
  const tensors = originals.map((x, i) => Tensor.of(replace(x.node, i)));
  const nodes = tensors.map((t) => t.node);
  if (tree instanceof Tensor) return { argument: unflatten(tree, tensors), nodes, originals, restore: () => {} };
  const originalOf = new Map(tensors.map((t, i) => [t, originals[i]]));
  assign(tree, tensors);
  const restore = (): void => {
    const now = leaves(tree);
    if (now.some((t) => originalOf.has(t)))
      assign(
        tree,
        now.map((t) => originalOf.get(t) ?? t),
      );
  };
  return { argument: tree, nodes, originals, restore };
}

/**
 * Checks an argument that is about to be differentiated, and computes what of it is pending: a loop of gradient steps then
 * runs one and the same program at every step, whether or not anything in it is read.
 */
function settleArgument(op: string, argument: unknown): void {
  if (typeof argument !== "object" || argument === null)
    throw new ArgumentError(
      `${op}: the argument must be a tensor or hold tensors, got ${typeof argument}. wrap numbers in tensor(…)`,
    );
  evaluateNodes(nodesOf(argument).filter((x) => x.scopes.length === 0));
}

/** Marks the tensors of a tree as the variables of one derivative, until `close`. */
export function marked<T>(op: string, tree: T): Entered<T> & { close(): void } {
  settleArgument(op, tree);
  const scope: Scope = { name: op, abstract: false, live: true };
  const entered = enter(tree, (x) => mark(x, scope));
  const close = (): void => {
    entered.restore();
    scope.live = false;
  };
  return { ...entered, close };
}

/** Throws unless two lists of tensors have the same dtypes and shapes. */
export function checkLike(op: string, what: string, expected: readonly Tensor[], got: readonly Tensor[]): void {
  if (expected.length !== got.length)
    throw new ArgumentError(
      `${op}: there must be one ${what} for each of ${expected.length} tensors, got ${got.length}. pass a tree of the same form`,
    );
  expected.forEach((x, i) => {
    if (x.describe() !== got[i].describe())
      throw new ShapeError(
        `${op}: ${what} ${i} must be ${x.describe()}, got ${got[i].describe()}. give it the dtype and shape of its value`,
      );
  });
}
