/** What outputs see of the input: by recursion over layers, and by differentiation. */
import { ArgumentError, type Tensor, grad } from "../../index.js";
import { Module, modules } from "../../tree/index.js";
import type { Sight } from "../layer.js";
import { Sequential } from "../sequential.js";
import { type PerAxis, perAxis } from "../spatial.js";
import { type OutputSizeOptions, convOutputSize, windowsOver } from "./geometry.js";

/** The windows of one layer. */
export interface Windowing extends OutputSizeOptions {
  readonly kernel: PerAxis;
}

/** What the outputs of one layer see of the model's input, a number for each spatial axis. */
export interface ReceptiveField {
  /** Where the layer stands in the model; its number where windows were given. */
  readonly path: string;
  /** Lengths of the output. */
  readonly lengths: readonly number[];
  /** How many elements of the input lie between the first and the last that one output sees, both included. */
  readonly size: readonly number[];
  /** By how much the field moves from one output to the next. */
  readonly jump: readonly number[];
  /** Where the first output's field begins; negative in the padding. */
  readonly start: readonly number[];
}

export const hasWindows = (module: Module): module is Module & { readonly windows: Windowing } =>
  "windows" in module && typeof module.windows === "object" && module.windows !== null;

/** What an output of a module sees: what it says itself, or, of a `Sequential`, what its layers do in turn (`null`). */
function sightOf(module: Module): Windowing | Sight | null {
  if (hasWindows(module)) return module.windows;
  if ("windows" in module) return module.windows === "own" || module.windows === "all" ? module.windows : "unknown";
  return module instanceof Sequential ? null : "unknown";
}

/** The windows of a model's layers, in turn. */
function windowsIn(model: Module): { path: string; windows: Windowing }[] {
  const found: { path: string; windows: Windowing }[] = [];
  const refuse = (path: string, module: Module, what: string): never => {
    throw new ArgumentError(
      `receptiveField: layers must be a chain that sees windows, got ${module.constructor.name} at "${path}", ${what}. put chains into a Sequential, or use effectiveReceptiveField or summary`,
    );
  };
  let ended = "";
  const all = modules(model);
  for (let i = 0, next = 1; i < all.length; i = next, next++) {
    const { path, module } = all[i];
    const isInside = (other: string): boolean => path === "" || other.startsWith(`${path}.`);
    const sight = sightOf(module);
    if (sight === null) continue;
    while (next < all.length && isInside(all[next].path)) next++; // it speaks for what is inside it
    if (sight === "unknown") refuse(path, module, 'which does not say by "windows" what its outputs see');
    if (typeof sight === "object" && ended !== "") refuse(path, module, `behind "${ended}", which sees every place`);
    if (sight === "all") ended = path;
    if (typeof sight === "object") found.push({ path, windows: sight });
  }
  return found;
}

/**
 * The receptive field after every layer with windows, for an input with spatial axes of the given lengths:
 * `r ← r + (K - 1) · d · j`, `start ← start - before · j`, `j ← j · S` from `r = 1`, `j = 1`, `start = 0` (Le and Borji 2017;
 * Araujo et al. 2019). The model must be a chain of layers, `Sequential`s inside one another, or be given as windows. A layer
 * says by its property `windows` what its outputs see: a `Windowing`, or a `Sight` such as `"own"` for its own place alone,
 * as activations, dropout and normalisations do (whose moments over all places do not count). One that says nothing is an
 * error, as are modules whose `forward` may do anything with their parts; functions are taken to keep places. For branches
 * and what changes places otherwise there are `effectiveReceptiveField` and `summary`.
 */
export function receptiveField(model: Module | readonly Windowing[], lengths: readonly number[]): ReceptiveField[] {
  const layers = model instanceof Module ? windowsIn(model) : model.map((windows, i) => ({ path: String(i), windows }));
  const rank = lengths.length;
  let field: Omit<ReceptiveField, "path"> = {
    lengths,
    size: lengths.map(() => 1),
    jump: lengths.map(() => 1),
    start: lengths.map(() => 0),
  };
  return layers.map(({ path, windows }) => {
    const name = `receptiveField: layer ${path}`;
    const kernel = perAxis(name, "kernel", windows.kernel, rank);
    const { strides, dilations, padding } = windowsOver(name, field.lengths, kernel, windows);
    const { size, jump, start } = field;
    field = {
      lengths: convOutputSize(field.lengths, kernel, windows),
      size: size.map((r, i) => r + (kernel[i] - 1) * dilations[i] * jump[i]),
      start: start.map((s, i) => s - padding[i][0] * jump[i]),
      jump: jump.map((j, i) => j * strides[i]),
    };
    return { path, ...field };
  });
}

/**
 * How much every place of the input moves the output at place `at`: `Σ |∂ Σ y[:, :, at] / ∂x|` over examples and channels, of
 * the input's spatial shape (Luo et al. 2016). It is 0 outside the receptive field; inside it is not, but by chance or where
 * an activation is flat.
 */
export function effectiveReceptiveField(f: (x: Tensor) => Tensor, x: Tensor, at: readonly number[]): Tensor {
  if (at.length !== x.rank - 2)
    throw new ArgumentError(
      `effectiveReceptiveField: one place for each spatial axis is needed, got ${JSON.stringify(at)} for ${x.describe()}. give ${x.rank - 2}`,
    );
  return grad((v: Tensor) =>
    f(v)
      .at(":", ":", ...at)
      .sum(),
  )(x)
    .abs()
    .sum([0, 1]);
}
