/** Averages of parameters along a run, kept beside the model. */
import { ArgumentError, hold, type Tensor, tensor, where, shown } from "../index.js";
import { Module } from "../tree/index.js";
import { withParameters } from "./optimizer.js";
import { type Leaves, leavesOf, mapLeaves, replaceLeaves } from "./transformation.js";
import { checkRange, perDType, zerosOf } from "./transformations.js";

/**
 * Averages of a model's parameters. Call `update(model)` after every step (it may be compiled: name the average in
 * `state`), and take the averaged model with `model(model)`.
 */
export abstract class ParameterAverage extends Module {
  /** Updates so far. */
  count: Tensor = tensor(0, { dtype: "int32" });
  average: Leaves;

  override get buffers(): readonly string[] {
    return ["count", "average"];
  }

  constructor(average: Leaves) {
    super();
    this.average = average;
  }

  /** The average after one more value of the parameters. */
  protected abstract next(params: Leaves): Leaves;
  /** The averages as they are to be used. */
  abstract parameters(): Leaves;

  /** Takes the parameters of the model into the average. */
  update(model: unknown): void {
    this.average = this.next(leavesOf(model));
    this.count = this.count.add(1);
    hold([this]);
  }

  /** A copy of the model with averaged parameters; buffers, such as running statistics, are the model's own. */
  model<M>(model: M): M {
    const params = this.parameters();
    return withParameters(model, (p, path) => params[path].astype(p.dtype));
  }

  /** Puts the averages in place of the model's parameters. */
  copyTo(model: unknown): void {
    replaceLeaves(model, this.parameters());
  }
}

/** See `polyakAverage`. */
export class PolyakAverage extends ParameterAverage {
  readonly #start: number;

  constructor(model: unknown, options: { readonly start?: number } = {}) {
    super(mapLeaves((p) => p.clone(), leavesOf(model)));
    const { start = 0 } = options;
    if (!Number.isInteger(start) || start < 0)
      throw new ArgumentError(`polyakAverage: start must be an integer from 0, got ${shown(start)}. count updates`);
    this.#start = start;
  }

  protected override next(params: Leaves): Leaves {
    // The first value that counts, and all before it, take the place of the average.
    const share = perDType((dtype) =>
      this.count
        .sub(this.#start - 1)
        .maximum(1)
        .astype(dtype)
        .reciprocal(),
    );
    return mapLeaves((a, p) => a.add(p.sub(a).mul(share(a))), this.average, params);
  }

  override parameters(): Leaves {
    return this.average;
  }
}

/**
 * The mean of the parameters over all updates (Polyak & Juditsky 1992), or with `start` over those from that one on,
 * counted from 0 (tail averaging); until then it is the last value. Before the first update it is the model.
 *
 * Updated once an epoch, under a rate that stays high, it is stochastic weight averaging (Izmailov et al. 2018); a model with
 * batch normalisation then needs `updateBatchNorm` of `typegrad/train`, unless `fit` averages.
 */
export const polyakAverage = (model: unknown, options: { readonly start?: number } = {}): PolyakAverage =>
  new PolyakAverage(model, options);

export interface EmaOptions {
  /** The share of the old average that stays; 0.999 unless given. */
  readonly decay?: number;
  /** Begin at 0 and divide by `1 - decay^count`, so that the start is forgotten at once. */
  readonly debias?: boolean;
}

/** See `ema`. */
export class ExponentialAverage extends ParameterAverage {
  readonly #decay: number;
  readonly #debias: boolean;

  constructor(model: unknown, options: EmaOptions = {}) {
    const { decay = 0.999, debias = false } = options;
    checkRange("decay", decay, 0, 1);
    const params = leavesOf(model);
    super(debias ? zerosOf(params) : mapLeaves((p) => p.clone(), params));
    this.#decay = decay;
    this.#debias = debias;
  }

  protected override next(params: Leaves): Leaves {
    return mapLeaves((a, p) => a.mul(this.#decay).add(p.mul(1 - this.#decay)), this.average, params);
  }

  override parameters(): Leaves {
    if (!this.#debias) return this.average;
    const weight = perDType((dtype) => {
      const left = this.count.astype(dtype).mul(Math.log(this.#decay)).expm1().neg();
      return where(this.count.equal(0), 1, left);
    });
    return mapLeaves((a) => a.div(weight(a)), this.average);
  }
}

/** `a ← decay · a + (1 - decay) · θ`, begun at the model's parameters, or at 0 with `debias`. */
export const ema = (model: unknown, options: EmaOptions = {}): ExponentialAverage =>
  new ExponentialAverage(model, options);
