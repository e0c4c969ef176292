import assert from "node:assert/strict";
import { test } from "node:test";
import {
  associativeScan,
  compile,
  cummax,
  cummin,
  cumprod,
  customVjp,
  grad,
  gradcheck,
  jvp,
  logCumSumExp,
  scan,
  tensor,
  type Tensor,
  TraceError,
  vmap,
  where,
  whileLoop,
  zeros,
} from "typegrad";
import { testOnDevices } from "../support/devices.js";
import { close, random } from "../linalg/support.js";

const double = (x: number | readonly number[]): Tensor => tensor(x, { dtype: "float64" });
const numbers = (x: Tensor): number[] => [...x.dataSync()];

/** √a by Newton's iteration until it stands still. */
const newton = (a: Tensor, options = {}): Tensor =>
  whileLoop<{ readonly x: Tensor; readonly last: Tensor }>(
    ({ x, last }) => x.sub(last).abs().greater(1e-13),
    ({ x }) => ({ x: x.add(a.div(x)).mul(0.5), last: x }),
    { x: a.add(1), last: zeros([], { dtype: "float64" }) },
    options,
  ).x;

interface Sequence {
  readonly n: Tensor;
  readonly steps: Tensor;
}

/** How many steps Collatz's sequence from n takes to 1. */
const collatz = (start: Tensor): Tensor =>
  whileLoop<Sequence>(
    ({ n }) => n.greater(1),
    ({ n, steps }) => ({ n: where(n.remainder(2).equal(0), n.floorDivide(2), n.mul(3).add(1)), steps: steps.add(1) }),
    { n: start, steps: tensor(0, { dtype: "int32" }) },
  ).steps;

testOnDevices(
  (name) => `while loops on ${name}: eager, compiled, mapped, differentiated`,
  () => {
    const two = double(2);
    for (const options of [{}, { maxIterations: 20 }]) {
      const f = (a: Tensor): Tensor => newton(a, options);
      close(f(two), double(Math.SQRT2), 1e-15, "eager");
      close(compile(f)(two), double(Math.SQRT2), 1e-15, "compiled");
      close(vmap(f)(double([1, 4, 9, 1e6])), double([1, 2, 3, 1e3]), 1e-15, "mapped");
      close(jvp(f, two, double(1))[1], double(0.5 / Math.SQRT2), 1e-14, "tangent");
      const second = (a: Tensor): Tensor => jvp(f, a, double(1))[1];
      close(jvp(second, two, double(1))[1], double(-0.25 / 2 ** 1.5), 1e-13, "second tangent");
    }
    const bounded = (a: Tensor): Tensor => newton(a, { maxIterations: 20 });
    close(grad(bounded)(two), double(0.5 / Math.SQRT2), 1e-14, "gradient");
    close(vmap(grad(bounded))(double([1, 4])), double([0.5, 0.25]), 1e-14, "mapped gradient");
    assert.equal(collatz(tensor(27, { dtype: "int32" })).itemSync(), 111);
    assert.deepEqual(numbers(vmap(collatz)(tensor([1, 6, 7, 97], { dtype: "int32" }))), [0, 8, 16, 118]);
  },
);

test("a loop that no step is known of has no reverse mode, and says so", () => {
  assert.throws(
    () => grad((a: Tensor) => newton(a))(double(2)),
    (e: Error) =>
      e instanceof TraceError && e.message.startsWith("whileLoop: reverse mode needs to know how many steps"),
  );
  // what does not depend on the loop has one
  close(grad((a: Tensor) => a.mul(a))(double(3)), double(6), 0, "elsewhere");
});

test("a bounded loop ends at its bound; conditions may use values from outside, and constants", () => {
  const limit = tensor(10, { dtype: "int32" });
  const count = (options = {}): number =>
    whileLoop(
      (i: Tensor) => i.less(limit),
      (i) => i.add(3),
      zeros([], { dtype: "int32" }),
      options,
    ).itemSync();
  assert.equal(count(), 12);
  assert.equal(count({ maxIterations: 2 }), 6);
  assert.equal(count({ maxIterations: 0 }), 0);
  // thousands of turns keep memory flat
  const long = whileLoop(
    (i: Tensor) => i.less(5000),
    (i) => i.add(1),
    zeros([], { dtype: "int32" }),
  );
  assert.equal(long.itemSync(), 5000);
});

test("errors of while loops", () => {
  const zero: Tensor = zeros([2]);
  for (const [f, message] of [
    [
      () =>
        whileLoop(
          (x: Tensor) => x.less(1),
          (x) => x,
          zero,
        ),
      "whileLoop: the condition must give a bool scalar, got bool[2]",
    ],
    [
      () =>
        whileLoop(
          (x: Tensor) => x.less(1).all(),
          (x): Tensor => x.sum(),
          zero,
        ),
      "whileLoop: the state must keep its dtypes and shapes, got float32[2] and then float32[]",
    ],
    [
      () =>
        whileLoop(
          (x: Tensor) => x.less(1).all(),
          (x) => x,
          zero,
          { maxIterations: -1 },
        ),
      "whileLoop: maxIterations must be a non-negative integer, got -1",
    ],
    [
      () => associativeScan((a: Tensor[]) => a, [zeros([2]), zeros([3])]),
      "associativeScan: elements must have one length along the axis",
    ],
  ] as const)
    assert.throws(f, (e: Error) => e.message.startsWith(message), message);
});

