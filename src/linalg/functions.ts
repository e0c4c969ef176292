/** Functions of matrices: exponential, logarithm, square root. */
import type { Node, Primitive } from "../ir/node.js";
import { apply, type None, none } from "../primitive/define.js";
import { concatenate, sliceAxis } from "../primitive/movement.js";
import { fillLike } from "../primitive/leaf.js";
import { avals, refusal } from "../primitive/ndarray.js";
import { LuDecomposition, Matrix, solve } from "ml-matrix";
import { checkSquare, matrixPrimitive, matrixSamples } from "./define.js";
import { matrixOf } from "./factor.js";
import { transposed } from "./nodes.js";
import { combine, flat, identityRows, multiply, type Rows, rowsOf, solveRows } from "./witness.js";

/**
 * The derivative L of f at a in the direction e: f([a e; 0 a]) = [f(a) L; 0 f(a)] (N. J. Higham, "Functions of Matrices",
 * 2008, (3.16)).
 */
function frechet(f: (a: Node) => Node, a: Node, e: Node): Node {
  const rank = a.shape.length;
  const n = a.shape[rank - 1];
  const top = concatenate([a, e], rank - 1);
  const bottom = concatenate([fillLike(a, 0), a], rank - 1);
  const whole = f(concatenate([top, bottom], rank - 2));
  return sliceAxis(sliceAxis(whole, rank - 2, 0, n), rank - 1, n, 2 * n);
}

interface MatrixFunction {
  readonly name: string;
  algorithm(a: Matrix): Matrix;
  witness(a: Rows): Rows;
  /** How far the diagonals of its samples are from 0. */
  readonly diagonal: number;
}

function matrixFunction({ name, algorithm, witness, diagonal }: MatrixFunction): Primitive<None> {
  const primitive: Primitive<None> = matrixPrimitive<None>({
    name,
    infer([a]) {
      checkSquare(name, a);
      return [a];
    },
    jvp: (node, [e]) => [e && frechet(of, node.inputs[0], e)],
    // ⟨g, L(a, e)⟩ = ⟨L(aᵀ, g), e⟩
    vjp: (node, [g]) => [g && frechet(of, transposed(node.inputs[0]), g)],
    algorithm: ([a]) => [a.data.length === 0 ? [] : algorithm(matrixOf(a)).to1DArray()],
    witness: ([a]) => [flat(witness(rowsOf(a)))],
    samples: matrixSamples({ params: none, diagonal }, [3, 3], [2, 2, 2]),
    errors: [refusal(avals("float32", [2, 3]), none, `${name}: the last two axes must be equally long`)],
  });
  const of = (a: Node): Node => apply(primitive, [a], none);
  return primitive;
}

/** The largest sum of magnitudes in a column. */
const columnNorm = (a: Matrix): number => {
  let top = 0;
  for (let j = 0; j < a.columns; j++) {
    let sum = 0;
    for (let i = 0; i < a.rows; i++) sum += Math.abs(a.get(i, j));
    top = Math.max(top, sum);
  }
  return top;
};

/** Coefficients of the numerator of the Padé approximant [13/13] of the exponential, over the first. */
const pade = [
  64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
  670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
].map((c) => c / 64764752532480000);

/** Scaling and squaring with the Padé approximant of degree 13 (N. J. Higham, 2005). */
function expmOf(a: Matrix): Matrix {
  const squarings = Math.max(0, Math.ceil(Math.log2(columnNorm(a) / 5.4)));
  const x = Matrix.mul(a, 2 ** -squarings);
  const one = Matrix.eye(a.rows);
  const x2 = x.mmul(x);
  const x4 = x2.mmul(x2);
  const x6 = x4.mmul(x2);
  const sum = (c: readonly number[], powers: readonly Matrix[]): Matrix =>
    c.reduce<Matrix>((total, k, i) => total.add(Matrix.mul(powers[i], k)), Matrix.zeros(a.rows, a.rows));
  const part = (k: 0 | 1): Matrix => {
    const low = sum([pade[k], pade[k + 2], pade[k + 4], pade[k + 6]], [one, x2, x4, x6]);
    const high = sum([pade[k + 8], pade[k + 10], pade[k + 12]], [x2, x4, x6]);
    return Matrix.add(low, x6.mmul(high));
  };
  const [even, odd] = [part(0), x.mmul(part(1))];
  let y = solve(Matrix.sub(even, odd), Matrix.add(even, odd));
  for (let k = 0; k < squarings; k++) y = y.mmul(y);
  return y;
}

/** Taylor's series of a small multiple, squared. */
function expmWitness(a: Rows): Rows {
  const size = Math.max(0, ...a.flat().map(Math.abs)) * a.length;
  const squarings = Math.max(0, Math.ceil(Math.log2(size)) + 2);
  const x = combine(a, 2 ** -squarings, a, 0);
  let term = identityRows(a.length);
  let sum = term;
  for (let k = 1; k < 25; k++) {
    term = combine(multiply(term, x), 1 / k, x, 0);
    sum = combine(sum, 1, term, 1);
  }
  for (let k = 0; k < squarings; k++) sum = multiply(sum, sum);
  return sum;
}

