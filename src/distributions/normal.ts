import { random, type Shape, type Tensor } from "../index.js";
import { ndtr, ndtri } from "../special/index.js";
import { drawType } from "./distribution.js";
import { registerKL } from "./kl.js";
import { LocationScale, locationScale } from "./location-scale.js";
import type { DistributionOptions, Parameter } from "./parameters.js";

const halfLogTwoPi = Math.log(2 * Math.PI) / 2;

/** The normal distribution `N(loc, scale²)`: `p(x) = exp(-½ ((x - loc)/scale)²) / (scale √(2π))`. */
export class Normal extends LocationScale {
  constructor(loc: Parameter = 0, scale: Parameter = 1, options: DistributionOptions = {}) {
    super(...locationScale("Normal", loc, scale, options));
  }
  override get mean(): Tensor {
    return this.loc;
  }
  override get variance(): Tensor {
    return this.scale.square();
  }
  override get stddev(): Tensor {
    return this.scale;
  }
  override entropy(): Tensor {
    return this.scale.log().add(0.5 + halfLogTwoPi);
  }
  override mgf(t: Tensor | number): Tensor {
    const s = this.operand(t);
    return s.mul(this.loc).add(s.mul(this.scale).square().mul(0.5)).exp();
  }
  protected standardLogDensity(z: Tensor): Tensor {
    return z.square().mul(-0.5).sub(halfLogTwoPi);
  }
  protected standardCumulative(z: Tensor): Tensor {
    return ndtr(z);
  }
  protected standardQuantile(p: Tensor): Tensor {
    return ndtri(p);
  }
  protected override draw(key: random.Key, shape: Shape): Tensor {
    const z: Tensor = random.normal(key, shape, { dtype: drawType(this.dtype) });
    return z.mul(this.scale).add(this.loc);
  }
}

registerKL(Normal, Normal, (p, q) => {
  const ratio = p.scale.div(q.scale).square();
  const distance = p.loc.sub(q.loc).div(q.scale).square();
  return ratio.add(distance).sub(1).sub(ratio.log()).mul(0.5);
});
