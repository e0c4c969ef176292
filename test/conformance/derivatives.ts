/** Derivative rules against central finite differences of the reference rule, all in float64. */
import { isFloat } from "#src/ir/dtype.js";
import { interpret } from "#src/ir/interpret.js";
import { type NdArray, Node, notDifferentiable } from "#src/ir/node.js";
import type { Aval } from "#src/ir/shape.js";
import { stopGradientPrimitive } from "#src/primitive/leaf.js";
import { backward, forward } from "#src/transform/index.js";
import {
  type Case,
  differences,
  dotOf,
  drawAll,
  holesOf,
  interpreted,
  outputsOf,
  randomNumbers,
  seedOf,
  weights,
} from "./support.js";

const step = 1e-5;
/** Second derivatives are checked where there are at most so many elements. */
const small = 150;

/** A function of arrays, and its dtypes. */
interface Field {
  readonly inputs: readonly Aval[];
  readonly outputs: readonly Aval[];
  of(values: readonly NdArray[]): readonly NdArray[];
}

const moved = (x: NdArray, by: NdArray, h: number): NdArray => ({
  shape: x.shape,
  data: x.data.map((v, k) => v + h * by.data[k]),
});

/** Derivative along `directions` (one for each input, null for none) by central differences. */
function directional(f: Field, at: readonly NdArray[], directions: readonly (NdArray | null)[]): NdArray[] {
  const go = (h: number) => f.of(at.map((x, i) => (directions[i] ? moved(x, directions[i], h) : x)));
  const [ahead, behind] = [go(step), go(-step)];
  return ahead.map((y, i) => ({
    shape: y.shape,
    data: y.data.map((v, k) => (isFloat(f.outputs[i].dtype) ? (v - behind[i].data[k]) / (2 * step) : 0)),
  }));
}

/** Gradient, in input i, of the sum of the outputs weighted by `g`. */
function gradientOf(f: Field, at: readonly NdArray[], i: number, g: readonly NdArray[]): NdArray {
  const floats = f.outputs.map((y) => isFloat(y.dtype));
  const value = (x: NdArray): number =>
    f.of(at.with(i, x)).reduce((sum, y, k) => (floats[k] ? sum + dotOf(y, g[k]) : sum), 0);
  const data = at[i].data.map((v, k) => {
    const shifted = (h: number) => value({ shape: at[i].shape, data: at[i].data.with(k, v + h) });
    return (shifted(step) - shifted(-step)) / (2 * step);
  });
  return { shape: at[i].shape, data };
}

/** Derivative rules apply where all floats are float64. */
const inDouble = (avals: readonly Aval[]): boolean =>
  avals.some((x) => x.dtype === "float64") && avals.every((x) => x.dtype !== "float32");

/** Both modes, and that they are transposes of each other; whether the sample is one to differentiate. */
export function checkDerivatives(at: Case): boolean {
  const { primitive, sample, index, report } = at;
  const holes = holesOf(sample.inputs);
  const node = Node.apply(primitive, holes, sample.params);
  const field: Field = {
    inputs: sample.inputs,
    outputs: node.outputs,
    of: (values) => primitive.reference(values, sample.params, node.outputs),
  };
  if (!inDouble([...field.inputs, ...field.outputs])) return false;
  const seed = seedOf(`derivatives of ${primitive.name} ${index}`);
  const next = randomNumbers(seed);
  const values = drawAll(sample.inputs, seed);
  const tangents = sample.inputs.map((x) => (isFloat(x.dtype) ? weights(x, next) : null));
  const cotangents = node.outputs.map((y) => weights(y, next));
  if (primitive.vjp === notDifferentiable || primitive.jvp === notDifferentiable)
    report.run(() => checkFlat(at, field, values, tangents));
  else {
    report.run(() => checkReverse(at, node, holes, field, values, cotangents));
    report.run(() => checkForward(at, node, holes, field, values, tangents));
    report.run(() => checkTransposed(at, node, holes, values, tangents, cotangents));
    const size = [...values, ...cotangents].reduce((n, x) => n + x.data.length, 0);
    if (size <= small) report.run(() => checkSecond(at, holes, values, cotangents));
  }
  return true;
}

/** What is declared not differentiable is so in both modes, and is flat wherever it has a float result. */
function checkFlat(
  { primitive, sample, index, report }: Case,
  field: Field,
  values: NdArray[],
  tangents: (NdArray | null)[],
) {
  report.at(primitive, index, sample, "not differentiable");
  report.is(primitive.vjp === notDifferentiable && primitive.jvp === notDifferentiable, "only one mode says so");
  if (primitive === stopGradientPrimitive) return; // zero by decree
  directional(field, values, tangents).forEach((dy, i) =>
    report.is(
      dy.data.every((v) => v === 0),
      `output ${i} changes with its inputs`,
    ),
  );
}

function checkReverse(
  { primitive, sample, index, report }: Case,
  node: Node,
  holes: readonly Node[],
  field: Field,
  values: readonly NdArray[],
  cotangents: readonly NdArray[],
): void {
  report.at(primitive, index, sample, "vjp = finite differences");
  const seeds = holesOf(node.outputs);
  const isFloatOutput = node.outputs.map((y) => isFloat(y.dtype));
  // Every output's cotangent, and each one alone.
  const choices = [isFloatOutput, ...(seeds.length > 1 ? seeds.map((_, k) => seeds.map((_, i) => i === k)) : [])];
  for (const chosen of choices) {
    const given = seeds.map((g, i) => (chosen[i] && isFloatOutput[i] ? g : null));
    const rule = primitive.vjp(node, given);
    const got = interpreted([...holes, ...seeds], rule, sample.inputs, [...values, ...cotangents]);
    const g = cotangents.map((ct, i) => (given[i] ? ct : { shape: ct.shape, data: ct.data.map(() => 0) }));
    sample.inputs.forEach((x, i) => {
      if (isFloat(x.dtype)) report.close(got[i], gradientOf(field, values, i, g), differences, `input ${i}`);
      else report.is((rule[i] ?? null) === null, `input ${i} is ${x.dtype} and has a cotangent`);
    });
  }
}

