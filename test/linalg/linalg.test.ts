import assert from "node:assert/strict";
import { test } from "node:test";
import * as linalg from "typegrad/linalg";
import { compile, device, deviceNames, eye, gradcheck, setDevice, tensor, type Tensor, vmap } from "typegrad";
import { type Case, close, fixture, fromStored, random } from "./support.js";

const {
  cholesky,
  choleskySolve,
  cond,
  cross,
  det,
  eigh,
  eigvalsh,
  inv,
  kron,
  lstsq,
  lu,
  matrixNorm,
  matrixPower,
  matrixRank,
  multiDot,
  norm,
  pinv,
  qr,
  slogdet,
  solve,
  solveTriangular,
  svd,
  svdvals,
  toeplitz,
} = linalg;

const kindOf = (text: string): "fro" | "nuc" | number => (text === "fro" || text === "nuc" ? text : Number(text));

/** A case of the fixture computed here. */
function computed(name: string, inputs: readonly Tensor[]): Tensor[] {
  const [what, kind] = name.split(" ");
  const [a, b] = inputs;
  const table: Readonly<Record<string, () => Tensor[]>> = {
    solve: () => [solve(a, b)],
    solveVector: () => [solve(a, b)],
    inv: () => [inv(a)],
    det: () => [det(a)],
    slogdet: () => Object.values(slogdet(a)),
    cholesky: () => [cholesky(a)],
    eigvalsh: () => [eigvalsh(a)],
    svdvals: () => [svdvals(a)],
    pinv: () => [pinv(a)],
    lstsq: () => Object.values(lstsq(a, b)),
    matrixRank: () => [matrixRank(a)],
    matrixPower3: () => [matrixPower(a, 3)],
    "matrixPower-2": () => [matrixPower(a, -2)],
    matrixNorm: () => [matrixNorm(a, kindOf(kind))],
    cond: () => [cond(a, kindOf(kind))],
    norm: () => [norm(a, { p: Number(kind) })],
    kron: () => [kron(a, b)],
    cross: () => [cross(a, b)],
    toeplitz: () => [toeplitz(a, b)],
    multiDot: () => [multiDot(inputs)],
    lu: () => Object.values(lu(a)).slice(0, 3),
    qr: () => Object.values(qr(a)),
  };
  return table[what]();
}

for (const dtype of ["float64", "float32"] as const)
  test(`values of NumPy and SciPy, in ${dtype}`, () => {
    fixture("linalg", "matrices").forEach(({ name, inputs, outputs }: Case) => {
      const got = computed(
        name,
        inputs.map((x) => fromStored(x, dtype)),
      );
      assert.equal(got.length, outputs.length, name);
      got.forEach((y, i) => close(y, outputs[i], dtype === "float64" ? 1e-12 : 2e-4, `${name}, output ${i}`));
    });
  });

/** `‖a - b‖ / ‖a‖`. */
const distance = (a: Tensor, b: Tensor): number => norm(a.sub(b)).div(norm(a)).itemSync();

test("factors give the matrix back to 1e-13, at sizes to 60 and in batches", () => {
  for (const shape of [
    [1, 1],
    [2, 2],
    [7, 7],
    [30, 30],
    [60, 60],
    [9, 4],
    [4, 9],
    [60, 20],
    [3, 5, 5],
    [2, 3, 6, 2],
  ]) {
    const a = random(shape, shape.length + shape[0]);
    const [m, n] = shape.slice(-2);
    const thin = svd(a);
    assert.ok(distance(a, thin.u.mul(thin.s.expandDims(-2)).matmul(thin.vh)) < 1e-13, `svd of ${shape}`);
    const full = svd(a, { full: true });
    assert.deepEqual([full.u.shape.at(-1), full.vh.shape.at(-2)], [m, n]);
    const complete = qr(a, { mode: "complete" });
    assert.ok(distance(a, complete.q.matmul(complete.r)) < 1e-13, `complete qr of ${shape}`);
    for (const q of [full.u, full.vh.T, thin.u, thin.vh.T, complete.q, qr(a).q]) {
      const k = q.shape.at(-1) ?? 0;
      const one = eye(k, k, { dtype: "float64" }).broadcastTo([...shape.slice(0, -2), k, k]);
      assert.ok(distance(one, q.T.matmul(q)) < 1e-13, `orthonormal columns for ${shape}`);
    }
    assert.ok(distance(a, qr(a).q.matmul(qr(a).r)) < 1e-13, `qr of ${shape}`);
    const { p, l, u, permutation } = lu(a);
    assert.ok(distance(a, p.matmul(l).matmul(u)) < 1e-13, `lu of ${shape}`);
    if (shape.length === 2) assert.ok(distance(a.take(permutation), l.matmul(u)) < 1e-13);
    if (m !== n) continue;
    const symmetric = a.add(a.T);
    const { values, vectors } = eigh(symmetric);
    assert.ok(distance(symmetric, vectors.mul(values.expandDims(-2)).matmul(vectors.T)) < 1e-13, `eigh of ${shape}`);
    const definite = a.matmul(a.T).add(eye(n, n, { dtype: "float64" }));
    const factor = cholesky(definite);
    assert.ok(distance(definite, factor.matmul(factor.T)) < 1e-13, `cholesky of ${shape}`);
    assert.equal(distance(factor.T, cholesky(definite, { upper: true })), 0);
    const b = random([...shape.slice(0, -1), 2], 5);
    assert.ok(distance(b, definite.matmul(choleskySolve(factor, b))) < 1e-12);
    const well = a.add(eye(n, n, { dtype: "float64" }).mul(n));
    assert.ok(distance(b, well.matmul(solve(well, b))) < 1e-12);
    assert.ok(distance(b, well.matmul(inv(well).matmul(b))) < 1e-12);
  }
});

