/// <reference lib="esnext.disposable" preserve="true" />
/** The tensor: a handle on a node of the graph, with the operations users call. */
import { checkKnown, type DType, type TypedArray } from "../ir/dtype.js";
import type { DeviceValue } from "../backend/backend.js";
import { Node } from "../ir/node.js";
import { normalizeAxes, normalizeAxis, type Shape, show, sizeOf } from "../ir/shape.js";
import * as arithmetic from "../primitive/arithmetic.js";
import { barrier, constant } from "../primitive/leaf.js";
import * as move from "../primitive/movement.js";
import { range } from "../util/arrays.js";
import { ArgumentError, invariant, ShapeError, TraceError } from "../util/errors.js";
import { broadcastTo, type NodeOrNumber } from "./coerce.js";
import { device as openDevice } from "./device.js";
import { breathe, evaluateNodes, pendingLimit, readNode, valueOf } from "./evaluate.js";
import { formatValue } from "./format.js";
import { indexNode, type Slice } from "./indexing.js";
import * as on from "./operations.js";
import { noteOrigin } from "./origin.js";
import { register, release } from "./scope.js";
import type {
  Axes,
  BroadcastResult,
  Expanded,
  Fits,
  MatMul,
  Operand,
  Permuted,
  Reduced,
  Reshaped,
  Second,
  ShapeOf,
  Swapped,
} from "./types.js";

/** Options of reductions: whether reduced axes stay, with length 1. */
export interface KeepDims<K extends boolean = boolean> {
  readonly keepDims?: K;
}

/** Nested lists of numbers, as deep as a tensor has axes. */
export type Nested = number | boolean | readonly Nested[];

/** One entry of an index: a place, a slice (`"1:5"`, `slice(1, 5)`), `null` for a new axis, `"..."`, places, a mask. */
export type Index = number | string | null | Slice | readonly number[] | Tensor;

const nodeOf = (x: Operand): NodeOrNumber => (x instanceof Tensor ? x.node : x);

/**
 * An n-dimensional array whose elements are computed when they are read. Operations check dtypes and shapes at once and
 * return new tensors; none changes its operands. `S` is the shape, as far as the compiler knows it.
 */
export class Tensor<out S extends Shape = Shape> {
  #node: Node | null;
  /** A computed value has no node until somebody asks for it: most are only passed on to the next step. */
  #untouched: DeviceValue | null;

  private constructor(node: Node | null, untouched: DeviceValue | null) {
    this.#node = node;
    this.#untouched = untouched;
    register(this);
  }

  /** The value in the graph; for code that writes transforms. */
  get node(): Node {
    return this.#node ?? this.#touch();
  }
  /** The value of a tensor that nobody has asked for its node. */
  get untouched(): DeviceValue | null {
    return this.#untouched;
  }
  #touch(): Node {
    const value = this.#untouched;
    invariant(value !== null, "a tensor without a value or a node");
    this.#untouched = null;
    return (this.#node = constant(value));
  }
  /** A tensor of what a program computed. */
  static computed(value: DeviceValue): Tensor {
    return new Tensor(null, value);
  }

  /** A tensor of a node. The type of its shape is the caller's word: shapes themselves are checked when nodes are built. */
  static of<S extends Shape = Shape>(node: Node): Tensor<S> {
    if (node.value === null && node.depth > pendingLimit && node.scopes.length === 0) evaluateNodes([node]);
    noteOrigin(node);
    return new Tensor<S>(node, null);
  }

  /** Lengths of the axes. */
  get shape(): S {
    // The one place where a shape that was checked at run time meets the type it was given.
    return this.node.shape as S;
  }
  get dtype(): DType {
    return this.node.dtype;
  }
  /** Number of axes. */
  get rank(): number {
    return this.node.shape.length;
  }
  /** Number of elements. */
  get size(): number {
    return sizeOf(this.node.shape);
  }
  /** `float32[2,3]`. */
  describe(): string {
    return show(this.node.aval);
  }

  // Reading ------------------------------------------------------------------------------------------------------

