/**
 * Constructors of primitives. Most of a primitive follows from a little: an element-wise one from its formula and its
 * partial derivatives, a linear one from its transpose, a bilinear one from two. The three primitives the constructors
 * themselves stand on (`add`, `broadcast`, `sum`) are declared here too.
 */
import { type DType, dtypes as allDTypes, isFloat, numbers } from "../ir/dtype.js";
import {
  type ErrorSample,
  type NdArray,
  Node,
  notDifferentiable,
  type Primitive,
  type Sample,
  type SampleInput,
} from "../ir/node.js";
import { type Expr, s } from "../ir/scalar.js";
import { type Aval, type Shape, sameShape, show, sizeOf } from "../ir/shape.js";
import { otherAxes, range } from "../util/arrays.js";
import { DTypeError, ShapeError, invariant } from "../util/errors.js";
import { addedTo, avals, readFrom, refusal, sample } from "./ndarray.js";

/** Applies a primitive with one output. */
export const apply = <P>(primitive: Primitive<P>, inputs: readonly Node[], params: P): Node =>
  Node.apply(primitive, inputs, params);

/** Params of primitives that have none. */
export type None = Readonly<Record<string, never>>;
export const none: None = {};

/** What applies a primitive without params to one node. */
export const unary =
  (p: Primitive<None>) =>
  (x: Node): Node =>
    apply(p, [x], none);
/** What applies a primitive without params to two nodes. */
export const binary =
  (p: Primitive<None>) =>
  (x: Node, y: Node): Node =>
    apply(p, [x, y], none);

/** Throws unless `value` has one of the dtypes `allowed`. */
export function checkDType(name: string, value: Aval, allowed: readonly DType[]): void {
  if (!allowed.includes(value.dtype))
    throw new DTypeError(`${name}: dtype must be ${allowed.join(" or ")}, got ${show(value)}. convert it with astype`);
}

/**
 * One partial derivative, as the linear map it is: takes a (co)tangent `t` of an input to `t · ∂y/∂x`. A null stands for
 * "not differentiable in this input".
 */
export type PartialRule<P> = ((t: Node, node: Node<P>) => Node) | null;

/** What a pointwise primitive is made of but for how it is computed; `P` are its params. */
interface PointwiseRules<P> {
  readonly name: string;
  readonly arity: number;
  /** How many more inputs lead: bool conditions. The others share one dtype. */
  readonly conditions?: number;
  readonly dtypes: readonly DType[];
  result?(input: DType, params: P): DType;
  readonly partials: readonly PartialRule<P>[] | typeof notDifferentiable;
  reference(xs: readonly number[], params: P, result: DType): number;
  /** Where samples are drawn, away from kinks and poles. */
  readonly domain?: readonly [number, number];
  /** The params of its samples. */
  readonly params: readonly P[];
}

/** A pointwise primitive with a formula. */
export interface Pointwise<P> extends PointwiseRules<P> {
  scalar(xs: readonly Expr[], params: P): Expr;
}

/** A primitive that computes each element from the elements at the same place. Inputs have equal shapes. */
export const pointwise = <P>(def: Pointwise<P>): Primitive<P> =>
  elementByElement(def, (inputs, params) => ({
    form: "map",
    value: (at) =>
      def.scalar(
        inputs.map((x) => x.at(at)),
        params,
      ),
  }));

/** A pointwise primitive without a formula: how many steps it takes depends on the values. */
export interface PointwiseRoutine<P> extends PointwiseRules<P> {
  compute(xs: readonly number[], params: P): number;
  /** Values of each input in its samples. */
  readonly points: readonly (readonly number[])[];
}

/** As `pointwise`, computed on the host in float64. */
export function pointwiseRoutine<P>(def: PointwiseRoutine<P>): Primitive<P> {
  const run = (inputs: readonly NdArray[], params: P): readonly NdArray[] => {
    const [{ shape, data }] = inputs;
    return [
      {
        shape,
        data: data.map((_, k) =>
          def.compute(
            inputs.map((x) => x.data[k]),
            params,
          ),
        ),
      },
    ];
  };
  const primitive = elementByElement(def, (_inputs, params) => ({
    form: "routine",
    run: (inputs) => run(inputs, params),
  }));
  const samples = def.params.flatMap((params) =>
    def.dtypes.map((dtype) => {
      const inputs = def.points.map((values): SampleInput => ({ dtype, shape: [values.length], values }));
      return { inputs, params };
    }),
  );
  return { ...primitive, samples };
}

