/** REG-07 and REG-08: augmentation and noise. */
import { compile, concatenate, eye, grad, hessian, random, stack, type Tensor, tensor, vmap } from "typegrad";
import { type Row, row } from "typegrad/course";
import { transforms } from "typegrad/data";
import { ridge, solve, trace } from "typegrad/linalg";
import { conv2d, crossEntropy, mse } from "typegrad/nn";
import { imageGrid, lines, type Picture } from "typegrad/plot";
import { f64, gaussian, grid, numbers, range, slope, uniform } from "./helpers.js";

const { rotate, hflip } = transforms;

/** Pictures `[N,C,H,W]` turned by 0, 90, 180 and 270 degrees, and the mirror images of these: `[8N,C,H,W]`. */
function orbit(x: Tensor): Tensor {
  const turned = [0, 90, 180, 270].map((angle) => rotate(x, angle));
  return concatenate([...turned, ...turned.map(hflip)]);
}

/** A picture `[C,H,W]` from 0 to 1, of one channel or three. */
function shown(x: Tensor): Picture {
  const [channels, height, width] = x.shape;
  const pixels = Uint8Array.from(numbers(x.transpose([1, 2, 0])), (v) => Math.round(255 * Math.min(1, Math.max(0, v))));
  return { width, height, channels: channels === 3 ? 3 : 1, pixels };
}

/** One line for each picture of a batch, one column for each transform. */
function sheet(title: string, columns: Readonly<Record<string, Tensor>>): string {
  const [first] = Object.values(columns);
  const cells = range(first.shape[0]).flatMap((i) =>
    Object.entries(columns).map(([name, x]) => ({ picture: shown(x.at(i)), caption: i === 0 ? name : "" })),
  );
  return imageGrid(cells, { title, columns: Object.keys(columns).length, side: 72 });
}

/** F, R, 4 and 7, which no turn and no mirror maps to themselves, `[4,1,28,28]`. */
function letters(): Tensor {
  const drawn = [
    "######. #...... #...... ####... #...... #...... #......",
    "#####.. #....#. #....#. #####.. #..#... #...#.. #....#.",
    "....#.. ...##.. ..#.#.. .#..#.. ####### ....#.. ....#..",
    "####### .....#. ....#.. ...#... ..#.... ..#.... ..#....",
  ];
  const pixels = drawn.map((picture) => picture.split(" ").map((line) => [...line].map((c) => (c === "#" ? 1 : 0))));
  const small = f64(pixels)
    .reshape([4, 1, 7, 7])
    .pad([
      [0, 0],
      [0, 0],
      [1, 1],
      [1, 1],
    ]);
  return transforms.resize(28)(small).mul(1.6).clip(0, 1);
}

/** Discs of three colours on a ground that changes from corner to corner, `[3,3,48,48]`. */
function colouredDiscs(): Tensor {
  const side = 48;
  const [down, along] = [f64(range(side)).div(side).reshape([side, 1]), f64(range(side)).div(side)];
  const ground = stack([down.add(along).div(2), along.mul(0.5).add(down.mul(0)), down.neg().add(1).add(along.mul(0))]);
  const distance = down.sub(0.5).square().add(along.sub(0.5).square()).sqrt();
  const disc = distance.less(0.33).astype("float64");
  const colours = f64([
    [0.9, 0.25, 0.2],
    [0.2, 0.7, 0.3],
    [0.95, 0.8, 0.2],
  ]).reshape([3, 3, 1, 1]);
  return ground.mul(disc.neg().add(1)).add(colours.mul(disc)); // [3, 3, 48, 48]
}

/** All vectors of d signs, `[2^d,d]`: of mean 0 and covariance I exactly, without third moments. */
const signs = (d: number): Tensor => f64(range(2 ** d).map((i) => range(d).map((k) => ((i >> k) & 1 ? 1 : -1))));

/** The weights of least squares. */
const leastSquares = (x: Tensor, y: Tensor): Tensor => solve(x.T.matmul(x), x.T.matmul(y));

/** The mean of numbers, and its standard error. */
function average(values: readonly number[]): { readonly mean: number; readonly error: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
  return { mean, error: Math.sqrt(variance / values.length) };
}

