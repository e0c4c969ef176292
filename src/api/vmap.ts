/** Mapping a function over an axis of its arguments, all at once. */
import type { Node, Scope } from "../ir/node.js";
import { normalizeAxis, show } from "../ir/shape.js";
import { iota, placeholder } from "../primitive/leaf.js";
import { moveAxis } from "../primitive/movement.js";
import { Tensor } from "../tensor/tensor.js";
import { batch, stretch } from "../transform/index.js";
import { ArgumentError, ShapeError, TraceError } from "../util/errors.js";
import { enter, type Entered, finish, nodesOf, withNodes } from "./marks.js";

/** Which axis of an argument is mapped; `null` hands it over whole. */
export type MapAxis = number | null;

export interface VmapOptions {
  /** One axis for all arguments, or one for each; 0 unless given. */
  readonly inAxes?: MapAxis | readonly MapAxis[];
  /** Where the mapped axis stands in the results; 0 unless given. */
  readonly outAxes?: number;
  /**
   * Whether all slices draw the `"same"` numbers from the default generator (in dropout, for one) or `"different"` ones.
   * Unless it is said, drawing is an error. Explicit keys are not concerned.
   */
  readonly randomness?: "same" | "different";
}

/** The place of the slice at hand in every running `vmap` whose slices draw different numbers, outermost first. */
const running = new Set<{ readonly randomness: VmapOptions["randomness"]; readonly place: Tensor }>();

/** What makes random numbers of a slice its own: its places in the running maps. Throws where a map does not say. */
export function slicePlaces(op: string): Tensor[] {
  return [...running].flatMap(({ randomness, place }) => {
    if (randomness === undefined)
      throw new TraceError(
        `${op}: inside vmap it must be said whether slices draw the same numbers, got no randomness. call vmap(f, { randomness: "different" }) or "same", or pass keys`,
      );
    return randomness === "different" ? [place] : [];
  });
}

interface Mapped {
  readonly entered: Entered<unknown>;
  readonly images: readonly { readonly node: Node; readonly batched: boolean }[];
}

/**
 * `f` applied to every slice along an axis of its arguments, as one computation: `vmap(f)(xs)[i] = f(xs[i])`. Arguments
 * and results may be trees; results that do not depend on a mapped argument are repeated.
 */
export function vmap<A extends readonly unknown[], R>(
  f: (...args: A) => Promise<R>,
  options?: VmapOptions,
): (...args: A) => Promise<R>;
export function vmap<A extends readonly unknown[], R>(f: (...args: A) => R, options?: VmapOptions): (...args: A) => R;
export function vmap<A extends readonly unknown[], R>(f: (...args: A) => R | Promise<R>, options: VmapOptions = {}) {
  return (...args: A) => {
    const axes = axesOf(args.length, options.inAxes ?? 0);
    const size = mappedSize(args, axes);
    const scope: Scope = { name: "vmap", abstract: true, live: true };
    const mapped = args.map((arg, i): Mapped => {
      const axis = axes[i];
      const images = nodesOf(arg).map((node) => {
        if (axis === null) return { node, batched: false };
        return { node: moveAxis(node, normalizeAxis("vmap", axis, node.aval), 0), batched: true };
      });
      const entered = enter<unknown>(arg, (node, k) => {
        const image = images[k].node;
        const aval = { dtype: node.dtype, shape: axis === null ? node.shape : image.shape.slice(1) };
        return axis === null ? node : placeholder(aval, `argument ${i} of vmap`, scope);
      });
      return { entered, images };
    });
    const place = placeholder({ dtype: "int32", shape: [] }, "the place of a slice of vmap", scope);
    const map = { randomness: options.randomness, place: Tensor.of(place) };
    running.add(map);
    const close = (): void => {
      running.delete(map);
      mapped.forEach((m) => m.entered.restore());
      scope.live = false;
    };
    const collect = (result: R): R => {
      const sources = mapped.filter((_, i) => axes[i] !== null);
      const found = batch(
        nodesOf(result),
        [place, ...sources.flatMap((m) => m.entered.nodes)],
        [{ node: iota("int32", [size], 0), batched: true }, ...sources.flatMap((m) => m.images)],
        size,
      );
      const out = options.outAxes ?? 0;
      const values = found.map((y) => {
        const node = stretch(y, size);
        return moveAxis(node, 0, normalizeAxis("vmap", out, node.aval));
      });
      return withNodes(result, values);
    };
    return finish(
      () =>
        Reflect.apply(
          f,
          undefined,
          mapped.map((m) => m.entered.argument),
        ),
      collect,
      close,
    );
  };
}

function axesOf(count: number, inAxes: MapAxis | readonly MapAxis[]): readonly MapAxis[] {
  if (inAxes === null || typeof inAxes === "number") return Array.from({ length: count }, () => inAxes);
  if (inAxes.length !== count)
    throw new ArgumentError(
      `vmap: inAxes must name an axis, or null, for each of ${count} arguments, got ${inAxes.length}. add what is missing`,
    );
  return inAxes;
}

function mappedSize(args: readonly unknown[], axes: readonly MapAxis[]): number {
  let size: number | null = null;
  let first = "";
  args.forEach((arg, i) => {
    const axis = axes[i];
    if (axis === null) return;
    for (const node of nodesOf(arg)) {
      const n = node.shape[normalizeAxis("vmap", axis, node.aval)];
      if (size !== null && n !== size)
        throw new ShapeError(
          `vmap: mapped axes must be equally long, got ${size} in ${first} and ${n} in ${show(node.aval)}. map over another axis`,
        );
      size ??= n;
      first ||= show(node.aval);
    }
  });
  if (size === null)
    throw new ArgumentError("vmap: at least one argument must be mapped, got none. give it an axis in inAxes");
  return size;
}
