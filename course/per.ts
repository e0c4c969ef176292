/** PER: connectionism, the perceptron and linear networks. */
import { compile, eye, grad, hessian, ones, stack, type Tensor, vmap, where } from "typegrad";
import { chapter, row } from "typegrad/course";
import { iris } from "typegrad/data";
import { eigvalsh, lstsq, solve, svd, svdvals } from "typegrad/linalg";
import { fromHost } from "typegrad/io";
import { lines, scatter } from "typegrad/plot";
import { maxMargin, perceptron, withBias } from "typegrad/theory";
import { f64, gaussian, grid, numbers, range, slope, uniform } from "./helpers.js";

/** Iris, setosa against the rest, with a constant coordinate and scaled so that no example is longer than 1. */
async function setosa(): Promise<{ x: Tensor; y: Tensor }> {
  const { arrays } = await iris({ dtype: "float64" });
  const x = withBias(fromHost(arrays.features)); // [150, 5]
  const y = where(fromHost(arrays.labels).equal(0), 1, -1).astype("float64"); // [150]
  return { x: x.div(x.square().sum(1).sqrt().max()), y };
}

/** `½ ‖S - W₂W₁‖²`. */
const factorLoss = (target: Tensor, w2: Tensor, w1: Tensor): Tensor =>
  target.sub(w2.matmul(w1)).square().sum().mul(0.5);

/** All subsets of k of the numbers below n. */
const subsets = (n: number, k: number): number[][] =>
  k === 0 ? [[]] : range(n).flatMap((last) => subsets(last, k - 1).map((rest) => [...rest, last]));

