/** The probability of a success, given as it is or as log-odds. */
import { Module, softplus, type Tensor, where } from "../index.js";
import { logit, xlog1py, xlogy } from "../special/index.js";
import { type Constraint, real } from "./constraints.js";
import type { DistributionOptions, Declared, Parameter } from "./parameters.js";

/** `{ probs }`, the probability of success, or `{ logits }`, its `log(p / (1 - p))`. */
export type ProbsOrLogits = DistributionOptions &
  (
    | { readonly probs: Parameter; readonly logits?: undefined }
    | { readonly logits: Parameter; readonly probs?: undefined }
  );

/** What was given, as a parameter with its name and constraint. */
export const declareOdds = (given: ProbsOrLogits, constraint: Constraint): Declared =>
  given.probs === undefined ? ["logits", given.logits, real] : ["probs", given.probs, constraint];

/** A probability of success p; what was given is the leaf, the other follows from it. */
export class Odds extends Module {
  readonly value: Tensor;
  readonly isLogits: boolean;
  constructor(value: Tensor, given: ProbsOrLogits) {
    super();
    this.value = value;
    this.isLogits = given.probs === undefined;
  }
  get probs(): Tensor {
    return this.isLogits ? this.value.sigmoid() : this.value;
  }
  get logits(): Tensor {
    return this.isLogits ? this.value : logit(this.value);
  }
  /** `1 - p`. */
  get failure(): Tensor {
    return this.isLogits ? this.value.neg().sigmoid() : this.value.neg().add(1);
  }
  /** `log p`. */
  get logSuccess(): Tensor {
    return this.isLogits ? softplus(this.value.neg()).neg() : this.value.log();
  }
  /** `log(1 - p)`. */
  get logFailure(): Tensor {
    return this.isLogits ? softplus(this.value).neg() : this.value.neg().log1p();
  }
  /** `successes · log p + failures · log(1 - p)`, where 0 of what cannot happen counts 0; in float64. */
  logLikelihood(successes: Tensor, failures: Tensor): Tensor {
    const v = this.value.astype("float64");
    const [s, f] = [successes.astype("float64"), failures.astype("float64")];
    if (!this.isLogits) return xlogy(s, v).add(xlog1py(f, v.neg()));
    const cost = (count: Tensor, z: Tensor): Tensor => where(count.equal(0), 0, count.mul(softplus(z)));
    return cost(s, v.neg()).add(cost(f, v)).neg();
  }
}
