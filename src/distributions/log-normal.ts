import type { Tensor } from "../index.js";
import { kl, registerKL } from "./kl.js";
import { Normal } from "./normal.js";
import type { DistributionOptions, Parameter } from "./parameters.js";
import { TransformedDistribution } from "./transformed.js";
import { ExpTransform } from "./transforms.js";

/** The distribution of `e^X` for X of `Normal(loc, scale)`. It has all moments, and no moment generating function. */
export class LogNormal extends TransformedDistribution {
  declare readonly base: Normal;
  constructor(loc: Parameter = 0, scale: Parameter = 1, options: DistributionOptions = {}) {
    super(new Normal(loc, scale, options), new ExpTransform());
  }
  get loc(): Tensor {
    return this.base.loc;
  }
  get scale(): Tensor {
    return this.base.scale;
  }
  override get mean(): Tensor {
    return this.base.variance.mul(0.5).add(this.loc).exp();
  }
  override get variance(): Tensor {
    const { variance } = this.base;
    return variance.expm1().mul(variance.add(this.loc.mul(2)).exp());
  }
  override get mode(): Tensor {
    return this.loc.sub(this.base.variance).exp();
  }
  override entropy(): Tensor {
    return this.base.entropy().add(this.loc);
  }
}

registerKL(LogNormal, LogNormal, (p, q) => kl(p.base, q.base));
