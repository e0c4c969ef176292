/** OPT-18 to OPT-25: curvature, sets, clipping, schedules, and training as it is done. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  compile,
  grad,
  hessian,
  logSumExp,
  type Module,
  random,
  softplus,
  stack,
  type Tensor,
  valueAndGrad,
  vmap,
} from "typegrad";
import { type Row, row } from "typegrad/course";
import { arrayDataset, DataLoader } from "typegrad/data";
import { load, readFile, save, writeFileAtomic } from "typegrad/io";
import { inv, solve, svdvals } from "typegrad/linalg";
import * as nn from "typegrad/nn";
import {
  adam,
  clipByGlobalNorm,
  clipByValue,
  globalNorm,
  minimize,
  type MinimizeOptions,
  projections,
  type Schedule,
  schedules,
  sgd,
} from "typegrad/optim";
import { follow, logLogSlope, observe } from "typegrad/optim/convergence";
import * as zoo from "typegrad/optim/zoo";
import { contour, lines } from "typegrad/plot";
import { manualSeed } from "typegrad/random";
import * as train from "typegrad/train";
import { f64, gaussian, grid, numbers, range } from "./helpers.js";
import { logistic, pathOf } from "./opt-shared.js";

type Field = (x: Tensor) => Tensor;

/** Newton's step and no more: no line search, no damping. */
const newtonStep = (f: Field, x: Tensor): Tensor => x.sub(solve(hessian(f)(x), grad(f)(x)));

/** The points of a run of `minimize`, the start included. */
async function pointsOf(f: Field, start: readonly number[], options: MinimizeOptions<Tensor>) {
  const points: number[][] = [[...start]];
  const result = await minimize(f, f64([...start]), {
    ...options,
    callback: ({ x }) => void points.push(numbers(x)),
  });
  return { points, result };
}

const length = (x: Tensor): number => Math.hypot(...numbers(x));

/** A schedule's values at the first counts. */
const table = (schedule: Schedule, count: number): number[] => numbers(vmap(schedule)(f64(range(count))));

/** All words of `length` letters below n: what so many draws with replacement can give. */
const words = (n: number, length: number): number[][] =>
  length === 0 ? [[]] : words(n, length - 1).flatMap((word) => range(n).map((letter) => [...word, letter]));

/** Points on two rings, and on which of them each is. */
function rings(count: number) {
  const angles = range(count).map((i) => 2.399963 * i);
  const points = angles.map((a, i) => [(i % 2 ? 1.5 : 0.5) * Math.cos(a), (i % 2 ? 1.5 : 0.5) * Math.sin(a)]);
  return { x: f64(points).astype("float32"), y: f64(range(count).map((i) => i % 2)).astype("int32") };
}

/** A small network with dropout, its optimizer with a schedule, and data that come in another order every epoch. */
function setting() {
  manualSeed(5);
  const model = new nn.Sequential([new nn.Linear(2, 16), nn.tanh, new nn.Dropout(0.1), new nn.Linear(16, 2)]);
  const optimizer = adam({ learningRate: schedules.warmupCosine({ peak: 0.05, warmup: 5, steps: 48 }) });
  const loader = new DataLoader(arrayDataset(rings(96)), { batchSize: 12, shuffle: true, seed: 2 });
  const loss = (output: Tensor, target: Tensor): Tensor => nn.crossEntropy(output, target);
  const pair = ({ x, y }: { x: Tensor; y: Tensor }): train.Batch => [x, y];
  return { model, options: { data: loader, pair, optimizer, loss, epochs: 6, seed: 9 } };
}

/** All numbers of a model, one after the other. */
const weightsOf = (model: Module): number[] => Object.values(nn.stateDict(model)).flatMap(numbers);

