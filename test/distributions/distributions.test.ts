import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  ArgumentError,
  compile,
  eye,
  grad,
  jvp,
  type Nested,
  random,
  ShapeError,
  tensor,
  type Tensor,
  vmap,
} from "typegrad";
import * as d from "typegrad/distributions";
import { kinds } from "./kinds.js";
import { near } from "./support.js";

const f64 = { dtype: "float64" } as const;
const of = (data: Nested): Tensor => tensor(data, f64);

interface VectorCase {
  readonly kind: "normal" | "lowRank" | "dirichlet";
  readonly points: Nested;
  readonly logProb: Nested;
  readonly entropy: number;
  readonly mean?: Nested;
  readonly variance?: Nested;
  readonly [parameter: string]: Nested | string | undefined;
}
const cases: readonly VectorCase[] = JSON.parse(
  readFileSync(new URL("../../../test/distributions/fixtures/vectors.json", import.meta.url), "utf8"),
);
const parameter = (c: VectorCase, name: string): Tensor => {
  const data = c[name];
  assert.ok(data !== undefined && typeof data !== "string");
  return of(data);
};
const vectorKinds: Readonly<Record<VectorCase["kind"], (c: VectorCase) => readonly d.Distribution[]>> = {
  normal: (c) => {
    const loc = parameter(c, "loc");
    const full = new d.MultivariateNormal(loc, { covarianceMatrix: parameter(c, "covariance") });
    const { scaleTril } = full;
    const precisionMatrix = parameter(c, "precision");
    near("precision", full.precisionMatrix, precisionMatrix, 1e-11);
    near("covariance", full.covarianceMatrix, parameter(c, "covariance"), 1e-13);
    return [full, new d.MultivariateNormal(loc, { scaleTril }), new d.MultivariateNormal(loc, { precisionMatrix })];
  },
  lowRank: (c) => {
    const low = new d.LowRankMultivariateNormal(
      parameter(c, "loc"),
      parameter(c, "covFactor"),
      parameter(c, "covDiag"),
    );
    return [low, low.full()];
  },
  dirichlet: (c) => [new d.Dirichlet(parameter(c, "concentration"))],
};

for (const c of cases)
  test(`${c.kind} vectors as in SciPy`, () => {
    for (const x of vectorKinds[c.kind](c)) {
      near("logProb", x.logProb(of(c.points)), of(c.logProb), 1e-11);
      near("entropy", x.entropy(), of(c.entropy), 1e-11);
      if (c.mean !== undefined) near("mean", x.mean, of(c.mean), 1e-14);
      if (c.variance !== undefined) near("variance", x.variance, of(c.variance), 1e-14);
    }
  });

