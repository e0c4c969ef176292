/** Builders of the loop form's values and statements. */
import { type DType, limits } from "../ir/dtype.js";
import type { ScalarOp, ScalarType, Combine } from "../ir/scalar.js";
import { InternalError } from "../util/errors.js";
import type { Lanes, Local, Statement, Value } from "./loop.js";

export const local = (name: string, type: ScalarType, lanes: Lanes = 1): Local => ({ name, type, lanes });

export const v = {
  const: (type: ScalarType, value: number, lanes: Lanes = 1): Value => ({ kind: "const", type, lanes, value }),
  int: (value: number): Value => ({ kind: "const", type: "int32", lanes: 1, value }),
  get: (of: Local): Value & { readonly kind: "get" } => ({ kind: "get", type: of.type, lanes: of.lanes, local: of }),
  load: (type: ScalarType, lanes: Lanes, buffer: number, offset: Value): Value => ({
    kind: "load",
    type,
    lanes,
    buffer,
    offset,
  }),
  splat: (value: Value, lanes: Lanes): Value =>
    lanes === 1
      ? value
      : value.kind === "const"
        ? { ...value, lanes }
        : { kind: "splat", type: value.type, lanes, value },
  pack: (values: readonly Value[]): Value => {
    const lanes = values.length;
    if (lanes !== 2 && lanes !== 4 && lanes !== 8 && lanes !== 16)
      throw new InternalError(`internal: a vector of ${lanes} lanes`);
    return { kind: "pack", type: values[0].type, lanes, values };
  },
  lane: (value: Value, lane: number): Value =>
    value.lanes === 1 ? value : { kind: "lane", type: value.type, lanes: 1, value, lane },
  op: (type: ScalarType, op: ScalarOp, ...args: readonly Value[]): Value => ({
    kind: "op",
    type,
    lanes: args[0].lanes,
    op,
    args,
  }),
  add: (a: Value, b: Value): Value => {
    if (isInt(a, 0)) return b;
    if (isInt(b, 0)) return a;
    if (isInt(a) && isInt(b)) return v.int(a.value + b.value);
    return v.op(a.type, "add", a, b);
  },
  mul: (a: Value, b: Value): Value => {
    if (isInt(a, 1)) return b;
    if (isInt(b, 1)) return a;
    if (isInt(a) && isInt(b)) return v.int(a.value * b.value);
    return v.op(a.type, "mul", a, b);
  },
  min: (a: Value, b: Value): Value =>
    isInt(a) && isInt(b) ? v.int(Math.min(a.value, b.value)) : v.op(a.type, "min", a, b),
  max: (a: Value, b: Value): Value =>
    isInt(a) && isInt(b) ? v.int(Math.max(a.value, b.value)) : v.op(a.type, "max", a, b),
};

const isInt = (x: Value, value?: number): x is Value & { kind: "const" } =>
  x.kind === "const" && x.type === "int32" && x.lanes === 1 && (value === undefined || x.value === value);

export const set = (to: Local, value: Value): Statement => ({ kind: "set", local: to, value });
export const store = (buffer: number, offset: Value, value: Value): Statement => ({
  kind: "store",
  buffer,
  offset,
  value,
});

/** The element that changes nothing when joined to another. */
export function neutral(combine: Combine, dtype: DType): number {
  switch (combine) {
    case "sum":
    case "any":
      return 0;
    case "product":
    case "all":
      return 1;
    case "max":
    case "argmax":
      return limits[dtype][0];
    case "min":
    case "argmin":
      return limits[dtype][1];
  }
}

/** Two elements joined. */
export function joinValues(combine: Combine, a: Value, b: Value): Value {
  const logical = a.type === "bool";
  switch (combine) {
    case "sum":
      return v.op(a.type, "add", a, b);
    case "product":
      return v.op(a.type, "mul", a, b);
    case "max":
      return v.op(a.type, logical ? "or" : "max", a, b);
    case "min":
      return v.op(a.type, logical ? "and" : "min", a, b);
    case "all":
      return v.op(a.type, "and", a, b);
    case "any":
      return v.op(a.type, "or", a, b);
    case "argmax":
    case "argmin":
      throw new InternalError("internal: positions are not joined as values");
  }
}
