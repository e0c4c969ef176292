import { type Shape, type Tensor, zerosLike } from "../index.js";
import { type Interval, nonNegative, positive } from "./constraints.js";
import { Univariate } from "./distribution.js";
import { registerKL } from "./kl.js";
import { inDomain } from "./moments.js";
import { type DistributionOptions, type Parameter, parameters } from "./parameters.js";

/** The exponential distribution: `p(x) = rate e^(-rate x)` for x ≥ 0. */
export class Exponential extends Univariate {
  readonly rate: Tensor;
  constructor(rate: Parameter = 1, options: DistributionOptions = {}) {
    super();
    [this.rate] = parameters("Exponential", [["rate", rate, positive]], options);
  }
  get batchShape(): Shape {
    return this.rate.shape;
  }
  get support(): Interval {
    return nonNegative;
  }
  override get hasRsample(): boolean {
    return true;
  }
  override get mean(): Tensor {
    return this.rate.reciprocal();
  }
  override get variance(): Tensor {
    return this.rate.square().reciprocal();
  }
  override get stddev(): Tensor {
    return this.mean;
  }
  override get mode(): Tensor {
    return zerosLike(this.rate);
  }
  override entropy(): Tensor {
    return this.rate.log().neg().add(1);
  }
  /** `1 / (1 - t/rate)` for `t < rate`, else ∞. */
  override mgf(t: Tensor | number): Tensor {
    const z = this.operand(t).div(this.rate);
    return inDomain(z.less(1), z, (v) => v.neg().add(1).reciprocal());
  }
  protected logDensity(x: Tensor): Tensor {
    return this.rate.log().sub(this.rate.mul(x));
  }
  protected override cumulative(x: Tensor): Tensor {
    return this.rate.mul(x).neg().expm1().neg();
  }
  protected override quantile(p: Tensor): Tensor {
    return p.neg().log1p().neg().div(this.rate);
  }
}

registerKL(Exponential, Exponential, (p, q) => {
  const ratio = q.rate.div(p.rate);
  return ratio.sub(1).sub(ratio.log());
});
