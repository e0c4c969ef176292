/**
 * Kernels that fold: vectors along an index of the result (each lane folds for itself) or along a folded index (lanes are
 * joined at the end). Where results share what they read, a tile of them is folded at once.
 */
import { isFloat } from "../ir/dtype.js";
import type { Combine } from "../ir/scalar.js";
import { range, zip } from "../util/arrays.js";
import type { Emitter } from "./emit.js";
import {
  type KernelBuilder,
  type Target,
  bestIndex,
  bytesAlong,
  goesOutside,
  halved,
  lanesWithin,
  loops,
  opsOf,
  orderSpans,
  rowLoop,
  shortLoops,
  storable,
  vectorLoop,
  whole,
} from "./loops.js";
import type { Lanes, Local, Value } from "./loop.js";
import { type Nest, type NestFold, elementwise, finishing, isPosition, rootsOf } from "./nest.js";
import { type IndexTerm, type Term, factorOf, isFloatProduct, reachable } from "./terms.js";
import { joinValues, neutral, set, store, v } from "./values.js";

/**
 * The accumulators of a fold: one value, or for `argmax` and `argmin` a value and its position. For the extremes of vectors,
 * which must hand on NaN and order zeros, it takes one of two numbers, a single instruction, and notes besides whether there
 * was a NaN, and the signs of all, which tell zeros apart.
 */
