/** Sums of products: the general dot product and convolution. Both are bilinear, and closed under their transposes. */
import { type DType, numbers } from "../ir/dtype.js";
import type { Node, Primitive, Sample } from "../ir/node.js";
import { type Expr, s } from "../ir/scalar.js";
import { type Aval, type Shape, show } from "../ir/shape.js";
import { inversePermutation, otherAxes, range, zip } from "../util/arrays.js";
import { DTypeError, ShapeError } from "../util/errors.js";
import { apply, bilinear, checkDType, stacked } from "./define.js";
import {
  dilatedPosition,
  flip,
  moveAxis,
  type Position,
  readOrZero,
  reshape,
  swapAxes,
  transpose,
} from "./movement.js";
import { avals, build, each, element, ravel, refusal, sample, times } from "./ndarray.js";

/** Which axes of the two operands of a dot product are summed over (`contract`) and which go side by side (`batch`). */
export interface DotAxes {
  readonly contract: readonly [readonly number[], readonly number[]];
  readonly batch: readonly [readonly number[], readonly number[]];
}

function checkOperands(name: string, a: Aval, b: Aval): void {
  checkDType(name, a, numbers);
  if (a.dtype !== b.dtype)
    throw new DTypeError(
      `${name}: operands must have one dtype, got ${show(a)} and ${show(b)}. convert one with astype`,
    );
}

const freeAxes = (rank: number, batch: readonly number[], contract: readonly number[]): number[] =>
  otherAxes(rank, [...batch, ...contract]);
const pick = (shape: Shape, axes: readonly number[]): number[] => axes.map((a) => shape[a]);

/** A sample of two operands. */
const sampleOf = <P>(dtype: DType, x: Shape, y: Shape, params: P): Sample<P> => sample(dtype, [x, y], params);
const summed = (left: readonly number[], right: readonly number[]): DotAxes => ({
  contract: [left, right],
  batch: [[], []],
});