function elementByElement<P>(def: PointwiseRules<P>, lower: Primitive<P>["lower"]): Primitive<P> {
  const { partials, conditions = 0 } = def;
  const isDifferentiable = (node: Node<P>, i: number) => isFloat(node.dtype) && isFloat(node.inputs[i].dtype);
  const primitive: Primitive<P> = {
    name: def.name,
    infer(inputs, params) {
      invariant(inputs.length === conditions + def.arity, `${def.name} was given ${inputs.length} inputs`);
      checkPointwise(def, inputs);
      const first = inputs[conditions];
      return [{ dtype: def.result?.(first.dtype, params) ?? first.dtype, shape: first.shape }];
    },
    vjp:
      typeof partials === "function"
        ? notDifferentiable
        : (node, [g]) =>
            node.inputs.map((_, i) => (g && isDifferentiable(node, i) ? (partials[i]?.(g, node) ?? null) : null)),
    jvp:
      typeof partials === "function"
        ? notDifferentiable
        : (node, tangents) => {
            const terms = tangents.flatMap((t, i) =>
              t && isDifferentiable(node, i) ? (partials[i]?.(t, node) ?? []) : [],
            );
            return [terms.length === 0 ? null : terms.reduce((a, b) => add(a, b))];
          },
    batch(inputs, batched, size, params) {
      const all = inputs.map((x, i) => (batched[i] ? x : stacked(x, size)));
      return [apply(primitive, all, params)];
    },
    lower,
    reference(inputs, params, [out]) {
      const data = new Float64Array(sizeOf(out.shape));
      for (let k = 0; k < data.length; k++) {
        const xs = inputs.map((x) => x.data[k]);
        data[k] = def.reference(xs, params, out.dtype);
      }
      return [{ shape: out.shape, data }];
    },
    samples: def.params.flatMap((params) => pointwiseSamples(def, params)),
    errors: pointwiseErrors(def),
  };
  return primitive;
}

function checkPointwise<P>(def: PointwiseRules<P>, inputs: readonly Aval[]): void {
  const { conditions = 0, name } = def;
  const first = inputs[conditions];
  for (const x of inputs.slice(0, conditions)) checkDType(name, x, ["bool"]);
  checkDType(name, first, def.dtypes);
  for (const x of inputs)
    if (!sameShape(x.shape, first.shape)) {
      const got = inputs.map(show).join(" and ");
      throw new ShapeError(`${name}: operands must have equal shapes, got ${got}. broadcast them`);
    }
  for (const x of inputs.slice(conditions))
    if (x.dtype !== first.dtype) {
      const got = inputs.map(show).join(" and ");
      throw new DTypeError(`${name}: operands must have one dtype, got ${got}. convert with astype`);
    }
}

const pointwiseShapes: readonly Shape[] = [[], [5], [2, 3], [0, 2]];

function pointwiseInputs<P>(def: PointwiseRules<P>, dtype: DType, shape: Shape): SampleInput[] {
  const condition: SampleInput = { dtype: "bool", shape };
  const operand: SampleInput = def.domain ? { dtype, shape, domain: def.domain } : { dtype, shape };
  return [...range(def.conditions ?? 0).map(() => condition), ...range(def.arity).map(() => operand)];
}

const pointwiseSamples = <P>(def: PointwiseRules<P>, params: P): Sample<P>[] =>
  def.dtypes.flatMap((dtype) =>
    pointwiseShapes.map((shape) => ({ inputs: pointwiseInputs(def, dtype, shape), params })),
  );

function pointwiseErrors<P>(def: PointwiseRules<P>): ErrorSample<P>[] {
  const errors: ErrorSample<P>[] = [];
  const good = pointwiseInputs(def, def.dtypes[0], [2]);
  const wrong = allDTypes.find((d) => !def.dtypes.includes(d));
  for (const params of def.params.slice(0, 1)) {
    if (wrong !== undefined) {
      const inputs = good.map((x, i) => (i < (def.conditions ?? 0) ? x : { ...x, dtype: wrong }));
      errors.push({ inputs, params, message: `${def.name}: dtype must be` });
    }
    if (good.length > 1) {
      const inputs = [...good.slice(0, -1), { ...good[good.length - 1], shape: [3] }];
      errors.push({ inputs, params, message: `${def.name}: operands must have equal shapes` });
    }
  }
  return errors;
}

