/** Functions of several tensors, and composites: what is written in terms of the tensor's own operations. */
import type { Node } from "../ir/node.js";
import { normalizeAxis, type Shape, show } from "../ir/shape.js";
import * as arithmetic from "../primitive/arithmetic.js";
import { broadcast } from "../primitive/define.js";
import { convolution as convolutionNode } from "../primitive/contraction.js";
import { stopGradient as stopGradientNode } from "../primitive/leaf.js";
import { concatenate as concatenateNodes, reshape, sliceAxis, windows as windowsNode } from "../primitive/movement.js";
import { call } from "../transform/index.js";
import { promote } from "../ir/dtype.js";
import { range } from "../util/arrays.js";
import { ArgumentError, operation, ShapeError } from "../util/errors.js";
import { toFloat, toNumber } from "./coerce.js";
import * as on from "./operations.js";
import { Tensor } from "./tensor.js";
import type { Axes, Operand } from "./types.js";

const nodeOf = (x: Operand): Node | number | boolean => (x instanceof Tensor ? x.node : x);

/** `condition ? x : y`, element by element, broadcast. */
export const where = (condition: Tensor, x: Operand, y: Operand): Tensor =>
  Tensor.of(on.where(condition.node, nodeOf(x), nodeOf(y)));

/** The tensors one after the other along an axis they have. */
export function concatenate(tensors: readonly Tensor[], axis = 0): Tensor {
  const nodes = sameDType("concatenate", tensors);
  return Tensor.of(concatenateNodes(nodes, normalizeAxis("concatenate", axis, nodes[0].aval)));
}

/** The tensors, of equal shape, side by side along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  const nodes = sameDType("stack", tensors);
  const { dtype, shape } = nodes[0];
  const at = normalizeAxis("stack", axis, { dtype, shape: [...shape, 1] });
  for (const x of nodes)
    if (x.shape.length !== shape.length || x.shape.some((n, i) => n !== shape[i]))
      throw new ShapeError(
        `stack: tensors must have one shape, got ${show(nodes[0].aval)} and ${show(x.aval)}. pad or broadcast them`,
      );
  return Tensor.of(
    concatenateNodes(
      nodes.map((x) => reshape(x, shape.toSpliced(at, 0, 1))),
      at,
    ),
  );
}

function sameDType(op: string, tensors: readonly Tensor[]): Node[] {
  if (tensors.length === 0) throw new ArgumentError(`${op}: at least one tensor is needed, got none. pass a list`);
  const dtype = tensors.reduce((d, x) => promote(op, d, x.dtype), tensors[0].dtype);
  return tensors.map((x) => arithmetic.convert(x.node, dtype));
}

/** Parts along an axis: a number of equal ones, or the lengths of each. */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  const at = normalizeAxis("split", axis, x.node.aval);
  const length = x.shape[at];
  const sizes = typeof parts === "number" ? range(parts).map(() => length / parts) : parts;
  if (sizes.some((n) => !Number.isInteger(n) || n < 0) || sizes.reduce((a, b) => a + b, 0) !== length)
    throw new ShapeError(
      `split: the parts must add up to ${length}, got ${String(parts)} for ${x.describe()}. name the length of each part`,
    );
  let start = 0;
  return sizes.map((n) => Tensor.of(sliceAxis(x.node, at, start, (start += n))));
}

function checkCount(op: string, count: number, x: Tensor): void {
  if (!Number.isInteger(count) || count < 0)
    throw new ArgumentError(
      `${op}: a count must be an integer from 0, got ${count} for ${x.describe()}. use 1 to keep`,
    );
}

/** The tensor repeated `counts[i]` times along axis i. */
export function tile(x: Tensor, counts: readonly number[]): Tensor {
  counts.forEach((count) => checkCount("tile", count, x));
  const rank = Math.max(counts.length, x.rank);
  const shape = [...range(rank - x.rank).map(() => 1), ...x.shape];
  const times = [...range(rank - counts.length).map(() => 1), ...counts];
  const wide = shape.flatMap((n, i) => [times[i], n]);
  const own = range(rank).map((i) => 2 * i + 1);
  return Tensor.of(
    reshape(
      broadcast(reshape(x.node, shape), wide, own),
      shape.map((n, i) => n * times[i]),
    ),
  );
}

