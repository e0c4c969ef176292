/**
 * Forms: groups of nests that differ in nothing but the buffers they use and the names of their indices, as the repeated
 * blocks of a network do, have the same form, and become one kernel.
 */
import type { Group, Nest } from "./nest.js";
import { rootsOf } from "./nest.js";
import { type Term, childrenOf } from "./terms.js";

/** What a group computes, as a text that is equal for equal forms, and the buffers that take part, in an order that the form gives. */
export interface Form {
  readonly key: string;
  readonly buffers: readonly number[];
}

class Describer {
  readonly #terms = new Map<Term, number>();
  readonly #buffers = new Map<number, number>();
  /** Indices of loops of the group; others are counters of the program, which are part of the form. */
  readonly #own: ReadonlySet<Term>;
  readonly #parts: string[] = [];

  constructor({ row, nests }: Group) {
    this.#own = new Set(nests.flatMap((x) => [...(row ? [row] : []), ...x.axes, ...x.over, ...x.sweeps]));
    this.#parts.push(row ? `row ${this.#term(row)}` : "alone");
    for (const nest of nests) this.#nest(nest);
  }

  form(): Form {
    return { key: this.#parts.join(";"), buffers: [...this.#buffers.keys()] };
  }

  #nest(nest: Nest): void {
    const numbers = (terms: readonly Term[]) => terms.map((t) => this.#term(t)).join();
    const loops = [nest.axes, nest.over, nest.sweeps].map(numbers).join(":");
    const folds = nest.folds.map((x) => `${x.combine} ${this.#term(x.hole)}`);
    const targets = [...nest.stores, ...(nest.adds ? [nest.adds] : [])].map((x) => this.#buffer(x.buffer));
    const roots = numbers(rootsOf(nest));
    const kind = nest.adds ? "adds" : nest.running ? "running" : "";
    this.#parts.push(`${nest.name} ${kind} ${loops} ${folds.join()} ${nest.stores.length} ${targets.join()} ${roots}`);
  }

  #buffer(buffer: number): number {
    let number = this.#buffers.get(buffer);
    if (number === undefined) this.#buffers.set(buffer, (number = this.#buffers.size));
    return number;
  }

  /** The number of a term, which is described when it is met first. */
  #term(term: Term): number {
    const known = this.#terms.get(term);
    if (known !== undefined) return known;
    const text = this.#text(term, childrenOf(term).map((t) => this.#term(t)).join());
    this.#parts.push(text);
    this.#terms.set(term, this.#terms.size);
    return this.#terms.size - 1;
  }

  #text(term: Term, children: string): string {
    switch (term.kind) {
      case "const":
        return `${term.type} ${Object.is(term.value, -0) ? "-0" : term.value}`;
      case "index":
        return this.#own.has(term) ? `i${term.extent}` : `counter ${term.id}`;
      case "hole":
        return `h${term.type}`;
      case "load":
        return `l${term.source}(${children})`;
      case "fetch":
        return `f${term.type} ${this.#buffer(term.buffer)}(${children})`;
      case "op":
        return `${term.op} ${term.type}(${children})`;
      case "affine":
        return `a${term.constant} ${term.parts.map(([, factor]) => factor).join()}(${children})`;
    }
  }
}

export const formOf = (group: Group): Form => new Describer(group).form();
