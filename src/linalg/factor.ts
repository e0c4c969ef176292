/** LU and QR factors, and linear systems. */
import { floats } from "../ir/dtype.js";
import { type NdArray, Node, type Primitive, type SampleInput } from "../ir/node.js";
import { show } from "../ir/shape.js";
import { apply, type None, none } from "../primitive/define.js";
import { gather } from "../primitive/indexing.js";
import { pad, sliceAxis } from "../primitive/movement.js";
import { avals, refusal } from "../primitive/ndarray.js";
import { LuDecomposition, Matrix, QrDecomposition } from "ml-matrix";
import { range } from "../util/arrays.js";
import { ShapeError } from "../util/errors.js";
import { matrixPrimitive, matrixSample, matrixSamples } from "./define.js";
import { add, identity, matmul, mul, strictlyLower, sub, transposed, upper } from "./nodes.js";
import { checkSystem, triangularSolve } from "./triangular.js";
import { dotOf, flat, rowsOf, solveRows, transposeRows } from "./witness.js";

/** A matrix as the library takes it. */
export const matrixOf = ({ shape: [m, n], data }: NdArray): Matrix =>
  new Matrix(range(m).map((i) => data.slice(i * n, (i + 1) * n)));

/** The matrix with zeros below and to the right, up to a size. */
function padded(x: Node, rows: number, columns: number): Node {
  const rank = x.shape.length;
  const [m, n] = x.shape.slice(-2);
  const zeros = x.shape.map(() => 0);
  return pad(x, { low: zeros, high: zeros.with(rank - 2, rows - m).with(rank - 1, columns - n), interior: zeros });
}

/** The square factors that a packed LU stands for: L of size m, U of size n, with the identity where they are open. */
function unpacked(packed: Node): { l: Node; u: Node } {
  const rank = packed.shape.length;
  const [m, n] = packed.shape.slice(-2);
  const k = Math.min(m, n);
  const below = strictlyLower(sliceAxis(packed, rank - 1, 0, k));
  const above = upper(sliceAxis(packed, rank - 2, 0, k));
  const open = sub(identity(n, packed.dtype), padded(identity(k, packed.dtype), n, n));
  return { l: add(padded(below, m, m), identity(m, packed.dtype)), u: add(padded(above, n, n), open) };
}

function luWitness([a]: readonly NdArray[]): number[][] {
  const rows = rowsOf(a);
  const order = range(rows.length);
  for (let k = 0; k < Math.min(...a.shape); k++) {
    let p = k;
    for (let i = k + 1; i < rows.length; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[p][k])) p = i;
    [rows[k], rows[p]] = [rows[p], rows[k]];
    [order[k], order[p]] = [order[p], order[k]];
    for (let i = k + 1; i < rows.length; i++) {
      const factor = rows[k][k] === 0 ? 0 : rows[i][k] / rows[k][k];
      rows[i] = rows[i].map((x, j) => (j < k ? x : j === k ? factor : x - factor * rows[k][j]));
    }
  }
  return [flat(rows), order];
}

/**
 * Partial pivoting: `a[p] = L·U` for a[…, m, n]; L (ones on its diagonal, not stored) and U in one matrix […, m, n], and
 * the rows p in their new order, int32[…, m].
 */
export const luPrimitive: Primitive<None> = matrixPrimitive<None>({
  name: "lu",
  infer: ([a]) => [a, { dtype: "int32", shape: [a.shape[0]] }],
  // M = L⁻¹ dA[p] U⁻¹: dL = L·(M below the diagonal), dU = (M on and above it)·U
  jvp(node, [da]) {
    if (!da) return [null, null];
    const [packed, order] = Node.parts(node);
    const { l, u } = unpacked(packed);
    const moved = gather(da, order, packed.shape.length - 2);
    const half = triangularSolve(l, moved, { lower: true, transpose: false, unit: true });
    const both = triangularSolve(u, transposed(half), { lower: false, transpose: true, unit: false });
    const m = transposed(both);
    return [add(matmul(l, strictlyLower(m)), matmul(upper(m), u)), null];
  },
  vjp: null,
  algorithm([a]) {
    const found = new LuDecomposition(matrixOf(a));
    const [l, u] = [found.lowerTriangularMatrix, found.upperTriangularMatrix];
    const packed = Float64Array.from(a.data, (_, k) => {
      const [i, j] = [Math.floor(k / a.shape[1]), k % a.shape[1]];
      return i > j ? l.get(i, j) : u.get(i, j);
    });
    return [packed, found.pivotPermutationVector];
  },
  witness: luWitness,
  samples: matrixSamples({ params: none }, [3, 3], [2, 2, 2], [4, 2], [2, 4]),
  errors: [refusal(avals("float32", [3]), none, "lu: matrices of floats are needed")],
});
export const lu = (a: Node): readonly Node[] => Node.parts(Node.apply(luPrimitive, [a], none));

