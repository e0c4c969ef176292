/** REG-01 to REG-06: penalties, constraints and stopping early. */
import { compile, grad, Module, type Tensor, tensor, valueAndGrad, vmap } from "typegrad";
import { type Row, row } from "typegrad/course";
import { vegaTable } from "typegrad/data";
import { diag, eigh, qr, ridge, solve, svdvals } from "typegrad/linalg";
import * as nn from "typegrad/nn";
import { adam, adamw, l2Penalty, matrices, type Optimizer, projections, sgd, sgdw } from "typegrad/optim";
import { follow } from "typegrad/optim/convergence";
import { contour, lines, scatter } from "typegrad/plot";
import { manualSeed } from "typegrad/random";
import * as train from "typegrad/train";
import { f64, gaussian, grid, numbers, range } from "./helpers.js";
import { torchRun } from "./opt-shared.js";

/** A model's parameters after some compiled steps down a loss. */
function descend<M extends object>(model: M, loss: (m: M) => Tensor, optimizer: Optimizer, steps: number): M {
  const step = compile(() => optimizer.update(model, grad(loss)(model)), { state: [model, optimizer] });
  for (let k = 0; k < steps; k++) step();
  return model;
}

/** `½(θ - θ*)ᵀH(θ - θ*)` with chosen eigenvalues and turned axes. */
function turnedBowl(eigenvalues: readonly number[], seed: number) {
  const axes = qr(gaussian(seed, eigenvalues.length, eigenvalues.length)).q;
  const hessian = axes.mul(f64([...eigenvalues])).matmul(axes.T);
  const optimum = gaussian(seed + 1, eigenvalues.length);
  const value = (x: Tensor): Tensor => {
    const off = x.sub(optimum);
    return hessian.matmul(off).mul(off).sum().div(2);
  };
  return { axes, hessian, optimum, value };
}

/** The window and the values of a function of two variables, for a contour plot. */
function landscape(f: (x: Tensor) => Tensor, x: readonly [number, number], y: readonly [number, number]) {
  const points = grid(y[0], y[1], 60).map((v) => grid(x[0], x[1], 60).map((u) => [u, v]));
  const heights = vmap(vmap((point: Tensor) => f(point)))(f64(points));
  return { x, y, values: range(60).map((i) => numbers(heights.at(i))) };
}

/** Six rows of three inputs, two targets each, and where the layer starts: what PyTorch's runs below saw. */
const small = {
  x: [
    -2.31, -0.37, -1.26, -0.73, -0.02, 0.21, 0.18, -0.83, 0.24, 0.73, -0.77, -1.6, -0.69, 1.49, -0.45, -0.89, 0.67,
    1.05,
  ],
  y: [-2.22, 0.26, -1.03, -0.5, 0.27, -0.92, -0.04, 0.29, -0.01, -0.91, -1.09, -0.27],
  weight: [0.19, -0.22, 2.06, -0.04, 0.06, -0.77],
  bias: [1.1, 2.76],
};

/** Where six steps of an optimizer lead the layer. */
function smallRun(optimizer: Optimizer) {
  const [x, y] = [f64(small.x).reshape([6, 3]), f64(small.y).reshape([6, 2])];
  const layer = { weight: f64(small.weight).reshape([2, 3]), bias: f64(small.bias) };
  return descend(layer, (m) => nn.mse(nn.linear(x, m.weight, m.bias), y), optimizer, 6);
}

/** Five columns of the cars of `vega-datasets` at mean 0 and variance 1, and miles per gallon. */
async function cars() {
  const names = ["Cylinders", "Displacement", "Horsepower", "Weight_in_lbs", "Acceleration"];
  const table = (await vegaTable("cars")).complete([...names, "Miles_per_Gallon"]);
  const raw = f64(names.map((name) => [...table.numbers(name)])).T;
  const x = raw.sub(raw.mean(0)).div(raw.std(0, { correction: 0 }));
  return { names, x, y: f64([...table.numbers("Miles_per_Gallon")]) };
}

