/** ARC-01 to ARC-04, ARC-06, ARC-07 and ARC-11: networks that name what a picture shows. */
import {
  concatenate,
  evaluate,
  eye,
  full,
  grad,
  jacobian,
  type Module,
  type Shape,
  type Tensor,
  zeros,
} from "typegrad";
import { type Row, row, slowRow, type Trial } from "typegrad/course";
import { DataLoader, digits } from "typegrad/data";
import { eigh, svdvals } from "typegrad/linalg";
import * as models from "typegrad/models";
import * as nn from "typegrad/nn";
import { adam, schedules, sgd } from "typegrad/optim";
import { bars, imageGrid, lines } from "typegrad/plot";
import { manualSeed } from "typegrad/random";
import * as train from "typegrad/train";
import { countOf, fill, signed } from "./arc-shared.js";
import { gaussian, numbers, range, slope } from "./helpers.js";

type Network = Module & { forward(x: Tensor): Tensor };

/** How many parameters a model has. */
const size = (model: Module): number => nn.countParameters(model).total;

/** Parameters of a convolution with biases, of one without, and of a linear layer, counted by hand. */
const conv = (kernel: number, from: number, to: number): number => kernel ** 2 * from * to + to;
const plainConv = (kernel: number, from: number, to: number): number => kernel ** 2 * from * to;
const linear = (from: number, to: number): number => (from + 1) * to;
const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

/** The first eight numbers that a model, filled by the formula, gives for pictures by the formula. */
const firstOutputs = (model: Network, shape: Shape): Tensor =>
  fill(nn.cast(model, "float64")).forward(signed("picture", shape)).reshape([-1]).at(":8");

/** Layers with weights, with the shapes that come out of them: nothing is computed, only shapes go through. */
const weighted = (model: Network, input: Shape): nn.SummaryRow[] =>
  nn.summary(model, input).rows.filter((r) => ["Conv2d", "Linear"].includes(r.type));

/** A loop of `depth` layers, each with its own weight. */
const stackOf =
  (weights: readonly Tensor[], layer: (x: Tensor, w: Tensor) => Tensor) =>
  (x: Tensor): Tensor =>
    weights.reduce(layer, x);

/** A picture of how many parameters each layer has. */
function sizes(layers: readonly nn.SummaryRow[], title: string): string {
  const named = layers.map((l) => ({ name: l.path.replaceAll(".layers", ""), value: l.parameters / 1e6 }));
  return bars(named, { title });
}

/** Many small steps `x + tanh(W x) / L` around 0 tend to the exponential of W, with an error of order 1 / L. */
function flow(t: Trial): void {
  const half = gaussian(3, 6, 6).div(16);
  const w = half.add(half.T);
  const { values, vectors } = eigh(w);
  const exponential = vectors.mul(values.exp()).matmul(vectors.T);
  const doublings = [3, 4, 5, 6];
  const logs = doublings.map((k) => {
    const layer = (x: Tensor): Tensor =>
      x.add(
        w
          .matmul(x)
          .tanh()
          .div(2 ** k),
      );
    // Every layer maps 0 to 0, so the Jacobian of all 2ᵏ is a power of one layer's.
    const one = jacobian(layer)(zeros([6], { dtype: "float64" }));
    const all = range(k).reduce((j) => j.matmul(j), one);
    return Math.log(numbers(all.sub(exponential).square().sum().sqrt())[0]);
  });
  const depths = doublings.map((k) => k * Math.LN2);
  t.close(slope(depths, logs), -1, 0.05, String.raw`order of $\prod(I+W/L) - e^W$ in $L$`);
}

