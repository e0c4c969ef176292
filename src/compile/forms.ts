/**
 * Forms: groups of nests that differ in nothing but the buffers they use and the names of their indices, as the repeated
 * blocks of a network do, have the same form, and become one kernel.
 */
import { remembered } from "../util/key.js";
import { type Group, rootsOf } from "./nest.js";
import { type Term, childrenOf, contentOf } from "./terms.js";

/** A text that is equal for groups of equal form, and the buffers that take part, in an order that the form gives. */
export function formOf({ row, nests }: Group): { readonly key: string; readonly buffers: readonly number[] } {
  const said: string[] = [];
  const terms = new Map<Term, number>();
  const buffers = new Map<number, number>();
  /** Indices of loops of the group; others are counters of the program, which are part of the form. */
  const own = new Set<Term>(nests.flatMap((x) => [...x.axes, ...x.over, ...x.sweeps]).concat(row ?? []));
  const numberOf = (buffer: number): number => remembered(buffers, buffer, () => buffers.size);
  const text = (term: Term): string | number => {
    if (term.kind === "index" && own.has(term)) return `of ${term.extent}`;
    if (term.kind === "hole") return "";
    if (term.kind === "fetch") return numberOf(term.buffer);
    if (term.kind === "affine") return [term.constant, ...term.parts.map(([, factor]) => factor)].join();
    const content = contentOf(term);
    return Object.is(content, -0) ? "-0" : content;
  };
  /** The number of a term, which is described when it is met first. */
  const say = (term: Term): number =>
    remembered(terms, term, () => {
      const children = childrenOf(term).map(say).join();
      said.push(`${term.kind} ${term.type} ${text(term)}(${children})`);
      return terms.size;
    });
  const list = (of: readonly Term[]): string => of.map(say).join();
  if (row) said.push(`row ${say(row)}`);
  for (const nest of nests) {
    const { name, axes, over, sweeps, folds, stores, adds, running } = nest;
    const targets = [...stores, ...(adds ? [adds] : [])].map((x) => numberOf(x.buffer));
    const kinds = folds.map((x) => `${x.combine} ${say(x.hole)}`);
    const head = `${name} ${running} ${adds !== null} ${stores.length} ${targets.join()} ${kinds.join()}`;
    said.push([head, list(axes), list(over), list(sweeps), list(rootsOf(nest))].join(":"));
  }
  return { key: said.join(";"), buffers: [...buffers.keys()] };
}
