import { random, type Shape, type Tensor } from "../index.js";
import { gamma, lgamma } from "../special/index.js";
import { drawType } from "./distribution.js";
import { registerKL } from "./kl.js";
import { LocationScale, locationScale } from "./location-scale.js";
import { inDomain } from "./moments.js";
import type { DistributionOptions, Parameter } from "./parameters.js";

/** The Euler-Mascheroni constant. */
const eulerGamma = 0.5772156649015329;

/** The Gumbel distribution of maxima: `F(x) = exp(-exp(-(x - loc)/scale))`. */
export class Gumbel extends LocationScale {
  constructor(loc: Parameter = 0, scale: Parameter = 1, options: DistributionOptions = {}) {
    super(...locationScale("Gumbel", loc, scale, options));
  }
  override get mean(): Tensor {
    return this.scale.mul(eulerGamma).add(this.loc);
  }
  override get variance(): Tensor {
    return this.scale.square().mul(Math.PI ** 2 / 6);
  }
  override entropy(): Tensor {
    return this.scale.log().add(1 + eulerGamma);
  }
  /** `Γ(1 - scale t) e^(t loc)` for `t < 1/scale`, else ∞. */
  override mgf(t: Tensor | number): Tensor {
    const s = this.operand(t);
    const z = s.mul(this.scale);
    return inDomain(z.less(1), z, (v) => gamma(v.neg().add(1)).mul(s.mul(this.loc).exp()));
  }
  protected standardLogDensity(z: Tensor): Tensor {
    const x = z.maximum(-1e30); // further down the density is 0 and z + e^-z not a number
    return x.add(x.neg().exp()).neg();
  }
  protected standardCumulative(z: Tensor): Tensor {
    return z.neg().exp().neg().exp();
  }
  protected standardQuantile(p: Tensor): Tensor {
    return p.log().neg().log().neg();
  }
  protected override draw(key: random.Key, shape: Shape): Tensor {
    const z: Tensor = random.gumbel(key, shape, { dtype: drawType(this.dtype) });
    return z.mul(this.scale).add(this.loc);
  }
}

registerKL(Gumbel, Gumbel, (p, q) => {
  const ratio = p.scale.div(q.scale);
  const shift = p.loc.sub(q.loc).div(q.scale);
  const tail = lgamma(ratio.add(1)).sub(shift).exp();
  return shift
    .sub(ratio.log())
    .add(ratio.mul(eulerGamma))
    .add(tail)
    .sub(1 + eulerGamma);
});
