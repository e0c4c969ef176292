/** ARC-05 and ARC-08 to ARC-10: networks that give a result for every place of their input. */
import { arange, compile, grad, random, scan, type Tensor, tensor, valueAndGrad, vmap } from "typegrad";
import { row, type Row, slowRow, type Trial } from "typegrad/course";
import { cells, DataLoader, digits, muLawDecode, muLawEncode } from "typegrad/data";
import { fromHost } from "typegrad/io";
import { dilationCycles, PixelCNN, type PixelCNNOptions, TCN, UNet, WaveNet } from "typegrad/models";
import {
  cast,
  conv1d,
  countParameters,
  crossEntropy,
  loadStateDict,
  namedParameters,
  receptiveField,
} from "typegrad/nn";
import { adam } from "typegrad/optim";
import { type Captioned, heatmap, imageGrid, lines } from "typegrad/plot";
import { accuracy, dice, fit, iou } from "typegrad/train";
import { f64, gaussian, numbers, range } from "./helpers.js";

/** Weights and biases of a k×k convolution. */
const convSize = (from: number, to: number, k: number): number => (from * k * k + 1) * to;

/** Parameters of a U-Net from the list of its layers. */
function unetSize(width: number, depth: number, into: number, classes: number): number {
  const double = (from: number, to: number): number => convSize(from, to, 3) + convSize(to, to, 3);
  const wide = range(depth + 1).map((i) => width * 2 ** i);
  const down = wide.map((to, i) => double(i === 0 ? into : wide[i - 1], to));
  const up = wide.slice(0, depth).map((to) => convSize(2 * to, to, 2) + double(2 * to, to));
  return [...down, ...up, convSize(width, classes, 1)].reduce((a, b) => a + b, 0);
}

/** A grey picture whose pixels are tinted where the prediction is right (green), missing (red) or too much (blue). */
function overlay(grey: readonly number[], truth: readonly number[], found: readonly number[], side: number): Captioned {
  const tints: Readonly<Record<string, readonly [number, number, number]>> = {
    "0": [0, 0, 0],
    "1": [0, 0, 110],
    "10": [110, 0, 0],
    "11": [0, 90, 0],
  };
  const pixels = grey.flatMap((level, i) =>
    tints[`${10 * truth[i] + found[i]}`].map((tint) => Math.max(0, Math.min(255, 170 * level + tint))),
  );
  return { picture: { width: side, height: side, channels: 3, pixels: Uint8Array.from(pixels) } };
}

/** The best that a threshold, the same for all pictures, can do: intersection over union with what is darker. */
function bestThreshold(levels: ArrayLike<number>, truth: ArrayLike<number>): number {
  const scores = range(60).map((k) => {
    const [both, either] = [0, 0].map((_, which) =>
      Array.from(levels).reduce((sum, level, i) => {
        const dark = level < 0.2 + k / 100;
        return sum + Number(which === 0 ? dark && truth[i] === 1 : dark || truth[i] === 1);
      }, 0),
    );
    return both / either;
  });
  return Math.max(...scores);
}

/** Where the slopes of one result of a sound are not zero: `slopes` of `[1, C, T]` inputs. */
const seenPlaces = (slopes: Tensor): number[] =>
  numbers(slopes.abs().sum([0, 1])).flatMap((slope, place) => (slope > 0 ? [place] : []));

/**
 * Sounds whose sample is, but for noise, a fixed permutation of the one 13 steps earlier: int32 `[N, T]` with 16 levels, of
 * which one in ten is drawn evenly.
 */
