/** REG-10, REG-11 and REG-17: more tasks, more models, and one that teaches another. */
import { arange, compile, evaluate, grad, Module, softmax, stack, type Tensor, vmap } from "typegrad";
import { type Row, row, slowRow } from "typegrad/course";
import { bootstrap } from "typegrad/data";
import { qr, ridge, svdvals } from "typegrad/linalg";
import * as nn from "typegrad/nn";
import { adam, type Optimizer } from "typegrad/optim";
import { lines, scatter } from "typegrad/plot";
import { manualSeed } from "typegrad/random";
import { f64, gaussian, grid, numbers, range } from "./helpers.js";
import { accuracyOf, digitsOf, int32, mean } from "./reg-shared.js";

/** Steps over consecutive batches of rows, again and again, in one compiled step. */
function train<M extends Module>(
  model: M,
  loss: (m: M, ...batch: Tensor[]) => Tensor,
  rows: readonly Tensor[],
  {
    steps,
    batch = 64,
    optimizer = adam({ learningRate: 2e-3 }),
  }: { steps: number; batch?: number; optimizer?: Optimizer },
): M {
  const step = compile((...part: Tensor[]) => optimizer.update(model, grad((m: M) => loss(m, ...part))(model)), {
    state: [model, optimizer],
  });
  const count = rows[0].shape[0] - batch + 1;
  for (let k = 0; k < steps; k++) {
    const from = (k * batch) % count;
    step(...rows.map((x) => x.at(`${from}:${from + batch}`)));
  }
  return model;
}

