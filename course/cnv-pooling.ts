/** CNV-16 to CNV-18: pooling, counts of parameters, and text. */
import { compile, grad, oneHot, stack, type Tensor, tensor, valueAndGrad } from "typegrad";
import { type Row, row, type Trial } from "typegrad/course";
import * as nn from "typegrad/nn";
import { adam } from "typegrad/optim";
import { bars, heatmap, lines } from "typegrad/plot";
import { manualSeed } from "typegrad/random";
import { f64, gaussian, grid, numbers, range, uniform } from "./helpers.js";

/** The numbers 1, 2, …, `h · w` as a picture `[1, 1, h, w]`. */
const counting = (h: number, w: number): Tensor => f64(range(h * w).map((i) => i + 1)).reshape([1, 1, h, w]);

const three = { stride: 2, padding: 1 };
const five = { stride: 1, padding: 2 };

/** ONNX' node tests of pooling whose numbers are written out. */
function onnxValues(t: Trial): void {
  const [small, x] = [counting(4, 4), counting(5, 5)];
  const ceil = { stride: 2, ceilMode: true };
  t.equal(nn.maxPool2d(small, 3, ceil), [11, 12, 15, 16], "*maxpool_2d_ceil*");
  t.equal(nn.maxPool2d(small, 2, { stride: 1, dilation: 2 }), [11, 12, 15, 16], "*maxpool_2d_dilations*");
  t.equal(nn.maxPool2d(x, 3, three), [7, 9, 10, 17, 19, 20, 22, 24, 25], "*maxpool_2d_precomputed_same_upper*");
  const { values, indices } = nn.maxPool2dWithIndices(x, 5, five);
  const wide = [13, 14, 15, 15, 15, 18, 19, 20, 20, 20, 23, 24, 25, 25, 25, 23, 24, 25, 25, 25, 23, 24, 25, 25, 25];
  t.equal(values, wide, "*maxpool_with_argmax_2d_precomputed_pads*");
  t.equal(
    indices,
    wide.map((v) => v - 1),
    "where they stand",
  );
  t.equal(nn.maxPool2d(x, 2), [7, 9, 17, 19], "*maxpool_2d_precomputed_strides*");
  t.equal(nn.avgPool2d(small, 3, ceil), [6, 7.5, 12, 13.5], "*averagepool_2d_ceil*");
  t.equal(nn.avgPool2d(x, 2), [4, 6, 14, 16], "*averagepool_2d_precomputed_strides*");
  const inside = { countIncludePad: false };
  t.close(
    nn.avgPool2d(x, 3, { ...three, ...inside }),
    [4, 5.5, 7, 11.5, 13, 14.5, 19, 20.5, 22],
    1e-14,
    "*averagepool_2d_precomputed_same_upper*",
  );
  t.close(
    nn.avgPool2d(x, 5, { ...five, ...inside }),
    range(25).map((i) => 7 + i / 2),
    1e-14,
    "*averagepool_2d_precomputed_pads*",
  );
  t.close(
    nn.avgPool2d(x, 5, five).at(0, 0, 0),
    [2.52, 3.6, 4.8, 4.08, 3.24],
    1e-14,
    "*averagepool_2d_precomputed_pads_count_include_pad*, first row",
  );
  t.equal(nn.globalAvgPool(counting(3, 3)), 5, "*globalaveragepool_precomputed*");
  t.equal(nn.globalMaxPool(counting(3, 3)), 9, "*globalmaxpool_precomputed*");
  const places = tensor([5, 7, 13, 15], { dtype: "int32" }).reshape([1, 1, 2, 2]);
  t.equal(
    nn.maxUnpool2d(counting(2, 2), places, 2),
    [0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4],
    "*maxunpool_export_without_output_shape*",
  );
}

/** What reaches each element from outputs that all weigh one. */
const routed = (f: (x: Tensor) => Tensor, x: Tensor): Tensor => grad((v: Tensor) => f(v).sum())(x);

