/**
 * Kernels that compute each element by itself: vectors along one index, in stretches in which no comparison of that index
 * changes its answer, and in square blocks where arrays are read across.
 */
import { range } from "../util/arrays.js";
import type { Emitter } from "./emit.js";
import type { Lanes, Value } from "./loop.js";
import {
  type KernelBuilder,
  type Span,
  type Stretch,
  type Target,
  bestIndex,
  lanesOf,
  lanesWithin,
  loops,
  orderSpans,
  vectorLoop,
  whole,
} from "./loops.js";
import { type Nest, type NestStore, fetchesOf, mapTerms, rootsOf } from "./nest.js";
import { type FetchTerm, type IndexTerm, type Term, type Terms, factorOf, reachable, without } from "./terms.js";
import { store, v } from "./values.js";

/** Stretches beyond which the code would grow more than it gains. */
const mostStretches = 5;
/** Side of the blocks in which an array is read across, in elements. */
const blockSide = 16;

/** A kernel that computes each element by itself. */
export function layoutMap(builder: KernelBuilder, nest: Nest, target: Target): void {
  const { emit } = builder;
  const widest = lanesOf(rootsOf(nest), target);
  const longest = (x: IndexTerm) =>
    stretches(emit.terms, nest, x).reduce((a, b) => (b.index.extent > a.index.extent ? b : a));
  const inner = bestIndex(emit, nest, nest.axes, widest, longest);
  if (inner === null) return loops(emit, orderSpans(builder, nest.axes, null, 1), () => emit.stores(nest.stores));
  const lanes = lanesWithin(inner.extent, widest);
  const outer = nest.axes.filter((x) => x !== inner);
  const parts = stretches(emit.terms, nest, inner);
  const across = parts.length === 1 && outer.find((x) => linesAcross(emit, nest, x, inner).length > 0);
  if (across) return blocks(builder, nest, across, inner, lanes);
  const spans = orderSpans(builder, outer, parts.length === 1 ? inner : null, lanes);
  const [around, last] = parts.length === 1 ? [spans.slice(0, -1), spans[spans.length - 1]] : [spans, null];
  return loops(emit, around, () => {
    for (const part of parts) along(emit, part, last ?? whole(part.index), lanes);
  });
}

function along(emit: Emitter, { nest }: Stretch, span: Span, lanes: Lanes): void {
  vectorLoop(emit, span, lanes, 1, () => emit.stores(nest.stores));
}

/** The nest cut where a comparison of `inner` with something constant changes its answer. */
function stretches(terms: Terms, nest: Nest, inner: IndexTerm): Stretch[] {
  const cuts = new Set<number>();
  for (const t of reachable(rootsOf(nest))) {
    const cut = turningPoint(terms, t, inner);
    if (cut !== null && cut > 0 && cut < inner.extent) cuts.add(cut);
  }
  if (cuts.size === 0 || cuts.size >= mostStretches) return [{ nest, index: inner }];
  const bounds = [0, ...[...cuts].sort((a, b) => a - b), inner.extent];
  return bounds.slice(0, -1).map((from, i) => {
    const index = terms.index(bounds[i + 1] - from);
    const image = terms.sum([[index, 1]], from);
    return { nest: mapTerms(nest, terms.substitution(new Map([[inner, image]]))), index };
  });
}

/** The first value of `index` from which on a comparison, minimum or maximum has another answer than before. */
function turningPoint(terms: Terms, t: Term, index: IndexTerm): number | null {
  if (t.kind !== "op" || t.args.length !== 2 || t.args[0].type !== "int32") return null;
  const strict = t.op === "lt";
  if (!strict && t.op !== "le" && t.op !== "min" && t.op !== "max") return null;
  const difference = terms.plus(t.args[0], t.args[1], -1);
  const factor = factorOf(difference, index);
  const rest = without(terms, difference, index);
  if (rest.kind !== "const" || (factor !== 1 && factor !== -1)) return null;
  // a - b is index + rest, or rest - index.
  if (factor === 1) return t.op === "le" ? 1 - rest.value : -rest.value;
  return strict ? rest.value + 1 : rest.value;
}

