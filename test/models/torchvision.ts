/** What `test/golden/models.py` wrote. */
import { createHash } from "node:crypto";
import type { Shape, Tensor } from "typegrad";
import { pytorchNames, stateDict } from "typegrad/nn";
import type { Module } from "typegrad/tree";
import { signed } from "#chapters/arc-shared.js";
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
