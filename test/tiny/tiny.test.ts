/** A readable smoke test: what any device and any change must pass. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, grad, hessian, Module, tensor, Tensor, valueAndGrad, vmap, zeros, random } from "typegrad";

const close = (a: Tensor, b: ArrayLike<number>, tolerance = 1e-5): void => {
  const got = a.dataSync();
  assert.equal(got.length, b.length);
  Array.from(b).forEach((x, i) =>
    assert.ok(Math.abs(got[i] - x) <= tolerance * (1 + Math.abs(x)), `${got[i]} is not ${x} at ${i}`),
  );
};

test("add, broadcast, matmul", () => {
  close(tensor([1, 2, 3]).add(1), [2, 3, 4]);
  close(
    tensor([
      [1, 2],
      [3, 4],
    ]).matmul(
      tensor([
        [1, 0],
        [1, 1],
      ]),
    ),
    [3, 2, 7, 4],
  );
  close(tensor([[1], [2]]).add(tensor([10, 20])), [11, 21, 12, 22]);
});

test("gradient, Hessian, vmap", () => {
  const f = (x: Tensor) => x.mul(x).mul(x).sum();
  close(grad(f)(tensor([1, 2])), [3, 12]);
  close(hessian(f)(tensor([1, 2])), [6, 0, 0, 12]);
  close(
    vmap(grad(f))(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    ),
    [3, 12, 27, 48],
  );
  close(grad((x: Tensor) => grad(f)(x).sum())(tensor([1, 2])), [6, 12]);
});

class Line extends Module {
  weight: Tensor = zeros([1]);
  bias: Tensor = zeros([]);
  forward(x: Tensor): Tensor {
    return x.mul(this.weight).add(this.bias);
  }
}

test("a compiled training step fits a line", () => {
  const model = new Line();
  const x = tensor([0, 1, 2, 3]);
  const y = x.mul(2).add(1);
  const step = compile(
    (input: Tensor, target: Tensor) => {
      const [loss, grads] = valueAndGrad((m: Line) => m.forward(input).sub(target).square().mean())(model);
      model.weight = model.weight.sub(grads.weight.mul(0.1));
      model.bias = model.bias.sub(grads.bias.mul(0.1));
      return loss;
    },
    { state: [model] },
  );
  for (let i = 0; i < 200; i++) step(x, y);
  assert.equal(step.traces(), 1);
  close(model.weight, [2], 1e-2);
  close(model.bias, [1], 1e-2);
});

test("random numbers are uniform and repeatable", () => {
  const u = random.uniform(random.key(1), [1000]);
  const mean = u.mean().itemSync();
  assert.ok(Math.abs(mean - 0.5) < 0.05);
  close(random.uniform(random.key(1), [10]), u.dataSync().slice(0, 10), 0);
});