/** The general dot product: batch axes, then the left's free axes, then the right's. */
export const dotPrimitive: Primitive<DotAxes> = bilinear<DotAxes>({
  name: "dot",
  infer([a, b], { contract, batch }) {
    checkOperands("dot", a, b);
    for (const [left, right] of [contract, batch])
      for (const [i, j] of zip(left, right))
        if (a.shape[i] !== b.shape[j])
          throw new ShapeError(
            `dot: axis ${i} of the left and axis ${j} of the right must be equally long, got ${show(a)} and ${show(b)}. transpose or reshape one`,
          );
    const free = (x: Aval, side: 0 | 1) => pick(x.shape, freeAxes(x.shape.length, batch[side], contract[side]));
    return [{ dtype: a.dtype, shape: [...pick(a.shape, batch[0]), ...free(a, 0), ...free(b, 1)] }];
  },
  transposeLeft: (g, a, b, params) => dotTranspose(g, a, b, params, 0),
  transposeRight: (g, a, b, params) => dotTranspose(g, b, a, params, 1),
  batch([a, b], [aBatched, bBatched], _size, { contract, batch }) {
    const shift = (axes: readonly number[], by: boolean) => axes.map((i) => (by ? i + 1 : i));
    const left = [shift(contract[0], aBatched), shift(batch[0], aBatched)] as const;
    const right = [shift(contract[1], bBatched), shift(batch[1], bBatched)] as const;
    if (aBatched && bBatched)
      return [
        dot(a, b, {
          contract: [left[0], right[0]],
          batch: [
            [0, ...left[1]],
            [0, ...right[1]],
          ],
        }),
      ];
    const y = dot(a, b, { contract: [left[0], right[0]], batch: [left[1], right[1]] });
    const leftFree = a.shape.length - contract[0].length - batch[0].length;
    return [moveAxis(y, aBatched ? batch[0].length : batch[0].length + leftFree, 0)];
  },
  lower: ([a, b], { contract, batch }) => ({
    form: "reduce",
    combine: "sum",
    over: pick(a.shape, contract[0]),
    value(at, over) {
      const index = (x: Aval, side: 0 | 1, free: readonly Expr[]): Expr[] => {
        const axes = freeAxes(x.shape.length, batch[side], contract[side]);
        return range(x.shape.length).map((i) => {
          if (batch[side].includes(i)) return at[batch[side].indexOf(i)];
          return contract[side].includes(i) ? over[contract[side].indexOf(i)] : free[axes.indexOf(i)];
        });
      };
      const split = a.shape.length - contract[0].length;
      return s.mul(a.at(index(a, 0, at.slice(batch[0].length, split))), b.at(index(b, 1, at.slice(split))));
    },
  }),
  reference([a, b], { contract, batch }, [out]) {
    const y = build(out.shape, () => 0);
    const free = freeAxes(b.shape.length, batch[1], contract[1]);
    each(a.shape, (i) =>
      each(pick(b.shape, free), (f) => {
        const j = range(b.shape.length).map((axis) => {
          if (batch[1].includes(axis)) return i[batch[0][batch[1].indexOf(axis)]];
          return contract[1].includes(axis) ? i[contract[0][contract[1].indexOf(axis)]] : f[free.indexOf(axis)];
        });
        const leftFree = freeAxes(a.shape.length, batch[0], contract[0]).map((axis) => i[axis]);
        const to = [...batch[0].map((axis) => i[axis]), ...leftFree, ...f];
        y.data[ravel(to, out.shape)] += times(out.dtype, element(a, i), element(b, j));
      }),
    );
    return [y];
  },
  samples: numbers.flatMap((dtype) => [
    sampleOf(dtype, [3], [3], summed([0], [0])),
    sampleOf(dtype, [2, 3], [3, 4], summed([1], [0])),
    sampleOf(dtype, [2, 3, 4], [2, 4, 5], { contract: [[2], [1]], batch: [[0], [0]] }),
    sampleOf(dtype, [4, 2, 3], [5, 3, 2, 2], summed([2, 1], [1, 3])),
    sampleOf(dtype, [2, 3], [4], summed([], [])),
    sampleOf(dtype, [9, 17], [17, 13], summed([1], [0])),
    sampleOf(dtype, [2, 0], [0, 3], summed([1], [0])),
  ]),
  errors: [
    refusal(
      avals("float32", [2, 3], [4, 5]),
      { contract: [[1], [0]], batch: [[], []] },
      "dot: axis 1 of the left and axis 0 of the right must be equally long, got float32[2,3] and float32[4,5]",
    ),
    refusal(
      [
        { dtype: "float32", shape: [2] },
        { dtype: "float64", shape: [2] },
      ],
      { contract: [[0], [0]], batch: [[], []] },
      "dot: operands must have one dtype",
    ),
  ],
});
export const dot = (a: Node, b: Node, axes: DotAxes): Node => apply(dotPrimitive, [a, b], axes);

/** The cotangent of operand `x` on `side`: the result's cotangent contracted with the other operand. */
function dotTranspose(g: Node, x: Aval, other: Node, { contract, batch }: DotAxes, side: 0 | 1): Node {
  const far = side === 0 ? 1 : 0;
  const nBatch = batch[0].length;
  const xFree = freeAxes(x.shape.length, batch[side], contract[side]);
  const otherFree = freeAxes(other.shape.length, batch[far], contract[far]);
  const gOther = range(otherFree.length).map((i) => nBatch + (side === 0 ? xFree.length : 0) + i);
  const y = dot(g, other, { contract: [gOther, otherFree], batch: [range(nBatch), batch[far]] });
  // y has the axes: batch, x's free, then x's contracted in the order of the other operand's axes.
  const pairs = zip(contract[side], contract[far]).toSorted(([, i], [, j]) => i - j);
  return transpose(y, inversePermutation([...batch[side], ...xFree, ...pairs.map(([i]) => i)]));
}

/** Spatial parameters of a convolution, one entry for each spatial axis. Negative padding crops. */
export interface ConvolutionParams {
  readonly strides: readonly number[];
  readonly padding: readonly (readonly [low: number, high: number])[];
  /** Distance between the input's elements: above 1, zeros lie between them. */
  readonly inputDilation: readonly number[];
  readonly kernelDilation: readonly number[];
}

