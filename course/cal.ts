/** CAL: matrix calculus and numerical differentiation. */
import {
  customVjp,
  einsum,
  grad,
  gradcheck,
  hessian,
  jacobian,
  logSoftmax,
  logSumExp,
  outer,
  softmax,
  softplus,
  stack,
  type Tensor,
  vmap,
} from "typegrad";
import { chapter, row } from "typegrad/course";
import { det, diag, inv, slogdet, trace } from "typegrad/linalg";
import { lines } from "typegrad/plot";
import { f64, gaussian, range, slope } from "./helpers.js";

type Field = (x: Tensor) => Tensor;

/** An identity: a function, and what is claimed to be its derivative. */
interface Identity {
  readonly name: string;
  readonly f: Field;
  readonly rule: Field;
}

const unit = (n: number): Tensor => diag(f64(range(n).map(() => 1)));
/** `diag(v)·a`: every row of a matrix times its own number. */
const scaled = (v: Tensor, a: Tensor): Tensor => v.expandDims(-1).mul(a);

/** The largest distance of a rule from the derivative, relative to its largest element where that is above 1. */
function distance(derivative: (f: Field) => Field, { f, rule }: Identity, x: Tensor): number {
  const expected = rule(x);
  const size = Math.max(1, expected.abs().max().itemSync());
  return derivative(f)(x).sub(expected).abs().max().div(size).itemSync();
}

/** The differences of a function of a vector, forward or central, along every axis. */
function differences(f: Field, x: Tensor, step: number, central: boolean): Tensor {
  const steps = unit(x.size).mul(step);
  const ahead = vmap(f)(x.add(steps));
  return central ? ahead.sub(vmap(f)(x.sub(steps))).div(2 * step) : ahead.sub(f(x)).div(step);
}

/** The differences of the differences. */
function secondDifferences(f: Field, x: Tensor, step: number, central: boolean): Tensor {
  const inner = (v: Tensor): Tensor => differences(f, v, step, central);
  const ahead = range(x.size).map((i) => inner(x.add(unit(x.size).at(i).mul(step))));
  const behind = range(x.size).map((i) => (central ? inner(x.sub(unit(x.size).at(i).mul(step))) : inner(x)));
  return stack(ahead)
    .sub(stack(behind))
    .div(central ? 2 * step : step);
}

/** f(x) = sin(x₁x₂) + e^(x₂/2) + x₁³, of which everything is known. */
const smooth: Field = (x) => x.at(0).mul(x.at(1)).sin().add(x.at(1).div(2).exp()).add(x.at(0).pow(3));
const steps = [1e-1, 3e-2, 1e-2, 3e-3, 1e-3];

