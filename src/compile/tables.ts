/**
 * Tables: an operand of a sum of products that is more than an element of an array (padded, dilated, converted, computed)
 * and is needed again and again at the same few places is computed once, by a kernel of its own.
 */
import type { Aval, Shape } from "../ir/shape.js";
import { product, range, zip } from "../util/arrays.js";
import { type Nest, type NestFold, elementwise } from "./nest.js";
import { type IndexTerm, type Part, type Term, type Terms, reachable } from "./terms.js";

/** A sum of multiples of indices; a formula may depend on its indices only through a few of them. */
interface Coordinate {
  readonly parts: readonly Part[];
  readonly min: number;
  readonly extent: number;
}

/** How often an entry must be read for a table to pay, and one of a table in which some are read by nobody. */
const [leastReuse, leastReuseWithGaps] = [2, 8];

/** The nest reading from tables, preceded by the nests that fill them; `buffer` makes room for a table. */
export function tabulate(terms: Terms, nest: Nest, buffer: (aval: Aval) => number): Nest[] {
  if (nest.folds.length !== 1 || nest.running) return [nest];
  const [fold] = nest.folds;
  if (fold.combine !== "sum" || fold.value.kind !== "op" || fold.value.op !== "mul") return [nest];
  const before: Nest[] = [];
  const factors = fold.value.args.map((factor) => {
    const made = tableOf(terms, nest, factor, buffer);
    if (!made) return factor;
    before.push(...made.nests);
    return made.entry;
  });
  const value = terms.op(fold.value.type, "mul", factors);
  const folds: NestFold[] = [{ ...fold, value }];
  return [...before, { ...nest, folds }];
}

function tableOf(
  terms: Terms,
  nest: Nest,
  formula: Term,
  buffer: (aval: Aval) => number,
): { nests: readonly Nest[]; entry: Term } | null {
  const { type } = formula;
  const depends = terms.depends(formula);
  const indices = [...nest.axes, ...nest.over].filter((x) => depends.has(x.id));
  if (type === "int64" || (formula.kind === "fetch" && isSum(terms, formula.offset, indices))) return null;
  if (!indices.some((x) => nest.over.includes(x))) return null;
  const coordinates = inMemoryOrder(terms, formula, coordinatesOf(terms, formula, indices));
  const shape: Shape = coordinates.map((c) => c.extent);
  const evaluations = product(nest.axes.map((x) => x.extent)) * product(nest.over.map((x) => x.extent));
  const distinct = product(indices.map((x) => x.extent));
  const entries = product(shape);
  if (entries * (entries > distinct ? leastReuseWithGaps : leastReuse) > evaluations) return null;

  // Places of the last coordinate that neighbouring results take lie side by side, so that vectors find them in one line.
  const { extent } = coordinates[coordinates.length - 1];
  const step = Math.min(extent, stepOf(nest, coordinates[coordinates.length - 1]));
  const lengths = [...shape.slice(0, -1), step, Math.ceil(extent / step)];
  const outer = coordinates.slice(0, -1).map((c) => terms.index(c.extent));
  const number = buffer({ dtype: type, shape: lengths });
  const nests = range(step).map((phase) => {
    const turn = terms.index(Math.ceil((extent - phase) / step));
    const value = inCoordinates(terms, formula, coordinates, [...outer, terms.sum([[turn, step]], phase)]);
    const offset = terms.flatten([...outer, terms.int(phase), turn], lengths);
    return elementwise(`${nest.name}_table`, [...outer, turn], [{ buffer: number, offset, value }]);
  });
  if (indices.some((x) => terms.depends(nests[0].stores[0].value).has(x.id))) return null;
  const places = coordinates.map((c) => terms.sum(c.parts, -c.min));
  const last = places[places.length - 1];
  const at = [...places.slice(0, -1), terms.remainder(last, step), terms.quotient(last, step)];
  return { nests, entry: terms.fetch(type, number, terms.flatten(at, lengths)) };
}

/** The steps in which the longest index of the results goes through a coordinate. */
function stepOf(nest: Nest, { parts }: Coordinate): number {
  const [longest] = parts.filter(([t]) => nest.axes.some((x) => x === t)).sort(([a], [b]) => b.max - a.max);
  return longest && longest[0].max >= 3 ? Math.abs(longest[1]) : 1;
}

/** Whether an offset adds up multiples of the indices and what does not depend on them. */
function isSum(terms: Terms, offset: Term, indices: readonly IndexTerm[]): boolean {
  const plain = (t: Term) => t.kind === "index" || !indices.some((x) => terms.depends(t).has(x.id));
  return plain(offset) || (offset.kind === "affine" && offset.parts.every(([t]) => plain(t)));
}

