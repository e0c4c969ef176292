/** OPT-01 to OPT-06: gradient descent, its rates, and stochastic gradients. */
import { compile, eye, grad, hvp, jvp, stack, type Tensor, vmap } from "typegrad";
import { type Row, row } from "typegrad/course";
import { arrayDataset, DataLoader } from "typegrad/data";
import { eigh, expm, matrixPower } from "typegrad/linalg";
import { schedules, sgd } from "typegrad/optim";
import {
  bounds,
  certify,
  distances,
  follow,
  gaps,
  gradientFlow,
  plInequality,
  robbinsMonro,
} from "typegrad/optim/convergence";
import * as zoo from "typegrad/optim/zoo";
import { contour, lines } from "typegrad/plot";
import { f64, gaussian, numbers, range, slope } from "./helpers.js";
import { logistic, noisyBowl, pathOf, sideBySide } from "./opt-shared.js";

/** Twelve examples of three features, and what `½(xᵀw - y)²` says of a batch of them. */
const examples = { x: gaussian(1, 12, 3), y: gaussian(2, 12) };
const lossOf = (w: Tensor, { x, y }: typeof examples): Tensor => x.matmul(w).sub(y).square().mean().div(2);
/** The gradients at w of the batches that the rows of `indices` name. */
const batchGradients = (w: Tensor, indices: readonly (readonly number[])[]): Tensor =>
  vmap((at: Tensor) => grad((v: Tensor) => lossOf(v, { x: examples.x.take(at), y: examples.y.take(at) }))(w))(
    f64(indices).astype("int32"),
  );

const norm = (x: Tensor): Tensor => x.square().sum().sqrt();

/** All words of `length` letters below n, and those whose letters ascend: draws with replacement and without. */
const words = (n: number, length: number): number[][] =>
  length === 0 ? [[]] : words(n, length - 1).flatMap((word) => range(n).map((letter) => [...word, letter]));
const ascending = (word: readonly number[]): boolean => word.every((letter, i) => i === 0 || word[i - 1] < letter);

/** The mean squared distance of rows from a point. */
const spread = (rows: Tensor, point: Tensor): Tensor => rows.sub(point).square().sum(1).mean();

