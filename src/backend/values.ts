/** Checks that every device makes on the values it is handed. */
import { zip } from "../util/arrays.js";
import { DeviceError, DonatedError, InternalError } from "../util/errors.js";
import type { Node } from "../ir/node.js";
import { sameShape, show } from "../ir/shape.js";
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
  inputs: readonly Node[],
  donated: readonly boolean[],
  values: readonly DeviceValue[],
): void {
  zip(inputs, values).forEach(([node, value], i) => {
    assertPresent("run", value);
    if (value.dtype !== node.dtype || !sameShape(value.shape, node.shape))
      throw new InternalError(`internal: input ${i} must be ${show(node.aval)}, got ${show(value)}`);
    if (donated[i] && values.indexOf(value) !== values.lastIndexOf(value))
      throw new DonatedError(
        `run: a donated tensor must be passed once, got ${show(value)} more than once. copy it with clone()`,
      );
  });
}
