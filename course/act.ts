/** ACT: units, activations and output losses. */
import { grad, hessian, jvp, oneHot, scan, stack, type Tensor, tensor, vjp, vmap } from "typegrad";
import { chapter, row } from "typegrad/course";
import { iris } from "typegrad/data";
import { fromHost } from "typegrad/io";
import { diag, solve } from "typegrad/linalg";
import {
  binaryCrossEntropyWithLogits,
  crossEntropy,
  gelu,
  leakyRelu,
  logSoftmax,
  mse,
  nll,
  prelu,
  sigmoid,
  softmax,
  softMargin,
  softplus,
} from "typegrad/nn";
import { minimize } from "typegrad/optim";
import { lines, scatter } from "typegrad/plot";
import { erf, logit } from "typegrad/special";
import { MaxAffine } from "typegrad/theory";
import { accuracy } from "typegrad/train";
import { f64, gaussian, grid, numbers, range, uniform } from "./helpers.js";

type Unit = (x: Tensor) => Tensor;

/** The derivative of a unit at every element. */
const slopeOf = (f: Unit): Unit => grad((x: Tensor) => f(x).sum());

/** A picture of units and their derivatives. */
function curves(units: Readonly<Record<string, Unit>>, title: string, reach = 4): string {
  const at = grid(-reach, reach, 201);
  const series = Object.entries(units).flatMap(([name, f]) => [
    { name, x: at, y: numbers(f(f64(at))) },
    { name: `${name}′`, x: at, y: numbers(slopeOf(f)(f64(at))), dashed: true },
  ]);
  return lines(series, { title, x: { label: "z" }, height: 280 });
}

