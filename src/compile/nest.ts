/**
 * Loop nests: what a kernel computes, as index ranges and terms over buffers. Here loads of wires become fetches from
 * buffers, inlined wires their formulas, and the index ranges those over which the offsets are plain strides.
 */
import type { Combine } from "../ir/scalar.js";
import { zip } from "../util/arrays.js";
import { InternalError, invariant } from "../util/errors.js";
import type { Draft, Home, Schedule } from "./schedule.js";
import type { FetchTerm, HoleTerm, IndexTerm, OpTerm, Term, Terms } from "./terms.js";
import { childrenOf, factorOf, reachable } from "./terms.js";
import type { Wire, Wiring } from "./wires.js";

export interface NestFold {
  readonly combine: Combine;
  readonly value: Term;
  readonly hole: HoleTerm;
  /** The flat position in the folded space, which `argmax` and `argmin` give. */
  readonly position: Term;
}

export interface NestStore {
  readonly buffer: number;
  readonly offset: Term;
  readonly value: Term;
}

/**
 * For every element of `axes`: fold over `over`, then store. When `running`, the stores happen at every step of the fold.
 * With `adds`, nothing is folded: for every element of `over`, in order, `buffer[offset] += value` where `inside` holds.
 */
export interface Nest {
  readonly name: string;
  readonly axes: readonly IndexTerm[];
  readonly over: readonly IndexTerm[];
  readonly folds: readonly NestFold[];
  readonly stores: readonly NestStore[];
  readonly running: boolean;
  /** Indices of outermost loops, whose turns come one after the other for every element. */
  readonly sweeps: readonly IndexTerm[];
  readonly adds: (NestStore & { readonly inside: Term }) | null;
}

/** Nests one after the other; with `row`, they are what is done in each turn of a loop over it. */
export interface Group {
  readonly row: IndexTerm | null;
  readonly nests: readonly Nest[];
}

/** Whether a fold gives the position of the first extreme. */
export const isPosition = (fold: NestFold): boolean => fold.combine === "argmax" || fold.combine === "argmin";

const noFolds = { over: [], folds: [], running: false, sweeps: [], adds: null };
/** The nest that computes each element by itself. */
export const elementwise = (name: string, axes: readonly IndexTerm[], stores: readonly NestStore[]): Nest => ({
  ...noFolds,
  name,
  axes,
  stores,
});

/** The nest that makes the results of a fold which `folded[at]` holds. */
export function finishing(terms: Terms, nest: Nest, folded: number, at: Term): Nest {
  const [{ hole }] = nest.folds;
  const finished = terms.substitution(new Map([[hole, terms.fetch(hole.type, folded, at)]]));
  const stores = nest.stores.map((x) => ({ ...x, value: finished(x.value) }));
  return elementwise(`${nest.name}_end`, nest.axes, stores);
}

/** The terms a nest computes. */
export const rootsOf = (nest: Nest): Term[] => [
  ...nest.stores.flatMap((x) => [x.offset, x.value]),
  ...nest.folds.flatMap((x) => [x.value, x.position]),
  ...(nest.adds ? [nest.adds.inside, nest.adds.offset, nest.adds.value] : []),
];

/** What a nest reads of buffers. */
export const fetchesOf = (nest: Nest): FetchTerm[] =>
  reachable(rootsOf(nest)).filter((t): t is FetchTerm => t.kind === "fetch");