export const learning: readonly Row[] = [
  row(
    "REG-10",
    "Multi-task learning",
    String.raw`\ell(\theta,\phi_1,\dots,\phi_K) = \sum_k\alpha_k\,\ell_k\big(g_{\phi_k}(f_\theta(x))\big),\qquad \nabla_\theta\ell = \sum_k\alpha_k\nabla_\theta\ell_k`,
    String.raw`One trunk $f_\theta$, a head for each task: every task's gradient teaches the trunk. Twelve linear tasks in 20 inputs, of which only two combinations matter, the same for all. Each has 12 examples: fewer than inputs, so alone none can be solved; together they have enough to find the two combinations. A thirteenth task then learns from five examples, on the trunk as it is. Alone means ridge regression, with the penalty that turns out best on the test.`,
    (t) => {
      const [inputs, shared, tasks, each] = [20, 2, 12, 12];
      const basis = qr(gaussian(1, inputs, shared)).q; // [20, 2]
      const truth = basis.matmul(gaussian(2, shared, tasks + 1).mul(1.5)); // [20, 13]
      const examples = (task: number, seed: number, count: number) => {
        const x = gaussian(seed, count, inputs);
        return { x, y: x.matmul(truth.at(":", task)).add(gaussian(seed + 1, count).mul(0.1)) };
      };
      const data = range(tasks).map((k) => examples(k, 100 + 2 * k, each));
      const names = range(tasks).map((k) => `task ${k + 1}`);
      manualSeed(3);
      const model = nn.cast(
        new nn.MultiTask(
          new nn.Linear(inputs, shared, { bias: false }),
          Object.fromEntries(names.map((name) => [name, new nn.Linear(shared, 1, { bias: false })])),
        ),
        "float64",
      );
      const losses = (m: typeof model) =>
        Object.fromEntries(names.map((name, k) => [name, nn.mse(m.forward(data[k].x, name).squeeze(1), data[k].y)]));
      const three = names.slice(0, 3);
      const some = (m: typeof model) => Object.fromEntries(three.map((name) => [name, losses(m)[name]]));
      const weights = Object.fromEntries(three.map((name, k) => [name, 0.5 + k]));
      const trunkOf = (m: typeof model): Tensor => nn.stateDict(m)["trunk.weight"];
      const joint = trunkOf(grad((m: typeof model) => nn.weightedSum(some(m), weights))(model));
      const separate = three
        .map((name) => trunkOf(grad((m: typeof model) => some(m)[name])(model)).mul(weights[name]))
        .reduce((a, b) => a.add(b));
      t.close(joint, separate, 1e-13, "gradient of a weighted sum against the sum of gradients, in the trunk");

      const optimizer = adam({ learningRate: 0.03 });
      const step = compile(() => optimizer.update(model, grad((m: typeof model) => nn.weightedSum(losses(m)))(model)), {
        state: [model, optimizer],
      });
      for (let k = 0; k < 500; k++) step();
      const together = names.map((name, k) => {
        const test = examples(k, 900 + 2 * k, 200);
        return nn.mse(model.forward(test.x, name).squeeze(1), test.y).itemSync();
      });
      const strengths = [0.01, 0.1, 1, 3, 10];
      const alone = range(tasks).map((k) => {
        const test = examples(k, 900 + 2 * k, 200);
        return Math.min(
          ...strengths.map((a) => nn.mse(test.x.matmul(ridge(data[k].x, data[k].y, a)), test.y).itemSync()),
        );
      });
      t.less(
        mean(together),
        0.1 * mean(alone),
        "mean squared error of twelve tasks together against a tenth of that alone",
      );
      t.less(mean(together), 0.03, "the noise alone makes 0.01");
      const overlap = svdvals(basis.T.matmul(qr(trunkOf(model).T).q));
      t.close(overlap, [1, 1], 0.01, "cosines of the angles between the trunk's two directions and the true plane");

      const few = examples(tasks, 500, 5);
      const test = examples(tasks, 700, 200);
      const features = few.x.matmul(trunkOf(model).T);
      const head = ridge(features, few.y, 0.01);
      const transferred = nn.mse(test.x.matmul(trunkOf(model).T).matmul(head), test.y).itemSync();
      const scratch = Math.min(
        ...strengths.map((a) => nn.mse(test.x.matmul(ridge(few.x, few.y, a)), test.y).itemSync()),
      );
      t.less(
        transferred,
        0.2 * scratch,
        "a new task from five examples: error on the trunk against a fifth of that from scratch",
      );
      t.show("errors of the new task", `${transferred.toFixed(4)} on the trunk, ${scratch.toFixed(4)} from scratch`);
      const places = range(tasks).map((k) => k + 1);
      t.plot(
        scatter(
          [
            { name: "alone", x: places, y: alone },
            { name: "together", x: places, y: together },
          ],
          { title: "Test error of each task", x: { label: "task" }, y: { log: true, label: "mean squared error" } },
        ),
      );
    },
  ),
  row(
    "REG-11",
    "Bagging: bootstrap samples and averaged predictions",
    String.raw`\Pr[i\text{ is drawn}] = 1-\Big(1-\frac1N\Big)^N \to 1-\frac1e,\qquad (\bar f-y)^2 = \overline{(f_k-y)^2}-\overline{(f_k-\bar f)^2}`,
    String.raw`Every model trains on $N$ examples drawn with replacement: 63.2 % of all, some of them several times. The squared error of the average is the average error less the spread of the predictions around it, exactly (Krogh and Vedelsby 1995): models that err in different ways make a better one. The log loss of averaged probabilities is never above the average log loss, for the logarithm is concave.

Twelve networks of 196, 24, 10 units learn 600 digits side by side, stacked into one; the examples that a network did not see test it for nothing.`,
    async (t) => {
      const words = range(4 ** 4).map((code) => new Set(range(4).map((i) => Math.floor(code / 4 ** i) % 4)).size / 4);
      t.close(mean(words), 1 - 0.75 ** 4, 1e-14, "share drawn, all 256 samples of four");
      t.close(1 - (1 - 1e-4) ** 1e4, 1 - 1 / Math.E, 2e-5, String.raw`$N=10^4$ against $1-1/e$`);
      const shares = range(200).map((stream) => new Set(bootstrap(1000, { stream })).size / 1000);
      t.close(mean(shares), 1 - 0.999 ** 1000, 3e-3, "200 samples of 1000");

      const [seen, unseen] = [await digitsOf("train", 600), await digitsOf("test", 1000)];
      const [x, held] = [seen.x.flatten(1), unseen.x.flatten(1)];
      const members = 12;
      const samples = range(members).map((stream) => bootstrap(600, { seed: 7, stream }));
      const drawn = stack(samples.map((s) => int32([...s]))); // [12, 600]
      manualSeed(11);
      const single = range(members).map(
        () => new nn.Sequential([new nn.Linear(196, 24), nn.relu, new nn.Linear(24, 10)]),
      );
      const stacked = nn.stackModels(single);
      const optimizer = adam({ learningRate: 0.02 });
      const loss = (m: typeof stacked, at: Tensor): Tensor => nn.crossEntropy(m.forward(x.take(at)), seen.y.take(at));
      const step = compile(
        (at: Tensor) => {
          optimizer.update(
            stacked,
            vmap((m: typeof stacked, rows: Tensor) => grad((v: typeof m) => loss(v, rows))(m))(stacked, at),
          );
        },
        { state: [stacked, optimizer] },
      );
      // Six batches of a hundred, fifteen times.
      for (let k = 0; k < 90; k++) step(drawn.at(":", `${(k % 6) * 100}:${(k % 6) * 100 + 100}`));
      const models = nn.unstackModels(stacked, members);
      const ensemble = new nn.Ensemble(models);
      const logits = ensemble.each(held); // [12, 1000, 10]
      const average = ensemble.forward(held); // [1000, 10]
      evaluate(logits, average);
      const accuracies = numbers(logits.argmax(2).equal(unseen.y).astype("float32").mean(1));
      const joined = accuracyOf(average, unseen.y);
      t.greater(joined, mean(accuracies) + 0.02, "accuracy of the ensemble against the mean of its members, plus 0.02");
      t.greater(joined, Math.max(...accuracies), "and against the best of them");
      t.less(
        nn.crossEntropy(average, unseen.y),
        nn.crossEntropy(logits.flatten(0, 1), unseen.y.broadcastTo([members, 1000]).flatten()),
        "log loss of the average against the average log loss",
      );
      const p = softmax(logits.astype("float64"), 2);
      const target = arange(10).equal(unseen.y.expandDims(1)).astype("float64");
      const centre = p.mean(0);
      t.close(
        centre.sub(target).square().mean(),
        p.sub(target).square().mean().sub(p.sub(centre).square().mean()),
        1e-14,
        "squared error of the average: mean error less spread",
      );
      t.close(softmax(average, 1), centre, 1e-5, "the ensemble's probabilities");
      const hits = ensemble.each(x).argmax(2).equal(seen.y).astype("float32"); // [12, 600]
      const unused = stack(samples.map((s) => int32(range(600).map((i) => (s.includes(i) ? 0 : 1))))).astype("float32");
      const leftOut = hits.mul(unused).sum(1).div(unused.sum(1));
      t.close(leftOut.mean(), mean(accuracies), 0.04, "accuracy on the examples left out against that on the test");
      const sizes = range(members).map((k) => k + 1);
      const firsts = p.cumsum(0).argmax(2).equal(unseen.y).astype("float32").mean(1);
      t.plot(
        lines(
          [
            { name: "average of so many", x: sizes, y: numbers(firsts) },
            { name: "mean of one", x: [1, members], y: [mean(accuracies), mean(accuracies)], dashed: true },
          ],
          { title: "Accuracy on 1000 digits", x: { label: "networks" }, y: { format: ".0%" } },
        ),
      );
    },
  ),
  slowRow(
    "REG-17",
    "Knowledge distillation",
    String.raw`T^2\,\mathrm{KL}\Big(\operatorname{softmax}\frac vT\,\Big\|\,\operatorname{softmax}\frac zT\Big),\qquad \frac{\partial}{\partial z_i}\ \xrightarrow{T\to\infty}\ \frac{z_i-v_i}C`,
    String.raw`A teacher's probabilities say which wrong answers are nearly right; at a higher temperature $T$ the student sees more of that. For large $T$ and logits of mean 0 it is regression on the logits: with the factor $T^2$ the gradient is $(z-v)/C$ for $C$ classes, without it $(z-v)/(CT^2)$. Hinton, Vinyals and Dean (2015) on MNIST: the student makes 146 errors by itself, 74 distilled, the teacher 67, of 10,000. Here, with the 10,000 digits of the package: a small convolutional teacher on 8000, students of 196, 64, 10 units on 2000 of them.

The last students never saw a 3. Distilled, one knows threes from what the teacher said of other digits; once the bias of that class is raised, as in the paper, it gets most of them right.`,
    async (t) => {
      const [z, v] = [f64([[0.4, -1.1, 0.2, 0.5]]), f64([[1.3, -0.3, -1.6, 0.6]])];
      const limit = grad((s: Tensor) => nn.distillation(s, v, { temperature: 1e6 }))(z);
      t.close(limit.mul(4), z.sub(v), 1e-5, String.raw`gradient for $T=10^6$, times the classes`);
      const plain = grad((s: Tensor) => nn.distillation(s, v, { temperature: 1e6 }).div(1e12))(z);
      t.close(plain.mul(4e12), z.sub(v), 1e-5, String.raw`without $T^2$, times $CT^2$`);
      const at = grad((s: Tensor) => nn.distillation(s, v, { temperature: 3 }))(z);
      t.close(
        at,
        softmax(z.div(3))
          .sub(softmax(v.div(3)))
          .mul(3),
        1e-14,
        String.raw`for $T=3$: $T(p-q)$`,
      );

      const [seen, unseen] = [await digitsOf("train", 8000), await digitsOf("test", 2000)];
      manualSeed(0);
      const teacher = new nn.Sequential([
        new nn.Conv2d(1, 16, 3, { padding: 1 }), // [N, 16, 14, 14]
        nn.relu,
        new nn.MaxPool2d(2),
        new nn.Conv2d(16, 32, 3, { padding: 1 }), // [N, 32, 7, 7]
        nn.relu,
        new nn.MaxPool2d(2),
        new nn.Flatten(), // [N, 288]
        new nn.Dropout(0.3),
        new nn.Linear(288, 64),
        nn.relu,
        new nn.Linear(64, 10),
      ]);
      train(teacher, (m, x, y) => nn.crossEntropy(m.forward(x), y), [seen.x, seen.y], { steps: 1200 });
      teacher.eval();
      type Student = ReturnType<typeof fresh>;
      const fresh = () => {
        manualSeed(5);
        return new nn.Sequential([new nn.Flatten(), new nn.Linear(196, 64), nn.relu, new nn.Linear(64, 10)]);
      };
      const [x, y] = [seen.x.at(":2000"), seen.y.at(":2000")];
      const soft = teacher.forward(x);
      const hard = (m: Student, a: Tensor, b: Tensor): Tensor => nn.crossEntropy(m.forward(a), b);
      const distilled = (m: Student, a: Tensor, b: Tensor): Tensor =>
        nn.distillation(m.forward(a), b, { temperature: 4 });
      const errors = (m: { forward(x: Tensor): Tensor }): number =>
        Math.round(2000 * (1 - accuracyOf(m.forward(unseen.x), unseen.y)));
      const [own, taught] = [
        train(fresh(), hard, [x, y], { steps: 3000 }),
        train(fresh(), distilled, [x, soft], { steps: 3000 }),
      ];
      const [a, b, c] = [errors(own), errors(taught), errors(teacher)];
      t.less(b, 0.9 * a, "errors of the distilled student of 2000, against 0.9 of those of one taught by labels");
      t.less(c, b, "the teacher's");
      t.show("errors of 2000: by labels, distilled, teacher", `${a}, ${b}, ${c}`);

      const rest = int32(numbers(y).flatMap((label, i) => (label === 3 ? [] : [i])));
      const [withoutThrees, blind] = [
        train(fresh(), distilled, [x.take(rest), soft.take(rest)], { steps: 3000 }),
        train(fresh(), hard, [x.take(rest), y.take(rest)], { steps: 3000 }),
      ];
      const threes = unseen.y.equal(3).astype("float32");
      const found = (m: Student, raise = 0): number => {
        const logits = m.forward(unseen.x).add(arange(10).equal(3).astype("float32").mul(raise));
        return logits.argmax(1).equal(3).astype("float32").mul(threes).sum().div(threes.sum()).itemSync();
      };
      t.close(found(blind), 0, 0, "threes known by a student that never saw one, taught by labels");
      t.greater(found(withoutThrees), 0.25, "distilled");
      t.greater(found(withoutThrees, 4), 0.7, "distilled, the bias of 3 raised by 4");
      const raises = grid(0, 6, 25);
      t.plot(
        lines(
          [
            { name: "threes found, distilled", x: raises, y: raises.map((r) => found(withoutThrees, r)) },
            { name: "taught by labels", x: raises, y: raises.map((r) => found(blind, r)) },
          ],
          {
            title: "Students that never saw a 3",
            x: { label: "added to the bias of 3" },
            y: { format: ".0%", domain: [0, 1] },
          },
        ),
      );
    },
  ),
];
