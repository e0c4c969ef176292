/** OPT-07 to OPT-10: stochastic gradients, their floor, and what averaging and variance reduction do about it. */
import { compile, eye, grad, random, type Tensor, tensor, vmap } from "typegrad";
import { type Row, row } from "typegrad/course";
import { cholesky, eigvalsh, inv, kron, solve, trace } from "typegrad/linalg";
import { ema, polyakAverage, schedules, sgd, svrg } from "typegrad/optim";
import { bounds, certify, geometricRate, logLogSlope } from "typegrad/optim/convergence";
import * as zoo from "typegrad/optim/zoo";
import { lines } from "typegrad/plot";
import { f64, gaussian, numbers, range } from "./helpers.js";
import { sideBySide, solved, torchRun } from "./opt-shared.js";

const float64 = { dtype: "float64" } as const;
/** The same point for every run, `[runs, n]`. */
const everyRun = (runs: number, point: readonly number[]): Tensor => f64(range(runs).map(() => [...point]));
/** Different whole numbers at about equal quotients, from `low` to `high`. */
const geometric = (low: number, high: number, count: number): number[] => [
  ...new Set(range(count).map((k) => Math.round(low * (high / low) ** (k / (count - 1))))),
];

/** Least squares on draws `x ~ N(0, I₅)`, `y = xᵀ1 + ε`: the risk is `½‖w - 1‖² + ½`. */
function freshExamples(w: Tensor, key: random.Key): Tensor {
  const [forX, forY] = random.split(key);
  const x = random.normal(forX, w.shape, float64);
  const noise = random.normal(forY, [w.shape[0]], float64);
  return x.mul(w.sub(1)).sum(1).sub(noise).square().div(2);
}

/** The hinge of one coordinate out of five, whose label is +1 with probability 0.7, plus `½ decay ‖w‖²`. */
function freshHinge(w: Tensor, key: random.Key, decay: number): Tensor {
  const [forX, forY] = random.split(key);
  const runs = w.shape[0];
  const coordinate = random.randint(forX, [runs], 0, 5);
  const x = coordinate
    .expandDims(1)
    .equal(tensor(Int32Array.from(range(5))))
    .astype("float64"); // [runs, 5], one-hot
  const y = random.uniform(forY, [runs], float64).less(0.7).astype("float64").mul(2).sub(1);
  const hinge = x.mul(w).sum(1).mul(y).neg().add(1).relu();
  return hinge.add(
    w
      .square()
      .sum(1)
      .mul(decay / 2),
  );
}
/** Its mean over coordinates and labels: what a run of w[runs, 5] has to pay. */
const hingeRisk = (w: Tensor, decay: number): Tensor =>
  w
    .neg()
    .add(1)
    .relu()
    .mul(0.7)
    .add(w.add(1).relu().mul(0.3))
    .mean(1)
    .add(
      w
        .square()
        .sum(1)
        .mul(decay / 2),
    );

/** Twenty examples of a regression that nothing fits exactly, `½(xᵀw - y)²` each. */
const few = { x: gaussian(7, 20, 3), y: gaussian(8, 20).mul(2) };
const fewLoss = (w: Tensor, x: Tensor, y: Tensor): Tensor => x.mul(w).sum(-1).sub(y).square().div(2);

/** Ridge regression on a hundred examples, and what SVRG and plain gradients at rate `eta` leave of the gap by epochs. */
const ridgeData = { x: gaussian(11, 100, 4), y: gaussian(12, 100) };
const ridge = 0.1;
const ridgeLoss = (w: Tensor, x: Tensor, y: Tensor): Tensor =>
  x.matmul(w).sub(y).square().mean().add(w.square().sum().mul(ridge)).div(2);

