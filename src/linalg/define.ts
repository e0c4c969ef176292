/** Constructors of primitives on matrices: a host algorithm for one matrix, and a rule for its tangent. */
import { type DType, floats, isFloat } from "../ir/dtype.js";
import { type NdArray, Node, type Primitive, type Sample, type SampleInput } from "../ir/node.js";
import { type Aval, type Shape, sameShape, show, sizeOf } from "../ir/shape.js";
import { stacked } from "../primitive/define.js";
import { hole } from "../primitive/leaf.js";
import { backward } from "../transform/index.js";
import { range } from "../util/arrays.js";
import { ShapeError } from "../util/errors.js";

/** From the matrices of one batch element to the elements of each output, in row-major order. */
export type Algorithm<P> = (matrices: readonly NdArray[], params: P) => readonly ArrayLike<number>[];

type Rule<P> = (node: Node<P>, given: readonly (Node | null)[]) => readonly (Node | null)[];

export interface MatrixPrimitive<P> extends Pick<Primitive<P>, "name" | "samples" | "errors"> {
  /** Shapes and dtypes of the outputs for matrices without leading axes, or the user's error. */
  infer(matrices: readonly Aval[], params: P): readonly Aval[];
  /** The product with the Jacobian. Made of nodes that are linear in the tangents. */
  readonly jvp: Rule<P>;
  /** The product with the transposed Jacobian; `null` derives it from `jvp`. */
  readonly vjp: Rule<P> | null;
  /** What a device runs. It is given finite numbers only: others make every float output NaN and every integer 0. */
  readonly algorithm: Algorithm<P>;
  /** The same by another, plainer algorithm. */
  readonly witness: Algorithm<P>;
  /** Whether `algorithm` and `witness` take infinities and NaN too. */
  readonly takesAll?: boolean;
}

/** `Jᵀg` by transposing the nodes that say `J·t`. */
function transposedRule<P>(jvp: Rule<P>): Rule<P> {
  return (node, cotangents) => {
    const tangents = node.inputs.map((x) => (isFloat(x.dtype) ? hole(x.aval, "tangent") : null));
    const sources = tangents.filter((t) => t !== null);
    const outputs: Node[] = [];
    const seeds: Node[] = [];
    jvp(node, tangents).forEach((dy, i) => {
      const g = cotangents[i];
      if (!dy || !g) return;
      outputs.push(dy);
      seeds.push(g);
    });
    const found = backward(outputs, seeds, sources);
    return tangents.map((t) => (t === null ? null : found[sources.indexOf(t)]));
  };
}

/** Applies an algorithm to each element of a batch. */
function eachMatrix<P>(def: MatrixPrimitive<P>, algorithm: Algorithm<P>, inputs: readonly NdArray[], params: P) {
  const lead = inputs[0].shape.slice(0, -2);
  const count = sizeOf(lead);
  const avals = def.infer(
    inputs.map((x): Aval => ({ dtype: "float64", shape: x.shape.slice(-2) })),
    params,
  );
  const sizes = avals.map((y) => sizeOf(y.shape));
  const results = avals.map((y, i) => ({ shape: [...lead, ...y.shape], data: new Float64Array(count * sizes[i]) }));
  for (const k of range(count)) {
    const matrices = inputs.map((x): NdArray => {
      const size = sizeOf(x.shape.slice(-2));
      return { shape: x.shape.slice(-2), data: x.data.subarray(k * size, (k + 1) * size) };
    });
    const isUsable = def.takesAll === true || matrices.every((x) => x.data.every(Number.isFinite));
    const outputs = isUsable ? algorithm(matrices, params) : null;
    results.forEach(({ data }, i) => {
      if (outputs) data.set(outputs[i], k * sizes[i]);
      else if (isFloat(avals[i].dtype)) data.fill(Number.NaN, k * sizes[i], (k + 1) * sizes[i]);
    });
  }
  return results;
}

/** A primitive on the matrices in the last two axes of its inputs; leading axes are equal and form a batch. */
export function matrixPrimitive<P>(def: MatrixPrimitive<P>): Primitive<P> {
  const { name, jvp, samples, errors } = def;
  const primitive: Primitive<P> = {
    name,
    infer(inputs, params) {
      const [first] = inputs;
      const lead = first.shape.slice(0, -2);
      for (const x of inputs)
        if (x.shape.length < 2 || x.dtype !== first.dtype || !isFloat(x.dtype))
          throw new ShapeError(
            `${name}: matrices of floats are needed, got ${inputs.map(show).join(" and ")}. reshape or convert them`,
          );
        else if (!sameShape(x.shape.slice(0, -2), lead))
          throw new ShapeError(
            `${name}: leading axes must be equal, got ${inputs.map(show).join(" and ")}. broadcast one`,
          );
      const cores = inputs.map((x): Aval => ({ dtype: x.dtype, shape: x.shape.slice(-2) }));
      return def.infer(cores, params).map((y) => ({ dtype: y.dtype, shape: [...lead, ...y.shape] }));
    },
    jvp,
    vjp: def.vjp ?? transposedRule(jvp),
    batch: (inputs, batched, size, params) =>
      Node.parts(
        Node.apply(
          primitive,
          inputs.map((x, i) => (batched[i] ? x : stacked(x, size))),
          params,
        ),
      ),
    lower: (_inputs, params) => ({
      form: "routine",
      run: (inputs) => eachMatrix(def, def.algorithm, inputs, params),
    }),
    reference: (inputs, params) => eachMatrix(def, def.witness, inputs, params),
    samples,
    errors,
  };
  return primitive;
}

/** Throws unless the matrix is square; its size. */
export function checkSquare(name: string, { dtype, shape }: Aval): number {
  const [m, n] = shape.slice(-2);
  if (shape.length < 2 || m !== n)
    throw new ShapeError(
      `${name}: the last two axes must be equally long, got ${show({ dtype, shape })}. pass a square matrix`,
    );
  return n;
}

/** Numbers without a pattern, from -1 to 1. */
const scattered = (k: number): number => Math.sin(12.9898 * (k + 1) + 0.37 * k * k);

/** What makes entries without a pattern into a matrix of some kind. */
type Form = (entries: number[], m: number, n: number) => number[];

/**
 * A sample's matrix and, for batches of up to three, two others: entries without a pattern plus `diagonal`·(1, 2, …) on
 * the diagonal, which makes it well conditioned with values well apart.
 */
export function matrixSample(
  dtype: DType,
  shape: Shape,
  diagonal = 1.5,
  form: Form = (entries) => entries,
): SampleInput {
  const [m, n] = shape.slice(-2);
  const one = (seed: number): number[] =>
    form(
      range(m * n).map((k) => scattered(k + seed) + (Math.floor(k / n) === k % n ? diagonal * (1 + (k % n)) : 0)),
      m,
      n,
    );
  const values = range((3 * sizeOf(shape)) / Math.max(1, m * n)).flatMap((copy) => one(1 + 7 * copy));
  return { dtype, shape, values };
}

/** Samples of one matrix, for every float dtype and each of the shapes. */
export const matrixSamples = <P>(
  { params, diagonal, form }: { readonly params: P; readonly diagonal?: number; readonly form?: Form },
  ...shapes: readonly Shape[]
): Sample<P>[] =>
  floats.flatMap((dtype) => shapes.map((shape) => ({ inputs: [matrixSample(dtype, shape, diagonal, form)], params })));
