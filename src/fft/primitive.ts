/** The discrete Fourier transform as a primitive on pairs. */
import { floats, isFloat } from "../ir/dtype.js";
import { type NdArray, Node, type Primitive } from "../ir/node.js";
import { sameShape, show } from "../ir/shape.js";
import { stacked } from "../primitive/define.js";
import { fillLike } from "../primitive/leaf.js";
import { avals, refusal } from "../primitive/ndarray.js";
import { range } from "../util/arrays.js";
import { DTypeError, ShapeError } from "../util/errors.js";
import { transformRows } from "./algorithm.js";

interface Fourier {
  /** `e^(+2πi jk/n)` in place of `e^(-2πi jk/n)`. */
  readonly inverse: boolean;
}

/** The sums as they are written. */
function naive([re, im]: readonly NdArray[], { inverse }: Fourier): readonly NdArray[] {
  const n = re.shape[re.shape.length - 1];
  const sign = inverse ? 1 : -1;
  const sum = (part: (x: number, y: number, cos: number, sin: number) => number): NdArray => ({
    shape: re.shape,
    data: re.data.map((_, place) => {
      const k = place % n;
      const start = place - k;
      return range(n).reduce((total, j) => {
        const angle = (2 * Math.PI * ((j * k) % n)) / n;
        return total + part(re.data[start + j], im.data[start + j], Math.cos(angle), sign * Math.sin(angle));
      }, 0);
    }),
  });
  return [sum((x, y, c, s) => x * c - y * s), sum((x, y, c, s) => x * s + y * c)];
}

/**
 * `X[k] = Σ x[j] e^(∓2πi jk/n)` along the last axis, without a factor, from and to real and imaginary parts. Linear; since
 * the matrix is symmetric its transpose, for pairs of reals, is the transform of the other sign.
 */
export const fourierPrimitive: Primitive<Fourier> = {
  name: "fft",
  infer([re, im]) {
    if (!isFloat(re.dtype) || re.dtype !== im.dtype)
      throw new DTypeError(
        `fft: both parts must be floats of one dtype, got ${show(re)} and ${show(im)}. convert them`,
      );
    if (!sameShape(re.shape, im.shape))
      throw new ShapeError(`fft: both parts must have one shape, got ${show(re)} and ${show(im)}. broadcast one`);
    if (re.shape.length === 0 || re.shape[re.shape.length - 1] === 0)
      throw new ShapeError(`fft: an axis with elements is needed, got ${show(re)}. reshape or pad it`);
    return [re, im];
  },
  vjp: (node, [re, im]) => (re || im ? flipped(node, re, im) : [null, null]),
  jvp: (node, [re, im]) => (re || im ? fourier(...both(node, re, im), node.params.inverse) : [null, null]),
  batch: ([re, im], [reBatched, imBatched], size, { inverse }) =>
    fourier(reBatched ? re : stacked(re, size), imBatched ? im : stacked(im, size), inverse),
  lower: (_inputs, { inverse }) => ({
    form: "routine",
    run([{ shape, data }, { data: imaginary }]) {
      const [re, im] = [Float64Array.from(data), Float64Array.from(imaginary)];
      transformRows(re, im, shape[shape.length - 1], inverse);
      return [
        { shape, data: re },
        { shape, data: im },
      ];
    },
  }),
  reference: naive,
  samples: floats.flatMap((dtype) =>
    [[1], [3], [8], [2, 5], [2, 2, 6]].map((shape, i) => {
      const values = (shift: number) => range(3 * shape.reduce((a, b) => a * b)).map((k) => Math.sin(3 * k + shift));
      return {
        inputs: [1, 2].map((shift) => ({ dtype, shape, values: values(shift) })),
        params: { inverse: i % 2 === 1 },
      };
    }),
  ),
  errors: [
    refusal(
      [
        { dtype: "float32", shape: [2] },
        { dtype: "float64", shape: [2] },
      ],
      { inverse: false },
      "fft: both parts must be floats of one dtype",
    ),
    refusal(avals("float32", [2], [3]), { inverse: false }, "fft: both parts must have one shape"),
    refusal(avals("float32", [2, 0], [2, 0]), { inverse: false }, "fft: an axis with elements is needed"),
  ],
};

/** Two parts of which one may be a known zero. */
function both(node: Node, re: Node | null, im: Node | null): [Node, Node] {
  const zero = fillLike(node.inputs[0], 0);
  return [re ?? zero, im ?? zero];
}
const flipped = (node: Node<Fourier>, re: Node | null, im: Node | null): readonly Node[] =>
  fourier(...both(node, re, im), !node.params.inverse);

export const fourier = (re: Node, im: Node, inverse: boolean): readonly Node[] =>
  Node.parts(Node.apply(fourierPrimitive, [re, im], { inverse }));

/** The registry of this folder's primitives. Conformance tests are generated from it. */
export const fftPrimitives: readonly Primitive[] = [fourierPrimitive];
