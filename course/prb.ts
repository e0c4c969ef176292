/** PRB: probability and moments. */
import { einsum, eye, grad, random, stack, type Tensor, tril, vmap } from "typegrad";
import { chapter, row } from "typegrad/course";
import { iris } from "typegrad/data";
import {
  Bernoulli,
  Binomial,
  Chi2,
  Exponential,
  Gamma,
  kl,
  MultivariateNormal,
  Normal,
  Poisson,
  Uniform,
} from "typegrad/distributions";
import { fftConvolve } from "typegrad/fft";
import { JointTable } from "typegrad/information";
import { fromHost } from "typegrad/io";
import { cholesky, diag, eigvalsh, solve } from "typegrad/linalg";
import { lines } from "typegrad/plot";
import { f64, gaussian, grid, numbers, quadrature, range, uniform } from "./helpers.js";

const float64 = { dtype: "float64" } as const;
const standard = new Normal(0, 1, float64);

/** The covariance of rows `[n, d]`, with divisor n. */
function covariance(x: Tensor): Tensor {
  const centred = x.sub(x.mean(0));
  return centred.T.matmul(centred).div(x.shape[0]);
}

/** The k-th derivative of a function of one number at 0. */
const derivativeAtZero = (f: (t: Tensor) => Tensor, order: number): Tensor =>
  range(order).reduce<(t: Tensor) => Tensor>((g) => grad(g), f)(f64(0));

/** The measurements of iris, `[150, 4]`. */
const flowers = async (): Promise<Tensor> => fromHost((await iris(float64)).arrays.features);

/** The probability that a Chi-square variable exceeds the statistic of counts against expected counts. */
function chiSquareP(counts: readonly number[], expected: readonly number[]): Tensor {
  const statistic = counts.reduce((sum, o, i) => sum + (o - expected[i]) ** 2 / expected[i], 0);
  return new Chi2(counts.length - 1, float64).cdf(statistic).neg().add(1);
}

/** `exp(-‖x - y‖² / 2)` between rows. */
const squaredExponential = (x: Tensor, y: Tensor): Tensor =>
  x.expandDims(1).sub(y.expandDims(0)).square().sum(-1).mul(-0.5).exp();

/** The last coordinates of a normal vector with mean 0, the first known. */
const conditioned = (sigma: Tensor, known: Tensor): MultivariateNormal =>
  new MultivariateNormal(f64(range(sigma.shape[0]).map(() => 0)), { covarianceMatrix: sigma }).condition(
    range(known.shape[0]),
    known,
  );

