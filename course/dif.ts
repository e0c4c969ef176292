/** DIF: automatic differentiation and backpropagation. */
import {
  type ComputationGraph,
  convolution,
  einsum,
  grad,
  graphOf,
  hessian,
  hvp,
  jacobian,
  jvp,
  linearize,
  outer,
  slidingWindows,
  stack,
  type Tensor,
  valueAndGrad,
  vjp,
  vmap,
} from "typegrad";
import { chapter, row } from "typegrad/course";
import { diag } from "typegrad/linalg";
import { graph, lines } from "typegrad/plot";
import { f64, gaussian, numbers, range } from "./helpers.js";

type Field = (x: Tensor) => Tensor;

/** What moves numbers and computes none. */
const moves = [
  "mark",
  "reshape",
  "transpose",
  "broadcast",
  "slice",
  "pad",
  "concatenate",
  "convert",
  "gather",
  "flip",
  "barrier",
];

/** How many scalar operations a computation takes: 2mkn for a product of matrices, one for each other number. */
function operations({ nodes, edges }: ComputationGraph): number {
  const sizes = (to: number): number[] => edges.filter((e) => e.to === to).map((e) => nodes[e.from].value.size);
  const costs = nodes.map(({ id, kind, label, value }) => {
    if (kind !== "operation" || moves.includes(label)) return 0;
    if (label === "dot") return 2 * Math.sqrt(sizes(id).reduce((a, b) => a * b, value.size)); // (mk · kn · mn) = (mkn)²
    return Math.max(value.size, ...sizes(id)); // a reduction reads more than it writes
  });
  return costs.reduce((a, b) => a + b, 0);
}

/** tanh(W x), and its Jacobian diag(1 - tanh²) W. */
const layer =
  (w: Tensor): Field =>
  (x) =>
    w.matmul(x).tanh();
const layerJacobian =
  (w: Tensor): Field =>
  (x) =>
    w.mul(layer(w)(x).square().neg().add(1).expandDims(1));

/** A scalar function of weights with products, sums and elementary functions, of `width` units and `depth` layers. */
function network(width: number, depth: number): { f: Field; weights: Tensor } {
  const x = gaussian(1, 16, width);
  const f: Field = (w) =>
    range(depth)
      .reduce<Tensor>((h, l) => h.matmul(w.at(l)).tanh(), x)
      .square()
      .mean();
  return { f, weights: gaussian(2, depth, width, width).div(Math.sqrt(width)) };
}