function routing(t: Trial): void {
  const x = f64([
    [3, 1, 0, 2],
    [2, 0, 5, 1],
    [1, 1.5, -1, -3],
    [4, 2, -2, -4],
  ]).reshape([1, 1, 4, 4]);
  const maxima = [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0];
  t.equal(
    routed((v) => nn.maxPool2d(v, 2), x),
    maxima,
    "the gradient goes to the winner of each window",
  );
  const { values, indices } = nn.maxPool2dWithIndices(x, 2);
  t.equal(
    nn.maxUnpool2d(values, indices, 2),
    x.mul(f64(maxima).reshape(x.shape)),
    "unpooling puts maxima back, and else 0",
  );
  t.equal(
    routed((v) => nn.avgPool2d(v, 2), x),
    1 / 4,
    "of a mean everyone gets a quarter",
  );
  t.equal(nn.minPool2d(x, 2), nn.maxPool2d(x.neg(), 2).neg(), "minima are maxima turned over");
  // ∂ Σ p x / ∂xᵢ with p = softmax(x / T): pᵢ (1 + (xᵢ - y) / T).
  const T = 0.7;
  const [window, y] = [
    x.at(0, 0, "0:2", "0:2").reshape([4]),
    nn.softmaxPool2d(x, 2, { temperature: T }).at(0, 0, 0, 0),
  ];
  const p = nn.softmax(window.div(T));
  t.close(
    routed((v) => nn.softmaxPool2d(v, 2, { temperature: T }), x)
      .at(0, 0, "0:2", "0:2")
      .reshape([4]),
    p.mul(window.sub(y).div(T).add(1)),
    1e-14,
    String.raw`softmax pooling: $p_i\,(1+(x_i-y)/T)$`,
  );
}

function temperatures(t: Trial): void {
  const x = gaussian(1, 2, 3, 6, 6);
  const [highest, average] = [nn.maxPool2d(x, 3), nn.avgPool2d(x, 3)];
  for (const temperature of [1, 0.1, 0.01]) {
    const below = highest.sub(nn.softmaxPool2d(x, 3, { temperature }));
    t.atMost(below.max(), temperature * Math.log(9), String.raw`$\max - y\le T\ln 9$ at $T=${temperature}$`);
    t.atLeast(below.min(), -1e-15, "and never above the maximum");
  }
  t.close(nn.softmaxPool2d(x, 3, { temperature: 1e-4 }), highest, 1e-12, String.raw`$T\to0$: the maximum`);
  t.close(nn.softmaxPool2d(x, 3, { temperature: 1e7 }), average, 1e-6, String.raw`$T\to\infty$: the mean`);
  t.close(nn.lpPool1d(f64([[[3, -4, 0, 12]]]), 2), [5, 12], 1e-14, String.raw`the 2-norms of $(3,-4)$ and $(0,12)$`);
  const window = f64([[[1, 2, 4, 3]]]);
  const at = grid(-2, 1.5, 24).map((e) => 10 ** e);
  const soft = numbers(stack(at.map((temperature) => nn.softmaxPool1d(window, 4, { temperature }))));
  const ends = [
    { name: "maximum", value: 4 },
    { name: "mean", value: 2.5 },
  ];
  t.plot(
    lines(
      [
        { name: "softmax pooling", x: at, y: soft },
        ...ends.map(({ name, value }) => ({ name, x: [at[0], at[23]], y: [value, value], dashed: true })),
      ],
      { title: "Pooling the window (1, 2, 4, 3)", x: { label: "temperature", log: true }, height: 260 },
    ),
    "Softmax pooling leads from the maximum to the mean.",
  );
}

/** A vocabulary in which one word turns the meaning of the next. */
const words = [
  ..."great fine good lovely".split(" "),
  ..."awful dull bad weak".split(" "),
  "not",
  ..."the film was a story with its actors today though very".split(" "),
];
const turning = 8;
const positive = (word: number): boolean => word < 4;

interface Texts {
  readonly sentences: number[][];
  readonly labels: number[];
}

/**
 * Sentences of ten words with one adjective and one "not", which in half of them stands right before the adjective and
 * turns it over. Every word alone says nothing of the label.
 */
function texts(seed: number, count: number): Texts {
  const length = 10;
  const draws = numbers(uniform(seed, 0, 1, count * (length + 4)));
  const sentences: number[][] = [];
  const labels: number[] = [];
  for (let i = 0; i < count; i++) {
    const u = draws.slice(i * (length + 4));
    const pick = (k: number, n: number): number => Math.floor(u[k] * n);
    const fillers = words.length - turning - 1;
    const sentence = range(length).map((k) => turning + 1 + pick(k, fillers));
    const at = 1 + pick(length, length - 1);
    const adjective = pick(length + 1, turning);
    const turned = u[length + 2] < 0.5;
    const others = range(length).filter((k) => k !== at && k !== at - 1);
    sentence[at] = adjective;
    sentence[turned ? at - 1 : others[pick(length + 3, others.length)]] = turning;
    sentences.push(sentence);
    labels.push(Number(positive(adjective) !== turned));
  }
  return { sentences, labels };
}