testOnDevices(
  (name) => `a loop without turns, and one of the same kernels behind it, on ${name}`,
  () => {
    const [weight, start, xs] = [random([5, 5], 1), random([5], 2), random([3, 5], 3)];
    // The product in the middle reads neither the state nor the sequence: it is one kernel, in both loops.
    const product = (h: Tensor): Tensor => weight.matmul(h).tanh();
    const next = (h: Tensor, x: Tensor): Tensor => product(product(product(h))).add(x);
    const last = (h: Tensor, sequence: Tensor): Tensor =>
      scan((state: Tensor, x: Tensor) => [next(state, x), []], h, sequence)[0];
    const run = compile((sequence: Tensor) => last(last(start, sequence.at("3:")), sequence));
    const expected = [0, 1, 2].reduce((h, t) => next(h, xs.at(t)), start);
    close(run(xs), expected, 1e-13, "the last state");
  },
);

test("associative scans are scans", () => {
  for (const n of [1, 2, 3, 7, 16, 33]) {
    // x ↦ a x + b, composed
    const elements = { a: random([n], n).add(1), b: random([n], n + 1) };
    const then = (p: typeof elements, q: typeof elements) => ({ a: p.a.mul(q.a), b: p.b.mul(q.a).add(q.b) });
    const got = associativeScan(then, elements);
    const [, states] = scan(
      (s: typeof elements, x: typeof elements) => [then(s, x), then(s, x)] as const,
      { a: double(1), b: double(0) },
      elements,
    );
    close(got.a, states.a, 1e-13, `slopes of ${n}`);
    close(got.b, states.b, 1e-13, `offsets of ${n}`);
    const products = associativeScan((p: Tensor, q: Tensor) => p.mul(q), elements.a, { reverse: true });
    close(products, cumprod(elements.a.flip(0), 0).flip(0), 1e-13, "suffixes");
  }
  const matrices = random([2, 5, 2, 2], 3);
  const chain = associativeScan((p: Tensor, q: Tensor) => p.matmul(q), matrices, { axis: 1 });
  const last = [0, 1, 2, 3, 4].map((i) => matrices.at(1, i)).reduce((p, q) => p.matmul(q));
  close(chain.at(1, 4), last, 1e-14, "products of matrices");
  const report = gradcheck(
    (x: Tensor) => associativeScan((p: Tensor, q: Tensor) => p.matmul(q), x),
    random([5, 2, 2], 4),
    { order: 2 },
  );
  assert.ok(report.passed, String(report));
});

test("running extremes and where they were last reached, as in PyTorch", () => {
  // torch.cummax(torch.tensor([1., 3, 2, 3, nan, 4]), 0) and others of PyTorch 1.13
  const x = double([1, 3, 2, 3, 0, 4]);
  const high = cummax(x, 0);
  assert.deepEqual(numbers(high.values), [1, 3, 3, 3, 3, 4]);
  assert.deepEqual(numbers(high.indices), [0, 1, 1, 3, 3, 5]);
  const low = cummin(x, -1);
  assert.deepEqual(numbers(low.values), [1, 1, 1, 1, 0, 0]);
  assert.deepEqual(numbers(low.indices), [0, 0, 0, 0, 4, 4]);
  assert.deepEqual(numbers(cummax(x, 0, { reverse: true }).indices), [5, 5, 5, 5, 5, 5]);
  assert.deepEqual(numbers(cummin(x, 0, { reverse: true }).values), [0, 0, 0, 0, 0, 4]);
  assert.deepEqual(numbers(cummax(double([1, Number.NaN, 2]), 0).values), [1, Number.NaN, Number.NaN]);
  assert.deepEqual(numbers(grad((v: Tensor) => cummax(v, 0).values.sum())(x)), [1, 2, 0, 2, 0, 1]);
});

test("logarithms of running sums", () => {
  const x = random([3, 6], 2).mul(3);
  for (const reverse of [false, true])
    close(logCumSumExp(x, 1, { reverse }), x.exp().cumsum(1, { reverse }).log(), 1e-14, "moderate numbers");
  close(
    logCumSumExp(double([1000, 1000, -1000]), 0),
    double([1000, 1000 + Math.LN2, 1000 + Math.LN2]),
    1e-15,
    "large numbers",
  );
  assert.deepEqual(numbers(logCumSumExp(double([-Infinity, 0]), 0)), [-Infinity, 0]);
  const report = gradcheck((v: Tensor) => logCumSumExp(v, 1), x, { order: 1 });
  assert.ok(report.passed, String(report));
});

test("gradcheck finds the wrong derivative, names its place, and lets the right one pass", () => {
  const wrong = customVjp(
    (x: Tensor) => x.square(),
    (x, _y, g) => x.mul(g).mul(tensor([2, 2.001], { dtype: "float64" })),
  );
  const at = { w: double([1, 3]) };
  const report = gradcheck((m: typeof at) => ({ loss: wrong(m.w) }), at);
  assert.ok(!report.passed);
  assert.equal(report.worst?.mode, "reverse");
  assert.equal(report.worst.input, "w[1]");
  assert.equal(report.worst.output, "loss[1]");
  assert.match(
    String(report),
    /^gradcheck: failed, 8 elements compared\. worst is the derivative of loss\[1\] by w\[1\] in reverse mode: 6\.003, by differences 6\.0/,
  );
  assert.throws(
    () => gradcheck((m: typeof at) => wrong(m.w), at, { raise: true }),
    /^ArgumentError: gradcheck: failed/,
  );
  assert.ok(gradcheck((m: typeof at) => wrong(m.w), at, { modes: ["forward"] }).passed);
  const right = gradcheck((x: Tensor) => x.tanh(), random([2, 3]), { order: 2 });
  assert.ok(right.passed && right.compared === 2 * 36 + 2 * 72, String(right));
  const nan = gradcheck((x: Tensor) => x.sqrt(), double([0]));
  assert.ok(!nan.passed);
  assert.throws(
    () => gradcheck((x: Tensor) => x, zeros([2])),
    /gradcheck: arguments must be float64, got float32\[2\]/,
  );
});
