import { type random, type Shape, type Tensor, tree, where } from "../index.js";
import { type Constraint, Interval } from "./constraints.js";
import { Distribution, drawnFrom, refuse } from "./distribution.js";
import { Independent } from "./independent.js";
import { ComposeTransform, sumLast, type Transform } from "./transforms.js";

/** The distribution of `Y = f(X)`: `log p(y) = log p(x) - log |det df/dx|` at `x = f⁻¹(y)`, for a bijection f. */
export class TransformedDistribution extends Distribution {
  readonly base: Distribution;
  readonly transform: Transform;
  constructor(base: Distribution, transforms: Transform | readonly Transform[]) {
    super();
    const transform = "forward" in transforms ? transforms : new ComposeTransform(transforms);
    if (base.isDiscrete)
      refuse(
        "TransformedDistribution",
        "the base must have a density",
        `a discrete ${base.constructor.name}`,
        "transform its samples",
      );
    const missing = Math.max(0, transform.eventRank - base.eventShape.length);
    const whole = missing === 0 ? base : new Independent(base, missing);
    const rank = whole.eventShape.length;
    const wide = transform.inverseShape(transform.forwardShape([...whole.batchShape, ...whole.eventShape]));
    this.base = whole.expand(wide.slice(0, wide.length - rank));
    this.transform = transform;
  }
  private get shape(): Shape {
    return this.transform.forwardShape([...this.base.batchShape, ...this.base.eventShape]);
  }
  private get eventSize(): number {
    return this.base.eventShape.length;
  }
  get batchShape(): Shape {
    const { shape } = this;
    return shape.slice(0, shape.length - this.eventSize);
  }
  override get eventShape(): Shape {
    const { shape } = this;
    return shape.slice(shape.length - this.eventSize);
  }
  get support(): Constraint {
    const { codomain } = this.transform;
    const axes = Array.from({ length: this.eventSize - codomain.eventRank }, (_, i) => i - this.eventSize);
    if (axes.length === 0) return codomain;
    return { ...codomain, eventRank: this.eventSize, check: (x) => codomain.check(x).all(axes) };
  }
  override get hasRsample(): boolean {
    return this.base.hasRsample;
  }
  override cdf(value: Tensor | number): Tensor {
    const { codomain, sign } = this.transform;
    const y = this.operand(value);
    const inside = codomain instanceof Interval ? y.maximum(codomain.low).minimum(codomain.high) : y;
    const below = this.base.cdf(this.transform.inverse(inside));
    if (typeof sign === "number") return sign > 0 ? below : below.neg().add(1);
    return where(sign.greater(0), below, below.neg().add(1));
  }
  override icdf(probability: Tensor | number): Tensor {
    const { sign } = this.transform;
    const p = this.operand(probability);
    const rest = p.neg().add(1);
    const below = typeof sign === "number" ? (sign > 0 ? p : rest) : where(sign.greater(0), p, rest);
    return this.transform.forward(this.base.icdf(below));
  }
  override expand(batchShape: Shape): this {
    const copy = tree.map((x) => x, this); // the transform's parameters have axes of their own, which broadcast
    return Object.assign(copy, { base: this.base.expand(batchShape) });
  }
  protected logDensity(y: Tensor): Tensor {
    const x = this.transform.inverse(y);
    const slopes = this.transform.logAbsDetJacobian(x, y);
    return this.base.logProb(x).sub(sumLast(slopes, this.eventSize - this.transform.eventRank));
  }
  protected draw(key: random.Key, shape: Shape): Tensor {
    return this.transform.forward(drawnFrom(this.base, key, this.transform.inverseShape(shape)));
  }
}
