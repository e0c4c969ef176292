/** What computing one element of a wire costs where it is used, in additions. */
import type { ScalarOp } from "../ir/scalar.js";
import { sizeOf } from "../ir/shape.js";
import { type Term, reachable } from "./terms.js";
import type { Wire, Wiring } from "./wires.js";

const slow: Partial<Record<ScalarOp, number>> = { div: 4, sqrt: 4, rem: 8 };

/** Arithmetic on int32 is mostly index arithmetic, which the loops around it absorb. */
function own(term: Term): number {
  if (term.kind !== "op" || term.type === "bool") return 0;
  return term.type === "int32" ? 0.25 : (slow[term.op] ?? 1);
}

const dear = 1e6;

/** What inlining a wire costs, and what it would lose. */
export interface Costs {
  /**
   * Of one element, with everything inlined that can be; what is certainly in memory costs nothing, and what many elements
   * share (a number along an axis) its part: it need not be computed again for each of them.
   */
  readonly element: ReadonlyMap<Wire, number>;
  /** Wires that the kernel of a fold they are made of element by element could store instead of the fold's result. */
  readonly finishing: ReadonlySet<Wire>;
}

export function costOf(wiring: Wiring): Costs {
  const { terms, wires } = wiring;
  const element = new Map<Wire, number>();
  const finishing = new Set<Wire>();
  for (const wire of wires) {
    if (wire.source.kind !== "map") continue;
    const axes = terms.axes(wire.shape);
    let cost = 0;
    for (const t of reachable([wire.source.value(axes)])) {
      cost += own(t);
      if (t.kind !== "load") continue;
      const read = wires[t.source];
      cost += (element.get(read) ?? 0) * Math.min(1, sizeOf(read.shape) / Math.max(1, sizeOf(wire.shape)));
      const isFold = read.source.kind === "reduce" || finishing.has(read);
      if (!isFold || sizeOf(read.shape) !== sizeOf(wire.shape)) continue;
      if (terms.flatten(t.at, read.shape) === terms.flatten(axes, wire.shape)) finishing.add(wire);
    }
    element.set(wire, Math.min(cost, dear));
  }
  return { element, finishing };
}