/** Steps of gradient descent on nothing but weight decay: a residual block tends to the identity, a plain one to 0. */
function decay(t: Trial): void {
  const weights = { first: gaussian(4, 3, 3, 3, 3), second: gaussian(5, 3, 3, 3, 3) };
  const x = gaussian(6, 1, 3, 5, 5);
  const plain = (): Tensor => {
    const hidden = nn.conv2d(x, weights.first, null, { padding: 1 }).relu();
    return nn.conv2d(hidden, weights.second, null, { padding: 1 });
  };
  const norm = (v: Tensor): number => numbers(v.square().sum().sqrt())[0];
  const residual = (): number => norm(x.add(plain()).sub(x));
  const [plainBefore, before] = [norm(plain()), residual()];
  const optimizer = sgd({ learningRate: 0.1, weightDecay: 0.5 });
  const nothing = { first: weights.first.mul(0), second: weights.second.mul(0) };
  for (let step = 0; step < 50; step++) optimizer.update(weights, nothing);
  const shrunk = (1 - 0.1 * 0.5) ** (2 * 50);
  t.close(
    residual() / before,
    shrunk,
    1e-9,
    String.raw`distance of $x+F(x)$ from $x$ after 50 steps of decay, $0.95^{100}$`,
  );
  t.close(norm(plain()) / plainBefore, shrunk, 1e-9, String.raw`size of the plain $F(x)$`);
}

/** Median singular value of the Jacobian of deep stacks, plain and residual, at a random point. */
function throughDepth(t: Trial): void {
  const width = 24;
  const depth = [1, 2, 4, 8, 16, 32];
  const median = (layer: (x: Tensor, w: Tensor) => Tensor): number[] => {
    let x = gaussian(9, width);
    let total: Tensor = eye(width, width, { dtype: "float64" });
    const stacks = range(32).map((i) => {
      const w = gaussian(10 + i, width, width).div(Math.sqrt(width));
      total = jacobian((v: Tensor) => layer(v, w))(x).matmul(total);
      x = layer(x, w);
      evaluate(total, x);
      return total;
    });
    return depth.map((d) => {
      const s = numbers(svdvals(stacks[d - 1]));
      return Math.log10((s[width / 2] + s[width / 2 - 1]) / 2);
    });
  };
  const plain = median((x, w) => w.matmul(x).tanh());
  const residual = median((x, w) => x.add(w.matmul(x).tanh().div(8)));
  t.less(plain[5], -3, "plain: logarithm of the median singular value of the Jacobian at depth 32");
  t.greater(residual[5], -0.5, "residual");
  t.plot(
    lines(
      [
        { name: "plain", x: depth, y: plain },
        { name: "residual", x: depth, y: residual },
      ],
      {
        title: "How much of a change gets through",
        x: { label: "layers" },
        y: { label: "log10 of the median singular value" },
        height: 280,
      },
    ),
    "Stacks of 24 tanh units a layer with weights of variance 1/24, with and without the sum.",
  );
}

/** DenseNet's parameters: convolutions have no biases, normalisations two numbers for each map. */
function densenetSize(layers: readonly number[], width: number, growth: number, classes: number): number {
  let total = plainConv(7, 3, width) + 2 * width;
  let maps = width;
  layers.forEach((count, i) => {
    if (i > 0) total += 2 * maps + plainConv(1, maps, maps / 2);
    if (i > 0) maps /= 2;
    for (let l = 0; l < count; l++) {
      total += 2 * maps + plainConv(1, maps, 4 * growth) + 2 * 4 * growth + plainConv(3, 4 * growth, growth);
      maps += growth;
    }
  });
  return total + 2 * maps + linear(maps, classes);
}

/** For every layer of a block, on how many of the results before it (the block's input is one) its own depends. */
function connections(block: models.DenseBlock, width: number, growth: number): number[] {
  return range(block.count).map((l) => {
    const before = width + l * growth;
    const of = grad((x: Tensor) => block[`denselayer${l + 1}`].forward(x).square().sum())(gaussian(2, 1, before, 3, 3));
    const starts = [0, ...range(l).map((i) => width + i * growth), before];
    const parts = range(l + 1).map(
      (i) =>
        numbers(
          of
            .at(0, `${starts[i]}:${starts[i + 1]}`)
            .abs()
            .max(),
        )[0],
    );
    return parts.filter((size) => size > 0).length;
  });
}

