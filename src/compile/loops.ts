/** What kernels are laid out with: tasks, loops in steps of vectors or rows, and the choice of the vectorised index. */
import { byteSize, type DType } from "../ir/dtype.js";
import type { Aval } from "../ir/shape.js";
import type { ScalarType } from "../ir/scalar.js";
import { InternalError } from "../util/errors.js";
import { product, range } from "../util/arrays.js";
import { Emitter } from "./emit.js";
import type { Kernel, Lanes, Local, Value } from "./loop.js";
import { type Group, type Nest, rootsOf } from "./nest.js";
import { type IndexTerm, type Term, type Terms, factorOf, reachable, without } from "./terms.js";
import { local, v } from "./values.js";

/** What passes need to know of the machine. */
export interface Target {
  /** Bytes of a vector. */
  readonly vectorBytes: 16 | 32 | 64;
  /** Rows and vectors of the register tile of matrix products. */
  readonly microRows: number;
  readonly microVectors: number;
  /** Most elements of a block of a product, along the summed index (a quarter, beyond so many bytes of panels) and the rows. */
  readonly kc: number;
  readonly panelBytes: number;
  readonly mc: number;
  /** Bytes of operands from which on a sum of products is done in sweeps. */
  readonly cacheBytes: number;
  /** How often an operand of a product must be read for a copy in panels to pay. */
  readonly panelRows: number;
  /** Bytes between neighbours along the summed index, and their number, from which on straight operands are copied too. */
  readonly farBytes: number;
  readonly farSteps: number;
  /** Work, in scalar operations, below which a kernel is not divided into more tasks. */
  readonly taskWork: number;
}

/** Tasks of a kernel, at most. */
const mostTasks = 256;

/** Tasks that keep all threads busy to the end. */
export const enoughTasks = 16;

/** The part of an index range that a call of a kernel does. */
export interface Span {
  readonly index: IndexTerm;
  readonly from: Value;
  readonly to: Value;
}

export const whole = (index: IndexTerm): Span => ({ index, from: v.int(0), to: v.int(index.extent) });

/** Lanes of vectors in a nest: half as many as soon as one of its types has 64 bits. */
export function lanesOf(roots: readonly Term[], { vectorBytes }: Target): Lanes {
  const wide = reachable(roots).some((t) => t.type === "float64" || t.type === "int64");
  const most = vectorBytes === 64 ? 16 : vectorBytes === 32 ? 8 : 4;
  return wide ? halved(most) : most;
}

export const halved = (lanes: Lanes): Lanes => (lanes === 16 ? 8 : lanes === 8 ? 4 : lanes === 4 ? 2 : 1);

/** Half as many lanes, half of that, and so on. */
const shorterThan = (lanes: Lanes): Lanes[] => (lanes <= 2 ? [] : [halved(lanes), ...shorterThan(halved(lanes))]);

/** How many vectors cover an extent: full ones, then halves, quarters and so on. */
export function vectorsIn(extent: number, lanes: Lanes): number {
  let count = Math.floor(extent / lanes);
  for (let rest = extent % lanes; rest > 0; rest &= rest - 1) count++;
  return count;
}

/** As many lanes as fit into an extent. */
export function lanesWithin(extent: number, most: Lanes): Lanes {
  let lanes = most;
  while (lanes > 1 && lanes > extent) lanes = halved(lanes);
  return lanes;
}

/** Arithmetic of one element, roughly. */
export const opsOf = (roots: readonly Term[]): number =>
  Math.max(1, reachable(roots).filter((t) => t.kind === "op").length);

const resultsOf = (nest: Nest): number => product([...nest.sweeps, ...nest.axes].map((x) => x.extent));
const elementsOf = (nest: Nest): number => resultsOf(nest) * product(nest.over.map((x) => x.extent));

/** Arithmetic of a nest, roughly. */
export const flopsOf = (nest: Nest): number =>
  nest.folds.length === 0 || nest.running
    ? elementsOf(nest) * opsOf(rootsOf(nest))
    : elementsOf(nest) * opsOf(nest.folds.map((x) => x.value)) +
      resultsOf(nest) * opsOf(nest.stores.map((x) => x.value));

export function storable(type: ScalarType): DType {
  if (type === "int64") throw new InternalError("internal: 64-bit integers are not stored");
  return type;
}

export class KernelBuilder {
  readonly emit: Emitter;
  /** Lanes of the longest vectors. */
  readonly widest: Lanes;
  readonly first: Local = local("first", "int32");
  readonly last: Local = local("last", "int32");
  readonly #group: Group;
  readonly #flops: number;
  readonly #target: Target;
  readonly #scratch: (aval: Aval) => number;
  #tile: number | null = null;
  tasks = 1;

  constructor(
    terms: Terms,
    group: Group,
    counters: ReadonlyMap<number, number>,
    target: Target,
    scratch: (aval: Aval) => number,
  ) {
    this.#target = target;
    this.#scratch = scratch;
    this.emit = new Emitter(terms, counters);
    this.#group = group;
    this.widest = lanesOf(group.nests.flatMap(rootsOf), target);
    this.#flops = group.nests.reduce((sum, nest) => sum + flopsOf(nest), 0) * (group.row?.extent ?? 1);
    this.emit.expect(group.nests.flatMap(rootsOf));
  }

