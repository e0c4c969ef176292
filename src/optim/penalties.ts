/** Penalties on the size of parameters, to be added to a loss. */
import { ArgumentError, type Tensor } from "../index.js";
import { leavesOf, matrices, type ParameterMask } from "./transformation.js";

export interface PenaltyOptions {
  /** Which parameters count; `matrices` unless given: biases and the scales of normalisations are free. */
  readonly on?: ParameterMask;
}

/** `strength · Σ f(p)` over the chosen parameters of a model. */
function penalty(
  name: string,
  model: unknown,
  strength: number,
  { on = matrices }: PenaltyOptions,
  f: (p: Tensor) => Tensor,
): Tensor {
  if (!(strength >= 0))
    throw new ArgumentError(`${name}: the strength must not be negative, got ${strength}. 1e-4 is usual`);
  const chosen = Object.entries(leavesOf(model)).flatMap(([path, p]) => (on(path, p) ? [f(p)] : []));
  if (chosen.length === 0)
    throw new ArgumentError(
      `${name}: the model must have a parameter that counts, got none. give on another selection`,
    );
  return chosen.reduce((a, b) => a.add(b)).mul(strength);
}

/** `½ strength Σ‖p‖²`: its gradient is `strength · p`, so for plain gradient descent it is weight decay. */
export const l2Penalty = (model: unknown, strength: number, options: PenaltyOptions = {}): Tensor =>
  penalty("l2Penalty", model, strength, options, (p) => p.square().sum().mul(0.5));

/** `strength Σ|p|`, which makes small weights 0 (Tibshirani 1996). */
export const l1Penalty = (model: unknown, strength: number, options: PenaltyOptions = {}): Tensor =>
  penalty("l1Penalty", model, strength, options, (p) => p.abs().sum());
