import assert from "node:assert/strict";
import * as fc from "fast-check";
import { type DType, dtypes, hostArray } from "#src/ir/dtype.js";
import type { HostArray } from "typegrad/io";
import { FormatError } from "#src/util/errors.js";

/** Runs what must fail, and gives the message of the `FormatError` it must fail with. */
export async function formatErrorOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    assert.ok(error instanceof FormatError, `expected a FormatError, got ${String(error)}`);
    return error.message;
  }
  throw new assert.AssertionError({ message: "expected a FormatError, got a value" });
}

const valuesOf: Readonly<Record<DType, fc.Arbitrary<number>>> = {
  float32: fc.float(),
  float64: fc.double(),
  int32: fc.integer(),
  uint32: fc.nat(),
  bool: fc.nat(1),
};

/** Arrays of every dtype and of rank 0 to 3, empty ones too. */
export const hostArrays: fc.Arbitrary<HostArray> = fc
  .record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.nat(4), { maxLength: 3 }) })
  .chain(({ dtype, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return fc.array(valuesOf[dtype], { minLength: size, maxLength: size }).map((values) => {
      const data = hostArray(dtype, size);
      data.set(values);
      return { dtype, shape, data };
    });
  });

/** A few arrays by name; names may be anything but what the formats reserve. */
export const namedArrays: fc.Arbitrary<[string, HostArray][]> = fc.uniqueArray(
  fc.tuple(
    fc.string({ unit: "grapheme" }).filter((name) => name !== "__proto__" && name !== "__metadata__"),
    hostArrays,
  ),
  { selector: ([name]) => name, maxLength: 4 },
);

/** The bytes with some of them replaced. */
export function patched(bytes: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at < 0 ? bytes.length + at : at);
  return copy;
}

export function joined(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((x) => (typeof x === "string" ? Buffer.from(x, "latin1") : x))));
}
