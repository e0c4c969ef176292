/** The elementary functions under test, and how far each may be from the exact value. */
import { primitives } from "#src/primitive/index.js";
import type { Primitive } from "#src/ir/node.js";
import type { FloatType } from "./ulp.js";

/** Greatest errors in ULP: 2 for float32; for float64 what was measured on millions of arguments, rounded up. */
export interface Case {
  readonly name: string;
  readonly arity: 1 | 2;
  /** Where most arguments of use lie. */
  readonly range: readonly [number, number];
  readonly float64: number;
}

export const cases: readonly Case[] = [
  { name: "exp", arity: 1, range: [-100, 90], float64: 1 },
  { name: "exp2", arity: 1, range: [-140, 130], float64: 1.5 },
  { name: "expm1", arity: 1, range: [-3, 3], float64: 1.5 },
  { name: "log", arity: 1, range: [0.3, 3], float64: 1 },
  { name: "log2", arity: 1, range: [0.3, 3], float64: 1 },
  { name: "log10", arity: 1, range: [0.3, 3], float64: 1 },
  { name: "log1p", arity: 1, range: [-1, 3], float64: 1 },
  { name: "sin", arity: 1, range: [-20, 20], float64: 1 },
  { name: "cos", arity: 1, range: [-20, 20], float64: 1 },
  { name: "tan", arity: 1, range: [-20, 20], float64: 2.5 },
  { name: "asin", arity: 1, range: [-1.1, 1.1], float64: 2 },
  { name: "acos", arity: 1, range: [-1.1, 1.1], float64: 2 },
  { name: "atan", arity: 1, range: [-4, 4], float64: 1.5 },
  { name: "atan2", arity: 2, range: [-4, 4], float64: 2 },
  { name: "sinh", arity: 1, range: [-3, 3], float64: 2 },
  { name: "cosh", arity: 1, range: [-3, 3], float64: 2 },
  { name: "tanh", arity: 1, range: [-3, 3], float64: 1.5 },
  { name: "asinh", arity: 1, range: [-3, 3], float64: 2 },
  { name: "acosh", arity: 1, range: [0.9, 4], float64: 2 },
  { name: "atanh", arity: 1, range: [-1.1, 1.1], float64: 2 },
  { name: "sigmoid", arity: 1, range: [-10, 10], float64: 2 },
  { name: "erf", arity: 1, range: [-4, 4], float64: 1.5 },
  { name: "erfc", arity: 1, range: [-4, 10], float64: 4 },
  { name: "erfinv", arity: 1, range: [-1.01, 1.01], float64: 6 },
  { name: "sqrt", arity: 1, range: [0, 4], float64: 0.5 },
  { name: "rsqrt", arity: 1, range: [0, 4], float64: 1.5 },
  { name: "cbrt", arity: 1, range: [-8, 8], float64: 1 },
  { name: "pow", arity: 2, range: [-1, 9], float64: 1.5 },
];

export const limitOf = (c: Case, type: FloatType): number => (type === "float32" ? 2 : c.float64);

export function primitiveNamed(name: string): Primitive {
  const found = primitives.find((p) => p.name === name);
  if (!found) throw new Error(`no primitive ${name}`);
  return found;
}

/** The primitive's own reference at one point, in float64 arithmetic. */
export function referenceAt(primitive: Primitive, xs: readonly number[]): number {
  const inputs = xs.map((x) => ({ shape: [], data: Float64Array.of(x) }));
  return primitive.reference(inputs, {}, [{ dtype: "float64", shape: [] }])[0].data[0];
}
