/**
 * Phases: a sum of products in which an operand is zero except at every c-th place (the gradient of a strided convolution,
 * a transposed convolution) is c sums, each for every c-th result and over the terms that are not zero.
 */
import { range } from "../util/arrays.js";
import { type Nest, elementwise, moved } from "./nest.js";
import { type IndexTerm, type Term, type Terms, factorOf } from "./terms.js";

/** Where `at` is no multiple of `by`, what is folded is zero. */
interface Sparse {
  readonly at: Term;
  readonly by: number;
}

/** The nest as one for each phase; as it is when nothing is sparse. */
export function inPhases(terms: Terms, nest: Nest): Nest[] {
  for (const sparse of sparsityOf(nest)) {
    const phases = phasesOf(terms, nest, sparse);
    if (phases !== null) return phases.flatMap((x) => inPhases(terms, x));
  }
  return [nest];
}

function sparsityOf(nest: Nest): Sparse[] {
  if (nest.folds.length !== 1 || nest.running || nest.folds[0].combine !== "sum") return [];
  const { value } = nest.folds[0];
  const factors = value.kind === "op" && value.op === "mul" ? value.args : [value];
  return factors.flatMap((x) =>
    x.kind === "op" && x.op === "select" && isZero(x.args[2]) ? conditionsOf(x.args[0]).flatMap(sparseBy) : [],
  );
}

const isZero = (t: Term): boolean => t.kind === "const" && t.value === 0;

const conditionsOf = (t: Term): readonly Term[] =>
  t.kind === "op" && t.op === "and" ? t.args.flatMap(conditionsOf) : [t];

/** `at % by == 0`; of an index that is 0, its length stands for `by`. */
function sparseBy(t: Term): Sparse[] {
  if (t.kind !== "op" || t.op !== "eq" || !isZero(t.args[1])) return [];
  const [rest] = t.args;
  if (rest.kind === "index") return [{ at: rest, by: rest.extent }];
  if (rest.kind !== "op" || rest.op !== "rem") return [];
  const [at, by] = rest.args;
  return by.kind === "const" ? [{ at, by: by.value }] : [];
}

/** The phases along the one index of the results that, with one folded index at most, decides what is zero. */
function phasesOf(terms: Terms, nest: Nest, { at, by }: Sparse): Nest[] | null {
  const deciding = (x: IndexTerm) => factorOf(at, x) % by !== 0;
  const [[axis, ...axes], [tap, ...taps]] = [nest.axes.filter(deciding), nest.over.filter(deciding)];
  const known = new Set<Term>([...nest.axes, ...nest.over]);
  const isPlain = at.kind === "affine" ? at.parts.every(([t]) => known.has(t)) : known.has(at);
  if (axis === undefined || axes.length + taps.length > 0 || !isPlain) return null;
  const constant = at.kind === "affine" ? at.constant : 0;
  const isMultiple = (phase: number, turn: number) =>
    (constant + phase * factorOf(at, axis) + (tap ? turn * factorOf(at, tap) : 0)) % by === 0;
  const starts = range(by).map((phase) => range(tap ? by : 1).filter((turn) => isMultiple(phase, turn)));
  if (starts.some((all) => all.length > 1)) return null;
  return starts.slice(0, axis.extent).map(([start = Infinity], phase) => {
    const along = every(terms, nest, axis, phase, by);
    if (start >= (tap?.extent ?? 1)) return withoutFold(terms, along);
    return tap ? every(terms, along, tap, start, by) : along;
  });
}

/** The nest where an index goes in steps. */
function every(terms: Terms, nest: Nest, index: IndexTerm, from: number, step: number): Nest {
  const turn = terms.index(Math.ceil((index.extent - from) / step));
  return moved(terms, nest, index, turn, terms.sum([[turn, step]], from));
}

/** The nest when what it sums is zero. */
function withoutFold(terms: Terms, { name, axes, folds, stores }: Nest): Nest {
  const [{ hole }] = folds;
  const zero = terms.substitution(new Map([[hole, terms.const(hole.type, 0)]]));
  const now = stores.map((x) => ({ ...x, value: zero(x.value) }));
  return elementwise(name, axes, now);
}