/** `e^a = Σ aᵏ/k!`. */
export const expmPrimitive = matrixFunction({
  name: "expm",
  algorithm: expmOf,
  witness: expmWitness,
  diagonal: 0.5,
});
export const expm = (a: Node): Node => apply(expmPrimitive, [a], none);

/**
 * The product form of E. D. Denman and A. N. Beavers' iteration with determinantal scaling (Higham 2008, (6.29)): X to a½, M
 * to 1. NaN where it does not settle: no principal square root.
 */
function sqrtmOf(a: Matrix): Matrix {
  const n = a.rows;
  const one = Matrix.eye(n);
  let [x, m] = [a.clone(), a.clone()];
  for (let k = 0; k < 60; k++) {
    const factors = new LuDecomposition(m);
    if (factors.isSingular()) break;
    const inverse = factors.solve(one);
    const distance = columnNorm(Matrix.sub(m, one));
    if (distance < 4 * n * Number.EPSILON) return x;
    const spread = columnNorm(m) * columnNorm(inverse);
    const mu = spread > 100 ? Math.sqrt(columnNorm(inverse) / columnNorm(m)) ** 0.5 : 1;
    const half = Matrix.add(one, Matrix.mul(inverse, mu ** -2)).mul(mu / 2);
    x = x.mmul(half);
    m = Matrix.add(Matrix.mul(one, 0.5), Matrix.add(Matrix.mul(m, mu ** 2), Matrix.mul(inverse, mu ** -2)).mul(0.25));
    if (k > 8 && distance < 1e-13 * n) return x;
  }
  return Matrix.mul(one, Number.NaN);
}

/** Denman and Beavers, 1976: Y to a½ and Z to its inverse. */
function sqrtmWitness(a: Rows): Rows {
  let [y, z] = [a, identityRows(a.length)];
  for (let k = 0; k < 30; k++) {
    const inverse = (x: Rows): Rows => solveRows(x, identityRows(a.length));
    [y, z] = [combine(y, 0.5, inverse(z), 0.5), combine(z, 0.5, inverse(y), 0.5)];
  }
  return y;
}

/** The principal square root. */
export const sqrtmPrimitive = matrixFunction({
  name: "sqrtm",
  algorithm: sqrtmOf,
  witness: sqrtmWitness,
  diagonal: 3,
});
export const sqrtm = (a: Node): Node => apply(sqrtmPrimitive, [a], none);

/** Nodes and weights of the quadrature of Gauss and Legendre on [0, 1], by Newton's iteration. */
function gaussLegendre(n: number): readonly (readonly [node: number, weight: number])[] {
  return Array.from({ length: n }, (_, k) => {
    let x = Math.cos((Math.PI * (k + 0.75)) / (n + 0.5));
    let slope = 1;
    for (let turn = 0; turn < 20; turn++) {
      let [below, here] = [1, x];
      for (let j = 2; j <= n; j++) [below, here] = [here, ((2 * j - 1) * x * here - (j - 1) * below) / j];
      slope = (n * (x * here - below)) / (x * x - 1);
      x -= here / slope;
    }
    return [(1 + x) / 2, 1 / ((1 - x * x) * slope * slope)] as const;
  });
}
const quadrature = gaussLegendre(8);

/** Square roots until a is close to 1, then `log(1 + x) = ∫₀¹ x (1 + t x)⁻¹ dt`, whose quadrature is a Padé approximant. */
function logmOf(a: Matrix): Matrix {
  const one = Matrix.eye(a.rows);
  let root = a;
  let roots = 0;
  while (columnNorm(Matrix.sub(root, one)) > 0.25 && roots < 60) {
    root = sqrtmOf(root);
    roots++;
  }
  const x = Matrix.sub(root, one);
  let sum = Matrix.zeros(a.rows, a.rows);
  for (const [t, w] of quadrature) sum = Matrix.add(sum, solve(Matrix.add(one, Matrix.mul(x, t)), Matrix.mul(x, w)));
  return sum.mul(2 ** roots);
}

/** More square roots, and the series of the logarithm. */
function logmWitness(a: Rows): Rows {
  let root = a;
  let roots = 0;
  const one = identityRows(a.length);
  const distance = (x: Rows): number => Math.max(...combine(x, 1, one, -1).flat().map(Math.abs));
  while (distance(root) > 0.05 && roots < 60) {
    root = sqrtmWitness(root);
    roots++;
  }
  const x = combine(root, 1, one, -1);
  let power = x;
  let sum = x;
  for (let k = 2; k < 25; k++) {
    power = multiply(power, x);
    sum = combine(sum, 1, power, (k % 2 === 0 ? -1 : 1) / k);
  }
  return combine(sum, 2 ** roots, x, 0);
}

/** The principal logarithm. */
export const logmPrimitive = matrixFunction({
  name: "logm",
  algorithm: logmOf,
  witness: logmWitness,
  diagonal: 3,
});
export const logm = (a: Node): Node => apply(logmPrimitive, [a], none);
