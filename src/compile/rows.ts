/**
 * Rows: where results lie in short rows, and what is folded for them in longer ones, as in a convolution of small padded
 * pictures, vectors run on from row to row. What they fold between the rows is nobody's result and left behind.
 */
import type { Aval } from "../ir/shape.js";
import { product } from "../util/arrays.js";
import { type Target, lanesOf, storable, vectorsIn } from "./loops.js";
import { type Nest, finishing, rootsOf } from "./nest.js";
import { type IndexTerm, type Term, type Terms, childrenOf, factorOf, reachable } from "./terms.js";

/** Folded elements that make one more copy of the results negligible. */
const longFold = 64;
/** How many times fewer vectors there must be. */
const fewer = 1.5;

/** The nest along joined rows and one that takes the results from it; the nest as it is where that would not pay. */
export function alongRows(terms: Terms, nest: Nest, target: Target, buffer: (aval: Aval) => number): Nest[] {
  const joined = joinedRows(terms, nest, target);
  if (joined === null) return [nest];
  const { row, column, pitch, line } = joined;
  const [fold] = nest.folds;
  const axes = [...nest.axes.slice(0, -2), line];
  const shape = axes.map((x) => x.extent);
  const folded = buffer({ dtype: storable(fold.hole.type), shape });
  const at = (last: Term) => terms.flatten([...axes.slice(0, -1), last], shape);
  const value = terms.substitution(new Map([[row, terms.int(0)] as const, [column, line] as const]))(fold.value);
  const stores = [{ buffer: folded, offset: at(line), value: fold.hole }];
  const along = { ...nest, axes, folds: [{ ...fold, value }], stores };
  return [along, finishing(terms, nest, folded, at(terms.plus(column, row, pitch)))];
}

/** The last two indices of the results, the distance of rows, and what runs through all of them, where joining them pays. */
export function joinedRows(terms: Terms, nest: Nest, target: Target) {
  const [row, column] = nest.axes.slice(-2);
  const pitch = pitchOf(terms, nest, row, column);
  if (pitch === 0 || nest.folds[0].hole.type === "int64") return null;
  const line = terms.index((row.extent - 1) * pitch + column.extent);
  const vectors = (x: IndexTerm) => vectorsIn(x.extent, lanesOf(rootsOf(nest), target));
  const pays = row.extent * vectors(column) >= fewer * vectors(line);
  return pays ? { row, column, pitch, line, vectors: vectors(line) / row.extent / column.extent } : null;
}

/** How far apart rows are in all that is folded along them, where that is one number no less than their length, or 0. */
function pitchOf(terms: Terms, nest: Nest, row?: IndexTerm, column?: IndexTerm): number {
  if (!row || !column || nest.running || product(nest.over.map((x) => x.extent)) < longFold) return 0;
  if (nest.folds.length !== 1 || nest.folds[0].combine !== "sum") return 0;
  const direct = reachable([nest.folds[0].value]);
  const depends = (t: Term) => terms.depends(t).has(row.id) || terms.depends(t).has(column.id);
  const offsets = new Set(direct.flatMap((t) => (t.kind === "fetch" && depends(t) ? [t.offset] : [])));
  const [pitch = 0, ...more] = new Set([...offsets].map((t) => (factorOf(t, column) === 1 ? factorOf(t, row) : 0)));
  const isPlain = direct.every((t) => offsets.has(t) || !childrenOf(t).some((x) => x === row || x === column));
  return isPlain && more.length === 0 && pitch >= column.extent ? pitch : 0;
}
