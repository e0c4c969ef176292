/** Eigenvalues of symmetric matrices, and singular values. */
import { type NdArray, Node, type Primitive } from "../ir/node.js";
import { type None, none } from "../primitive/define.js";
import { avals, refusal } from "../primitive/ndarray.js";
import { EigenvalueDecomposition, type Matrix, SingularValueDecomposition } from "ml-matrix";
import { range } from "../util/arrays.js";
import { checkSquare, matrixPrimitive, matrixSamples } from "./define.js";
import { matrixOf } from "./factor.js";
import {
  add,
  asColumn,
  asRow,
  diagonal,
  div,
  matmul,
  mul,
  reciprocalGaps,
  sub,
  symmetric,
  transposed,
} from "./nodes.js";
import { symmetricMatrix } from "./triangular.js";
import { flat, hestenes, jacobi, largestPlace, type Rows, rowsOf, symmetricRows, transposeRows } from "./witness.js";

/** Eigenvectors as columns, values ascending, the largest component of each vector positive. */
function orderedPairs(values: readonly number[], vectors: Rows): number[][] {
  const order = range(values.length).toSorted((i, j) => values[i] - values[j]);
  const columns = transposeRows(vectors);
  const chosen = order.map((i) => {
    const sign = columns[i][largestPlace(columns[i])] < 0 ? -1 : 1;
    return columns[i].map((x) => sign * x);
  });
  return [order.map((i) => values[i]), flat(transposeRows(chosen))];
}

/**
 * Eigenvalues, ascending, and orthonormal eigenvectors (columns) of the symmetric part of a[…, n, n]: w[…, n], V[…, n, n].
 * The largest component of a vector is positive. The derivative of V needs distinct eigenvalues; that of w does not.
 */
export const eighPrimitive: Primitive<None> = matrixPrimitive<None>({
  name: "eigh",
  infer([a]) {
    const n = checkSquare("eigh", a);
    return [{ dtype: a.dtype, shape: [n] }, a];
  },
  // M = Vᵀ dA V: dw = diag M, dV = V(F∘M) with F[i, j] = 1/(w[j] - w[i])
  jvp(node, [da]) {
    if (!da) return [null, null];
    const [w, v] = Node.parts(node);
    const inner = matmul(transposed(v), matmul(symmetric(da), v));
    return [diagonal(inner), matmul(v, mul(reciprocalGaps(w), inner))];
  },
  vjp: null,
  algorithm([a]) {
    const found = new EigenvalueDecomposition(symmetricMatrix(a), { assumeSymmetric: true });
    return orderedPairs(found.realEigenvalues, found.eigenvectorMatrix.to2DArray());
  },
  witness([a]) {
    const { values, vectors } = jacobi(symmetricRows(rowsOf(a)));
    return orderedPairs(values, vectors);
  },
  samples: matrixSamples({ params: none }, [3, 3], [2, 2, 2], [1, 1]),
  errors: [refusal(avals("float32", [2, 3]), none, "eigh: the last two axes must be equally long")],
});
export const eigh = (a: Node): readonly Node[] => Node.parts(Node.apply(eighPrimitive, [a], none));

/** Singular values descending, the largest component of each left vector positive. */
function orderedTriples(u: Rows, s: readonly number[], v: Rows, swapped: boolean): number[][] {
  const order = range(s.length).toSorted((i, j) => s[j] - s[i]);
  const [left, right] = [transposeRows(swapped ? v : u), transposeRows(swapped ? u : v)];
  const signs = order.map((i) => (left[i][largestPlace(left[i])] < 0 ? -1 : 1));
  const turned = (columns: Rows): Rows => order.map((i, k) => columns[i].map((x) => signs[k] * x));
  return [flat(transposeRows(turned(left))), order.map((i) => s[i]), flat(turned(right))];
}

/** U has the first columns only, also where the library gives more. */
export function librarySvd(a: Matrix): { u: Rows; s: number[]; v: Rows } {
  const found = new SingularValueDecomposition(a);
  const k = Math.min(a.rows, a.columns);
  return {
    u: found.leftSingularVectors.to2DArray().map((row) => row.slice(0, k)),
    s: found.diagonal,
    v: found.rightSingularVectors.to2DArray(),
  };
}

export const transposedArray = ({ shape: [m, n], data }: NdArray): NdArray => ({
  shape: [n, m],
  data: data.map((_, k) => data[(k % m) * n + Math.floor(k / m)]),
});

/**
 * `a = U·diag(s)·Vᵀ` for a[…, m, n], k = min(m, n): U[…, m, k], s[…, k] descending, Vᵀ[…, k, n]. The largest component of
 * a column of U is positive. The derivative of U and V is finite only where singular values are distinct and not 0; that
 * of s always.
 */
export const svdPrimitive: Primitive<None> = matrixPrimitive<None>({
  name: "svd",
  infer([a]) {
    const [m, n] = a.shape;
    const k = Math.min(m, n);
    const { dtype } = a;
    return [
      { dtype, shape: [m, k] },
      { dtype, shape: [k] },
      { dtype, shape: [k, n] },
    ];
  },
  // M = Uᵀ dA V, F[i, j] = 1/(s[j]² - s[i]²): ds = diag M, dU = U(F∘(MS + SMᵀ)) + (1 - UUᵀ) dA V S⁻¹, dV likewise
  jvp(node, [da]) {
    if (!da) return [null, null, null];
    const [u, s, vt] = Node.parts(node);
    const [m, n] = da.shape.slice(-2);
    const [ut, v] = [transposed(u), transposed(vt)];
    const inner = matmul(ut, matmul(da, v));
    const gaps = reciprocalGaps(mul(s, s));
    const [across, down] = [asRow(s), asColumn(s)];
    const both = (x: Node): Node => mul(gaps, add(mul(x, across), mul(down, transposed(x))));
    const outside = (basis: Node, x: Node): Node => div(sub(x, matmul(basis, matmul(transposed(basis), x))), across);
    const insideU = matmul(u, both(inner));
    const insideV = matmul(v, both(transposed(inner)));
    const du = m > n ? add(insideU, outside(u, matmul(da, v))) : insideU;
    const dv = n > m ? add(insideV, outside(v, matmul(transposed(da), u))) : insideV;
    return [du, diagonal(inner), transposed(dv)];
  },
  vjp: null,
  algorithm([a]) {
    const isWide = a.shape[0] < a.shape[1];
    if (a.data.length === 0) return [[], [], []];
    const { u, s, v } = librarySvd(matrixOf(isWide ? transposedArray(a) : a));
    return orderedTriples(u, s, v, isWide);
  },
  witness([a]) {
    const isWide = a.shape[0] < a.shape[1];
    const { u, s, v } = hestenes(rowsOf(isWide ? transposedArray(a) : a));
    return orderedTriples(u, s, v, isWide);
  },
  samples: matrixSamples({ params: none }, [3, 3], [2, 2, 2], [4, 2], [2, 3]),
  errors: [refusal(avals("int32", [2, 3]), none, "svd: matrices of floats are needed")],
});
export const svd = (a: Node): readonly Node[] => Node.parts(Node.apply(svdPrimitive, [a], none));
