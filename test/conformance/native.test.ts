/** Every primitive × its samples × dtype, compiled to C however small it is: lowering = reference. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { device, DeviceError, setDevice } from "typegrad";
import { primitives } from "#src/primitive/index.js";
import { controlPrimitives } from "#src/transform/index.js";
import { checkLowering } from "./lowering.js";
import { Report } from "./support.js";

process.env["TYPEGRAD_NATIVE_SMALLEST"] = "0";

const native = await device("native").catch((error: unknown) => {
  if (error instanceof DeviceError) return error;
  throw error;
});

for (const primitive of [...primitives, ...controlPrimitives])
  test(`${primitive.name} in C`, async (t) => {
    if (native instanceof DeviceError) return t.skip(native.message);
    await setDevice("native");
    const report = new Report();
    primitive.samples.forEach((sample, index) => checkLowering(native, { primitive, sample, index, report }));
    assert.deepEqual(report.failures, []);
  });
