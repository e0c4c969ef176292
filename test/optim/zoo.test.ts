/** The zoo: gradients against closed forms, minima, and the constants said of each function. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { grad, hessian, random, tensor, type Tensor } from "typegrad";
import { eigvalsh } from "typegrad/linalg";
import * as plot from "typegrad/plot";
import * as zoo from "typegrad/optim/zoo";

const float64 = (values: readonly number[]): Tensor => tensor([...values], { dtype: "float64" });
const numbers = (x: Tensor): number[] => [...x.dataSync()];
const draws = (key: number, count: number): number[] =>
  numbers(random.uniform(random.key(key), [count]).astype("float64"));

/** Closed forms of the gradients, by name. */
const gradients: Readonly<Record<string, (x: readonly number[]) => number[]>> = {
  Rosenbrock: ([x, y]) => [-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)],
  Rastrigin: (p) => p.map((v) => 2 * v + 20 * Math.PI * Math.sin(2 * Math.PI * v)),
  Ackley(p) {
    const n = p.length;
    const radius = Math.sqrt(p.reduce((s, v) => s + v * v, 0) / n);
    const waves = Math.exp(p.reduce((s, v) => s + Math.cos(2 * Math.PI * v), 0) / n);
    return p.map(
      (v) => (4 * Math.exp(-0.2 * radius) * v) / (n * radius) + (2 * Math.PI * Math.sin(2 * Math.PI * v) * waves) / n,
    );
  },
  Himmelblau: ([x, y]) => [
    4 * x * (x * x + y - 11) + 2 * (x + y * y - 7),
    2 * (x * x + y - 11) + 4 * y * (x + y * y - 7),
  ],
  Beale([x, y]) {
    const [a, b, c] = [1.5 - x + x * y, 2.25 - x + x * y * y, 2.625 - x + x * y ** 3];
    return [2 * (a * (y - 1) + b * (y * y - 1) + c * (y ** 3 - 1)), 2 * x * (a + 2 * b * y + 3 * c * y * y)];
  },
  Booth: ([x, y]) => [10 * x + 8 * y - 34, 8 * x + 10 * y - 38],
  "x² + 3 sin² x": (p) => p.map((v) => 2 * v + 3 * Math.sin(2 * v)),
  saddle: ([x, y]) => [2 * x, -2 * y],
  "monkey saddle": ([x, y]) => [3 * x * x - 3 * y * y, -6 * x * y],
  Huber: (p) => p.map((v) => Math.max(-1, Math.min(1, v))),
};

for (const specimen of zoo.classics())
  test(`${specimen.name}: gradient, minima and constants`, () => {
    const { value, window, minimizers, minimum, smoothness, strongConvexity, pl } = specimen;
    const closed = gradients[specimen.name];
    assert.ok(closed, "there is a closed form");
    const random01 = draws(5, 60);
    for (let k = 0; k < 30; k++) {
      const p = window.map(([low, high], i) => low + (high - low) * random01[2 * k + i]);
      const g = numbers(grad(value)(float64(p)));
      closed(p).forEach((e, i) => assert.ok(Math.abs(g[i] - e) <= 1e-10 * (1 + Math.abs(e)), `${p}: ${g} not ${e}`));
      const at = value(float64(p)).itemSync();
      if (minimum !== undefined) {
        assert.ok(at > minimum);
        if (pl !== undefined) assert.ok(g.reduce((s, v) => s + v * v, 0) / 2 >= pl * (at - minimum));
      }
      if (smoothness === undefined) continue;
      const curvatures = numbers(eigvalsh(hessian(value)(float64(p))));
      assert.ok(
        curvatures.every((c) => Math.abs(c) <= smoothness + 1e-9 && c >= (strongConvexity ?? -Infinity) - 1e-9),
      );
    }
    for (const best of minimizers) {
      assert.ok(Math.abs(value(float64(best)).itemSync() - (minimum ?? NaN)) < 1e-14, `${best}`);
      // Ackley's function has a cusp at its minimum.
      if (specimen.name !== "Ackley")
        assert.ok(
          numbers(grad(value)(float64(best))).every((v) => Math.abs(v) < 1e-9),
          `${best}`,
        );
    }
    assert.equal(specimen.start.length, specimen.dimension);
  });

