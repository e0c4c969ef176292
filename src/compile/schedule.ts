/**
 * Decides which arrays exist in memory and which kernels make them. Wires are visited from the last to the first, so that
 * everything that reads a wire is known when its turn comes: a kernel that wants elements of a wire either computes them
 * itself (the wire is inlined there) or reads them from memory.
 */
import type { Combine } from "../ir/scalar.js";
import { type Shape, sameShape, sizeOf } from "../ir/shape.js";
import { product } from "../util/arrays.js";
import { invariant } from "../util/errors.js";
import { remembered } from "../util/key.js";
import { type Costs, costOf } from "./cost.js";
import { type HoleTerm, type IndexTerm, type LoadTerm, type Term, type Terms, reachable } from "./terms.js";
import type { Block, Call, Delivery, Wire, Wiring } from "./wires.js";

/** Where an array is kept: a wire that owns memory, and the leading indices into it. */
export interface Home {
  readonly storage: Wire;
  readonly prefix: readonly Term[];
}

export interface DraftStore {
  readonly home: Home;
  readonly at: readonly Term[];
  readonly value: Term;
}

/** One running fold of a kernel; `hole` stands for its result. */
export interface Fold {
  readonly combine: Combine;
  readonly value: Term;
  readonly hole: HoleTerm;
}

/** How a load occurs in a kernel. */
export interface Occurrence {
  /** How many inlined wires are between it and a store. */
  chain: number;
  /** Whether a fold needs it before it is finished. */
  folded: boolean;
}

/** A kernel before its loops are laid out: terms still load from wires. */
export interface Draft {
  readonly kind: "draft";
  readonly id: number;
  readonly block: Block;
  readonly shape: Shape;
  readonly axes: readonly IndexTerm[];
  over: readonly IndexTerm[];
  readonly folds: Fold[];
  /** For a running fold: which axis it runs along. */
  readonly along: { readonly axis: number; readonly reverse: boolean } | null;
  /** For scattered sums: what is added where; `over` is what it runs over. */
  readonly scatter: {
    readonly inside: Term;
    readonly at: readonly Term[];
    readonly value: Term;
    home: Home | null;
  } | null;
  readonly stores: DraftStore[];
  /** Loads that fold results replace. */
  readonly holes: Map<Term, HoleTerm>;
  /** Wires it computes by itself although they are also in memory. */
  readonly own: Set<Wire>;
  readonly loads: Map<LoadTerm, Occurrence>;
  readonly reads: Set<Wire>;
  readonly names: string[];
  size: number;
}

/** What runs as one. */
export type Unit = Draft | Call;

/** The kernels of a program, in no order, and who wants what of whom. */
export interface Schedule {
  readonly drafts: readonly Draft[];
  readonly homes: ReadonlyMap<Wire, Home>;
  /** Wires that exist nowhere: every kernel computes their elements itself. */
  readonly inlined: ReadonlySet<Wire>;
  /** Wires that calls need in memory, with those calls. */
  readonly whole: ReadonlyMap<Wire, readonly Call[]>;
  /** Kernels inside each call. */
  readonly inside: ReadonlyMap<Call, readonly Draft[]>;
  readonly callOf: ReadonlyMap<Block, Call>;
  /** Wires whose memory a unit reads, and writes. */
  reads(unit: Unit): ReadonlySet<Wire>;
  writes(unit: Unit): ReadonlySet<Wire>;
  /** The units that one directly needs. */
  needs(unit: Unit): readonly Unit[];
}

/** Recomputing may cost this many operations for each element of an array before the array is kept in memory instead. */
const worthKeeping = 4;
/** A factor of a product with more operations an element (a random number) is read from memory, where it is read again. */
const dearFactor = 64;
const longestChain = 48;
const largestKernel = 1500;
const mostReads = 512; // one more wire may bring 256 (`concatenate`), and engines allow functions a thousand arguments
const mostStores = 12;
/** Among so many kernels, the last made, one is looked for that reads the same. */
const recent = 64;

