/** ANA: analysis, convexity, smoothness. */
import { grad, hessian, logSumExp, softmax, softplus, type Tensor, valueAndGrad, vmap } from "typegrad";
import { chapter, row } from "typegrad/course";
import { cond, eigvalsh, inner, norm, qr, solve, svdvals } from "typegrad/linalg";
import { contour, histogram, lines } from "typegrad/plot";
import { f64, gaussian, grid, numbers, quadrature, range, slope, uniform } from "./helpers.js";

type Scalar = (x: Tensor) => Tensor;
/** Derivatives of a function of one number, at every number of a list. */
const each = (f: Scalar, order: number): Scalar => vmap(range(order).reduce<Scalar>((g) => grad(g), f));

/** Of a function and pairs of points, the least of `λf(x) + (1-λ)f(y) - f(λx + (1-λ)y)`: not negative for convex ones. */
function chordGap(f: Scalar, x: Tensor, y: Tensor, share: Tensor): Tensor {
  const many = vmap(f);
  const s = share.expandDims(1);
  const between = x.mul(s).add(y.mul(s.neg().add(1)));
  return many(x)
    .mul(share)
    .add(many(y).mul(share.neg().add(1)))
    .sub(many(between))
    .min();
}

/** The sum of logistic losses, labels ±1: Σ log(1 + e^(-y xᵀw)). */
const logistic = (x: Tensor, y: Tensor) => (w: Tensor) => softplus(x.matmul(w).mul(y).neg()).sum();

