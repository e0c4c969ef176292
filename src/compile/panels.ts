/**
 * Panels: an operand of a matrix product that is read again and again, but not in a straight line, is first copied into the
 * order in which the innermost loops read it; rows and the summed index are divided so that what is read again stays near.
 */
import { byteSize } from "../ir/dtype.js";
import type { Aval } from "../ir/shape.js";
import { product, range } from "../util/arrays.js";
import { type Target, lanesOf, storable, vectorsIn } from "./loops.js";
import { type Nest, elementwise, finishing, mapTerms, moved, rootsOf, simplified } from "./nest.js";
import { joinedRows } from "./rows.js";
import { type FetchTerm, type IndexTerm, type Term, type Terms, factorOf, isFloatProduct, without } from "./terms.js";

type MakeBuffer = (aval: Aval) => number;

/** The nest reading panels, preceded by those that fill them; the nest as it is where that would not pay. */
export function inPanels(terms: Terms, nest: Nest, target: Target, buffer: MakeBuffer): Nest[] {
  const found = productOf(terms, nest, target);
  if (found === null) return [nest];
  const { column, right, rows, across, scattered } = found;
  const reads = product(rows.map((x) => x.extent));
  if (reads < target.panelRows || !(across || isFar(terms, nest, right, target))) return [nest];
  if (scattered) return inOrder(terms, nest, column, target, buffer);

  const tile = Math.min(column.extent, target.microVectors * lanesOf(rootsOf(nest), target));
  const beyond = column.extent % tile;
  if (beyond === 0) return panelled(terms, nest, found, tile, target, buffer);
  // What is left beyond whole tiles is a product of its own.
  const most = column.extent - beyond;
  return [terms.index(most), terms.index(beyond)].flatMap((x, i) =>
    inPanels(terms, moved(terms, nest, column, x, terms.sum([[x, 1]], i * most)), target, buffer),
  );
}

/** The product with its columns in panels of `tile`, its rows and its summed index in blocks. */
function panelled(terms: Terms, nest: Nest, found: Product, tile: number, target: Target, buffer: MakeBuffer): Nest[] {
  const { column, right, left, rows } = found;
  const divide = divider(terms);
  const [panel, lane] = divide.by(column, tile);
  const besides = nest.axes.filter((x) => x !== column);
  const others = divide.inBlocks(besides, rows, target.mc);
  const uses = (t: Term, xs: readonly IndexTerm[]) => xs.filter((x) => terms.depends(t).has(x.id));
  const bytes = product([column, ...uses(right, nest.over)].map((x) => x.extent)) * byteSize(storable(right.type));
  const over = divide.inBlocks(nest.over, nest.over, bytes > target.panelBytes ? target.kc / 4 : target.kc).flat();
  const move = divide.substitution();
  const divided = mapTerms(nest, move);
  // Blocks of rows outside, then panels, then the rows of a block, then the columns of a panel.
  const outside = others.flatMap((parts) => parts.slice(0, -1));
  const inner = others.flatMap((parts) => parts.slice(-1));
  const copy = copier(terms, nest.name, buffer);
  const [moveRight, moveLeft] = [move(right), move(left)];
  const used = uses(moveRight, inner);
  const entry = copy.of(moveRight, [...used, panel, ...uses(moveRight, over), lane]);
  const line = inner.findLast((x) => moveLeft.kind === "fetch" && factorOf(moveLeft.offset, x) === 1);
  const isStrided = left.kind === "fetch" && line !== undefined && isFar(terms, nest, left, target);
  const rest = inner.filter((x) => x !== line);
  const factor =
    isStrided && column.extent >= target.panelRows
      ? copy.of(moveLeft, [...uses(moveLeft, [...outside, ...rest, ...over]), line])
      : moveLeft;
  const value = terms.op(right.type, "mul", [factor, entry]);
  const axes = [...outside, ...used, panel, ...inner.filter((x) => !used.includes(x)), lane];
  return [...copy.nests, { ...divided, axes, over, folds: [{ ...divided.folds[0], value }] }];
}

/** The product with its results side by side along the column, and a nest that takes them to their places. */
function inOrder(terms: Terms, nest: Nest, column: IndexTerm, target: Target, buffer: MakeBuffer): Nest[] {
  const [{ hole }] = nest.folds;
  const axes = [...nest.axes.filter((x) => x !== column), column];
  const shape = axes.map((x) => x.extent);
  const results = buffer({ dtype: storable(hole.type), shape });
  const at = terms.flatten(axes, shape);
  const ordered = { ...nest, stores: [{ buffer: results, offset: at, value: hole }] };
  return [...inPanels(terms, ordered, target, buffer), simplified(terms, finishing(terms, nest, results, at))];
}

/** Nests that copy operands, each into an array over the given indices. */
function copier(terms: Terms, name: string, buffer: MakeBuffer) {
  const nests: Nest[] = [];
  const of = (operand: Term, layout: readonly IndexTerm[]): Term => {
    const { type } = operand;
    if (type === "int64") return operand;
    const shape = layout.map((x) => x.extent);
    const number = buffer({ dtype: type, shape });
    const own = layout.map((x) => terms.index(x.extent));
    const value = terms.substitution(new Map(layout.map((x, i) => [x, own[i]])))(operand);
    const stores = [{ buffer: number, offset: terms.flatten(own, shape), value }];
    // In the order of the operand's memory; what is contiguous in the copy stays last.
    const stride = (x: IndexTerm) => (value.kind === "fetch" ? Math.abs(factorOf(value.offset, x)) : 0);
    const axes = [...own.slice(0, -1).sort((a, b) => stride(b) - stride(a)), ...own.slice(-1)];
    nests.push(fewAtATime(terms, elementwise(`${name}_panels`, axes, stores)));
    return terms.fetch(type, number, terms.flatten(layout, shape));
  };
  return { nests, of };
}

