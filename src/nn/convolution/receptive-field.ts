/** What outputs see of the input: by recursion over layers, and by differentiation. */
import { ArgumentError, type Tensor, grad } from "../../index.js";
import { Module, modules } from "../../tree/index.js";
import { type PerAxis, perAxis } from "../spatial.js";
import { type OutputSizeOptions, convOutputSize, windowsOver } from "./geometry.js";
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from "./transposed.js";

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

export const hasWindows = (module: Module): module is Module & { readonly windows: Windowing } => "windows" in module;

/** The windows of a model's layers in the order in which they were put into it. */
function windowsIn(model: Module): { path: string; windows: Windowing }[] {
  return modules(model).flatMap(({ path, module }) => {
    if ([ConvTranspose1d, ConvTranspose2d, ConvTranspose3d].some((kind) => module instanceof kind))
      throw new ArgumentError(
        `receptiveField: layers must see windows, which a transposed convolution does not, got ${path}. use effectiveReceptiveField`,
      );
    return hasWindows(module) ? [{ path, windows: module.windows }] : [];
  });
}

/**
 * The receptive field after every layer with windows, for an input with spatial axes of the given lengths:
 * `r ← r + (K - 1) · d · j`, `start ← start - before · j`, `j ← j · S` from `r = 1`, `j = 1`, `start = 0` (Le and Borji 2017;
 * Araujo et al. 2019). The layers must form a chain in the order in which the model holds them, or be given as windows; what
 * has no windows is taken to keep places. For branches and what changes places otherwise there is `effectiveReceptiveField`.
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
