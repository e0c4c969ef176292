/** What runs along an axis: extremes, logarithms of sums, any associative operation. */
import { normalizeAxis, type Shape } from "../ir/shape.js";
import { convert } from "../primitive/arithmetic.js";
import { cummaxPrimitive, cumminPrimitive, runningExtreme } from "../primitive/cumulative.js";
import { toFloat, toNumber } from "./coerce.js";
import { concatenate, logSumExp, stack } from "./functions.js";
import { Tensor } from "./tensor.js";

export interface RunningOptions {
  /** From the end of the axis to its start. */
  readonly reverse?: boolean;
}

const extreme =
  (op: string, primitive: typeof cummaxPrimitive) =>
  <S extends Shape>(x: Tensor<S>, axis: number, options: RunningOptions = {}) => {
    const at = normalizeAxis(op, axis, x.node.aval);
    const value = convert(x.node, toNumber(x.dtype));
    const { values, places } = runningExtreme(primitive, value, at, options.reverse ?? false);
    return { values: Tensor.of<S>(values), indices: Tensor.of<S>(places) };
  };

/** The largest element so far along an axis, and where it was last reached; from the first NaN on NaN. */
export const cummax = extreme("cummax", cummaxPrimitive);
/** The smallest element so far along an axis, and where it was last reached; from the first NaN on NaN. */
export const cummin = extreme("cummin", cumminPrimitive);

/** `log Σ e^x` of the elements so far along an axis, without overflow. */
export function logCumSumExp(x: Tensor, axis: number, options: RunningOptions = {}): Tensor {
  const at = normalizeAxis("logCumSumExp", axis, x.node.aval);
  const front = Tensor.of(convert(x.node, toFloat(x.dtype))).moveAxis(at, 0);
  const turned = options.reverse === true ? front.flip(0) : front;
  const [y] = prefixes(([a], [b]) => [logSumExp(stack([a, b]), 0)], [turned]);
  return (options.reverse === true ? y.flip(0) : y).moveAxis(0, at);
}

/**
 * All prefixes `x₀, x₀∘x₁, x₀∘x₁∘x₂, …` along axis 0 of an associative operation on several elements at once: neighbours are
 * joined, their prefixes found, and the places in between filled. Work n, depth log n (G. E. Blelloch, 1990).
 */
export function prefixes(
  join: (a: readonly Tensor[], b: readonly Tensor[]) => readonly Tensor[],
  xs: readonly Tensor[],
): readonly Tensor[] {
  const n = xs[0].shape[0];
  if (n < 2) return xs;
  const part = (values: readonly Tensor[], slice: string): Tensor[] => values.map((x) => x.at(slice));
  const even = n - (n % 2);
  const odds = prefixes(join, join(part(xs, `0:${even}:2`), part(xs, `1:${even}:2`)));
  if (n === 2) return xs.map((x, i) => concatenate([x.at(":1"), odds[i]]));
  const between = join(part(odds, n % 2 === 0 ? ":-1" : ":"), part(xs, "2::2"));
  return xs.map((x, i) => {
    const evens = concatenate([x.at(":1"), between[i]]);
    const paired = stack([evens.at(`:${even / 2}`), odds[i]], 1).reshape([even, ...x.shape.slice(1)]);
    return n % 2 === 0 ? paired : concatenate([paired, evens.at("-1:")]);
  });
}
