import { softplus, type Tensor } from "../index.js";
import { beta, logit } from "../special/index.js";
import { LocationScale, locationScale } from "./location-scale.js";
import { inDomain } from "./moments.js";
import type { DistributionOptions, Parameter } from "./parameters.js";

/** The logistic distribution: `F(x) = sigmoid((x - loc)/scale)`. */
export class Logistic extends LocationScale {
  constructor(loc: Parameter = 0, scale: Parameter = 1, options: DistributionOptions = {}) {
    super(...locationScale("Logistic", loc, scale, options));
  }
  override get mean(): Tensor {
    return this.loc;
  }
  override get variance(): Tensor {
    return this.scale.square().mul(Math.PI ** 2 / 3);
  }
  override entropy(): Tensor {
    return this.scale.log().add(2);
  }
  /** `B(1 - scale t, 1 + scale t) e^(t loc)` for `|t| < 1/scale`, else ∞. */
  override mgf(t: Tensor | number): Tensor {
    const s = this.operand(t);
    const z = s.mul(this.scale);
    return inDomain(z.abs().less(1), z, (v) => beta(v.neg().add(1), v.add(1)).mul(s.mul(this.loc).exp()));
  }
  protected standardLogDensity(z: Tensor): Tensor {
    return z.add(softplus(z.neg()).mul(2)).neg();
  }
  protected standardCumulative(z: Tensor): Tensor {
    return z.sigmoid();
  }
  protected standardQuantile(p: Tensor): Tensor {
    return logit(p);
  }
}
