/** What computing one element of a wire costs where it is used, in additions. */
import type { ScalarOp } from "../ir/scalar.js";
import { type Term, reachable } from "./terms.js";
import type { Wire, Wiring } from "./wires.js";

const slow: Partial<Record<ScalarOp, number>> = { div: 4, sqrt: 4, rem: 8 };

/** Arithmetic on int32 is mostly index arithmetic, which the loops around it absorb. */
function own(term: Term): number {
  if (term.kind !== "op" || term.type === "bool") return 0;
  return term.type === "int32" ? 0.25 : (slow[term.op] ?? 1);
}

const dear = 1e6;

/** The cost of one element with everything inlined that can be; what is certainly in memory costs nothing. */
export function costOf(wiring: Wiring): Map<Wire, number> {
  const costs = new Map<Wire, number>();
  for (const wire of wiring.wires) {
    if (wire.source.kind !== "map") continue;
    const terms = reachable([wire.source.value(wire.shape.map((d) => wiring.terms.index(d)))]);
    let cost = 0;
    for (const t of terms) {
      cost += own(t);
      if (t.kind === "load") cost += costs.get(wiring.wires[t.source]) ?? 0;
    }
    costs.set(wire, Math.min(cost, dear));
  }
  return costs;
}
