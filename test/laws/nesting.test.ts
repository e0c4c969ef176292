/**
 * Every way to take a derivative, nested in every order to depth three, with every wrapper that must not change a
 * function in between: all are compared with the closed form. For an element-wise h, each operator gives h′.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkpoint,
  compile,
  cond,
  customVjp,
  eye,
  grad,
  hessian,
  hvp,
  jacobian,
  jacobianForward,
  jacobianReverse,
  jvp,
  linearize,
  onesLike,
  random,
  scan,
  stack,
  Tensor,
  tree,
  valueAndGrad,
  vjp,
  vmap,
} from "typegrad";
import { cast, Linear, Sequential, tanh } from "typegrad/nn";
import { close, f64 } from "./support.js";

/** An element-wise function of a tensor of any shape. */
type Elementwise = (x: Tensor) => Tensor;
type Operator = (h: Elementwise) => Elementwise;

const diagonal = (j: Tensor, x: Tensor): Tensor =>
  j.mul(eye(x.size, x.size, { dtype: "float64" }).reshape(j.shape)).sum(x.shape.map((_, i) => i));

/** Operators that take the derivative. */
const derivatives: Readonly<Record<string, Operator>> = {
  grad: (h) => grad((x: Tensor) => h(x).sum()),
  jvp: (h) => (x) => jvp(h, x, onesLike(x))[1],
  vjp: (h) => (x) => vjp(h, x)[1](onesLike(x)),
  linearize: (h) => (x) => linearize(h, x)[1](onesLike(x)),
  vmapGrad: (h) => (x) => (x.rank === 0 ? grad(h)(x) : vmap(grad((v: Tensor) => h(v).sum()))(x)),
  gradVmap: (h) => grad((x: Tensor) => (x.rank === 0 ? h(x) : vmap(h)(x)).sum()),
  jacobianForward: (h) => (x) => diagonal(jacobianForward(h)(x), x),
  jacobianReverse: (h) => (x) => diagonal(jacobianReverse(h)(x), x),
  hvp: (h) => (x) => hvp((v: Tensor) => antiderivative(h, v).sum(), x, onesLike(x)),
};

/** x ↦ something whose derivative is h at the same place: the linear part of h, integrated along the marked value. */
function antiderivative(h: Elementwise, x: Tensor): Tensor {
  return customVjp(
    (v: Tensor) => v.mul(0),
    (v, _y, g) => g.mul(h(v)),
  )(x);
}

/** Operators that leave a function as it is. */
const wrappers: Readonly<Record<string, Operator>> = {
  checkpoint: (h) => checkpoint(h),
  vmap: (h) => (x) => (x.rank === 0 ? h(x) : vmap(h)(x)),
  compile: (h) => compile(h),
  scan: (h) => (x) =>
    scan((carry: Tensor, v: Tensor) => [carry, h(v)], f64(0), x.reshape([1, ...x.shape]))[1].reshape(x.shape),
  cond: (h) => (x) => cond(x.sum().greater(-1e9), h, (v: Tensor) => v.mul(0), x),
  jvpValue: (h) => (x) => jvp(h, x, onesLike(x))[0],
  vjpValue: (h) => (x) => vjp(h, x)[0],
};

const points = [0.3, -1.2, 2];
/** x · sin x and its derivatives: the n-th is x sin(x + nπ/2) - n cos(x + nπ/2). */
const h: Elementwise = (x) => x.mul(x.sin());
const derivative = (n: number): number[] =>
  points.map((x) => x * Math.sin(x + (n * Math.PI) / 2) - n * Math.cos(x + (n * Math.PI) / 2));

const names = Object.keys(derivatives);
const chains = (depth: number): string[][] =>
  depth === 0 ? [[]] : chains(depth - 1).flatMap((rest) => names.map((name) => [name, ...rest]));

