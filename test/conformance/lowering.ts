/** What a device computes from the lowering is what the reference rule says; compiled and eager agree. */
import type { Device } from "#src/backend/backend.js";
import { isFloat, isInteger, type DType, roundTo } from "#src/ir/dtype.js";
import { interpret } from "#src/ir/interpret.js";
import { type NdArray, Node, notDifferentiable } from "#src/ir/node.js";
import { type Aval, sameShape, sizeOf } from "#src/ir/shape.js";
import { not, remainderPrimitive } from "#src/primitive/arithmetic.js";
import { add } from "#src/primitive/define.js";
import { cumsumPrimitive } from "#src/primitive/cumulative.js";
import { zip } from "#src/util/arrays.js";
import { compile, tensor, Tensor } from "typegrad";
import {
  type Case,
  computed,
  drawAll,
  holesOf,
  outputsOf,
  randomNumbers,
  referenceOf,
  type Report,
  rounding,
  seedOf,
  weights,
} from "./support.js";

const fits = (x: number, dtype: DType): boolean => Object.is(roundTo(dtype, x), x) || Number.isNaN(x);

/** `infer` names exactly the dtypes and shapes that the reference rule gives. */
function checkInference({ primitive, sample, index, report }: Case, values: readonly NdArray[]): void {
  report.at(primitive, index, sample, "infer");
  const avals = primitive.infer(sample.inputs, sample.params);
  const results = primitive.reference(values, sample.params, avals);
  report.is(results.length === avals.length, `${avals.length} outputs inferred, ${results.length} computed`);
  zip(avals, referenceOf(primitive, sample.params, values, avals)).forEach(([aval, y], i) => {
    report.is(sameShape(aval.shape, y.shape), `output ${i} has shape [${y.shape.join(",")}], not that inferred`);
    report.is(y.data.length === sizeOf(aval.shape), `output ${i} has ${y.data.length} elements`);
    report.is(
      y.data.every((x) => fits(x, aval.dtype)),
      `output ${i} does not hold ${aval.dtype} values`,
    );
  });
}

const specialFloats = [Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, -2.5, 65536];
/** Not for sums and products of several, whose order is free: one order may overflow where another does not. */
const extremeFloats = [...specialFloats, 1e-30, 1e30, -1e30, 3e38];
const specialIntegers = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 31, 32, 2 ** 32 - 1];

const isPointwise = ({ primitive, sample }: Case): boolean => {
  const [first, ...rest] = [...sample.inputs, ...primitive.infer(sample.inputs, sample.params)];
  return primitive !== cumsumPrimitive && rest.every((x) => sameShape(x.shape, first.shape));
};

/** Values at the ends of each dtype in place of drawn ones. */
export function specialValues(at: Case, seed: number): NdArray[] {
  const { primitive, sample } = at;
  const next = randomNumbers(seed);
  // A remainder is exact only while the quotient fits the mantissa.
  const floats = isPointwise(at) && primitive !== remainderPrimitive ? extremeFloats : specialFloats;
  return drawAll(sample.inputs, seed).map((x, i) => {
    const { dtype, values } = sample.inputs[i];
    const list = isFloat(dtype) ? floats : isInteger(dtype) ? specialIntegers : [0, 1];
    if (values) return x;
    return { shape: x.shape, data: x.data.map(() => roundTo(dtype, list[Math.floor(next() * list.length)])) };
  });
}

function compare(
  report: Report,
  nodes: readonly Aval[],
  got: readonly NdArray[],
  expected: readonly NdArray[],
  what: string,
) {
  zip(got, expected).forEach(([x, y], i) => report.close(x, y, rounding[nodes[i].dtype], `${what}, output ${i}`));
}

/** The primitive between a producer and a consumer of the same program, where a compiler may fuse them. */
function checkFused(device: Device, { primitive, sample, index, report }: Case, values: readonly NdArray[]): void {
  report.at(primitive, index, sample, `fused = reference on ${device.name}`);
  const next = randomNumbers(index + 1);
  const holes = holesOf(sample.inputs);
  const isNumber = (x: Node): boolean => x.dtype !== "bool";
  const shifts = holesOf(holes.filter(isNumber).map((x) => x.aval));
  const shiftOf = new Map(holes.filter(isNumber).map((x, i) => [x, shifts[i]]));
  const given = holes.map((x) => {
    const shift = shiftOf.get(x);
    return shift ? add(x, shift) : not(x);
  });
  const outputs = outputsOf(primitive, given, sample.params).map((y) => (isNumber(y) ? add(y, y) : not(y)));
  const shiftValues = shifts.map((x) => weights(x.aval, next));
  const at = new Map(shifts.map((x, i) => [x, shiftValues[i]]));
  const shifted = holes.map((x, i) => {
    const shift = shiftOf.get(x);
    const by = shift && at.get(shift);
    const data = values[i].data.map((v, k) => roundTo(x.dtype, by ? v - by.data[k] : 1 - v));
    return { shape: values[i].shape, data };
  });
  const inputs = [...holes, ...shifts];
  const all = [...shifted, ...shiftValues];
  compare(
    report,
    outputs.map((y) => y.aval),
    computed(device, inputs, outputs, all),
    interpret(inputs, outputs, all),
    "fused",
  );
}

