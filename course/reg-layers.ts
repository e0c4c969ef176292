/** REG-15, REG-16 and REG-20: normalisation and residual connections. */
import {
  compile,
  eye,
  grad,
  jacobian,
  Module,
  ones,
  scan,
  stack,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
  zeros,
} from "typegrad";
import { type Row, row } from "typegrad/course";
import { inv } from "typegrad/linalg";
import * as nn from "typegrad/nn";
import { adam, sgd } from "typegrad/optim";
import { imageGrid, lines, type Picture } from "typegrad/plot";
import { manualSeed } from "typegrad/random";
import { f64, gaussian, grid, numbers, range, uniform } from "./helpers.js";
import * as onnx from "./reg-onnx.js";

/** The largest distance between numbers of two tensors. */
const distance = (a: Tensor, b: Tensor): Tensor => a.sub(b).abs().max();

/** Two spirals of 100 points each, with a constant beside them, `[200, 3]` and `[200]`, float32. */
function spirals(): { readonly x: Tensor; readonly y: Tensor } {
  const points = range(200).map((i) => {
    const [turn, side] = [0.5 + (i % 100) / 14, i < 100 ? 1 : -1];
    return [side * turn * Math.cos(turn), side * turn * Math.sin(turn)].map((v) => v / 4);
  });
  return { x: tensor(points.map((p) => [...p, 1])), y: tensor(Int32Array.from(range(200), (i) => (i < 100 ? 0 : 1))) };
}

/** Layers of 32 units, all alike, with or without batch normalisation; only those of batches, for training. */
class Tower extends Module {
  readonly first = new nn.Linear(3, 32);
  readonly hidden: nn.Sequential<readonly nn.Stage[]>;
  readonly last = new nn.Linear(32, 2);

  constructor(depth: number, normalised: boolean) {
    super();
    const layer = (): nn.Sequential<readonly nn.Stage[]> =>
      new nn.Sequential<readonly nn.Stage[]>([
        new nn.Linear(32, 32),
        ...(normalised ? [new nn.BatchNorm(32, { trackRunningStats: false })] : []),
        nn.relu,
      ]);
    this.hidden = nn.stackModels(range(depth).map(layer));
  }
  forward(x: Tensor): Tensor {
    const [out] = scan(
      (h: Tensor, layer: typeof this.hidden): [Tensor, null] => [layer.forward(h), null],
      this.first.forward(x),
      this.hidden,
    );
    return this.last.forward(out);
  }
}

/** The loss of every step of gradient descent on the spirals. */
function descent(depth: number, normalised: boolean, steps: number): number[] {
  const { x, y } = spirals();
  manualSeed(3);
  const model = new Tower(depth, normalised);
  const optimizer = sgd({ learningRate: 0.3 });
  const step = compile(
    () => {
      const [loss, gradient] = valueAndGrad((m: Tower) => nn.crossEntropy(m.forward(x), y))(model);
      optimizer.update(model, gradient);
      return loss;
    },
    { state: [model, optimizer] },
  );
  return range(steps).map(() => step().itemSync());
}

/** The deviation of what leaves each of many layers, whose weights are too small or too large by a factor. */
function deviations(gain: Tensor, normalised: boolean): Tensor {
  const [width, depth] = [32, 20];
  const weights = gaussian(21, depth, width, width)
    .mul(Math.sqrt(2 / width))
    .mul(gain);
  const [, found] = scan(
    (h: Tensor, w: Tensor): [Tensor, Tensor] => {
      const z = h.matmul(w);
      const out = (normalised ? nn.layerNorm(z.T, [100]).T : z).relu(); // over the batch, for every unit
      return [out, out.sub(out.mean()).square().mean().sqrt()];
    },
    gaussian(22, 100, width),
    weights,
  );
  return found;
}

