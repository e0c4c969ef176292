/** Continuous piecewise linear functions of one variable, and networks with one hidden layer that equal them. */
import { ArgumentError, type Tensor } from "../index.js";
import { Module } from "../tree/index.js";
import { type AffineFunction, vectorOf } from "./affine.js";
import { DifferenceOfMaxima, MaxAffine } from "./maxima.js";
import { ReluNetwork } from "./relu-network.js";

/** A line through knots `(xᵢ, yᵢ)` that goes on as straight beyond the first and the last. */
export class PolygonalLine {
  readonly knots: readonly number[];
  readonly values: readonly number[];

  /** At least two knots, in increasing order. */
  constructor(knots: readonly number[], values: readonly number[]) {
    if (knots.length !== values.length || knots.length < 2)
      throw new ArgumentError(
        `PolygonalLine: it needs at least two knots and a value for each, got ${knots.length} knots and ${values.length} values. add some`,
      );
    if (!knots.every((x, i) => Number.isFinite(x) && Number.isFinite(values[i]) && (i === 0 || knots[i - 1] < x)))
      throw new ArgumentError(
        "PolygonalLine: knots must increase, and knots and values be finite. sort them and remove doubles",
      );
    this.knots = knots;
    this.values = values;
  }

  /** Through `f` at the ends of `pieces` equal parts of `[low, high]`. For |f″| ≤ M its error is at most M (h/pieces)² / 8. */
  static interpolating(f: (x: number) => number, low: number, high: number, pieces: number): PolygonalLine {
    const knots = Array.from({ length: pieces + 1 }, (_, i) => low + ((high - low) * i) / pieces);
    return new PolygonalLine(knots, knots.map(f));
  }

  /** The slope of every piece. */
  get slopes(): number[] {
    return this.knots.slice(1).map((x, i) => (this.values[i + 1] - this.values[i]) / (x - this.knots[i]));
  }

  /** By how much the slope changes at every inner knot. */
  get kinks(): { readonly at: number; readonly change: number }[] {
    const { slopes } = this;
    return slopes.slice(1).map((slope, i) => ({ at: this.knots[i + 1], change: slope - slopes[i] }));
  }

  /** The value at x. */
  at(x: number): number {
    const i = Math.min(
      Math.max(
        this.knots.findLastIndex((knot) => knot <= x),
        0,
      ),
      this.knots.length - 2,
    );
    const [a, b] = [this.knots[i], this.knots[i + 1]];
    return (this.values[i] * (b - x) + this.values[i + 1] * (x - a)) / (b - a);
  }

  /** `a x + b + Σ cᵢ (x - xᵢ)₊`, Lebesgue's form: one unit for each inner knot, m + 1 numbers a, b, c for m pieces. */
  toRectifiers(): KinkSum {
    const [slope] = this.slopes;
    return new KinkSum("relu", slope, this.values[0] - slope * this.knots[0], this.kinks);
  }

  /** `a x + b + Σ cᵢ |x - xᵢ|`, as `(z)₊ = (z + |z|) / 2`. */
  toAbsoluteValues(): KinkSum {
    const [slope] = this.slopes;
    const halves = this.kinks.map(({ at, change }) => ({ at, change: change / 2 }));
    const a = halves.reduce((sum, { change }) => sum + change, slope);
    const b = halves.reduce((sum, { at, change }) => sum - change * at, this.values[0] - slope * this.knots[0]);
    return new KinkSum("abs", a, b, halves);
  }

  /** A rectifier network with one hidden layer; two units more than kinks carry `a x = a (x)₊ - a (-x)₊`. */
  toReluNetwork(): ReluNetwork {
    const [slope] = this.slopes;
    const { kinks } = this;
    const hidden = {
      weight: [[1], [-1], ...kinks.map(() => [1])],
      bias: [0, 0, ...kinks.map(({ at }) => -at)],
    };
    const output = {
      weight: [[slope, -slope, ...kinks.map(({ change }) => change)]],
      bias: [this.values[0] - slope * this.knots[0]],
    };
    return ReluNetwork.of([hidden, output], 1);
  }

