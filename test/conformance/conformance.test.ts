/**
 * Every primitive × its samples × dtype × device, generated from the registries: a primitive that is declared is tested
 * here, and what it does not declare it cannot be tested for, so there is nothing to forget.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Device } from "#src/backend/backend.js";
import { Node, notDifferentiable, type Primitive } from "#src/ir/node.js";
import { show } from "#src/ir/shape.js";
import { constantPrimitive, placeholderPrimitive } from "#src/primitive/leaf.js";
import { fftPrimitives } from "#src/fft/primitive.js";
import { linalgPrimitives } from "#src/linalg/primitives.js";
import { primitives } from "#src/primitive/index.js";
import { specialPrimitives } from "#src/special/primitives.js";
import { controlPrimitives } from "#src/transform/index.js";
import { device, DeviceError, deviceNames, setDevice, TypegradError } from "typegrad";
import { checkBatching } from "./batching.js";
import { checkDerivatives } from "./derivatives.js";
import { checkLowering } from "./lowering.js";
import { holesOf, Report } from "./support.js";

/** The device, or `null`, told aloud, on a machine that lacks what it needs. */
const available = (name: string): Promise<Device | null> =>
  device(name).catch((error: unknown) => {
    if (!(error instanceof DeviceError)) throw error;
    console.log(`conformance: ${name} IS NOT TESTED: ${error.message}`);
    return null;
  });

// On native these small samples would run on wasm; `native.test` compiles what it checks, and the full run everything.
const isFull = process.env["TYPEGRAD_FULL"] === "1";
if (isFull) process.env["TYPEGRAD_NATIVE_SMALLEST"] = "0";
// What runs once on cpu runs as on wasm.
const names = deviceNames().filter((name) => name !== "cpu" && (isFull || name !== "native"));
const devices = (await Promise.all(names.map(available))).filter((d) => d !== null);
const all: readonly Primitive[] = [
  ...primitives,
  ...controlPrimitives,
  ...linalgPrimitives,
  ...fftPrimitives,
  ...specialPrimitives,
];
/** Values from outside have nothing to compute. */
const withoutSamples: readonly Primitive[] = [constantPrimitive, placeholderPrimitive];
const exercised = new Set<Primitive>();

/** `op: what must hold, got ... . what to do`. */
const errorForm = /^[\w.]+: .+, got .+\. [^.].+[^.]$/s;

function checkErrors(primitive: Primitive, report: Report): void {
  primitive.errors.forEach((wrong, k) => {
    report.at(primitive, k, wrong, "error text");
    let error: unknown = null;
    try {
      Node.apply(primitive, holesOf(wrong.inputs), wrong.params);
    } catch (thrown) {
      error = thrown;
    }
    const isOurs =
      error instanceof TypegradError && error.constructor !== TypegradError && error.name !== "InternalError";
    report.is(isOurs, `${wrong.inputs.map(show).join(", ")} throws ${String(error)}`);
    if (!(error instanceof Error)) return;
    report.is(error.message.includes(wrong.message), `"${error.message}" does not contain "${wrong.message}"`);
    report.is(errorForm.test(error.message), `"${error.message}" is not of the form "op: …, got …. what to do"`);
  });
}

for (const primitive of all)
  test(primitive.name, async () => {
    const report = new Report();
    for (const target of devices) {
      await setDevice(target.name);
      primitive.samples.forEach((sample, index) => {
        const at = { primitive, sample, index, report };
        checkLowering(target, at);
        checkBatching(target, at);
      });
    }
    const derived = primitive.samples.filter((sample, index) => checkDerivatives({ primitive, sample, index, report }));
    const needsDerivatives = primitive.vjp !== notDifferentiable && !withoutSamples.includes(primitive);
    assert.ok(derived.length > 0 || !needsDerivatives, "a differentiable primitive needs float64 samples");
    checkErrors(primitive, report);
    if (report.checks > 0) exercised.add(primitive);
    const shown = report.failures.slice(0, 8).join("\n");
    assert.equal(report.failures.length, 0, `${report.failures.length} of ${report.checks} checks failed:\n${shown}`);
  });

test("every primitive was exercised", () => {
  const skipped = all.filter((p) => !exercised.has(p) && !withoutSamples.includes(p)).map((p) => p.name);
  assert.deepEqual(skipped, []);
  const names = all.map((p) => p.name);
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
    "names are unique",
  );
});

after(() => console.log(`conformance: ${Report.total} checks`));
