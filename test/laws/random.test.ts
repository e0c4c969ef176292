/**
 * Random programs: sequences of operations, loops and choices drawn by fast-check, which shrinks what fails. Each is a
 * scalar function of a float64[2,3], and every law that holds for all functions must hold for it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  checkpoint,
  compile,
  concatenate,
  cond,
  customVjp,
  grad,
  hvp,
  jvp,
  logSumExp,
  scan,
  setDevice,
  softmax,
  stack,
  tensor,
  Tensor,
  vmap,
  where,
} from "typegrad";
import { close, f64 } from "./support.js";

const places = () => tensor([1, 0, 1, 1], { dtype: "int32" });
const mixing = () =>
  f64([
    [0.5, -0.3, 0.2],
    [0.1, 0.4, -0.6],
    [-0.2, 0.3, 0.7],
  ]);

/** Smooth almost everywhere, from two float64[2,3] to one, and never large. */
const operations: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  add: (x, y) => x.add(y).mul(0.5),
  sub: (x, y) => x.sub(y).mul(0.7),
  mul: (x, y) => x.mul(y).tanh(),
  div: (x, y) => x.div(y.square().add(1)),
  sin: (x) => x.sin(),
  exp: (x) => x.tanh().exp().sub(1),
  sigmoid: (x, y) => x.sigmoid().mul(y),
  erf: (x) => x.erf(),
  pow: (x, y) => x.square().add(0.5).pow(y.tanh()),
  matmul: (x) => x.matmul(mixing()).tanh(),
  gram: (x, y) => x.matmul(y.transpose()).matmul(x).tanh(),
  row: (x, y) => x.sum(0).add(y).tanh(),
  column: (x, y) => x.mean(1, { keepDims: true }).mul(y),
  max: (x, y) => x.max(1, { keepDims: true }).sub(y).tanh(),
  prod: (x) => x.prod(-1, { keepDims: true }).add(x).tanh(),
  softmax: (x, y) => softmax(x, 0).mul(y),
  logSumExp: (x, y) => logSumExp(x, -1, { keepDims: true }).sub(y).tanh(),
  cumsum: (x) => x.cumsum(1, { reverse: true }).tanh(),
  sort: (x) => x.sort(1),
  flip: (x, y) => x.flip(1).add(y).mul(0.5),
  reshape: (x) => x.reshape([3, 2]).transpose(),
  slice: (x, y) => concatenate([x.at(":", "1:"), y.at(":", "::2").at(":", "0:1")], 1),
  pad: (x) =>
    x
      .pad([
        [1, 0],
        [0, 1],
      ])
      .at("0:2", "1:4"),
  take: (x, y) => x.take(places()).at("1:3").add(y).mul(0.5),
  where: (x, y) => where(x.greater(y), x, y.mul(0.3)),
  maximum: (x, y) => x.maximum(y.mul(0.5)),
  abs: (x) => x.abs(),
  standardize: (x) => x.sub(x.mean()).div(x.variance().add(0.1).sqrt()),
  checkpoint: (x, y) => checkpoint((t: Tensor[]) => t[0].mul(t[1]).sin())([x, y]),
  custom: (x, y) =>
    customVjp(
      (t: Tensor[]) => t[0].mul(t[1]),
      ([a, b], _value, g) => [g.mul(b), g.mul(a)],
    )([x, y]).tanh(),
  cond: (x, y) =>
    cond(
      x.sum().greater(0),
      ([a, b]) => a.mul(b).tanh(),
      ([a]) => a.cos(),
      [x, y],
    ),
  scan: (x, y) => scan((c: Tensor, v: Tensor) => [c.mul(0.5).add(v).tanh(), c.add(v)], y.at(0), x)[1],
  loop: (x, y) => scan((c: Tensor) => [c.mul(y).add(x).sin(), []], x, [], { length: 3 })[0],
  mapped: (x, y) => vmap((a: Tensor, b: Tensor) => a.mul(b.sum()).tanh())(x, y),
  slope: (x, y) => grad((v: Tensor) => v.mul(y).sin().sum())(x),
  tangent: (x, y) => jvp((v: Tensor) => v.mul(v).cos(), x, y.tanh())[1],
};
const names = Object.keys(operations);

