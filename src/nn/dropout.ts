/** Layers that make noise in training: they drop elements, channels or branches, or add and multiply random numbers. */
import { ArgumentError, type Shape, ShapeError, type Tensor, where } from "../index.js";
import * as random from "../random/index.js";
import { Module } from "../tree/index.js";
import { keepsShape, type Layer, type Same, type Sight } from "./layer.js";
import { Parametrized } from "./parametrized.js";
import { forRanks } from "./spatial.js";

function checkProbability(name: string, probability: number): void {
  if (!(probability >= 0 && probability <= 1))
    throw new ArgumentError(`${name}: probability must be from 0 to 1, got ${probability}. 0.5 drops half`);
}

/** True with probability `1 - probability`, drawn from the default generator. */
const survivors = (probability: number, shape: Shape): Tensor =>
  random.bernoulli(random.defaultGenerator.next(), 1 - probability, shape);

/** `x / (1 - probability)` where a draw of the given shape, which broadcasts to that of `x`, survives; else 0. */
function dropped(name: string, x: Tensor, probability: number, shape: Shape): Tensor {
  checkProbability(name, probability);
  if (probability === 0) return x;
  return where(survivors(probability, shape), probability === 1 ? 0 : x.div(1 - probability), 0);
}

/**
 * Zeroes each element with the given probability and divides the others by `1 - probability` (Srivastava et al. 2014),
 * drawing from the default generator.
 */
export const dropout = keepsShape((x, probability: number = 0.5) => dropped("dropout", x, probability, x.shape));

/** Zeroes whole channels of `[N, C, L]`, `[N, C, H, W]` or `[N, C, D, H, W]` (Tompson et al. 2015), and divides the others. */
export const [dropout1d, dropout2d, dropout3d] = forRanks((rank) =>
  keepsShape((x, probability: number = 0.5) => {
    const name = `dropout${rank}d`;
    if (x.rank !== rank + 2)
      throw new ShapeError(`${name}: the input must have ${rank + 2} axes, got ${x.describe()}. reshape it`);
    return dropped(name, x, probability, [...x.shape.slice(0, 2), ...x.shape.slice(2).map(() => 1)]);
  }),
);

/** What SELU tends to far on the left: -scale · alpha (Klambauer et al. 2017). */
const seluFloor = -1.7580993408473766;

/** Sets each element with the given probability to SELU's least value, and keeps mean 0 and variance 1 (Klambauer et al. 2017). */
export const alphaDropout = keepsShape((x, probability: number = 0.5) => {
  checkProbability("alphaDropout", probability);
  if (probability === 0) return x;
  if (probability === 1) return x.mul(0);
  const scale = ((1 - probability) * (1 + probability * seluFloor ** 2)) ** -0.5;
  return where(survivors(probability, x.shape), x, seluFloor)
    .mul(scale)
    .sub(scale * probability * seluFloor);
});

/** Whether every example of a batch lives or dies by itself (`"row"`), or all together. */
export type DepthMode = "row" | "batch";

function checkMode(name: string, mode: DepthMode): void {
  if (mode !== "row" && mode !== "batch")
    throw new ArgumentError(`${name}: mode must be "row" or "batch", got ${JSON.stringify(mode)}. choose one`);
}

/** Zeroes whole examples, or the batch, and divides the others: for branches of residual networks (Huang et al. 2016). */
export const stochasticDepth = keepsShape((x, probability: number, mode: DepthMode = "row") => {
  checkMode("stochasticDepth", mode);
  const shape = x.shape.map((n, i) => (i === 0 && mode === "row" ? n : 1));
  return dropped("stochasticDepth", x, probability, shape);
});

const normalLike = (x: Tensor): Tensor =>
  random.randn(x.shape, { dtype: x.dtype === "float64" ? "float64" : "float32" });

function checkDeviation(name: string, deviation: number): void {
  if (!(deviation >= 0 && deviation < Infinity))
    throw new ArgumentError(`${name}: the deviation must be finite and not negative, got ${deviation}. 0.1 is usual`);
}

/** `x + deviation · ε` with standard normal ε. */
export const gaussianNoise = keepsShape((x, deviation: number) => {
  checkDeviation("gaussianNoise", deviation);
  return x.add(normalLike(x).mul(deviation));
});

