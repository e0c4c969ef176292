/** Triangular systems and Cholesky's factor. */
import { floats } from "../ir/dtype.js";
import type { NdArray, Node, Primitive, SampleInput } from "../ir/node.js";
import { type Aval, show } from "../ir/shape.js";
import { apply, type None, none } from "../primitive/define.js";
import { avals, refusal } from "../primitive/ndarray.js";
import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { range } from "../util/arrays.js";
import { ShapeError } from "../util/errors.js";
import { checkSquare, matrixPrimitive, matrixSample, matrixSamples } from "./define.js";
import { identity, lower, matmul, mul, strictlyLower, sub, symmetric, transposed, upper } from "./nodes.js";
import { dotOf, flat, rowsOf, symmetricRows } from "./witness.js";

export interface Triangle {
  /** Whether the matrix is its lower triangle (the other one is not read). */
  readonly lower: boolean;
  /** Whether the transposed system is solved. */
  readonly transpose: boolean;
  /** Whether the diagonal counts as ones, and is not read. */
  readonly unit: boolean;
}

/** Throws unless `b` has as many rows as the square matrix `a`. */
export function checkSystem(name: string, a: Aval, b: Aval): void {
  const n = checkSquare(name, a);
  if (b.shape.at(-2) !== n)
    throw new ShapeError(
      `${name}: the right-hand side must have ${n} rows, got ${show(a)} and ${show(b)}. transpose or reshape it`,
    );
}

/** Substitution, row by row. Division by a zero on the diagonal gives infinities, as IEEE 754 has it. */
function substitute([a, b]: readonly NdArray[], { lower: isLower, transpose, unit }: Triangle): Float64Array[] {
  const [n, k] = b.shape;
  const x = Float64Array.from(b.data);
  const forward = isLower !== transpose;
  const at = (i: number, j: number) => (transpose ? a.data[j * n + i] : a.data[i * n + j]);
  for (let step = 0; step < n; step++) {
    const i = forward ? step : n - 1 - step;
    const [from, to] = forward ? [0, i] : [i + 1, n];
    for (let j = from; j < to; j++) {
      const factor = at(i, j);
      if (factor !== 0) for (let c = 0; c < k; c++) x[i * k + c] -= factor * x[j * k + c];
    }
    if (!unit) for (let c = 0; c < k; c++) x[i * k + c] /= at(i, i);
  }
  return [x];
}

function substituteWitness([a, b]: readonly NdArray[], { lower: isLower, transpose, unit }: Triangle): number[][] {
  const n = a.shape[0];
  const inTriangle = (i: number, j: number) => (isLower ? j < i : j > i);
  const whole = range(n).map((i) =>
    range(n).map((j) => (i === j ? (unit ? 1 : a.data[i * n + i]) : inTriangle(i, j) ? a.data[i * n + j] : 0)),
  );
  const rows = transpose ? range(n).map((i) => whole.map((row) => row[i])) : whole;
  const order = isLower !== transpose ? range(n) : range(n).toReversed();
  const columns = range(b.shape[1]).map((c) => {
    const x = new Array<number>(n).fill(0);
    for (const i of order) x[i] = (b.data[i * b.shape[1] + c] - dotOf(rows[i], x)) / rows[i][i];
    return x;
  });
  return [range(n).flatMap((i) => columns.map((x) => x[i]))];
}

/** The part of a matrix that a triangular system reads. */
function readPart(x: Node, { lower: isLower, unit }: Triangle): Node {
  if (!unit) return isLower ? lower(x) : upper(x);
  return isLower ? strictlyLower(x) : sub(upper(x), mul(identity(x.shape[x.shape.length - 1], x.dtype), x));
}

