import assert from "node:assert/strict";
import { test } from "node:test";
import * as linalg from "typegrad/linalg";
import { leaves } from "typegrad/tree";
import { compile, concatenate, onesLike, jvp, zeros, grad, eye, gradcheck, tensor, type Tensor, vmap } from "typegrad";
import { testOnDevices } from "../support/devices.js";
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
    eigvals: () => Object.values(linalg.eigvals(a)),
    expm: () => [linalg.expm(a)],
    sqrtm: () => [linalg.sqrtm(a)],
    logm: () => [linalg.logm(a)],
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
    const { values: w, vectors: v } = linalg.eig(a);
    const [wr, wi] = [w.re.expandDims(-2), w.im.expandDims(-2)];
    const left = [a.matmul(v.re), a.matmul(v.im)];
    const right = [v.re.mul(wr).sub(v.im.mul(wi)), v.re.mul(wi).add(v.im.mul(wr))];
    const wide = concatenate(left, -1);
    assert.ok(distance(wide, concatenate(right, -1)) < 2e-13, `eig of ${shape}`);
    close(v.re.square().add(v.im.square()).sum(-2), onesLike(w.re), 1e-13, "lengths");
    const grown = a.matmul(a.T).add(eye(n, n, { dtype: "float64" }));
    assert.ok(distance(grown, linalg.sqrtm(grown).matmul(linalg.sqrtm(grown))) < 1e-12, `sqrtm of ${shape}`);
    assert.ok(distance(grown, linalg.expm(linalg.logm(grown))) < 1e-11, `logm of ${shape}`);
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
  [
    "eig",
    (a) => linalg.eig(a),
    square.add(
      tensor(
        [
          [0, 4, 0],
          [-3, 0, 0],
          [0, 0, 0],
        ],
        { dtype: "float64" },
      ),
    ),
  ],
  ["expm", linalg.expm, square.mul(0.3)],
  ["sqrtm", linalg.sqrtm, square],
  ["logm", linalg.logm, square],
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

/** The sum of all elements of a tree of tensors. */
const total = (tree: unknown): Tensor =>
  leaves(tree)
    .map((x) => x.sum())
    .reduce((sum, x) => sum.add(x));

testOnDevices(
  (name) => `on ${name}, under vmap each matrix is treated by itself, compiled or not`,
  () => {
    for (const [what, f, point] of functions) {
      const at = tensor(Float64Array.from(point.dataSync()), { shape: point.shape });
      const g = (a: Tensor): Tensor => total(f(a));
      const stacked = random([2, ...at.shape], 12)
        .mul(0.1)
        .add(at);
      const batched = vmap(g)(stacked);
      close(batched.at(0), g(stacked.at(0)), 1e-11, `${what}, vmap`);
      close(batched.at(1), g(stacked.at(1)), 1e-11, `${what}, vmap`);
      close(compile(g)(at), g(at), 1e-12, `${what}, compiled`);
    }
  },
);

test("repeated singular values: values can be differentiated, vectors cannot", () => {
  const one = eye(3, 3, { dtype: "float64" });
  close(grad((a: Tensor) => matrixNorm(a, "nuc"))(one), one, 1e-14, "nuclear norm at the identity");
  close(grad((a: Tensor) => svdvals(a).square().sum())(one.mul(2)), one.mul(4), 1e-14, "sum of squares");
  close(grad((a: Tensor) => eigvalsh(a).sum())(one), one, 1e-14, "trace by eigenvalues");
  assert.ok(
    grad((a: Tensor) => svd(a).u.at(0, 1))(one)
      .isFinite()
      .all()
      .itemSync() === 0,
  );
});

