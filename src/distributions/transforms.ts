/** Bijections with the logarithms of their Jacobian determinants, for densities of transformed variables. */
import { concatenate, Module, type Shape, softmax, softplus, Tensor, tensor, zerosLike, arange } from "../index.js";
import { logit } from "../special/index.js";
import {
  type Constraint,
  openSymmetric,
  openUnitInterval,
  positive,
  real,
  realVector,
  simplex,
} from "./constraints.js";
import { refuse } from "./distribution.js";
import { UnavailableError } from "./errors.js";
import { broadcastShape, type Parameter } from "./parameters.js";

/** A bijection `y = f(x)` of numbers, or of vectors in the last axis. */
export abstract class Transform extends Module {
  /** Where y lies. */
  abstract get codomain(): Constraint;
  /** Where x lies. */
  get domain(): Constraint {
    return real;
  }
  /** How many axes one value has. */
  get eventRank(): number {
    return this.codomain.eventRank;
  }
  /** 1 where f increases, -1 where it decreases; only bijections of numbers have a sign. */
  get sign(): Tensor | number {
    throw new UnavailableError(
      `${this.constructor.name}.sign: a bijection must be one of numbers, got one of vectors. use logProb`,
    );
  }
  abstract forward(x: Tensor): Tensor;
  abstract inverse(y: Tensor): Tensor;
  /** `log |det dy/dx|` for each value; `y = f(x)` is handed over as it is often of use. */
  abstract logAbsDetJacobian(x: Tensor, y: Tensor): Tensor;
  /** The shape of `f(x)` for x of a shape. */
  forwardShape(shape: Shape): Shape {
    return shape;
  }
  inverseShape(shape: Shape): Shape {
    return shape;
  }
  /** The inverse bijection. */
  get inv(): Transform {
    return new InverseTransform(this);
  }
}

class InverseTransform extends Transform {
  readonly of: Transform;
  constructor(of: Transform) {
    super();
    this.of = of;
  }
  get codomain(): Constraint {
    return this.of.domain;
  }
  override get domain(): Constraint {
    return this.of.codomain;
  }
  override get sign(): Tensor | number {
    return this.of.sign;
  }
  forward(x: Tensor): Tensor {
    return this.of.inverse(x);
  }
  inverse(y: Tensor): Tensor {
    return this.of.forward(y);
  }
  logAbsDetJacobian(x: Tensor, y: Tensor): Tensor {
    return this.of.logAbsDetJacobian(y, x).neg();
  }
  override forwardShape(shape: Shape): Shape {
    return this.of.inverseShape(shape);
  }
  override inverseShape(shape: Shape): Shape {
    return this.of.forwardShape(shape);
  }
  override get inv(): Transform {
    return this.of;
  }
}

const product = (a: Tensor | number, b: Tensor | number): Tensor | number =>
  a instanceof Tensor ? a.mul(b) : b instanceof Tensor ? b.mul(a) : a * b;

/** Sums over the last `count` axes. */
export const sumLast = (x: Tensor, count: number): Tensor =>
  count === 0 ? x : x.sum(Array.from({ length: count }, (_, i) => i - count));

