import { arange, type random, type Shape, type Tensor, where } from "../index.js";
import { gammaincc, lgamma, xlogy } from "../special/index.js";
import { type Interval, nonNegative, nonNegativeInteger } from "./constraints.js";
import { Univariate, wide } from "./distribution.js";
import { registerKL } from "./kl.js";
import { type DistributionOptions, type Parameter, parameters } from "./parameters.js";
import { invertDiscrete } from "./quantiles.js";
import { poisson } from "./samplers.js";

/** The Poisson distribution: `P(k) = rate^k e^(-rate) / k!`. */
export class Poisson extends Univariate {
  readonly rate: Tensor;
  constructor(rate: Parameter, options: DistributionOptions = {}) {
    super();
    [this.rate] = parameters("Poisson", [["rate", rate, nonNegative]], options);
  }
  get batchShape(): Shape {
    return this.rate.shape;
  }
  get support(): Interval {
    return nonNegativeInteger;
  }
  override get mean(): Tensor {
    return this.rate;
  }
  override get variance(): Tensor {
    return this.rate;
  }
  override get mode(): Tensor {
    return this.rate.floor();
  }
  /** A sum over what is at most 30 standard deviations away for rates below 64, an asymptotic series above. */
  override entropy(): Tensor {
    const rate = this.rate.astype("float64");
    const isLarge = rate.greaterEqual(64);
    const few = entropyBySum(where(isLarge, 1, rate));
    return where(isLarge, entropyBySeries(where(isLarge, rate, 64)), few).astype(this.dtype);
  }
  /** `exp(rate (e^t - 1))`. */
  override mgf(t: Tensor | number): Tensor {
    return this.operand(t).expm1().mul(this.rate).exp();
  }
  protected logDensity(value: Tensor): Tensor {
    const [k, rate] = wide(value, this.rate);
    return logMass(k, rate);
  }
  /** `Q(k + 1, rate)`. */
  protected override cumulative(value: Tensor): Tensor {
    const [k, rate] = wide(value, this.rate);
    return gammaincc(k.add(1), rate);
  }
  protected override quantile(probability: Tensor): Tensor {
    const [p, start] = wide(probability, this.rate);
    return invertDiscrete(p, (k) => this.cumulative(k), { start });
  }
  protected override draw(key: random.Key, shape: Shape): Tensor {
    return poisson(key, this.rate, shape).astype(this.dtype);
  }
}

const logMass = (k: Tensor, rate: Tensor): Tensor =>
  xlogy(k, rate)
    .sub(rate)
    .sub(lgamma(k.add(1)));

/** For rates below 64, of which 320 is more than 30 standard deviations away. */
function entropyBySum(rate: Tensor): Tensor {
  const k = arange(320).astype("float64");
  const log = logMass(k, rate.expandDims(-1));
  const isPossible = log.greater(-700);
  const safe = where(isPossible, log, 0);
  return where(isPossible, safe.exp().mul(safe), 0).sum(-1).neg();
}

/** `½ log(2πe rate) - 1/(12 rate) - 1/(24 rate²) - …` (R. J. Evans and J. Boersma, "The entropy of a Poisson distribution", 1988). */
function entropyBySeries(rate: Tensor): Tensor {
  const coefficients = [33953 / 5040, 1375 / 1008, 863 / 2520, 9 / 80, 19 / 360, 1 / 24, 1 / 12];
  const x = rate.reciprocal();
  const series = coefficients.reduce<Tensor>((sum, c) => sum.add(c).mul(x), x.mul(0));
  return rate
    .mul(2 * Math.PI * Math.E)
    .log()
    .mul(0.5)
    .sub(series);
}

registerKL(Poisson, Poisson, (p, q) => {
  const [a, b] = wide(p.rate, q.rate);
  return xlogy(a, a).sub(xlogy(a, b)).sub(a).add(b).astype(p.dtype);
});