  /** The difference of two convex functions: kinks upwards in one, downwards in the other. */
  toDifferenceOfMaxima(): DifferenceOfMaxima {
    const [slope] = this.slopes;
    const start = { slope, offset: this.values[0] - slope * this.knots[0] };
    const up = convex(
      start,
      this.kinks.filter(({ change }) => change > 0),
    );
    const down = convex(
      { slope: 0, offset: 0 },
      this.kinks.filter(({ change }) => change < 0).map(({ at, change }) => ({ at, change: -change })),
    );
    return new DifferenceOfMaxima(MaxAffine.of(up), MaxAffine.of(down));
  }
}

/** The pieces of a convex polygonal line, whose largest is the line. */
function convex(
  start: { readonly slope: number; readonly offset: number },
  kinks: readonly { readonly at: number; readonly change: number }[],
): AffineFunction[] {
  let { slope, offset } = start;
  const pieces: AffineFunction[] = [{ weight: [slope], bias: offset }];
  for (const { at, change } of kinks) {
    slope += change;
    offset -= change * at;
    pieces.push({ weight: [slope], bias: offset });
  }
  return pieces;
}

/** `a x + b + Σ cᵢ σ(x - xᵢ)` with σ the rectifier or the absolute value: a network with one hidden layer, element by element. */
export class KinkSum extends Module {
  readonly unit: "relu" | "abs";
  slope: Tensor;
  offset: Tensor;
  /** `[units]` */
  coefficients: Tensor;
  /** `[units]` */
  knots: Tensor;

  constructor(
    unit: "relu" | "abs",
    slope: number,
    offset: number,
    kinks: readonly { readonly at: number; readonly change: number }[],
  ) {
    super();
    this.unit = unit;
    this.slope = vectorOf([slope]).reshape([]);
    this.offset = vectorOf([offset]).reshape([]);
    this.coefficients = vectorOf(kinks.map(({ change }) => change));
    this.knots = vectorOf(kinks.map(({ at }) => at));
  }

  /** `[…]` to `[…]`. */
  forward(x: Tensor): Tensor {
    const distance = x.expandDims(-1).sub(this.knots); // […, units]
    const units = this.unit === "relu" ? distance.relu() : distance.abs();
    return units.mul(this.coefficients).sum(-1).add(x.mul(this.slope)).add(this.offset);
  }
}

/** A polygonal line that was fitted to a function. */
export interface PolygonalFit {
  readonly line: PolygonalLine;
  /** Equal pieces of the line. */
  readonly pieces: number;
  /** The largest difference measured. */
  readonly error: number;
}

/**
 * The polygonal line through `f` with the least power of two of equal pieces that keeps the error within `epsilon`, measured
 * at `samples` points in every piece. With `toReluNetwork` this proves that one hidden layer is universal on an interval.
 */
export function polygonalFit(
  f: (x: number) => number,
  low: number,
  high: number,
  epsilon: number,
  options: { readonly samples?: number; readonly maxPieces?: number } = {},
): PolygonalFit {
  const { samples = 32, maxPieces = 2 ** 20 } = options;
  if (!(epsilon > 0))
    throw new ArgumentError(`polygonalFit: epsilon must be positive, got ${epsilon}. choose a small one`);
  for (let pieces = 1; pieces <= maxPieces; pieces *= 2) {
    const line = PolygonalLine.interpolating(f, low, high, pieces);
    const error = largestError(f, line, samples);
    if (error <= epsilon) return { line, pieces, error };
  }
  throw new ArgumentError(
    `polygonalFit: no line of ${maxPieces} pieces or fewer stays within ${epsilon}. allow a larger error, or check that the function is continuous`,
  );
}

function largestError(f: (x: number) => number, line: PolygonalLine, samples: number): number {
  let worst = 0;
  line.knots.slice(1).forEach((b, i) => {
    const a = line.knots[i];
    for (let k = 1; k < samples; k++) {
      const x = a + ((b - a) * k) / samples;
      const straight = line.values[i] + ((line.values[i + 1] - line.values[i]) * k) / samples;
      worst = Math.max(worst, Math.abs(f(x) - straight));
    }
  });
  return worst;
}