test("the determinant of a singular matrix has its cofactors as derivative, and second derivatives", () => {
  const singular = tensor(
    [
      [1, 2, 3],
      [4, 5, 6],
      [5, 7, 9],
    ],
    { dtype: "float64" },
  );
  const cofactors = tensor(
    [
      [3, -6, 3],
      [3, -6, 3],
      [-3, 6, -3],
    ],
    { dtype: "float64" },
  );
  close(grad(det)(singular), cofactors, 1e-13, "gradient");
  const direction = random([3, 3], 2);
  close(jvp(det, singular, direction)[1], cofactors.mul(direction).sum(), 1e-13, "tangent");
  const rankOne = tensor(
    [
      [1, 2],
      [2, 4],
    ],
    { dtype: "float64" },
  );
  close(
    grad(det)(rankOne),
    tensor([
      [4, -2],
      [-2, 1],
    ]),
    1e-14,
    "of two rows",
  );
  // d/da of the cofactor matrix of a 2 × 2 matrix is constant
  close(
    grad((a: Tensor) =>
      grad(det)(a)
        .mul(
          tensor([
            [1, 2],
            [3, 4],
          ]),
        )
        .sum(),
    )(rankOne),
    tensor([
      [4, -3],
      [-2, 1],
    ]),
    1e-13,
    "of the gradient",
  );
  assert.equal(det(zeros([0, 0])).itemSync(), 1);
});

test("values tell: NaN, as documented, and infinities", () => {
  const indefinite = tensor(
    [
      [1, 2],
      [2, 1],
    ],
    { dtype: "float64" },
  );
  assert.ok(cholesky(indefinite).isNaN().all().itemSync());
  assert.throws(() => cholesky(indefinite, { check: true }), {
    message: /^cholesky: the matrix must be positive definite, got float64\[2,2\]/,
  });
  const singular = tensor(
    [
      [1, 2],
      [2, 4],
    ],
    { dtype: "float64" },
  );
  assert.ok(inv(singular).isNaN().all().itemSync());
  assert.ok(
    solve(singular, tensor([1, 2]))
      .isNaN()
      .all()
      .itemSync(),
  );
  const { sign, logAbs } = slogdet(singular);
  assert.deepEqual([sign.itemSync(), logAbs.itemSync()], [0, -Infinity]);
  assert.equal(cond(singular, 1).itemSync(), Infinity);
  const damaged = tensor(
    [
      [1, Number.NaN],
      [2, 4],
    ],
    { dtype: "float64" },
  );
  for (const f of [cholesky, inv, det, svdvals, eigvalsh, pinv, (a: Tensor) => qr(a).q, (a: Tensor) => lu(a).u])
    assert.ok(f(damaged).isNaN().any().itemSync(), f.name);
  const batch = tensor(
    [
      [
        [4, 0],
        [0, 9],
      ],
      [
        [1, 2],
        [2, 1],
      ],
    ],
    { dtype: "float64" },
  );
  assert.deepEqual(cholesky(batch).at(0).toArraySync(), [
    [2, 0],
    [0, 3],
  ]);
  assert.deepEqual(linalg.isPositiveDefinite(batch).toArraySync(), [true, false]);
  const semi = tensor(
    [
      [0, 0],
      [0, -1],
    ],
    { dtype: "float64" },
  );
  close(linalg.leadingMinors(semi), tensor([0, 0]), 0, "leading minors");
  close(linalg.principalMinors(semi), tensor([0, -1, 0]), 0, "principal minors");
  assert.equal(linalg.isPositiveSemidefinite(semi).itemSync(), 0);
  assert.equal(linalg.isPositiveSemidefinite(semi.neg()).itemSync(), 1);
});

