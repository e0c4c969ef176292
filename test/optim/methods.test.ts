/** Methods in float64 against their papers' formulas, written here once more on plain numbers, and published values. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, grad, tensor, type Tensor } from "typegrad";
import { loadStateDict, stateDict } from "typegrad/nn";
import * as optim from "typegrad/optim";
import * as tree from "typegrad/tree";

type Point = { x: Tensor };
const at = (values: readonly number[]): Point => ({ x: tensor([...values], { dtype: "float64" }) });
const numbers = (x: Tensor): number[] => [...x.dataSync()];

function near(actual: readonly number[], expected: readonly number[], tolerance = 1e-12, what = ""): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((a, i) => {
    const off = Math.abs(a - expected[i]) / (1 + Math.abs(expected[i]));
    assert.ok(off <= tolerance, `${what}[${i}]: ${a} and not ${expected[i]}`);
  });
}

/** `f = Σ cᵢ xᵢ² / 2 + Σ xᵢ⁴ / 10`, and its gradient on numbers. */
const curvatures = [1, 4, 0.3];
const bowl = (p: Point): Tensor =>
  p.x
    .square()
    .mul(tensor(curvatures, { dtype: "float64" }))
    .sum()
    .div(2)
    .add(p.x.pow(4).sum().div(10));
const bowlGradient = (x: readonly number[]): number[] => x.map((v, i) => curvatures[i] * v + 0.4 * v ** 3);
const origin: readonly number[] = [1.2, -0.7, 2.5];

/** Follows a method written on numbers, step by step, eager and compiled. */
function follows(
  name: string,
  make: () => optim.Optimizer,
  method: (rate: number) => (x: readonly number[], t: number) => number[],
  rate: number,
  look: (optimizer: optim.Optimizer, p: Point) => Point = (_, p) => p,
): void {
  for (const compiled of [false, true])
    test(`${name} ${compiled ? "compiled" : "eager"}`, () => {
      const point = at(origin);
      const optimizer = make().init(point);
      const step = (): void => optimizer.update(point, grad(bowl)(look(optimizer, point)));
      const run = compiled ? compile(step, { state: [point, optimizer] }) : step;
      const next = method(rate);
      let expected: readonly number[] = origin;
      for (let t = 0; t < 12; t++) {
        run();
        expected = next(expected, t);
        near(numbers(point.x), expected, 1e-12, `step ${t}`);
      }
    });
}

follows(
  "lion",
  () => optim.lion({ learningRate: 0.05, betas: [0.8, 0.95], weightDecay: 0.1 }),
  (rate) => {
    const m = [0, 0, 0];
    return (x) => {
      const g = bowlGradient(x);
      return x.map((v, i) => {
        const update = Math.sign(0.8 * m[i] + 0.2 * g[i]);
        m[i] = 0.95 * m[i] + 0.05 * g[i];
        return v - rate * (update + 0.1 * v);
      });
    };
  },
  0.05,
);

follows(
  "signSgd",
  () => optim.signSgd({ learningRate: 0.1 }),
  (rate) => (x) => bowlGradient(x).map((g, i) => x[i] - rate * Math.sign(g)),
  0.1,
);

follows(
  "signSgd with momentum",
  () => optim.signSgd({ learningRate: 0.1, momentum: 0.9 }),
  (rate) => {
    const m = [0, 0, 0];
    return (x) =>
      bowlGradient(x).map((g, i) => {
        m[i] = 0.9 * m[i] + 0.1 * g;
        return x[i] - rate * Math.sign(m[i]);
      });
  },
  0.1,
);

const falling = (t: number): number => 0.1 / (1 + t);
follows(
  "heavy ball with a falling rate",
  () => optim.heavyBall({ learningRate: optim.schedules.inversePower({ start: 0.1 }), momentum: 0.8 }),
  () => {
    let before: readonly number[] = origin;
    return (x, t) => {
      const g = bowlGradient(x);
      const next = x.map((v, i) => v - falling(t) * g[i] + 0.8 * (v - before[i]));
      before = x;
      return next;
    };
  },
  0,
);

for (const [name, momentum, beta] of [
  ["a constant momentum", 0.8, () => 0.8],
  ["the momentum of convex functions", undefined, (t: number) => t / (t + 3)],
] as const)
  follows(
    `nesterov with ${name}`,
    () => optim.nesterov({ learningRate: 0.1, momentum }),
    (rate) => {
      let before: readonly number[] = origin;
      return (x, t) => {
        const y = x.map((v, i) => v + beta(t) * (v - before[i]));
        before = x;
        return bowlGradient(y).map((g, i) => y[i] - rate * g);
      };
    },
    0.1,
    (optimizer, p) => (optimizer instanceof optim.Nesterov ? optimizer.lookAhead(p) : p),
  );

