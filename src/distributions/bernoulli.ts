import { arange, random, type Shape, type Tensor, where } from "../index.js";
import { boolean, type Interval, unitInterval } from "./constraints.js";
import { Univariate } from "./distribution.js";
import { registerKL } from "./kl.js";
import { declareOdds, Odds, type ProbsOrLogits } from "./odds.js";
import { parameters } from "./parameters.js";

/** A trial: 1 with probability p, else 0. Given as `{ probs }` or `{ logits }`. */
export class Bernoulli extends Univariate {
  readonly odds: Odds;
  constructor(given: ProbsOrLogits) {
    super();
    const [value] = parameters("Bernoulli", [declareOdds(given, unitInterval)], given);
    this.odds = new Odds(value, given);
  }
  get batchShape(): Shape {
    return this.odds.value.shape;
  }
  get support(): Interval {
    return boolean;
  }
  get probs(): Tensor {
    return this.odds.probs;
  }
  get logits(): Tensor {
    return this.odds.logits;
  }
  override get mean(): Tensor {
    return this.probs;
  }
  override get variance(): Tensor {
    return this.probs.mul(this.odds.failure);
  }
  /** 0 where both are equally probable. */
  override get mode(): Tensor {
    return this.probs.greater(0.5).astype(this.dtype);
  }
  override entropy(): Tensor {
    return this.odds.logLikelihood(this.probs, this.odds.failure).neg().astype(this.dtype);
  }
  /** `1 - p + p e^t`. */
  override mgf(t: Tensor | number): Tensor {
    return this.operand(t).expm1().mul(this.probs).add(1);
  }
  override enumerateSupport(): Tensor {
    const values = arange(2, undefined, 1, { dtype: this.dtype });
    return values.reshape([2, ...this.batchShape.map(() => 1)]).broadcastTo([2, ...this.batchShape]);
  }
  protected logDensity(x: Tensor): Tensor {
    return this.odds.logLikelihood(x, x.neg().add(1));
  }
  protected override cumulative(x: Tensor): Tensor {
    return where(x.greaterEqual(1), 1, this.odds.failure);
  }
  protected override quantile(p: Tensor): Tensor {
    return p.greater(this.odds.failure).astype(p.dtype);
  }
  protected override draw(key: random.Key, shape: Shape): Tensor {
    const u: Tensor = random.uniform(key, shape, { dtype: "float64" }); // small probabilities need the bits
    return u.less(this.probs).astype(this.dtype);
  }
}

registerKL(Bernoulli, Bernoulli, (p, q) => {
  const { probs } = p;
  const { failure } = p.odds;
  return p.odds.logLikelihood(probs, failure).sub(q.odds.logLikelihood(probs, failure)).astype(p.dtype);
});