const features = 16;
/** Filters over `width` neighbouring words, and the strongest answer of each: `[N, E, L]` to `[N, 16]`. */
const detectors = (width: number) =>
  new nn.Sequential([new nn.Conv1d(features, features, width), nn.relu, new nn.GlobalMaxPool()]);
const toChannels = (x: Tensor): Tensor => x.swapAxes(1, 2); // [N, L, E] to [N, E, L]

const textCnn = () =>
  new nn.Sequential([
    new nn.Embedding(words.length, features),
    toChannels,
    new nn.Branches([detectors(2), detectors(3), detectors(4)]),
    new nn.Dropout(0.5),
    new nn.Linear(3 * features, 2),
  ]);
const bagOfWords = () =>
  new nn.Sequential([
    new nn.Embedding(words.length, features),
    (x: Tensor): Tensor => x.mean(1),
    new nn.Linear(features, 2),
  ]);

const int = (data: readonly number[] | readonly number[][]): Tensor => tensor(data, { dtype: "int32" });
type Classifier = nn.Sequential<readonly nn.Stage[]>;

/** Shares of right answers on other sentences, before and after every 25 of 150 steps. */
function learn(model: Classifier, train: Texts, test: Texts): number[] {
  const optimizer = adam({ learningRate: 0.01 });
  const step = compile(
    (x: Tensor, y: Tensor) => {
      const [loss, grads] = valueAndGrad((m: Classifier) => nn.crossEntropy(m.forward(x), y))(model);
      optimizer.update(model, grads);
      return loss;
    },
    { state: [model, optimizer] },
  );
  const accuracy = (): number => {
    const guess = model.eval().forward(int(test.sentences)).argmax(1);
    model.train();
    return guess.equal(int(test.labels)).astype("float32").mean().itemSync();
  };
  const curve = [accuracy()];
  const [size, count] = [64, train.labels.length];
  for (let i = 1; i <= 150; i++) {
    const from = ((i - 1) * size) % count;
    step(int(train.sentences.slice(from, from + size)), int(train.labels.slice(from, from + size)));
    if (i % 25 === 0) curve.push(accuracy());
  }
  return curve;
}

/** A convolution over time as sums, and filters written by hand that find two words in a row. */
function temporal(t: Trial): void {
  const [x, w] = [gaussian(1, 2, 7, 3), gaussian(2, 4, 3, 2)]; // [B, L, C] and [out, C, K]
  const [rows, taps] = [x.at(":", "0:6"), x.at(":", "1:7")];
  const sums = rows.matmul(w.at(":", ":", 0).transpose()).add(taps.matmul(w.at(":", ":", 1).transpose()));
  t.close(
    nn.conv1d(toChannels(x), w).swapAxes(1, 2),
    sums,
    1e-14,
    String.raw`$y_{btf}=\sum_{k,c} w_{fck}\,x_{b,t+k,c}$, tap by tap`,
  );
  // Words as unit vectors: the filter answers 2 - 1 to "not good", at most 1 - 1 to all else.
  const { sentences } = texts(3, 200);
  const vectors = oneHot(int(sentences), words.length).astype("float64");
  const filter = oneHot(int([turning, 2]), words.length)
    .astype("float64")
    .transpose()
    .expandDims(0);
  const found = nn.globalMaxPool(nn.conv1d(toChannels(vectors), filter, f64([-1])).relu());
  const expected = sentences.map((s) => Number(s.some((word, i) => word === turning && s[i + 1] === 2)));
  t.equal(found, expected, "a filter written by hand finds “not good” wherever it stands");
  t.greater(
    expected.reduce((a, b) => a + b),
    5,
    "sentences with it",
  );
}

