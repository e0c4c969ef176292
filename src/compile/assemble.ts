/** The last pass: kernels in their order, buffers in their places. */
import type { Aval } from "../ir/shape.js";
import { invariant } from "../util/errors.js";
import { fetchesOf, layout } from "./layout.js";
import { KernelBuilder, type Target } from "./loops.js";
import type { BufferInfo, Placement, Program, Step } from "./loop.js";
import { bytesOf, chooseReuses, livesOf, placeTemporaries } from "./memory.js";
import { type Nest, nestsOf, simplified } from "./nest.js";
import type { Draft, Schedule } from "./schedule.js";
import { reachable } from "./terms.js";
import { inPanels } from "./panels.js";
import { inPartials } from "./partials.js";
import { alongRows } from "./rows.js";
import { inSweeps } from "./sweeps.js";
import { tabulate } from "./tables.js";
import type { Block, Call, Wire, Wiring } from "./wires.js";

/** A buffer before it has a place; without a source, only kernels know of it. */
interface Buffer extends Aval {
  readonly source: Wire["source"] | { readonly kind: "scratch" } | null;
}

class Assembler {
  readonly #wiring: Wiring;
  readonly #plan: Schedule;
  readonly #target: Target;
  readonly buffers: Buffer[] = [];
  readonly #numbers = new Map<Wire, number>();
  readonly counters = new Map<number, number>();
  /** Inputs that a kernel reads only at the element of an output that it writes. */
  readonly inPlace = new Map<number, Set<number>>();
  readonly nests: Nest[] = [];

  constructor(wiring: Wiring, plan: Schedule, target: Target) {
    this.#wiring = wiring;
    this.#plan = plan;
    this.#target = target;
  }

  /** Where a wire is kept: what a call gives may be in the memory of an output, or of the call around it. */
  #storageOf(wire: Wire): Wire {
    const storage = wire.source.kind === "result" ? this.#plan.homes.get(wire)?.storage : undefined;
    return storage === undefined || storage === wire ? wire : this.#storageOf(storage);
  }

  buffer = (owner: Wire): number => {
    const wire = this.#storageOf(owner);
    let number = this.#numbers.get(wire);
    if (number === undefined) {
      this.#numbers.set(wire, (number = this.buffers.length));
      this.buffers.push(wire);
    }
    return number;
  };
  /** A buffer for what only kernels know of. */
  #table = ({ dtype, shape }: Aval): number => this.buffers.push({ dtype, shape, source: null }) - 1;

  #scratch = ({ dtype, shape }: Aval): number => this.buffers.push({ dtype, shape, source: { kind: "scratch" } }) - 1;

  #bufferOf(wire: Wire): number {
    const home = this.#plan.homes.get(wire);
    invariant(home === undefined || home.prefix.length === 0, `${wire.name} is needed whole`);
    return this.buffer(home?.storage ?? wire);
  }

  steps(block: Block): Step[] {
    return (this.#plan.order.get(block) ?? []).flatMap((unit) =>
      unit.kind === "draft" ? this.#kernels(unit) : [this.#call(unit)],
    );
  }

  #kernels(draft: Draft): Step[] {
    const { terms } = this.#wiring;
    const nests = nestsOf(this.#wiring, this.#plan, draft, this.buffer)
      .filter(hasWork)
      .flatMap((nest) => inPartials(terms, nest, this.#target, this.#table))
      .flatMap((nest) => tabulate(terms, nest, this.#table))
      .map((nest) => simplified(terms, nest))
      .flatMap((nest) => inPanels(terms, nest, this.#target, this.#table))
      .flatMap((nest) => alongRows(terms, nest, this.#target, this.#table))
      .flatMap((nest) => inSweeps(terms, nest, this.#target, this.#table));
    return nests.map((nest): Step => {
      this.nests.push(nest);
      this.#noteInPlace(nest);
      const builder = new KernelBuilder(terms, nest, this.counters, this.#target, this.#scratch);
      return { kind: "kernel", kernel: layout(builder, nest, this.#target) };
    });
  }

  #noteInPlace(nest: Nest): void {
    const folded = new Set(reachable(nest.folds.map((f) => f.value)));
    const fetches = fetchesOf(nest);
    for (const store of nest.stores) {
      const safe = new Set(fetches.map((f) => f.buffer));
      for (const f of fetches) if (folded.has(f) || f.offset !== store.offset) safe.delete(f.buffer);
      const known = this.inPlace.get(store.buffer);
      this.inPlace.set(store.buffer, known ? new Set([...known].filter((b) => safe.has(b))) : safe);
    }
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

/** Whether a nest writes anything. */
const hasWork = (nest: Nest): boolean =>
  nest.axes.every((x) => x.extent > 0) &&
  (nest.adds !== null || nest.running ? nest.over.every((x) => x.extent > 0) : true);

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
        ? { kind: "scratch", offset: 0 } // a kernel has one
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
    scratchBytes: Math.max(0, ...assembler.buffers.filter((x) => x.source?.kind === "scratch").map(bytesOf)),
    loops: assembler.counters.size,
  };
  return { program, nests: assembler.nests };
}
