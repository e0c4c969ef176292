/** Polyhedral functions, differences of two of them, and signed sums of hinges: forms of every continuous piecewise linear function. */
import { ArgumentError, type Tensor } from "../index.js";
import { svd } from "../linalg/index.js";
import { linear } from "../nn/index.js";
import { Module } from "../tree/index.js";
import { type AffineFunction, combined, coordinate, matrixOf, matrixRows, rowsOf, vectorOf } from "./affine.js";
import { maximumNetwork } from "./constructions.js";
import { Polyhedron } from "./polyhedron.js";
import type { ReluNetwork } from "./relu-network.js";

/** `x → maxⱼ (wⱼ · x + bⱼ)`: a polyhedral convex function, a maxout unit, a k-hinge. */
export class MaxAffine extends Module {
  /** `[k, n]` */
  weight: Tensor;
  /** `[k]` */
  bias: Tensor;

  constructor(weight: Tensor, bias: Tensor) {
    super();
    if (weight.rank !== 2 || bias.rank !== 1 || weight.shape[0] !== bias.shape[0] || weight.shape[0] === 0)
      throw new ArgumentError(
        `MaxAffine: it needs a weight [k, n] and a bias [k] with k > 0, got ${weight.describe()} and ${bias.describe()}. reshape them`,
      );
    this.weight = weight;
    this.bias = bias;
  }

  /** In float64. */
  static of(pieces: readonly AffineFunction[]): MaxAffine {
    return new MaxAffine(
      matrixOf(
        pieces.map((f) => f.weight),
        pieces[0]?.weight.length ?? 0,
      ),
      vectorOf(pieces.map((f) => f.bias)),
    );
  }

  /** `[…, n]` to `[…]`. */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias).max(-1);
  }

  /** The affine functions, in plain numbers. */
  pieces(): AffineFunction[] {
    return rowsOf({ weight: matrixRows(this.weight), bias: Array.from(this.bias.dataSync()) });
  }

  /** Whether the points `(x, t)` lie in the epigraph, `t ≥ f(x)`. */
  epigraph(x: Tensor, t: Tensor): Tensor {
    return t.greaterEqual(this.forward(x));
  }

  /** The same function without the pieces that are nowhere the largest alone. */
  pruned(): MaxAffine {
    return MaxAffine.of(withoutIdle(this.pieces()));
  }

  /** A rectifier network of depth ⌈log₂ k⌉ that computes it. */
  toReluNetwork(): ReluNetwork {
    return maximumNetwork(this.pieces());
  }
}

/** `x → maxᵢ fᵢ(x) - maxⱼ gⱼ(x)`: every continuous piecewise linear function has this form. */
export class DifferenceOfMaxima extends Module {
  positive: MaxAffine;
  negative: MaxAffine;

  constructor(positive: MaxAffine, negative: MaxAffine) {
    super();
    this.positive = positive;
    this.negative = negative;
  }

  /** The function that a rectifier network with one output computes. The number of pieces can grow fast with its size. */
  static fromReluNetwork(network: ReluNetwork): DifferenceOfMaxima {
    const n = network.inputs;
    const maps = network.maps();
    if (maps[maps.length - 1].bias.length !== 1)
      throw new ArgumentError(
        `DifferenceOfMaxima: the network must have one output, got ${maps[maps.length - 1].bias.length}. take one output at a time`,
      );
    let values: Split[] = Array.from({ length: n }, (_, i) => ({ positive: [coordinate(n, i)], negative: [zero(n)] }));
    maps.forEach((map, layer) => {
      const inputs = layer === 0 ? values : values.map(rectified);
      values = rowsOf(map).map((row) => weighted(row, inputs, n));
    });
    return new DifferenceOfMaxima(MaxAffine.of(values[0].positive), MaxAffine.of(values[0].negative));
  }

  /** `[…, n]` to `[…]`. */
  forward(x: Tensor): Tensor {
    return this.positive.forward(x).sub(this.negative.forward(x));
  }

  toReluNetwork(): ReluNetwork {
    return maximumNetwork(this.positive.pieces(), this.negative.pieces());
  }

  /** The same function as signed hinges of at most n + 1 pieces. */
  toHinges(): HingeSum {
    const up = hinges(this.positive);
    const down = hinges(this.negative);
    return new HingeSum([...up.hinges, ...down.hinges], [...up.factors, ...down.factors.map((c) => -c)]);
  }
}

/** `x → Σ cᵢ · maxⱼ (wᵢⱼ · x + bᵢⱼ)` with whole numbers c. */
export class HingeSum extends Module {
  hinges: MaxAffine[];
  readonly factors: readonly number[];

  constructor(terms: readonly MaxAffine[], factors: readonly number[]) {
    super();
    if (terms.length !== factors.length || terms.length === 0)
      throw new ArgumentError(
        `HingeSum: every hinge must have one factor, got ${terms.length} hinges and ${factors.length} factors. give one for each`,
      );
    this.hinges = [...terms];
    this.factors = factors;
  }

  /** `[…, n]` to `[…]`. */
  forward(x: Tensor): Tensor {
    return this.hinges.map((hinge, i) => hinge.forward(x).mul(this.factors[i])).reduce((a, b) => a.add(b));
  }
}

