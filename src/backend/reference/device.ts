/**
 * The witness: every node's `reference` rule, one after the other, in float64 and rounded to the node's dtype. Written
 * for obviousness; nothing here is shared with the compiler.
 */
import { DeviceError } from "../../util/errors.js";
import { type DType, type TypedArray, hostArray } from "../../ir/dtype.js";
import type { HostValue, NdArray } from "../../ir/node.js";
import { interpret } from "../../ir/interpret.js";
import { type Aval, type Shape, show, sizeOf } from "../../ir/shape.js";
import type { Computation, Device, DeviceValue, Executable } from "../backend.js";
import { assertInputs, assertPresent } from "../values.js";

const deviceName = "reference";
const noData = new Float64Array(0);

/** Bytes held by values of this device that have not been freed or collected. */
class Usage {
  used = 0;
  peak = 0;
  readonly #dropped = new FinalizationRegistry<number>((bytes) => (this.used -= bytes));
  add(value: ReferenceValue): void {
    this.used += value.data.byteLength;
    this.peak = Math.max(this.peak, this.used);
    this.#dropped.register(value, value.data.byteLength, value);
  }
  remove(value: ReferenceValue): void {
    this.used -= value.data.byteLength;
    this.#dropped.unregister(value);
  }
}

class ReferenceValue implements DeviceValue, NdArray {
  readonly device = deviceName;
  readonly dtype: DType;
  readonly shape: Shape;
  gone: "freed" | "donated" | null = null;
  met = 0;
  data: Float64Array;
  readonly #usage: Usage;
  constructor(aval: Aval, data: Float64Array, usage: Usage) {
    this.dtype = aval.dtype;
    this.shape = aval.shape;
    this.data = data;
    this.#usage = usage;
    usage.add(this);
  }
  free(): void {
    this.release("freed");
  }
  release(why: "freed" | "donated"): void {
    if (this.gone !== null) return;
    this.#usage.remove(this);
    this.gone = why;
    this.data = noData;
  }
}

function own(value: DeviceValue): ReferenceValue {
  if (value instanceof ReferenceValue) return value;
  throw new DeviceError(
    `reference: tensors must be on one device, got ${show(value)} on ${value.device}. move it with x.to("reference")`,
  );
}

export class ReferenceDevice implements Device {
  readonly name = deviceName;
  readonly #usage = new Usage();

  upload(value: HostValue): DeviceValue {
    return new ReferenceValue(value, Float64Array.from(value.data), this.#usage);
  }

  read(value: DeviceValue): TypedArray {
    assertPresent("read", value);
    const { dtype, shape, data } = own(value);
    const array = hostArray(dtype, sizeOf(shape));
    array.set(data);
    return array;
  }

  prepare(computation: Computation): Executable {
    return {
      run: (values) => {
        assertInputs(computation.inputs, computation.donated, values);
        const inputs = values.map(own);
        const outputs = interpret(computation.inputs, computation.outputs, inputs).map(
          (x, i) => new ReferenceValue(computation.outputs[i].aval, x.data.slice(), this.#usage),
        );
        inputs.forEach((x, i) => computation.donated[i] && x.release("donated"));
        return outputs;
      },
      account: () => null,
    };
  }

  memory(): { readonly used: number; readonly peak: number; readonly limit: number } {
    return { used: this.#usage.used, peak: this.#usage.peak, limit: Number.POSITIVE_INFINITY };
  }
}
