/** Derivatives by differences: the orders of their errors, and their values at the steps chosen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  differenceGradient,
  differenceHessian,
  type DifferenceOptions,
  grad,
  hessian,
  tensor,
  type Tensor,
} from "typegrad";
import { logLogSlope } from "typegrad/optim/convergence";

const x = tensor([0.4, -1.1, 0.7], { dtype: "float64" });
const f = (v: Tensor): Tensor => v.sin().sum().mul(v.at(0).exp()).add(v.prod());
const apart = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync();

const orders = [
  ["forward", 1],
  ["central", 2],
] as const;
for (const [scheme, order] of orders)
  test(`${scheme} differences: errors of order ${order} in the step, and small at the step chosen`, () => {
    const steps = [0.1, 0.05, 0.02, 0.01, 0.005];
    for (const [approximate, exact, precise] of [
      [differenceGradient, grad(f)(x), order === 1 ? 1e-7 : 1e-9],
      [differenceHessian, hessian(f)(x), order === 1 ? 1e-4 : 1e-6],
    ] as const) {
      const error = (options: DifferenceOptions): number => apart(approximate(f, { scheme, ...options })(x), exact);
      const { slope } = logLogSlope(
        steps,
        steps.map((step) => error({ step })),
      );
      assert.ok(Math.abs(slope - order) < 0.1, `slope ${slope}`);
      assert.ok(error({}) < precise, `${error({})}`);
    }
  });

test("differences keep shapes and say what is wrong", () => {
  const m = tensor([[1, 2]], { dtype: "float64" });
  assert.deepEqual(differenceGradient((v) => v.square().sum())(m).shape, [1, 2]);
  assert.deepEqual(differenceHessian((v) => v.square().sum())(m).shape, [1, 2, 1, 2]);
  assert.throws(() => differenceGradient((v) => v)(m), /must return a scalar/);
  assert.throws(() => differenceGradient((v) => v.sum(), { step: 0 })(m), /step must be positive/);
  assert.throws(() => differenceGradient((v) => v.sum())(tensor([1], { dtype: "int32" })), /must be a float/);
});
