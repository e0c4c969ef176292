/** The last pass: kernels in their order, buffers in their places. */
import type { Aval } from "../ir/shape.js";
import { range, zip } from "../util/arrays.js";
import { invariant } from "../util/errors.js";
import { remembered } from "../util/key.js";
import { formOf } from "./forms.js";
import { inGroups } from "./groups.js";
import { layout } from "./layout.js";
import { KernelBuilder, type Target } from "./loops.js";
import type { BufferInfo, Kernel, Placement, Program, Step } from "./loop.js";
import { aligned, bytesOf, chooseReuses, livesOf, placeTemporaries } from "./memory.js";
import { type Group, type Nest, fetchesOf, mapTerms, nestsOf, simplified } from "./nest.js";
import { ordered } from "./order.js";
import type { Draft, Schedule, Unit } from "./schedule.js";
import { type IndexTerm, factorOf, reachable, without } from "./terms.js";
import { inPanels } from "./panels.js";
import { inPartials, inTasks } from "./partials.js";
import { inPhases } from "./phases.js";
import { alongRows } from "./rows.js";
import { inSweeps } from "./sweeps.js";
import { tabulate } from "./tables.js";
import type { Block, Call, Wire, Wiring } from "./wires.js";

/** A buffer before it has a place; without a source, only kernels know of it. */
interface Buffer extends Aval {
  readonly source: Wire["source"] | (Placement & { readonly kind: "scratch" }) | null;
}

/** Lengths of the loops of a kernel's greatest nest, and of those that fold. */
export interface Space {
  readonly over: readonly number[];
  readonly folds: readonly number[];
}

/** A kernel, its loops, and the inputs that it reads only at the element of an output that it writes. */
interface Made {
  readonly kernel: Kernel;
  readonly space: Space;
  readonly inPlace: readonly (readonly [output: number, inputs: ReadonlySet<number>])[];
}

/** What the first group of a form became, with which buffers, and those that only its kernels know of. */
interface Known {
  readonly buffers: readonly number[];
  readonly inner: readonly number[];
  readonly made: readonly Made[];
}

class Assembler {
  readonly #wiring: Wiring;
  readonly #plan: Schedule;
  readonly #target: Target;
  readonly #order: ReadonlyMap<Block, readonly Unit[]>;
  readonly buffers: Buffer[] = [];
  readonly #numbers = new Map<Wire, number>();
  readonly counters = new Map<number, number>();
  /** Inputs that a kernel reads only at the element of an output that it writes. */
  readonly inPlace = new Map<number, ReadonlySet<number>>();
  readonly #forms = new Map<string, Known>();
  readonly spaces: Space[] = [];
  readonly #nestsOf = new Map<Draft, readonly Nest[]>();
  /** How many nests read a buffer. */
  readonly #readers = new Map<number, number>();
  /** Bytes of scratch memory of the kernel that is made, and the most of any. */
  #scratchUsed = 0;
  scratchBytes = 0;

  constructor(wiring: Wiring, plan: Schedule, target: Target) {
    this.#wiring = wiring;
    this.#plan = plan;
    this.#target = target;
    this.#order = ordered(wiring, plan);
  }