test("parameters outside their domain are told", () => {
  const wrong: readonly (readonly [() => unknown, RegExp])[] = [
    [() => new d.Normal(0, -1), /^Normal: scale must be positive, got -1 in float32\[\]\. check the parameters/],
    [() => new d.Normal(Number.NaN, 1), /Normal: loc must be a number, got NaN/],
    [() => new d.Gamma(tensor([1, 0]), 1), /Gamma: concentration must be positive, got 0 in float32\[2\]/],
    [() => new d.Chi2(0), /Chi2: df must be positive/],
    [() => new d.Bernoulli({ probs: 1.5 }), /Bernoulli: probs must be from 0 to 1, got 1.5/],
    [() => new d.Geometric({ probs: 0 }), /Geometric: probs must be a probability above 0, got 0/],
    [() => new d.NegativeBinomial(2, { probs: 1 }), /NegativeBinomial: probs must be a probability below 1, got 1/],
    [() => new d.Binomial(2.5, { probs: 0.5 }), /Binomial: totalCount must be an integer from 0, got 2.5/],
    [() => new d.Poisson(-1), /Poisson: rate must be 0 or more, got -1/],
    [() => new d.Uniform(2, 1), /Uniform: low must be below high/],
    [
      () => new d.Categorical({ probs: tensor([0, 0]) }),
      /Categorical: probs must be numbers from 0, not all 0, got 0, 0/,
    ],
    [() => new d.Dirichlet(tensor([1, -1])), /Dirichlet: concentration must be positive, got 1, -1/],
    [
      () =>
        new d.MultivariateNormal(tensor([0, 0]), {
          covarianceMatrix: tensor([
            [1, 2],
            [2, 1],
          ]),
        }),
      /covarianceMatrix must be a symmetric positive definite matrix/,
    ],
    [
      () =>
        new d.MultivariateNormal(tensor([0, 0]), {
          scaleTril: tensor([
            [1, 2],
            [0, 1],
          ]),
        }),
      /scaleTril must be a lower triangular matrix/,
    ],
    [() => new d.MultivariateNormal(tensor([0, 0]), { scaleTril: eye(3) }), /as many rows and columns as loc/],
    [() => new d.LowRankMultivariateNormal(tensor([0, 0]), eye(3), tensor([1, 1])), /must be equally many/],
    [() => new d.Independent(new d.Normal(0, 1)), /Independent: the number of axes must be from 0 to 0, got 1/],
    [
      () => new d.TransformedDistribution(new d.Poisson(1), new d.ExpTransform()),
      /the base must have a density, got a discrete Poisson/,
    ],
    [
      () => new d.Mixture(new d.Categorical({ probs: tensor([1, 1]) }), new d.Normal(tensor([0, 0, 0]), 1)),
      /Mixture: components must form a batch \[2\], got \[3\]/,
    ],
    [() => new d.PowerTransform(0), /PowerTransform: the exponent must be a number other than 0/],
    [() => d.kl(new d.Normal(0, 1), new d.Normal(0, 1), { samples: 1 }), /kl: there must be at least 2 samples/],
  ];
  for (const [make, message] of wrong) assert.throws(make, { name: ArgumentError.name, message });
  assert.throws(() => new d.Normal(tensor([1, 2]), tensor([1, 2, 3])), {
    name: ShapeError.name,
    message: /^Normal: parameters must broadcast, got loc float32\[2\], scale float32\[3\]/,
  });
  assert.throws(() => new d.Dirichlet(1), /Dirichlet: concentration must have at least 1 axes, got float32\[\]/);
  // nothing is read where there is nothing to read, or when it is not asked for
  assert.ok(new d.Normal(0, -1, { validate: false }).scale.itemSync() < 0);
  near("traced", compile((s: Tensor) => new d.Normal(0, s).logProb(0))(of(-1)), [Number.NaN], 0);
  near("mapped", vmap((s: Tensor) => new d.Normal(0, s).entropy())(of([1])), [1.4189385332046727], 1e-15);
});

test("what a distribution does not have has a name", () => {
  const missing: readonly (() => unknown)[] = [
    () => new d.Poisson(3).rsample(),
    () => new d.Gamma(3, 1).rsample(),
    () => new d.Cauchy(0, 1).mgf(1),
    () => new d.LogNormal(0, 1).mgf(1),
    () => new d.NegativeBinomial(1, { probs: 0.5 }).entropy(),
    () => new d.Dirichlet(tensor([1, 1])).cdf(0),
    () => new d.Poisson(3).enumerateSupport(),
    () => d.kl(new d.Normal(0, 1), new d.Laplace(0, 1)),
    () => new d.SoftmaxCenteredTransform().sign,
  ];
  for (const call of missing) assert.throws(call, { name: "UnavailableError" });
  assert.throws(() => new d.Poisson(3).rsample(), {
    message:
      /^Poisson\.rsample: draws must be a transform of parameter-free draws, got a distribution that has none\. use sample/,
  });
});

test("outside the support nothing has a density, and NaN stays NaN", () => {
  const inf = Number.POSITIVE_INFINITY;
  near("Exponential", new d.Exponential(1, f64).logProb(of([-1, Number.NaN, 0, inf])), [-inf, Number.NaN, 0, -inf], 0);
  near("Poisson", new d.Poisson(1, f64).logProb(of([-1, 0.5, 0])), [-inf, -inf, -1], 1e-15);
  near("Uniform", new d.Uniform(of([0, 2]), 4).logProb(of([1, 1])), [-Math.log(4), -inf], 1e-15);
  near("Gumbel", new d.Gumbel(0, 1, f64).logProb(of([-inf, inf])), [-inf, -inf], 0);
  const slope = grad((x: Tensor) => new d.Exponential(2, f64).logProb(x).sum())(of([-1, 1]));
  near("derivatives stay finite", slope, [0, -2], 1e-15);
  near("icdf outside", new d.Normal(0, 1, f64).icdf(of([-0.1, 0, 1, 1.1])), [Number.NaN, -inf, inf, Number.NaN], 0);
});

