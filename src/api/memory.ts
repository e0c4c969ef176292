/** When values are computed, and when they are freed. */
import { evaluateNodes, hold as holdNode } from "../tensor/evaluate.js";
import { scoped } from "../tensor/scope.js";
import { nodesOf } from "./marks.js";

/** Computes all tensors of the trees, in one program. */
export function evaluate(...trees: readonly unknown[]): void {
  evaluateNodes(nodesOf(trees));
}

/**
 * Says that the tensors of a tree belong to a state: they are computed along with whatever is read next, so that a loop
 * that reads only its loss does not keep a growing graph. Optimizers do this for the models they update.
 */
export function hold(tree: unknown): void {
  watchers.forEach((seen) => seen.push(tree));
  nodesOf(tree).forEach(holdNode);
}

const watchers = new Set<unknown[]>();

/** Runs `f` and gives, beside its result, the trees that were handed to `hold` meanwhile. */
export function watchingHolds<T>(f: () => T): readonly [result: T, held: readonly unknown[]] {
  const seen: unknown[] = [];
  watchers.add(seen);
  try {
    return [f(), seen];
  } finally {
    watchers.delete(seen);
  }
}

/** Runs `f` and frees, at its end, the values computed in it that are neither in its result nor held as state. */
export const scope = <T>(f: () => T): T => scoped(f, nodesOf);
