/** The one place where parameters become tensors of one dtype that broadcast, and are checked. */
import { ArgumentError, type DType, promote, type Shape, ShapeError, Tensor, tensor, isFloat } from "../index.js";
import type { Constraint } from "./constraints.js";
import { readable } from "./readable.js";

/** A parameter: a tensor, or a number for all. */
export type Parameter = Tensor | number;

export interface DistributionOptions {
  /** Of the parameters, and so of samples: what their tensors have, float32 for numbers alone. */
  readonly dtype?: "float32" | "float64";
  /** Whether parameters are read and checked; true unless told. Inside `compile` and `vmap` they never are. */
  readonly validate?: boolean;
}

/** A parameter with its name and the set it must lie in. */
export type Declared = readonly [name: string, value: Parameter, constraint: Constraint];

/** The shape two shapes broadcast to; `null` when they do not. */
export function broadcastShape(a: Shape, b: Shape): Shape | null {
  const rank = Math.max(a.length, b.length);
  const at = (shape: Shape, i: number): number => shape[i - rank + shape.length] ?? 1;
  const result = Array.from({ length: rank }, (_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i)));
  return result.every((n, i) => at(b, i) === 1 || at(b, i) === n) ? result : null;
}

const describe = (declared: readonly Declared[]): string =>
  declared.map(([name, x]) => `${name} ${x instanceof Tensor ? x.describe() : x}`).join(", ");

/** A common float dtype. */
function dtypeOf(op: string, declared: readonly Declared[], given: DistributionOptions["dtype"]): DType {
  if (given !== undefined) return given;
  const dtypes = declared.flatMap(([, x]) => (x instanceof Tensor ? [isFloat(x.dtype) ? x.dtype : "float32"] : []));
  return dtypes.reduce<DType>((a, b) => promote(op, a, b), "float32");
}

/** Throws an `ArgumentError` unless each value of a parameter passes its check; unread values pass. */
export function checkParameter(op: string, name: string, x: Tensor, constraint: Constraint): void {
  const bad = readable(constraint.check(x))?.findIndex((ok: number) => ok === 0) ?? -1;
  if (bad < 0) return;
  const size = x.shape.slice(x.rank - constraint.eventRank).reduce((a, b) => a * b, 1);
  const value = x.dataSync().slice(bad * size, bad * size + Math.min(size, 8));
  throw new ArgumentError(
    `${op}: ${name} must be ${constraint.description}, got ${value.join(", ")}${size > 8 ? ", …" : ""} in ${x.describe()}. check the parameters`,
  );
}

/** Parameters as tensors of one dtype that have all axes of the batch in front, in the order given. */
export function parameters(op: string, declared: readonly Declared[], options: DistributionOptions = {}): Tensor[] {
  const dtype = dtypeOf(op, declared, options.dtype);
  const tensors = declared.map(([, x]) => (x instanceof Tensor ? x.astype(dtype) : tensor(x, { dtype })));
  const events = tensors.map((x, i) => {
    const rank = x.rank - declared[i][2].eventRank;
    if (rank < 0)
      throw new ShapeError(
        `${op}: ${declared[i][0]} must have at least ${declared[i][2].eventRank} axes, got ${x.describe()}. see its documentation`,
      );
    return { batch: x.shape.slice(0, rank), event: x.shape.slice(rank) };
  });
  const batch = events.reduce<Shape>((shape, x) => {
    const joined = broadcastShape(shape, x.batch);
    if (joined === null)
      throw new ShapeError(
        `${op}: parameters must broadcast, got ${describe(declared)}. make each dimension equal or 1`,
      );
    return joined;
  }, []);
  if (options.validate ?? true) tensors.forEach((x, i) => checkParameter(op, declared[i][0], x, declared[i][2]));
  return tensors.map((x, i) => x.broadcastTo([...batch, ...events[i].event]));
}
