/** Primitives that move elements and compute nothing: each is linear, and its transpose is another of them. */
import { dtypes } from "../ir/dtype.js";
import type { Node, Primitive } from "../ir/node.js";
import { type Expr, s } from "../ir/scalar.js";
import { type Aval, type Shape, sameShape, show, sizeOf, stridesOf } from "../ir/shape.js";
import { inversePermutation, moved, range } from "../util/arrays.js";
import { DTypeError, ShapeError } from "../util/errors.js";
import { apply, linear, stacked } from "./define.js";
import { fill } from "./leaf.js";
import { addedTo, avals, build, each, element, ravel, readFrom, refusal, sample, writtenTo } from "./ndarray.js";

/** The same elements in row-major order under another shape. */
export const reshapePrimitive: Primitive<{ readonly shape: Shape }> = linear({
  name: "reshape",
  infer([x], { shape }) {
    if (sizeOf(shape) !== sizeOf(x.shape))
      throw new ShapeError(
        `reshape: the number of elements must stay ${sizeOf(x.shape)}, got ${show(x)} and [${shape.join(",")}]. one dimension may be -1`,
      );
    return [{ dtype: x.dtype, shape }];
  },
  transpose: (g, x) => reshape(g, x.shape),
  batch: ([x], _batched, size, { shape }) => [reshape(x, [size, ...shape])],
  lower: ([x], { shape }) => ({ form: "map", value: (at) => x.at(unflatten(flatten(at, shape), x.shape)) }),
  reference: ([x], { shape }) => [{ shape, data: x.data }],
  samples: dtypes.flatMap((dtype) => [
    sample(dtype, [[6]], { shape: [2, 3] }),
    sample(dtype, [[2, 3, 4]], { shape: [4, 6] }),
    sample(dtype, [[1]], { shape: [] }),
    sample(dtype, [[2, 0]], { shape: [0, 3] }),
  ]),
  errors: [refusal(avals("float32", [6]), { shape: [4] }, "the number of elements must stay 6")],
});
export const reshape = (x: Node, shape: Shape): Node =>
  sameShape(shape, x.shape) ? x : apply(reshapePrimitive, [x], { shape });

/** The row-major position of an index. */
export const flatten = (at: readonly Expr[], shape: Shape): Expr =>
  stridesOf(shape).reduce<Expr>((sum, stride, i) => s.add(sum, s.mul(at[i], stride)), s.const("int32", 0));

/** The index at a row-major position. */
export const unflatten = (position: Expr, shape: Shape): Expr[] =>
  stridesOf(shape).map((stride, i) => s.rem(s.div(position, Math.max(stride, 1)), Math.max(shape[i], 1)));

/** Output axis i is input axis `permutation[i]`. */
export const transposePrimitive: Primitive<{ readonly permutation: readonly number[] }> = linear({
  name: "transpose",
  infer([x], { permutation }) {
    const isPermutation = permutation.toSorted((a, b) => a - b).every((a, i) => a === i);
    if (permutation.length !== x.shape.length || !isPermutation)
      throw new ShapeError(
        `transpose: axes must be a permutation of 0 to ${x.shape.length - 1}, got [${permutation.join(",")}] for ${show(x)}. name each axis once`,
      );
    return [{ dtype: x.dtype, shape: permutation.map((a) => x.shape[a]) }];
  },
  transpose: (g, _x, { permutation }) => transpose(g, inversePermutation(permutation)),
  batch: ([x], _batched, _size, { permutation }) => [transpose(x, [0, ...permutation.map((a) => a + 1)])],
  lower: ([x], { permutation }) => {
    const inverse = inversePermutation(permutation);
    return { form: "map", value: (at) => x.at(inverse.map((a) => at[a])) };
  },
  reference: ([x], { permutation }, [out]) => [writtenTo(out.shape, x, (i) => permutation.map((a) => i[a]))],
  samples: dtypes.flatMap((dtype) => [
    sample(dtype, [[2, 3]], { permutation: [1, 0] }),
    sample(dtype, [[2, 3, 4]], { permutation: [2, 0, 1] }),
    sample(dtype, [[]], { permutation: [] }),
  ]),
  errors: [
    refusal(avals("float32", [2, 3]), { permutation: [0, 0] }, "transpose: axes must be a permutation of 0 to 1"),
  ],
});
export const transpose = (x: Node, permutation: readonly number[]): Node =>
  permutation.every((a, i) => a === i) ? x : apply(transposePrimitive, [x], { permutation });

