/**
 * Random programs on every device, eager and compiled, with all dtypes, shapes and views. Numbers stay multiples of 1/8
 * between -8 and 8, on which all of this arithmetic is exact in every dtype and order, so results must be equal, not near.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as fc from "fast-check";
import {
  compile,
  concatenate,
  DeviceError,
  type DType,
  getDevice,
  isFloat,
  setDevice,
  stack,
  tensor,
  type Tensor,
  where,
} from "typegrad";

// Programs this small would otherwise stay on wasm.
process.env["TYPEGRAD_NATIVE_SMALLEST"] = "0";

const dtypes: readonly DType[] = ["float32", "float64", "int32", "uint32", "bool"];

/** Back to multiples of 1/8 from -8 to 8; unsigned numbers from 0 to 8. */
function tamed(x: Tensor): Tensor {
  if (x.dtype === "bool") return x;
  if (x.dtype === "uint32") return x.minimum(8);
  const near = isFloat(x.dtype) ? x.mul(8).round().div(8) : x;
  return near.maximum(-8).minimum(8);
}

const number = (x: Tensor): Tensor => (x.dtype === "bool" ? x.astype("int32") : x);
const matrix = (x: Tensor): Tensor => number(x).reshape([x.shape[0] ?? 1, -1]);
/** An axis the tensor has, from any number. */
const axisOf = (x: Tensor, k: number): number => k % x.rank;
/** `y` in the dtype and shape of `x`, repeated or cut as need be. */
function like(x: Tensor, y: Tensor): Tensor {
  const places = Array.from({ length: x.size }, (_, i) => i % y.size);
  return y
    .flatten()
    .take(tensor(places, { dtype: "int32" }))
    .reshape(x.shape)
    .astype(x.dtype);
}
/** Places on an axis of length `n`, from the values of any tensor. */
const placesFrom = (x: Tensor, n: number): Tensor => number(x).flatten().abs().floor().astype("int32").remainder(n);

/** From two tensors of at least one axis and element, and a number, to another. */
const operations: Readonly<Record<string, (x: Tensor, y: Tensor, k: number) => Tensor>> = {
  add: (x, y) => number(x).add(like(x, y)),
  sub: (x, y) => (x.dtype === "uint32" ? x.maximum(like(x, y)).sub(like(x, y)) : number(x).sub(like(x, y))),
  mul: (x, y) => number(x).mul(like(x, y)),
  minimum: (x, y) => number(x).minimum(like(x, y)),
  rows: (x, y) =>
    matrix(x)
      .add(matrix(x).at("0:1"))
      .sub(like(matrix(x).at(":", "0:1"), y).minimum(matrix(x).at(":", "0:1"))),
  less: (x, y) => number(x).less(like(number(x), y)),
  equal: (x, y) => x.equal(like(x, y)),
  where: (x, y, k) => where(like(x, y).greater(k % 3), x, like(x, y)),
  not: (x) => x.equal(0).not(),
  bits: (x, y, k) =>
    x
      .astype("int32")
      .and(k % 8)
      .xor(like(x, y).astype("int32")),
  cast: (x, _, k) => x.astype(x.dtype !== "bool" && x.dtype !== "uint32" ? dtypes[k % 3] : dtypes[k % 5]),
  abs: (x) => number(x).abs().floor(),
  sum: (x, _, k) => number(x).sum(axisOf(x, k), { keepDims: true }),
  total: (x) => number(x).sum().reshape([1]),
  max: (x, _, k) =>
    number(x)
      .max(axisOf(x, k), { keepDims: k % 2 === 0 })
      .reshape([-1]),
  argmax: (x, _, k) => number(x).argmax(axisOf(x, k)).reshape([-1]),
  any: (x, _, k) => x.equal(1).any(axisOf(x, k), { keepDims: true }),
  cumsum: (x, _, k) => number(x).minimum(1).cumsum(axisOf(x, k)),
  matmul: (x, y) => matrix(x).matmul(like(matrix(x), y).transpose()),
  sort: (x, _, k) => number(x).sort(axisOf(x, k)),
  transpose: (x) => x.transpose(),
  flip: (x, _, k) => x.flip(axisOf(x, k)),
  reshape: (x) => x.reshape([-1]),
  fold: (x) => (x.size % 2 === 0 ? x.reshape([2, -1]) : x.reshape([-1, 1])),
  slice: (x, _, k) => (x.shape[0] > 2 ? x.at(`${k % 2}:${x.shape[0]}:${1 + (k % 2)}`) : x),
  concatenate: (x, y, k) => concatenate([x, like(x, y)], axisOf(x, k)),
  stack: (x, y, k) => (x.rank < 4 ? stack([x, like(x, y)], k % 2) : x),
  pad: (x, _, k) => number(x).pad(x.shape.map((_n, i) => (i === 0 ? [k % 2, 1] : [0, k % 3]))),
  take: (x, y, k) => x.take(placesFrom(y, x.shape[axisOf(x, k)]), axisOf(x, k)),
};
const names = Object.keys(operations);