/** Gram and Schmidt, each projection twice (W. Hoffmann, 1989). */
function qrWitness([a]: readonly NdArray[]): number[][] {
  const columns = transposeRows(rowsOf(a), a.shape[1]);
  const q: number[][] = [];
  const r = columns.map(() => columns.map(() => 0));
  columns.forEach((column, j) => {
    let rest = column;
    for (const _ of [1, 2])
      q.forEach((unit, i) => {
        const part = dotOf(unit, rest);
        r[i][j] += part;
        rest = rest.map((x, k) => x - part * unit[k]);
      });
    r[j][j] = Math.sqrt(dotOf(rest, rest));
    q.push(rest.map((x) => x / r[j][j]));
  });
  return [flat(transposeRows(q, a.shape[0])), flat(r)];
}

/**
 * `a = Q·R` for a[…, m, n] with m ≥ n: orthonormal columns Q[…, m, n], upper triangular R[…, n, n] with a diagonal ≥ 0,
 * which makes the two unique for a matrix of full rank. The derivative needs full rank.
 */
export const qrPrimitive: Primitive<None> = matrixPrimitive<None>({
  name: "qr",
  infer([a]) {
    const [m, n] = a.shape;
    if (m < n)
      throw new ShapeError(
        `qr: there must be at least as many rows as columns, got ${show(a)}. factor its first columns`,
      );
    return [a, { dtype: a.dtype, shape: [n, n] }];
  },
  // M = Qᵀ dA R⁻¹, Ω = M⌄ - M⌄ᵀ (below the diagonal): dQ = Q(Ω - M) + dA R⁻¹, dR = (M - Ω)R
  jvp(node, [da]) {
    if (!da) return [null, null];
    const [q, r] = Node.parts(node);
    const scaled = transposed(triangularSolve(r, transposed(da), { lower: false, transpose: true, unit: false }));
    const inner = matmul(transposed(q), scaled);
    const below = strictlyLower(inner);
    const turn = sub(below, transposed(below));
    return [add(matmul(q, sub(turn, inner)), scaled), matmul(sub(inner, turn), r)];
  },
  vjp: null,
  algorithm([a]) {
    const found = new QrDecomposition(matrixOf(a));
    const [q, r] = [found.orthogonalMatrix, found.upperTriangularMatrix];
    range(r.rows)
      .filter((k) => r.get(k, k) < 0)
      .forEach((k) => {
        r.mulRow(k, -1);
        q.mulColumn(k, -1);
      });
    return [q.to1DArray(), r.to1DArray()];
  },
  witness: qrWitness,
  samples: matrixSamples({ params: none }, [3, 3], [2, 3, 2], [4, 2]),
  errors: [refusal(avals("float32", [2, 3]), none, "qr: there must be at least as many rows as columns")],
});
export const qr = (a: Node): readonly Node[] => Node.parts(Node.apply(qrPrimitive, [a], none));

export interface Solve {
  /** Whether the transposed system is solved. */
  readonly transpose: boolean;
}

/** `a⁻¹b`, or `a⁻ᵀb`, of a[…, n, n] and b[…, n, k]. NaN where a is exactly singular. */
export const solvePrimitive: Primitive<Solve> = matrixPrimitive<Solve>({
  name: "solve",
  infer([a, b]) {
    checkSystem("solve", a, b);
    return [b];
  },
  // a dx = db - da x
  jvp(node, [da, db]) {
    const { transpose } = node.params;
    const product = da && matmul(transpose ? transposed(da) : da, node);
    const right = product && db ? sub(db, product) : (db ?? (product && mul(product, -1)));
    return [right && solve(node.inputs[0], right, transpose)];
  },
  vjp(node, [g]) {
    if (!g) return [null, null];
    const { transpose } = node.params;
    const gb = solve(node.inputs[0], g, !transpose);
    return [mul(transpose ? matmul(node, transposed(gb)) : matmul(gb, transposed(node)), -1), gb];
  },
  algorithm([a, b], { transpose }) {
    if (b.data.length === 0) return [b.data];
    const found = new LuDecomposition(transpose ? matrixOf(a).transpose() : matrixOf(a));
    return [found.isSingular() ? b.data.map(() => Number.NaN) : found.solve(matrixOf(b)).to1DArray()];
  },
  witness: ([a, b], { transpose }) => [flat(solveRows(transpose ? transposeRows(rowsOf(a)) : rowsOf(a), rowsOf(b)))],
  samples: floats.flatMap((dtype) => {
    const inputs = (n: number, k: number): SampleInput[] => [matrixSample(dtype, [n, n]), matrixSample(dtype, [n, k])];
    return [
      { inputs: inputs(3, 2), params: { transpose: false } },
      { inputs: inputs(3, 1), params: { transpose: true } },
      { inputs: [matrixSample(dtype, [2, 2, 2]), matrixSample(dtype, [2, 2, 1])], params: { transpose: false } },
    ];
  }),
  errors: [
    refusal(avals("float32", [3, 3], [2, 3]), { transpose: false }, "solve: the right-hand side must have 3 rows"),
    refusal(avals("float32", [3, 2], [3, 2]), { transpose: false }, "solve: the last two axes must be equally long"),
  ],
});
export const solve = (a: Node, b: Node, transpose = false): Node => apply(solvePrimitive, [a, b], { transpose });