export const descent: readonly Row[] = [
  row(
    "OPT-01",
    "Gradient descent, steepest descent, gradient flow",
    String.raw`\theta_{t+1} = \theta_t - \eta\nabla f(\theta_t),\qquad \dot\theta = -\nabla f(\theta)`,
    String.raw`Of all directions of length 1 the negative gradient lowers $f$ fastest, by $\|\nabla f\|$. On a quadratic with Hessian $H$ the iterates are $(I-\eta H)^te_0$ exactly, and they are Euler's approximation of the flow $e^{-tH}e_0$; Runge and Kutta's comes closer by the fourth power of the step. In the picture the flow takes the smooth way, a short step keeps to it, and a step near $2/L$ bounces between the walls of the valley.`,
    async (t) => {
      const { value, hessian, start, window, smoothness: L = NaN } = zoo.quadratic({ condition: 12 });
      const [e0, identity] = [f64([...start]), eye(2, 2, { dtype: "float64" })];
      const run = await follow(value, start, sgd({ learningRate: 0.9 / L }), 60);
      const shrink = identity.sub(hessian.mul(0.9 / L));
      for (const k of [1, 10, 60])
        t.close(run.points[k], matrixPower(shrink, k).matmul(e0), 1e-13, String.raw`$(I-\eta H)^{${k}}e_0$`);
      const euler = await gradientFlow(value, start, { time: 54 / L, steps: 60, method: "euler" });
      t.close(euler.points, run.points, 1e-13, "Euler's steps are those of gradient descent");

      const flow = expm(hessian.mul(-1)).matmul(e0);
      const counts = [32, 64, 128, 256];
      const ends = await Promise.all(counts.map((steps) => gradientFlow(value, start, { time: 1, steps })));
      const errors = ends.map(({ points }) =>
        Math.log(Math.hypot(...numbers(f64([...points[points.length - 1]]).sub(flow)))),
      );
      t.close(slope(counts.map(Math.log), errors), -4, 0.1, "slope of Runge and Kutta's error");

      const angles = range(3600).map((k) => (k * Math.PI) / 1800);
      const directions = stack([f64(angles).cos(), f64(angles).sin()], 1);
      const slopes = vmap((d: Tensor) => jvp(value, e0, d)[1])(directions);
      const gradient = grad(value)(e0);
      t.close(slopes.min(), norm(gradient).neg(), 5e-6, "steepest slope of 3600 directions");
      t.close(directions.take(slopes.argmin()), gradient.div(norm(gradient)).neg(), 9e-4, "and its direction");

      const field = await zoo.grid({ ...zoo.quadratic({ condition: 12 }), window });
      const short = await follow(value, start, sgd({ learningRate: 0.4 / L }), 40);
      const long = await follow(value, start, sgd({ learningRate: 1.9 / L }), 40);
      const smooth = await gradientFlow(value, start, { time: 4, steps: 200 });
      const points = [pathOf(smooth, "flow"), pathOf(short, "η = 0.4 / L"), pathOf(long, "η = 1.9 / L")];
      t.plot(contour(field, { points, levels: 14, width: 520, height: 460 }), "Curvatures 1 and 12.");
    },
  ),
  row(
    "OPT-02",
    "Gradient descent on convex functions: 1/t",
    String.raw`f(\theta_t) - f^* \le \frac{L\|\theta_0-\theta^*\|^2}{2t} \le \frac{2L\|\theta_0-\theta^*\|^2}{t+1}\qquad(\eta=1/L)`,
    String.raw`Both bounds hold at every step on logistic regression. No constant below $\frac1{4t+2}$ would do: on Huber's function with threshold $\frac1{2t+1}$, from 1, step $t$ leaves exactly $\frac1{2(2t+1)}$ (Drori and Teboulle 2014).`,
    async (t) => {
      for (const k of [5, 10, 40]) {
        const huber = zoo.huber(1, 1 / (2 * k + 1));
        const { values } = await follow(huber.value, [1], sgd({ learningRate: 1 }), k);
        t.close(values[k], 1 / (4 * k + 2), 1e-14, `the worst case after ${k} steps`);
      }
      const { value, minimizer, minimum, L } = await logistic();
      const run = await follow(value, [2, 2, -2], sgd({ learningRate: 1 / L }), 300);
      const distance = distances(run, minimizer)[0];
      const left = gaps(run, minimum);
      const wide = (k: number): number => (2 * L * distance ** 2) / (k + 1);
      const sharp = bounds.gradientDescentConvex({ smoothness: L, distance });
      t.equal(certify(left, wide).holds, true, String.raw`$2L\|\theta_0-\theta^*\|^2/(t+1)$ holds at every step`);
      t.equal(certify(left, sharp, { from: 1 }).holds, true, String.raw`and so does $L\|\theta_0-\theta^*\|^2/2t$`);
      const at = range(300).map((k) => k + 1);
      t.plot(
        lines(
          [
            { name: "gap", x: at, y: left.slice(1).map((gap) => (gap > 1e-10 ? gap : NaN)) },
            { name: "L d² / 2t", x: at, y: at.map(sharp), dashed: true },
            { name: "2 L d² / (t + 1)", x: at, y: at.map(wide), dashed: true },
          ],
          { title: "Logistic regression", x: { log: true, label: "step" }, y: { log: true, label: "f − f*" } },
        ),
        "Near its minimum the function is strongly convex, which the bounds do not know.",
      );
    },
  ),
  row(
    "OPT-03",
    "Strong convexity and the inequality of Polyak and Łojasiewicz: linear rates",
    String.raw`\tfrac12\|\nabla f\|^2 \ge \mu\,(f-f^*)\ \Rightarrow\ f(\theta_t)-f^* \le \Big(1-\frac\mu L\Big)^{t}\big(f(\theta_0)-f^*\big)`,
    String.raw`Convexity is not needed: $x^2+3\sin^2x$ is not convex, but its gradient vanishes at the minimum alone, and the inequality holds with $\mu=\frac1{32}$, $L=8$ (Karimi, Nutini and Schmidt 2016). On a quadratic, along the axis of least curvature, the gap falls by $(1-\mu/L)^2$ with every step.`,
    async (t) => {
      const {
        value,
        hessian,
        smoothness: L = NaN,
        strongConvexity: mu = NaN,
      } = zoo.quadratic({ dimension: 3, condition: 20 });
      const slow = numbers(eigh(hessian).vectors.at(":", 0));
      const along = await follow(value, slow, sgd({ learningRate: 1 / L }), 80);
      t.close(
        along.values.map((v) => v / along.values[0]),
        range(81).map((k) => (1 - mu / L) ** (2 * k)),
        1e-13,
        String.raw`gap along the flattest axis: $(1-\mu/L)^{2t}$`,
      );
      const cases = [
        { ...zoo.quadratic({ dimension: 3, condition: 20 }), steps: 120 },
        { ...zoo.polyakLojasiewicz(2), steps: 9 },
      ];
      for (const { name, value, start, smoothness: L = NaN, pl = NaN, minimum = NaN, steps } of cases) {
        const run = await follow(value, start, sgd({ learningRate: 1 / L }), steps);
        const left = gaps(run, minimum);
        const bound = bounds.gradientDescentPl({ smoothness: L, strongConvexity: pl, gap: left[0] });
        t.equal(certify(left, bound).holds, true, `${name}: the rate at every step`);
        t.equal(plInequality(run, minimum, pl).holds, true, "and the inequality along the run");
        t.plot(
          lines(
            [
              { name: "gap", x: range(steps + 1), y: left.map((gap) => (gap > 1e-12 ? gap : NaN)) },
              { name: "bound", x: range(steps + 1), y: range(steps + 1).map(bound), dashed: true },
            ],
            { title: name, height: 260, x: { label: "step" }, y: { log: true, label: "f − f*" } },
          ),
        );
      }
    },
  ),
  row(
    "OPT-04",
    "What a step gains: slope against curvature",
    String.raw`f(\theta-\eta g) = f(\theta) - \eta\|g\|^2 + \tfrac{\eta^2}2\,g^\top Hg + O(\eta^3),\qquad g=\nabla f(\theta)`,
    String.raw`The curvature along the gradient takes back what the slope promises; from $\eta = 2\|g\|^2/g^\top Hg$ on, the step loses. The expansion is exact on quadratics. On Rosenbrock's function what it leaves out falls with the third power of $\eta$.`,
    (t) => {
      const predicted = (f: (x: Tensor) => Tensor, x: Tensor, rate: number): Tensor => {
        const g = grad(f)(x);
        const curvature = g.matmul(hvp(f, x, g));
        return f(x)
          .sub(g.square().sum().mul(rate))
          .add(curvature.mul(rate ** 2 / 2));
      };
      const step = (f: (x: Tensor) => Tensor, x: Tensor, rate: number): Tensor => f(x.sub(grad(f)(x).mul(rate)));
      const { value: bowl } = zoo.quadratic({ dimension: 5, condition: 100 });
      const x = gaussian(1, 5);
      const rates = [0.001, 0.01, 0.1, 1];
      t.close(
        stack(rates.map((rate) => step(bowl, x, rate))),
        stack(rates.map((rate) => predicted(bowl, x, rate))),
        1e-8,
        "a quadratic, exactly",
      );
      const g = grad(bowl)(x);
      const edge =
        2 *
        g
          .square()
          .sum()
          .div(g.matmul(hvp(bowl, x, g)))
          .itemSync();
      t.close(step(bowl, x, edge), bowl(x), 1e-9, String.raw`$\eta = 2\|g\|^2/g^\top Hg$ gains nothing`);
      t.greater(step(bowl, x, 1.05 * edge), bowl(x), "a longer step loses");

      const { value: valley } = zoo.rosenbrock();
      const from = f64([-1.2, 1]);
      const small = [1e-5, 2e-5, 4e-5, 8e-5];
      const rest = small.map((rate) =>
        step(valley, from, rate)
          .sub(predicted(valley, from, rate))
          .abs()
          .itemSync(),
      );
      t.close(slope(small.map(Math.log), rest.map(Math.log)), 3, 0.1, "slope of the rest on Rosenbrock's function");
    },
  ),
  row(
    "OPT-05",
    "Mini-batches: unbiased, with noise",
    String.raw`\mathbb E\,\nabla R_B = \nabla R,\qquad \mathbb E\|\nabla R_B-\nabla R\|^2 = \frac{\sigma^2}{b}\ \text{ or }\ \frac{\sigma^2}{b}\cdot\frac{n-b}{n-1}`,
    String.raw`All batches of 3 out of 12 examples, enumerated: 1728 with replacement, 220 without. Their gradients have the full gradient as their mean. Without replacement the noise is smaller by the factor $\frac{n-b}{n-1}$, and a whole epoch of a shuffled loader has none: its batches are a partition.`,
    async (t) => {
      const w = f64([1, -1, 0.5]);
      const full = grad((v: Tensor) => lossOf(v, examples))(w);
      const single = spread(batchGradients(w, words(12, 1)), full); // σ²
      const all = words(12, 3);
      const repeated = batchGradients(w, all);
      const distinct = batchGradients(w, all.filter(ascending));
      t.equal(distinct.shape[0], 220, "batches without replacement");
      t.close(distinct.mean(0), full, 1e-12, "their mean gradient");
      t.close(repeated.mean(0), full, 1e-12, "mean gradient of the 1728 with replacement");
      t.close(spread(repeated, full), single.div(3), 1e-12, String.raw`noise with replacement: $\sigma^2/b$`);
      t.close(spread(distinct, full), single.div(3).mul(9 / 11), 1e-12, "and without");

      const loader = new DataLoader(arrayDataset({ x: examples.x, y: examples.y }), { batchSize: 3, shuffle: true });
      const epoch: Tensor[] = [];
      for await (const batch of loader) epoch.push(grad((v: Tensor) => lossOf(v, batch))(w));
      t.close(stack(epoch).mean(0), full, 1e-14, "mean over one epoch of a shuffled loader");
    },
  ),
  row(
    "OPT-06",
    "The conditions of Robbins and Monro",
    String.raw`\sum_t\eta_t = \infty,\quad \sum_t\eta_t^2 < \infty:\qquad \eta_t = Ct^{-\alpha}\ \text{with}\ \tfrac12<\alpha\le1`,
    String.raw`The first lets the iterates reach any point, the second makes the noise die out. $1/t$ meets both; $1/\sqrt t$ fails the second (it is often printed the other way round). With $\eta_t = 1/t$ on $\frac12\mathbb E(\theta-z)^2$ the iterate *is* the mean of the draws so far. With $\eta_t=1/(t+1)^2$ the way is too short: it ends half-way, since $\prod_{k\ge2}(1-k^{-2})=\frac12$.`,
    async (t) => {
      const powers = [0.25, 0.5, 0.55, 0.75, 1, 1.25, 2];
      const found = powers.map((power) => robbinsMonro(schedules.inversePower({ start: 3, power })));
      t.equal(
        found.map((f) => f.holds),
        [false, false, true, true, true, false, false],
        String.raw`both conditions, for $\alpha$ = ${powers.join(", ")}`,
      );
      t.equal([found[1].sumDiverges, found[1].squaresConverge], [true, false], String.raw`$1/\sqrt t$`);
      t.equal([found[4].sumDiverges, found[4].squaresConverge], [true, true], "$1/t$");
      t.equal(robbinsMonro(schedules.constant(0.1)).squaresConverge, false, "a constant rate");
      t.close(
        found.map((f) => f.exponent),
        powers,
        1e-5,
        "exponents, read off the schedules",
      );

      const draws = gaussian(3, 200, 1).add(5);
      const model = { x: f64([0]) };
      const optimizer = sgd({ learningRate: schedules.inversePower({ start: 1 }) });
      const step = compile(
        (z: Tensor) => optimizer.update(model, grad((m: typeof model) => m.x.sub(z).square().sum().div(2))(model)),
        { state: [model, optimizer] },
      );
      for (const k of range(200)) step(draws.at(k));
      t.close(model.x, draws.mean(0), 1e-12, "rates $1/t$ make the mean of 200 draws");
      const short = schedules.inversePower({ start: 0.25, decay: 0.5, power: 2 }); // 1 / (t + 2)²
      const bowl = (x: Tensor): Tensor => x.square().sum().div(2);
      const stuck = await follow(bowl, [1], sgd({ learningRate: short }), 300);
      t.close(stuck.points[300], 302 / 602, 1e-12, "rates $1/(t+1)^2$ stop half-way");

      const at = range(31).map((k) => Math.round(10 ** (k / 10)));
      const curves = [0, 0.5, 1].map((power) => {
        const y: number[] = [];
        sideBySide({
          optimizer: sgd({ learningRate: schedules.inversePower({ start: 0.5, power, decay: 0.5 }) }),
          start: f64(range(100).map(() => [1])),
          loss: noisyBowl,
          steps: 1000,
          at,
          seen: (x) => y.push(x.square().mean().itemSync()),
        });
        return { name: power === 0 ? "constant" : power === 1 ? "1/t" : "1/√t", x: [...new Set(at)], y };
      });
      t.plot(
        lines(curves, {
          title: "Mean squared error of 100 noisy runs",
          x: { log: true, label: "step" },
          y: { log: true },
        }),
        "A constant rate comes to a floor; the others go on.",
      );
    },
  ),
];