type Step = readonly [operation: string, left: number, right: number];
const program = fc.array(fc.tuple(fc.constantFrom(...names), fc.nat(7), fc.nat(7)), { minLength: 1, maxLength: 7 });

const start = () =>
  f64([
    [0.31, -0.72, 1.13],
    [-1.41, 0.53, 0.27],
  ]);

/** The program as a function: every step takes two earlier values; the last three are summed with weights. */
const functionOf =
  (steps: readonly Step[]) =>
  (x: Tensor): Tensor => {
    const values = [x, start()];
    for (const [name, left, right] of steps)
      values.push(operations[name](values[left % values.length], values[right % values.length]));
    return values
      .slice(-3)
      .map((v, i) =>
        v
          .mul(
            f64([
              [1, -2, 0.5],
              [0.3, 1.7, -1],
            ]).add(i),
          )
          .sum(),
      )
      .reduce((a, b) => a.add(b));
  };

const point = () =>
  f64([
    [0.4537, 1.2119, -0.6171],
    [-0.8353, 0.9229, 0.3807],
  ]);
const directions = () => [
  f64([
    [1, -0.5, 0.25],
    [0.75, -1, 0.5],
  ]),
  f64([
    [-0.3, 0.8, 1],
    [0.2, 0.6, -0.9],
  ]),
];
const dot = (a: Tensor, b: Tensor): number => a.mul(b).sum().itemSync();
const near = (a: number, b: number, tolerance: number, what: string): void =>
  assert.ok(Math.abs(a - b) <= tolerance * (1 + Math.abs(b)), `${what}: ${a} is not ${b}`);

function laws(steps: readonly Step[]): void {
  const f = functionOf(steps);
  const x0 = point();
  const [u, v] = directions();
  const gradient = grad(f)(x0);
  const [value, tangent] = jvp(f, x0, v);
  close(f(x0), value, 1e-12, "jvp value");
  near(dot(gradient, v), tangent.itemSync(), 1e-9, "⟨grad, v⟩ = jvp");
  const h = 1e-6;
  const difference = (f(x0.add(v.mul(h))).itemSync() - f(x0.sub(v.mul(h))).itemSync()) / (2 * h);
  near(tangent.itemSync(), difference, 1e-5, "jvp = finite difference");
  const [hu, hv] = [hvp(f, x0, u), hvp(f, x0, v)];
  near(dot(u, hv), dot(v, hu), 1e-8, "⟨u, Hv⟩ = ⟨v, Hu⟩");
  close(grad((x: Tensor) => jvp(f, x, v)[1])(x0), hv, 1e-8, "reverse over forward = forward over reverse");
  close(grad((x: Tensor) => grad(f)(x).mul(v).sum())(x0), hv, 1e-8, "reverse over reverse = forward over reverse");
  const points = [x0, x0.mul(-0.5), x0.add(0.1)];
  close(vmap(grad(f))(stack(points)), stack(points.map((x) => grad(f)(x))), 1e-9, "vmap of grad = loop");
  const total = (xs: Tensor): Tensor => vmap(f)(xs).sum();
  close(grad(total)(stack(points)), stack(points.map((x) => grad(f)(x))), 1e-9, "grad of vmap = loop");
  close(compile(grad(f))(x0), gradient, 1e-9, "compiled = eager");
}

/** More on request: it takes time. */
const runs = process.env["TYPEGRAD_FULL"] ? 300 : 25;

for (const device of ["reference", "wasm"])
  test(`random programs on ${device}`, async () => {
    await setDevice(device);
    fc.assert(fc.property(program, laws), { numRuns: runs, seed: 7 });
  });

test("devices agree on the gradients of random programs", async () => {
  const gradients = new Map<string, Tensor[]>();
  const drawn = fc.sample(program, { numRuns: 2 * runs, seed: 11 });
  for (const device of ["reference", "wasm"]) {
    await setDevice(device);
    gradients.set(
      device,
      drawn.map((steps) => {
        const g = grad(functionOf(steps))(point());
        return tensor(g.dataSync());
      }),
    );
  }
  const [reference = [], wasm = []] = gradients.values();
  reference.forEach((g, i) => close(wasm[i], g, 1e-9, JSON.stringify(drawn[i])));
});
