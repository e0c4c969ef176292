/** Reductions other than the sum. */
import { type DType, isFloat, numbers } from "../ir/dtype.js";
import { type Node, notDifferentiable, type Primitive } from "../ir/node.js";
import type { Combine } from "../ir/scalar.js";
import { show, sizeOf } from "../ir/shape.js";
import { inversePermutation, otherAxes, range } from "../util/arrays.js";
import { ShapeError } from "../util/errors.js";
import { convert, div, equal, mul } from "./arithmetic.js";
import { apply, broadcast, checkDType, interleave, reducedShape, sum } from "./define.js";
import { fillLike } from "./leaf.js";
import { concatenate, reshape, sliceAxis, transpose } from "./movement.js";
import { avals, build, each, element, ravel, refusal, sample, times } from "./ndarray.js";

interface Axes {
  readonly axes: readonly number[];
}
/** A reduced value spread over the axes it lost. */
const spread = (y: Node, x: Node, axes: readonly number[]): Node =>
  broadcast(y, x.shape, otherAxes(x.shape.length, axes));

interface Reduction {
  readonly name: string;
  readonly combine: Combine;
  readonly dtypes: readonly DType[];
  /** The value of an empty reduction; `null` where there is none. */
  readonly neutral: number | null;
  fold(a: number, b: number, dtype: DType): number;
  /** `∂y/∂x`, in the shape of x; `null` for reductions without a derivative. */
  readonly partial: ((x: Node, y: Node, axes: readonly number[]) => Node) | null;
}

function reduction(def: Reduction): Primitive<Axes> {
  const { partial } = def;
  const primitive: Primitive<Axes> = {
    name: def.name,
    infer([x], { axes }) {
      checkDType(def.name, x, def.dtypes);
      const shape = reducedShape(def.name, x, axes);
      if (def.neutral === null && axes.some((a) => x.shape[a] === 0))
        throw new ShapeError(`${def.name}: a reduced axis must not be empty, got ${show(x)}. check the data`);
      return [{ dtype: x.dtype, shape }];
    },
    vjp:
      partial === null
        ? notDifferentiable
        : (node, [g]) => {
            const [x] = node.inputs;
            const { axes } = node.params;
            return [g && isFloat(x.dtype) ? mul(spread(g, x, axes), partial(x, node, axes)) : null];
          },
    jvp:
      partial === null
        ? notDifferentiable
        : (node, [t]) => {
            const { axes } = node.params;
            return [t && isFloat(t.dtype) ? sum(mul(t, partial(node.inputs[0], node, axes)), axes) : null];
          },
    batch: ([x], _batched, _size, { axes }) => [apply(primitive, [x], { axes: axes.map((a) => a + 1) })],
    lower: ([x], { axes }) => ({
      form: "reduce",
      combine: def.combine,
      over: axes.map((a) => x.shape[a]),
      value: (at, over) => x.at(interleave(x.shape.length, axes, at, over)),
    }),
    reference([x], { axes }, [out]) {
      const y = build(out.shape, () => Number.NaN);
      const seen = new Set<number>();
      each(x.shape, (i) => {
        const place = ravel(
          i.filter((_, a) => !axes.includes(a)),
          out.shape,
        );
        y.data[place] = seen.has(place) ? def.fold(y.data[place], element(x, i), out.dtype) : element(x, i);
        seen.add(place);
      });
      return [{ shape: y.shape, data: y.data.map((v, k) => (seen.has(k) ? v : (def.neutral ?? v))) }];
    },
    samples: def.dtypes.flatMap((dtype) => [
      sample(dtype, [[4]], { axes: [0] }),
      sample(dtype, [[2, 3, 4]], { axes: [1] }),
      sample(dtype, [[2, 3, 4]], { axes: [0, 2] }),
      ...(def.neutral === null ? [] : [sample(dtype, [[2, 0]], { axes: [1] })]),
    ]),
    errors: [
      refusal(avals(def.dtypes[0], [2]), { axes: [1] }, `${def.name}: the axis must lie in ${def.dtypes[0]}[2], got 1`),
    ],
  };
  return primitive;
}

/** A reduction over some axes; over none it is the node itself. */
const over =
  (primitive: Primitive<Axes>) =>
  (x: Node, axes: readonly number[]): Node =>
    axes.length === 0 ? x : apply(primitive, [x], { axes });

/** The extreme's share: 1 where x equals it, divided by how many do. */
function extremeShare(x: Node, y: Node, axes: readonly number[]): Node {
  const hits = convert(equal(x, spread(y, x, axes)), x.dtype);
  return div(hits, spread(sum(hits, axes), x, axes));
}