const rule = { levels: 16, lag: 13, noise: 0.1, next: (x: Tensor): Tensor => x.mul(5).add(3).remainder(16) };
function ruledSounds(key: random.Key, count: number, length: number): Tensor {
  const [first, free, which] = random.split(key, 3);
  const start = random.randint(first, [rule.lag, count], 0, rule.levels);
  const even = random.randint(free, [length, count], 0, rule.levels);
  const isFree = random.bernoulli(which, rule.noise, [length, count]).astype("int32");
  const [, sound] = scan(
    (past: Tensor, [drawn, free01]: readonly [Tensor, Tensor]) => {
      const x = drawn.mul(free01).add(rule.next(past.at(0)).mul(free01.neg().add(1)));
      return [
        past
          .at("1:")
          .pad([
            [0, 1],
            [0, 0],
          ])
          .add(
            x.expandDims(0).pad([
              [rule.lag - 1, 0],
              [0, 0],
            ]),
          ),
        x,
      ] as const;
    },
    start,
    [even, isFree] as const,
  );
  return sound.transpose();
}

/** Trains by Adam on batches that a key draws; the loss of every step. */
function train<M extends object>(
  model: M,
  loss: (model: M, batch: Tensor) => Tensor,
  batch: (key: random.Key) => Tensor,
  { steps, learningRate }: { readonly steps: number; readonly learningRate: number },
): number[] {
  const optimizer = adam({ learningRate });
  optimizer.init(model);
  const step = compile(
    (key: random.Key) => {
      const x = batch(key);
      const [value, gradient] = valueAndGrad((m: M) => loss(m, x))(model);
      optimizer.update(model, gradient);
      return value;
    },
    { state: [model, optimizer] },
  );
  return range(steps).map((k) => step(random.foldIn(random.key(1), k)).itemSync());
}

/** Means of equally many neighbours, to draw a noisy curve. */
const smoothed = (values: readonly number[], by: number): number[] =>
  range(Math.floor(values.length / by)).map((i) => values.slice(i * by, (i + 1) * by).reduce((a, b) => a + b, 0) / by);

/** Which pixels the first logit of the pixel in the middle of `side`×`side` depends on, in any of 16 random pictures. */
function seenFromMiddle(options: PixelCNNOptions, side: number): number[] {
  random.manualSeed(6);
  const model = cast(new PixelCNN(options), "float64");
  const middle = (side - 1) / 2;
  const slopes = grad((v: Tensor) => model.logits(v).at(":", 0, 0, middle, middle).sum())(
    gaussian(1, 16, 1, side, side),
  );
  return numbers(slopes.abs().sum([0, 1])).map((v) => Number(v > 0));
}

const table = (values: readonly number[], columns: number): number[][] =>
  range(values.length / columns).map((i) => values.slice(i * columns, (i + 1) * columns));

/** Black and white pictures `[N, 1, H, W]` side by side. */
const grid = (pictures: Tensor, title: string): string =>
  imageGrid(
    range(pictures.shape[0]).map((i) => {
      const [, height, width] = pictures.at(i).shape;
      return {
        picture: { width, height, channels: 1, pixels: Uint8Array.from(numbers(pictures.at(i)), (v) => 255 * v) },
      };
    }),
    { title, columns: 8 },
  );

/** The part of ARC-08 that trains. */
function learnRule(t: Trial): void {
  const { levels, lag, noise } = rule;
  const [right, wrong] = [1 - noise + noise / levels, noise / levels];
  const entropy = -right * Math.log2(right) - (levels - 1) * wrong * Math.log2(wrong);
  t.close(entropy, 0.8151, 5e-5, "bits per sample of the source");
  random.manualSeed(0);
  const model = new WaveNet({ levels, residualChannels: 24, skipChannels: 32, dilations: dilationCycles(4) });
  const after = (m: WaveNet, x: Tensor): Tensor =>
    m
      .nll(x)
      .at(":", `${lag + 2}:`)
      .mean();
  const losses = train(model, after, (key) => ruledSounds(key, 16, 256), { steps: 300, learningRate: 5e-3 });
  const test = after(model, ruledSounds(random.key(99), 64, 1024)).div(Math.LN2);
  t.close(test, entropy, 0.04, "bits per sample that the model pays on new sounds");
  const drawn = model.sample(4000, { key: random.key(5), prompt: ruledSounds(random.key(7), 1, 40) }).at(0);
  const follows = rule
    .next(drawn.at(`:${-lag}`))
    .equal(drawn.at(`${lag}:`))
    .astype("float64")
    .mean();
  t.close(follows, right, 0.03, "share of generated samples that follow the rule");
  const bits = smoothed(losses, 5).map((loss) => loss / Math.LN2);
  const at = bits.map((_, i) => 5 * i);
  t.plot(
    lines(
      [
        { name: "WaveNet", x: at, y: bits },
        { name: "entropy of the source", x: at, y: at.map(() => entropy), dashed: true },
      ],
      { title: "Bits per sample", x: { label: "step" }, y: { domain: [0, 4.2] }, height: 260 },
    ),
  );
}