test("PyTorch's nesterov follows the points looked ahead to", () => {
  const [ours, theirs] = [at(origin), at(origin)];
  const own = optim.nesterov({ learningRate: 0.1, momentum: 0.8 });
  const sgd = optim.sgd({ learningRate: 0.1, momentum: 0.8, nesterov: true });
  for (let t = 0; t < 8; t++) {
    own.update(ours, grad(bowl)(own.lookAhead(ours)));
    sgd.update(theirs, grad(bowl)(theirs));
    near(numbers(own.lookAhead(ours).x), numbers(theirs.x));
  }
});

/**
 * Runs of PyTorch's first test suite (`test/optim`, `lua.out`): 100 steps from (1.5, 1.5), with this vector in place of
 * Rosenbrock's gradient.
 */
const field = ([x, y]: readonly number[]): number[] => [-400 * x * (y - x * x) - 2 * (1 - x), 200 * x * (y - x * x)];
function published(optimizer: optim.Optimizer, steps: number): number[] {
  const point = at([1.5, 1.5]);
  optimizer.init(point);
  for (let t = 0; t < steps; t++) optimizer.update(point, at(field(numbers(point.x))));
  return numbers(point.x);
}
test("published runs of the heavy ball, Nesterov and AdaGrad", () => {
  near(
    published(optim.sgd({ learningRate: 1e-4, momentum: 0.95, dampening: 0.9 }), 100),
    [1.298650333438, 1.596110748833],
    1e-12,
  );
  near(
    published(optim.sgd({ learningRate: 1e-4, momentum: 0.95, nesterov: true }), 100),
    [1.256090923872, 1.578628894138],
    1e-12,
  );
  near(published(optim.adagrad({ learningRate: 1e-3 }), 2), [1.49829501921, 1.50170497763], 1e-12);
});

test("first steps of Adam are the rate, whatever the gradient", () => {
  const point = at([3, -1e-3, 2]);
  optim.adam({ learningRate: 0.01, epsilon: 0 }).update(point, { x: tensor([5, -1e-6, 40], { dtype: "float64" }) });
  near(numbers(point.x), [2.99, -1e-3 + 0.01, 1.99]);
});

test("AMSGrad turns round where Adam goes the wrong way (Reddi et al. 2018)", () => {
  // Gradients 1010 at every 101st step and -10 else: the minimum on [-1, 1] is -1.
  const ends = [false, true].map((amsgrad) => {
    const point = at([0]);
    const learningRate: optim.Rate = (count) => count.astype("float64").add(1).rsqrt().mul(0.5);
    const projection = optim.projections.box(-1, 1);
    const optimizer = optim.adam({ learningRate, betas: [0.9, 0.99], amsgrad, projection }).init(point);
    const step = compile((g: Tensor) => optimizer.update(point, { x: g }), { state: [point, optimizer] });
    for (let t = 1; t <= 20_000; t++) step(tensor([t % 101 === 1 ? 1010 : -10], { dtype: "float64" }));
    return numbers(point.x)[0];
  });
  assert.ok(ends[0] > 0.9, `Adam ends at ${ends[0]}`);
  assert.ok(ends[1] < -0.9, `AMSGrad ends at ${ends[1]}`);
});

test("every optimizer's state is saved and loaded: a run goes on as if never interrupted", () => {
  const make: readonly (() => optim.Optimizer)[] = [
    () => optim.sgd({ learningRate: 0.01, momentum: 0.9, dampening: 0.1 }),
    () => optim.heavyBall({ learningRate: 0.01 }),
    () => optim.nesterov({ learningRate: optim.schedules.inversePower({ start: 0.1 }) }),
    () => optim.adam(),
    () => optim.amsgrad(),
    () => optim.adamw(),
    () => optim.nadam(),
    () => optim.radam(),
    () => optim.adamax(),
    () => optim.lion(),
    () => optim.signSgd({ learningRate: 0.1, momentum: 0.9 }),
    () => optim.rmsprop({ centered: true, momentum: 0.5 }),
    () => optim.adagrad({ learningRateDecay: 0.1 }),
    () => optim.adadelta(),
  ];
  const go = (optimizer: optim.Optimizer, point: Point, steps: number): void => {
    for (let t = 0; t < steps; t++) optimizer.update(point, grad(bowl)(point));
  };
  for (const one of make) {
    const whole = at(origin);
    go(one(), whole, 7);
    const [first, point] = [one(), at(origin)];
    go(first, point, 3);
    const second = one().init(point);
    loadStateDict(second, stateDict(first));
    go(second, point, 4);
    assert.deepEqual(numbers(point.x), numbers(whole.x));
    assert.notDeepEqual(numbers(point.x), origin);
  }
});

test("maximize goes up", () => {
  const point = at([1]);
  optim.sgd({ learningRate: 0.5, maximize: true }).update(point, { x: tensor([3], { dtype: "float64" }) });
  assert.deepEqual(numbers(point.x), [2.5]);
});

