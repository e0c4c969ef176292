/** Probability distributions: densities, draws, moments, divergences. Names as in `torch.distributions`. */
export { Bernoulli } from "./bernoulli.js";
export { Beta } from "./beta.js";
export { Binomial } from "./binomial.js";
export { Categorical } from "./categorical.js";
export { Cauchy } from "./cauchy.js";
export { Chi2 } from "./chi2.js";
export { type Constraint, Interval } from "./constraints.js";
export { Dirichlet } from "./dirichlet.js";
export { Distribution, Univariate } from "./distribution.js";
export { UnavailableError } from "./errors.js";
export { Exponential } from "./exponential.js";
export { fitMixture, type MixtureFit, type MixtureFitOptions, type NormalMixture } from "./fit-mixture.js";
export { Gamma } from "./gamma.js";
export { Geometric } from "./geometric.js";
export { Gumbel } from "./gumbel.js";
export { type Estimate, kl, type KLOptions, registerKL } from "./kl.js";
export { Independent } from "./independent.js";
export { Laplace } from "./laplace.js";
export { LocationScale } from "./location-scale.js";
export { LogNormal } from "./log-normal.js";
export { Logistic } from "./logistic.js";
export { LowRankMultivariateNormal } from "./low-rank-multivariate-normal.js";
export { Mixture, Mixture as MixtureSameFamily } from "./mixture.js";
export { MultivariateNormal, type Spread } from "./multivariate-normal.js";
export { NegativeBinomial } from "./negative-binomial.js";
export { Normal } from "./normal.js";
export type { ProbsOrLogits } from "./odds.js";
export type { DistributionOptions, Parameter } from "./parameters.js";
export { Poisson } from "./poisson.js";
export { StudentT } from "./student-t.js";
export { TransformedDistribution } from "./transformed.js";
export {
  AffineTransform,
  ComposeTransform,
  ExpTransform,
  PowerTransform,
  SigmoidTransform,
  SoftmaxCenteredTransform,
  SoftplusTransform,
  StickBreakingTransform,
  TanhTransform,
  Transform,
} from "./transforms.js";
export { Uniform } from "./uniform.js";
