/** ARC: what its rows share. */
import { type Module, type Shape, type Tensor, tensor } from "typegrad";
import { loadStateDict, pytorchNames, stateDict } from "typegrad/nn";
import { modules } from "typegrad/tree";

const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Float64 numbers that look random and that any program can compute: `f` of a hash of name and position in [0, 1). */
function byFormula(name: string, shape: Shape, f: (u: number) => number): Tensor {
  let seed = 2166136261;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 16777619);
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    let h = (i + seed) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    data[i] = f(((h ^ (h >>> 16)) >>> 0) / 2 ** 32);
  }
  return tensor(data, { dtype: "float64", shape });
}

/** Numbers in [-1, 1) by the formula. */
export const signed = (name: string, shape: Shape): Tensor => byFormula(name, shape, (u) => 2 * u - 1);

/** Weights of variance 2 / fan-in, biases and means in ±0.1, scales and variances in 0.5 … 1.5. */
function filled(name: string, shape: Shape): Tensor {
  const bound = Math.sqrt(6 / sizeOf(shape.slice(1)));
  if (shape.length > 1) return byFormula(name, shape, (u) => (2 * u - 1) * bound);
  const isShift = ["bias", "running_mean"].includes(name.split(".").at(-1) ?? "");
  return byFormula(name, shape, isShift ? (u) => 0.2 * u - 0.1 : (u) => 0.5 + u);
}

/** Fills a model by the formula, under the names that PyTorch has for its tensors. */
export function fill<M extends Module>(model: M): M {
  const names = pytorchNames(model);
  const state = Object.entries(stateDict(model, names)).map(([name, t]) => [name, filled(name, t.shape)]);
  loadStateDict(model, Object.fromEntries(state), names);
  return model;
}

/** How many modules inside a model are of a class. */
export const countOf = (model: Module, type: new (...args: never[]) => Module): number =>
  modules(model).filter(({ module }) => module instanceof type).length;
