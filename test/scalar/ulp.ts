/** Distances in units in the last place, and functions of floats made from primitives. */
import { type Expr, s } from "#src/ir/scalar.js";
import type { Primitive } from "#src/ir/node.js";
import { evaluator } from "./evaluate.js";

export type FloatType = "float32" | "float64";

/** The distance between neighbouring floats at `x`. */
export function spacing(type: FloatType, x: number): number {
  const [least, digits, smallest] = type === "float32" ? [2 ** -126, 23, 2 ** -149] : [2 ** -1022, 52, 2 ** -1074];
  const a = Math.abs(x);
  if (a < least) return smallest;
  let exponent = Math.floor(Math.log2(a));
  if (2 ** exponent > a) exponent--;
  if (2 ** (exponent + 1) <= a) exponent++;
  return 2 ** (exponent - digits);
}

/** Error of `got` in ULP; infinite when one of the two is NaN or infinite, or a zero has the wrong sign. */
export function ulpError(type: FloatType, got: number, exact: number): number {
  const rounded = type === "float32" ? Math.fround(exact) : exact;
  if (Object.is(got, rounded)) return Math.abs(got - exact) === 0 || !Number.isFinite(got) ? 0 : near(type, got, exact);
  if (!Number.isFinite(got) || !Number.isFinite(rounded)) return Infinity;
  if (got === 0 && rounded === 0) return Infinity;
  return near(type, got, exact);
}
const near = (type: FloatType, got: number, exact: number): number => Math.abs(got - exact) / spacing(type, exact);

/** The primitive's scalar formula as a JavaScript function on floats of `type`. */
export function scalarFunction<P>(
  primitive: Primitive<P>,
  params: P,
  type: FloatType,
  arity: number,
  fused: boolean,
): (...xs: number[]) => number {
  const inputs = Array.from({ length: arity }, (_, i) => {
    const element: Expr = s.load(type, i, []);
    return { dtype: type, shape: [], at: () => element };
  });
  const lowering = primitive.lower(inputs, params, [{ dtype: type, shape: [] }]);
  if (lowering.form !== "map") throw new Error(`${primitive.name} is not a map`);
  const run = evaluator(lowering.value([]), fused);
  return (...xs) => Number(run(...xs));
}