const dilate = (n: number, dilation: number): number => (n === 0 ? 0 : (n - 1) * dilation + 1);

/** Length of an axis of a convolution's result: `⌊(I' + low + high - K') / stride⌋ + 1` for dilated lengths I', K'. */
export const convolvedLength = (input: number, kernel: number, axis: number, params: ConvolutionParams): number => {
  const [low, high] = params.padding[axis];
  const room = dilate(input, params.inputDilation[axis]) + low + high - dilate(kernel, params.kernelDilation[axis]);
  return room < 0 ? 0 : Math.floor(room / params.strides[axis]) + 1;
};

/** No padding, and steps of 1 along so many axes. */
const plain = (axes: number): ConvolutionParams => ({
  strides: range(axes).map(() => 1),
  padding: range(axes).map(() => none),
  inputDilation: range(axes).map(() => 1),
  kernelDilation: range(axes).map(() => 1),
});
const none = [0, 0] as const;
const uneven = { strides: [2, 1], padding: [[1, 1] as const, [0, 1] as const], kernelDilation: [1, 2] };

const spatial = (x: Aval): Shape => x.shape.slice(3);
const spatialAxes = (x: Aval): number[] => range(x.shape.length).slice(3);

/**
 * Cross-correlation over any number of spatial axes, with explicit groups: x[N,G,C,…I], w[G,O,C,…K] → y[N,G,O,…L],
 * `y[n,g,o,l] = Σ_{c,k} x[n,g,c, l·stride + k·kernelDilation - low] · w[g,o,c,k]`.
 */
