import assert from "node:assert/strict";
import { test } from "node:test";
import { ArgumentError, compile, grad, gradcheck, ShapeError, tensor, type Tensor, vmap } from "typegrad";
import {
  conditionalEntropy,
  crossEntropyBetween,
  entropy,
  js,
  JointTable,
  kl,
  mutualInformation,
  pointwiseMutualInformation,
} from "typegrad/information";

const f64 = { dtype: "float64" } as const;
const near = (got: Tensor, expected: number | readonly number[], tolerance = 1e-14): void => {
  const wanted = typeof expected === "number" ? [expected] : expected;
  assert.equal(got.size, wanted.length);
  got
    .dataSync()
    .forEach((x, i) => assert.ok(x === wanted[i] || Math.abs(x - wanted[i]) <= tolerance, `${x} for ${wanted[i]}`));
};
/** P(weather, umbrella): 2 × 3, no zeros, dependent. */
const joint = tensor(
  [
    [0.1, 0.25, 0.05],
    [0.3, 0.1, 0.2],
  ],
  f64,
);
const numbers = joint.toArraySync() as readonly (readonly number[])[];
const sumOver = (f: (p: number, i: number, j: number) => number): number =>
  numbers.reduce((total, row, i) => total + row.reduce((s, p, j) => s + f(p, i, j), 0), 0);
const rows = numbers.map((row) => row.reduce((a, b) => a + b, 0));
const columns = [0, 1, 2].map((j) => numbers[0][j] + numbers[1][j]);

test("entropy in nats, bits and other bases", () => {
  const p = tensor([0.5, 0.25, 0.25], f64);
  near(entropy(p), 1.5 * Math.LN2);
  near(entropy(p, { unit: "bits" }), 1.5);
  near(entropy(p, { base: 4 }), 0.75);
  near(entropy(tensor([0, 1, 0], f64)), 0);
  near(entropy(tensor([1, 1, 1, 1], f64).div(4), { base: 2 }), 2);
  near(
    entropy(
      tensor(
        [
          [0.5, 0.5],
          [0, 1],
        ],
        f64,
      ),
      { axes: -1, unit: "bits" },
    ),
    [1, 0],
  );
  assert.equal(entropy(tensor([0.5, 0.5])).dtype, "float32");
});

test("Kullback-Leibler, cross-entropy and Jensen-Shannon", () => {
  const [p, q] = [tensor([0.5, 0.5], f64), tensor([0.25, 0.75], f64)];
  near(kl(p, q), Math.log(2 / Math.sqrt(3)));
  near(kl(q, p), 0.75 * Math.log(3) - Math.LN2);
  near(crossEntropyBetween(p, q), -0.5 * Math.log(3 / 16));
  near(crossEntropyBetween(p, q).sub(entropy(p)).sub(kl(p, q)), 0, 1e-15);
  const [a, b] = [tensor([0.5, 0.5, 0, 0], f64), tensor([0, 0, 0.25, 0.75], f64)];
  near(kl(a, b), Number.POSITIVE_INFINITY);
  near(crossEntropyBetween(a, b), Number.POSITIVE_INFINITY);
  near(js(a, b), Math.LN2);
  near(js(a, b, { unit: "bits" }), 1);
  near(js(p, q).sub(js(q, p)), 0, 1e-16);
  near(kl(tensor([1, 0], f64), tensor([0.5, 0.5], f64), { unit: "bits" }), 1);
});

test("conditional entropy and mutual information by their sums", () => {
  const table = new JointTable(joint, ["weather", "umbrella"]);
  const hY = sumOver((p, i) => -p * Math.log(p / rows[i]));
  const hX = sumOver((p, _, j) => -p * Math.log(p / columns[j]));
  near(conditionalEntropy(joint, { of: 1, given: 0 }), hY);
  near(conditionalEntropy(table, { of: "umbrella", given: "weather" }), hY);
  near(conditionalEntropy(table, { of: "weather", given: "umbrella" }), hX);
  const mutual = sumOver((p, i, j) => p * Math.log(p / (rows[i] * columns[j])));
  near(mutualInformation(joint), mutual);
  near(mutualInformation(table, { between: ["umbrella", "weather"], unit: "bits" }), mutual / Math.LN2);
  const pmi = numbers.flatMap((row, i) => row.map((p, j) => Math.log(p / (rows[i] * columns[j]))));
  near(pointwiseMutualInformation(joint), pmi);
  const product = tensor(rows, f64).reshape([2, 1]).mul(tensor(columns, f64));
  near(pointwiseMutualInformation(product), [0, 0, 0, 0, 0, 0], 1e-15);
  near(mutualInformation(product), 0, 1e-15);
});