/** Which numbers of `[N, C, L]` the output at one place depends on: blue where the derivative is not zero. */
function shared(name: string, f: (x: Tensor) => Tensor): { readonly picture: Picture; readonly caption: string } {
  const [n, channels, length] = [4, 6, 4];
  const at = grad((x: Tensor) => f(x).at(1, 2, 1))(gaussian(31, n, channels, length));
  const pixels = numbers(at).flatMap((d, i) => {
    const shade = Math.floor(i / length) % 2 ? 226 : 240;
    return i === (1 * channels + 2) * length + 1
      ? [200, 60, 40]
      : Math.abs(d) > 1e-12
        ? [70, 120, 210]
        : [shade, shade, shade];
  });
  return {
    picture: { width: channels * length, height: n, channels: 3, pixels: Uint8Array.from(pixels) },
    caption: name,
  };
}

/** Two weights `[blocks, width, width]` for every block of a deep network, and those of its first and last layer. */
interface Deep {
  readonly first: Tensor;
  readonly inner: Tensor;
  readonly outer: Tensor;
  readonly last: Tensor;
}

const [blocks, width] = [15, 16];

/** Weights as those of `nn.Linear`, uniform up to 1/√fan; the second of each block is multiplied by `outer`. */
function deepNet(outer: number): Deep {
  const drawn = (seed: number, fan: number, ...shape: number[]): Tensor =>
    uniform(seed, -1 / Math.sqrt(fan), 1 / Math.sqrt(fan), ...shape).astype("float32");
  return {
    first: drawn(41, 3, 3, width),
    inner: drawn(42, width, blocks, width, width),
    outer: drawn(43, width, blocks, width, width).mul(outer),
    last: drawn(44, width, width, 2),
  };
}

/**
 * Thirty layers of ReLUs, in pairs: `h + W₂ relu(W₁ h)`, or `relu(W₂ relu(W₁ h))`. A block whose `use` is 0 is left out;
 * `nudges` `[blocks, 200, width]` are added to what enters the blocks.
 */
function logits(
  net: Deep,
  x: Tensor,
  residual: boolean,
  { use = ones([blocks]), nudges = zeros([blocks, 1, 1]) }: { readonly use?: Tensor; readonly nudges?: Tensor } = {},
): Tensor {
  const [out] = scan(
    (before: Tensor, [inner, outer, used, nudge]: [Tensor, Tensor, Tensor, Tensor]): [Tensor, null] => {
      const h = before.add(nudge);
      const f = h.matmul(inner).relu().matmul(outer);
      const changed = residual ? f : f.relu().sub(h);
      return [h.add(changed.mul(used)), null];
    },
    x.matmul(net.first),
    [net.inner, net.outer, use, nudges],
  );
  return out.matmul(net.last);
}

/** Trains thirty layers on the spirals; the loss of every step, and what came out. */
function trained(start: Deep, residual: boolean, steps: number): { readonly losses: number[]; readonly net: Deep } {
  const { x, y } = spirals();
  const held = { net: start };
  const optimizer = adam({ learningRate: 2e-3 });
  const step = compile(
    () => {
      const [loss, gradient] = valueAndGrad((h: typeof held) => nn.crossEntropy(logits(h.net, x, residual), y))(held);
      optimizer.update(held, gradient);
      return loss;
    },
    { state: [held, optimizer] },
  );
  const losses = range(steps).map(() => step().itemSync());
  return { losses, net: held.net };
}

/** The length of the loss's derivative by what enters each block. */
function arriving(net: Deep, residual: boolean): number[] {
  const { x, y } = spirals();
  const loss = (nudges: Tensor): Tensor => nn.crossEntropy(logits(net, x, residual, { nudges }), y);
  return numbers(
    grad(loss)(zeros([blocks, 200, width]))
      .square()
      .sum([1, 2])
      .sqrt(),
  );
}

