/** What functions on matrices do with their arguments: floats, square or not, leading axes broadcast. */
import { isFloat, promote } from "../ir/dtype.js";
import { Tensor } from "../tensor/index.js";
import { broadcastShapes } from "../ir/shape.js";
import { ShapeError } from "../util/errors.js";
import { checkSquare } from "./define.js";

/** The matrices as floats; throws unless there are at least two axes. */
export function matrix(op: string, a: Tensor): Tensor {
  if (a.rank < 2) throw new ShapeError(`${op}: a matrix needs at least two axes, got ${a.describe()}. reshape it`);
  return isFloat(a.dtype) ? a : a.astype("float32");
}

/** Square matrices as floats. */
export function square(op: string, a: Tensor): Tensor {
  checkSquare(op, a.node.aval);
  return matrix(op, a);
}

/** Two matrices with one dtype and one set of leading axes. */
export function together(op: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const dtype = promote(op, matrix(op, a).dtype, matrix(op, b).dtype);
  const lead = broadcastShapes(op, { dtype, shape: a.shape.slice(0, -2) }, { dtype, shape: b.shape.slice(0, -2) });
  const widen = (x: Tensor): Tensor => x.astype(dtype).broadcastTo([...lead, ...x.shape.slice(-2)]);
  return [widen(a), widen(b)];
}

/** The spacing of floats next to 1. */
export const epsilon = (a: Tensor): number => (a.dtype === "float64" ? 2 ** -52 : 2 ** -23);

/** Tensors of nodes. */
export const tensorsOf = (nodes: Iterable<Tensor["node"]>): Tensor[] => [...nodes].map((n) => Tensor.of(n));