test("dtypes: float32 for numbers, what tensors have, what is asked", () => {
  assert.equal(new d.Normal(0, 1).sample().dtype, "float32");
  assert.equal(new d.Normal(of(0), 1).sample().dtype, "float64");
  assert.equal(new d.Gamma(1, 1, f64).sample().dtype, "float64");
  assert.equal(
    new d.Poisson(tensor([3], { dtype: "int32" })).logProb(tensor([2], { dtype: "int32" })).dtype,
    "float32",
  );
  assert.equal(new d.Normal(0, 1).logProb(of(0)).dtype, "float64");
  assert.equal(new d.Categorical({ probs: tensor([1, 1]) }).sample().dtype, "int32");
});

test("divergences of vectors against samples, and those that have no closed form", () => {
  const pairs: readonly (readonly [d.Distribution, d.Distribution, boolean])[] = [
    [
      new d.MultivariateNormal(of([0, 1]), {
        covarianceMatrix: of([
          [2, 0.5],
          [0.5, 1],
        ]),
      }),
      new d.MultivariateNormal(of([1, 0]), {
        covarianceMatrix: of([
          [1, 0],
          [0, 3],
        ]),
      }),
      true,
    ],
    [
      new d.LowRankMultivariateNormal(of([0, 1]), of([[1], [0.5]]), of([1, 2])),
      new d.MultivariateNormal(of([1, 0]), {
        covarianceMatrix: of([
          [1, 0],
          [0, 3],
        ]),
      }),
      true,
    ],
    [new d.Dirichlet(of([1, 2, 3])), new d.Dirichlet(of([2, 2, 2])), true],
    [new d.Independent(new d.Normal(of([0, 1]), 1)), new d.Independent(new d.Normal(of([1, 1]), 2)), true],
    [new d.LogNormal(of(0), 1), new d.LogNormal(of(0.3), 1.2), true],
    [new d.Laplace(of(0), 1), new d.Laplace(of(1.5), 2), true],
    [new d.Cauchy(of(0), 1), new d.Cauchy(of(1.5), 2), true],
    [new d.Chi2(of(4)), new d.Gamma(of(3), 0.7), true],
    [new d.Normal(of(0), 1), new d.Laplace(of(0), 1), false],
    [
      new d.Mixture(new d.Categorical({ probs: of([0.5, 0.5]) }), new d.Normal(of([-1, 1]), 1)),
      new d.Normal(of(0), 1.4),
      false,
    ],
  ];
  pairs.forEach(([p, q, hasForm], i) => {
    const { estimate, standardError } = d.kl(p, q, { samples: 20_000, key: random.key(i) });
    const error = standardError.itemSync();
    assert.ok(error > 0 && error < 0.05);
    if (!hasForm) return assert.throws(() => d.kl(p, q), /registerKL one, or estimate it by \{ samples: 10000 \}/);
    const off = Math.abs(estimate.itemSync() - d.kl(p, q).itemSync());
    assert.ok(off < 4 * error, `${p.constructor.name}: ${off} for ${error}`);
  });
  near("normal", d.kl(new d.Normal(of(0), 1), new d.Normal(1, 2, f64)), [Math.LN2 + 0.25 - 0.5], 1e-15);
  near("PRB-10", d.kl(new d.Normal(of(0), 1), new d.Normal(1, 2, f64)), [0.4431471806], 1e-10);
  near("uniform outside", d.kl(new d.Uniform(of(0), 2), new d.Uniform(of(0), 1)), [Infinity], 0);
  near("uniform inside", d.kl(new d.Uniform(of(0), 1), new d.Uniform(of(-1), 3)), [Math.log(4)], 1e-15);
});

