/** The perceptron and margins: closed forms, duality and Novikoff's theorem. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, tensor } from "typegrad";
import * as random from "typegrad/random";
import { maxMargin, perceptron, withBias } from "typegrad/theory";

const f64 = (rows: number[][]): Tensor => tensor(rows, { dtype: "float64" });
const labels = (...y: number[]): Tensor => tensor(y, { dtype: "float64" });

test("margins of simple sets", () => {
  assert.ok(
    Math.abs(
      maxMargin(
        f64([
          [1, 0],
          [-1, 0],
        ]),
        labels(1, -1),
      ).margin - 1,
    ) < 1e-12,
  );
  // the origin is 1/√2 from the segment between e₁ and e₂, and 1/√d from the simplex of d of them
  const basis = maxMargin(
    f64([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]),
    labels(1, 1, 1),
  );
  assert.ok(Math.abs(basis.margin - 1 / Math.sqrt(3)) < 1e-12);
  assert.deepEqual(basis.support.toSorted(), [0, 1, 2]);
  const corners = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ];
  assert.equal(maxMargin(withBias(f64(corners)), labels(-1, 1, 1, -1)).margin, 0, "XOR");
  assert.ok(maxMargin(withBias(f64(corners)), labels(-1, -1, -1, 1)).margin > 0.1, "AND");
});

test("the margin's direction separates by it, and no other does better", () => {
  for (let seed = 0; seed < 20; seed++) {
    const x = random.normal(random.key(seed), [30, 4], { dtype: "float64" });
    const rule = random.normal(random.key(seed + 100), [4], { dtype: "float64" });
    const y = x.matmul(rule).sign();
    const { margin, direction, support } = maxMargin(x, y);
    const least = (theta: Tensor): number => x.matmul(theta).mul(y).min().itemSync();
    assert.ok(Math.abs(least(direction) - margin) < 1e-9, `${least(direction)} ${margin}`);
    for (let k = 0; k < 10; k++) {
      const other = direction.add(random.normal(random.key(1000 + k), [4], { dtype: "float64" }).mul(0.02));
      assert.ok(least(other.div(other.square().sum().sqrt())) <= margin + 1e-9);
    }
    const on = x.matmul(direction).mul(y).dataSync();
    for (const i of support) assert.ok(Math.abs(on[i] - margin) < 1e-9);
  }
});

test("as many updates as the orthonormal basis has vectors; none after it has converged", () => {
  const x = f64([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  const run = perceptron(x, labels(1, -1, 1));
  assert.equal(run.updates.length, 3);
  assert.equal(run.passes, 2);
  assert.deepEqual(Array.from(run.theta.dataSync()), [1, -1, 1]);
});

test("what cannot be separated does not converge, and labels must be signs", () => {
  const x = withBias(
    f64([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]),
  );
  const run = perceptron(x, labels(-1, 1, 1, -1), { maxPasses: 50 });
  assert.equal(run.converged, false);
  assert.equal(run.passes, 50);
  assert.throws(() => perceptron(x, labels(0, 1, 1, 0)), /labels must be 1 or -1, got 0/);
  assert.throws(() => maxMargin(x, labels(1)), /examples \[n, d\] and labels \[n\]/);
});
