/** Several tasks that share what they learn. */
import { ArgumentError, type Tensor, zeros } from "../index.js";
import { Module } from "../tree/index.js";
import type { Layer } from "./layer.js";

/** One trunk for all tasks and a head for each (Caruana 1997): hard parameter sharing. */
export class MultiTask<K extends string = string> extends Module {
  readonly trunk: Layer;
  readonly heads: Readonly<Record<K, Layer>>;

  constructor(trunk: Layer, heads: Readonly<Record<K, Layer>>) {
    super();
    this.trunk = trunk;
    this.heads = heads;
  }

  /** The output of one task's head. */
  forward(x: Tensor, task: K): Tensor {
    if (!Object.hasOwn(this.heads, task))
      throw new ArgumentError(
        `MultiTask: the task must be one of ${Object.keys(this.heads).join(", ")}, got ${JSON.stringify(task)}. check its name`,
      );
    return this.heads[task].forward(this.trunk.forward(x));
  }

  /** The outputs of all tasks by name; the trunk runs once. */
  all(x: Tensor): Readonly<Record<string, Tensor>> {
    const shared = this.trunk.forward(x);
    return Object.fromEntries(
      Object.entries<Layer>(this.heads).map(([task, head]) => [task, head.forward(shared)] as const),
    );
  }
}

/** `Σ wᵢ Lᵢ` over named losses; a weight that is not given is 1. */
export function weightedSum(
  losses: Readonly<Record<string, Tensor>>,
  weights: Readonly<Record<string, number | Tensor>> = {},
): Tensor {
  const names = Object.keys(losses);
  const unknown = Object.keys(weights).find((name) => !names.includes(name));
  if (names.length === 0 || unknown !== undefined)
    throw new ArgumentError(
      `weightedSum: weights must be those of the losses, got ${unknown ?? "no loss"} beside ${names.join(", ") || "none"}. check the names`,
    );
  return names.map((name) => losses[name].mul(weights[name] ?? 1)).reduce((a, b) => a.add(b));
}

/**
 * Weights that are learnt with the tasks: `Σ ½ e^{-sᵢ} Lᵢ + ½ sᵢ` with `sᵢ` the logarithm of the task's noise variance (Kendall,
 * Gal & Cipolla 2018). For fixed losses the best is `sᵢ = log Lᵢ`.
 */
export class UncertaintyWeights extends Module {
  /** `[tasks]`, begins at 0. */
  logVariance: Tensor;
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    super();
    this.names = names;
    this.logVariance = zeros([names.length]);
  }

  /** The joint loss of named losses. */
  forward(losses: Readonly<Record<string, Tensor>>): Tensor {
    const missing = this.names.find((name) => losses[name] === undefined);
    if (missing !== undefined)
      throw new ArgumentError(
        `UncertaintyWeights: there must be a loss for each task, got none for ${missing}. name them as in the constructor`,
      );
    return this.names
      .map((name, i) => {
        const s = this.logVariance.at(i);
        return losses[name].mul(s.neg().exp()).add(s).mul(0.5);
      })
      .reduce((a, b) => a.add(b));
  }
}