/** No tensor grows beyond this. */
const most = 3000;

interface Drawn {
  readonly inputs: readonly { readonly dtype: DType; readonly shape: readonly number[]; readonly seed: number }[];
  readonly steps: readonly (readonly [operation: string, left: number, right: number, k: number])[];
}
const drawn: fc.Arbitrary<Drawn> = fc.record({
  inputs: fc.array(
    fc.record({
      dtype: fc.constantFrom(...dtypes),
      shape: fc.array(fc.constantFrom(1, 2, 3, 4, 5, 8, 9, 17), { minLength: 1, maxLength: 3 }),
      seed: fc.nat(1000),
    }),
    { minLength: 2, maxLength: 3 },
  ),
  steps: fc.array(fc.tuple(fc.constantFrom(...names), fc.nat(20), fc.nat(20), fc.nat(30)), {
    minLength: 1,
    maxLength: 10,
  }),
});

function inputsOf({ inputs }: Drawn): Tensor[] {
  return inputs.map(({ dtype, shape, seed }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const eighths = Array.from({ length: size }, (_, i) => ((((i + 1) * (seed + 7)) % 131) % 129) - 64);
    const values = eighths.map((v) => {
      if (isFloat(dtype)) return v / 8;
      return dtype === "bool" ? Math.abs(v) % 2 : dtype === "uint32" ? Math.abs(v) % 9 : v % 9;
    });
    return tensor(values, { dtype }).reshape(shape);
  });
}

/** The last three values of the program. */
const run = ({ steps }: Drawn, inputs: readonly Tensor[]): Tensor[] => {
  const values = [...inputs];
  for (const [name, left, right, k] of steps) {
    const x = values[left % values.length];
    const result = tamed(operations[name](x, values[right % values.length], k));
    values.push(result.size > most ? result.flatten().at(`0:${most}`) : result);
  }
  return values.slice(-3);
};

/** What a result is: dtype, shape, elements; -0 is 0. */
const textOf = (xs: readonly Tensor[]): string[] =>
  xs.map((x) => `${x.describe()} ${Array.from(x.dataSync(), (v) => v + 0).join()}`);

async function onReference(programs: readonly Drawn[]): Promise<string[][]> {
  await setDevice("reference");
  return programs.map((program) => textOf(run(program, inputsOf(program))));
}

const isFull = process.env["TYPEGRAD_FULL"] === "1";
const seed = Number(process.env["SEED"] ?? 3);

const usual = getDevice().name;
after(() => setDevice(usual));

for (const [device, count] of [
  ["wasm", isFull ? 400 : 60],
  ["native", isFull ? 60 : 5],
] as const)
  test(`random programs on ${device}, eager and compiled, equal the reference`, async (t) => {
    const programs = fc.sample(drawn, { numRuns: count, seed });
    const expected = await onReference(programs);
    try {
      await setDevice(device);
    } catch (error) {
      if (error instanceof DeviceError) return t.skip(error.message);
      throw error;
    }
    programs.forEach((program, i) => {
      const what = `seed ${seed}, program ${i}: ${JSON.stringify(program)}`;
      assert.deepEqual(textOf(run(program, inputsOf(program))), expected[i], `eager, ${what}`);
      const compiled = compile((...xs: Tensor[]) => run(program, xs));
      assert.deepEqual(textOf(compiled(...inputsOf(program))), expected[i], `compiled, ${what}`);
    });
  });
