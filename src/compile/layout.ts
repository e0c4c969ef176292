/** Loop nests become kernels. */
import { layoutFold } from "./fold.js";
import type { Kernel } from "./loop.js";
import { type KernelBuilder, type Target, lanesOf, lanesWithin, loops, vectorLoop, whole } from "./loops.js";
import { layoutMap } from "./map.js";
import { type Nest, rootsOf } from "./nest.js";
import { type Term, factorOf, gcd, without } from "./terms.js";
import { set, store, v } from "./values.js";

/**
 * Sums scattered over a buffer, in order; vectors where neighbouring elements go to neighbouring places. Threads share them
 * by columns, where no two columns ever go to one place.
 */
export function layoutAdds(builder: KernelBuilder, nest: Nest, target: Target): void {
  const { emit } = builder;
  const { adds } = nest;
  if (adds === null) return;
  const most = lanesOf(rootsOf(nest), target);
  const { terms } = emit;
  const last = nest.over.at(-1);
  const lanes = lanesWithin(last?.extent ?? 1, most);
  const depends = (t: Term) => last !== undefined && terms.depends(t).has(last.id);
  const rows =
    last !== undefined &&
    lanes >= Math.min(most, 4) &&
    factorOf(adds.offset, last) === 1 &&
    !depends(without(terms, adds.offset, last)) &&
    !depends(adds.inside);
  const addOne = () => {
    const at = emit.local("to", "int32");
    emit.add(set(at, emit.first(adds.offset)));
    const old = v.load(adds.value.type, emit.lanes, adds.buffer, v.get(at));
    emit.add(store(adds.buffer, v.get(at), v.op(old.type, "add", old, emit.vector(adds.value))));
  };
  const always = adds.inside.kind === "const" && adds.inside.value !== 0;
  const add = always ? addOne : () => emit.when(emit.value(adds.inside), addOne);
  if (!rows) return loops(emit, nest.over.map(whole), add);
  const span = stride(without(terms, adds.offset, last)) >= last.extent ? builder.divided(last, lanes) : whole(last);
  loops(emit, nest.over.slice(0, -1).map(whole), () => vectorLoop(emit, span, lanes, 1, add));
}

/** What all values of an offset are multiples of. */
function stride(offset: Term): number {
  if (offset.kind === "const") return offset.value === 0 ? Infinity : Math.abs(offset.value);
  if (offset.kind !== "affine") return 1;
  return offset.parts.reduce((all, [, factor]) => gcd(all, factor), Math.abs(offset.constant));
}

/** Lays out the kernel of nests. */
export function layout(builder: KernelBuilder, target: Target): Kernel {
  builder.forEach((nest) => {
    if (nest.adds) layoutAdds(builder, nest, target);
    else if (nest.folds.length > 0) layoutFold(builder, nest, target);
    else layoutMap(builder, nest, target);
  });
  return builder.kernel();
}