/** Elements of a cache line, and panels filled side by side: lines half full of more would drive each other out. */
const [lineLength, sideBySide] = [16, 8];

/** The copy, where it goes across panels narrower than cache lines, a few panels at a time (1024 by 1024: 1.6 → 0.3 ms). */
function fewAtATime(terms: Terms, nest: Nest): Nest {
  const [line, panel, lane] = nest.axes.slice(-3);
  const [{ offset }] = nest.stores;
  if (lane === undefined || lane.extent >= lineLength || factorOf(offset, line) > factorOf(offset, panel)) return nest;
  const divide = divider(terms);
  const parts = divide.inBlocks([panel], [panel], sideBySide).flat();
  const axes = [...nest.axes.slice(0, -3), ...parts.slice(0, -1), line, ...parts.slice(-1), lane];
  return mapTerms({ ...nest, axes }, divide.substitution());
}

/** Whether neighbours along the last summed index that an operand depends on are far from each other, and many. */
function isFar(terms: Terms, nest: Nest, operand: FetchTerm, { farBytes, farSteps }: Target): boolean {
  const last = nest.over.findLast((x) => terms.depends(operand).has(x.id));
  if (operand.type === "int64" || last === undefined || last.extent < farSteps) return false;
  return Math.abs(factorOf(operand.offset, last)) * byteSize(operand.type) >= farBytes;
}

/**
 * Vectors along a column that results do not lie along must be this much fuller than along where they do; the second
 * where the operand would be read far apart otherwise, and is more than caches hold.
 */
const [fuller, fullerThanFar] = [0.85, 0.9];
/** Folded elements that make the stores across negligible. */
const longFold = 32;
/** Results that do not fit the nearest cache. */
const manyResults = 1 << 14;

/** `left[rows] · right[column]`, both operands perhaps also along batch axes. */
interface Product {
  readonly column: IndexTerm;
  readonly right: FetchTerm;
  readonly left: Term;
  readonly rows: readonly IndexTerm[];
  /** The right operand does not lie along the column. */
  readonly across: boolean;
  /** Results far apart along the column have no other long line either (the gradient of a convolution's weight). */
  readonly scattered: boolean;
}

/** The nest as a product whose results lie along the column, or along nothing that vectors suit as well. */
function productOf(terms: Terms, nest: Nest, target: Target): Product | null {
  if (nest.folds.length !== 1 || nest.running || nest.stores.length === 0) return null;
  const [{ combine, value }] = nest.folds;
  if (combine !== "sum" || !isFloatProduct(value)) return null;
  const depends = (t: Term, x: IndexTerm) => terms.depends(t).has(x.id);
  const lanes = lanesOf(rootsOf(nest), target);
  const { offset } = nest.stores[0];
  const apart = (x: IndexTerm) => Math.abs(factorOf(offset, x)) || Infinity;
  const line = nest.axes.toSorted((a, b) => apart(a) - apart(b)).find((x) => apart(x) < Infinity);
  const sparsity = (x: IndexTerm) => vectorsIn(x.extent, lanes) / x.extent;
  const inLines = joinedRows(terms, nest, target)?.vectors ?? (line ? sparsity(line) : Infinity);
  for (const [right, left] of [value.args, value.args.toReversed()]) {
    if (right.kind !== "fetch") continue;
    const [column, ...more] = nest.axes.filter((x) => depends(right, x) && !depends(left, x));
    if (column === undefined || more.length > 0) continue;
    const along = factorOf(right.offset, column) === 1 && !depends(without(terms, right.offset, column), column);
    const much = isFarAndLarge(nest, right, target) ? fullerThanFar : fuller;
    const suits =
      column === line ||
      (product(nest.over.map((x) => x.extent)) >= longFold &&
        (line === undefined || (apart(line) === 1 && sparsity(column) < much * inLines)));
    if (!suits || column.extent < lanes) continue;
    const rows = nest.axes.filter((x) => !depends(right, x));
    const isFarApart = apart(column) * byteSize(storable(right.type)) >= target.farBytes;
    const many = product(nest.axes.map((x) => x.extent)) >= manyResults;
    const scattered = isFarApart && many && (line === undefined || line.extent < lanes);
    return { column, right, left, rows, across: !along, scattered };
  }
  return null;
}

/** Whether an operand is more than caches hold and goes far with each turn of a folded index. */
function isFarAndLarge(nest: Nest, { type, offset }: FetchTerm, { cacheBytes, farBytes }: Target): boolean {
  const size = byteSize(storable(type));
  const isFar = nest.over.some((x) => Math.abs(factorOf(offset, x)) * size >= farBytes);
  return isFar && (offset.max - offset.min + 1) * size > cacheBytes;
}

/** Divides indices into an outer and an inner one, and remembers what stands for what. */
function divider(terms: Terms) {
  const images = new Map<Term, Term>();
  const by = (index: IndexTerm, length: number): readonly [IndexTerm, IndexTerm] => {
    const [outer, inner] = [terms.index(index.extent / length), terms.index(length)];
    images.set(index, terms.flatten([outer, inner], [outer.extent, length]));
    return [outer, inner];
  };
  /** Longer ones of `chosen` in blocks of the greatest length from `most / 2` to `most` that divides them, where one does. */
  const inBlocks = (list: readonly IndexTerm[], chosen: readonly IndexTerm[], most: number) =>
    list.map((x): readonly IndexTerm[] => {
      const less = range(most / 2 + 1).find((i) => x.extent % (most - i) === 0);
      return less === undefined || x.extent <= most || !chosen.includes(x) ? [x] : by(x, most - less);
    });
  return { by, inBlocks, substitution: () => terms.substitution(images) };
}
