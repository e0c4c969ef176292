/**
 * Sweeps: a long sum of products over more data than caches hold is done in parts that fit, each over a stretch of the
 * first folded index; the results of a part are added to those of the parts before.
 */
import { byteSize } from "../ir/dtype.js";
import type { Aval } from "../ir/shape.js";
import { product } from "../util/arrays.js";
import type { Target } from "./loops.js";
import { type Nest, type NestStore, finishing } from "./nest.js";
import { type FetchTerm, type IndexTerm, type Term, type Terms, isFloatProduct, reachable } from "./terms.js";

/** Products that a part must have for each result, so that adding it to the others costs little. */
const leastPart = 128;

/** The nest in sweeps, and a nest that finishes its results when there is more to do with them than to store them. */
export function inSweeps(terms: Terms, nest: Nest, target: Target, buffer: (aval: Aval) => number): Nest[] {
  const index = sweptIndex(terms, nest, target);
  if (index === null) return [nest];
  const [fold] = nest.folds;
  const { type } = fold.hole;
  if (type === "int64") return [nest];
  const over = nest.over.filter((x) => x !== index);
  const sweep = (to: number, offset: Term): Nest => {
    const before = terms.op(type, "select", [
      terms.op("bool", "eq", [index, terms.int(0)]),
      terms.const(type, 0),
      terms.fetch(type, to, offset),
    ]);
    const stores: NestStore[] = [{ buffer: to, offset, value: terms.op(type, "add", [fold.hole, before]) }];
    return { ...nest, over, stores, sweeps: [index] };
  };
  if (nest.stores.length === 1 && nest.stores[0].value === fold.hole)
    return [sweep(nest.stores[0].buffer, nest.stores[0].offset)];
  const shape = nest.axes.map((x) => x.extent);
  const sums = buffer({ dtype: type, shape });
  const at = terms.flatten(nest.axes, shape);
  return [sweep(sums, at), finishing(terms, nest, sums, at)];
}

/** The folded index whose values are swept one after the other. */
function sweptIndex(terms: Terms, nest: Nest, target: Target): IndexTerm | null {
  if (nest.folds.length !== 1 || nest.running || nest.over.length < 2) return null;
  const [{ combine, value }] = nest.folds;
  if (combine !== "sum" || !isFloatProduct(value)) return null;
  const [index, ...rest] = nest.over;
  if (index.extent < 2 || product(rest.map((x) => x.extent)) < leastPart) return null;
  const reads = reachable([value]).filter((t) => t.kind === "fetch");
  if (!reads.every((t) => terms.depends(t).has(index.id))) return null;
  const all = [...nest.axes, ...nest.over];
  const elements = (t: Term) => product(all.filter((x) => terms.depends(t).has(x.id)).map((x) => x.extent));
  // Windows overlap: no operand is counted with more elements than the results and the folded space have.
  const span = (t: FetchTerm) => t.offset.max - t.offset.min + 1;
  const bytes = reads.map((t) => Math.min(elements(t), span(t)) * byteSize(value.type));
  return bytes.reduce((a, b) => a + b, 0) > target.cacheBytes ? index : null;
}