/** LeNet-5 on the digits of the package `mnist`: it learns 8,000 and is tested on 2,000 others after every epoch. */
async function learnDigits(epochs: number) {
  manualSeed(1);
  const model = models.lenet5();
  const loader = new DataLoader(await digits(), { batchSize: 50, shuffle: true, seed: 1 });
  const held = new DataLoader(await digits({ split: "test" }), { batchSize: 500 });
  const { history } = await train.fit(model, {
    data: loader,
    pair: ({ images, labels }): train.Batch => [images.sub(0.1307).div(0.3081), labels], // mean 0, deviation 1
    loss: (output, target) => nn.crossEntropy(output, target),
    optimizer: adam({ learningRate: schedules.cosine({ start: 2e-3, steps: epochs * loader.length }) }),
    epochs,
    validation: held,
    metrics: { accuracy: train.accuracy() },
  });
  return { model, accuracy: history.map((epoch) => Number(epoch["validationAccuracy"])) };
}

/** What the six filters of a first convolution look for, as grey pictures. */
function filters(weight: Tensor): string {
  const [count, , height, width] = weight.shape;
  const scale = 127 / numbers(weight.abs().max())[0];
  const pictures = range(count).map((i) => {
    const pixels = Uint8Array.from(numbers(weight.at(i)), (v) => 128 + v * scale);
    return { picture: { width, height, channels: 1 as const, pixels } };
  });
  return imageGrid(pictures, { title: "What the first convolution learnt to look for" });
}

