/** What distributions have in common. */
import {
  ArgumentError,
  type DType,
  fullLike,
  isFloat,
  Module,
  promote,
  random,
  type Shape,
  stopGradient,
  Tensor,
  tensor,
  tree,
  where,
} from "../index.js";
import { type Constraint, Interval } from "./constraints.js";
import { UnavailableError } from "./errors.js";

type Key = random.Key;

/** Whether `sample` was given a key first. */
const isKey = (x: unknown): x is Key => x instanceof Tensor;

/**
 * A distribution, or a batch of them: `batchShape` says how many there are, `eventShape` what one value is. It is a
 * `Module` whose tensors are its parameters, each with all axes of the batch in front, so that distributions can be
 * differentiated, mapped and compiled as other trees can. Functions of a value broadcast it with the batch.
 *
 * A kind of distribution gives its support, its log-density on it, draws, and what else has a closed form; the rest is an
 * `UnavailableError`.
 */
export abstract class Distribution extends Module {
  /** The shape of the batch. */
  abstract get batchShape(): Shape;
  /** The shape of one value. */
  get eventShape(): Shape {
    return [];
  }
  /** Where values lie. */
  abstract get support(): Constraint;
  /** Whether `rsample` exists: draws are a differentiable function of the parameters and of draws without parameters. */
  get hasRsample(): boolean {
    return false;
  }
  /** Whether values are among countably many, so that `logProb` is of probabilities and not of densities. */
  get isDiscrete(): boolean {
    return false;
  }
  /** The dtype of parameters and samples. */
  get dtype(): DType {
    return tree.leaves(this)[0].dtype;
  }

  /** `log p(value)`; -∞ outside the support. */
  logProb(value: Tensor | number): Tensor {
    const x = this.operand(value);
    const { check, inside } = this.masked(x);
    const density = this.logDensity(inside).astype(x.dtype);
    if (check === null) return density;
    const axes = this.eventShape.map((_, i) => -1 - i);
    const isUnknown = axes.length === 0 ? x.isNaN() : x.isNaN().any(axes);
    return where(check, density, where(isUnknown, Number.NaN, -Infinity));
  }
  /** `P(X ≤ value)`. */
  cdf(_value: Tensor | number): Tensor {
    return this.unavailable("cdf", "count samples below the value");
  }
  /** The least x with `P(X ≤ x) ≥ p`; NaN outside [0, 1]. */
  icdf(_p: Tensor | number): Tensor {
    return this.unavailable("icdf", "take quantiles of samples");
  }

  /**
   * Draws of shape `[...shape, ...batchShape, ...eventShape]`, through which no derivative passes. With a key they are a
   * function of it; without one the default generator gives it.
   */
  sample(shape?: Shape): Tensor;
  sample(key: Key, shape?: Shape): Tensor;
  sample(first: Key | Shape = [], second: Shape = []): Tensor {
    return stopGradient(this.drawn(first, second));
  }
  /** As `sample`, with derivatives by the parameters; an `UnavailableError` where `hasRsample` is false. */
  rsample(shape?: Shape): Tensor;
  rsample(key: Key, shape?: Shape): Tensor;
  rsample(first: Key | Shape = [], second: Shape = []): Tensor {
    if (!this.hasRsample)
      throw new UnavailableError(
        `${this.constructor.name}.rsample: draws must be a transform of parameter-free draws, got a distribution that has none. use sample and the derivative of logProb`,
      );
    return this.drawn(first, second);
  }
  private drawn(first: Key | Shape, second: Shape): Tensor {
    const [key, shape] = isKey(first) ? [first, second] : [random.defaultGenerator.next(), first];
    return this.draw(key, [...shape, ...this.batchShape, ...this.eventShape]);
  }

  /** The expectation. */
  get mean(): Tensor {
    return this.unavailable("mean", "take the mean of samples");
  }
  /** The variance of each element. */
  get variance(): Tensor {
    return this.unavailable("variance", "take the variance of samples");
  }
  /** The square root of the variance. */
  get stddev(): Tensor {
    return this.variance.sqrt();
  }
  /** The most probable value. */
  get mode(): Tensor {
    return this.unavailable("mode", "maximise logProb");
  }
  /** `-E log p`, in nats; for densities the differential entropy. */
  entropy(): Tensor {
    return this.unavailable("entropy", "take the mean of -logProb over samples");
  }
  /** `E e^(tX)`, the moment generating function: its k-th derivative at 0 is `E X^k`. */
  mgf(_t: Tensor | number): Tensor {
    return this.unavailable("mgf", "it may be infinite for every t but 0");
  }
  /** All values there are, in a new first axis; each has the shape of the batch. */
  enumerateSupport(): Tensor {
    return this.unavailable("enumerateSupport", "only some distributions have finitely many values");
  }

