/** Eigenvalues and eigenvectors of general real matrices, as pairs of real and imaginary parts. */
import { floats } from "../ir/dtype.js";
import { type NdArray, Node, type Primitive } from "../ir/node.js";
import { convert, equal } from "../primitive/arithmetic.js";
import { type None, none, sum } from "../primitive/define.js";
import { iota } from "../primitive/leaf.js";
import { concatenate, sliceAxis } from "../primitive/movement.js";
import { avals, refusal } from "../primitive/ndarray.js";
import { broadcastTo } from "../tensor/coerce.js";
import { EigenvalueDecomposition } from "ml-matrix";
import { range } from "../util/arrays.js";
import { checkSquare, matrixPrimitive, matrixSample } from "./define.js";
import { type Complex, eigenvaluesOf, eigenvectorOf } from "./eigen-witness.js";
import { matrixOf, solve } from "./factor.js";
import { add, asColumn, asRow, diagonal, div, identity, matmul, mul, offDiagonal, sub } from "./nodes.js";
import { rowsOf } from "./witness.js";

interface Pair {
  readonly value: Complex;
  readonly vector: readonly Complex[];
}

/** The place of the first component whose size is the largest, up to rounding. */
function anchorOf(vector: readonly Complex[]): number {
  const sizes = vector.map(([a, b]) => Math.hypot(a, b));
  return sizes.findIndex((s) => s >= Math.max(...sizes) * (1 - 1e-9));
}

/** Pairs by real part, then imaginary part; vectors of length 1 whose anchor, the largest component, is real and positive. */
function ordered(pairs: readonly Pair[]): number[][] {
  const n = pairs.length;
  const scale = Math.max(1e-300, ...pairs.map(({ value: [a, b] }) => Math.hypot(a, b)));
  const key = ({ value }: Pair) => Math.round(value[0] / (1e-9 * scale));
  const sorted = pairs.toSorted((p, q) => key(p) - key(q) || p.value[1] - q.value[1]);
  const anchors = sorted.map(({ vector }) => anchorOf(vector));
  const vectors = sorted.map(({ vector }, j) => {
    const [a, b] = vector[anchors[j]];
    const length = Math.hypot(...vector.flat()) * Math.hypot(a, b);
    return vector.map(([x, y]): Complex => [(x * a + y * b) / length, (y * a - x * b) / length]);
  });
  const part = (k: 0 | 1) => range(n * n).map((at) => vectors[at % n][Math.floor(at / n)][k]);
  return [sorted.map((p) => p.value[0]), sorted.map((p) => p.value[1]), part(0), part(1), anchors];
}

/** A complex eigenvalue and its conjugate share two columns: the real and the imaginary part of the first's vector. */
function libraryPairs(a: NdArray): Pair[] {
  const found = new EigenvalueDecomposition(matrixOf(a));
  const [re, im] = [found.realEigenvalues, found.imaginaryEigenvalues];
  const vectors = found.eigenvectorMatrix;
  return re.map((x, j) => {
    const column = (k: number) => range(re.length).map((i) => vectors.get(i, k));
    if (im[j] === 0) return { value: [x, 0], vector: column(j).map((v): Complex => [v, 0]) };
    const first = im[j] > 0 ? j : j - 1;
    const [u, v] = [column(first), column(first + 1)];
    return { value: [x, im[j]], vector: u.map((c, i): Complex => [c, im[j] > 0 ? v[i] : -v[i]]) };
  });
}

/** A real matrix has its complex eigenvalues in pairs; what is imaginary by rounding only is real. */
function witnessPairs(a: NdArray): Pair[] {
  const rows = rowsOf(a);
  const values = eigenvaluesOf(rows);
  const scale = Math.max(...values.map(([x, y]) => Math.hypot(x, y)));
  return values.map(([x, y]) => {
    if (Math.abs(y) > 1e-9 * scale) return { value: [x, y], vector: eigenvectorOf(rows, [x, y]) };
    const vector = eigenvectorOf(rows, [x, 0]);
    const [p, q] = vector[anchorOf(vector)];
    const turned = vector.map(([u, v]): Complex => [u * p + v * q, 0]);
    return { value: [x, 0], vector: turned };
  });
}

