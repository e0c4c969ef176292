/** What distributions of `loc + scale·Z`, for a Z without further parameters, have in common. */
import type { Shape, Tensor } from "../index.js";
import { type Interval, positive, real } from "./constraints.js";
import { Univariate } from "./distribution.js";
import { type DistributionOptions, type Parameter, parameters } from "./parameters.js";

/** Checked parameters, for the constructors of such distributions. */
export function locationScale(
  op: string,
  loc: Parameter,
  scale: Parameter,
  options: DistributionOptions,
): readonly [loc: Tensor, scale: Tensor] {
  const declared = [
    ["loc", loc, real],
    ["scale", scale, positive],
  ] as const;
  const [l, s] = parameters(op, declared, options);
  return [l, s];
}

/** A distribution on all numbers of `loc + scale·Z`; `Z` gives what it has as functions of `z = (x - loc) / scale`. */
export abstract class LocationScale extends Univariate {
  readonly loc: Tensor;
  readonly scale: Tensor;
  constructor(loc: Tensor, scale: Tensor) {
    super();
    this.loc = loc;
    this.scale = scale;
  }
  get batchShape(): Shape {
    return this.loc.shape;
  }
  get support(): Interval {
    return real;
  }
  override get hasRsample(): boolean {
    return true;
  }
  override get mode(): Tensor {
    return this.loc;
  }
  /** The log-density of Z. */
  protected abstract standardLogDensity(z: Tensor): Tensor;
  /** The distribution function of Z. */
  protected abstract standardCumulative(z: Tensor): Tensor;
  /** Its inverse. */
  protected abstract standardQuantile(p: Tensor): Tensor;

  private standard(x: Tensor): Tensor {
    return x.sub(this.loc).div(this.scale);
  }
  protected logDensity(x: Tensor): Tensor {
    return this.standardLogDensity(this.standard(x)).sub(this.scale.log());
  }
  protected override cumulative(x: Tensor): Tensor {
    return this.standardCumulative(this.standard(x));
  }
  protected override quantile(p: Tensor): Tensor {
    return this.standardQuantile(p).mul(this.scale).add(this.loc);
  }
}
