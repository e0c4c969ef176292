/** Minimisation: theorems on quadratics, SciPy's solutions, and honest words where there is no minimum. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { customVjp, grad, hvp, random, tensor, type Tensor } from "typegrad";
import { inv } from "typegrad/linalg";
import * as nn from "typegrad/nn";
import * as optim from "typegrad/optim";
import * as zoo from "typegrad/optim/zoo";
import { fixture } from "../golden/fixtures.js";

const { minimize, leastSquares, cg } = optim;
const float64 = (values: readonly number[]): Tensor => tensor([...values], { dtype: "float64" });
const numbers = (x: Tensor): number[] => [...x.dataSync()];
const away = (x: Tensor, from: readonly number[]): number =>
  Math.max(...numbers(x).map((v, i) => Math.abs(v - from[i])));

interface Golden {
  readonly runs: Readonly<
    Record<
      string,
      {
        readonly dimension: number;
        readonly methods: Readonly<Record<string, { readonly nit: number; readonly nfev: number }>>;
      }
    >
  >;
  readonly logistic: {
    readonly x: readonly number[];
    readonly y: readonly number[];
    readonly ridge: number;
    readonly w: readonly number[];
    readonly fun: number;
  };
  readonly curve: {
    readonly t: readonly number[];
    readonly z: readonly number[];
    readonly p: readonly number[];
    readonly cost: number;
  };
}
const golden = fixture<Golden>("minimize");
const lineMethods = ["gradient-descent", "cg", "bfgs", "l-bfgs", "newton"] as const;
const smooth = [...lineMethods, "trust-ncg"] as const;

for (const [name, { dimension, methods }] of Object.entries(golden.runs))
  test(`${name}: minima to 1e-6, in no more than twice SciPy's evaluations`, async () => {
    const specimen = name === "Beale" ? zoo.beale() : zoo.rosenbrock(dimension);
    for (const [key, theirs] of Object.entries(methods)) {
      const method = smooth.find((m) => m === key);
      assert.ok(method);
      const result = await minimize(specimen.value, float64(specimen.start), { method, gtol: 1e-8 });
      assert.equal(result.status, "converged", `${key}: ${result.message}`);
      assert.ok(result.success);
      // In ten dimensions there is a second, local minimum near (-1, 1, …), of value 3.9866 (Shang & Qiu 2006).
      const isLocal = dimension === 10 && Math.abs(result.fun - 3.98657911) < 1e-6;
      assert.ok(isLocal || away(result.x, specimen.minimizers[0]) < 1e-6, `${key}: ${numbers(result.x)}`);
      assert.ok(Math.max(...numbers(result.jac).map(Math.abs)) <= 1e-8);
      assert.ok(result.nfev <= 2 * theirs.nfev + 5, `${key}: ${result.nfev} evaluations and SciPy ${theirs.nfev}`);
    }
  });

test("Rosenbrock from (-1.2, 1) by BFGS: below 1e-12 in fewer than 50 iterations", async () => {
  const result = await minimize(zoo.rosenbrock().value, float64([-1.2, 1]), { method: "bfgs" });
  assert.ok(result.fun < 1e-12 && result.nit < 50, `${result.fun} in ${result.nit}`);
});

test("Newton's method is done with a quadratic in one step", async () => {
  const quadratic = zoo.quadratic({ dimension: 5, condition: 1e4, minimizer: [1, 2, 3, 4, 5] });
  const result = await minimize(quadratic.value, float64(quadratic.start), { method: "newton", gtol: 1e-7 });
  assert.equal(result.nit, 1);
  assert.ok(away(result.x, quadratic.minimizers[0]) < 1e-10);
});

test("nearly exact searches: BFGS and conjugate gradients take n steps on a quadratic, and BFGS finds its inverse Hessian", async () => {
  const quadratic = zoo.quadratic({ dimension: 4, condition: 20 });
  for (const method of ["bfgs", "cg", "l-bfgs"] as const) {
    const result = await minimize(quadratic.value, float64([1, -2, 3, 1]), {
      method,
      gtol: 1e-7,
      c1: 1e-12,
      c2: 1e-10,
    });
    assert.ok(result.success, result.message);
    assert.ok(result.nit <= 4, `${method}: ${result.nit} iterations`);
    if (method !== "bfgs") continue;
    assert.ok(result.inverseHessian);
    assert.ok(away(result.inverseHessian, numbers(inv(quadratic.hessian))) < 1e-6);
  }
});

test("L-BFGS with room for every pair makes the steps of BFGS", async () => {
  const { value, start } = zoo.rosenbrock(4);
  const paths = await Promise.all(
    (["bfgs", "l-bfgs"] as const).map(async (method) => {
      const points: number[][] = [];
      const callback = ({ x }: { x: Tensor }): void => void points.push(numbers(x));
      await minimize(value, float64(start), {
        method,
        historySize: 100,
        initialInverseHessian: 0.01,
        maxIterations: 15,
        callback,
      });
      return points;
    }),
  );
  assert.equal(paths[0].length, 15);
  paths[0].forEach((x, k) => assert.ok(away(float64(x), paths[1][k]) < 1e-9, `step ${k}`));
});

test("logistic regression: every method finds SciPy's solution", async () => {
  const { x, y, ridge, w, fun } = golden.logistic;
  const { value } = zoo.logisticRegression(float64(x).reshape([20, 3]), float64(y), ridge);
  for (const method of smooth) {
    const result = await minimize(value, float64([0, 0, 0]), { method, gtol: 1e-9 });
    assert.ok(result.success, result.message);
    assert.ok(away(result.x, w) < 1e-7, `${method}: ${numbers(result.x)}`);
    assert.ok(Math.abs(result.fun - fun) < 1e-14);
  }
});

test("Newton's convergence is quadratic: digits double", async () => {
  const { x, y, ridge, w } = golden.logistic;
  const { value } = zoo.logisticRegression(float64(x).reshape([20, 3]), float64(y), ridge);
  const errors: number[] = [];
  const callback = (p: { x: Tensor }): void => void errors.push(away(p.x, w));
  await minimize(value, float64([0, 0, 0]), { method: "newton", gtol: 1e-9, callback });
  const [before, after] = errors.filter((e) => e > 1e-9).slice(-2);
  assert.ok(after < 5 * before * before, `${before}, then ${after}`);
});

test("indefinite Hessians: Newton's methods leave the saddle's surroundings", async () => {
  const value = (p: Tensor): Tensor => p.at(0).square().sub(p.at(1).square()).add(p.at(1).pow(4));
  for (const method of ["newton", "trust-ncg"] as const) {
    const result = await minimize(value, float64([1, 1e-3]), { method, gtol: 1e-8 });
    assert.ok(result.success, result.message);
    assert.ok(away(result.x, [0, Math.SQRT1_2]) < 1e-7, `${method}: ${numbers(result.x)}`);
  }
});

test("trees and models: the result has the form of the argument, and the argument stays", async () => {
  const x = tensor([[0], [1], [2], [3]]);
  const y = tensor([[1], [3], [5], [7]]);
  const model = new nn.Linear(1, 1);
  const before = model.weight;
  const result = await minimize((m: nn.Linear) => nn.mse(m.forward(x), y), model, { method: "l-bfgs" });
  assert.ok(result.x instanceof nn.Linear);
  assert.ok(result.success, result.message);
  assert.ok(Math.abs(numbers(result.x.weight)[0] - 2) < 1e-3);
  assert.equal(model.weight, before);
  const pair = await minimize(
    ({ a, b }: { a: Tensor; b: Tensor[] }) => a.sub(1).square().add(b[0].add(a).square().sum()),
    { a: tensor(0, { dtype: "float64" }), b: [float64([3, 4])] },
  );
  assert.ok(away(pair.x.b[0], [-1, -1]) < 1e-5);
});

test("no minimum: the function falls without end", async () => {
  for (const method of smooth)
    for (const value of [(x: Tensor) => x.sum(), (x: Tensor) => x.pow(3).sum()]) {
      const result = await minimize(value, float64([-1, -2]), { method });
      assert.equal(result.status, "unbounded", method);
      assert.ok(!result.success);
    }
});

test("not finite at the start, and on the way", async () => {
  for (const method of smooth) {
    const bad = await minimize((x: Tensor) => x.log().sum(), float64([-1, 2]), { method });
    assert.equal(bad.status, "notFinite", method);
    // x - log x is not a number left of 0: long steps are shortened.
    const good = await minimize((x: Tensor) => x.sub(x.log()).sum(), float64([5, 1e-3]), { method, gtol: 1e-8 });
    assert.ok(good.success && away(good.x, [1, 1]) < 1e-7, `${method}: ${good.message}`);
  }
});

test("a gradient that is not the function's is found out", async () => {
  const wrong = customVjp(
    (x: Tensor) => x.square().sum(),
    (x, _, g) => x.mul(g).mul(-2),
  );
  for (const method of lineMethods.filter((m) => m !== "newton")) {
    const result = await minimize(wrong, float64([1, 2]), { method });
    assert.equal(result.status, "precision", method);
    assert.match(result.message, /gradient is not the function's/);
  }
});

test("bounds on the run, and callbacks", async () => {
  const { value, start } = zoo.rosenbrock();
  const at = float64(start);
  const few = await minimize(value, at, { maxIterations: 3 });
  assert.deepEqual([few.status, few.nit, few.success], ["maxIterations", 3, false]);
  const evaluations = await minimize(value, at, { maxEvaluations: 10 });
  assert.equal(evaluations.status, "maxEvaluations");
  assert.ok(evaluations.nfev >= 10 && evaluations.nit > 3);
  const seen: number[] = [];
  const stopped = await minimize(value, at, {
    callback: ({ fun, nit }) => {
      seen.push(fun);
      return nit === 5;
    },
  });
  assert.deepEqual([stopped.status, stopped.nit, seen.length], ["stopped", 5, 5]);
  assert.ok(seen.every((v, i) => i === 0 || v < seen[i - 1]));
  const early = await minimize(value, at, { ftol: 1e-3 });
  const moved = await minimize(value, at, { xtol: 1e-2 });
  const full = await minimize(value, at);
  assert.ok(early.success && moved.success && early.nit < full.nit && moved.nit < full.nit);
  await assert.rejects(minimize(value, at, { c1: 0.5, c2: 0.1 }), /0 < c1 < c2 < 1/);
  await assert.rejects(minimize(value, at, { gtol: -1 }), /gtol must be at least 0/);
  await assert.rejects(minimize(value, at, { method: "projected-gradient" }), /needs a projection/);
  await assert.rejects(minimize(value, at, { projection: (x) => x }), /bfgs does not stay in a set/);
});

test("functions that read values run uncompiled", async () => {
  const value = (x: Tensor): Tensor => (x.at(0).itemSync() > 0 ? x.square().sum() : x.square().sum().mul(2));
  await assert.rejects(minimize(value, float64([3, -1])));
  const result = await minimize(value, float64([3, -1]), { compile: false });
  assert.ok(result.success && away(result.x, [0, 0]) < 1e-5);
});

test("float32 functions converge to what float32 holds", async () => {
  const result = await minimize(zoo.rosenbrock().value, tensor([-1.2, 1]), { gtol: 1e-3 });
  assert.ok(result.success, result.message);
  assert.ok(away(result.x, [1, 1]) < 1e-2);
  assert.equal(result.x.dtype, "float32");
});

test("projected gradients end where the negative gradient leaves the set", async () => {
  const quadratic = zoo.quadratic({ dimension: 3, condition: 8, minimizer: [2, -1, 3] });
  const result = await minimize(quadratic.value, float64([0, 0, 0]), {
    method: "projected-gradient",
    projection: optim.projections.l2Ball(1),
    gtol: 1e-9,
  });
  assert.ok(result.success, result.message);
  const [x, g] = [numbers(result.x), numbers(result.jac)];
  assert.ok(Math.abs(Math.hypot(...x) - 1) < 1e-12);
  const mu = -x.reduce((sum, v, i) => sum + v * g[i], 0);
  assert.ok(mu > 0 && x.every((v, i) => Math.abs(g[i] + mu * v) < 1e-7));
});

test("least squares: SciPy's fit of a curve, by both methods", async () => {
  const { t, z, p, cost } = golden.curve;
  const residuals = (q: Tensor): Tensor =>
    float64(t).mul(q.at(1).neg()).exp().mul(q.at(0)).add(q.at(2)).sub(float64(z));
  for (const method of ["lm", "gauss-newton"] as const) {
    const result = await leastSquares(residuals, float64([1, 1, 0]), { method, ftol: 0, xtol: 0, gtol: 1e-10 });
    assert.ok(result.success, result.message);
    assert.ok(away(result.x, p) < 1e-7, `${method}: ${numbers(result.x)}`);
    assert.ok(Math.abs(result.cost - cost) < 1e-12);
    assert.deepEqual(result.jac.shape, [15, 3]);
    assert.ok(result.nit < 30);
  }
});

test("least squares: one Gauss-Newton step on a linear problem; statuses where there is no solution", async () => {
  const a = float64([1, 2, 3, 4, 5, 7]).reshape([3, 2]);
  const linear = await leastSquares((x: Tensor) => a.matmul(x).sub(float64([1, 0, 2])), float64([9, -9]), {
    method: "gauss-newton",
    gtol: 1e-10,
  });
  assert.equal(linear.nit, 1);
  const bad = await leastSquares((x: Tensor) => x.log(), float64([-1]));
  assert.equal(bad.status, "notFinite");
  const few = await leastSquares((x: Tensor) => x.exp().sub(1), float64([9]), { maxIterations: 2 });
  assert.equal(few.status, "maxIterations");
});

test("conjugate gradients solve an n by n system in n steps, and in k with k eigenvalues", async () => {
  const { hessian } = zoo.quadratic({ dimension: 6, condition: 50 });
  const b = float64([1, -2, 3, 0, 1, 5]);
  const solved = await cg(hessian, b, { rtol: 1e-9 });
  assert.ok(solved.success && solved.nit <= 6, `${solved.nit}`);
  assert.ok(away(hessian.matmul(solved.x), numbers(b)) < 1e-7);
  const few = float64([1, 1, 4, 4, 9, 9]);
  const three = await cg((x: Tensor) => x.mul(few), b, { rtol: 1e-12 });
  assert.equal(three.nit, 3);
  const one = await cg((x: Tensor) => x.mul(few), b, { rtol: 1e-12, preconditioner: (r) => r.div(few) });
  assert.equal(one.nit, 1);
  const indefinite = await cg((x: Tensor) => x.neg(), b);
  assert.deepEqual([indefinite.status, indefinite.success], ["notPositiveDefinite", false]);
  assert.equal((await cg(hessian, b, { maxIterations: 2, rtol: 1e-9 })).status, "maxIterations");
});

test("conjugate gradients with products of Hessians give Newton's step, over trees", async () => {
  const f = ({ u, v }: { u: Tensor; v: Tensor }): Tensor =>
    u.square().sum().add(v.exp().sum()).add(u.sum().mul(v.sum()).mul(0.1));
  const at = { u: float64([1, 2]), v: float64([0.5]) };
  const g = grad(f)(at);
  const { x, success } = await cg((w: typeof at) => hvp(f, at, w), g, { rtol: 1e-12 });
  assert.ok(success);
  const back = hvp(f, at, x);
  assert.ok(away(back.u, numbers(g.u)) < 1e-10 && away(back.v, numbers(g.v)) < 1e-10);
});

test("random regressions: all methods agree", async () => {
  const x = random.normal(random.key(3), [30, 4]).astype("float64");
  const y = x.matmul(float64([1, -1, 2, 0.5])).add(random.normal(random.key(4), [30]).astype("float64").mul(0.1));
  const specimen = zoo.leastSquares(x, y, 0.01);
  for (const method of smooth) {
    const result = await minimize(specimen.value, float64(specimen.start), { method, gtol: 1e-10 });
    assert.ok(result.success, `${method}: ${result.message}`);
    assert.ok(away(result.x, specimen.minimizers[0]) < 1e-8);
    assert.ok(Math.abs(result.fun - (specimen.minimum ?? NaN)) < 1e-14);
  }
});