/** What an element-wise primitive without params is made of. */
export interface Elementwise {
  readonly name: string;
  readonly dtypes: readonly DType[];
  readonly conditions?: number;
  /** Dtype of the result when it is not the inputs'. */
  readonly result?: DType;
  /** For each input, the map of a (co)tangent to `t · ∂y/∂x`. */
  readonly partials: readonly PartialRule<None>[] | typeof notDifferentiable;
  scalar(...xs: Expr[]): Expr;
  reference(...xs: number[]): number;
  readonly domain?: readonly [number, number];
}

/** An element-wise primitive: `y[i] = f(x₁[i], x₂[i], …)`; it has as many inputs as `scalar` has parameters. */
export function elementwise(def: Elementwise): Primitive<None> {
  const { result, conditions = 0 } = def;
  return pointwise<None>({
    name: def.name,
    arity: def.scalar.length - conditions,
    conditions,
    dtypes: def.dtypes,
    ...(result !== undefined && { result: () => result }),
    partials: def.partials,
    scalar: (xs) => def.scalar(...xs),
    reference: (xs) => def.reference(...xs),
    ...(def.domain && { domain: def.domain }),
    params: [none],
  });
}

/** `y = L(x)`, linear in the first input: the transpose gives both derivatives. Further inputs are indices and the like. */
export function linear<P>(
  def: Omit<Primitive<P>, "vjp" | "jvp"> & {
    transpose(g: Node, x: Aval, params: P, rest: readonly Node[]): Node;
  },
): Primitive<P> {
  const { transpose, ...others } = def;
  const primitive: Primitive<P> = {
    ...others,
    vjp(node, [g]) {
      const [x, ...rest] = node.inputs;
      const first = g && isFloat(x.dtype) ? transpose(g, x.aval, node.params, rest) : null;
      return [first, ...rest.map(() => null)];
    },
    jvp: (node, [t]) => [t && isFloat(node.dtype) ? apply(primitive, [t, ...node.inputs.slice(1)], node.params) : null],
  };
  return primitive;
}

/** `y = B(a, b)`, linear in each of two inputs: a transpose for each gives both derivatives. */
export function bilinear<P>(
  def: Omit<Primitive<P>, "vjp" | "jvp"> & {
    transposeLeft(g: Node, left: Aval, right: Node, params: P): Node;
    transposeRight(g: Node, left: Node, right: Aval, params: P): Node;
  },
): Primitive<P> {
  const { transposeLeft, transposeRight, ...others } = def;
  const primitive: Primitive<P> = {
    ...others,
    vjp(node, [g]) {
      const [a, b] = node.inputs;
      if (!g || !isFloat(node.dtype)) return [null, null];
      return [transposeLeft(g, a.aval, b, node.params), transposeRight(g, a, b.aval, node.params)];
    },
    jvp(node, [ta, tb]) {
      const [a, b] = node.inputs;
      if (!isFloat(node.dtype)) return [null];
      const left = ta && apply(primitive, [ta, b], node.params);
      const right = tb && apply(primitive, [a, tb], node.params);
      return [left && right ? add(left, right) : (left ?? right)];
    },
  };
  return primitive;
}

export const addPrimitive = elementwise({
  name: "add",
  dtypes: numbers,
  partials: [(t) => t, (t) => t],
  scalar: (x, y) => s.add(x, y),
  reference: (x, y) => x + y,
});
/** `x + y` of two nodes of equal shape and dtype. */
export const add = binary(addPrimitive);

