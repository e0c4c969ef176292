/** Modules in several places, and steps that update what they must not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, ones, type Tensor, valueAndGrad } from "typegrad";
import { Conv2d, countParameters, Linear, loadStateDict, maxPool2d, mse, stateDict } from "typegrad/nn";
import { adam, adamw, sgd } from "typegrad/optim";
import { leaves, Module, modules } from "typegrad/tree";

/** x ↦ A(A(x)): one layer in two places; and a part that knows its parent. */
class Twice extends Module {
  readonly first = new Linear(3, 3);
  readonly second = this.first;
  readonly part = new Part(this);
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x));
  }
}
class Part extends Module {
  readonly parent: Module;
  constructor(parent: Module) {
    super();
    this.parent = parent;
  }
}

test("a module in two places is counted, saved and trained once", () => {
  const model = new Twice();
  assert.equal(countParameters(model).total, 12);
  assert.deepEqual(Object.keys(stateDict(model)), ["first.weight", "first.bias"]);
  assert.deepEqual(
    modules(model).map(({ path }) => path),
    ["", "first", "part"],
  );
  const before = model.first.weight.toArraySync();
  const optimizer = sgd({ learningRate: 0.1 });
  const x = ones([2, 3]);
  const [loss, grads] = valueAndGrad((m: Twice) => m.forward(x).square().sum())(model);
  assert.equal(leaves(grads).length, 2);
  optimizer.update(model, grads);
  assert.equal(model.first, model.second);
  assert.notDeepEqual(model.first.weight.toArraySync(), before);
  assert.ok(Number(model.forward(x).square().sum().itemSync()) < loss.itemSync());
  const other = new Twice();
  loadStateDict(other, stateDict(model));
  assert.equal(other.forward(x).equal(model.forward(x)).all().itemSync(), 1);
});

test("compiled and eager steps of a model with a shared module agree", () => {
  const [eager, compiled] = [new Twice(), new Twice()];
  loadStateDict(compiled, stateDict(eager));
  const x = ones([2, 3]);
  const stepOf = (model: Twice) => {
    const optimizer = adamw({ learningRate: 0.05 });
    const step = (): Tensor => {
      const [loss, grads] = valueAndGrad((m: Twice) => mse(m.forward(x), x))(model);
      optimizer.update(model, grads);
      return loss;
    };
    return { step, optimizer };
  };
  const a = stepOf(eager);
  const b = stepOf(compiled);
  const fast = compile(b.step, { state: [compiled, b.optimizer] });
  for (let i = 0; i < 5; i++) assert.ok(Math.abs(a.step().itemSync() - fast().itemSync()) < 1e-6);
  assert.equal(fast.traces(), 1);
});

test("a compiled step must name what it updates", () => {
  for (const named of ["none", "model"] as const) {
    const model = new Linear(2, 1);
    const optimizer = adam();
    const step = compile(
      (x: Tensor) => {
        const [loss, grads] = valueAndGrad((m: typeof model) => m.forward(x).square().sum())(model);
        optimizer.update(model, grads);
        return loss;
      },
      { state: named === "none" ? [] : [model] },
    );
    assert.throws(() => step(ones([3, 2])), {
      name: "TraceError",
      message:
        /^compile: what the function updates must be named in its state, .* pass \{ state: \[model, optimizer\] \}/,
    });
  }
});

test("optimizers refuse rates that are none, and gradients of another model", () => {
  for (const learningRate of [-1, Number.NaN])
    assert.throws(() => adam({ learningRate }), { name: "ArgumentError", message: /learning rate/ });
  const [model, other]: Linear[] = [new Linear(2, 2), new Linear(1, 2)];
  assert.throws(() => sgd({ learningRate: 1 }).update(model, other), {
    name: "ShapeError",
    message: /gradients must be those of the model, got float32\[2,2\] and float32\[2,1\] at weight/,
  });
});

test("kernels and windows must fit", () => {
  const x = ones([1, 1, 2, 5]);
  assert.throws(() => new Conv2d(1, 1, 3).forward(x), {
    name: "ShapeError",
    message: /windows of \[3,3\] and lengths \[2,5\]/,
  });
  assert.deepEqual(new Conv2d(1, 1, 3, { padding: 1 }).forward(x).shape, [1, 1, 2, 5]);
  assert.throws(() => new Conv2d(1, 1, 2, { dilation: 4 }).forward(x), { message: /windows of \[5,5\]/ });
  assert.throws(() => maxPool2d(x, 3), { name: "ShapeError", message: /^maxPool2d: / });
});