test("a divergence can be registered; the nearest kinds win", () => {
  class Shifted extends d.Normal {}
  const [p, q] = [new Shifted(0, 1), new d.Normal(0, 2)];
  near("inherited", d.kl(p, q), d.kl(new d.Normal(0, 1), q), 0);
  d.registerKL(Shifted, d.Normal, (a) => a.loc.add(42));
  near("own", d.kl(p, q), [42], 0);
  near("others stay", d.kl(q, q), [0], 0);
});

test("conditioning, marginals and fit of normal vectors", () => {
  const joint = new d.MultivariateNormal(of([0, 0]), {
    covarianceMatrix: of([
      [1, 0.8],
      [0.8, 1],
    ]),
  });
  const given = joint.condition([1], of([2]));
  near("mean", given.mean, [1.6], 1e-15);
  near("variance", given.variance, [0.36], 1e-15);
  // p(x, y) = p(x | y) p(y) in four dimensions
  const root = of([
    [1, 0, 0, 0],
    [0.5, 2, 0, 0],
    [-1, 0.3, 1, 0],
    [0.2, 0.1, 0.7, 0.5],
  ]);
  const four = new d.MultivariateNormal(of([1, -1, 0, 2]), { scaleTril: root });
  const x = of([0.3, -0.2, 1.5, 1]);
  const parts = four
    .condition([2, 0], x.at([2, 0]))
    .logProb(x.at([1, 3]))
    .add(four.marginal([2, 0]).logProb(x.at([2, 0])));
  near("chain rule", parts, four.logProb(x).reshape([]), 1e-13);
  const data = of([
    [1, 2],
    [3, 1],
    [2, 6],
    [0, 1],
  ]);
  const fitted = d.MultivariateNormal.fit(data);
  near("mean", fitted.mean, [1.5, 2.5], 1e-15);
  near("covariance", fitted.covarianceMatrix, [1.25, 0.5, 0.5, 4.25], 1e-14);
  const score = grad((m: d.MultivariateNormal) => m.logProb(data).sum())(fitted);
  near("the likelihood is greatest there", score.loc, [0, 0], 1e-13);
  assert.throws(() => joint.condition([0, 1], of([0, 0])), /some, not all, different elements/);
});

test("moments from derivatives of generating functions", () => {
  const fourth = (x: d.Distribution): number => {
    let f = (t: Tensor): Tensor => x.mgf(t);
    for (let k = 0; k < 4; k++) {
      const inner = f;
      f = (t) => jvp(inner, t, t.mul(0).add(1))[1];
    }
    return f(of(0)).itemSync();
  };
  near("Poisson(3)", of(fourth(new d.Poisson(3, f64))), [309], 1e-12);
  near("Normal", of(fourth(new d.Normal(0, 1, f64))), [3], 1e-13);
  near("Uniform(-1, 1)", of(fourth(new d.Uniform(-1, 1, f64))), [1 / 5], 1e-13);
  near("Exponential(2)", of(fourth(new d.Exponential(2, f64))), [24 / 16], 1e-13);
  near("Laplace", of(fourth(new d.Laplace(0, 1, f64))), [24], 1e-12);
  near("Logistic", of(fourth(new d.Logistic(0, 1, f64))), [(7 * Math.PI ** 4) / 15], 1e-9);
  const t = of([-1, 0.3, 2]);
  const [three, five, eight] = [3, 5, 8].map((n) => new d.Binomial(n, { probs: 0.3, ...f64 }));
  near("sums of binomials", three.mgf(t).mul(five.mgf(t)), eight.mgf(t), 1e-14);
});

test("published and closed values", () => {
  near("Poisson(4) at 2", new d.Poisson(4, f64).logProb(2).exp(), [8 * Math.exp(-4)], 1e-15);
  near(
    "standard normal vector",
    new d.MultivariateNormal(of([0, 0, 0]), { scaleTril: eye(3, 3, f64) }).logProb(of([0, 0, 0])),
    [-1.5 * Math.log(2 * Math.PI)],
    1e-15,
  );
  near("binomial entropy", new d.Binomial(2, { probs: 0.5, ...f64 }).entropy(), [1.5 * Math.LN2], 1e-15);
  near(
    "categorical entropy",
    new d.Categorical({ probs: of([0, 1, 3]) }).entropy(),
    [2 * Math.LN2 - 0.75 * Math.log(3)],
    1e-15,
  );
  near("Bernoulli's values", new d.Bernoulli({ probs: of([0.2, 0.5]) }).enumerateSupport(), [0, 0, 1, 1], 0);
  const stick = new d.StickBreakingTransform();
  near("equal parts", stick.forward(of([0, 0, 0])), [0.25, 0.25, 0.25, 0.25], 1e-15);
});