export const differentiation = chapter(
  "DIF",
  "Automatic differentiation and backpropagation",
  "A program is a graph of simple steps with known derivatives. Followed forward, the chain rule carries one direction through it; followed backward, it carries one sensitivity, and that is all a gradient needs. Cost is counted here in scalar operations, read off the graphs of the computations.",
  [
    row(
      "DIF-01",
      "Forward mode",
      String.raw`\dot v_j = \sum_{i\to j}\frac{\partial v_j}{\partial v_i}\,\dot v_i,\qquad J\dot x \text{ in one pass},\quad J \text{ in } n \text{ passes}`,
      String.raw`One pass gives the derivative in one direction beside the value, for at most three times its cost. A whole Jacobian of $n$ columns takes $n$ passes, $O(n(V+E))$. It is compared with the closed form $\mathrm{diag}(1-\tanh^2)W$, layer by layer.`,
      (t) => {
        const [w1, w2] = [gaussian(1, 6, 4), gaussian(2, 3, 6)];
        const f: Field = (x) => layer(w2)(layer(w1)(x));
        const x = gaussian(3, 4);
        const closed = layerJacobian(w2)(layer(w1)(x)).matmul(layerJacobian(w1)(x)); // [3, 4]
        const columns = range(4).map((i) => jvp(f, x, f64(range(4).map((j) => Number(i === j))))[1]);
        t.close(stack(columns, 1), closed, 1e-14, "four directional derivatives against the closed Jacobian");
        const [, push] = linearize(f, x);
        t.close(push(f64([1, 2, 3, 4])), closed.matmul(f64([1, 2, 3, 4])), 1e-13, "in another direction");
        const ratios = [4, 16, 64].map((width) => {
          const { f: g, weights } = network(width, 3);
          return operations(graphOf((w: Tensor) => jvp(g, w, w), weights)) / operations(graphOf(g, weights));
        });
        t.less(ratios, 3, "operations of value and directional derivative, over those of the value");
        t.greater(ratios, 1.5, "the derivative costs about as much as the value again, or twice");
        t.show("the ratios for widths 4, 16, 64", ratios.map((r) => r.toFixed(2)).join(", "));
      },
    ),
    row(
      "DIF-02",
      "Reverse mode and the cheap gradient",
      String.raw`\bar v_i = \sum_{i\to j}\frac{\partial v_j}{\partial v_i}\,\bar v_j,\qquad \frac{\mathrm{cost}(f,\nabla f)}{\mathrm{cost}(f)} \le 5\ \text{ for any number of inputs}`,
      String.raw`One pass backward gives all partial derivatives of one result. The ratio does not grow with the number of inputs (Baur and Strassen 1983), whereas forward mode would need one pass for each. Measured on the shapes of GradBench's problems, built here: a network, least squares, log-sum-exp of a mixture, an integrated differential equation.`,
      (t) => {
        const [w1, w2, x] = [gaussian(1, 6, 4), gaussian(2, 3, 6), gaussian(3, 4)];
        const f: Field = (v) => layer(w2)(layer(w1)(v));
        const closed = layerJacobian(w2)(layer(w1)(x)).matmul(layerJacobian(w1)(x));
        const [, pull] = vjp(f, x);
        const rows = range(3).map((i) => pull(f64(range(3).map((j) => Number(i === j)))));
        t.close(stack(rows), closed, 1e-14, "three pull-backs against the closed Jacobian");

        const ratio = (g: Field, at: Tensor): number =>
          operations(graphOf(valueAndGrad(g), at)) / operations(graphOf(g, at));
        const widths = [4, 16, 64, 128];
        const networks = widths.map((width) => {
          const { f: g, weights } = network(width, 3);
          return ratio(g, weights);
        });
        const [a, b, points] = [gaussian(4, 50, 8), gaussian(5, 50), gaussian(6, 40, 1, 2)];
        const others: Record<string, [Field, Tensor]> = {
          "least squares": [(w) => a.matmul(w).sub(b).square().sum(), gaussian(7, 8)],
          mixture: [(m) => points.sub(m).square().sum(2).neg().exp().sum(1).log().sum(), gaussian(8, 10, 2)],
          "differential equation": [
            (v) =>
              range(20)
                .reduce<Tensor>((y) => y.add(y.sin().mul(0.1)), v)
                .square()
                .sum(),
            gaussian(9, 30),
          ],
        };
        t.atMost(networks, 5, "networks of 48 to 49,152 weights");
        for (const [name, [g, at]] of Object.entries(others)) t.atMost(ratio(g, at), 5, name);
        const inputs = widths.map((width) => 3 * width * width);
        t.plot(
          lines(
            [
              { name: "reverse mode", x: inputs, y: networks },
              { name: "forward mode, one pass each", x: inputs, y: inputs.map((n) => 2 * n), dashed: true },
            ],
            {
              title: "Cost of a gradient, in evaluations of the function",
              x: { label: "inputs", log: true },
              y: { log: true },
              height: 280,
            },
          ),
        );
      },
    ),
    row(
      "DIF-03",
      "Second derivatives: one mode over the other",
      String.raw`\nabla^2 f = J[\nabla f],\qquad \nabla^2 f\,v = \left.\frac{d}{ds}\nabla f(x+sv)\right|_{s=0}`,
      String.raw`Transformations nest. Forward over reverse gives the product of the Hessian with a vector at the cost of a few gradients, without the Hessian. Rosenbrock's function at its minimum has the Hessian $\left(\begin{smallmatrix}802&-400\\-400&200\end{smallmatrix}\right)$. (The ONNX tests *gradient_of_add* and *gradient_of_add_and_mul* differentiate $a+b$ and $(a+b)a$.)`,
      (t) => {
        const rosenbrock: Field = (v) =>
          v.at(1).sub(v.at(0).square()).square().mul(100).add(v.at(0).neg().add(1).square());
        const minimum = f64([1, 1]);
        t.close(hessian(rosenbrock)(minimum), [802, -400, -400, 200], 1e-12, "Hessian at (1, 1)");
        t.close(hvp(rosenbrock, minimum, f64([1, 2])), [2, 0], 1e-12, "its product with (1, 2)");
        t.close(jacobian(grad(rosenbrock))(minimum), [802, -400, -400, 200], 1e-12, "reverse over reverse");
        const forward: Field = (x) =>
          vmap((v: Tensor) => jvp((y: Tensor) => jvp(rosenbrock, y, v)[1], x, v)[1])(
            f64([
              [1, 0],
              [0, 1],
              [1, 1],
            ]),
          );
        t.close(
          forward(minimum),
          [802, 200, 202],
          1e-12,
          String.raw`forward over forward: $v^\top Hv$ along $e_1,e_2,e_1+e_2$`,
        );
        const third = grad(grad(grad((x: Tensor) => x.pow(5))));
        t.close(third(f64(2)), 240, 1e-12, String.raw`$(x^5)'''$ at 2 is $60x^2$`);
        const pair = { a: f64(3), b: f64(4) };
        const sum = grad((p: typeof pair) => p.a.add(p.b))(pair);
        t.equal([sum.a.itemSync(), sum.b.itemSync()], [1, 1], "*gradient_of_add*");
        const product = grad((p: typeof pair) => p.a.add(p.b).mul(p.a))(pair);
        t.equal(
          [product.a.itemSync(), product.b.itemSync()],
          [10, 3],
          String.raw`*gradient_of_add_and_mul*: $2a+b$, $a$`,
        );
      },
    ),
    row(
      "DIF-04",
      "Backpropagation by hand, in three steps",
      String.raw`z_l = W_l h_{l-1},\ h_l=\varphi(z_l);\qquad \xi_l = \varphi'(z_l)\circ W_{l+1}^\top\xi_{l+1};\qquad \frac{\partial L}{\partial W_l} = \xi_l h_{l-1}^\top`,
      String.raw`Forward, keeping pre-activations; backward, the errors $\xi_l$; locally, the gradients of the weights. Written out for a network of dense layers, one with a convolution, and a recurrent one through time, and compared with the automatic gradient.`,
      (t) => {
        const [x, target] = [gaussian(1, 5), gaussian(2, 2)];
        const ws = [gaussian(3, 6, 5), gaussian(4, 4, 6), gaussian(5, 2, 4)];
        const dense = (w: Tensor[]): Tensor =>
          w
            .reduce((h, one) => one.matmul(h).tanh(), x)
            .sub(target)
            .square()
            .sum()
            .div(2);
        const hs = ws.reduce<Tensor[]>((all, w) => [...all, w.matmul(all[all.length - 1]).tanh()], [x]);
        let xi = hs[3].sub(target).mul(hs[3].square().neg().add(1));
        const byTape = grad(dense)(ws);
        for (const l of [2, 1, 0]) {
          t.close(byTape[l], outer(xi, hs[l]), 1e-12, `dense layers: $\\partial L/\\partial W_${l + 1}$`);
          xi = ws[l].T.matmul(xi).mul(hs[l].square().neg().add(1));
        }

        const image = gaussian(6, 2, 3, 7, 7); // [N, C, H, W]
        const [kernel, head] = [gaussian(7, 4, 3, 3, 3), gaussian(8, 100)];
        const cnn = (k: Tensor): Tensor =>
          convolution(image, k).relu().reshape([2, -1]).matmul(head).square().sum().div(2);
        const z = convolution(image, kernel); // [2, 4, 5, 5]
        const out = z.relu().reshape([2, -1]).matmul(head); // [2]
        const error = outer(out, head).reshape([2, 4, 5, 5]).mul(z.greater(0));
        const patches = slidingWindows(image, [3, 3], { axes: [2, 3] }); // [N, C, H, W, u, v]
        t.close(
          grad(cnn)(kernel),
          einsum("nchwuv,nohw->ocuv", patches, error),
          1e-11,
          "convolution: the shared weights' gradients add up",
        );

        const [inputs, start] = [gaussian(9, 6, 3), gaussian(10, 4)];
        const [u, w] = [gaussian(11, 4, 4).div(2), gaussian(12, 4, 3)];
        const states = (r: Tensor): Tensor[] =>
          range(6).reduce<Tensor[]>(
            (all, s) => [
              ...all,
              r
                .matmul(all[s])
                .add(w.matmul(inputs.at(s)))
                .tanh(),
            ],
            [start],
          );
        const rnn = (r: Tensor): Tensor => states(r)[6].square().sum().div(2);
        const h = states(u);
        let back = h[6].mul(h[6].square().neg().add(1));
        let total = outer(back, h[5]);
        for (const s of [5, 4, 3, 2, 1]) {
          back = u.T.matmul(back).mul(h[s].square().neg().add(1));
          total = total.add(outer(back, h[s - 1]));
        }
        t.close(grad(rnn)(u), total, 1e-12, "recurrent: through six steps of time");
      },
    ),
    row(
      "DIF-05",
      "The gradient by the input",
      String.raw`\nabla_x J = J_1^\top J_2^\top\cdots J_L^\top\,\nabla_y J,\qquad J_l = \mathrm{diag}(\varphi'(z_l))\,W_l`,
      String.raw`The same pass ends at the input. Multiplied from the right, every product is one of a matrix with a vector; from the left they would be products of matrices. Each layer of ridge functions has the Jacobian $\mathrm{diag}(\varphi')W$.`,
      (t) => {
        const ws = [gaussian(1, 6, 5), gaussian(2, 4, 6), gaussian(3, 3, 4)];
        const x = gaussian(4, 5);
        const f: Field = (v) => ws.reduce((h, w) => layer(w)(h), v);
        const hs = ws.reduce<Tensor[]>((all, w) => [...all, layer(w)(all[all.length - 1])], [x]);
        const jacobians = ws.map((w, l) => layerJacobian(w)(hs[l]));
        const byHand = jacobians.reduceRight((g, j) => j.T.matmul(g), f(x).mul(2)); // J = ‖y‖²
        t.close(grad((v: Tensor) => f(v).square().sum())(x), byHand, 1e-13, "gradient of $\\|y\\|^2$ by the input");
        for (const [l, w] of ws.entries())
          t.close(jacobian(layer(w))(hs[l]), diag(hs[l + 1].square().neg().add(1)).matmul(w), 1e-14, `$J_${l + 1}$`);
      },
    ),
    row(
      "DIF-06",
      "The backpropagation graph",
      String.raw`\frac{\partial L}{\partial n} = \sum_{n\to m}\frac{\partial L}{\partial m}\,\frac{\partial m}{\partial n}`,
      String.raw`The derivative of a computation is a computation: the same graph with its arrows turned round. For $L=(a+b)(b+1)$ at $a=2$, $b=1$: six nodes (a constant among them), six arrows; $b$ is used twice, so two arrows end in it on the way back, $2+3=5$. What arrives at a node is the sum of what the arrows bring, in a random network as well.`,
      (t) => {
        const small = graphOf((a: Tensor, b: Tensor) => a.add(b).mul(b.add(1)), f64(2), f64(1));
        const adjoint = (label: string): Tensor => {
          const found = small.nodes.find((node) => node.label === label)?.adjoint;
          if (!found) throw new Error(`no adjoint flows to ${label}`);
          return found;
        };
        t.equal(
          [adjoint("x0").itemSync(), adjoint("x1").itemSync()],
          [2, 5],
          String.raw`$\partial L/\partial a$, $\partial L/\partial b$`,
        );
        t.equal([small.nodes.length, small.edges.length], [6, 6], "nodes and arrows");
        t.equal(
          small.edges.filter((edge) => edge.contribution !== null).length,
          5,
          "arrows on the way back: none into the constant",
        );
        t.equal(
          small.nodes.map((node) => node.value.itemSync()),
          [2, 1, 3, 1, 2, 6],
          "values, operands first",
        );

        const [w, x] = [gaussian(1, 4, 3), gaussian(2, 3)];
        const f = (v: Tensor, y: Tensor): Tensor => v.matmul(y).tanh().square().sum().add(y.square().sum().sin());
        const { nodes, edges } = graphOf(f, w, x);
        const h = w.matmul(x).tanh();
        const delta = h.mul(2).mul(h.square().neg().add(1));
        const closed = [outer(delta, x), w.T.matmul(delta).add(x.mul(2).mul(x.square().sum().cos()))];
        const inputs = nodes.filter((node) => node.kind === "input");
        inputs.forEach(({ adjoint: g, label }, i) => {
          if (g) t.close(g, closed[i], 1e-14, `network: adjoint of ${label} against the closed form`);
        });
        t.equal(inputs.length, 2, "inputs with an adjoint");
        const brought = nodes.flatMap(({ id, adjoint: g, isOutput }) => {
          const parts = edges.flatMap((edge) => (edge.from === id && edge.contribution ? [edge.contribution] : []));
          return g && !isOutput ? [{ g, sum: parts.reduce((p, q) => p.add(q)) }] : [];
        });
        t.close(
          brought.map(({ sum }) => sum),
          brought.map(({ g }) => g),
          1e-14,
          "at every node: sum of what the arrows bring",
        );
        t.atLeast(brought.length, 9, "nodes with an adjoint: 2 inputs and 7 operations or more");
        t.plot(
          graph(small.drawing({ adjoints: true }), { title: "(a + b)(b + 1) and its derivatives" }),
          "Values flow up, derivatives (dashed, ∂) down; *x0* is $a$ and *x1* is $b$.",
        );
      },
    ),
    row(
      "DIF-07",
      "Derivatives at kinks",
      String.raw`g \in \partial f(x) \iff f(y) \ge f(x) + g\,(y-x)\ \ \forall y,\qquad f'(x;d) = \max_{g\in\partial f(x)} g\,d`,
      String.raw`Where a convex function has a kink, any slope between the one-sided ones is a subgradient. The package's choice: $0$ for the rectifier (from $[0,1]$) and the absolute value (from $[-1,1]$), and half for each of two equal numbers under a maximum, so that the gradient of a symmetric function is symmetric. None of them lies above a one-sided derivative.`,
      (t) => {
        const slopeAt = (f: Field): number => grad(f)(f64(0)).itemSync();
        const relu: Field = (x) => x.relu();
        const abs: Field = (x) => x.abs();
        t.equal([slopeAt(relu), slopeAt(abs)], [0, 0], "rectifier and absolute value at 0");
        const tie = grad((v: Tensor) => v.at(0).maximum(v.at(1)))(f64([1, 1]));
        t.equal(tie, [0.5, 0.5], "maximum of equal numbers");
        const across = grad((v: Tensor) => v.max())(f64([3, 1, 3]));
        t.close(across.sum(), 1, 1e-15, "maximum of a list with a tie: the shares sum to 1");
        t.equal(across.at(1), 0, "and nothing goes to what is smaller");
        const y = gaussian(1, 1000);
        for (const [name, f] of Object.entries({ rectifier: relu, "absolute value": abs })) {
          t.atLeast(f(y), y.mul(slopeAt(f)), `${name}: the tangent chosen lies below`);
          const step = 2 ** -20;
          const oneSided = [1, -1].map((d) => f(f64(d * step)).itemSync() / step);
          t.equal(oneSided, name === "rectifier" ? [1, 0] : [1, 1], `${name}: derivatives along 1 and -1`);
          t.atMost([slopeAt(f), -slopeAt(f)], oneSided, `${name}: $g\\,d\\le f'(0;d)$`);
        }
      },
    ),
    row(
      "DIF-08",
      "The chain rule",
      String.raw`J_{G\circ F\circ H}(x) = J_G(F(H(x)))\;J_F(H(x))\;J_H(x)`,
      String.raw`The matrices stand in the order of the composition, each taken where its function is entered. In components, $\partial_k(F\circ H)_i=\sum_j\partial_jF_i\,\partial_kH_j$. The other order does not even fit for layers of different widths, and is wrong for equal ones.`,
      (t) => {
        const [a, b, c] = [gaussian(1, 4, 4), gaussian(2, 4, 4), gaussian(3, 4, 4)];
        const [H, F, G] = [layer(a), layer(b), layer(c)];
        const x = gaussian(4, 4);
        const whole = jacobian((v: Tensor) => G(F(H(v))))(x);
        const closed = layerJacobian(c)(F(H(x)))
          .matmul(layerJacobian(b)(H(x)))
          .matmul(layerJacobian(a)(x));
        t.close(whole, closed, 1e-13, "against the product of closed Jacobians");
        t.close(
          jacobian(G)(F(H(x)))
            .matmul(jacobian(F)(H(x)))
            .matmul(jacobian(H)(x)),
          closed,
          1e-13,
          "product of the parts' Jacobians",
        );
        const [f, h] = [numbers(layerJacobian(b)(H(x))), numbers(layerJacobian(a)(x))];
        const components = range(16).map((ik) =>
          range(4).reduce((s, j) => s + f[4 * Math.floor(ik / 4) + j] * h[4 * j + (ik % 4)], 0),
        );
        t.close(jacobian((v: Tensor) => F(H(v)))(x), components, 1e-14, "two of them, component by component");
        const wrong = layerJacobian(a)(x).matmul(layerJacobian(b)(H(x)));
        t.greater(
          jacobian((v: Tensor) => F(H(v)))(x)
            .sub(wrong)
            .abs()
            .max(),
          0.1,
          "distance of the other order",
        );
      },
    ),
  ],
);
