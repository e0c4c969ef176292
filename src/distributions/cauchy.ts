import { fullLike, onesLike, type Tensor, where } from "../index.js";
import { registerKL } from "./kl.js";
import { LocationScale, locationScale } from "./location-scale.js";
import type { DistributionOptions, Parameter } from "./parameters.js";

/** The Cauchy distribution, `p(x) = 1 / (π scale (1 + ((x - loc)/scale)²))`. Its mean and variance do not exist: NaN. */
export class Cauchy extends LocationScale {
  constructor(loc: Parameter = 0, scale: Parameter = 1, options: DistributionOptions = {}) {
    super(...locationScale("Cauchy", loc, scale, options));
  }
  override get mean(): Tensor {
    return fullLike(this.loc, Number.NaN);
  }
  override get variance(): Tensor {
    return fullLike(this.loc, Number.NaN);
  }
  override entropy(): Tensor {
    return this.scale.log().add(Math.log(4 * Math.PI));
  }
  protected standardLogDensity(z: Tensor): Tensor {
    return z.square().log1p().add(Math.log(Math.PI)).neg();
  }
  protected standardCumulative(z: Tensor): Tensor {
    return onesLike(z)
      .atan2(z.neg())
      .mul(1 / Math.PI);
  }
  protected standardQuantile(p: Tensor): Tensor {
    const isLow = p.less(0.5);
    const angle = where(isLow, p, p.neg().add(1)).mul(Math.PI);
    const cotangent = angle.cos().div(angle.sin()); // of the tail's own probability, so that tails are accurate
    return where(isLow, cotangent.neg(), cotangent);
  }
}

/** F. Chyzak and F. Nielsen, "A closed-form formula for the Kullback-Leibler divergence between Cauchy distributions", 2019. */
registerKL(Cauchy, Cauchy, (p, q) => {
  const squares = p.scale.add(q.scale).square().add(p.loc.sub(q.loc).square());
  return squares.div(p.scale.mul(q.scale).mul(4)).log();
});
