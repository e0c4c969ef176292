/** What a row's check talks to: it compares numbers, keeps pictures, and never stops at the first thing that is wrong. */
import { ArgumentError, Tensor } from "../index.js";

/** Numbers in any form a row has them: each is compared with its counterpart. */
export type Numbers = number | boolean | Tensor | ArrayLike<number | boolean> | readonly Numbers[];

/** How a measured number relates to the expected one: `|m - e| ≤ tolerance`, `m < e`, `m ≤ e`, `m > e`, `m ≥ e`. */
export type Relation = "close" | Bound;
type Bound = "less" | "atMost" | "greater" | "atLeast";

/** One comparison. Of lists, the pair that is farthest off. */
export interface Check {
  /** What is compared, as prose with `$formulas$`; may be empty. */
  readonly what: string;
  readonly relation: Relation;
  readonly measured: number;
  readonly expected: number;
  /** 0 where there is none. */
  readonly tolerance: number;
  /** How many numbers were compared. */
  readonly count: number;
  /** All of them, where they are few enough to read; empty otherwise. */
  readonly pairs: readonly (readonly [measured: number, expected: number])[];
  /** Whether the numbers are truth values. */
  readonly logical: boolean;
  readonly pass: boolean;
}

/** How many pairs of numbers a check keeps. */
const mostPairs = 6;

/** A picture, and what to see in it. */
export interface Figure {
  readonly svg: string;
  readonly caption: string;
}

function flatten(numbers: Numbers): number[] {
  if (typeof numbers === "number" || typeof numbers === "boolean") return [Number(numbers)];
  if (numbers instanceof Tensor) return Array.from(numbers.dataSync(), Number);
  return Array.from<Numbers>(numbers).flatMap(flatten);
}

function isLogical(numbers: Numbers): boolean {
  if (typeof numbers === "number" || typeof numbers === "boolean") return typeof numbers === "boolean";
  if (numbers instanceof Tensor) return numbers.dtype === "bool";
  return numbers.length > 0 && Array.from<Numbers>(numbers).every(isLogical);
}

const holds: Readonly<Record<Bound, (measured: number, bound: number) => boolean>> = {
  less: (m, e) => m < e,
  atMost: (m, e) => m <= e,
  greater: (m, e) => m > e,
  atLeast: (m, e) => m >= e,
};

/** How much of what is allowed a pair uses: at most 1 passes; NaN and what is never equal count as infinitely far. */
function excess(relation: Relation, measured: number, expected: number, tolerance: number): number {
  if (relation !== "close") return holds[relation](measured, expected) ? 0 : Infinity;
  if (measured === expected) return 0;
  const off = Math.abs(measured - expected);
  return Number.isNaN(off) ? Infinity : off <= tolerance ? off / tolerance : Math.max(off / tolerance, 1 + 2 ** -52);
}

/** An expected number moved by several tolerances, or by some units in the last place; infinity changes its sign. */
const moved = (expected: number, tolerance: number, tolerances: number): number =>
  Number.isFinite(expected)
    ? expected + tolerances * Math.max(tolerance, 2 ** -50 * Math.abs(expected), Number.MIN_VALUE)
    : -expected;

/** What a check says it saw; the harness makes one for every run of a row. */
export class Trial {
  readonly checks: Check[] = [];
  readonly figures: Figure[] = [];
  readonly values: { readonly what: string; readonly value: string }[] = [];
  readonly #perturbation: number;

  /** With a perturbation every expected value of `close` and `equal` is wrong by that many tolerances. */
  constructor(options: { readonly perturbation?: number } = {}) {
    this.#perturbation = options.perturbation ?? 0;
  }

  /** `|measured - expected| ≤ tolerance`, number by number; one expected number stands for all. NaN is close to nothing. */
  close(measured: Numbers, expected: Numbers, tolerance: number, what = ""): void {
    if (!(tolerance >= 0 && tolerance < Infinity))
      throw new ArgumentError(`close: the tolerance must be finite and not negative, got ${tolerance}. name one`);
    const right = flatten(expected);
    const shown = this.#perturbation === 0 ? right : right.map((e) => moved(e, tolerance, this.#perturbation));
    this.#compare("close", flatten(measured), shown, { tolerance, what, logical: isLogical(expected) });
  }
  /** The same numbers exactly; `true` is 1. */
  equal(measured: Numbers, expected: Numbers, what = ""): void {
    this.close(measured, expected, 0, what);
  }
  /** `measured < bound`, number by number; one number stands for all, on either side. */
  less(measured: Numbers, bound: Numbers, what = ""): void {
    this.#bound("less", measured, bound, what);
  }
  /** `measured ≤ bound`, number by number. */
  atMost(measured: Numbers, bound: Numbers, what = ""): void {
    this.#bound("atMost", measured, bound, what);
  }
  /** `measured > bound`, number by number. */
  greater(measured: Numbers, bound: Numbers, what = ""): void {
    this.#bound("greater", measured, bound, what);
  }
  /** `measured ≥ bound`, number by number. */
  atLeast(measured: Numbers, bound: Numbers, what = ""): void {
    this.#bound("atLeast", measured, bound, what);
  }
  /** Keeps an SVG picture for the page. */
  plot(svg: string, caption = ""): void {
    this.figures.push({ svg, caption });
  }
  /** Keeps a value that is good to see and is not checked. */
  show(what: string, value: string | number | Tensor): void {
    this.values.push({ what, value: String(value) });
  }

  #bound(relation: Bound, measured: Numbers, bound: Numbers, what: string): void {
    const [left, right] = [flatten(measured), flatten(bound)];
    this.#compare(relation, left.length === 1 ? right.map(() => left[0]) : left, right, {
      tolerance: 0,
      what,
      logical: false,
    });
  }

  #compare(
    relation: Relation,
    measured: number[],
    expected: number[],
    about: Pick<Check, "tolerance" | "what" | "logical">,
  ): void {
    const wide = expected.length === 1 ? measured.map(() => expected[0]) : expected;
    if (measured.length === 0 || measured.length !== wide.length)
      throw new ArgumentError(
        `${relation}: there must be as many measured numbers as expected ones, got ${measured.length} and ${expected.length}. check their shapes`,
      );
    const used = measured.map((m, i) => excess(relation, m, wide[i], about.tolerance));
    // The pair that is farthest off; of bounds that hold, the tightest.
    const farther = (i: number, j: number): boolean =>
      used[i] > used[j] ||
      (relation !== "close" && used[i] === used[j] && measured[i] - wide[i] > measured[j] - wide[j]);
    const worst = measured.reduce((best, _, i) => (farther(i, best) ? i : best), 0);
    this.checks.push({
      ...about,
      relation,
      measured: measured[worst],
      expected: wide[worst],
      count: measured.length,
      pairs: measured.length <= mostPairs ? measured.map((m, i) => [m, wide[i]]) : [],
      pass: used[worst] <= 1,
    });
  }
}