/** What is read with strides along an index lies in lines along the other one. */
function linesAcross({ terms }: Emitter, nest: Nest, across: IndexTerm, inner: IndexTerm): FetchTerm[] {
  if (Math.min(across.extent, inner.extent) < 2 * blockSide) return [];
  return fetchesOf(nest).filter(({ offset }) => {
    const depends = terms.depends(without(terms, without(terms, offset, inner), across));
    const isPlain = !depends.has(inner.id) && !depends.has(across.id);
    return isPlain && factorOf(offset, across) === 1 && Math.abs(factorOf(offset, inner)) > 1;
  });
}

/**
 * Both indices in blocks. What is read across is first turned over, line by line, in memory of the thread's own: in an array
 * whose rows are a power of two apart, the elements of a column share a few places of the nearest cache (a transpose of 2048
 * by 2048 took three times as long).
 */
function blocks(builder: KernelBuilder, nest: Nest, across: IndexTerm, inner: IndexTerm, lanes: Lanes): void {
  const { emit } = builder;
  const others = nest.axes.filter((x) => x !== across && x !== inner);
  const spans = orderSpans(builder, others, across, blockSide);
  const rows = spans[spans.length - 1];
  const [rowBlock, columnBlock] = [emit.terms.index(across.extent), emit.terms.index(inner.extent)];
  const offset = emit.terms.sum([
    [across, blockSide],
    [rowBlock, -blockSide],
    [inner, 1],
    [columnBlock, -1],
  ]);
  const copies = linesAcross(emit, nest, across, inner).map((value) => ({
    value,
    buffer: builder.scratch(value.type, blockSide ** 2),
    offset,
  }));
  const near = new Map<Term, Term>(copies.map((x) => [x.value, emit.terms.fetch(x.value.type, x.buffer, offset)]));
  const toNear = emit.terms.rewriter((t) => near.get(t) ?? null);
  const nearNest = mapTerms(nest, toNear);
  emit.expect([...rootsOf(nearNest), ...copies.flatMap((x) => [x.value, offset])]);
  const part = (index: IndexTerm, block: IndexTerm): Span => {
    const from = emit.value(block);
    const to = v.add(from, v.int(blockSide));
    return { index, from, to: index.extent % blockSide === 0 ? to : v.min(to, v.int(index.extent)) };
  };
  loops(emit, spans.slice(0, -1), () =>
    emit.loop(rowBlock, rows.from, rows.to, blockSide, () =>
      emit.loop(columnBlock, v.int(0), v.int(inner.extent), blockSide, () => {
        const [down, side] = [part(across, rowBlock), part(inner, columnBlock)];
        for (const copy of copies) turnOver(emit, copy, down, side, builder.widest);
        loops(emit, [down], () => along(emit, { nest: nearNest, index: inner }, side, lanes));
      }),
    ),
  );
}

/** Copies a block of lines along `down` to lines along `side`; whole blocks in squares of vectors. */
function turnOver(emit: Emitter, copy: NestStore, down: Span, side: Span, lanes: Lanes): void {
  const squares = () =>
    emit.loop(side.index, side.from, side.to, lanes, () =>
      emit.vectorized(down.index, lanes, () =>
        emit.loop(down.index, down.from, down.to, lanes, () => {
          const lines = range(lanes).map((k) => emit.vector(emit.shifted(copy.value, side.index, k)));
          const at = emit.first(copy.offset);
          transposed(emit, lines).forEach((x, k) => emit.add(store(copy.buffer, v.add(at, v.int(k * blockSide)), x)));
        }),
      ),
    );
  const isBlock = (x: Span) => v.op("bool", "eq", v.op("int32", "sub", x.to, x.from), v.int(blockSide));
  const [a, b = a] = [down, side].filter((x) => x.index.extent % blockSide > 0).map(isBlock);
  const single = () => loops(emit, [down, side], () => emit.stores([copy]));
  if (a === undefined) squares();
  else emit.when(v.op("bool", "and", a, b), squares, single);
}

/** As many vectors as each has lanes, turned over: the upper half interleaved with the lower, again and again. */
function transposed(emit: Emitter, lines: readonly Value[]): readonly Value[] {
  const all = range(lines.length);
  const half = lines.length / 2;
  const interleaved = (now: readonly Value[], k: number): Value => {
    const pair = [now[k >> 1], now[(k >> 1) + half]];
    return emit.keep("line", v.pack(all.map((j) => v.lane(pair[j % 2], (k % 2) * half + (j >> 1)))));
  };
  return range(Math.log2(lines.length)).reduce((now) => all.map((k) => interleaved(now, k)), lines);
}