/** The nests of a draft, in order; `bufferOf` numbers the wires that own memory. */
export function nestsOf(wiring: Wiring, plan: Schedule, draft: Draft, bufferOf: (storage: Wire) => number): Nest[] {
  const { terms, wires } = wiring;
  const place = ({ storage, prefix }: Home, at: readonly Term[]) => terms.flatten([...prefix, ...at], storage.shape);
  const resolve = terms.rewriter((term, rewrite) => {
    if (term.kind !== "load") return null;
    const hole = draft.holes.get(term);
    if (hole) return hole;
    const wire = wires[term.source];
    if (wire.source.kind === "map" && (plan.inlined.has(wire) || draft.own.has(wire)))
      return rewrite(wire.source.value(term.at));
    const home = plan.homes.get(wire) ?? { storage: wire, prefix: [] };
    return terms.fetch(term.type, bufferOf(home.storage), place(home, term.at.map(rewrite)));
  });
  const name = draft.names.toReversed().join("_");
  const stores = draft.stores.map((x) => ({
    buffer: bufferOf(x.home.storage),
    offset: resolve(place(x.home, x.at)),
    value: resolve(x.value),
  }));
  const folds = draft.folds.map(({ combine, value, hole }) => ({
    combine,
    hole,
    value: resolve(value),
    position: terms.flatten(
      draft.over,
      draft.over.map((x) => x.extent),
    ),
  }));
  const base: Nest = { ...elementwise(name, draft.axes, stores), over: draft.over, folds };
  const nests = draft.along
    ? [alongAxis(terms, base, draft.along.axis, draft.along.reverse)]
    : draft.scatter
      ? scattered(base, draft.scatter, resolve, bufferOf, place)
      : [base];
  return nests.map((nest) => simplified(terms, nest));
}

/** The nest over the fewest indices with which its offsets are plain strides. */
export const simplified = (terms: Terms, nest: Nest): Nest =>
  widen(terms, collapse(terms, split(terms, withoutUnits(terms, nest))));

/** The nest of a running fold: its axis becomes the folded space. */
function alongAxis(terms: Terms, nest: Nest, axis: number, reverse: boolean): Nest {
  const along = nest.axes[axis];
  const axes = nest.axes.filter((x) => x !== along);
  const plain = { ...nest, axes, over: [along], running: true };
  return reverse ? substitute(terms, plain, new Map([[along, terms.sum([[along, -1]], along.extent - 1)]])) : plain;
}

function scattered(
  nest: Nest,
  scatter: Draft["scatter"],
  resolve: (t: Term) => Term,
  bufferOf: (storage: Wire) => number,
  place: (home: Home, at: readonly Term[]) => Term,
): Nest[] {
  invariant(scatter !== null && scatter.home !== null, "a scatter without a target");
  const adds = {
    buffer: bufferOf(scatter.home.storage),
    inside: resolve(scatter.inside),
    offset: resolve(place(scatter.home, scatter.at)),
    value: resolve(scatter.value),
  };
  return [
    { ...nest, name: `${nest.name}_start`, over: [] },
    { ...nest, axes: [], stores: [], adds },
  ];
}

const substitute = (terms: Terms, nest: Nest, images: ReadonlyMap<Term, Term>): Nest =>
  mapTerms(nest, terms.substitution(images));

/** The nest with every term rewritten. */
export function mapTerms(nest: Nest, f: (t: Term) => Term): Nest {
  return {
    ...nest,
    stores: nest.stores.map((x) => ({ ...x, offset: f(x.offset), value: f(x.value) })),
    folds: nest.folds.map((x) => ({ ...x, value: f(x.value), position: f(x.position) })),
    adds: nest.adds && {
      ...nest.adds,
      inside: f(nest.adds.inside),
      offset: f(nest.adds.offset),
      value: f(nest.adds.value),
    },
  };
}

/** The nest where an index is `image`, which runs with `turn`. */
export function moved(terms: Terms, nest: Nest, index: IndexTerm, turn: IndexTerm, image: Term): Nest {
  const put = (list: readonly IndexTerm[]) => list.map((x) => (x === index ? turn : x));
  return { ...substitute(terms, nest, new Map([[index, image]])), axes: put(nest.axes), over: put(nest.over) };
}

/** Index ranges of length 1 disappear. */
function withoutUnits(terms: Terms, nest: Nest): Nest {
  const unit = [...nest.axes, ...nest.over].filter((x) => x.extent === 1);
  const rest = substitute(terms, nest, new Map(unit.map((x) => [x, terms.int(0)])));
  const keep = (xs: readonly IndexTerm[]) => xs.filter((x) => x.extent !== 1);
  return { ...rest, axes: keep(nest.axes), over: keep(nest.over) };
}

