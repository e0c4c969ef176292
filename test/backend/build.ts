/** Short ways to write programs in the loop form by hand. */
import type { ScalarOp, ScalarType } from "#src/ir/scalar.js";
import type { Aval } from "#src/ir/shape.js";
import type { TypedArray } from "#src/ir/dtype.js";
import type { BufferInfo, Kernel, Lanes, Local, Program, Statement, Step, Value } from "#src/compile/loop.js";
import type { ArenaDevice } from "#src/backend/arena/device.js";
import type { DeviceValue } from "#src/backend/backend.js";

export const local = (name: string, type: ScalarType = "int32", lanes: Lanes = 1): Local => ({ name, type, lanes });
export const get = (l: Local): Value => ({ kind: "get", type: l.type, lanes: l.lanes, local: l });
export const constant = (type: ScalarType, value: number, lanes: Lanes = 1): Value => ({
  kind: "const",
  type,
  lanes,
  value,
});
export const int = (value: number): Value => constant("int32", value);
export const op = (name: ScalarOp, type: ScalarType, ...args: readonly Value[]): Value => ({
  kind: "op",
  type,
  lanes: args[0].lanes,
  op: name,
  args,
});
export const add = (a: Value, b: Value): Value => op("add", a.type, a, b);
export const mul = (a: Value, b: Value): Value => op("mul", a.type, a, b);
export const load = (type: ScalarType, buffer: number, offset: Value, lanes: Lanes = 1): Value => ({
  kind: "load",
  type,
  lanes,
  buffer,
  offset,
});
export const splat = (value: Value, lanes: Lanes): Value => ({ kind: "splat", type: value.type, lanes, value });
export const set = (l: Local, value: Value): Statement => ({ kind: "set", local: l, value });
export const store = (buffer: number, offset: Value, value: Value): Statement => ({
  kind: "store",
  buffer,
  offset,
  value,
});
export const loop = (index: Local, from: Value, to: Value, step: number, body: readonly Statement[]): Statement => ({
  kind: "loop",
  index,
  from,
  to,
  step,
  body,
});

/** A kernel whose body gets the locals of its task range. */
export function kernel(
  name: string,
  tasks: number,
  body: (first: Local, last: Local) => readonly Statement[],
): Step & { kind: "kernel" } {
  const [first, last] = [local("first"), local("last")];
  const k: Kernel = { name, tasks, first, last, body: body(first, last), cost: { flops: 0 } };
  return { kind: "kernel", kernel: k };
}

/** A program whose buffers are its inputs, then its outputs, then the others given. */
export function program(
  inputs: readonly Aval[],
  outputs: readonly Aval[],
  steps: readonly Step[],
  rest: Partial<Program> & { readonly others?: readonly BufferInfo[] } = {},
): Program {
  const { others = [], ...options } = rest;
  return {
    buffers: [
      ...inputs.map((aval, index): BufferInfo => ({ ...aval, placement: { kind: "input", index } })),
      ...outputs.map((aval, index): BufferInfo => ({ ...aval, placement: { kind: "output", index } })),
      ...others,
    ],
    inputs,
    outputs,
    reuses: outputs.map(() => null),
    steps,
    workspaceBytes: 0,
    scratchBytes: 0,
    loops: 0,
    ...options,
  };
}

/** Runs a program once on a device. */
export function runOn(device: ArenaDevice, p: Program, inputs: readonly TypedArray[]): readonly TypedArray[] {
  const executable = device.load(
    p,
    p.inputs.map(() => false),
  );
  const values = inputs.map((data, i) => device.upload({ device: "host", ...p.inputs[i], data }));
  return executable.run(values).map((v: DeviceValue) => device.read(v));
}