/** `moveAxis(x, from, to)`: the axis at `from` ends up at `to`, the others keep their order. */
export function moveAxis(x: Node, from: number, to: number): Node {
  return transpose(x, moved(range(x.shape.length), from, to));
}

/** The two axes change places. */
export const swapAxes = (x: Node, a: number, b: number): Node =>
  transpose(x, range(x.shape.length).with(a, b).with(b, a));

interface Slice {
  readonly starts: readonly number[];
  readonly stops: readonly number[];
  readonly steps: readonly number[];
}

/** Elements `starts`, `starts + steps`, … before `stops` along each axis; steps are positive. */
export const slicePrimitive: Primitive<Slice> = linear({
  name: "slice",
  infer([x], { starts, stops, steps }) {
    const inside = x.shape.every((n, i) => 0 <= starts[i] && starts[i] <= stops[i] && stops[i] <= n && steps[i] >= 1);
    if (
      starts.length !== x.shape.length ||
      stops.length !== x.shape.length ||
      steps.length !== x.shape.length ||
      !inside
    )
      throw new ShapeError(
        `slice: bounds must lie inside the shape, got [${starts.join(",")}] to [${stops.join(",")}] by [${steps.join(",")}] of ${show(x)}. clip them`,
      );
    return [{ dtype: x.dtype, shape: x.shape.map((_, i) => Math.ceil((stops[i] - starts[i]) / steps[i])) }];
  },
  transpose(g, x, { starts, steps }) {
    const ends = g.shape.map((n, i) => (n === 0 ? starts[i] : starts[i] + (n - 1) * steps[i] + 1));
    return pad(g, {
      low: starts,
      high: x.shape.map((n, i) => n - ends[i]),
      interior: steps.map((step) => step - 1),
    });
  },
  batch: ([x], _batched, size, { starts, stops, steps }) => [
    slice(x, { starts: [0, ...starts], stops: [size, ...stops], steps: [1, ...steps] }),
  ],
  lower: ([x], { starts, steps }) => ({
    form: "map",
    value: (at) => x.at(at.map((i, a) => s.add(s.mul(i, steps[a]), starts[a]))),
  }),
  reference: ([x], { starts, steps }, [out]) => [
    readFrom(x, out.shape, (i) => i.map((k, a) => starts[a] + k * steps[a])),
  ],
  samples: dtypes.flatMap((dtype) => [
    sample(dtype, [[6]], { starts: [1], stops: [5], steps: [1] }),
    sample(dtype, [[5, 7]], { starts: [1, 0], stops: [5, 6], steps: [2, 3] }),
    sample(dtype, [[3]], { starts: [2], stops: [2], steps: [1] }),
  ]),
  errors: [
    refusal(avals("float32", [3]), { starts: [1], stops: [4], steps: [1] }, "slice: bounds must lie inside the shape"),
  ],
});
export const slice = (x: Node, params: Slice): Node =>
  params.starts.every((a, i) => a === 0 && params.stops[i] === x.shape[i] && params.steps[i] === 1)
    ? x
    : apply(slicePrimitive, [x], params);
/** Positions `start` to `stop - 1` along one axis. */
export const sliceAxis = (x: Node, axis: number, start: number, stop: number): Node =>
  slice(x, {
    starts: x.shape.map((_, i) => (i === axis ? start : 0)),
    stops: x.shape.map((n, i) => (i === axis ? stop : n)),
    steps: x.shape.map(() => 1),
  });

interface Padding {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
}

const paddedShape = (shape: Shape, { low, high, interior }: Padding): number[] =>
  shape.map((n, i) => low[i] + n + Math.max(n - 1, 0) * interior[i] + high[i]);