function checkForward(
  { primitive, sample, index, report }: Case,
  node: Node,
  holes: readonly Node[],
  field: Field,
  values: readonly NdArray[],
  tangents: readonly (NdArray | null)[],
): void {
  report.at(primitive, index, sample, "jvp = finite differences");
  const seeds = holesOf(sample.inputs);
  const floats = tangents.flatMap((t, i) => (t ? [i] : []));
  const zerosLike = values.map((x) => ({ shape: x.shape, data: x.data.map(() => 0) }));
  for (const chosen of [floats, ...(floats.length > 1 ? floats.map((i) => [i]) : [])]) {
    const given = seeds.map((t, i) => (chosen.includes(i) ? t : null));
    const rule = primitive.jvp(node, given);
    const all = [...values, ...tangents.map((t, i) => t ?? zerosLike[i])];
    const got = interpreted([...holes, ...seeds], rule, node.outputs, all);
    const expected = directional(
      field,
      values,
      tangents.map((t, i) => (chosen.includes(i) ? t : null)),
    );
    node.outputs.forEach((y, k) => {
      if (isFloat(y.dtype)) report.close(got[k], expected[k], differences, `tangents of inputs ${chosen}, output ${k}`);
      else report.is((rule[k] ?? null) === null, `output ${k} is ${y.dtype} and has a tangent`);
    });
  }
}

/** ⟨J t, g⟩ = ⟨t, Jᵀ g⟩. */
function checkTransposed(
  { primitive, sample, index, report }: Case,
  node: Node,
  holes: readonly Node[],
  values: readonly NdArray[],
  tangents: readonly (NdArray | null)[],
  cotangents: readonly NdArray[],
): void {
  report.at(primitive, index, sample, "⟨J t, g⟩ = ⟨t, Jᵀ g⟩");
  const [ts, gs] = [holesOf(sample.inputs), holesOf(node.outputs)];
  const inputs = [...holes, ...ts, ...gs];
  const all = [...values, ...tangents.map((t, i) => t ?? values[i]), ...cotangents];
  const dy = interpreted(
    inputs,
    primitive.jvp(
      node,
      ts.map((t, i) => (tangents[i] ? t : null)),
    ),
    node.outputs,
    all,
  );
  const floatOnly = gs.map((g, k) => (isFloat(node.outputs[k].dtype) ? g : null));
  const dx = interpreted(inputs, primitive.vjp(node, floatOnly), sample.inputs, all);
  const left = dy.reduce((sum, y, k) => (floatOnly[k] ? sum + dotOf(y, cotangents[k]) : sum), 0);
  const right = dx.reduce((sum, x, i) => sum + (tangents[i] ? dotOf(x, tangents[i]) : 0), 0);
  const scale = dy.reduce((sum, y, k) => sum + Math.sqrt(dotOf(y, y) * dotOf(cotangents[k], cotangents[k])), 1e-300);
  report.is(Math.abs(left - right) <= 1e-11 * scale, `${left} is not ${right}`);
}

/** vjp of vjp and jvp of vjp against differences of the first derivative. */
function checkSecond(
  { primitive, sample, index, report }: Case,
  holes: readonly Node[],
  values: readonly NdArray[],
  cotangents: readonly NdArray[],
): void {
  const next = randomNumbers(index + 7);
  const outputs = outputsOf(primitive, holes, sample.params);
  const seeds = holesOf(outputs.map((y) => y.aval));
  const floatSeeds = seeds.filter((g) => isFloat(g.dtype));
  const first = backward(
    outputs,
    seeds.map((g) => (isFloat(g.dtype) ? g : null)),
    holes,
  ).filter((x) => x !== null);
  if (first.length === 0) return;
  const sources = [...holes, ...floatSeeds];
  const at = [...values, ...cotangents.filter((_, k) => isFloat(outputs[k].dtype))];
  const field: Field = {
    inputs: sources.map((x) => x.aval),
    outputs: first.map((x) => x.aval),
    of: (given) => interpret(sources, first, given),
  };

  report.at(primitive, index, sample, "vjp of vjp = finite differences");
  const outer = holesOf(field.outputs);
  const g = outer.map((x) => weights(x.aval, next));
  const second = interpreted([...sources, ...outer], backward(first, outer, sources), field.inputs, [...at, ...g]);
  sources.forEach((x, i) => {
    if (isFloat(x.dtype)) report.close(second[i], gradientOf(field, at, i, g), differences, `source ${i}`);
  });

  report.at(primitive, index, sample, "jvp of vjp = finite differences");
  const tangents = sources.map((x) => (isFloat(x.dtype) ? weights(x.aval, next) : null));
  const ts = holesOf(field.inputs);
  const given = forward(
    first,
    sources,
    ts.map((t, i) => (tangents[i] ? t : null)),
  );
  const all = [...at, ...tangents.map((t, i) => t ?? at[i])];
  const moved = interpreted([...sources, ...ts], given, field.outputs, all);
  directional(field, at, tangents).forEach((dy, k) => report.close(moved[k], dy, differences, `derivative ${k}`));
}