class Accumulator {
  readonly fold: NestFold;
  readonly value: Local;
  readonly position: Local | null;
  readonly #seen: { readonly nan: Local; readonly signs: Local } | null = null;
  constructor(emit: Emitter, fold: NestFold, lanes: Lanes, running: boolean) {
    this.fold = fold;
    this.value = emit.local("acc", fold.value.type, lanes);
    this.position = isPosition(fold) ? emit.local("at", "int32", lanes) : null;
    emit.add(set(this.value, v.const(fold.value.type, neutral(fold.combine, storable(fold.value.type)), lanes)));
    if (this.position) emit.add(set(this.position, v.const("int32", 0, lanes)));
    const isExtreme = fold.combine === "max" || fold.combine === "min";
    if (running || lanes === 1 || !isExtreme || fold.value.type !== "float32") return;
    this.#seen = { nan: emit.local("nan", "bool", lanes), signs: emit.local("signs", "int32", lanes) };
    emit.add(set(this.#seen.nan, v.const("bool", 0, lanes)));
    emit.add(set(this.#seen.signs, v.const("int32", fold.combine === "max" ? -1 : 0, lanes)));
  }

  /** Takes in the element that `value` stands for. */
  take(emit: Emitter, value: Term, position: Term): void {
    const { combine } = this.fold;
    if (this.position) return this.#takePosition(emit, this.position, emit.vector(value), emit.vector(position));
    const acc = v.get(this.value);
    if (this.#seen) return this.#takeNumber(emit, this.#seen.nan, this.#seen.signs, emit.vector(value));
    const next =
      combine === "sum" && isFloatProduct(value)
        ? v.op(value.type, "fma", ...value.args.map((t) => emit.vector(t)), acc)
        : joinValues(combine, acc, emit.vector(value));
    emit.add(set(this.value, next));
  }

  /** The first extreme wins, and the first NaN wins over everything. */
  #takePosition(emit: Emitter, best: Local, value: Value, position: Value): void {
    const [a, b] = [v.get(this.value), emit.keep("x", value)];
    let better = this.fold.combine === "argmax" ? v.op("bool", "lt", a, b) : v.op("bool", "lt", b, a);
    if (isFloat(value.type))
      better = v.op("bool", "or", better, v.op("bool", "and", v.op("bool", "ne", b, b), v.op("bool", "eq", a, a)));
    const test = emit.keep("better", better);
    emit.add(set(best, v.op("int32", "select", test, position, v.get(best))));
    emit.add(set(this.value, v.op(value.type, "select", test, b, a)));
  }

  #takeNumber(emit: Emitter, nan: Local, signs: Local, value: Value): void {
    const [acc, x] = [v.get(this.value), emit.keep("x", value)];
    const isMax = this.fold.combine === "max";
    const better = isMax ? v.op("bool", "lt", acc, x) : v.op("bool", "lt", x, acc);
    emit.add(set(nan, v.op("bool", "or", v.get(nan), v.op("bool", "ne", x, x))));
    emit.add(set(signs, v.op("int32", isMax ? "and" : "or", v.get(signs), v.op("int32", "bitcast", x))));
    emit.add(set(this.value, v.op(value.type, "select", better, x, acc)));
  }

  /** What it came to; to be asked for once. */
  result(emit: Emitter): Value {
    const { type, lanes } = this.value;
    if (!this.#seen) return v.get(this.position ?? this.value);
    const acc = v.get(this.value);
    const sign = v.op("int32", "and", v.get(this.#seen.signs), v.const("int32", -(2 ** 31), lanes));
    const isZero = v.op("bool", "eq", acc, v.const(type, 0, lanes));
    const number = v.op(type, "select", isZero, v.op(type, "bitcast", sign), acc);
    emit.add(set(this.value, v.op(type, "select", v.get(this.#seen.nan), v.const(type, Number.NaN, lanes), number)));
    return acc;
  }
}

const accumulators = (emit: Emitter, nest: Nest, lanes: Lanes): Accumulator[] =>
  nest.folds.map((f) => new Accumulator(emit, f, lanes, nest.running));

/** The nest for the element that lies that far along some indices, with holes of its own. */
function copyOf({ terms }: Emitter, nest: Nest, steps: readonly (readonly [IndexTerm, Term])[]): Nest {
  const holes = nest.folds.map((f) => terms.hole(f.hole.type));
  const move = terms.substitution(
    new Map<Term, Term>([
      ...steps.map(([index, by]) => [index, terms.plus(index, by)] as const),
      ...nest.folds.map((f, i) => [f.hole, holes[i]] as const),
    ]),
  );
  return {
    ...nest,
    folds: nest.folds.map((f, i) => ({ ...f, value: move(f.value), position: move(f.position), hole: holes[i] })),
    stores: nest.stores.map((x) => ({ ...x, offset: move(x.offset), value: move(x.value) })),
  };
}

/** The results of a tile along an index: so many, so far apart. */
type Side = readonly [index: IndexTerm, step: number, count: number];

/**
 * Operations of a tile's stores that are written out, at most; what lies apart is read and written in single ones. Longer
 * ones (an optimizer's update, `tanh`) become a loop over the tile, whose results go through memory of the thread's own: as
 * fast, and a fraction of the code.
 */
const mostWritten = 64;

/** A tile of results: its elements, the last side fastest, and how they are stored. */
class Tile {
  readonly copies: readonly Nest[];
  readonly #builder: KernelBuilder;
  readonly #nest: Nest;
  readonly #sides: readonly Side[];
  readonly #isLoop: boolean;

  constructor(builder: KernelBuilder, nest: Nest, sides: readonly Side[]) {
    [this.#builder, this.#nest, this.#sides] = [builder, nest, sides];
    const { emit } = builder;
    const places = sides.reduce<(readonly [IndexTerm, Term])[][]>(
      (all, [index, step, n]) =>
        all.flatMap((by) => range(n).map((i) => [...by, [index, emit.terms.int(i * step)] as const])),
      [[]],
    );
    const values = nest.stores.map((x) => x.value);
    const accesses = [...nest.stores, ...reachable(values).filter((t) => t.kind === "fetch")].map((x) => x.offset);
    const apart = emit.lanes * accesses.filter((t) => emit.varies(t) && !emit.contiguous(t)).length;
    const isLong = places.length * (opsOf(values) + apart) > mostWritten;
    const isPlain = places.length > 1 && nest.folds.length === 1 && nest.folds[0].hole.type !== "int64";
    this.#isLoop = isPlain && (isLong || this.#liesAcross());
    this.copies = places.map((by) => copyOf(emit, this.#isLoop ? { ...nest, stores: [] } : nest, by));
  }

  /** Whether what is read and written for each result lies along another side than the vectors that fold. */
  #liesAcross(): boolean {
    const { emit, widest } = this.#builder;
    const sides = this.#sides.map(([index]) => index);
    const inner = bestIndex(emit, elementwise("", sides, this.#nest.stores), sides, widest);
    return inner !== null && inner !== emit.along;
  }

  /**
   * Stores what the folds of every copy came to; what is computed from the sums backwards: TurboFan (to V8 12) then meets
   * the sums in the order in which it must place their multiply-adds, so that loads stand beside them (`wasm/kernel.ts`).
   */
  store(results: readonly (readonly Value[])[]): void {
    if (this.#isLoop) return this.#storeInLoop(results.map(([x]) => x));
    const { emit } = this.#builder;
    const all = zip(this.copies, results);
    const sums = this.#nest.folds.map((f): Term => f.hole);
    const isPlain = this.#nest.stores.some((x) => sums.includes(x.value));
    for (const [copy, sum] of isPlain ? all : all.toReversed()) {
      copy.folds.forEach((fold, f) => emit.bind(fold.hole, sum[f]));
      emit.stores(copy.stores);
    }
  }

  #storeInLoop(results: readonly Value[]): void {
    const { emit } = this.#builder;
    const { terms } = emit;
    const [{ type, lanes }] = results;
    const buffer = this.#builder.tileBuffer(type);
    // Single results go together: a vector loaded from what was stored one by one would wait for all of it.
    const fits = (n: Lanes) => lanes === 1 && n <= this.#builder.widest && results.length % n === 0;
    const pack = ([4, 2] as const).find(fits) ?? 1;
    const packs =
      pack === 1 ? results : range(results.length / pack).map((k) => v.pack(results.slice(k * pack, (k + 1) * pack)));
    packs.forEach((x, k) => emit.add(store(buffer, v.int(k * x.lanes), x)));
    const turns = this.#sides.map(([index, , count]) => terms.index(index === emit.along ? count * lanes : count));
    const extents = turns.map((x) => x.extent);
    const place = terms.flatten(turns, extents);
    const steps = this.#sides.map(([index], i) => [index, turns[i]] as const);
    const at = copyOf(emit, this.#nest, steps);
    const nest = finishing(terms, { ...at, axes: turns }, buffer, place);
    emit.expect(rootsOf(nest));
    // What the results are stored with may lie along another side than what was folded.
    const inner = bestIndex(emit, nest, turns, this.#builder.widest) ?? turns[turns.length - 1];
    const outer = turns.filter((x) => x !== inner).map(whole);
    emit.vectorized(null, 1, () =>
      loops(emit, outer, () =>
        vectorLoop(emit, whole(inner), lanesWithin(inner.extent, this.#builder.widest), 1, () =>
          emit.stores(nest.stores),
        ),
      ),
    );
  }
}

/** Results along an index that make a tile worth while: as many sums as two units keep busy. */
const enoughRows = 7;

/**
 * Indices of the result that elements read by the fold do not depend on, most of such elements first; those that vary along
 * the vectorised index `inner` count more, since a tile then loads fewer vectors. Of equals the one whose neighbours are
 * nearest in memory: a tile over 14 pictures in place of 14 pixels met 14 times as many pages.
 */
function sharing({ terms }: Emitter, nest: Nest, candidates: readonly IndexTerm[], inner?: IndexTerm): IndexTerm[] {
  const fetched = reachable(nest.folds.map((f) => f.value)).flatMap((t) => (t.kind === "fetch" ? [t] : []));
  const read = fetched.filter((t) => nest.over.some((x) => terms.depends(t).has(x.id)));
  const weight = (t: Term) => (inner && terms.depends(t).has(inner.id) ? 2 : 1);
  const shared = (index: IndexTerm) =>
    read.filter((t) => !terms.depends(t).has(index.id)).reduce((sum, t) => sum + weight(t), 0);
  const rows = (index: IndexTerm) => Math.min(index.extent, enoughRows);
  const places = [...fetched, ...nest.stores].map((x) => x.offset);
  const apart = (index: IndexTerm) => places.reduce((sum, at) => sum + Math.abs(factorOf(at, index)), 0);
  return candidates
    .filter((x) => shared(x) > 0)
    .sort((a, b) => shared(b) - shared(a) || rows(b) - rows(a) || apart(a) - apart(b));
}

/** What a nest may compute for each folded element, at most, to be folded for several results at once. */
const largestTiled = 12;

function isTiled(nest: Nest): boolean {
  const ops = reachable(nest.folds.map((f) => f.value)).filter(
    (t) => t.kind === "op" && t.type !== "int32" && t.type !== "bool",
  ).length;
  return !nest.running && nest.folds.length === 1 && !isPosition(nest.folds[0]) && ops <= largestTiled;
}

/** A kernel that folds. */
export function layoutFold(builder: KernelBuilder, nest: Nest, target: Target): void {
  loops(builder.emit, nest.sweeps.map(whole), () => layoutSweep(builder, nest, target));
}

function layoutSweep(builder: KernelBuilder, nest: Nest, target: Target): void {
  const { emit } = builder;
  const most = builder.widest;
  const positions = nest.folds.some(isPosition);
  // The first of equal extremes is found where every lane meets its elements in order: along the last folded index.
  const folded = nest.running ? [] : positions ? nest.over.slice(-1) : nest.over;
  const candidates = [...folded, ...nest.axes];
  const inner = bestIndex(emit, nest, candidates, most);
  if (inner !== null && nest.axes.includes(inner))
    return foldAcross(builder, nest, inner, lanesWithin(inner.extent, most), target);
  if (nest.running) return loops(emit, orderSpans(builder, nest.axes, null, 1), () => foldInPlace(emit, nest));
  foldAlong(builder, nest, inner, inner === null ? 1 : lanesAlong(inner.extent, most), target);
}

/** The longest vectors, shorter than `most` lanes, that an extent is a multiple of. */
function lanesDividing(extent: number, most: Lanes): Lanes {
  let lanes = halved(most);
  while (extent % lanes !== 0) lanes = halved(lanes);
  return lanes;
}

/** The lanes with which a fold along an index takes the fewest steps. */
function lanesAlong(extent: number, most: Lanes): Lanes {
  const steps = (lanes: Lanes) => {
    const left = extent % lanes;
    return Math.floor(extent / lanes) + left / lanesDividing(left, lanes);
  };
  let best = most;
  for (let lanes = most; lanes > 1; lanes = halved(lanes)) if (steps(lanes) < steps(best)) best = lanes;
  return best;
}

/** The whole fold for the current element, or vector of elements, with one accumulator. */
function foldInPlace(emit: Emitter, nest: Nest): void {
  const accs = accumulators(emit, nest, emit.lanes);
  const finish = () => {
    accs.forEach((acc) => emit.bind(acc.fold.hole, acc.result(emit)));
    emit.stores(nest.stores);
  };
  if (nest.running)
    loops(emit, nest.over.map(whole), () => {
      for (const acc of accs) acc.take(emit, acc.fold.value, acc.fold.position);
      finish();
    });
  else takeAll(emit, nest.over, accs);
  if (!nest.running) finish();
}

/**
 * Steps of a fold, over all accumulators, that may stand one after the other. More gain nothing, and engines that load
 * everything first (Node 20) run out of registers: with 24 a step of a small convolutional net takes 174 ms, with 8 123.
 */
const mostSteps = 8;

/** Every folded element, into every accumulator. */
function takeAll(emit: Emitter, over: readonly IndexTerm[], accs: readonly Accumulator[]): void {
  shortLoops(emit, over, Math.floor(mostSteps / accs.length), (now) => {
    for (const acc of accs) acc.take(emit, now(acc.fold.value), now(acc.fold.position));
  });
}

/** Each lane folds for itself: tiles of rows times vectors of results. */
function foldAcross(builder: KernelBuilder, nest: Nest, inner: IndexTerm, lanes: Lanes, target: Target): void {
  const { emit } = builder;
  const others = nest.axes.filter((x) => x !== inner);
  const row = isTiled(nest) ? (sharing(emit, nest, others, inner).at(0) ?? null) : null;
  const vectors = Math.floor(inner.extent / lanes);
  const times =
    nest.running || nest.folds.length > 1
      ? 1
      : row
        ? Math.max(1, Math.min(target.microVectors, vectors))
        : besides(vectors, isTiled(nest) ? Math.floor(Math.min(tileAlong(target), Math.max(4, vectors / 4))) : 4);
  const outer = others.filter((x) => x !== row);
  const tile = (rows: number, vectors: number) =>
    foldTogether(emit, new Tile(builder, nest, [...(row ? [[row, 1, rows] as const] : []), [inner, lanes, vectors]]));
  if (row === null) {
    const spans = orderSpans(builder, outer, inner, lanes * times);
    const last = spans[spans.length - 1];
    return loops(emit, spans.slice(0, -1), () => vectorLoop(emit, last, lanes, times, (n) => tile(1, n)));
  }
  const rows = evenly(row.extent, target.microRows);
  const bytes = (x: IndexTerm) => bytesAlong(emit, nest, x, [inner, row]);
  const isLong = bytes(inner) > Math.max(target.cacheBytes, bytes(row));
  const spans = isLong ? orderSpans(builder, outer, inner, lanes * times) : orderSpans(builder, outer, row, rows);
  const last = spans[spans.length - 1];
  loops(emit, spans.slice(0, -1), () => {
    if (isLong) vectorLoop(emit, last, lanes, times, (n) => rowLoop(emit, whole(row), rows, (r) => tile(r, n)));
    else rowLoop(emit, last, rows, (r) => vectorLoop(emit, whole(inner), lanes, times, (n) => tile(r, n)));
  });
}

/**
 * How many of some vectors, at most `most`, to fold side by side, for the fewest passes over what is folded: vectors left
 * over are folded one by one. A long line of each row is read at once: a vector times a matrix of 4096 rows, 18 → 38 GB/s.
 */
function besides(vectors: number, most: number): number {
  const passes = (n: number) => Math.floor(vectors / n) + (vectors % n);
  return range(Math.max(1, Math.min(most, vectors)))
    .map((i) => i + 1)
    .reduce((best, n) => (passes(n) <= passes(best) ? n : best));
}

/** The length, at most `most`, of as few blocks as possible that are as equal as possible. */
const evenly = (extent: number, most: number): number => Math.ceil(extent / Math.ceil(extent / most));

/** The folds of several elements, in one loop. */
function foldTogether(emit: Emitter, tile: Tile): void {
  const { copies } = tile;
  if (copies.length === 1) return foldInPlace(emit, copies[0]);
  emit.expect(copies.flatMap(rootsOf));
  const accs = copies.flatMap((copy) => accumulators(emit, copy, emit.lanes));
  takeAll(emit, copies[0].over, accs);
  tile.store(accs.map((acc) => [acc.result(emit)]));
}

/** Sums of a tile whose operands are both vectors: a row and a column of operands must fit beside them in the registers. */
const tileAlong = ({ microRows, microVectors }: Target): number => Math.floor((2 / 3) * microRows * microVectors);

/** Lanes are joined at the end: tiles of results, each in vectors along a folded index. */
function foldAlong(builder: KernelBuilder, nest: Nest, inner: IndexTerm | null, lanes: Lanes, target: Target): void {
  const { emit } = builder;
  const along = inner ?? nest.over.at(-1) ?? null;
  if (along === null) return loops(emit, orderSpans(builder, nest.axes, null, 1), () => foldInPlace(emit, nest));
  const [rows, columns] = inner === null || !isTiled(nest) ? [] : tileIndices(emit, nest);
  const size = tileAlong(target);
  const width = columns ? lanesWithin(4, lanes) : 1;
  const height = rows ? evenly(rows.extent, Math.max(1, columns ? Math.floor(size / width) : 4)) : 1;
  const outer = nest.axes.filter((x) => x !== rows && x !== columns);
  const tile = (r: number, c: number) => {
    const sides = [
      [rows, r],
      [columns, c],
    ] as const;
    const all = new Tile(
      builder,
      nest,
      sides.flatMap(([x, n]) => (x ? [[x, 1, n] as const] : [])),
    );
    all.store(foldTile(emit, all.copies, along, lanes));
  };
  if (!rows) return loops(emit, orderSpans(builder, outer, null, 1), () => tile(1, 1));
  const rowsOutside = !columns || goesOutside(emit, nest, rows, columns);
  const spans = orderSpans(builder, outer, rowsOutside ? rows : columns, rowsOutside ? height : width);
  const last = spans[spans.length - 1];
  loops(emit, spans.slice(0, -1), () => {
    if (!columns) rowLoop(emit, last, height, (r) => tile(r, 1));
    else if (rowsOutside) rowLoop(emit, last, height, (r) => rowLoop(emit, whole(columns), width, (c) => tile(r, c)));
    else rowLoop(emit, last, width, (c) => rowLoop(emit, whole(rows), height, (r) => tile(r, c)));
  });
}

/** The rows and columns of a tile: two indices that share different elements, the later one being the column. */
function tileIndices(emit: Emitter, nest: Nest): readonly IndexTerm[] {
  const [first, ...others] = sharing(emit, nest, nest.axes);
  if (first === undefined) return [];
  const depends = (t: Term, x: IndexTerm) => emit.terms.depends(t).has(x.id);
  const reads = reachable(nest.folds.map((f) => f.value)).filter((t) => t.kind === "fetch");
  const second = others.find((x) => reads.some((t) => depends(t, first) && !depends(t, x)));
  if (second === undefined) return [first];
  return nest.axes.indexOf(first) < nest.axes.indexOf(second) ? [first, second] : [second, first];
}

/** What the folds of a tile come to, folded in vectors along `along`. */
function foldTile(emit: Emitter, copies: readonly Nest[], along: IndexTerm, lanes: Lanes): Value[][] {
  emit.expect(copies.flatMap(rootsOf));
  const { folds, over } = copies[0];
  const most = Math.max(1, Math.floor((folds.length > 1 ? 2 : 4) / copies.length));
  const times = Math.max(1, Math.min(most, Math.floor(along.extent / lanes)));
  const vectors = copies.map((copy) => range(times).map(() => accumulators(emit, copy, lanes)));
  const left = along.extent % lanes;
  // What is left goes into accumulators of its own, in the longest vectors that cover it exactly.
  const leftLanes = lanesDividing(left, lanes);
  const singles =
    lanes === 1
      ? vectors.map((x) => x[0])
      : copies.map((copy) => (left === 0 ? [] : accumulators(emit, copy, leftLanes)));
  loops(emit, over.filter((x) => x !== along).map(whole), () =>
    vectorLoop(
      emit,
      whole(along),
      lanes,
      times,
      (n) =>
        copies.forEach((_, k) => {
          const parts = n === 1 && (lanes === 1 || emit.lanes < lanes) ? [singles[k]] : vectors[k].slice(0, n);
          parts.forEach((accs, i) =>
            accs.forEach((acc) => {
              const shift = (t: Term) => emit.shifted(t, along, i * lanes);
              acc.take(emit, shift(acc.fold.value), shift(acc.fold.position));
            }),
          );
        }),
      { shorter: [leftLanes], written: Math.floor(mostSteps / (times * copies.length)) },
    ),
  );
  return copies.map((copy, k) =>
    copy.folds.map((fold, f) =>
      joined(
        emit,
        fold,
        vectors[k].map((accs) => accs[f]),
        left === 0 || lanes === 1 ? [] : [singles[k][f]],
      ),
    ),
  );
}

/** All lanes of all accumulators of one fold as one value; `short` ones have fewer lanes. */
function joined(emit: Emitter, fold: NestFold, vectors: readonly Accumulator[], short: readonly Accumulator[]): Value {
  const total = (combine: Combine, of: (acc: Accumulator) => Value) =>
    joinedLanes(emit, combine, vectors.map(of), short.map(of));
  const { combine } = fold;
  if (!isPosition(fold)) return total(combine, (acc) => acc.result(emit));
  const extreme = total(combine === "argmax" ? "max" : "min", (acc) => v.get(acc.value));
  return total("min", (acc) => {
    const [x, { lanes }] = [v.get(acc.value), acc.value];
    // Where one is not a number, the extreme is none either.
    const isExtreme = v.op("bool", "or", v.op("bool", "eq", x, v.splat(extreme, lanes)), v.op("bool", "ne", x, x));
    return v.op("int32", "select", isExtreme, acc.result(emit), v.const("int32", 2 ** 31 - 1, lanes));
  });
}

function joinedLanes(emit: Emitter, combine: Combine, vectors: readonly Value[], shorter: readonly Value[]): Value {
  const join = (a: Value, b: Value) => joinValues(combine, a, b);
  const keep = (x: Value) => emit.keep("sum", x);
  const lanesIn = (x: Value) => (x.lanes === 1 ? [x] : range(x.lanes).map((lane) => v.lane(x, lane)));
  const total = inPairs(lanesIn(keep(vectors.reduce(join))), join);
  return keep([total, ...shorter.flatMap((x) => lanesIn(keep(x)))].reduce(join));
}

/** Joins neighbours, then the results of that, and so on. */
function inPairs(parts: readonly Value[], join: (a: Value, b: Value) => Value): Value {
  if (parts.length === 1) return parts[0];
  const half = parts.length / 2;
  return inPairs(
    range(half).map((i) => join(parts[2 * i], parts[2 * i + 1])),
    join,
  );
}
