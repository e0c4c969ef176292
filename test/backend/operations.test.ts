import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WasmDevice } from "#src/backend/wasm/device.js";
import { type DType, type TypedArray, hostArray } from "#src/ir/dtype.js";
import type { ScalarOp, ScalarType } from "#src/ir/scalar.js";
import type { Lanes, Program, Value } from "#src/compile/loop.js";
import { constant, get, int, kernel, load, local, loop, op, program, runOn, splat, store } from "./build.js";
import { type Scalar, apply } from "./oracle.js";

const device = new WasmDevice();

const floatValues = [
  Number.NaN,
  0,
  -0,
  1,
  -1,
  Infinity,
  -Infinity,
  0.5,
  -0.5,
  1.5,
  -1.5,
  2.5,
  3.7,
  -3.7,
  2 ** -149,
  -(2 ** -149),
  2 ** -130,
  2 ** 31,
  -(2 ** 31),
  2 ** 31 - 128,
  2 ** 32,
  -(2 ** 32),
  1e10,
  16777217,
  8388609.5,
  3.4028234663852886e38,
  7,
  1e-10,
];
const values: Readonly<Record<ScalarType, readonly Scalar[]>> = {
  float32: floatValues.map(Math.fround),
  float64: [...floatValues, 0.1, 2 ** 63, -(2 ** 63), 1e300, Number.MIN_VALUE, 2251799813685249.5],
  int32: [0, 1, -1, 2, -2, 7, -7, 31, 32, 33, 64, 123456789, 2 ** 31 - 1, -(2 ** 31)],
  uint32: [0, 1, 2, 3, 7, 31, 32, 33, 2 ** 31, 2 ** 31 - 1, 2 ** 32 - 1, 4000000001],
  bool: [0, 1],
  int64: [0n, 1n, -1n, 7n, -7n, 63n, 64n, 65n, 2n ** 53n + 1n, 2n ** 32n, -(2n ** 31n), 2n ** 63n - 1n, -(2n ** 63n)],
};

const isFloat = (t: ScalarType): boolean => t === "float32" || t === "float64";
const isInteger = (t: ScalarType): boolean => t === "int32" || t === "uint32" || t === "int64";
const every: readonly ScalarType[] = ["float32", "float64", "int32", "uint32", "bool", "int64"];
const numeric = every.filter((t) => t !== "bool");

/** Operations, the argument types they take, and their result's type. */
const rows: readonly {
  readonly ops: readonly ScalarOp[];
  readonly types: readonly ScalarType[];
  readonly arity: number;
  readonly result?: ScalarType;
}[] = [
  { ops: ["add", "sub", "mul", "div", "rem", "min", "max"], types: numeric, arity: 2 },
  { ops: ["min", "max", "and", "or", "xor"], types: ["bool"], arity: 2 },
  { ops: ["and", "or", "xor", "shl", "shr"], types: numeric.filter(isInteger), arity: 2 },
  { ops: ["lt", "le", "eq", "ne"], types: every, arity: 2, result: "bool" },
  { ops: ["neg", "abs", "floor", "ceil", "trunc", "nearest"], types: numeric, arity: 1 },
  { ops: ["sqrt"], types: numeric.filter(isFloat), arity: 1 },
  { ops: ["not"], types: every.filter((t) => !isFloat(t)), arity: 1 },
  ...every.map((result) => ({ ops: ["convert"] as const, types: every, arity: 1, result })),
  { ops: ["bitcast"], types: ["int32", "uint32"], arity: 1, result: "float32" },
  { ops: ["bitcast"], types: ["float32", "uint32"], arity: 1, result: "int32" },
];

/** Every combination of `arity` edge values, one list for each argument, padded to a multiple of four. */
function cases(type: ScalarType, arity: number): Scalar[][] {
  const list = values[type];
  const length = Math.ceil(list.length ** arity / 4) * 4;
  return Array.from({ length: arity }, (_, a) =>
    Array.from({ length }, (_, i) => list[Math.floor(i / list.length ** a) % list.length]),
  );
}

/** Int64 values travel as the bits of float64. */
const storage = (t: ScalarType): DType => (t === "int64" ? "float64" : t);

