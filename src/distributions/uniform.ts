import { type Shape, type Tensor, where, zerosLike } from "../index.js";
import { between, type Interval, real } from "./constraints.js";
import { refuse, Univariate } from "./distribution.js";
import { registerKL } from "./kl.js";
import { sinhc } from "./moments.js";
import { type DistributionOptions, type Parameter, parameters } from "./parameters.js";
import { readable } from "./readable.js";

/** The uniform distribution on [low, high]. */
export class Uniform extends Univariate {
  readonly low: Tensor;
  readonly high: Tensor;
  constructor(low: Parameter = 0, high: Parameter = 1, options: DistributionOptions = {}) {
    super();
    const declared = [
      ["low", low, real],
      ["high", high, real],
    ] as const;
    [this.low, this.high] = parameters("Uniform", declared, options);
    if ((options.validate ?? true) && readable(this.low.less(this.high).all())?.[0] === 0)
      refuse("Uniform", "low must be below high", `${this.low} and ${this.high}`, "swap them");
  }
  get batchShape(): Shape {
    return this.low.shape;
  }
  get support(): Interval {
    return between(this.low, this.high);
  }
  override get hasRsample(): boolean {
    return true;
  }
  private get width(): Tensor {
    return this.high.sub(this.low);
  }
  override get mean(): Tensor {
    return this.low.add(this.high).mul(0.5);
  }
  override get variance(): Tensor {
    return this.width.square().mul(1 / 12);
  }
  /** Every value is; this is the lowest. */
  override get mode(): Tensor {
    return this.low;
  }
  override entropy(): Tensor {
    return this.width.log();
  }
  /** `(e^(t high) - e^(t low)) / (t (high - low))`, and 1 at 0. */
  override mgf(t: Tensor | number): Tensor {
    const s = this.operand(t);
    return s
      .mul(this.mean)
      .exp()
      .mul(sinhc(s.mul(this.width).mul(0.5)));
  }
  protected logDensity(x: Tensor): Tensor {
    return zerosLike(x).sub(this.width.log());
  }
  protected override cumulative(x: Tensor): Tensor {
    return x.sub(this.low).div(this.width);
  }
  protected override quantile(p: Tensor): Tensor {
    return p.mul(this.width).add(this.low);
  }
}

registerKL(Uniform, Uniform, (p, q) => {
  const isInside = q.low.lessEqual(p.low).and(p.high.lessEqual(q.high));
  return where(isInside, q.entropy().sub(p.entropy()), Infinity);
});