/** Zeros before (`low`), after (`high`) and between (`interior`) the elements of each axis. */
export const padPrimitive: Primitive<Padding> = linear({
  name: "pad",
  infer([x], params) {
    const { low, high, interior } = params;
    const counts = [...low, ...high, ...interior];
    const rank = x.shape.length;
    if (low.length !== rank || high.length !== rank || interior.length !== rank || counts.some((n) => n < 0))
      throw new ShapeError(
        `pad: widths must be ${rank} non-negative numbers each, got [${low.join(",")}], [${high.join(",")}], [${interior.join(",")}] for ${show(x)}. crop with a slice`,
      );
    return [{ dtype: x.dtype, shape: paddedShape(x.shape, params) }];
  },
  transpose(g, x, { low, interior }) {
    const stops = x.shape.map((n, i) => (n === 0 ? low[i] : low[i] + (n - 1) * (interior[i] + 1) + 1));
    return slice(g, { starts: low, stops, steps: interior.map((k) => k + 1) });
  },
  batch: ([x], _batched, _size, { low, high, interior }) => [
    pad(x, { low: [0, ...low], high: [0, ...high], interior: [0, ...interior] }),
  ],
  lower: ([x], { low, interior }) => ({
    form: "map",
    value: (at) =>
      readOrZero(
        x,
        at.map((i, a) => dilatedPosition(s.sub(i, low[a]), x.shape[a], interior[a] + 1)),
      ),
  }),
  reference: ([x], { low, interior }, [out]) => [
    writtenTo(out.shape, x, (i) => i.map((k, a) => low[a] + k * (interior[a] + 1))),
  ],
  samples: dtypes.flatMap((dtype) => [
    sample(dtype, [[3]], { low: [1], high: [2], interior: [0] }),
    sample(dtype, [[2, 3]], { low: [0, 1], high: [1, 0], interior: [1, 2] }),
    sample(dtype, [[0]], { low: [2], high: [1], interior: [0] }),
  ]),
  errors: [
    refusal(
      avals("float32", [3]),
      { low: [-1], high: [0], interior: [0] },
      "pad: widths must be 1 non-negative numbers",
    ),
  ],
});
export const pad = (x: Node, params: Padding): Node =>
  !params.low.some(Boolean) && sameShape(paddedShape(x.shape, params), x.shape) ? x : apply(padPrimitive, [x], params);

/** A place along an axis that may lie outside it. */
export interface Position {
  readonly index: Expr;
  /** Whether the index lies on an element; `null` when it always does. */
  readonly inside: Expr | null;
  readonly length: number;
}

/** Where position `p` of an axis of `length` elements, `dilation` apart, falls; `p` may be negative or too large. */
export function dilatedPosition(p: Expr, length: number, dilation: number): Position {
  const index = dilation === 1 ? p : s.div(p, dilation);
  const notBefore = s.le(s.const("int32", 0), p);
  const notAfter = s.lt(p, (length - 1) * dilation + 1);
  const within = s.and(notBefore, notAfter);
  return { index, inside: dilation === 1 ? within : s.and(within, s.eq(s.rem(p, dilation), 0)), length };
}

/** The element at the positions where all lie inside, else zero. The index read is clamped, so it is always valid. */
export function readOrZero(x: Aval & { at(index: readonly Expr[]): Expr }, positions: readonly Position[]): Expr {
  const zero = s.const(x.dtype, 0);
  if (sizeOf(x.shape) === 0) return zero;
  const index = positions.map((p) => (p.inside === null ? p.index : s.min(s.max(p.index, 0), p.length - 1)));
  const inside = positions.reduce<Expr>(
    (all, p) => (p.inside === null ? all : s.and(all, p.inside)),
    s.const("bool", 1),
  );
  return s.select(inside, x.at(index), zero);
}

/** The elements in reverse order along `axes`. */
export const flipPrimitive: Primitive<{ readonly axes: readonly number[] }> = linear({
  name: "flip",
  infer([x], { axes }) {
    if (axes.some((a) => !(a >= 0 && a < x.shape.length)))
      throw new ShapeError(`flip: axes must lie in ${show(x)}, got [${axes.join(",")}]. name axes it has`);
    return [x];
  },
  transpose: (g, _x, { axes }) => flip(g, axes),
  batch: ([x], _batched, _size, { axes }) => [
    flip(
      x,
      axes.map((a) => a + 1),
    ),
  ],
  lower: ([x], { axes }) => ({
    form: "map",
    value: (at) => x.at(at.map((i, a) => (axes.includes(a) ? s.sub(s.const("int32", x.shape[a] - 1), i) : i))),
  }),
  reference: ([x], { axes }) => [
    readFrom(x, x.shape, (i) => i.map((k, a) => (axes.includes(a) ? x.shape[a] - 1 - k : k))),
  ],
  samples: dtypes.flatMap((dtype) => [
    sample(dtype, [[4]], { axes: [0] }),
    sample(dtype, [[2, 3, 2]], { axes: [0, 2] }),
  ]),
  errors: [refusal(avals("float32", [3]), { axes: [1] }, "flip: axes must lie in float32[3]")],
});
export const flip = (x: Node, axes: readonly number[]): Node =>
  axes.length === 0 ? x : apply(flipPrimitive, [x], { axes });

