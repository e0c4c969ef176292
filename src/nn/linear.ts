import { type Fits, type Shape, ShapeError, type ShapeOf, type Tensor } from "../index.js";
import { Module } from "../tree/index.js";
import { type Initializer, layerBias, layerWeight } from "./initializers.js";
import { checkCounts } from "./spatial.js";
import type { LastAxis, Sight, Through } from "./layer.js";

/** `x · weightᵀ + bias`: `[…, in]` to `[…, out]` with a weight `[out, in]`, as PyTorch keeps it. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  const [, features] = weight.shape;
  if (weight.shape.length !== 2 || x.shape.length === 0 || x.shape.at(-1) !== features)
    throw new ShapeError(
      `linear: the last axis of the input must have the weight's features, got ${x.describe()} and weight ${weight.describe()}. flatten or transpose the input`,
    );
  if (bias && bias.shape.join() !== String(weight.shape[0]))
    throw new ShapeError(
      `linear: the bias must be [${weight.shape[0]}], one for each output, got ${bias.describe()}. reshape it`,
    );
  const y = x.matmul(weight.transpose());
  return bias ? y.add(bias) : y;
}

/** Throws unless the last axis has the features a layer was made for. */
function checkFeatures(x: Tensor, features: number): void {
  const got = x.shape.at(-1);
  if (got === features) return;
  const flat = x.shape.slice(1).reduce((a, b) => a * b, 1);
  const remedy =
    got !== undefined && x.rank > 2 && flat === features
      ? "flatten what lies behind the batch: x.flatten(1), or a Flatten before"
      : `make the layer for ${got ?? 1} features, or reshape the input`;
  throw new ShapeError(
    `Linear: the last axis must have ${features} features, got ${got === undefined ? "" : `${got} in `}${x.describe()}. ${remedy}`,
  );
}

export interface LinearOptions {
  /** Whether it adds a learnt bias; true unless told. */
  readonly bias?: boolean;
  readonly initWeight?: Initializer;
  readonly initBias?: Initializer;
}

/** A learnt affine map of the last axis. It starts as PyTorch's does: uniform within `±1 / √in`. */
export class Linear<In extends number = number, Out extends number = number> extends Module {
  declare readonly shapes: LastAxis<In, Out>;
  weight: Tensor<readonly [Out, In]>;
  bias: Tensor<readonly [Out]> | null;

  constructor(inFeatures: In, outFeatures: Out, options: LinearOptions = {}) {
    super();
    checkCounts("Linear", "features", [inFeatures, outFeatures]);
    const { bias = true, initWeight = layerWeight(), initBias = layerBias(inFeatures) } = options;
    this.weight = initWeight([outFeatures, inFeatures]);
    this.bias = bias ? initBias([outFeatures]) : null;
  }

  /** Each output sees every place. */
  get windows(): Sight {
    return "all";
  }

  /** `[…, in]` to `[…, out]`. */
  forward<const S extends Shape>(
    x: Tensor<S> & Fits<Through<LastAxis<In, Out>, S, "Linear">>,
  ): Tensor<ShapeOf<Through<LastAxis<In, Out>, S, "Linear">>>;
  forward(x: Tensor): Tensor {
    checkFeatures(x, this.weight.shape[1]);
    return linear(x, this.weight, this.bias);
  }
}
