import { random, type Shape, type Tensor, where } from "../index.js";
import { betainc, digamma, lbeta } from "../special/index.js";
import { positive, real } from "./constraints.js";
import { wide } from "./distribution.js";
import { LocationScale } from "./location-scale.js";
import { type DistributionOptions, type Parameter, parameters } from "./parameters.js";
import { invertContinuous, logScale } from "./quantiles.js";
import { logStandardGamma } from "./samplers.js";

/** Student's t distribution with `df` degrees of freedom: of `loc + scale Z √(df / X)` with Z normal and X of `Chi2(df)`. */
export class StudentT extends LocationScale {
  readonly df: Tensor;
  constructor(df: Parameter, loc: Parameter = 0, scale: Parameter = 1, options: DistributionOptions = {}) {
    const declared = [
      ["df", df, positive],
      ["loc", loc, real],
      ["scale", scale, positive],
    ] as const;
    const [degrees, center, width] = parameters("StudentT", declared, options);
    super(center, width);
    this.df = degrees;
  }
  override get hasRsample(): boolean {
    return false;
  }
  /** NaN for `df ≤ 1`. */
  override get mean(): Tensor {
    return where(this.df.greater(1), this.loc, Number.NaN);
  }
  /** `scale² df/(df - 2)`; ∞ for `1 < df ≤ 2` and NaN below. */
  override get variance(): Tensor {
    const isFinite = this.df.greater(2);
    const ratio = this.df.div(where(isFinite, this.df.sub(2), 1));
    const found = this.scale.square().mul(ratio);
    return where(isFinite, found, where(this.df.greater(1), Infinity, Number.NaN));
  }
  override entropy(): Tensor {
    const [df, scale] = wide(this.df, this.scale);
    const [half, next] = [df.mul(0.5), df.add(1).mul(0.5)];
    const entropy = next
      .mul(digamma(next).sub(digamma(half)))
      .add(df.log().mul(0.5))
      .add(lbeta(half, 0.5));
    return entropy.add(scale.log()).astype(this.dtype);
  }
  protected standardLogDensity(value: Tensor): Tensor {
    const [z, df] = wide(value, this.df);
    return logDensity(df, z);
  }
  protected standardCumulative(value: Tensor): Tensor {
    const [z, df] = wide(value, this.df);
    const tail = upperTail(df, where(z.less(0), z.neg(), z));
    return where(z.less(0), tail, tail.neg().add(1));
  }
  protected standardQuantile(probability: Tensor): Tensor {
    const [p, df] = wide(probability, this.df);
    const isLow = p.less(0.5);
    // the distance z > 0 from the middle beyond which the smaller tail lies; what is inverted grows with z
    const inside = where(isLow, p, p.neg().add(1)).neg();
    const distance = invertContinuous(
      inside,
      (z) => upperTail(df, z).neg(),
      (z) => logDensity(df, z),
      logScale,
    );
    return where(p.equal(0.5), 0, where(isLow, distance.neg(), distance));
  }
  protected override draw(key: random.Key, shape: Shape): Tensor {
    const [first, second] = random.split(key);
    const half = this.df.astype("float64").mul(0.5);
    const logRatio = half.log().sub(logStandardGamma(second, half, shape)); // log(df / chi²)
    const z: Tensor = random.normal(first, shape, { dtype: "float64" });
    const t = z.mul(logRatio.mul(0.5).exp()).astype(this.dtype);
    return t.mul(this.scale).add(this.loc);
  }
}

function logDensity(df: Tensor, z: Tensor): Tensor {
  const power = z.square().div(df).log1p().mul(df.add(1)).mul(-0.5);
  return power.sub(df.log().mul(0.5)).sub(lbeta(df.mul(0.5), 0.5));
}

/**
 * `P(Z > z)` for z ≥ 0, `½ I(df/(df + z²); df/2, ½)`; near 0, where that has an infinite derivative by its argument, the
 * density's Taylor series is integrated.
 */
function upperTail(df: Tensor, z: Tensor): Tensor {
  const square = z.square();
  const isNear = square.mul(df.reciprocal().add(1)).less(1e-4);
  const isMiddle = square.less(df);
  const [near, far] = [where(isNear, z, 0), where(isNear, df.sqrt(), z)];
  const t = far.square();
  const part = where(isMiddle, t, df).div(t.add(df));
  const half = df.mul(0.5);
  const [a, b] = [where(isMiddle, 0.5, half), where(isMiddle, half, 0.5)];
  const incomplete = betainc(a, b, where(part.isFinite(), part, 0)).mul(0.5);
  const wings = where(isMiddle, incomplete.neg().add(0.5), incomplete);
  return where(isNear, middle(df, near).neg().add(0.5), wings);
}

/** `∫₀ᶻ p`, from the series of `(1 + z²/df)^(-(df + 1)/2)` up to z⁶. */
function middle(df: Tensor, z: Tensor): Tensor {
  const a = df.add(1).mul(0.5);
  const w = z.square().div(df);
  const cubic = a.div(-3);
  const fifth = a.mul(a.add(1)).div(10);
  const seventh = a.mul(a.add(1)).mul(a.add(2)).div(-42);
  const series = seventh.mul(w).add(fifth).mul(w).add(cubic).mul(w).add(1);
  return logDensity(df, z.mul(0)).exp().mul(z).mul(series);
}
