import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, gradcheck, jvp, random, type Tensor, tree, vmap } from "typegrad";
import * as distributions from "typegrad/distributions";
import { Distribution, kl, UnavailableError } from "typegrad/distributions";
import { expectation, ruleOf } from "./integrals.js";
import { kinds } from "./kinds.js";
import { near } from "./support.js";

const abstract = new Set(["Distribution", "Univariate", "LocationScale"]);

test("every kind that is exported is tested", () => {
  const isKind = (x: unknown): x is { name: string } =>
    typeof x === "function" && x.prototype instanceof Distribution && !abstract.has(x.name);
  const exported = new Set(
    Object.values(distributions)
      .filter(isKind)
      .map((x) => x.name),
  );
  assert.deepEqual(Object.keys(kinds).toSorted(), [...exported].toSorted());
});

interface Example {
  readonly title: string;
  readonly of: Distribution;
}
const examples: readonly Example[] = Object.entries(kinds).flatMap(([name, kind]) =>
  kind.examples({ dtype: "float64" }).map((of, i) => ({ title: `${name} ${i}`, of })),
);
const numbers = examples.filter(({ of }) => of.eventShape.length === 0);
const densities = numbers.filter(({ of }) => !of.isDiscrete);

/** What a distribution may not have. */
function maybe<T>(f: () => T): T | null {
  try {
    return f();
  } catch (error) {
    if (error instanceof UnavailableError) return null;
    throw error;
  }
}

for (const { title, of } of numbers)
  test(`${title}: probability is 1, moments, entropy and generating function are integrals`, () => {
    const rule = ruleOf(of);
    const one = expectation(of, (x) => x.mul(0).add(1), rule);
    near("probability", one, one.mul(0).add(1), 1e-9);
    const mean = maybe(() => of.mean);
    const variance = maybe(() => of.variance);
    // heavy tails need more than numbers hold
    const hasMean = !title.startsWith("Cauchy") && !title.startsWith("StudentT");
    if (mean !== null && hasMean)
      near(
        "mean",
        expectation(of, (x) => x, rule),
        mean,
        1e-7,
      );
    if (mean !== null && variance !== null && hasMean)
      near(
        "variance",
        expectation(of, (x) => x.sub(mean).square(), rule),
        variance,
        1e-7,
      );
    const entropy = title === "Binomial 0" ? null : maybe(() => of.entropy()); // counts of several sizes
    if (entropy !== null)
      near(
        "entropy",
        expectation(of, (x) => of.logProb(x).neg(), rule),
        entropy,
        1e-7,
      );
    const t = 0.04;
    const mgf = maybe(() => of.mgf(t));
    if (mgf !== null)
      near(
        "mgf",
        expectation(of, (x) => x.mul(t).exp(), rule),
        mgf,
        1e-6,
      );
    if (mgf !== null && mean !== null) {
      const [value, slope] = jvp((s: Tensor) => of.mgf(s), one.mul(0), one);
      near("mgf(0)", value, one.mul(0).add(1), 1e-14);
      near("mgf'(0)", slope, mean, 1e-10);
    }
  });

for (const { title, of } of numbers)
  test(`${title}: the distribution function adds up the density, its inverse inverts it`, () => {
    if (of.isDiscrete) {
      const { points } = ruleOf(of);
      const x = points.at(":500");
      near("cdf", of.cdf(x), of.logProb(x).exp().cumsum(0), 1e-12);
      near("cdf between", of.cdf(x.add(0.5)), of.cdf(x), 0);
    } else {
      const x = of.sample(random.key(3), [5]);
      const [, slope] = jvp((v: Tensor) => of.cdf(v), x, x.mul(0).add(1));
      near("cdf'", slope, of.logProb(x).exp(), 1e-8);
    }
    const p = random.uniform(random.key(4), [7, 1], { dtype: "float64" });
    const quantile = maybe(() => of.icdf(p));
    if (quantile === null) return;
    if (!of.isDiscrete) return near("cdf(icdf)", of.cdf(quantile), p.broadcastTo(quantile.shape), 1e-10);
    assert.ok(of.cdf(quantile).greaterEqual(p).all().itemSync(), "enough");
    assert.ok(of.cdf(quantile.sub(1)).less(p).all().itemSync(), "not too much");
    near(
      "ends",
      of.icdf(p.mul(0)),
      of.sample(random.key(1)).astype("float64").mul(0).expandDims(0).broadcastTo(quantile.shape),
      0,
    );
  });