export const convolutionPrimitive: Primitive<ConvolutionParams> = bilinear<ConvolutionParams>({
  name: "convolution",
  infer([x, w], params) {
    checkOperands("convolution", x, w);
    const fits = x.shape.length === w.shape.length && x.shape[1] === w.shape[0] && x.shape[2] === w.shape[2];
    if (!fits)
      throw new ShapeError(
        `convolution: groups and channels of input [N,G,C,...] and kernel [G,O,C,...] must agree, got ${show(x)} and ${show(w)}. check the number of input channels`,
      );
    const lengths = spatial(x).map((n, a) => convolvedLength(n, w.shape[3 + a], a, params));
    return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], w.shape[1], ...lengths] }];
  },
  transposeLeft(g, x, w, params) {
    const padding = spatial(x).map((n, a): [number, number] => {
      const kernel = dilate(w.shape[3 + a], params.kernelDilation[a]);
      const low = kernel - 1 - params.padding[a][0];
      const result = dilate(g.shape[3 + a], params.strides[a]);
      return [low, dilate(n, params.inputDilation[a]) + kernel - 1 - result - low];
    });
    const flipped = flip(swapAxes(w, 1, 2), spatialAxes(w)); // [G,C,O,…K]
    return convolution(g, flipped, {
      strides: params.inputDilation,
      padding,
      inputDilation: params.strides,
      kernelDilation: params.kernelDilation,
    });
  },
  transposeRight(g, x, w, params) {
    const padding = spatial(w).map((k, a): [number, number] => {
      const [low] = params.padding[a];
      const result = dilate(g.shape[3 + a], params.strides[a]);
      const input = dilate(x.shape[3 + a], params.inputDilation[a]);
      return [low, result - input + dilate(k, params.kernelDilation[a]) - low - 1];
    });
    // x as [C,G,N,…I] and the cotangent as kernels [G,O,N,…L] give [C,G,O,…K].
    const y = convolution(swapAxes(x, 0, 2), transpose(g, [1, 2, 0, ...spatialAxes(g)]), {
      strides: params.kernelDilation,
      padding,
      inputDilation: params.inputDilation,
      kernelDilation: params.strides,
    });
    return moveAxis(y, 0, 2);
  },
  batch([x, w], [xBatched, wBatched], size, params) {
    const rest = (y: Node, from: number) => y.shape.slice(from);
    if (xBatched && !wBatched) {
      const y = convolution(reshape(x, [size * x.shape[1], ...rest(x, 2)]), w, params);
      return [reshape(y, [size, x.shape[1], ...rest(y, 1)])];
    }
    // Both batched: the batch joins the groups. x[B,N,G,C,…] → [N,B·G,C,…], w[B,G,O,C,…] → [B·G,O,C,…].
    const xs = moveAxis(xBatched ? x : stacked(x, size), 0, 1);
    const merged = reshape(xs, [xs.shape[0], size * xs.shape[2], ...rest(xs, 3)]);
    const y = convolution(merged, reshape(w, [size * w.shape[1], ...rest(w, 2)]), params);
    return [moveAxis(reshape(y, [y.shape[0], size, w.shape[1], ...rest(y, 2)]), 1, 0)];
  },
  lower: ([x, w], { strides, padding, inputDilation, kernelDilation }) => ({
    form: "reduce",
    combine: "sum",
    over: [w.shape[2], ...spatial(w)],
    value([n, g, o, ...at], [c, ...taps]) {
      const inner = [n, g, c].map((index, a): Position => ({ index, inside: null, length: x.shape[a] }));
      const places = at.map((l, a): Position => {
        const p = s.sub(s.add(s.mul(l, strides[a]), s.mul(taps[a], kernelDilation[a])), padding[a][0]);
        const [low, high] = padding[a];
        const alwaysInside = low <= 0 && high <= 0 && inputDilation[a] === 1;
        return alwaysInside
          ? { index: p, inside: null, length: x.shape[3 + a] }
          : dilatedPosition(p, x.shape[3 + a], inputDilation[a]);
      });
      return s.mul(readOrZero(x, [...inner, ...places]), w.at([g, o, c, ...taps]));
    },
  }),
  reference([x, w], { strides, padding, inputDilation, kernelDilation }, [out]) {
    const y = build(out.shape, () => 0);
    each(out.shape, ([n, g, o, ...at]) =>
      each([w.shape[2], ...w.shape.slice(3)], ([c, ...taps]) => {
        const p = at.map((l, a) => l * strides[a] + taps[a] * kernelDilation[a] - padding[a][0]);
        const q = p.map((v, a) => v / inputDilation[a]);
        const isPadding = q.some((v, a) => !Number.isInteger(v) || v < 0 || v >= x.shape[3 + a]);
        const value = isPadding ? 0 : element(x, [n, g, c, ...q]);
        y.data[ravel([n, g, o, ...at], out.shape)] += times(out.dtype, value, element(w, [g, o, c, ...taps]));
      }),
    );
    return [y];
  },
  samples: (["float32", "float64", "int32"] as const).flatMap((dtype) => [
    sampleOf(dtype, [2, 1, 2, 7], [1, 3, 2, 3], plain(1)),
    sampleOf(dtype, [1, 2, 1, 8], [2, 2, 1, 3], { ...plain(1), strides: [2], padding: [[1, 2]], kernelDilation: [2] }),
    sampleOf(dtype, [2, 1, 2, 4], [1, 1, 2, 2], { ...plain(1), padding: [[1, 0]], inputDilation: [2] }),
    sampleOf(dtype, [1, 1, 1, 6], [1, 1, 1, 2], { ...plain(1), strides: [2], padding: [[-1, 2]] }),
    sampleOf(dtype, [2, 1, 3, 6, 5], [1, 4, 3, 3, 2], { ...plain(2), ...uneven }),
    sampleOf(dtype, [1, 1, 2, 3, 4, 3], [1, 2, 2, 2, 2, 2], { ...plain(3), padding: [none, [1, 1], none] }),
  ]),
  errors: [
    refusal(
      avals("float32", [1, 1, 3, 8], [1, 4, 2, 3]),
      { strides: [1], padding: [[0, 0]], inputDilation: [1], kernelDilation: [1] },
      "convolution: groups and channels",
    ),
  ],
});
export const convolution = (x: Node, w: Node, params: ConvolutionParams): Node =>
  apply(convolutionPrimitive, [x, w], params);
