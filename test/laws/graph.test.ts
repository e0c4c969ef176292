/** Graphs of computations: what they contain, and that adjoints add up as the chain rule says. Jacobians in two layouts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ComputationGraph, grad, graphOf, jacobian, softmax, tensor, type Tensor } from "typegrad";
import * as nn from "typegrad/nn";
import * as plot from "typegrad/plot";

const float64 = (values: number | readonly number[]): Tensor =>
  tensor(typeof values === "number" ? values : [...values], { dtype: "float64" });
const numbers = (x: Tensor | null): number[] => (x === null ? [] : [...x.dataSync()]);
const near = (a: readonly number[], b: readonly number[]): void => {
  assert.equal(a.length, b.length);
  a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) < 1e-6 * (1 + Math.abs(b[i])), `${a} and not ${b}`));
};
const named = (g: ComputationGraph, label: string) => {
  const found = g.nodes.find((n) => n.label === label);
  assert.ok(found, `a node ${label}`);
  return found;
};

test("xy + sin x: five nodes, five edges, and the adjoints y + cos x and x", () => {
  const g = graphOf((x: Tensor, y: Tensor) => x.mul(y).add(x.sin()), float64(2), float64(3));
  assert.deepEqual(
    g.nodes.map((n) => [n.label, n.kind, n.isOutput]),
    [
      ["x0", "input", false],
      ["x1", "input", false],
      ["mul", "operation", false],
      ["sin", "operation", false],
      ["add", "operation", true],
    ],
  );
  const labels = g.edges.map((e) => `${g.nodes[e.from].label} ${g.nodes[e.to].label} ${e.operand}`);
  assert.deepEqual(labels, ["x0 mul 0", "x1 mul 1", "x0 sin 0", "mul add 0", "sin add 1"]);
  near(
    g.nodes.map((n) => numbers(n.value)[0]),
    [2, 3, 6, Math.sin(2), 6 + Math.sin(2)],
  );
  near(
    g.nodes.map((n) => numbers(n.adjoint)[0]),
    [3 + Math.cos(2), 2, 1, 1, 1],
  );
  near(
    g.edges.map((e) => numbers(e.contribution)[0]),
    [3, 2, Math.cos(2), 1, 1],
  );
});

test("on a network every adjoint is the sum of what its uses contribute, and those of the inputs are the gradient", () => {
  const model = new nn.Sequential([new nn.Linear(3, 4), nn.tanh, new nn.Linear(4, 2)]);
  const x = tensor([
    [1, 2, 3],
    [0, -1, 1],
  ]);
  const y = tensor([1, 0], { dtype: "int32" });
  const before = model.layers[0].weight;
  const loss = (m: typeof model): Tensor => nn.crossEntropy(m.forward(x), y);
  const g = graphOf(loss, model);
  assert.equal(model.layers[0].weight, before);
  assert.equal(named(g, "logSoftmax").kind, "operation");
  const gradient = grad(loss)(model);
  near(numbers(named(g, "x.layers.0.weight").adjoint), numbers(gradient.layers[0].weight));
  near(numbers(named(g, "x.layers.2.bias").adjoint), numbers(gradient.layers[2].bias));
  let checked = 0;
  for (const node of g.nodes) {
    if (node.isOutput || node.kind === "constant") continue;
    const uses = g.edges.filter((e) => e.from === node.id);
    assert.ok(uses.length > 0 && node.adjoint !== null);
    const sum = uses.reduce<Tensor | null>((s, e) => s?.add(e.contribution ?? 0) ?? e.contribution, null);
    near(numbers(node.adjoint), numbers(sum));
    checked++;
  }
  assert.ok(checked > 12);
  // Operands stand before what is made of them.
  assert.ok(g.edges.every((e) => e.from < e.to));
});

test("a value used twice has two edges; several results, or none of rank 0, have no adjoints; constants are cut off", () => {
  const square = graphOf((x: Tensor) => x.mul(x), float64(3));
  assert.equal(square.edges.length, 2);
  near(numbers(square.nodes[0].adjoint), [6]);
  const two = graphOf((x: Tensor) => [x.exp(), x.neg()], float64(1));
  assert.deepEqual(
    two.nodes.map((n) => [n.isOutput, n.adjoint]),
    [
      [false, null],
      [true, null],
      [true, null],
    ],
  );
  const vector = graphOf((x: Tensor) => softmax(x), float64([1, 2]));
  assert.deepEqual(
    vector.nodes.map((n) => n.label),
    ["x", "softmax"],
  );
  const cut = graphOf((x: Tensor) => x.mul(float64(2).exp().sin()), float64(1));
  assert.deepEqual(
    cut.nodes.map((n) => n.kind),
    ["input", "constant", "operation"],
  );
  assert.throws(() => graphOf((x: Tensor) => x.rank, float64(1)), /must return tensors/);
  const applications = graphOf((x: Tensor) => x.topK(2).values.sum(), float64([3, 1, 2]));
  near(numbers(named(applications, "x").adjoint), [1, 0, 1]);
});

test("DOT: one line for each node and edge, values and adjoints where they are small", () => {
  const g = graphOf((m: { 'a"b': Tensor; w: Tensor }) => m['a"b'].mul(m.w.sum()), {
    'a"b': float64(2),
    w: float64([1, 2, 3, 4, 5]),
  });
  assert.deepEqual(g.toDot({ adjoints: true }).split("\n"), [
    "digraph {",
    "  rankdir=BT;",
    '  n0 [label="x.a\\"b\\n2\\n∂ 15", shape=box];',
    '  n1 [label="x.w\\nfloat64[5]\\n∂ float64[5]", shape=box];',
    '  n2 [label="sum\\n15\\n∂ 2", shape=ellipse];',
    '  n3 [label="mul\\n30\\n∂ 1", shape=ellipse, peripheries=2];',
    "  n1 -> n2;",
    "  n0 -> n3;",
    "  n2 -> n3;",
    "  n2 -> n1 [style=dashed, color=red, constraint=false];",
    "  n3 -> n0 [style=dashed, color=red, constraint=false];",
    "  n3 -> n2 [style=dashed, color=red, constraint=false];",
    "}",
  ]);
  assert.match(g.toDot({ values: 0 }), /label="x.a\\"b\\nfloat64\[\]"/);
});

test("the drawing: results above their operands, no two boxes over each other, an arrow for each edge", () => {
  const g = graphOf((x: Tensor, y: Tensor) => x.mul(y).add(x.sin()).exp(), float64(1), float64(2));
  const svg = plot.graph(g.drawing({ adjoints: true }), { title: "a graph" });
  const size = (rect: string, name: string): number => Number(new RegExp(` ${name}="([\\d.]+)"`).exec(rect)?.[1]);
  const frames = [...svg.matchAll(/<rect [^>]*>/g)]
    .filter(([rect]) => rect.includes(" stroke="))
    .map(([rect]) => ["x", "y", "width", "height"].map((name) => size(rect, name)));
  assert.equal(frames.length, g.nodes.length);
  for (const { from, to } of g.edges) assert.ok(frames[to][1] + frames[to][3] < frames[from][1], `${from} below ${to}`);
  frames.forEach(([x, y, w, h], i) =>
    frames.slice(i + 1).forEach(([u, v, a, b]) => assert.ok(x + w <= u || u + a <= x || y + h <= v || v + b <= y)),
  );
  assert.equal([...svg.matchAll(/d="M0,0[^"]*Z"/g)].length, 2 * g.edges.length);
  assert.throws(
    () => plot.graph({ boxes: [{ id: 0, label: "a" }], arrows: [{ from: 0, to: 1 }] }),
    /join nodes there are/,
  );
  assert.throws(() => plot.graph({ boxes: [], arrows: [] }), /at least one node/);
});

test("layouts of Jacobians: m by n in the numerator's, and its transpose in the denominator's", () => {
  const a = float64([1, 2, 3, 4, 5, 6]).reshape([2, 3]);
  const f = (x: Tensor): Tensor => a.matmul(x);
  const x = float64([1, 1, 1]);
  assert.deepEqual(jacobian(f)(x).toArraySync(), a.toArraySync());
  assert.deepEqual(jacobian(f, { layout: "denominator" })(x).toArraySync(), a.T.toArraySync());
  // ∂(Wx)ᵢ/∂Wⱼₖ = δᵢⱼ xₖ
  const weights = jacobian((w: Tensor) => w.matmul(float64([5, 7, 9])), { layout: "denominator" })(a);
  assert.deepEqual(weights.shape, [2, 3, 2]);
  assert.deepEqual(weights.at(1).toArraySync(), [
    [0, 5],
    [0, 7],
    [0, 9],
  ]);
  const tree = jacobian((m: { u: Tensor; v: Tensor }) => m.u.mul(m.v.sum()), { layout: "denominator" })({
    u: float64([1, 2]),
    v: float64([3, 4, 5]),
  });
  assert.deepEqual(
    [tree.u.shape, tree.v.shape],
    [
      [2, 2],
      [3, 2],
    ],
  );
  assert.deepEqual(tree.v.toArraySync(), [
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
});