function pack(type: ScalarType, data: readonly Scalar[]): TypedArray {
  if (type === "int64") return new Float64Array(BigInt64Array.from(data.map(BigInt)).buffer);
  const array = hostArray(storage(type), data.length);
  data.forEach((x, i) => (array[i] = Number(x)));
  return array;
}
function unpack(type: ScalarType, array: TypedArray): readonly Scalar[] {
  return type === "int64" ? [...new BigInt64Array(array.buffer)] : [...array];
}

const loadAs = (type: ScalarType, buffer: number, at: Value, lanes: Lanes): Value =>
  type === "int64" ? op("bitcast", "int64", load("float64", buffer, at, lanes)) : load(type, buffer, at, lanes);

/** Applies `f` to elements of the inputs, `lanes` at a time. */
function elementwise(
  types: readonly ScalarType[],
  result: ScalarType,
  length: number,
  lanes: Lanes,
  f: (args: readonly Value[]) => Value,
): Program {
  const i = local("i");
  return program(
    types.map((t) => ({ dtype: storage(t), shape: [length] })),
    [{ dtype: storage(result), shape: [length] }],
    [
      kernel("test", length / lanes, (first, last) => [
        loop(i, op("mul", "int32", get(first), int(lanes)), op("mul", "int32", get(last), int(lanes)), lanes, [
          store(
            types.length,
            get(i),
            ((v: Value) => (result === "int64" ? op("bitcast", "float64", v) : v))(
              f(types.map((t, a) => loadAs(t, a, get(i), lanes))),
            ),
          ),
        ]),
      ]),
    ],
  );
}

function lanesOf(types: readonly ScalarType[]): readonly Lanes[] {
  return types.some((t) => t === "float64" || t === "int64") ? [1, 2] : [1, 2, 4];
}

function same(actual: readonly Scalar[], expected: readonly Scalar[], describeCase: (i: number) => string): void {
  expected.forEach((x, i) => {
    if (!Object.is(actual[i], x)) assert.fail(`${describeCase(i)} gave ${actual[i]}, expected ${x}`);
  });
}

for (const { ops, types, arity, result } of rows)
  for (const name of ops)
    for (const type of types)
      test(`${name} of ${type}${result === undefined ? "" : ` to ${result}`}`, () => {
        const to = result ?? type;
        const inputs = cases(type, arity);
        const expected = inputs[0].map((_, i) =>
          apply(
            name,
            type,
            to,
            inputs.map((x) => x[i]),
          ),
        );
        for (const lanes of lanesOf([type, to])) {
          const p = elementwise(new Array<ScalarType>(arity).fill(type), to, inputs[0].length, lanes, (args) =>
            op(name, to, ...args),
          );
          const [actual] = runOn(
            device,
            p,
            inputs.map((x) => pack(type, x)),
          );
          same(unpack(to, actual), expected, (i) => `${lanes} lanes: ${name}(${inputs.map((x) => x[i]).join(", ")})`);
        }
      });

for (const [from, to] of [
  ["float64", "int64"],
  ["int64", "float64"],
] as const)
  test(`bitcast of ${from} to ${to}`, () => {
    const [xs] = cases(from, 1);
    for (const lanes of [1, 2] as const) {
      const p = elementwise([from], to, xs.length, lanes, ([x]) => op("bitcast", to, x));
      const [actual] = runOn(device, p, [pack(from, xs)]);
      same(
        unpack(to, actual),
        xs.map((x) => apply("bitcast", from, to, [x])),
        (i) => `bitcast(${xs[i]})`,
      );
    }
  });

for (const type of every)
  test(`select of ${type}`, () => {
    const [a, b] = cases(type, 2);
    for (const conditionType of ["bool", "float64", type] as const)
      for (const lanes of lanesOf([type, conditionType])) {
        // The condition is a loaded bool, or a combination of comparisons of 64-bit or the type's own lanes.
        const condition = a.map((_, i) => i % 3 === 0);
        const p = elementwise([type, type, conditionType], type, a.length, lanes, ([x, y, c]) => {
          const one = constant(conditionType, 1, lanes);
          const chosen =
            conditionType === "bool"
              ? c
              : op("and", "bool", op("eq", "bool", c, one), op("not", "bool", op("lt", "bool", c, one)));
          return op("select", type, chosen, x, y);
        });
        const third = condition.map((x): Scalar => (conditionType === "int64" ? (x ? 1n : 0n) : x ? 1 : 0));
        const [actual] = runOn(device, p, [pack(type, a), pack(type, b), pack(conditionType, third)]);
        same(
          unpack(type, actual),
          a.map((x, i) => (condition[i] ? x : b[i])),
          (i) => `${lanes} lanes, ${conditionType}: select(${condition[i]}, ${a[i]}, ${b[i]})`,
        );
      }
  });

