/**
 * Partial results: a large fold with few results is done in parts, side by side, and a small one joins what the parts give.
 * Where it is cut depends on the nest alone, and parts are joined in order, so results are the same however many threads
 * take part.
 */
import type { DType } from "../ir/dtype.js";
import type { Aval } from "../ir/shape.js";
import { product } from "../util/arrays.js";
import { InternalError } from "../util/errors.js";
import { type Target, opsOf } from "./loops.js";
import { type Nest, type NestFold, type NestStore, isPosition } from "./nest.js";
import type { IndexTerm, Term, Terms } from "./terms.js";

/** Parts there are, at most. */
const mostParts = 64;
/** Work of a part, in tasks: it must be much more than that of joining it to the others. */
const partTasks = 4;
/** Results from which on there is enough to do side by side. */
const mostResults = 512;
/** Folded elements that a part has for each result, at least. */
const leastPart = 64;

/** A cut of the folded `index`: `parts` stretches of `length · lanes` elements, and `rest` ones after them. */
interface Cut {
  readonly index: IndexTerm;
  readonly parts: number;
  readonly length: number;
  /** Neighbours that are folded side by side, for folds that give positions, which would not be done in vectors otherwise. */
  readonly lanes: number;
  readonly rest: number;
}

/** The nest in parts, and the nests that join them. */
export function inPartials(terms: Terms, nest: Nest, target: Target, buffer: (aval: Aval) => number): Nest[] {
  const cut = cutOf(nest, target);
  return cut === null ? [nest] : new Partition(terms, nest, cut, buffer).nests();
}

function cutOf(nest: Nest, { taskWork, vectorBytes }: Target): Cut | null {
  const results = product(nest.axes.map((x) => x.extent));
  const folded = product(nest.over.map((x) => x.extent));
  const work = results * folded * opsOf(nest.folds.map((f) => f.value));
  const wanted = Math.min(mostParts, Math.floor(work / (partTasks * taskWork)), Math.floor(folded / leastPart));
  if (nest.running || nest.folds.length === 0 || results > mostResults || wanted < 2) return null;
  if (nest.folds.some((f) => f.hole.type === "int64" || f.value.type === "int64")) return null;
  const last = nest.over[nest.over.length - 1];
  const longest = nest.over.toSorted((a, b) => b.extent - a.extent)[0];
  const positions = nest.folds.some(isPosition);
  const index = positions ? last : nest.over[0].extent >= wanted ? nest.over[0] : longest;
  const lanes = positions ? vectorBytes : 1;
  const unit = positions || index !== last ? 1 : leastPart;
  const length = lengthOf(Math.floor(index.extent / lanes), wanted, unit);
  if (length === 0) return null;
  const parts = Math.floor(index.extent / (lanes * length));
  return parts < 2 ? null : { index, parts, length, lanes, rest: index.extent - parts * length * lanes };
}

/** The length of about `wanted` parts, a multiple of `unit`; one that leaves no rest, if there is one near. */
function lengthOf(extent: number, wanted: number, unit: number): number {
  const least = Math.ceil(extent / wanted / unit) * unit;
  for (let length = least; length < 2 * least; length += unit) if (extent % length === 0) return length;
  return least;
}

class Partition {
  readonly #terms: Terms;
  readonly #nest: Nest;
  readonly #cut: Cut;
  readonly #buffer: (aval: Aval) => number;
  /** Partial results of a fold for one result. */
  readonly #slots: number;
  readonly #shape: readonly number[];
  readonly #partials: readonly { readonly fold: NestFold; readonly buffer: number }[];