export const matrixCalculus = chapter(
  "CAL",
  "Matrix calculus and numerical differentiation",
  "The derivatives that one does by hand, each as a rule beside what differentiation says of the same function, on matrices of several sizes. The second half differentiates by differences: how far that carries, and how it finds mistakes in rules.",
  [
    row(
      "CAL-01",
      "Two layouts of the Jacobian",
      String.raw`\left(\frac{\partial f}{\partial x}\right)_{ij} = \frac{\partial f_i}{\partial x_j} \in \mathbb R^{m\times n}\ \text{(numerator)},\qquad \left(\frac{\partial f}{\partial x}\right)_{ij} = \frac{\partial f_j}{\partial x_i} \in \mathbb R^{n\times m}\ \text{(denominator)}`,
      String.raw`For $f:\mathbb R^n\to\mathbb R^m$ the numerator layout has a row for every *output*: $m\times n$, not $n\times m$ as is sometimes printed. The denominator layout is its transpose, and the layout of gradients: $\nabla f$ has the shape of $x$.`,
      (t) => {
        const a = gaussian(1, 3, 5);
        const f: Field = (x) => a.matmul(x.tanh());
        const x = gaussian(2, 5);
        const closed = a.mul(x.tanh().square().neg().add(1));
        const numerator = jacobian(f)(x);
        const denominator = jacobian(f, { layout: "denominator" })(x);
        t.close(numerator, closed, 1e-15, String.raw`numerator layout: $A\,\mathrm{diag}(1-\tanh^2 x)$`);
        t.close(denominator, closed.T, 1e-15, "denominator layout: its transpose");
        t.equal([...numerator.shape, ...denominator.shape], [3, 5, 5, 3], "shapes");
        const scalar: Field = (v) => v.square().sum();
        t.equal(jacobian(scalar, { layout: "denominator" })(x), grad(scalar)(x), "of a scalar function: the gradient");
      },
    ),
    row(
      "CAL-02",
      "Scalars by vectors",
      String.raw`\nabla_x\, x^\top\!Ax = (A+A^\top)x,\qquad \nabla_x\,(Ax+b)^\top C(Dx+e) = A^\top C(Dx+e) + D^\top C^\top(Ax+b)`,
      String.raw`Twelve identities, each as a rule in the layout of gradients and differentiated automatically, for vectors of 1, 2, 5 and 9 components. $u(x)$ and $v(x)$ are nonlinear with known Jacobians.`,
      (t) => {
        const worst = new Map<string, number>();
        for (const n of [1, 2, 5, 9]) {
          const m = n + 2;
          const [a, b, x] = [gaussian(n, n), gaussian(n + 10, m), gaussian(n + 20, n)];
          const [square, A, D, C, e] = [
            gaussian(1, n, n),
            gaussian(2, m, n),
            gaussian(3, n, n),
            gaussian(4, m, n),
            gaussian(5, n),
          ];
          const symmetric = square.add(square.T);
          const [u, v]: Field[] = [(y) => y.sin(), (y) => square.matmul(y).tanh()];
          const ju: Field = (y) => diag(y.cos()); // numerator layout
          const jv: Field = (y) => scaled(square.matmul(y).tanh().square().neg().add(1), square);
          const dot = (p: Tensor, q: Tensor): Tensor => p.mul(q).sum();
          const identities: Identity[] = [
            { name: String.raw`a^\top x`, f: (y) => dot(a, y), rule: () => a },
            { name: String.raw`x^\top x`, f: (y) => dot(y, y), rule: (y) => y.mul(2) },
            {
              name: String.raw`x^\top Ax`,
              f: (y) => dot(y, square.matmul(y)),
              rule: (y) => square.add(square.T).matmul(y),
            },
            {
              name: String.raw`x^\top Sx,\ S=S^\top`,
              f: (y) => dot(y, symmetric.matmul(y)),
              rule: (y) => symmetric.matmul(y).mul(2),
            },
            { name: String.raw`b^\top Ax`, f: (y) => dot(b, A.matmul(y)), rule: () => A.T.matmul(b) },
            {
              name: String.raw`u^\top v`,
              f: (y) => dot(u(y), v(y)),
              rule: (y) =>
                ju(y)
                  .T.matmul(v(y))
                  .add(jv(y).T.matmul(u(y))),
            },
            {
              name: String.raw`u^\top Av`,
              f: (y) => dot(u(y), square.matmul(v(y))),
              rule: (y) =>
                ju(y)
                  .T.matmul(square.matmul(v(y)))
                  .add(jv(y).T.matmul(square.T.matmul(u(y)))),
            },
            {
              name: String.raw`(Ax+b)^\top C(Dx+e)`,
              f: (y) => dot(A.matmul(y).add(b), C.matmul(D.matmul(y).add(e))),
              rule: (y) => A.T.matmul(C.matmul(D.matmul(y).add(e))).add(D.T.matmul(C.T.matmul(A.matmul(y).add(b)))),
            },
            {
              name: String.raw`\|x-a\|`,
              f: (y) => y.sub(a).square().sum().sqrt(),
              rule: (y) => y.sub(a).div(y.sub(a).square().sum().sqrt()),
            },
            { name: String.raw`\|v(x)\|^2`, f: (y) => v(y).square().sum(), rule: (y) => jv(y).T.matmul(v(y)).mul(2) },
            {
              name: String.raw`a^\top x x^\top b`,
              f: (y) => dot(a, y).mul(dot(y, e)),
              rule: (y) => outer(a, e).add(outer(e, a)).matmul(y),
            },
            {
              name: String.raw`g(u(x)),\ g=\log\sum\exp`,
              f: (y) => logSumExp(u(y)),
              rule: (y) => ju(y).T.matmul(softmax(u(y))),
            },
          ];
          for (const identity of identities)
            worst.set(identity.name, Math.max(worst.get(identity.name) ?? 0, distance(grad, identity, x)));
        }
        for (const [name, off] of worst) t.close(off, 0, 1e-13, `$${name}$`);
      },
    ),
    row(
      "CAL-03",
      "Vectors by vectors",
      String.raw`\frac{\partial\, Ax}{\partial x} = A,\qquad \frac{\partial\, x\circ a}{\partial x} = \mathrm{diag}(a),\qquad \frac{\partial f(g(x))}{\partial x} = \frac{\partial f}{\partial g}\frac{\partial g}{\partial x}`,
      String.raw`In numerator layout, for vectors of 1, 2, 5 and 9 components. The chain rule's factors stand in the order of the composition; in denominator layout they would be reversed.`,
      (t) => {
        const worst = new Map<string, number>();
        for (const n of [1, 2, 5, 9]) {
          const [A, B, a, x] = [gaussian(1, n + 1, n), gaussian(2, n, n), gaussian(3, n), gaussian(4, n)];
          const g: Field = (y) => B.matmul(y).sin();
          const jg: Field = (y) => scaled(B.matmul(y).cos(), B);
          const scalar: Field = (y) => y.square().sum().neg().exp();
          const identities: Identity[] = [
            { name: "x", f: (y) => y, rule: () => unit(n) },
            { name: "Ax", f: (y) => A.matmul(y), rule: () => A },
            { name: String.raw`x^\top B`, f: (y) => y.matmul(B), rule: () => B.T },
            { name: String.raw`x\circ a`, f: (y) => y.mul(a), rule: () => diag(a) },
            {
              name: String.raw`\sigma(x)`,
              f: (y) => y.sigmoid(),
              rule: (y) => diag(y.sigmoid().mul(y.sigmoid().neg().add(1))),
            },
            {
              name: String.raw`u(x)\,g(x),\ u\text{ scalar}`,
              f: (y) => g(y).mul(scalar(y)),
              rule: (y) =>
                jg(y)
                  .mul(scalar(y))
                  .sub(outer(g(y), y.mul(2).mul(scalar(y)))),
            },
            { name: String.raw`A\,g(x)`, f: (y) => A.matmul(g(y)), rule: (y) => A.matmul(jg(y)) },
            {
              name: String.raw`f(g(x))`,
              f: (y) => A.matmul(g(y)).tanh(),
              rule: (y) => scaled(A.matmul(g(y)).tanh().square().neg().add(1), A).matmul(jg(y)),
            },
            {
              name: String.raw`x / \|x\|`,
              f: (y) => y.div(y.square().sum().sqrt()),
              rule: (y) => unit(n).sub(outer(y, y).div(y.square().sum())).div(y.square().sum().sqrt()),
            },
          ];
          for (const identity of identities)
            worst.set(identity.name, Math.max(worst.get(identity.name) ?? 0, distance(jacobian, identity, x)));
        }
        for (const [name, off] of worst) t.close(off, 0, 1e-13, `$${name}$`);
      },
    ),
    row(
      "CAL-04",
      "Scalars by matrices",
      String.raw`\frac{\partial\, a^\top Xb}{\partial X} = ab^\top,\quad \frac{\partial\, a^\top X^\top b}{\partial X} = ba^\top,\quad \frac{\partial \operatorname{Tr}(AXB)}{\partial X} = A^\top B^\top`,
      String.raw`In the layout of gradients, for matrices of three shapes. The derivative of $a^\top X^\top b$ is $ba^\top$; the form $ab^\top$, which is printed in places, does not even have the right shape unless $X$ is square, and is wrong then.`,
      (t) => {
        const worst = new Map<string, number>();
        for (const [m, n] of [
          [1, 1],
          [3, 3],
          [4, 2],
          [3, 6],
        ]) {
          const X = gaussian(1, m, n);
          const [a, b, p] = [gaussian(2, m), gaussian(3, n), gaussian(4, n)];
          const [A, B, C, D] = [gaussian(5, 5, m), gaussian(6, n, 5), gaussian(7, m, 5), gaussian(8, m, m)];
          const dot = (u: Tensor, v: Tensor): Tensor => u.mul(v).sum();
          const identities: Identity[] = [
            { name: String.raw`a^\top Xb`, f: (x) => dot(a, x.matmul(b)), rule: () => outer(a, b) },
            { name: String.raw`b^\top X^\top a`, f: (x) => dot(b, x.T.matmul(a)), rule: () => outer(a, b) },
            {
              name: String.raw`b^\top X^\top Xp`,
              f: (x) => dot(x.matmul(b), x.matmul(p)),
              rule: (x) => x.matmul(outer(b, p).add(outer(p, b))),
            },
            {
              name: String.raw`b^\top X^\top DXp`,
              f: (x) => dot(x.matmul(b), D.matmul(x.matmul(p))),
              rule: (x) =>
                D.matmul(x)
                  .matmul(outer(p, b))
                  .add(D.T.matmul(x).matmul(outer(b, p))),
            },
            {
              name: String.raw`\operatorname{Tr}(AXB)`,
              f: (x) => trace(A.matmul(x).matmul(B)),
              rule: () => A.T.matmul(B.T),
            },
            {
              name: String.raw`\operatorname{Tr}(B^\top X^\top C)`,
              f: (x) => trace(B.T.matmul(x.T).matmul(C)),
              rule: () => C.matmul(B.T),
            },
            { name: String.raw`\operatorname{Tr}(X^\top X)`, f: (x) => trace(x.T.matmul(x)), rule: (x) => x.mul(2) },
          ];
          for (const identity of identities)
            worst.set(identity.name, Math.max(worst.get(identity.name) ?? 0, distance(grad, identity, X)));
        }
        for (const [name, off] of worst) t.close(off, 0, 1e-13, `$${name}$`);
        const [a, b, X] = [gaussian(1, 3), gaussian(2, 3), gaussian(3, 3, 3)];
        const gradient = grad((x: Tensor) => a.matmul(x.T).matmul(b))(X);
        t.close(gradient, outer(b, a), 1e-15, String.raw`$a^\top X^\top b$: $ba^\top$`);
        t.greater(gradient.sub(outer(a, b)).abs().max(), 0.1, String.raw`$a^\top X^\top b$: distance from $ab^\top$`);
      },
    ),
    row(
      "CAL-05",
      "Traces, inverses and determinants by their matrix",
      String.raw`\nabla\operatorname{Tr}(SA^{-1}) = -(A^{-1}SA^{-1})^\top,\qquad \nabla\log|\det A| = A^{-\top}`,
      String.raw`The gradient of a function of a matrix has the matrix's own layout, hence the transposes; without them the rules hold for symmetric matrices only. These two derivatives are all that maximum likelihood of a Gaussian needs.`,
      (t) => {
        const worst = new Map<string, number>();
        for (const n of [1, 2, 4, 7]) {
          const A = gaussian(n, n, n).add(unit(n).mul(2 * n)); // well conditioned
          const [B, S] = [gaussian(2, n, n), gaussian(3, n, n)];
          const identities: Identity[] = [
            { name: String.raw`\operatorname{Tr}(AA^\top)`, f: (x) => trace(x.matmul(x.T)), rule: (x) => x.mul(2) },
            { name: String.raw`\operatorname{Tr}(AB)`, f: (x) => trace(x.matmul(B)), rule: () => B.T },
            {
              name: String.raw`\operatorname{Tr}(SA^{-1})`,
              f: (x) => trace(S.matmul(inv(x))),
              rule: (x) => inv(x).matmul(S).matmul(inv(x)).T.neg(),
            },
            { name: String.raw`\log|\det A|`, f: (x) => slogdet(x).logAbs, rule: (x) => inv(x).T },
            { name: String.raw`\det A`, f: (x) => det(x), rule: (x) => inv(x).T.mul(det(x)) },
          ];
          for (const identity of identities)
            worst.set(identity.name, Math.max(worst.get(identity.name) ?? 0, distance(grad, identity, A)));
        }
        for (const [name, off] of worst) t.close(off, 0, 1e-12, `$${name}$`);
        const A = f64([
          [2, 1],
          [0, 1],
        ]);
        t.close(
          grad((x: Tensor) => slogdet(x).logAbs)(A),
          [0.5, 0, -0.5, 1],
          1e-15,
          String.raw`$\nabla\log\det$ of $\left(\begin{smallmatrix}2&1\\0&1\end{smallmatrix}\right)$, by hand`,
        );
      },
    ),
    row(
      "CAL-06",
      "Derivatives with more axes, and the chain rule for them",
      String.raw`\frac{\partial (Wx)_i}{\partial W_{kj}} = \delta_{ik}\,x_j,\qquad \frac{\partial F}{\partial W} = \frac{\partial F}{\partial H}\times_b\frac{\partial H}{\partial W},\quad (S\times_b T)_{i\dots k\dots} = \sum_{j_1\dots j_b} S_{i\dots j_1\dots j_b}T_{j_1\dots j_b k\dots}`,
      String.raw`The derivative of a vector by a matrix is a tensor of three axes. The product $\times_b$ contracts the $b$ axes that a result and the next argument share; chained along a network it gives what reverse mode computes without ever forming the tensors.`,
      (t) => {
        const [W, x] = [gaussian(1, 3, 4), gaussian(2, 4)];
        const full = jacobian((w: Tensor) => w.matmul(x))(W); // [3, 3, 4]
        t.close(full, einsum("ik,j->ikj", unit(3), x), 1e-15, String.raw`$\partial(Wx)/\partial W = \delta_{ik}x_j$`);

        // Y = tanh(XW₁)W₂ with a batch of inputs: every intermediate result is a matrix, b = 2.
        const [X, W1, W2] = [gaussian(3, 5, 4), gaussian(4, 4, 3), gaussian(5, 3, 2)];
        const loss: Field = (y) => y.square().sum();
        const [z, h] = [X.matmul(W1), X.matmul(W1).tanh()];
        const dLdY = grad(loss)(h.matmul(W2)); // [5, 2]
        const dYdH = jacobian((v: Tensor) => v.matmul(W2))(h); // [5, 2, 5, 3]
        const dHdZ = jacobian((v: Tensor) => v.tanh())(z); // [5, 3, 5, 3]
        const dZdW = jacobian((w: Tensor) => X.matmul(w))(W1); // [5, 3, 4, 3]
        const chained = einsum("ab,abcd,cdef,efgh->gh", dLdY, dYdH, dHdZ, dZdW);
        const reverse = grad((w: Tensor) => loss(X.matmul(w).tanh().matmul(W2)))(W1);
        const closed = X.T.matmul(h.matmul(W2).mul(2).matmul(W2.T).mul(h.square().neg().add(1)));
        t.close(chained, closed, 1e-12, "product of the tensors against the closed form");
        t.close(reverse, closed, 1e-12, "reverse mode against the closed form");
        t.equal(dYdH.shape, [5, 2, 5, 3], "shape of one factor");
      },
    ),
    row(
      "CAL-07",
      "Forward differences",
      String.raw`\frac{f(x+h e_i)-f(x)}{h} = \partial_i f(x) + O(h)`,
      String.raw`The error falls in proportion to the step: slope $1$ in logarithms, for gradient and Hessian, until rounding takes over. The expected derivatives of $\sin(x_1x_2)+e^{x_2/2}+x_1^3$ are closed forms.`,
      (t) => {
        const x = f64([0.7, 1.3]);
        const p = 0.7 * 1.3;
        const exact = f64([1.3 * Math.cos(p) + 3 * 0.49, 0.7 * Math.cos(p) + Math.exp(0.65) / 2]);
        const mixed = Math.cos(p) - p * Math.sin(p);
        const curvature = f64([
          [-1.69 * Math.sin(p) + 6 * 0.7, mixed],
          [mixed, -0.49 * Math.sin(p) + Math.exp(0.65) / 4],
        ]);
        t.close(grad(smooth)(x), exact, 1e-15, "gradient by differentiation, against the closed form");
        t.close(hessian(smooth)(x), curvature, 1e-14, "Hessian by differentiation");
        const errors = steps.map((h) => differences(smooth, x, h, false).sub(exact).abs().max().itemSync());
        const seconds = steps.map((h) => secondDifferences(smooth, x, h, false).sub(curvature).abs().max().itemSync());
        const logs = (v: readonly number[]): number[] => v.map(Math.log);
        t.close(slope(logs(steps), logs(errors)), 1, 0.05, "slope of the gradient's error, log-log");
        t.close(slope(logs(steps), logs(seconds)), 1, 0.1, "slope of the Hessian's error");
        t.plot(
          lines(
            [
              { name: "gradient", x: steps, y: errors },
              { name: "Hessian", x: steps, y: seconds },
            ],
            { title: "Error of forward differences", x: { label: "step h", log: true }, y: { log: true }, height: 280 },
          ),
        );
      },
    ),
    row(
      "CAL-08",
      "Central differences, and checking derivatives by them",
      String.raw`\frac{f(x+h e_i)-f(x-h e_i)}{2h} = \partial_i f(x) + O(h^2)`,
      String.raw`Symmetric steps cancel the first error term: slope $2$. With the step that balances truncation and rounding, differences check every derivative rule of the package's elementary operations to six digits, and find a rule that is wrong by a thousandth.`,
      (t) => {
        const x = f64([0.7, 1.3]);
        const [exact, curvature] = [grad(smooth)(x), hessian(smooth)(x)];
        const small = [...steps, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10];
        const errorOf = (h: number): number => differences(smooth, x, h, true).sub(exact).abs().max().itemSync();
        const errors = small.map(errorOf);
        const seconds = steps.map((h) => secondDifferences(smooth, x, h, true).sub(curvature).abs().max().itemSync());
        const logs = (v: readonly number[]): number[] => v.map(Math.log);
        t.close(slope(logs(steps), logs(errors.slice(0, 5))), 2, 0.05, "slope of the gradient's error, log-log");
        t.close(slope(logs(steps), logs(seconds)), 2, 0.05, "slope of the Hessian's error");

        const positive = gaussian(1, 4).abs().mul(0.4).add(0.3);
        const inside = gaussian(2, 4).tanh().mul(0.9);
        const maps: Readonly<Record<string, Field>> = {
          exp: (v) => v.exp(),
          exp2: (v) => v.exp2(),
          expm1: (v) => v.expm1(),
          log: (v) => v.log(),
          log1p: (v) => v.log1p(),
          log2: (v) => v.log2(),
          log10: (v) => v.log10(),
          sqrt: (v) => v.sqrt(),
          rsqrt: (v) => v.rsqrt(),
          cbrt: (v) => v.cbrt(),
          sin: (v) => v.sin(),
          cos: (v) => v.cos(),
          tan: (v) => v.tan(),
          sinh: (v) => v.sinh(),
          cosh: (v) => v.cosh(),
          tanh: (v) => v.tanh(),
          asinh: (v) => v.asinh(),
          atan: (v) => v.atan(),
          sigmoid: (v) => v.sigmoid(),
          erf: (v) => v.erf(),
          erfc: (v) => v.erfc(),
          reciprocal: (v) => v.reciprocal(),
          square: (v) => v.square(),
          abs: (v) => v.abs(),
          neg: (v) => v.neg(),
          relu: (v) => v.relu(),
          sum: (v) => v.sum(),
          prod: (v) => v.prod(),
          max: (v) => v.max(),
          variance: (v) => v.variance(),
          sort: (v) => v.sort(),
          flip: (v) => v.flip(),
          pow: (v) => v.pow(2.5),
          "x to the x": (v) => v.pow(v),
          atan2: (v) => v.atan2(v.square()),
          cumsum: (v) => v.cumsum(0),
          share: (v) => v.div(v.sum()),
          at: (v) => v.at("1:3"),
          pad: (v) => v.pad([[1, 2]]),
          matmul: (v) => outer(v, v).matmul(v),
          softplus: (v) => softplus(v),
          logSumExp: (v) => logSumExp(v),
          softmax: (v) => softmax(v),
          logSoftmax: (v) => logSoftmax(v),
        };
        const open: Readonly<Record<string, Field>> = {
          asin: (v) => v.asin(),
          acos: (v) => v.acos(),
          atanh: (v) => v.atanh(),
          erfinv: (v) => v.erfinv(),
        };
        const wrong = (fs: Readonly<Record<string, Field>>, at: Tensor): string[] =>
          Object.keys(fs).filter((name) => !gradcheck(fs[name], at, { relativeTolerance: 1e-6 }).passed);
        t.equal(wrong(maps, positive).length, 0, "operations whose derivatives differ from differences");
        t.equal(wrong(open, inside).length, 0, "of those that live on $(-1,1)$");
        t.show("operations compared", `${[...Object.keys(maps), ...Object.keys(open)].join(", ")}`);
        const slightlyOff = customVjp(
          (v: Tensor) => v.sin(),
          (v, _y, g) => g.mul(v.cos()).mul(1.001),
        );
        t.equal(wrong({ slightlyOff }, inside).length, 1, "a rule that is wrong by a thousandth is found");
        t.plot(
          lines(
            [
              { name: "central", x: small, y: errors },
              {
                name: "forward",
                x: small,
                y: small.map((h) => differences(smooth, x, h, false).sub(exact).abs().max().itemSync()),
              },
            ],
            {
              title: "Truncation on the right, rounding on the left",
              x: { label: "step h", log: true },
              y: { label: "error of the gradient", log: true },
              height: 300,
            },
          ),
        );
      },
    ),
    row(
      "CAL-09",
      "Log-sum-exp and the Jacobian of softmax",
      String.raw`\nabla\log\sum_i e^{x_i} = \mathrm{softmax}(x) = p,\qquad \frac{\partial p}{\partial x} = \mathrm{diag}(p) - pp^\top`,
      String.raw`The Jacobian is symmetric and its rows sum to $0$, since probabilities keep their sum. Shifted by the largest entry, everything stays finite for logits of $\pm10^4$, where $e^{x}$ itself overflows.`,
      (t) => {
        const x = gaussian(1, 6);
        const p = softmax(x);
        const j = jacobian((v: Tensor) => softmax(v))(x);
        t.close(j, diag(p).sub(outer(p, p)), 1e-15, String.raw`$\mathrm{diag}(p)-pp^\top$`);
        t.close(j.sum(1), 0, 1e-16, "rows sum to 0");
        t.close(grad((v: Tensor) => logSumExp(v))(x), p, 1e-15, "gradient of log-sum-exp");
        const far = f64([1e4, -1e4, 1e4]);
        t.close(logSumExp(far), 1e4 + Math.LN2, 1e-11, String.raw`log-sum-exp of $(10^4,-10^4,10^4)$`);
        t.equal(softmax(far), [0.5, 0, 0.5], "its softmax");
        t.equal(jacobian((v: Tensor) => softmax(v))(far), [0.25, 0, -0.25, 0, 0, 0, -0.25, 0, 0.25], "its Jacobian");
        t.equal(far.exp().sum().log(), Infinity, "the same without the shift");
      },
    ),
  ],
);