describe("operations with a constant", () => {
  for (const type of ["float32", "float64"] as const)
    for (const name of ["min", "max"] as const)
      for (const c of [0, 2.5, Infinity, Number.NaN])
        for (const flipped of [false, true])
          test(`${name} of ${type} and ${c}${flipped ? ", constant first" : ""}`, () => {
            const [xs] = cases(type, 1);
            const results = lanesOf([type]).map((lanes) => {
              const p = elementwise([type], type, xs.length, lanes, ([x]) =>
                flipped ? op(name, type, constant(type, c, lanes), x) : op(name, type, x, constant(type, c, lanes)),
              );
              return runOn(device, p, [pack(type, xs)])[0];
            });
            // The sign of a zero result may be either's; all lane counts must agree on it.
            for (const r of results) {
              assert.deepEqual([...r], [...results[0]]);
              xs.forEach((x, i) => {
                const expected = Number(apply(name, type, type, [x, c]));
                assert.ok(r[i] === expected || (Number.isNaN(r[i]) && Number.isNaN(expected)), `${name}(${x}, ${c})`);
              });
            }
          });
  for (const type of ["int32", "uint32", "int64"] as const)
    for (const name of ["div", "rem", "shl", "shr"] as const)
      for (const c of [0, 1, 3, 8, 33, 65, ...(type === "uint32" ? [] : [-1, -5])])
        test(`${name} of ${type} by ${c}`, () => {
          const [xs] = cases(type, 1);
          for (const lanes of lanesOf([type])) {
            const p = elementwise([type], type, xs.length, lanes, ([x]) => op(name, type, x, constant(type, c, lanes)));
            const [actual] = runOn(device, p, [pack(type, xs)]);
            same(
              unpack(type, actual),
              xs.map((x) => apply(name, type, type, [x, type === "int64" ? BigInt(c) : c])),
              (i) => `${lanes} lanes: ${name}(${xs[i]}, ${c})`,
            );
          }
        });
  for (const type of ["int32", "uint32", "int64"] as const)
    test(`shift of ${type} by the same variable count in every lane`, () => {
      const [xs] = cases(type, 1);
      const counts = [0, 5, 31, 32, 37, 64];
      for (const lanes of lanesOf([type]))
        for (const count of counts) {
          const p = elementwise([type, type], type, xs.length, lanes, ([x]) =>
            op("shr", type, x, lanes === 1 ? loadAs(type, 1, int(0), 1) : splat(loadAs(type, 1, int(0), 1), lanes)),
          );
          const same0 = new Array<Scalar>(xs.length).fill(type === "int64" ? BigInt(count) : count);
          const [actual] = runOn(device, p, [pack(type, xs), pack(type, same0)]);
          same(
            unpack(type, actual),
            xs.map((x, i) => apply("shr", type, type, [x, same0[i]])),
            (i) => `${lanes} lanes: ${xs[i]} >> ${count}`,
          );
        }
    });
});

for (const type of ["float32", "float64"] as const)
  test(`fma of ${type}: fused or separate, the same for every number of lanes`, () => {
    const length = 64;
    const [a, b, c] = [1, 2, 3].map((k) =>
      Array.from({ length }, (_, i) => Math.fround(Math.sin(k * 1000 + i) * 10 ** (i % 7))),
    );
    const results = lanesOf([type]).map((lanes) => {
      const p = elementwise([type, type, type], type, length, lanes, ([x, y, z]) =>
        op("fma", type, op("fma", type, x, y, z), y, constant(type, 0.1, lanes)),
      );
      return runOn(
        device,
        p,
        [a, b, c].map((x) => pack(type, x)),
      )[0];
    });
    const round = (x: number) => (type === "float32" ? Math.fround(x) : x);
    const tenth = round(0.1);
    results[0].forEach((r, i) => {
      const inner = a[i] * b[i] + c[i];
      const scale = (Math.abs(a[i] * b[i]) + Math.abs(c[i])) * Math.abs(b[i]) + tenth;
      assert.ok(Math.abs(r - (inner * b[i] + tenth)) <= scale * (type === "float32" ? 2 ** -22 : 2 ** -51));
    });
    for (const r of results) assert.deepEqual(r, results[0]);
  });