export const activations = chapter(
  "ACT",
  "Units, activations and output losses",
  "What a single unit computes, its derivative, and the loss at the end of the network. Both must survive any number that training throws at them, so every row looks at the far ends too.",
  [
    row(
      "ACT-01",
      "The logistic sigmoid and its inverse",
      String.raw`\sigma(z) = \frac{1}{1+e^{-z}},\qquad \sigma'(z) = \sigma(z)\,\sigma(-z),\qquad \sigma^{-1}(p) = \log\frac{p}{1-p}`,
      String.raw`Written with the exponential of $-|z|$ only, nothing overflows: at $-800$ value and slope are $0$, not NaN. In the left tail $\sigma(z)\approx e^{z}$ keeps all its digits. (The values of the ONNX test *sigmoid* are $\sigma(-1),\sigma(0),\sigma(1)$.)`,
      (t) => {
        const e = Math.E;
        t.close(
          sigmoid(f64([1, 0, -1])),
          [e / (e + 1), 1 / 2, 1 / (e + 1)],
          1e-15,
          String.raw`$\sigma(1),\sigma(0),\sigma(-1)$`,
        );
        t.close(sigmoid(f64(1)), 0.7310585786, 1e-10, String.raw`$\sigma(1)$, published`);
        t.equal(sigmoid(f64([-800, 800])), [0, 1], String.raw`$\sigma(\mp800)$`);
        t.equal(slopeOf(sigmoid)(f64([-800, 800])), [0, 0], "slopes there");
        const z = uniform(1, -30, 30, 1000);
        t.close(
          slopeOf(sigmoid)(z),
          sigmoid(z).mul(sigmoid(z.neg())),
          2e-16,
          String.raw`$\sigma'$ against $\sigma(z)\sigma(-z)$`,
        );
        const near = uniform(2, -8, 8, 1000);
        t.close(logit(sigmoid(near)), near, 1e-12, "the inverse undoes it");
        t.close(sigmoid(f64(-700)).div(Math.exp(-700)), 1, 1e-14, "relative size in the tail");
        t.plot(curves({ σ: sigmoid }, "The sigmoid and its slope", 8));
      },
    ),
    row(
      "ACT-02",
      "The hyperbolic tangent",
      String.raw`\tanh z = 2\sigma(2z) - 1,\qquad \tanh' z = 1-\tanh^2 z`,
      String.raw`A sigmoid, stretched and centred. The identity is exact on paper, but near $0$ the difference $2\sigma-1$ cancels, and only *tanh* itself keeps the digits. Expected values are mpmath's, in place of NumPy's tables, on which the package's own tests run.`,
      (t) => {
        const z = f64([1e-5, 0.1, 0.5, 1, 2, 10]);
        const values = [
          9.999999999666668e-6, 0.09966799462495582, 0.46211715726000974, 0.7615941559557649, 0.9640275800758169,
          0.9999999958776927,
        ];
        t.close(z.tanh().div(f64(values)), 1, 2 * 2 ** -52, "relative to the value");
        const many = uniform(1, -6, 6, 1000);
        t.close(many.mul(2).sigmoid().mul(2).sub(1), many.tanh(), 4e-16, String.raw`$2\sigma(2z)-1$`);
        t.close(slopeOf((x) => x.tanh())(many), many.tanh().square().neg().add(1), 1e-15, String.raw`slope`);
        const tiny = f64(1e-12);
        t.greater(
          tiny.mul(2).sigmoid().mul(2).sub(1).div(tiny.tanh()).sub(1).abs(),
          1e-6,
          String.raw`relative error of $2\sigma(2z)-1$ at $10^{-12}$`,
        );
        t.plot(curves({ tanh: (x) => x.tanh() }, "tanh and its slope"));
      },
    ),
    row(
      "ACT-03",
      "The rectified linear unit",
      String.raw`\mathrm{ReLU}(z) = \max(z, 0),\qquad \mathrm{ReLU}'(z) = \mathbb 1[z>0]`,
      String.raw`Element by element on tensors with any number of axes; half of random numbers survive. At the kink the derivative is $0$ by convention.`,
      (t) => {
        t.equal(f64([-2, -0.5, 0, 0.5, 2]).relu(), [0, 0, 0, 0.5, 2], "values");
        t.equal(slopeOf((x) => x.relu())(f64([-2, -0.5, 0, 0.5, 2])), [0, 0, 0, 1, 1], "slopes");
        for (const shape of [[], [7], [3, 4, 5], [2, 1, 3, 1, 2]]) {
          const x = gaussian(shape.length, ...shape);
          t.equal(
            x.relu(),
            numbers(x).map((v) => Math.max(v, 0)),
            `shape $[${shape.join(",")}]$`,
          );
        }
        t.equal(f64(NaN).relu().isNaN(), true, "NaN stays NaN");
        t.plot(curves({ ReLU: (x) => x.relu() }, "The rectifier and its slope", 3));
      },
    ),
    row(
      "ACT-04",
      "Leaky rectifiers",
      String.raw`f_\alpha(z) = \begin{cases} z & z>0\\ \alpha z & z\le0\end{cases},\qquad \frac{\partial}{\partial\alpha}\sum_i f_\alpha(z_i) = \sum_{z_i\le0} z_i`,
      String.raw`A slope on the negative side keeps gradients alive; in PReLU the network learns it. The slope used in graph attention is $0.2$, the usual one $0.01$.`,
      (t) => {
        const z = f64([-2, -1, 0, 3]);
        t.equal(leakyRelu(z, 0.25), [-0.5, -0.25, 0, 3], "values, $\\alpha=1/4$");
        t.equal(slopeOf((x) => leakyRelu(x, 0.25))(z), [0.25, 0.25, 0.25, 1], "slopes");
        t.equal(leakyRelu(z), [-0.02, -0.01, 0, 3], "the default slope");
        const alpha = f64([0.25]);
        t.equal(prelu(z, alpha), [-0.5, -0.25, 0, 3], "PReLU");
        t.equal(
          grad((a: Tensor) => prelu(z, a).sum())(alpha),
          [-3],
          String.raw`$\partial/\partial\alpha$ is the sum of the negative inputs`,
        );
        const batch = gaussian(1, 5, 3, 4);
        const slopes = grad((a: Tensor) => prelu(batch, a).sum())(f64([0.1, 0.2, 0.3]));
        t.close(slopes, batch.minimum(0).sum([0, 2]), 1e-14, "one slope for each channel");
        t.plot(curves({ "leaky, 0.2": (x) => leakyRelu(x, 0.2) }, "A leaky rectifier", 3));
      },
    ),
    row(
      "ACT-05",
      "Absolute values and rectifiers",
      String.raw`(z)_+ = \frac{z+|z|}{2},\qquad |z| = (z)_+ + (-z)_+`,
      String.raw`Each unit is a combination of the other and a linear one, so what one can represent so can the other. The identities hold to the last bit: $z+|z|$ is $2z$ or $0$, and doubling is exact.`,
      (t) => {
        const scale = uniform(2, -300, 300, 10000).mul(Math.LN10).exp();
        const z = gaussian(1, 10000).mul(scale);
        t.equal(z.add(z.abs()).div(2), z.relu(), "10,000 numbers from $10^{-300}$ to $10^{300}$");
        t.equal(z.relu().add(z.neg().relu()), z.abs(), "the other way");
        t.greater(scale.max().div(scale.min()).log10(), 590, "their range in powers of ten");
      },
    ),
    row(
      "ACT-06",
      "Gaussian error linear units",
      String.raw`\mathrm{GELU}(z) = z\,\Phi(z) = \frac z2\left(1+\operatorname{erf}\frac{z}{\sqrt2}\right) \approx \frac z2\left(1+\tanh\!\left[\sqrt{\tfrac2\pi}\,(z+0.044715z^3)\right]\right)`,
      String.raw`A smooth gate: the input, weighted with the probability that a normal variable is smaller. It is not monotone; the least value is $-0.16997$ at $-0.75179$. The approximation by tanh is off by at most $4.74\cdot10^{-4}$. All expected values are mpmath's, in place of ONNX's and Boost's files.`,
      (t) => {
        const z = f64([-3, -1, -0.5, 0.5, 1, 2.5]);
        t.close(gelu(f64(1)), 0.8413447460685429, 2e-16, "GELU(1)");
        t.close(
          gelu(z),
          [
            -0.004049694094890284, -0.15865525393145705, -0.154268769362993, 0.345731230637007, 0.8413447460685429,
            2.48447583668556,
          ],
          1e-15,
          "GELU",
        );
        t.close(
          gelu(z, { approximate: "tanh" }),
          [
            -0.003637392081773019, -0.1588080093917233, -0.1542859901748561, 0.3457140098251439, 0.8411919906082767,
            2.484915733910001,
          ],
          1e-15,
          "by tanh",
        );
        t.close(erf(f64([0.5, 1, 2])), [0.5204998778130465, 0.8427007929497149, 0.9953222650189527], 2e-16, "erf");
        const dense = f64(grid(-5, 5, 100001));
        t.close(
          gelu(dense)
            .sub(gelu(dense, { approximate: "tanh" }))
            .abs()
            .max(),
          4.732355e-4,
          1e-9,
          "largest distance of the two",
        );
        const lowest = f64(-0.7517915246935645);
        t.close(gelu(lowest), -0.16997120747990366, 1e-16, "least value");
        t.close(grad((x: Tensor) => gelu(x))(lowest), 0, 1e-16, "slope there");
        t.plot(curves({ GELU: (x) => gelu(x) }, "GELU and its slope"));
      },
    ),
    row(
      "ACT-07",
      "Softplus",
      String.raw`\zeta(z) = \log(1+e^z),\qquad \zeta' = \sigma,\qquad \zeta(z)-\zeta(-z) = z`,
      String.raw`The smooth rectifier, and the antiderivative of the sigmoid. Written as $\max(z,0)+\log(1+e^{-|z|})$ it neither overflows nor loses its tail.`,
      (t) => {
        t.close(softplus(f64([0, 1])), [Math.LN2, 1.3132616875182228], 4e-16, String.raw`$\zeta(0)=\ln2$, $\zeta(1)$`);
        t.equal(softplus(f64([1000, -1000])), [1000, 0], "far out");
        t.close(softplus(f64(-700)).div(Math.exp(-700)), 1, 1e-14, "relative size in the tail");
        const z = uniform(1, -40, 40, 1000);
        t.close(slopeOf((x) => softplus(x))(z), z.sigmoid(), 1e-15, String.raw`$\zeta'=\sigma$`);
        t.close(softplus(z).sub(softplus(z.neg())), z, 1e-14, String.raw`$\zeta(z)-\zeta(-z)$`);
        t.close(
          vmap(grad(grad((x: Tensor) => softplus(x))))(f64([0, 900])),
          [0.25, 0],
          1e-16,
          String.raw`$\zeta''(0)=\frac14$, and far out`,
        );
        t.plot(
          curves({ softplus: (x) => softplus(x), ReLU: (x) => x.relu() }, "Softplus rounds the rectifier's corner"),
        );
      },
    ),
    row(
      "ACT-08",
      "Softmax, its logarithm, and temperature",
      String.raw`\mathrm{softmax}(z)_i = \frac{e^{z_i/T}}{\sum_j e^{z_j/T}},\qquad J v = \tfrac1T\big(p\circ v - p\,(p^\top v)\big)`,
      String.raw`Adding a constant to all logits changes nothing; the ONNX test *softmax_large_number* takes $(0,1,2,3)$ and the same plus $10^4$, whose exponentials overflow. A low temperature turns softmax into argmax, a high one into the uniform distribution.`,
      (t) => {
        const z = f64([
          [0, 1, 2, 3],
          [10000, 10001, 10002, 10003],
        ]);
        const total = 1 + Math.E + Math.E ** 2 + Math.E ** 3;
        const expected = range(4).map((k) => Math.E ** k / total);
        t.close(softmax(z), [...expected, ...expected], 1e-15, "*softmax_large_number*");
        t.close(
          softmax(z).at(0),
          [0.032058604, 0.08714432, 0.23688284, 0.6439143],
          6e-8,
          "its values as published, float32",
        );
        t.close(logSoftmax(z), [...expected, ...expected].map(Math.log), 1e-12, "log-softmax");
        t.equal(logSoftmax(f64([0, -1e4])), [0, -1e4], "log-softmax where softmax is 0");
        const x = gaussian(1, 5);
        const [p, v] = [softmax(x), gaussian(2, 5)];
        const product = p.mul(v).sub(p.mul(p.mul(v).sum()));
        t.close(
          jvp((y: Tensor) => softmax(y.mul(4)), x.div(4), v)[1],
          product.mul(4),
          4e-15,
          String.raw`the same at $T=\tfrac14$`,
        );
        t.close(jvp((y: Tensor) => softmax(y), x, v)[1], product, 1e-15, "Jacobian times vector, forward");
        t.close(
          vjp((y: Tensor) => softmax(y), x)[1](v),
          product,
          1e-15,
          "vector times Jacobian, reverse: the same, it is symmetric",
        );
        const tempered = (T: number): Tensor => softmax(f64([1, 2, 3]).div(T));
        t.close(tempered(0.01), [0, 0, 1], 1e-40, "temperature 0.01");
        t.close(tempered(1e9), [1 / 3, 1 / 3, 1 / 3], 1e-9, "temperature $10^9$");
        const T = grid(0.1, 4, 60);
        const shares = numbers(stack(T.map(tempered)));
        t.plot(
          lines(
            range(3).map((i) => ({ name: `logit ${i + 1}`, x: T, y: T.map((_, k) => shares[3 * k + i]) })),
            {
              title: "Softmax of (1, 2, 3)",
              x: { label: "temperature" },
              y: { domain: [0, 1] },
              height: 260,
            },
          ),
        );
      },
    ),
    row(
      "ACT-09",
      "Maxout units",
      String.raw`h(x) = \max_{j\le k}\,(w_j^\top x + b_j),\qquad 2\max(f,g) = f+g+|f-g|`,
      String.raw`The largest of $k$ affine functions: convex, piecewise linear, with the weights of the winner as its gradient. With $k=2$ it contains rectifier and absolute value.`,
      (t) => {
        const unit = new MaxAffine(
          f64([
            [1, 2],
            [-1, 0],
            [0.5, -3],
          ]),
          f64([0, 1, -1]),
        );
        const x = f64([
          [1, 1],
          [-3, 0.5],
          [0, -2],
        ]);
        t.equal(unit.forward(x), [3, 4, 5], "values at three points, by hand");
        const value = (p: Tensor): Tensor => unit.forward(p.expandDims(0)).sum();
        t.equal(
          vmap(grad(value))(x),
          [
            [1, 2],
            [-1, 0],
            [0.5, -3],
          ].flat(),
          "the gradient is the winner's weights",
        );
        const [f, g] = [gaussian(1, 1000), gaussian(2, 1000)];
        t.close(f.maximum(g).mul(2), f.add(g).add(f.sub(g).abs()), 1e-15, String.raw`$2\max(f,g)$`);
        const z = gaussian(3, 1000, 1);
        const two = (w: number[]): Tensor => new MaxAffine(f64(w.map((v) => [v])), f64([0, 0])).forward(z);
        t.equal(two([1, 0]), z.relu().squeeze(1), "rectifier");
        t.equal(two([1, -1]), z.abs().squeeze(1), "absolute value");
      },
    ),
    row(
      "ACT-10",
      "The squared loss",
      String.raw`\ell(\hat y, y) = \tfrac12\|\hat y-y\|^2,\qquad \nabla_{\hat y}\ell = \hat y - y`,
      String.raw`The three customary reductions differ by constant factors, which move into the learning rate: with the mean over all $n$ elements and without the half, the gradient is $\frac2n(\hat y-y)$.`,
      (t) => {
        const [output, target] = [
          f64([
            [1, 2],
            [3, 5],
          ]),
          f64([
            [0, 2],
            [1, 1],
          ]),
        ];
        t.equal(mse(output, target), 21 / 4, "mean of 1, 0, 4, 16");
        t.equal(mse(output, target, { reduction: "sum" }), 21, "sum");
        t.equal(mse(output, target, { reduction: "none" }), [1, 0, 4, 16], "none");
        const half = grad((y: Tensor) => mse(y, target, { reduction: "sum" }).div(2))(output);
        t.equal(half, [1, 0, 2, 4], String.raw`gradient of $\frac12\|\hat y-y\|^2$`);
        t.equal(grad((y: Tensor) => mse(y, target))(output), [0.5, 0, 1, 2], "gradient of the mean");
        const y = gaussian(1, 500);
        const best = grad((c: Tensor) => mse(c.broadcastTo([500]), y))(y.mean());
        t.close(best, 0, 1e-15, "the best constant is the mean: gradient there");
      },
    ),
    row(
      "ACT-11",
      "Binary cross-entropy in two notations",
      String.raw`\log(1+e^{-yz}),\ y\in\{\pm1\} \quad=\quad -b\log\sigma(z)-(1-b)\log(1-\sigma(z)),\ b=\tfrac{1+y}2\in\{0,1\}`,
      String.raw`One loss, two ways to write the label. Its gradient by the weights is $(\sigma(w^\top x)-b)\,x$: the error times the input. From the logit it is computed without ever forming $\sigma$, so that a wrong answer with logit $800$ costs $800$ and not infinity.`,
      (t) => {
        const z = gaussian(1, 2000).mul(5);
        const b = gaussian(2, 2000).greater(0).astype("float64");
        const y = b.mul(2).sub(1);
        const none = { reduction: "none" } as const;
        const [signs, bits] = [softMargin(z, y, none), binaryCrossEntropyWithLogits(z, b, none)];
        t.close(signs.div(bits), 1, 4e-15, "ratio of the two forms");
        t.close(softMargin(f64([0]), f64([1])), Math.LN2, 2e-16, String.raw`at $z=0$: $\ln2$`);
        t.equal(binaryCrossEntropyWithLogits(f64([800, -800]), f64([0, 1]), none), [800, 800], "wrong and certain");
        t.equal(binaryCrossEntropyWithLogits(f64([800, -800]), f64([1, 0]), none), [0, 0], "right and certain");
        const [x, w] = [gaussian(3, 40, 3), gaussian(4, 3)];
        const labels = b.at(":40");
        const gradient = grad((v: Tensor) => binaryCrossEntropyWithLogits(x.matmul(v), labels, { reduction: "sum" }))(
          w,
        );
        t.close(gradient, x.T.matmul(x.matmul(w).sigmoid().sub(labels)), 1e-13, String.raw`$\sum(\sigma-b)\,x$`);
        const at = grid(-4, 4, 101);
        t.plot(
          lines(
            [
              { name: "log(1 + e⁻ʸᶻ)", x: at, y: numbers(softplus(f64(at).neg())) },
              { name: "0/1 error", x: at, y: at.map((v) => Number(v < 0)) },
              { name: "hinge", x: at, y: at.map((v) => Math.max(0, 1 - v)), dashed: true },
            ],
            { title: "Losses of a margin", x: { label: "margin y·z" }, height: 280 },
          ),
        );
      },
    ),
    row(
      "ACT-12",
      "The multinomial logistic loss",
      String.raw`\ell(z,y) = -z_y + \log\sum_j e^{z_j},\qquad \nabla_z\ell = \mathrm{softmax}(z) - e_y`,
      String.raw`With weights for classes, labels to ignore, three reductions, and any number of further axes, as in ONNX's 104 tests of *SoftmaxCrossEntropyLoss* and *NegativeLogLikelihoodLoss*; in place of their files the expected values are the definition, spelled out in plain loops. The mean divides by the *weights* of the labels that count.`,
      (t) => {
        const exact = crossEntropy(f64([[0, 0, Math.log(2)]]), tensor([2], { dtype: "int32" }));
        t.close(exact, Math.LN2, 2e-16, String.raw`logits $(0,0,\ln2)$, class 2: $\ln 2$`);
        const z = gaussian(1, 4, 3);
        const y = tensor([2, 0, 1, 2], { dtype: "int32" });
        const gradient = grad((v: Tensor) => crossEntropy(v, y, { reduction: "sum" }))(z);
        t.close(gradient, softmax(z).sub(oneHot(y, 3).astype("float64")), 1e-15, "gradient");

        const weight = f64([1, 0.5, 2]);
        const inner = [[], [2], [2, 3], [2, 1, 3]];
        for (const axes of inner) {
          const size = axes.reduce((a, b) => a * b, 1);
          const logits = gaussian(2, 4, 3, ...axes);
          const labels = range(4 * size).map((i) => (i % 5 === 4 ? -1 : (i * 7) % 3));
          const target = tensor(Int32Array.from(labels), { shape: [4, ...axes] });
          const [flat, w] = [numbers(logits), numbers(weight)];
          const losses = labels.map((label, k) => {
            const [n, at] = [Math.floor(k / size), k % size];
            const own = range(3).map((c) => flat[(3 * n + c) * size + at]);
            return label < 0 ? 0 : w[label] * (Math.log(own.reduce((s, v) => s + Math.exp(v), 0)) - own[label]);
          });
          const total = losses.reduce((a, b) => a + b, 0);
          const mass = labels.reduce((s, label) => s + (label < 0 ? 0 : w[label]), 0);
          const options = { weight, ignoreIndex: -1 };
          const name = `$[4,3${axes.map((n) => `,${n}`).join("")}]$`;
          t.close(crossEntropy(logits, target, { ...options, reduction: "none" }), losses, 1e-14, `${name}: none`);
          t.close(crossEntropy(logits, target, { ...options, reduction: "sum" }), total, 1e-13, `${name}: sum`);
          t.close(crossEntropy(logits, target, options), total / mass, 1e-14, `${name}: mean`);
          t.close(nll(logSoftmax(logits, 1), target, options), total / mass, 1e-14, `${name}: from log-probabilities`);
        }
      },
    ),
    row(
      "ACT-13",
      "Logistic regression",
      String.raw`\min_w \sum_i \log\!\left(1+e^{z_i}\right) - y_i z_i + \tfrac\lambda2\|w\|^2,\quad z=Xw;\qquad w \leftarrow w - (X^\top S X+\lambda I)^{-1}\nabla`,
      String.raw`$E[y|x]=\sigma(w^\top x)$, fitted by Newton's method (which here is iteratively reweighted least squares, $S=\mathrm{diag}(\sigma(1-\sigma))$), by L-BFGS and by stochastic gradients. Data: iris, *versicolor* against *virginica*, standardised, with a constant column and $\lambda=1$, in place of the breast-cancer table, which does not come with a package. The expected weights and the accuracy of $96\,\%$ come from SciPy's L-BFGS-B, polished by NumPy.`,
      async (t) => {
        const { arrays } = await iris({ dtype: "float64" });
        const raw = fromHost(arrays.features).at("50:");
        const y = fromHost(arrays.labels).at("50:").equal(2).astype("float64");
        const standard = raw.sub(raw.mean(0)).div(raw.variance(0, { correction: 0 }).sqrt());
        const x = standard.pad(
          [
            [0, 0],
            [0, 1],
          ],
          1,
        ); // [100, 5]
        const loss = (w: Tensor): Tensor =>
          binaryCrossEntropyWithLogits(x.matmul(w), y, { reduction: "sum" }).add(w.square().sum().div(2));
        const expected = [
          -0.2811476794575094, -0.5929281500421473, 2.212931677330274, 2.3880041097286258, 0.08782996664862,
        ];

        const curvature = (w: Tensor): Tensor => {
          const p = x.matmul(w).sigmoid();
          return x.T.mul(p.mul(p.neg().add(1)))
            .matmul(x)
            .add(diag(f64([1, 1, 1, 1, 1])));
        };
        let newton = f64([0, 0, 0, 0, 0]);
        t.close(hessian(loss)(newton), curvature(newton), 1e-12, String.raw`Hessian is $X^\top SX+\lambda I$`);
        const errors: number[] = [];
        for (let k = 0; k < 8; k++) {
          newton = newton.sub(solve(curvature(newton), grad(loss)(newton)));
          errors.push(newton.sub(f64(expected)).abs().max().itemSync());
        }
        t.close(newton, expected, 1e-12, "Newton, 8 steps: weights");
        t.close(loss(newton), 17.032929937884333, 1e-12, "loss");
        const { x: found } = await minimize(loss, f64([0, 0, 0, 0, 0]), { method: "l-bfgs", gtol: 1e-8 });
        t.close(found, expected, 1e-6, "L-BFGS: weights");
        const example = (w: Tensor, input: Tensor, label: Tensor): Tensor =>
          softplus(input.mul(w).sum())
            .sub(label.mul(input.mul(w).sum()))
            .add(w.square().sum().div(200));
        const order = tensor(Int32Array.from(range(6000), (k) => (k * 37) % 100)); // every example once in 100 steps
        const draws = [x.take(order), y.take(order), f64(range(6000).map((k) => 20 / (k + 100)))] as const;
        const [sgd] = scan(
          (w: Tensor, [input, label, rate]) => [w.sub(grad(example)(w, input, label).mul(rate)), []],
          f64([0, 0, 0, 0, 0]),
          draws,
        );
        t.less(loss(sgd), 17.033 * 1.01, "SGD, 60 passes, rates $20/(k+100)$: loss, within 1 %");
        const right = x.matmul(newton).greater(0).equal(y.greater(0)).astype("float64").mean();
        t.close(right, 0.96, 1e-12, "accuracy");
        t.plot(
          lines([{ name: "Newton", x: range(6), y: errors.slice(0, 6) }], {
            title: "Distance from the optimum",
            x: { label: "step" },
            y: { log: true },
            height: 260,
          }),
          "Near the optimum every step of Newton's method doubles the number of correct digits.",
        );
      },
    ),
    row(
      "ACT-14",
      "The classification error",
      String.raw`\ell_{01}(z,y) = \mathbb 1\!\left[\arg\max_j z_j \ne y\right],\qquad \text{accuracy} = 1 - \frac1n\sum_i \ell_{01}(z_i,y_i)`,
      String.raw`What one wants to minimise, and cannot: its gradient is zero wherever it exists. The error of the best rule for two overlapping Gaussians $\mathcal N(\pm1,1)$ is $\Phi(-1)=0.158655$, and a hundred thousand draws come within three standard errors of it.`,
      async (t) => {
        const logits = f64([
          [2, 1, 0],
          [0, 3, 1],
          [1, 0, 2],
          [5, 1, 1],
        ]);
        const labels = tensor([0, 1, 0, 0], { dtype: "int32" });
        const wrong = logits.argmax(1).notEqual(labels).astype("float64");
        t.equal(wrong, [0, 0, 1, 0], "0/1 errors of four examples");
        const metric = accuracy();
        const measured = await metric.value(metric.update(metric.init(), logits, labels));
        t.equal(Number(measured), 0.75, "accuracy");
        const y = gaussian(1, 100000).sign();
        const x = y.add(gaussian(2, 100000));
        const error = x.mul(y).less(0).astype("float64").mean();
        const bayes = 0.15865525393145707;
        t.close(
          error,
          bayes,
          3 * Math.sqrt((bayes * (1 - bayes)) / 1e5),
          "error of the best rule, three standard errors",
        );
        const soft = grad((v: Tensor) => v.sign().neg().add(1).div(2).sum())(f64([0.3, -2]));
        t.equal(soft, [0, 0], "its gradient");
        const shown = range(300);
        const [xs, ys] = [numbers(x.at(":300")), numbers(y.at(":300"))];
        const noise = numbers(uniform(3, 0, 1, 300));
        const cloud = (label: number) => shown.filter((i) => ys[i] === label);
        t.plot(
          scatter(
            [1, -1].map((label) => ({
              name: `class ${label}`,
              x: cloud(label).map((i) => xs[i]),
              y: cloud(label).map((i) => noise[i]),
            })),
            { title: "Two classes that overlap; the best rule cuts at 0", x: { label: "x" }, height: 220, radius: 2.5 },
          ),
        );
      },
    ),
  ],
);