  /** The elements in row-major order, as a typed array of the dtype (a `Uint8Array` of 0 and 1 for bool). */
  async data(): Promise<TypedArray> {
    await breathe();
    return this.dataSync();
  }
  /** As `data`, at once. */
  dataSync(): TypedArray {
    return readNode(this.node).data;
  }
  /** The only element; a `ShapeError` when there are several. */
  async item(): Promise<number> {
    await breathe();
    return this.itemSync();
  }
  /** As `item`, at once. */
  itemSync(): number {
    if (this.size !== 1)
      throw new ShapeError(`item: the tensor must have one element, got ${this.describe()}. use data()`);
    return this.dataSync()[0];
  }
  /** The elements as nested lists; a bare number for a scalar. Bools become `true` and `false`. */
  async toArray(): Promise<Nested> {
    await breathe();
    return this.toArraySync();
  }
  /** As `toArray`, at once. */
  toArraySync(): Nested {
    const { data, dtype, shape } = readNode(this.node);
    const nest = (axis: number, start: number, count: number): Nested => {
      if (axis === shape.length) return dtype === "bool" ? data[start] !== 0 : data[start];
      const step = shape[axis] === 0 ? 0 : count / shape[axis];
      return range(shape[axis]).map((i) => nest(axis + 1, start + i * step, step));
    };
    return nest(0, 0, data.length);
  }
  /** For `JSON.stringify`: the nested lists. */
  toJSON(): Nested {
    return this.toArraySync();
  }
  /** NumPy's manner of printing, with dtype and shape: `float32[2] [1., 2.]`. */
  toString(): string {
    if (this.node.scopes.some((scope) => scope.abstract)) return `${this.describe()} (traced)`;
    const { data, dtype, shape } = readNode(this.node);
    return formatValue(data, dtype, shape);
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  // Memory -------------------------------------------------------------------------------------------------------

  /** The same values on another device. */
  async to(name: string): Promise<Tensor<S>> {
    if (this.node.scopes.length > 0)
      throw new TraceError(
        `to: the tensor must not depend on a running transform, got ${this.describe()}. move it before`,
      );
    const target = await openDevice(name);
    const value = valueOf(this.node);
    return value.device === target.name ? this : Tensor.of<S>(constant(target.upload(readNode(this.node))));
  }
  /** A copy of the values, which no compiled step can take over. Derivatives pass through it. */
  clone(): Tensor<S> {
    return Tensor.of<S>(barrier(this.node, this.node));
  }
  /** Frees the value at once, for `using`; never required. */
  [Symbol.dispose](): void {
    release(this.node);
  }

  // Element by element, two operands ---------------------------------------------------------------------------------

  /** `x + y`, broadcast by NumPy's rules. */
  add<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.add(this.node, nodeOf(y)));
  }
  /** `x - y`. */
  sub<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.sub(this.node, nodeOf(y)));
  }
  /** `x · y`, element by element. */
  mul<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.mul(this.node, nodeOf(y)));
  }
  /** `x / y`; integers become float32. */
  div<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.div(this.node, nodeOf(y)));
  }
  /** `⌊x / y⌋`; 0 for an integer divided by 0. */
  floorDivide<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.floorDivide(this.node, nodeOf(y)));
  }
  /** `x - y·⌊x / y⌋`, with the divisor's sign. */
  remainder<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.remainder(this.node, nodeOf(y)));
  }
  /** `x^y`; integers become float32. */
  pow<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.pow(this.node, nodeOf(y)));
  }
  /** The angle of the point (y, x), for `x.atan2` called on the ordinate: `ordinate.atan2(abscissa)`. */
  atan2<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.atan2(this.node, nodeOf(y)));
  }
  /** The larger of two; NaN if either is. At a tie each gets half the derivative. */
  maximum<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.maximum(this.node, nodeOf(y)));
  }
  /** The smaller of two; NaN if either is. At a tie each gets half the derivative. */
  minimum<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.minimum(this.node, nodeOf(y)));
  }
  /** `x = y`, as bool. */
  equal<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.equal(this.node, nodeOf(y)));
  }
  /** `x ≠ y`, as bool. */
  notEqual<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.notEqual(this.node, nodeOf(y)));
  }
  /** `x < y`, as bool. */
  less<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.less(this.node, nodeOf(y)));
  }
  /** `x ≤ y`, as bool. */
  lessEqual<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.lessEqual(this.node, nodeOf(y)));
  }
  /** `x > y`, as bool. */
  greater<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.greater(this.node, nodeOf(y)));
  }
  /** `x ≥ y`, as bool. */
  greaterEqual<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.greaterEqual(this.node, nodeOf(y)));
  }
  /** Logical and of bools, bitwise of integers. */
  and<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.and(this.node, nodeOf(y)));
  }
  /** Logical or of bools, bitwise of integers. */
  or<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.or(this.node, nodeOf(y)));
  }
  /** Exclusive or. */
  xor<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.xor(this.node, nodeOf(y)));
  }
  /** Bits shifted left; the count modulo 32. */
  shiftLeft<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.shiftLeft(this.node, nodeOf(y)));
  }
  /** Bits shifted right, keeping the sign of int32. */
  shiftRight<A extends Shape, const O extends Operand>(this: Tensor<A>, y: Second<A, O>): BroadcastResult<A, O> {
    return Tensor.of(on.pairs.shiftRight(this.node, nodeOf(y)));
  }

  // Element by element, one operand ----------------------------------------------------------------------------------

  /** `-x`. */
  neg<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.neg(this.node));
  }
  /** `|x|`, with derivative 0 at 0. */
  abs<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.abs(this.node));
  }
  /** -1, 0 or 1. */
  sign<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.sign(this.node));
  }
  /** Rounded down. */
  floor<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.floor(this.node));
  }
  /** Rounded up. */
  ceil<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.ceil(this.node));
  }
  /** Rounded toward zero. */
  trunc<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.trunc(this.node));
  }
  /** To the nearest integer, halves to the even one. */
  round<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.round(this.node));
  }
  /** Logical not of bool, every bit of integers. */
  not<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.not(this.node));
  }
  /** Where the element is NaN, as bool. */
  isNaN<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.isNaN(this.node));
  }
  /** Where it is neither NaN nor infinite, as bool. */
  isFinite<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.isFinite(this.node));
  }
  /** Where it is infinite, as bool. */
  isInfinite<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.isInfinite(this.node));
  }
  /** `x²`. */
  square<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.square(this.node));
  }
  /** `1 / x`. */
  reciprocal<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.reciprocal(this.node));
  }
  /** `max(x, 0)`, with derivative 0 at 0. */
  relu<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.maps.relu(this.node));
  }
  /** `e^x`. */
  exp<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.exp(this.node));
  }
  /** `2^x`. */
  exp2<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.exp2(this.node));
  }
  /** `e^x - 1`, accurate near 0. */
  expm1<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.expm1(this.node));
  }
  /** Natural logarithm. */
  log<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.log(this.node));
  }
  /** Logarithm to base 2. */
  log2<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.log2(this.node));
  }
  /** Logarithm to base 10. */
  log10<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.log10(this.node));
  }
  /** `log(1 + x)`, accurate near 0. */
  log1p<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.log1p(this.node));
  }
  /** Sine. */
  sin<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.sin(this.node));
  }
  /** Cosine. */
  cos<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.cos(this.node));
  }
  /** Tangent. */
  tan<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.tan(this.node));
  }
  /** Inverse sine. */
  asin<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.asin(this.node));
  }
  /** Inverse cosine. */
  acos<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.acos(this.node));
  }
  /** Inverse tangent. */
  atan<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.atan(this.node));
  }
  /** Hyperbolic sine. */
  sinh<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.sinh(this.node));
  }
  /** Hyperbolic cosine. */
  cosh<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.cosh(this.node));
  }
  /** Hyperbolic tangent. */
  tanh<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.tanh(this.node));
  }
  /** Inverse hyperbolic sine. */
  asinh<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.asinh(this.node));
  }
  /** Inverse hyperbolic cosine. */
  acosh<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.acosh(this.node));
  }
  /** Inverse hyperbolic tangent. */
  atanh<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.atanh(this.node));
  }
  /** `1 / (1 + e^-x)`. */
  sigmoid<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.sigmoid(this.node));
  }
  /** The error function `2/√π ∫₀ˣ e^(-t²) dt`. */
  erf<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.erf(this.node));
  }
  /** `1 - erf(x)`, accurate for large x. */
  erfc<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.erfc(this.node));
  }
  /** The inverse of `erf`. */
  erfinv<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.erfinv(this.node));
  }
  /** Square root. */
  sqrt<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.sqrt(this.node));
  }
  /** `1 / √x`. */
  rsqrt<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.rsqrt(this.node));
  }
  /** Cube root. */
  cbrt<A extends Shape>(this: Tensor<A>): Tensor<A> {
    return Tensor.of(on.elementary.cbrt(this.node));
  }
  /** Elements limited to [low, high]; either bound may be left out. */
  clip<A extends Shape>(this: Tensor<A>, low: number | undefined, high: number | undefined): Tensor<A> {
    if (low !== undefined && high !== undefined && low > high)
      throw new ArgumentError(`clip: low must not exceed high, got ${low} and ${high}. swap them`);
    const raised = low === undefined ? this.node : on.pairs.maximum(this.node, low);
    return Tensor.of(high === undefined ? raised : on.pairs.minimum(raised, high));
  }
  /** The values under another dtype: floats become integers by truncation, anything but 0 is true. */
  astype<A extends Shape>(this: Tensor<A>, dtype: DType): Tensor<A> {
    checkKnown("astype", dtype);
    return Tensor.of(arithmetic.convert(this.node, dtype));
  }
  /** The same 32 bits under another dtype. */
  bitcast<A extends Shape>(this: Tensor<A>, dtype: DType): Tensor<A> {
    checkKnown("bitcast", dtype);
    return Tensor.of(arithmetic.bitcast(this.node, dtype));
  }

  // Reductions ---------------------------------------------------------------------------------------------------

  /** Sum over `axes`, or over all. */
  sum<A extends Shape, const X extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A>,
    axes?: X,
    options: KeepDims<K> = {},
  ): Tensor<Reduced<A, X, K>> {
    return Tensor.of(on.reductions.sum(this.node, axes, options.keepDims ?? false));
  }
  /** Product over `axes`, or over all. */
  prod<A extends Shape, const X extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A>,
    axes?: X,
    options: KeepDims<K> = {},
  ): Tensor<Reduced<A, X, K>> {
    return Tensor.of(on.reductions.prod(this.node, axes, options.keepDims ?? false));
  }
  /** Largest element; equal ones share the derivative evenly. */
  max<A extends Shape, const X extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A>,
    axes?: X,
    options: KeepDims<K> = {},
  ): Tensor<Reduced<A, X, K>> {
    return Tensor.of(on.reductions.max(this.node, axes, options.keepDims ?? false));
  }
  /** Smallest element; equal ones share the derivative evenly. */
  min<A extends Shape, const X extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A>,
    axes?: X,
    options: KeepDims<K> = {},
  ): Tensor<Reduced<A, X, K>> {
    return Tensor.of(on.reductions.min(this.node, axes, options.keepDims ?? false));
  }
  /** Mean over `axes`, or over all. */
  mean<A extends Shape, const X extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A>,
    axes?: X,
    options: KeepDims<K> = {},
  ): Tensor<Reduced<A, X, K>> {
    return Tensor.of(on.reductions.mean(this.node, axes, options.keepDims ?? false));
  }
  /** Whether any element is true. */
  any<A extends Shape, const X extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A>,
    axes?: X,
    options: KeepDims<K> = {},
  ): Tensor<Reduced<A, X, K>> {
    return Tensor.of(on.reductions.any(this.node, axes, options.keepDims ?? false));
  }
  /** Whether all elements are true. */
  all<A extends Shape, const X extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A>,
    axes?: X,
    options: KeepDims<K> = {},
  ): Tensor<Reduced<A, X, K>> {
    return Tensor.of(on.reductions.all(this.node, axes, options.keepDims ?? false));
  }
  /** Mean squared distance from the mean, over `n - correction`; PyTorch's correction 1 by default. */
  variance<A extends Shape, const X extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A>,
    axes?: X,
    options: KeepDims<K> & { readonly correction?: number } = {},
  ): Tensor<Reduced<A, X, K>> {
    return Tensor.of(on.variance("variance", options.correction ?? 1)(this.node, axes, options.keepDims ?? false));
  }
  /** Square root of the variance. */
  std<A extends Shape, const X extends Axes | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A>,
    axes?: X,
    options: KeepDims<K> & { readonly correction?: number } = {},
  ): Tensor<Reduced<A, X, K>> {
    return Tensor.of(
      on.elementary.sqrt(on.variance("std", options.correction ?? 1)(this.node, axes, options.keepDims ?? false)),
    );
  }
  /** Position of the first largest element along `axis`, or in the flattened tensor; int32. */
  argmax<A extends Shape, const X extends number | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A>,
    axis?: X,
    options: KeepDims<K> = {},
  ): Tensor<Reduced<A, X, K>> {
    return Tensor.of(on.extremePosition("argmax", this.node, axis, options.keepDims ?? false));
  }
  /** Position of the first smallest element along `axis`, or in the flattened tensor; int32. */
  argmin<A extends Shape, const X extends number | undefined = undefined, const K extends boolean = false>(
    this: Tensor<A>,
    axis?: X,
    options: KeepDims<K> = {},
  ): Tensor<Reduced<A, X, K>> {
    return Tensor.of(on.extremePosition("argmin", this.node, axis, options.keepDims ?? false));
  }
  /** Running sum along an axis, from its end when `reverse`. */
  cumsum<A extends Shape>(this: Tensor<A>, axis: number, options: { readonly reverse?: boolean } = {}): Tensor<A> {
    return Tensor.of(on.cumsum(this.node, axis, options.reverse ?? false));
  }

  // Products -----------------------------------------------------------------------------------------------------

  /** Matrix product; leading axes broadcast, vectors count as a row on the left and a column on the right. */
  matmul<A extends Shape, B extends Shape>(
    this: Tensor<A>,
    y: Tensor<B> & Fits<MatMul<A, B>>,
  ): Tensor<ShapeOf<MatMul<A, B>>> {
    return Tensor.of(on.matmul(this.node, y.node));
  }

  // Moving elements ----------------------------------------------------------------------------------------------

  /** The same elements under another shape, in row-major order; one dimension may be -1. */
  reshape<const R extends Shape>(shape: R): Tensor<Reshaped<R>> {
    return Tensor.of(move.reshape(this.node, on.resolveShape(this.node, shape)));
  }
  /** Axes `start` to `end` (inclusive) merged into one. */
  flatten(): Tensor<readonly [number]>;
  flatten(start: number, end?: number): Tensor;
  flatten(start = 0, end = -1): Tensor {
    const { aval, shape } = this.node;
    if (shape.length === 0) return Tensor.of(move.reshape(this.node, [1]));
    const [from, to] = [normalizeAxis("flatten", start, aval), normalizeAxis("flatten", end, aval)];
    if (from > to) throw new ArgumentError(`flatten: start must not exceed end, got ${start} and ${end}. swap them`);
    return Tensor.of(move.reshape(this.node, shape.toSpliced(from, to - from + 1, sizeOf(shape.slice(from, to + 1)))));
  }
  /** Without the named axes, which must have length 1; without all such axes when none is named. */
  squeeze<A extends Shape>(this: Tensor<A>): Tensor;
  squeeze<A extends Shape, const X extends Axes>(this: Tensor<A>, axes: X): Tensor<Reduced<A, X, false>>;
  squeeze(axes?: Axes): Tensor {
    const { aval, shape } = this.node;
    const named =
      axes === undefined ? range(shape.length).filter((i) => shape[i] === 1) : normalizeAxes("squeeze", axes, aval);
    for (const i of named)
      if (shape[i] !== 1)
        throw new ShapeError(`squeeze: axis ${i} must have length 1, got ${this.describe()}. name another`);
    return Tensor.of(
      move.reshape(
        this.node,
        shape.filter((_, i) => !named.includes(i)),
      ),
    );
  }
  /** With a new axis of length 1 at `axis`. */
  expandDims<A extends Shape, const X extends number>(this: Tensor<A>, axis: X): Tensor<Expanded<A, X>> {
    const { shape, dtype } = this.node;
    const at = normalizeAxis("expandDims", axis, { dtype, shape: [...shape, 1] });
    return Tensor.of(move.reshape(this.node, shape.toSpliced(at, 0, 1)));
  }
  /** Axes in another order; reversed when no order is named. */
  transpose<A extends Shape, const P extends readonly number[] | undefined = undefined>(
    this: Tensor<A>,
    permutation?: P,
  ): Tensor<Permuted<A, P>> {
    const { aval, shape } = this.node;
    const order =
      permutation?.map((axis) => normalizeAxis("transpose", axis, aval)) ?? range(shape.length).toReversed();
    return Tensor.of(move.transpose(this.node, order));
  }
  /** The two last axes swapped (for matrices, the transpose). */
  get T(): Tensor {
    return this.rank < 2 ? this : this.swapAxes(-1, -2);
  }
  /** Two axes change places. */
  swapAxes<A extends Shape, const I extends number, const J extends number>(
    this: Tensor<A>,
    a: I,
    b: J,
  ): Tensor<Swapped<A, I, J>> {
    const { aval } = this.node;
    return Tensor.of(move.swapAxes(this.node, normalizeAxis("swapAxes", a, aval), normalizeAxis("swapAxes", b, aval)));
  }
  /** One axis moves to another place, the others keep their order. */
  moveAxis(from: number, to: number): Tensor {
    const { aval } = this.node;
    return Tensor.of(
      move.moveAxis(this.node, normalizeAxis("moveAxis", from, aval), normalizeAxis("moveAxis", to, aval)),
    );
  }
  /** Repeated along new axes and axes of length 1. */
  broadcastTo<const R extends Shape>(shape: R): Tensor<R> {
    return Tensor.of(broadcastTo("broadcastTo", this.node, shape));
  }
  /** In reverse order along the axes, or along all. */
  flip<A extends Shape>(this: Tensor<A>, axes?: Axes): Tensor<A> {
    return Tensor.of(move.flip(this.node, normalizeAxes("flip", axes, this.node.aval)));
  }
  /** With `[before, after]` elements of `value` added to each axis. */
  pad(widths: readonly (readonly [before: number, after: number])[], value = 0): Tensor {
    return Tensor.of(on.pad(this.node, widths, value));
  }
  /** `x.at(0, "1:3", null, "...", [2, 0])`: integers drop an axis, slices keep it, tensors and lists of places gather, bool tensors select. */
  at(...index: readonly Index[]): Tensor {
    return Tensor.of(
      indexNode(
        this.node,
        index.map((entry) => (entry instanceof Tensor ? entry.node : entry)),
      ),
    );
  }
  /** Elements of an axis at the places `indices` names; a place outside gives NaN (0 for integers). */
  take(indices: Tensor, axis = 0): Tensor {
    return Tensor.of(on.take(this.node, indices.node, axis));
  }
  /** One place for each element of the other axes, as `argmax` with `keepDims` gives. */
  takeAlongAxis<I extends Shape>(indices: Tensor<I>, axis: number): Tensor<I> {
    return Tensor.of(on.takeAlongAxis(this.node, indices.node, axis));
  }

  // Order --------------------------------------------------------------------------------------------------------

  /** The places that sort an axis; stable, NaN last; int32. */
  argsort<A extends Shape>(this: Tensor<A>, axis = -1, options: { readonly descending?: boolean } = {}): Tensor<A> {
    return Tensor.of(on.argsortAxis(this.node, axis, options.descending ?? false));
  }
  /** An axis sorted; stable, NaN last. */
  sort<A extends Shape>(this: Tensor<A>, axis = -1, options: { readonly descending?: boolean } = {}): Tensor<A> {
    const order = on.argsortAxis(this.node, axis, options.descending ?? false);
    return Tensor.of(on.takeAlongAxis(this.node, order, axis));
  }
  /** The k largest (or smallest) elements of the last axis, in order, and their places. */
  topK(k: number, options: { readonly largest?: boolean } = {}): { readonly values: Tensor; readonly indices: Tensor } {
    const [values, indices] = on.topK(this.node, k, options.largest ?? true);
    return { values: Tensor.of(values), indices: Tensor.of(indices) };
  }
}
