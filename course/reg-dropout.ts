/** REG-12 to REG-14: dropout, as noise, as an ensemble, and as scaled weights. */
import { arange, compile, grad, logSumExp, random, softmax, stack, type Tensor, vmap } from "typegrad";
import { type Row, row } from "typegrad/course";
import { ridge, solve } from "typegrad/linalg";
import * as nn from "typegrad/nn";
import { adam } from "typegrad/optim";
import { imageGrid, lines, type Picture, scatter } from "typegrad/plot";
import { manualSeed } from "typegrad/random";
import { f64, gaussian, grid, numbers, range, uniform } from "./helpers.js";
import * as onnx from "./reg-onnx.js";

/** All masks of m units `[2^m, m]`, and the probability of each `[2^m]` when a unit is kept with that of `keep`. */
function allMasks(m: number, keep: number): { readonly masks: Tensor; readonly weights: Tensor } {
  const masks = f64(range(2 ** m).map((code) => range(m).map((i) => (code >> i) & 1)));
  const kept = masks.sum(1);
  return {
    masks,
    weights: f64(keep)
      .pow(kept)
      .mul(f64(1 - keep).pow(kept.neg().add(m))),
  };
}

/** The mean over the first axis with weights that sum to one. */
const weighted = (x: Tensor, weights: Tensor): Tensor =>
  x.mul(weights.reshape([x.shape[0], ...x.shape.slice(1).map(() => 1)])).sum(0);

/** Draws of a function of the default generator's numbers, `[draws, …]`. */
const draws = (count: number, f: () => Tensor): Tensor => {
  const drawn: (place: Tensor) => Tensor = () => f();
  return vmap(drawn, { randomness: "different" })(arange(count));
};

/** A grey picture of `[1, H, W]`, black where it is 0 and white from `most` on. */
function grey(x: Tensor, most: number): Picture {
  const [, height, width] = x.shape;
  const pixels = Uint8Array.from(numbers(x), (v) => Math.round(255 * Math.min(1, Math.max(0, v / most))));
  return { width, height, channels: 1, pixels };
}

/** A disc, stripes and a ramp, `[3, 1, 28, 28]`. */
function pictures(): Tensor {
  const side = 28;
  const [down, along] = [f64(grid(-1, 1, side)).expandDims(1), f64(grid(-1, 1, side))];
  const disc = down.square().add(along.square()).less(0.6).astype("float64");
  const stripes = down.add(along).mul(8).sin().greater(0).astype("float64");
  const ramp = down.mul(0).add(along).add(1).div(2);
  return stack([disc, stripes, ramp]).expandDims(1);
}

function droppedPictures(): string {
  const images = pictures();
  manualSeed(2);
  const columns: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    "as it is": (x) => x,
    "p = 0.2": (x) => nn.dropout(x, 0.2),
    "p = 0.5": (x) => nn.dropout(x, 0.5),
    "p = 0.8": (x) => nn.dropout(x, 0.8),
    "Gaussian, 0.5": (x) => nn.gaussianDropout(x, 0.5),
    "mean of 100": (x) => draws(100, () => nn.dropout(x, 0.5)).mean(0),
  };
  const sheets = Object.entries(columns).map(([name, f]) => ({ name, pixels: f(images) }));
  const cells = range(3).flatMap((i) =>
    sheets.map(({ name, pixels }) => ({ picture: grey(pixels.at(i), 1.5), caption: i === 0 ? name : "" })),
  );
  return imageGrid(cells, { title: "Pictures whose pixels are dropped", columns: sheets.length, side: 84 });
}

/** The curve that the regression of REG-13 is about; nothing is measured between -0.5 and 1. */
const curve = (x: Tensor): Tensor => x.mul(3).sin().add(x.mul(0.5));

