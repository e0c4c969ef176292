/**
 * Partial results: a large fold with few results is done in parts, side by side, and a small one joins what the parts give.
 * Where it is cut depends on the nest alone, and parts are joined in order, so results are the same however many threads
 * take part.
 */
import type { Aval } from "../ir/shape.js";
import { product } from "../util/arrays.js";
import { type Target, opsOf, storable } from "./loops.js";
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

/** The nest in parts, and the one that joins them, in order. */
export function inPartials(terms: Terms, nest: Nest, target: Target, buffer: (aval: Aval) => number): Nest[] {
  const cut = cutOf(nest, target);
  if (cut === null) return [nest];
  const { index, parts, length } = cut;
  const rest = index.extent - parts * length;
  const shape = [parts + (rest > 0 ? 1 : 0), ...nest.axes.map((x) => x.extent)];
  const partials = nest.folds.map(({ hole }) => buffer({ dtype: storable(hole.type), shape }));
  const place = (slot: Term) => terms.flatten([slot, ...nest.axes], shape);
  /** The nest where the index is `at`, which runs with `step`. */
  const partOf = (at: Term, step: IndexTerm, slot: Term): Nest => {
    const move = terms.substitution(new Map<Term, Term>([[index, at]]));
    return {
      ...nest,
      over: nest.over.map((x) => (x === index ? step : x)),
      folds: nest.folds.map((f) => ({ ...f, value: move(f.value), position: move(f.position) })),
      stores: nest.folds.map((f, i): NestStore => ({ buffer: partials[i], offset: place(slot), value: f.hole })),
    };
  };
  const [part, step, left, slot] = [parts, length, rest, shape[0]].map((extent) => terms.index(extent));
  const sides = partOf(terms.flatten([part, step], [parts, length]), step, part);
  const after = partOf(terms.sum([[left, 1]], parts * length), left, terms.int(parts));
  const folds = nest.folds.map((fold, i): NestFold => {
    const partial = terms.fetch(fold.hole.type, partials[i], place(slot));
    if (!isPosition(fold)) return { ...fold, value: partial, position: slot };
    return { ...fold, value: valueAt(terms, nest, fold, partial), position: partial };
  });
  const end: Nest = { ...nest, name: `${nest.name}_end`, over: [slot], folds };
  return [{ ...sides, axes: [part, ...nest.axes] }, ...(rest > 0 ? [after] : []), end];
}

/** What a fold folds at a flat position of the folded space. */
const valueAt = (terms: Terms, nest: Nest, fold: NestFold, position: Term): Term =>
  terms.substitution(terms.unflatten(position, nest.over))(fold.value);

/** Where the nest is cut: in so many parts of a length along a folded index. */
function cutOf(nest: Nest, { taskWork }: Target): { index: IndexTerm; parts: number; length: number } | null {
  const results = product(nest.axes.map((x) => x.extent));
  const folded = product(nest.over.map((x) => x.extent));
  const work = results * folded * opsOf(nest.folds.map((f) => f.value));
  const wanted = Math.min(mostParts, Math.floor(work / (partTasks * taskWork)), Math.floor(folded / leastPart));
  if (nest.running || nest.folds.length === 0 || results > mostResults || wanted < 2) return null;
  if (nest.folds.some((f) => f.hole.type === "int64" || f.value.type === "int64")) return null;
  const last = nest.over[nest.over.length - 1];
  const longest = nest.over.toSorted((a, b) => b.extent - a.extent)[0];
  // Positions are found where the parts are in their order.
  const isFirst = nest.over[0].extent >= wanted || nest.folds.some(isPosition);
  const index = isFirst ? nest.over[0] : longest;
  const length = lengthOf(index.extent, wanted, index === last ? leastPart : 1);
  const parts = Math.floor(index.extent / length);
  return parts < 2 ? null : { index, parts, length };
}

/** The length of about `wanted` parts, a multiple of `unit`; one that leaves no rest, if there is one near. */
function lengthOf(extent: number, wanted: number, unit: number): number {
  const least = Math.ceil(extent / wanted / unit) * unit;
  for (let length = least; length < 2 * least; length += unit) if (extent % length === 0) return length;
  return least;
}
