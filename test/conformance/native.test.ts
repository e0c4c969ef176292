/**
 * Every primitive × its samples × dtype, compiled to C however small it is, on one thread, and on two with kernels cut into
 * as many tasks as can be: lowering = reference. All samples of a
 * primitive make one program, since starting a C compiler takes longer than compiling a sample.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { device, DeviceError, setThreads } from "typegrad";
import { currentPool } from "#src/backend/arena/pool.js";
import { alwaysWorth } from "#src/backend/arena/stages.js";
import type { Device } from "#src/backend/backend.js";
import { NativeDevice } from "#src/backend/native/device.js";
import type { Primitive } from "#src/ir/node.js";
import { primitives } from "#src/primitive/index.js";
import { controlPrimitives } from "#src/transform/index.js";
import { specialValues } from "./lowering.js";
import { computed, drawAll, holesOf, outputsOf, referenceOf, Report, rounding, seedOf } from "./support.js";

process.env["TYPEGRAD_NATIVE_SMALLEST"] = "0";

const native = await device("native").catch((error: unknown) => {
  if (!(error instanceof DeviceError)) throw error;
  console.log(`conformance: native IS NOT TESTED: ${error.message}`);
  return null;
});

function check(on: Device, primitive: Primitive): Report {
  const report = new Report();
  const cases = primitive.samples.map((sample, index) => {
    const inputs = holesOf(sample.inputs);
    return { inputs, outputs: outputsOf(primitive, inputs, sample.params), at: { primitive, sample, index, report } };
  });
  const [inputs, outputs] = [cases.flatMap((x) => x.inputs), cases.flatMap((x) => x.outputs)];
  for (const special of [false, true]) {
    const values = cases.map(({ at }) => {
      const seed = seedOf(`${primitive.name} ${at.index}`);
      return special ? specialValues(at, seed) : drawAll(at.sample.inputs, seed);
    });
    const results = computed(on, inputs, outputs, values.flat());
    cases.forEach(({ outputs: nodes, at }, i) => {
      report.at(primitive, at.index, at.sample, special ? "special values" : "drawn values");
      const avals = nodes.map((y) => y.aval);
      const expected = referenceOf(primitive, at.sample.params, values[i], avals);
      results
        .splice(0, nodes.length)
        .forEach((got, k) => report.close(got, expected[k], rounding[nodes[k].dtype], `output ${k}`));
    });
  }
  return report;
}

for (const primitive of [...primitives, ...controlPrimitives])
  test(`${primitive.name} in C`, { skip: native === null }, () => {
    if (native === null) return;
    setThreads(1);
    assert.deepEqual(check(native, primitive).failures, []);
  });

test("in C on two threads", { skip: native === null }, async () => {
  const device = new NativeDevice({ smallest: 0, worth: alwaysWorth });
  setThreads(2);
  while (currentPool() === null) await new Promise((resolve) => setImmediate(resolve));
  for (const primitive of [...primitives, ...controlPrimitives])
    assert.deepEqual(check(device, primitive).failures, []);
  const runs = currentPool()?.runs ?? 0;
  assert.ok(runs > primitives.length / 2, `${runs} runs on two threads`);
});
