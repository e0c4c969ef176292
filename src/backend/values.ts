/** Checks that every device makes on the values it is handed. */
import { DeviceError, DonatedError, InternalError } from "../util/errors.js";
import { type Aval, sameAval, show } from "../ir/shape.js";
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

let looks = 0;

/** Whether a value stands in a list more than once. */
export function hasRepeated(values: readonly DeviceValue[]): boolean {
  looks++;
  for (const value of values) {
    if (value.met === looks) return true;
    value.met = looks;
  }
  return false;
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
    const aval = inputs[i];
    const value = values[i];
    if (value.gone !== null) assertPresent("run", value);
    if (!sameAval(value, aval))
      throw new InternalError(`internal: input ${i} must be ${show(aval)}, got ${show(value)}. please report this`);
  }
  if (!hasRepeated(values)) return;
  const twice = values.find((value, i) => donated[i] && values.indexOf(value) !== values.lastIndexOf(value));
  if (twice !== undefined)
    throw new DonatedError(
      `run: a donated tensor must be passed once, got ${show(twice)} more than once. copy it with clone()`,
    );
}
