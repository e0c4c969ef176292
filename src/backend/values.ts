/** Checks that every device makes on the values it is handed. */
import { DeviceError, DonatedError, InternalError } from "../util/errors.js";
import { type Aval, sameShape, show } from "../ir/shape.js";
import type { DeviceValue } from "./backend.js";

/** Throws the error of reading a value whose memory is gone. */
export function assertPresent(op: string, value: DeviceValue): void {
  if (value.gone === "donated")
    throw new DonatedError(
      `${op}: a tensor must still own its memory, got ${show(value)} whose memory a compiled step took over. use the step's result, or keep a copy with clone()`,
    );
  if (value.gone === "freed")
    throw new DeviceError(
      `${op}: a tensor must still own its memory, got ${show(value)} that was freed. read it before it is disposed, or return it from its scope`,
    );
}

/** Throws unless `values` are what an executable prepared for `inputs` can run on. */
export function assertInputs(
  inputs: readonly Aval[],
  donated: readonly boolean[],
  values: readonly DeviceValue[],
): void {
  if (inputs.length !== values.length)
    throw new InternalError(`internal: ${inputs.length} inputs expected, got ${values.length}. please report this`);
  for (let i = 0; i < inputs.length; i++) {
    const [aval, value] = [inputs[i], values[i]];
    assertPresent("run", value);
    if (value.dtype !== aval.dtype || !sameShape(value.shape, aval.shape))
      throw new InternalError(`internal: input ${i} must be ${show(aval)}, got ${show(value)}. please report this`);
    if (donated[i] && values.indexOf(value) !== values.lastIndexOf(value))
      throw new DonatedError(
        `run: a donated tensor must be passed once, got ${show(value)} more than once. copy it with clone()`,
      );
  }
}
