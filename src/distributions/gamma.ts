import type { random, Shape, Tensor } from "../index.js";
import { digamma, gammainc, lgamma, xlogy } from "../special/index.js";
import { type Interval, nonNegative, positive } from "./constraints.js";
import { Univariate, wide } from "./distribution.js";
import { registerKL } from "./kl.js";
import { inDomain } from "./moments.js";
import { type DistributionOptions, type Parameter, parameters } from "./parameters.js";
import { invertContinuous, logScale } from "./quantiles.js";
import { logStandardGamma } from "./samplers.js";

/** The gamma distribution: `p(x) = rate^a x^(a-1) e^(-rate x) / Γ(a)` for x ≥ 0, with `a` the concentration. */
export class Gamma extends Univariate {
  readonly concentration: Tensor;
  readonly rate: Tensor;
  constructor(concentration: Parameter, rate: Parameter = 1, options: DistributionOptions = {}) {
    super();
    const declared = [
      ["concentration", concentration, positive],
      ["rate", rate, positive],
    ] as const;
    [this.concentration, this.rate] = parameters("Gamma", declared, options);
  }
  get batchShape(): Shape {
    return this.rate.shape;
  }
  get support(): Interval {
    return nonNegative;
  }
  override get mean(): Tensor {
    return this.concentration.div(this.rate);
  }
  override get variance(): Tensor {
    return this.concentration.div(this.rate.square());
  }
  override get mode(): Tensor {
    return this.concentration.sub(1).relu().div(this.rate);
  }
  override entropy(): Tensor {
    const [a, rate] = wide(this.concentration, this.rate);
    const entropy = a
      .sub(rate.log())
      .add(lgamma(a))
      .sub(a.sub(1).mul(digamma(a)));
    return entropy.astype(this.dtype);
  }
  /** `(1 - t/rate)^(-concentration)` for `t < rate`, else ∞. */
  override mgf(t: Tensor | number): Tensor {
    const z = this.operand(t).div(this.rate);
    return inDomain(z.less(1), z, (v) => v.neg().log1p().mul(this.concentration).neg().exp());
  }
  protected logDensity(value: Tensor): Tensor {
    const [x, a, rate] = wide(value, this.concentration, this.rate);
    return standardLogDensity(a, x.mul(rate)).add(rate.log());
  }
  protected override cumulative(x: Tensor): Tensor {
    return gammainc(this.concentration, this.rate.mul(x));
  }
  protected override quantile(probability: Tensor): Tensor {
    const [p, a, rate] = wide(probability, this.concentration, this.rate);
    const found = invertContinuous(
      p,
      (x) => gammainc(a, x),
      (x) => standardLogDensity(a, x),
      logScale,
    );
    return found.div(rate);
  }
  protected override draw(key: random.Key, shape: Shape): Tensor {
    return logStandardGamma(key, this.concentration, shape).exp().astype(this.dtype).div(this.rate);
  }
}

const standardLogDensity = (a: Tensor, x: Tensor): Tensor => xlogy(a.sub(1), x).sub(x).sub(lgamma(a));

registerKL(Gamma, Gamma, (p, q) => {
  const [a, b, rate, other] = wide(p.concentration, q.concentration, p.rate, q.rate);
  const shapes = a.sub(b).mul(digamma(a)).sub(lgamma(a)).add(lgamma(b));
  const rates = b.mul(rate.div(other).log()).add(a.mul(other.div(rate).sub(1)));
  return shapes.add(rates).astype(p.dtype);
});
