import { type Tensor, where } from "../index.js";
import { registerKL } from "./kl.js";
import { LocationScale, locationScale } from "./location-scale.js";
import { inDomain } from "./moments.js";
import type { DistributionOptions, Parameter } from "./parameters.js";

/** The Laplace distribution: `p(x) = exp(-|x - loc|/scale) / (2 scale)`. */
export class Laplace extends LocationScale {
  constructor(loc: Parameter = 0, scale: Parameter = 1, options: DistributionOptions = {}) {
    super(...locationScale("Laplace", loc, scale, options));
  }
  override get mean(): Tensor {
    return this.loc;
  }
  override get variance(): Tensor {
    return this.scale.square().mul(2);
  }
  override entropy(): Tensor {
    return this.scale.log().add(1 + Math.LN2);
  }
  /** `e^(t loc) / (1 - scale² t²)` for `|t| < 1/scale`, else ∞. */
  override mgf(t: Tensor | number): Tensor {
    const s = this.operand(t);
    const z = s.mul(this.scale);
    return inDomain(z.abs().less(1), z, (v) => s.mul(this.loc).exp().div(v.square().neg().add(1)));
  }
  protected standardLogDensity(z: Tensor): Tensor {
    return z.abs().neg().sub(Math.LN2);
  }
  protected standardCumulative(z: Tensor): Tensor {
    const tail = z.abs().neg().exp().mul(0.5);
    return where(z.less(0), tail, tail.neg().add(1));
  }
  protected standardQuantile(p: Tensor): Tensor {
    const isLow = p.less(0.5);
    const log = where(isLow, p, p.neg().add(1)).mul(2).log();
    return where(isLow, log, log.neg());
  }
}

registerKL(Laplace, Laplace, (p, q) => {
  const distance = p.loc.sub(q.loc).abs();
  const decay = p.scale.div(q.scale).mul(distance.div(p.scale).neg().exp());
  return q.scale.div(p.scale).log().add(distance.div(q.scale)).add(decay).sub(1);
});