test("bijections invert themselves, with the determinant of their Jacobian", () => {
  const scalars: readonly (readonly [d.Transform, Tensor])[] = [
    [new d.ExpTransform(), of([-2, 0.3, 4])],
    [new d.AffineTransform(of([1, 2, 3]), -2), of([-2, 0.3, 4])],
    [new d.SigmoidTransform(), of([-5, 0.3, 4])],
    [new d.TanhTransform(), of([-3, 0.3, 2])],
    [new d.SoftplusTransform(), of([-5, 0.3, 40])],
    [new d.PowerTransform(-1.5), of([0.1, 1, 3])],
    [
      new d.ComposeTransform([new d.TanhTransform(), new d.AffineTransform(0, of(3)), new d.ExpTransform()]),
      of([-2, 0.3, 1]),
    ],
  ];
  for (const [f, x] of scalars) {
    const y = f.forward(x);
    near("inverse", f.inverse(y), x, 1e-11);
    const [, slope] = jvp((v: Tensor) => f.forward(v), x, x.mul(0).add(1));
    near("jacobian", f.logAbsDetJacobian(x, y), slope.abs().log(), 1e-11);
    near("inv", f.inv.logAbsDetJacobian(y, x), slope.abs().log().neg(), 1e-11);
    assert.ok(f.inv.inv === f);
    assert.ok(slope.mul(f.sign).greater(0).all().itemSync());
  }
  for (const f of [new d.StickBreakingTransform(), new d.SoftmaxCenteredTransform()]) {
    const x = of([0.5, -1, 2]);
    const y = f.forward(x);
    near("sum", y.sum(), [1], 1e-15);
    near("inverse", f.inverse(y), x, 1e-13);
    const rows = [0, 1, 2].map((i) => jvp((v: Tensor) => f.forward(v), x, eye(3, 3, f64).at(i))[1].at(":3"));
    const jacobian = rows.map((r) => [...r.dataSync()]);
    const [a, b, c] = jacobian;
    const det =
      a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
    near("determinant", f.logAbsDetJacobian(x, y), [Math.log(Math.abs(det))], 1e-12);
    assert.deepEqual(f.forwardShape([5, 3]), [5, 4]);
    assert.deepEqual(f.inverseShape([5, 4]), [5, 3]);
  }
});

test("score-function and pathwise gradients of E x² under N(θ, 1)", () => {
  const theta = of(1.5);
  const key = random.key(11);
  const n = 20_000;
  const pathwise = grad((t: Tensor) => new d.Normal(t, 1).rsample(key, [n]).square().mean())(theta).itemSync();
  const x = new d.Normal(theta, 1).sample(key, [n]);
  const terms = vmap((v: Tensor) => grad((t: Tensor) => new d.Normal(t, 1).logProb(v))(theta).mul(v.square()))(x);
  const error = terms.std().itemSync() / Math.sqrt(n);
  assert.ok(Math.abs(terms.mean().itemSync() - 3) < 3 * error);
  assert.ok(Math.abs(pathwise - 3) < (3 * 2) / Math.sqrt(n));
  assert.ok(error > 2 / Math.sqrt(n), "the score function varies more");
});

test("float32 has the densities of float64, as it can hold them", () => {
  for (const [name, kind] of Object.entries(kinds))
    kind.examples({ dtype: "float64" }).forEach((wide, i) => {
      const narrow = kind.examples({ dtype: "float32" })[i];
      const x = narrow.sample(random.key(21), [3]);
      near(name, narrow.logProb(x).astype("float64"), wide.logProb(x.astype("float64")), 2e-4);
    });
});