export const pooling: readonly Row[] = [
  row(
    "CNV-16",
    "Pooling, its gradients, and invariance",
    String.raw`\begin{gathered} y_i = \max_{j\in W_i} x_j,\quad \frac1{|W_i|}\sum_{j\in W_i} x_j,\quad \sum_{j\in W_i} x_j\,\mathrm{softmax}(x_{W_i}/T)_j \\ h(x)=\max_{\tau\in G} f(\tau x)=h(\tau' x) \end{gathered}`,
    String.raw`A window becomes one number. Its gradient is routed: all of it to the winner of a maximum, equal shares to the elements of a mean, and with softmax weights anything in between: since $y = T\log\sum_j e^{x_j/T} - T\,H(p)$ lies between $\max x - T\ln|W|$ and $\max x$, a low temperature gives the maximum and a high one the mean.

A maximum over the whole orbit of a group cannot see which element of the orbit it was given; for cyclic shifts it is a circular convolution with global max pooling. Expected values are those of the ONNX node tests whose numbers are written out; its tests on random pictures need files, and the package compares those cases with PyTorch instead.`,
    (t) => {
      onnxValues(t);
      routing(t);
      temperatures(t);

      const n = 12;
      const [x, w] = [gaussian(2, n), gaussian(3, n)];
      const f = (v: Tensor): Tensor => v.mul(w).sum().tanh();
      const shifted = (v: Tensor, s: number): Tensor => nn.pad(v, [[0, s]], { mode: "circular" }).at(`${s}:`);
      const pooled = (v: Tensor): Tensor => stack(range(n).map((s) => f(shifted(v, s)))).max();
      const orbit = range(n).map((s) => shifted(x, s));
      t.close(stack(orbit.map(pooled)), pooled(x), 1e-15, String.raw`$\max_\tau f(\tau x)$ of all 12 shifts of $x$`);
      const own = stack(orbit.map(f));
      t.greater(own.max().sub(own.min()), 0.5, String.raw`while $f$ alone varies by`);
      const circular = nn.pad(x, [[0, n - 1]], { mode: "circular" }).reshape([1, 1, -1]);
      const field = nn.conv1d(circular, w.reshape([1, 1, n]));
      t.close(
        nn.globalMaxPool(field.tanh()),
        pooled(x),
        1e-15,
        "a circular convolution and global pooling are the same",
      );
      const picture = gaussian(5, 1, 1, 8, 8);
      const wins = routed((v) => nn.maxPool2d(v, 3, { stride: 1 }), picture);
      t.equal(wins.sum(), 36, "each of 36 windows has one winner");
      const rows = range(8).map((i) => numbers(wins.at(0, 0, i)));
      t.plot(
        heatmap(rows, {
          title: "How many 3×3 windows each element wins",
          width: 360,
          format: String,
        }),
        "Few elements win: only they get a gradient.",
      );
    },
  ),
  row(
    "CNV-17",
    "How many parameters: convolution, locally and fully connected layers",
    String.raw`\underbrace{(pqc+1)\,K}_{\text{convolution}}\;<\;\underbrace{(pqc+1)\,m'n'K}_{\text{locally connected}}\;<\;\underbrace{(mnc+1)\,m'n'K}_{\text{fully connected}}`,
    String.raw`Six maps of $28\times28$ from a picture of $32\times32\times3$ through windows of $5\times5$. A locally connected layer is a fully connected one whose weights are $0$ outside of a window; a convolution is a locally connected layer whose windows share their weights. Sharing saves parameters, not multiplications: those depend on how many places look at how many inputs. The layers are counted, not computed.`,
    (t) => {
      const [m, n, c, p, q, K] = [32, 32, 3, 5, 5, 6];
      const places = (m - p + 1) * (n - q + 1);
      t.equal(places, 784, "places of the window");
      const conv = new nn.Conv2d(c, K, [p, q]);
      const local = new nn.LocallyConnected2d(c, K, [m, n], [p, q]);
      const full = new nn.Sequential([new nn.Flatten(), new nn.Linear(m * n * c, places * K)]);
      const counts = [conv, local, full].map((layer) => nn.countParameters(layer).total);
      t.equal(
        counts,
        [456, (p * q * c + 1) * places * K, (m * n * c + 1) * places * K],
        "$456$, $357{,}504$ and $14{,}455{,}392$ parameters",
      );
      const work = [conv, local, full].map((layer) => nn.summary(layer, [1, c, m, n]).multiplyAdds);
      t.equal(work, [p * q * c * places * K, p * q * c * places * K, m * n * c * places * K], "multiply-adds");

      const small = nn.cast(new nn.Conv2d(2, 3, 3), "float64");
      const untied = nn.cast(new nn.LocallyConnected2d(2, 3, [5, 6], 3), "float64");
      const x = gaussian(1, 2, 2, 5, 6);
      const bias = small.bias ?? f64([0, 0, 0]);
      untied.weight = small.weight.broadcastTo([3, 4, 3, 2, 3, 3]);
      untied.bias = bias.reshape([3, 1, 1]).broadcastTo([3, 3, 4]);
      t.close(untied.forward(x), small.forward(x), 1e-14, "one window's weights at every place: the convolution");
      const unit = f64(range(60).map((i) => range(60).map((j) => Number(i === j)))).reshape([60, 2, 5, 6]);
      const matrix = nn.conv2d(unit, small.weight).reshape([60, 36]);
      t.close(x.reshape([2, 60]).matmul(matrix), nn.conv2d(x, small.weight).reshape([2, 36]), 1e-14, "as one matrix");
      t.equal(
        matrix.notEqual(0).astype("float64").sum(),
        2 * 9 * 12 * 3,
        "of whose $60\\cdot36$ entries so many are not $0$",
      );
      const names = ["convolution", "locally connected", "fully connected"];
      t.plot(
        bars(
          names.map((name, i) => ({ name, value: Math.log10(counts[i]) })),
          {
            title: "Parameters, powers of ten",
            x: { domain: [0, 8.5] },
            format: (v) => Math.round(10 ** v).toLocaleString("en-US"),
          },
        ),
      );
    },
  ),
  row(
    "CNV-18",
    "Convolution over time, and a network that reads",
    String.raw`y_{b,t,f} = \sum_{k<K}\sum_{c} w_{fck}\,x_{b,t+k,c} + \beta_f,\qquad z_{bf} = \max_t\,\mathrm{relu}(y_{btf})`,
    String.raw`A text is a sequence of vectors: batch, length, channels. A filter of width $K$ looks at $K$ neighbouring words, its maximum over time says whether its pattern occurs and not where; filters of widths 2, 3 and 4 side by side, dropout and one linear layer are Kim's network for sentences (2014), which reached 76.1 % on movie reviews with words learnt from scratch. Those reviews are not part of the package. In their place stand generated sentences of ten words in which “not” turns over the adjective only if it stands right before it: no single word tells the label, so that a bag of words can do no better than chance, which is the closed form, while every pair of neighbours that matters is within the filters' reach.`,
    (t) => {
      temporal(t);
      manualSeed(18);
      const [train, test] = [texts(1, 1600), texts(2, 1000)];
      const model = textCnn();
      const cnn = learn(model, train, test);
      const bag = learn(bagOfWords(), train, test);
      t.atLeast(cnn[6], 0.97, "share of right answers with filters");
      t.close(bag[6], 0.5, 0.06, "share with a bag of words; 0.06 are nearly four standard errors of 1000 guesses");
      const at = range(7).map((i) => 25 * i);
      t.plot(
        lines(
          [
            { name: "widths 2, 3, 4", x: at, y: cnn },
            { name: "bag of words", x: at, y: bag },
          ],
          {
            title: "Right answers on new sentences",
            x: { label: "steps" },
            y: { domain: [0.4, 1], format: ".0%" },
            height: 260,
          },
        ),
      );
      t.plot(...answers(model, "the film was not good though its actors good today"));
    },
  ),
];

/** What the filters of width 2 say for “positive” at each pair of neighbours in a sentence. */
function answers(model: ReturnType<typeof textCnn>, text: string): [svg: string, caption: string] {
  const said = text.split(" ");
  const [embedding, , branches, , head] = model.eval().layers;
  const x = toChannels(embedding.forward(int([said.map((word) => words.indexOf(word))])));
  const [conv] = branches.branches[0].layers;
  const found = conv.forward(x).relu(); // [1, 16, L - 1]
  const slope = head.weight.at(1).sub(head.weight.at(0)).at(`0:${features}`);
  const votes = numbers(slope.reshape([features, 1]).mul(found.at(0)).sum(0));
  const pairs = votes.map((value, i) => ({ name: `${said[i]} ${said[i + 1]}`, value }));
  return [
    bars(pairs, { title: "Votes for “positive” of filters of width 2" }),
    "“not good” votes against, “actors good” for it.",
  ];
}
