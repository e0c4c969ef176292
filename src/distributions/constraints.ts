/** Sets that parameters and values lie in. */
import { isPositiveDefinite } from "../linalg/index.js";
import { Tensor, tril } from "../index.js";

/** A set in which parameters or values must lie. */
export interface Constraint {
  /** Completes "must be …". */
  readonly description: string;
  /** How many axes one value has. */
  readonly eventRank: number;
  /** Whether each value lies in the set: a bool for each, so without the axes of a value. */
  check(x: Tensor): Tensor;
  /** A point of the set, which stands in for values outside where a density is computed; `null` when it needs none. */
  readonly point: Tensor | number | null;
}

type Bound = Tensor | number;

/** Numbers between two bounds, or the integers among them. */
export class Interval implements Constraint {
  readonly eventRank = 0;
  readonly description: string;
  readonly low: Bound;
  readonly high: Bound;
  readonly isInteger: boolean;
  readonly point: Bound | null;
  /** Which bounds are left out: "(low, high)", "[low, high)", and so on. */
  private readonly brackets: string;

  constructor(
    description: string,
    [low, high]: readonly [Bound, Bound],
    options: {
      readonly isInteger?: boolean;
      readonly brackets?: "[]" | "()" | "(]" | "[)";
      readonly point: Bound | null;
    },
  ) {
    this.description = description;
    this.low = low;
    this.high = high;
    this.isInteger = options.isInteger ?? false;
    this.point = options.point;
    this.brackets = options.brackets ?? "[]";
  }

  check(x: Tensor): Tensor {
    const { low, high, brackets } = this;
    const above = brackets[0] === "(" ? x.greater(low) : x.greaterEqual(low);
    const below = brackets[1] === ")" ? x.less(high) : x.lessEqual(high);
    const inside = above.and(below);
    return this.isInteger ? inside.and(x.equal(x.floor())) : inside;
  }
}

const { POSITIVE_INFINITY: infinity } = Number;

/** All numbers; what a density says of infinities and NaN holds. */
export const real = new Interval("a number", [-infinity, infinity], { brackets: "()", point: null });
export const positive = new Interval("positive", [0, infinity], { brackets: "()", point: 1 });
export const nonNegative = new Interval("0 or more", [0, infinity], { brackets: "[)", point: 1 });
export const unitInterval = new Interval("from 0 to 1", [0, 1], { point: 0.5 });
export const openUnitInterval = new Interval("between 0 and 1", [0, 1], { brackets: "()", point: 0.5 });
export const probability = new Interval("a probability above 0", [0, 1], { brackets: "(]", point: 0.5 });
export const probabilityBelowOne = new Interval("a probability below 1", [0, 1], { brackets: "[)", point: 0.5 });
export const between = (low: Bound, high: Bound): Interval =>
  new Interval("between its bounds", [low, high], { point: low });
export const above = (low: number): Interval =>
  new Interval(`above ${low}`, [low, infinity], { brackets: "()", point: low + 1 });
export const openSymmetric = new Interval("between -1 and 1", [-1, 1], { brackets: "()", point: 0 });

export const boolean = new Interval("0 or 1", [0, 1], { isInteger: true, point: 0 });
export const nonNegativeInteger = new Interval("an integer from 0", [0, infinity], {
  isInteger: true,
  brackets: "[)",
  point: 0,
});
export const integersTo = (high: Bound): Interval =>
  new Interval("an integer in range", [0, high], { isInteger: true, point: 0 });

/** Values whose last axes belong to one value, each element in the same set. */
export function independent(base: Constraint, rank: number): Constraint {
  const axes = Array.from({ length: rank }, (_, i) => i - rank);
  return {
    description: base.description,
    eventRank: base.eventRank + rank,
    check: (x) => (rank === 0 ? base.check(x) : base.check(x).all(axes)),
    point: base.point,
  };
}
export const realVector = independent(real, 1);
export const positiveVector = independent(positive, 1);

const tolerance = (x: Tensor): number => (x.dtype === "float64" ? 1e-9 : 1e-5);

/** Numbers from 0 with sum 1 along the last axis of length n. */
export const simplex = (n: number): Constraint => ({
  description: "numbers from 0 with sum 1",
  eventRank: 1,
  check: (x) =>
    x
      .greaterEqual(0)
      .all(-1)
      .and(x.sum(-1).sub(1).abs().lessEqual(tolerance(x))),
  point: 1 / n,
});
/** Numbers from 0, not all 0, which stand for probabilities up to a factor. */
export const weights: Constraint = {
  description: "numbers from 0, not all 0",
  eventRank: 1,
  check: (x) => x.greaterEqual(0).all(-1).and(x.sum(-1).greater(0)),
  point: 1,
};
/** Logarithms of probabilities up to a term, not all -∞. */
export const logWeights: Constraint = {
  description: "numbers or -∞, not all -∞",
  eventRank: 1,
  check: (x) => x.less(infinity).all(-1).and(x.greater(-infinity).any(-1)),
  point: 0,
};
export const positiveDefinite: Constraint = {
  description: "a symmetric positive definite matrix",
  eventRank: 2,
  check: (x) => isPositiveDefinite(x),
  point: null,
};
export const lowerCholesky: Constraint = {
  description: "a lower triangular matrix with a positive diagonal",
  eventRank: 2,
  check(x) {
    const isLower = x.equal(tril(x)).all([-2, -1]);
    return isLower.and(diagonal(x).greater(0).all(-1));
  },
  point: null,
};
export const realMatrix = independent(real, 2);

/** The diagonal of the matrices in the last two axes. */
export function diagonal(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  return x.flatten(-2).at("...", `::${n + 1}`);
}