for (const depth of [1, 2, 3])
  test(`derivatives of order ${depth}, in all ${names.length ** depth} nestings`, () => {
    for (const chain of chains(depth)) {
      const f = chain.reduceRight((inner, name) => derivatives[name](inner), h);
      close(f(f64(points)), derivative(depth), 1e-9, chain.join(" ∘ "));
    }
  });

test("a wrapper before, between and after two derivatives changes nothing", () => {
  for (const [name, wrap] of Object.entries(wrappers))
    for (const outer of names)
      for (const inner of names) {
        const all: [string, Elementwise][] = [
          [`${name} ∘ ${outer} ∘ ${inner}`, wrap(derivatives[outer](derivatives[inner](h)))],
          [`${outer} ∘ ${name} ∘ ${inner}`, derivatives[outer](wrap(derivatives[inner](h)))],
          [`${outer} ∘ ${inner} ∘ ${name}`, derivatives[outer](derivatives[inner](wrap(h)))],
        ];
        for (const [what, f] of all) close(f(f64(points)), derivative(2), 1e-9, what);
      }
});

test("wrappers around wrappers under a derivative", () => {
  for (const [a, first] of Object.entries(wrappers))
    for (const [b, second] of Object.entries(wrappers))
      for (const name of ["grad", "jvp", "vmapGrad"])
        close(derivatives[name](first(second(h)))(f64(points)), derivative(1), 1e-9, `${name} ∘ ${a} ∘ ${b}`);
});

// g(x) = x₀² x₁ + sin x₁: gradient (2 x₀ x₁, x₀² + cos x₁), Hessian [[2 x₁, 2 x₀], [2 x₀, -sin x₁]].
const g = (x: Tensor): Tensor => x.at(0).square().mul(x.at(1)).add(x.at(1).sin());
const [a, b] = [1.5, 0.7];

test("the Hessian, by every pair of modes", () => {
  const expected = [
    [2 * b, 2 * a],
    [2 * a, -Math.sin(b)],
  ];
  const x = f64([a, b]);
  const jacobians = { jacobianForward, jacobianReverse };
  for (const [outer, j] of Object.entries(jacobians)) {
    close(j(grad(g))(x), expected, 1e-10, `${outer} of grad`);
    for (const [inner, k] of Object.entries(jacobians)) close(j(k(g))(x), expected, 1e-10, `${outer} of ${inner}`);
  }
  close(hessian(g)(x), expected);
  close(hvp(g, x, f64([1, -2])), [2 * b - 4 * a, 2 * a + 2 * Math.sin(b)]);
  close(
    vmap(hessian(g))(
      f64([
        [a, b],
        [a, b],
        [0, 0],
      ]),
    ),
    [...expected.flat(), ...expected.flat(), 0, 0, 0, 0],
  );
});

test("forward and reverse Jacobians agree, and with the closed form", () => {
  const f = (x: Tensor): Tensor =>
    x
      .matmul(
        f64([
          [1, 2, 0],
          [3, -1, 4],
        ]),
      )
      .square(); // f = (A x)², A = wᵀ
  const x = f64([0.5, -2]);
  const [u, v] = [0.5, -2];
  const rows = [
    [2 * (u + 3 * v), 6 * (u + 3 * v)],
    [4 * (2 * u - v), -2 * (2 * u - v)],
    [0, 8 * 4 * v],
  ];
  close(jacobianForward(f)(x), rows);
  close(jacobianReverse(f)(x), rows);
  const third = jacobianForward(jacobianReverse(jacobianForward(f)))(x);
  assert.deepEqual(third.shape, [3, 2, 2, 2]);
  close(
    third,
    Array.from({ length: 24 }, () => 0),
  );
});

test("d³/dx³ of x³ is 6, and the gradient of the gradient of x³ at 2 is 12", () => {
  const cube = (x: Tensor): Tensor => x.mul(x).mul(x);
  const d = grad(cube);
  close(grad((x: Tensor) => d(x))(f64(2)), [12]);
  close(grad((x: Tensor) => grad(d)(x))(f64(2)), [6]);
  close(grad((x: Tensor) => grad((y: Tensor) => y.pow(3))(x))(f64(2)), [12]);
});