export const connectionism = chapter(
  "PER",
  "Connectionism: perceptron and linear networks",
  String.raw`Learning by correcting mistakes, and the theorem that says when the mistakes end; then networks without nonlinearity, whose dynamics can be solved: they learn the strongest modes first, and have no bad minima.`,
  [
    row(
      "PER-01",
      "The perceptron",
      String.raw`\text{if } y\,x^\top\theta \le 0:\quad \theta \leftarrow \theta + y\,x`,
      String.raw`A stochastic gradient step of size 1 on $\max(0,-y\,x^\top\theta)$, taken at mistakes only. On iris, setosa against the rest in the order of the file, five updates are enough, and the fourth pass is clean. Each update turns $\theta$ away from where it pointed: $\langle\Delta\theta,\theta\rangle\le0$, a zig-zag.`,
      async (t) => {
        const { x, y } = await setosa();
        const run = perceptron(x, y);
        t.equal(run.updates.length, 5, "updates on iris");
        t.equal([run.passes, Number(run.converged)], [4, 1], "the fourth pass is clean");
        t.greater(x.matmul(run.theta).mul(y).min(), 0, "least margin afterwards");
        t.atMost(
          run.updates.map((u) => u.overlap),
          0,
          String.raw`$\langle\Delta\theta,\theta\rangle$ at every update`,
        );
        const hinge = (theta: Tensor, i: number): Tensor => x.at(i).matmul(theta).mul(y.at(i)).neg().relu();
        const wrong = f64([0.1, -0.2, 0.3, 0.1, 0.4]);
        const mistake = numbers(x.matmul(wrong).mul(y)).findIndex((m) => m < 0);
        t.close(
          grad((theta: Tensor) => hinge(theta, mistake))(wrong),
          x.at(mistake).mul(y.at(mistake)).neg(),
          1e-15,
          "the rule is the gradient",
        );
      },
    ),
    row(
      "PER-02",
      "The norm grows slowly",
      String.raw`\|\theta^{s}\| \le \sqrt{s}\quad\text{after } s \text{ mistakes on data with } \|x\|\le1`,
      String.raw`Since a mistake means $\langle\Delta\theta,\theta\rangle\le0$, Pythagoras gives $\|\theta^{s+1}\|^2\le\|\theta^s\|^2+1$. The bound is attained on an orthonormal basis.`,
      (t) => {
        const raw = gaussian(1, 300, 6);
        const x = raw.div(raw.square().sum(1).sqrt().max());
        const y = x.matmul(gaussian(2, 6)).sign();
        const { updates } = perceptron(x, y, { maxPasses: 100 });
        const mistakes = updates.map((_, s) => s + 1);
        t.greater(updates.length, 50, "mistakes");
        t.atMost(
          updates.map((u) => u.norm),
          mistakes.map(Math.sqrt),
          String.raw`$\|\theta^s\|$ against $\sqrt s$`,
        );
        const basis = perceptron(eye(9, 9, { dtype: "float64" }), ones([9], { dtype: "float64" })).updates;
        t.close(
          basis.map((u) => u.norm),
          range(9).map((s) => Math.sqrt(s + 1)),
          1e-15,
          "equality on an orthonormal basis",
        );
        t.plot(
          lines(
            [
              { name: "√s", x: mistakes, y: mistakes.map(Math.sqrt), dashed: true },
              { name: "norm of θ", x: mistakes, y: updates.map((u) => u.norm) },
            ],
            { title: "The perceptron's norm, mistake by mistake", x: { label: "mistakes" } },
          ),
        );
      },
    ),
    row(
      "PER-03",
      "Margin and linear separability",
      String.raw`\gamma = \max_{\|\theta\|=1}\min_i y_ix_i^\top\theta = \min_{\lambda\in\Delta}\Big\|\sum_i\lambda_iy_ix_i\Big\|`,
      String.raw`The largest margin is the distance of the origin from the convex hull of the signed examples. For $\pm e_1$ with opposite labels it is 1. XOR cannot be separated: the hull contains the origin.`,
      (t) => {
        t.close(
          maxMargin(
            f64([
              [1, 0],
              [-1, 0],
            ]),
            f64([1, -1]),
          ).margin,
          1,
          1e-12,
          String.raw`$\pm e_1$`,
        );
        const corners = withBias(
          f64([
            [0, 0],
            [0, 1],
            [1, 0],
            [1, 1],
          ]),
        );
        t.equal(maxMargin(corners, f64([-1, 1, 1, -1])).margin, 0, "XOR");
        // AND: θ = (2, 2, -3) / √17 has the margins 3, 1, 1, 1 over √17
        t.close(maxMargin(corners, f64([-1, -1, -1, 1])).margin, 1 / Math.sqrt(17), 1e-12, "AND");
        const cloud = gaussian(3, 80, 2);
        const y = cloud
          .matmul(f64([2, -1]))
          .add(0.3)
          .sign();
        const { margin, direction, support } = maxMargin(withBias(cloud), y);
        const margins = withBias(cloud).matmul(direction).mul(y);
        t.close(margins.min(), margin, 1e-10, "the direction has the margin that duality says");
        const points = numbers(cloud);
        const group = (chosen: (i: number) => boolean, name: string) => ({
          name,
          x: range(80)
            .filter(chosen)
            .map((i) => points[2 * i]),
          y: range(80)
            .filter(chosen)
            .map((i) => points[2 * i + 1]),
        });
        const signs = numbers(y);
        t.plot(
          scatter(
            [
              group((i) => signs[i] > 0 && !support.includes(i), "+1"),
              group((i) => signs[i] < 0 && !support.includes(i), "−1"),
              group((i) => support.includes(i), "support vectors"),
            ],
            { title: "The examples that hold the margin", width: 460, height: 400 },
          ),
        );
      },
    ),
    row(
      "PER-04",
      "Novikoff's bound",
      String.raw`\text{updates} \le \frac1{\gamma^2}\quad\text{for } \|x\|\le1`,
      String.raw`Along the best direction $\theta^*$ every mistake gains at least $\gamma$, so $s\gamma\le\langle\theta^s,\theta^*\rangle\le\|\theta^s\|\le\sqrt s$. It holds on a thousand random separable sets, and is sharp: $d$ orthonormal examples have $\gamma=1/\sqrt d$ and cost $d$ mistakes.`,
      (t) => {
        const shares = range(1000).map((seed) => {
          const raw = uniform(seed, -1, 1, 12, 3);
          const x = raw.div(raw.square().sum(1).sqrt().max());
          const y = x.matmul(gaussian(seed + 5000, 3)).sign();
          const { updates, converged } = perceptron(x, y, { maxPasses: 10_000 });
          return converged ? updates.length * maxMargin(x, y).margin ** 2 : Infinity;
        });
        t.atMost(shares, 1, String.raw`updates times $\gamma^2$, a thousand sets`);
        for (const d of [2, 5, 16]) {
          const x = eye(d, d, { dtype: "float64" });
          const y = ones([d], { dtype: "float64" });
          t.close(maxMargin(x, y).margin, 1 / Math.sqrt(d), 1e-12, `margin of ${d} orthonormal examples`);
          t.equal(perceptron(x, y).updates.length, d, "and their mistakes");
        }
      },
    ),
    row(
      "PER-05",
      "One linear layer: least squares after whitening",
      String.raw`\tfrac1s\|Y-WX\|^2,\quad \tfrac1sXX^\top=I:\qquad \nabla = 2(W-\Gamma),\quad \Gamma=\tfrac1sYX^\top`,
      String.raw`With whitened inputs the loss is a round bowl around the correlation $\Gamma$, and gradient descent goes there straight.`,
      (t) => {
        const s = 200;
        const mixed = gaussian(1, 4, 4).matmul(gaussian(2, 4, s));
        // whitening by X = √s Vᵀ of the singular value decomposition
        const x = svd(mixed).vh.mul(Math.sqrt(s)); // [4, 200]
        const y = gaussian(3, 3, 4)
          .matmul(x)
          .add(gaussian(4, 3, s)); // [3, 200]
        t.close(x.matmul(x.T).div(s), eye(4, 4, { dtype: "float64" }), 1e-12, String.raw`$XX^\top/s$`);
        const loss = (w: Tensor): Tensor => y.sub(w.matmul(x)).square().sum().div(s);
        const gamma = y.matmul(x.T).div(s);
        const w0 = gaussian(5, 3, 4);
        t.close(grad(loss)(w0), w0.sub(gamma).mul(2), 1e-12, "gradient");
        let w = w0;
        for (let k = 0; k < 60; k++) w = w.sub(grad(loss)(w).mul(0.2));
        t.close(w, gamma, 1e-10, "gradient descent");
        t.close(lstsq(x.T, y.T).solution.T, gamma, 1e-11, "least squares");
      },
    ),
    row(
      "PER-06",
      "Two linear layers: modes, saddles, one minimum",
      String.raw`\tfrac12\|\Gamma-W_2W_1\|^2:\quad L_S=\tfrac12\sum_{i\notin S}\sigma_i^2,\quad |S|=k,\qquad a(t)=\frac{\sigma e^{2\sigma t}}{e^{2\sigma t}-1+\sigma/a_0}`,
      String.raw`A critical point of full rank $k$ keeps $k$ of the singular modes of $\Gamma$: of 4 modes through a width of 2 there are $\binom42=6$. Only the one with the two strongest is a minimum; every other has a direction of descent. In the modes' coordinates units cooperate within a mode and compete between modes, and each mode's strength grows along a sigmoid: strong modes are learnt first.`,
      (t) => {
        const sigma = [4, 3, 2, 1];
        const u = svd(gaussian(1, 4, 4)).u;
        const v = svd(gaussian(2, 4, 4)).u;
        const target = u.mul(f64(sigma)).matmul(v.T); // [4, 4]
        const loss = (p: Tensor): Tensor => factorLoss(target, p.at(":8").reshape([4, 2]), p.at("8:").reshape([2, 4]));
        const critical = subsets(4, 2).map((chosen) => {
          const root = f64(chosen.map((i) => Math.sqrt(sigma[i])));
          const w2 = stack(
            chosen.map((i) => u.at(":", i)),
            1,
          ).mul(root); // [4, 2]
          const w1 = stack(
            chosen.map((i) => v.at(":", i)),
            0,
          ).mul(root.expandDims(1)); // [2, 4]
          return {
            chosen,
            at: stack([...range(8).map((i) => w2.flatten().at(i)), ...range(8).map((i) => w1.flatten().at(i))]),
          };
        });
        t.close(stack(critical.map(({ at }) => grad(loss)(at))), 0, 1e-12, "their gradients");
        const left = critical.map(({ chosen }) =>
          sigma.reduce((sum, s, i) => sum + (chosen.includes(i) ? 0 : (s * s) / 2), 0),
        );
        t.close(stack(critical.map(({ at }) => loss(at))), left, 1e-12, "their losses");
        // Newton's method for ∇L = 0 from random starts, by least squares since orbits of equal products are flat
        const newton = compile((p: Tensor) => {
          const [slopes, h] = [vmap(grad(loss))(p).expandDims(2), vmap(hessian(loss))(p)]; // [200, 16, 1], [200, 16, 16]
          const damped = h.matmul(h).add(eye(16, 16, { dtype: "float64" }).mul(1e-6));
          return p.sub(solve(damped, h.matmul(slopes)).squeeze(-1));
        });
        let p16: Tensor = gaussian(7, 200, 16);
        for (let k = 0; k < 40; k++) p16 = newton(p16);
        const steepness = numbers(vmap(grad(loss))(p16).abs().max(1));
        const products = vmap((p: Tensor) =>
          p
            .at(":8")
            .reshape([4, 2])
            .matmul(p.at("8:").reshape([2, 4])),
        )(p16);
        const second = numbers(svdvals(products).at(":", 1));
        const found = numbers(vmap(loss)(p16)).filter((_, i) => steepness[i] < 1e-8 && second[i] > 1e-3);
        const nearest = found.map((l) => left.reduce((a, b) => (Math.abs(b - l) < Math.abs(a - l) ? b : a)));
        t.close(found, nearest, 1e-6, "where Newton's method ends with full rank: at no other loss");
        t.greater(new Set(nearest).size, 1, "different ones");

        const lowest = critical.map(({ at }) => eigvalsh(hessian(loss)(at)).min().itemSync());
        const isTop = critical.map(({ chosen }) => chosen.join() === "0,1");
        t.less(
          lowest.filter((_, i) => !isTop[i]),
          -0.5,
          "least curvature at the five saddles",
        );
        t.atLeast(
          lowest.filter((_, i) => isTop[i]),
          -1e-12,
          "and at the minimum",
        );

        const [q, w] = [gaussian(3, 4, 2), gaussian(4, 4, 2)]; // rows: modes
        const overlaps = q.matmul(w.T); // [4, 4]: q_r · w_r'
        const own = eye(4, 4, { dtype: "float64" });
        const cooperation = overlaps.mul(own).sum(1).sub(f64(sigma)).square().sum().mul(0.5);
        const competition = overlaps.mul(own.neg().add(1)).square().sum().mul(0.5);
        const direct = factorLoss(target, u.matmul(q), w.T.matmul(v.T));
        t.close(cooperation.add(competition), direct, 1e-12, "cooperation and competition make the loss");

        const [strength, start] = [2, 0.01];
        const learnt = (time: number): number =>
          (strength * Math.exp(2 * strength * time)) / (Math.exp(2 * strength * time) - 1 + strength / start);
        const eta = 1e-3;
        const one = (p: Tensor): Tensor =>
          factorLoss(f64([[strength]]), p.at(0).reshape([1, 1]), p.at(1).reshape([1, 1]));
        let p = f64([Math.sqrt(start), Math.sqrt(start)]);
        const seen: number[] = [];
        for (let k = 0; k <= 3000; k++) {
          if (k % 100 === 0) seen.push(numbers(p)[0] * numbers(p)[1]);
          const middle = p.sub(grad(one)(p).mul(eta / 2));
          p = p.sub(grad(one)(middle).mul(eta));
        }
        const times = seen.map((_, k) => k / 10);
        t.close(seen, times.map(learnt), 1e-5, "a mode's learning curve");
        const curve = (s: number): number[] =>
          grid(0, 3, 120).map((time) => (s * Math.exp(2 * s * time)) / (Math.exp(2 * s * time) - 1 + s / start));
        t.plot(
          lines(
            sigma.map((s) => ({ name: `σ = ${s}`, x: grid(0, 3, 120), y: curve(s) })),
            {
              title: "Strong modes are learnt first",
              x: { label: "time" },
            },
          ),
        );
      },
    ),
    row(
      "PER-07",
      "Deep linear networks",
      String.raw`\frac{\partial L}{\partial W^l} = (W^L\cdots W^{l+1})^\top\,(\hat y-y)\,x^\top\,(W^{l-1}\cdots W^1)^\top,\qquad \frac{d}{dt}\big(W_{l+1}^\top W_{l+1}-W_lW_l^\top\big)=0`,
      String.raw`Backpropagation, written out for layers without nonlinearity. The gradient flow conserves how layers are balanced; gradient descent with step $\eta$ lets it drift in proportion to $\eta$.`,
      (t) => {
        const weights = [gaussian(1, 4, 3), gaussian(2, 5, 4), gaussian(3, 2, 5)].map((w) => w.mul(0.4));
        const [x, y] = [gaussian(4, 3, 20), gaussian(5, 2, 20)];
        const product = (ws: readonly Tensor[], size: number): Tensor =>
          ws.reduce((p, w) => w.matmul(p), eye(size, size, { dtype: "float64" }));
        const loss = (ws: Tensor[]): Tensor => y.sub(product(ws, 3).matmul(x)).square().sum().mul(0.5);
        const byHand = weights.map((w, l) => {
          const after = product(weights.slice(l + 1), w.shape[0]); // W^L … W^{l+1}
          const before = product(weights.slice(0, l), 3); // W^{l-1} … W^1
          const off = product(weights, 3).matmul(x).sub(y);
          return after.T.matmul(off).matmul(x.T).matmul(before.T);
        });
        grad(loss)(weights).forEach((g, l) => t.close(g, byHand[l], 1e-12, `layer ${l + 1} against the closed form`));

        const balance = (ws: readonly Tensor[]): Tensor => ws[1].T.matmul(ws[1]).sub(ws[0].matmul(ws[0].T));
        const drift = (eta: number): number => {
          let ws = weights;
          for (let k = 0; k < Math.round(0.2 / eta); k++) {
            const g = grad(loss)(ws);
            ws = ws.map((w, l) => w.sub(g[l].mul(eta)));
          }
          return balance(ws).sub(balance(weights)).square().sum().sqrt().itemSync();
        };
        const etas = [0.004, 0.002, 0.001, 0.0005];
        const drifts = etas.map(drift);
        t.close(slope(etas.map(Math.log), drifts.map(Math.log)), 1, 0.1, String.raw`slope of the drift in $\eta$`);
      },
    ),
    row(
      "PER-08",
      "Networks as graphs; risk and its minimisers",
      String.raw`z_v=\sigma\Big(\sum_{u\to v}w_{uv}z_u+b_v\Big),\qquad R(f)=\mathbb E\,\ell(f(x),y),\quad \hat R(f)=\frac1s\sum_i\ell(f(x_i),y_i)`,
      String.raw`A feed-forward network is any acyclic graph, evaluated in an order in which every unit comes after its inputs; layers are a special case. The empirical risk is the expected risk under the empirical distribution. Among thresholds on a line, the one of least empirical risk is found by trying all; a nearest neighbour has none on its own examples.`,
      (t) => {
        // Units 0, 1 are inputs; edges go upwards, also past layers. Order the rest by depth-first search.
        const weight = numbers(gaussian(1, 49));
        const edges = range(7).flatMap((v) =>
          v < 2
            ? []
            : range(v)
                .filter((u) => (u + v) % 3 !== 0)
                .map((u) => ({ u, v, w: weight[7 * u + v] })),
        );
        const order: number[] = [];
        const visit = (v: number): void => {
          if (order.includes(v)) return;
          for (const { u } of edges.filter((edge) => edge.v === v)) visit(u);
          order.push(v);
        };
        range(7).toReversed().forEach(visit);
        t.equal(
          edges.every(({ u, v }) => order.indexOf(u) < order.indexOf(v)),
          true,
          "every unit comes after its inputs",
        );
        const x = gaussian(2, 2);
        const z: Tensor[] = [x.at(0), x.at(1)];
        for (const v of order.filter((unit) => unit > 1))
          z[v] = edges
            .filter((edge) => edge.v === v)
            .reduce((sum, { u, w }) => sum.add(z[u].mul(w)), x.at(0).mul(0))
            .tanh();
        // The same as a fixed point: with W strictly upper triangular, 7 sweeps of z = tanh(Wᵀz) settle every unit.
        const w = range(49).map((at) => edges.find((edge) => 7 * edge.u + edge.v === at)?.w ?? 0);
        const matrix = f64(range(7).map((u) => w.slice(7 * u, 7 * u + 7)));
        let sweep = f64([...numbers(x), 0, 0, 0, 0, 0]);
        for (let k = 0; k < 7; k++)
          sweep = stack([
            x.at(0),
            x.at(1),
            ...range(5).map((i) =>
              sweep
                .matmul(matrix)
                .tanh()
                .at(i + 2),
            ),
          ]);
        t.close(stack(z), sweep, 1e-14, "in order, against sweeps over all units");

        const inputs = numbers(uniform(3, 0, 1, 40));
        const labels = inputs.map((a, i) => (i % 8 === 0 ? a <= 0.35 : a > 0.35)).map(Number);
        const points = inputs.map((a, i) => ({ a, label: labels[i] }));
        const zeroOne =
          (f: (a: number) => number) =>
          ({ a, label }: { a: number; label: number }): number =>
            Number(f(a) !== label);
        const empirical = (f: (a: number) => number): number =>
          points.reduce((sum, p) => sum + zeroOne(f)(p), 0) / points.length;
        // the empirical distribution as a table of atoms and their probabilities
        const atoms = new Map<string, { p: { a: number; label: number }; mass: number }>();
        for (const p of points) {
          const known = atoms.get(JSON.stringify(p));
          atoms.set(JSON.stringify(p), { p, mass: (known?.mass ?? 0) + 1 / points.length });
        }
        const expected = (f: (a: number) => number): number =>
          [...atoms.values()].reduce((sum, { p, mass }) => sum + mass * zeroOne(f)(p), 0);
        const threshold = (c: number) => (a: number) => Number(a > c);
        t.close(
          [0.1, 0.35, 0.6].map((c) => empirical(threshold(c))),
          [0.1, 0.35, 0.6].map((c) => expected(threshold(c))),
          1e-14,
          "training risk and risk under the empirical distribution",
        );
        const best = [0, ...inputs].reduce((b, c) => (empirical(threshold(c)) < empirical(threshold(b)) ? c : b));
        // every eighth label is flipped: 5 of 40
        t.equal(empirical(threshold(best)), 5 / 40, "least empirical risk of a threshold: the flipped labels");
        const nearest = (a: number): number =>
          points.reduce((p, q) => (Math.abs(q.a - a) < Math.abs(p.a - a) ? q : p)).label;
        t.equal(empirical(nearest), 0, "one nearest neighbour on its own examples");
        const half = (z: number): Tensor =>
          f64(points.map((p) => p.label))
            .sub(z)
            .square()
            .mean();
        const mean = labels.reduce((a, b) => a + b, 0) / labels.length;
        t.greater(
          [half(mean - 0.01).sub(half(mean)), half(mean + 0.01).sub(half(mean))].map((d) => d.itemSync()),
          0,
          "squared loss: the mean is the best constant",
        );
      },
    ),
  ],
);
