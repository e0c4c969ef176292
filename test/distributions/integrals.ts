/** Sums and integrals over the support of a batch of distributions of numbers. */
import { concatenate, tensor, type Tensor, where } from "typegrad";
import { type Distribution, Interval, Mixture } from "typegrad/distributions";

/** Points `[n, 1]` or `[n, batch]` and their weights, so that `Σ w f(x)` is `∫ f` or `Σ f`; float64. */
export interface Rule {
  readonly points: Tensor;
  readonly weights: Tensor;
}

const column = (numbers: readonly number[]): Tensor => tensor(Float64Array.from(numbers)).reshape([-1, 1]);

/** All integers below 6000: enough for the examples. */
function counting(): Rule {
  const n = 6000;
  return {
    points: column(Array.from({ length: n }, (_, i) => i)),
    weights: column(Array.from({ length: n }, () => 1)),
  };
}

/** Double exponential quadrature (H. Takahasi and M. Mori 1974) of a line, a half-line or an interval. */
function quadrature(of: Distribution): Rule {
  const { support } = of;
  const bounds = support instanceof Interval ? [support.low, support.high] : [-Infinity, Infinity];
  const [low, high] = bounds.map((x) => (typeof x === "number" ? tensor(x, { dtype: "float64" }) : x));
  const [hasLow, hasHigh] = bounds.map((x) => typeof x !== "number" || Number.isFinite(x));
  const step = 1 / 64;
  const s = column(Array.from({ length: 1 + 2 * 64 * 5 }, (_, i) => (i - 64 * 5) * step));
  const inner = s.sinh().mul(Math.PI / 2);
  const slope = s.cosh().mul((Math.PI / 2) * step);
  const width = scaleOf(of);
  if (!hasLow && !hasHigh) {
    // two half-lines, as densities may have a kink in the middle
    const far = inner.exp().mul(width);
    const weights = far.mul(slope);
    const center = centerOf(of);
    return { points: concatenate([center.sub(far), center.add(far)]), weights: concatenate([weights, weights]) };
  }
  if (!hasHigh) {
    const points = inner.exp().mul(width);
    return { points, weights: points.mul(slope) };
  }
  const unit = inner.mul(2).sigmoid();
  const length = high.sub(low);
  const weights = unit.mul(inner.mul(-2).sigmoid()).mul(slope).mul(2).mul(length);
  return { points: unit.mul(length).add(low), weights };
}

const hasQuantiles = (of: Distribution): boolean => !(of instanceof Mixture);
const centerOf = (of: Distribution): Tensor => (hasQuantiles(of) ? of.icdf(0.5) : of.mean);
const scaleOf = (of: Distribution): Tensor => (hasQuantiles(of) ? of.icdf(0.8).sub(of.icdf(0.2)).abs() : of.stddev);

export const ruleOf = (of: Distribution): Rule => (of.isDiscrete ? counting() : quadrature(of));

/** `E f(X)` for each of the batch. */
export function expectation(of: Distribution, f: (x: Tensor) => Tensor, rule: Rule = ruleOf(of)): Tensor {
  const log = of.logProb(rule.points);
  // at an end a density may be infinite, where rounding brings a point there
  const mass = where(log.equal(Infinity), 0, log.exp()).mul(rule.weights);
  return maskedSum(mass, f(rule.points));
}

const maskedSum = (mass: Tensor, values: Tensor): Tensor => {
  const isPossible = mass.greater(0);
  return where(isPossible, mass.mul(where(isPossible, values, 0)), 0).sum(0);
};
