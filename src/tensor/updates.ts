/** Writing parts of a tensor: new tensors in which the elements that an index selects have other values. */
import type { Node } from "../ir/node.js";
import { type Shape, sizeOf } from "../ir/shape.js";
import { convert, notEqual, select, sub } from "../primitive/arithmetic.js";
import { add } from "../primitive/define.js";
import { argsort, gather, scatterAdd } from "../primitive/indexing.js";
import { fill, fillLike } from "../primitive/leaf.js";
import { concatenate, reshape, sliceAxis } from "../primitive/movement.js";
import { promote } from "../ir/dtype.js";
import { broadcastTo } from "./coerce.js";
import { indexNode } from "./indexing.js";
import { counter } from "./operations.js";
import { type Index, Tensor } from "./tensor.js";
import type { Operand } from "./types.js";

/** The places in row-major order of what an index selects, -1 for those outside. */
function placesOf(x: Tensor, index: readonly Index[]): Node {
  x.at(...index); // an index that does not fit is told of the tensor itself
  const entries = index.map((entry) => (entry instanceof Tensor ? entry.node : entry));
  const one = fill(1, "int32", x.shape);
  const fromOne = add(reshape(counter(x.size), x.shape), one); // reading outside gives 0
  const places = indexNode(fromOne, entries);
  return sub(places, fillLike(places, 1));
}

/** A value as the index's shape and the tensor's dtype take it. */
function valuesFor(op: string, x: Tensor, value: Operand, shape: Shape): Node {
  if (!(value instanceof Tensor)) return fill(Number(value), x.dtype, shape);
  promote(op, x.dtype, value.dtype); // dtypes that do not meet are an error
  return broadcastTo(op, convert(value.node, x.dtype), shape);
}

/** What `values` at `places` add up to in a tensor like `x`. */
const scattered = (x: Node, values: Node, places: Node): Node =>
  reshape(scatterAdd(flat(values), flat(places), { batch: 0, length: sizeOf(x.shape) }), x.shape);
const flat = (x: Node): Node => reshape(x, [sizeOf(x.shape)]);

/**
 * `x` with `value` added at what `x.at(...index)` selects; a place that is named several times gets every value. The value
 * broadcasts to the selection and takes the tensor's dtype; places outside are left out.
 */
export function addAt<S extends Shape>(x: Tensor<S>, index: readonly Index[], value: Operand): Tensor<S> {
  const places = placesOf(x, index);
  return Tensor.of(add(x.node, scattered(x.node, valuesFor("addAt", x, value, places.shape), places)));
}

/**
 * `x` with `value` in place of what `x.at(...index)` selects; of several values for one place the last counts. The value
 * broadcasts to the selection and takes the tensor's dtype; places outside are left out.
 */
export function setAt<S extends Shape>(x: Tensor<S>, index: readonly Index[], value: Operand): Tensor<S> {
  const places = placesOf(x, index);
  const values = valuesFor("setAt", x, value, places.shape);
  const isRepeatable = index.some((entry) => Array.isArray(entry) || entry instanceof Tensor);
  const own = isRepeatable ? lastOfEach(flat(places)) : flat(places);
  const ones = fill(1, "int32", own.shape);
  const hits = reshape(scatterAdd(ones, own, { batch: 0, length: x.size }), x.shape);
  const isNumber = x.dtype !== "bool";
  const written = scattered(x.node, isNumber ? values : convert(values, "int32"), own);
  return Tensor.of(select(notEqual(hits, fillLike(hits, 0)), convert(written, x.dtype), x.node));
}

/** The places, with -1 for those that a later one repeats. */
function lastOfEach(places: Node): Node {
  const n = places.shape[0];
  if (n === 0) return places;
  const order = argsort(places, false); // stable: of equal places the last comes last
  const sorted = gather(places, order, 0);
  const next = concatenate([sliceAxis(sorted, 0, 1, n), fill(-2, "int32", [1])], 0);
  const kept = select(notEqual(sorted, next), sorted, fillLike(sorted, -1));
  return gather(kept, argsort(order, false), 0);
}