export const vision: readonly Row[] = [
  slowRow(
    "ARC-01",
    "LeNet-5",
    String.raw`28^2 \to 6\times14^2 \to 16\times5^2 \to 120 \to 84 \to 10,\qquad 61\,706\text{ parameters}`,
    String.raw`Two convolutions with tanh and mean pooling, then three linear layers (LeCun et al., 1998, in the form that is taught, where every map of the second convolution sees all six before it). Logits are compared with PyTorch's for weights by a formula. The network of 1998 learnt 60,000 digits of MNIST and made 0.95 % errors. Here it learns 8,000 of them and is tested on 2,000 others: it makes more errors than that, and fewer than the nearest neighbours among all 60,000, which have 5.0 % in the same paper.`,
    async (t) => {
      const counts = [conv(5, 1, 6), conv(5, 6, 16), linear(400, 120), linear(120, 84), linear(84, 10)];
      const layers = weighted(models.lenet5(), [1, 1, 28, 28]);
      t.equal(
        layers.map((l) => l.parameters),
        counts,
        "parameters of the five layers",
      );
      t.equal(size(models.lenet5()), 61_706, "in all, published");
      const torch = [
        -0.60062772281345, -0.38093192986566, -0.19554485762316, -0.83012147535089, -1.6485693768371, 0.85546377209799,
        0.25690482400317, -0.43104707728962,
      ];
      t.close(firstOutputs(models.lenet5(), [2, 1, 28, 28]), torch, 1e-12, "logits, PyTorch's");
      const { model, accuracy } = await learnDigits(10);
      t.atLeast(accuracy[9], 0.965, "accuracy on 2,000 digits that it has not seen");
      const epochs = accuracy.map((_, i) => i + 1);
      t.plot(
        lines([{ name: "held out", x: epochs, y: accuracy }], {
          title: "LeNet-5 on 8,000 digits",
          x: { label: "epoch" },
          y: { label: "accuracy" },
          height: 260,
        }),
      );
      t.plot(filters(model.layers[0].weight));
    },
  ),
  row(
    "ARC-02",
    "AlexNet",
    String.raw`61\,100\,840 = \underbrace{2\,469\,696}_{\text{5 convolutions}} + \underbrace{58\,631\,144}_{\text{3 linear layers}}`,
    String.raw`The network that won ImageNet in 2012 by ten points, in its later form with one column (Krizhevsky, 2014), which torchvision has. The first convolution jumps by four, so that 224 pixels become 55 at once. Logits are those of torchvision 0.14 (in place of ONNX's *light_bvlc_alexnet*, whose files Debian's test data lack) for a network with a sixteenth of the channels; the package's tests run the whole one.`,
    (t) => {
      const alexnet = models.alexnet();
      t.equal(size(alexnet), 61_100_840, "parameters, published");
      const layers = weighted(alexnet, [1, 3, 224, 224]);
      const convolutions = [conv(11, 3, 64), conv(5, 64, 192), conv(3, 192, 384), conv(3, 384, 256), conv(3, 256, 256)];
      const linears = [linear(256 * 36, 4096), linear(4096, 4096), linear(4096, 1000)];
      t.equal(
        layers.map((l) => l.parameters),
        [...convolutions, ...linears],
        "of each layer",
      );
      const sides = layers.slice(0, 5).map(({ outputShape }) => outputShape?.at(-1) ?? 0);
      t.equal(sides, [55, 27, 13, 13, 13], "sides of the maps behind the convolutions");
      const torch = [
        -12.847721232089, 2.9509992701607, -2.9173843435868, -5.2868409821295, -3.8826192414567, -11.825201036257,
        2.7118428751859, -2.7278515433352,
      ];
      const small = new models.AlexNet({ width: 4, classes: 5, dropout: 0 });
      t.close(firstOutputs(small, [2, 3, 70, 70]), torch, 1e-11, "logits of the narrow one, torchvision's");
      t.plot(sizes(layers, "Parameters of AlexNet's layers, in millions"));
    },
  ),
  row(
    "ARC-03",
    "VGG: stacks of 3×3",
    String.raw`2\cdot 3^2C^2 = 18C^2 < 25C^2,\qquad 3\cdot3^2C^2 = 27C^2 < 49C^2`,
    String.raw`Two convolutions of 3×3 see as much as one of 5×5, three as much as one of 7×7, with fewer weights and a nonlinearity in between. Without the nonlinearity the stack is one convolution, whose kernel is the full convolution of the two kernels. Outputs are those of torchvision 0.14 (in place of ONNX's *light_vgg19*) for a small network of the same kind; the package's tests run VGG-16 and VGG-19.`,
    (t) => {
      t.equal([size(models.vgg16()), size(models.vgg19())], [138_357_544, 143_667_240], "parameters, published");
      const withWeights = (model: Module): number => countOf(model, nn.Conv2d) + countOf(model, nn.Linear);
      t.equal([models.vgg16(), models.vgg19()].map(withWeights), [16, 19], "layers with weights");
      const square = (kernel: number): number => size(new nn.Conv2d(8, 8, kernel, { bias: false })) / 8 ** 2;
      t.equal([2 * square(3), square(5), 3 * square(3), square(7)], [18, 25, 27, 49], String.raw`weights over $C^2$`);
      const ones = full([1, 1, 3, 3], 1, { dtype: "float64" });
      const deep = (depth: number) =>
        stackOf(new Array<Tensor>(depth).fill(ones), (y, w) => nn.conv2d(y, w, null, { padding: 1 }).relu());
      const seen = range(4).map((depth) => {
        const centre = (x: Tensor): Tensor => deep(depth)(x).at(0, 0, 6, 6);
        return grad(centre)(full([1, 1, 13, 13], 1, { dtype: "float64" }))
          .greater(0)
          .sum();
      });
      t.equal(seen.map(numbers), [[1], [9], [25], [49]], "pixels that one output depends on, for 0 to 3 layers");
      const [a, b] = [gaussian(1, 1, 1, 3, 3), gaussian(2, 1, 1, 3, 3)];
      const x = gaussian(3, 1, 1, 12, 12);
      // Cross-correlating twice is cross-correlating once with the full convolution of the two kernels.
      const joint = nn.conv2d(a, b.flip([2, 3]), null, { padding: 2 });
      t.close(nn.conv2d(nn.conv2d(x, a), b), nn.conv2d(x, joint), 1e-12, "two linear layers are one of 5×5");
      const torch = [
        0.68044167170639, 0.78759128599692, 0.22673530287381, 0.39149378799098, 0.76949797151013, -1.7358155895576,
        1.2390735099807, 0.57409194848987,
      ];
      const small = new models.VGG([[4], [6, 6]], { classes: 5, hidden: 8, batchNorm: true, dropout: 0 });
      t.close(firstOutputs(small, [2, 3, 17, 17]), torch, 1e-12, "logits of a small one, torchvision's");
      t.plot(sizes(weighted(models.vgg16(), [1, 3, 224, 224]), "Parameters of VGG-16's layers, in millions"));
    },
  ),
  row(
    "ARC-04",
    "Inception and the 1×1 bottleneck",
    String.raw`\underbrace{28^2\cdot192\cdot32\cdot5^2}_{120.4\,\text{M}} \quad\text{against}\quad \underbrace{28^2\cdot192\cdot16}_{2.4\,\text{M}} + \underbrace{28^2\cdot16\cdot32\cdot5^2}_{10.0\,\text{M}}`,
    String.raw`Four views of the same maps, side by side: 1×1, 3×3, 5×5 and the greatest of nine. A 1×1 convolution in front makes the wide kernels cheap: a tenth of the multiplications for 192 to 32 maps of 28×28. The nine modules of GoogLeNet need 6.6 million weights, a twentieth of VGG-16's, and classifiers in the middle carry gradients to the first layers. Outputs are those of torchvision 0.14 (in place of ONNX's *light_inception_v1* and *v2*; the normalised network is torchvision's and has 3×3 for 5×5).`,
    (t) => {
      const wide = new nn.Conv2d(192, 32, 5, { padding: 2, bias: false });
      const narrow = new nn.Sequential([
        new nn.Conv2d(192, 16, 1, { bias: false }),
        new nn.Conv2d(16, 32, 5, { padding: 2, bias: false }),
      ]);
      t.equal(nn.summary(wide, [1, 192, 28, 28]).multiplyAdds, 120_422_400, "multiplications of 5×5 alone");
      t.equal(nn.summary(narrow, [1, 192, 28, 28]).multiplyAdds, 12_443_648, "with the bottleneck");
      const first = models.googlenet().inception3a;
      const branches = [first.branch1, first.branch2, first.branch3, first.branch4];
      const maps = zeros([1, 192, 28, 28]);
      t.equal(
        [...branches, first].map((part) => part.forward(maps).shape[1]),
        [64, 128, 32, 32, 256],
        "maps of the four branches, and of the first module",
      );
      const x = gaussian(1, 1, 192, 3, 3).astype("float32");
      first.eval();
      const views = branches.map((branch) => branch.forward(x));
      t.equal(first.forward(x).equal(concatenate(views, 1)).all(), true, "the module puts them side by side");
      t.equal(
        [size(models.googlenet()), size(models.googlenet({ auxiliary: false }))],
        [13_004_888, 6_624_904],
        "parameters with and without auxiliary classifiers, published",
      );
      const small = new models.Inception(6, { one: 3, three: [2, 4], five: [2, 3], pool: 2 });
      const torch = [0.98336993505917, 0.6716243533822, 2.5017822018503, 0.87135448355931, 0, 0, 0, 0];
      t.close(firstOutputs(small, [2, 6, 7, 7]), torch, 1e-12, "outputs of a small module, torchvision's");
      t.plot(
        bars(
          [
            { name: "5×5 alone", value: 120.4224 },
            { name: "1×1, then 5×5", value: 12.443648 },
          ],
          { title: "Millions of multiplications, 192 to 32 maps of 28×28" },
        ),
      );
    },
  ),
  row(
    "ARC-06",
    "Residual networks",
    String.raw`y = x + F(x),\qquad \frac{\partial y}{\partial x} = I + F'(x),\qquad \prod_{l=1}^{L}\Bigl(I+\tfrac1L W\Bigr)\to e^{W}`,
    String.raw`A block adds to its input instead of replacing it. Small weights make it nearly the identity, so depth does no harm at the start: gradients go through the sum unchanged, and many blocks that each do little are a flow. Weight decay pulls a residual block towards the identity and a plain one towards zero: with all weights shrunk by $c$, two layers' outputs shrink by $c^2$. Outputs are those of torchvision 0.14 (in place of ONNX's *light_resnet50*). ResNet-20 reaches 91.25 % on CIFAR-10 in the paper.`,
    (t) => {
      const make = [models.resnet18, models.resnet34, models.resnet50, models.resnet20];
      const published = [11_689_512, 21_797_672, 25_557_032, 269_722];
      t.equal(
        make.map((network) => size(network())),
        published,
        "parameters of ResNet-18, 34, 50 and the small 20",
      );
      const block = fill(nn.cast(new models.BasicBlock(2, 2), "float64")).eval();
      const x = gaussian(1, 1, 2, 3, 3).abs().add(0.1);
      const jacobianAt = (scale: number): Tensor => {
        block.bn2.weight = full([2], scale, { dtype: "float64" });
        const flat = (v: Tensor): Tensor => block.forward(v.reshape([1, 2, 3, 3])).reshape([18]);
        return jacobian(flat)(x.reshape([18]));
      };
      const identity = eye(18, 18, { dtype: "float64" });
      t.equal(jacobianAt(0), identity, "Jacobian of a block whose last scale is 0");
      const [off, half] = [jacobianAt(1e-2).sub(identity), jacobianAt(5e-3).sub(identity)];
      t.close(off, half.mul(2), 1e-15, String.raw`$J - I$ is proportional to the scale`);
      t.greater(off.abs().max(), 1e-3, "and not 0");
      flow(t);
      decay(t);
      const bottleneck = new models.Bottleneck(4, 2, { stride: 2 });
      const torch = [0.18322165314682, 0, 0, 0, 3.5304419617874, 0, 0.19873841202555, 0];
      t.close(firstOutputs(bottleneck, [2, 4, 7, 7]), torch, 1e-12, "outputs of a bottleneck, torchvision's");
      throughDepth(t);
    },
  ),
  row(
    "ARC-07",
    "Dense connections",
    String.raw`x_l = H_l([x_0, x_1, \dots, x_{l-1}]),\qquad k_l = k_0 + k\,l,\qquad \tfrac{L(L+1)}2 \text{ connections}`,
    String.raw`Every layer sees the maps of all layers before it and adds only $k=32$ of its own, so DenseNet-121 needs less than a third of ResNet-50's weights. What goes into a block comes out of it unchanged, beside what the block adds. Between blocks half of the maps are kept. Outputs are those of torchvision 0.14 (in place of ONNX's *light_densenet121*) for a small network of the same kind.`,
    (t) => {
      const network = models.densenet121();
      t.equal(size(network), 7_978_856, "parameters, published");
      t.equal(size(network), densenetSize([6, 12, 24, 16], 64, 32, 1000), "counted by hand");
      const layers = countOf(network, nn.Conv2d) + countOf(network, nn.Linear);
      t.equal(layers, 1 + 2 * (6 + 12 + 24 + 16) + 3 + 1, "layers with weights: 121");
      const rows = nn.summary(network, [1, 3, 224, 224]).rows;
      const maps = rows.filter((r) => ["DenseBlock", "Transition"].includes(r.type));
      t.equal(
        maps.map(({ outputShape }) => outputShape?.slice(1) ?? []),
        [
          [256, 56, 56],
          [128, 28, 28],
          [512, 28, 28],
          [256, 14, 14],
          [1024, 14, 14],
          [512, 7, 7],
          [1024, 7, 7],
        ],
        "maps and sides behind blocks and transitions",
      );
      const block = fill(nn.cast(new models.DenseBlock(3, 4, 2, 2, 0), "float64")).eval();
      const x = gaussian(1, 1, 4, 3, 3);
      t.equal(block.forward(x).at(0, ":4"), x.at(0), "what goes in comes out");
      t.equal(connections(block, 4, 2), [1, 2, 3], "earlier results that layers 1, 2 and 3 depend on");
      const small = new models.DenseNet({ growthRate: 4, layers: [2, 3], width: 8, bottleneck: 2, classes: 5 });
      const torch = [
        0.79225745117701, -0.12596798327951, 0.84470020164265, -0.027598615851243, 0.43976474026109, 0.6815158858962,
        -0.087496882186353, 0.52300915548281,
      ];
      t.close(firstOutputs(small, [2, 3, 36, 36]), torch, 1e-12, "logits of a small one, torchvision's");
      const millions = [models.resnet50(), network].map((m) => size(m) / 1e6);
      t.plot(
        bars(
          ["ResNet-50", "DenseNet-121"].map((name, i) => ({ name, value: millions[i] })),
          { title: "Millions of parameters" },
        ),
      );
    },
  ),
  row(
    "ARC-11",
    "Where the parameters are",
    String.raw`\frac{58.6\,\text{M}}{61.1\,\text{M}} = 96\,\%\text{ of AlexNet's parameters in linear layers},\qquad \text{space}\downarrow\quad\text{channels}\uparrow`,
    String.raw`From layer to layer maps get smaller and more. A convolution's weights do not depend on the size of its maps, but the first linear layer has one for every element that comes in: in AlexNet and VGG it holds most of the network. GoogLeNet and ResNets take the mean of each map first, and it is gone. The multiplications are the other way round: nearly all are in the convolutions.`,
    (t) => {
      const input = [1, 3, 224, 224];
      const networks = [models.alexnet(), models.vgg16(), models.resnet50()];
      const parts = networks.map((network) => weighted(network, input));
      const inLinear = parts.map((layers) => sum(layers.flatMap((l) => (l.type === "Linear" ? [l.parameters] : []))));
      t.equal(inLinear, [58_631_144, 123_642_856, 2_049_000], "in linear layers: AlexNet, VGG-16, ResNet-50");
      t.close(inLinear[0] / size(networks[0]), 0.9596, 5e-5, "their share of AlexNet");
      t.close(inLinear[2] / size(networks[2]), 0.0802, 5e-5, "of ResNet-50");
      const maps = parts.map((layers) => layers.flatMap(({ outputShape: s }) => (s?.length === 4 ? [s] : [])));
      const backwards = maps.map((shapes) => shapes.filter((s, i) => i > 0 && s[2] > shapes[i - 1][2]).length);
      t.equal(backwards.slice(0, 2), [0, 0], "how often maps grow again in AlexNet and VGG-16");
      t.equal(
        maps.map((shapes) => shapes.at(-1)?.slice(1) ?? []),
        [
          [256, 13, 13],
          [512, 14, 14],
          [2048, 7, 7],
        ],
        "channels and sides of the last maps",
      );
      const work = nn.summary(networks[1], input).kinds.filter((kind) => ["Conv2d", "Linear"].includes(kind.type));
      t.equal(
        work.map((kind) => kind.multiplyAdds).toSorted((a, b) => b - a),
        [15_346_630_656, 123_633_664],
        "multiplications of VGG-16: convolutions, linear layers",
      );
      const across = (what: (s: Shape) => number) => maps[1].map((s) => Math.log2(what(s)));
      t.plot(
        lines(
          [
            { name: "channels", x: range(maps[1].length).map((i) => i + 1), y: across((s) => s[1]) },
            { name: "side", x: range(maps[1].length).map((i) => i + 1), y: across((s) => s[2]) },
          ],
          { title: "VGG-16: channels and side of the maps, as powers of 2", x: { label: "convolution" }, height: 280 },
        ),
      );
      t.plot(sizes(parts[0], "Parameters of AlexNet's layers, in millions"));
    },
  ),
];
