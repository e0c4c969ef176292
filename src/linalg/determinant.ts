/** Determinants, and the pseudo-inverse. */
import { type NdArray, Node, type Primitive } from "../ir/node.js";
import { equal, select } from "../primitive/arithmetic.js";
import { apply, broadcast, type None, none, sum } from "../primitive/define.js";
import { fillLike } from "../primitive/leaf.js";
import { any, prod } from "../primitive/reduction.js";
import { avals, refusal } from "../primitive/ndarray.js";
import { broadcastTo } from "../tensor/coerce.js";
import { cond } from "../transform/index.js";
import { LuDecomposition, Matrix } from "ml-matrix";
import { range } from "../util/arrays.js";
import { checkSquare, matrixPrimitive, matrixSamples } from "./define.js";
import { matrixOf, solve } from "./factor.js";
import { add, asColumn, asRow, identity, matmul, mul, offDiagonal, sub, transposed } from "./nodes.js";
import { librarySvd, svd, transposedArray } from "./spectral.js";
import { eliminate, flat, hestenes, multiply, type Rows, rowsOf, transposeRows } from "./witness.js";

const eyeLike = (a: Node): Node => broadcastTo("inverse", identity(a.shape[a.shape.length - 1], a.dtype), a.shape);

/** `a⁻¹`. */
export const inverse = (a: Node): Node => solve(a, eyeLike(a));

/** The determinant's derivative by each element, where singular values may be 0: det(UV)·U·diag(Π of the others)·Vᵀ. */
function cofactorOfSingular(a: Node): Node {
  const [u, s, vt] = svd(a);
  const others = add(
    offDiagonal(broadcastTo("det", asRow(s), a.shape)),
    identity(a.shape[a.shape.length - 1], a.dtype),
  );
  const orientation = mul(slogdet(u)[0], slogdet(vt)[0]);
  const products = mul(prod(others, [a.shape.length - 1]), asColumn(orientation));
  return matmul(mul(u, asRow(products)), vt);
}

/** `∂ det a / ∂a`: det(a)·a⁻ᵀ, and by singular values where a is singular. */
function cofactor(a: Node): Node {
  const isSingular = equal(det(a), fillLike(det(a), 0));
  const spread = broadcast(isSingular, a.shape, range(isSingular.shape.length));
  const safe = select(spread, eyeLike(a), a);
  const size = asColumn(asColumn(det(safe)));
  const regular = mul(transposed(inverse(safe)), size);
  const [singular] = cond(
    any(isSingular, range(isSingular.shape.length)),
    [([x]) => [fillLike(x, 0)], ([x]) => [cofactorOfSingular(x)]],
    [a],
  );
  return select(spread, singular, regular);
}

/** Sign and logarithm of the size of a determinant, by the library's LU. */
function signAndLog(a: NdArray): [sign: number, logAbs: number] {
  const n = a.shape[0];
  if (n === 0) return [1, 0];
  const found = new LuDecomposition(matrixOf(a));
  const pivots = found.upperTriangularMatrix.diagonal();
  const order = found.pivotPermutationVector;
  const inversions = range(n).reduce((count, i) => count + order.slice(i + 1).filter((p) => p < order[i]).length, 0);
  const sign = pivots.reduce((product, p) => product * Math.sign(p), inversions % 2 === 0 ? 1 : -1);
  return [sign === 0 ? 0 : sign, pivots.reduce((total, p) => total + Math.log(Math.abs(p)), 0)];
}

/** The determinant of a[…, n, n]; its derivative is the cofactor matrix, also where a is singular. */
export const detPrimitive: Primitive<None> = matrixPrimitive<None>({
  name: "det",
  infer([a]) {
    checkSquare("det", a);
    return [{ dtype: a.dtype, shape: [] }];
  },
  jvp(node, [da]) {
    const rank = node.shape.length;
    return [da && sum(mul(cofactor(node.inputs[0]), da), [rank, rank + 1])];
  },
  vjp: null,
  algorithm: ([a]) => [[a.data.length === 0 ? 1 : new LuDecomposition(matrixOf(a)).determinant]],
  witness([a]) {
    const { sign, logAbs } = eliminate(rowsOf(a), rowsOf(a));
    return [[sign * Math.exp(logAbs)]];
  },
  samples: matrixSamples({ params: none }, [3, 3], [2, 2, 2], [0, 0]),
  errors: [refusal(avals("float32", [2, 3]), none, "det: the last two axes must be equally long")],
});
export const det = (a: Node): Node => apply(detPrimitive, [a], none);