export const layers: readonly Row[] = [
  row(
    "REG-15",
    "Batch normalisation",
    String.raw`\hat x = \frac{x-\mu_B}{\sqrt{\sigma_B^2+\varepsilon}},\quad y = \gamma\hat x+\beta,\qquad \frac{\partial L}{\partial x} = \frac{\gamma}{\sqrt{\sigma_B^2+\varepsilon}}\Big(g-\overline g-\hat x\,\overline{g\hat x}\Big)`,
    String.raw`In training every channel is shifted and scaled by the moments of its batch, and these move with the inputs, so the gradient runs through them: what is left of a cotangent $g$ has lost its mean and its part along $\hat x$. In evaluation running averages stand in, so an example no longer depends on its neighbours. The scale of the weights before it has no effect, $\mathrm{BN}(aWx)=\mathrm{BN}(Wx)$; hence the gradient is orthogonal to them and falls as $1/a$, and a layer whose weights grow is trained more slowly by itself.

ONNX keeps the biased variance of the batch in its running average; here, as in PyTorch, it is the unbiased one, $\frac{n}{n-1}$ times as large, and the tests are compared after that change.`,
    (t) => {
      for (const { name, options, operands, output, further } of onnx.batchNorms()) {
        const [x, scale, shift, mean, variance] = operands;
        const { epsilon, training, kept } = options;
        const layer = new nn.BatchNorm(x.shape[1], { epsilon, momentum: 1 - kept });
        Object.assign(layer, { weight: scale, bias: shift, runningMean: mean, runningVariance: variance, training });
        t.close(layer.forward(x), output, 1e-5, `ONNX \`${name}\``);
        if (!training) continue;
        const count = x.size / x.shape[1];
        const unbiased = further[1]
          .sub(variance.mul(kept))
          .mul(count / (count - 1))
          .add(variance.mul(kept));
        t.close(layer.runningMean ?? x, further[0], 1e-6, `ONNX \`${name}\`, running mean`);
        t.close(layer.runningVariance ?? x, unbiased, 1e-5, `ONNX \`${name}\`, running variance`);
      }

      const [n, d] = [12, 4];
      const [x, w, c] = [gaussian(1, n, 6), gaussian(2, d, 6), gaussian(3, n, d)];
      const exact = nn.cast(new nn.BatchNorm(d, { epsilon: 0 }), "float64");
      const after = (weights: Tensor): Tensor => exact.forward(x.matmul(weights.T));
      const slopes = grad((weights: Tensor) => after(weights).mul(c).sum());
      for (const a of [1e-3, 50]) {
        t.close(after(w.mul(a)), after(w), 1e-11, String.raw`$\mathrm{BN}(aWx)$, $a=${a}$`);
        t.close(slopes(w.mul(a)).mul(a), slopes(w), 1e-10, String.raw`$a$ times the gradient there`);
      }
      t.close(slopes(w).mul(w).sum(1), 0, 1e-13, "gradient times the weights of each unit");

      const layer = nn.cast(new nn.BatchNorm(d, { epsilon: 0.1 }), "float64");
      const [gamma, z, g] = [gaussian(4, d), gaussian(5, n, d, 3), gaussian(6, n, d, 3)];
      layer.weight = gamma;
      const along = (v: Tensor): Tensor => v.reshape([1, d, 1]);
      const average = (v: Tensor): Tensor => along(v.mean([0, 2]));
      const centred = z.sub(average(z));
      const root = average(centred.square()).add(0.1).sqrt();
      const hat = centred.div(root);
      const rest = g.sub(average(g)).sub(hat.mul(average(g.mul(hat))));
      const [, pull] = vjp((v: Tensor) => layer.forward(v), z);
      t.close(pull(g), along(gamma).div(root).mul(rest), 1e-13, "backward through the moments, inputs");
      const own = grad((m: typeof layer) => m.forward(z).mul(g).sum())(layer);
      t.close(own.weight ?? z, g.mul(hat).sum([0, 2]), 1e-12, String.raw`$\gamma$: $\sum g\hat x$`);
      t.close(own.bias ?? z, g.sum([0, 2]), 1e-12, String.raw`$\beta$: $\sum g$`);

      const batches = gaussian(7, 5, n, d).add(2);
      const means = batches.mean(1); // [5, d]
      const tracked = (momentum: number | null): nn.BatchNorm => {
        const norm = nn.cast(new nn.BatchNorm(d, { momentum }), "float64");
        for (const k of range(5)) norm.forward(batches.at(k));
        return norm.eval();
      };
      const shares = f64(range(5).map((k) => 0.1 * 0.9 ** (4 - k))).expandDims(1);
      const running = tracked(0.1);
      t.close(
        running.runningMean ?? x,
        means.mul(shares).sum(0),
        1e-14,
        String.raw`running mean: $\sum_k0.1\cdot0.9^{5-k}\mu_k$`,
      );
      t.close(tracked(null).runningMean ?? x, means.mean(0), 1e-14, "without a momentum: the plain mean");
      t.equal(
        running.forward(batches.at(0)).at(3),
        running.forward(batches.at(0, "3:4")).at(0),
        "in evaluation an example stands alone",
      );

      const steps = 150;
      const [plain, normalised] = [descent(10, false, steps), descent(10, true, steps)];
      t.less(normalised[steps - 1], 0.3 * plain[steps - 1], "loss after 150 steps, against 0.3 of that without");
      const places = range(steps);
      t.plot(
        lines(
          [
            { name: "plain", x: places, y: plain },
            { name: "batch normalisation", x: places, y: normalised },
          ],
          {
            title: "Two spirals, eleven hidden layers",
            x: { label: "step of gradient descent" },
            y: { label: "loss", log: true },
          },
        ),
        "The same learning rate, 0.3, and the same weights to begin with.",
      );
      const gains = f64([0.7, 1, 1.4]);
      const scales = [false, true].map((on) => numbers(vmap((gain: Tensor) => deviations(gain, on))(gains)));
      const depth = range(20).map((k) => k + 1);
      const curve = (kind: number, i: number): number[] => scales[kind].slice(20 * i, 20 * i + 20);
      t.plot(
        lines(
          [
            { name: "weights 0.7 of He's", x: depth, y: curve(0, 0) },
            { name: "He's", x: depth, y: curve(0, 1) },
            { name: "1.4 times", x: depth, y: curve(0, 2) },
            { name: "all three, normalised", x: depth, y: curve(1, 0), dashed: true },
          ],
          { title: "Deviation of activations through twenty layers", x: { label: "layer" }, y: { log: true } },
        ),
        "Without normalisation the scale of the weights is raised to the power of the depth. With it, it drops out.",
      );
      t.close(curve(1, 0), curve(1, 2), 1e-3, "deviations behind normalised layers, weights 0.7 and 1.4 of He's");
    },
  ),
  row(
    "REG-16",
    "Layer, root-mean-square, group and instance normalisation",
    String.raw`\hat x = \frac{x-\mu(x)}{\sqrt{\sigma^2(x)+\varepsilon}},\qquad \frac{\partial\hat x}{\partial x} = \frac{1}{\sqrt{\sigma^2+\varepsilon}}\Big(I-\tfrac1n\mathbf 1\mathbf 1^\top-\tfrac1n\hat x\hat x^\top\Big)`,
    String.raw`The same formula, over other numbers: all of one example (layer), one of its channels (instance), or some of its channels (group). None looks at other examples, so training and evaluation are the same and a batch of one will do. The Jacobian is symmetric; without $\varepsilon$ it is a projection, divided by the deviation: constants and $\hat x$ itself are lost. Dividing by the root mean square alone leaves constants in, and costs less. Layer normalisation does not see a common vector added to all rows of the weights before it; the root mean square does.

ONNX 1.12 has tests of layer and instance normalisation; those of groups and of the root mean square came later, and closed forms stand in for them here.`,
    (t) => {
      for (const { name, options, operands, output } of onnx.layerNorms()) {
        const [x, scale, shift] = operands;
        t.close(nn.layerNorm(x, options.shape, scale, shift, options.epsilon), output, 1e-5, `ONNX \`${name}\``);
      }
      for (const { name, options, operands, output } of onnx.instanceNorms()) {
        const [x, scale, shift] = operands;
        t.close(nn.instanceNorm(x, scale, shift, options.epsilon), output, 1e-5, `ONNX \`${name}\``);
      }
      const [n, epsilon] = [7, 0.1];
      const x = gaussian(1, n).add(0.5);
      const identity = eye(n, n, { dtype: "float64" });
      const outer = (v: Tensor): Tensor => v.expandDims(1).mul(v);
      const hat = nn.layerNorm(x, [n], null, null, epsilon);
      const deviation = x.variance(0, { correction: 0 }).add(epsilon).sqrt();
      const expected = identity
        .sub(1 / n)
        .sub(outer(hat).div(n))
        .div(deviation);
      const derivative = jacobian((v: Tensor) => nn.layerNorm(v, [n], null, null, epsilon))(x);
      t.close(derivative, expected, 1e-14, "Jacobian of layer normalisation");
      const rootMean = x.square().mean().add(epsilon).sqrt();
      const r = x.div(rootMean);
      const other = jacobian((v: Tensor) => nn.rmsNorm(v, [n], null, epsilon))(x);
      t.close(
        other,
        identity.sub(outer(r).div(n)).div(rootMean),
        1e-14,
        String.raw`of the root mean square: $\frac1r(I-\frac1n\hat x\hat x^\top)$`,
      );
      t.close(
        nn.rmsNorm(f64([3, 4]), [2]),
        [3 / Math.sqrt(12.5), 4 / Math.sqrt(12.5)],
        1e-15,
        String.raw`(3, 4) over $\sqrt{12.5}$`,
      );
      const centred = x.sub(x.mean());
      t.close(nn.rmsNorm(centred, [n], null, epsilon), hat, 1e-14, "both are one when the mean is zero");

      const [w, u, input] = [gaussian(2, n, 5), gaussian(3, 5), gaussian(4, 5)];
      const norms = [(v: Tensor) => nn.layerNorm(v, [n], null, null, 0), (v: Tensor) => nn.rmsNorm(v, [n], null, 0)];
      const moved = norms.map((norm) => distance(norm(w.add(u).matmul(input)), norm(w.matmul(input))));
      t.close(moved[0], 0, 1e-13, String.raw`layer: $(W+\mathbf 1u^\top)x$ against $Wx$`);
      t.greater(moved[1], 0.1, "root mean square: it is seen");
      for (const [i, norm] of norms.entries())
        t.close(
          norm(w.mul(100).matmul(input)),
          norm(w.matmul(input)),
          1e-13,
          `$100\\,Wx$ against $Wx$, ${["layer", "root mean square"][i]}`,
        );

      const image = gaussian(5, 2, 6, 3, 3);
      t.close(nn.groupNorm(image, 1), nn.layerNorm(image, [6, 3, 3]), 1e-14, "one group is layer normalisation");
      t.close(nn.groupNorm(image, 6), nn.instanceNorm(image), 1e-14, "as many groups as channels are instances");
      const halves = image.reshape([2, 2, 27]);
      const byHand = halves
        .sub(halves.mean(2, { keepDims: true }))
        .div(halves.variance(2, { correction: 0, keepDims: true }).add(1e-5).sqrt());
      t.close(nn.groupNorm(image, 2), byHand.reshape([2, 6, 3, 3]), 1e-13, "two groups, by hand");
      const one = image.at(":1");
      t.close(
        nn.cast(new nn.BatchNorm(6), "float64").forward(one),
        nn.instanceNorm(one),
        1e-14,
        "a batch of one picture is an instance",
      );
      t.close(
        nn.instanceNorm(image.mul(3).add(5), null, null, 0),
        nn.instanceNorm(image, null, null, 0),
        1e-12,
        "contrast and brightness drop out",
      );

      const sizes = [2, 4, 8, 16, 32, 64];
      const kinds: Readonly<Record<string, (v: Tensor) => Tensor>> = {
        batch: (v) => new nn.BatchNorm(6, { affine: false, trackRunningStats: false }).forward(v),
        layer: (v) => nn.layerNorm(v, [6, 4]),
        instance: (v) => nn.instanceNorm(v),
        "group, 2": (v) => nn.groupNorm(v, 2),
      };
      const example = gaussian(6, 1, 6, 4);
      const others = gaussian(7, 100, 64, 6, 4);
      const wobble = Object.values(kinds)
        .slice(0, 2)
        .map((norm) =>
          sizes.map((size) =>
            vmap((rest: Tensor) => norm(stack([example.at(0), ...range(size - 1).map((k) => rest.at(k))])).at(0))(
              others,
            )
              .variance(0)
              .mean()
              .sqrt()
              .itemSync(),
          ),
        );
      t.close(wobble[1], 0, 1e-12, "layer: how much an example's output varies with its neighbours");
      t.greater(wobble[0][0], 2 * wobble[0][5], "batch: with batches of 2 against twice that with 64");
      t.plot(
        imageGrid(
          Object.entries(kinds).map(([name, f]) => shared(name, f)),
          { title: "Which numbers one output depends on", columns: 2, side: 290 },
        ),
        "Four examples (rows) of six channels with four numbers each; the output at the red place depends on the blue ones. Found from derivatives.",
      );
      t.plot(
        lines(
          [
            { name: "batch", x: sizes, y: wobble[0] },
            { name: "layer, group, instance", x: sizes, y: wobble[1], dashed: true },
          ],
          {
            title: "How much an output depends on its neighbours",
            x: { label: "size of the batch", log: true },
            y: { label: "deviation" },
          },
        ),
        "The deviation of one example's normalised values over 100 random batches: the noise of batch normalisation, and why it wants large batches.",
      );
    },
  ),
  row(
    "REG-20",
    "Residual connections; ensembles of paths; Occam's bias",
    String.raw`x\mapsto x+F(x),\qquad \prod_{k=1}^n(I+A_k) = \sum_{S\subseteq\{1..n\}}\ \prod_{k\in S}A_k,\qquad \min_A\ \|(I+A)X-Y\|^2+\lambda\|A\|^2`,
    String.raw`A block that adds to its input does nothing when its last layer is zero: a network of any depth begins as the identity, with $J=I$, and every gradient arrives as it left. Multiplied out, $n$ blocks are $2^n$ paths, most of them of about half the depth: an ensemble that shares weights (Veit, Wilber and Belongie 2016); a block less removes half of the paths, not the network. And a penalty on norms pulls a residual network to the identity, a plain one to zero: the simplest function is one that keeps its input. If the truth is near the identity, that is the better prior at every strength $\lambda$.

Thirty layers without normalisation, and weights as a linear layer draws them, learn two spirals with the connections; without them no derivative arrives at the first.`,
    (t) => {
      manualSeed(1);
      const still = () => {
        const last = new nn.Linear(5, 4);
        Object.assign(last, { weight: zeros([4, 5]), bias: zeros([4]) });
        return new nn.Residual(new nn.Sequential([new nn.Linear(4, 5), nn.relu, last]));
      };
      const pairs = nn.stackModels(range(15).map(still));
      const deep = (v: Tensor): Tensor =>
        scan((h: Tensor, pair: typeof pairs): [Tensor, null] => [pair.forward(h), null], v, pairs)[0];
      const x = gaussian(2, 4).astype("float32");
      t.equal(deep(x), x, "30 layers, the last of each block zero: the identity");
      t.equal(jacobian(deep)(x), eye(4, 4), "its Jacobian");

      const n = 6;
      const parts = gaussian(3, n, 3, 3).mul(0.4);
      const one: Tensor = eye(3, 3, { dtype: "float64" });
      const whole = range(n).reduce((h, k) => h.add(h.matmul(parts.at(k))), one);
      const path = (mask: Tensor): Tensor =>
        range(n).reduce((h, k) => h.mul(mask.at(k).neg().add(1)).add(h.matmul(parts.at(k)).mul(mask.at(k))), one);
      const masks = f64(range(2 ** n).map((code) => range(n).map((k) => (code >> k) & 1)));
      const paths = vmap(path)(masks);
      t.close(paths.sum(0), whole, 1e-13, "six linear blocks: the sum of 64 paths");
      const without = range(n).reduce((h, k) => (k === 2 ? h : h.add(h.matmul(parts.at(k)))), one);
      const kept = masks.at(":", 2).neg().add(1).reshape([64, 1, 1]);
      t.close(paths.mul(kept).sum(0), without, 1e-13, "without the third: the 32 paths around it");

      const angle = 0.4;
      const truth = f64([
        [Math.cos(angle), -Math.sin(angle)],
        [Math.sin(angle), Math.cos(angle)],
      ]);
      const [inputs, noise] = [gaussian(4, 2, 6), gaussian(5, 2, 6).mul(0.5)];
      const outputs = truth.matmul(inputs).add(noise);
      const two = eye(2, 2, { dtype: "float64" });
      const shrunk = (lambda: Tensor, target: Tensor): Tensor =>
        target.matmul(inputs.T).matmul(inv(inputs.matmul(inputs.T).add(two.mul(lambda))));
      const block = nn.cast(new nn.Residual(new nn.Linear(2, 2, { bias: false })), "float64");
      const penalised = (m: typeof block): Tensor =>
        m.forward(inputs.T).sub(outputs.T).square().sum().add(m.f.weight.square().sum().mul(3));
      nn.loadStateDict(block, { "f.weight": shrunk(f64(3), outputs.sub(inputs)) });
      t.close(
        grad(penalised)(block).f.weight,
        0,
        1e-12,
        String.raw`gradient at $A=(Y-X)X^\top(XX^\top+\lambda I)^{-1}$`,
      );
      t.close(
        two.add(shrunk(f64(1e9), outputs.sub(inputs))),
        two,
        1e-7,
        String.raw`$\lambda\to\infty$, residual: the identity`,
      );
      t.close(shrunk(f64(1e9), outputs), 0, 1e-7, String.raw`$\lambda\to\infty$, plain: zero`);
      const strengths = grid(-2, 3, 26).map((e) => 10 ** e);
      const errors = (base: Tensor, target: Tensor): number[] =>
        numbers(vmap((l: Tensor) => base.add(shrunk(l, target)).sub(truth).square().sum().sqrt())(f64(strengths)));
      const residualErrors = errors(two, outputs.sub(inputs));
      const plainErrors = errors(two.mul(0), outputs);
      t.atMost(
        residualErrors,
        plainErrors.map((e) => e + 1e-12),
        "distance to a turn by 0.4, residual against plain, 26 strengths",
      );

      const [arrived, lost] = [arriving(deepNet(0), true), arriving(deepNet(1), false)];
      t.close(arrived, arrived[blocks - 1], 1e-7, "residual: the loss's derivative by the input of every block");
      t.less(lost[0], 1e-6 * lost[blocks - 1], "plain: that of the first against a millionth of the last");
      const steps = 150;
      const [residual, plain] = [trained(deepNet(0), true, steps), trained(deepNet(1), false, steps)];
      t.less(
        residual.losses[steps - 1],
        0.3 * plain.losses[steps - 1],
        "thirty layers: loss after 150 steps, against 0.3 of the plain network's",
      );
      const { x: points, y } = spirals();
      const uses = ones([blocks, blocks]).sub(eye(blocks, blocks));
      const accuracy = (scores: Tensor): Tensor => scores.argmax(-1).equal(y).astype("float32").mean(-1);
      const cut = numbers(accuracy(vmap((use: Tensor) => logits(residual.net, points, true, { use }))(uses)));
      const full = accuracy(logits(residual.net, points, true)).itemSync();
      t.greater(
        cut.reduce((a, b) => a + b, 0) / blocks,
        full - 0.1,
        "mean accuracy when one of 15 blocks is taken out, against that of all less 0.1",
      );
      t.show("accuracy", `${full.toFixed(3)}; with one block less ${cut.map((a) => a.toFixed(2)).join(", ")}`);
      const places = range(steps);
      t.plot(
        lines(
          [
            { name: "plain", x: places, y: plain.losses },
            { name: "residual", x: places, y: residual.losses },
          ],
          { title: "Thirty layers learn two spirals", x: { label: "step of Adam" }, y: { label: "loss", log: true } },
        ),
      );
      const order = range(blocks).map((k) => k + 1);
      t.plot(
        lines(
          [
            { name: "plain", x: order, y: lost },
            { name: "residual", x: order, y: arrived },
          ],
          {
            title: "The loss's derivative by what enters each block, at the start",
            x: { label: "block" },
            y: { label: "length", log: true },
          },
        ),
        "It is made at the right end and travels to the left. Through zero branches it arrives as it left.",
      );
      t.plot(
        lines(
          [
            { name: "plain: towards zero", x: strengths, y: plainErrors },
            { name: "residual: towards the identity", x: strengths, y: residualErrors },
          ],
          {
            title: "Distance to a turn by 0.4, from six noisy pairs",
            x: { label: "λ", log: true },
            y: { domain: [0, 1.5] },
          },
        ),
      );
    },
  ),
];