export const probability = chapter(
  "PRB",
  "Probability and moments",
  String.raw`Random variables by their tables, densities and moment generating functions; the normal distribution in many dimensions, how it conditions and how far two of them are apart; and three inequalities that bound tails with less and less waste.`,
  [
    row(
      "PRB-01",
      "Sum rule, product rule, Bayes' rule, independence",
      String.raw`P(x)=\sum_y P(x,y),\quad P(x\mid y)=\frac{P(x,y)}{P(y)},\quad P(y\mid x)=\frac{P(x\mid y)P(y)}{P(x)}`,
      String.raw`One in a hundred is ill; a test finds 99 % of the ill and clears 95 % of the healthy. Who tests positive is ill with probability $\frac16$ only. Below, $X$ and $Y$ are independent given $Z$, and dependent as long as $Z$ is not known.`,
      (t) => {
        const prior = f64([0.99, 0.01]);
        const positive = f64([
          [0.95, 0.05],
          [0.01, 0.99],
        ]);
        const table = new JointTable(prior.expandDims(1).mul(positive), ["ill", "test"]);
        t.close(table.observe({ test: 1 }).probabilities.at(1), 1 / 6, 1e-15, "posterior probability of illness");
        t.close(table.marginal("test").probabilities, [0.9406, 0.0594], 1e-15, "sum rule: how tests turn out");
        t.close(table.conditional("test", "ill").T, positive, 1e-15, "product rule gives the test back");
        const given = (seed: number): Tensor => uniform(seed, 0.1, 1, 3, 4);
        const [x, y] = [given(1), given(2)].map((w) => w.div(w.sum(0))); // [3, 4]: P(x | z), P(y | z)
        const z = f64([0.1, 0.2, 0.3, 0.4]);
        const joint = new JointTable(einsum("iz,jz,z->ijz", x, y, z), ["x", "y", "z"]);
        const both = joint.conditional(["x", "y"], "z");
        t.close(both, einsum("iz,jz->ijz", x, y), 1e-15, String.raw`$P(x,y\mid z)=P(x\mid z)P(y\mid z)$`);
        t.equal(
          [joint.areIndependent("x", "y", { given: "z" }), joint.areIndependent("x", "y")],
          [true, false],
          "independent given $z$; without it",
        );
      },
    ),
    row(
      "PRB-02",
      "Expectation, variance, covariance",
      String.raw`\operatorname{Var}[AX] = A\operatorname{Var}[X]A^\top,\qquad \operatorname{Var}\Big[\sum_i a_iX_i\Big]=\sum_{i,j}a_ia_j\operatorname{Cov}(X_i,X_j)`,
      String.raw`A linear map of a random vector carries its covariance along. The eigenvalues of the covariance of iris are those every textbook prints.`,
      async (t) => {
        const a = f64([
          [1, 2],
          [0, 1],
        ]);
        const sigma = diag(f64([1, 4]));
        t.close(
          a.matmul(sigma).matmul(a.T),
          [
            [17, 8],
            [8, 4],
          ],
          1e-15,
          String.raw`$A\,\mathrm{diag}(1,4)A^\top$`,
        );
        const x = new MultivariateNormal(f64([0, 0]), { covarianceMatrix: sigma }).sample(random.key(1), [40_000]);
        const mapped = covariance(x.matmul(a.T));
        t.close(mapped, a.matmul(covariance(x)).matmul(a.T), 1e-12, "of a sample, exactly");
        // A variance estimated from n normal numbers is off by √(2/n) of itself.
        t.close(mapped.at(0, 0), 17, 4 * 17 * Math.sqrt(2 / 40_000), "sample variance against theory");
        const weights = f64([1, -2, 0.5, 3]);
        const measured = await flowers();
        const c = covariance(measured);
        t.close(
          covariance(measured.matmul(weights).expandDims(1)),
          weights.matmul(c).matmul(weights),
          1e-12,
          "variance of a sum",
        );
        const values = eigvalsh(c.mul(150 / 149));
        t.close(
          values,
          [0.023_835_09, 0.078_209_5, 0.242_670_75, 4.228_241_71],
          5e-9,
          "eigenvalues of iris (R, prcomp)",
        );
        const faces = f64([1, 2, 3, 4, 5, 6]);
        t.close([faces.mean().itemSync(), faces.sub(3.5).square().mean().itemSync()], [3.5, 35 / 12], 1e-14, "a die");
      },
    ),
    row(
      "PRB-03",
      "Distribution function, density, change of scale",
      String.raw`p(x)=F'(x),\qquad f_{aY}(z)=\frac1{|a|}f_Y\Big(\frac za\Big)`,
      String.raw`Differentiating the distribution function gives the density. Stretching a variable by $a$ flattens its density by $a$, so that the area stays 1.`,
      (t) => {
        const slopeOf = grad((x: Tensor) => standard.cdf(x));
        t.close(slopeOf(f64(0)), 0.398_942_280_401_432_7, 1e-15, String.raw`$\Phi'(0)=1/\sqrt{2\pi}$`);
        const at = uniform(1, 0.1, 6, 50);
        for (const [name, d] of [
          ["Gamma(3, 2)", new Gamma(3, 2, float64)],
          ["Normal(1, 2)", new Normal(1, 2, float64)],
          ["Exponential(1.5)", new Exponential(1.5, float64)],
        ] as const)
          t.close(
            vmap(grad((x: Tensor) => d.cdf(x)))(at),
            d.logProb(at).exp(),
            1e-12,
            `${name}: slope of the distribution function`,
          );
        const { nodes, weights } = quadrature(80, 0, 1);
        for (const a of [0.5, 2, 7]) {
          const scaled = (z: Tensor): Tensor => new Gamma(3, 2, float64).logProb(z.div(a)).exp().div(a);
          const end = 25 * a;
          t.close(
            weights
              .mul(scaled(nodes.mul(end)))
              .sum()
              .mul(end),
            1,
            1e-9,
            `area of the density of ${a} Y`,
          );
          t.close(
            scaled(at),
            new Gamma(3, 2 / a, float64).logProb(at).exp(),
            1e-13,
            "a Gamma variable stretched is one of a smaller rate",
          );
        }
      },
    ),
    row(
      "PRB-04",
      "Moment generating functions",
      String.raw`M(t)=\mathbb E\,e^{tX},\qquad M^{(k)}(0)=\mathbb E X^k;\qquad \text{Gamma: } \Big(\frac{\beta}{\beta-t}\Big)^{\alpha},\quad \text{Poisson: } e^{\lambda(e^t-1)}`,
      String.raw`Moments by nesting derivatives at $0$. The fourth of Poisson(3) is $\lambda^4+6\lambda^3+7\lambda^2+\lambda=309$, that of the standard normal 3. (The Gamma form with $1/(\alpha-\beta t)^\alpha$ that circulates is wrong: at $t=0$ it is not 1.)`,
      (t) => {
        const poisson = new Poisson(3, float64);
        t.close(
          derivativeAtZero((s) => poisson.mgf(s), 4),
          309,
          1e-10,
          "fourth moment of Poisson(3)",
        );
        t.close(
          derivativeAtZero((s) => standard.mgf(s), 4),
          3,
          1e-12,
          "of the standard normal",
        );
        const [p, q, n] = [0.3, 0.7, 5];
        const cases = [
          [new Bernoulli({ probs: p, ...float64 }), (s: number) => q + p * Math.exp(s)],
          [new Binomial(n, { probs: p, ...float64 }), (s: number) => (q + p * Math.exp(s)) ** n],
          [new Normal(1, 2, float64), (s: number) => Math.exp(s + 2 * s * s)],
          [new Gamma(3, 2, float64), (s: number) => (2 / (2 - s)) ** 3],
          [poisson, (s: number) => Math.exp(3 * (Math.exp(s) - 1))],
        ] as const;
        const at = [-0.7, -0.1, 0, 0.4, 1];
        for (const [d, formula] of cases) {
          const { name } = d.constructor;
          t.close(d.mgf(f64(at)), at.map(formula), 1e-12, `${name}: the table`);
          t.close(
            derivativeAtZero((s) => d.mgf(s), 1),
            d.mean,
            1e-12,
            `${name}: first moment`,
          );
          t.close(derivativeAtZero((s) => d.mgf(s), 2).sub(d.mean.square()), d.variance, 1e-11, `${name}: variance`);
        }
      },
    ),
    row(
      "PRB-05",
      "Generating functions of independent sums",
      String.raw`M_{X+Y}=M_XM_Y,\qquad M_{\sum a_iX_i}(t)=\prod_i M_{X_i}(a_it)`,
      String.raw`Since they determine the distribution: a Binomial(3, p) and an independent Binomial(5, p) sum to a Binomial(8, p), and a weighted sum of normals is normal.`,
      (t) => {
        const at = f64(grid(-1, 1, 41));
        const binomial = (n: number): Tensor => new Binomial(n, { probs: 0.3, ...float64 }).mgf(at);
        t.close(binomial(3).mul(binomial(5)).div(binomial(8)), 1, 1e-14, "3 and 5 tosses against 8");
        const sum = new Normal(2 * 1 - 3 * 2, Math.hypot(2 * 0.5, 3 * 0.7), float64).mgf(at);
        const product = new Normal(1, 0.5, float64).mgf(at.mul(2)).mul(new Normal(2, 0.7, float64).mgf(at.mul(-3)));
        t.close(product.div(sum), 1, 1e-13, "$2X-3Y$ of two normals");
        t.close(
          new Poisson(2, float64).mgf(at).mul(new Poisson(5, float64).mgf(at)).div(new Poisson(7, float64).mgf(at)),
          1,
          1e-13,
          "Poisson(2) and Poisson(5)",
        );
      },
    ),
    row(
      "PRB-06",
      "The density of a sum is a convolution",
      String.raw`f_{X+Y}(z)=\int f_X(x)f_Y(z-x)\,dx`,
      String.raw`Two uniform variables sum to a triangle, two standard normals to a normal of variance 2. The convolutions are computed by the fast Fourier transform on a grid.`,
      (t) => {
        const m = 200;
        const flat = new Uniform(0, 1, float64).logProb(f64(range(m).map((i) => (i + 0.5) / m))).exp();
        const z = range(2 * m - 1).map((k) => (k + 1) / m);
        t.close(
          fftConvolve(flat, flat).div(m),
          z.map((v) => 1 - Math.abs(v - 1)),
          1e-12,
          "uniform and uniform: a triangle",
        );
        const h = 0.05;
        const at = grid(-12, 12, 481);
        const density = standard.logProb(f64(at)).exp();
        const sum = fftConvolve(density, density, { mode: "same" }).mul(h);
        const exact = new Normal(0, Math.SQRT2, float64).logProb(f64(at)).exp();
        t.close(sum, exact, 1e-8, String.raw`normal and normal: $\mathcal N(0,2)$`);
        t.plot(
          lines(
            [
              { name: "one uniform", x: [0, 0, 1, 1], y: [0, 1, 1, 0], dashed: true },
              { name: "the sum of two", x: z, y: numbers(fftConvolve(flat, flat).div(m)) },
            ],
            { title: "Convolution of two boxes", x: { label: "z" } },
          ),
        );
      },
    ),
    row(
      "PRB-07",
      "Bernoulli, binomial, Poisson, exponential",
      String.raw`\binom nk p^k(1-p)^{n-k},\qquad e^{-\lambda}\frac{\lambda^k}{k!},\qquad \lambda e^{-\lambda x}`,
      String.raw`Probabilities, entropies and distribution functions against their sums, and a hundred thousand draws of each sampler against its probabilities by Pearson's test.`,
      (t) => {
        const poisson = new Poisson(4, float64);
        t.close(poisson.logProb(2).exp(), 8 * Math.exp(-4), 1e-15, String.raw`Poisson(4): $P(2)=8e^{-4}=0.146525$`);
        const binomial = new Binomial(10, { probs: 0.3, ...float64 });
        const coin = new Bernoulli({ probs: 0.3, ...float64 });
        const exponential = new Exponential(2, float64);
        t.close(binomial.logProb(4).exp(), 210 * 0.3 ** 4 * 0.7 ** 6, 1e-15, "Binomial(10, 0.3): $P(4)$");
        t.close(coin.entropy(), -0.3 * Math.log(0.3) - 0.7 * Math.log(0.7), 1e-15, "entropy of a coin");
        t.close(exponential.entropy(), 1 - Math.log(2), 1e-15, "entropy of Exponential(2)");
        t.close(exponential.cdf(1), 1 - Math.exp(-2), 1e-15, "Exponential(2): $P(X\\le1)$");
        const ks = range(11);
        const pmf = numbers(binomial.logProb(f64(ks)).exp());
        t.close(
          binomial.cdf(f64(ks)),
          ks.map((k) => pmf.slice(0, k + 1).reduce((a, b) => a + b, 0)),
          1e-12,
          "distribution function: running sums",
        );
        t.close(
          binomial.entropy(),
          -pmf.reduce((sum, p) => sum + p * Math.log(p), 0),
          1e-12,
          "entropy of Binomial(10, 0.3)",
        );

        const n = 100_000;
        const count = (draws: Tensor, cells: number): number[] => {
          const counts = range(cells).map(() => 0);
          for (const k of numbers(draws)) counts[Math.min(k, cells - 1)]++;
          return counts;
        };
        const discrete = [
          [coin, 2],
          [binomial, 8],
          [poisson, 12],
        ] as const;
        for (const [d, cells] of discrete) {
          const expected = range(cells).map(
            (k) => n * (k < cells - 1 ? d.logProb(k).exp().itemSync() : 1 - d.cdf(cells - 2).itemSync()),
          );
          t.greater(
            chiSquareP(count(d.sample(random.key(7), [n]), cells), expected),
            0.01,
            `${d.constructor.name}: Pearson's p`,
          );
        }
        const levels = exponential
          .cdf(exponential.sample(random.key(8), [n]))
          .mul(20)
          .floor();
        t.greater(
          chiSquareP(
            count(levels, 20),
            range(20).map(() => n / 20),
          ),
          0.01,
          "Exponential: Pearson's p of its quantiles",
        );
      },
    ),
    row(
      "PRB-08",
      "The multivariate normal and its maximum likelihood",
      String.raw`\log p(x)=-\tfrac12(x-\mu)^\top\Sigma^{-1}(x-\mu)-\tfrac12\log\det(2\pi\Sigma),\qquad \hat\mu=\bar x,\quad \hat\Sigma=\frac1n\sum_i(x_i-\bar x)(x_i-\bar x)^\top`,
      String.raw`The density goes through Cholesky's factor. The likelihood is largest at the mean and the covariance with divisor $n$, which is $\frac{149}{150}$ of the usual one for iris: its gradient vanishes there.`,
      async (t) => {
        for (const d of [1, 3, 8])
          t.close(
            new MultivariateNormal(f64(range(d).map(() => 0)), { covarianceMatrix: eye(d, d, float64) }).logProb(
              f64(range(d).map(() => 0)),
            ),
            (-d / 2) * Math.log(2 * Math.PI),
            1e-14,
            `log density of $\\mathcal N(0,I_${d})$ at 0`,
          );
        const x = await flowers();
        const sigma = covariance(x);
        const usual = x
          .sub(x.mean(0))
          .T.matmul(x.sub(x.mean(0)))
          .div(149);
        t.close(sigma.div(usual), 149 / 150, 1e-12, String.raw`$\hat\Sigma$ against the covariance with divisor 149`);
        const likelihood = ({ mean, factor }: { mean: Tensor; factor: Tensor }): Tensor =>
          new MultivariateNormal(mean, { scaleTril: tril(factor), validate: false }).logProb(x).mean();
        const at = { mean: x.mean(0), factor: cholesky(sigma) };
        const slopes = grad(likelihood)(at);
        t.close(slopes.mean, 0, 1e-11, "gradient of the likelihood by the mean");
        t.close(slopes.factor, 0, 1e-10, "and by Cholesky's factor");
        const best = likelihood(at);
        const others = range(20).map((i) =>
          likelihood({
            mean: at.mean.add(gaussian(i, 4).mul(0.02)),
            factor: at.factor.mul(
              gaussian(50 + i, 4, 4)
                .mul(0.02)
                .add(1),
            ),
          }),
        );
        t.less(stack(others), best, "likelihood of twenty neighbours");
      },
    ),
    row(
      "PRB-09",
      "Conditioning a normal vector",
      String.raw`x_2\mid x_1 \sim \mathcal N\big(\Sigma_{21}\Sigma_{11}^{-1}x_1,\ \Sigma_{22}-\Sigma_{21}\Sigma_{11}^{-1}\Sigma_{12}\big)`,
      String.raw`Schur's complement. With correlation $0.8$ and unit variances the mean is $0.8z$ and the variance $0.36$. The density of the whole is that of $x_1$ times that of $x_2$ given $x_1$, and regression with a Gaussian process is nothing else.`,
      (t) => {
        const pair = f64([
          [1, 0.8],
          [0.8, 1],
        ]);
        const { mean, covarianceMatrix: rest } = conditioned(pair, f64([1.7]));
        t.close(mean, [0.8 * 1.7], 1e-15, "mean");
        t.close(rest, [[0.36]], 1e-15, "variance");
        const noise = gaussian(1, 5, 5);
        const sigma = noise.matmul(noise.T).add(eye(5, 5, float64));
        const x = gaussian(2, 5);
        const zeros = (n: number): Tensor => f64(range(n).map(() => 0));
        const part = conditioned(sigma, x.at(":2"));
        const whole = new MultivariateNormal(zeros(5), { covarianceMatrix: sigma }).logProb(x);
        const first = new MultivariateNormal(zeros(2), { covarianceMatrix: sigma.at(":2", ":2") }).logProb(x.at(":2"));
        const second = part.logProb(x.at("2:"));
        t.close(first.add(second), whole, 1e-12, "chain rule of the densities");
        // a Gaussian process observed with noise 0.1, its prediction written with Cholesky's factor as in Rasmussen and Williams
        const [seen, asked] = [uniform(3, -2, 2, 8, 1), uniform(4, -2, 2, 3, 1)];
        const y = seen.at(":", 0).sin();
        const noisy = squaredExponential(seen, seen).add(eye(8, 8, float64).mul(0.1));
        const cross = squaredExponential(asked, seen);
        const factor = cholesky(noisy);
        const half = solve(factor, cross.T);
        const top = stack([...range(8).map((i) => noisy.at(i)), ...range(3).map((i) => cross.at(i))], 0); // [11, 8]
        const right = stack(
          [...range(8).map((i) => cross.at(":", i)), ...range(3).map((i) => squaredExponential(asked, asked).at(i))],
          0,
        ); // [11, 3]
        const joint = f64(range(11).map((i) => [...numbers(top.at(i)), ...numbers(right.at(i))]));
        const posterior = conditioned(joint, y);
        t.close(
          posterior.mean,
          half.T.matmul(solve(factor, y)),
          1e-11,
          "mean of a Gaussian process given eight values",
        );
        t.close(
          posterior.covarianceMatrix,
          squaredExponential(asked, asked).sub(half.T.matmul(half)),
          1e-11,
          "its covariance",
        );
      },
    ),
    row(
      "PRB-10",
      "Divergence of two normal distributions",
      String.raw`\mathrm{KL}=\tfrac12\Big(\log\frac{\det\Sigma_1}{\det\Sigma_0}-d+\operatorname{Tr}(\Sigma_1^{-1}\Sigma_0)+(\mu_1-\mu_0)^\top\Sigma_1^{-1}(\mu_1-\mu_0)\Big)`,
      String.raw`$\mathrm{KL}(\mathcal N(0,1)\,\|\,\mathcal N(1,4))=\ln2-\frac14$, where 4 is the variance. In many dimensions the closed form agrees with a mean over draws within three standard errors.`,
      (t) => {
        t.close(kl(standard, new Normal(1, 2, float64)), 0.443_147_180_559_945_3, 1e-15, String.raw`$\ln2-\frac14$`);
        const spread = (seed: number): Tensor =>
          gaussian(seed, 3, 3)
            .matmul(gaussian(seed, 3, 3).T)
            .add(eye(3, 3, float64));
        const [p, q] = [1, 2].map(
          (seed) => new MultivariateNormal(gaussian(seed + 10, 3), { covarianceMatrix: spread(seed) }),
        );
        const exact = kl(p, q);
        const { estimate, standardError } = kl(p, q, { samples: 100_000, key: random.key(5) });
        t.close(estimate, exact, 3 * standardError.itemSync(), "mean over a hundred thousand draws");
        t.close(kl(p, p), 0, 1e-12, "of a distribution from itself");
        t.greater(kl(q, p).sub(exact).abs(), 0.01, "it is not symmetric");
      },
    ),
    row(
      "PRB-11",
      "Markov's inequality",
      String.raw`P(X\ge a)\le\frac{\mathbb EX}{a}\quad(X\ge0)`,
      String.raw`Knowing the mean alone. Exponential(1) has $P(X\ge3)=e^{-3}=0.0498$, far below $\frac13$; a variable that is $a$ with probability $\mathbb EX/a$ and else 0 attains the bound.`,
      (t) => {
        const at = f64(grid(0.5, 8, 60));
        const d = new Exponential(1, float64);
        const tail = d.cdf(at).neg().add(1);
        t.close(d.cdf(3).neg().add(1), Math.exp(-3), 1e-15, String.raw`$P(X\ge3)$`);
        t.atMost(tail, at.pow(-1), "tail against $1/a$");
        const draws = d.sample(random.key(1), [100_000]);
        t.atMost(draws.greaterEqual(3).astype("float64").mean(), draws.mean().div(3), "for a sample it holds exactly");
        const two = new Bernoulli({ probs: 0.25, ...float64 }).sample(random.key(2), [1000]).mul(4);
        t.close(
          two.greaterEqual(4).astype("float64").mean(),
          two.mean().div(4),
          1e-15,
          "two values, 0 and 4: equality",
        );
      },
    ),
    row(
      "PRB-12",
      "Chebyshev's inequality",
      String.raw`P(|X-\mu|\ge k\sigma)\le\frac1{k^2}`,
      String.raw`Knowing the variance, too. For the normal distribution two deviations leave $0.0455$, and the bound says $0.25$. It is attained by three values.`,
      (t) => {
        const two = standard.cdf(-2).mul(2);
        t.close(two, 0.045_500_263_896_358_4, 1e-15, String.raw`$P(|X|\ge2)$`);
        const k = f64(grid(1, 6, 60));
        t.atMost(standard.cdf(k.neg()).mul(2), k.pow(-2), "normal tails against $1/k^2$");
        const draws = new Gamma(2, 1, float64).sample(random.key(3), [50_000]);
        const off = draws.sub(draws.mean()).abs().div(draws.sub(draws.mean()).square().mean().sqrt());
        t.atMost(
          [1.5, 2, 3].map((s) => off.greaterEqual(s).astype("float64").mean().itemSync()),
          [1.5, 2, 3].map((s) => s ** -2),
          "shares of a sample of Gamma(2, 1)",
        );
        const values = f64([-2, 0, 0, 0, 0, 0, 0, 2]); // variance 1
        t.close(
          values.abs().greaterEqual(2).astype("float64").mean(),
          1 / 4,
          1e-15,
          "three values with k = 2: equality",
        );
      },
    ),
    row(
      "PRB-13",
      "Hoeffding's inequality",
      String.raw`P(\bar X-\mathbb E\bar X\ge t)\le\exp\Big(-\frac{2n^2t^2}{\sum_i(b_i-a_i)^2}\Big)`,
      String.raw`Means of bounded variables concentrate exponentially. Of 100 fair tosses at least 60 are heads with probability $0.0284$; the bound is $e^{-2}=0.1353$, where Chebyshev says $0.25$.`,
      (t) => {
        const tosses = new Binomial(100, { probs: 0.5, ...float64 });
        const bound = (n: number, off: number): number => Math.exp(-2 * n * off * off);
        t.close(bound(100, 0.1), 0.135_335_283_236_612_7, 1e-15, "the bound");
        // Σ_{k ≥ 60} C(100, k) / 2^100 in whole numbers
        let [ways, all] = [0n, 1n];
        for (let k = 0; k <= 100; k++) {
          if (k >= 60) ways += all;
          all = (all * BigInt(100 - k)) / BigInt(k + 1);
        }
        const exact = Number((ways * 10n ** 18n) / 2n ** 100n) / 1e18;
        const tail = tosses.cdf(59).neg().add(1);
        t.close(tail, exact, 1e-13, String.raw`$P(\text{heads}\ge60)$, counted`);
        t.close(tail, 0.0284, 5e-5, "to four places");
        const offs = grid(0.01, 0.3, 30);
        t.atMost(
          tosses
            .cdf(f64(offs.map((o) => Math.ceil(100 * (0.5 + o) - 1e-9) - 1)))
            .neg()
            .add(1),
          offs.map((o) => bound(100, o)),
          "tails against the bound",
        );
        t.plot(
          lines(
            [
              {
                name: "exact tail",
                x: offs,
                y: numbers(
                  tosses
                    .cdf(f64(offs.map((o) => Math.ceil(100 * (0.5 + o) - 1e-9) - 1)))
                    .neg()
                    .add(1),
                ),
              },
              { name: "Hoeffding", x: offs, y: offs.map((o) => bound(100, o)), dashed: true },
              { name: "Chebyshev", x: offs, y: offs.map((o) => Math.min(1, 0.25 / (100 * o * o))), dashed: true },
            ],
            {
              title: "The mean of 100 tosses, t above ½",
              x: { label: "t" },
              y: { log: true, domain: [1e-9, 1], label: "probability" },
            },
          ),
        );
      },
    ),
    row(
      "PRB-14",
      "Gaussian processes",
      String.raw`\big(F(x_1),\dots,F(x_n)\big)\sim\mathcal N(0,K),\quad K_{ij}=k(x_i,x_j)\iff \alpha^\top F\ \text{normal for all }\alpha`,
      String.raw`A random function whose values at any points are jointly normal. Draws from the squared-exponential kernel, and the variance of a linear combination of their values.`,
      (t) => {
        const at = grid(-3, 3, 40);
        const x = f64(at).expandDims(1);
        const kernel = squaredExponential(x, x).add(eye(40, 40, float64).mul(1e-8)); // the kernel matrix is singular to rounding
        const factor = cholesky(kernel);
        t.close(factor.matmul(factor.T), kernel, 1e-10, "Cholesky's factor gives the kernel back");
        const draws = new MultivariateNormal(f64(range(40).map(() => 0)), { scaleTril: factor }).sample(
          random.key(9),
          [20_000],
        );
        const alpha = gaussian(10, 40);
        const sums = draws.matmul(alpha);
        const variance = alpha.matmul(kernel).matmul(alpha).itemSync();
        t.close(
          sums.square().mean(),
          variance,
          3 * variance * Math.sqrt(2 / 20_000),
          String.raw`variance of $\alpha^\top F$ against $\alpha^\top K\alpha$`,
        );
        const levels = new Normal(0, Math.sqrt(variance), float64).cdf(sums).mul(20).floor();
        const counts = range(20).map((k) => numbers(levels).filter((l) => l === k).length);
        t.greater(
          chiSquareP(
            counts,
            counts.map(() => 1000),
          ),
          0.01,
          String.raw`$\alpha^\top F$ is normal: Pearson's p`,
        );
        t.plot(
          lines(
            range(5).map((i) => ({ x: at, y: numbers(draws.at(i)) })),
            { title: "Five functions from one process", x: { label: "x" } },
          ),
        );
      },
    ),
  ],
);