for (const { title, of } of examples)
  test(`${title}: derivatives, vmap and compile`, () => {
    const x = of.sample(random.key(9));
    const byParameters = gradcheck((m: Distribution) => m.logProb(x).astype("float64"), of, {
      relativeTolerance: 1e-5,
      absoluteTolerance: 1e-6,
    });
    assert.ok(byParameters.passed, String(byParameters));
    if (!of.isDiscrete && of.eventShape.length === 0) {
      const byValue = gradcheck((v: Tensor) => of.logProb(v), x, { relativeTolerance: 1e-5, step: 1e-5 });
      assert.ok(byValue.passed, String(byValue));
    }
    const density = of.logProb(x);
    const size = of.batchShape[0];
    const mapped = vmap((m: Distribution, v: Tensor) => m.logProb(v));
    near("vmap", mapped(of, x), density, 1e-13);
    for (let i = 0; i < size; i++)
      near("one of the batch", tree.map((leaf) => leaf.at(i), of).logProb(x.at(i)), [density.dataSync()[i]], 1e-13);
    near("compile", compile((m: Distribution, v: Tensor) => m.logProb(v))(of, x), density, 1e-13);
    const draw = (k: random.Key) => of.sample(k, [2]);
    near("compiled samples", compile(draw)(random.key(5)), draw(random.key(5)), 1e-12);
    const keys = random.split(random.key(6), 2);
    const rows = random.bits(random.key(6), [2, 2]);
    near(
      "mapped samples",
      vmap((k: Tensor) => draw(random.foldIn(k.reshape([2]), 0)))(rows).at(1),
      draw(random.foldIn(keys[1], 0)),
      1e-12,
    );
  });

for (const { title, of } of densities)
  test(`${title}: rsample moves as the distribution does`, () => {
    const key = random.key(8);
    if (!of.hasRsample) {
      assert.throws(() => of.rsample(key), { name: "UnavailableError", message: /\.rsample: .* that has none/ });
      return;
    }
    // F(x(θ); θ) stays what it is: dx/dθ = -∂F/∂θ / p
    const x = of.rsample(key, [3]);
    near("sample", of.sample(key, [3]), x, 0);
    const unit = tree.map((leaf, path) => (path.includes("training") ? leaf : leaf.mul(0).add(1)), of);
    const [, moved] = jvp((m: Distribution) => m.rsample(key, [3]), of, unit);
    const [, pushed] = jvp((m: Distribution) => m.cdf(x), of, unit);
    near("dx/dθ", moved, pushed.div(of.logProb(x).exp()).neg(), 1e-7);
    const [, still] = jvp((m: Distribution) => m.sample(key, [3]), of, unit);
    near("sample has no derivative", still, x.mul(0), 0);
  });

/** The distribution with every parameter changed a little, but for those that say where its support ends. */
function changed({ title, of }: Example): Distribution {
  const isFixed = (path: string): boolean =>
    /totalCount|low|high/.test(path) || (title.startsWith("Laplace") && path === "loc");
  return tree.map((leaf, path) => (isFixed(path) ? leaf : leaf.mul(1.05)), of);
}

for (const example of numbers)
  test(`${example.title}: divergences in closed form are integrals`, () => {
    const { of } = example;
    const other = changed(example);
    const divergence = maybe(() => kl(of, other));
    if (divergence === null) return;
    near("to itself", kl(of, of), divergence.mul(0), 1e-12);
    near(
      "kl",
      expectation(of, (x) => of.logProb(x).sub(other.logProb(x))),
      divergence,
      1e-7,
    );
  });

for (const { title, of } of examples)
  test(`${title}: shapes`, () => {
    const x = of.sample(random.key(2), [4, 3]);
    assert.deepEqual([...x.shape], [4, 3, ...of.batchShape, ...of.eventShape]);
    assert.deepEqual([...of.logProb(x).shape], [4, 3, ...of.batchShape]);
    assert.ok(of.support.check(x).all().itemSync(), "samples lie in the support");
    assert.ok(of.logProb(x).isFinite().all().itemSync());
    const wide = of.expand([2, ...of.batchShape]);
    assert.ok(wide instanceof of.constructor);
    assert.deepEqual([...wide.batchShape], [2, ...of.batchShape]);
    assert.deepEqual([...wide.sample([5]).shape], [5, 2, ...of.batchShape, ...of.eventShape]);
    near("expanded", wide.logProb(x.at(0, ":2")), of.logProb(x.at(0, ":2")), 1e-13);
    const mode = maybe(() => of.mode);
    if (mode === null) return;
    const top = of.logProb(mode);
    assert.ok(of.logProb(x).lessEqual(top.add(1e-12)).or(top.isNaN()).all().itemSync(), "nothing is above the mode");
  });
