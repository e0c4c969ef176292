/** INF: information theory. */
import { grad, softmax, stack, type Tensor, valueAndGrad } from "typegrad";
import { chapter, row } from "typegrad/course";
import { kl as divergence, Normal } from "typegrad/distributions";
import {
  conditionalEntropy,
  crossEntropyBetween,
  entropy,
  js,
  JointTable,
  kl,
  mutualInformation,
  pointwiseMutualInformation,
} from "typegrad/information";
import { binaryCrossEntropyWithLogits, crossEntropy } from "typegrad/nn";
import { lines } from "typegrad/plot";
import { f64, gaussian, grid, quadrature, range, uniform } from "./helpers.js";

/** A random distribution over `shape`. */
function distribution(seed: number, ...shape: number[]): Tensor {
  const weights = uniform(seed, 0.05, 1, ...shape);
  return weights.div(weights.sum());
}

/** n random distributions over k values, `[n, k]`. */
function distributions(seed: number, n: number, k: number): Tensor {
  const weights = uniform(seed, 0.05, 1, n, k);
  return weights.div(weights.sum(1, { keepDims: true }));
}

const normal = (mean: Tensor | number, deviation = 1): Normal => new Normal(mean, deviation, { dtype: "float64" });

export const informationTheory = chapter(
  "INF",
  "Information theory",
  String.raw`Entropy measures surprise, cross-entropy the price of believing a wrong distribution, and the divergence between the two is what almost every loss of this course minimises.`,
  [
    row(
      "INF-01",
      "Entropy",
      String.raw`H(p)=-\sum_x p(x)\log p(x),\qquad 0\log0=0`,
      String.raw`In bits with $\log_2$, in nats with $\ln$. $(\frac12,\frac14,\frac14)$ takes $1.5$ bits: a code with words of 1, 2 and 2 digits. It is largest for the uniform distribution.`,
      (t) => {
        const p = f64([0.5, 0.25, 0.25]);
        t.close(entropy(p, { unit: "bits" }), 1.5, 1e-15, "in bits");
        t.close(entropy(p), 1.5 * Math.LN2, 1e-15, "in nats");
        t.close(entropy(f64([0.5, 0.5, 0]), { unit: "bits" }), 1, 1e-15, String.raw`$0\log0=0$`);
        const uniformly = f64(range(7).map(() => 1 / 7));
        t.close(entropy(uniformly), Math.log(7), 1e-14, "uniform over seven");
        t.less(entropy(distributions(1, 50, 7), { axes: 1 }), Math.log(7), "fifty others");
        const at = grid(0, 1, 101);
        t.plot(
          lines([{ x: at, y: at.map((q) => entropy(f64([q, 1 - q]), { unit: "bits" }).itemSync()) }], {
            title: "Entropy of a coin",
            x: { label: "probability of heads" },
            y: { label: "bits" },
          }),
        );
      },
    ),
    row(
      "INF-02",
      "Conditional entropy, chain rule, Bayes' rule",
      String.raw`H(Y\mid X)=H(X,Y)-H(X),\qquad H(Y\mid X)=H(X\mid Y)-H(X)+H(Y)`,
      String.raw`What is left to learn about $Y$ once $X$ is known: nothing when $Y$ is a function of $X$, everything when they are independent. (A form that circulates calls $H(X,Y)-H(X)$ the entropy of $X$ given $Y$; it is that of $Y$ given $X$.)`,
      (t) => {
        const table = new JointTable(distribution(1, 4, 3), ["x", "y"]);
        const given = conditionalEntropy(table, { of: "y", given: "x" });
        const rows = range(4).map((i) => {
          const row_ = table.probabilities.at(i);
          return entropy(row_.div(row_.sum())).mul(row_.sum());
        });
        t.close(given, stack(rows).sum(), 1e-15, "the mean entropy of the rows, each made a distribution");
        t.close(
          given,
          entropy(table.probabilities).sub(entropy(table.marginal("x").probabilities)),
          1e-15,
          "chain rule",
        );
        const [hx, hy] = ["x", "y"].map((name) => entropy(table.marginal(name).probabilities));
        t.close(
          given,
          conditionalEntropy(table, { of: "x", given: "y" }).sub(hx).add(hy),
          1e-15,
          "Bayes' rule of entropies",
        );
        const px = distribution(2, 4);
        const function_ = px.expandDims(1).mul(
          f64([
            [1, 0],
            [0, 1],
            [0, 1],
            [1, 0],
          ]),
        );
        t.close(conditionalEntropy(function_, { of: 1, given: 0 }), 0, 1e-15, "$Y=f(X)$");
        const py = distribution(3, 5);
        const independent = px.expandDims(1).mul(py);
        t.close(conditionalEntropy(independent, { of: 1, given: 0 }), entropy(py), 1e-14, "independent");
        t.close(mutualInformation(independent), 0, 1e-14, "and their mutual information");
        t.close(mutualInformation(table), hy.sub(given), 1e-14, String.raw`$I(X;Y)=H(Y)-H(Y\mid X)$`);
      },
    ),
    row(
      "INF-03",
      "Cross-entropy",
      String.raw`H(p,q)=-\sum_x p(x)\log q(x)=H(p)+\mathrm{KL}(p\,\|\,q)`,
      String.raw`The price of coding $p$ with the code for $q$. Gradient descent on the logits of $q$ ends at $q=p$. The losses of classifiers are cross-entropies: with two classes $-y\log\hat y-(1-y)\log(1-\hat y)$.`,
      (t) => {
        const [p, q] = [distribution(1, 6), distribution(2, 6)];
        t.close(crossEntropyBetween(p, q), entropy(p).add(kl(p, q)), 1e-15, "entropy and divergence");
        let logits = gaussian(3, 6);
        const loss = (z: Tensor): Tensor => crossEntropyBetween(p, softmax(z, -1));
        for (let i = 0; i < 400; i++) logits = logits.sub(valueAndGrad(loss)(logits)[1].mul(4));
        t.close(softmax(logits, -1), p, 1e-10, "where gradient descent ends");
        t.close(loss(logits), entropy(p), 1e-14, "and what is left: the entropy of $p$");
        const z = gaussian(4, 5, 6);
        const labels = [0, 3, 5, 2, 2];
        const oneHot = f64(labels.map((l) => range(6).map((i) => Number(i === l))));
        const classes = oneHot.mul(range(6).length).argmax(-1);
        t.close(
          crossEntropy(z, classes),
          crossEntropyBetween(oneHot, softmax(z, -1), { axes: 1 }).mean(),
          1e-14,
          "the loss on logits",
        );
        const [score, y] = [gaussian(5, 40).mul(3), uniform(6, 0, 1, 40)];
        const guess = score.sigmoid();
        const written = y
          .mul(guess.log())
          .add(y.neg().add(1).mul(guess.neg().add(1).log()))
          .neg()
          .mean();
        t.close(binaryCrossEntropyWithLogits(score, y), written, 1e-14, "two classes");
      },
    ),
    row(
      "INF-04",
      "Kullback and Leibler's divergence",
      String.raw`\mathrm{KL}(p\,\|\,q)=\sum_x p(x)\log\frac{p(x)}{q(x)}\ \ge 0`,
      String.raw`Zero for equal distributions only, not symmetric, and infinite when $q$ excludes what $p$ allows. Densities have it as an integral.`,
      (t) => {
        const [p, q] = [f64([0.5, 0.5]), f64([0.25, 0.75])];
        t.close(
          kl(p, q),
          0.5 * Math.log(4 / 3),
          1e-15,
          String.raw`$\mathrm{KL}\big((\tfrac12,\tfrac12)\,\|\,(\tfrac14,\tfrac34)\big)=0.143841$`,
        );
        t.close(kl(q, p), 0.75 * Math.log(3) - Math.LN2, 1e-15, "reversed, 0.130812");
        t.equal(kl(p, f64([1, 0])), Infinity, "when $q$ excludes a value");
        t.close(kl(f64([1, 0]), p), Math.LN2, 1e-15, "but not when $p$ does");
        t.atLeast(kl(distributions(1, 50, 5), distributions(2, 50, 5), { axes: 1 }), 0, "fifty pairs");
        const { nodes, weights } = quadrature(120, -12, 12);
        const [f, g] = [normal(0.5), normal(-1, 2)];
        const integral = f
          .logProb(nodes)
          .exp()
          .mul(f.logProb(nodes).sub(g.logProb(nodes)))
          .mul(weights)
          .sum();
        t.close(divergence(f, g), integral, 1e-9, "of two normal densities, integrated");
      },
    ),
    row(
      "INF-05",
      "Jensen and Shannon's divergence",
      String.raw`\mathrm{JS}(p,q)=\tfrac12\mathrm{KL}(p\,\|\,m)+\tfrac12\mathrm{KL}(q\,\|\,m),\quad m=\tfrac12(p+q),\qquad 0\le\mathrm{JS}\le\log2`,
      String.raw`Symmetric and finite. Distributions without common values have $\ln2$, the bit that tells which of the two was drawn: it is the mutual information between the draw and the choice. (The bound is $\log 2$, not $\log n$.) Its root is a metric.`,
      (t) => {
        t.close(js(f64([0.5, 0.5, 0, 0]), f64([0, 0, 0.2, 0.8])), Math.LN2, 1e-15, "disjoint");
        const [p, q, r] = [1, 2, 3].map((seed) => distributions(seed, 60, 5));
        const rows = { axes: 1 };
        t.close(js(p, q, rows), js(q, p, rows), 1e-15, "symmetric");
        const choice = (i: number): Tensor => mutualInformation(stack([p.at(i), q.at(i)], 0).mul(0.5));
        t.close(js(p, q, rows).at(":4"), stack(range(4).map(choice)), 1e-14, "mutual information of draw and choice");
        const root = (x: Tensor, y: Tensor): Tensor => js(x, y, rows).sqrt();
        t.atMost(root(p, r), root(p, q).add(root(q, r)), "triangle inequality of the root");
      },
    ),
    row(
      "INF-06",
      "Jensen's inequality",
      String.raw`f(\mathbb EX)\le\mathbb E f(X)\quad\text{for convex } f`,
      String.raw`For the standard normal, $\mathbb E\,e^X=e^{1/2}=1.6487$ and $e^{\mathbb EX}=1$. It is why entropies, divergences and the bounds of variational inference have the signs they have.`,
      (t) => {
        const { nodes, weights } = quadrature(120, -14, 14);
        const mean = (f: (x: Tensor) => Tensor): Tensor =>
          normal(0).logProb(nodes).exp().mul(f(nodes)).mul(weights).sum();
        t.close(
          mean((x) => x.exp()),
          Math.exp(0.5),
          1e-11,
          String.raw`$\mathbb E\,e^X$`,
        );
        t.close(normal(0).mgf(1), Math.exp(0.5), 1e-15, "the same by the generating function");
        t.greater(
          mean((x) => x.exp()),
          1,
          String.raw`above $e^{\mathbb EX}$`,
        );
        const x = uniform(1, 0.1, 5, 200, 30);
        const p = distribution(2, 30);
        const cases: [string, (v: Tensor) => Tensor][] = [
          ["square", (v) => v.square()],
          ["-log", (v) => v.log().neg()],
          ["x log x", (v) => v.mul(v.log())],
          ["absolute value", (v) => v.sub(2).abs()],
        ];
        for (const [name, f] of cases)
          t.atMost(f(x.matmul(p)), f(x).matmul(p).add(1e-12), `${name}: two hundred random variables`);
      },
    ),
    row(
      "INF-07",
      "Pointwise mutual information",
      String.raw`\mathrm{PMI}(v,w)=\log\frac{p(v,w)}{p(v)\,p(w)}`,
      String.raw`How much more often two words meet than chance would have it, from counts. Its mean is the mutual information; it vanishes for independent words, and skip-gram with negative sampling factorises it.`,
      (t) => {
        const counts = f64([
          [10, 0, 2],
          [1, 20, 3],
        ]);
        const table = JointTable.fromCounts(counts, ["v", "w"]);
        const pmi = pointwiseMutualInformation(table);
        // p(v, w) = 10/36, p(v) = 12/36, p(w) = 11/36
        t.close(pmi.at(0, 0), Math.log((10 * 36) / (12 * 11)), 1e-14, "from the counts");
        t.equal(pmi.at(0, 1), -Infinity, "words that never meet");
        const [v, w] = [distribution(1, 4), distribution(2, 5)];
        t.close(pointwiseMutualInformation(v.expandDims(1).mul(w)), 0, 1e-14, "independent");
        const joint = distribution(3, 4, 5);
        t.close(joint.mul(pointwiseMutualInformation(joint)).sum(), mutualInformation(joint), 1e-14, "its mean");
        t.close(mutualInformation(joint, { unit: "bits" }), mutualInformation(joint).div(Math.LN2), 1e-14, "in bits");
      },
    ),
    row(
      "INF-08",
      "The log-derivative trick",
      String.raw`\nabla_\theta\,\mathbb E_{p_\theta}f=\mathbb E_{p_\theta}\big[f\,\nabla_\theta\log p_\theta\big],\qquad \nabla p=p\,\nabla\log p`,
      String.raw`The gradient of an expectation without a derivative of $f$. For $f(x)=x^2$ under $\mathcal N(\theta,1)$ it is $2\theta$. At $\theta=1$ a draw of this estimator has variance $\theta^4+14\theta^2+15=30$; moving the draws with $\theta$ instead gives $2x$, of variance 4.`,
      (t) => {
        const theta = 1;
        const n = 200_000;
        const noise = gaussian(1, n);
        const draws = noise.add(theta);
        const score = (mean: Tensor): Tensor => normal(mean).logProb(draws).mul(draws.square()).sum();
        // by AD: the derivative of Σ x² log p(x; θ) with the draws held, draw by draw through x² (x - θ)
        const estimates = draws.square().mul(draws.sub(theta));
        t.close(grad(score)(f64(theta)), estimates.sum(), 1e-6, "differentiated, against the formula of the score");
        const variance = (x: Tensor): Tensor => x.sub(x.mean()).square().mean();
        t.close(estimates.mean(), 2 * theta, 3 * Math.sqrt(30 / n), "gradient by the score");
        const pathwise = grad((mean: Tensor) => noise.add(mean).square().mean())(f64(theta));
        t.close(pathwise, 2 * theta, 3 * Math.sqrt(4 / n), "gradient through the draws");
        // fourth moments of these polynomials put the error of a variance below 3 %
        t.close(variance(estimates), 30, 2, "variance of a draw by the score");
        t.close(variance(draws.mul(2)), 4, 0.05, "and through the draws");
        const at = f64(0.7);
        const density = (mean: Tensor): Tensor => normal(mean).logProb(at).exp();
        const m = f64(0.2);
        t.close(
          grad(density)(m),
          density(m).mul(grad((mean: Tensor) => normal(mean).logProb(at))(m)),
          1e-15,
          String.raw`$\nabla p=p\,\nabla\log p$`,
        );
      },
    ),
  ],
);