/** Gradient descent, a loss per epoch, and a number that is one more after every epoch: `curve` is looked up by it. */
class Counter extends Module {
  epoch: Tensor = tensor(0);
  readonly curve: readonly number[];
  constructor(curve: readonly number[]) {
    super();
    this.curve = curve;
  }
  forward(x: Tensor): Tensor {
    return this.training
      ? this.epoch.add(x)
      : tensor([...this.curve])
          .take(this.epoch.astype("int32").sub(1))
          .add(x);
  }
}

/** What early stopping does on a given curve of validation losses. */
async function stopOn(curve: readonly number[], patience: number, minDelta = 0) {
  const model = new Counter(curve);
  const batch: train.Batch = [tensor([0]), tensor([0])];
  const { reason, history, best } = await train.fit(model, {
    data: [batch],
    validation: [batch],
    loss: (output) => (model.training ? output.neg() : output).mean(),
    optimizer: sgd({ learningRate: 1 }),
    epochs: curve.length,
    earlyStopping: { patience, minDelta },
    restoreBest: true,
  });
  return { reason, epochs: history.length, best: best?.epoch ?? 0, restored: await model.epoch.item() };
}

export const penalties: readonly Row[] = [
  row(
    "REG-01",
    "Weight decay: L2 penalty, coupled and decoupled",
    String.raw`\ell(\theta)+\tfrac\mu2\|\theta\|^2:\qquad \theta \leftarrow \theta-\eta\big(\nabla\ell+\mu\theta\big) = (1-\eta\mu)\,\theta-\eta\nabla\ell`,
    String.raw`For plain gradient descent the penalty and the shrinking of the weights are one thing; the factor is $1-\eta\mu$, often printed as $1-\mu$. Biases are left alone. Adam divides the gradient by its size, and with it the penalty: where the loss is flat, one step of Adam with the penalty has the length $\eta$ whatever $\mu$ is. AdamW (Loshchilov and Hutter 2019) shrinks the weights past Adam, by $1-\eta\mu$.

The picture follows two coordinates of very different gradients, both with the minimum at $(1,1)$. With the penalty inside, Adam shrinks them unequally; decoupled, alike.`,
    (t) => {
      t.close(
        torchRun(sgd({ learningRate: 1e-3, weightDecay: 0.2 })),
        [1.247084359521, 1.556253127065],
        1e-11,
        "Torch's `lua.out`, sgd with weight decay 0.2",
      );
      const { value, optimum } = turnedBowl([0.3, 1, 4], 1);
      const [rate, mu] = [0.1, 0.5];
      const penalised = (m: { x: Tensor }): Tensor => value(m.x).add(l2Penalty(m, mu, { on: () => true }));
      const from = (): { x: Tensor } => ({ x: f64([2, -1, 3]) });
      const a = descend(from(), penalised, sgd({ learningRate: rate }), 40).x;
      const b = descend(from(), (m) => value(m.x), sgd({ learningRate: rate, weightDecay: mu }), 40).x;
      const c = descend(from(), (m) => value(m.x), sgdw({ learningRate: rate, weightDecay: mu }), 40).x;
      t.close(b, a, 1e-14, "gradient descent: decay in the optimizer against the penalty, 40 steps");
      t.close(c, a, 1e-14, "and decoupled");
      t.greater(a.sub(optimum).square().sum(), 0.01, "squared distance from the minimum without penalty");

      const still = (optimizer: Optimizer): Tensor => {
        const model = { x: f64([2]) };
        optimizer.update(model, { x: f64([0]) });
        return model.x;
      };
      t.close(
        [0.01, 0.1, 1].map((weightDecay) => still(adam({ learningRate: 0.1, weightDecay })).itemSync()),
        1.9,
        1e-6,
        String.raw`no gradient, $\mu$ = 0.01, 0.1, 1: one step of Adam from 2`,
      );
      t.close(
        [0.01, 0.1, 1].map((weightDecay) => still(adamw({ learningRate: 0.1, weightDecay })).itemSync()),
        [1.998, 1.98, 1.8],
        1e-14,
        "of AdamW",
      );
      const keras = { x: f64([1, 2, 3, 4]) };
      adamw({ learningRate: 0.5, weightDecay: 0.004, epsilon: 1e-7 }).update(keras, { x: f64([1, 6, 7, 2]) });
      t.close(keras.x, [0.498, 1.496, 2.494, 3.492], 1e-6, "Keras `adamw_test.py`, one step");
      const on = { weightDecay: 0.3, weightDecayOn: matrices };
      const coupled = smallRun(adam({ learningRate: 0.1, ...on }));
      const decoupled = smallRun(adamw({ learningRate: 0.1, ...on }));
      t.close(
        coupled.weight.flatten(),
        [0.73803115, -0.50879645, 1.4651903, 0.5393381, -0.08709878, -0.18350628],
        1e-6,
        "a layer after six steps of PyTorch's Adam, the weight decaying",
      );
      t.close(coupled.bias, [0.52153796, 2.1661835], 1e-6, "and its bias, which does not");
      t.close(
        decoupled.weight.flatten(),
        [0.68831927, -0.5757145, 1.1712949, 0.5069412, -0.18354876, -0.09857425],
        1e-6,
        "PyTorch's AdamW",
      );
      t.close(decoupled.bias, [0.5157291, 2.16636], 1e-6, "and the bias");

      const steep = (m: { x: Tensor }): Tensor =>
        m.x
          .sub(1)
          .square()
          .mul(f64([0.5, 50]))
          .sum();
      const path = (optimizer: Optimizer, name: string) => {
        const model = { x: f64([0, 0]) };
        const step = compile(() => optimizer.update(model, grad(steep)(model)), { state: [model, optimizer] });
        const points = [[0, 0]];
        for (let k = 0; k < 150; k++) {
          step();
          points.push(numbers(model.x));
        }
        return { name, isPath: true, x: points.map(([u]) => u), y: points.map(([, v]) => v) };
      };
      const common = { learningRate: 0.05, weightDecay: 1 };
      t.plot(
        contour(
          landscape((x) => steep({ x }).log1p(), [-0.1, 1.4], [-0.1, 1.4]),
          {
            points: [path(adam(common), "Adam + penalty"), path(adamw(common), "AdamW")],
            levels: 12,
            width: 520,
            height: 460,
          },
        ),
        String.raw`$\frac12(x-1)^2+50(y-1)^2$ with $\mu=1$. The penalty itself asks for $(\frac12,\frac{100}{101})$, and coupled Adam goes there; AdamW shrinks by the same share of each step in both.`,
      );
    },
  ),
  row(
    "REG-02",
    "What an L2 penalty does along every direction",
    String.raw`H = Q\Lambda Q^\top:\qquad \theta_\mu = Q\,\operatorname{diag}\!\Big(\frac{\lambda_i}{\lambda_i+\mu}\Big)\,Q^\top\theta^*`,
    String.raw`Near a minimum $\theta^*$ a loss is a quadratic. The penalty keeps the directions in which the loss is steep, $\lambda_i\gg\mu$, and forgets those that matter little, $\lambda_i\ll\mu$. Their number $\sum_i\lambda_i/(\lambda_i+\mu)$ counts what is left of the parameters. A trained model is compared with the formula; then the path of minima as $\mu$ grows: along the flat axis first.`,
    async (t) => {
      const eigenvalues = [0.05, 0.5, 1, 3, 8];
      const { axes, hessian, optimum, value } = turnedBowl(eigenvalues, 5);
      const shrunk = (mu: number): Tensor => {
        const factors = f64(eigenvalues.map((l) => l / (l + mu)));
        return axes.matmul(axes.T.matmul(optimum).mul(factors));
      };
      for (const mu of [0.1, 1, 10]) {
        const optimizer = sgd({ learningRate: 1 / (8 + mu), weightDecay: mu });
        const { x } = descend({ x: f64([0, 0, 0, 0, 0]) }, (m) => value(m.x), optimizer, 2400);
        t.close(x, shrunk(mu), 1e-10, String.raw`gradient descent with decay against the formula, $\mu$ = ${mu}`);
      }
      const { values, vectors } = eigh(hessian);
      t.close(values, eigenvalues, 1e-12, String.raw`$\lambda_i$ of the Hessian`);
      const kept = vectors.T.matmul(shrunk(1)).div(vectors.T.matmul(optimum));
      t.close(kept, [1 / 21, 1 / 3, 1 / 2, 3 / 4, 8 / 9], 1e-11, String.raw`what is left of each coordinate, $\mu=1$`);
      const solved = solve(hessian.add(diag(f64([1, 1, 1, 1, 1]))), hessian.matmul(optimum));
      t.close(solved, shrunk(1), 1e-12, String.raw`$(H+\mu I)^{-1}H\theta^*$`);

      const plane = (x: Tensor): Tensor =>
        x
          .sub(f64([1, 1]))
          .square()
          .mul(f64([0.1, 1]))
          .sum();
      const strengths = grid(-3, 2, 60).map((e) => 10 ** e);
      const minima = strengths.map((mu) => [0.2, 2].map((l) => l / (l + mu)));
      t.plot(
        contour(landscape(plane, [-0.2, 1.6], [-0.2, 1.6]), {
          points: [
            {
              name: "minima, μ from 0.001 to 100",
              isPath: true,
              x: minima.map(([u]) => u),
              y: minima.map(([, v]) => v),
            },
          ],
          levels: 14,
          width: 480,
          height: 440,
        }),
        "As the penalty grows, the minimum gives up the flat direction first.",
      );
      const over = grid(-3, 2, 80).map((e) => 10 ** e);
      t.plot(
        lines(
          [0.1, 1, 10].map((mu) => ({ name: `μ = ${mu}`, x: over, y: over.map((l) => l / (l + mu)) })),
          { title: "What is left of a direction", x: { label: "curvature λ", log: true }, y: { domain: [0, 1] } },
        ),
      );
    },
  ),
  row(
    "REG-03",
    "Ridge regression",
    String.raw`\hat w = (X^\top X+\alpha I)^{-1}X^\top y = \arg\min_w\ \|Xw-y\|^2+\alpha\|w\|^2`,
    String.raw`The penalty makes the system solvable where columns nearly repeat each other: displacement, weight and power of cars do. Coefficients are those of scikit-learn's Ridge on the 392 complete cars of vega-datasets (in place of the diabetes data, which no package brings), standardised, with the intercept free; and for the $10\times10$ Hilbert matrix of its example of a regularisation path, whose condition is $10^{13}$. Ridge regression is least squares with rows $\sqrt\alpha I$ added, and spends $\sum\sigma_i^2/(\sigma_i^2+\alpha)$ parameters.`,
    async (t) => {
      const { names, x, y } = await cars();
      const centred = y.sub(y.mean());
      // sklearn.linear_model.Ridge(alpha).fit(X, y), version 1.2
      const sklearn: readonly (readonly [number, readonly number[]])[] = [
        [1, [-0.6714681179401681, -0.10368399097274218, -1.7436988848657635, -4.308147587935392, -0.09271461549185221]],
        [10, [-0.710950466781001, -0.6187857890456326, -1.7549421009493242, -3.7236045637261928, -0.15317074071008996]],
        [
          100,
          [-1.1537242556268088, -1.3173938757475443, -1.532480082091148, -2.314053204869993, -0.015589223278930461],
        ],
        [
          1000,
          [-0.9102831688894013, -0.9535440757613827, -0.9209196657850406, -1.0812116717353597, 0.34822038127030147],
        ],
      ];
      for (const [alpha, expected] of sklearn)
        t.close(ridge(x, centred, alpha), expected, 1e-8, String.raw`scikit-learn, $\alpha$ = ${alpha}`);
      t.close(y.mean(), 23.445918367346938, 1e-12, "its intercept");
      const hilbert = f64(range(10).map((i) => range(10).map((j) => 1 / (1 + i + j))));
      const path = [
        0.6758529255514607, -3.9334534541589465, -1.749643834357926, 0.3016792849656629, 1.7838571044431388,
        2.8074754496909287, 3.5056827347273227, 3.977589642343535, 4.2915615490842525, 4.494264009361984,
      ];
      t.close(
        ridge(hilbert, f64(range(10).map(() => 1)), 1e-3),
        path,
        1e-8,
        String.raw`a Hilbert matrix, $\alpha=10^{-3}$`,
      );

      const objective = (w: Tensor): Tensor => x.matmul(w).sub(centred).square().sum().add(w.square().sum().mul(10));
      t.close(grad(objective)(ridge(x, centred, 10)), 0, 1e-9, "gradient of the objective there");
      const trained = descend(
        { w: f64([0, 0, 0, 0, 0]) },
        (m) => x.matmul(m.w).sub(centred).square().mean().div(2),
        sgd({ learningRate: 0.2, weightDecay: 100 / 392 }),
        2000,
      );
      t.close(trained.w, sklearn[2][1], 1e-8, String.raw`gradient descent with decay $\alpha/m$ arrives at the same`);
      const wide = x.at(":3");
      t.close(
        ridge(wide, centred.at(":3"), 0.5),
        wide.T.matmul(solve(wide.matmul(wide.T).add(diag(f64([0.5, 0.5, 0.5]))), centred.at(":3"))),
        1e-12,
        "three rows, five columns: solved in the space of the rows",
      );
      const squares = numbers(svdvals(x).square());
      const effective = (alpha: number): number => squares.reduce((s, q) => s + q / (q + alpha), 0);
      const hat = x.matmul(ridge(x, diag(f64(range(392).map(() => 1))), 100));
      t.close(
        hat.mul(diag(f64(range(392).map(() => 1)))).sum(),
        effective(100),
        1e-9,
        String.raw`trace of the map from $y$ to the fit, $\alpha=100$`,
      );
      const strengths = grid(-1, 5, 50).map((e) => 10 ** e);
      const coefficients = strengths.map((alpha) => numbers(ridge(x, centred, alpha)));
      t.plot(
        lines(
          names.map((name, j) => ({ name, x: strengths, y: coefficients.map((w) => w[j]) })),
          { title: "Coefficients of standardised columns", x: { label: "α", log: true } },
        ),
        "Weight takes nearly all at first; as the penalty grows, the columns that say the same share it.",
      );
    },
  ),
  row(
    "REG-04",
    "Constraints on norms",
    String.raw`\min_{\theta}\ \ell(\theta)\ \text{ with }\ \|w_k\|\le r \text{ for each unit } k:\qquad \nabla_{w_k}\ell = -\mu_k w_k,\quad \mu_k\,(\|w_k\|-r)=0,\quad \mu_k\ge0`,
    String.raw`After each step the weights that go into a unit are put back into a ball (max-norm). Each unit finds the $\mu_k$ of its own: one that needs long weights pays, another pays nothing. Unlike a penalty the constraint does not pull on short weights, and it holds however large the rate is. Two outputs of linear regression show it exactly; then a network of forty hidden units on noisy labels, trained with and without it.`,
    async (t) => {
      const x = gaussian(1, 60, 2);
      const free = f64([
        [1.5, -1.2],
        [0.3, 0.4],
      ]);
      const y = x.matmul(free.T).add(gaussian(2, 60, 2).mul(0.3));
      const loss = (m: { w: Tensor }): Tensor => x.matmul(m.w.T).sub(y).square().sum().div(120);
      const optimizer = sgd({ learningRate: 0.5, projection: projections.maxNorm(1) });
      const { w } = descend(
        {
          w: f64([
            [0, 0],
            [0, 0],
          ]),
        },
        loss,
        optimizer,
        400,
      );
      const gradient = grad(loss)({ w }).w;
      const norms = numbers(w.square().sum(1).sqrt());
      t.close(norms[0], 1, 1e-12, "the first unit ends on the sphere");
      t.less(norms[1], 1, "the second inside");
      const mu = Math.hypot(...numbers(gradient.at(0)));
      t.close(gradient.at(0), w.at(0).mul(-mu), 1e-12, String.raw`$\nabla_{w_1} = -\mu_1w_1$`);
      t.close(gradient.at(1), 0, 1e-12, String.raw`$\mu_2=0$`);
      t.close(w.at(0), ridge(x, y.at(":", 0), 60 * mu), 1e-10, String.raw`the first is ridge regression with $\mu_1$`);

      const data = gaussian(4, 120, 2).astype("float32");
      const labels = data
        .at(":", 0)
        .mul(data.at(":", 1))
        .add(gaussian(5, 120).astype("float32").mul(0.5))
        .greater(0)
        .astype("int32");
      const net = (projection?: ReturnType<typeof projections.maxNorm>) => {
        manualSeed(1);
        const model = new nn.Sequential([new nn.Linear(2, 40), nn.relu, new nn.Linear(40, 2)]);
        return descend(
          model,
          (m) => nn.crossEntropy(m.forward(data), labels),
          adam({ learningRate: 0.05, projection }),
          300,
        );
      };
      const [loose, held] = [net(), net(projections.maxNorm(1.5))];
      const lengths = (m: typeof loose): Tensor => m.layers[0].weight.square().sum(1).sqrt();
      t.atMost(lengths(held), 1.5 + 1e-6, "norms of forty units under max-norm");
      t.greater(lengths(loose).max(), 2.5, "the longest of the free ones");
      t.close(lengths(held).max(), 1.5, 1e-6, "the longest of the held ones");
      const ends = (m: typeof loose, name: string) => {
        const rows = [0, 1].map((j) => numbers(m.layers[0].weight.at(":", j)));
        return { name, x: rows[0], y: rows[1] };
      };
      const angles = grid(0, 2 * Math.PI, 200);
      const circle = {
        name: "‖w‖ = 1.5",
        isPath: true,
        x: angles.map((a) => 1.5 * Math.cos(a)),
        y: angles.map((a) => 1.5 * Math.sin(a)),
      };
      t.plot(
        scatter([ends(loose, "free"), ends(held, "max-norm"), circle], {
          title: "Weights into forty units",
          width: 520,
          height: 480,
        }),
        "Only units that wanted out lie on the circle.",
      );
    },
  ),
  row(
    "REG-05",
    "Early stopping",
    String.raw`\text{stop after the first epoch } t \text{ with } \min_{s\le t-p} v_s \le \min_{s\le t} v_s + \delta;\qquad \theta \leftarrow \theta_{s^*},\ s^* = \arg\min_s v_s`,
    String.raw`The loss on data that are not trained on falls and then rises. Training waits $p$ epochs (the patience) for a better value, stops, and takes back the weights of the best epoch. On given curves the rule is followed to the epoch: a model whose one number counts epochs says which weights came back. An improvement that is not larger than $\delta$ resets no clock, yet it may still be the best. Then a network of 65 hidden units learns thirty noisy points by heart.`,
    async (t) => {
      const valley = [5, 3, 2, 4, 1, 3, 3, 3, 3];
      const told = async (curve: readonly number[], patience: number, minDelta = 0): Promise<number[]> => {
        const { epochs, best, restored } = await stopOn(curve, patience, minDelta);
        return [epochs, best, restored];
      };
      t.equal(await told(valley, 1), [4, 3, 3], "epochs run, best epoch and epoch restored with patience 1");
      t.equal(await told(valley, 2), [7, 5, 5], "patience 2 sees past the hump");
      t.equal(await told(valley, 9), [9, 5, 5], "patience 9: runs through, and still takes back the best");
      t.equal(
        await told([3, 2.9, 2.8, 2.7, 2.6], 3, 0.25),
        [5, 5, 5],
        String.raw`small steps, $\delta=0.25$: 2.7 is the first far enough below 3`,
      );
      t.equal(await told([3, 2.9, 2.8, 2.7, 2.6], 3, 0.5), [4, 4, 4], String.raw`$\delta=0.5$`);
      t.equal((await stopOn(valley, 2)).reason === "stopped early", true, "it says why it ended");

      manualSeed(3);
      const at = (seed: number, count: number): train.Batch => {
        const x = gaussian(seed, count, 1).mul(1.2);
        return [
          x.astype("float32"),
          x
            .mul(2)
            .sin()
            .add(gaussian(seed + 1, count, 1).mul(0.4))
            .astype("float32"),
        ];
      };
      const [seen, held] = [at(1, 30), at(7, 200)];
      const model = new nn.Sequential([
        new nn.Linear(1, 65),
        nn.tanh,
        new nn.Linear(65, 65),
        nn.tanh,
        new nn.Linear(65, 1),
      ]);
      const options = {
        data: [seen],
        validation: [held],
        loss: nn.mse,
        optimizer: adam({ learningRate: 0.01 }),
        epochs: 400,
      };
      const { history, best } = await train.fit(model, { ...options, restoreBest: true });
      const curve = (name: string): number[] => history.map((r) => Number(r[name]));
      const [training, validation] = [curve("trainLoss"), curve("validationLoss")];
      const least = Math.min(...validation);
      const final = nn.mse(model.forward(held[0]), held[1]);
      t.close(final, least, 1e-6, "validation loss of the weights taken back: the least of all epochs");
      t.less(least, 0.8 * validation[399], "against 0.8 of that after the last epoch");
      t.less(
        training[399],
        0.5 * training[(best?.epoch ?? 1) - 1],
        "training loss at the end against half of that at the best epoch",
      );
      t.show("best epoch", best?.epoch ?? 0);
      const epochs = range(400).map((k) => k + 1);
      t.plot(
        lines(
          [
            { name: "training", x: epochs, y: training },
            { name: "validation", x: epochs, y: validation },
            { name: "taken back", dashed: true, x: [best?.epoch ?? 1, best?.epoch ?? 1], y: [0, 0.6] },
          ],
          { title: "Mean squared error", x: { label: "epoch" }, y: { domain: [0, 0.6] } },
        ),
        "From the dashed line on the network learns noise.",
      );
    },
  ),
  row(
    "REG-06",
    "Early stopping is nearly an L2 penalty",
    String.raw`1-(1-\eta\lambda)^t \ \approx\ \frac{\lambda}{\lambda+\mu}\qquad\text{for } t = \frac1{\eta\mu}`,
    String.raw`Gradient descent from 0 has reached the share $1-(1-\eta\lambda)^t$ of the minimum in a direction of curvature $\lambda$. With $t=1/(\eta\mu)$ and small $\eta\lambda$ that is $1-e^{-\lambda/\mu}$; ridge regression keeps $\lambda/(\lambda+\mu)$. For flat directions both are $\lambda/\mu$, for steep ones 1, and between they never differ by more than 0.2036, at $\lambda\approx2.51\mu$. If all curvatures are equal, some $\mu$ makes the two the same for any $t$.`,
    async (t) => {
      const [rate, mu] = [0.001, 0.5];
      const steps = 1 / (rate * mu); // 2000
      const stopped = (l: number): number => 1 - (1 - rate * l) ** steps;
      const shrunk = (l: number): number => l / (l + mu);
      const flat = grid(0.0005, 0.018, 20);
      t.close(
        flat.map((l) => stopped(l) / shrunk(l)),
        1,
        0.02,
        String.raw`ratio for $\lambda\le0.036\mu$`,
      );
      const eigenvalues = [0.01, 0.2, 0.5, 1.25, 20];
      const { axes, optimum, value } = turnedBowl(eigenvalues, 9);
      const { x } = descend({ x: f64([0, 0, 0, 0, 0]) }, (m) => value(m.x), sgd({ learningRate: rate }), steps);
      const reached = axes.T.matmul(x).div(axes.T.matmul(optimum));
      t.close(
        reached,
        eigenvalues.map(stopped),
        1e-11,
        String.raw`2000 steps of gradient descent: $1-(1-\eta\lambda)^t$`,
      );
      // The distance is stationary where (1 + s)² = eˢ.
      let s = 2.5;
      for (let k = 0; k < 20; k++) s -= (2 * Math.log1p(s) - s) / (2 / (1 + s) - 1);
      const widest = 1 / (1 + s) - Math.exp(-s);
      const everywhere = grid(-3, 3, 4000).map((e) => mu * 10 ** e);
      const tiny = 1e-6;
      const gap = everywhere.map((l) => Math.abs(-Math.expm1(Math.log1p(-tiny * l) / (tiny * mu)) - shrunk(l)));
      t.close(Math.max(...gap), widest, 1e-5, "largest difference of the two shares, over all directions");
      t.close([s, widest], [2.5129, 0.2036], 1e-4, String.raw`at this $\lambda/\mu$, and how large`);

      const ball = gaussian(11, 4);
      const round = (m: { x: Tensor }): Tensor => m.x.sub(ball).square().sum().mul(1.5); // λ = 3
      const left = (1 - 0.05 * 3) ** 12;
      const matched = (3 * left) / (1 - left);
      const early = descend({ x: f64([0, 0, 0, 0]) }, round, sgd({ learningRate: 0.05 }), 12).x;
      t.close(
        early,
        ball.mul(3 / (3 + matched)),
        1e-14,
        String.raw`all curvatures 3: 12 steps are ridge regression with $\mu=\lambda q/(1-q)$, $q=(1-\eta\lambda)^{12}$`,
      );
      const penalised = (m: { x: Tensor }): Tensor => round(m).add(l2Penalty(m, matched, { on: () => true }));
      const [, gradient] = valueAndGrad(penalised)({ x: early });
      t.close(gradient.x, 0, 1e-13, "gradient of the penalised loss there");

      const plane = (v: Tensor): Tensor =>
        v
          .sub(f64([1, 1]))
          .square()
          .mul(f64([0.1, 1]))
          .sum();
      const run = await follow(plane, [0, 0], sgd({ learningRate: 0.05 }), 600);
      const strengths = grid(-2.5, 2.5, 80).map((e) => 10 ** e);
      t.plot(
        contour(landscape(plane, [-0.1, 1.3], [-0.1, 1.3]), {
          points: [
            { name: "gradient descent", isPath: true, x: run.points.map(([u]) => u), y: run.points.map(([, v]) => v) },
            {
              name: "ridge, μ falling",
              isPath: true,
              x: strengths.map((m) => 0.2 / (0.2 + m)).toReversed(),
              y: strengths.map((m) => 2 / (2 + m)).toReversed(),
            },
          ],
          levels: 14,
          width: 480,
          height: 440,
        }),
        "Two ways from 0 to the minimum: alike at both ends, and nowhere far apart.",
      );
      const over = grid(-3, 2, 80).map((e) => 10 ** e);
      t.plot(
        lines(
          [
            { name: "stopped early, 1 - exp(-λ/μ)", x: over, y: over.map((l) => -Math.expm1(-l)) },
            { name: "L2 penalty, λ/(λ + μ)", x: over, y: over.map((l) => l / (l + 1)) },
          ],
          { title: "What is reached of the minimum", x: { label: "λ / μ", log: true }, y: { domain: [0, 1] } },
        ),
      );
    },
  ),
];
