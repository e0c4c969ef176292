import type { Tensor } from "../index.js";
import { positive } from "./constraints.js";
import { Gamma } from "./gamma.js";
import { type DistributionOptions, type Parameter, parameters } from "./parameters.js";

/** The chi-squared distribution with `df` degrees of freedom, `Gamma(df/2, ½)`: the sum of so many squared standard normals. */
export class Chi2 extends Gamma {
  constructor(df: Parameter, options: DistributionOptions = {}) {
    const [checked] = parameters("Chi2", [["df", df, positive]], options);
    super(checked.mul(0.5), 0.5, { ...options, validate: false });
  }
  get df(): Tensor {
    return this.concentration.mul(2);
  }
}