class Scheduler implements Schedule {
  readonly #wiring: Wiring;
  readonly #terms: Terms;
  readonly #costs: Costs;
  readonly drafts: Draft[] = [];
  readonly homes = new Map<Wire, Home>();
  readonly inlined = new Set<Wire>();
  readonly #producers = new Map<Wire, Unit>();
  readonly #demands = new Map<Wire, Map<Draft, LoadTerm[]>>();
  readonly #deliveries = new Map<Wire, Delivery[]>();
  readonly whole = new Map<Wire, Call[]>();
  readonly inside = new Map<Call, Draft[]>();
  readonly callOf = new Map<Block, Call>();
  /** The loops that slots belong to. */
  readonly #loopOf = new Map<Wire, Call>();

  constructor(wiring: Wiring) {
    this.#wiring = wiring;
    this.#terms = wiring.terms;
    this.#costs = costOf(wiring);
    for (const entry of wiring.entries)
      if (entry.kind === "call") {
        for (const block of blocksOf(entry)) this.callOf.set(block, entry);
        if (entry.work.kind === "loop") for (const slot of entry.work.slots) this.#loopOf.set(slot, entry);
      }
  }

  run(): void {
    for (const d of this.#wiring.root.deliveries) this.#request(d);
    for (const entry of this.#wiring.entries.toReversed())
      if (entry.kind === "call") this.#call(entry);
      else this.#wire(entry);
  }

  #request(d: Delivery): void {
    remembered(this.#deliveries, d.wire, (): Delivery[] => []).push(d);
  }
  #live(wire: Wire): boolean {
    return this.#demands.has(wire) || this.#deliveries.has(wire) || this.whole.has(wire);
  }

  #call(call: Call): void {
    if (!call.results.some((r) => this.#live(r))) return;
    remembered(this.inside, call, (): Draft[] => []);
    for (const result of call.results) this.#producers.set(result, call);
    const { work } = call;
    if (work.kind === "routine") for (const x of work.inputs) this.#needsWhole(call, x);
    if (work.kind === "branch") this.#needsWhole(call, work.selector);
    if (work.kind === "loop") for (const d of work.start) this.#request(d);
    for (const block of blocksOf(call))
      for (const d of block.deliveries) if (d.target.source.kind !== "result" || this.#live(d.target)) this.#request(d);
  }

  #needsWhole(call: Call, wire: Wire): void {
    remembered(this.whole, wire, (): Call[] => []).push(call);
  }

  #wire(wire: Wire): void {
    if (!this.#live(wire)) return;
    const here: Delivery[] = [];
    for (const d of this.#deliveries.get(wire) ?? [])
      if (d.block === wire.block && this.#delivers(wire, here.length)) here.push(d);
      else this.#copy(d);
    switch (wire.source.kind) {
      case "input":
      case "output":
      case "slots":
      case "result":
        return this.#given(wire, here);
      case "map":
        return this.#map(wire, here);
      case "reduce":
        return this.#reduce(wire, here);
      case "prefix":
      case "scatter":
        return this.#running(wire, here);
    }
  }

  /** Whether the step that makes a wire can write it to its `n`-th destination itself. */
  #delivers(wire: Wire, n: number): boolean {
    const { kind } = wire.source;
    if (kind === "map" || kind === "reduce") return true;
    if (kind === "result") return n === 0 && wire.same === null;
    return n === 0 && (kind === "prefix" || kind === "scatter");
  }

  #given(wire: Wire, here: readonly Delivery[]): void {
    if (wire.same) this.homes.set(wire, { storage: wire.same, prefix: [] });
    else if (here.length === 1 && here[0].prefix.length === 0)
      this.homes.set(wire, { storage: here[0].target, prefix: [] });
    else {
      this.homes.set(wire, { storage: wire, prefix: [] });
      here.forEach((d) => this.#copy(d));
    }
  }

  #copy(d: Delivery): void {
    const draft = this.#draft(d.wire.shape, d.block, "copy");
    const value = this.#terms.load(d.wire.dtype, d.wire.id, draft.axes);
    this.#expand(draft, value);
    draft.stores.push({ home: { storage: d.target, prefix: d.prefix }, at: draft.axes, value });
  }

  #empty(shape: Shape, block: Block, name: string): Draft {
    const axes = this.#terms.axes(shape);
    const sets = { holes: new Map(), own: new Set<Wire>(), loads: new Map(), reads: new Set<Wire>() };
    const lists = { over: [], folds: [], stores: [], names: [name] };
    const nothing = { along: null, scatter: null, size: 0 };
    return { kind: "draft", id: this.drafts.length, block, shape, axes, ...nothing, ...sets, ...lists };
  }

  #draft(shape: Shape, block: Block, name: string): Draft {
    const draft = this.#empty(shape, block, name);
    this.#add(draft);
    return draft;
  }

