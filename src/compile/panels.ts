/**
 * Panels: a large right operand of a matrix product is copied once into strips as wide as the register tile, so that the
 * innermost loops read it in a straight line; rows and the summed index are divided so that what is read again stays near.
 */
import { byteSize } from "../ir/dtype.js";
import type { Aval } from "../ir/shape.js";
import { product } from "../util/arrays.js";
import type { Target } from "./loops.js";
import { type Nest, mapTerms } from "./nest.js";
import { type FetchTerm, type IndexTerm, type Term, type Terms, factorOf } from "./terms.js";

interface Product {
  readonly column: IndexTerm;
  readonly right: FetchTerm;
  readonly left: Term;
  readonly rows: readonly IndexTerm[];
}

/** The nest reading panels, preceded by the one that fills them; the nest as it is where that would not pay. */
export function inPanels(terms: Terms, nest: Nest, target: Target, buffer: (aval: Aval) => number): Nest[] {
  const found = productOf(terms, nest);
  if (found === null) return [nest];
  const { column, right, left, rows } = found;
  const { type } = right;
  if (type !== "float32" && type !== "float64") return [nest];
  const width = (target.microVectors * target.vectorBytes) / byteSize(type);
  const summed = nest.over.filter((x) => terms.depends(right).has(x.id));
  const bytes = column.extent * product(summed.map((x) => x.extent)) * byteSize(type);
  const reads = product(rows.map((x) => x.extent));
  if (column.extent % width !== 0 || bytes < target.panelBytes || reads < target.panelRows) return [nest];

  const divide = divider(terms);
  const [panel, lane] = divide.by(column, width);
  const axes = rows.reduce<readonly IndexTerm[]>(
    (list, row) => replaced(list, row, divide.into(row, target.mc / 2, target.mc)),
    nest.axes.filter((x) => x !== column),
  );
  const over = nest.over.reduce<readonly IndexTerm[]>(
    (list, k) => replaced(list, k, divide.into(k, target.kc / 2, target.kc)),
    nest.over,
  );
  const move = divide.substitution();
  const inside = over.filter((x) => terms.depends(move(right)).has(x.id));
  const layout = [panel, ...inside, lane];
  const shape = layout.map((x) => x.extent);
  const number = buffer({ dtype: type, shape });
  const filled = layout.map((x) => terms.index(x.extent));
  const fill = terms.substitution(new Map(layout.map((x, i) => [x, filled[i]])));
  const entry = terms.fetch(type, number, terms.flatten(layout, shape));
  const moved = mapTerms(nest, move);
  const blocks = axes.filter((x) => !nest.axes.includes(x));
  // Blocks of rows outside, then panels, then the rows of a block, then the columns of a panel.
  const outside = blocks.filter((_, i) => i % 2 === 0);
  const order = [...outside, panel, ...axes.filter((x) => !outside.includes(x)), lane];
  const value = terms.op(type, "mul", [move(left), entry]);
  return [
    {
      name: `${nest.name}_panels`,
      axes: filled,
      over: [],
      folds: [],
      stores: [{ buffer: number, offset: terms.flatten(filled, shape), value: fill(move(right)) }],
      running: false,
      sweeps: [],
      adds: null,
    },
    { ...moved, axes: order, over, folds: [{ ...moved.folds[0], value }] },
  ];
}

/** The operands of a matrix product whose results and right operand are contiguous along one index. */
function productOf(terms: Terms, nest: Nest): Product | null {
  if (nest.folds.length !== 1 || nest.running || nest.stores.length === 0) return null;
  const [{ combine, value }] = nest.folds;
  if (combine !== "sum" || value.kind !== "op" || value.op !== "mul") return null;
  const depends = (t: Term, x: IndexTerm) => terms.depends(t).has(x.id);
  for (const [right, left] of [value.args, value.args.toReversed()]) {
    if (right.kind !== "fetch") continue;
    const own = nest.axes.filter((x) => depends(right, x));
    const [column] = own;
    if (own.length !== 1 || factorOf(right.offset, column) !== 1 || depends(left, column)) continue;
    if (factorOf(nest.stores[0].offset, column) !== 1) continue;
    return { column, right, left, rows: nest.axes.filter((x) => x !== column) };
  }
  return null;
}

const replaced = (
  list: readonly IndexTerm[],
  index: IndexTerm,
  by: readonly IndexTerm[] | null,
): readonly IndexTerm[] => (by === null ? list : list.flatMap((x) => (x === index ? by : [x])));

/** Divides indices into an outer and an inner one, and remembers what stands for what. */
function divider(terms: Terms) {
  const images = new Map<Term, Term>();
  const by = (index: IndexTerm, length: number): readonly [IndexTerm, IndexTerm] => {
    const pair = [terms.index(index.extent / length), terms.index(length)] as const;
    images.set(
      index,
      terms.sum([
        [pair[0], length],
        [pair[1], 1],
      ]),
    );
    return pair;
  };
  /** Blocks of the greatest length from `least` to `most` that divides the index; `null` when none does. */
  const into = (index: IndexTerm, least: number, most: number): readonly IndexTerm[] | null => {
    for (let length = Math.min(most, index.extent - 1); length >= least; length--)
      if (index.extent % length === 0) return by(index, length);
    return null;
  };
  return { by, into, substitution: () => terms.substitution(images) };
}
