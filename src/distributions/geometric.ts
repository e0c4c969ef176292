import { type random, type Shape, type Tensor, where, zerosLike } from "../index.js";
import { type Interval, nonNegativeInteger, probability } from "./constraints.js";
import { openUniform, Univariate } from "./distribution.js";
import { registerKL } from "./kl.js";
import { inDomain } from "./moments.js";
import { declareOdds, Odds, type ProbsOrLogits } from "./odds.js";
import { parameters } from "./parameters.js";

/** The number of failures before the first success: `P(k) = (1 - p)^k p`. Given as `{ probs }` or `{ logits }`. */
export class Geometric extends Univariate {
  readonly odds: Odds;
  constructor(given: ProbsOrLogits) {
    super();
    const [value] = parameters("Geometric", [declareOdds(given, probability)], given);
    this.odds = new Odds(value, given);
  }
  get batchShape(): Shape {
    return this.odds.value.shape;
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
  override get mean(): Tensor {
    return this.odds.failure.div(this.probs);
  }
  override get variance(): Tensor {
    return this.odds.failure.div(this.probs.square());
  }
  override get mode(): Tensor {
    return zerosLike(this.probs);
  }
  override entropy(): Tensor {
    const { odds } = this;
    return odds.logLikelihood(odds.probs, odds.failure).neg().astype(this.dtype).div(odds.probs);
  }
  /** `p / (1 - (1 - p) e^t)` for `t < -log(1 - p)`, else ∞. */
  override mgf(t: Tensor | number): Tensor {
    const s = this.operand(t);
    const { failure, logFailure, probs } = this.odds;
    // 1 - q eᵗ = p - q (eᵗ - 1)
    return inDomain(s.less(logFailure.neg()), s, (v) => probs.div(probs.sub(failure.mul(v.expm1()))));
  }
  protected logDensity(k: Tensor): Tensor {
    return this.odds.logLikelihood(zerosLike(k).add(1), k);
  }
  /** `1 - (1 - p)^(k + 1)`. */
  protected override cumulative(k: Tensor): Tensor {
    return k.add(1).mul(this.odds.logFailure).expm1().neg();
  }
  protected override quantile(p: Tensor): Tensor {
    const guess = p.neg().log1p().div(this.odds.logFailure).ceil().sub(1).maximum(0);
    const before = guess.sub(1).maximum(0);
    return where(this.cumulative(before).greaterEqual(p), before, guess); // where rounding went one too far
  }
  protected override draw(key: random.Key, shape: Shape): Tensor {
    return openUniform(key, shape, "float64").log().div(this.odds.logFailure).floor().astype(this.dtype);
  }
}

registerKL(Geometric, Geometric, (p, q) => {
  const { probs, failure } = p.odds;
  const found = p.odds.logLikelihood(probs, failure).sub(q.odds.logLikelihood(probs, failure));
  return found.astype(p.dtype).div(probs);
});