test("linearize is jvp, and its map has a transpose", () => {
  const f = (x: Tensor): Tensor => x.sin().mul(x);
  const x = f64(points);
  const t = f64([1, -1, 0.5]);
  const [value, linear] = linearize(f, x);
  const [value2, tangent] = jvp(f, x, t);
  close(value, value2, 0);
  close(linear(t), tangent, 1e-14);
  close(linear(t.mul(2)), linear(t).mul(2), 1e-14);
  const pull = vjp(linear, t)[1];
  close(pull(f64([1, 1, 1])), vjp(f, x)[1](f64([1, 1, 1])), 1e-14);
});

test("value and gradient agree with one another under vmap with axes", () => {
  const loss = (w: Tensor, x: Tensor): Tensor => w.mul(x).sin().sum();
  const w = f64([1, 2]);
  const xs = f64([
    [0.1, 0.2, 0.3],
    [0.4, 0.5, 0.6],
  ]); // columns are the examples
  const [values, gradients] = vmap(valueAndGrad(loss), { inAxes: [null, 1] })(w, xs);
  const columns = [
    [0.1, 0.4],
    [0.2, 0.5],
    [0.3, 0.6],
  ];
  close(
    values,
    columns.map(([p, q]) => Math.sin(p) + Math.sin(2 * q)),
  );
  close(
    gradients,
    columns.map(([p, q]) => [p * Math.cos(p), q * Math.cos(2 * q)]),
  );
});

test("vmap of vmap, with in and out axes", () => {
  const x = f64([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const y = f64([10, 20]);
  const table = vmap((p: Tensor) => vmap((q: Tensor) => p.sum().add(q))(y))(x);
  close(table, [
    [16, 26],
    [25, 35],
  ]);
  close(vmap((p: Tensor) => p.mul(2), { inAxes: 1, outAxes: 1 })(x), x.mul(2));
  close(vmap((p: Tensor) => p.mul(2), { inAxes: 1 })(x), x.mul(2).T);
  close(vmap((p: Tensor) => p.mul(2), { inAxes: -1, outAxes: -1 })(x), x.mul(2));
  assert.deepEqual(vmap((row: Tensor) => f64(row.size))(x).shape, [2]);
});

test("random numbers under vmap: one generator gives all slices the same when asked to, split keys give each its own", () => {
  const x = f64([1, 2, 3]);
  const same = vmap((v: Tensor) => v.mul(0).add(random.rand([2])), { randomness: "same" })(x).dataSync();
  assert.deepEqual([same[0], same[1]], [same[4], same[5]]);
  const keys = stack(random.split(random.key(3), 3));
  const draws = vmap((k: Tensor) => random.uniform(Tensor.of<readonly [2]>(k.node), [4]))(keys);
  random.split(random.key(3), 3).forEach((k, i) => close(draws.at(i), random.uniform(k, [4]), 0));
  assert.equal(new Set(draws.dataSync()).size, 12);
});

test("the Jacobian with respect to a model is a tree of its form", () => {
  const model = cast(new Sequential([new Linear(3, 4), tanh, new Linear(4, 2)]), "float64");
  const x = f64([0.3, -1, 2]);
  const jacobians = jacobian((m: typeof model) => m.forward(x))(model);
  const [first] = jacobians.layers;
  assert.deepEqual(first.weight.shape, [2, 4, 3]);
  // Row k is the gradient of output k.
  for (const k of [0, 1]) {
    const gradient = grad((m: typeof model) => m.forward(x).at(k))(model);
    const expected = tree.leaves(gradient);
    tree.leaves(jacobians).forEach((j, i) => close(j.at(k), expected[i], 1e-12));
  }
});