export const stochastic: readonly Row[] = [
  row(
    "OPT-07",
    "How fast stochastic gradients are",
    String.raw`\mathbb E f(\theta_t)-f^* = O\!\left(\tfrac1t\right)\ \text{strongly convex, smooth};\quad O\!\left(\tfrac{\log t}t\right)\ \text{strongly convex};\quad O\!\left(\tfrac1{\sqrt t}\right)\ \text{convex}`,
    String.raw`Slopes over hundreds of runs. Least squares with rates $c/t$: the error becomes $\frac{c^2}{2c-1}\cdot\frac{d\sigma^2}t$, a straight line of slope $-1$. The hinge with rates $c/\sqrt t$: slope $-\frac12$, and the weighted mean keeps the published bound. With a quadratic added and rates $1/\lambda t$, the mean of the points keeps $G^2(1+\log t)/2\lambda t$ (Shalev-Shwartz and others 2011).`,
    (t) => {
      const at = geometric(300, 3000, 8);
      const errors: number[] = [];
      sideBySide({
        optimizer: sgd({ learningRate: schedules.inversePower({ start: 0.1, decay: 0.05 }) }), // 2 / (t + 20)
        start: everyRun(250, [0, 0, 0, 0, 0]),
        loss: freshExamples,
        steps: 3000,
        at,
        seen: (w) => errors.push(w.sub(1).square().sum(1).mean().itemSync()),
      });
      t.close(logLogSlope(at, errors).slope, -1, 0.1, "slope, least squares");
      t.close(
        errors[7] * 3000,
        (4 / 3) * 5,
        0.7,
        String.raw`$t\,\mathbb E\|\theta_t-\theta^*\|^2 = \frac43d$ for $c=2$, $\sigma=1$`,
      );

      const rate = (k: number): number => 2 / Math.sqrt(k + 1);
      const convex: number[] = [];
      // The start is 0; it counts with its rate.
      const total = { weights: rate(0), points: new Float64Array(250 * 5) };
      const means: number[] = [];
      const marks = geometric(1, 2000, 40);
      sideBySide({
        optimizer: sgd({ learningRate: schedules.inversePower({ start: 2, power: 0.5 }) }),
        start: everyRun(250, [0, 0, 0, 0, 0]),
        loss: (w, key) => freshHinge(w, key, 0),
        steps: 2000,
        seen(w, k) {
          total.weights += rate(k);
          numbers(w).forEach((v, i) => (total.points[i] += rate(k) * v));
          if (!marks.includes(k)) return;
          const mean = tensor(total.points, { shape: [250, 5] }).div(total.weights);
          means.push(hingeRisk(mean, 0).mean().itemSync() - 0.6);
          convex.push(hingeRisk(w, 0).mean().itemSync() - 0.6);
        },
      });
      const late = marks.findIndex((k) => k >= 200);
      t.close(logLogSlope(marks.slice(late), convex.slice(late)).slope, -0.5, 0.1, "slope, hinge");
      const bound = bounds.sgdConvex({ distance: Math.sqrt(5), gradientBound: 1, rate });
      t.equal(certify(means, (i) => bound(marks[i] + 1)).holds, true, "the bound on the weighted mean");

      const decay = 0.2;
      const mean = polyakAverage({ x: everyRun(250, [0, 0, 0, 0, 0]) });
      const strong: number[] = [];
      sideBySide({
        optimizer: sgd({ learningRate: schedules.inversePower({ start: 1 / decay }) }),
        start: everyRun(250, [0, 0, 0, 0, 0]),
        loss: (w, key) => freshHinge(w, key, decay),
        steps: 2000,
        average: mean,
        at: marks,
        // The risk is least where decay · w = 0.4 / 5: 0.84 for the hinge, 0.08 for the quadratic.
        seen: () => strong.push(hingeRisk(mean.parameters().x, decay).mean().itemSync() - (0.84 + 0.08)),
      });
      const pegasos = (k: number): number => (4 * (1 + Math.log(k))) / (2 * decay * k);
      t.equal(certify(strong, (i) => pegasos(marks[i])).holds, true, "the bound with the logarithm");
      t.plot(
        lines(
          [
            { name: "least squares, c/t", x: at, y: errors },
            { name: "hinge, c/√t", x: marks, y: convex },
            { name: "hinge and ½λ‖w‖², mean", x: marks, y: strong },
          ],
          { title: "Means of 250 runs", x: { log: true, label: "step" }, y: { log: true, label: "f − f*" } },
        ),
      );
    },
  ),
  row(
    "OPT-08",
    "A constant rate comes to a floor",
    String.raw`\mathbb E\|\theta_t-\theta^*\|^2 \le A^t\|\theta_0-\theta^*\|^2 + B,\qquad A = 1-2\eta\mu(1-\eta L),\quad B = \frac{\eta\,\sigma^2}{\mu(1-\eta L)},\qquad \eta<\frac1L`,
    String.raw`$L$ bounds the curvature of each example's loss, $\sigma^2$ is the mean square of their gradients at $\theta^*$ (Needell, Srebro and Ward 2014). For least squares the floor itself is the trace of a matrix that solves $C = \mathbb E(I-\eta xx^\top)C(I-\eta xx^\top) + \eta^2\Sigma$; half the rate, half the floor. In circulation the condition reads $\eta\le1/\mu$: at that rate the runs explode.`,
    async (t) => {
      const specimen = zoo.leastSquares(few.x, few.y);
      const { minimizer, mu } = await solved(specimen);
      const best = f64(minimizer);
      const L = few.x.square().sum(1).max().itemSync();
      const residual = few.x.matmul(best).sub(few.y);
      const noise = few.x.square().sum(1).mul(residual.square()).mean().itemSync();
      const identity = eye(3, 3, float64);
      /** `tr C`, from the linear equations for C. */
      const floorAt = (rate: number): number => {
        const map = vmap((x: Tensor) => {
          const shrink = identity.sub(x.expandDims(1).mul(x).mul(rate));
          return kron(shrink, shrink);
        })(few.x).mean(0);
        const sigma = few.x.T.matmul(few.x.mul(residual.square().expandDims(1))).div(20);
        const c = solve(kron(identity, identity).sub(map), sigma.flatten().mul(rate ** 2));
        return trace(c.reshape([3, 3])).itemSync();
      };
      const floors: number[] = [];
      const rates = [0.1 / L, 0.2 / L, 0.4 / L];
      for (const rate of rates) {
        const bound = bounds.sgdConstantRate({
          smoothness: L,
          strongConvexity: mu,
          distance: Math.hypot(...minimizer.map((v) => v - 3)),
          learningRate: rate,
          noise,
        });
        const steps = Math.round(200 / (rate * L));
        const off: number[] = [];
        sideBySide({
          optimizer: sgd({ learningRate: rate }),
          start: everyRun(200, [3, 3, 3]),
          loss(w, key) {
            const chosen = random.randint(key, [w.shape[0]], 0, 20);
            return fewLoss(w, few.x.take(chosen), few.y.take(chosen));
          },
          steps,
          seen: (w) => off.push(w.sub(best).square().sum(1).mean().itemSync()),
        });
        const floor = off.slice(steps / 2).reduce((a, b) => a + b, 0) / (steps / 2);
        floors.push(floor);
        t.close(
          floor / floorAt(rate),
          1,
          0.06,
          String.raw`floor of 200 runs over the exact one, $\eta L$ = ${(rate * L).toFixed(1)}`,
        );
        t.equal(certify(off, (i) => bound(i + 1)).holds, true, "the bound at every step");
        t.less(floorAt(rate), bound.floor, "its floor");
        if (rate === rates[1])
          t.plot(
            lines(
              [
                { name: "mean of 200 runs", x: range(1000), y: off },
                { name: "Aᵗ‖θ₀ − θ*‖² + B", x: range(1000), y: range(1000).map(bound), dashed: true },
                { name: "exact floor", x: [0, 999], y: [floorAt(rate), floorAt(rate)], dashed: true },
              ],
              { title: "η = 0.2 / L", x: { label: "step" }, y: { log: true, label: "‖θ − θ*‖²" } },
            ),
          );
      }
      t.close(floorAt(1e-4 / L) / floorAt(0.5e-4 / L), 2, 1e-3, "floor of twice the rate, for small rates");
      const wild = sideBySide({
        optimizer: sgd({ learningRate: 1 / mu }),
        start: everyRun(50, [3, 3, 3]),
        loss(w, key) {
          const chosen = random.randint(key, [w.shape[0]], 0, 20);
          return fewLoss(w, few.x.take(chosen), few.y.take(chosen));
        },
        steps: 100,
      });
      t.greater(wild.square().sum(1).mean(), 1e6, String.raw`$\|\theta\|^2$ after a hundred steps at $\eta=1/\mu$`);
    },
  ),
  row(
    "OPT-09",
    "Polyak-Ruppert averaging",
    String.raw`\bar\theta_t = \frac1t\sum_{s\le t}\theta_s,\qquad t\,\operatorname{Cov}(\bar\theta_t) \to H^{-1}\Sigma H^{-1}`,
    String.raw`The points of a noisy run jump about; their mean is as good as the best estimator, whatever the rate, as long as it falls slower than $1/t$. Two thousand runs on a quadratic with curvature $H$ and gradient noise $\Sigma$. An exponential average forgets instead. Torch's averaged SGD prints its points: rate $10^{-4}$, $\lambda=10^{-2}$, power 0.9.`,
    (t) => {
      const h = f64([
        [2, 1],
        [1, 3],
      ]);
      const sigma = f64([
        [1, 0.5],
        [0.5, 2],
      ]);
      const root = cholesky(sigma);
      const start = everyRun(2000, [1, -1]);
      const average = polyakAverage({ x: start });
      const steps = 2000;
      const last = sideBySide({
        optimizer: sgd({ learningRate: schedules.inversePower({ start: 0.4, power: 0.5, decay: 0.1 }) }),
        start,
        loss(x, key) {
          const noise = random.normal(key, x.shape, float64).matmul(root.T);
          return x.matmul(h).mul(x).sum(1).div(2).add(noise.mul(x).sum(1));
        },
        steps,
        average,
      });
      const mean = average.parameters().x;
      const covariance = mean.T.matmul(mean).div(2000).mul(steps);
      const limit = inv(h).matmul(sigma).matmul(inv(h));
      // In the coordinates in which the limit is the identity.
      const whiten = inv(cholesky(limit));
      t.close(
        eigvalsh(whiten.matmul(covariance).matmul(whiten.T)),
        1,
        0.1,
        String.raw`$t\operatorname{Cov}(\bar\theta_t)$ against $H^{-1}\Sigma H^{-1}$, both axes`,
      );
      t.less(
        mean.square().sum(1).mean().mul(5),
        last.square().sum(1).mean(),
        "the mean is five times closer than the last point, at least",
      );

      const line = { x: f64([0]) };
      const [uniform, tail, fading] = [
        polyakAverage(line),
        polyakAverage(line, { start: 6 }),
        ema(line, { decay: 0.5 }),
      ];
      for (const k of range(10)) for (const a of [uniform, tail, fading]) a.update({ x: f64([k]) });
      t.equal(uniform.parameters().x, 4.5, "mean of 0 … 9");
      t.equal(tail.parameters().x, 7.5, "mean of the last four");
      t.close(fading.parameters().x, 8 + 2 ** -9, 1e-14, "exponential average, decay ½"); // Σ k 2^(k-10)

      const asgd = sgd({
        learningRate: schedules.inversePower({ start: 1e-4, decay: 1e-6, power: 0.9 }),
        weightDecay: 0.01,
      });
      t.close(
        torchRun(asgd),
        [1.269391054066, 1.612250736241],
        1e-12,
        "Torch's points after 100 steps, `lua.out` asgd",
      );
    },
  ),
  row(
    "OPT-10",
    "SVRG: variance reduction",
    String.raw`g = \nabla f_i(\theta) - \nabla f_i(\tilde\theta) + \nabla f(\tilde\theta),\qquad \mathbb E\,g = \nabla f(\theta)`,
    String.raw`The correction has mean zero, and the noise dies out as $\theta$ and the anchor $\tilde\theta$ approach $\theta^*$: a constant rate converges linearly, where plain stochastic gradients of the same rate stay at their floor (Johnson and Zhang 2013). Ridge regression, an anchor every 600 steps.`,
    async (t) => {
      const { value, minimizer, minimum, mu } = await solved(zoo.leastSquares(ridgeData.x, ridgeData.y, ridge));
      const L = ridgeData.x.square().sum(1).max().itemSync() + ridge;
      const rate = 0.1 / L;
      const epochs = 8;
      const inner = 600;
      const run = (reduced: boolean): number[] => {
        const model = { w: f64([2, 2, -2, -2]) };
        const [optimizer, reduction] = [sgd({ learningRate: rate }), svrg(model)];
        const step = compile(
          () => {
            const i = random.randint(random.foldIn(random.key(5), optimizer.count), [1], 0, 100);
            const loss = (m: typeof model): Tensor => ridgeLoss(m.w, ridgeData.x.take(i), ridgeData.y.take(i));
            optimizer.update(model, reduced ? reduction.valueAndGrad(loss)(model)[1] : grad(loss)(model));
          },
          { state: [model, optimizer, reduction] },
        );
        const full = compile(grad((m: typeof model) => value(m.w)));
        return range(epochs).map(() => {
          const gap = value(model.w).itemSync() - minimum;
          reduction.snapshot(model, full(model));
          for (const _ of range(inner)) step();
          return gap;
        });
      };
      const model = { w: f64([0.3, -0.2, 0.1, 1]) };
      const reduction = svrg(model);
      reduction.snapshot(model, { w: grad(value)(model.w) });
      const here = { w: f64([1, 1, 1, 1]) };
      const corrected = range(100).map((i) => {
        const loss = (m: typeof model): Tensor =>
          ridgeLoss(m.w, ridgeData.x.at(`${i}:${i + 1}`), ridgeData.y.at(`${i}:${i + 1}`));
        return numbers(reduction.valueAndGrad(loss)(here)[1].w);
      });
      t.close(f64(corrected).mean(0), grad(value)(here.w), 1e-13, "mean of all corrected gradients");

      const [gaps, plain] = [run(true), run(false)];
      const until = gaps.findIndex((gap) => gap < 1e-13);
      const { factor } = geometricRate(gaps.slice(0, until));
      const bound = bounds.svrg({ smoothness: L, strongConvexity: mu, gap: 1, learningRate: rate, innerSteps: inner });
      t.close(Math.min(...gaps), 0, 1e-12, "gap that SVRG reaches");
      t.less(factor, bound.factor, "factor by which it falls with each anchor, and its bound");
      t.greater(Math.min(...plain.slice(3)), 1e-5, "least gap of plain stochastic gradients after three epochs");
      t.show("minimizer", minimizer.map((v) => v.toFixed(4)).join(", "));
      t.plot(
        lines(
          [
            { name: "SVRG", x: range(until), y: gaps.slice(0, until) },
            { name: "plain", x: range(epochs), y: plain },
          ],
          {
            title: "The same rate, with and without the correction",
            x: { label: "epoch" },
            y: { log: true, label: "f − f*" },
          },
        ),
      );
    },
  ),
];