/** Several bijections, the first of the list applied first. */
export class ComposeTransform extends Transform {
  readonly parts: readonly Transform[];
  constructor(parts: readonly Transform[]) {
    super();
    if (parts.length === 0)
      refuse("ComposeTransform", "at least one part is needed", "none", "an AffineTransform(0, 1) changes nothing");
    this.parts = parts;
  }
  get codomain(): Constraint {
    return this.parts[this.parts.length - 1].codomain;
  }
  override get domain(): Constraint {
    return this.parts[0].domain;
  }
  override get eventRank(): number {
    return Math.max(...this.parts.map((part) => part.eventRank));
  }
  override get sign(): Tensor | number {
    return this.parts.map((part) => part.sign).reduce(product);
  }
  forward(x: Tensor): Tensor {
    return this.parts.reduce((y, part) => part.forward(y), x);
  }
  inverse(y: Tensor): Tensor {
    return this.parts.reduceRight((x, part) => part.inverse(x), y);
  }
  logAbsDetJacobian(x: Tensor, _y: Tensor): Tensor {
    let at = x;
    const terms = this.parts.map((part) => {
      const next = part.forward(at);
      const term = sumLast(part.logAbsDetJacobian(at, next), this.eventRank - part.eventRank);
      at = next;
      return term;
    });
    return terms.reduce((a, b) => a.add(b));
  }
  override forwardShape(shape: Shape): Shape {
    return this.parts.reduce((s, part) => part.forwardShape(s), shape);
  }
  override inverseShape(shape: Shape): Shape {
    return this.parts.reduceRight((s, part) => part.inverseShape(s), shape);
  }
}

/** `y = e^x`. */
export class ExpTransform extends Transform {
  get codomain(): Constraint {
    return positive;
  }
  override get sign(): number {
    return 1;
  }
  forward(x: Tensor): Tensor {
    return x.exp();
  }
  inverse(y: Tensor): Tensor {
    return y.log();
  }
  logAbsDetJacobian(x: Tensor): Tensor {
    return x;
  }
}

/** `y = loc + scale·x`, for a scale that is not 0. */
export class AffineTransform extends Transform {
  readonly loc: Tensor;
  readonly scale: Tensor;
  constructor(loc: Parameter, scale: Parameter) {
    super();
    const dtype = [loc, scale].some((x) => x instanceof Tensor && x.dtype === "float64") ? "float64" : "float32";
    [this.loc, this.scale] = [loc, scale].map((x) => (x instanceof Tensor ? x : tensor(x, { dtype })));
  }
  get codomain(): Constraint {
    return real;
  }
  override get sign(): Tensor {
    return this.scale.sign();
  }
  forward(x: Tensor): Tensor {
    return x.mul(this.scale).add(this.loc);
  }
  inverse(y: Tensor): Tensor {
    return y.sub(this.loc).div(this.scale);
  }
  logAbsDetJacobian(x: Tensor): Tensor {
    return zerosLike(x).add(this.scale.abs().log());
  }
  override forwardShape(shape: Shape): Shape {
    const own = broadcastShape(this.loc.shape, this.scale.shape);
    const joined = own === null ? null : broadcastShape(shape, own);
    if (joined === null)
      refuse(
        "AffineTransform",
        `loc and scale must broadcast with [${shape.join(",")}]`,
        `${this.loc.describe()} and ${this.scale.describe()}`,
        "make each dimension equal or 1",
      );
    return joined;
  }
  override inverseShape(shape: Shape): Shape {
    return this.forwardShape(shape);
  }
}

/** `y = 1 / (1 + e^-x)`. */
export class SigmoidTransform extends Transform {
  get codomain(): Constraint {
    return openUnitInterval;
  }
  override get sign(): number {
    return 1;
  }
  forward(x: Tensor): Tensor {
    return x.sigmoid();
  }
  inverse(y: Tensor): Tensor {
    return logit(y);
  }
  logAbsDetJacobian(x: Tensor): Tensor {
    return softplus(x).add(softplus(x.neg())).neg();
  }
}

/** `y = tanh x`. */
export class TanhTransform extends Transform {
  get codomain(): Constraint {
    return openSymmetric;
  }
  override get sign(): number {
    return 1;
  }
  forward(x: Tensor): Tensor {
    return x.tanh();
  }
  inverse(y: Tensor): Tensor {
    return y.atanh();
  }
  /** `log(1 - tanh² x) = 2 (log 2 - x - softplus(-2x))`, which does not cancel. */
  logAbsDetJacobian(x: Tensor): Tensor {
    return x
      .add(softplus(x.mul(-2)))
      .sub(Math.LN2)
      .mul(-2);
  }
}