const threeParts = [1, 3, 2].map((n) => [2, n]);
const emptyPart = [0, 1].map((n) => [n, 2]);

/** The inputs one after the other along `axis`. */
export const concatenatePrimitive: Primitive<{ readonly axis: number }> = {
  name: "concatenate",
  infer(inputs, { axis }) {
    const [first] = inputs;
    for (const x of inputs)
      if (x.dtype !== first.dtype) {
        const got = `${show(first)} and ${show(x)}`;
        throw new DTypeError(`concatenate: inputs must have one dtype, got ${got}. convert with astype`);
      }
    for (const x of inputs)
      if (!(axis < first.shape.length) || !sameShape(x.shape.toSpliced(axis, 1), first.shape.toSpliced(axis, 1)))
        throw new ShapeError(
          `concatenate: shapes must agree except along axis ${axis}, got ${show(first)} and ${show(x)}. reshape or pad`,
        );
    const total = inputs.reduce((n, x) => n + x.shape[axis], 0);
    return [{ dtype: first.dtype, shape: first.shape.with(axis, total) }];
  },
  vjp(node, [g]) {
    const { axis } = node.params;
    let start = 0;
    return node.inputs.map((x) => {
      const stop = start + x.shape[axis];
      const part = g && sliceAxis(g, axis, start, stop);
      start = stop;
      return part;
    });
  },
  jvp: (node, tangents) => [
    concatenate(
      tangents.map((t, i) => t ?? fill(0, node.dtype, node.inputs[i].shape)),
      node.params.axis,
    ),
  ],
  batch: (inputs, batched, size, { axis }) => [
    concatenate(
      inputs.map((x, i) => (batched[i] ? x : stacked(x, size))),
      axis + 1,
    ),
  ],
  lower: (inputs, { axis }) => ({
    form: "map",
    value(at) {
      const parts = inputs.filter((x) => sizeOf(x.shape) > 0);
      if (parts.length === 0) return s.const(inputs[0].dtype, 0);
      const starts = parts.map((_, i) => parts.slice(0, i).reduce((n, x) => n + x.shape[axis], 0));
      // by halves, so that many parts do not nest deeply
      const between = (from: number, to: number): Expr => {
        if (to - from > 1) {
          const middle = (from + to) >> 1;
          return s.select(s.lt(at[axis], starts[middle]), between(from, middle), between(middle, to));
        }
        const local = s.sub(at[axis], starts[from]);
        const isAlone = parts.length === 1;
        return parts[from].at(at.with(axis, isAlone ? local : s.min(s.max(local, 0), parts[from].shape[axis] - 1)));
      };
      return between(0, parts.length);
    },
  }),
  reference(inputs, { axis }, [out]) {
    const y = build(out.shape, () => 0);
    let start = 0;
    for (const x of inputs) {
      const offset = start;
      each(x.shape, (i) => (y.data[ravel(i.with(axis, i[axis] + offset), out.shape)] = element(x, i)));
      start += x.shape[axis];
    }
    return [y];
  },
  samples: dtypes.flatMap((dtype) => [
    sample(dtype, [[2], [3]], { axis: 0 }),
    sample(dtype, threeParts, { axis: 1 }),
    sample(dtype, emptyPart, { axis: 0 }),
    sample(dtype, [[4]], { axis: 0 }),
  ]),
  errors: [
    refusal(avals("float32", [2, 3], [2, 4]), { axis: 0 }, "concatenate: shapes must agree except along axis 0"),
  ],
};
/** Engines allow functions, and so kernels, a thousand arguments: more parts than this are joined in groups. */
const mostParts = 256;
export function concatenate(inputs: readonly Node[], axis: number): Node {
  const n = inputs.length;
  if (n <= mostParts) return n === 1 ? inputs[0] : apply(concatenatePrimitive, inputs, { axis });
  const group = (i: number): Node => concatenate(inputs.slice(i * mostParts, (i + 1) * mostParts), axis);
  return concatenate(range(Math.ceil(n / mostParts)).map(group), axis);
}

