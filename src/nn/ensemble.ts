/** Several models as one. */
import { ArgumentError, logSoftmax, logSumExp, stack, type Tensor } from "../index.js";
import { map, Module, structure, zipMap } from "../tree/index.js";
import type { Layer } from "./layer.js";

/**
 * Models of one structure as one model whose tensors have an axis in front that counts them (PyTorch's
 * `stack_module_state`). `vmap((m, x) => m.forward(x), { inAxes: [0, null] })` runs them all at once; an optimizer that
 * works element by element trains them all at once.
 */
export function stackModels<M>(models: readonly M[]): M {
  const [first, ...others] = models;
  if (first === undefined)
    throw new ArgumentError("stackModels: there must be at least one model, got none. pass the models");
  const odd = others.findIndex((model) => shapes(model) !== shapes(first));
  if (odd >= 0)
    throw new ArgumentError(
      `stackModels: models must be of one structure, got another one at place ${odd + 1}. stack models that were made alike`,
    );
  return zipMap((...xs) => stack(xs), first, ...others);
}

/** A model's structure without what tells apart objects that are not tensors, such as two equal activations. */
const shapes = (model: unknown): string => structure(model).replaceAll(/#\d+/g, "#");

/** The models of which a stack was made. */
export const unstackModels = <M>(stacked: M, count: number): M[] =>
  Array.from({ length: count }, (_, i) => map((x) => x.at(i), stacked));

export interface EnsembleOptions {
  /**
   * What is averaged: `"probabilities"` of classes (the default), or the `"outputs"` themselves, as for regression.
   */
  readonly average?: "probabilities" | "outputs";
}

/**
 * Models whose predictions are averaged (Breiman 1996: bagging, if each was trained on its own bootstrap sample; Lakshminarayanan
 * et al. 2017: deep ensembles, if they only started differently). They need not be alike.
 */
export class Ensemble extends Module {
  readonly members: readonly Layer[];
  readonly average: "probabilities" | "outputs";

  constructor(members: readonly Layer[], options: EnsembleOptions = {}) {
    super();
    if (members.length === 0)
      throw new ArgumentError("Ensemble: there must be at least one member, got none. pass the models");
    this.members = members;
    this.average = options.average ?? "probabilities";
  }

  /** The members' own outputs, `[members, N, …]`. */
  each(x: Tensor): Tensor {
    return stack(this.members.map((m) => m.forward(x)));
  }

  /**
   * The logarithm of the mean of the members' probabilities, `[N, C, …]`: logits that give that mean, for any loss or metric
   * that takes logits. With outputs averaged, their mean.
   */
  forward(x: Tensor): Tensor {
    const outputs = this.each(x);
    if (this.average === "outputs") return outputs.mean(0);
    return logSumExp(logSoftmax(outputs, 2), 0).sub(Math.log(this.members.length));
  }
}
