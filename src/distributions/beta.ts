import { random, type Shape, type Tensor, where } from "../index.js";
import { betainc, digamma, lbeta, xlog1py, xlogy } from "../special/index.js";
import { type Interval, positive, unitInterval } from "./constraints.js";
import { Univariate, wide } from "./distribution.js";
import { registerKL } from "./kl.js";
import { type DistributionOptions, type Parameter, parameters } from "./parameters.js";
import { invertContinuous } from "./quantiles.js";
import { logStandardGamma } from "./samplers.js";

/** The beta distribution on [0, 1]: `p(x) = x^(a-1) (1 - x)^(b-1) / B(a, b)` with `a = concentration1, b = concentration0`. */
export class Beta extends Univariate {
  readonly concentration1: Tensor;
  readonly concentration0: Tensor;
  constructor(concentration1: Parameter, concentration0: Parameter, options: DistributionOptions = {}) {
    super();
    const declared = [
      ["concentration1", concentration1, positive],
      ["concentration0", concentration0, positive],
    ] as const;
    [this.concentration1, this.concentration0] = parameters("Beta", declared, options);
  }
  get batchShape(): Shape {
    return this.concentration1.shape;
  }
  get support(): Interval {
    return unitInterval;
  }
  override get mean(): Tensor {
    return this.concentration1.div(this.concentration1.add(this.concentration0));
  }
  override get variance(): Tensor {
    const [a, b] = [this.concentration1, this.concentration0];
    const total = a.add(b);
    return a.div(total).mul(b.div(total)).div(total.add(1));
  }
  /** `(a - 1)/(a + b - 2)` for `a, b > 1`; an end where the density grows or is greatest; NaN where both ends, or all, are. */
  override get mode(): Tensor {
    const [a, b] = [this.concentration1, this.concentration0];
    const [isHigh, isWide] = [a.greater(1), b.greater(1)];
    const inner = a.sub(1).div(where(isHigh.and(isWide), a.add(b).sub(2), 1));
    const end = where(
      isHigh.or(a.equal(1).and(b.less(1))),
      1,
      where(isWide.or(b.equal(1).and(a.less(1))), 0, Number.NaN),
    );
    return where(isHigh.and(isWide), inner, end);
  }
  override entropy(): Tensor {
    const [a, b] = wide(this.concentration1, this.concentration0);
    const powers = a
      .sub(1)
      .mul(digamma(a))
      .add(b.sub(1).mul(digamma(b)));
    const total = a.add(b);
    return lbeta(a, b)
      .sub(powers)
      .add(total.sub(2).mul(digamma(total)))
      .astype(this.dtype);
  }
  protected logDensity(value: Tensor): Tensor {
    const [x, a, b] = wide(value, this.concentration1, this.concentration0);
    return logDensity(a, b, x);
  }
  protected override cumulative(x: Tensor): Tensor {
    return betainc(this.concentration1, this.concentration0, x);
  }
  protected override quantile(probability: Tensor): Tensor {
    const [p, one, zero] = wide(probability, this.concentration1, this.concentration0);
    return invertContinuous(
      p,
      (x) => betainc(one, zero, x),
      (x) => logDensity(one, zero, x),
      { low: -745, high: 37, x: (s) => s.sigmoid(), logSlope: (s) => s.sigmoid().log().add(s.neg().sigmoid().log()) },
    );
  }
  protected override draw(key: random.Key, shape: Shape): Tensor {
    const [first, second] = random.split(key);
    const one = logStandardGamma(first, this.concentration1, shape);
    return one
      .sub(logStandardGamma(second, this.concentration0, shape))
      .sigmoid()
      .astype(this.dtype);
  }
}

const logDensity = (a: Tensor, b: Tensor, x: Tensor): Tensor =>
  xlogy(a.sub(1), x)
    .add(xlog1py(b.sub(1), x.neg()))
    .sub(lbeta(a, b));

registerKL(Beta, Beta, (p, q) => {
  const [a, b, c, d] = wide(p.concentration1, p.concentration0, q.concentration1, q.concentration0);
  const [first, second] = [a.sub(c), b.sub(d)];
  const digammas = first
    .mul(digamma(a))
    .add(second.mul(digamma(b)))
    .sub(first.add(second).mul(digamma(a.add(b))));
  return lbeta(c, d).sub(lbeta(a, b)).add(digammas).astype(p.dtype);
});
