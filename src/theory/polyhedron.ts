/**
 * Convex polyhedra held by their vertices and directions, and cut by hyperplanes: the double-description method
 * (Motzkin, Raiffa, Thompson and Thrall 1953; Fukuda and Prodon 1996). Meant for few dimensions.
 */
import { ArgumentError, ShapeError } from "../index.js";
import { type AffineFunction, dot } from "./affine.js";

/** An axis-parallel box. */
export interface Box {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** A vertex (`scale` 1) or a direction in which the polyhedron has no end (`scale` 0, length 1). */
interface Ray {
  readonly at: readonly number[];
  readonly scale: 0 | 1;
  /** A bit for each constraint that holds with equality here. */
  readonly touching: bigint;
}

/** Below this share of the terms' sizes a sum counts as 0. */
const tolerance = 1e-11;
const bit = (i: number): bigint => 1n << BigInt(i);

/** The side of a hyperplane a generator is on, as a number that is exactly 0 on it. */
function side({ weight, bias }: AffineFunction, g: Ray): number {
  const value = dot(weight, g.at) + bias * g.scale;
  const size = weight.reduce((sum, w, i) => sum + Math.abs(w * g.at[i]), Math.abs(bias) * g.scale);
  return Math.abs(value) <= tolerance * size ? 0 : value;
}

/** Where the edge between two generators meets a hyperplane that lies strictly between them. */
function meeting(plus: Ray, minus: Ray, a: number, b: number, touching: bigint): Ray {
  // a > 0 > b: the combination -b · plus + a · minus lies on the hyperplane
  const at = plus.at.map((x, i) => a * minus.at[i] - b * x);
  const scale = a * minus.scale - b * plus.scale;
  const unit = scale > 0 ? scale : Math.hypot(...at);
  return { at: at.map((x) => x / unit), scale: scale > 0 ? 1 : 0, touching };
}

/** A convex polyhedron with inner points and at least one vertex. */
export class Polyhedron {
  readonly #generators: readonly Ray[];
  readonly #constraints: number;

  private constructor(generators: readonly Ray[], constraints: number) {
    this.#generators = generators;
    this.#constraints = constraints;
  }

  static box({ low, high }: Box): Polyhedron {
    if (low.length !== high.length || low.length === 0)
      throw new ShapeError(
        `box: low and high must have the same length, got ${low.length} and ${high.length}. give both bounds of each dimension`,
      );
    if (!low.every((a, i) => Number.isFinite(a) && Number.isFinite(high[i]) && a < high[i]))
      throw new ArgumentError(`box: every low must be less than its high, got [${low}] and [${high}]. swap them`);
    const corners = Array.from({ length: 2 ** low.length }, (_, corner) => {
      const isHigh = low.map((_, i) => ((corner >> i) & 1) === 1);
      return {
        at: low.map((a, i) => (isHigh[i] ? high[i] : a)),
        scale: 1 as const,
        touching: isHigh.reduce((set, up, i) => set | bit(2 * i + (up ? 1 : 0)), 0n),
      };
    });
    return new Polyhedron(corners, 2 * low.length);
  }

  /** The 2ⁿ orthants: together the whole space, each with a vertex. */
  static orthants(n: number): Polyhedron[] {
    // constraints: a sign for each coordinate, and last the infinitely far plane, on which the directions lie
    const signs = bit(n) - 1n;
    return Array.from({ length: 2 ** n }, (_, orthant) => {
      const axis = (i: number): Ray => ({
        at: Array.from({ length: n }, (_, j) => (i === j ? ((orthant >> i) & 1 ? -1 : 1) : 0)),
        scale: 0,
        touching: (signs & ~bit(i)) | bit(n),
      });
      const corner: Ray = { at: Array.from({ length: n }, () => 0), scale: 1, touching: signs };
      return new Polyhedron([corner, ...Array.from({ length: n }, (_, i) => axis(i))], n + 1);
    });
  }

  get vertices(): readonly (readonly number[])[] {
    return this.#generators.filter((g) => g.scale === 1).map((g) => g.at);
  }

  /** Unit vectors along the edges that never end; empty when it is bounded. */
  get directions(): readonly (readonly number[])[] {
    return this.#generators.filter((g) => g.scale === 0).map((g) => g.at);
  }

  /** A point inside: the mean of the vertices, moved along every direction. */
  get interior(): readonly number[] {
    const { vertices, directions } = this;
    return vertices[0].map(
      (_, i) =>
        vertices.reduce((sum, v) => sum + v[i], 0) / vertices.length + directions.reduce((sum, d) => sum + d[i], 0),
    );
  }

  /** The parts where f ≥ 0 and where f ≤ 0, each if it has inner points; where f is 0 throughout, all is below. */
  cut(f: AffineFunction): { readonly above: Polyhedron | null; readonly below: Polyhedron | null } {
    const sides = this.#generators.map((g) => side(f, g));
    if (sides.every((s) => s <= 0)) return { above: null, below: this };
    if (sides.every((s) => s >= 0)) return { above: this, below: null };
    const shared = this.#crossings(sides);
    const half = (sign: 1 | -1): Polyhedron => {
      const kept = this.#generators.flatMap((g, i) => {
        if (sides[i] === 0) return [{ ...g, touching: g.touching | bit(this.#constraints) }];
        return sign * sides[i] > 0 ? [g] : [];
      });
      return new Polyhedron([...kept, ...shared], this.#constraints + 1);
    };
    return { above: half(1), below: half(-1) };
  }

  /** Where the edges that cross the hyperplane meet it. Two generators span an edge if no third touches all they share. */
  #crossings(sides: readonly number[]): Ray[] {
    const all = this.#generators;
    const found: Ray[] = [];
    all.forEach((plus, i) => {
      if (sides[i] <= 0) return;
      all.forEach((minus, j) => {
        if (sides[j] >= 0) return;
        const shared = plus.touching & minus.touching;
        if (all.some((g, k) => k !== i && k !== j && (g.touching & shared) === shared)) return;
        found.push(meeting(plus, minus, sides[i], sides[j], shared | bit(this.#constraints)));
      });
    });
    return found;
  }
}
