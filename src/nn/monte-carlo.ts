/** Dropout as an ensemble: predictions with the noise left on. */
import { ArgumentError, type Tensor, arange, vmap, shown } from "../index.js";
import { type Module, modules } from "../tree/index.js";
import { RandomLayer } from "./dropout.js";

/** Puts a model into evaluation mode but for its random layers, which stay random: batch normalisation keeps its moments. */
export function mcDropout<M extends Module>(model: M): M {
  model.eval();
  for (const { module } of modules(model)) if (module instanceof RandomLayer) module.training = true;
  return model;
}

/** What samples of a random model say together. */
export interface Prediction {
  /** The mean of the samples. */
  readonly mean: Tensor;
  /** Their mean squared distance from it. */
  readonly variance: Tensor;
  /** `[samples, …]`: all of them. */
  readonly samples: Tensor;
}

/**
 * What a model predicts on average over the masks of its random layers, and how much that varies (Gal & Ghahramani 2016):
 * `mean = 1/T Σ fₜ(x)`, `variance = 1/T Σ (fₜ(x) - mean)²`. All samples are one batched computation. Modes are put back.
 */
export function monteCarlo<M extends Module & { forward(x: Tensor): Tensor }>(
  model: M,
  x: Tensor,
  samples: number,
): Prediction {
  if (!Number.isInteger(samples) || samples < 1)
    throw new ArgumentError(`monteCarlo: samples must be a positive integer, got ${shown(samples)}. 50 are usual`);
  const modes = modules(model).map(({ module }) => ({ module, training: module.training }));
  mcDropout(model);
  try {
    const sample: (place: Tensor) => Tensor = () => model.forward(x);
    const drawn = vmap(sample, { randomness: "different" })(arange(samples));
    return { mean: drawn.mean(0), variance: drawn.variance(0, { correction: 0 }), samples: drawn };
  } finally {
    for (const { module, training } of modes) module.training = training;
  }
}