/** Sign and logarithm of the absolute value of the determinant of a[…, n, n]; 0 and -∞ for a singular matrix. */
export const slogdetPrimitive: Primitive<None> = matrixPrimitive<None>({
  name: "slogdet",
  infer([a]) {
    checkSquare("slogdet", a);
    const scalar = { dtype: a.dtype, shape: [] };
    return [scalar, scalar];
  },
  jvp(node, [da]) {
    const [a] = node.inputs;
    const rank = a.shape.length - 2;
    return [null, da && sum(mul(transposed(inverse(a)), da), [rank, rank + 1])];
  },
  vjp: null,
  algorithm: ([a]) => signAndLog(a).map((x) => [x]),
  witness([a]) {
    const { sign, logAbs } = eliminate(rowsOf(a), rowsOf(a));
    return [[sign], [logAbs]];
  },
  samples: matrixSamples({ params: none }, [3, 3], [2, 2, 2]),
  errors: [refusal(avals("float32", [2, 3]), none, "slogdet: the last two axes must be equally long")],
});
export const slogdet = (a: Node): readonly Node[] => Node.parts(Node.apply(slogdetPrimitive, [a], none));

export interface Pinv {
  /** Singular values at most this much of the largest count as 0. */
  readonly tolerance: number;
}

/** `V·diag(1/s)·Uᵀ` of the larger singular values. */
function pinvOf({ u, s, v }: { u: Rows; s: readonly number[]; v: Rows }, tolerance: number): Rows {
  const top = Math.max(0, ...s);
  const scaled = v.map((row) => row.map((x, j) => (s[j] > tolerance * top ? x / s[j] : 0)));
  return multiply(scaled, transposeRows(u));
}
const finiteTriple = ({ u, s, v }: { u: Rows; s: readonly number[]; v: Rows }) => ({
  u: u.map((row) => row.map((x) => (Number.isNaN(x) ? 0 : x))),
  s,
  v,
});

/**
 * The pseudo-inverse of a[…, m, n] (E. H. Moore, R. Penrose). Derivative by G. H. Golub and V. Pereyra, 1973, where the
 * rank does not change.
 */
export const pinvPrimitive: Primitive<Pinv> = matrixPrimitive<Pinv>({
  name: "pinv",
  infer: ([a]) => [{ dtype: a.dtype, shape: [a.shape[1], a.shape[0]] }],
  // dP = -P dA P + P Pᵀ dAᵀ (1 - A P) + (1 - P A) dAᵀ Pᵀ P
  jvp(p, [da]) {
    if (!da) return [null];
    const [a] = p.inputs;
    const [m, n] = a.shape.slice(-2);
    const [pt, dat] = [transposed(p), transposed(da)];
    const inside = mul(matmul(p, matmul(da, p)), -1);
    const left = matmul(matmul(p, matmul(pt, dat)), sub(identity(m, a.dtype), matmul(a, p)));
    const right = matmul(sub(identity(n, a.dtype), matmul(p, a)), matmul(dat, matmul(pt, p)));
    return [add(inside, add(left, right))];
  },
  vjp: null,
  algorithm([a], { tolerance }) {
    if (a.data.length === 0) return [[]];
    const isWide = a.shape[0] < a.shape[1];
    const p = new Matrix(pinvOf(librarySvd(matrixOf(isWide ? transposedArray(a) : a)), tolerance));
    return [(isWide ? p.transpose() : p).to1DArray()];
  },
  witness([a], { tolerance }) {
    const isWide = a.shape[0] < a.shape[1];
    const p = pinvOf(finiteTriple(hestenes(rowsOf(isWide ? transposedArray(a) : a))), tolerance);
    return [flat(isWide ? transposeRows(p) : p)];
  },
  samples: matrixSamples({ params: { tolerance: 1e-6 } }, [3, 3], [2, 3, 2], [2, 4]),
  errors: [refusal(avals("float32", [2]), { tolerance: 1e-6 }, "pinv: matrices of floats are needed")],
});
export const pinv = (a: Node, tolerance: number): Node => apply(pinvPrimitive, [a], { tolerance });
