/** REG: what its rows share. */
import { evaluate, type Tensor, tensor } from "typegrad";
import { batchOf, digits } from "typegrad/data";
import { range } from "./helpers.js";

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
export const int32 = (values: readonly number[]): Tensor => tensor(Int32Array.from(values));

/** The first digits of a part, as pictures of half the side `[N, 1, 14, 14]`, or whole. */
export async function digitsOf(split: "train" | "test", limit: number, whole = false) {
  const { images, labels } = await batchOf(await digits({ split, limit }), range(limit));
  const x = whole ? images : images.reshape([limit, 1, 14, 2, 14, 2]).mean([3, 5]);
  evaluate(x);
  return { x, y: labels };
}

/** The share of logits `[N, C]` whose largest is that of the class. */
export const accuracyOf = (logits: Tensor, y: Tensor): number =>
  logits.argmax(1).equal(y).astype("float32").mean().itemSync();
