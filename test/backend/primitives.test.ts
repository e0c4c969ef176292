import { test } from "node:test";
import { ReferenceDevice } from "#src/backend/reference/device.js";
import { WasmDevice } from "#src/backend/wasm/device.js";
import { type DType, hostArray } from "#src/ir/dtype.js";
import { type NdArray, Node } from "#src/ir/node.js";
import { primitives } from "#src/primitive/index.js";
import { hole } from "#src/primitive/leaf.js";
import { controlPrimitives } from "#src/transform/index.js";
import { assertClose, drawn, generator } from "../compile/support.js";
import type { Device } from "#src/backend/backend.js";

const devices = [new ReferenceDevice(), new WasmDevice()];

function run(device: Device, inputs: readonly Node[], outputs: readonly Node[], values: readonly NdArray[]): NdArray[] {
  const executable = device.prepare({ inputs, outputs, donated: inputs.map(() => false) });
  const uploaded = values.map((x, i) => {
    const { dtype, shape } = inputs[i];
    const data = hostArray(dtype, x.data.length);
    data.set(x.data);
    return device.upload({ device: "host", dtype, shape, data });
  });
  return executable.run(uploaded).map((value) => ({ shape: value.shape, data: Float64Array.from(device.read(value)) }));
}

const tolerance = (dtype: DType): number => (dtype === "float64" ? 1e-12 : 3e-5);

for (const primitive of [...primitives, ...controlPrimitives])
  test(`${primitive.name}: both devices agree on every sample`, () => {
    primitive.samples.forEach((sample, k) => {
      const next = generator(k + 1);
      const inputs = sample.inputs.map((x, i) => hole(x, `x${i}`));
      const values = sample.inputs.map((x) => drawn(x, next));
      const outputs = Node.parts(Node.apply(primitive, inputs, sample.params));
      const [expected, actual] = devices.map((device) => run(device, inputs, outputs, values));
      outputs.forEach(({ aval }, i) =>
        assertClose(actual[i], expected[i], aval, tolerance(aval.dtype), `sample ${k}, output ${i}`),
      );
    });
  });