  /** The same distribution for a larger batch, to which its own broadcasts. */
  expand(batchShape: Shape): this {
    const rank = this.batchShape.length;
    return tree.map((x) => x.broadcastTo([...batchShape, ...x.shape.slice(rank)]), this);
  }

  /** `log p` for values in the support, or anywhere when the support has no `point`. */
  protected abstract logDensity(x: Tensor): Tensor;
  /** Draws; `shape` has all axes. */
  protected abstract draw(key: Key, shape: Shape): Tensor;

  /** A value as a tensor of floats at least as wide as the parameters. */
  protected operand(value: Tensor | number): Tensor {
    const { dtype } = this;
    if (!(value instanceof Tensor)) return tensor(value, { dtype });
    return value.astype(isFloat(value.dtype) ? promote("logProb", value.dtype, dtype) : dtype);
  }
  /** Which values lie in the support, and the values with a point of the support in place of the others. */
  private masked(x: Tensor): { readonly check: Tensor | null; readonly inside: Tensor } {
    const { point, eventRank } = this.support;
    if (point === null) return { check: null, inside: x };
    const check = this.support.check(x);
    const spread = check.reshape([...check.shape, ...Array.from({ length: eventRank }, () => 1)]);
    return { check, inside: where(spread, x, point) };
  }
  protected unavailable(what: string, instead: string): never {
    const { name } = this.constructor;
    throw new UnavailableError(`${name}.${what}: it must have a closed form, got a distribution without. ${instead}`);
  }
}

/** A distribution of numbers, whose support is an interval or the integers in one. */
export abstract class Univariate extends Distribution {
  abstract override get support(): Interval;
  override get isDiscrete(): boolean {
    return this.support.isInteger;
  }

  override cdf(value: Tensor | number): Tensor {
    const x = this.operand(value);
    const { low, high, isInteger } = this.support;
    const at = (isInteger ? x.floor() : x).maximum(low).minimum(high);
    const found = this.cumulative(at).astype(x.dtype);
    return isInteger ? where(x.less(low), 0, found) : found;
  }
  override icdf(probability: Tensor | number): Tensor {
    const p = this.operand(probability);
    const { low, high } = this.support;
    const isInside = p.greater(0).and(p.less(1));
    const found = this.quantile(where(isInside, p, 0.5)).astype(p.dtype);
    const ends = where(p.equal(0), low, where(p.equal(1), high, fullLike(p, Number.NaN)));
    return where(isInside, found, ends);
  }

  /** `P(X ≤ x)` for x in the support. */
  protected cumulative(_x: Tensor): Tensor {
    return this.unavailable("cdf", "count samples below the value");
  }
  /** The inverse of `cumulative` for 0 < p < 1. */
  protected quantile(_p: Tensor): Tensor {
    return this.unavailable("icdf", "take quantiles of samples");
  }
  /** Draws by the inverse: `F⁻¹(U)` for a uniform U. */
  protected draw(key: Key, shape: Shape): Tensor {
    return this.quantile(openUniform(key, shape, this.dtype));
  }
}

/** Uniform on the open interval (0, 1), symmetric around ½: odd multiples of 2^-24, or of 2^-53. */
export function openUniform(key: Key, shape: Shape, dtype: DType): Tensor {
  const [bits, width] = dtype === "float64" ? ([52, "float64"] as const) : ([23, "float32"] as const);
  const u: Tensor = random.uniform(key, shape, { dtype: width });
  return u
    .mul(2 ** bits)
    .floor()
    .add(0.5)
    .mul(2 ** -bits);
}

/** The float dtypes that random numbers come in. */
export const drawType = (dtype: DType): "float32" | "float64" => (dtype === "float64" ? "float64" : "float32");

/** Draws of a distribution that another is made of, in a shape that ends in its own; reparameterised where they can be. */
export function drawnFrom(base: Distribution, key: Key, shape: Shape): Tensor {
  const lead = shape.slice(0, shape.length - base.batchShape.length - base.eventShape.length);
  return base.hasRsample ? base.rsample(key, lead) : base.sample(key, lead);
}

/** Operands as float64, in which sums of large terms of opposite signs keep float32 precision. */
export const wide = (...xs: readonly Tensor[]): Tensor[] => xs.map((x) => x.astype("float64"));

/** Throws an `ArgumentError` about parameters that do not go together. */
export function refuse(op: string, what: string, got: string, advice: string): never {
  throw new ArgumentError(`${op}: ${what}, got ${got}. ${advice}`);
}