/** `y[i] = x[i at axes]`: input axis k becomes output axis `axes[k]`, the other output axes repeat. `axes` increase. */
export const broadcastPrimitive: Primitive<{ readonly shape: Shape; readonly axes: readonly number[] }> = linear({
  name: "broadcast",
  infer([x], { shape, axes }) {
    const increasing = axes.every((a, i) => i === 0 || axes[i - 1] < a);
    if (!increasing || axes.length !== x.shape.length || axes.some((a, i) => x.shape[i] !== shape[a]))
      throw new ShapeError(
        `broadcast: the input must fit axes [${axes.join(",")}] of [${shape.join(",")}], got ${show(x)}. give each dimension its axis`,
      );
    return [{ dtype: x.dtype, shape }];
  },
  transpose: (g, _x, { shape, axes }) => sum(g, otherAxes(shape.length, axes)),
  batch: ([x], _batched, size, { shape, axes }) => [
    apply(broadcastPrimitive, [x], { shape: [size, ...shape], axes: [0, ...axes.map((a) => a + 1)] }),
  ],
  lower: ([x], { axes }) => ({ form: "map", value: (at) => x.at(axes.map((a) => at[a])) }),
  reference: ([x], { axes }, [out]) => [readFrom(x, out.shape, (i) => axes.map((a) => i[a]))],
  samples: allDTypes.flatMap((dtype) => [
    sample(dtype, [[]], { shape: [3], axes: [] }),
    sample(dtype, [[2]], { shape: [2, 3], axes: [0] }),
    sample(dtype, [[2, 3]], { shape: [2, 4, 3, 2], axes: [0, 2] }),
  ]),
  errors: [
    refusal(
      avals("float32", [2]),
      { shape: [3], axes: [0] },
      "broadcast: the input must fit axes [0] of [3], got float32[2]",
    ),
  ],
});
export const broadcast = (x: Node, shape: Shape, axes: readonly number[]): Node =>
  sameShape(shape, x.shape) ? x : apply(broadcastPrimitive, [x], { shape, axes });

/** `n` copies of a value along a new leading axis. */
export const stacked = (x: Node, n: number): Node =>
  apply(broadcastPrimitive, [x], { shape: [n, ...x.shape], axes: range(x.shape.length).map((a) => a + 1) });

/** Sum over the axes `axes` (distinct, ascending), which disappear. */
export const sumPrimitive: Primitive<{ readonly axes: readonly number[] }> = linear({
  name: "sum",
  infer: ([x], { axes }) => {
    checkDType("sum", x, numbers);
    return [{ dtype: x.dtype, shape: reducedShape("sum", x, axes) }];
  },
  transpose: (g, x, { axes }) => broadcast(g, x.shape, otherAxes(x.shape.length, axes)),
  batch: ([x], _batched, _size, { axes }) => [apply(sumPrimitive, [x], { axes: axes.map((a) => a + 1) })],
  lower: ([x], { axes }) => ({
    form: "reduce",
    combine: "sum",
    over: axes.map((a) => x.shape[a]),
    value: (at, over) => x.at(interleave(x.shape.length, axes, at, over)),
  }),
  reference: ([x], { axes }, [out]) => [addedTo(out.shape, x, (i) => i.filter((_, a) => !axes.includes(a)))],
  samples: numbers.flatMap((dtype) => [
    sample(dtype, [[4]], { axes: [0] }),
    sample(dtype, [[2, 3, 4]], { axes: [1] }),
    sample(dtype, [[2, 3, 4]], { axes: [0, 2] }),
    sample(dtype, [[2, 0]], { axes: [1] }),
    sample(dtype, [[37, 3]], { axes: [0] }),
  ]),
  errors: [
    refusal(avals("float32", [2]), { axes: [1] }, "sum: the axis must lie in float32[2], got 1"),
    refusal(avals("bool", [2]), { axes: [0] }, "sum: dtype must be"),
  ],
});
export const sum = (x: Node, axes: readonly number[]): Node =>
  axes.length === 0 ? x : apply(sumPrimitive, [x], { axes });

/** The shape that is left when `axes` disappear. */
export function reducedShape(name: string, x: Aval, axes: readonly number[]): Shape {
  for (const a of axes)
    if (!(a >= 0 && a < x.shape.length))
      throw new ShapeError(`${name}: the axis must lie in ${show(x)}, got ${a}. name an axis it has`);
  return x.shape.filter((_, i) => !axes.includes(i));
}

/** The full index of a reduced array from the kept index `at` and the reduced one `over`. */
export function interleave(rank: number, axes: readonly number[], at: readonly Expr[], over: readonly Expr[]): Expr[] {
  let kept = 0;
  return range(rank).map((i) => {
    const k = axes.indexOf(i);
    return k >= 0 ? over[k] : at[kept++];
  });
}
