import assert from "node:assert/strict";
import { test } from "node:test";
import { random, tensor, type Tensor } from "typegrad";
import * as d from "typegrad/distributions";
import { gammaincc } from "typegrad/special";
import { kinds } from "./kinds.js";

const draws = 20_000;
/** The chance that one right sampler fails one test; the seeds are fixed, so that none does by chance. */
const level = 1e-3;

/** `P(√n D > x)` of the Kolmogorov-Smirnov statistic D, for n → ∞ (A. N. Kolmogorov 1933). */
function kolmogorov(x: number): number {
  if (x < 0.3) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) sum += 2 * (-1) ** (k - 1) * Math.exp(-2 * k * k * x * x);
  return sum;
}

/** The p-value of uniform numbers by the test of Kolmogorov and Smirnov. */
function uniformity(u: Float64Array): number {
  const sorted = u.toSorted();
  const n = sorted.length;
  const distance = sorted.reduce((most, x, i) => Math.max(most, (i + 1) / n - x, x - i / n), 0);
  return kolmogorov(distance * (Math.sqrt(n) + 0.12 + 0.11 / Math.sqrt(n))); // M. A. Stephens 1970
}

/** The p-value of counts of 0, 1, 2, … by Pearson's χ², values taken together until 8 are expected. */
function agreement(values: Float64Array, probabilities: Float64Array): number {
  const counts = new Float64Array(probabilities.length + 1);
  for (const x of values) counts[Math.min(x, probabilities.length)]++;
  const cells: { expected: number; seen: number }[] = [{ expected: 0, seen: 0 }];
  let rest = values.length;
  probabilities.forEach((p, k) => {
    const last = cells[cells.length - 1];
    const cell = last.expected >= 8 && rest >= 8 ? { expected: 0, seen: 0 } : last;
    if (cell !== last) cells.push(cell);
    cell.expected += p * values.length;
    cell.seen += counts[k];
    rest -= p * values.length;
  });
  cells[cells.length - 1].expected += rest;
  cells[cells.length - 1].seen += counts[probabilities.length];
  const statistic = cells.reduce((sum, { expected, seen }) => sum + (seen - expected) ** 2 / expected, 0);
  const freedom = tensor((cells.length - 1) / 2, { dtype: "float64" });
  return cells.length === 1 ? 1 : gammaincc(freedom, statistic / 2).itemSync();
}

/** The elements along the first axis, for each place in the others. */
function columns(x: Tensor): Float64Array[] {
  const count = x.size / x.shape[0];
  const data = x.dataSync();
  return Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length: x.shape[0] }, (_, k) => data[k * count + i]),
  );
}

/** p-values for each of a batch of distributions of numbers and samples `[n, ...batch]`. */
function fit(of: d.Distribution, x: Tensor): number[] {
  const wide = x.astype("float64");
  if (!of.isDiscrete) return columns(of.cdf(wide)).map(uniformity);
  const values = tensor(Float64Array.from({ length: 700 }, (_, i) => i)).reshape([-1, ...of.batchShape.map(() => 1)]);
  const tables = columns(of.logProb(values).exp());
  return columns(wide).map((sample, i) => agreement(sample, tables[i]));
}

/** A distribution of numbers that follows from one of vectors, and what its samples are. */
type Margin = (of: d.Distribution, x: Tensor) => readonly [d.Distribution, Tensor];
const narrowed =
  <D extends d.Distribution>(
    kind: abstract new (...args: never[]) => D,
    f: (of: D, x: Tensor) => readonly [d.Distribution, Tensor],
  ): Margin =>
  (of, x) => {
    assert.ok(of instanceof kind);
    return f(of, x);
  };
/** Of a normal vector, the component in a direction. */
const projection = (of: d.MultivariateNormal, x: Tensor): readonly [d.Distribution, Tensor] => {
  const direction = tensor(Float64Array.from({ length: of.eventShape[0] }, (_, i) => 1 / (i + 1) - 0.4));
  const spread = of.covarianceMatrix.mul(direction).sum(-1).mul(direction).sum(-1).sqrt();
  return [new d.Normal(of.loc.mul(direction).sum(-1), spread), x.mul(direction).sum(-1)];
};
const margins: Readonly<Record<string, Margin>> = {
  Dirichlet: narrowed(d.Dirichlet, (of, x) => {
    const a = of.concentration.at("...", 0);
    return [new d.Beta(a, of.concentration.sum(-1).sub(a)), x.at("...", 0)];
  }),
  MultivariateNormal: narrowed(d.MultivariateNormal, projection),
  LowRankMultivariateNormal: narrowed(d.LowRankMultivariateNormal, (of, x) => projection(of.full(), x)),
  TransformedDistribution: narrowed(d.TransformedDistribution, (of, x) => [of.base, of.transform.inverse(x)]),
  Mixture: narrowed(d.Mixture, (of, x) => {
    assert.ok(of.components instanceof d.MultivariateNormal);
    const { loc, variance } = of.components;
    const parts = new d.Normal(loc.at("...", 1), variance.at("...", 1).sqrt());
    return [new d.Mixture(of.mixing, parts), x.at("...", 1)];
  }),
};

