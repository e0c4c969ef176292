import { ArgumentError, type Shape, type Tensor, where } from "../index.js";
import * as random from "../random/index.js";
import { Module } from "../tree/index.js";
import { keepsShape, type Same } from "./layer.js";

/**
 * Zeroes each element with the given probability and divides the others by `1 - probability` (Srivastava et al. 2014),
 * drawing from the default generator.
 */
export const dropout = keepsShape((x, probability: number = 0.5) => {
  checkProbability("dropout", probability);
  if (probability === 0) return x;
  const kept = random.bernoulli(random.defaultGenerator.next(), 1 - probability, x.shape);
  return where(kept, probability === 1 ? 0 : x.div(1 - probability), 0);
});

function checkProbability(name: string, probability: number): void {
  if (!(probability >= 0 && probability <= 1))
    throw new ArgumentError(`${name}: probability must be from 0 to 1, got ${probability}. 0.5 drops half`);
}

/** Dropout in training; nothing in evaluation. */
export class Dropout extends Module {
  declare readonly shapes: Same;
  readonly probability: number;

  constructor(probability = 0.5) {
    super();
    checkProbability("Dropout", probability);
    this.probability = probability;
  }

  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return this.training ? dropout(x, this.probability) : x;
  }
}
