/** Loop nests become kernels: which loop is outside, which index is vectorised, how many accumulators a fold has. */
import { product, range } from "../util/arrays.js";
import { Emitter } from "./emit.js";
import type { Kernel, Lanes, Local, Value } from "./loop.js";
import { type Nest, type NestFold, rootsOf } from "./nest.js";
import { type FetchTerm, type IndexTerm, type Term, type Terms, factorOf, reachable, without } from "./terms.js";
import { joinValues, local, neutral, set, store, v } from "./values.js";

/** What passes need to know of the machine. */
export interface Target {
  /** Rows and vectors of the register tile of matrix products. */
  readonly microRows: number;
  readonly microVectors: number;
  /** Block lengths of matrix products along the summed index, the rows and the columns. */
  readonly kc: number;
  readonly mc: number;
  readonly nc: number;
}

/** Work, in scalar operations, below which a kernel is not divided into more tasks. */
const taskWork = 16384;
const mostTasks = 256;

/** The part of an index range that a call of a kernel does. */
interface Span {
  readonly index: IndexTerm;
  readonly from: Value;
  readonly to: Value;
}

const whole = (index: IndexTerm): Span => ({ index, from: v.int(0), to: v.int(index.extent) });

/** Lanes of vectors in a nest: two as soon as one of its types has 64 bits. */
export function lanesOf(roots: readonly Term[]): Lanes {
  return reachable(roots).some((t) => t.type === "float64" || t.type === "int64") ? 2 : 4;
}

/** Arithmetic of one element, roughly. */
const opsOf = (roots: readonly Term[]): number => Math.max(1, reachable(roots).filter((t) => t.kind === "op").length);

export class KernelBuilder {
  readonly emit: Emitter;
  readonly first: Local = local("first", "int32");
  readonly last: Local = local("last", "int32");
  readonly #nest: Nest;
  readonly #flops: number;
  readonly #elements: number;
  tasks = 1;

  constructor(terms: Terms, nest: Nest, counters: ReadonlyMap<number, number>) {
    this.emit = new Emitter(terms, counters);
    this.#nest = nest;
    this.#elements = product([...nest.axes, ...nest.over].map((x) => x.extent));
    this.#flops = this.#elements * opsOf(rootsOf(nest));
    this.emit.expect(rootsOf(nest));
  }

  /** The outermost index range, divided into tasks of a length that is a multiple of `unit`. */
  divided(index: IndexTerm, unit: number): Span {
    const perTurn = this.#flops / index.extent;
    const least = Math.max(Math.ceil(taskWork / perTurn), Math.ceil(index.extent / mostTasks));
    const chunk = Math.ceil(least / unit) * unit;
    this.tasks = Math.ceil(index.extent / chunk);
    if (this.tasks <= 1) {
      this.tasks = 1;
      return whole(index);
    }
    const from = v.mul(v.get(this.first), v.int(chunk));
    const to = v.min(v.mul(v.get(this.last), v.int(chunk)), v.int(index.extent));
    return { index, from, to };
  }

