/** Filling models by the formula of `test/golden/models.py`, and reading what it wrote. */
import { createHash } from "node:crypto";
import { type Shape, type Tensor, tensor } from "typegrad";
import { loadStateDict, pytorchNames, stateDict } from "typegrad/nn";
import type { Module } from "typegrad/tree";
import { fixture } from "../golden/fixtures.js";

/** A published network. */
export interface Whole {
  /** How many tensors it has, and the SHA-256 of their names and shapes, one a line, sorted. */
  readonly tensors: number;
  readonly sha256: string;
  readonly parameters: number;
  /** Height and width of the one picture. */
  readonly size: number;
  /** Logits 0, 200, 400, 600 and 800. */
  readonly logits: readonly number[];
}

/** A small network or a part of one, in training mode. */
export interface Small {
  readonly shape: Shape;
  /** The first eight numbers. */
  readonly output: readonly number[];
  /** Of every gradient one sum, weighted by the formula. */
  readonly gradients: Readonly<Record<string, number>>;
  /** The same of the statistics afterwards. */
  readonly statistics: Readonly<Record<string, number>>;
}

export const golden = fixture<{
  readonly whole: Readonly<Record<string, Whole>>;
  readonly small: Readonly<Record<string, Small>>;
}>("models");

const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Numbers in [0, 1) that look random, a hash of the name and the position, each through `f`; float64. */
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
  const isShift = ["bias", "running_mean"].includes(name.split(".").at(-1) ?? "");
  return byFormula(
    name,
    shape,
    shape.length > 1 ? (u) => (2 * u - 1) * bound : isShift ? (u) => 0.2 * u - 0.1 : (u) => 0.5 + u,
  );
}

/** Fills a model under PyTorch's names. */
export function fill<M extends Module>(model: M): M {
  const names = pytorchNames(model);
  const state = Object.entries(stateDict(model, names)).map(([name, t]) => [name, filled(name, t.shape)]);
  loadStateDict(model, Object.fromEntries(state), names);
  return model;
}

/** PyTorch's names with shapes, as the fixture describes them. */
export function described(model: Module): Pick<Whole, "tensors" | "sha256"> {
  const lines = Object.entries(stateDict(model, pytorchNames(model))).map(
    ([name, t]) => `${name} ${t.shape.join(",")}`,
  );
  const text = lines.toSorted((a, b) => (a < b ? -1 : 1)).join("\n");
  return { tensors: lines.length, sha256: createHash("sha256").update(text).digest("hex") };
}

/** The sum that stands for a tensor in the fixture. */
export const digest = (name: string, t: Tensor): Tensor => t.mul(signed(`gradient of ${name}`, t.shape)).sum();
