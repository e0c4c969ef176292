import { arange, logSoftmax, random, type Shape, softmax, type Tensor, where } from "../index.js";
import { integersTo, type Interval, logWeights, weights } from "./constraints.js";
import { Univariate } from "./distribution.js";
import { registerKL } from "./kl.js";
import type { ProbsOrLogits } from "./odds.js";
import { parameters } from "./parameters.js";

/** Classes 0 … n - 1, given by `{ probs[…, n] }` up to a factor or `{ logits[…, n] }` up to a term. Samples are int32. */
export class Categorical extends Univariate {
  readonly given: Tensor;
  readonly isLogits: boolean;
  constructor(given: ProbsOrLogits) {
    super();
    this.isLogits = given.probs === undefined;
    const declared =
      given.probs === undefined
        ? (["logits", given.logits, logWeights] as const)
        : (["probs", given.probs, weights] as const);
    [this.given] = parameters("Categorical", [declared], given);
  }
  get batchShape(): Shape {
    return this.given.shape.slice(0, -1);
  }
  /** How many classes there are. */
  get classes(): number {
    return this.given.shape[this.given.rank - 1];
  }
  get support(): Interval {
    return integersTo(this.classes - 1);
  }
  /** The probabilities. */
  get probs(): Tensor {
    return this.isLogits ? softmax(this.given) : this.given.div(this.given.sum(-1, { keepDims: true }));
  }
  /** Their logarithms. */
  get logits(): Tensor {
    if (this.isLogits) return logSoftmax(this.given);
    const { probs } = this;
    const isPossible = probs.greater(0);
    return where(isPossible, where(isPossible, probs, 1).log(), -Infinity);
  }
  private get places(): Tensor {
    return arange(this.classes, undefined, 1, { dtype: this.dtype });
  }
  /** Of the numbers of the classes. */
  override get mean(): Tensor {
    return this.probs.mul(this.places).sum(-1);
  }
  override get variance(): Tensor {
    return this.probs.mul(this.places.sub(this.mean.expandDims(-1)).square()).sum(-1);
  }
  override get mode(): Tensor {
    return this.given.argmax(-1);
  }
  override entropy(): Tensor {
    return expectation(this, this.logits).neg();
  }
  override mgf(t: Tensor | number): Tensor {
    return this.operand(t).expandDims(-1).mul(this.places).exp().mul(this.probs).sum(-1);
  }
  override enumerateSupport(): Tensor {
    const values = arange(this.classes).reshape([this.classes, ...this.batchShape.map(() => 1)]);
    return values.broadcastTo([this.classes, ...this.batchShape]);
  }
  protected logDensity(x: Tensor): Tensor {
    return where(x.expandDims(-1).equal(this.places), this.logits, 0).sum(-1);
  }
  protected override cumulative(x: Tensor): Tensor {
    const isLast = x.greaterEqual(this.classes - 1);
    return where(isLast, 1, where(this.places.lessEqual(x.expandDims(-1)), this.probs, 0).sum(-1));
  }
  protected override quantile(p: Tensor): Tensor {
    const below = this.probs.cumsum(-1).less(p.expandDims(-1));
    return below
      .astype(p.dtype)
      .sum(-1)
      .minimum(this.classes - 1);
  }
  protected override draw(key: random.Key, shape: Shape): Tensor {
    return random.categorical(key, this.logits.broadcastTo([...shape, this.classes]));
  }
}

/** `Σ pᵢ vᵢ`, where classes of probability 0 count 0. */
function expectation(of: Categorical, values: Tensor): Tensor {
  const isPossible = of.probs.greater(0);
  return where(isPossible, of.probs.mul(where(isPossible, values, 0)), 0).sum(-1);
}

registerKL(Categorical, Categorical, (p, q) => expectation(p, where(p.probs.greater(0), p.logits.sub(q.logits), 0)));
