import assert from "node:assert/strict";
import { test } from "node:test";
import { ReferenceDevice } from "#src/backend/reference/device.js";
import type { TypedArray } from "#src/ir/dtype.js";
import { type HostValue, Node, type Primitive } from "#src/ir/node.js";
import type { Aval } from "#src/ir/shape.js";

const unused = (): never => {
  throw new Error("not needed here");
};

/** A primitive of which only `infer` and `reference` matter. */
function primitive(
  name: string,
  infer: Primitive<null>["infer"],
  reference: Primitive<null>["reference"],
): Primitive<null> {
  return { name, infer, reference, vjp: unused, jvp: unused, batch: unused, lower: unused, samples: [], errors: [] };
}

const input = (aval: Aval): Node =>
  Node.apply(
    primitive("input", () => [aval], unused),
    [],
    null,
  );
const host = (dtype: Aval["dtype"], shape: readonly number[], data: TypedArray): HostValue => ({
  device: "host",
  dtype,
  shape,
  data,
});

const third = primitive(
  "third",
  ([x]) => [x],
  ([x]) => [{ shape: x.shape, data: x.data.map((v) => v / 3) }],
);
/** Quotient and remainder by 7. */
const divmod = primitive(
  "divmod",
  ([x]) => [x, x],
  ([x]) => [
    { shape: x.shape, data: x.data.map((v) => Math.trunc(v / 7)) },
    { shape: x.shape, data: x.data.map((v) => v % 7) },
  ],
);

test("results are rounded to the dtype after each node", () => {
  const device = new ReferenceDevice();
  const x = input({ dtype: "float32", shape: [2] });
  const y = Node.apply(third, [Node.apply(third, [x], null)], null);
  const run = device.prepare({ inputs: [x], outputs: [y], donated: [false] });
  const [out] = run.run([device.upload(host("float32", [2], Float32Array.of(1, 2)))]);
  const expected = [1, 2].map((v) => Math.fround(Math.fround(v / 3) / 3));
  assert.deepEqual([...device.read(out)], expected);
  assert.notEqual(expected[0], 1 / 9);
});

test("parts of an application with several outputs", () => {
  const device = new ReferenceDevice();
  const x = input({ dtype: "int32", shape: [3] });
  const [q, r] = Node.parts(Node.apply(divmod, [x], null));
  const run = device.prepare({ inputs: [x], outputs: [r, q, x], donated: [false] });
  const outs = run.run([device.upload(host("int32", [3], Int32Array.of(20, -20, 6)))]);
  assert.deepEqual(
    outs.map((o) => device.read(o)),
    [Int32Array.of(6, -6, 6), Int32Array.of(2, -2, 0), Int32Array.of(20, -20, 6)],
  );
});

test("donated and freed values cannot be read, and memory is counted", () => {
  const device = new ReferenceDevice();
  const x = input({ dtype: "float32", shape: [4] });
  const y = Node.apply(third, [x], null);
  const run = device.prepare({ inputs: [x], outputs: [y], donated: [true] });
  const value = device.upload(host("float32", [4], new Float32Array(4)));
  assert.equal(device.memory().used, 32);
  const [out] = run.run([value]);
  assert.equal(value.gone, "donated");
  assert.throws(() => device.read(value), { name: "DonatedError", message: /float32\[4\] .* clone\(\)/ });
  assert.throws(() => run.run([value]), { name: "DonatedError" });
  assert.equal(device.memory().used, 32);
  out.free();
  assert.throws(() => device.read(out), { name: "DeviceError", message: /freed/ });
  assert.equal(device.memory().used, 0);
  assert.equal(device.memory().peak, 64);
});

test("values of another device are named", () => {
  const device = new ReferenceDevice();
  const foreign = { device: "other", dtype: "bool", shape: [2], gone: null, met: 0, free: () => undefined } as const;
  assert.throws(() => device.read(foreign), { name: "DeviceError", message: /bool\[2\] on other/ });
});

test("bool values are Uint8Arrays on the host", () => {
  const device = new ReferenceDevice();
  const value = device.upload(host("bool", [3], Uint8Array.of(1, 0, 1)));
  assert.deepEqual(device.read(value), Uint8Array.of(1, 0, 1));
});