/** Trains on all of the data at once, dropout's masks being new in every step. */
function fitted(layers: readonly [number, number, number], x: Tensor, y: Tensor, steps: number, probability = 0.1) {
  const [inputs, width, depth] = layers;
  const blocks = range(depth).flatMap((i) => [
    new nn.Linear(i === 0 ? inputs : width, width),
    nn.silu,
    new nn.Dropout(probability),
  ]);
  const model = new nn.Sequential([...blocks, new nn.Linear(width, 1)]);
  const [at, to] = [x.astype("float32"), y.astype("float32")];
  const optimizer = adam({ learningRate: 0.02 });
  const step = compile(
    () => optimizer.update(model, grad((m: typeof model) => nn.mse(m.forward(at).squeeze(1), to))(model)),
    { state: [model, optimizer, random.defaultGenerator] },
  );
  for (let k = 0; k < steps; k++) step();
  return model;
}

/** Friedman's first function of ten uniform inputs, five of which do nothing (Friedman 1991), with noise of variance 1. */
function friedman(seed: number, count: number): { readonly x: Tensor; readonly y: Tensor } {
  const x = uniform(seed, 0, 1, count, 10);
  const at = (i: number): Tensor => x.at(":", i);
  const wave = at(0).mul(at(1)).mul(Math.PI).sin().mul(10);
  const rest = at(2).sub(0.5).square().mul(20).add(at(3).mul(10)).add(at(4).mul(5));
  return { x, y: wave.add(rest).add(gaussian(seed + 1, count)) };
}

/** Fifteen points of many as a line with gaps, which shows as dots. */
function scattered(x: readonly number[], y: readonly number[]) {
  const chosen = range(15).map((i) => Math.floor((i * x.length) / 15));
  return { x: chosen.flatMap((i) => [x[i], x[i]]), y: chosen.flatMap((i) => [y[i], NaN]) };
}

const rootMeanSquare = (x: Tensor): number => x.square().mean().sqrt().itemSync();