/** Distributions of numbers whose samples are to be tested; those of vectors by a margin, until none is left. */
function asNumbers(name: string, of: d.Distribution, x: Tensor): readonly [d.Distribution, Tensor] {
  if (of.eventShape.length === 0) return [of, x];
  if (of instanceof d.Independent) return asNumbers(name, of.base, x);
  const margin = margins[of.constructor.name];
  assert.ok(margin !== undefined, `${name}: a distribution of vectors needs a margin`);
  return asNumbers(name, ...margin(of, x));
}
Object.entries(kinds).forEach(([name, kind], seed) =>
  kind.examples({ dtype: "float32" }).forEach((narrow, i) => {
    const of = kind.examples({ dtype: "float64" })[i];
    test(`${name} ${i}: samples have the distribution and its moments`, (t) => {
      const x = narrow.sample(random.key(100 + seed), [draws]);
      const values = fit(...asNumbers(name, of, x.astype("float64")));
      t.diagnostic(`p-values ${values.map((p) => p.toFixed(4)).join(", ")}`);
      assert.ok(values.length > 0 && values.every((p) => p > level), `p-values ${values.join(", ")}`);
      checkMoments(of, x.astype("float64"));
    });
  }),
);

/** Sample means and variances within five standard errors, where the distribution has moments and says so. */
function checkMoments(of: d.Distribution, x: Tensor): void {
  let moments: readonly [Tensor, Tensor];
  try {
    moments = [of.mean, of.variance];
  } catch (error) {
    if (error instanceof d.UnavailableError) return;
    throw error;
  }
  const [mean, variance] = moments;
  const squares = x.sub(mean).square();
  const pairs = [
    [x, mean],
    [squares, variance],
  ] as const;
  for (const [values, expected] of pairs) {
    const error = values.std(0).div(Math.sqrt(draws)).mul(5);
    const off = values.mean(0).sub(expected).abs().sub(error);
    const isUnknown = expected.isFinite().not().or(variance.isFinite().not());
    assert.ok(off.lessEqual(1e-7).or(isUnknown).all().itemSync(), `${values.mean(0)} for ${expected}, up to ${error}`);
  }
}

test("the tests see what is wrong", () => {
  const key = random.key(1);
  const [normal, poisson] = [new d.Normal(0, tensor([1.05])), new d.Poisson(tensor([4.15]))];
  const worst = (of: d.Distribution, x: Tensor): number => Math.min(...fit(of, x));
  assert.ok(worst(new d.Normal(0, tensor([1])), normal.sample(key, [draws])) < 1e-3);
  assert.ok(worst(new d.Poisson(tensor([4])), poisson.sample(key, [draws])) < 1e-6);
  assert.throws(() => checkMoments(new d.Poisson(tensor([4])), poisson.sample(key, [draws])));
  assert.ok(Math.abs(kolmogorov(1.3581) - 0.05) < 1e-4); // the table's 5 % point
});

test("extreme parameters", () => {
  const f64 = { dtype: "float64" } as const;
  const key = random.key(7);
  const tiny = new d.Gamma(tensor([1e-3], f64), 1).sample(key, [2000]);
  assert.ok(tiny.greaterEqual(0).all().itemSync());
  const ends = new d.Beta(tensor([1e-3], f64), 1e-3).sample(key, [4000]); // almost a coin
  assert.ok(ends.isNaN().any().not().itemSync());
  assert.ok(Math.abs(ends.mean().itemSync() - 0.5) < 0.05);
  const thin = new d.Dirichlet(tensor([1e-3, 1e-3, 1e-3], f64)).sample(key, [500]);
  assert.ok(thin.sum(-1).sub(1).abs().max().itemSync() < 1e-12);
  for (const [of, mean, variance] of [
    [new d.Poisson(1e9, f64), 1e9, 1e9],
    [new d.Poisson(0), 0, 0],
    [new d.Binomial(1e9, { probs: 0.25, ...f64 }), 2.5e8, 1.875e8],
    [new d.Binomial(50, { probs: 1 }), 50, 0],
    [new d.Binomial(50, { probs: 0 }), 0, 0],
    [new d.Binomial(0, { probs: 0.5 }), 0, 0],
    [new d.Geometric({ probs: 1 }), 0, 0],
    [new d.Bernoulli({ probs: 1 }), 1, 0],
    [new d.NegativeBinomial(3, { probs: 0 }), 0, 0],
  ] as const) {
    const x = of.sample(key, [4000]).astype("float64");
    assert.ok(
      Math.abs(x.mean().itemSync() - mean) <= 5 * Math.sqrt(variance / 4000),
      `${of.constructor.name} of mean ${mean}`,
    );
    assert.ok(Math.abs(x.sub(mean).square().mean().itemSync() - variance) <= 0.12 * variance);
  }
  // a parameter that is not checked and is no number gives no number, and ends
  const free = { validate: false } as const;
  for (const of of [
    new d.Gamma(Number.NaN, 1, free),
    new d.Poisson(Number.NaN, free),
    new d.Binomial(9, { probs: Number.NaN, ...free }),
  ])
    assert.ok(of.sample(key, [3]).isNaN().all().itemSync());
});

test("keys and the default generator", () => {
  const of = new d.Normal(0, 1);
  const same = of.sample(random.key(3), [4]).dataSync();
  assert.deepEqual(of.sample(random.key(3), [4]).dataSync(), same);
  assert.notDeepEqual(of.sample(random.key(4), [4]).dataSync(), same);
  random.manualSeed(5);
  const first = of.sample([2]).dataSync();
  assert.notDeepEqual(of.sample([2]).dataSync(), first);
  random.manualSeed(5);
  assert.deepEqual(of.sample([2]).dataSync(), first);
  assert.deepEqual(of.sample().shape, []);
});
