/**
 * Groups: nests that fold or go over the same rows, and want of each other no more than the same row, become one kernel
 * that does everything with a row while it is near. What nobody else reads is kept in a row of the thread's own.
 */
import { product, range } from "../util/arrays.js";
import { remembered } from "../util/key.js";
import { type Target, enoughTasks, flopsOf, nearBytes } from "./loops.js";
import { type Group, type Nest, fetchesOf, mapTerms } from "./nest.js";
import { type IndexTerm, type Term, type Terms, factorOf, without } from "./terms.js";

/** Bytes of a block, about, and those that pay for the loops over it. */
const blockBytes = 1 << 16;
const leastBytes = 1 << 13;

/** An element of a buffer that a nest reads or writes. */
interface Access {
  readonly buffer: number;
  readonly offset: Term;
  readonly writes: boolean;
}

/** Groups that a step may still join, counted from the last. */
const mostOpen = 32;

/** The nests of steps that follow each other: in groups, each at the place of its first one. */
export function inGroups(terms: Terms, steps: readonly (readonly Nest[])[], target: Target): readonly Group[] {
  const alone = steps.map((nests) => ({ row: null, nests }));
  const rows: Rows = new Map();
  // What a step has in common with one before may show when others have joined it.
  return merged(terms, merged(terms, alone, target, rows), target, rows).map((x) => inBlocks(terms, x, target));
}

/** Loops over rows, by their length, and what nests become inside: each is moved into each of them once. */
type Loop = { readonly row: IndexTerm; readonly moved: Map<Nest, Nest | null> };
type Rows = Map<number, Loop>;

/** The nests of a group inside a loop, or a single one as a group. */
function inside(terms: Terms, { row: own, nests }: Group, { row, moved }: Loop) {
  if (own !== null) return own === row ? nests : null;
  if (nests.length !== 1) return null;
  const nest = moved.get(nests[0]) ?? (moved.has(nests[0]) ? null : inRow(terms, nests[0], row));
  moved.set(nests[0], nest);
  return nest && [nest];
}

function merged(terms: Terms, groups: readonly Group[], target: Target, rows: Rows): readonly Group[] {
  const list: Group[] = [];
  const buffers: ReadonlySet<number>[] = [];
  for (const group of groups) {
    let at = list.length;
    const used = [...buffersOf(group)];
    for (let i = at - 1; i >= 0 && at - i <= mostOpen; i--) {
      if (!used.some((b) => buffers[i].has(b))) continue;
      const both = join(terms, list[i], group, target, rows);
      if (both) list[(at = i)] = both;
      if (both || conflict(list[i].nests, group.nests)) break;
    }
    if (at === list.length) list.push(group);
    buffers[at] = buffersOf(list[at]);
  }
  return list;
}

const buffersOf = ({ nests }: Group): ReadonlySet<number> => new Set(nests.flatMap(accessesOf).map((x) => x.buffer));

const known = new WeakMap<Nest, readonly Access[]>();

const accessesOf = (nest: Nest): readonly Access[] =>
  remembered(known, nest, () => {
    const reads = fetchesOf(nest).map(({ buffer, offset }) => ({ buffer, offset, writes: false }));
    return [...reads, ...[...nest.stores, ...(nest.adds ? [nest.adds] : [])].map((x) => ({ ...x, writes: true }))];
  });

/** Whether the order of two steps matters. */
function conflict(before: readonly Nest[], after: readonly Nest[]): boolean {
  const known = before.flatMap(accessesOf);
  return after.flatMap(accessesOf).some((a) => known.some((b) => a.buffer === b.buffer && (a.writes || b.writes)));
}

/** Both groups as one, if they belong together. */
function join(terms: Terms, before: Group, after: Group, target: Target, rows: Rows): Group | null {
  const fold = [...before.nests, ...after.nests].find((x) => x.folds.length > 0);
  if (fold === undefined) return null;
  const extent = (before.row ?? after.row)?.extent ?? product(fold.axes.map((x) => x.extent));
  const loop = rows.get(extent) ?? { row: terms.index(extent), moved: new Map<Nest, Nest | null>() };
  rows.set(extent, loop);
  const { row } = loop;
  const first = inside(terms, before, loop);
  const second = first && inside(terms, after, loop);
  if (first === null || second === null || !share(terms, first, second, row)) return null;
  const nests = [...first, ...second];
  return blockOf(terms, row, nests, target) > 0 ? { row, nests } : null;
}