/** Each element repeated `count` times along an axis. */
export function repeat(x: Tensor, count: number, axis = 0): Tensor {
  const at = normalizeAxis("repeat", axis, x.node.aval);
  checkCount("repeat", count, x);
  const wide = x.shape.toSpliced(at + 1, 0, count);
  const own = range(x.rank).map((i) => (i <= at ? i : i + 1));
  return Tensor.of(reshape(broadcast(x.node, wide, own), x.shape.with(at, x.shape[at] * count)));
}

/** The elements of an axis moved on by `shift` places; those that leave at one end come back at the other. */
export function roll<S extends Shape>(x: Tensor<S>, shift: number, axis = 0): Tensor<S> {
  const at = normalizeAxis("roll", axis, x.node.aval);
  const length = x.shape[at];
  if (!Number.isInteger(shift))
    throw new ArgumentError(`roll: the shift must be an integer, got ${shift} for ${x.describe()}. round it`);
  const cut = length === 0 ? 0 : ((-shift % length) + length) % length;
  return Tensor.of(concatenateNodes([sliceAxis(x.node, at, cut, length), sliceAxis(x.node, at, 0, cut)], at));
}

/** The coordinates of a grid: for vectors of lengths n, m, … one tensor [n, m, …] for each (NumPy's `indexing="ij"`). */
export function meshgrid(...vectors: readonly Tensor[]): Tensor[] {
  for (const v of vectors)
    if (v.rank !== 1) throw new ShapeError(`meshgrid: coordinates must be vectors, got ${v.describe()}. flatten it`);
  const shape = vectors.map((v) => v.size);
  return vectors.map((v, i) => v.reshape(shape.map((n, k) => (k === i ? n : 1))).broadcastTo(shape));
}

/** Differences of neighbours along an axis. */
export function diff(x: Tensor, axis = -1): Tensor {
  const at = normalizeAxis("diff", axis, x.node.aval);
  const length = x.shape[at];
  const part = (from: number, to: number): Tensor => Tensor.of(sliceAxis(x.node, at, from, to));
  return part(Math.min(1, length), length).sub(part(0, Math.max(0, length - 1)));
}

/** Running product along an axis. */
export function cumprod<S extends Shape>(x: Tensor<S>, axis: number): Tensor<S> {
  const at = normalizeAxis("cumprod", axis, x.node.aval);
  const length = x.shape[at];
  let y: Tensor = x;
  // After the step of width w, y[i] is the product of the last 2w elements up to i.
  for (let width = 1; width < length; width *= 2) {
    const widths = x.shape.map((_, i): [number, number] => (i === at ? [width, 0] : [0, 0]));
    const before = Tensor.of(sliceAxis(y.pad(widths, 1).node, at, 0, length));
    y = y.mul(before);
  }
  return Tensor.of(arithmetic.convert(y.node, toNumber(y.dtype)));
}

/** How far numbers may be apart: `|x - y| ≤ atol + rtol·|y|`. */
export interface Tolerance {
  /** 1e-5 unless given. */
  readonly rtol?: number;
  /** 1e-8 unless given. */
  readonly atol?: number;
  /** Whether NaN is close to NaN; not unless said. */
  readonly equalNaN?: boolean;
}

/** Where two tensors are close, with NumPy's meaning and defaults; an infinity is close to itself. */
export const isClose = operation("isClose", (x: Tensor, y: Tensor, options: Tolerance = {}): Tensor => {
  const { rtol = 1e-5, atol = 1e-8, equalNaN = false } = options;
  const near = x.sub(y).abs().lessEqual(y.abs().mul(rtol).add(atol)).and(y.isFinite());
  const close = near.or(x.equal(y));
  return equalNaN ? close.or(x.isNaN().and(y.isNaN())) : close;
});

