import { random, type Shape, type Tensor, where } from "../index.js";
import { betainc, lbeta } from "../special/index.js";
import { type Interval, nonNegativeInteger, positive, probabilityBelowOne } from "./constraints.js";
import { Univariate, wide } from "./distribution.js";
import { inDomain } from "./moments.js";
import { declareOdds, Odds, type ProbsOrLogits } from "./odds.js";
import { type Parameter, parameters } from "./parameters.js";
import { invertDiscrete } from "./quantiles.js";
import { logStandardGamma, poisson } from "./samplers.js";

/**
 * The number of successes, each of probability p, before the `totalCount`-th failure, as in PyTorch; for any positive r
 * `P(k) = Γ(k + r)/(k! Γ(r)) (1 - p)^r p^k`. Given with `{ probs }` or `{ logits }`.
 */
export class NegativeBinomial extends Univariate {
  readonly totalCount: Tensor;
  readonly odds: Odds;
  constructor(totalCount: Parameter, given: ProbsOrLogits) {
    super();
    const count = ["totalCount", totalCount, positive] as const;
    const [r, value] = parameters("NegativeBinomial", [count, declareOdds(given, probabilityBelowOne)], given);
    this.totalCount = r;
    this.odds = new Odds(value, given);
  }
  get batchShape(): Shape {
    return this.totalCount.shape;
  }
  get support(): Interval {
    return nonNegativeInteger;
  }
  get probs(): Tensor {
    return this.odds.probs;
  }
  get logits(): Tensor {
    return this.odds.logits;
  }
  private get ratio(): Tensor {
    return this.odds.isLogits ? this.odds.value.exp() : this.probs.div(this.odds.failure);
  }
  override get mean(): Tensor {
    return this.totalCount.mul(this.ratio);
  }
  override get variance(): Tensor {
    return this.mean.div(this.odds.failure);
  }
  override get mode(): Tensor {
    return this.totalCount.sub(1).relu().mul(this.ratio).floor();
  }
  /** `((1 - p) / (1 - p e^t))^r` for `t < -log p`, else ∞. */
  override mgf(t: Tensor | number): Tensor {
    const s = this.operand(t);
    // p = 0 has no logarithm that is a number, and every t
    return inDomain(s.less(this.odds.logSuccess.neg()), s, (v) =>
      this.ratio.mul(v.expm1()).neg().log1p().mul(this.totalCount).neg().exp(),
    );
  }
  protected logDensity(value: Tensor): Tensor {
    const [k, r] = wide(value, this.totalCount);
    const ways = k
      .add(r)
      .log()
      .add(lbeta(r, k.add(1)))
      .neg();
    return ways.add(this.odds.logLikelihood(k, r));
  }
  /** `I(1 - p; r, k + 1)`; at ∞ 1. */
  protected override cumulative(value: Tensor): Tensor {
    const [k, r, q] = wide(value, this.totalCount, this.odds.failure);
    const isKnown = k.isFinite();
    return where(isKnown, betainc(r, where(isKnown, k, 0).add(1), q), 1);
  }
  protected override quantile(probability: Tensor): Tensor {
    const [p, start] = wide(probability, this.mean);
    return invertDiscrete(p, (k) => this.cumulative(k), { start });
  }
  /** Poisson with a rate drawn from a gamma distribution. */
  protected override draw(key: random.Key, shape: Shape): Tensor {
    const [first, second] = random.split(key);
    const rate = logStandardGamma(first, this.totalCount, shape).exp().mul(this.ratio);
    return poisson(second, rate, shape).astype(this.dtype);
  }
}
