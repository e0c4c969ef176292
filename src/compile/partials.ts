/**
 * Partial results: a long fold whose results are too few to be shared among threads is done in parts, side by side, and a
 * small one joins what the parts give. Where it is cut depends on the nest alone, and parts are joined in order, so results
 * are the same however many threads take part.
 */
import type { Aval } from "../ir/shape.js";
import { product } from "../util/arrays.js";
import { type Target, enoughTasks, flopsOf, opsOf, storable } from "./loops.js";
import { type Group, type Nest, type NestFold, type NestStore, isPosition, moved } from "./nest.js";
import { type IndexTerm, type Term, type Terms, isFloatProduct } from "./terms.js";

/** Parts there are, at most. */
const mostParts = 64;
/** Work of a part, in tasks: it must be much more than that of joining it to the others. */
const partTasks = 4;
/** Results from which on there is enough to do side by side. */
const mostResults = 512;
/** Folded elements that a part has for each result, at least. */
const leastPart = 64;

/** Folded elements that a part of a product has for each result, at least, so that storing and joining costs little. */
const longPart = 512;
/** Indices up to this length do not lie along the sides of tiles. */
const shortIndex = 8;

type Cut = NonNullable<ReturnType<typeof cutAlong>>;

/** The nest in parts, and the one that joins them, in order. */
export function inPartials(terms: Terms, nest: Nest, target: Target, buffer: (aval: Aval) => number): Nest[] {
  const cut = cutOf(nest, target);
  if (cut === null) return [nest];
  const { part, sides, others } = cutAt(terms, nest, cut, buffer);
  return [{ ...sides, axes: [part, ...nest.axes] }, ...others];
}

/** A sum of products whose results make few tasks, in parts that are tasks; their sweeps are their own. */
export function inTasks(terms: Terms, nest: Nest, target: Target, buffer: (aval: Aval) => number): Group[] {
  const cut = cutInTasks(terms, nest, target);
  if (cut === null) return [{ row: null, nests: [nest] }];
  const { part, sides, others } = cutAt(terms, nest, cut, buffer);
  return [{ row: part, nests: [sides] }, ...others.map((x) => ({ row: null, nests: [x] }))];
}

/** What is done in each part, and after all of them. */
function cutAt(terms: Terms, nest: Nest, { index, parts, length }: Cut, buffer: (aval: Aval) => number) {
  const rest = index.extent - parts * length;
  const shape = [parts + (rest > 0 ? 1 : 0), ...nest.axes.map((x) => x.extent)];
  const partials = nest.folds.map(({ hole }) => buffer({ dtype: storable(hole.type), shape }));
  const place = (slot: Term) => terms.flatten([slot, ...nest.axes], shape);
  /** The nest where the index is `at`, which runs with `step`. */
  const partOf = (at: Term, step: IndexTerm, slot: Term): Nest => ({
    ...moved(terms, nest, index, step, at),
    stores: nest.folds.map((f, i): NestStore => ({ buffer: partials[i], offset: place(slot), value: f.hole })),
  });
  const [part, step, left, slot] = [parts, length, rest, shape[0]].map((extent) => terms.index(extent));
  const sides = partOf(terms.flatten([part, step], [parts, length]), step, part);
  const after = partOf(terms.sum([[left, 1]], parts * length), left, terms.int(parts));
  const folds = nest.folds.map((fold, i): NestFold => {
    const partial = terms.fetch(fold.hole.type, partials[i], place(slot));
    if (!isPosition(fold)) return { ...fold, value: partial, position: slot };
    return { ...fold, value: valueAt(terms, nest, fold, partial), position: partial };
  });
  const end: Nest = { ...nest, name: `${nest.name}_end`, over: [slot], folds };
  return { part, sides, others: rest > 0 ? [after, end] : [end] };
}

/** What a fold folds at a flat position of the folded space. */
const valueAt = (terms: Terms, nest: Nest, fold: NestFold, position: Term): Term =>
  terms.substitution(terms.unflatten(position, nest.over))(fold.value);

/** Where a nest with few results is cut. */
function cutOf(nest: Nest, { taskWork }: Target): Cut | null {
  const [results, folded] = [nest.axes, nest.over].map((list) => product(list.map((x) => x.extent)));
  const work = results * folded * opsOf(nest.folds.map((f) => f.value));
  const wanted = Math.floor(Math.min(mostParts, work / (partTasks * taskWork), folded / leastPart));
  if (nest.running || nest.folds.length === 0 || results > mostResults || wanted < 2) return null;
  if (nest.folds.some((f) => f.hole.type === "int64" || f.value.type === "int64")) return null;
  const longest = nest.over.toSorted((a, b) => b.extent - a.extent)[0];
  // Positions are found where the parts are in their order.
  const isFirst = nest.over[0].extent >= wanted || nest.folds.some(isPosition);
  return cutAlong(nest, isFirst ? nest.over[0] : longest, wanted, 2);
}

/** Where a product is cut that has fewer tasks than parts. */
function cutInTasks(terms: Terms, nest: Nest, { taskWork, microRows }: Target): Cut | null {
  const [fold] = nest.folds;
  if (nest.running || nest.folds.length !== 1 || fold.combine !== "sum" || !isFloatProduct(fold.value)) return null;
  const folded = product(nest.over.map((x) => x.extent));
  const wanted = Math.floor(Math.min(flopsOf(nest) / (partTasks * taskWork), folded / longPart, enoughTasks));
  const index = nest.over.find((x) => x.extent >= wanted);
  if (index === undefined || wanted < 2 || fold.hole.type === "int64") return null;
  const { args } = fold.value;
  const isTiled = (x: IndexTerm) => x.extent > shortIndex && !args.every((t) => terms.depends(t).has(x.id));
  const tasks = nest.axes.map((x) => Math.ceil(isTiled(x) ? x.extent / microRows : x.extent));
  return cutAlong(nest, index, wanted, Math.max(1, ...tasks) + 1);
}

/** About so many parts along an index, unless they come to less than `least`. */
function cutAlong(nest: Nest, index: IndexTerm, wanted: number, least: number) {
  const length = lengthOf(index.extent, wanted, index === nest.over.at(-1) ? leastPart : 1);
  const parts = Math.floor(index.extent / length);
  return parts < least ? null : { index, parts, length };
}

/** The length of about `wanted` parts, a multiple of `unit`; one that leaves no rest, if there is one near. */
function lengthOf(extent: number, wanted: number, unit: number): number {
  const least = Math.ceil(extent / wanted / unit) * unit;
  for (let length = least; length < 2 * least; length += unit) if (extent % length === 0) return length;
  return least;
}
