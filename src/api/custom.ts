/** Saying how a function is differentiated, looped and chosen. */
import type { Node } from "../ir/node.js";
import { call, cond as condNodes, scan as scanNodes } from "../transform/index.js";
import type { Tensor } from "../tensor/tensor.js";
import { ArgumentError, ShapeError } from "../util/errors.js";
import { nodesOf, withNodes } from "./marks.js";

/** Remembers in which form a traced function returned its tensors, to give others the same. */
class Form<R> {
  readonly #must: string;
  #form: R | undefined;
  constructor(must: string) {
    this.#must = must;
  }
  nodesOf(result: R): Node[] {
    return nodesOf((this.#form = result));
  }
  with(nodes: readonly Node[]): R {
    if (this.#form === undefined) throw new ArgumentError(`${this.#must}, got nothing. return its result`);
    return withNodes(this.#form, nodes);
  }
}

/** Calls a function of a tree as one node; its result takes the form that tracing gave it. */
function callTree<A, R>(
  label: string,
  f: (x: A) => R,
  x: A,
  options: { readonly recompute?: boolean; readonly rule?: (x: A, value: R, cotangent: R) => A },
): R {
  const form = new Form<R>(`${label}: the function must return tensors`);
  const { rule, recompute = false } = options;
  const results = call(label, nodesOf(x), (nodes) => form.nodesOf(f(withNodes(x, nodes))), {
    recompute,
    ...(rule && {
      rule: (inputs, outputs, cotangents) =>
        nodesOf(rule(withNodes(x, inputs), form.with(outputs), form.with(cotangents))),
    }),
  });
  return form.with(results);
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
export const customVjp =
  <A, R>(f: (x: A) => R, rule: (x: A, value: R, cotangent: R) => A): ((x: A) => R) =>
  (x) =>
    callTree("customVjp", f, x, { rule });

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
  const form = new Form<Y>("scan: the function must return [carry, result]");
  const { carry, results } = scanNodes(
    (state, slices) => {
      const [next, y] = f(withNodes(initial, state), withNodes(sequences, slices));
      return { carry: nodesOf(next), results: form.nodesOf(y) };
    },
    nodesOf(initial),
    nodes,
    { length, reverse: options.reverse ?? false },
  );
  return [withNodes(initial, carry), form.with(results)];
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
  const form = new Form<R>("cond: a branch must return tensors");
  const branches = functions.map((f) => (nodes: readonly Node[]) => form.nodesOf(f(withNodes(operands, nodes))));
  return form.with(condNodes(selector.node, branches, nodesOf(operands)));
}