/** Whether two tensors are close everywhere; a bool scalar. */
export const allClose = operation("allClose", (x: Tensor, y: Tensor, options: Tolerance = {}): Tensor =>
  isClose(x, y, options).all(),
);

/** The outer product of two vectors. */
export const outer = (x: Tensor, y: Tensor): Tensor => x.reshape([-1, 1]).mul(y.reshape([1, -1]));

/** Throws unless a window, spread out by its dilations, fits into every length. */
function checkFits(
  op: string,
  x: Tensor,
  lengths: readonly number[],
  sizes: readonly number[],
  dilations: readonly number[],
): void {
  const spans = sizes.map((n, i) => (n - 1) * dilations[i] + 1);
  if (spans.some((span, i) => span > lengths[i]))
    throw new ShapeError(
      `${op}: a window must fit into what it slides over, got windows of [${spans.join(",")}] and lengths [${lengths.join(",")}] for ${x.describe()}. pad, or take smaller windows`,
    );
}

/** Sliding windows along named axes; the window axes come last. Strides and dilations are 1 unless given. */
export function slidingWindows(
  x: Tensor,
  sizes: readonly number[],
  options: {
    readonly axes: readonly number[];
    readonly strides?: readonly number[];
    readonly dilations?: readonly number[];
  },
): Tensor {
  const axes = options.axes.map((a) => normalizeAxis("slidingWindows", a, x.node.aval));
  const ones = axes.map(() => 1);
  const lengths = axes.map((a) => x.shape[a]);
  checkFits("slidingWindows", x, lengths, sizes, options.dilations ?? ones);
  return Tensor.of(
    windowsNode(x.node, { axes, sizes, strides: options.strides ?? ones, dilations: options.dilations ?? ones }),
  );
}

/** One entry for each spatial axis; 1, or no padding, where left out. */
export interface ConvolutionOptions {
  readonly strides?: readonly number[];
  /** Zeros before and after; negative numbers crop. */
  readonly padding?: readonly (readonly [before: number, after: number])[];
  /** Distance between the kernel's taps. */
  readonly dilations?: readonly number[];
  /** Distance between the input's elements: above 1, zeros lie between them (transposed convolution). */
  readonly inputDilations?: readonly number[];
  /** Groups of channels that do not see each other. */
  readonly groups?: number;
}

/** Cross-correlation of `x[N, C, …I]` with `w[O, C / groups, …K]` over any number of spatial axes: `[N, O, …L]`. */
export function convolution(x: Tensor, w: Tensor, options: ConvolutionOptions = {}): Tensor {
  const { groups = 1 } = options;
  const [n, channels, ...lengths] = x.shape;
  const [out, into, ...kernel] = w.shape;
  if (x.rank < 2 || x.rank !== w.rank || channels !== into * groups || out % groups !== 0)
    throw new ShapeError(
      `convolution: the kernel must be [out, channels / groups, ...] for ${groups} groups, got ${x.describe()} and ${w.describe()}. check the number of input channels`,
    );
  const ones = lengths.map(() => 1);
  const padding = options.padding ?? lengths.map(() => [0, 0]);
  const spread = lengths.map((n, i) => {
    const gaps = (options.inputDilations?.[i] ?? 1) - 1;
    return n + Math.max(0, n - 1) * gaps + padding[i][0] + padding[i][1];
  });
  checkFits("convolution", x, spread, kernel, options.dilations ?? ones);
  const dtype = promote("convolution", toFloat(x.dtype), toFloat(w.dtype));
  const y = convolutionNode(
    reshape(arithmetic.convert(x.node, dtype), [n, groups, into, ...lengths]),
    reshape(arithmetic.convert(w.node, dtype), [groups, out / groups, into, ...kernel]),
    {
      strides: options.strides ?? ones,
      padding,
      inputDilation: options.inputDilations ?? ones,
      kernelDilation: options.dilations ?? ones,
    },
  );
  return Tensor.of(reshape(y, [n, out, ...y.shape.slice(3)]));
}