test("functions of matrices at their limits", () => {
  const rotation = tensor(
    [
      [0, -1],
      [1, 0],
    ],
    { dtype: "float64" },
  );
  const { values } = linalg.eig(rotation);
  close(values.re, tensor([0, 0]), 1e-15, "rotation");
  close(values.im, tensor([-1, 1]), 1e-15, "rotation");
  const angle = rotation.mul(Math.PI / 3);
  close(
    linalg.expm(angle),
    tensor(
      [
        [0.5, -Math.sqrt(3) / 2],
        [Math.sqrt(3) / 2, 0.5],
      ],
      { dtype: "float64" },
    ),
    1e-15,
    "turn",
  );
  close(linalg.logm(linalg.expm(angle)), angle, 1e-14, "its angle");
  const shear = tensor(
    [
      [0, 1],
      [0, 0],
    ],
    { dtype: "float64" },
  );
  close(
    linalg.expm(shear),
    tensor([
      [1, 1],
      [0, 1],
    ]),
    1e-15,
    "nilpotent",
  );
  assert.ok(
    linalg
      .sqrtm(
        tensor(
          [
            [-1, 0],
            [0, 1],
          ],
          { dtype: "float64" },
        ),
      )
      .isNaN()
      .any()
      .itemSync(),
  );
  assert.ok(
    linalg
      .logm(
        tensor(
          [
            [-1, 0],
            [0, 1],
          ],
          { dtype: "float64" },
        ),
      )
      .isNaN()
      .any()
      .itemSync(),
  );
  assert.ok(
    linalg
      .expm(
        tensor([
          [Number.NaN, 0],
          [0, 1],
        ]),
      )
      .isNaN()
      .all()
      .itemSync(),
  );
});

test("errors name what is wrong", () => {
  const rectangle = zeros([2, 3]);
  for (const [f, message] of [
    [() => det(rectangle), "det: the last two axes must be equally long, got float32[2,3]"],
    [() => eigh(rectangle), "eigh: the last two axes must be equally long, got float32[2,3]"],
    [
      () => solve(zeros([3, 3]), zeros([2])),
      "solve: the right-hand side must have 3 rows, got float32[3,3] and float32[2,1]",
    ],
    [() => solve(zeros([2, 3, 3]), zeros([4, 3, 1])), "solve: shapes must broadcast, got float32[2] and float32[4]"],
    [() => svd(zeros([3])), "svd: a matrix needs at least two axes, got float32[3]"],
    [() => matrixPower(zeros([2, 2]), 0.5), "matrixPower: the exponent must be an integer, got 0.5"],
    [() => matrixNorm(rectangle, 3), 'matrixNorm: the kind must be "fro", "nuc", ±1, ±2 or ±Infinity, got 3'],
    [() => cross(zeros([2]), zeros([2])), "cross: vectors must have 3 components, got float32[2] and float32[2]"],
    [
      () => lstsq(rectangle, zeros([3])),
      "lstsq: the right-hand side must have as many rows as the matrix, got float32[2,3]",
    ],
    [() => multiDot([]), "multiDot: at least one matrix is needed, got none"],
    [() => multiDot([zeros([2, 2]), zeros([2]), zeros([2, 2])]), "multiDot: factor 1 must be a matrix, got float32[2]"],
  ] as const)
    assert.throws(f, (e: Error) => e.message.startsWith(message));
});

test("ridge: least squares with √α I below the matrix, wide or tall, with derivatives", () => {
  const { ridge } = linalg;
  for (const [m, n] of [
    [7, 3],
    [3, 7],
  ] as const) {
    const a = random([m, n]);
    const b = random([m, 2]);
    const tall = concatenate([a, eye(n).astype(a.dtype).mul(Math.sqrt(0.3))]);
    const expected = lstsq(tall, concatenate([b, zeros([n, 2], { dtype: a.dtype })])).solution;
    close(ridge(a, b, 0.3), expected, 1e-12, `${m} × ${n}`);
    close(ridge(a, b.at(":", 1), 0.3), expected.at(":", 1), 1e-12, "a vector");
  }
  const report = gradcheck(([a, b]: Tensor[]) => ridge(a, b, 0.3), [random([4, 3]), random([4])], { order: 2 });
  assert.ok(report.passed && report.compared > 0, String(report));
  assert.throws(() => ridge(random([3, 2]), random([3]), 0), /ridge: alpha must be positive, got 0/);
  assert.throws(() => ridge(random([3, 2]), random([2]), 1), /as many rows as the matrix/);
});