/** An index that is only asked for its quotient and remainder by a divisor of its length becomes two. */
function split(terms: Terms, nest: Nest): Nest {
  for (;;) {
    const all = new Set<Term>(nest.running ? nest.axes : [...nest.axes, ...nest.over]);
    const innermost = nest.axes.at(-1);
    // Halves of the innermost index would be too short for vectors.
    const found = reachable(rootsOf(nest)).find(
      (t): t is OpTerm => splits(t, all) && !(t.args[0] === innermost && isShort(t.args[1])),
    );
    if (!found) return nest;
    const [index, by] = found.args;
    if (index.kind !== "index" || by.kind !== "const") throw new InternalError("internal: not an index to split");
    const [outer, inner] = [terms.index(index.extent / by.value), terms.index(by.value)];
    const image = terms.plus(inner, outer, by.value);
    const put = (xs: readonly IndexTerm[]) => xs.flatMap((x) => (x === index ? [outer, inner] : [x]));
    nest = { ...substitute(terms, nest, new Map([[index, image]])), axes: put(nest.axes), over: put(nest.over) };
  }
}

const isShort = (t: Term): boolean => t.kind === "const" && t.value < 4;

function splits(t: Term, indices: ReadonlySet<Term>): t is OpTerm {
  if (t.kind !== "op" || (t.op !== "div" && t.op !== "rem") || t.type !== "int32") return false;
  const [x, by] = t.args;
  return x.kind === "index" && indices.has(x) && by.kind === "const" && by.value > 0 && x.extent % by.value === 0;
}

/** Two neighbouring indices that every offset uses like one long one become one. */
function collapse(terms: Terms, nest: Nest): Nest {
  for (;;) {
    const pairs = neighbours(nest.axes).concat(nest.running ? [] : neighbours(nest.over));
    const roots = rootsOf(nest);
    const all = reachable(roots);
    const found = pairs.find(([a, b]) => !roots.includes(a) && !roots.includes(b) && all.every((t) => areOne(t, a, b)));
    if (!found) return nest;
    const [a, b] = found;
    const joined = terms.index(a.extent * b.extent);
    const images = new Map<Term, Term>([
      [a, terms.int(0)],
      [b, joined],
    ]);
    const put = (xs: readonly IndexTerm[]) => xs.flatMap((x) => (x === a ? [] : x === b ? [joined] : [x]));
    nest = { ...substitute(terms, nest, images), axes: put(nest.axes), over: put(nest.over) };
  }
}

/** A last index too short for vectors joins the one before it where results are stored in one line along both. */
function widen(terms: Terms, nest: Nest): Nest {
  const [before, last] = [nest.axes.at(-2), nest.axes.at(-1)];
  if (before === undefined || last === undefined || last.extent >= 4 || nest.folds.length > 0) return nest;
  const line = (t: Term) => factorOf(t, last) === 1 && factorOf(t, before) === last.extent;
  if (!nest.stores.every((x) => line(x.offset))) return nest;
  const joined = terms.index(before.extent * last.extent);
  const images = new Map<Term, Term>([
    [before, terms.quotient(joined, last.extent)],
    [last, terms.remainder(joined, last.extent)],
  ]);
  return widen(terms, { ...substitute(terms, nest, images), axes: [...nest.axes.slice(0, -2), joined] });
}

const neighbours = (xs: readonly IndexTerm[]): [IndexTerm, IndexTerm][] =>
  xs.length < 2 ? [] : zip(xs.slice(0, -1), xs.slice(1));

function areOne(t: Term, a: IndexTerm, b: IndexTerm): boolean {
  if (t.kind === "affine") return factorOf(t, a) === b.extent * factorOf(t, b);
  return childrenOf(t).every((child) => child !== a && child !== b);
}