  kernel(): Kernel {
    const { name, stores, adds } = this.#nest;
    const fetches = new Set(reachable(rootsOf(this.#nest)).flatMap((t) => (t.kind === "fetch" ? [t] : [])));
    const bytes = (fetches.size + stores.length + (adds ? 2 : 0)) * 4 * this.#elements;
    const { tasks, first, last } = this;
    return { name, tasks, first, last, body: this.emit.statements, cost: { flops: this.#flops, bytes } };
  }
}

/** Loops around `body`, outermost first. */
function loops(emit: Emitter, spans: readonly Span[], body: () => void): void {
  if (spans.length === 0) return body();
  const [{ index, from, to }, ...rest] = spans;
  emit.loop(index, from, to, 1, () => loops(emit, rest, body));
}

/**
 * A loop over `span` in steps of `lanes · times` elements, then of fewer vectors, then of single elements. A step of `n`
 * vectors calls `body(n)` once. Spans start at multiples of `lanes · times`.
 */
function vectorLoop(emit: Emitter, span: Span, lanes: Lanes, times: number, body: (vectors: number) => void): void {
  const { index, from, to } = span;
  const { extent } = index;
  let start: Value = from;
  const steps = lanes === 1 ? [times, 1] : [times * lanes, lanes, 1];
  for (const step of new Set(steps)) {
    const end = extent - (extent % step);
    const vectors = lanes > 1 && step >= lanes;
    const until = v.min(to, v.int(end));
    const none = until.kind === "const" && start.kind === "const" && until.value <= start.value;
    if (!none)
      emit.vectorized(vectors ? index : null, vectors ? lanes : 1, () =>
        emit.loop(index, start, until, step, () => body(vectors ? step / lanes : step)),
      );
    if (end === extent) break;
    start = v.max(from, v.int(end));
  }
}

/** How well an index suits as the vectorised one: neighbours in memory are good, gathers of single elements bad. */
function suitability(emit: Emitter, nest: Nest, index: IndexTerm): number {
  const depends = (t: Term) => emit.terms.depends(t).has(index.id);
  const contiguous = (t: Term) => factorOf(t, index) === 1 && !depends(without(emit.terms, t, index));
  let score = 0;
  for (const t of reachable(rootsOf(nest)))
    if (t.kind === "fetch" && depends(t)) score += contiguous(t.offset) ? 2 : -3;
  for (const { offset } of nest.stores) if (depends(offset)) score += contiguous(offset) ? 2 : -3;
  return score;
}

function bestIndex(emit: Emitter, nest: Nest, candidates: readonly IndexTerm[], lanes: Lanes): IndexTerm | null {
  let best: IndexTerm | null = null;
  let top = -1;
  for (const index of candidates) {
    if (index.extent < lanes) continue;
    const waste = (index.extent % lanes) / index.extent;
    const score = suitability(emit, nest, index) + 0.5 - waste;
    if (score >= top) [best, top] = [index, score];
  }
  return best;
}

/** Outer loops in order, the first of them divided into tasks; `inner` goes last. */
function orderSpans(
  builder: KernelBuilder,
  outer: readonly IndexTerm[],
  inner: IndexTerm | null,
  unit: number,
): Span[] {
  const all = inner === null ? outer : [...outer, inner];
  return all.map((x, i) => (i === 0 ? builder.divided(x, x === inner ? unit : 1) : whole(x)));
}

/** A kernel that computes each element by itself. */
export function layoutMap(builder: KernelBuilder, nest: Nest): void {
  const { emit } = builder;
  const lanes = lanesOf(rootsOf(nest));
  const inner = bestIndex(emit, nest, nest.axes, lanes);
  const outer = nest.axes.filter((x) => x !== inner);
  const spans = orderSpans(builder, outer, inner, lanes);
  if (inner === null) return loops(emit, spans, () => emit.stores(nest.stores));
  loops(emit, spans.slice(0, -1), () =>
    vectorLoop(emit, spans[spans.length - 1], lanes, 1, () => emit.stores(nest.stores)),
  );
}

/** The accumulators of a fold: one value, or for `argmax` and `argmin` a value and its position. */
class Accumulator {
  readonly fold: NestFold;
  readonly value: Local;
  readonly #position: Local | null;
  constructor(emit: Emitter, fold: NestFold, lanes: Lanes) {
    this.fold = fold;
    this.value = emit.local("acc", fold.value.type, lanes);
    const isPosition = fold.combine === "argmax" || fold.combine === "argmin";
    this.#position = isPosition ? emit.local("at", "int32", lanes) : null;
    emit.add(set(this.value, v.const(fold.value.type, neutral(fold.combine, fold.value.type), lanes)));
    if (this.#position) emit.add(set(this.#position, v.const("int32", 0, lanes)));
  }

  /** Takes in the element that `value` stands for. */
  take(emit: Emitter, value: Term, position: Term): void {
    const { combine } = this.fold;
    if (this.#position) return this.#takePosition(emit, this.#position, emit.vector(value), emit.vector(position));
    const acc = v.get(this.value);
    const isProduct =
      value.kind === "op" && value.op === "mul" && (value.type === "float32" || value.type === "float64");
    emit.add(
      set(
        this.value,
        combine === "sum" && isProduct
          ? v.op(value.type, "fma", ...value.args.map((t) => emit.vector(t)), acc)
          : joinValues(combine, acc, emit.vector(value)),
      ),
    );
  }

  /** The first extreme wins, and the first NaN wins over everything. */
  #takePosition(emit: Emitter, best: Local, value: Value, position: Value): void {
    const x = emit.local("x", value.type, value.lanes);
    emit.add(set(x, value));
    const [a, b] = [v.get(this.value), v.get(x)];
    let better = this.fold.combine === "argmax" ? v.op("bool", "lt", a, b) : v.op("bool", "lt", b, a);
    if (value.type === "float32" || value.type === "float64")
      better = v.op("bool", "or", better, v.op("bool", "and", v.op("bool", "ne", b, b), v.op("bool", "eq", a, a)));
    const test = emit.local("better", "bool", value.lanes);
    emit.add(set(test, better));
    emit.add(set(best, v.op("int32", "select", v.get(test), position, v.get(best))));
    emit.add(set(this.value, v.op(value.type, "select", v.get(test), b, a)));
  }

  result(): Value {
    return v.get(this.#position ?? this.value);
  }
}

const accumulators = (emit: Emitter, nest: Nest, lanes: Lanes) =>
  nest.folds.map((f) => new Accumulator(emit, f, lanes));

/** A kernel that folds, with vectors along an index of the result or along a folded one. */
export function layoutFold(builder: KernelBuilder, nest: Nest): void {
  const { emit } = builder;
  const lanes = lanesOf(rootsOf(nest));
  const positions = nest.folds.some((f) => f.combine === "argmax" || f.combine === "argmin");
  const candidates = positions || nest.running ? nest.axes : [...nest.over, ...nest.axes];
  const inner = bestIndex(emit, nest, candidates, lanes);
  if (inner !== null && nest.axes.includes(inner)) return foldAcross(builder, nest, inner, lanes);
  const spans = orderSpans(builder, nest.axes, null, 1);
  loops(emit, spans, () => {
    if (nest.running || positions) scalarFold(emit, nest);
    else foldAlong(emit, nest, inner, inner === null ? 1 : lanes);
  });
}

function scalarFold(emit: Emitter, nest: Nest): void {
  const accs = accumulators(emit, nest, emit.lanes);
  const finish = () => {
    accs.forEach((acc) => emit.bind(acc.fold.hole, acc.result()));
    emit.stores(nest.stores);
  };
  loops(emit, nest.over.map(whole), () => {
    for (const acc of accs) acc.take(emit, acc.fold.value, acc.fold.position);
    if (nest.running) finish();
  });
  if (!nest.running) finish();
}

/** Vectors of results: each lane folds for itself. Several vectors at once share loads and hide latencies. */
function foldAcross(builder: KernelBuilder, nest: Nest, inner: IndexTerm, lanes: Lanes): void {
  const { emit } = builder;
  const outer = nest.axes.filter((x) => x !== inner);
  const most = nest.running || nest.folds.length > 1 ? 1 : 4;
  const times = Math.max(1, Math.min(most, Math.floor(inner.extent / lanes)));
  const spans = orderSpans(builder, outer, inner, lanes * times);
  loops(emit, spans.slice(0, -1), () =>
    vectorLoop(emit, spans[spans.length - 1], lanes, times, (vectors) => {
      if (vectors === 1) return scalarFold(emit, nest);
      const copies = range(vectors).map((i) => copyOf(emit, nest, inner, i * lanes));
      const accs = copies.map((copy) => accumulators(emit, copy, lanes));
      emit.expect(copies.flatMap(rootsOf));
      loops(emit, nest.over.map(whole), () => {
        for (const acc of accs.flat()) acc.take(emit, acc.fold.value, acc.fold.position);
      });
      for (const acc of accs.flat()) emit.bind(acc.fold.hole, acc.result());
      for (const copy of copies) emit.stores(copy.stores);
    }),
  );
}

/** The nest for an element that lies `by` further along `index`, with holes of its own. */
function copyOf({ terms }: Emitter, nest: Nest, index: IndexTerm, by: number): Nest {
  const holes = nest.folds.map((f) => terms.hole(f.hole.type));
  const move = terms.substitution(
    new Map<Term, Term>([
      [index, terms.sum([[index, 1]], by)],
      ...nest.folds.map((f, i) => [f.hole, holes[i]] as const),
    ]),
  );
  return {
    ...nest,
    folds: nest.folds.map((f, i) => ({ ...f, value: move(f.value), position: move(f.position), hole: holes[i] })),
    stores: nest.stores.map((x) => ({ ...x, offset: move(x.offset), value: move(x.value) })),
  };
}

/** Vectors of folded elements, in several accumulators that are joined at the end. */
function foldAlong(emit: Emitter, nest: Nest, inner: IndexTerm | null, lanes: Lanes): void {
  const along = inner ?? nest.over.at(-1) ?? null;
  if (along === null) return scalarFold(emit, nest);
  const times = Math.max(1, Math.min(nest.folds.length > 1 ? 2 : 4, Math.floor(along.extent / lanes)));
  const vectors = range(times).map(() => accumulators(emit, nest, lanes));
  const singles = lanes === 1 ? vectors[0] : accumulators(emit, nest, 1);
  const others = nest.over.filter((x) => x !== along);
  loops(emit, others.map(whole), () =>
    vectorLoop(emit, whole(along), lanes, times, (n) => {
      const accs = emit.lanes === 1 && n === 1 ? [singles] : vectors.slice(0, n);
      accs.forEach((set, i) =>
        set.forEach((acc) => {
          const shift = (t: Term) => emit.shifted(t, along, i * lanes);
          acc.take(emit, shift(acc.fold.value), shift(acc.fold.position));
        }),
      );
    }),
  );
  nest.folds.forEach((fold, f) => {
    let total = vectors.map((set) => set[f].result()).reduce((a, b) => joinValues(fold.combine, a, b));
    if (lanes > 1) {
      const joined = emit.local("sum", total.type, lanes);
      emit.add(set(joined, total));
      total = range(lanes)
        .map((lane) => v.lane(v.get(joined), lane))
        .reduce((a, b) => joinValues(fold.combine, a, b), singles[f].result());
    }
    const result = emit.local("sum", total.type);
    emit.add(set(result, total));
    emit.bind(fold.hole, v.get(result));
  });
  emit.stores(nest.stores);
}

/** Sums scattered over a buffer, in order; vectors where neighbouring elements go to neighbouring places. */
export function layoutAdds(builder: KernelBuilder, nest: Nest): void {
  const { emit } = builder;
  const { adds } = nest;
  if (adds === null) return;
  const lanes = lanesOf(rootsOf(nest));
  const { terms } = emit;
  const last = nest.over.at(-1);
  const depends = (t: Term) => last !== undefined && terms.depends(t).has(last.id);
  const rows =
    last !== undefined &&
    last.extent >= lanes &&
    factorOf(adds.offset, last) === 1 &&
    !depends(without(terms, adds.offset, last)) &&
    !depends(adds.inside);
  const addOne = () => {
    const at = emit.local("to", "int32");
    emit.add(set(at, emit.first(adds.offset)));
    const old = v.load(adds.value.type, emit.lanes, adds.buffer, v.get(at));
    emit.add(store(adds.buffer, v.get(at), v.op(old.type, "add", old, emit.vector(adds.value))));
  };
  const always = adds.inside.kind === "const" && adds.inside.value !== 0;
  const add = always ? addOne : () => emit.when(emit.value(adds.inside), addOne);
  if (!rows) return loops(emit, nest.over.map(whole), add);
  loops(emit, nest.over.slice(0, -1).map(whole), () => vectorLoop(emit, whole(last), lanes, 1, add));
}

/** The buffers a nest reads and the terms that read them. */
export const fetchesOf = (nest: Nest): FetchTerm[] =>
  reachable(rootsOf(nest)).filter((t): t is FetchTerm => t.kind === "fetch");

/** The kernel of a nest. */
export function layout(terms: Terms, nest: Nest, counters: ReadonlyMap<number, number>, target: Target): Kernel {
  void target;
  const builder = new KernelBuilder(terms, nest, counters);
  if (nest.adds) layoutAdds(builder, nest);
  else if (nest.folds.length > 0) layoutFold(builder, nest);
  else layoutMap(builder, nest);
  return builder.kernel();
}