const key = (parts: readonly Part[]): string => parts.map(([t, f]) => `${t.id}*${f}`).join();

/** The index parts of a term that is a sum, as they are; nothing for other terms. */
function indexParts(term: Term, indices: ReadonlySet<Term>): readonly Part[] {
  if (indices.has(term)) return [[term, 1]];
  return term.kind === "affine" ? term.parts.filter(([t]) => indices.has(t)) : [];
}

/**
 * Coordinates through which a formula depends on its indices. Positions that are compared or clamped are coordinates as
 * they are; what offsets add beside them is taken apart into single indices.
 */
function coordinatesOf(terms: Terms, formula: Term, indices: readonly IndexTerm[]): Coordinate[] {
  const set = new Set<Term>(indices);
  const found = new Map<string, readonly Part[]>();
  const all = reachable([formula]);
  const offsets = new Set(all.flatMap((t) => (t.kind === "fetch" ? [t.offset] : [])));
  for (const t of all) {
    const parts = indexParts(t, set);
    if (parts.length > 1 && !offsets.has(t)) found.set(key(parts), parts);
  }
  for (const offset of offsets) {
    let rest = indexParts(offset, set);
    for (const c of found.values()) rest = withoutMultiple(rest, c);
    for (const [t] of rest) found.set(key([[t, 1]]), [[t, 1]]);
  }
  // A single index outside any sum.
  for (const t of all)
    if (set.has(t) && ![...found.values()].some((c) => c.some(([x]) => x === t))) found.set(key([[t, 1]]), [[t, 1]]);
  const order = (c: readonly Part[]) => Math.min(...c.map(([t]) => indices.findIndex((x) => x === t)));
  return [...found.values()]
    .sort((a, b) => order(a) - order(b))
    .map((parts) => {
      const { min, max } = terms.sum(parts);
      return { parts, min, extent: max - min + 1 };
    });
}

/** Coordinates that take longer strides through the arrays read come first, as in those arrays. */
function inMemoryOrder(terms: Terms, formula: Term, coordinates: readonly Coordinate[]): Coordinate[] {
  const addends = reachable([formula]).flatMap((t): readonly Part[] =>
    t.kind !== "fetch" ? [] : t.offset.kind === "affine" ? t.offset.parts : [[t.offset, 1]],
  );
  const stride = (c: Coordinate) => {
    const inside = addends.filter(([t]) => c.parts.every(([x]) => terms.depends(t).has(x.id)));
    const single = addends.filter(([t]) => c.parts.some(([x]) => x === t));
    return Math.max(0, ...[...inside, ...single].map(([, f]) => Math.abs(f)));
  };
  return coordinates.toSorted((a, b) => stride(b) - stride(a));
}

/** `parts` less as often `c` as it goes in; unchanged when it does not. */
function withoutMultiple(parts: readonly Part[], c: readonly Part[]): readonly Part[] {
  const times = multipleOf(parts, c);
  return times === 0 ? parts : parts.filter(([t]) => !c.some(([x]) => x === t));
}

/** `n` such that `parts` contains exactly `n·c`; 0 when there is none. */
function multipleOf(parts: readonly Part[], c: readonly Part[]): number {
  const factor = (t: Term) => parts.find(([x]) => x === t)?.[1] ?? 0;
  const n = factor(c[0][0]) / c[0][1];
  return Number.isInteger(n) && c.every(([t, f]) => factor(t) === n * f) ? n : 0;
}

/** The formula with its coordinates as indices. */
function inCoordinates(terms: Terms, formula: Term, coordinates: readonly Coordinate[], axes: readonly Term[]): Term {
  const sums = zip(coordinates, axes).toSorted(([a], [b]) => b.parts.length - a.parts.length);
  const known = new Set<Term>(coordinates.flatMap((c) => c.parts.map(([t]) => t)));
  return terms.rewriter((term, rewrite) => {
    let rest = indexParts(term, known);
    if (rest.length === 0) return null;
    const addends: Part[] = [];
    for (const [c, axis] of sums) {
      const n = multipleOf(rest, c.parts);
      if (n === 0) continue;
      rest = withoutMultiple(rest, c.parts);
      addends.push([terms.sum([[axis, 1]], c.min), n]);
    }
    const others = term.kind === "affine" ? term.parts.filter(([t]) => !known.has(t)) : [];
    for (const [t, f] of others) addends.push([rewrite(t), f]);
    addends.push(...rest);
    return terms.sum(addends, term.kind === "affine" ? term.constant : 0);
  })(formula);
}
