/** Primitives without a formula: where values come from, and identities that carry a meaning for a transform. */
import { type DType, dtypes, roundTo } from "../ir/dtype.js";
import { Node, notDifferentiable, type Primitive, type Scope, type Stored } from "../ir/node.js";
import { Graph } from "../ir/graph.js";
import { s } from "../ir/scalar.js";
import { type Aval, type Shape, normalizeAxis } from "../ir/shape.js";
import { DTypeError, InternalError } from "../util/errors.js";
import { apply, linear, type None, none, stacked } from "./define.js";
import { build, refusal, sample } from "./ndarray.js";

const neverBatched = (): never => {
  throw new InternalError("internal: a value without inputs is never batched");
};

/** The same number everywhere. The value is kept as text, in which NaN, infinities and -0 stay apart. */
export const fillPrimitive: Primitive<Aval & { readonly value: string }> = {
  name: "fill",
  infer: (_inputs, { dtype, shape }) => [{ dtype, shape }],
  vjp: notDifferentiable,
  jvp: notDifferentiable,
  batch: neverBatched,
  lower: (_inputs, { dtype, value }) => ({ form: "map", value: () => s.const(dtype, Number(value)) }),
  reference: (_inputs, { dtype, shape, value }) => [build(shape, () => roundTo(dtype, Number(value)))],
  samples: dtypes.map((dtype) => ({ inputs: [], params: { dtype, shape: [2, 3], value: "1" } })),
  errors: [],
};
export const fill = (value: number, dtype: DType, shape: Shape): Node =>
  apply(fillPrimitive, [], { dtype, shape, value: Object.is(value, -0) ? "-0" : String(value) });
/** A number with the dtype and shape of a node. */
export const fillLike = (x: Node, value: number): Node => fill(value, x.dtype, x.shape);

/** `y[i] = i along axis`. */
export const iotaPrimitive: Primitive<Aval & { readonly axis: number }> = {
  name: "iota",
  infer(_inputs, { dtype, shape, axis }) {
    if (dtype === "bool") throw new DTypeError("iota: dtype must be a number, got bool. choose int32 or float32");
    normalizeAxis("iota", axis, { dtype, shape });
    return [{ dtype, shape }];
  },
  vjp: notDifferentiable,
  jvp: notDifferentiable,
  batch: neverBatched,
  lower: (_inputs, { dtype, axis }) => ({
    form: "map",
    value: (at) => (dtype === "uint32" ? s.bitcast(dtype, at[axis]) : s.convert(dtype, at[axis])),
  }),
  reference: (_inputs, { shape, axis }) => [build(shape, (i) => i[axis])],
  samples: dtypes
    .filter((d) => d !== "bool")
    .flatMap((dtype) => [0, 1].map((axis) => ({ inputs: [], params: { dtype, shape: [3, 5], axis } }))),
  errors: [
    refusal([], { dtype: "bool", shape: [2], axis: 0 }, "iota: dtype must be a number"),
    refusal([], { dtype: "int32", shape: [2], axis: 1 }, "iota: axis must be"),
  ],
};
export const iota = (dtype: DType, shape: Shape, axis: number): Node =>
  apply(iotaPrimitive, [], { dtype, shape, axis });

/** A primitive whose value comes from outside: nothing is computed, derived or batched. */
const outside = <P extends Aval>(name: string): Primitive<P> => ({
  name,
  infer: (_inputs, { dtype, shape }) => [{ dtype, shape }],
  vjp: notDifferentiable,
  jvp: notDifferentiable,
  batch: neverBatched,
  lower: () => ({ form: "input" }),
  reference: () => {
    throw new InternalError(`internal: a ${name} is never computed`);
  },
  samples: [],
  errors: [],
});

/** A value that came from outside: a host array, a device buffer. Its data is the node's `value`. */
export const constantPrimitive = outside<Aval>("constant");
export function constant(value: Stored): Node {
  return Node.valued(constantPrimitive, { dtype: value.dtype, shape: value.shape }, value);
}

/** A hole that a caller fills: an argument of a traced function. */
export const placeholderPrimitive = outside<Aval & { readonly label: string }>("placeholder");
/** A placeholder that belongs to no scope: an input of a graph kept as data. */
export const hole = (aval: Aval, label: string): Node =>
  apply(placeholderPrimitive, [], { dtype: aval.dtype, shape: aval.shape, label });
/** A placeholder of a running transform; values that depend on it cannot be read. */
export const placeholder = (aval: Aval, label: string, scope: Scope): Node =>
  Node.scoped(placeholderPrimitive, [], { dtype: aval.dtype, shape: aval.shape, label }, scope);

/** The function `x ↦ x` as a graph. */
function identity(aval: Aval): Graph {
  const x = hole(aval, "x");
  return new Graph([x], [x]);
}

/** `y = x` as one transform sees it: the node itself tells it from x, and from what other transforms see. */
export const markPrimitive: Primitive<None> = linear<None>({
  name: "mark",
  infer: ([x]) => [x],
  transpose: (g) => g,
  batch: ([x]) => [x],
  lower: ([x]) => ({ form: "inline", body: identity(x) }),
  reference: ([x]) => [x],
  samples: dtypes.map((dtype) => sample(dtype, [[2, 3]], none)),
  errors: [],
});
export function mark(x: Node, scope: Scope): Node {
  const node = Node.scoped(markPrimitive, [x], none, scope);
  if (x.value !== null) node.settle(x.value);
  return node;
}

/** `y = x` whose derivative is zero by decree. */
export const stopGradientPrimitive: Primitive<None> = {
  name: "stopGradient",
  infer: ([x]) => [x],
  vjp: notDifferentiable,
  jvp: notDifferentiable,
  batch: ([x]) => [stopGradient(x)],
  lower: ([x]) => ({ form: "inline", body: identity(x) }),
  reference: ([x]) => [x],
  samples: dtypes.map((dtype) => sample(dtype, [[2, 3]], none)),
  errors: [],
};
export const stopGradient = (x: Node): Node => apply(stopGradientPrimitive, [x], none);

/**
 * `y = x`, computed again once `after` is known. Since the two sides of a barrier are different values, what follows it is
 * not merged with equal computations on `x` itself.
 */
export const barrierPrimitive: Primitive<None> = linear<None>({
  name: "barrier",
  infer: ([x]) => [x],
  transpose: (g) => g,
  batch: ([x, after], [xBatched], size) => [barrier(xBatched ? x : stacked(x, size), after)],
  lower: ([x]) => ({ form: "map", value: (at) => x.at(at) }),
  reference: ([x]) => [x],
  samples: dtypes.map((dtype) => sample(dtype, [[2, 3], [2]], none)),
  errors: [],
});
export const barrier = (x: Node, after: Node): Node => apply(barrierPrimitive, [x, after], none);
