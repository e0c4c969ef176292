/** vmap = loop: the batch rule against the reference rule on each slice, for every choice of batched inputs. */
import type { Device } from "#src/backend/backend.js";
import type { NdArray } from "#src/ir/node.js";
import { sameShape, sizeOf } from "#src/ir/shape.js";
import { range } from "#src/util/arrays.js";
import { type Case, computed, drawAll, holesOf, referenceOf, rounding, seedOf, sliceOf } from "./support.js";

/** Slices stacked along a new leading axis. */
function stack(slices: readonly NdArray[]): NdArray {
  const [{ shape }] = slices;
  const data = new Float64Array(slices.length * sizeOf(shape));
  slices.forEach((x, k) => data.set(x.data, k * x.data.length));
  return { shape: [slices.length, ...shape], data };
}

export function checkBatching(device: Device, { primitive, sample, index, report }: Case): void {
  const count = sample.inputs.length;
  const avals = primitive.infer(sample.inputs, sample.params);
  for (const choice of range(2 ** count).slice(1)) {
    const flags = range(count).map((i) => ((choice >> i) & 1) === 1);
    const size = 2 + (choice % 2);
    report.run(() => {
      report.at(primitive, index, sample, `vmap = loop on ${device.name}, batched ${flags}`);
      const copies = drawAll(sample.inputs, seedOf(`batch of ${primitive.name} ${index}`), size);
      const values = copies.map((x, i) => (flags[i] ? x : sliceOf(x, 0)));
      const holes = holesOf(sample.inputs.map((x, i) => ({ dtype: x.dtype, shape: values[i].shape })));
      const outputs = primitive.batch(holes, flags, size, sample.params);
      const got = computed(device, holes, outputs, values);
      const slices = range(size).map((k) =>
        referenceOf(
          primitive,
          sample.params,
          values.map((x, i) => (flags[i] ? sliceOf(x, k) : x)),
          avals,
        ),
      );
      report.is(outputs.length === avals.length, `${outputs.length} outputs for ${avals.length}`);
      avals.forEach((aval, i) => {
        const { dtype, shape } = outputs[i];
        report.is(dtype === aval.dtype && sameShape(shape, [size, ...aval.shape]), `output ${i} is ${dtype}[${shape}]`);
        report.close(got[i], stack(slices.map((ys) => ys[i])), rounding[dtype], `output ${i}`);
      });
    });
  }
}