interface Windows {
  readonly axes: readonly number[];
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

/** How many windows of `size` taps, `dilation` apart, start at multiples of `stride` in `length` elements. */
export const windowCount = (length: number, size: number, stride: number, dilation: number): number =>
  Math.max(0, Math.floor((length - (size - 1) * dilation - 1) / stride) + 1);

/** Where the element of a window stands in what the windows slide over. */
function placeInWindows(index: readonly number[], { axes, strides, dilations }: Windows): number[] {
  const place = index.slice(0, index.length - axes.length);
  axes.forEach((a, k) => (place[a] = index[a] * strides[k] + index[place.length + k] * dilations[k]));
  return place;
}

/** Sliding windows: each axis in `axes` becomes the number of windows, and the window axes are appended at the end. */
export const windowsPrimitive: Primitive<Windows> = linear({
  name: "windows",
  infer([x], { axes, sizes, strides, dilations }) {
    const shape = [...x.shape];
    axes.forEach((a, k) => {
      const count = windowCount(x.shape[a], sizes[k], strides[k], dilations[k]);
      if (!(sizes[k] >= 1 && strides[k] >= 1 && dilations[k] >= 1 && count >= 1))
        throw new ShapeError(
          `windows: a window of ${sizes[k]} taps (stride ${strides[k]}, dilation ${dilations[k]}) must fit axis ${a}, got ${show(x)}. pad the input`,
        );
      shape[a] = count;
    });
    return [{ dtype: x.dtype, shape: [...shape, ...sizes] }];
  },
  transpose: (g, x, params) =>
    apply(overlapAddPrimitive, [g], { ...params, lengths: params.axes.map((a) => x.shape[a]) }),
  batch: ([x], _batched, _size, params) => [
    apply(windowsPrimitive, [x], { ...params, axes: params.axes.map((a) => a + 1) }),
  ],
  lower: ([x], { axes, strides, dilations }) => ({
    form: "map",
    value(at) {
      const index = at.slice(0, x.shape.length);
      axes.forEach((a, k) => {
        index[a] = s.add(s.mul(at[a], strides[k]), s.mul(at[x.shape.length + k], dilations[k]));
      });
      return x.at(index);
    },
  }),
  reference: ([x], params, [out]) => [readFrom(x, out.shape, (i) => placeInWindows(i, params))],
  samples: dtypes.flatMap((dtype) => [
    sample(dtype, [[7]], { axes: [0], sizes: [3], strides: [2], dilations: [1] }),
    sample(dtype, [[2, 5, 6]], { axes: [1, 2], sizes: [2, 3], strides: [1, 1], dilations: [2, 1] }),
  ]),
  errors: [
    refusal(
      avals("float32", [2]),
      { axes: [0], sizes: [3], strides: [1], dilations: [1] },
      "windows: a window of 3 taps",
    ),
  ],
});
export const windows = (x: Node, params: Windows): Node => apply(windowsPrimitive, [x], params);

/** The transpose of `windows`: every element of every window is added back to the place it came from. */
export const overlapAddPrimitive: Primitive<Windows & { readonly lengths: readonly number[] }> = linear({
  name: "overlapAdd",
  infer([g], { axes, sizes, lengths }) {
    const rank = g.shape.length - sizes.length;
    const shape = g.shape.slice(0, rank);
    axes.forEach((a, k) => (shape[a] = lengths[k]));
    return [{ dtype: g.dtype, shape }];
  },
  transpose: (g, _x, { axes, sizes, strides, dilations }) => windows(g, { axes, sizes, strides, dilations }),
  batch: ([g], _batched, _size, params) => [
    apply(overlapAddPrimitive, [g], { ...params, axes: params.axes.map((a) => a + 1) }),
  ],
  lower: ([g], { axes, sizes, strides, dilations }) => ({
    form: "reduce",
    combine: "sum",
    over: sizes,
    value(at, over) {
      const positions = at.map((index, a): Position => ({ index, inside: null, length: g.shape[a] }));
      axes.forEach((a, k) => {
        positions[a] = dilatedPosition(s.sub(at[a], s.mul(over[k], dilations[k])), g.shape[a], strides[k]);
      });
      const taps = over.map((index, k): Position => ({ index, inside: null, length: sizes[k] }));
      return readOrZero(g, [...positions, ...taps]);
    },
  }),
  reference: ([g], params, [out]) => [addedTo(out.shape, g, (i) => placeInWindows(i, params))],
  samples: (["float32", "float64", "int32"] as const).flatMap((dtype) => [
    sample(dtype, [[3, 3]], { axes: [0], sizes: [3], strides: [2], dilations: [1], lengths: [8] }),
    sample(dtype, [[2, 3, 4, 2, 3]], {
      axes: [1, 2],
      sizes: [2, 3],
      strides: [1, 1],
      dilations: [2, 1],
      lengths: [5, 6],
    }),
  ]),
  errors: [],
});