export const analysis = chapter(
  "ANA",
  "Analysis, convexity, smoothness",
  "How far a step may go, and how much it gains, is decided by a few constants of the function: how strongly it curves at most ($L$) and at least ($\\mu$), and how their ratio $\\kappa$ compares. This chapter computes them and the inequalities behind them.",
  [
    row(
      "ANA-01",
      "Cauchy and Schwarz",
      String.raw`|\langle u,v\rangle| \le \|u\|\,\|v\|,\qquad |\operatorname{Cov}(X,Y)| \le \sigma_X\sigma_Y`,
      String.raw`Equality holds exactly for collinear vectors. Ten thousand random pairs in ten dimensions stay below it: their cosines crowd around $0$ with variance $1/n$.`,
      (t) => {
        const [u, v] = [gaussian(1, 10000, 10), gaussian(2, 10000, 10)];
        const cosines = u
          .mul(v)
          .sum(1)
          .div(norm(u, { axes: 1 }).mul(norm(v, { axes: 1 })));
        const one = u.at(0);
        t.close(
          inner(one, one.mul(-3)),
          norm(one)
            .mul(norm(one.mul(-3)))
            .neg(),
          1e-13,
          "collinear vectors: equality",
        );
        t.less(cosines.abs(), 1, "random pairs: $|\\cos|$");
        const deviation = 1 / 10;
        const error = (deviation * Math.sqrt(2)) / 100; // of a variance estimated from 10,000 nearly normal numbers
        t.close(cosines.square().mean(), deviation, 3 * error, "variance of the cosine is $1/n$");
        const [x, y] = [u.at(":", 0), u.at(":", 1).add(u.at(":", 0))];
        const covariance = x.sub(x.mean()).mul(y.sub(y.mean())).mean();
        t.atMost(covariance.abs(), x.std().mul(y.std()), "covariance of two variables");
        t.plot(
          histogram(numbers(cosines), {
            bins: 40,
            title: "Cosines of random pairs in ten dimensions",
            x: { label: "cos" },
            height: 240,
          }),
          "Random directions in many dimensions are nearly orthogonal.",
        );
      },
    ),
    row(
      "ANA-02",
      "Hölder's inequality",
      String.raw`\|u\circ v\|_1 \le \|u\|_p\,\|v\|_{q},\qquad \tfrac1p+\tfrac1q = 1`,
      String.raw`For every dual pair of exponents, and with equality when $|v_i| \propto |u_i|^{p-1}$: then both sides are $\sum|u_i|^p$.`,
      (t) => {
        const [u, v] = [gaussian(1, 10000, 6), gaussian(2, 10000, 6)];
        for (const [p, q] of [
          [1, Infinity],
          [2, 2],
          [3, 1.5],
        ]) {
          const partner = u
            .abs()
            .pow(p - 1)
            .mul(u.sign());
          const equal = norm(u, { p, axes: 1 }).mul(norm(partner, { p: q, axes: 1 }));
          t.close(equal.div(u.abs().pow(p).sum(1)), 1, 4e-15, `$p=${p}$, equality`);
          const left = u.mul(v).abs().sum(1);
          const right = norm(u, { p, axes: 1 }).mul(norm(v, { p: q, axes: 1 }));
          t.atMost(left, right.mul(1 + 1e-15), `$p=${p === Infinity ? "\\infty" : p}$, ten thousand pairs`);
        }
      },
    ),
    row(
      "ANA-03",
      "Convex functions",
      String.raw`f(\lambda x + (1-\lambda)y) \le \lambda f(x) + (1-\lambda)f(y) \iff \nabla^2 f \succeq 0`,
      String.raw`Three certificates: chords lie above the function, tangents below, and the Hessian is semidefinite. Log-sum-exp passes all; its Hessian is $\mathrm{diag}(p)-pp^\top$ with $p=\mathrm{softmax}(x)$, which does not change when all coordinates move together. Maxima of convex functions are convex, differences need not be.`,
      (t) => {
        const lse: Scalar = (x) => logSumExp(x);
        const [x, y] = [gaussian(1, 2000, 4).mul(3), gaussian(2, 2000, 4).mul(3)];
        const share = uniform(3, 0, 1, 2000);
        const p = softmax(x.at(0));
        const h = hessian(lse)(x.at(0));
        const diagonal = f64(range(4).map((i) => range(4).map((j) => Number(i === j)))).mul(p);
        t.close(
          h,
          diagonal.sub(p.expandDims(1).mul(p)),
          1e-15,
          String.raw`Hessian of log-sum-exp is $\mathrm{diag}(p)-pp^\top$`,
        );
        t.close(h.sum(1), 0, 1e-15, "its rows sum to 0");
        const eigenvalues = eigvalsh(vmap(hessian(lse))(x));
        t.atLeast(eigenvalues.min(), -1e-15, "least eigenvalue at 2000 points");
        t.atLeast(chordGap(lse, x, y, share), -1e-14, "chords lie above");
        const [value, slopes] = [vmap(lse)(x), vmap(grad(lse))(x)];
        const tangents = vmap(lse)(y)
          .sub(value)
          .sub(slopes.mul(y.sub(x)).sum(1));
        t.atLeast(tangents.min(), -1e-14, "tangents lie below");
        const f: Scalar = (v) => v.square().sum();
        const g: Scalar = (v) => v.sub(1).square().sum().mul(2);
        t.atLeast(
          chordGap((v) => f(v).maximum(g(v)), x, y, share),
          -1e-12,
          String.raw`$\max(f,g)$ of convex functions: chords above`,
        );
        t.less(
          chordGap((v) => f(v).sub(g(v)), x, y, share),
          -1,
          "$f-g$ of convex functions: a chord below",
        );
      },
    ),
    row(
      "ANA-04",
      "Strong convexity",
      String.raw`f(y) \ge f(x) + \langle\nabla f(x), y-x\rangle + \tfrac{\mu}{2}\|y-x\|^2,\qquad \mu = \lambda_{\min}(X^\top X)+\lambda`,
      String.raw`Ridge regression, $f(w)=\frac12\|Xw-b\|^2+\frac\lambda2\|w\|^2$, with a matrix whose singular values are $1,2,3$ and $\lambda=\frac12$, so $\mu=\frac32$. In the direction of the least eigenvalue the inequality is an equality.`,
      (t) => {
        const rotation = qr(gaussian(1, 3, 3)).q;
        const x = qr(gaussian(2, 10, 3))
          .q.mul(f64([1, 2, 3]))
          .matmul(rotation); // singular values 1, 2, 3
        const b = gaussian(3, 10);
        const f: Scalar = (w) => x.matmul(w).sub(b).square().sum().div(2).add(w.square().sum().div(4));
        const h = hessian(f)(gaussian(4, 3));
        t.close(eigvalsh(h), [1.5, 4.5, 9.5], 1e-13, String.raw`eigenvalues of the Hessian, $\sigma_i^2+\lambda$`);
        const gap = (from: Tensor, to: Tensor): Tensor => {
          const [value, slopes] = valueAndGrad(f)(from);
          const step = to.sub(from);
          return f(to).sub(value).sub(inner(slopes, step)).sub(step.square().sum().mul(0.75));
        };
        const [from, to] = [gaussian(5, 1000, 3), gaussian(6, 1000, 3)];
        t.greater(vmap(gap)(from, to), 0, "a thousand random pairs");
        const softest = rotation.at(0); // the right singular vector of the singular value 1
        t.close(gap(from.at(0), from.at(0).add(softest.mul(2))), 0, 1e-13, "equality along the softest direction");
      },
    ),
    row(
      "ANA-05",
      "Smoothness and the descent lemma",
      String.raw`f\!\left(x-\tfrac1L\nabla f(x)\right) \le f(x) - \tfrac{1}{2L}\|\nabla f(x)\|^2,\qquad L = \tfrac14\lambda_{\max}(X^\top X)`,
      String.raw`Logistic regression: $\sigma'\le\frac14$, with equality at $0$, so $L$ is the largest curvature there is and it occurs at $w=0$. Steps of $1/L$ gain at least what the lemma promises, every time.`,
      (t) => {
        const x = gaussian(1, 40, 3);
        const y = x
          .matmul(f64([1, -2, 0.5]))
          .add(gaussian(2, 40))
          .sign();
        const f = logistic(x, y);
        const L = svdvals(x).max().square().div(4).itemSync();
        t.close(eigvalsh(hessian(f)(f64([0, 0, 0]))).max(), L, 1e-12, "largest curvature at 0");
        const elsewhere = eigvalsh(vmap(hessian(f))(gaussian(3, 300, 3))).max();
        t.less(elsewhere, L, "largest curvature at 300 other points");
        let w = f64([0, 0, 0]);
        const values: number[] = [];
        const promises: number[] = [];
        for (let k = 0; k < 60; k++) {
          const [value, slopes] = valueAndGrad(f)(w);
          values.push(value.itemSync());
          promises.push(values[k] - slopes.square().sum().itemSync() / (2 * L));
          w = w.sub(slopes.div(L));
        }
        t.atMost(
          values.slice(1),
          promises.slice(0, -1).map((p) => p + 1e-12),
          "value after each step against the promise",
        );
        t.plot(
          lines(
            [
              { name: "f", x: range(60), y: values },
              { name: "promised before the step", x: range(60).slice(1), y: promises.slice(0, -1), dashed: true },
            ],
            { title: "Gradient descent with step 1/L", x: { label: "step" }, height: 280 },
          ),
          "The function never lies above what the descent lemma promised one step before.",
        );
      },
    ),
    row(
      "ANA-06",
      "Lipschitz continuity",
      String.raw`|f(x)-f(y)| \le K\|x-y\|,\qquad K \le \prod_l \|W_l\|_2`,
      String.raw`A network whose activations have slopes in $[0,1]$ is Lipschitz with the product of its layers' spectral norms; slopes that are sampled stay below it, and a single layer attains it. Not every uniformly continuous function is Lipschitz: $\sqrt x$ obeys $|\sqrt x-\sqrt y|\le\sqrt{|x-y|}$, but its difference quotients at $0$ grow as $h^{-1/2}$.`,
      (t) => {
        const layers = [gaussian(1, 8, 5), gaussian(2, 8, 8), gaussian(3, 1, 8)];
        const network: Scalar = (x) =>
          layers
            .slice(1)
            .reduce((h, w) => w.matmul(h.tanh()), layers[0].matmul(x))
            .sum();
        const bound = layers.map((w) => svdvals(w).max()).reduce((p, s) => p.mul(s));
        const [x, y] = [gaussian(4, 5000, 5), gaussian(5, 5000, 5)];
        const many = vmap(network);
        const slopes = many(x)
          .sub(many(y))
          .abs()
          .div(norm(x.sub(y), { axes: 1 }));
        const w = f64([[3, 4]]); // σ₁ = 5, attained along (3, 4)
        t.close(w.matmul(f64([0.6, 0.8])), 5, 1e-15, "one layer attains its spectral norm");
        t.close(svdvals(w), 5, 1e-15, "the spectral norm");
        t.less(slopes, bound, "slopes between 5000 pairs of points");
        t.show(
          "steepest sampled slope, and the bound",
          `${slopes.max().itemSync().toFixed(3)} and ${bound.itemSync().toFixed(3)}`,
        );

        const h = grid(-12, -2, 21).map((e) => 10 ** e);
        const quotients = h.map((step) => Math.log(numbers(f64(step).sqrt().div(step))[0]));
        t.close(
          slope(h.map(Math.log), quotients),
          -0.5,
          1e-12,
          String.raw`growth of the difference quotient of $\sqrt x$ at 0`,
        );
        const [p, q] = [uniform(6, 0, 1, 5000), uniform(7, 0, 1, 5000)];
        t.atMost(p.sqrt().sub(q.sqrt()).abs(), p.sub(q).abs().sqrt(), String.raw`$|\sqrt x-\sqrt y|\le\sqrt{|x-y|}$`);
      },
    ),
    row(
      "ANA-07",
      "The Polyak-Łojasiewicz condition",
      String.raw`\tfrac12\|\nabla f(x)\|^2 \ge \mu\,(f(x)-f^*) \;\Rightarrow\; f(x_k)-f^* \le \left(1-\tfrac{\mu}{L}\right)^k (f(x_0)-f^*)`,
      String.raw`$f(x)=x^2+3\sin^2x$ is not convex, $f''(\frac\pi2)=-4$, yet wherever the slope is small the value is too. Sampled, the ratio never falls below $0.1755$, far above the often quoted $\frac1{32}$. With $L=\max f''=8$ gradient descent converges at the promised rate. (The expected least ratio comes from SciPy's bounded minimiser: $0.175531$ at $x=\pm2.20171$.)`,
      (t) => {
        const f: Scalar = (x) => x.square().add(x.sin().square().mul(3));
        const x = f64(grid(-12, 12, 240001).filter((v) => v !== 0));
        const ratio = each(f, 1)(x).square().div(2).div(f(x));
        const mu = ratio.min().itemSync();
        t.close(mu, 0.17553098588, 1e-7, "least ratio of $\\frac12 f'^2$ and $f-f^*$");
        t.greater(mu, 1 / 32, "above $1/32$");
        t.close(each(f, 2)(f64([0, Math.PI / 2])), [8, -4], 1e-13, "$f''$ at 0 and at $\\pi/2$");
        t.atMost(each(f, 2)(x), 8, "$f''$ elsewhere");
        let point = f64(3);
        const values: number[] = [];
        for (let k = 0; k < 80; k++) {
          values.push(f(point).itemSync());
          point = point.sub(grad(f)(point).div(8));
        }
        const bounds = range(80).map((k) => (1 - mu / 8) ** k * values[0]);
        t.atMost(values, bounds, "$f(x_k)$ against the rate, 80 steps from 3");
        const at = grid(-5, 5, 401);
        t.plot(
          lines([{ name: "f", x: at, y: numbers(f(f64(at))) }], { title: "x² + 3 sin² x", height: 260 }),
          "Not convex, but every point with slope zero is a minimum.",
        );
        t.plot(
          lines(
            [
              { name: "f(xₖ)", x: range(60), y: values.slice(0, 60) },
              { name: "promised", x: range(60), y: bounds.slice(0, 60), dashed: true },
            ],
            {
              title: "Gradient descent from 3",
              x: { label: "step" },
              y: { log: true, domain: [1e-6, 20] },
              height: 260,
            },
          ),
        );
      },
    ),
    row(
      "ANA-08",
      "The condition number",
      String.raw`\kappa = \frac{L}{\mu} = \frac{\sigma_{\max}}{\sigma_{\min}},\qquad k(\varepsilon) = \left\lceil\frac{\ln\varepsilon}{\ln(1-1/\kappa)}\right\rceil`,
      String.raw`Hilbert's matrix of order $5$ has $\kappa_2 = 476607.25$ ([Todd 1961](https://doi.org/10.6028/jres.065B.005)). On a quadratic with curvatures $1$ and $\kappa$, steps of $1/L$ multiply the slow error by $1-1/\kappa$: the number of steps is the formula's, and grows as $\kappa$.`,
      (t) => {
        const hilbert = f64(range(5).map((i) => range(5).map((j) => 1 / (i + j + 1))));
        t.close(cond(hilbert), 476607.25, 0.01, String.raw`$\kappa_2$ of Hilbert's $5\times5$ matrix`);
        const kappas = [10, 20, 40, 80, 160, 320];
        const steps = kappas.map((kappa) => {
          const f: Scalar = (x) =>
            x
              .square()
              .mul(f64([1, kappa]))
              .sum()
              .div(2);
          const slopes = grad(f);
          let x = f64([1, 1]);
          for (let k = 1; ; k++) {
            x = x.sub(slopes(x).div(kappa));
            if (norm(x).itemSync() <= 1e-3) return k;
          }
        });
        t.equal(
          steps,
          kappas.map((kappa) => Math.ceil(Math.log(1e-3) / Math.log1p(-1 / kappa))),
          "steps to an error of $10^{-3}$",
        );
        t.close(slope(kappas.map(Math.log), steps.map(Math.log)), 1, 0.03, "slope of steps over $\\kappa$, log-log");
        t.plot(
          lines([{ name: "steps", x: kappas, y: steps }], {
            title: "Steps of gradient descent to 10⁻³",
            x: { label: "condition number", log: true },
            y: { log: true },
            height: 260,
          }),
        );
      },
    ),
    row(
      "ANA-09",
      "Taylor's theorem",
      String.raw`f(x) = \sum_{k=0}^n \frac{f^{(k)}(0)}{k!}x^k + \int_0^x \frac{f^{(n+1)}(t)}{n!}(x-t)^n\,dt`,
      String.raw`Derivatives of any order by nesting the gradient. For $\exp$ to order $8$ the error at $1$ is $e-\sum_{k\le8}\frac1{k!}=3.0586\cdot10^{-6}$, and the integral gives exactly that. A form in circulation, $\int f^{(n+1)}(x-t)/n!\,dt$ without the power of $x-t$, is far off.`,
      (t) => {
        const jet = range(10).map((k) =>
          range(k).reduce<Scalar>(
            (g) => grad(g),
            (x) => x.exp(),
          ),
        );
        const factorial = (k: number): number => range(k).reduce((p, i) => p * (i + 1), 1);
        const polynomial = range(9).reduce((s, k) => s + jet[k](f64(0)).itemSync() / factorial(k), 0);
        const error = jet[0](f64(1)).itemSync() - polynomial;
        t.close(error, 3.0586177753940906e-6, 1e-15, "error of order 8 at 1");
        const { nodes, weights } = quadrature(12, 0, 1);
        const ninth = vmap(jet[9])(nodes).mul(weights).div(factorial(8));
        t.close(
          ninth.mul(nodes.neg().add(1).pow(8)).sum(),
          3.0586177753940906e-6,
          1e-15,
          "the remainder as an integral",
        );
        t.greater(ninth.sum(), 1e-5, "the form without the power of $x-t$");
        const orders = range(9);
        const errors = orders.map((n) => Math.E - range(n + 1).reduce((s, k) => s + 1 / factorial(k), 0));
        t.plot(
          lines([{ name: "error at 1", x: orders, y: errors }], {
            title: "Taylor polynomials of exp",
            x: { label: "order" },
            y: { log: true },
            height: 240,
          }),
        );
      },
    ),
    row(
      "ANA-10",
      "Lagrange multipliers",
      String.raw`\max_{x+y=1} xy:\quad \mathcal L(x,y,\gamma) = xy - \gamma(x+y-1),\quad \nabla\mathcal L = 0 \Rightarrow x=y=\gamma=\tfrac12`,
      String.raw`At a constrained optimum the gradient is a multiple of the constraint's. $\nabla\mathcal L$ is linear here, so one Newton step from anywhere solves it. The multiplier says how the optimum changes with the constraint: for $x+y=c$ it is $c^2/4$, with derivative $\frac12$ at $c=1$.`,
      (t) => {
        const lagrangian: Scalar = (v) =>
          v
            .at(0)
            .mul(v.at(1))
            .sub(v.at(2).mul(v.at(0).add(v.at(1)).sub(1)));
        const start = gaussian(1, 3);
        const h = hessian(lagrangian)(start);
        const solution = start.sub(solve(h, grad(lagrangian)(start)));
        t.close(solution, [0.5, 0.5, 0.5], 1e-15, String.raw`$x, y, \gamma$`);
        t.close(grad(lagrangian)(solution), 0, 1e-15, String.raw`$\nabla\mathcal L$ there`);
        const spectrum = eigvalsh(h);
        t.equal(
          [spectrum.min().less(0).itemSync(), spectrum.max().greater(0).itemSync()],
          1,
          "the solution is a saddle of $\\mathcal L$",
        );
      },
    ),
    row(
      "ANA-11",
      "Gradients stand on level sets",
      String.raw`\langle\nabla f(x), \dot\gamma\rangle = 0 \text{ along } f(\gamma)=c,\qquad \nabla\,\sigma(w^\top x) = \sigma'(w^\top x)\,w`,
      String.raw`A ridge function is constant on the planes orthogonal to $w$, so its gradient is a multiple of $w$. On the ellipses of a quadratic the derivative along the curve vanishes.`,
      (t) => {
        const w = gaussian(1, 5);
        const ridge: Scalar = (x) => inner(w, x).tanh();
        const x = gaussian(2, 5).mul(0.3);
        const z = inner(w, x).itemSync();
        t.close(grad(ridge)(x), w.mul(1 - Math.tanh(z) ** 2), 1e-15, String.raw`gradient of $\tanh(w^\top x)$`);
        const noise = gaussian(3, 100, 5);
        const tangents = noise.sub(noise.matmul(w).expandDims(1).mul(w).div(inner(w, w)));
        t.close(tangents.matmul(grad(ridge)(x)), 0, 1e-14, "along 100 directions in the level plane");
        const quadratic: Scalar = (v) =>
          v
            .square()
            .mul(f64([1, 4]))
            .sum();
        const along = (angle: Tensor): Tensor => {
          const [c, s] = [angle.cos(), angle.sin()];
          return quadratic(
            c
              .expandDims(0)
              .mul(f64([1, 0]))
              .add(s.expandDims(0).mul(f64([0, 0.5]))),
          );
        };
        const angles = uniform(4, 0, 6, 200);
        t.close(each(along, 1)(angles), 0, 1e-14, "derivative of $x^2+4y^2$ along its ellipse");
        const values = grid(-1.5, 1.5, 41).map((b) => grid(-1.5, 1.5, 41).map((a) => a * a + 4 * b * b));
        t.plot(contour({ x: [-1.5, 1.5], y: [-1.5, 1.5], values }, { title: "x² + 4y²", width: 420, height: 400 }));
      },
    ),
    row(
      "ANA-12",
      "Optimality conditions",
      String.raw`x \text{ local minimum} \Rightarrow \nabla f(x)=0,\ \nabla^2 f(x)\succeq 0;\qquad \nabla f(x)=0,\ \nabla^2 f(x)\succ 0 \Rightarrow x \text{ local minimum}`,
      String.raw`The signs of the Hessian's eigenvalues classify critical points: $x^2-y^2$ has a saddle, $x^2+2y^2$ a minimum. Where an eigenvalue is zero they say nothing: $x^4$ has a minimum, the monkey saddle $x^3-3xy^2$ none. Descent stops at an $\varepsilon$-stationary point, $\|\nabla f\|\le\varepsilon$; for $\frac12x^2$ with step $0.1$ that takes $\lceil\ln\varepsilon/\ln0.9\rceil$ steps.`,
      (t) => {
        const [x, y] = [(v: Tensor) => v.at(0), (v: Tensor) => v.at(1)];
        const functions: Record<string, Scalar> = {
          "x^2-y^2": (v) => x(v).square().sub(y(v).square()),
          "x^2+2y^2": (v) => x(v).square().add(y(v).square().mul(2)),
          "x^4+y^4": (v) => v.pow(4).sum(),
          "x^3-3xy^2": (v) =>
            x(v)
              .pow(3)
              .sub(x(v).mul(y(v).square()).mul(3)),
        };
        const spectra = { "x^2-y^2": [-2, 2], "x^2+2y^2": [2, 4], "x^4+y^4": [0, 0], "x^3-3xy^2": [0, 0] };
        const origin = f64([0, 0]);
        const kind = (f: Scalar): string => {
          const lambda = numbers(eigvalsh(hessian(f)(origin)));
          return lambda.includes(0) ? "degenerate" : lambda[0] > 0 ? "minimum" : lambda[1] < 0 ? "maximum" : "saddle";
        };
        for (const [name, spectrum] of Object.entries(spectra)) {
          const f = functions[name];
          t.equal(grad(f)(origin), [0, 0], `$${name}$ is stationary at 0`);
          t.equal(eigvalsh(hessian(f)(origin)), spectrum, `eigenvalues of its Hessian: ${kind(f)}`);
        }
        const circle = f64(grid(0, 2 * Math.PI, 13).map((a) => [0.1 * Math.cos(a), 0.1 * Math.sin(a)]));
        t.equal(
          [
            vmap(functions["x^4+y^4"])(circle).min().greater(0),
            vmap(functions["x^3-3xy^2"])(circle).min().greater(0),
          ].map((b) => b.itemSync()),
          [1, 0],
          "of the degenerate ones, which is a minimum",
        );
        let [point, steps] = [f64(1), 0];
        const half: Scalar = (v) => v.square().div(2);
        for (; grad(half)(point).abs().itemSync() > 1e-3; steps++) point = point.sub(grad(half)(point).mul(0.1));
        t.equal(steps, 66, String.raw`steps to a gradient of $10^{-3}$: $\lceil 65.56\rceil$`);
      },
    ),
    row(
      "ANA-13",
      "The geometric series, and logarithms near 1",
      String.raw`\sum_{k=0}^{n} q^k = \frac{1-q^{n+1}}{1-q},\qquad \log(1+x) = x - \tfrac{x^2}{2} + \dots,\qquad e^x - 1 = x + \tfrac{x^2}{2} + \dots`,
      String.raw`For small $x$, $1+x$ forgets most digits of $x$, so $\log(1+x)$ and $e^x-1$ written that way lose them; *log1p* and *expm1* keep all. The expected values are sums of the series in 50 digits, in place of NumPy's tables, on which the tests of the package run where NumPy is installed.`,
      (t) => {
        const q = f64([0.5, -0.9, 0.99]);
        const powers = q.expandDims(1).pow(f64(range(201)));
        t.close(powers.sum(1), q.pow(201).neg().add(1).div(q.neg().add(1)), 1e-12, "sum of 201 powers");
        const x = f64([1e-10, -1e-5, 1e-3]);
        // mpmath, 50 digits, rounded
        const logs = f64([9.999999999500001e-11, -1.0000050000333337e-5, 0.0009995003330835331]);
        const exps = f64([1.00000000005e-10, -9.999950000166666e-6, 0.0010005001667083417]);
        const ulp = 2 ** -52;
        t.close(x.log1p().div(logs), 1, 2 * ulp, "`log1p` relative to its value");
        t.close(x.expm1().div(exps), 1, 2 * ulp, "`expm1` relative to its value");
        t.greater(x.add(1).log().div(logs).sub(1).abs().max(), 1e-8, "relative error of `log(1 + x)`");
        t.greater(x.exp().sub(1).div(exps).sub(1).abs().max(), 1e-8, "relative error of `exp(x) - 1`");
      },
    ),
    row(
      "ANA-14",
      "Schwarz's theorem, Leibniz's rule, and the rules of derivation",
      String.raw`\frac{\partial^2 f}{\partial x\,\partial y} = \frac{\partial^2 f}{\partial y\,\partial x},\qquad \frac{d}{dx}\int_0^1 e^{xt}\,dt = \int_0^1 t\,e^{xt}\,dt = \frac{(x-1)e^x+1}{x^2}`,
      String.raw`Mixed derivatives in both orders, one gradient inside the other, agree with the closed form of $\sin(xy)+x^3e^{-y}$. Differentiating an integral, here by Gauss's quadrature, is integrating the derivative. Product, quotient, chain and power rule hold at a hundred points.`,
      (t) => {
        const f = (x: Tensor, y: Tensor): Tensor => x.mul(y).sin().add(x.pow(3).mul(y.neg().exp()));
        const byX = (x: Tensor, y: Tensor): Tensor => grad((v: Tensor) => f(v, y))(x);
        const byY = (x: Tensor, y: Tensor): Tensor => grad((v: Tensor) => f(x, v))(y);
        const [x, y] = [uniform(1, 0.5, 2, 100), uniform(2, 0.5, 2, 100)];
        const xy = vmap((a: Tensor, b: Tensor) => grad((v: Tensor) => byX(a, v))(b))(x, y);
        const yx = vmap((a: Tensor, b: Tensor) => grad((v: Tensor) => byY(v, b))(a))(x, y);
        const product = x.mul(y);
        const closed = product.cos().sub(product.mul(product.sin())).sub(x.square().mul(3).mul(y.neg().exp()));
        t.close(xy, closed, 1e-13, String.raw`$\partial_y\partial_x f$ at 100 points`);
        t.close(yx, closed, 1e-13, String.raw`$\partial_x\partial_y f$`);
        const { nodes, weights } = quadrature(12, 0, 1);
        const integral: Scalar = (v) => v.mul(nodes).exp().mul(weights).sum();
        const expected = x.sub(1).mul(x.exp()).add(1).div(x.square());
        t.close(each(integral, 1)(x), expected, 1e-13, "derivative under the integral");

        const [g, h]: Scalar[] = [(v) => v.sin().add(2), (v) => v.square().exp()];
        const [dg, dh] = [x.cos(), x.square().exp().mul(x).mul(2)];
        const [gx, hx] = [g(x), h(x)];
        t.close(each((v) => g(v).mul(h(v)), 1)(x), dg.mul(hx).add(gx.mul(dh)), 1e-11, "product rule");
        t.close(each((v) => h(v).div(g(v)), 1)(x), dh.mul(gx).sub(hx.mul(dg)).div(gx.square()), 1e-11, "quotient rule");
        t.close(each((v) => h(g(v)), 1)(x).div(g(x).square().exp()), gx.mul(2).mul(dg), 1e-13, "chain rule");
        t.close(each((v) => v.pow(2.5), 1)(x), x.pow(1.5).mul(2.5), 1e-14, "power rule");
      },
    ),
  ],
);