  /** Where a wire is kept: what a call gives may be in the memory of an output, or of the call around it. */
  #storageOf(wire: Wire): Wire {
    const storage = wire.source.kind === "result" ? this.#plan.homes.get(wire)?.storage : undefined;
    return storage === undefined || storage === wire ? wire : this.#storageOf(storage);
  }

  buffer = (owner: Wire): number => {
    const wire = this.#storageOf(owner);
    return remembered(this.#numbers, wire, () => this.buffers.push(wire) - 1);
  };
  /** A buffer for what only kernels know of. */
  #table = ({ dtype, shape }: Aval): number => this.buffers.push({ dtype, shape, source: null }) - 1;

  /** A buffer of each thread's own, of the kernel that is made. */
  #scratch = ({ dtype, shape }: Aval, number = this.buffers.length): number => {
    const offset = this.#scratchUsed;
    this.#scratchUsed += aligned(bytesOf({ dtype, shape }));
    this.scratchBytes = Math.max(this.scratchBytes, this.#scratchUsed);
    this.buffers[number] = { dtype, shape, source: { kind: "scratch", offset } };
    return number;
  };

  #bufferOf(wire: Wire): number {
    const home = this.#plan.homes.get(wire);
    invariant(home === undefined || home.prefix.length === 0, `${wire.name} is needed whole`);
    return this.buffer(home?.storage ?? wire);
  }

  /** Which nests make what, and who reads it. */
  prepare(): void {
    for (const draft of this.#plan.drafts) {
      const nests = nestsOf(this.#wiring, this.#plan, draft, this.buffer).filter(hasWork);
      this.#nestsOf.set(draft, nests);
      for (const b of nests.flatMap(readsOf)) this.#readers.set(b, (this.#readers.get(b) ?? 0) + 1);
    }
    for (const wire of this.#plan.whole.keys()) this.#readers.set(this.#bufferOf(wire), Infinity);
  }

  steps(block: Block): Step[] {
    const steps: Step[] = [];
    let drafts: (readonly Nest[])[] = [];
    const flush = () => {
      for (const group of inGroups(this.#wiring.terms, drafts, this.#target))
        steps.push(...this.#kernels(group).map((x) => this.#note(x)));
      drafts = [];
    };
    for (const unit of this.#order.get(block) ?? [])
      if (unit.kind === "draft") drafts.push((this.#nestsOf.get(unit) ?? []).map((nest) => this.#needed(nest)));
      else {
        flush();
        steps.push(this.#call(unit));
      }
    flush();
    return steps;
  }

  /** The nest without stores of what nobody reads. */
  #needed(nest: Nest): Nest {
    return { ...nest, stores: nest.stores.filter((x) => !this.#isInner(x.buffer) || this.#readers.has(x.buffer)) };
  }

  /** Whether only kernels know of a buffer. */
  #isInner(buffer: number): boolean {
    const kind = this.buffers[buffer].source?.kind;
    return kind === "map" || kind === "reduce";
  }

  #kernels(group: Group): Made[] {
    const own = group.row === null ? [] : this.#ownOf(group.nests);
    const { key, buffers } = formOf(group);
    const full = `${key};${own.map((b) => buffers.indexOf(b))}`;
    const known = this.#forms.get(full);
    if (known) return this.#again(known, buffers);
    const count = this.buffers.length;
    const made = this.#fresh(group, own);
    const inner = range(this.buffers.length - count).map((i) => count + i);
    this.#forms.set(full, { buffers, inner, made });
    return made;
  }

  /** The kernels of a known form on other buffers; those in scratch memory stay the same. */
  #again({ buffers, inner, made }: Known, others: readonly number[]): Made[] {
    const renamed = new Map<number, number>();
    const isScratch = (b: number) => this.buffers[b].source?.kind === "scratch";
    for (const [b, other] of zip(buffers, others))
      if (isScratch(b)) this.buffers[other] = this.buffers[b];
      else renamed.set(b, other);
    for (const b of inner) if (!isScratch(b)) renamed.set(b, this.#table(this.buffers[b]));
    const now = (b: number) => renamed.get(b) ?? b;
    return made.map(({ kernel, space, inPlace }) => ({
      kernel: { ...kernel, renamed },
      space,
      inPlace: inPlace.map(([b, safe]) => [now(b), new Set([...safe].map(now))] as const),
    }));
  }

  #fresh({ row, nests }: Group, own: readonly number[]): Made[] {
    if (row !== null) return [this.#kernel({ row, nests: this.#inScratch(row, nests, own) })];
    const { terms } = this.#wiring;
    return nests
      .flatMap((nest) => inPhases(terms, nest))
      .flatMap((nest) => inPartials(terms, nest, this.#target, this.#table))
      .flatMap((nest) => tabulate(terms, nest, this.#table))
      .map((nest) => simplified(terms, nest))
      .flatMap((nest) => inPanels(terms, nest, this.#target, this.#table))
      .flatMap((nest) => alongRows(terms, nest, this.#target, this.#table))
      .flatMap((nest) => inTasks(terms, nest, this.#target, this.#table))
      .flatMap(({ row, nests: [nest] }) =>
        inSweeps(terms, nest, this.#target, this.#table).map((x) => this.#kernel({ row, nests: [x] })),
      );
  }

  #kernel(group: Group): Made {
    const { row, nests } = group;
    const [first] = nests.toSorted((a, b) => b.over.length - a.over.length);
    const inPlace = nests.flatMap((nest, i) => inPlaceOf(nest, [...nests.slice(0, i), ...nests.slice(i + 1)]));
    const { terms } = this.#wiring;
    const builder = new KernelBuilder(terms, group, this.counters, this.#target, this.#scratch);
    const kernel = layout(builder, this.#target);
    this.#scratchUsed = 0;
    const extents = (xs: readonly IndexTerm[]) => xs.map((x) => x.extent);
    const space = { over: extents(row ? [row, ...first.axes] : first.axes), folds: extents(first.over) };
    return { kernel, space, inPlace };
  }

  #note({ kernel, space, inPlace }: Made): Step {
    this.spaces.push(space);
    for (const [b, safe] of inPlace)
      this.inPlace.set(b, new Set([...(this.inPlace.get(b) ?? safe)].filter((x) => safe.has(x))));
    return { kind: "kernel", kernel };
  }

  /** What nests write for each other alone. */
  #ownOf(nests: readonly Nest[]): number[] {
    const reads = nests.flatMap(readsOf);
    const isOwn = (b: number) => this.#isInner(b) && reads.filter((x) => x === b).length === this.#readers.get(b);
    return nests.flatMap((x) => x.stores.map((y) => y.buffer)).filter(isOwn);
  }

  /** The nests of rows with what only they read in scratch memory. */
  #inScratch(row: IndexTerm, nests: readonly Nest[], own: readonly number[]): Nest[] {
    const { terms } = this.#wiring;
    const widths = new Map<number, number>();
    for (const { buffer, offset } of nests.flatMap((x) => x.stores))
      if (own.includes(buffer)) widths.set(buffer, factorOf(offset, row));
    for (const [b, width] of widths) this.#scratch({ ...this.buffers[b], shape: [width] }, b);
    const local = terms.rewriter((t, rewrite) =>
      t.kind === "fetch" && widths.has(t.buffer)
        ? terms.fetch(t.type, t.buffer, without(terms, rewrite(t.offset), row), row)
        : null,
    );
    return nests.map((nest) => {
      const moved = mapTerms(nest, local);
      const stores = moved.stores.map((x) =>
        widths.has(x.buffer) ? { ...x, offset: without(terms, x.offset, row) } : x,
      );
      return simplified(terms, { ...moved, stores });
    });
  }

  #call(call: Call): Step {
    const { work } = call;
    switch (work.kind) {
      case "routine":
        return {
          kind: "routine",
          name: call.name,
          inputs: work.inputs.map((x) => this.#bufferOf(x)),
          outputs: call.results.map((x) => this.#bufferOf(x)),
          run: work.run,
        };
      case "loop": {
        const loop = this.counters.size;
        const { counter } = work.body;
        invariant(counter !== null, "a loop without a counter");
        this.counters.set(counter.id, loop);
        return { kind: "loop", loop, length: counter.extent, reverse: work.reverse, steps: this.steps(work.body) };
      }
      case "branch":
        return { kind: "branch", selector: this.#bufferOf(work.selector), cases: work.cases.map((b) => this.steps(b)) };
    }
  }
}

/** The inputs that a nest reads only at the element that it writes of a buffer; `others` run beside it. */
function inPlaceOf(nest: Nest, others: readonly Nest[]): (readonly [buffer: number, safe: ReadonlySet<number>])[] {
  const folded = new Set(reachable(nest.folds.map((f) => f.value)));
  const fetches = fetchesOf(nest);
  return nest.stores.map((store) => {
    const safe = new Set(fetches.map((f) => f.buffer));
    for (const f of fetches) if (folded.has(f) || f.offset !== store.offset) safe.delete(f.buffer);
    for (const b of others.flatMap(readsOf)) safe.delete(b);
    return [store.buffer, safe];
  });
}

/** Whether a nest writes anything. */
const hasWork = (nest: Nest): boolean =>
  nest.axes.every((x) => x.extent > 0) &&
  (nest.adds !== null || nest.running ? nest.over.every((x) => x.extent > 0) : true);

const readsOf = (nest: Nest): number[] => [...new Set(fetchesOf(nest).map((f) => f.buffer))];

const avalOf = ({ dtype, shape }: Aval): Aval => ({ dtype, shape });

/** Whether a buffer is in the program's workspace, not the caller's or a thread's. */
const isTemporary = ({ source }: Buffer): boolean =>
  source?.kind !== "input" && source?.kind !== "output" && source?.kind !== "scratch";

export function assemble(wiring: Wiring, plan: Schedule, donated: readonly boolean[], target: Target) {
  const assembler = new Assembler(wiring, plan, target);
  const inputs = wiring.wires.filter((w) => w.source.kind === "input");
  const outputs = wiring.wires.filter((w) => w.source.kind === "output");
  const slot = (wire: Wire) => ({ buffer: assembler.buffer(wire), aval: avalOf(wire) });
  const inputSlots = inputs.map(slot);
  const outputSlots = outputs.map(slot);
  assembler.prepare();
  const steps = assembler.steps(wiring.root);

  const lives = livesOf(steps);
  const temporaries = assembler.buffers.flatMap((wire, buffer) =>
    isTemporary(wire) ? [{ buffer, aval: avalOf(wire) }] : [],
  );
  const { offsets, bytes } = placeTemporaries(temporaries, lives);
  const placement = ({ source }: Buffer, buffer: number): Placement =>
    source?.kind === "input" || source?.kind === "output"
      ? { kind: source.kind, index: source.index }
      : source?.kind === "scratch"
        ? source
        : { kind: "temporary", offset: offsets.get(buffer) ?? 0 };
  const buffers = assembler.buffers.map((w, i): BufferInfo => ({ ...avalOf(w), placement: placement(w, i) }));
  const program: Program = {
    buffers,
    inputs: inputs.map(avalOf),
    outputs: outputs.map(avalOf),
    reuses: chooseReuses(
      inputSlots,
      outputSlots,
      donated,
      lives,
      (output, input) => assembler.inPlace.get(output)?.has(input) ?? false,
    ),
    steps,
    workspaceBytes: bytes,
    scratchBytes: assembler.scratchBytes,
    loops: assembler.counters.size,
  };
  return { program, spaces: assembler.spaces };
}
