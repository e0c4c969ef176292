/** Every primitive × its samples on several threads, with kernels cut into as many tasks as can be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { currentPool } from "#src/backend/arena/pool.js";
import { alwaysWorth } from "#src/backend/arena/stages.js";
import { WasmDevice } from "#src/backend/wasm/device.js";
import { primitives } from "#src/primitive/index.js";
import { controlPrimitives } from "#src/transform/index.js";
import { setThreads } from "typegrad";
import { checkBatching } from "./batching.js";
import { checkLowering } from "./lowering.js";
import { Report } from "./support.js";

const device = new WasmDevice({ worth: alwaysWorth });

for (const threads of [2, 3])
  test(`${threads} threads`, async () => {
    setThreads(threads);
    while (currentPool() === null) await new Promise((resolve) => setImmediate(resolve));
    const report = new Report();
    for (const primitive of [...primitives, ...controlPrimitives])
      primitive.samples.forEach((sample, index) => {
        const at = { primitive, sample, index, report };
        checkLowering(device, at);
        checkBatching(device, at);
      });
    assert.deepEqual(report.failures, []);
    const runs = currentPool()?.runs ?? 0;
    assert.ok(runs > report.checks / 20, `${runs} runs on several threads for ${report.checks} checks`);
    console.log(`${report.checks} checks, ${runs} runs on ${threads} threads`);
  });