/** `y = log(1 + e^x)`. */
export class SoftplusTransform extends Transform {
  get codomain(): Constraint {
    return positive;
  }
  override get sign(): number {
    return 1;
  }
  forward(x: Tensor): Tensor {
    return softplus(x);
  }
  inverse(y: Tensor): Tensor {
    return y.add(y.neg().expm1().neg().log());
  }
  logAbsDetJacobian(x: Tensor): Tensor {
    return softplus(x.neg()).neg();
  }
}

/** `y = x^exponent` of positive numbers, for an exponent that is not 0. */
export class PowerTransform extends Transform {
  readonly exponent: number;
  constructor(exponent: number) {
    super();
    if (!Number.isFinite(exponent) || exponent === 0)
      refuse("PowerTransform", "the exponent must be a number other than 0", String(exponent), "check it");
    this.exponent = exponent;
  }
  get codomain(): Constraint {
    return positive;
  }
  override get domain(): Constraint {
    return positive;
  }
  override get sign(): number {
    return Math.sign(this.exponent);
  }
  forward(x: Tensor): Tensor {
    return x.pow(this.exponent);
  }
  inverse(y: Tensor): Tensor {
    return y.pow(1 / this.exponent);
  }
  logAbsDetJacobian(x: Tensor): Tensor {
    return x
      .log()
      .mul(this.exponent - 1)
      .add(Math.log(Math.abs(this.exponent)));
  }
}

/** A shape whose last axis is longer. */
const lengthened = (shape: Shape, by: number): Shape => [...shape.slice(0, -1), shape[shape.length - 1] + by];

/** Bijections from vectors of n - 1 numbers to n probabilities. */
abstract class ToSimplex extends Transform {
  get codomain(): Constraint {
    return { ...simplex(1), point: null };
  }
  override get domain(): Constraint {
    return realVector;
  }
  override forwardShape(shape: Shape): Shape {
    return lengthened(shape, 1);
  }
  override inverseShape(shape: Shape): Shape {
    return lengthened(shape, -1);
  }
}

/** `y = softmax(x₁, …, xₙ₋₁, 0)`, the inverse of the additive log-ratio (J. Aitchison 1982). */
export class SoftmaxCenteredTransform extends ToSimplex {
  forward(x: Tensor): Tensor {
    return softmax(x.pad([...x.shape.slice(1).map((): [number, number] => [0, 0]), [0, 1]]));
  }
  inverse(y: Tensor): Tensor {
    const log = y.log();
    return log.at("...", ":-1").sub(log.at("...", "-1:"));
  }
  logAbsDetJacobian(_x: Tensor, y: Tensor): Tensor {
    return y.log().sum(-1);
  }
}

/** Breaks a stick: `zᵢ = sigmoid(xᵢ - log(n - i))` of what is left goes to `yᵢ` (as in Stan; 0 gives equal parts). */
export class StickBreakingTransform extends ToSimplex {
  /** `log(n - i)` for i = 1 … n - 1. */
  private offsets(x: Tensor): Tensor {
    const n = x.shape[x.rank - 1];
    return arange(n, 0, -1, { dtype: x.dtype }).log();
  }
  forward(x: Tensor): Tensor {
    const z = x.sub(this.offsets(x));
    const [taken, left] = [softplus(z.neg()).neg(), softplus(z).neg().cumsum(-1)];
    const first = taken.add(left.sub(softplus(z).neg()));
    return concatenate([first, left.at("...", "-1:")], -1).exp();
  }
  inverse(y: Tensor): Tensor {
    const after = y.at("...", "1:").cumsum(-1, { reverse: true });
    const x = y.at("...", ":-1").log().sub(after.log());
    return x.add(this.offsets(x));
  }
  logAbsDetJacobian(x: Tensor, y: Tensor): Tensor {
    return y
      .at("...", ":-1")
      .log()
      .sub(softplus(x.sub(this.offsets(x))))
      .sum(-1);
  }
}
