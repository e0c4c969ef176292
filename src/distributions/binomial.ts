import { arange, type random, type Shape, type Tensor, where } from "../index.js";
import { betainc, lbeta } from "../special/index.js";
import { integersTo, type Interval, nonNegativeInteger, unitInterval } from "./constraints.js";
import { refuse, Univariate, wide } from "./distribution.js";
import { registerKL } from "./kl.js";
import { declareOdds, Odds, type ProbsOrLogits } from "./odds.js";
import { type Parameter, parameters } from "./parameters.js";
import { invertDiscrete } from "./quantiles.js";
import { readable } from "./readable.js";
import { binomial } from "./samplers.js";

/** The number of successes in `totalCount` trials, given with `{ probs }` or `{ logits }`. */
export class Binomial extends Univariate {
  readonly totalCount: Tensor;
  readonly odds: Odds;
  constructor(totalCount: Parameter, given: ProbsOrLogits) {
    super();
    const count = ["totalCount", totalCount, nonNegativeInteger] as const;
    const [n, value] = parameters("Binomial", [count, declareOdds(given, unitInterval)], given);
    this.totalCount = n;
    this.odds = new Odds(value, given);
  }
  get batchShape(): Shape {
    return this.totalCount.shape;
  }
  get support(): Interval {
    return integersTo(this.totalCount);
  }
  get probs(): Tensor {
    return this.odds.probs;
  }
  get logits(): Tensor {
    return this.odds.logits;
  }
  override get mean(): Tensor {
    return this.totalCount.mul(this.probs);
  }
  override get variance(): Tensor {
    return this.mean.mul(this.odds.failure);
  }
  override get mode(): Tensor {
    return this.totalCount.add(1).mul(this.probs).floor().minimum(this.totalCount);
  }
  /** By the sum over all values: the counts must be readable, and of one size. */
  override entropy(): Tensor {
    const x = this.enumerateSupport();
    const log = this.logProb(x);
    return where(log.isFinite(), log.exp().mul(log), 0).sum(0).neg();
  }
  /** `(1 - p + p e^t)^n`. */
  override mgf(t: Tensor | number): Tensor {
    return this.operand(t).expm1().mul(this.probs).log1p().mul(this.totalCount).exp();
  }
  override enumerateSupport(): Tensor {
    const [least, most] = [this.totalCount.min(), this.totalCount.max()].map((n) => readable(n)?.[0]);
    if (least === undefined || most === undefined || least !== most)
      refuse(
        "Binomial.enumerateSupport",
        "counts must be known and of one size",
        String(most ?? "a traced count"),
        "enumerate one distribution at a time, outside compile",
      );
    const values = arange(0, most + 1, 1, { dtype: this.dtype });
    return values.reshape([most + 1, ...this.batchShape.map(() => 1)]).broadcastTo([most + 1, ...this.batchShape]);
  }
  protected logDensity(value: Tensor): Tensor {
    const [k, n] = wide(value, this.totalCount);
    const rest = n.sub(k);
    const ways = n
      .log1p()
      .add(lbeta(k.add(1), rest.add(1)))
      .neg();
    return ways.add(this.odds.logLikelihood(k, rest));
  }
  /** `I(1 - p; n - k, k + 1)`. */
  protected override cumulative(value: Tensor): Tensor {
    const [k, n, q] = wide(value, this.totalCount, this.odds.failure);
    const isLast = k.greaterEqual(n);
    return where(isLast, 1, betainc(where(isLast, 1, n.sub(k)), k.add(1), q));
  }
  protected override quantile(probability: Tensor): Tensor {
    const [p, high] = wide(probability, this.totalCount);
    return invertDiscrete(p, (k) => this.cumulative(k.minimum(high)), { high });
  }
  protected override draw(key: random.Key, shape: Shape): Tensor {
    return binomial(key, this.totalCount, this.probs, shape).astype(this.dtype);
  }
}

/** Of equal counts; ∞ where q has fewer trials, and where it has more there is no closed form: NaN. */
registerKL(Binomial, Binomial, (p, q) => {
  const [successes, failures] = [p.mean, p.totalCount.mul(p.odds.failure)];
  const found = p.odds.logLikelihood(successes, failures).sub(q.odds.logLikelihood(successes, failures));
  const [n, m] = [p.totalCount, q.totalCount];
  return where(n.equal(m), found, where(n.greater(m), Infinity, Number.NaN)).astype(p.dtype);
});