export const practice: readonly Row[] = [
  row(
    "OPT-18",
    "Newton's method",
    String.raw`\theta_{t+1} = \theta_t - \nabla^2f(\theta_t)^{-1}\nabla f(\theta_t),\qquad e_{t+1} \to \frac{f'''(\theta^*)}{2f''(\theta^*)}\,e_t^2`,
    String.raw`One step solves a quadratic of any condition. Near a minimum the number of right digits doubles with every step; for $\log(1+e^x)-\frac x4$ with the factor $\frac14$. Far away the plain method may explode: on $\sqrt{1+x^2}$ it maps $x$ to $-x^3$. Damped, by a line search and a multiple of the identity where the Hessian is not positive, it comes down from anywhere.`,
    async (t) => {
      const bowl = zoo.quadratic({ dimension: 6, condition: 1e4, minimizer: [1, 2, 3, 4, 5, 6] });
      t.close(newtonStep(bowl.value, f64([...bowl.start])), [1, 2, 3, 4, 5, 6], 1e-10, "one step on a quadratic");
      const { points, result } = await pointsOf(bowl.value, bowl.start, { method: "newton", gtol: 1e-8 });
      t.equal([points.length - 1, result.nhev], [1, 1], "iterations and Hessians that `minimize` needs for it");

      const curve: Field = (x) => softplus(x).sub(x.div(4)).sum();
      const errors = range(4).reduce<Tensor[]>((xs) => [...xs, newtonStep(curve, xs[xs.length - 1])], [f64([0])]);
      const off = errors.map((x) => length(x.add(Math.log(3)))); // σ(x) = ¼ at x = -log 3
      t.close(off[3] / off[2] ** 2, 0.25, 0.01, String.raw`$e_3/e_2^2$ for $\log(1+e^x)-\frac x4$`);

      const { value, minimizer } = await logistic(0.01);
      const steps = range(5).reduce<Tensor[]>((xs) => [...xs, newtonStep(value, xs[xs.length - 1])], [f64([0, 0, 0])]);
      const away = steps.map((x) => length(x.sub(f64(minimizer))));
      const order = Math.log(away[4] / away[3]) / Math.log(away[3] / away[2]);
      t.close(order, 2, 0.15, "order of convergence on logistic regression");
      t.show("right digits, step by step", away.map((e) => (-Math.log10(Math.max(e, 1e-16))).toFixed(1)).join(", "));

      const root: Field = (x) => x.square().add(1).sqrt().sum();
      const wild = range(3).reduce<Tensor[]>((xs) => [...xs, newtonStep(root, xs[xs.length - 1])], [f64([1.2])]);
      t.close(
        stack(wild),
        [[1.2], [-(1.2 ** 3)], [1.2 ** 9], [-(1.2 ** 27)]],
        1e-10,
        String.raw`on $\sqrt{1+x^2}$ from 1.2: $x\mapsto-x^3$`,
      );
      t.close((await minimize(root, f64([5]), { method: "newton", gtol: 1e-10 })).x, 0, 1e-9, "damped, from 5");
      // A maximum lies there: the plain step would go to it.
      const hills = zoo.himmelblau();
      const lost = newtonStep(hills.value, f64([-0.2, -0.9]));
      t.close(
        length(grad(hills.value)(newtonStep(hills.value, lost))),
        0,
        1e-3,
        "the plain method finds Himmelblau's maximum",
      );
      t.greater(hills.value(lost), 180, "where the function is high");
      t.close(
        (await minimize(hills.value, f64([-0.2, -0.9]), { method: "newton" })).fun,
        0,
        1e-9,
        "the damped one a minimum",
      );
    },
  ),
  row(
    "OPT-19",
    "BFGS",
    String.raw`M_{t+1} = (I-\rho sy^\top)M_t(I-\rho ys^\top)+\rho ss^\top,\qquad \rho = \tfrac1{y^\top s}`,
    String.raw`Steps $s$ and changes $y$ of the gradient teach the inverse Hessian. With exact line searches a quadratic of $n$ variables takes $n$ steps, and then $M=H^{-1}$. Each update has rank *two*, not one. On Rosenbrock's function from $(-1.2, 1)$ it is at the minimum in a few dozen steps, Newton's method in fewer, and gradient descent nowhere near.`,
    async (t) => {
      const n = 6;
      const bowl = zoo.quadratic({ dimension: n, condition: 30 });
      const exact = { method: "bfgs", c1: 1e-12, c2: 1e-9, initialInverseHessian: 1, gtol: 1e-9 } as const;
      const { nit, inverseHessian } = await minimize(bowl.value, f64([...bowl.start]), exact);
      t.equal(nit, n, "steps for six variables");
      t.close(inverseHessian ?? f64([NaN]), inv(bowl.hessian), 1e-7, "$M$ against $H^{-1}$");
      const after = await Promise.all(
        [2, 3].map((maxIterations) => minimize(bowl.value, f64([...bowl.start]), { ...exact, maxIterations })),
      );
      const [m2, m3] = after.map((r) => r.inverseHessian ?? f64([[NaN]]));
      const change = numbers(svdvals(m3.sub(m2)));
      t.equal(change.filter((s) => s > 1e-10 * change[0]).length, 2, "rank of the third update");

      const valley = zoo.rosenbrock();
      const bfgs = await pointsOf(valley.value, valley.start, { method: "bfgs", gtol: 1e-8 });
      t.close(bfgs.result.fun, 0, 1e-12, "Rosenbrock's function, reached value");
      t.less(bfgs.result.nit, 50, "in so many iterations");
      const newton = await pointsOf(valley.value, valley.start, { method: "newton", gtol: 1e-8 });
      t.less(newton.result.nit, bfgs.result.nit, "Newton's method");
      const descent = await pointsOf(valley.value, valley.start, { method: "gradient-descent", maxIterations: 60 });
      const paths = await Promise.all(
        [
          { name: "gradient descent", points: descent.points },
          { name: "BFGS", points: bfgs.points },
          { name: "Newton", points: newton.points },
        ].map(async ({ name, points }) => pathOf(await observe(valley.value, points), name)),
      );
      t.plot(
        contour(await zoo.grid(valley, { scale: Math.log1p }), { points: paths, levels: 16, width: 560, height: 500 }),
        "Rosenbrock's valley, each with its line search.",
      );
    },
  ),
  row(
    "OPT-20",
    "L-BFGS",
    String.raw`r = M_t\,\nabla f\ \text{from the last } k \text{ pairs } (s,y), \text{ in } O(kn):\ \text{two loops}`,
    String.raw`The matrix is never formed. With memory for all pairs, and the same start, the directions are those of BFGS, and so are the points. With little memory it solves in a thousand variables what BFGS would need a million numbers for; thirty pairs are plenty.`,
    async (t) => {
      const valley = zoo.rosenbrock(8);
      const shared = { initialInverseHessian: 1, maxIterations: 15, gtol: 0 };
      const full = await pointsOf(valley.value, valley.start, { ...shared, method: "bfgs" });
      const limited = await pointsOf(valley.value, valley.start, { ...shared, method: "l-bfgs", historySize: 30 });
      const moves = (points: readonly number[][]): number[][] =>
        points.slice(1).map((x, k) => {
          const step = x.map((v, i) => v - points[k][i]);
          return step.map((v) => v / Math.hypot(...step));
        });
      t.close(moves(limited.points), moves(full.points), 1e-10, "directions of 15 iterations against BFGS");
      t.close(limited.points, full.points, 1e-10, "and the points");
      const n = 1000;
      const curvatures = f64(range(n).map((i) => 1 + (99 * i) / (n - 1)));
      const large: Field = (x) =>
        x
          .sub(1)
          .square()
          .mul(curvatures)
          .sum()
          .div(2)
          .add(logSumExp(x.sub(1).square(), 0).sub(Math.log(n)));
      for (const historySize of [5, 30]) {
        const { x, success, nit } = await minimize(large, f64(range(n).map(() => 0)), {
          method: "l-bfgs",
          historySize,
          gtol: 1e-7,
        });
        t.close(x, 1, 1e-7, `a thousand variables, ${historySize} pairs`);
        t.equal(success, true, "it says that it has converged");
        t.show(`iterations with ${historySize} pairs`, nit);
      }
    },
  ),
  row(
    "OPT-21",
    "Projected gradient descent onto a ball",
    String.raw`\theta_{t+1} = \Pi_r\big(\theta_t-\eta\nabla f(\theta_t)\big),\qquad \nabla f(\theta^*) = -\mu\,\theta^*,\ \mu\ge0`,
    String.raw`At a minimum on the sphere the gradient points straight to the centre: what is left of it cannot be used without leaving the ball. The multiplier $\mu$ makes the constrained problem a penalised one: least squares in a ball is ridge regression, with a $\mu$ that the radius decides. If the ball holds the free minimum, $\mu=0$.`,
    async (t) => {
      const x = gaussian(1, 40, 2);
      const y = x.matmul(f64([1.5, -1.2])).add(gaussian(2, 40).mul(0.5));
      const free = zoo.leastSquares(x, y);
      const projection = projections.l2Ball(1);
      const { x: best, success } = await minimize(free.value, f64([0, 0]), {
        method: "projected-gradient",
        projection,
        gtol: 1e-11,
      });
      const gradient = grad(free.value)(best);
      const mu = length(gradient);
      t.close(length(best), 1, 1e-12, "it lies on the sphere");
      t.close(gradient, best.mul(-mu), 1e-9, String.raw`$\nabla f = -\mu\theta^*$`);
      t.equal(success, true, "converged");
      const ridge = zoo.leastSquares(x, y, mu);
      t.close(best, ridge.minimizers[0], 1e-9, String.raw`the ridge solution with that $\mu$`);
      const optimizer = sgd({ learningRate: 1 / (free.smoothness ?? NaN), projection });
      const run = await follow(free.value, [-0.9, 0.2], optimizer, 60);
      t.close(run.points[60], best, 1e-8, "an optimizer with a projection");
      t.atMost(
        run.points.map((p) => Math.hypot(...p)),
        1 + 1e-15,
        "and it never leaves the ball",
      );
      const wide = await minimize(free.value, f64([0, 0]), {
        method: "projected-gradient",
        projection: projections.l2Ball(9),
        gtol: 1e-11,
      });
      t.close(wide.x, free.minimizers[0], 1e-9, "a ball that holds the free minimum");
      const angles = grid(0, 2 * Math.PI, 200);
      const circle = { name: "‖θ‖ = 1", isPath: true, x: angles.map(Math.cos), y: angles.map(Math.sin) };
      const window: zoo.Specimen["window"] = [
        [-1.5, 2.2],
        [-2, 1.4],
      ];
      t.plot(
        contour(await zoo.grid({ ...free, window }), {
          points: [circle, pathOf(run, "projected")],
          levels: 14,
          width: 520,
          height: 480,
        }),
        "The level lines touch the circle where the run ends.",
      );
    },
  ),
  row(
    "OPT-22",
    "Gradient clipping",
    String.raw`g \leftarrow g\cdot\min\Big(1,\frac c{\|g\|}\Big)\qquad\text{or}\qquad g_i \leftarrow \min(c,\max(-c,g_i))`,
    String.raw`By norm the direction stays, over all tensors together; by value it turns. A chain of fifty factors 1.2 has the gradient $50\cdot1.2^{49}\approx3.8\cdot10^5$ in its factor: one such gradient throws a plain step far away. On $x^4$ from 10 gradient descent with rate 0.1 explodes in a few steps; clipped, it walks down at constant speed until the gradient is small. Keras's fixture: $(100,100)$ clipped to norm 1 is $\frac{\sqrt2}2$ twice.`,
    async (t) => {
      const clipped = (limit: number, tree: Readonly<Record<string, number[]>>) =>
        clipByGlobalNorm(limit).update(
          Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, f64(v)])),
          [],
          {},
        )[0];
      t.close(clipped(1, { x: [100, 100] }).x, Math.SQRT1_2, 1e-7, "Keras `clipnorm`");
      t.equal(clipByValue(1).update({ x: f64([100, -100, 0.5]) }, [], {})[0].x, [1, -1, 0.5], "Keras `clipvalue`");
      const { a, b } = clipped(2, { a: [3, 0], b: [0, -4] });
      t.close(
        stack([a, b]),
        [
          [1.2, 0],
          [0, -1.6],
        ],
        1e-6,
        "two tensors of norm 5 together, clipped at 2",
      );
      t.atMost(
        range(50)
          .map((seed) => globalNorm(clipped(1, { x: numbers(gaussian(seed, 6).mul(10)) })))
          .map((n) => n.itemSync()),
        1,
        "norms of fifty clipped gradients",
      );
      t.equal(clipped(1, { x: [0.3, -0.4] }).x, [0.3, -0.4], "short gradients pass");

      const deep = (w: Tensor): Tensor => w.pow(50).sum();
      t.close(grad(deep)(f64([1.2])), 50 * 1.2 ** 49, 1e-8, String.raw`$50\cdot1.2^{49}$`);
      const quartic: Field = (x) => x.pow(4).sum();
      const plain = await follow(quartic, [10], sgd({ learningRate: 0.1 }), 8);
      t.greater(Math.abs(plain.points[3][0]), 1e10, "$|x|$ after three plain steps");
      const safe = await follow(quartic, [10], sgd({ learningRate: 0.1, clip: clipByGlobalNorm(1) }), 150);
      t.close(
        safe.points.slice(0, 94).map(([x]) => x),
        range(94).map((k) => 10 - 0.1 * k),
        1e-5,
        "clipped: a tenth a step, as long as $4x^3>1$",
      );
      t.plot(
        lines([{ x: range(151), y: safe.points.map(([x]) => x) }], {
          title: "x⁴ with clipped gradients",
          height: 260,
          x: { label: "step" },
          y: { label: "x" },
        }),
      );
    },
  ),
  row(
    "OPT-23",
    "Learning-rate schedules",
    String.raw`\eta_t = \eta_0\gamma^{\lfloor t/s\rfloor},\quad \eta_{\min}+\tfrac12(\eta_0-\eta_{\min})\Big(1+\cos\tfrac{\pi t}T\Big),\quad \eta_0\min\big(1,\tfrac tw\big),\quad \frac{\eta_0}{1+t}`,
    String.raw`Warm-up while the statistics of the gradients are unknown, long steps to travel, short ones to settle. The tables are those of PyTorch's tests of its schedulers, with $\eta_0=0.05$ and ten epochs.`,
    (t) => {
      const start = 0.05;
      const close = (schedule: Schedule, expected: readonly number[], what: string): void =>
        t.close(table(schedule, expected.length), expected, 1e-14, what);
      const [a, b, c, d] = [0.05, 0.005, 0.0005, 0.00005];
      close(schedules.step({ start, every: 3 }), [a, a, a, b, b, b, c, c, c, d, d, d], "`StepLR`");
      close(schedules.multiStep({ start, at: [2, 5, 9] }), [a, a, b, b, b, c, c, c, c, d, d, d], "`MultiStepLR`");
      close(
        schedules.exponential({ start, factor: 0.9 }),
        range(10).map((k) => 0.05 * 0.9 ** k),
        "`ExponentialLR`",
      );
      close(
        schedules.cosine({ start, steps: 10, end: 1e-10 }),
        range(10).map((k) => 1e-10 + ((0.05 - 1e-10) * (1 + Math.cos((Math.PI * k) / 10))) / 2),
        "`CosineAnnealingLR`",
      );
      close(
        schedules.linear({ start: 0.025, end: start, steps: 4 }),
        [0.025, 0.03125, 0.0375, 0.04375, a, a, a],
        "`LinearLR`",
      );
      close(
        schedules.polynomial({ start, steps: 4, power: 0.9 }),
        [0, 1, 2, 3, 4, 4, 4].map((k) => 0.05 * (1 - k / 4) ** 0.9),
        "`PolynomialLR`",
      );
      close(
        schedules.oneCycle({ peak: 25, steps: 10, endFactor: 2, anneal: "linear" }),
        [1, 13, 25, 21.5, 18, 14.5, 11, 7.5, 4, 0.5],
        "`OneCycleLR`, straight",
      );
      close(
        schedules.oneCycle({ peak: 25, steps: 10, endFactor: 4, anneal: "linear", warmup: 0.4, threePhase: true }),
        [1, 9, 17, 25, 17, 9, 1, 0.75, 0.5, 0.25],
        "`OneCycleLR` in three phases",
      );
      // Cycles of 3, 6, 12 steps
      const cycle = (k: number, length: number): number => (start * (1 + Math.cos((Math.PI * k) / length))) / 2;
      close(
        schedules.cosineRestarts({ start, period: 3, factor: 2 }),
        [
          ...range(3).map((k) => cycle(k, 3)),
          ...range(6).map((k) => cycle(k, 6)),
          ...range(12).map((k) => cycle(k, 12)),
        ],
        "`CosineAnnealingWarmRestarts`",
      );
      close(
        schedules.warmup({ value: start, steps: 5 }),
        range(10).map((k) => 0.05 * Math.min(1, k / 5)),
        "warm-up",
      );
      close(
        schedules.inversePower({ start }),
        range(10).map((k) => 0.05 / (1 + k)),
        "$1/t$",
      );

      const model = { x: f64([0]) };
      const optimizer = sgd({ learningRate: schedules.cosine({ start: 1, steps: 8 }) });
      for (const _ of range(8)) optimizer.update(model, { x: f64([1]) });
      t.close(
        model.x,
        -4.5,
        1e-14,
        String.raw`way under a cosine of 8 steps: $\sum_t\frac12(1+\cos\frac{\pi t}8)=\frac92$`,
      );
      const at = range(101);
      t.plot(
        lines(
          [
            { name: "step", x: at, y: table(schedules.step({ start: 1, every: 30, factor: 0.3 }), 101) },
            {
              name: "cosine after warm-up",
              x: at,
              y: table(schedules.warmupCosine({ peak: 1, warmup: 10, steps: 100 }), 101),
            },
            { name: "one cycle", x: at, y: table(schedules.oneCycle({ peak: 1, steps: 101 }), 101) },
            { name: "restarts", x: at, y: table(schedules.cosineRestarts({ start: 1, period: 15, factor: 2 }), 101) },
            { name: "1 / (1 + 0.1 t)", x: at, y: table(schedules.inversePower({ start: 1, decay: 0.1 }), 101) },
          ],
          { title: "Rates over a hundred steps", x: { label: "step" } },
        ),
      );
    },
  ),
  row(
    "OPT-24",
    "Objectives as expectations: means of mini-batches",
    String.raw`R(\theta) = \mathbb E\,\ell(\theta,z),\qquad \mathbb E\,\nabla R_S = \nabla R,\qquad \operatorname{Var}\nabla R_S = \frac1r\operatorname{Var}\nabla\ell(\theta,z)`,
    String.raw`The mean of $r$ independent examples is a random function whose gradient has the right mean and $\frac1r$ of the variance: to halve the noise costs four times the work. Over six examples every draw of $r\le4$ is enumerated; beyond, and for normal data, a sampler is measured.`,
    (t) => {
      const z = f64([-2, -0.5, 0.3, 1, 1.7, 4]);
      const loss = (theta: Tensor, batch: Tensor): Tensor =>
        softplus(batch.mul(theta).neg()).add(theta.sub(batch).square().div(9)).mean();
      const theta = f64(0.4);
      const gradients = (r: number): Tensor =>
        vmap((at: Tensor) => grad((v: Tensor) => loss(v, z.take(at)))(theta))(f64(words(6, r)).astype("int32"));
      const full = grad((v: Tensor) => loss(v, z))(theta);
      const one = gradients(1).sub(full).square().mean();
      for (const r of [2, 3, 4]) {
        t.close(gradients(r).mean(), full, 1e-13, `mean gradient of all ${6 ** r} draws of ${r}`);
        t.close(gradients(r).sub(full).square().mean(), one.div(r), 1e-13, "their variance: that of one over $r$");
      }
      // ½(θ - z)² for z ~ N(3, 4): gradient θ - 3, variance 4
      const sizes = [1, 4, 16, 64, 256];
      const variances = sizes.map((r) => {
        const draws = random.normal(random.key(r), [4000, r], { dtype: "float64" }).mul(2).add(3);
        const sampled = vmap((batch: Tensor) => grad((v: Tensor) => v.sub(batch).square().mean().div(2))(theta))(draws);
        t.close(sampled.mean(), 0.4 - 3, 0.2 / Math.sqrt(r), `mean gradient, r = ${r}`);
        return sampled
          .sub(0.4 - 3)
          .square()
          .mean()
          .itemSync();
      });
      t.close(logLogSlope(sizes, variances).slope, -1, 0.03, "slope of the variance");
      t.close(
        variances.map((v, i) => v * sizes[i]),
        4,
        0.4,
        "variance times $r$",
      );
      t.plot(
        lines(
          [
            { name: "4000 batches", x: sizes, y: variances },
            { name: "4 / r", x: sizes, y: sizes.map((r) => 4 / r), dashed: true },
          ],
          { title: "Variance of the gradient", x: { log: true, label: "examples in a batch" }, y: { log: true } },
        ),
      );
    },
  ),
  row(
    "OPT-25",
    "The training loop, early stopping, checkpoints",
    String.raw`\theta_{t+1} = \theta_t-\eta_t\,\Delta\big(\nabla R_{B_t}(\theta_t),\,\text{state}_t\big),\qquad (\theta,\text{state},\text{generator},t)\ \text{make a checkpoint}`,
    String.raw`For every epoch and every batch: forward, backward, step. (Gradients are values here: there is nothing to set to zero.) A checkpoint that holds the model, the moments of the optimizer, the generator behind dropout and the place in the data goes on *bit for bit* as if nothing had happened: here from a file, in the middle of an epoch. Early stopping ends a run when the monitored loss has not improved for so many epochs.`,
    async (t) => {
      const folder = await mkdtemp(join(tmpdir(), "typegrad-course-"));
      try {
        const whole = setting();
        const checkpoint = {
          everyBatches: 5,
          async save({ tensors, progress }: train.TrainState) {
            const name = join(folder, `${progress.epoch}-${progress.position}`);
            await save(`${name}.safetensors`, tensors);
            await writeFileAtomic(`${name}.json`, new TextEncoder().encode(JSON.stringify(progress)));
          },
        };
        const run = await train.fit(whole.model, { ...whole.options, checkpoint });
        const losses = (history: readonly train.EpochRecord[]): number[] => history.map((r) => Number(r.trainLoss));
        const again = setting();
        const untrained = weightsOf(again.model);
        const progress: train.Progress = JSON.parse(new TextDecoder().decode(await readFile(join(folder, "4-5.json"))));
        const resume = { tensors: await load(join(folder, "4-5.safetensors")), progress };
        const rest = await train.fit(again.model, { ...again.options, resume });
        t.equal(
          weightsOf(again.model),
          weightsOf(whole.model),
          "weights of the run that went on from batch 5 of epoch 4, bit for bit",
        );
        t.equal(losses(rest.history), losses(run.history), "and its losses");
        t.greater(length(f64(weightsOf(whole.model)).sub(f64(untrained))), 0.5, "how far training moved the weights");
        t.less(losses(run.history)[5], 0.8 * losses(run.history)[0], "last loss against four fifths of the first");
        t.plot(
          lines([{ x: range(6).map((k) => k + 1), y: losses(run.history) }], {
            title: "Loss",
            height: 260,
            x: { label: "epoch" },
          }),
        );
      } finally {
        await rm(folder, { recursive: true });
      }

      const byHand = setting();
      manualSeed(9);
      const step = compile(
        (x: Tensor, y: Tensor) => {
          const [value, gradient] = valueAndGrad((m: typeof byHand.model) => byHand.options.loss(m.forward(x), y))(
            byHand.model,
          );
          byHand.options.optimizer.update(byHand.model, gradient);
          return value;
        },
        { state: [byHand.model, byHand.options.optimizer] },
      );
      for (const epoch of [1, 2]) for await (const { x, y } of byHand.options.data.epoch(epoch, 0)) step(x, y);
      const fitted = setting();
      await train.fit(fitted.model, { ...fitted.options, epochs: 2 });
      t.close(weightsOf(byHand.model), weightsOf(fitted.model), 1e-6, "two epochs written out, against `fit`");

      const still = setting();
      const frozen = await train.fit(still.model, {
        ...still.options,
        optimizer: sgd({ learningRate: 0 }),
        validation: [rings(96)],
        earlyStopping: { patience: 3 },
      });
      t.equal(
        [frozen.history.length, frozen.best?.epoch ?? NaN],
        [4, 1],
        "epochs of a run that cannot learn, with patience 3, and the best",
      );
      t.equal(frozen.reason === "stopped early", true, "stopped early");
    },
  ),
];
