import {
  ArgumentError,
  DTypeError,
  type Shape,
  ShapeError,
  Tensor,
  arange,
  isFloat,
  stopGradient,
  where,
} from "../index.js";
import { checkCounts } from "./spatial.js";
import { Module } from "../tree/index.js";
import { checkIndices } from "./indices.js";
import { type Initializer, normal } from "./initializers.js";
import type { Appended } from "./layer.js";

/**
 * Rows of a table `[V, D]`: integers `[…]` to `[…, D]`. The row `paddingIndex` never gets a gradient.
 *
 * @throws ArgumentError for an index that is known and names no row. One that is still to be computed, as inside `compile`,
 * counts from the end when negative and gives a row of NaN when it lies outside.
 */
export function embedding(indices: Tensor, weight: Tensor, paddingIndex: number | null = null): Tensor {
  if (weight.shape.length !== 2)
    throw new ShapeError(`embedding: the table must be [rows, features], got ${weight.describe()}. reshape it`);
  if (isFloat(indices.dtype))
    throw new DTypeError(
      `embedding: indices must be integers, got ${indices.describe()}. convert them with astype("int32")`,
    );
  const advice = "make the table larger, or check the labels";
  checkIndices(indices, weight.shape[0], "embedding: indices must be rows of the table", advice);
  const rows = weight.take(indices, 0);
  if (paddingIndex === null) return rows;
  return where(indices.equal(paddingIndex).expandDims(-1), stopGradient(rows), rows);
}

export interface EmbeddingOptions {
  /** A row that starts at zero and stays. */
  readonly paddingIndex?: number;
  readonly init?: Initializer;
}

/** A learnt table of `size` rows of `features` numbers; they start as standard normal. */
export class Embedding<Size extends number = number, D extends number = number> extends Module {
  declare readonly shapes: Appended<D>;
  weight: Tensor<readonly [Size, D]>;
  readonly paddingIndex: number | null;

  constructor(size: Size, features: D, options: EmbeddingOptions = {}) {
    super();
    checkCounts("Embedding", "size and features", [size, features]);
    const { paddingIndex = null, init = normal() } = options;
    if (paddingIndex !== null && !(Number.isInteger(paddingIndex) && paddingIndex >= 0 && paddingIndex < size))
      throw new ArgumentError(
        `Embedding: paddingIndex must be a row from 0 to ${size - 1}, got ${paddingIndex}. name a row it has`,
      );
    this.paddingIndex = paddingIndex;
    const table = init([size, features]);
    const isPadding = arange(size)
      .equal(paddingIndex ?? -1)
      .reshape([size, 1]);
    this.weight = paddingIndex === null ? table : Tensor.of(where(isPadding, 0, table).node);
  }

  /** Integers `[…]` to `[…, D]`. */
  forward<const S extends Shape>(indices: Tensor<S>): Tensor<readonly [...S, D]>;
  forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight, this.paddingIndex);
  }
}