/** `x · (1 + √(p / (1 - p)) · ε)` with standard normal ε: dropout's mean and variance (Srivastava et al. 2014, section 10). */
export const gaussianDropout = keepsShape((x, probability: number = 0.5) => {
  checkProbability("gaussianDropout", probability);
  if (probability === 1)
    throw new ArgumentError("gaussianDropout: probability must be below 1, got 1. its variance is p / (1 - p)");
  return x.mul(
    normalLike(x)
      .mul(Math.sqrt(probability / (1 - probability)))
      .add(1),
  );
});

/** A layer that is random in training, and does nothing in evaluation. `mcDropout` finds these. */
export abstract class RandomLayer extends Module {
  declare readonly shapes: Same;
  /** What it does in training. */
  abstract disturb(x: Tensor): Tensor;

  /** Each output sees its own place. */
  get windows(): Sight {
    return "own";
  }

  forward<S extends Shape>(x: Tensor<S>): Tensor<S>;
  forward(x: Tensor): Tensor {
    return this.training ? this.disturb(x) : x;
  }
}

abstract class Dropping extends RandomLayer {
  readonly probability: number;

  constructor(probability = 0.5) {
    super();
    checkProbability(new.target.name, probability);
    this.probability = probability;
  }
}

/** The layer of a function that drops with a probability. */
const dropping = (drop: (x: Tensor, probability: number) => Tensor) =>
  class extends Dropping {
    disturb(x: Tensor): Tensor {
      return drop(x, this.probability);
    }
  };

/** Drops elements in training; see `dropout`. */
export class Dropout extends dropping(dropout) {}

/** Drops channels of `[N, C, L]` in training; see `dropout1d`. */
export class Dropout1d extends dropping(dropout1d) {}

/** Drops channels of `[N, C, H, W]` in training; see `dropout2d`. */
export class Dropout2d extends dropping(dropout2d) {}

/** Drops channels of `[N, C, D, H, W]` in training; see `dropout3d`. */
export class Dropout3d extends dropping(dropout3d) {}

/** Dropout for networks of SELUs; see `alphaDropout`. */
export class AlphaDropout extends dropping(alphaDropout) {}

/** Multiplies by normal numbers in training, with dropout's mean and variance; see `gaussianDropout`. */
export class GaussianDropout extends dropping(gaussianDropout) {}

/** Adds normal numbers in training. */
export class GaussianNoise extends RandomLayer {
  readonly deviation: number;

  constructor(deviation: number) {
    super();
    checkDeviation("GaussianNoise", deviation);
    this.deviation = deviation;
  }
  disturb(x: Tensor): Tensor {
    return gaussianNoise(x, this.deviation);
  }
}

/** Drops whole examples in training, or the batch: the end of a residual branch. */
export class StochasticDepth extends Dropping {
  readonly mode: DepthMode;

  constructor(probability: number, mode: DepthMode = "row") {
    super(probability);
    checkMode("StochasticDepth", mode);
    this.mode = mode;
  }
  disturb(x: Tensor): Tensor {
    return stochasticDepth(x, this.probability, this.mode);
  }
}

/**
 * Dropout that keeps the mean by rescaling weights in evaluation: in training elements are dropped and the others stay as
 * they are; in evaluation all are multiplied by `1 - probability` (Srivastava et al. 2014, section 4).
 */
export class RescalingDropout extends Dropping {
  disturb(x: Tensor): Tensor {
    return where(survivors(this.probability, x.shape), x, 0);
  }
  override forward<S extends Shape>(x: Tensor<S>): Tensor<S>;
  override forward(x: Tensor): Tensor {
    return this.training ? this.disturb(x) : x.mul(1 - this.probability);
  }
}

/** A layer that drops its weights in training, the same ones for all of a batch (Wan et al. 2013), and divides the others. */
export const dropConnect = <L extends Module & Layer>(
  layer: L,
  probability = 0.5,
  options: { readonly field?: string } = {},
): Parametrized<L, Dropout> => new Parametrized(layer, options.field ?? "weight", new Dropout(probability));
