/** Saying how a function is differentiated, looped and chosen. */
import type { Node } from "../ir/node.js";
import { call, cond as condNodes, scan as scanNodes } from "../transform/index.js";
import { Tensor } from "../tensor/tensor.js";
import { leaves, unflatten } from "../tree/index.js";
import { ArgumentError, ShapeError } from "../util/errors.js";

const nodesOf = (tree: unknown): Node[] => leaves(tree).map((x) => x.node);
const like = <T>(tree: T, nodes: readonly Node[]): T =>
  unflatten(
    tree,
    nodes.map((n) => Tensor.of(n)),
  );

/** Calls a function of a tree as one node; its result takes the form that tracing gave it. */
function callTree<A, R>(label: string, f: (x: A) => R, x: A, options: { readonly recompute: boolean }): R {
  let form: R | undefined;
  const results = call(label, nodesOf(x), (nodes) => nodesOf((form = f(like(x, nodes)))), options);
  if (form === undefined)
    throw new ArgumentError(`${label}: the function must return tensors, got nothing. return its result`);
  return like(form, results);
}

/**
 * A function whose inner values are not kept for the backward pass but computed again there: less memory for more time.
 */
export const checkpoint =
  <A, R>(f: (x: A) => R): ((x: A) => R) =>
  (x) =>
    callTree("checkpoint", f, x, { recompute: true });

/**
 * A function with a backward rule of its own. `rule` gets the argument, the value and the cotangent of the value, and
 * returns the cotangent of the argument, each in the form of what it belongs to; it may use nothing else. Forward mode
 * differentiates `f` itself.
 */
export function customVjp<A, R>(f: (x: A) => R, rule: (x: A, value: R, cotangent: R) => A): (x: A) => R {
  return (x) => {
    let form: R | undefined;
    const traced = (nodes: readonly Node[]): Node[] => nodesOf((form = f(like(x, nodes))));
    const results = call("customVjp", nodesOf(x), traced, {
      rule: (inputs, outputs, cotangents) => {
        if (form === undefined)
          throw new ArgumentError("customVjp: the function must return tensors, got nothing. return its result");
        return nodesOf(rule(like(x, inputs), like(form, outputs), like(form, cotangents)));
      },
    });
    if (form === undefined)
      throw new ArgumentError("customVjp: the function must return tensors, got nothing. return its result");
    return like(form, results);
  };
}

export interface ScanOptions {
  /** The number of steps; needed when there are no sequences. */
  readonly length?: number;
  /** From the last slice to the first. */
  readonly reverse?: boolean;
}

/**
 * A loop that carries a state and goes through the first axis of its sequences:
 * `(carry, y[t]) = f(carry, x[t])`; returns the last state and the stacked results. One node, however long.
 */
export function scan<C, X, Y>(
  f: (carry: C, x: X) => readonly [carry: C, result: Y],
  initial: C,
  sequences: X,
  options: ScanOptions = {},
): [carry: C, results: Y] {
  const nodes = nodesOf(sequences);
  const length = options.length ?? nodes[0]?.shape[0];
  if (length === undefined || nodes.some((x) => x.shape[0] !== length))
    throw new ShapeError(
      `scan: sequences must have one length, got ${nodes.map((x) => x.shape[0] ?? "a scalar").join(", ") || "none"}. pass { length } when there are none`,
    );
  let form: Y | undefined;
  const { carry, results } = scanNodes(
    (state, slices) => {
      const [next, y] = f(like(initial, state), like(sequences, slices));
      form = y;
      return { carry: nodesOf(next), results: nodesOf(y) };
    },
    nodesOf(initial),
    nodes,
    { length, reverse: options.reverse ?? false },
  );
  if (form === undefined)
    throw new ArgumentError("scan: the function must return [carry, result], got nothing. return both");
  return [like(initial, carry), like(form, results)];
}

/**
 * One of two functions of the same operands, chosen by a bool scalar; only the chosen one is computed. Their results must
 * have the same form, dtypes and shapes.
 */
export function cond<A, R>(
  condition: Tensor,
  whenTrue: (operands: A) => R,
  whenFalse: (operands: A) => R,
  operands: A,
): R {
  return choose(condition, [whenFalse, whenTrue], operands);
}

/** One of several functions, chosen by an int32 scalar that is clamped to 0 … n - 1. */
export function choose<A, R>(selector: Tensor, functions: readonly ((operands: A) => R)[], operands: A): R {
  let form: R | undefined;
  const branches = functions.map((f) => (nodes: readonly Node[]) => nodesOf((form = f(like(operands, nodes)))));
  const results = condNodes(selector.node, branches, nodesOf(operands));
  if (form === undefined) throw new ArgumentError("cond: a branch must return tensors, got nothing. return its result");
  return like(form, results);
}