/** `x` with `op(a)·x = b`, where op(a) is the named triangle of a[…, n, n], transposed or not; b[…, n, k]. */
export const triangularSolvePrimitive: Primitive<Triangle> = matrixPrimitive<Triangle>({
  name: "triangularSolve",
  infer([a, b]) {
    checkSystem("triangularSolve", a, b);
    return [b];
  },
  // op(a) dx = db - op(da) x
  jvp(node, [da, db]) {
    const [a] = node.inputs;
    const { params } = node;
    const part = da && readPart(da, params);
    const product = part && matmul(params.transpose ? transposed(part) : part, node);
    const right = product && db ? sub(db, product) : (db ?? (product && mul(product, -1)));
    return [right && triangularSolve(a, right, params)];
  },
  vjp(node, [g]) {
    if (!g) return [null, null];
    const { params } = node;
    const gb = triangularSolve(node.inputs[0], g, { ...params, transpose: !params.transpose });
    const outer = params.transpose ? matmul(node, transposed(gb)) : matmul(gb, transposed(node));
    return [mul(readPart(outer, params), -1), gb];
  },
  algorithm: substitute,
  witness: substituteWitness,
  takesAll: true,
  samples: floats.flatMap((dtype) => {
    const inputs = (n: number, k: number): SampleInput[] => [
      matrixSample(dtype, [n, n], 2),
      matrixSample(dtype, [n, k]),
    ];
    return [
      { inputs: inputs(3, 2), params: { lower: true, transpose: false, unit: false } },
      { inputs: inputs(3, 2), params: { lower: false, transpose: false, unit: false } },
      { inputs: inputs(2, 1), params: { lower: true, transpose: true, unit: true } },
      { inputs: inputs(3, 1), params: { lower: false, transpose: true, unit: true } },
      {
        inputs: [matrixSample(dtype, [2, 2, 2], 2), matrixSample(dtype, [2, 2, 3])],
        params: { lower: false, transpose: true, unit: false },
      },
      {
        inputs: [matrixSample(dtype, [0, 0]), matrixSample(dtype, [0, 2])],
        params: { lower: true, transpose: false, unit: false },
      },
    ];
  }),
  errors: [
    refusal(
      avals("float32", [3, 3], [2, 3]),
      { lower: true, transpose: false, unit: false },
      "triangularSolve: the right-hand side must have 3 rows",
    ),
    refusal(
      avals("float32", [3, 2], [3, 1]),
      { lower: true, transpose: false, unit: false },
      "triangularSolve: the last two axes must be equally long",
    ),
    refusal(
      avals("float32", [4, 3, 3], [2, 3, 1]),
      { lower: true, transpose: false, unit: false },
      "triangularSolve: leading axes must be equal",
    ),
  ],
});
export const triangularSolve = (a: Node, b: Node, params: Triangle): Node =>
  apply(triangularSolvePrimitive, [a, b], params);

const lowerTriangle: Triangle = { lower: true, transpose: false, unit: false };

/** The mean of the triangles: decompositions of symmetric matrices see a matrix through it. */
export function symmetricMatrix({ shape: [n], data }: NdArray): Matrix {
  const rows = range(n).map((i) => Float64Array.from({ length: n }, (_, j) => (data[i * n + j] + data[j * n + i]) / 2));
  return new Matrix(rows);
}

function choleskyWitness([a]: readonly NdArray[]): number[][] {
  const rows = symmetricRows(rowsOf(a));
  const l = rows.map((row) => row.map(() => 0));
  rows.forEach((row, i) => {
    for (let j = 0; j <= i; j++) {
      const rest = row[j] - dotOf(l[i].slice(0, j), l[j]);
      l[i][j] = i === j ? Math.sqrt(rest > 0 ? rest : Number.NaN) : rest / l[j][j];
    }
  });
  return [flat(l).some(Number.isNaN) ? flat(l).map(() => Number.NaN) : flat(l)];
}

/** `x·xᵀ` of a sample's entries: positive definite. */
const gram = (entries: number[], n: number): number[] =>
  range(n * n).map((k) => {
    const row = (i: number) => entries.slice(i * n, (i + 1) * n);
    return dotOf(row(Math.floor(k / n)), row(k % n));
  });

/**
 * The lower triangular L with `L·Lᵀ` the symmetric part of a[…, n, n]; NaN where that is not positive definite.
 * Derivative: I. Murray, "Differentiation of the Cholesky decomposition", 2016.
 */
export const choleskyPrimitive: Primitive<None> = matrixPrimitive<None>({
  name: "cholesky",
  infer([a]) {
    checkSquare("cholesky", a);
    return [a];
  },
  // dL = L·Φ(L⁻¹ dA L⁻ᵀ), where Φ takes the lower triangle and half the diagonal
  jvp(l, [da]) {
    if (!da) return [null];
    const left = triangularSolve(l, symmetric(da), lowerTriangle);
    const both = triangularSolve(l, transposed(left), lowerTriangle);
    const half = sub(lower(both), mul(identity(l.shape[l.shape.length - 1], l.dtype), mul(both, 0.5)));
    return [matmul(l, half)];
  },
  vjp: null,
  algorithm([a]) {
    const found = new CholeskyDecomposition(symmetricMatrix(a));
    return [found.isPositiveDefinite() ? found.lowerTriangularMatrix.to1DArray() : a.data.map(() => Number.NaN)];
  },
  witness: choleskyWitness,
  samples: matrixSamples({ params: none, form: gram }, [3, 3], [2, 2, 2], [1, 1]),
  errors: [
    refusal(avals("float32", [2, 3]), none, "cholesky: the last two axes must be equally long"),
    refusal(avals("int32", [2, 2]), none, "cholesky: matrices of floats are needed"),
  ],
});
export const cholesky = (a: Node): Node => apply(choleskyPrimitive, [a], none);