export const dropouts: readonly Row[] = [
  row(
    "REG-12",
    "Dropout",
    String.raw`\tilde h = \tfrac1\pi\,r\odot h,\quad r_i\sim\mathrm{Bernoulli}(\pi),\qquad \mathbb E\,\tilde h = h,\quad \operatorname{Var}\tilde h_i = \tfrac{1-\pi}{\pi}\,h_i^2`,
    String.raw`In training every unit is kept with probability $\pi$ and divided by it, else it is zero; in evaluation nothing happens. The mean is right at every unit, and the noise is proportional to the unit's own size. With a mask in hand dropout is linear, so its backward pass is the same mask on the cotangents. On the inputs of a linear regression the noise can be integrated out: it is ridge regression in which every weight is penalised by the size of its input, $\frac{1-\pi}{\pi}\,\operatorname{diag}(X^\top X)$. All masks at once, as $2^d$ weighted copies of the data, show it without any chance.

Of ONNX's twelve tests eight ask for the identity. Four have a random mask of NumPy's; there every number that survives is checked, once our own masks have let each of them through.`,
    (t) => {
      for (const { name, options, operands, output } of onnx.identities()) {
        const layer = new nn.Dropout(options.probability);
        if (options.probability > 0) layer.eval();
        t.equal(layer.forward(operands[0]), output, `ONNX \`${name}\``);
      }
      manualSeed(1);
      for (const { name, options, operands, output } of onnx.dropouts()) {
        const layer = new nn.Dropout(options.probability);
        const let100 = draws(100, () => layer.forward(operands[0]).abs()).max(0);
        const survives = output.notEqual(0).astype("float64");
        t.close(let100.mul(survives), output.abs(), 1e-6, `ONNX \`${name}\`, sizes of what survives`);
      }

      const [keep, n] = [0.7, 20_000];
      const h = f64([-2, -0.5, 1, 3]);
      const many = h.broadcastTo([n, 4]);
      const noisy = nn.dropout(many, 1 - keep);
      const deviation = h.abs().mul(Math.sqrt((1 - keep) / keep));
      const errors = deviation.div(Math.sqrt(n));
      t.close(noisy.mean(0).sub(h).div(errors), 0, 4, String.raw`mean of 20,000 draws, in standard errors from $h$`);
      // The relative standard error of a variance is sqrt((kurtosis - 1) / n), and a Bernoulli's kurtosis is this.
      const kurtosis = (1 - 3 * keep * (1 - keep)) / (keep * (1 - keep));
      const spread = noisy.variance(0, { correction: 0 }).div(deviation.square());
      t.close(spread, 1, 4 * Math.sqrt((kurtosis - 1) / n), String.raw`variance over $\frac{1-\pi}\pi h^2$`);
      const gauss = nn
        .gaussianDropout(many, 1 - keep)
        .variance(0, { correction: 0 })
        .div(deviation.square());
      t.close(gauss, 1, 4 * Math.sqrt(2 / n), "variance of normal factors instead, over the same");
      const channels = nn
        .dropout2d(gaussian(3, 8, 16, 4, 4), 0.5)
        .notEqual(0)
        .astype("float64")
        .mean([2, 3]);
      t.equal(channels.mul(channels.neg().add(1)), 0, "dropout2d: share of a channel that is kept, times the rest");
      const [x, c] = [gaussian(4, 50), gaussian(5, 50)];
      const seeded = (f: () => Tensor): Tensor => {
        manualSeed(6);
        return f();
      };
      const backward = seeded(() => grad((v: Tensor) => nn.dropout(v, 0.4).mul(c).sum())(x));
      t.equal(
        backward,
        seeded(() => nn.dropout(c, 0.4)),
        "backward: the same mask on the cotangents",
      );

      const [rows, d] = [12, 4];
      const [data, y] = [gaussian(7, rows, d).mul(f64([0.5, 1, 1.5, 2])), gaussian(8, rows)];
      const integrated = (pi: number): Tensor => {
        const gram = data.T.matmul(data);
        const sizes = data
          .square()
          .sum(0)
          .mul((1 - pi) / pi);
        return solve(
          gram.add(f64(range(d).map((i) => range(d).map((j) => Number(i === j)))).mul(sizes)),
          data.T.matmul(y),
        );
      };
      const enumerated = (pi: number): Tensor => {
        const { masks, weights } = allMasks(d, pi);
        const roots = weights.sqrt().expandDims(1);
        const copies = masks
          .expandDims(1)
          .mul(data)
          .div(pi)
          .mul(roots.expandDims(2))
          .reshape([2 ** d * rows, d]);
        return solve(copies.T.matmul(copies), copies.T.matmul(roots.mul(y).flatten()));
      };
      t.close(enumerated(keep), integrated(keep), 1e-12, "least squares over all 16 masks against the ridge");
      t.plot(
        droppedPictures(),
        "Each pixel lives or dies by itself, and the survivors are made brighter; noise with normal factors has the same variance. The mean of 100 draws shows again what was there.",
      );
      const probabilities = grid(0, 0.95, 39);
      const paths = probabilities.map((p) => numbers(integrated(1 - p)));
      const few = grid(0.1, 0.9, 6);
      const exact = few.map((p) => numbers(enumerated(1 - p)));
      t.plot(
        lines(
          [
            ...range(d).map((i) => ({ name: `w${i + 1}`, x: probabilities, y: paths.map((w) => w[i]) })),
            {
              name: "all 16 masks",
              x: range(d).flatMap(() => [...few, 1]),
              y: range(d).flatMap((i) => [...exact.map((w) => w[i]), NaN]),
              dashed: true,
            },
          ],
          {
            title: "Dropout on inputs is a ridge of its own",
            x: { label: "dropout probability" },
            y: { label: "weight" },
          },
        ),
      );
    },
  ),
  row(
    "REG-13",
    "Dropout as an ensemble; Monte Carlo dropout",
    String.raw`p(y\mid x) = \sum_{Z\in\{0,1\}^m}p(Z)\,p(y\mid x;Z),\qquad \bar f = \tfrac1T\sum_tf_{Z_t}(x),\quad s^2 = \tfrac1T\sum_t\big(f_{Z_t}(x)-\bar f\big)^2`,
    String.raw`A network with $m$ units that may be dropped is $2^m$ networks that share weights. With eight units all 256 can be asked: that is the exact prediction, and Monte Carlo dropout (Gal and Ghahramani 2016), which leaves the masks on and averages, tends to it in mean and variance. If nothing nonlinear follows, the mean over all masks is the network without dropout, and the variance is $\frac{1-\pi}\pi\sum_ih_i^2w_i^2$.

Then two regressions. A curve with a gap in its data: what the masks disagree about is largest where nothing was measured. (Disagreement is no guarantee: far to the left the truth leaves the band.) And in place of the UCI tables, which the package does not hold, Friedman's first function: ten inputs, noise of deviation 1, below which no root mean squared error can stay.`,
    (t) => {
      const [m, keep] = [8, 0.6];
      const [w, v, x] = [gaussian(1, m, 3), gaussian(2, 2, m), gaussian(3, 5, 3)];
      const { masks, weights } = allMasks(m, keep);
      const tail = (hidden: Tensor): Tensor => hidden.matmul(v.T); // [N, 2]
      const all = (activation: (z: Tensor) => Tensor, after: (z: Tensor) => Tensor): Tensor =>
        vmap((mask: Tensor) => after(tail(activation(x.matmul(w.T)).mul(mask).div(keep))))(masks); // [256, N, 2]
      const identity = (z: Tensor): Tensor => z;
      const outputs = all(identity, identity);
      const mean = weighted(outputs, weights);
      t.close(weights.sum(), 1, 1e-14, "probabilities of all 256 masks");
      t.close(mean, tail(x.matmul(w.T)), 1e-13, "linear: mean over all masks against no dropout");
      const own = x
        .matmul(w.T)
        .square()
        .matmul(v.T.square())
        .mul((1 - keep) / keep);
      t.close(
        weighted(outputs.sub(mean).square(), weights),
        own,
        1e-12,
        String.raw`variance against $\frac{1-\pi}\pi\sum h_i^2w_i^2$`,
      );

      const model = nn.cast(
        new nn.Sequential([
          new nn.Linear(3, m, { bias: false }),
          nn.relu,
          new nn.Dropout(1 - keep),
          new nn.Linear(m, 2, { bias: false }),
          (z: Tensor) => softmax(z, 1),
        ]),
        "float64",
      );
      nn.loadStateDict(model, Object.fromEntries(Object.keys(nn.stateDict(model)).map((name, i) => [name, [w, v][i]])));
      const p = all(nn.relu, (z) => softmax(z, 1)); // [256, N, 2]
      const exact = weighted(p, weights);
      const variance = weighted(p.sub(exact).square(), weights);
      const fourth = weighted(p.sub(exact).square().square(), weights);
      manualSeed(4);
      const sampled = 4096;
      const found = nn.monteCarlo(model, x, sampled);
      t.close(
        found.mean.sub(exact).div(variance.div(sampled).sqrt()),
        0,
        4,
        "mean of 4096 masks, in standard errors from the mean over all 256",
      );
      const error = fourth.sub(variance.square()).div(sampled).sqrt();
      t.close(found.variance.sub(variance).div(error), 0, 4, "and the variance, in its own");
      t.equal(model.training, true, "the model is put back as it was");

      manualSeed(5);
      const places = f64([...grid(-2, -0.5, 20), ...grid(1, 2.2, 20)]);
      const heights = curve(places).add(gaussian(8, 40).mul(0.1));
      const bent = fitted([1, 64, 2], places.expandDims(1), heights, 500);
      const at = grid(-3, 3.2, 125);
      const said = nn.monteCarlo(bent, f64(at).astype("float32").expandDims(1), 200);
      const [middle, deviation] = [numbers(said.mean), numbers(said.variance.sqrt())];
      const average = (inside: (v: number) => boolean): number => {
        const chosen = deviation.filter((_, i) => inside(at[i]));
        return chosen.reduce((a, b) => a + b, 0) / chosen.length;
      };
      const near = average((z) => (z > -2 && z < -0.5) || (z > 1 && z < 2.2));
      const gap = average((z) => z > -0.1 && z < 0.6);
      const far = average((z) => z < -2.5 || z > 2.8);
      t.greater(far, 2 * near, "deviation of the masks far outside, against twice that among the data");
      t.greater(gap, 1.2 * near, "in the gap, against 1.2 times");

      const [seen, unseen] = [friedman(20, 400), friedman(30, 1000)];
      const centre = seen.y.mean().itemSync();
      const network = fitted([10, 50, 1], seen.x.sub(0.5), seen.y.sub(centre), 400, 0.05);
      const prediction = nn.monteCarlo(network, unseen.x.sub(0.5).astype("float32"), 100);
      const off = (y: Tensor): number => rootMeanSquare(y.add(centre).sub(unseen.y));
      const monteCarlo = off(prediction.mean.squeeze(1));
      const masked = prediction.samples.squeeze(2).add(centre).sub(unseen.y); // [100, 1000]
      const alone = rootMeanSquare(masked);
      t.close(
        alone ** 2 - monteCarlo ** 2,
        prediction.variance.mean(),
        1e-4,
        "squared error of one mask less that of the mean: the variance",
      );
      const linear = off(unseen.x.sub(0.5).matmul(ridge(seen.x.sub(0.5), seen.y.sub(centre), 1e-3)));
      t.greater(monteCarlo, 0.95, "Friedman: root mean squared error; the noise's is 1");
      t.less(monteCarlo, 0.65 * linear, "against 0.65 of a linear model's");
      const logLikelihood = logSumExp(masked.square().div(-2), 0)
        .sub(Math.log(100 * Math.sqrt(2 * Math.PI)))
        .mean();
      const linearised = -0.5 * monteCarlo ** 2 - 0.5 * Math.log(2 * Math.PI);
      t.greater(
        logLikelihood,
        linearised,
        "log likelihood of the mixture, against one normal of deviation 1 at its mean",
      );
      t.show(
        "root mean squared errors",
        `${monteCarlo.toFixed(3)} of the mean, ${alone.toFixed(3)} of one mask, ${linear.toFixed(3)} linear`,
      );
      const band = (k: number) => ({
        low: middle.map((v0, i) => v0 - k * deviation[i]),
        high: middle.map((v0, i) => v0 + k * deviation[i]),
      });
      t.plot(
        lines(
          [
            { name: "mean, and two deviations", x: at, y: middle, ...band(2) },
            { name: "truth", x: at, y: numbers(curve(f64(at))), dashed: true },
            { name: "some of the data", ...scattered(numbers(places), numbers(heights)) },
          ],
          {
            title: "A curve with a gap in its data",
            x: { label: "x" },
            y: { label: "y", domain: [-5, 5] },
            height: 340,
          },
        ),
        "Data lie from -2 to -0.5 and from 1 to 2.2. There the masks agree; between and beyond they part.",
      );
      const counts = range(7).map((k) => 4 ** k);
      const means = found.samples.cumsum(0).div(arange(1, sampled + 1).reshape([sampled, 1, 1]));
      const distances = numbers(means.sub(exact).square().mean([1, 2]).sqrt());
      const expected = Math.sqrt(variance.mean().itemSync());
      t.plot(
        lines(
          [
            { name: "found", x: counts, y: counts.map((k) => distances[k - 1]) },
            { name: "standard error", x: counts, y: counts.map((k) => expected / Math.sqrt(k)), dashed: true },
          ],
          {
            title: "How far the mean of T masks is from that of all 256",
            x: { label: "T", log: true },
            y: { label: "root mean square", log: true },
          },
        ),
      );
    },
  ),
  row(
    "REG-14",
    "Weight rescaling at test time",
    String.raw`\tilde w = \pi w,\qquad \operatorname{softmax}\big(W(\pi x)+b\big)\propto\prod_Z\operatorname{softmax}\big(W(Z\odot x)+b\big)^{p(Z)}`,
    String.raw`Instead of asking all masks, multiply what leaves a dropped unit by the probability that it was kept: every net input then has the mean it had in training. For a softmax on top of linear units this single pass is the geometric mean of all $2^m$ predictions, renormalised, exactly: normalisers do not depend on the class, and the logarithm of a product is a sum. Through a hidden nonlinearity it is an approximation, and in general a good one. Inverted dropout, as in REG-12, is the same rule with the factor moved into training.`,
    (t) => {
      const [m, classes] = [10, 3];
      const [w, b, x] = [gaussian(1, classes, m), gaussian(2, classes), gaussian(3, 40, m)];
      for (const keep of [0.5, 0.8]) {
        const { masks, weights } = allMasks(m, keep);
        const layer = new nn.RescalingDropout(1 - keep);
        const top = (h: Tensor): Tensor => h.matmul(w.T).add(b);
        const nets = top(masks.expandDims(1).mul(x)); // [1024, 40, 3]
        const rescaled = top(layer.eval().forward(x));
        t.close(rescaled, weighted(nets, weights), 1e-12, String.raw`mean net input, $\pi=${keep}$`);
        const logs = weighted(nn.logSoftmax(nets, 2), weights);
        t.close(
          softmax(rescaled, 1),
          softmax(logs, 1),
          1e-13,
          String.raw`geometric mean of 1024 predictions, $\pi=${keep}$`,
        );
        const arithmetic = weighted(softmax(nets, 2), weights);
        t.greater(softmax(rescaled, 1).sub(arithmetic).abs().max(), 0.01, "largest distance to the arithmetic mean");
        layer.train();
        const seeded = (f: () => Tensor): Tensor => {
          manualSeed(4);
          return f();
        };
        const inverted = seeded(() => nn.dropout(x, 1 - keep)).mul(keep);
        t.close(
          seeded(() => layer.forward(x)),
          inverted,
          1e-15,
          String.raw`training: $\pi$ times inverted dropout`,
        );
      }

      const keep = 0.5;
      const { masks, weights } = allMasks(m, keep);
      const [inner, outer, at] = [gaussian(5, m, 2), gaussian(6, 2, m).mul(0.5), gaussian(7, 200, 2)];
      const hidden = at.matmul(inner.T).relu(); // [200, 10]
      const top = (h: Tensor): Tensor => softmax(h.matmul(outer.T), -1).at("...", 0);
      const mean = (nets: Tensor): Tensor => weighted(nets, weights);
      const single = stack([top(hidden.mul(keep)), mean(top(masks.expandDims(1).mul(hidden)))]);
      const early = vmap((mask: Tensor) =>
        top(
          at
            .matmul(inner.T)
            .add(gaussian(8, m))
            .mul(mask)
            .relu()
            .matmul(gaussian(9, m, m))
            .relu(),
        ),
      )(masks);
      const scaled = top(
        at
          .matmul(inner.T)
          .add(gaussian(8, m))
          .mul(keep)
          .relu()
          .matmul(gaussian(9, m, m))
          .relu(),
      );
      const deep = stack([scaled, mean(early)]);
      const distance = (pair: Tensor): Tensor => pair.at(0).sub(pair.at(1)).abs().mean();
      t.less(distance(single), 0.05, "one softmax layer: mean distance of probabilities to the exact average");
      t.greater(distance(deep), distance(single), "a layer below the last dropped instead: farther");
      t.show(
        "mean distance, last layer and hidden layer",
        `${distance(single).itemSync().toFixed(4)}, ${distance(deep).itemSync().toFixed(4)}`,
      );
      const cloud = (name: string, pair: Tensor) => ({ name, x: numbers(pair.at(1)), y: numbers(pair.at(0)) });
      t.plot(
        scatter([cloud("dropped before the softmax", single), cloud("dropped before a hidden layer", deep)], {
          title: "One pass with scaled weights, and all 1024 masks",
          x: { label: "probability, average over all masks", domain: [0, 1] },
          y: { label: "probability, rescaled weights", domain: [0, 1] },
          width: 520,
          height: 440,
        }),
        "On the diagonal both agree. Rescaling is more certain than the average: a geometric mean lies farther from ½.",
      );
    },
  ),
];