export const noise: readonly Row[] = [
  row(
    "REG-07",
    "Data augmentation",
    String.raw`(x, y) \mapsto (g\,x,\ y),\qquad x \mapsto x + P\,(\alpha\odot\lambda),\ \ \alpha_i\sim\mathcal N(0,\sigma^2)`,
    String.raw`A picture that is cut, turned or coloured a little differently shows the same thing, so its label stays: every change that the label does not see is free data. Quarter turns and mirror images only move pixels, so they are exact, orthogonal, and form a group of eight. Whoever fits a linear model to pictures and all eight images of each gets weights that are themselves unchanged by all eight: the data taught the symmetry. A crop at random after padding by one pixel is, in the mean, a blur with a $3\times3$ box. AlexNet's colour jitter moves all pixels of a picture along the principal axes $P$ of its colours, by random shares of the eigenvalues $\lambda$; since the colours' covariance is $C = P\,\mathrm{diag}(\lambda)\,P^\top$, these moves have the covariance $\sigma^2C^2$. In the sheets every picture of a batch has a draw of its own.`,
    async (t) => {
      const x = uniform(1, 0, 1, 2, 3, 5, 5);
      const turned = x.transpose([0, 1, 3, 2]).flip(2); // what is at row r and column c comes from row c, column 4 - r
      for (const interpolation of ["nearest", "bilinear"] as const)
        t.equal(rotate(x, 90, { interpolation }), turned, `a quarter turn, ${interpolation}`);
      t.equal(rotate(rotate(x, 180), 180), x, "two half turns");
      const basis = eye(25, 25, { dtype: "float64" }).reshape([25, 1, 5, 5]);
      const quarter = rotate(basis, 90).reshape([25, 25]);
      t.equal(quarter.matmul(quarter.T), eye(25, 25, { dtype: "float64" }), String.raw`a quarter turn is orthogonal`);
      const tilted = rotate(basis, 30).reshape([25, 25]);
      t.less(trace(tilted.matmul(tilted.T)), 25, "a turn by 30° loses corners");

      const [few, labels] = [gaussian(2, 6, 1, 5, 5), gaussian(3, 6)];
      const seen = ridge(orbit(few).reshape([48, 25]), concatenate(range(8).map(() => labels)), 0.1);
      const unseen = ridge(few.reshape([6, 25]), labels, 0.1);
      const variation = (w: Tensor): Tensor =>
        orbit(w.reshape([1, 1, 5, 5]))
          .reshape([8, 25])
          .sub(w)
          .abs()
          .max();
      t.close(variation(seen), 0, 1e-12, "weights learned from all eight images are the same in all eight");
      t.greater(variation(unseen), 0.01, "without augmentation they are not");

      const places = range(9).map((i) => transforms.crop(x, Math.floor(i / 3) - 1, (i % 3) - 1, 5));
      const box = f64(range(27).map(() => 1 / 9)).reshape([3, 1, 3, 3]);
      const blurred = conv2d(x, box, undefined, { padding: 1, groups: 3 });
      t.close(stack(places).mean(0), blurred, 1e-14, String.raw`the nine crops' mean is a $3\times3$ blur`);

      const mixing = f64([
        [0.5, 0, 0],
        [0.4, 0.2, 0],
        [0.3, -0.1, 0.1],
      ]);
      const colours = mixing.matmul(gaussian(4, 3, 400)).reshape([1, 3, 20, 20]);
      const pixels = colours.reshape([3, 400]);
      const off = pixels.sub(pixels.mean(1, { keepDims: true }));
      const covariance = off.matmul(off.T).div(400);
      const [std, n] = [0.1, 10_000];
      const jitter = transforms.pcaJitter(transforms.colorAxes(colours), std);
      const black = f64([0]).reshape([1, 1, 1, 1]).broadcastTo([n, 3, 1, 2]);
      const moves = jitter(black, random.key(5)); // [n, 3, 1, 2]
      t.equal(moves.at("...", 0).sub(moves.at("...", 1)).abs().max(), 0, "all pixels of a picture move alike");
      const m = moves.at(":", ":", 0, 0);
      const expected = covariance.matmul(covariance).mul(std ** 2);
      // The standard error of a normal covariance: sqrt((σᵢᵢ σⱼⱼ + σᵢⱼ²) / n).
      const [measured, exact] = [numbers(m.T.matmul(m).div(n)), numbers(expected)];
      exact.forEach((e, k) => {
        const error = Math.sqrt((exact[4 * Math.floor(k / 3)] * exact[4 * (k % 3)] + e ** 2) / n);
        t.close(measured[k], e, 4 * error, String.raw`$\sigma^2(C^2)_{${Math.floor(k / 3) + 1}${(k % 3) + 1}}$`);
      });

      const [images, classes] = [letters(), tensor(Int32Array.from(range(4)))];
      const key = (i: number): random.Key => random.key(i);
      t.plot(
        sheet("One batch, and what it may become", {
          "as it is": images,
          crop: transforms.randomCrop(28, { padding: 4 })(images, key(1)),
          turn: transforms.randomRotation(30, { interpolation: "bilinear" })(images, key(2)),
          affine: transforms.randomAffine(0, { shear: [30, 0], scale: [0.7, 1.2], interpolation: "bilinear" })(
            images,
            key(3),
          ),
          "crop, resized": transforms.randomResizedCrop(28, { scale: [0.4, 0.9] })(images, key(4)),
          erase: transforms.randomErasing({ p: 1, value: 0.5 })(images, key(5)),
          noise: transforms.gaussianNoise(0.25)(images, key(6)),
          mixup: transforms.mixup({ classes: 4 })(images, classes, key(19)).x,
          cutmix: transforms.cutmix({ classes: 4 })(images, classes, key(15)).x,
        }),
        "Every picture has a draw of its own. The last two blend or patch in another picture of the batch, and blend the labels in the same shares.",
      );
      const discs = colouredDiscs();
      t.plot(
        sheet("Colours", {
          "as it is": discs,
          brightness: transforms.colorJitter({ brightness: 0.5 })(discs, key(1)),
          contrast: transforms.colorJitter({ contrast: 0.8 })(discs, key(2)),
          saturation: transforms.colorJitter({ saturation: 0.9 })(discs, key(3)),
          hue: transforms.colorJitter({ hue: 0.5 })(discs, key(4)),
          "PCA, σ = 3": transforms.pcaJitter(transforms.colorAxes(discs), 3)(discs, key(5)),
        }),
        "Jitters of brightness, contrast, saturation and hue, and along the principal axes of the colours, stronger than usual so that they can be seen.",
      );
    },
  ),
  row(
    "REG-08",
    "Noise on inputs, weights and targets",
    String.raw`\mathbb E\,\|y-(X+\sigma N)w\|^2 = \|y-Xw\|^2 + n\sigma^2\|w\|^2,\qquad \tilde y = (1-\varepsilon)\,y + \tfrac{\varepsilon}{K}`,
    String.raw`Noise is a penalty in disguise. On the inputs of a linear regression it is exactly ridge with strength $n\sigma^2$, and signs drawn in all combinations show it without any chance: eight copies of the data with $\pm\sigma$ on three inputs have the ridge solution as their least squares. On the weights it adds $\tfrac{\sigma^2}{2}\operatorname{tr}\nabla^2J$ up to terms of fourth order, so it prefers flat minima; for linear models that is $\sigma^2\|X\|_F^2$, the same everywhere. On the targets, label smoothing gives every class its share $\varepsilon/K$; the best logits then lie a finite $\ln\frac{1-\varepsilon+\varepsilon/K}{\varepsilon/K}$ apart, where sharp targets would pull them to infinity.`,
    async (t) => {
      const [n, d, sigma] = [10, 3, 0.7];
      const [x, y] = [gaussian(1, n, d), gaussian(2, n)];
      const copies = (by: number): Tensor => x.add(signs(d).mul(by).expandDims(1)).reshape([2 ** d * n, d]);
      const repeated = concatenate(range(2 ** d).map(() => y));
      const expected = ridge(x, y, n * sigma ** 2);
      t.close(leastSquares(copies(sigma), repeated), expected, 1e-12, String.raw`all signs: ridge with $n\sigma^2$`);
      const w = gaussian(3, d);
      const blur = transforms.gaussianNoise(sigma, { clip: false });
      const draws = 1000;
      const many = x.reshape([1, n, 1, d]).broadcastTo([draws, n, 1, d]);
      const noisy = blur(many, random.key(4)).reshape([draws, n, d]);
      const losses = average(numbers(y.sub(noisy.matmul(w)).square().sum(1)));
      const clean = y.sub(x.matmul(w)).square().sum();
      const penalised = clean
        .add(
          w
            .square()
            .sum()
            .mul(n * sigma ** 2),
        )
        .itemSync();
      t.close(losses.mean, penalised, 4 * losses.error, "normal noise: the mean loss of 1,000 draws");

      const shaken = (f: (v: Tensor) => Tensor, by: number): Tensor => vmap(f)(w.add(signs(d).mul(by))).mean();
      const linear = (v: Tensor): Tensor => y.sub(x.matmul(v)).square().sum();
      const shift = x
        .square()
        .sum()
        .mul(sigma ** 2);
      t.close(
        shaken(linear, sigma),
        linear(w).add(shift),
        1e-11,
        String.raw`weights of a linear model: $\sigma^2\|X\|_F^2$`,
      );
      const bent = (v: Tensor): Tensor => mse(x.matmul(v).tanh(), y);
      const curvature = trace(hessian(bent)(w)).itemSync();
      const sigmas = [0.2, 0.1, 0.05, 0.025];
      const rests = sigmas.map((s) => Math.abs(shaken(bent, s).sub(bent(w)).itemSync() - (s ** 2 / 2) * curvature));
      t.close(
        slope(sigmas.map(Math.log), rests.map(Math.log)),
        4,
        0.1,
        String.raw`what $\tfrac{\sigma^2}{2}\operatorname{tr}\nabla^2J$ leaves is of fourth order`,
      );

      const [classes, epsilon] = [4, 0.1];
      const target = tensor(Int32Array.of(2));
      const soft = transforms.smoothLabels(target, epsilon, classes);
      t.close(soft, [0.025, 0.025, 0.925, 0.025], 1e-7, String.raw`$(1-\varepsilon)y+\varepsilon/K$`);
      const sharp = gaussian(5, 1, classes);
      const smoothed = (z: Tensor): Tensor => crossEntropy(z, target, { labelSmoothing: epsilon });
      const uniformLoss = crossEntropy(sharp, f64([[0.25, 0.25, 0.25, 0.25]]));
      const blend = crossEntropy(sharp, target)
        .mul(1 - epsilon)
        .add(uniformLoss.mul(epsilon));
      t.close(smoothed(sharp), blend, 1e-14, String.raw`the loss: $(1-\varepsilon)H(y,p)+\varepsilon H(u,p)$`);
      const descend = compile((z: Tensor) => z.sub(grad(smoothed)(z).mul(4)));
      let z: Tensor = sharp;
      for (let step = 0; step < 300; step++) z = descend(z);
      const gap = Math.log((1 - epsilon + epsilon / classes) / (epsilon / classes));
      t.close(z.at(0, 2).sub(z.at(0, [0, 1, 3])), gap, 1e-9, "how far the best logits lie apart");
      const entropy = -(0.925 * Math.log(0.925) + 3 * 0.025 * Math.log(0.025));
      t.close(smoothed(z), entropy, 1e-12, "the least loss is the entropy of the smoothed target");

      const strengths = grid(0.1, 2, 8);
      const paths = strengths.map((s) => numbers(ridge(x, y, n * s ** 2)));
      const found = strengths.map((s, i) => {
        const all = transforms
          .gaussianNoise(s, { clip: false })(many.at(":100"), random.key(10 + i))
          .reshape([100 * n, d]);
        return numbers(leastSquares(all, concatenate(range(100).map(() => y))));
      });
      t.plot(
        lines(
          range(d).flatMap((k) => [
            { name: `w${k + 1}, noise`, x: strengths, y: found.map((v) => v[k]) },
            { name: `w${k + 1}, ridge`, x: strengths, y: paths.map((v) => v[k]), dashed: true },
          ]),
          { title: "Noise on the inputs is ridge", x: { label: "σ" }, y: { label: "weight" } },
        ),
        "Weights fitted to 100 noisy copies of the data, and those of ridge with $n\\sigma^2$ (dashed): both shrink along the same paths.",
      );
      const shares = grid(0.005, 0.5, 60);
      t.plot(
        lines(
          [2, 10, 100].map((k) => ({
            name: `${k} classes`,
            x: shares,
            y: shares.map((e) => Math.log((1 - e + e / k) / (e / k))),
          })),
          { title: "How far apart smoothing lets the logits be", x: { label: "ε" }, y: { label: "gap" } },
        ),
        "The gap between the logit of the right class and the others at the optimum: it grows without bound only as $\\varepsilon\\to0$.",
      );
    },
  ),
];
