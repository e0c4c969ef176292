import { arange, logSumExp, random, type Shape, stack, type Tensor, where } from "../index.js";
import type { Categorical } from "./categorical.js";
import type { Constraint } from "./constraints.js";
import { Distribution, refuse } from "./distribution.js";

/**
 * A mixture `p(x) = Σ wᵢ pᵢ(x)` with the probabilities of `mixing` as weights. The components are one batch whose last axis
 * counts them (PyTorch's `MixtureSameFamily`), or a list of distributions of any kinds.
 */
export class Mixture extends Distribution {
  readonly mixing: Categorical;
  readonly components: Distribution | readonly Distribution[];
  constructor(mixing: Categorical, components: Distribution | readonly Distribution[]) {
    super();
    const [first] = "logProb" in components ? [components] : components;
    const batches =
      "logProb" in components ? [components.batchShape] : components.map((c) => [...c.batchShape, components.length]);
    const expected = [...mixing.batchShape, mixing.classes].join(",");
    const wrong = batches.find((shape) => shape.join(",") !== expected);
    if (first === undefined || wrong !== undefined)
      refuse(
        "Mixture",
        `components must form a batch [${expected}]`,
        wrong === undefined ? "none" : `[${wrong.join(",")}]`,
        "there must be one for each weight: expand them",
      );
    this.mixing = mixing;
    this.components = components;
  }
  private get first(): Distribution {
    return "logProb" in this.components ? this.components : this.components[0];
  }
  /** `f` of each component for a value, in an axis before those that a result has for each value. */
  private each(f: (c: Distribution, x: Tensor) => Tensor, x: Tensor, rank: number): Tensor {
    if (!("logProb" in this.components))
      return stack(
        this.components.map((c) => f(c, x)),
        -1 - rank,
      );
    const values = this.eventShape.length;
    return f(this.components, x.rank < values ? x : x.expandDims(-1 - values));
  }
  /** The same for what does not depend on a value. */
  private all(f: (c: Distribution) => Tensor): Tensor {
    if ("logProb" in this.components) return f(this.components);
    return stack(this.components.map(f), -1 - this.eventShape.length);
  }
  /** `Σ wᵢ vᵢ` for `[…, k, …event]`. */
  private average(values: Tensor): Tensor {
    const ones = this.eventShape.map(() => 1);
    const { probs } = this.mixing;
    return values.mul(probs.reshape([...probs.shape, ...ones])).sum(-1 - ones.length);
  }
  get batchShape(): Shape {
    return this.mixing.batchShape;
  }
  override get eventShape(): Shape {
    return this.first.eventShape;
  }
  override get isDiscrete(): boolean {
    return this.first.isDiscrete;
  }
  /** The union of the components' supports. */
  get support(): Constraint {
    const { description, eventRank } = this.first.support;
    return {
      description,
      eventRank,
      check: (x) => this.each((c, v) => c.support.check(v), x, 0).any(-1),
      point: null,
    };
  }
  override get mean(): Tensor {
    return this.average(this.all((c) => c.mean));
  }
  override get variance(): Tensor {
    const offsets = this.all((c) => c.mean).sub(this.mean.expandDims(-1 - this.eventShape.length));
    return this.average(this.all((c) => c.variance).add(offsets.square()));
  }
  override cdf(value: Tensor | number): Tensor {
    return this.mixing.probs.mul(this.each((c, x) => c.cdf(x), this.operand(value), 0)).sum(-1);
  }
  override mgf(t: Tensor | number): Tensor {
    return this.mixing.probs.mul(this.each((c, x) => c.mgf(x), this.operand(t), 0)).sum(-1);
  }
  protected logDensity(x: Tensor): Tensor {
    return logSumExp(this.mixing.logits.add(this.each((c, v) => c.logProb(v), x, 0)), -1);
  }
  protected draw(key: random.Key, shape: Shape): Tensor {
    const lead = shape.slice(0, shape.length - this.batchShape.length - this.eventShape.length);
    const [first, second] = random.split(key);
    const ones = this.eventShape.map(() => 1);
    const chosen = this.mixing.sample(first, lead);
    const places = arange(this.mixing.classes).reshape([-1, ...ones]);
    const isChosen = chosen.reshape([...chosen.shape, 1, ...ones]).equal(places);
    let count = 0;
    const draws = this.all((c) => c.sample(random.foldIn(second, count++), lead));
    return where(isChosen, draws, 0).sum(-1 - ones.length);
  }
}
