/** Bounds kept by runs of the methods they are about, and broken by wrong constants; fits against closed forms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { random, tensor, type Tensor } from "typegrad";
import * as optim from "typegrad/optim";
import * as convergence from "typegrad/optim/convergence";
import * as zoo from "typegrad/optim/zoo";

const { bounds, certify, distances, follow, gaps } = convergence;
const float64 = (values: readonly number[]): Tensor => tensor([...values], { dtype: "float64" });
const numbers = (x: Tensor): number[] => [...x.dataSync()];

const data = random.normal(random.key(1), [24, 3]).astype("float64");
const labels = data
  .matmul(float64([1, -2, 1]))
  .add(random.normal(random.key(2), [24]).astype("float64"))
  .sign();
async function logistic(ridge: number) {
  const specimen = zoo.logisticRegression(data, labels, ridge);
  const { x, fun, success } = await optim.minimize(specimen.value, float64([0, 0, 0]), {
    method: "newton",
    gtol: 1e-13,
  });
  assert.ok(success);
  return { ...specimen, minimizer: numbers(x), minimum: fun, L: specimen.smoothness ?? NaN };
}

test("gradient descent on logistic regression: the convex bound, the descent lemma, sufficient decrease", async () => {
  const { value, minimizer, minimum, L } = await logistic(0);
  const start = [2, 2, -2];
  const run = await follow(value, start, optim.sgd({ learningRate: 1 / L }), 150);
  const distance = distances(run, minimizer)[0];
  const gap = gaps(run, minimum);
  const kept = certify(gap, bounds.gradientDescentConvex({ smoothness: L, distance }), { from: 1 });
  assert.ok(kept.holds && kept.worst > 0.01 && kept.worst <= 1, `${kept.worst}`);
  assert.ok(!certify(gap, bounds.gradientDescentConvex({ smoothness: L, distance: distance / 10 }), { from: 1 }).holds);
  const lemma = convergence.descentLemma(run, L);
  assert.ok(lemma.holds && lemma.worst <= 1);
  // The quotient is the curvature along the step over L: with an L below it the lemma breaks.
  assert.ok(!convergence.descentLemma(run, L * lemma.worst * 0.99).holds);
  assert.ok(convergence.sufficientDecrease(run, L).holds);
  const steep = await follow(value, start, optim.sgd({ learningRate: 30 / L }), 20);
  assert.ok(!convergence.sufficientDecrease(steep, L).holds);
  const seen = convergence.smoothness(run);
  assert.ok(seen <= L && seen > 0.2 * L, `${seen} of ${L}`);
  assert.ok(convergence.strongConvexity(run) > 0);
});

test("strong convexity: the linear rates, with equality on quadratics along an axis", async () => {
  const specimen = zoo.quadratic({ dimension: 3, condition: 20, minimizer: [1, 0, -1] });
  const constants = { smoothness: 20, strongConvexity: 1 };
  const run = await follow(specimen.value, specimen.start, optim.sgd({ learningRate: 1 / 20 }), 60);
  const gap = gaps(run, 0);
  assert.ok(certify(gap, bounds.gradientDescentPl({ ...constants, gap: gap[0] })).holds);
  assert.ok(!certify(gap, bounds.gradientDescentPl({ smoothness: 20, strongConvexity: 4, gap: gap[0] })).holds);
  const fast = await follow(specimen.value, specimen.start, optim.sgd({ learningRate: 2 / 21 }), 60);
  const away = distances(fast, [1, 0, -1]);
  const best = certify(away, bounds.gradientDescentStronglyConvex({ ...constants, distance: away[0] }));
  assert.ok(best.holds && best.worst > 1 - 1e-9);
  // From the slowest axis f falls by (1 - μ/L)² each step, exactly.
  const axis = (x: Tensor): Tensor =>
    x
      .square()
      .mul(float64([1, 20]))
      .sum()
      .div(2);
  const slow = gaps(await follow(axis, [1, 0], optim.sgd({ learningRate: 1 / 20 }), 50), 0);
  slow.forEach((v, k) => assert.ok(Math.abs(v / (0.5 * (1 - 1 / 20) ** (2 * k)) - 1) < 1e-12));
  assert.ok(Math.abs(convergence.geometricRate(slow).factor - 0.9025) < 1e-12);
});

test("PL without convexity: x² + 3 sin² x", async () => {
  const { value } = zoo.polyakLojasiewicz();
  const run = await follow(value, [3], optim.sgd({ learningRate: 1 / 8 }), 100);
  const gap = gaps(run, 0);
  assert.ok(certify(gap, bounds.gradientDescentPl({ smoothness: 8, strongConvexity: 1 / 32, gap: gap[0] })).holds);
  const points = Array.from({ length: 4000 }, (_, i) => [-10 + (20 * (i + 0.5)) / 4000]);
  const everywhere = await convergence.observe(value, points);
  const pl = convergence.plInequality(everywhere, 0, 1 / 32);
  assert.ok(pl.holds && Math.abs(pl.constant - 0.1755) < 1e-3, `${pl.constant}`);
  assert.ok(!convergence.plInequality(everywhere, 0, 0.18).holds);
  assert.ok(convergence.strongConvexity({ ...everywhere, points: everywhere.points.slice(0, 800) }) < 0);
});

test("Nesterov's bounds, convex and strongly convex, at condition 1e4; gradient descent does not keep them", async () => {
  const specimen = zoo.quadratic({ dimension: 8, condition: 1e4, strongConvexity: 1e-4 });
  const start = [1, -1, 1, -1, 1, -1, 1, -1];
  const distance = Math.sqrt(8);
  const learningRate = 1;
  const constants = { smoothness: 1, strongConvexity: 1e-4 };
  const convex = bounds.nesterovConvex({ smoothness: 1, distance });
  const run = await follow(specimen.value, start, optim.nesterov({ learningRate }), 400);
  assert.ok(certify(gaps(run, 0), convex).holds);
  const momentum = bounds.nesterovMomentum(constants);
  assert.ok(Math.abs(momentum - 99 / 101) < 1e-12);
  const strong = await follow(specimen.value, start, optim.nesterov({ learningRate, momentum }), 400);
  const gap = gaps(strong, 0);
  const linear = bounds.nesterovStronglyConvex({ ...constants, gap: gap[0], distance });
  assert.ok(certify(gap, linear).holds);
  const plain = gaps(await follow(specimen.value, start, optim.sgd({ learningRate }), 1500, { every: 100 }), 0);
  assert.ok(!certify(plain, (k) => linear(100 * k)).holds);
  assert.ok(!certify(plain, (k) => convex(100 * k)).holds);
});

test("the heavy ball with Polyak's constants falls by (√κ - 1)/(√κ + 1) a step", async () => {
  const constants = { smoothness: 100, strongConvexity: 1 };
  const { learningRate, momentum, factor } = bounds.heavyBallQuadratic(constants);
  assert.ok(Math.abs(factor - 9 / 11) < 1e-12);
  const specimen = zoo.quadratic({ dimension: 4, condition: 100 });
  const run = await follow(specimen.value, [1, 1, 1, 1], optim.heavyBall({ learningRate, momentum }), 140);
  const rate = convergence.geometricRate(distances(run, [0, 0, 0, 0]).slice(60));
  assert.ok(Math.abs(rate.factor - factor) < 0.02, `${rate.factor}`);
});

test("conjugate gradients keep their bound", async () => {
  const { hessian } = zoo.quadratic({ dimension: 12, condition: 100 });
  const b = float64(Array.from({ length: 12 }, (_, i) => Math.cos(i)));
  const best = (await optim.cg(hessian, b, { rtol: 1e-14 })).x;
  const away: number[] = [];
  for (let k = 0; k < 10; k++) {
    const e = (await optim.cg(hessian, b, { rtol: 0, maxIterations: k })).x.sub(best);
    away.push(Math.sqrt(e.mul(hessian.matmul(e)).sum().itemSync()));
  }
  const kept = certify(away, bounds.conjugateGradients({ smoothness: 100, strongConvexity: 1, distance: away[0] }));
  assert.ok(kept.holds && kept.worst > 0.1, `${kept.worst}`);
});

test("stochastic gradients: the bound and the floor at a constant rate, and of averages at falling rates", () => {
  // f = mean of ½ (x - bᵢ)², i drawn evenly: L = μ = 1, x* = mean b, σ² = variance of b.
  const b = [-1, 0, 3, 6];
  const noise = b.reduce((s, v) => s + (v - 2) ** 2, 0) / 4;
  const learningRate = 0.2;
  const bound = bounds.sgdConstantRate({ smoothness: 1, strongConvexity: 1, learningRate, noise, distance: 8 });
  const uniform = [...random.uniform(random.key(9), [400 * 60]).dataSync()];
  const squares = new Array<number>(61).fill(0);
  for (let run = 0; run < 400; run++) {
    let x = 10;
    for (let t = 0; t <= 60; t++) {
      squares[t] += (x - 2) ** 2 / 400;
      if (t < 60) x -= learningRate * (x - b[Math.floor(4 * uniform[run * 60 + t])]);
    }
  }
  assert.ok(certify(squares, bound).holds);
  // The floor is η σ² / (2 - η) here, and the bound's is η σ² / (1 - η).
  const floor = squares.slice(30).reduce((s, v) => s + v, 0) / 31;
  assert.ok(Math.abs(floor / ((learningRate * noise) / (2 - learningRate)) - 1) < 0.15, `${floor}`);
  assert.ok(!certify(squares, (k) => bound(k) - bound.floor).holds);
  assert.throws(
    () => bounds.sgdConstantRate({ smoothness: 1, strongConvexity: 1, learningRate: 1, noise, distance: 8 }),
    /below 1\/L/,
  );
  const rates = bounds.sgdConvex({ distance: 2, gradientBound: 3, rate: (k) => 1 / (k + 1) });
  // (4 + 9 (1 + ¼ + ⅑)) / 2 (1 + ½ + ⅓)
  assert.ok(Math.abs(rates(3) - 16.25 / (11 / 3)) < 1e-12);
  assert.ok(Math.abs(rates(1) - 13 / 2) < 1e-12);
  // Johnson & Zhang's own numbers: η = 0.1/L, m = 50 L/μ give a factor of ½.
  const half = bounds.svrg({ smoothness: 10, strongConvexity: 1, gap: 1, learningRate: 0.01, innerSteps: 500 });
  assert.ok(Math.abs(half.factor - 0.5) < 1e-12 && Math.abs(half(3) - 0.125) < 1e-12);
});

test("slopes: exact on power laws, with the textbook's standard error", () => {
  const x = [1, 2, 4, 8, 16];
  const exact = convergence.logLogSlope(
    x,
    x.map((v) => 3 * v ** -1.5),
  );
  assert.ok(Math.abs(exact.slope + 1.5) < 1e-12 && exact.standardError < 1e-12);
  // By hand: x = 0 … 3, y = 1, 3, 2, 5: slope 1.1, residuals -.1, .8, -1.3, .6, s² = 2.7/2, Sxx = 5.
  const fit = convergence.lineFit([0, 1, 2, 3], [1, 3, 2, 5]);
  assert.ok(Math.abs(fit.slope - 1.1) < 1e-12 && Math.abs(fit.intercept - 1.1) < 1e-12);
  assert.ok(Math.abs(fit.standardError - Math.sqrt(1.35 / 5)) < 1e-12);
  assert.throws(() => convergence.logLogSlope([1, 2, 3], [1, 0, 1]), /must be positive/);
});

test("Robbins and Monro: 1/t passes both conditions, 1/√t fails the second, 1/t² the first", () => {
  const check = (power: number) =>
    convergence.robbinsMonro(optim.schedules.inversePower({ start: 0.5, decay: 0.1, power }));
  assert.deepEqual(
    [1, 0.75, 0.5, 2].map((p) => {
      const { sumDiverges, squaresConverge, holds } = check(p);
      return [sumDiverges, squaresConverge, holds];
    }),
    [
      [true, true, true],
      [true, true, true],
      [true, false, false],
      [false, true, false],
    ],
  );
  assert.ok(!convergence.robbinsMonro(optim.schedules.constant(0.1)).holds);
  assert.ok(!convergence.robbinsMonro(optim.schedules.cosine({ start: 1, steps: 100 })).holds);
});

test("critical points", async () => {
  const kinds = await Promise.all(
    [
      [zoo.booth().value, [1, 3]],
      [(x: Tensor) => zoo.booth().value(x).neg(), [1, 3]],
      [zoo.saddle().value, [0, 0]],
      [zoo.monkeySaddle().value, [0, 0]],
      [(x: Tensor) => x.pow(4).sum(), [0]],
      [zoo.booth().value, [1, 2]],
    ].map(async ([f, x]) =>
      typeof f === "function" && Array.isArray(x) ? (await convergence.critical(f, x)).kind : "",
    ),
  );
  assert.deepEqual(kinds, ["minimum", "maximum", "saddle", "degenerate", "degenerate", "not critical"]);
  const found = await convergence.curvatures(zoo.booth().value, [0, 0]);
  assert.ok(Math.abs(found[0] - 2) < 1e-12 && Math.abs(found[1] - 18) < 1e-12);
});

test("certificates: NaN breaks them, nothing to look at is an error", () => {
  assert.ok(!certify([1, NaN], () => 2).holds);
  assert.equal(certify([1, 1.5], () => 2).worst, 0.75);
  assert.throws(() => certify([1], () => 2, { from: 1 }), /something from index 1/);
});

test("a run may see another loss at every step: stochastic gradients of a quadratic keep the bound of falling rates", async () => {
  // ½ (x - bᵢ)² with b = ±1 in turn, f = ½ x² + ½; on |x| ≤ 2 gradients are at most 3.
  const sign = (k: number): number => (k % 2 === 0 ? 1 : -1);
  const f = (x: Tensor): Tensor => x.square().sum().add(1).div(2);
  const rate = (k: number): number => 0.5 / Math.sqrt(k + 1);
  const optimizer = optim.sgd({ learningRate: optim.schedules.inversePower({ start: 0.5, power: 0.5 }) });
  const loss = (x: Tensor, k: number): Tensor => x.sub(sign(k)).square().sum().div(2);
  const run = await follow(f, [2], optimizer, 40, { loss });
  // By hand: x ← x - η (x - b).
  let x = 2;
  run.points.forEach((p, k) => {
    assert.ok(Math.abs(p[0] - x) < 1e-12, `step ${k}`);
    x -= rate(k) * (x - sign(k));
  });
  const averages = run.points.slice(1).map((_, k) => {
    const rates = Array.from({ length: k + 1 }, (__, i) => rate(i));
    const mean = rates.reduce((s, r, i) => s + r * run.points[i][0], 0) / rates.reduce((s, r) => s + r, 0);
    return mean ** 2 / 2;
  });
  const bound = bounds.sgdConvex({ distance: 2, gradientBound: 3, rate });
  assert.ok(certify(averages, (k) => bound(k + 1)).holds);
  const sparse = await follow(f, [2], optim.sgd({ learningRate: 0.1 }), 40, { every: 10 });
  assert.equal(sparse.points.length, 5);
  assert.ok(Math.abs(sparse.points[1][0] - 2 * 0.9 ** 10) < 1e-12);
});

test("the gradient flow of a quadratic is exp(-tH) x₀; Euler's steps are gradient descent", async () => {
  const f = (x: Tensor): Tensor =>
    x
      .square()
      .mul(float64([0.5, 2]))
      .sum(); // curvatures 1 and 4
  const exact = [3 * Math.exp(-2), -2 * Math.exp(-8)];
  const errors: number[] = [];
  for (const steps of [20, 40, 80]) {
    const { points } = await convergence.gradientFlow(f, [3, -2], { time: 2, steps });
    assert.equal(points.length, steps + 1);
    errors.push(Math.hypot(...exact.map((v, i) => points[steps][i] - v)));
  }
  const { slope } = convergence.logLogSlope([20, 40, 80], errors);
  assert.ok(Math.abs(slope + 4) < 0.2, `the error falls like h^${-slope}`);
  const euler = await convergence.gradientFlow(f, [3, -2], { time: 2, steps: 20, method: "euler" });
  euler.points.forEach((x, k) => {
    assert.ok(Math.abs(x[0] - 3 * 0.9 ** k) < 1e-14);
    assert.ok(Math.abs(x[1] + 2 * 0.6 ** k) < 1e-14);
  });
  await assert.rejects(convergence.gradientFlow(f, [1, 1], { time: 0, steps: 3 }), /the time must be positive, got 0/);
  await assert.rejects(convergence.gradientFlow(f, [1, 1], { time: 1, steps: 0.5 }), /positive integer, got 0.5/);
});