test("more dimensions: the minima of Rosenbrock, Rastrigin and Ackley", () => {
  for (const make of [zoo.rosenbrock, zoo.rastrigin, zoo.ackley]) {
    const { value, minimizers, start } = make(7);
    assert.equal(start.length, 7);
    assert.ok(Math.abs(value(float64(minimizers[0])).itemSync()) < 1e-14);
  }
});

test("quadratics have the curvatures asked for, in geometric steps, and the rotation of their seed", () => {
  const options = { dimension: 4, condition: 1000, strongConvexity: 0.5, minimizer: [1, 2, 3, 4] };
  const specimen = zoo.quadratic({ ...options, seed: 7 });
  const found = numbers(eigvalsh(hessian(specimen.value)(float64([0, 0, 0, 0]))));
  [0.5, 5, 50, 500].forEach((c, i) => assert.ok(Math.abs(found[i] / c - 1) < 1e-10, `${found}`));
  assert.equal(specimen.value(float64([1, 2, 3, 4])).itemSync(), 0);
  assert.deepEqual(numbers(zoo.quadratic({ ...options, seed: 7 }).hessian), numbers(specimen.hessian));
  assert.notDeepEqual(numbers(zoo.quadratic({ ...options, seed: 8 }).hessian), numbers(specimen.hessian));
  assert.throws(() => zoo.quadratic({ condition: 0.5 }), /condition must be at least 1/);
});

test("regressions: closed forms of gradient, solution and constants", () => {
  const rows = [
    [1, 2],
    [-1, 0.5],
    [3, 1],
  ];
  const [x, y] = [float64(rows.flat()).reshape([3, 2]), float64([1, -1, 1])];
  const w = [0.3, -0.7];
  const ridge = 0.2;
  const logistic = zoo.logisticRegression(x, y, ridge);
  const expected = w.map(
    (v, j) =>
      ridge * v -
      rows.reduce((s, row, i) => {
        const label = [1, -1, 1][i];
        return s + (label * row[j]) / (1 + Math.exp(label * (row[0] * w[0] + row[1] * w[1])));
      }, 0) /
        3,
  );
  numbers(grad(logistic.value)(float64(w))).forEach((g, i) => assert.ok(Math.abs(g - expected[i]) < 1e-14));
  // XᵀX/3 = [[11, 4.5], [4.5, 5.25]]/3; its greatest eigenvalue by the formula for 2 by 2.
  const [a, b, d] = [11 / 3, 4.5 / 3, 5.25 / 3];
  const [mid, spread] = [(a + d) / 2, Math.hypot((a - d) / 2, b)];
  assert.ok(Math.abs((logistic.smoothness ?? 0) - ((mid + spread) / 4 + ridge)) < 1e-14);
  const squares = zoo.leastSquares(x, y, ridge);
  assert.ok(Math.abs((squares.smoothness ?? 0) - (mid + spread + ridge)) < 1e-14);
  assert.ok(Math.abs((squares.strongConvexity ?? 0) - (mid - spread + ridge)) < 1e-14);
  assert.ok(numbers(grad(squares.value)(float64(squares.minimizers[0]))).every((g) => Math.abs(g) < 1e-14));
  assert.throws(() => zoo.logisticRegression(x, float64([0, 1, 1])), /labels must be -1 and 1/);
});

test("grids are what plot.contour draws", async () => {
  const field = await zoo.grid(zoo.himmelblau(), { steps: 21, scale: Math.log1p });
  // Row 10 is y = 0, column 15 x = 2.5: (6.25 - 11)² + (2.5 - 7)² = 42.8125.
  assert.ok(Math.abs(field.values[10][15] - Math.log1p(42.8125)) < 1e-12);
  assert.match(plot.contour(field), /^<svg/);
  await assert.rejects(zoo.grid(zoo.rosenbrock(3)), /two variables/);
});