  #add(draft: Draft): void {
    this.drafts.push(draft);
    for (let block: Block | null = draft.block; block !== null; block = block.parent) {
      const call = this.callOf.get(block);
      if (call) this.inside.get(call)?.push(draft);
    }
  }

  /** Notes what a term that became part of a kernel loads. */
  #expand(draft: Draft, term: Term, chain = 0, folded = false): void {
    for (const t of reachable([term])) {
      if (t.kind === "op") draft.size++;
      if (t.kind !== "load") continue;
      const known = draft.loads.get(t);
      if (known) {
        known.folded ||= folded;
        known.chain = Math.max(known.chain, chain);
        continue;
      }
      draft.loads.set(t, { chain, folded });
      const wire = this.#wiring.wires[t.source];
      draft.reads.add(wire);
      const demands = remembered(this.#demands, wire, () => new Map<Draft, LoadTerm[]>());
      demands.set(draft, [...(demands.get(draft) ?? []), t]);
    }
  }

  #demandsOf(wire: Wire): ReadonlyMap<Draft, readonly LoadTerm[]> {
    return this.#demands.get(wire) ?? new Map<Draft, LoadTerm[]>();
  }

  /** The place of a wire that is kept, and the stores that put it there. */
  #keep(wire: Wire, here: readonly Delivery[], draft: Draft, at: readonly Term[], value: Term): void {
    // What fills a loop's slots is gone once the loop runs: it is no place to read from.
    const ordered = here.toSorted((a, b) => Number(isStart(a)) - Number(isStart(b)));
    const homes: Home[] = ordered.map((d) => ({ storage: d.target, prefix: d.prefix }));
    const ofItself = homes.findIndex((h) => h.prefix.length === 0);
    const isRead = [...this.#demandsOf(wire).keys()].some((reader) => reader !== draft);
    const hasPlace = ordered.length > 0 && !(isRead && isStart(ordered[0]));
    if (ofItself < 0 && (!hasPlace || this.whole.has(wire))) homes.unshift({ storage: wire, prefix: [] });
    const main = this.whole.has(wire) ? Math.max(0, ofItself) : 0;
    this.homes.set(wire, homes[main]);
    this.#producers.set(wire, draft);
    for (const home of homes) draft.stores.push({ home, at, value });
  }

  #map(wire: Wire, here: readonly Delivery[]): void {
    const demands = this.#demandsOf(wire);
    if (here.length === 0 && !this.whole.has(wire) && this.#recompute(wire, demands)) {
      for (const [draft, loads] of demands) this.#inline(draft, wire, loads);
      this.inlined.add(wire);
      return;
    }
    const load = this.#joinable(wire, demands, here, (draft, l) => this.#isIdentity(draft, l, wire.shape));
    if (load) {
      const [draft, term] = load;
      draft.own.add(wire);
      draft.names.push(wire.name);
      this.#inline(draft, wire, [term]);
      return this.#keep(wire, here, draft, term.at, term);
    }
    const sibling = this.#sibling(wire, demands, here);
    const draft = sibling ?? this.#draft(wire.shape, wire.block, wire.name);
    if (sibling) sibling.names.push(wire.name);
    const value = this.#valueOf(wire, draft.axes);
    this.#expand(draft, value);
    this.#keep(wire, here, draft, draft.axes, value);
  }

  #valueOf(wire: Wire, at: readonly Term[]): Term {
    const { source } = wire;
    invariant(source.kind === "map", `${wire.name} has no formula`);
    return source.value(at);
  }

  #inline(draft: Draft, wire: Wire, loads: readonly LoadTerm[]): void {
    draft.reads.delete(wire);
    for (const l of loads) {
      const { chain, folded } = occurrence(draft, l);
      this.#expand(draft, this.#valueOf(wire, l.at), chain + 1, folded);
    }
  }

  /** Whether computing a wire's elements where they are used is cheaper than keeping them. */
  #recompute(wire: Wire, demands: ReadonlyMap<Draft, readonly LoadTerm[]>): boolean {
    let evaluations = 0;
    for (const [draft, loads] of demands) {
      if (draft.size > largestKernel || draft.reads.size > mostReads) return false;
      for (const l of loads) {
        if (occurrence(draft, l).chain >= longestChain) return false;
        evaluations += this.#evaluations(draft, l) * draft.block.times;
      }
    }
    if (this.#valueOf(wire, this.#terms.axes(wire.shape)).kind === "load") return true; // another wire's elements
    const element = this.#costs.element.get(wire) ?? 0;
    if (element > dearFactor && [...demands].some((x) => this.#isReusedFactor(...x))) return false;
    const times = evaluations / Math.max(1, sizeOf(wire.shape) * wire.block.times);
    if (this.#costs.finishing.has(wire) && !this.#isElementwise(wire, demands)) return false;
    return (times - 1) * element <= worthKeeping;
  }

  /** Whether the only kernel that wants a wire wants it element by element, so that it may become its fold's kernel. */
  #isElementwise(wire: Wire, demands: ReadonlyMap<Draft, readonly LoadTerm[]>): boolean {
    const [first, ...others] = demands;
    if (first === undefined || others.length > 0) return false;
    const [draft, loads] = first;
    return loads.every((l) => !occurrence(draft, l).folded && this.#isIdentity(draft, l, wire.shape));
  }

  /** How often a kernel computes a term: once for each turn of the innermost loop that it depends on. */
  #evaluations(draft: Draft, term: Term): number {
    const depends = this.#terms.depends(term);
    const all = [...draft.axes, ...draft.over];
    if (draft.scatter || isProductOfTwo(draft))
      return product(all.filter((x) => depends.has(x.id)).map((x) => x.extent));
    const last = all.findLastIndex((x) => depends.has(x.id));
    return product(all.slice(0, last + 1).map((x) => x.extent));
  }

  /** Whether loads are of a factor of a product that other indices than its own go over. */
  #isReusedFactor(draft: Draft, loads: readonly LoadTerm[]): boolean {
    const all = product([...draft.axes, ...draft.over].map((x) => x.extent));
    return isProductOfTwo(draft) && loads.some((l) => this.#evaluations(draft, l) < all);
  }

  #isIdentity(draft: Draft, load: LoadTerm, shape: Shape): boolean {
    return (
      sizeOf(shape) === sizeOf(draft.shape) &&
      this.#terms.flatten(load.at, shape) === this.#terms.flatten(draft.axes, draft.shape)
    );
  }

  #isPermutation(draft: Draft, load: LoadTerm, shape: Shape): boolean {
    const axes = new Set<Term>(draft.axes.filter((x) => x.extent !== 1));
    return sizeOf(shape) === sizeOf(draft.shape) && load.at.every((t, i) => shape[i] === 1 || axes.delete(t));
  }

  /** Whether a kernel that is no running or scattered sum may compute another wire of its block. */
  #hasRoom(draft: Draft, wire: Wire): boolean {
    if (draft.block !== wire.block || draft.along || draft.scatter) return false;
    return draft.stores.length < mostStores && draft.size <= largestKernel && draft.reads.size <= mostReads;
  }

  /** A kernel that reads a wire at one place only, that of its own element, and so may be the one that makes it. */
  #joinable(
    wire: Wire,
    demands: ReadonlyMap<Draft, readonly LoadTerm[]>,
    here: readonly Delivery[],
    fits: (draft: Draft, load: LoadTerm) => boolean,
  ): readonly [Draft, LoadTerm] | null {
    for (const [draft, loads] of demands) {
      if (!this.#hasRoom(draft, wire) || loads.length !== 1 || !fits(draft, loads[0])) continue;
      if (occurrence(draft, loads[0]).chain >= longestChain) continue;
      if (!this.#dependsOn(draft, this.#users(wire, here))) return [draft, loads[0]];
    }
    return null;
  }

  /** A kernel over the same elements that reads something this wire is made of too. */
  #sibling(wire: Wire, demands: ReadonlyMap<Draft, readonly LoadTerm[]>, here: readonly Delivery[]): Draft | null {
    const reads = reachable([this.#valueOf(wire, this.#terms.axes(wire.shape))]).filter((t) => t.kind === "load");
    for (const draft of this.drafts.slice(-recent)) {
      if (!this.#hasRoom(draft, wire) || draft.folds.length > 0) continue;
      if (!sameShape(draft.shape, wire.shape) || demands.has(draft)) continue;
      if (reads.some((t) => draft.loads.has(t)) && !this.#dependsOn(draft, this.#users(wire, here))) return draft;
    }
    return null;
  }

  /** What must come after a wire that is delivered `here`: kernels and calls that read it, loops that start with it. */
  #users(wire: Wire, here: readonly Delivery[]): Unit[] {
    const started = here.filter(isStart).flatMap((d) => this.#loopOf.get(d.target) ?? []);
    return [...this.#demandsOf(wire).keys(), ...(this.whole.get(wire) ?? []), ...started];
  }

  /** Whether `from` needs, directly or through others, something that another unit of `on` makes. */
  #dependsOn(from: Draft, on: readonly Unit[]): boolean {
    const others = new Set(on);
    others.delete(from);
    if (others.size === 0) return false;
    const seen = new Set<Unit>([from]);
    const pending: Unit[] = [from];
    for (let unit = pending.pop(); unit; unit = pending.pop()) {
      if (others.has(unit)) return true;
      for (const next of this.needs(unit))
        if (!seen.has(next)) {
          seen.add(next);
          pending.push(next);
        }
    }
    return false;
  }

  /** Wires that a unit, or a kernel inside it, reads. */
  #wanted(unit: Unit): Wire[] {
    if (unit.kind === "draft") return [...unit.reads];
    const { work } = unit;
    if (work.kind === "routine") return [...work.inputs];
    const inside = (this.inside.get(unit) ?? []).flatMap((x) => [...x.reads]);
    return work.kind === "branch" ? [...inside, work.selector] : [...inside, ...work.slots];
  }
  #memoryOf = (wire: Wire): Wire => this.homes.get(wire)?.storage ?? wire;

  reads(unit: Unit): Set<Wire> {
    return new Set(this.#wanted(unit).map(this.#memoryOf));
  }
  writes(unit: Unit): Set<Wire> {
    if (unit.kind === "call") return new Set(unit.results.map(this.#memoryOf));
    return new Set(unit.stores.map((x) => x.home.storage));
  }
  needs(unit: Unit): Unit[] {
    const makers = this.#wanted(unit).flatMap((x) => this.#producers.get(x) ?? []);
    if (unit.kind === "draft") return makers;
    const fillers = unit.work.kind === "loop" ? this.#fillers(unit.work.slots) : [];
    return [...(this.inside.get(unit) ?? []), ...makers, ...fillers];
  }

  /** Kernels that write the first content of a loop's slots. */
  #fillers(slots: readonly Wire[]): Draft[] {
    return this.drafts.filter((d) =>
      d.stores.some((x) => slots.includes(x.home.storage) && d.block === x.home.storage.block),
    );
  }

  #reduce(wire: Wire, here: readonly Delivery[]): void {
    const { source } = wire;
    if (source.kind !== "reduce") return;
    const demands = this.#demandsOf(wire);
    const load = this.#joinable(
      wire,
      demands,
      here,
      (draft, l) =>
        (draft.folds.length === 0 || this.#mayShareFolds(draft, wire)) &&
        !occurrence(draft, l).folded &&
        (this.#isIdentity(draft, l, wire.shape) || this.#isPermutation(draft, l, wire.shape)),
    );
    const draft = load ? load[0] : this.#draft(wire.shape, wire.block, wire.name);
    const at = load ? load[1].at : draft.axes;
    if (draft.folds.length === 0) draft.over = source.over.map((d) => this.#terms.index(d));
    const value = source.value(at, draft.over);
    const hole = this.#terms.hole(wire.dtype);
    draft.folds.push({ combine: source.combine, value, hole });
    this.#expand(draft, value, load ? occurrence(draft, load[1]).chain + 1 : 0, true);
    if (load) {
      draft.names.push(wire.name);
      draft.own.add(wire);
      draft.holes.set(load[1], hole);
      draft.reads.delete(wire);
    }
    if (!load || here.length > 0 || this.whole.has(wire) || demands.size > 1) this.#keep(wire, here, draft, at, hole);
    else this.inlined.add(wire);
  }

  #mayShareFolds(draft: Draft, wire: Wire): boolean {
    const { source } = wire;
    const over = draft.over.map((x) => x.extent);
    return source.kind === "reduce" && draft.folds.length < 4 && sameShape(over, source.over);
  }

  #running(wire: Wire, here: readonly Delivery[]): void {
    const { source } = wire;
    const base = this.#empty(wire.shape, wire.block, wire.name);
    const { axes } = base;
    if (source.kind === "prefix") {
      const hole = this.#terms.hole(wire.dtype);
      const value = source.value(axes);
      const { axis, reverse } = source;
      const folds = [{ combine: source.combine, value, hole }];
      const draft: Draft = { ...base, folds, along: { axis, reverse } };
      this.#add(draft);
      this.#expand(draft, value);
      this.#keep(wire, here, draft, axes, hole);
    } else if (source.kind === "scatter") {
      const over = source.over.map((d) => this.#terms.index(d));
      const [inside, at, value] = [source.inside(over), source.target(over), source.value(over)];
      const scatter: NonNullable<Draft["scatter"]> = { inside, at, value, home: null };
      const draft: Draft = { ...base, over, scatter };
      this.#add(draft);
      const initial = source.initial(axes);
      for (const t of [initial, inside, value, ...at]) this.#expand(draft, t);
      this.#keep(wire, here, draft, axes, initial);
      scatter.home = this.homes.get(wire) ?? null;
    }
  }
}

/** Whether a delivery is the first content of a loop's slots. */
const isStart = (d: Delivery): boolean => d.target.source.kind === "slots" && d.block === d.target.block;

function occurrence(draft: Draft, load: LoadTerm): Occurrence {
  const known = draft.loads.get(load);
  invariant(known !== undefined, "a kernel computes a load that it does not have");
  return known;
}

/** A sum of products of two factors, which tiling may turn into a matrix product: each factor is then computed once. */
function isProductOfTwo(draft: Draft): boolean {
  if (draft.folds.length !== 1 || draft.folds[0].combine !== "sum") return false;
  const { value } = draft.folds[0];
  return value.kind === "op" && value.op === "mul";
}

/** The blocks a call runs. */
export function blocksOf(call: Call): readonly Block[] {
  switch (call.work.kind) {
    case "routine":
      return [];
    case "loop":
      return [call.work.body];
    case "branch":
      return call.work.cases;
  }
}

export function schedule(wiring: Wiring): Schedule {
  const scheduler = new Scheduler(wiring);
  scheduler.run();
  return scheduler;
}