/** `V⁻¹X` for complex matrices: twice as large and real. */
function solveComplex([vr, vi]: Parts, [xr, xi]: Parts): Parts {
  const rank = vr.shape.length;
  const n = vr.shape[rank - 1];
  const top = concatenate([vr, mul(vi, -1)], rank - 1);
  const bottom = concatenate([vi, vr], rank - 1);
  const y = solve(concatenate([top, bottom], rank - 2), concatenate([xr, xi], rank - 2));
  return [sliceAxis(y, rank - 2, 0, n), sliceAxis(y, rank - 2, n, 2 * n)];
}
type Parts = readonly [re: Node, im: Node];
const times = ([a, b]: Parts, [c, d]: Parts, product: (x: Node, y: Node) => Node): Parts => [
  sub(product(a, c), product(b, d)),
  add(product(a, d), product(b, c)),
];

/** `1 / (w[j] - w[i])` off the diagonal, 0 on it. */
function gapsOf([re, im]: Parts): Parts {
  const [gr, gi] = [re, im].map((w) => sub(asRow(w), asColumn(w)));
  const n = re.shape[re.shape.length - 1];
  const size = add(add(mul(gr, gr), mul(gi, gi)), identity(n, re.dtype));
  return [offDiagonal(div(gr, size)), offDiagonal(mul(div(gi, size), -1))];
}

/** Sum down the columns. */
const down = (x: Node): Node => sum(x, [x.shape.length - 2]);

/**
 * Eigenvalues w and eigenvectors V (columns) of a[…, n, n], each as real and imaginary parts, by real, then imaginary part
 * of w; `a·V = V·diag(w)`. Vectors have length 1 and a real, positive largest component, whose place is the last output.
 * The derivative needs distinct eigenvalues.
 */
export const eigPrimitive: Primitive<None> = matrixPrimitive<None>({
  name: "eig",
  infer([a]) {
    const n = checkSquare("eig", a);
    const values = { dtype: a.dtype, shape: [n] };
    return [values, values, a, a, { dtype: "int32", shape: [n] }];
  },
  // M = V⁻¹ dA V: dw = diag M, dV = R + V·diag(c) with R = V(F∘M), F[i, j] = 1/(w[j] - w[i]), and c so that lengths and the
  // direction of the anchors stay
  jvp(node, [da]) {
    if (!da) return [null, null, null, null, null];
    const [wr, wi, vr, vi, anchor] = Node.parts(node);
    const v: Parts = [vr, vi];
    const inner = solveComplex(v, [matmul(da, vr), matmul(da, vi)]);
    const raw = times(v, times(gapsOf([wr, wi]), inner, mul), matmul);
    const rows = broadcastTo("eig", asColumn(iota("int32", wr.shape.slice(-1), 0)), vr.shape);
    const isAnchor = convert(equal(rows, broadcastTo("eig", asRow(anchor), vr.shape)), vr.dtype);
    const along = mul(down(add(mul(vr, raw[0]), mul(vi, raw[1]))), -1);
    const turn = mul(div(down(mul(isAnchor, raw[1])), down(mul(isAnchor, vr))), -1);
    const correction = times(v, [asRow(along), asRow(turn)], mul);
    const [dvr, dvi] = [add(raw[0], correction[0]), add(raw[1], correction[1])];
    return [diagonal(inner[0]), diagonal(inner[1]), dvr, dvi, null];
  },
  vjp: null,
  algorithm: ([a]) => (a.data.length === 0 ? [[], [], [], [], []] : ordered(libraryPairs(a))),
  witness: ([a]) => (a.data.length === 0 ? [[], [], [], [], []] : ordered(witnessPairs(a))),
  samples: floats.flatMap((dtype) => [
    { inputs: [matrixSample(dtype, [3, 3], 1.5, skewed)], params: none },
    { inputs: [matrixSample(dtype, [2, 2, 2])], params: none },
    { inputs: [matrixSample(dtype, [1, 1])], params: none },
  ]),
  errors: [refusal(avals("float32", [2, 3]), none, "eig: the last two axes must be equally long")],
});
export const eig = (a: Node): readonly Node[] => Node.parts(Node.apply(eigPrimitive, [a], none));

/** A sample with one real eigenvalue and a complex pair: a rotation is added. */
function skewed(entries: number[]): number[] {
  return entries.map((x, k) => x + (k === 1 ? 4 : k === 3 ? -3 : 0));
}