test("averages: of all, of the tail, exponential with and without correction", () => {
  const values = [3, -1, 4, 1, 5, -9];
  const point = at([100]);
  const kinds = {
    all: optim.polyakAverage(point),
    tail: optim.polyakAverage(point, { start: 2 }),
    plain: optim.ema(point, { decay: 0.7 }),
    corrected: optim.ema(point, { decay: 0.7, debias: true }),
  };
  let plain = 100;
  values.forEach((v, n) => {
    point.x = tensor([v], { dtype: "float64" });
    for (const kind of Object.values(kinds)) kind.update(point);
    const seen = values.slice(0, n + 1);
    const tail = n < 2 ? [v] : seen.slice(2);
    const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b) / list.length;
    // Σ 0.7^(n-i) vᵢ / Σ 0.7^(n-i)
    const weights = seen.map((_, i) => 0.7 ** (n - i));
    const weighted = seen.reduce((a, b, i) => a + b * weights[i], 0) / weights.reduce((a, b) => a + b);
    plain = 0.7 * plain + 0.3 * v;
    const found = Object.values(kinds).map((kind) => numbers(kind.model(point).x)[0]);
    near(found, [mean(seen), mean(tail), plain, weighted]);
  });
  kinds.all.copyTo(point);
  near(numbers(point.x), [0.5]);
});

test("a majority decides each sign", () => {
  const votes = [
    [1, -2, 3, 0],
    [5, -1, -1, 0],
    [-9, -3, -0.1, 1],
  ];
  const [x] = tree.leaves(optim.majorityVote(votes.map(at)));
  assert.deepEqual(numbers(x), [1, -1, -1, 1]);
  assert.throws(() => optim.majorityVote([]), /at least one gradient/);
});

/** Ridge regression with six rows; number i has the loss `½ (aᵢ·x - bᵢ)² + 0.05 ‖x‖²`. */
const rows = [
  [1, 0.5, -1],
  [0.3, -2, 1],
  [2, 1, 0.2],
  [-1, 1.5, 0.7],
  [0.1, 0.4, 1.8],
  [1.1, -0.6, 0.9],
];
const targets = [1, -2, 0.5, 3, -1, 2];
const rowLoss = (p: Point, a: Tensor, b: Tensor): Tensor =>
  a.matmul(p.x).sub(b).square().mean().div(2).add(p.x.square().sum().mul(0.05));
const matrix = tensor(rows, { dtype: "float64" });
const vector = tensor(targets, { dtype: "float64" });
const fullLoss = (p: Point): Tensor => rowLoss(p, matrix, vector);

test("svrg: the correction has mean zero and vanishes at the anchor", () => {
  const point = at([0.5, -1, 2]);
  const reduction = optim.svrg(point);
  reduction.snapshot(point, grad(fullLoss)(point));
  const gradients = (p: Point): number[][] =>
    rows.map((_, i) => {
      const [a, b] = [matrix.at([i]), vector.at([i])];
      return numbers(reduction.valueAndGrad((m: Point) => rowLoss(m, a, b))(p)[1].x);
    });
  const full = numbers(grad(fullLoss)(point).x);
  for (const g of gradients(point)) near(g, full);
  const elsewhere = at([1, 1, 1]);
  const found = gradients(elsewhere);
  near(
    full.map((_, k) => found.reduce((sum, g) => sum + g[k], 0) / rows.length),
    numbers(grad(fullLoss)(elsewhere).x),
  );
  assert.ok(found.some((g) => Math.abs(g[0] - found[0][0]) > 0.1));
});

test("svrg converges linearly at a constant rate where sgd stalls", () => {
  const point = at([0, 0, 0]);
  const reduction = optim.svrg(point);
  const optimizer = optim.sgd({ learningRate: 0.05 });
  const plain = at([0, 0, 0]);
  const other = optim.sgd({ learningRate: 0.05 });
  const step = compile(
    (a: Tensor, b: Tensor) => {
      const [, g] = reduction.valueAndGrad((m: Point) => rowLoss(m, a, b))(point);
      optimizer.update(point, g);
      other.update(plain, grad((m: Point) => rowLoss(m, a, b))(plain));
    },
    { state: [point, plain, reduction, optimizer.init(point), other.init(plain)] },
  );
  const full = compile((p: Point) => grad(fullLoss)(p).x);
  const size = (p: Point): number => Math.hypot(...numbers(full(p)));
  const batches = rows.map((_, i) => [matrix.at([i]), vector.at([i])] as const);
  for (let epoch = 0; epoch < 60; epoch++) {
    reduction.snapshot(point, { x: full(point) });
    // A fixed order that is no cycle: i ↦ (5 i² + epoch) mod 6 visits with repetition.
    for (let i = 0; i < 30; i++) step(...batches[(((i * i * 5 + i * 7 + epoch) % 6) + 6) % 6]);
  }
  assert.ok(size(point) < 1e-10, `svrg: ${size(point)}`);
  assert.ok(size(plain) > 1e-3, `sgd: ${size(plain)}`);
});
