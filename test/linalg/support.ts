/** Fixtures, random matrices and comparisons. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { randomNumbers } from "../conformance/support.js";
import { type DType, type Tensor, tensor } from "typegrad";

export interface Stored {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface Case {
  readonly name: string;
  readonly inputs: readonly Stored[];
  readonly outputs: readonly Stored[];
}

export const fixture = (folder: string, name: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../../../test/${folder}/fixtures/${name}.json`, import.meta.url), "utf8"));

export const fromStored = (x: Stored, dtype: DType = "float64"): Tensor =>
  tensor(Float64Array.from(x.data), { shape: x.shape }).astype(dtype);

/** Numbers from -1 to 1, the same for the same seed. */
export function random(shape: readonly number[], seed = 1): Tensor {
  const next = randomNumbers(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float64Array.from({ length: size }, () => 2 * next() - 1),
    { shape },
  );
}

/** Every element within `tolerance` of the expected one, relative to it and to the largest. */
export function close(got: Tensor, expected: Tensor | Stored, tolerance: number, what: string): void {
  const data = readOf(expected);
  assert.deepEqual([...got.shape], [...expected.shape], `${what}: shape`);
  const top = Math.max(1, ...Array.from(data, Math.abs).filter(Number.isFinite));
  got.dataSync().forEach((x, k) => {
    const y = data[k];
    const same = x === y || (Number.isNaN(x) && Number.isNaN(y)) || Math.abs(x - y) <= tolerance * (Math.abs(y) + top);
    assert.ok(same, `${what}: element ${k} is ${x}, expected ${y}`);
  });
}
const readOf = (x: Tensor | Stored): ArrayLike<number> => ("dataSync" in x ? x.dataSync() : x.data);
