/** OPT-11 to OPT-17: inertia, and rates of each coordinate's own. */
import { ones, scan, stack, type Tensor, tensor, where } from "typegrad";
import { type Row, row } from "typegrad/course";
import {
  adagrad,
  adam,
  chain,
  heavyBall,
  mapLeaves,
  nesterov,
  Optimizer,
  majorityVote,
  projections,
  rmsprop,
  scaleByAdagrad,
  scaleByAdam,
  scaleByRms,
  sgd,
  signSgd,
  trace,
} from "typegrad/optim";
import { bounds, certify, distances, follow, gaps, logLogSlope } from "typegrad/optim/convergence";
import * as zoo from "typegrad/optim/zoo";
import { contour, lines } from "typegrad/plot";
import { f64, gaussian, numbers, range } from "./helpers.js";
import { logistic, onnxStep, pathOf, torchRun } from "./opt-shared.js";

/** Where an optimizer leads when the gradient is the same at every step. */
function alongConstant(optimizer: Optimizer, gradient: readonly number[], steps: number): number[][] {
  const model = { x: f64(gradient.map(() => 0)) };
  const points: number[][] = [numbers(model.x)];
  for (let k = 0; k < steps; k++) {
    optimizer.update(model, { x: f64([...gradient]) });
    points.push(numbers(model.x));
  }
  return points;
}

/** The values that the golden runs of Keras see: from ten ones, a gradient of 0.01, then 0.1, 0.2, … 1. */
function kerasRun(optimizer: Optimizer, steps: number): Tensor {
  const model = { x: ones([10], { dtype: "float64" }) };
  const points = range(steps).map((k) => {
    optimizer.update(model, { x: f64(range(10).map((i) => (k === 0 ? 0.01 : (i + 1) / 10))) });
    return model.x;
  });
  return stack(points);
}
/** Five printed numbers, each for all ten elements. */
const tenTimes = (values: readonly number[]): number[][] => values.map((v) => range(10).map(() => v));

const ill: zoo.Specimen = {
  ...zoo.quadratic({ condition: 40, seed: 3 }),
  window: [
    [-2.7, 2.7],
    [-2.7, 2.7],
  ],
};
const illBounds = { smoothness: 40, strongConvexity: 1 };