const tensorOf = (x: NdArray, dtype: DType): Tensor =>
  dtype === "float64"
    ? tensor(x.data, { shape: x.shape })
    : tensor(Float64Array.from(x.data), { shape: x.shape, dtype });

/** Through the public door: `compile` gives what evaluating at once gives, the second time too. */
function checkCompiled(device: Device, { primitive, sample, index, report }: Case, values: readonly NdArray[]): void {
  report.at(primitive, index, sample, `compiled = eager on ${device.name}`);
  const f = (...xs: Tensor[]): Tensor[] =>
    outputsOf(
      primitive,
      xs.map((x) => x.node),
      sample.params,
    ).map((y) => Tensor.of(y));
  const compiled = compile(f);
  const tensors = () => values.map((x, i) => tensorOf(x, sample.inputs[i].dtype));
  const arrays = (ys: readonly Tensor[]): NdArray[] =>
    ys.map((y) => ({ shape: y.shape, data: Float64Array.from(y.dataSync()) }));
  const eager = f(...tensors());
  const expected = arrays(eager);
  for (const round of [1, 2])
    compare(
      report,
      eager.map((y) => y.node.aval),
      arrays(compiled(...tensors())),
      expected,
      `call ${round}`,
    );
  report.is(compiled.traces() === 1, `traced ${compiled.traces()} times`);
}

/** The graphs that the derivative rules give, computed by the device and by reference rules. */
function checkDerivedGraphs(
  device: Device,
  { primitive, sample, index, report }: Case,
  values: readonly NdArray[],
): void {
  report.at(primitive, index, sample, `derivatives on ${device.name} = reference`);
  const next = randomNumbers(index + 3);
  const holes = holesOf(sample.inputs);
  const node = Node.apply(primitive, holes, sample.params);
  const seedsOf = (avals: readonly Aval[]) => {
    const seeds = holesOf(avals.filter((x) => isFloat(x.dtype)));
    return avals.map((x) => (isFloat(x.dtype) ? (seeds.shift() ?? null) : null));
  };
  for (const [mode, seeds, rule] of [
    ["vjp", seedsOf(node.outputs), (given: readonly (Node | null)[]) => primitive.vjp(node, given)],
    ["jvp", seedsOf(sample.inputs), (given: readonly (Node | null)[]) => primitive.jvp(node, given)],
  ] as const) {
    const results = rule(seeds).filter((x) => x !== null);
    const given = seeds.filter((x) => x !== null);
    if (results.length === 0) continue;
    const inputs = [...holes, ...given];
    const all = [...values, ...given.map((x) => weights(x.aval, next))];
    compare(
      report,
      results.map((x) => x.aval),
      computed(device, inputs, results, all),
      interpret(inputs, results, all),
      mode,
    );
  }
}

/** All checks of one sample's lowering, on the device that is current. */
export function checkLowering(device: Device, at: Case): void {
  const { primitive, sample, index, report } = at;
  const seed = seedOf(`${primitive.name} ${index}`);
  const values = drawAll(sample.inputs, seed);
  if (device.name === "reference") report.run(() => checkInference(at, values));
  report.run(() => {
    report.at(primitive, index, sample, `lowering = reference on ${device.name}`);
    const holes = holesOf(sample.inputs);
    const outputs = outputsOf(primitive, holes, sample.params);
    const avals = outputs.map((y) => y.aval);
    for (const [what, inputs] of [
      ["drawn", values],
      ["special values", specialValues(at, seed)],
    ] as const)
      compare(
        report,
        avals,
        computed(device, holes, outputs, inputs),
        referenceOf(primitive, sample.params, inputs, avals),
        what,
      );
  });
  report.run(() => checkFused(device, at, values));
  report.run(() => checkCompiled(device, at, values));
  if (device.name !== "reference" && primitive.vjp !== notDifferentiable)
    report.run(() => checkDerivedGraphs(device, at, values));
}