/** A function as the difference of two maxima, in plain numbers. */
interface Split {
  readonly positive: readonly AffineFunction[];
  readonly negative: readonly AffineFunction[];
}

const zero = (n: number): AffineFunction => combined([], n);

const minus = (f: AffineFunction, g: AffineFunction): AffineFunction =>
  combined(
    [
      [1, f],
      [-1, g],
    ],
    f.weight.length,
  );

/** Pieces that are the largest, alone, on a set with inner points; of equal ones the first. */
function withoutIdle(pieces: readonly AffineFunction[]): AffineFunction[] {
  const different = [...new Map(pieces.map((f) => [[...f.weight, f.bias].map((x) => x + 0).join(), f])).values()];
  if (different.length === 1) return different;
  return different.filter((f) =>
    Polyhedron.orthants(f.weight.length).some((orthant) => {
      let part: Polyhedron | null = orthant;
      for (const g of different) if (g !== f && part) part = part.cut(minus(f, g)).above;
      return part !== null;
    }),
  );
}

/** max(P - N, 0) = max(P, N) - N. */
const rectified = ({ positive, negative }: Split): Split => ({
  positive: withoutIdle([...positive, ...negative]),
  negative,
});

/** Sums of one piece of each. */
const sums = (
  a: readonly AffineFunction[],
  b: readonly AffineFunction[],
  factor: number,
  n: number,
): AffineFunction[] =>
  a.flatMap((f) =>
    b.map((g) =>
      combined(
        [
          [1, f],
          [factor, g],
        ],
        n,
      ),
    ),
  );

/** `bias + Σ wᵢ (Pᵢ - Nᵢ)`: a negative weight swaps the two. */
function weighted(row: AffineFunction, inputs: readonly Split[], n: number): Split {
  let positive: AffineFunction[] = [{ ...zero(n), bias: row.bias }];
  let negative: AffineFunction[] = [zero(n)];
  row.weight.forEach((w, i) => {
    if (w === 0) return;
    const { positive: up, negative: down } = inputs[i];
    positive = withoutIdle(sums(positive, w > 0 ? up : down, Math.abs(w), n));
    negative = withoutIdle(sums(negative, w > 0 ? down : up, Math.abs(w), n));
  });
  return { positive, negative };
}

/** Numbers μ, not all 0, with `Σ μᵢ = 0` and `Σ μᵢ wᵢ = 0`, for n + 2 affine functions of n inputs. */
function dependency(functions: readonly AffineFunction[]): number[] {
  const n = functions[0].weight.length;
  const rows = [...Array.from({ length: n }, (_, i) => functions.map((f) => f.weight[i])), functions.map(() => 1)];
  const { vh } = svd(matrixOf(rows, n + 2), { full: true }); // [n + 2, n + 2]
  const null_ = matrixRows(vh)[n + 1];
  const top = Math.max(...null_.map(Math.abs));
  return null_.map((x) => (Math.abs(x) < 1e-12 * top ? 0 : x));
}

/**
 * The largest of k affine functions of n inputs as a signed sum of hinges of at most n + 1 of them (Wang and Sun 2005).
 *
 * Of n + 2 functions some combination `Σ μᵢ fᵢ` with `Σ μᵢ = 0` is a constant; with signs such that it is not negative, the
 * smallest of the functions N with μ < 0 never exceeds the largest of the others P. So for every level t,
 * `∏_{i ∈ N} [fᵢ > t] · ∏_{i ∈ P} [fᵢ ≤ t] = 0`; written out and integrated over t this gives
 * `max_{P ∪ N} = -(-1)^|N| Σ_{T ⊊ N} (-1)^|T| max_{P ∪ T}`, with fewer functions in every term.
 */
export function hinges(maximum: MaxAffine): HingeSum {
  const pieces = maximum.pieces();
  const n = pieces[0].weight.length;
  const factors = new Map<string, number>();
  const open: { set: readonly number[]; factor: number }[] = [{ set: pieces.map((_, i) => i), factor: 1 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { set, factor } = next;
    if (set.length <= n + 1) {
      const key = set.toSorted((a, b) => a - b).join(" ");
      factors.set(key, (factors.get(key) ?? 0) + factor);
    } else for (const term of smaller(set, pieces, n)) open.push({ set: term.set, factor: factor * term.factor });
  }
  const terms = [...factors].filter(([, factor]) => factor !== 0);
  return new HingeSum(
    terms.map(([key]) => MaxAffine.of(key.split(" ").map((i) => pieces[Number(i)]))),
    terms.map(([, factor]) => factor),
  );
}

function smaller(
  set: readonly number[],
  pieces: readonly AffineFunction[],
  n: number,
): { set: number[]; factor: number }[] {
  const involved = set.slice(0, n + 2);
  const mu = dependency(involved.map((i) => pieces[i]));
  const constant = mu.reduce((sum, m, i) => sum + m * pieces[involved[i]].bias, 0);
  const sign = constant < 0 ? -1 : 1;
  const below = involved.filter((_, i) => sign * mu[i] < 0);
  const kept = set.filter((i) => !below.includes(i));
  return Array.from({ length: 2 ** below.length - 1 }, (_, subset) => {
    const chosen = below.filter((_, i) => (subset >> i) & 1);
    return { set: [...kept, ...chosen], factor: (below.length + chosen.length) % 2 ? 1 : -1 };
  });
}
