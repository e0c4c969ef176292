/** What optimizers are made of: functions from gradients to updates that carry a state, and chain. */
import { ArgumentError, type Tensor } from "../index.js";
import { assign, entries } from "../tree/index.js";

/** Tensors by the path they have in a model, such as `layers.0.weight`. */
export type Leaves = Readonly<Record<string, Tensor>>;

/** The parameters of a model (not its statistics, nor what is frozen), or the gradients in their places. */
export const leavesOf = (tree: unknown): Leaves =>
  Object.fromEntries(entries(tree).flatMap((e) => (e.role === "parameter" ? [[e.path, e.leaf]] : [])));

/** Puts tensors in place of those at their paths. */
export function replaceLeaves(tree: unknown, leaves: Leaves): void {
  assign(
    tree,
    entries(tree).map((e) => leaves[e.path] ?? e.leaf),
  );
}

/** What a transformation remembers between steps: a tree of tensors. */
export type State = Tensor | readonly State[] | { readonly [name: string]: State };

/**
 * A step in making updates of gradients. State in, state out: nothing is kept inside. `params` and `grads` have the same
 * paths; so have the updates, which are added to the parameters in the end.
 */
export interface GradientTransformation<S extends State = State> {
  init(params: Leaves): S;
  update(grads: Leaves, state: S, params: Leaves): readonly [updates: Leaves, state: S];
}

/** `f` at every path of `first`, with what the other trees hold there. */
export function mapLeaves(
  f: (first: Tensor, ...rest: Tensor[]) => Tensor,
  first: Leaves,
  ...others: readonly Leaves[]
): Leaves {
  return Object.fromEntries(
    Object.entries(first).map(([path, x]) => {
      const rest = others.map((other) => {
        const value = other[path];
        if (value === undefined) throw new ArgumentError(`optimizer: there is nothing at ${path}. call init again`);
        return value;
      });
      return [path, f(x, ...rest)];
    }),
  );
}

/** A transformation with nothing to remember. */
export const stateless = (update: (grads: Leaves, params: Leaves) => Leaves): GradientTransformation<readonly []> => ({
  init: () => [],
  update: (grads, state, params) => [update(grads, params), state],
});

/** Does nothing. */
export const identity = (): GradientTransformation<readonly []> => stateless((grads) => grads);

/** The transformations one after the other, each working on what the one before it gave. */
export function chain<S extends readonly State[]>(
  ...parts: { readonly [K in keyof S]: GradientTransformation<S[K]> }
): GradientTransformation<readonly State[]> {
  const list: readonly GradientTransformation[] = parts;
  return {
    init: (params) => list.map((t) => t.init(params)),
    update(grads, states, params) {
      let updates = grads;
      const next = list.map((t, i) => {
        const [changed, state] = t.update(updates, states[i], params);
        updates = changed;
        return state;
      });
      return [updates, next];
    },
  };
}

/** Says which parameters something is done to, by their path in the model and what they are. */
export type ParameterMask = (path: string, parameter: Tensor) => boolean;

/**
 * The weights that are multiplied with inputs: parameters of two axes and more. Biases and the scales of normalisations,
 * which have one, are left out. What is decayed by custom (Goodfellow et al. 2016, section 7.1).
 */
export const matrices: ParameterMask = (_, parameter) => parameter.rank >= 2;

/** Applies `inner` to the parameters that `wanted` accepts; the others' gradients pass unchanged. */
export function masked<S extends State>(
  inner: GradientTransformation<S>,
  wanted: ParameterMask,
): GradientTransformation<S> {
  const pick = (leaves: Leaves, params: Leaves): Leaves =>
    Object.fromEntries(Object.entries(leaves).filter(([path]) => wanted(path, params[path])));
  return {
    init: (params) => inner.init(pick(params, params)),
    update(grads, state, params) {
      const [updates, next] = inner.update(pick(grads, params), state, pick(params, params));
      return [{ ...grads, ...updates }, next];
    },
  };
}

/** Parameters moved by their updates, in the dtype of the parameters. */
export const applyUpdates = (params: Leaves, updates: Leaves): Leaves =>
  mapLeaves((p, u) => p.add(u).astype(p.dtype), params, updates);