/** The part of ARC-10 that trains. */
async function learnDigits(t: Trial): Promise<void> {
  const images = async (split: "train" | "test"): Promise<Tensor> => fromHost((await digits({ split })).arrays.images);
  const [learning, held] = [await images("train"), await images("test")];
  const blackAndWhite = (x: Tensor, key: random.Key): Tensor => random.bernoulli(key, x, x.shape).astype("int32");
  random.manualSeed(0);
  const model = new PixelCNN({ width: 32, blocks: 4 });
  const losses = train(
    model,
    (m, x) => m.nll(x).mean(),
    (key) => {
      const [chosen, drawn] = random.split(key);
      return blackAndWhite(learning.take(random.randint(chosen, [16], 0, learning.shape[0])), drawn);
    },
    { steps: 600, learningRate: 2e-3 },
  );
  const test = blackAndWhite(held.at(":500"), random.key(77));
  const nats = model.nll(test).mean();
  t.less(nats, 115, "nats for a digit not seen in training");
  t.greater(nats, 75, "and no fewer than the best models of MNIST need");
  t.show(
    "bits per dimension",
    nats
      .div(784 * Math.LN2)
      .itemSync()
      .toFixed(4),
  );
  const share = learning.mean(0).clip(1e-3, 1 - 1e-3);
  const bits = test.astype("float32");
  const alone = bits.mul(share.log()).add(bits.neg().add(1).mul(share.neg().log1p())).sum([1, 2, 3]).mean().neg();
  t.greater(alone, 195, "nats with independent pixels");
  const curve = smoothed(losses, 10);
  t.plot(
    lines([{ x: curve.map((_, i) => 10 * i), y: curve }], {
      title: "Nats for a digit",
      x: { label: "step" },
      y: { domain: [0, 560] },
      height: 260,
    }),
  );
  t.plot(
    grid(model.sample([16, 1, 28, 28], { key: random.key(3) }), "Drawn"),
    "Drawn pixel by pixel from the trained network.",
  );
  const top = test.at(":16");
  const mask = tensor(range(28).map((i) => i < 14)).reshape([28, 1]);
  t.plot(
    grid(model.sample([16, 1, 28, 28], { key: random.key(4), given: { levels: top, mask } }), "Completed"),
    "The upper halves are of held-out digits.",
  );
}

