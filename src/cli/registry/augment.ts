/** What is done to pictures `[N, C, H, W]` in training only, inside the compiled step. */
import { type Tensor, arange, random } from "../../index.js";
import type { Facts } from "./task.js";

export type Augmentation = (x: Tensor, facts: Facts) => Tensor;

/** Moves all pictures of a batch alike, by up to `most` pixels each way; black comes in. */
export const shift =
  (most: number): Augmentation =>
  (x) => {
    const [, , rows, columns] = x.shape;
    const padded = x.pad([
      [0, 0],
      [0, 0],
      [most, most],
      [most, most],
    ]); // [N, C, H + 2 most, W + 2 most]
    const offset = (): Tensor => random.randint(random.defaultGenerator.next(), [], 0, 2 * most + 1);
    const places = (length: number): Tensor => arange(0, length, 1, { dtype: "int32" }).add(offset());
    return padded.take(places(rows), 2).take(places(columns), 3);
  };

/**
 * For every picture a place of its own, up to `most` pixels away each way (black comes in), and where mirror images are
 * examples, too, every other one mirrored (He et al. 2016, section 4.2). Rows and columns are chosen by matrices of zeros
 * and ones.
 */
export const cropAndFlip =
  (most: number): Augmentation =>
  (x, { mirrors }) => {
    const [n, , rows, columns] = x.shape;
    const drawn = (low: number, high: number): Tensor =>
      random.randint(random.defaultGenerator.next(), [n, 1, 1, 1], low, high);
    const index = (length: number, axis: 2 | 3): Tensor =>
      arange(0, length, 1, { dtype: "int32" }).reshape(axis === 2 ? [length, 1] : [1, length]);
    const from = index(rows, 2).add(drawn(-most, most + 1)); // [N, 1, H, 1]
    const pickRows = from.equal(index(rows, 3)).astype(x.dtype); // [N, 1, H, H]
    const along = index(columns, 3); // [1, W]
    const mirrored = along.neg().add(columns - 1);
    const sides = mirrors ? drawn(0, 2) : null; // [N, 1, 1, 1]
    const to = sides ? along.mul(sides).add(mirrored.mul(sides.neg().add(1))) : along; // [N, 1, 1, W]
    const pickColumns = to
      .add(drawn(-most, most + 1))
      .equal(index(columns, 2))
      .astype(x.dtype); // [N, 1, W, W]
    return pickRows.matmul(x).matmul(pickColumns); // [N, C, H, W]
  };
