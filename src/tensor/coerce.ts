/** From what users write (tensors of several dtypes and shapes, plain numbers) to the equal shapes primitives take. */
import { type DType, isFloat, limits, promote } from "../ir/dtype.js";
import { Node } from "../ir/node.js";
import { broadcastShapes, type Shape, sameShape, show } from "../ir/shape.js";
import { convert } from "../primitive/arithmetic.js";
import { broadcast } from "../primitive/define.js";
import { fill } from "../primitive/leaf.js";
import { reshape } from "../primitive/movement.js";
import { ArgumentError, ShapeError } from "../util/errors.js";

/** A node, or a number that takes the dtype of what it meets. */
export type NodeOrNumber = Node | number | boolean;

/** The node with NumPy's broadcasting: missing axes in front and axes of length 1 repeat. */
export function broadcastTo(op: string, x: Node, shape: Shape): Node {
  if (sameShape(x.shape, shape)) return x;
  const lead = shape.length - x.shape.length;
  const axes = shape.flatMap((n, i) =>
    i >= lead && x.shape[i - lead] === n && !(n !== 1 && x.shape[i - lead] === 1) ? [i] : [],
  );
  const fits = lead >= 0 && x.shape.every((n, i) => n === 1 || n === shape[lead + i]);
  if (!fits)
    throw new ShapeError(
      `${op}: a tensor must broadcast to [${shape.join(",")}], got ${show(x.aval)}. make each dimension equal or 1`,
    );
  const own = axes.map((a) => shape[a]);
  return broadcast(reshape(x, own), shape, axes);
}

/** The dtype a plain number gives a result with a tensor of `dtype`: it is weak, but a fraction needs a float. */
function withNumber(op: string, dtype: DType, value: number | boolean): DType {
  if (typeof value === "boolean" || isFloat(dtype)) return dtype;
  if (dtype === "bool") return Number.isInteger(value) ? "int32" : "float32";
  if (!Number.isInteger(value)) return "float32";
  const [low, high] = limits[dtype];
  if (value < low || value > high)
    throw new ArgumentError(
      `${op}: a number beside a ${dtype} tensor must be from ${low} to ${high}, got ${value}. convert the tensor with astype`,
    );
  return dtype;
}

/** Operands with one dtype and one shape. At least one is a node. */
export function together(op: string, operands: readonly NodeOrNumber[], minimum?: (dtype: DType) => DType): Node[] {
  let first: Node | null = null;
  for (const x of operands)
    if (x instanceof Node) first ??= x;
    else if (typeof x !== "number" && typeof x !== "boolean")
      throw new ArgumentError(
        `${op}: operands must be tensors or numbers, got ${typeof x}. wrap lists in tensor(…); one of another copy of typegrad is no tensor here (npm ls typegrad)`,
      );
  if (first === null) throw new ArgumentError(`${op}: one operand must be a tensor, got numbers. use tensor(x)`);
  let { dtype, shape } = first;
  for (const x of operands) if (x instanceof Node) dtype = promote(op, dtype, x.dtype);
  for (const x of operands) if (!(x instanceof Node)) dtype = withNumber(op, dtype, x);
  if (minimum) dtype = minimum(dtype);
  for (const x of operands) if (x instanceof Node) shape = broadcastShapes(op, { dtype, shape }, x.aval);
  return operands.map((x) =>
    typeof x === "object" ? broadcastTo(op, convert(x, dtype), shape) : fill(Number(x), dtype, shape),
  );
}

/** Integers and bools become float32, for functions that only floats have. */
export const toFloat = (dtype: DType): DType => (isFloat(dtype) ? dtype : "float32");
/** Bools become int32, for arithmetic. */
export const toNumber = (dtype: DType): DType => (dtype === "bool" ? "int32" : dtype);
