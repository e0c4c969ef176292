import { type random, type Shape, softmax, type Tensor, where } from "../index.js";
import { digamma, lgamma, xlogy } from "../special/index.js";
import { type Constraint, positiveVector, simplex } from "./constraints.js";
import { Distribution, wide } from "./distribution.js";
import { registerKL } from "./kl.js";
import { type DistributionOptions, type Parameter, parameters } from "./parameters.js";
import { logStandardGamma } from "./samplers.js";

/** The Dirichlet distribution of probabilities x that sum to 1: `p(x) = Π xᵢ^(aᵢ-1) / B(a)`; concentration `a[…, n]`. */
export class Dirichlet extends Distribution {
  readonly concentration: Tensor;
  constructor(concentration: Parameter, options: DistributionOptions = {}) {
    super();
    [this.concentration] = parameters("Dirichlet", [["concentration", concentration, positiveVector]], options);
  }
  get batchShape(): Shape {
    return this.concentration.shape.slice(0, -1);
  }
  override get eventShape(): Shape {
    return this.concentration.shape.slice(-1);
  }
  get support(): Constraint {
    return simplex(this.eventShape[0]);
  }
  private get total(): Tensor {
    return this.concentration.sum(-1, { keepDims: true });
  }
  override get mean(): Tensor {
    return this.concentration.div(this.total);
  }
  override get variance(): Tensor {
    const { mean } = this;
    return mean.mul(mean.neg().add(1)).div(this.total.add(1));
  }
  /** `(a - 1) / (Σa - n)` where all a > 1, else NaN. */
  override get mode(): Tensor {
    const above = this.concentration.sub(1);
    const isInner = above.greater(0).all(-1, { keepDims: true });
    return where(isInner, above.div(where(isInner, above.sum(-1, { keepDims: true }), 1)), Number.NaN);
  }
  override entropy(): Tensor {
    const [a, total] = wide(this.concentration, this.total);
    const logs = a
      .sub(1)
      .mul(digamma(a).sub(digamma(total)))
      .sum(-1);
    return logBeta(a).sub(logs).astype(this.dtype);
  }
  protected logDensity(value: Tensor): Tensor {
    const [x, a] = wide(value, this.concentration);
    return xlogy(a.sub(1), x).sum(-1).sub(logBeta(a));
  }
  protected draw(key: random.Key, shape: Shape): Tensor {
    return softmax(logStandardGamma(key, this.concentration, shape)).astype(this.dtype);
  }
}

/** `log B(a) = Σ log Γ(aᵢ) - log Γ(Σ aᵢ)`. */
const logBeta = (a: Tensor): Tensor =>
  lgamma(a)
    .sum(-1)
    .sub(lgamma(a.sum(-1)));

registerKL(Dirichlet, Dirichlet, (p, q) => {
  const [a, b] = wide(p.concentration, q.concentration);
  const means = digamma(a).sub(digamma(a.sum(-1, { keepDims: true })));
  return logBeta(b).sub(logBeta(a)).add(a.sub(b).mul(means).sum(-1)).astype(p.dtype);
});
