/** REG-09, REG-18 and REG-19: what data says without labels. */
import { compile, concatenate, grad, Module, ones, random, stack, type Tensor, tensor, valueAndGrad } from "typegrad";
import { type Row, row, slowRow } from "typegrad/course";
import { pretext } from "typegrad/data";
import { fitMixture, kl, MultivariateNormal, Normal } from "typegrad/distributions";
import { diag, eigh, qr, solve, svdvals } from "typegrad/linalg";
import { PredictiveCoding } from "typegrad/models";
import * as nn from "typegrad/nn";
import { adam, schedules } from "typegrad/optim";
import { imageGrid, lines, type Picture, scatter } from "typegrad/plot";
import { manualSeed } from "typegrad/random";
import { linearProbe } from "typegrad/train";
import { f64, gaussian, numbers, range } from "./helpers.js";
import { accuracyOf, digitsOf, int32, mean } from "./reg-shared.js";

/** A linear rule between two normal classes of one covariance: exactly how often it is wrong. */
function errorOfRule(w: Tensor, bias: Tensor, centre: Tensor, covariance: Tensor): Tensor {
  const spread = w.mul(covariance.matmul(w)).sum().sqrt();
  const beyond = (side: number): Tensor => w.mul(centre.mul(side)).sum().add(bias).mul(-side).div(spread);
  const standard = new Normal(f64(0), f64(1));
  return standard
    .cdf(beyond(1))
    .add(standard.cdf(beyond(-1)))
    .div(2);
}

/** Two normal classes around ±centre: what a fit of both makes of them with few labels and some rows without. */
async function twoClasses(seed: number, labelled: number, others: number) {
  const centre = f64([1.2, 0.6]);
  const root = f64([
    [1.4, 0],
    [-0.9, 0.7],
  ]);
  const covariance = root.matmul(root.T);
  const total = labelled + others;
  const sides = range(total).map((i) => (i % 2 ? 1 : -1));
  const noise = gaussian(seed, 400, 2).at(`:${total}`).matmul(root.T);
  const x = noise.add(f64(sides).expandDims(1).mul(centre));
  const labels = int32(sides.map((side, i) => (i >= labelled ? -1 : side > 0 ? 1 : 0)));
  const fit = await fitMixture(x, { components: 2, labels, covariance: "tied", regularisation: 0 });
  const [m0, m1] = [fit.means.at(0), fit.means.at(1)];
  const w = solve(fit.covariances.at(0), m1.sub(m0));
  const odds = fit.weights.at(1).div(fit.weights.at(0)).log();
  const bias = m0.add(m1).mul(w).sum().div(-2).add(odds);
  const bayes = errorOfRule(solve(covariance, centre), f64(0), centre, covariance).itemSync();
  return { x, fit, error: errorOfRule(w, bias, centre, covariance).itemSync(), bayes };
}

/** Encoder of patches of 8 × 8 pixels, and what it says of two of them: eight places. */
class PatchPlaces extends Module {
  readonly encoder = new nn.Sequential([
    new nn.Conv2d(1, 16, 3, { padding: 1 }), // [N, 16, 8, 8]
    nn.relu,
    new nn.MaxPool2d(2),
    new nn.Conv2d(16, 32, 3, { padding: 1 }), // [N, 32, 4, 4]
    nn.relu,
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(128, 64),
    nn.relu,
  ]);
  readonly head = new nn.Sequential([new nn.Linear(128, 64), nn.relu, new nn.Linear(64, 8)]);
  /** Two patches `[N, 1, 8, 8]` to `[N, 8]`. */
  forward(centre: Tensor, neighbour: Tensor): Tensor {
    const both = this.encoder.forward(concatenate([centre, neighbour]));
    const n = centre.shape[0];
    return this.head.forward(concatenate([both.at(`:${n}`), both.at(`${n}:`)], 1));
  }
  /** The codes of all nine patches of pictures, `[N, 576]`. */
  features(images: Tensor): Tensor {
    const parts = pretext.patches(images, { size: 8, gap: 2 });
    const n = images.shape[0];
    return this.encoder.forward(parts.reshape([n * 9, 1, 8, 8])).reshape([n, 576]);
  }
}