const extreme = (name: "max" | "min", fold: (a: number, b: number) => number) =>
  reduction({ name, combine: name, dtypes: numbers, neutral: null, fold, partial: extremeShare });

/** The largest element; NaN if there is one. Several largest elements share the derivative evenly. */
export const maxPrimitive = extreme("max", (a, b) => Math.max(a, b));
export const max = over(maxPrimitive);

/** The smallest element; NaN if there is one. Several smallest elements share the derivative evenly. */
export const minPrimitive = extreme("min", (a, b) => Math.min(a, b));
export const min = over(minPrimitive);

/** The product; its derivative is right where elements are zero, too. */
export const prodPrimitive = reduction({
  name: "prod",
  combine: "product",
  dtypes: numbers,
  neutral: 1,
  fold: (a, b, dtype) => times(dtype, a, b),
  partial: (x, _y, axes) => {
    const keep = otherAxes(x.shape.length, axes);
    const order = [...keep, ...axes];
    const moved = transpose(x, order);
    const rows = reshape(moved, [...keep.map((a) => x.shape[a]), sizeOf(axes.map((a) => x.shape[a]))]);
    return transpose(reshape(productOfOthers(rows), moved.shape), inversePermutation(order));
  },
});

/** Along the last axis: `y[i] = Π over j ≠ i of x[j]`, by halving, without a division. */
function productOfOthers(x: Node): Node {
  const last = x.shape.length - 1;
  const n = x.shape[last];
  if (n <= 1) return fillLike(x, 1);
  const [a, b] = [sliceAxis(x, last, 0, n >> 1), sliceAxis(x, last, n >> 1, n)];
  const scaled = (half: Node, other: Node): Node =>
    mul(productOfOthers(half), broadcast(prod(other, [last]), half.shape, range(last)));
  return concatenate([scaled(a, b), scaled(b, a)], last);
}
export const prod = over(prodPrimitive);

const boolReduction = (name: string, combine: "any" | "all", neutral: number): Primitive<Axes> =>
  reduction({
    name,
    combine,
    dtypes: ["bool"],
    neutral,
    fold: (a, b) => (combine === "any" ? Number(a || b) : Number(a && b)),
    partial: null,
  });
export const anyPrimitive = boolReduction("any", "any", 0);
export const any = over(anyPrimitive);
export const allPrimitive = boolReduction("all", "all", 1);
export const all = over(allPrimitive);

const extremePosition = (name: string, combine: "argmax" | "argmin", better: (a: number, b: number) => boolean) => {
  const primitive: Primitive<{ readonly axis: number }> = {
    name,
    infer([x], { axis }) {
      checkDType(name, x, numbers);
      const shape = reducedShape(name, x, [axis]);
      if (x.shape[axis] === 0)
        throw new ShapeError(`${name}: the axis must not be empty, got ${show(x)}. check the data`);
      return [{ dtype: "int32", shape }];
    },
    vjp: notDifferentiable,
    jvp: notDifferentiable,
    batch: ([x], _batched, _size, { axis }) => [apply(primitive, [x], { axis: axis + 1 })],
    lower: ([x], { axis }) => ({
      form: "reduce",
      combine,
      over: [x.shape[axis]],
      value: (at, over) => x.at(interleave(x.shape.length, [axis], at, over)),
    }),
    reference: ([x], { axis }, [out]) => [
      build(out.shape, (i) => {
        const value = (k: number) => element(x, i.toSpliced(axis, 0, k));
        let best = 0;
        for (let k = 1; k < x.shape[axis]; k++) {
          if (Number.isNaN(value(best))) break;
          if (Number.isNaN(value(k)) || better(value(k), value(best))) best = k;
        }
        return best;
      }),
    ],
    samples: numbers.flatMap((dtype) => [
      sample(dtype, [[5]], { axis: 0 }),
      sample(dtype, [[3, 4]], { axis: 0 }),
      sample(dtype, [[3, 4, 2]], { axis: 1 }),
    ]),
    errors: [refusal(avals("float32", [2, 0]), { axis: 1 }, `${name}: the axis must not be empty`)],
  };
  return primitive;
};
/** The position of the first largest element, or of the first NaN. */
export const argmaxPrimitive = extremePosition("argmax", "argmax", (a, b) => a > b);
export const argmax = (x: Node, axis: number): Node => apply(argmaxPrimitive, [x], { axis });
/** The position of the first smallest element, or of the first NaN. */
export const argminPrimitive = extremePosition("argmin", "argmin", (a, b) => a < b);
export const argmin = (x: Node, axis: number): Node => apply(argminPrimitive, [x], { axis });
