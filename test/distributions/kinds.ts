/** Every kind of distribution with examples of it; the tests of this folder run over all of them. */
import { type DType, tensor, type Tensor } from "typegrad";
import * as d from "typegrad/distributions";

type Width = "float32" | "float64";
export type Parameters = Readonly<Record<string, Tensor>>;

export interface Kind {
  /** From parameters by the names they have in the fixture, which SciPy made; `null` where SciPy has no such kind. */
  readonly scipy: ((p: Parameters) => d.Distribution) | null;
  /** Batches of one axis whose samplers, derivatives and sums are tested. */
  readonly examples: (options: { readonly dtype: Width }) => readonly d.Distribution[];
}

const row = (options: { readonly dtype: DType }, ...numbers: readonly number[]): Tensor => tensor(numbers, options);

/** By the name of the class; a test compares the list with what the package exports. */
export const kinds: Readonly<Record<string, Kind>> = {
  Normal: {
    scipy: ({ loc, scale }) => new d.Normal(loc, scale),
    examples: (o) => [new d.Normal(row(o, 0, -3, 20), row(o, 1, 0.2, 7), o)],
  },
  Laplace: {
    scipy: ({ loc, scale }) => new d.Laplace(loc, scale),
    examples: (o) => [new d.Laplace(row(o, 0, 4), row(o, 1, 0.3), o)],
  },
  Gumbel: {
    scipy: ({ loc, scale }) => new d.Gumbel(loc, scale),
    examples: (o) => [new d.Gumbel(row(o, 0, 4), row(o, 1, 0.3), o)],
  },
  Logistic: {
    scipy: ({ loc, scale }) => new d.Logistic(loc, scale),
    examples: (o) => [new d.Logistic(row(o, 0, 4), row(o, 1, 0.3), o)],
  },
  Cauchy: {
    scipy: ({ loc, scale }) => new d.Cauchy(loc, scale),
    examples: (o) => [new d.Cauchy(row(o, 0, 4), row(o, 1, 0.3), o)],
  },
  StudentT: {
    scipy: ({ df, loc, scale }) => new d.StudentT(df, loc, scale),
    examples: (o) => [new d.StudentT(row(o, 1.5, 5, 60), row(o, 0, 1, -2), row(o, 1, 0.5, 3), o)],
  },
  Uniform: {
    scipy: ({ low, high }) => new d.Uniform(low, high),
    examples: (o) => [new d.Uniform(row(o, 0, -4), row(o, 1, 6), o)],
  },
  Exponential: {
    scipy: ({ rate }) => new d.Exponential(rate),
    examples: (o) => [new d.Exponential(row(o, 1, 0.1, 30), o)],
  },
  Gamma: {
    scipy: ({ concentration, rate }) => new d.Gamma(concentration, rate),
    examples: (o) => [new d.Gamma(row(o, 0.3, 1, 2.5, 70), row(o, 1, 2, 0.5, 10), o)],
  },
  Chi2: { scipy: ({ df }) => new d.Chi2(df), examples: (o) => [new d.Chi2(row(o, 1.5, 4, 30), o)] },
  Beta: {
    scipy: ({ concentration1, concentration0 }) => new d.Beta(concentration1, concentration0),
    examples: (o) => [new d.Beta(row(o, 0.6, 1.5, 2, 40), row(o, 0.8, 3, 2, 9), o)],
  },
  Bernoulli: {
    scipy: ({ probs }) => new d.Bernoulli({ probs }),
    examples: (o) => [
      new d.Bernoulli({ probs: row(o, 0.3, 0.9), ...o }),
      new d.Bernoulli({ logits: row(o, -2, 0.5), ...o }),
    ],
  },
  Binomial: {
    scipy: ({ totalCount, probs }) => new d.Binomial(totalCount, { probs }),
    examples: (o) => [
      new d.Binomial(row(o, 7, 12, 50, 400), { probs: row(o, 0.3, 0.9, 0.5, 0.7), ...o }),
      new d.Binomial(10, { logits: row(o, -2, 3), ...o }),
    ],
  },
  Geometric: {
    scipy: ({ probs }) => new d.Geometric({ probs }),
    examples: (o) => [
      new d.Geometric({ probs: row(o, 0.3, 0.8, 0.05), ...o }),
      new d.Geometric({ logits: row(o, -1, 1), ...o }),
    ],
  },
  NegativeBinomial: {
    scipy: ({ totalCount, probs }) => new d.NegativeBinomial(totalCount, { probs }),
    examples: (o) => [
      new d.NegativeBinomial(row(o, 1, 3.5, 20), { probs: row(o, 0.4, 0.7, 0.5), ...o }),
      new d.NegativeBinomial(2, { logits: row(o, -1, 1), ...o }),
    ],
  },
  Poisson: { scipy: ({ rate }) => new d.Poisson(rate), examples: (o) => [new d.Poisson(row(o, 0.4, 4, 11, 90), o)] },
  Categorical: {
    scipy: null,
    examples: (o) => [
      new d.Categorical({
        probs: tensor(
          [
            [1, 2, 3, 4],
            [0.5, 0.1, 0, 0.4],
          ],
          o,
        ),
      }),
      new d.Categorical({
        logits: tensor(
          [
            [1, 0, -1],
            [0, 3, 3],
          ],
          o,
        ),
      }),
    ],
  },
  Dirichlet: {
    scipy: null,
    examples: (o) => [
      new d.Dirichlet(
        tensor(
          [
            [1, 2, 3],
            [0.7, 0.5, 4],
          ],
          o,
        ),
        o,
      ),
    ],
  },
  LogNormal: {
    scipy: ({ loc, scale }) => new d.LogNormal(loc, scale),
    examples: (o) => [new d.LogNormal(row(o, 0, 1), row(o, 0.5, 0.2), o)],
  },
  MultivariateNormal: {
    scipy: null,
    examples: (o) => [
      new d.MultivariateNormal(
        tensor(
          [
            [1, -2],
            [0, 3],
          ],
          o,
        ),
        {
          covarianceMatrix: tensor(
            [
              [2, 0.6],
              [0.6, 0.5],
            ],
            o,
          ),
        },
      ),
      new d.MultivariateNormal(tensor([0, 1, 2], o), {
        precisionMatrix: tensor(
          [
            [
              [2, 0.5, 0],
              [0.5, 1, -0.3],
              [0, -0.3, 4],
            ],
          ],
          o,
        ),
      }),
    ],
  },
  LowRankMultivariateNormal: {
    scipy: null,
    examples: (o) => [
      new d.LowRankMultivariateNormal(
        tensor([[0, 1, 2]], o),
        tensor(
          [
            [1, 0.5],
            [-1, 2],
            [0.3, 0],
          ],
          o,
        ),
        row(o, 1, 0.5, 2),
      ),
    ],
  },
  Independent: {
    scipy: null,
    examples: (o) => [
      new d.Independent(
        new d.Normal(
          tensor(
            [
              [0, 1],
              [2, 3],
            ],
            o,
          ),
          row(o, 1, 2),
          o,
        ),
      ),
      new d.Independent(
        new d.Poisson(
          tensor(
            [
              [3, 1],
              [2, 0.5],
            ],
            o,
          ),
          o,
        ),
      ),
    ],
  },
  TransformedDistribution: {
    scipy: null,
    examples: (o) => [
      new d.TransformedDistribution(new d.Normal(0, 1, o), new d.AffineTransform(row(o, 1, 2), row(o, -3, 0.5))),
      new d.TransformedDistribution(new d.Normal(row(o, 0, 1), 0.7, o), new d.SigmoidTransform()),
      new d.TransformedDistribution(new d.Logistic(row(o, 0, 0.5), 0.3, o), new d.TanhTransform()),
      new d.TransformedDistribution(new d.Gumbel(row(o, 0, 2), 0.8, o), new d.SoftplusTransform()),
      new d.TransformedDistribution(new d.Gamma(row(o, 3, 9), 2, o), [new d.PowerTransform(-0.5)]),
      new d.TransformedDistribution(new d.Exponential(row(o, 1, 4), o), [
        new d.PowerTransform(0.5),
        new d.ExpTransform().inv,
        new d.AffineTransform(row(o, 0.3, -1), row(o, 2, -3)),
      ]),
      new d.TransformedDistribution(
        new d.Normal(
          tensor(
            [
              [0, 1],
              [0.5, -1],
            ],
            o,
          ),
          0.7,
          o,
        ),
        new d.StickBreakingTransform(),
      ),
      new d.TransformedDistribution(
        new d.MultivariateNormal(tensor([[0, 1]], o), {
          scaleTril: tensor(
            [
              [1, 0],
              [0.4, 0.3],
            ],
            o,
          ),
        }),
        new d.SoftmaxCenteredTransform(),
      ),
    ],
  },
  Mixture: {
    scipy: null,
    examples: (o) => [
      new d.Mixture(
        new d.Categorical({
          probs: tensor(
            [
              [0.3, 0.7],
              [0.5, 0.5],
            ],
            o,
          ),
        }),
        new d.Normal(
          tensor(
            [
              [-2, 1],
              [0, 0],
            ],
            o,
          ),
          tensor(
            [
              [0.5, 1],
              [1, 3],
            ],
            o,
          ),
          o,
        ),
      ),
      new d.Mixture(new d.Categorical({ logits: tensor([[0, 0.5]], o) }), [
        new d.Logistic(row(o, 0), 1, o),
        new d.Normal(row(o, 3), 0.5, o),
      ]),
      new d.Mixture(new d.Categorical({ probs: tensor([[0.3, 0.7]], o) }), new d.Poisson(tensor([[2, 9]], o), o)),
      new d.Mixture(
        new d.Categorical({ probs: tensor([[0.3, 0.7]], o) }),
        new d.MultivariateNormal(
          tensor(
            [
              [
                [0, 0],
                [3, 1],
              ],
            ],
            o,
          ),
          {
            scaleTril: tensor(
              [
                [1, 0],
                [0.4, 0.3],
              ],
              o,
            ),
          },
        ),
      ),
    ],
  },
};