/** The lower triangle (`k` diagonals above the main one included); the rest is 0. */
export const tril = (x: Tensor, k = 0): Tensor => triangle(x, (row, column) => row.add(k).greaterEqual(column));
/** The upper triangle from the `k`-th diagonal on; the rest is 0. */
export const triu = (x: Tensor, k = 0): Tensor => triangle(x, (row, column) => row.add(k).lessEqual(column));
function triangle(x: Tensor, keeps: (row: Tensor, column: Tensor) => Tensor): Tensor {
  const [rows, columns] = x.shape.slice(-2);
  const row = Tensor.of(reshape(on.counter(rows), [rows, 1]));
  const column = Tensor.of(reshape(on.counter(columns), [1, columns]));
  return where(keeps(row, column), x, 0);
}

/** The same value, through which no derivative passes. */
export const stopGradient = <S extends Shape>(x: Tensor<S>): Tensor<S> => Tensor.of(stopGradientNode(x.node));

/** A function of one tensor as a single node with a derivative of its own; transforms other than the first see the body. */
function withDerivative<O extends readonly unknown[]>(
  name: string,
  body: (x: Tensor, ...options: O) => Tensor,
  rule: (y: Tensor, g: Tensor, ...options: O) => Tensor,
) {
  return operation(name, <S extends Shape>(x: Tensor<S>, ...options: O): Tensor<S> => {
    const given = [arithmetic.convert(x.node, toFloat(x.dtype))];
    const [y] = call(name, given, ([v]) => [body(Tensor.of(v), ...options).node], {
      rule: (_given, [out], [g]) => [rule(Tensor.of(out), Tensor.of(g), ...options).node],
    });
    return Tensor.of(y);
  });
}

/** `log Σ e^x` over axes, without overflow; -∞ over an axis of nothing but -∞. */
export const logSumExp = operation(
  "logSumExp",
  (x: Tensor, axes?: Axes, options: { readonly keepDims?: boolean } = {}): Tensor => {
    const top = stopGradient(x.max(axes, { keepDims: true }));
    const shift = where(top.isFinite(), top, 0);
    const total = x.sub(shift).exp().sum(axes, { keepDims: true }).log().add(shift);
    return options.keepDims ? total : total.sum(axes);
  },
);

/** `e^x / Σ e^x` along an axis. */
export const softmax = withDerivative(
  "softmax",
  (x, axis: number = -1) => {
    const e = x.sub(x.max(axis, { keepDims: true })).exp();
    return e.mul(e.sum(axis, { keepDims: true }).reciprocal());
  },
  // Jᵀg = y ∘ (g - Σ y∘g)
  (y, g, axis: number = -1) => y.mul(g.sub(y.mul(g).sum(axis, { keepDims: true }))),
);

/** `x - log Σ e^x` along an axis. */
export const logSoftmax = withDerivative(
  "logSoftmax",
  (x, axis: number = -1) => x.sub(logSumExp(x, axis, { keepDims: true })),
  (y, g, axis: number = -1) => g.sub(y.exp().mul(g.sum(axis, { keepDims: true }))),
);

/** `log(1 + e^x)`, without overflow and with every derivative right at 0. */
export function softplus<S extends Shape>(x: Tensor<S>): Tensor<S> {
  const v: Tensor = x;
  const isPositive = v.greater(0);
  const tail = where(isPositive, v.neg(), v).exp().log1p();
  return Tensor.of<S>(where(isPositive, v, 0).add(tail).node);
}

/** A one in the place each label names, in a new last axis of length `classes`; labels outside give zeros. */
export function oneHot(labels: Tensor, classes: number): Tensor {
  const places = Tensor.of(on.counter(classes));
  return labels.expandDims(-1).equal(places).astype("float32");
}

/** Positions where a mask is true, one int32 vector for each axis. Reads the mask. */
export const nonzero = (mask: Tensor): Tensor[] => on.nonzero(mask.node).map((n) => Tensor.of(n));
