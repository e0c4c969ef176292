/** Reading and adding at computed places, and sorting. */
import { type DType, dtypes, numbers } from "../ir/dtype.js";
import { type Node, notDifferentiable, type Primitive } from "../ir/node.js";
import { s } from "../ir/scalar.js";
import { type Aval, sameShape, show } from "../ir/shape.js";
import { remembered } from "../util/key.js";
import { range } from "../util/arrays.js";
import { ShapeError } from "../util/errors.js";
import { and, less, lessEqual, select } from "./arithmetic.js";
import { apply, broadcast, checkDType, linear, stacked } from "./define.js";
import { fillLike } from "./leaf.js";
import { moveAxis } from "./movement.js";
import { avals, build, each, element, ravel, refusal } from "./ndarray.js";

interface GatherParams {
  /** How many leading axes of both inputs go side by side. */
  readonly batch: number;
}

/**
 * Rows at given places: x[B…,N,R…], indices int32[B…,I…] → y[B…,I…,R…], `y[b,i,r] = x[b, indices[b,i], r]`. An index
 * outside 0 to N - 1 gives NaN for floats and 0 for other dtypes, so that a wrong label shows.
 */
export const gatherPrimitive: Primitive<GatherParams> = linear<GatherParams>({
  name: "gather",
  infer([x, indices], { batch }) {
    checkIndexed("gather", x, indices, batch);
    return [{ dtype: x.dtype, shape: [...indices.shape, ...x.shape.slice(batch + 1)] }];
  },
  transpose: (g, x, { batch }, [indices]) => scatterAdd(g, indices, { batch, length: x.shape[batch] }),
  batch([x, indices], [xBatched, indicesBatched], size, { batch }) {
    if (!indicesBatched) {
      // The new axis of x becomes its last one.
      const y = gather(moveAxis(x, 0, x.shape.length - 1), indices, batch);
      return [moveAxis(y, y.shape.length - 1, 0)];
    }
    return [gather(xBatched ? x : stacked(x, size), indices, batch + 1)];
  },
  lower: ([x, indices], { batch }) => ({
    form: "map",
    value(at) {
      const rank = indices.shape.length;
      const length = x.shape[batch];
      const outside = s.const(x.dtype, Number.NaN);
      if (length === 0) return outside;
      const k = indices.at(at.slice(0, rank));
      const valid = s.and(s.le(s.const("int32", 0), k), s.lt(k, length));
      const safe = s.min(s.max(k, 0), length - 1);
      return s.select(valid, x.at([...at.slice(0, batch), safe, ...at.slice(rank)]), outside);
    },
  }),
  reference([x, indices], { batch }, [out]) {
    const rank = indices.shape.length;
    return [
      build(out.shape, (i) => {
        const k = element(indices, i.slice(0, rank));
        const valid = k >= 0 && k < x.shape[batch];
        return valid ? element(x, [...i.slice(0, batch), k, ...i.slice(rank)]) : Number.NaN;
      }),
    ];
  },
  samples: dtypes.flatMap((dtype) => [
    indexed(dtype, [4], [3], [2, 0, 2], { batch: 0 }),
    indexed(dtype, [4, 2], [2, 2], [3, 1, 1, 0], { batch: 0 }),
    indexed(dtype, [2, 3, 2], [2, 2], [0, 2, 1, 1], { batch: 1 }),
  ]),
  errors: [
    refusal(avals("float32", [3], [2]), { batch: 0 }, "gather: dtype must be int32"),
    refusal(
      [
        { dtype: "float32", shape: [3, 2] },
        { dtype: "int32", shape: [2] },
      ],
      { batch: 1 },
      "gather: the first 1 axes must agree",
    ),
  ],
});
export const gather = (x: Node, indices: Node, batch: number): Node => apply(gatherPrimitive, [x, indices], { batch });

function indexed<P>(
  dtype: DType,
  shape: readonly number[],
  at: readonly number[],
  values: readonly number[],
  params: P,
) {
  return {
    inputs: [
      { dtype, shape },
      { dtype: "int32" as const, shape: at, values },
    ],
    params,
  };
}

function checkIndexed(name: string, x: Aval, indices: Aval, batch: number): void {
  checkDType(name, indices, ["int32"]);
  if (!sameShape(x.shape.slice(0, batch), indices.shape.slice(0, batch)) || x.shape.length <= batch)
    throw new ShapeError(
      `${name}: the first ${batch} axes must agree and one must follow, got ${show(x)} and indices ${show(indices)}. reshape the indices`,
    );
}

/**
 * The transpose of `gather`: updates u[B…,I…,R…] added up at indices int32[B…,I…] of zeros[B…,length,R…]. Updates with
 * an index outside are dropped.
 */
export const scatterAddPrimitive: Primitive<GatherParams & { readonly length: number }> = linear<
  GatherParams & { readonly length: number }