/** The nest inside a loop over rows, along which it reads and writes neighbours; a fold gives one result for each. */
function inRow(terms: Terms, nest: Nest, row: IndexTerm): Nest | null {
  const extents = nest.axes.map((x) => x.extent);
  const lead = range(extents.length + 1).find((n) => product(extents.slice(0, n)) === row.extent);
  if (lead === undefined || row.extent < 2 || nest.running || nest.adds) return null;
  const axes = nest.axes.slice(lead);
  if (nest.folds.length > 0 && axes.some((x) => x.extent > 1)) return null;
  const moved = mapTerms(nest, terms.substitution(terms.unflatten(row, nest.axes.slice(0, lead))));
  const last = [...axes, ...nest.over].findLast((x) => x.extent > 1);
  const isLine = (t: Term) =>
    last === undefined ||
    !terms.depends(t).has(last.id) ||
    (factorOf(t, last) === 1 && !terms.depends(without(terms, t, last)).has(last.id));
  return accessesOf(moved).every((x) => isLine(x.offset)) ? { ...moved, axes } : null;
}

/** How long rows are in a buffer that is only used at an offset in the row of the loop; 0 if it is used elsewhere too. */
function rowWidth(terms: Terms, offset: Term, row: IndexTerm): number {
  const width = factorOf(offset, row);
  const rest = without(terms, offset, row);
  return !terms.depends(rest).has(row.id) && rest.min >= 0 && rest.max < width ? width : 0;
}

/** Whether both use the same rows, and what only one of them makes but at the same row. */
function share(terms: Terms, before: readonly Nest[], after: readonly Nest[], row: IndexTerm): boolean {
  const known = before.flatMap(accessesOf);
  let shares = false;
  for (const a of after.flatMap(accessesOf))
    for (const b of known)
      if (a.buffer === b.buffer) {
        const width = rowWidth(terms, a.offset, row);
        const same = width > 0 && width === rowWidth(terms, b.offset, row);
        if (!same && (a.writes || b.writes)) return false;
        shares ||= same;
      }
  return shares;
}

/**
 * How many rows a block has: as many as stay near, without leaving threads idle. 0 where there is nothing to gain, as all
 * stays in the caches anyway, or too little for the loops.
 */
function blockOf(terms: Terms, row: IndexTerm, nests: readonly Nest[], { taskWork, cacheBytes }: Target): number {
  const widths = new Map<number, number>();
  for (const { buffer, offset } of nests.flatMap(accessesOf)) widths.set(buffer, rowWidth(terms, offset, row));
  const bytes = 4 * [...widths.values()].reduce((a, b) => a + b, 0);
  const work = nests.reduce((sum, x) => sum + flopsOf(x), 0);
  const most = Math.min(blockBytes / bytes, Math.max(row.extent / enoughTasks, taskWork / work));
  let length = Math.max(1, Math.min(row.extent, Math.floor(most)));
  while (row.extent % length !== 0) length--;
  const isNear = length * bytes <= nearBytes && length * bytes >= Math.min(leastBytes, cacheBytes);
  const isShared = row.extent >= enoughTasks * length || length * work <= taskWork;
  return row.extent * bytes > cacheBytes && isNear && isShared ? length : 0;
}

/** The group in a loop over blocks of rows. */
function inBlocks(terms: Terms, group: Group, target: Target): Group {
  if (group.row === null) return group;
  const { row } = group;
  const length = blockOf(terms, row, group.nests, target);
  const block = terms.index(row.extent / length);
  const nests = group.nests.map((nest) => {
    const inside = terms.index(length);
    const place = terms.sum([
      [block, length],
      [inside, 1],
    ]);
    return { ...mapTerms(nest, terms.substitution(new Map([[row, place]]))), axes: [inside, ...nest.axes] };
  });
  return { row: block, nests };
}
