/** Comparisons in float64. */
import assert from "node:assert/strict";
import { type Nested, Tensor, tensor } from "typegrad";

const flat = (x: Nested): number[] => (Array.isArray(x) ? x.flatMap(flat) : [Number(x)]);

/** All elements within `tolerance`, relative to 1 + |expected|. */
export function close(got: Tensor, expected: Nested | Tensor, tolerance = 1e-10, what = "value"): void {
  const want = expected instanceof Tensor ? expected.dataSync() : flat(expected);
  const values = got.dataSync();
  assert.equal(values.length, want.length, `${what}: ${got.describe()} does not hold ${want.length} elements`);
  for (let i = 0; i < want.length; i++)
    assert.ok(
      Math.abs(values[i] - want[i]) <= tolerance * (1 + Math.abs(want[i])),
      `${what}: element ${i} is ${values[i]}, expected ${want[i]}`,
    );
}

/** A float64 tensor. */
export const f64 = (values: Nested): Tensor => tensor(values, { dtype: "float64" });
