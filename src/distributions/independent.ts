import type { random, Shape, Tensor } from "../index.js";
import { type Constraint, independent } from "./constraints.js";
import { Distribution, drawnFrom, refuse } from "./distribution.js";
import { kl, registerKL } from "./kl.js";
import { sumLast } from "./transforms.js";

/** The last axes of a batch as axes of one value, whose elements are independent: their log-probabilities add up. */
export class Independent extends Distribution {
  readonly base: Distribution;
  /** How many axes of the batch become axes of a value. */
  readonly reinterpreted: number;
  constructor(base: Distribution, reinterpreted = 1) {
    super();
    const { length } = base.batchShape;
    if (!Number.isInteger(reinterpreted) || reinterpreted < 0 || reinterpreted > length)
      refuse(
        "Independent",
        `the number of axes must be from 0 to ${length}`,
        String(reinterpreted),
        "the batch has no more",
      );
    this.base = base;
    this.reinterpreted = reinterpreted;
  }
  get batchShape(): Shape {
    const { batchShape } = this.base;
    return batchShape.slice(0, batchShape.length - this.reinterpreted);
  }
  override get eventShape(): Shape {
    const { batchShape, eventShape } = this.base;
    return [...batchShape.slice(batchShape.length - this.reinterpreted), ...eventShape];
  }
  get support(): Constraint {
    return { ...independent(this.base.support, this.reinterpreted), point: null };
  }
  override get hasRsample(): boolean {
    return this.base.hasRsample;
  }
  override get isDiscrete(): boolean {
    return this.base.isDiscrete;
  }
  override get mean(): Tensor {
    return this.base.mean;
  }
  override get variance(): Tensor {
    return this.base.variance;
  }
  override get mode(): Tensor {
    return this.base.mode;
  }
  override entropy(): Tensor {
    return sumLast(this.base.entropy(), this.reinterpreted);
  }
  protected logDensity(x: Tensor): Tensor {
    return sumLast(this.base.logProb(x), this.reinterpreted);
  }
  protected draw(key: random.Key, shape: Shape): Tensor {
    return drawnFrom(this.base, key, shape);
  }
}

registerKL(Independent, Independent, (p, q) => {
  if (p.reinterpreted !== q.reinterpreted)
    refuse(
      "kl",
      "both distributions must have values of as many axes",
      `${p.reinterpreted} and ${q.reinterpreted}`,
      "reinterpret the same axes",
    );
  return sumLast(kl(p.base, q.base), p.reinterpreted);
});
