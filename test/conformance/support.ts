/** What every conformance check needs: inputs drawn from samples, graphs evaluated by reference rules, comparisons. */
import type { Device } from "#src/backend/backend.js";
import { type DType, hostArray, isFloat, roundTo } from "#src/ir/dtype.js";
import { interpret } from "#src/ir/interpret.js";
import { type NdArray, Node, type Primitive, type Sample, type SampleInput } from "#src/ir/node.js";
import { type Aval, sameShape, type Shape, show, sizeOf } from "#src/ir/shape.js";
import { hole } from "#src/primitive/leaf.js";
import { zip } from "#src/util/arrays.js";

/** A number from 0 to 1 at each call (mulberry32, T. Ettinger 2017), the same sequence for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number that differs between texts. */
export const seedOf = (text: string): number =>
  [...text].reduce((hash, c) => Math.imul(hash ^ c.charCodeAt(0), 16777619), 2166136261);

function shuffled<T>(xs: readonly T[], next: () => number): T[] {
  const order = [...xs];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

const defaultDomain = (dtype: DType): readonly [number, number] =>
  isFloat(dtype) ? [-2, 2] : dtype === "bool" ? [0, 1] : dtype === "uint32" ? [0, 9] : [-9, 9];

/**
 * Values for all inputs of a sample, `copies` of each along a new leading axis when `copies > 0`. Floats are distinct
 * across all inputs, so that no maximum is tied and no kink is near.
 */
export function drawAll(inputs: readonly SampleInput[], seed: number, copies = 0): NdArray[] {
  const next = randomNumbers(seed);
  const lengths = inputs.map((x) => sizeOf(x.shape) * Math.max(copies, 1));
  const total = lengths.reduce((a, b) => a + b, 0);
  const places = shuffled(
    Array.from({ length: total }, (_, k) => (k + 0.3 + 0.4 * next()) / total),
    next,
  );
  return inputs.map((input, i) => {
    const own = places.splice(0, lengths[i]);
    const shape = copies > 0 ? [copies, ...input.shape] : input.shape;
    const [low, high] = input.domain ?? defaultDomain(input.dtype);
    const data = Float64Array.from(own, (u, k) => {
      if (input.values) return givenValue(input.values, k, own.length / Math.max(copies, 1));
      const x = isFloat(input.dtype) ? low + u * (high - low) : low + Math.floor(next() * (high - low + 1));
      return roundTo(input.dtype, x);
    });
    return { shape, data };
  });
}

/** Copies of given values are what is given beyond the first, or else rotations of them, so that slices of a batch differ. */
const givenValue = (values: readonly number[], k: number, size: number): number =>
  values[values.length > size ? k % values.length : ((k % size) + Math.floor(k / size)) % size];

/** Numbers near ±1 in the shape of `aval`, for tangents and cotangents. */
export function weights({ shape, dtype }: Aval, next: () => number): NdArray {
  return {
    shape,
    data: Float64Array.from({ length: sizeOf(shape) }, () => roundTo(dtype, (next() < 0.5 ? -1 : 1) * (0.5 + next()))),
  };
}

export const holesOf = (avals: readonly Aval[]): Node[] => avals.map((x, i) => hole(x, `x${i}`));

/** The outputs of a primitive on nodes. */
export const outputsOf = (primitive: Primitive, inputs: readonly Node[], params: unknown): readonly Node[] =>
  Node.parts(Node.apply(primitive, inputs, params));

/** The reference rule itself, rounded to the dtypes of the results. */
export function referenceOf(
  primitive: Primitive,
  params: unknown,
  inputs: readonly NdArray[],
  outputs: readonly Aval[],
) {
  return zip(primitive.reference(inputs, params, outputs), outputs).map(([y, aval]): NdArray => ({
    shape: y.shape,
    data: y.data.map((x) => roundTo(aval.dtype, x)),
  }));
}

/** A graph computed by a device. */
export function computed(
  device: Device,
  inputs: readonly Node[],
  outputs: readonly Node[],
  values: readonly NdArray[],
): NdArray[] {
  const uploaded = zip(inputs, values).map(([node, x]) => {
    const data = hostArray(node.dtype, x.data.length);
    data.set(x.data);
    return device.upload({ device: "host", dtype: node.dtype, shape: node.shape, data });
  });
  const executable = device.prepare({ inputs, outputs, donated: inputs.map(() => false) });
  return executable.run(uploaded).map((y) => ({ shape: y.shape, data: Float64Array.from(device.read(y)) }));
}

/** Nodes, some of them known zeros, as arrays. */
export function interpreted(
  inputs: readonly Node[],
  nodes: readonly (Node | null)[],
  avals: readonly Aval[],
  values: readonly NdArray[],
): NdArray[] {
  const present = nodes.filter((x) => x !== null);
  const results = interpret(inputs, present, values);
  return avals.map((aval, i) => {
    const node = nodes[i] ?? null;
    return node === null
      ? { shape: aval.shape, data: new Float64Array(sizeOf(aval.shape)) }
      : results[present.indexOf(node)];
  });
}

export const dotOf = (a: NdArray, b: NdArray): number => a.data.reduce((sum, x, i) => sum + x * b.data[i], 0);

/** Slice k of the leading axis. */
export function sliceOf(x: NdArray, k: number): NdArray {
  const size = sizeOf(x.shape.slice(1));
  return { shape: x.shape.slice(1), data: x.data.slice(k * size, (k + 1) * size) };
}

/** How far a result may be from the expected one: relative to itself, and to the largest element. */
export interface Tolerance {
  readonly relative: number;
  readonly scaled: number;
}
const exact: Tolerance = { relative: 0, scaled: 0 };
/** float32 results of the same formula in another order; float64 likewise; everything else is exact. */
export const rounding: Readonly<Record<DType, Tolerance>> = {
  float32: { relative: 1e-5, scaled: 1e-6 },
  float64: { relative: 1e-12, scaled: 1e-13 },
  int32: exact,
  uint32: exact,
  bool: exact,
};
/** Central differences in float64 with step 1e-5 are good to about 1e-10 of the third derivative. */
export const differences: Tolerance = { relative: 1e-6, scaled: 1e-6 };

/** Why two arrays differ, or null. */
export function difference(got: NdArray, expected: NdArray, tolerance: Tolerance): string | null {
  if (!sameShape(got.shape, expected.shape))
    return `shape [${got.shape.join(",")}] is not [${expected.shape.join(",")}]`;
  const finite = expected.data.filter(Number.isFinite);
  const scale = finite.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  for (let k = 0; k < expected.data.length; k++) {
    const [x, y] = [got.data[k], expected.data[k]];
    const close = Math.abs(x - y) <= tolerance.relative * Math.abs(y) + tolerance.scaled * scale;
    if (!(close || x === y || (Number.isNaN(x) && Number.isNaN(y)))) return `element ${k} is ${x}, expected ${y}`;
  }
  return null;
}

/** Counts checks and remembers the failed ones of one primitive. */
export class Report {
  static total = 0;
  readonly failures: string[] = [];
  #where = "";
  checks = 0;
  /** Names what the next checks are about. */
  at(primitive: Primitive, index: number, sample: { readonly inputs: readonly Aval[] }, check: string): void {
    this.#where = `${primitive.name}, sample ${index} (${sample.inputs.map(show).join(", ")}), ${check}`;
  }
  is(holds: boolean, what: string): void {
    this.checks++;
    Report.total++;
    if (!holds) this.failures.push(`${this.#where}: ${what}`);
  }
  close(got: NdArray, expected: NdArray, tolerance: Tolerance, what: string): void {
    const why = difference(got, expected, tolerance);
    this.is(why === null, `${what}: ${why}`);
  }
  /** Runs a check; what it throws is a failure. */
  run(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.is(false, error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }
}

export const array = (shape: Shape, data: ArrayLike<number>): NdArray => ({ shape, data: Float64Array.from(data) });

/** What a check gets: a primitive, one of its samples, and where to report. */
export interface Case {
  readonly primitive: Primitive;
  readonly sample: Sample<unknown>;
  readonly index: number;
  readonly report: Report;
}
