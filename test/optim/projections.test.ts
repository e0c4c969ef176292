/** Projections: what characterises the nearest point of a convex set, on random points; and projected gradients. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { compile, grad, tensor, type Tensor } from "typegrad";
import * as optim from "typegrad/optim";

const { projections } = optim;
const numbers = (x: Tensor): number[] => [...x.dataSync()];
const project = (p: (x: Tensor) => Tensor, x: readonly number[]): number[] =>
  numbers(p(tensor([...x], { dtype: "float64" })));
const sum = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0);
const dot = (x: readonly number[], y: readonly number[]): number => sum(x.map((v, i) => v * y[i]));

interface Kind {
  readonly name: string;
  readonly project: (x: Tensor) => Tensor;
  readonly contains: (x: readonly number[]) => boolean;
  /** Points whose convex hull is the set, or surrounds the part of it that matters. */
  readonly corners: (n: number) => readonly number[][];
}
const units = (n: number, signs: readonly number[], r: number): number[][] =>
  signs.flatMap((s) => Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? s * r : 0))));
const cube = (n: number, low: number, high: number): number[][] =>
  Array.from({ length: 2 ** n }, (_, k) => Array.from({ length: n }, (_, i) => ((k >> i) & 1 ? high : low)));
const slack = 1e-9;
const kinds: readonly Kind[] = [
  {
    name: "l1Ball",
    project: projections.l1Ball(1.5),
    contains: (x) => sum(x.map(Math.abs)) <= 1.5 + slack,
    corners: (n) => units(n, [1, -1], 1.5),
  },
  {
    name: "simplex",
    project: projections.simplex(2),
    contains: (x) => Math.abs(sum(x) - 2) < slack && x.every((v) => v >= 0),
    corners: (n) => units(n, [1], 2),
  },
  {
    name: "linfBall",
    project: projections.linfBall(0.8),
    contains: (x) => x.every((v) => Math.abs(v) <= 0.8 + slack),
    corners: (n) => cube(n, -0.8, 0.8),
  },
  {
    name: "box",
    project: projections.box(-1, 0.5),
    contains: (x) => x.every((v) => v >= -1 && v <= 0.5),
    corners: (n) => cube(n, -1, 0.5),
  },
];

const points = fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 1, maxLength: 5 });
for (const { name, project: p, contains, corners } of kinds)
  test(`${name}: the image lies in the set, and ⟨x - Πx, z - Πx⟩ ≤ 0 for every z of it`, () => {
    fc.assert(
      fc.property(points, (x) => {
        const image = project(p, x);
        assert.ok(contains(image), `${image} is not in the set`);
        const away = x.map((v, i) => v - image[i]);
        for (const z of corners(x.length))
          assert.ok(
            dot(
              away,
              z.map((v, i) => v - image[i]),
            ) <= slack,
          );
      }),
      { numRuns: 40, seed: 1 },
    );
  });

test("l2Ball: Πx = r x / ‖x‖ outside, x inside, also for numbers whose squares overflow", () => {
  assert.deepEqual(project(projections.l2Ball(10), [3, 4]), [3, 4]);
  const [a, b] = project(projections.l2Ball(1), [3e200, 4e200]);
  assert.ok(Math.abs(a - 0.6) < 1e-15 && Math.abs(b - 0.8) < 1e-15, `${a}, ${b}`);
  assert.deepEqual(project(projections.l2Ball(1), [0, 0]), [0, 0]);
});

test("nonNegative, and wrong numbers are named", () => {
  assert.deepEqual(project(projections.nonNegative(), [-1, 2]), [0, 2]);
  assert.throws(() => projections.l2Ball(0), /radius must be positive/);
  assert.throws(() => projections.box(2, 1), /low must be at most high/);
});

test("projected gradient descent on a ball: the gradient at the end points out of it, as for ridge regression", () => {
  const matrix = tensor(
    [
      [2, 1],
      [0, 1],
      [1, -1],
    ],
    { dtype: "float64" },
  );
  const target = tensor([4, -3, 5], { dtype: "float64" });
  const loss = (m: { x: Tensor }): Tensor => matrix.matmul(m.x).sub(target).square().sum().div(2);
  for (const make of [optim.sgd, (o: optim.SgdOptions) => optim.nesterov({ ...o, momentum: 0.3 })]) {
    const model = { x: tensor([0, 0], { dtype: "float64" }) };
    const optimizer = make({ learningRate: 0.1, projection: projections.l2Ball(1) }).init(model);
    const step = compile(
      () =>
        optimizer.update(model, grad(loss)(optimizer instanceof optim.Nesterov ? optimizer.lookAhead(model) : model)),
      { state: [model, optimizer] },
    );
    for (let t = 0; t < 200; t++) step();
    const [x, g] = [numbers(model.x), numbers(grad(loss)(model).x)];
    assert.ok(Math.abs(Math.hypot(...x) - 1) < 1e-12);
    // -∇f = μ x with μ > 0, the stationarity of f + μ ‖x‖² / 2.
    const mu = -dot(g, x);
    assert.ok(mu > 0.1);
    x.forEach((v, i) => assert.ok(Math.abs(g[i] + mu * v) < 1e-9, `${g} and ${x}`));
  }
});
