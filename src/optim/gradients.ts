/** Gradients made from several gradients. */
import { ArgumentError, hold, type Tensor, valueAndGrad, zerosLike } from "../index.js";
import { map, Module, zipMap } from "../tree/index.js";
import { withParameters } from "./optimizer.js";
import { type Leaves, leavesOf, mapLeaves } from "./transformation.js";
import { zerosOf } from "./transformations.js";

/** The sign of the sum of the signs of several workers' gradients, 0 where they are even (Bernstein et al. 2018). */
export function majorityVote<M>(gradients: readonly M[]): M {
  if (gradients.length === 0)
    throw new ArgumentError("majorityVote: there must be at least one gradient, got none. pass one for each worker");
  const [first, ...others] = gradients;
  return zipMap(
    (...votes) =>
      votes
        .map((g) => g.sign())
        .reduce((a, b) => a.add(b))
        .sign(),
    first,
    ...others,
  );
}

/**
 * Stochastic variance reduced gradients (Johnson & Zhang 2013): `∇f_B(θ) - ∇f_B(θ̃) + ∇f(θ̃)` with an anchor θ̃ whose full
 * gradient is known. Its mean is the full gradient and its variance falls with the distance to the anchor, so a constant
 * rate converges linearly. Pass the result to any optimizer, and a new anchor every few epochs.
 */
export class Svrg extends Module {
  anchor: Leaves;
  /** The full gradient at the anchor. */
  mean: Leaves;

  override get buffers(): readonly string[] {
    return ["anchor", "mean"];
  }

  constructor(model: unknown) {
    super();
    this.anchor = mapLeaves((p) => p.clone(), leavesOf(model));
    this.mean = zerosOf(this.anchor);
  }

  /** Makes the model's parameters, where the full gradient is the one given, the anchor. */
  snapshot<M>(model: M, fullGradient: M): void {
    this.anchor = mapLeaves((p) => p.clone(), leavesOf(model));
    this.mean = mapLeaves((_, g) => g, this.anchor, leavesOf(fullGradient));
    hold([this]);
  }

  /** Value and corrected gradient of the loss of a batch. */
  valueAndGrad<M>(f: (model: M) => Tensor): (model: M) => [value: Tensor, gradient: M] {
    return (model) => {
      const [value, here] = valueAndGrad(f)(model);
      const [, there] = valueAndGrad(f)(withParameters(model, (_, path) => this.anchor[path]));
      const [own, base] = [leavesOf(here), leavesOf(there)];
      const corrected = mapLeaves((g, a, m) => g.sub(a).add(m), own, base, this.mean);
      return [value, map((g, path) => corrected[path] ?? zerosLike(g), here)];
    };
  }
}

/** Variance reduction for a model; call `snapshot` before the first gradient. */
export const svrg = (model: unknown): Svrg => new Svrg(model);