export const sequences: readonly Row[] = [
  slowRow(
    "ARC-05",
    "U-Net",
    String.raw`s_i = \mathrm{conv}^2(\mathrm{pool}(s_{i-1})),\qquad u_i = \mathrm{conv}^2\big(\big[\,s_i,\ \mathrm{up}(u_{i+1})\,\big]\big)`,
    String.raw`A class for every pixel: pictures are halved until a 3×3 kernel spans much of them, doubled again, and at every size the picture of the way down is set beside the one of the way up, so that what is known of the whole meets what is known of the place. The published network has 31,030,658 parameters and takes 572×572 pixels to 388×388.

  The task is generated, in place of the 30 membrane pictures of ISBI 2012, which do not come with a package: cells that are a little darker than their surroundings, under uneven light, with scratches as dark as their membranes and noise stronger than either contrast. A network of 8 to 64 channels learns it in under a minute.`,
    async (t) => {
      t.equal(unetSize(64, 4, 1, 2), 31_030_658, "parameters, layer by layer");
      t.equal(countParameters(new UNet({ padding: "valid" })).total, 31_030_658, "parameters of the model");
      t.equal(new UNet({ padding: "valid", width: 1 }).outputSize(572), 388, "pixels of the result's side");

      const side = 48;
      const [learning, held] = [cells({ count: 384, size: side, seed: 1 }), cells({ count: 64, size: side, seed: 2 })];
      random.manualSeed(0);
      const model = new UNet({ width: 8, depth: 3 });
      const { history } = await fit(model, {
        data: new DataLoader(learning, { batchSize: 16, shuffle: true, seed: 0 }),
        validation: new DataLoader(held, { batchSize: 16 }),
        pair: (batch) => [batch.images, batch.masks] as const,
        loss: crossEntropy,
        optimizer: adam({ learningRate: 3e-3 }),
        epochs: 24,
        metrics: { accuracy: accuracy(), iou: iou(2, { of: [1] }), dice: dice(2, { of: [1] }) },
      });
      const [last] = history.slice(-1);
      const threshold = bestThreshold(held.arrays.images.data, held.arrays.masks.data);
      t.greater(Number(last.validationAccuracy), 0.92, "pixels right, of pictures not seen in training");
      t.greater(Number(last.validationIou), 0.65, "intersection over union of cells");
      t.less(threshold, 0.35, "that of the best threshold");
      const overlap = Number(last.validationIou);
      t.close(
        Number(last.validationDice),
        (2 * overlap) / (1 + overlap),
        1e-12,
        String.raw`Dice's coefficient is $2J/(1+J)$`,
      );
      t.plot(
        lines(
          ["Iou", "Accuracy"].map((name) => ({
            name: { Iou: "intersection over union", Accuracy: "pixels right" }[name],
            x: history.map((r) => r.epoch),
            y: history.map((r) => Number(r[`validation${name}`])),
          })),
          { title: "Held-out pictures", x: { label: "epoch" }, y: { domain: [0, 1] }, height: 260 },
        ),
      );
      const [images, masks] = [fromHost(held.arrays.images).at(":8"), fromHost(held.arrays.masks).at(":8")];
      const found = model.eval().forward(images).argmax(1);
      const pictures = range(8).map((i) =>
        overlay(numbers(images.at(i)), numbers(masks.at(i)), numbers(found.at(i)), side),
      );
      t.plot(
        imageGrid(pictures, { title: "Cells found (green), missed (red), imagined (blue)", columns: 4, side: 120 }),
        "Eight held-out pictures. What is wrong lies along borders, and where cells are cut off by the edge.",
      );
    },
  ),
  slowRow(
    "ARC-08",
    "WaveNet",
    String.raw`p(x) = \prod_t p(x_{t+1}\mid x_{\le t}),\qquad z = \tanh(W_f * x)\odot\sigma(W_g * x)`,
    String.raw`A sound as a chain of classes. Samples between $-1$ and $1$ become 256 levels by the µ-law, whose steps grow with loudness; gated convolutions that look back $d=1,2,4,\dots$ samples predict the next one, each layer adding to the residual and to the sum of skips. Layers with $k$ taps see $1+(k-1)\sum_i d_i$ samples, ten with two taps 1024. To generate, every layer keeps the inputs that it will look at again, so that a sample costs one place of every layer, however long the sound.

  Whether it learns is put to a sound of which the best prediction is known: $x_t = \pi(x_{t-13})$ for a permutation $\pi$ of 16 levels, except that one sample in ten is drawn evenly. No model can pay fewer bits than the entropy of that, $0.8151$ per sample.`,
    (t) => {
      const x = f64([-1, -0.1, 0, 0.01, 0.5, 1]);
      t.equal(muLawEncode(x), [0, 52, 128, 157, 239, 255], "µ-law levels, by hand from the formula");
      const levels = tensor(Int32Array.from(range(256)));
      t.equal(muLawEncode(muLawDecode(levels)), range(256), "every level comes back");

      const layers = dilationCycles(10).map((dilation) => ({ kernel: 2, dilation, padding: "causal" as const }));
      t.equal(
        receptiveField(layers, [2000])[9].size,
        [1024],
        String.raw`samples seen with $d=1,\dots,512$, layer by layer`,
      );
      random.manualSeed(2);
      const deep = cast(
        new WaveNet({ levels: 4, residualChannels: 3, skipChannels: 4, dilations: dilationCycles(10) }),
        "float64",
      );
      const slopes = grad((h: Tensor) => deep.logits(h).at(0, ":", 1059).square().sum())(gaussian(1, 1, 3, 1070));
      const seen = seenPlaces(slopes);
      t.equal(
        [seen[0], seen.length, seen[seen.length - 1]],
        [36, 1024, 1059],
        "by its gradient: first, how many, last",
      );
      t.equal(deep.receptiveField, 1024, "by the model");

      const small = cast(
        new WaveNet({ levels: 3, residualChannels: 4, skipChannels: 4, dilations: [1, 2, 4] }),
        "float64",
      );
      const every = tensor(Int32Array.from(range(3 ** 6 * 6), (i) => Math.floor(Math.floor(i / 6) / 3 ** (i % 6)) % 3));
      const chances = small
        .nll(every.reshape([3 ** 6, 6]))
        .sum(1)
        .neg()
        .exp();
      t.close(chances.sum(), 3, 1e-12, String.raw`$\sum_{x} p(x_2\dots x_6\mid x_1)$ over all $x$, for three $x_1$`);
      const sound = random.randint(random.key(3), [2, 50], 0, 3);
      const [, stepped] = scan(
        (memory: readonly Tensor[], sample: Tensor) => {
          const step = small.step(sample, memory);
          return [step.memory, step.logits] as const;
        },
        small.start(2),
        sound.T,
      );
      t.close(stepped.moveAxis(0, 2), numbers(small.forward(sound)), 1e-14, "sample by sample, against all at once");
      learnRule(t);
    },
  ),
  row(
    "ARC-09",
    "Causal convolution and temporal convolutional networks",
    String.raw`y_t = \sum_{k<K} w_k\, x_{t-(K-1-k)d},\qquad \text{that is: } (K-1)\,d \text{ zeros on the left only}`,
    String.raw`With all the padding on the left no result sees the future, and the length stays. A temporal convolutional network stacks residual blocks of two such convolutions, with $d=1,2,4,\dots$, weight normalisation and dropout; $B$ blocks see $1+2(K-1)(2^B-1)$ steps. The picture shows which input each result depends on. Expected values at the end come from PyTorch, for weights whose element $i$ is a multiple of $\sin(0.37\,i+s)$, $s$ being the sum of the character codes of its name.`,
    (t) => {
      const [x, w] = [gaussian(1, 2, 3, 20), gaussian(2, 4, 3, 3)];
      for (const dilation of [1, 2, 4]) {
        const causal = conv1d(x, w, null, { dilation, padding: "causal" });
        const left = x.pad([
          [0, 0],
          [0, 0],
          [2 * dilation, 0],
        ]);
        t.equal(causal, numbers(conv1d(left, w, null, { dilation })), `$d=${dilation}$: zeros put there by hand`);
        const both = conv1d(x, w, null, { dilation, padding: 2 * dilation });
        t.close(causal, numbers(both.at(":", ":", ":20")), 1e-13, "both sides padded, the end cut off");
      }
      t.equal(
        conv1d(f64([[[1, 2, 3, 4, 5]]]), f64([[[10, 1]]]), null, { dilation: 2, padding: "causal" }),
        [1, 2, 13, 24, 35],
        String.raw`$10\,x_{t-2}+x_t$`,
      );
      random.manualSeed(1);
      const model = cast(new TCN(1, [4, 4, 4], { kernel: 3, dropout: 0 }), "float64");
      t.equal(model.receptiveField, 29, "steps seen, 3 blocks with 3 taps");
      const length = 48;
      const inputs = gaussian(3, 16, 1, length);
      const dependence = (place: Tensor): Tensor =>
        grad((v: Tensor) => model.forward(v).take(place, 2).sum())(inputs)
          .abs()
          .sum([0, 1]); // [T]
      const depends = vmap(dependence)(arange(length)); // [T, T]
      const expected = range(length).map((place) => range(length).map((s) => Number(s <= place && s > place - 29)));
      t.equal(depends.greater(0), expected, "which input each result depends on");
      const two = cast(new TCN(1, [2, 2], { dropout: 0 }), "float64");
      const byFormula = Object.entries(namedParameters(two)).map(([name, { shape }]) => {
        const size = shape.reduce((a, b) => a * b, 1);
        const scale = shape.length === 1 ? 0.1 : Math.sqrt(shape[0] / size);
        const codes = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
        return [name, f64(range(size).map((i) => scale * Math.sin(0.37 * i + codes))).reshape(shape)] as const;
      });
      loadStateDict(two, Object.fromEntries(byFormula));
      t.close(
        two.forward(f64([[[1, -2, 3, 0.5, -1, 2]]])),
        [
          1.36513707841, 0.0631145884536, 3.57999064647, 1.4878146912, 1.00319502631, 2.52634893253, 1.15428351328,
          0.0460776287673, 3.54544749035, 0.785262517534, 1.34878841709, 2.59892215639,
        ],
        1e-10,
        "two blocks with two channels, against PyTorch",
      );
      t.plot(
        heatmap(table(numbers(depends.sqrt()), length), {
          title: "Dependence on the input",
          rowLabel: "result at t",
          columnLabel: "input at s",
          width: 420,
        }),
      );
    },
  ),
  slowRow(
    "ARC-10",
    "PixelCNN",
    String.raw`p(x) = \prod_i p(x_i\mid x_1\dots x_{i-1}),\qquad y = (w\odot M) * x + b,\quad M\in\{0,1\}^{k\times k}`,
    String.raw`A picture as a chain of pixels in reading order. All factors come from one pass, because masked kernels see only what is before: type A, the first layer, hides the pixel itself, type B sees the features of its place. What is before a pixel and far to the right of it stays unseen, however many layers there are: the blind spot. The gated PixelCNN has none, with one stack of layers for the rows above and one for the row itself.

  Adding up $p(x)$ over all 512 pictures of 3×3 black and white pixels gives 1 whatever the weights. Trained for a minute on 8,000 digits, made black and white by chance according to their grey, the network pays about a hundred nats for a new digit. Published for MNIST, 60,000 digits and much longer training: 81.30 nats; independent pixels cost 206.`,
    async (t) => {
      const side = 11;
      const middle = (side - 1) / 2;
      const options = { width: 8, blocks: middle, firstKernel: 3 };
      const [plain, gated] = [seenFromMiddle(options, side), seenFromMiddle({ ...options, gated: true }, side)];
      const before = range(side * side).map((i) => i < middle * side + middle);
      const inReach = before.map((b, i) => b && (i % side) - middle <= middle - Math.floor(i / side));
      t.equal(gated, before.map(Number), "gated: exactly the pixels before are seen");
      t.equal(plain, inReach.map(Number), "plain: of those further right than up, none");
      const shown = [plain, gated].map((seen) => ({
        picture: {
          width: side,
          height: side,
          channels: 1 as const,
          pixels: Uint8Array.from(seen, (v, i) => (i === middle * side + middle ? 128 : 255 * v)),
        },
      }));
      t.plot(
        imageGrid(
          shown.map((one, i) => ({ ...one, caption: ["masked 3×3", "gated"][i] })),
          { title: "What the grey pixel sees (white)", columns: 2, side: 180 },
        ),
      );
      const every = tensor(Int32Array.from(range(512 * 9), (i) => (Math.floor(i / 9) >> (i % 9)) & 1)).reshape([
        512, 1, 3, 3,
      ]);
      for (const isGated of [false, true]) {
        const model = cast(new PixelCNN({ width: 4, blocks: 1, firstKernel: 5, gated: isGated }), "float64");
        const total = model.nll(every).neg().exp().sum();
        t.close(total, 1, 1e-12, `${isGated ? "gated" : "plain"}: probabilities of all pictures`);
      }
      await learnDigits(t);
    },
  ),
];