  /** Lays out nests one after the other, inside the loop over rows if they have one. */
  forEach(layout: (nest: Nest) => void): void {
    const { row, nests } = this.#group;
    loops(this.emit, row ? [this.divided(row, 1)] : [], () => nests.forEach(layout));
  }

  /** A buffer of each thread's own. */
  scratch(type: ScalarType, elements: number): number {
    return this.#scratch({ dtype: storable(type), shape: [elements] });
  }

  /** A buffer of each thread's own in which a tile of results has room. */
  tileBuffer(type: ScalarType): number {
    const { microRows, microVectors, vectorBytes } = this.#target;
    const bytes = Math.max(4, microRows * microVectors) * vectorBytes;
    return (this.#tile ??= this.scratch(type, bytes / byteSize(storable(type))));
  }

  /** Elements of an index range that a task does when it is divided, a multiple of `unit`. */
  chunk(index: IndexTerm, unit: number): number {
    const perTurn = this.#flops / index.extent;
    const least = Math.max(Math.ceil(this.#target.taskWork / perTurn), Math.ceil(index.extent / mostTasks));
    return Math.ceil(least / unit) * unit;
  }

  /** An index range, divided into tasks of a length that is a multiple of `unit`. */
  divided(index: IndexTerm, unit: number): Span {
    if (this.#group.row !== null && this.#group.row !== index) return whole(index);
    const chunk = this.chunk(index, unit);
    this.tasks = Math.max(1, Math.ceil(index.extent / chunk));
    if (this.tasks === 1) return whole(index);
    const from = v.mul(v.get(this.first), v.int(chunk));
    const to = v.min(v.mul(v.get(this.last), v.int(chunk)), v.int(index.extent));
    return { index, from, to };
  }

  kernel(): Kernel {
    const { tasks, first, last } = this;
    const name = this.#group.nests.map((x) => x.name).join("_");
    return { name, tasks, first, last, body: this.emit.statements, cost: { flops: this.#flops } };
  }
}

/** Bytes around which a cache that is read again and again begins to miss. */
export const nearBytes = 1 << 18;

/** Bytes of what is folded that depend on an index, in loops over `axes` and all that is folded. */
export function bytesAlong({ terms }: Emitter, nest: Nest, index: IndexTerm, axes: readonly IndexTerm[]): number {
  const fetched = reachable(nest.folds.map((f) => f.value)).flatMap((t) => (t.kind === "fetch" ? [t.offset] : []));
  const all = [...axes, ...nest.over];
  return fetched
    .filter((t) => terms.depends(t).has(index.id))
    .reduce((sum, t) => {
      const lengths = all.filter((x) => terms.depends(t).has(x.id)).map((x) => x.extent);
      return sum + 4 * Math.min(product(lengths), t.max - t.min + 1);
    }, 0);
}

/**
 * Whether the loop over `a` should go outside that over `b`. The inner one reads what depends on it again for every block
 * of the outer, from memory if that is much.
 */
export function goesOutside(emit: Emitter, nest: Nest, a: IndexTerm, b: IndexTerm): boolean {
  const bytes = (x: IndexTerm) => bytesAlong(emit, nest, x, nest.axes);
  return bytes(b) <= Math.max(nearBytes, bytes(a));
}

/** Loops around `body`, outermost first. */
export function loops(emit: Emitter, spans: readonly Span[], body: () => void): void {
  if (spans.length === 0) return body();
  const [{ index, from, to }, ...rest] = spans;
  emit.loop(index, from, to, 1, () => loops(emit, rest, body));
}

/**
 * Loops around `body`, the short innermost ones written out as long as they have at most `most` turns together: `body` gets
 * what puts the current indices into a term.
 */
export function shortLoops(
  emit: Emitter,
  indices: readonly IndexTerm[],
  most: number,
  body: (now: (t: Term) => Term) => void,
): void {
  let from = indices.length;
  let turns = 1;
  while (from > 0 && turns * indices[from - 1].extent <= most) turns *= indices[--from].extent;
  const short = indices.slice(from);
  const { terms } = emit;
  loops(emit, indices.slice(0, from).map(whole), () => {
    for (const turn of range(turns)) body(terms.substitution(terms.unflatten(terms.int(turn), short)));
  });
}

interface VectorLoop {
  /** Lanes of the vectors for what is left: halves, quarters and so on if nothing is said. */
  readonly shorter?: readonly Lanes[];
  /** How many steps may be written out one after the other. */
  readonly written?: number;
}

/**
 * A loop over `span` in steps of `lanes · times` elements, then of fewer and shorter vectors. A step of `n` vectors calls
 * `body(n)` once. Spans start at multiples of `lanes · times`.
 */
export function vectorLoop(
  emit: Emitter,
  span: Span,
  lanes: Lanes,
  times: number,
  body: (vectors: number) => void,
  { shorter = shorterThan(lanes), written = 1 }: VectorLoop = {},
): void {
  const { index, from, to } = span;
  const { extent } = index;
  let start: Value = from;
  const widths: readonly Lanes[] = [lanes, ...shorter, 1];
  const steps = [[times * lanes, lanes] as const, ...widths.map((width) => [width, width] as const)];
  for (const [i, [step, width]] of steps.entries()) {
    if (i > 0 && step === steps[i - 1][0]) continue;
    const end = extent - (extent % step);
    const turn = () => body(step / width);
    const until = v.min(to, v.int(end));
    const known = until.kind === "const" && start.kind === "const" ? [start.value, until.value] : null;
    const vectors = (run: () => void) => emit.vectorized(width > 1 ? index : null, width, run);
    if (known && known[1] - known[0] <= written * step)
      for (let i = known[0]; i < known[1]; i += step)
        vectors(() => emit.loop(index, v.int(i), v.int(i + step), step, turn));
    else {
      const first = start;
      vectors(() => emit.loop(index, first, until, step, turn));
    }
    if (end === extent) break;
    start = v.max(from, v.int(end));
  }
}

/**
 * How well an index suits as the vectorised one: how many single elements are gathered for every folded element, and a sum
 * over all that is read and written, 2 for what lies along the index, -3 for what is gathered.
 */
function suitability(emit: Emitter, nest: Nest, index: IndexTerm): readonly [gathered: number, total: number] {
  const depends = (t: Term) => emit.terms.depends(t).has(index.id);
  const contiguous = (t: Term) => factorOf(t, index) === 1 && !depends(without(emit.terms, t, index));
  const readBy = (roots: readonly Term[]) =>
    reachable(roots).flatMap((t) => (t.kind === "fetch" && depends(t) ? [t.offset] : []));
  const used = [...readBy(rootsOf(nest)), ...nest.stores.map((x) => x.offset).filter(depends)];
  const gathered = readBy(nest.folds.map((f) => f.value)).filter((t) => !contiguous(t)).length;
  return [gathered, used.reduce((sum, t) => sum + (contiguous(t) ? 2 : -3), 0)];
}

/** The nest as it is where an index runs through most of its values, and that index. */
export interface Stretch {
  readonly nest: Nest;
  readonly index: IndexTerm;
}

/** Operations on an element that cost about as much as gathering it. */
const gatherOps = 4;
/** Folded elements beside which gathers and scatters for each result do not matter. */
const manyTurns = 16;

/**
 * The index that suits best as the vectorised one, if there is one with room for four lanes, or as many as there can be;
 * `mostly` may show a nest as it mostly is along an index.
 */
export function bestIndex(
  emit: Emitter,
  nest: Nest,
  candidates: readonly IndexTerm[],
  widest: Lanes,
  mostly: (index: IndexTerm) => Stretch = (index) => ({ nest, index }),
): IndexTerm | null {
  let best: IndexTerm | null = null;
  let top = -Infinity;
  const turns = product(nest.over.map((x) => x.extent));
  const effort = Math.max(1, opsOf(nest.folds.map((f) => f.value)) / gatherOps);
  for (const index of candidates) {
    const lanes = lanesWithin(index.extent, widest);
    if (lanes < Math.min(widest, 4)) continue;
    const waste = (vectorsIn(index.extent, widest) * widest) / index.extent - 1;
    const most = mostly(index);
    const [gathered, total] = suitability(emit, most.nest, most.index);
    if (total < -1 && (gathered > 0 || turns < manyTurns)) continue;
    const score = total - turns * (3 * gathered + effort * waste);
    if (score >= top) [best, top] = [index, score];
  }
  return best;
}

/** Outer loops in order, `inner` last: the first that gives enough tasks, or else the one that gives most, is divided. */
export function orderSpans(
  builder: KernelBuilder,
  outer: readonly IndexTerm[],
  inner: IndexTerm | null,
  unit: number,
): Span[] {
  const all = inner === null ? outer : [...outer, inner];
  const unitOf = (x: IndexTerm) => (x === inner ? unit : 1);
  const tasks = all.map((x) => Math.min(enoughTasks, Math.ceil(x.extent / builder.chunk(x, unitOf(x)))));
  const split = tasks.indexOf(Math.max(...tasks));
  return all.map((x, i) => (i === split ? builder.divided(x, unitOf(x)) : whole(x)));
}

/**
 * A loop over `span` in steps of `times` elements, and one more step for those that are left. A step of `n` elements calls
 * `body(n)` once. Spans start at multiples of `times`.
 */
export function rowLoop(emit: Emitter, span: Span, times: number, body: (rows: number) => void): void {
  const { index, from, to } = span;
  const rest = index.extent % times;
  const end = index.extent - rest;
  if (end > 0) emit.loop(index, from, v.min(to, v.int(end)), times, () => body(times));
  if (rest > 0) emit.loop(index, v.max(from, v.int(end)), to, rest, () => body(rest));
}