const square = random([3, 3], 8).add(
  tensor(
    [
      [2, 0, 0],
      [0, 3, 0],
      [0, 0, 5],
    ],
    { dtype: "float64" },
  ),
);
const tall = random([4, 2], 3);
const wide = random([2, 4], 4);

/** Functions of one tensor, each with a point to differentiate at. */
const functions: readonly (readonly [name: string, f: (a: Tensor) => unknown, at: Tensor])[] = [
  ["solve", (a) => solve(a, a.T.mul(random([3, 3], 6))), square],
  ["solve of a vector", (a) => solve(a, a.at(0)), square],
  ["solveTriangular", (a) => solveTriangular(a, a.T, { upper: true, transpose: true, unitDiagonal: true }), square],
  ["inv", inv, square],
  ["pinv of full rank", pinv, tall],
  ["pinv of a wide matrix", pinv, wide],
  ["lstsq", (a) => lstsq(a, random([4], 9)).solution, tall],
  ["lstsq residuals", (a) => lstsq(a, random([4], 9)).residuals, tall],
  ["det", det, square],
  ["slogdet", (a) => slogdet(a).logAbs, square],
  ["cholesky", (a) => cholesky(a.matmul(a.T)), square],
  ["lu", (a) => [lu(a).l, lu(a).u], square],
  ["lu of a wide matrix", (a) => [lu(a).l, lu(a).u], wide],
  ["qr", (a) => qr(a), tall],
  ["qr of a wide matrix", (a) => qr(a), wide],
  ["complete qr", (a) => qr(a, { mode: "complete" }), tall],
  ["eigh", (a) => eigh(a), square],
  ["svd", (a) => svd(a), tall],
  ["svd of a wide matrix", (a) => svd(a), wide],
  ["full svd", (a) => svd(a, { full: true }), tall],
  ["full svd of a wide matrix", (a) => svd(a, { full: true }), wide],
  ["matrixPower", (a) => [matrixPower(a, 5).mul(1e-2), matrixPower(a, -2)], square],
  ["nuclear norm", (a) => matrixNorm(a, "nuc"), tall],
  ["spectral norm", (a) => matrixNorm(a, 2), tall],
  ["column norm", (a) => matrixNorm(a, 1), tall],
  ["cond", (a) => [cond(a), cond(a, 1), cond(a, "fro")], square],
  ["norm 3", (a) => norm(a, { p: 3, axes: 0 }), tall],
  ["kron", (a) => kron(a, a.T), tall],
  ["cross", (a) => cross(a, a.T), square],
  ["toeplitz", (a) => toeplitz(a.at(0), a.at(1)), tall],
  ["multiDot", (a) => multiDot([a, a.T, a]), tall],
  ["trace", (a) => linalg.trace(a.matmul(a)), square],
  ["diag", (a) => [linalg.diag(a), linalg.diag(a.at(0))], square],
  ["minors", (a) => [linalg.leadingMinors(a), linalg.principalMinors(a)], square],
];

for (const [name, f, at] of functions)
  test(`derivatives of ${name}, of first and second order, against differences`, () => {
    const report = gradcheck(f, at, { order: 2, absoluteTolerance: 2e-7 });
    assert.ok(report.passed && report.compared > 0, String(report));
  });

test("under vmap each matrix is treated by itself, compiled or not, on every device", async () => {
  const before = deviceNames();
  for (const name of before) {
    await device(name);
    await setDevice(name);
    for (const [what, f, at] of functions) {
      const leaf = (x: unknown): Tensor => {
        const parts = Array.isArray(x)
          ? x
          : typeof x === "object" && x !== null && !("node" in x)
            ? Object.values(x)
            : [x];
        return parts.map((p) => p.sum()).reduce((s, p) => s.add(p));
      };
      const g = (a: Tensor): Tensor => leaf(f(a));
      const stacked = random([2, ...at.shape], 12)
        .mul(0.1)
        .add(at);
      const batched = vmap(g)(stacked);
      close(batched.at(0), g(stacked.at(0)), 1e-11, `${what} on ${name}, vmap`);
      close(batched.at(1), g(stacked.at(1)), 1e-11, `${what} on ${name}, vmap`);
      close(compile(g)(at), g(at), 1e-12, `${what} on ${name}, compiled`);
    }
  }
  await setDevice("wasm");
});