  constructor(terms: Terms, nest: Nest, cut: Cut, buffer: (aval: Aval) => number) {
    this.#terms = terms;
    this.#nest = nest;
    this.#cut = cut;
    this.#buffer = buffer;
    this.#slots = cut.parts * cut.lanes + (cut.rest > 0 ? 1 : 0);
    this.#shape = nest.axes.map((x) => x.extent);
    const shape = [this.#slots, ...this.#shape];
    this.#partials = nest.folds.map((fold) => ({ fold, buffer: buffer({ dtype: storable(fold.hole), shape }) }));
  }

  nests(): Nest[] {
    const { parts, length, lanes, rest } = this.#cut;
    const terms = this.#terms;
    const [part, step, lane, left] = [parts, length, lanes, rest].map((extent) => terms.index(extent));
    const at = terms.flatten([part, step, lane], [parts, length, lanes]);
    const slot = terms.flatten([part, lane], [parts, lanes]);
    const side = { ...this.#part(at, step, slot), axes: [part, ...this.#nest.axes, lane] };
    const after = terms.sum([[left, 1]], parts * length * lanes);
    return [side, ...(rest > 0 ? [this.#part(after, left, terms.int(parts * lanes))] : []), ...this.#joining()];
  }

  /** Where a partial result stands. Those that are made or read side by side are neighbours. */
  #place(slot: Term): Term {
    const result = this.#terms.flatten(this.#nest.axes, this.#shape);
    const [at, shape] = [
      [slot, result],
      [this.#slots, product(this.#shape)],
    ];
    return this.#cut.lanes > 1 ? this.#terms.flatten(at.reverse(), shape.reverse()) : this.#terms.flatten(at, shape);
  }

  /** The nest where the index is `at`, which runs with `step`. */
  #part(at: Term, step: IndexTerm, slot: Term): Nest {
    const { index } = this.#cut;
    const move = this.#terms.substitution(new Map<Term, Term>([[index, at]]));
    const offset = this.#place(slot);
    return {
      ...this.#nest,
      over: this.#nest.over.map((x) => (x === index ? step : x)),
      folds: this.#nest.folds.map((f) => ({ ...f, value: move(f.value), position: move(f.position) })),
      stores: this.#partials.map(({ fold, buffer }): NestStore => ({ buffer, offset, value: fold.hole })),
    };
  }

  /** What joins the parts. The first of equal extremes is found in two steps: the extreme, and the least of its positions. */
  #joining(): Nest[] {
    const terms = this.#terms;
    const slot = terms.index(this.#slots);
    const nest: Nest = { ...this.#nest, over: [slot] };
    const extremes: Nest[] = [];
    const folds = this.#partials.map(({ fold, buffer }): NestFold => {
      const partial = terms.fetch(fold.hole.type, buffer, this.#place(slot));
      if (!isPosition(fold)) return { ...fold, value: partial, position: slot };
      const value = this.#valueAt(fold, partial);
      const [extreme, best] = this.#extreme(nest, fold, value);
      extremes.push(extreme);
      const chosen = terms.op("int32", "select", [this.#isSame(value, best), partial, terms.int(2 ** 31 - 1)]);
      return { ...fold, combine: "min", value: chosen, position: slot };
    });
    return [...extremes, { ...nest, name: `${nest.name}_end`, folds }];
  }

  #extreme(nest: Nest, fold: NestFold, value: Term): [Nest, Term] {
    const terms = this.#terms;
    const offset = terms.flatten(nest.axes, this.#shape);
    const to = this.#buffer({ dtype: storable(value), shape: this.#shape });
    const hole = terms.hole(value.type);
    const combine = fold.combine === "argmax" ? "max" : "min";
    const folds: NestFold[] = [{ combine, value, hole, position: terms.int(0) }];
    const found = { ...nest, name: `${nest.name}_extreme`, folds, stores: [{ buffer: to, offset, value: hole }] };
    return [found, terms.fetch(value.type, to, offset)];
  }

  /** What a fold folds at a flat position of the folded space. */
  #valueAt(fold: NestFold, position: Term): Term {
    const images = new Map<Term, Term>();
    let stride = 1;
    for (const x of this.#nest.over.toReversed()) {
      images.set(x, this.#terms.remainder(this.#terms.quotient(position, stride), x.extent));
      stride *= x.extent;
    }
    return this.#terms.substitution(images)(fold.value);
  }

  #isSame(a: Term, b: Term): Term {
    const op = (name: "eq" | "ne" | "and" | "or", x: Term, y: Term) => this.#terms.op("bool", name, [x, y]);
    const equal = op("eq", a, b);
    if (a.type !== "float32" && a.type !== "float64") return equal;
    return op("or", equal, op("and", op("ne", a, a), op("ne", b, b)));
  }
}

function storable({ type }: Term): DType {
  if (type === "int64") throw new InternalError("internal: 64-bit integers are not stored");
  return type;
}
