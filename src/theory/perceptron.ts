/** Rosenblatt's perceptron and the margin that bounds its mistakes. */
import { ArgumentError, concatenate, ones, type Tensor, tensor } from "../index.js";
import { solve } from "../linalg/index.js";
import { dot, matrixRows, vectorOf } from "./affine.js";

/** One correction of the perceptron. */
export interface PerceptronUpdate {
  /** Which example was on the wrong side, and in which pass over all of them. */
  readonly example: number;
  readonly pass: number;
  /** `⟨Δθ, θ⟩` with the θ before; never positive. */
  readonly overlap: number;
  /** `‖θ‖` afterwards. */
  readonly norm: number;
}

/** What the perceptron did. */
export interface PerceptronRun {
  /** float64 `[d]`; `y xᵀθ > 0` for every example when it converged. */
  readonly theta: Tensor;
  readonly updates: readonly PerceptronUpdate[];
  /** Passes over the examples, the last one without a mistake when it converged. */
  readonly passes: number;
  readonly converged: boolean;
}

/** Examples `[n, d]` and labels ±1 `[n]` as plain numbers; the examples multiplied by their labels. */
function signed(op: string, x: Tensor, y: Tensor): number[][] {
  if (x.rank !== 2 || y.rank !== 1 || x.shape[0] !== y.shape[0] || x.shape[0] === 0)
    throw new ArgumentError(
      `${op}: it takes examples [n, d] and labels [n], got ${x.describe()} and ${y.describe()}. reshape them`,
    );
  const labels = Array.from(y.dataSync());
  if (!labels.every((label) => label === 1 || label === -1))
    throw new ArgumentError(
      `${op}: labels must be 1 or -1, got ${labels.find((label) => Math.abs(label) !== 1)}. map the classes to them`,
    );
  return matrixRows(x).map((row, i) => row.map((value) => value * labels[i]));
}

/**
 * The perceptron (Rosenblatt 1958): from θ = 0, whenever `y xᵀθ ≤ 0`, add `y x`; a gradient step of size 1 on
 * `max(0, -y xᵀθ)`. With a margin γ and `‖x‖ ≤ 1` it makes at most `1/γ²` updates (Novikoff 1962).
 */
export function perceptron(x: Tensor, y: Tensor, options: { readonly maxPasses?: number } = {}): PerceptronRun {
  const { maxPasses = 1000 } = options;
  const examples = signed("perceptron", x, y);
  const theta = examples[0].map(() => 0);
  const updates: PerceptronUpdate[] = [];
  for (let pass = 1; pass <= maxPasses; pass++) {
    const before = updates.length;
    examples.forEach((z, example) => {
      const overlap = dot(z, theta);
      if (overlap > 0) return;
      z.forEach((value, i) => (theta[i] += value));
      updates.push({ example, pass, overlap, norm: Math.hypot(...theta) });
    });
    if (updates.length === before) return { theta: vectorOf(theta), updates, passes: pass, converged: true };
  }
  return { theta: vectorOf(theta), updates, passes: maxPasses, converged: false };
}

/** Examples with a last coordinate 1, so that a hyperplane through the origin has an offset. */
export const withBias = (x: Tensor): Tensor => concatenate([x, ones([x.shape[0], 1], { dtype: x.dtype })], 1);

/** How far a hyperplane through the origin keeps two classes apart. */
export interface Margin {
  /** `max_{‖θ‖ = 1} minᵢ yᵢ xᵢᵀθ`; 0 when no hyperplane through the origin separates the classes. */
  readonly margin: number;
  /** The θ that attains it, float64 `[d]`; zeros when there is none. */
  readonly direction: Tensor;
  /** The support vectors: examples that span the margin. */
  readonly support: readonly number[];
}

/**
 * The largest margin with which a hyperplane through the origin separates two classes. By duality it is the distance of
 * the origin from the convex hull of the `yᵢ xᵢ`, found in finitely many steps (Wolfe, Finding the nearest point in a
 * polytope, 1976).
 */
export function maxMargin(x: Tensor, y: Tensor): Margin {
  const points = signed("maxMargin", x, y);
  const scale = Math.max(...points.map((p) => dot(p, p)));
  const tolerance = 1e-12 * scale;
  const first = points.reduce((best, p, i) => (dot(p, p) < dot(points[best], points[best]) ? i : best), 0);
  let corners: Corner[] = [{ index: first, share: 1 }];
  let nearest = points[first];
  for (let step = 0; step < 1000 + 10 * points.length; step++) {
    const entering = points.reduce((best, p, i) => (dot(nearest, p) < dot(nearest, points[best]) ? i : best), 0);
    const isNearest = dot(nearest, points[entering]) >= dot(nearest, nearest) - tolerance;
    if (isNearest || corners.some(({ index }) => index === entering)) break;
    corners = toNearest([...corners, { index: entering, share: 0 }], points);
    nearest = combination(corners, points);
  }
  const margin = Math.hypot(...nearest);
  return margin ** 2 <= 10 * tolerance
    ? { margin: 0, direction: vectorOf(nearest.map(() => 0)), support: [] }
    : { margin, direction: vectorOf(nearest.map((v) => v / margin)), support: corners.map(({ index }) => index) };
}

/** A point of the hull and its share in a convex combination. */
interface Corner {
  readonly index: number;
  readonly share: number;
}

const combination = (corners: readonly Corner[], points: readonly number[][]): number[] =>
  points[0].map((_, k) => corners.reduce((sum, { index, share }) => sum + share * points[index][k], 0));

/** Moves the shares to the point of the corners' hull that is nearest to the origin; corners on the way out are dropped. */
function toNearest(start: readonly Corner[], points: readonly number[][]): Corner[] {
  let corners = [...start];
  for (;;) {
    const target = nearestOfPlane(corners.map(({ index }) => points[index]));
    if (target.every((share) => share > 1e-12)) return corners.map(({ index }, i) => ({ index, share: target[i] }));
    const step = Math.min(
      ...corners
        .map(({ share }, i) => (target[i] <= 1e-12 ? share / (share - target[i]) : Infinity))
        .filter((s) => s >= 0),
    );
    const moved = corners.map(({ index, share }, i) => ({ index, share: share + step * (target[i] - share) }));
    const least = moved.reduce((best, { share }, i) => (share < moved[best].share ? i : best), 0);
    corners = moved.filter(({ share }, i) => i !== least && share > 1e-12);
  }
}

/** Shares, possibly negative, of the point nearest to the origin in the plane through some points. */
function nearestOfPlane(points: readonly (readonly number[])[]): number[] {
  const n = points.length;
  // the conditions of Lagrange: G λ = ν 1 with Gram's matrix G, 1ᵀλ = 1
  const system = Float64Array.from({ length: (n + 1) ** 2 }, (_, at) => {
    const [i, j] = [Math.floor(at / (n + 1)), at % (n + 1)];
    return i < n && j < n ? dot(points[i], points[j]) : i === j ? 0 : 1;
  });
  const right = Float64Array.from({ length: n + 1 }, (_, i) => (i === n ? 1 : 0));
  return Array.from(
    solve(tensor(system, { shape: [n + 1, n + 1] }), tensor(right))
      .dataSync()
      .subarray(0, n),
  );
}
