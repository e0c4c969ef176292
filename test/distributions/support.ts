/** What the tests of this folder share. */
import assert from "node:assert/strict";
import type { Tensor } from "typegrad";

/** Every number within `tolerance` of the expected one, relative to it and to 1. */
export function near(what: string, got: Tensor, expected: Tensor | readonly number[], tolerance: number): void {
  const wanted = "shape" in expected ? expected.dataSync() : expected;
  if ("shape" in expected) assert.deepEqual([...got.shape], [...expected.shape], `${what}: shape`);
  assert.equal(got.size, wanted.length, `${what}: size`);
  got.dataSync().forEach((x, i) => {
    const y = wanted[i];
    const ok = Number.isNaN(y) ? Number.isNaN(x) : x === y || Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(y));
    assert.ok(ok, `${what} at ${i}: ${x} for ${y}`);
  });
}