test("of three variables: exclusive or is pairwise independent, and dependent given the third", () => {
  // P(x, y, x xor y) with fair x and y
  const xor = tensor(
    [
      [
        [0.25, 0],
        [0, 0.25],
      ],
      [
        [0, 0.25],
        [0.25, 0],
      ],
    ],
    f64,
  );
  const table = new JointTable(xor, ["x", "y", "z"]);
  near(mutualInformation(table, { between: ["x", "y"] }), 0);
  near(mutualInformation(table, { between: ["x", "y"], given: "z", unit: "bits" }), 1);
  near(mutualInformation(table, { between: ["z", ["x", "y"]], unit: "bits" }), 1);
  near(conditionalEntropy(table, { of: "z", given: ["x", "y"] }), 0);
  near(conditionalEntropy(table, { of: ["y", "z"], given: "x", unit: "bits" }), 1);
  assert.equal(table.areIndependent("x", "y"), true);
  assert.equal(table.areIndependent("x", "y", { given: "z" }), false);
  near(pointwiseMutualInformation(table, { between: ["x", "y"] }), [0, 0, 0, 0]);
  assert.throws(() => mutualInformation(table), /of more than two variables two must be named, got float64\[2,2,2\]/);
});

test("sum, product and Bayes' rule on a table", () => {
  // prior 1 %, sensitivity 99 %, specificity 95 %
  const table = new JointTable(
    tensor(
      [
        [0.99 * 0.95, 0.99 * 0.05],
        [0.01 * 0.01, 0.01 * 0.99],
      ],
      f64,
    ),
    ["ill", "positive"],
  );
  near(table.observe({ positive: 1 }).probabilities, [5 / 6, 1 / 6]);
  near(table.marginal("ill").probabilities, [0.99, 0.01]);
  near(table.conditional("positive", "ill"), [0.95, 0.01, 0.05, 0.99]);
  near(table.marginal(["positive", "ill"]).probabilities, [0.9405, 0.0001, 0.0495, 0.0099]);
  assert.deepEqual(table.marginal(["positive", "ill"]).names, ["positive", "ill"]);
  near(JointTable.fromCounts(tensor([1, 3], { dtype: "int32" })).probabilities, [0.25, 0.75]);
  near(table.observe({ 0: 1 }).probabilities, [0.01, 0.99]);
});

test("conditional independence of a common cause", () => {
  const z = tensor([0.4, 0.6], f64);
  const [x, y] = [
    tensor(
      [
        [0.2, 0.8],
        [0.7, 0.3],
      ],
      f64,
    ),
    tensor(
      [
        [0.5, 0.5],
        [0.1, 0.9],
      ],
      f64,
    ),
  ]; // [z, value]
  const table = new JointTable(
    z
      .reshape([2, 1, 1])
      .mul(x.reshape([2, 2, 1]))
      .mul(y.reshape([2, 1, 2])),
    ["z", "x", "y"],
  );
  assert.equal(table.areIndependent("x", "y", { given: "z", tolerance: 1e-15 }), true);
  assert.equal(table.areIndependent("x", "y"), false);
});

test("derivatives, vmap and compile", () => {
  const logits = tensor([0.3, -0.2, 0.9], f64);
  const q = tensor([0.2, 0.5, 0.3], f64);
  const softmax = (x: Tensor): Tensor => x.exp().div(x.exp().sum());
  for (const f of [
    (x: Tensor) => entropy(softmax(x)),
    (x: Tensor) => kl(softmax(x), q),
    (x: Tensor) => kl(q, softmax(x)),
    (x: Tensor) => js(softmax(x), q),
    (x: Tensor) => crossEntropyBetween(q, softmax(x)),
  ]) {
    assert.ok(gradcheck(f, logits).passed);
    near(compile(f)(logits), f(logits).itemSync());
    near(vmap(f)(tensor([[0.3, -0.2, 0.9]], f64)), f(logits).itemSync());
  }
  // zero probabilities leave the derivative of the others as it is
  const slope = grad((p: Tensor) => kl(p, q, { unit: "nats" }).sum())(tensor([0.5, 0.5, 0], f64));
  near(slope, [Math.log(2.5) + 1, 1, 0]);
});

test("what is no distribution is told", () => {
  assert.throws(() => entropy(tensor([0.5, 0.6])), {
    name: ArgumentError.name,
    message: /^entropy: probabilities must sum to 1, got a sum of 1\.1\d* in float32\[2\]\. divide by the sum/,
  });
  assert.throws(
    () => kl(tensor([0.5, 0.5]), tensor([-0.5, 1.5])),
    /kl: probabilities must be numbers from 0, got -0.5/,
  );
  assert.throws(() => entropy(tensor([Number.NaN, 1])), /must be numbers from 0, got NaN/);
  assert.throws(() => js(tensor([0.5, 0.5]), tensor([1])), ShapeError);
  assert.throws(() => entropy(tensor([1]), { base: 1 }), /entropy: the base must be positive and not 1, got 1/);
  assert.throws(() => entropy(tensor([1]), { base: 2, unit: "bits" }), /give a unit or a base/);
  assert.throws(() => new JointTable(joint, ["a"]), /each axis must have a name of its own/);
  const table = new JointTable(joint, ["a", "b"]);
  assert.throws(() => table.marginal("c"), /marginal: variables must be axes of float64\[2,3\] \(a, b\), got c/);
  assert.throws(() => table.marginal(["a", 0]), /each variable must be named once/);
  assert.throws(() => table.observe({ b: 3 }), /a value of b must be an integer from 0 to 2, got 3/);
  assert.throws(() => mutualInformation(table, { between: ["a", "a"] }), /each variable must be named once|named once/);
});
