/** Eigenvalues and eigenvectors of general matrices in complex arithmetic, for the reference rule. */
import { range } from "../util/arrays.js";
import type { Rows } from "./witness.js";

export type Complex = readonly [re: number, im: number];
type Matrix = Complex[][];

const add = ([a, b]: Complex, [c, d]: Complex): Complex => [a + c, b + d];
const sub = ([a, b]: Complex, [c, d]: Complex): Complex => [a - c, b - d];
const mul = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const conj = ([a, b]: Complex): Complex => [a, -b];
const size = ([a, b]: Complex): number => Math.hypot(a, b);
function div(x: Complex, y: Complex): Complex {
  const n = y[0] ** 2 + y[1] ** 2;
  const [a, b] = mul(x, conj(y));
  return [a / n, b / n];
}
function root([a, b]: Complex): Complex {
  const r = Math.hypot(a, b);
  return [Math.sqrt((r + a) / 2), Math.sqrt((r - a) / 2) * (b < 0 ? -1 : 1)];
}
const dot = (x: readonly Complex[], y: readonly Complex[]): Complex =>
  x.reduce<Complex>((s, v, i) => add(s, mul(conj(v), y[i])), [0, 0]);
const scaled = (x: readonly Complex[], c: Complex): Complex[] => x.map((v) => mul(v, c));
const columnOf = (a: Matrix, j: number): Complex[] => a.map((row) => row[j]);

/** `R·Q + shift` for `a - shift = Q·R`, by Gram and Schmidt. */
function step(a: Matrix, shift: Complex): Matrix {
  const n = a.length;
  const shifted = a.map((row, i) => row.map((x, j) => (i === j ? sub(x, shift) : x)));
  const q: Complex[][] = [];
  const r = shifted.map((row) => row.map((): Complex => [0, 0]));
  for (const j of range(n)) {
    let rest = columnOf(shifted, j);
    for (const _ of [1, 2])
      q.forEach((unit, i) => {
        const part = dot(unit, rest);
        r[i][j] = add(r[i][j], part);
        rest = rest.map((x, k) => sub(x, mul(part, unit[k])));
      });
    const length = Math.sqrt(dot(rest, rest)[0]);
    r[j][j] = [length, 0];
    q.push(length === 0 ? rest : scaled(rest, [1 / length, 0]));
  }
  return range(n).map((i) =>
    range(n).map((j) => {
      const product = r[i].reduce<Complex>((s, x, k) => add(s, mul(x, q[j][k])), [0, 0]);
      return i === j ? add(product, shift) : product;
    }),
  );
}

/** The eigenvalue of the last two rows and columns that is nearer to the last element (J. H. Wilkinson's shift). */
function wilkinson(a: Matrix): Complex {
  const n = a.length;
  const [p, q, r, s] = [a[n - 2][n - 2], a[n - 2][n - 1], a[n - 1][n - 2], a[n - 1][n - 1]];
  const half = mul(sub(p, s), [0.5, 0]);
  const distance = root(add(mul(half, half), mul(q, r)));
  const middle = mul(add(p, s), [0.5, 0]);
  const both = [add(middle, distance), sub(middle, distance)];
  return size(sub(both[0], s)) < size(sub(both[1], s)) ? both[0] : both[1];
}

/** Shifted QR steps; the last row is split off when all before its diagonal is negligible. */
export function eigenvaluesOf(rows: Rows): Complex[] {
  let a: Matrix = rows.map((row) => row.map((x): Complex => [x, 0]));
  const values: Complex[] = [];
  const total = Math.max(...rows.flat().map(Math.abs), 1e-300);
  for (let turn = 1; a.length > 1 && turn < 3000; turn++) {
    const last = a[a.length - 1];
    if (last.slice(0, -1).every((x) => size(x) < 1e-16 * total)) {
      values.push(last[a.length - 1]);
      a = a.slice(0, -1).map((row) => row.slice(0, -1));
    } else a = step(a, turn % 11 === 0 ? [total * Math.cos(turn), total * Math.sin(turn)] : wilkinson(a));
  }
  return [...values, ...a.map((row, i) => row[i])];
}

/** `(a - shift)⁻¹x` by elimination with partial pivoting; a zero pivot counts as tiny. */
function solve(rows: Rows, shift: Complex, x: readonly Complex[]): Complex[] {
  const a: Matrix = rows.map((row, i) => [
    ...row.map((v, j): Complex => (i === j ? sub([v, 0], shift) : [v, 0])),
    x[i],
  ]);
  const n = rows.length;
  for (let k = 0; k < n; k++) {
    const p = range(n)
      .slice(k)
      .reduce((best, i) => (size(a[i][k]) > size(a[best][k]) ? i : best), k);
    [a[k], a[p]] = [a[p], a[k]];
    if (size(a[k][k]) < 1e-300) a[k][k] = [1e-30, 0];
    for (let i = k + 1; i < n; i++) {
      const factor = div(a[i][k], a[k][k]);
      a[i] = a[i].map((v, j) => sub(v, mul(factor, a[k][j])));
    }
  }
  const y: Complex[] = [];
  for (let k = n - 1; k >= 0; k--) {
    const rest = range(n)
      .slice(k + 1)
      .reduce<Complex>((s, j) => sub(s, mul(a[k][j], y[j])), a[k][n]);
    y[k] = div(rest, a[k][k]);
  }
  return y;
}

/** Inverse iteration: an eigenvector of length 1. */
export function eigenvectorOf(rows: Rows, value: Complex): Complex[] {
  const scale = Math.max(...rows.flat().map(Math.abs), 1e-300);
  const near = add(value, [1e-13 * scale, 1e-13 * scale]);
  let x = rows.map((_, i): Complex => [1 + Math.sin(i + 1), Math.cos(2 * i)]);
  for (const _ of range(4)) {
    const y = solve(rows, near, x);
    const top = Math.max(...y.map(size));
    const z = scaled(y, [1 / top, 0]);
    x = scaled(z, [1 / Math.sqrt(dot(z, z)[0]), 0]);
  }
  return x;
}