export const methods: readonly Row[] = [
  row(
    "OPT-11",
    "SignSGD: one bit for each coordinate",
    String.raw`\theta_{t+1} = \theta_t - \eta\,\operatorname{sign}\nabla f(\theta_t)`,
    String.raw`Every coordinate moves by exactly $\eta$, however small its slope; Optax's method of the name does the same. Near a minimum it therefore steps over: from 1.05 with $\eta=0.1$ it ends in $0.05, -0.05, 0.05, \dots$, an error of the order of $\eta$. Adam with both moments forgotten at once is this method. Workers can vote: the sign of the sum of their signs (Bernstein and others 2018).`,
    async (t) => {
      const { value, start } = zoo.quadratic({ dimension: 6, condition: 100 });
      const run = await follow(value, start, signSgd({ learningRate: 0.1 }), 60);
      const moves = run.points.slice(1).map((x, k) =>
        f64([...x])
          .sub(f64([...run.points[k]]))
          .abs(),
      );
      t.close(stack(moves), 0.1, 1e-14, "every move of every coordinate");
      const adaptive = await follow(value, start, adam({ learningRate: 0.1, betas: [0, 0], epsilon: 0 }), 60);
      t.close(adaptive.points, run.points, 1e-12, "Adam with both decays 0");
      const bowl = (x: Tensor): Tensor =>
        x
          .square()
          .mul(f64([1, 50]))
          .sum();
      const steps = await follow(bowl, [1.05, -1.05], signSgd({ learningRate: 0.1 }), 51);
      t.close(steps.points[50], [0.05, -0.05], 1e-13, "after 50 steps from 1.05, whatever the curvature");
      t.close(steps.points[51], [-0.05, 0.05], 1e-13, "and after 51");
      const votes = [
        [3, -1, 0.5],
        [0.1, -2, -0.5],
        [-50, 4, 0],
      ].map((g) => ({ x: f64(g) }));
      t.equal(majorityVote(votes).x, [1, -1, 0], "majority of three workers");
      const field = await zoo.grid(ill);
      const runs = await Promise.all(
        [0.3, 0.05].map(async (rate) =>
          pathOf(await follow(ill.value, [-1.7, 1.2], signSgd({ learningRate: rate }), 60), `η = ${rate}`),
        ),
      );
      t.plot(contour(field, { points: runs, levels: 14, width: 500, height: 440 }), "Steps go along diagonals.");
    },
  ),
  row(
    "OPT-12",
    "Polyak's heavy ball",
    String.raw`\theta_{t+1} = \theta_t - \eta\nabla f(\theta_t) + \beta(\theta_t-\theta_{t-1}),\qquad \eta^*=\frac4{(\sqrt L+\sqrt\mu)^2},\ \ \sqrt{\beta^*}=\frac{\sqrt\kappa-1}{\sqrt\kappa+1}`,
    String.raw`Down a constant slope the speed tends to $\eta/(1-\beta)$, ten times the plain step at $\beta=0.9$; with dampening $1-\beta$ it stays at $\eta$. On a quadratic the best pair falls by $\frac{\sqrt\kappa-1}{\sqrt\kappa+1}$ a step where gradient descent falls by $\frac{\kappa-1}{\kappa+1}$. Along the axes of least and greatest curvature the recurrence has a double root $r$, so the error is $(1+bt)\,r^t$: it may rise before it falls. Torch's and ONNX's runs are met to the digits that they print.`,
    async (t) => {
      const speed = (optimizer: Optimizer): number => {
        const points = alongConstant(optimizer, [1], 400);
        return points[399][0] - points[400][0];
      };
      t.close(
        speed(sgd({ learningRate: 0.01, momentum: 0.9 })),
        0.1,
        1e-12,
        "speed on a constant slope, ten times the rate",
      );
      t.close(
        speed(sgd({ learningRate: 0.01, momentum: 0.9, dampening: 0.9 })),
        0.01,
        1e-12,
        "with dampening, the rate",
      );

      const best = bounds.heavyBallQuadratic(illBounds);
      const axes = (x: Tensor): Tensor =>
        x
          .square()
          .mul(f64([1, 40]))
          .sum()
          .div(2);
      const run = await follow(axes, [1, 1], heavyBall(best), 120);
      const exact = range(121).map((k) =>
        [1, 40].map((curvature, i) => {
          const r = i === 0 ? best.factor : -best.factor;
          return (1 + ((1 - best.learningRate * curvature) / r - 1) * k) * r ** k;
        }),
      );
      t.close(run.points, exact, 1e-12, "errors along both axes: $(1+bt)\\,r^t$");

      const torch = sgd({ learningRate: 1e-4, momentum: 0.95, dampening: 0.9 });
      t.close(torchRun(torch), [1.298650333438, 1.596110748833], 1e-12, "Torch, 100 steps, `lua.out` sgd");
      const momentum = trace({ momentum: 0.95, dampening: 0.9 });
      const at = (v: number[]) => ({ count: tensor(0, { dtype: "int32" }), trace: { x: f64(v) } });
      t.close(
        onnxStep(momentum, at([1.7, 3.6]), { x: [1.2, 2.8], gradient: [-0.94, -2.5] }),
        [1.13238, 2.70772],
        1e-6,
        "ONNX `test_momentum`",
      );
      t.close(
        onnxStep(momentum, at([2, 4, 1]), { x: [1, 1, 2], gradient: [-1, -1, -3] }),
        [0.9099, 0.7199, 2.2048],
        1e-6,
        "ONNX `test_momentum_multiple`",
      );

      const contenders = [
        { name: "gradient descent", optimizer: sgd({ learningRate: 2 / 41 }) },
        { name: "heavy ball", optimizer: heavyBall(best) },
        {
          name: "Nesterov",
          optimizer: nesterov({ learningRate: 1 / 40, momentum: bounds.nesterovMomentum(illBounds) }),
        },
      ];
      const runs = await Promise.all(
        contenders.map(async ({ name, optimizer }) => ({
          name,
          run: await follow(ill.value, [-1.8, -0.4], optimizer, 100),
        })),
      );
      const points = runs.map(({ name, run }) => pathOf(run, name));
      t.plot(
        contour(await zoo.grid(ill), { points, levels: 14, width: 520, height: 460 }),
        "Condition 40, each method at its best constants: the heavy ball sways most …",
      );
      t.plot(
        lines(
          runs.map(({ name, run }) => ({ name, x: range(101), y: distances(run, [0, 0]) })),
          { title: "Distance from the minimum", height: 280, x: { label: "step" }, y: { log: true } },
        ),
        "… and is the fastest in the end.",
      );
    },
  ),
  row(
    "OPT-13",
    "Nesterov's acceleration",
    String.raw`f(\theta_t)-f^* \le \frac{2L\|\theta_0-\theta^*\|^2}{(t+1)^2},\qquad f(\theta_t)-f^* \le L\Big(1-\sqrt{\tfrac\mu L}\Big)^t\|\theta_0-\theta^*\|^2`,
    String.raw`The gradient is taken where inertia leads, $y=\theta+\beta(\theta-\theta_-)$. Steps grow as $\sqrt\kappa$, as for no method of gradients could they grow less. Both bounds hold at every step, the second at condition $10^4$ too. PyTorch's form has $y$ itself as its parameters: the same run, seen a momentum ahead.`,
    async (t) => {
      const conditions = [100, 1000, 10_000];
      const counts: number[] = [];
      for (const condition of conditions) {
        const { value, start, minimizers } = zoo.quadratic({ dimension: 8, condition });
        const constants = { smoothness: condition, strongConvexity: 1 };
        const method = nesterov({ learningRate: 1 / condition, momentum: bounds.nesterovMomentum(constants) });
        const run = await follow(value, start, method, Math.round(20 * Math.sqrt(condition)));
        const away = distances(run, minimizers[0]);
        const distance = away[0];
        counts.push(away.findIndex((d) => d <= 1e-3 * distance));
        const rate = 1 - Math.sqrt(1 / condition);
        const wide = certify(run.values, (k) => condition * rate ** k * distance ** 2);
        const sharp = certify(
          run.values,
          bounds.nesterovStronglyConvex({ ...constants, distance, gap: run.values[0] }),
        );
        t.equal(
          [wide.holds, sharp.holds],
          [true, true],
          String.raw`the bound and its sharper form, $\kappa$ = ${condition}`,
        );
      }
      t.close(
        logLogSlope(conditions, counts).slope,
        0.5,
        0.06,
        String.raw`exponent of $\kappa$ in the steps to a thousandth of the distance`,
      );
      t.show("steps to a thousandth of the distance", counts.join(", "));

      const { value, minimizer, minimum, L } = await logistic();
      const run = await follow(value, [2, 2, -2], nesterov({ learningRate: 1 / L }), 200);
      const bound = bounds.nesterovConvex({ smoothness: L, distance: distances(run, minimizer)[0] });
      t.equal(
        certify(gaps(run, minimum), bound).holds,
        true,
        String.raw`$2L\|\theta_0-\theta^*\|^2/(t+1)^2$ on logistic regression`,
      );
      const plain = await follow(value, [2, 2, -2], sgd({ learningRate: 1 / L }), 200);
      const positive = (list: readonly number[]): number[] => list.slice(1).map((v) => (v > 1e-10 ? v : NaN));
      const at = range(200).map((k) => k + 1);
      t.plot(
        lines(
          [
            { name: "gradient descent", x: at, y: positive(gaps(plain, minimum)) },
            { name: "Nesterov", x: at, y: positive(gaps(run, minimum)) },
            { name: "2 L d² / (t + 1)²", x: at, y: at.map(bound), dashed: true },
          ],
          { title: "Logistic regression", x: { log: true, label: "step" }, y: { log: true, label: "f − f*" } },
        ),
        "With momentum t/(t + 3) the method overshoots and returns: the ripples.",
      );

      const own = await follow(ill.value, ill.start, nesterov({ learningRate: 0.02, momentum: 0.9 }), 40);
      const ahead = own.points.slice(1).map((x, k) => x.map((v, i) => v + 0.9 * (v - own.points[k][i])));
      const shifted = await follow(
        ill.value,
        ill.start,
        sgd({ learningRate: 0.02, momentum: 0.9, nesterov: true }),
        40,
      );
      t.close(shifted.points.slice(1), ahead, 1e-13, "PyTorch's form: the points looked ahead to");
      const torch = sgd({ learningRate: 1e-4, momentum: 0.95, nesterov: true });
      t.close(torchRun(torch), [1.256090923872, 1.578628894138], 1e-12, "Torch, 100 steps, `lua.out` sgd");
      const state = { count: tensor(0, { dtype: "int32" }), trace: { x: f64([1.7, 3.6]) } };
      const task = { x: [1.2, 2.8], gradient: [-0.94, -2.5], decay: 0.01 };
      t.close(
        onnxStep(trace({ momentum: 0.95, nesterov: true }), state, task),
        [1.227535, 2.95714],
        1e-6,
        "ONNX `test_nesterov_momentum`",
      );
    },
  ),
  row(
    "OPT-14",
    "AdaGrad",
    String.raw`\theta_{t+1} = \theta_t - \frac{\eta}{\delta+\sqrt{\sum_{s\le t}g_s^2}}\;g_t`,
    String.raw`Every coordinate has a rate of its own, which its past gradients wear out: under a constant gradient of any size, step $t$ has length $\eta/\sqrt t$. A feature that is seen rarely keeps its long steps.`,
    (t) => {
      const constant = alongConstant(adagrad({ learningRate: 0.1 }), [3, -0.01], 50);
      const sums = range(51).map((k) => range(k).reduce((s, i) => s + 0.1 / Math.sqrt(i + 1), 0));
      t.close(
        constant,
        sums.map((s) => [-s, s]),
        1e-8,
        String.raw`constant gradients: $\mp\sum\eta/\sqrt s$`,
      );
      t.close(
        torchRun(adagrad({ learningRate: 1e-3 }), 2),
        [1.49829501921, 1.50170497763],
        1e-12,
        "Torch, step 2, `lua.out` adagrad",
      );
      t.close(torchRun(adagrad({ learningRate: 1e-3 })), [1.481798994647, 1.518200402711], 1e-12, "and step 100");
      const method = scaleByAdagrad({ epsilon: 1e-5 });
      t.close(
        onnxStep(method, { sum: { x: f64([2]) } }, { x: [1], gradient: [-1] }),
        [1.0576962],
        1e-6,
        "ONNX `test_adagrad`",
      );
      t.close(
        onnxStep(method, { sum: { x: f64([2, 4, 1]) } }, { x: [1, 1, 2], gradient: [-1, -1, -3] }),
        [1.0576962, 1.0446854, 2.0948617],
        1e-6,
        "ONNX `test_adagrad_multiple`",
      );
      const model = { x: f64([0, 0]) };
      const optimizer = adagrad({ learningRate: 0.1 });
      for (const k of range(100)) optimizer.update(model, { x: f64([1, k % 10 === 9 ? 1 : 0]) });
      const worn = (n: number): number => -range(n).reduce((s, i) => s + 0.1 / Math.sqrt(i + 1), 0);
      t.close(model.x, [worn(100), worn(10)], 1e-8, "a feature of every step and one of every tenth");
    },
  ),
  row(
    "OPT-15",
    "RMSProp",
    String.raw`v_t = \rho v_{t-1} + (1-\rho)g_t^2 = (1-\rho)\sum_{s\le t}\rho^{t-s}g_s^2,\qquad \theta_{t+1} = \theta_t - \frac{\eta\,g_t}{\sqrt{v_t}+\delta}`,
    String.raw`AdaGrad that forgets. Under a constant gradient the steps are $\eta/\sqrt{1-\rho^t}$: too long at first, since $v$ begins at 0; Torch's old runs begin it at 1. The weights of the sum are often printed wrong: $\rho^{t-s}$ counts from the end. Keras's golden values are printed to four digits and compared, as there, within $5\cdot10^{-4}$.`,
    (t) => {
      const rho = 0.9;
      const points = alongConstant(rmsprop({ learningRate: 0.01, alpha: rho, epsilon: 0 }), [7], 60);
      const lengths = range(60).map((k) => points[k][0] - points[k + 1][0]);
      t.close(
        lengths,
        range(60).map((k) => 0.01 / Math.sqrt(1 - rho ** (k + 1))),
        1e-14,
        String.raw`steps under a constant gradient`,
      );
      const gradients = numbers(gaussian(1, 12));
      const model = { x: f64([0]) };
      const optimizer = rmsprop({ learningRate: 1, alpha: rho, epsilon: 0 });
      for (const g of gradients) optimizer.update(model, { x: f64([g]) });
      const moved = gradients.map((g, k) => {
        const v = range(k + 1).reduce((s, i) => s + (1 - rho) * rho ** (k - i) * gradients[i] ** 2, 0);
        return -g / Math.sqrt(v);
      });
      t.close(
        model.x,
        moved.reduce((a, b) => a + b),
        1e-13,
        "any gradients, by the sum",
      );

      const fromOne = (learningRate: number): Optimizer => {
        const method = scaleByRms();
        const init: typeof method.init = (params) => ({
          square: mapLeaves((p) => ones(p.shape, { dtype: p.dtype }), params),
          mean: {},
        });
        return new Optimizer(chain({ ...method, init }), learningRate);
      };
      t.close(torchRun(fromOne(0.01), 1), [1.400024327306, 1.599902365352], 1e-12, "Torch, step 1, `lua.out` rmsprop");
      t.close(torchRun(fromOne(0.01)), [1.298377974681, 1.686614574776], 1e-12, "and step 100");
      const centred = rmsprop({ learningRate: 1e-3, alpha: 0.9, epsilon: 1e-7, centered: true });
      t.close(
        kerasRun(centred, 5),
        tenTimes([0.9967, 0.9933, 0.9908, 0.9885, 0.9864]),
        5e-4,
        "Keras `rmsprop_test.py`, centred",
      );
    },
  ),
  row(
    "OPT-16",
    "Adam and its bias correction",
    String.raw`\theta_{t+1} = \theta_t - \frac{\alpha\,\hat m_t}{\sqrt{\hat v_t}+\varepsilon},\qquad \hat m_t = \frac{m_t}{1-\beta_1^t},\quad \hat v_t = \frac{v_t}{1-\beta_2^t}`,
    String.raw`Divided by $1-\beta^t$, the running means are weighted means from the first step on: that step is $-\alpha\operatorname{sign}g$, and under a constant gradient all are. (Prints with a plus sign, with $1-\beta$, or without the roots are wrong.) On Rosenbrock's function gradient descent creeps, while Adam's steps do not care how small the slope is.`,
    async (t) => {
      const first = alongConstant(adam({ learningRate: 0.05, epsilon: 0 }), [3, -1e-6, 200], 30);
      t.close(first[1], [-0.05, 0.05, -0.05], 1e-15, String.raw`first step: $-\alpha\operatorname{sign}g$`);
      t.close(
        first,
        range(31).map((k) => [-0.05 * k, 0.05 * k, -0.05 * k]),
        1e-13,
        "thirty steps under a constant gradient",
      );
      const g = numbers(gaussian(4, 8));
      const model = { x: f64([0]) };
      const optimizer = adam({ learningRate: 1, betas: [0.8, 0.9], epsilon: 0 });
      for (const one of g) optimizer.update(model, { x: f64([one]) });
      /** The mean of what stands before index k + 1, weighted by powers of beta. */
      const weighted = (values: readonly number[], beta: number, k: number): number => {
        const weights = range(k + 1).map((i) => beta ** (k - i));
        return weights.reduce((s, w, i) => s + w * values[i], 0) / weights.reduce((a, b) => a + b);
      };
      const squares = g.map((v) => v * v);
      const moved = g.map((_, k) => -weighted(g, 0.8, k) / Math.sqrt(weighted(squares, 0.9, k)));
      t.close(
        model.x,
        moved.reduce((a, b) => a + b),
        1e-13,
        "any gradients: weighted means of them and of their squares",
      );

      t.close(torchRun(adam()), [1.411295823128, 1.5886832221], 1e-10, "Torch, 100 steps, `lua.out` adam");
      const quick = adam({ learningRate: 1e-4, betas: [0.92, 0.96] });
      t.close(torchRun(quick), [1.490034343012, 1.509965604259], 1e-10, String.raw`and with $\beta$ = 0.92, 0.96`);
      // At step 0 ONNX corrects nothing, as nobody does after very many steps.
      const at = (m: number[], v: number[]) => ({
        count: tensor(1_000_000, { dtype: "int32" }),
        mean: { x: f64(m) },
        square: { x: f64(v) },
        largest: {},
      });
      t.close(
        onnxStep(scaleByAdam({ betas: [0.95, 0.1], epsilon: 1e-7 }), at([1.7, 3.6], [0.1, 0.1]), {
          x: [1.2, 2.8],
          gradient: [-0.94, -2.5],
        }),
        [1.0250363, 2.6610327],
        1e-6,
        "ONNX `test_adam`",
      );
      t.close(
        onnxStep(scaleByAdam({ betas: [0.95, 0.85], epsilon: 0.01 }), at([2, 4, 1], [0.5, 1, 10]), {
          x: [1, 1, 2],
          gradient: [-1, -1, -3],
        }),
        [0.7591363, 0.6286528, 1.9745853],
        1e-6,
        "ONNX `test_adam_multiple`, made with $\\varepsilon=0.01$",
      );

      const valley = zoo.rosenbrock();
      const runs = await Promise.all(
        [
          { name: "gradient descent", optimizer: sgd({ learningRate: 1e-3 }) },
          { name: "heavy ball", optimizer: heavyBall({ learningRate: 5e-4, momentum: 0.95 }) },
          { name: "Adam", optimizer: adam({ learningRate: 0.1 }) },
        ].map(async ({ name, optimizer }) => pathOf(await follow(valley.value, valley.start, optimizer, 400), name)),
      );
      t.plot(
        contour(await zoo.grid(valley, { scale: Math.log1p }), { points: runs, levels: 16, width: 560, height: 500 }),
        "Rosenbrock's valley, 400 steps each. The minimum is at (1, 1).",
      );
    },
  ),
  row(
    "OPT-17",
    "AMSGrad: where Adam goes the wrong way",
    String.raw`f_t(x) = \begin{cases}1010\,x & t\equiv1 \bmod 101\\ -10\,x\end{cases}\ \text{on }[-1,1]:\qquad \hat v_t = \max(\hat v_{t-1}, v_t)`,
    String.raw`On average the slope is $+\frac{10}{101}$, so $x=-1$ is best. The rare large gradient comes once, is divided by the root of its own square, and is forgotten; the many small ones outweigh it. Adam ends near $+1$, the worst point: the published run shows 0.994. AMSGrad never forgets the largest, and ends at $-1$ (Reddi, Kale and Kumar 2018): $\beta = (0.9, 0.99)$, $\alpha=0.5/\sqrt t$, $2\cdot10^5$ steps. Below, Keras's golden values, within the $5\cdot10^{-4}$ that its test allows.`,
    (t) => {
      const steps = 200_000;
      const box = projections.box(-1, 1);
      const runOf = (amsgrad: boolean): Tensor => {
        const method = scaleByAdam({ betas: [0.9, 0.99], amsgrad });
        const start = { x: f64([0]) };
        const [, path] = scan(
          (carry: { x: Tensor; state: ReturnType<typeof method.init> }, k: Tensor) => {
            const gradient = where(k.remainder(101).equal(0), 1010, tensor(-10, { dtype: "float64" })).reshape([1]);
            const [updates, state] = method.update({ x: gradient }, carry.state, { x: carry.x });
            const rate = k.astype("float64").add(1).sqrt().reciprocal().mul(0.5);
            const x = box(carry.x.sub(updates.x.mul(rate)));
            return [{ x, state }, x];
          },
          { x: start.x, state: method.init(start) },
          tensor(Int32Array.from(range(steps))),
        );
        return path.flatten();
      };
      const [wrong, right] = [numbers(runOf(false)), numbers(runOf(true))];
      t.close(wrong[steps - 1], 0.994, 1e-3, "Adam ends at");
      t.close(right[steps - 1], -1, 1e-3, "AMSGrad ends at");
      const golden = adam({ epsilon: 1e-7, amsgrad: true });
      t.close(
        kerasRun(golden, 5),
        tenTimes([0.999, 0.9982, 0.9974, 0.9965, 0.9955]),
        5e-4,
        "Keras `adam_test.py`, AMSGrad",
      );
      const at = range(400).map((k) => 500 * k + 499);
      t.plot(
        lines(
          [
            { name: "Adam", x: at, y: at.map((k) => wrong[k]) },
            { name: "AMSGrad", x: at, y: at.map((k) => right[k]) },
          ],
          { title: "x, step by step", x: { label: "step" }, y: { domain: [-1.05, 1.05] } },
        ),
      );
    },
  ),
];
