/** The algorithms of textbooks, one matrix at a time, for reference rules: plain, and none that a device runs. */
import type { NdArray } from "../ir/node.js";
import { range } from "../util/arrays.js";

/** A matrix as rows. */
export type Rows = number[][];

export const rowsOf = ({ shape: [m, n], data }: NdArray): Rows =>
  range(m).map((i) => range(n).map((j) => data[i * n + j]));
export const flat = (rows: Rows): number[] => rows.flat();

export const transposeRows = (a: Rows, n = a[0]?.length ?? 0): Rows => range(n).map((j) => a.map((row) => row[j]));
export const identityRows = (n: number): Rows => range(n).map((i) => range(n).map((j) => (i === j ? 1 : 0)));
export const dotOf = (x: readonly number[], y: readonly number[]): number => x.reduce((s, v, i) => s + v * y[i], 0);
export const multiply = (a: Rows, b: Rows): Rows => {
  const columns = transposeRows(b);
  return a.map((row) => columns.map((column) => dotOf(row, column)));
};
export const combine = (a: Rows, p: number, b: Rows, q: number): Rows =>
  a.map((row, i) => row.map((x, j) => p * x + q * b[i][j]));
export const symmetricRows = (a: Rows): Rows => combine(a, 0.5, transposeRows(a), 0.5);

/** Index of the first element whose size is the largest, up to rounding. */
export function largestPlace(xs: readonly number[]): number {
  const top = Math.max(...xs.map(Math.abs));
  return xs.findIndex((x) => Math.abs(x) >= top * (1 - 1e-9));
}

/** Elimination with complete pivoting of [a | b]: `a⁻¹b` (NaN when singular), sign and logarithm of the determinant. */
export function eliminate(a: Rows, b: Rows): { solution: Rows; sign: number; logAbs: number } {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...b[i]]);
  const columns = range(n);
  let sign = 1;
  let logAbs = 0;
  for (let k = 0; k < n; k++) {
    let [p, q] = [k, k];
    for (let i = k; i < n; i++)
      for (let j = k; j < n; j++) if (Math.abs(rows[i][columns[j]]) > Math.abs(rows[p][columns[q]])) [p, q] = [i, j];
    if (p !== k) sign = -sign;
    if (q !== k) sign = -sign;
    [rows[k], rows[p]] = [rows[p], rows[k]];
    [columns[k], columns[q]] = [columns[q], columns[k]];
    const pivot = rows[k][columns[k]];
    if (pivot === 0) return { solution: b.map((row) => row.map(() => Number.NaN)), sign: 0, logAbs: -Infinity };
    sign *= Math.sign(pivot);
    logAbs += Math.log(Math.abs(pivot));
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = rows[i][columns[k]] / pivot;
      rows[i] = rows[i].map((x, j) => x - factor * rows[k][j]);
    }
  }
  const solution: Rows = [];
  columns.forEach((column, k) => (solution[column] = rows[k].slice(n).map((x) => x / rows[k][column])));
  return { solution, sign, logAbs };
}

/** `a⁻¹b`. */
export const solveRows = (a: Rows, b: Rows): Rows => eliminate(a, b).solution;

/** Jacobi's rotations: eigenvalues and, as columns, eigenvectors of a symmetric matrix (C. G. J. Jacobi, 1846). */
export function jacobi(symmetricMatrix: Rows): { values: number[]; vectors: Rows } {
  let a = symmetricMatrix;
  const n = a.length;
  let v = identityRows(n);
  const offSize = () => Math.max(0, ...a.flatMap((row, i) => row.map((x, j) => (i === j ? 0 : Math.abs(x)))));
  const size = Math.max(0, ...a.flat().map(Math.abs));
  for (let sweep = 0; sweep < 60 && offSize() > 1e-17 * size; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        if (a[p][q] === 0) continue;
        const theta = 0.5 * Math.atan2(2 * a[p][q], a[q][q] - a[p][p]);
        const r = identityRows(n);
        [r[p][p], r[p][q], r[q][p], r[q][q]] = [Math.cos(theta), Math.sin(theta), -Math.sin(theta), Math.cos(theta)];
        a = multiply(transposeRows(r), multiply(a, r));
        v = multiply(v, r);
      }
  return { values: a.map((row, i) => row[i]), vectors: v };
}

/** Columns p and q of a matrix turned until they are orthogonal, again and again (M. R. Hestenes, 1958); for m ≥ n. */
export function hestenes(matrix: Rows): { u: Rows; s: number[]; v: Rows } {
  const n = matrix[0]?.length ?? 0;
  let columns = transposeRows(matrix);
  let v = identityRows(n);
  for (let sweep = 0, turned = true; sweep < 60 && turned; sweep++) {
    turned = false;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const [x, y] = [columns[p], columns[q]];
        const [a, b, c] = [dotOf(x, x), dotOf(y, y), dotOf(x, y)];
        if (Math.abs(c) <= 1e-16 * Math.sqrt(a * b)) continue;
        turned = true;
        const theta = 0.5 * Math.atan2(2 * c, b - a);
        const [cos, sin] = [Math.cos(theta), Math.sin(theta)];
        const turn = (rows: Rows): Rows =>
          rows
            .with(
              p,
              rows[p].map((e, i) => cos * e - sin * rows[q][i]),
            )
            .with(
              q,
              rows[p].map((e, i) => sin * e + cos * rows[q][i]),
            );
        columns = turn(columns);
        v = turn(v);
      }
  }
  const s = columns.map((column) => Math.sqrt(dotOf(column, column)));
  return { u: transposeRows(columns.map((column, j) => column.map((x) => x / s[j]))), s, v: transposeRows(v) };
}
