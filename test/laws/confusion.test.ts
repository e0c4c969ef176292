/** Derivatives inside derivatives stay apart: perturbation confusion, closures, data-dependent control flow, async. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compile,
  grad,
  jvp,
  linearize,
  Module,
  stopGradient,
  tensor,
  Tensor,
  valueAndGrad,
  vjp,
  vmap,
  zeros,
} from "typegrad";
import { close, f64 } from "./support.js";

const forwardDerivative =
  (f: (x: Tensor) => Tensor) =>
  (x: Tensor): Tensor =>
    jvp(f, x, f64(1))[1];
const reverseDerivative =
  (f: (x: Tensor) => Tensor) =>
  (x: Tensor): Tensor =>
    grad(f)(x);
const modes = { forwardDerivative, reverseDerivative };

for (const [outer, d1] of Object.entries(modes))
  for (const [inner, d2] of Object.entries(modes))
    test(`perturbation confusion: ${outer} over ${inner}`, () => {
      // J. M. Siskind and B. A. Pearlmutter, "Perturbation confusion and referential transparency" (2005).
      close(d1((x) => x.mul(d2((y) => x.add(y))(f64(1))))(f64(1)), [1]);
      // d/dx (x · d/dy (x·y²) at 3) = d/dx 6x² = 12x.
      close(d1((x) => x.mul(d2((y) => x.mul(y).mul(y))(f64(3))))(f64(2)), [24]);
      // The inner function does not use its own argument.
      close(d1((x) => d2(() => x.mul(x))(f64(5)).add(x))(f64(2)), [1]);
      // The inner argument is the outer one itself: d/dx [d/dy y³ at x] = 6x.
      close(d1((x) => d2((y) => y.mul(y).mul(y))(x))(f64(2)), [12]);
      // A closure over both, at depth three: d/dx d/dy d/dz (x y z)² at z = 1 → 8xyz.
      close(d1((x) => d2((y) => d1((z) => x.mul(y).mul(z).square())(f64(1)))(f64(3)))(f64(2)), [48]);
    });

test("a map that was linearized inside a gradient still knows the outer variable", () => {
  close(grad((x: Tensor) => linearize((y: Tensor) => x.mul(y).mul(y), f64(3))[1](f64(1)))(f64(2)), [6]);
  close(grad((x: Tensor) => vjp((y: Tensor) => x.mul(x).mul(y), f64(3))[1](f64(1)))(f64(5)), [10]);
});

test("values are readable under grad, so control flow may depend on them", () => {
  const collatz = (x: Tensor): Tensor => {
    let y = x;
    while (y.itemSync() < 10) y = y.mul(y);
    return y;
  };
  close(grad(collatz)(f64(2)), [4 * 8]); // 2 → 4 → 16: x⁴
  close(jvp(collatz, f64(2), f64(1))[1], [32]);
  close(grad((x: Tensor) => grad(collatz)(x))(f64(2)), [12 * 4]);
  const seen: string[] = [];
  grad((x: Tensor) => {
    seen.push(String(x));
    return x.sum();
  })(f64([1, 2]));
  assert.deepEqual(seen, ["float64[2] [1., 2.]"]);
});

test("async functions: grad, vjp, jvp, vmap, and a value read in between", async () => {
  const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 1));
  const f = async (x: Tensor): Promise<Tensor> => {
    await pause();
    const positive = (await x.sum().item()) > 0;
    return (positive ? x.square() : x).sum();
  };
  close(await grad(f)(f64([1, 2])), [2, 4]);
  close(await grad(f)(f64([-1, -2])), [1, 1]);
  const [value, gradient] = await valueAndGrad(f)(f64([3]));
  close(value, [9]);
  close(gradient, [6]);
  close((await jvp(f, f64([3]), f64([1])))[1], [6]);
  close((await vjp(f, f64([3])))[1](f64(2)), [12]);
  const mapped = vmap(async (x: Tensor) => {
    await pause();
    return x.mul(2);
  });
  close(await mapped(f64([1, 2])), [2, 4]);
  // Two at once do not disturb each other.
  const [p, q] = await Promise.all([grad(f)(f64([1])), grad(f)(f64([2]))]);
  close(p, [2]);
  close(q, [4]);
});

class Scale extends Module {
  factor: Tensor = f64(3);
  calls: Tensor = f64(0);
  override get buffers(): readonly string[] {
    return ["calls"];
  }
  forward(x: Tensor): Tensor {
    this.calls = this.calls.add(1);
    return x.mul(this.factor);
  }
}

test("a throw inside a transform puts the module's tensors back", async () => {
  const model = new Scale();
  const { factor } = model;
  const fail = (m: Scale): Tensor => {
    m.forward(f64(1));
    throw new Error("from inside");
  };
  assert.throws(() => grad(fail)(model), /from inside/);
  assert.equal(model.factor, factor);
  assert.throws(() => jvp(fail, model, new Scale()), /from inside/);
  assert.throws(() => vjp(fail, model), /from inside/);
  assert.throws(() => compile(() => fail(model), { state: [model] })(), /from inside/);
  await assert.rejects(async () => grad(async (m: Scale) => fail(m))(model), /from inside/);
  assert.equal(model.factor, factor);
  close(grad((m: Scale) => m.forward(f64(2)))(model).factor, [2]);
});

test("what forward assigns stays, without the transform's marks", () => {
  const model = new Scale();
  const [value, gradient] = valueAndGrad((m: Scale) => m.forward(f64(2)).square())(model);
  close(value, [36]);
  close(gradient.factor, [24]);
  assert.ok(gradient instanceof Scale);
  close(model.calls, [1]);
  grad((m: Scale) => m.forward(m.forward(f64(2))))(model);
  close(model.calls, [3]);
  assert.equal(model.calls.node.scopes.length, 0);
  const step = compile((x: Tensor) => grad((m: Scale) => m.forward(x))(model).factor, { state: [model] });
  close(step(f64(5)), [5]);
  close(step(f64(6)), [6]);
  close(model.calls, [5]);
  close(model.factor, [3]);
});

test("one module in two places is one set of parameters", () => {
  const shared = new Scale();
  const model = { first: shared, second: shared };
  const gradients = grad((m: typeof model) => m.second.forward(m.first.forward(f64(2))))(model);
  // d/dw (w² · 2) = 4w = 12, for the one module that the gradients hold in two places too.
  assert.equal(gradients.first, gradients.second);
  close(gradients.first.factor, [12]);
  close(shared.factor, [3]);
});

test("stopGradient lets no derivative pass, in any mode, and values do", () => {
  const f = (x: Tensor): Tensor => x.mul(stopGradient(x));
  close(f(f64(3)), [9]);
  close(grad(f)(f64(3)), [3]);
  close(jvp(f, f64(3), f64(1))[1], [3]);
  close(grad((x: Tensor) => grad(f)(x))(f64(3)), [0]);
  close(vmap(grad(f))(f64([1, 2])), [1, 2]);
});

test("gradients add up over uses, and a variable that is not used has gradient zero", () => {
  const x = f64([1, 2]);
  close(grad((v: Tensor) => v.sum().add(v.square().sum()).add(v.at(0)))(x), [1 + 2 + 1, 1 + 4]);
  close(grad((v: Tensor) => f64(v.size))(x), [0, 0]);
  const tree = grad((t: { a: Tensor; b: Tensor; n: number }) => t.a.mul(t.n))({ a: f64(2), b: f64(3), n: 4 });
  close(tree.a, [4]);
  close(tree.b, [0]);
  assert.equal(tree.n, 4);
});

test("integer and bool leaves have no gradient", () => {
  const tree = { w: f64([1, 2]), index: tensor([1], { dtype: "int32" }), mask: tensor([true, false]) };
  const g = grad((t: typeof tree) => t.w.take(t.index).sum().add(t.w.mul(t.mask).sum()))(tree);
  close(g.w, [1, 1]);
  assert.deepEqual([g.index.dtype, g.mask.dtype], ["int32", "bool"]);
  close(g.index, [0]);
});

test("relu: NaN stays NaN, negative zero becomes zero, its derivative is 0 at zeros and 0 or 1 elsewhere", async () => {
  const x = f64([-2, -0, 0, 3, Number.NaN, Infinity, -Infinity]);
  const relu = (t: Tensor): Tensor => t.relu();
  assert.deepEqual([...(await x.relu().data())], [0, 0, 0, 3, Number.NaN, Infinity, 0]);
  const t = f64([1, 2, 3, 4, 5, 6, 7]);
  const slopes = [0, 0, 0, 4, 5, 6, 0]; // where the value is NaN the tangent passes, as of any value above 0
  close(jvp(relu, x, t)[1], slopes);
  close(vjp(relu, x)[1](t), slopes);
  close(vmap((v: Tensor, w: Tensor) => vjp(relu, v)[1](w))(x, t), slopes);
  const cube = (v: Tensor): Tensor => v.relu().pow(3).sum();
  const second = grad((v: Tensor) => grad(cube)(v).sum());
  close(second(f64([-1, -0, 0, 2])), [0, 0, 0, 12]); // (x³)'' = 6x above 0
  close(jvp(grad(cube), f64([-1, 0, 2]), f64([1, 1, 1]))[1], [0, 0, 12]);
});

test("kinks: 0 for relu and abs, halves for maximum, even shares for max", () => {
  const at = (f: (x: Tensor) => Tensor, x: number): number => grad(f)(f64(x)).itemSync();
  assert.equal(
    at((x) => x.relu(), 0),
    0,
  );
  assert.equal(
    at((x) => x.abs(), 0),
    0,
  );
  assert.equal(
    at((x) => x.maximum(0), 0),
    0.5,
  );
  assert.equal(
    at((x) => x.maximum(x), 2),
    1,
  );
  assert.equal(
    at((x) => x.clip(-1, 1), 2),
    0,
  );
  assert.equal(
    at((x) => x.sign(), 2),
    0,
  );
  close(grad((x: Tensor) => x.max())(f64([3, 1, 3, 3])), [1 / 3, 0, 1 / 3, 1 / 3]);
  close(grad((x: Tensor) => x.min())(f64([1, 1])), [0.5, 0.5]);
  close(grad((x: Tensor) => x.sort().at(0))(f64([2, 1, 3])), [0, 1, 0]);
});

test("derivatives are finite where functions are flat or zero", () => {
  close(grad((x: Tensor) => x.prod())(f64([0, 2, 3])), [6, 0, 0]);
  close(grad((x: Tensor) => x.prod())(f64([0, 0, 3])), [0, 0, 0]);
  close(grad((x: Tensor) => x.pow(2))(f64(0)), [0]);
  close(grad((x: Tensor) => x.pow(0))(f64(0)), [0]);
  close(grad((x: Tensor) => x.pow(1))(f64(0)), [1]);
  close(grad((x: Tensor) => grad((y: Tensor) => y.pow(2))(x))(f64(0)), [2]);
  close(grad((x: Tensor) => zeros([0]).astype("float64").sum().add(x))(f64(1)), [1]);
});

test("a fresh gradient function sees the parameters of the day", () => {
  const model = new Scale();
  const d = grad((m: Scale) => m.factor.square());
  close(d(model).factor, [6]);
  model.factor = f64(5);
  close(d(model).factor, [10]);
});