/** `[…, d]` with the squares behind: what the logarithm of a normal density is linear in. */
const withSquares = (x: Tensor): Tensor => concatenate([x, x.square()], -1);

/** Contexts `[N, T, out]` of codes `[N, T, in]`: each of its own and the one before. */
class TwoBack extends Module {
  readonly join: nn.Linear;
  constructor(size: number, out: number) {
    super();
    this.join = new nn.Linear(2 * size, out);
  }
  forward(codes: Tensor): Tensor {
    const before = codes
      .pad([
        [0, 0],
        [1, 0],
        [0, 0],
      ])
      .at(":", ":-1");
    return this.join.forward(concatenate([codes, before], 2));
  }
}

export const unlabelled: readonly Row[] = [
  row(
    "REG-09",
    "Semi-supervised learning: a generative loss beside the labels",
    String.raw`\max_\theta\ \sum_{\text{labelled}}\log p_\theta(x,y)+\lambda\sum_{\text{others}}\log\sum_y p_\theta(x,y)`,
    String.raw`Examples without labels say where the classes are; a few labels say which is which. EM takes turns: the classes of the unlabelled examples, as probabilities, and the best parameters for them; labelled ones keep their class. The objective never falls. Two overlapping normal classes with three labels each: from the labels alone the rule is wrong much more often than need be, and with 300 further examples nearly as good as one that knows the distributions. How often a linear rule is wrong is known exactly. Twenty further examples may do harm: the likelihood of few points has maxima that are not the classes.

Then digits: ten labels in all, one of each class, and 1490 pictures without. Compared with the nearest labelled picture, the same twelve principal components, on 1000 others.`,
    async (t) => {
      const sizes = [0, 20, 60, 300];
      const trials = await Promise.all(
        sizes.map((others) => Promise.all(range(6).map((seed) => twoClasses(seed, 6, others)))),
      );
      const errors = trials.map((runs) => mean(runs.map((run) => run.error)));
      const { bayes, fit, x } = trials[3][0];
      const distance = Math.hypot(
        ...numbers(
          solve(
            f64([
              [1.4, 0],
              [-0.9, 0.7],
            ]),
            f64([1.2, 0.6]),
          ),
        ),
      );
      t.close(
        bayes,
        new Normal(f64(0), f64(1)).cdf(f64(-distance)),
        1e-12,
        String.raw`best possible error: $\Phi(-\|\Sigma^{-1/2}\mu\|)$`,
      );
      t.less(errors[3], 0.5 * errors[0], "mean error with 300 unlabelled examples against half of that without");
      t.close(errors[3], bayes, 0.015, "and against the best possible");
      t.atLeast(errors[0], bayes, "no rule is better");
      const climbs = trials
        .flat()
        .flatMap((run) => run.fit.logLikelihoods.slice(1).map((v, i) => v - run.fit.logLikelihoods[i]));
      t.greater(climbs, -1e-12, "growth of the objective in every iteration of 24 runs");
      t.close(fit.responsibilities.at(":6", 1), [0, 1, 0, 1, 0, 1], 0, "labelled examples keep their class");
      const guessed = numbers(fit.responsibilities.at(":", 1));
      const cloud = (name: string, wanted: (i: number) => boolean) => {
        const rows = numbers(x.flatten());
        const chosen = range(306).filter(wanted);
        return { name, x: chosen.map((i) => rows[2 * i]), y: chosen.map((i) => rows[2 * i + 1]) };
      };
      t.plot(
        scatter(
          [
            cloud("taken for class 0", (i) => i >= 6 && guessed[i] < 0.5),
            cloud("taken for class 1", (i) => i >= 6 && guessed[i] >= 0.5),
            cloud("labelled 0", (i) => i < 6 && i % 2 === 0),
            cloud("labelled 1", (i) => i < 6 && i % 2 === 1),
          ],
          { title: "Six labels, 300 further examples", width: 520, height: 440 },
        ),
      );
      t.plot(
        lines(
          [
            { name: "mean error of 6 runs", x: sizes, y: errors },
            { name: "best possible", x: [0, 300], y: [bayes, bayes], dashed: true },
          ],
          { title: "Error with six labels", x: { label: "further examples without a label" }, y: { format: ".0%" } },
        ),
      );

      const [seen, unseen] = [await digitsOf("train", 1500), await digitsOf("test", 1000)];
      const pixels = (x: Tensor): Tensor => x.flatten(1).astype("float64");
      const flat = pixels(seen.x);
      const middle = flat.mean(0);
      const centred = flat.sub(middle);
      const axes = eigh(centred.T.matmul(centred)).vectors.at(":", "184:"); // the last twelve of 196
      const [codes, others] = [centred.matmul(axes), pixels(unseen.x).sub(middle).matmul(axes)];
      const classes = numbers(seen.y);
      const results: { nearest: number; mixture: number }[] = [];
      for (const nth of range(2)) {
        const chosen = range(10).map((c) => classes.flatMap((v, i) => (v === c ? [i] : []))[nth]);
        const labels = int32(classes.map((c, i) => (chosen.includes(i) ? c : -1)));
        const mixture = await fitMixture(codes, { components: 10, labels, regularisation: 0.2, maxIterations: 40 });
        const logs = new MultivariateNormal(mixture.means, { covarianceMatrix: mixture.covariances })
          .logProb(others.expandDims(1))
          .add(mixture.weights.log());
        const distances = others
          .expandDims(1)
          .sub(codes.take(int32(chosen)))
          .square()
          .sum(2);
        results.push({ nearest: accuracyOf(distances.neg(), unseen.y), mixture: accuracyOf(logs, unseen.y) });
      }
      const [nearest, mixture] = [mean(results.map((r) => r.nearest)), mean(results.map((r) => r.mixture))];
      t.greater(
        mixture,
        nearest + 0.03,
        "digits with ten labels: accuracy of the mixture against the nearest labelled, plus 0.03",
      );
      t.show(
        "accuracy of the mixture and of the nearest labelled picture",
        `${mixture.toFixed(3)} and ${nearest.toFixed(3)}`,
      );
    },
  ),
  slowRow(
    "REG-18",
    "Self-supervised pretext tasks",
    String.raw`\min_{\theta,\phi}\ \mathbb E\,\ell\big(g_\phi(f_\theta(x_{\text{patch}}),f_\theta(x_{\text{neighbour}})),\ \text{where it lies}\big),\qquad \text{then a linear probe on } f_\theta`,
    String.raw`Pictures label themselves: in which of eight places a patch lies beside another (Doersch et al. 2015), by how many quarters a picture is turned, in which order the pieces of a puzzle or the frames of a sequence are, which colours a grey picture had. Every task's labels are checked by undoing what was done. A network then learns the places of patches on 4000 digits without labels; gaps keep lines that run on from giving the answer away. Its code, frozen, and a linear model on 50, 100 or 300 labelled digits, against the same network before it learnt.`,
    async (t) => {
      const [seen, unseen] = [await digitsOf("train", 4000, true), await digitsOf("test", 1000, true)];
      const few = seen.x.at(":8");
      const turned = pretext.rotations(few);
      const back = numbers(turned.labels).map((k, i) =>
        pretext
          .rotate90(turned.images.at([i]), -k)
          .sub(few.at([i % 8]))
          .abs()
          .max()
          .itemSync(),
      );
      t.close(back, 0, 0, "rotations turned back");
      const orders = pretext.permutationSet(20);
      const puzzle = pretext.jigsaw(few, random.key(1), orders, { size: 8, gap: 2 });
      const pieces = pretext.patches(few, { size: 8, gap: 2 });
      const right = numbers(puzzle.labels).map((label, i) =>
        puzzle.pieces
          .at(i)
          .sub(pieces.at(i).take(int32(orders[label])))
          .abs()
          .max()
          .itemSync(),
      );
      t.close(right, 0, 0, "puzzles put together");
      const shuffled = pretext.ordering(few.squeeze(1), random.key(2));
      const same = shuffled.sequences.sub(few.squeeze(1)).abs().max([1, 2]).equal(0);
      t.close(same.astype("int32"), shuffled.labels, 0, "rows in order exactly where the label says so");
      const rgb = random.uniform(random.key(3), [2, 3, 4, 4], { dtype: "float64" });
      const { lightness, colors } = pretext.colorization(concatenate([rgb, ones([1, 3, 4, 4], { dtype: "float64" })]));
      t.close(lightness.at(2), 1, 1e-12, "the lightness of white");
      t.close(colors.at(2), 0, 1e-12, "and its colour");

      manualSeed(0);
      const model = new PatchPlaces();
      const cut = { size: 8, gap: 2 };
      const probes = async (): Promise<number[]> => {
        const test = model.features(unseen.x);
        const accuracies: number[] = [];
        for (const count of [50, 100, 300]) {
          const probe = await linearProbe(model.features(seen.x.at(`:${count}`)), seen.y.at(`:${count}`), {
            classes: 10,
            l2: 0.01,
          });
          accuracies.push(accuracyOf(probe.forward(test), unseen.y));
        }
        return accuracies;
      };
      const before = await probes();
      const optimizer = adam({ learningRate: 2e-3 });
      const step = compile(
        (x: Tensor, key: random.Key) => {
          const { centre, neighbour, labels } = pretext.relativePatches(x, key, cut);
          const [loss, gradient] = valueAndGrad((m: PatchPlaces) =>
            nn.crossEntropy(m.forward(centre, neighbour), labels),
          )(model);
          optimizer.update(model, gradient);
          return loss;
        },
        { state: [model, optimizer] },
      );
      const losses = range(600).map((k) => {
        const from = (k * 128) % 3872;
        return step(seen.x.at(`${from}:${from + 128}`), random.key(k)).itemSync();
      });
      const after = await probes();
      const { centre, neighbour, labels } = pretext.relativePatches(unseen.x, random.key(9), cut);
      const logits = model.forward(centre, neighbour);
      t.greater(accuracyOf(logits, labels), 0.4, "accuracy on other digits' patches (chance: one in eight)");
      t.close(mean(losses.slice(0, 3)), Math.log(8), 0.1, String.raw`first losses against $\log 8$`);
      t.greater(
        after,
        before.map((v) => v + 0.05),
        "probe on 50, 100, 300 labels against the network before, plus 0.05",
      );
      t.show("probe before", before.map((v) => v.toFixed(3)).join(", "));
      t.show("probe after", after.map((v) => v.toFixed(3)).join(", "));
      const names = ["above left", "above", "above right", "left", "right", "below left", "below", "below right"];
      const [truth, guess] = [numbers(labels), numbers(logits.argmax(1))];
      const picture = (patch: Tensor): Picture => {
        const pixels = Uint8Array.from(patch.flatten().dataSync(), (v) => Math.round(255 * Number(v)));
        return { width: 8, height: 8, channels: 1, pixels };
      };
      // Two for each picture; neighbours that are empty show nothing.
      const drawn = numbers(neighbour.sum([1, 2, 3]));
      const shown = range(1000)
        .filter((i) => drawn[i] > 8)
        .slice(0, 8);
      t.plot(
        imageGrid(
          shown.flatMap((i) => [
            { picture: picture(centre.at(i)), caption: truth[i] === guess[i] ? "" : `not ${names[guess[i]]}:` },
            { picture: picture(neighbour.at(i)), caption: names[truth[i]] },
          ]),
          { title: "Patches, and where the second lies", columns: 4, side: 100 },
        ),
        "Where the network was wrong, its answer stands under the first.",
      );
      t.plot(
        lines(
          [
            { name: "places of patches learnt", x: [50, 100, 300], y: after },
            { name: "before", x: [50, 100, 300], y: before },
          ],
          { title: "Linear probe on 1000 digits", x: { label: "labelled digits" }, y: { format: ".0%" } },
        ),
      );
    },
  ),
  row(
    "REG-19",
    "Contrastive predictive coding: InfoNCE",
    String.raw`\mathcal L_N = -\mathbb E\log\frac{e^{s(x,y)}}{\sum_{j=1}^N e^{s(x,y_j)}},\qquad I(x;y)\ \ge\ \log N-\mathcal L_N,\qquad s^*(x,y) = \log\frac{p(y\mid x)}{p(y)}`,
    String.raw`To tell which of $N$ keys belongs to a query takes the density ratio, and how well it can be told bounds the information they share; no bound exceeds $\log N$. For 20 pairs of normal numbers with correlation $\frac12$ the information is $-10\log\frac34=2.877$ nats. The best score has $\frac{\rho}{1-\rho^2}x^\top y$ and a term in $\|y\|^2$: bilinear once the key has its squares beside it. It is learnt from draws.

Then predictive coding on sequences: two slow signals (each keeps 0.95 of itself) mixed with ten of louder noise. Two principal components see noise only. A linear code that has to tell which sequence a later code belongs to finds the plane of the slow signals, and $\log N-\mathcal L$ comes close to their information $-\log(1-0.95^{2k})$, $k$ steps ahead.`,
    (t) => {
      const [d, rho] = [20, 0.5];
      const information = (-d / 2) * Math.log(1 - rho ** 2);
      const pair = (key: random.Key, n: number) => {
        const [a, b] = random.split(key);
        const x = random.normal(a, [n, d]);
        return { x, y: x.mul(rho).add(random.normal(b, [n, d]).mul(Math.sqrt(1 - rho ** 2))) };
      };
      const one = f64([
        [1, rho],
        [rho, 1],
      ]);
      const joint = new MultivariateNormal(f64([0, 0]), { covarianceMatrix: one });
      const apart = new MultivariateNormal(f64([0, 0]), { covarianceMatrix: diag(f64([1, 1])) });
      t.close(
        kl(joint, apart).mul(d),
        information,
        1e-12,
        String.raw`$\mathrm{KL}(p(x,y)\|p(x)p(y))$ against $-\frac d2\log(1-\rho^2)$`,
      );
      t.close(information, 2.877, 5e-4, "nats");

      const best = (x: Tensor, y: Tensor): Tensor =>
        x
          .matmul(y.T)
          .mul(rho)
          .sub(
            y
              .square()
              .sum(1)
              .mul(rho ** 2 / 2),
          )
          .div(1 - rho ** 2);
      const bound = (scores: Tensor): Tensor => nn.infoNce(scores).neg().add(Math.log(scores.shape[0]));
      const exact = (n: number, rounds: number): number => {
        const f = compile((key: random.Key) => {
          const { x, y } = pair(key, n);
          return bound(best(x, y));
        });
        return mean(range(rounds).map((k) => f(random.key(5000 + k)).itemSync()));
      };
      const counts = [4, 16, 64, 512, 2048];
      const bounds = counts.map((n) => exact(n, Math.ceil(4096 / n)));
      t.less(
        bounds,
        counts.map((n) => Math.min(Math.log(n), information + 0.03)),
        String.raw`bounds of the best score: below $\log N$ and $I$ (and 0.03 for 4096 draws)`,
      );
      t.close(bounds[4], information, 0.06, "with 2048 keys");

      const model = {
        w: tensor([0])
          .broadcastTo([d + 1, 2 * d])
          .mul(1),
      };
      const score = (m: typeof model, x: Tensor, y: Tensor): Tensor =>
        concatenate([x, ones([x.shape[0], 1])], 1)
          .matmul(m.w)
          .matmul(withSquares(y).T);
      const optimizer = adam({ learningRate: schedules.cosine({ start: 0.03, steps: 300 }) });
      const step = compile(
        (key: random.Key) => {
          const { x, y } = pair(key, 192);
          optimizer.update(model, grad((m: typeof model) => nn.infoNce(score(m, x, y)))(model));
        },
        { state: [model, optimizer] },
      );
      for (let k = 0; k < 300; k++) step(random.key(k));
      const learnt = compile((key: random.Key) => {
        const { x, y } = pair(key, 512);
        return bound(score(model, x, y));
      });
      const estimate = mean(range(8).map((k) => learnt(random.key(5000 + k)).itemSync()));
      t.close(estimate, bounds[3], 0.08, "bound of the learnt score against that of the best, 512 keys");
      t.close(
        numbers(diag(model.w.at(":-1", `:${d}`))).reduce((a, b) => a + b) / d,
        2 / 3,
        0.05,
        String.raw`its bilinear part: $\rho/(1-\rho^2)$ on the diagonal`,
      );
      t.plot(
        lines(
          [
            { name: "log N - L, best score", x: counts, y: bounds },
            { name: "log N", x: counts, y: counts.map(Math.log), dashed: true },
            { name: "I = 2.877", x: [4, 2048], y: [information, information], dashed: true },
          ],
          { title: "What InfoNCE can tell", x: { label: "keys N", log: true }, y: { label: "nats" } },
        ),
      );

      const [slow, noise, keep, length] = [2, 10, 0.95, 6];
      const mixing = qr(gaussian(3, slow + noise, slow + noise)).q.astype("float32");
      const sequences = (key: random.Key, n: number): Tensor => {
        const [a, b] = random.split(key);
        const draws = random.normal(a, [length, n, slow]);
        const states = [draws.at(0)];
        for (let s = 1; s < length; s++)
          states.push(states[s - 1].mul(keep).add(draws.at(s).mul(Math.sqrt(1 - keep ** 2))));
        const loud = random.normal(b, [n, length, noise]).mul(3);
        return concatenate([stack(states, 1), loud], 2).matmul(mixing.T);
      };
      manualSeed(4);
      const code = new nn.Linear(slow + noise, slow, { bias: false });
      const cpc = new PredictiveCoding({
        encoder: new nn.Sequential([code, withSquares]),
        context: new TwoBack(2 * slow, 8),
        codeSize: 2 * slow,
        contextSize: 8,
        steps: 2,
      });
      const cpcOptimizer = adam({ learningRate: 0.02 });
      const learn = compile(
        (key: random.Key) => {
          const x = sequences(key, 64);
          cpcOptimizer.update(cpc, grad((m: typeof cpc) => m.loss(x))(cpc));
        },
        { state: [cpc, cpcOptimizer] },
      );
      for (let k = 0; k < 600; k++) learn(random.key(k));
      const plane = mixing.at(":", ":2"); // the directions of the slow signals
      const angles = (directions: Tensor): Tensor => svdvals(plane.T.matmul(qr(directions).q));
      t.greater(angles(code.weight.T), 0.97, "cosines of the angles between the code's plane and the slow one");
      const sample = sequences(random.key(77), 400).reshape([-1, slow + noise]);
      const principal = eigh(sample.T.matmul(sample)).vectors.at(":", "-2:");
      t.less(angles(principal), 0.3, "of two principal components");
      const found = cpc.losses(sequences(random.key(99), 400)).map((l) => Math.log(400) - l.itemSync());
      const shared = [1, 2].map((k) => -Math.log(1 - keep ** (2 * k)));
      t.less(
        found,
        shared.map((v) => v + 0.05),
        String.raw`$\log N-\mathcal L$ one and two steps ahead: not above the information (and 0.05)`,
      );
      t.greater(
        found,
        shared.map((v) => 0.85 * v),
        "and at least 85 % of it",
      );
      t.show(
        "information and what was found",
        `${shared.map((v) => v.toFixed(3)).join(", ")} and ${found.map((v) => v.toFixed(3)).join(", ")}`,
      );
    },
  ),
];
