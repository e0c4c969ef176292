/** Long chains: no stack is exhausted, and no graph grows for ever. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkpoint,
  compile,
  concatenate,
  evaluate,
  grad,
  hold,
  jvp,
  ones,
  softmax,
  stack,
  type Tensor,
  tensor,
  valueAndGrad,
  vmap,
} from "typegrad";
import { Linear, Sequential, tanh } from "typegrad/nn";
import { adam } from "typegrad/optim";
import { topological } from "#src/ir/rewrite.js";
import { close, f64 } from "./support.js";

/** `n` nodes: x ↦ x·c + d, again and again. */
function chain(x: Tensor, n: number): Tensor {
  let y = x;
  for (let i = 0; i < n / 2; i++) y = y.mul(0.9999).add(0.5);
  return y;
}

test("an unrolled chain of 20,000 nodes: value, gradient, tangent and map", () => {
  const n = 20_000;
  const a = 0.9999 ** (n / 2);
  const value = (x: number): number => a * x + (0.5 * (1 - a)) / (1 - 0.9999);
  close(chain(f64(3), n), value(3), 1e-9);
  close(grad((x: Tensor) => chain(x, n))(f64(3)), a, 1e-9);
  close(jvp((x: Tensor) => chain(x, n), f64(3), f64(1))[1], a, 1e-9);
  close(vmap((x: Tensor) => chain(x, n))(f64([1, 2])), [value(1), value(2)], 1e-9);
});

test("a value and the gradients of a long chain are computed in one program, at once", () => {
  const factors = Array.from({ length: 400 }, (_, i) => f64(1 + 1 / (i + 1)));
  const last = 401; // the product telescopes
  const [value, gradients] = valueAndGrad((xs: Tensor[]) => xs.reduce((y, x) => y.mul(x)))(factors);
  for (const x of [value, ...gradients]) assert.notEqual(x.node.value, null, "it is left pending");
  close(value, last, 1e-9);
  gradients.forEach((g, i) => close(g, last / (1 + 1 / (i + 1)), 1e-9));
});

test("a long gradient that is known inside another transform leaves the one beside it to that transform", () => {
  const tree = { a: f64([2, 3]), b: f64([5, 7]) };
  const c = 0.9999 ** 200;
  const both = (x: Tensor): Tensor => {
    const g = grad((t: typeof tree) => chain(t.a, 400).sum().add(t.b.mul(x).sum()))(tree);
    return g.a.mul(g.b);
  };
  close(compile(both)(f64([1, 2])), [c, 2 * c], 1e-9);
  close(vmap(both)(f64([[1, 2]])), [[c, 2 * c]], 1e-9);
  close(checkpoint(both)(f64([1, 2])), [c, 2 * c], 1e-9);
});

test("more tensors than a function may have arguments are joined, and added two by two", () => {
  const n = 1500;
  const xs = Array.from({ length: n }, (_, i) => f64([i, 1]));
  const numbers = Array.from({ length: n }, (_, i) => [i, 1]);
  close(concatenate(xs), numbers.flat());
  close(compile((parts: Tensor[]) => softmax(stack(parts.map((x) => x.mul(2))), 0).sum(0))(xs), [1, 1], 1e-12);
  const total = (parts: readonly Tensor[]): Tensor => {
    if (parts.length === 1) return parts[0];
    const middle = parts.length >> 1;
    return total(parts.slice(0, middle)).add(total(parts.slice(middle)));
  };
  close(total(xs), [(n * (n - 1)) / 2, n]);
  const gradients = grad((parts: Tensor[]) => total(parts.map((x) => x.square())).sum())(xs);
  close(
    stack(gradients),
    numbers.map(([i]) => [2 * i, 2]),
  );
});

test("100,000 additions one by one read correctly, and leave a flat graph", () => {
  let x: Tensor = tensor(0);
  let deepest = 0;
  for (let i = 0; i < 100_000; i++) {
    x = x.add(1);
    deepest = Math.max(deepest, x.node.depth);
  }
  assert.equal(x.itemSync(), 100_000);
  assert.ok(deepest <= 4001, `a chain of ${deepest} nodes was pending`);
  assert.equal(topological([x.node]).length, 1, "a computed node lets go of what it was computed from");
});

test("a loop that reads only its loss does not regrow the graph of what it updates", () => {
  const state = { w: f64([1, 2]) };
  let largest = 0;
  for (let i = 0; i < 200; i++) {
    const g = grad((s: typeof state) => s.w.square().sum())(state);
    state.w = state.w.sub(g.w.mul(0.01));
    hold(state);
    largest = Math.max(largest, topological([state.w.node], (n) => n.value === null).length);
    state.w.square().sum().itemSync();
  }
  assert.ok(largest < 40, `${largest} nodes were pending`);
  close(state.w, [0.98 ** 200, 2 * 0.98 ** 200], 1e-9);
});

test("a loop that only looks at parts of what it carries computes nothing more than twice", () => {
  const turn = f64([
    [0, -1],
    [1, 0],
  ]).mul(1);
  let state = f64([3, 4]).mul(1);
  const sizes: number[] = [];
  for (let i = 0; i < 50; i++) {
    state = turn.matmul(state).mul(1);
    sizes.push(topological([state.node], (n) => n.value === null).filter((n) => n.value === null).length);
    assert.equal(state.at(0).itemSync(), [-4, -3, 4, 3][i % 4]);
  }
  assert.ok(Math.max(...sizes) <= 20, `${sizes.join()} nodes were pending`);
  // what would take much memory is not kept
  const wide = f64([1])
    .broadcastTo([2 ** 24])
    .mul(2);
  for (const k of [1, 2, 3]) assert.equal(wide.sum().mul(k).itemSync(), k * 2 ** 25);
  assert.equal(wide.node.value, null);
});

test("evaluate computes many trees in one go", () => {
  const x = f64([1, 2, 3]);
  const tree = { a: x.mul(2), b: [x.add(1), { c: x.sum() }], text: "kept" };
  evaluate(tree, x.neg());
  for (const y of [tree.a, tree.b[0]]) assert.notEqual((y as Tensor).node.value, null);
});

test("a loop of gradient steps that reads nothing keeps one step pending", () => {
  const model = new Sequential([new Linear(3, 4), tanh, new Linear(4, 1)]);
  const optimizer = adam();
  const x = ones([5, 3]);
  const depths = Array.from({ length: 30 }, () => {
    const [loss, grads] = valueAndGrad((m: typeof model) => m.forward(x).square().mean())(model);
    optimizer.update(model, grads);
    return loss.node.depth;
  });
  assert.equal(depths[29], depths[1]);
  let w: Tensor = tensor([1, 2]);
  for (let i = 0; i < 30; i++) w = w.sub(grad((v: Tensor) => v.square().sum())(w).mul(0.25));
  assert.ok(w.node.depth < 20, `${w.node.depth} nodes`);
  assert.deepEqual(w.toArraySync(), [2 ** -30, 2 ** -29]); // halved at every step
});
