/** Reading the fixtures that the scripts beside this file wrote. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Tensor, tensor } from "typegrad";

/** A tensor as the scripts write it; without a dtype it is float32. */
export interface Stored {
  readonly shape: readonly number[];
  readonly dtype?: "int32";
  readonly data: readonly number[];
}
export type StoredLeaves = Readonly<Record<string, Stored>>;

/** One differentiated function: inputs, output, and the gradient of `sum(output · cotangent)` for every float input. */
export interface Case<Options = Readonly<Record<string, unknown>>> {
  readonly op: string;
  readonly options: Options;
  readonly inputs: StoredLeaves;
  readonly output: Stored;
  readonly cotangent: Stored;
  readonly gradients: StoredLeaves;
}

/** The content of `test/golden/<name>.json`; its type is what the script beside it writes. */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../test/golden/${name}.json`, import.meta.url), "utf8"));
}

export const fromStored = (s: Stored): Tensor => tensor([...s.data], { dtype: s.dtype ?? "float32" }).reshape(s.shape);

/** Every element within `tolerance · (1 + |expected|)` of what PyTorch gave. */
export async function close(actual: Tensor, expected: Stored, what: string, tolerance = 1e-5): Promise<void> {
  assert.deepEqual([...actual.shape], expected.shape, `${what}: shape`);
  const data = await actual.data();
  expected.data.forEach((e, i) => {
    assert.ok(Math.abs(data[i] - e) <= tolerance * (1 + Math.abs(e)), `${what}[${i}]: ${data[i]} and not ${e}`);
  });
}