>({
  name: "scatterAdd",
  infer([u, indices], { batch, length }) {
    checkDType("scatterAdd", u, numbers);
    checkDType("scatterAdd", indices, ["int32"]);
    const rank = indices.shape.length;
    if (!sameShape(u.shape.slice(0, rank), indices.shape))
      throw new ShapeError(
        `scatterAdd: updates must start with the indices' shape, got ${show(u)} and indices ${show(indices)}. reshape one`,
      );
    return [{ dtype: u.dtype, shape: [...u.shape.slice(0, batch), length, ...u.shape.slice(rank)] }];
  },
  // An update that was dropped has no influence, so its derivative is zero.
  transpose: (g, _u, { batch, length }, [indices]) => {
    const inside = and(lessEqual(fillLike(indices, 0), indices), less(indices, fillLike(indices, length)));
    const rows = gather(g, select(inside, indices, fillLike(indices, 0)), batch);
    return select(broadcast(inside, rows.shape, range(indices.shape.length)), rows, fillLike(rows, 0));
  },
  batch([u, indices], [uBatched, indicesBatched], size, { batch, length }) {
    if (!indicesBatched) {
      const y = scatterAdd(moveAxis(u, 0, u.shape.length - 1), indices, { batch, length });
      return [moveAxis(y, y.shape.length - 1, 0)];
    }
    return [scatterAdd(uBatched ? u : stacked(u, size), indices, { batch: batch + 1, length })];
  },
  lower: ([u, indices], { batch, length }) => ({
    form: "scatter",
    over: u.shape,
    initial: () => s.const(u.dtype, 0),
    inside(over) {
      const k = indices.at(over.slice(0, indices.shape.length));
      return s.and(s.le(s.const("int32", 0), k), s.lt(k, length));
    },
    target: (over) => [
      ...over.slice(0, batch),
      indices.at(over.slice(0, indices.shape.length)),
      ...over.slice(indices.shape.length),
    ],
    value: (over) => u.at(over),
  }),
  reference([u, indices], { batch, length }, [out]) {
    const rank = indices.shape.length;
    const y = build(out.shape, () => 0);
    each(u.shape, (i) => {
      const k = element(indices, i.slice(0, rank));
      if (k >= 0 && k < length) y.data[ravel([...i.slice(0, batch), k, ...i.slice(rank)], out.shape)] += element(u, i);
    });
    return [y];
  },
  samples: numbers.flatMap((dtype) => [
    indexed(dtype, [3], [3], [2, 0, 2], { batch: 0, length: 4 }),
    indexed(dtype, [2, 2, 3], [2, 2], [3, 1, 1, 0], { batch: 0, length: 4 }),
    indexed(dtype, [2, 2, 2], [2, 2], [0, 2, 1, 1], { batch: 1, length: 3 }),
    indexed(dtype, [3], [3], [-1, 7, 1], { batch: 0, length: 4 }),
  ]),
  errors: [
    refusal(
      [
        { dtype: "float32", shape: [3] },
        { dtype: "int32", shape: [2] },
      ],
      { batch: 0, length: 4 },
      "scatterAdd: updates must start with the indices' shape",
    ),
  ],
});
export const scatterAdd = (u: Node, indices: Node, params: GatherParams & { readonly length: number }): Node =>
  apply(scatterAddPrimitive, [u, indices], params);

interface Argsort {
  readonly descending: boolean;
}

/** The stable order that sorts the last axis: `x[y[0]] ≤ x[y[1]] ≤ …`; NaN sorts to the end, in either direction. */
export const argsortPrimitive: Primitive<Argsort> = {
  name: "argsort",
  infer([x]) {
    if (x.shape.length === 0)
      throw new ShapeError(`argsort: an axis is needed, got ${show(x)}. reshape it to one dimension`);
    return [{ dtype: "int32", shape: x.shape }];
  },
  vjp: notDifferentiable,
  jvp: notDifferentiable,
  batch: ([x], _batched, _size, params) => [apply(argsortPrimitive, [x], params)],
  lower: ([x], params) => ({ form: "routine", run: ([a]) => [sortRows(x, a.data, params)] }),
  reference([x], { descending }) {
    const orders = new Map<string, readonly number[]>();
    const orderOf = (i: readonly number[]): readonly number[] => {
      const values = range(x.shape[i.length - 1]).map((k) => element(x, i.with(i.length - 1, k)));
      const before = (p: number, q: number): boolean => {
        const [a, b] = [values[p], values[q]];
        if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) === Number.isNaN(b) ? p < q : Number.isNaN(b);
        return a === b ? p < q : descending ? a > b : a < b;
      };
      return range(values.length).toSorted((p, q) => (before(p, q) ? -1 : 1));
    };
    return [build(x.shape, (i) => remembered(orders, i.slice(0, -1).join(), () => orderOf(i))[i[i.length - 1]])];
  },
  samples: numbers.flatMap((dtype) => [
    { inputs: [{ dtype, shape: [6] }], params: { descending: false } },
    { inputs: [{ dtype, shape: [3, 4] }], params: { descending: true } },
    { inputs: [{ dtype, shape: [5], values: [2, 1, 2, 1, 0] }], params: { descending: true } },
  ]),
  errors: [refusal(avals("float32", []), { descending: false }, "argsort: an axis is needed")],
};
export const argsort = (x: Node, descending: boolean): Node => apply(argsortPrimitive, [x], { descending });

function sortRows(
  x: Aval,
  data: Float64Array,
  { descending }: Argsort,
): { shape: readonly number[]; data: Float64Array } {
  const n = x.shape[x.shape.length - 1];
  const order = new Float64Array(data.length);
  const sign = descending ? -1 : 1;
  for (let start = 0; start < data.length; start += n) {
    const row = data.subarray(start, start + n);
    const compare = (p: number, q: number): number => {
      const [a, b] = [row[p], row[q]];
      if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b)) || p - q;
      return sign * (a < b ? -1 : a > b ? 1 : 0) || p - q;
    };
    order.set(Uint32Array.from(range(n)).sort(compare), start);
  }
  return { shape: x.shape, data: order };
}
