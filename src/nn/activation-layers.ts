/** Activations as modules, for those who like them in a `Sequential`; the functions do as well. */
import { type Shape, type Tensor, full } from "../index.js";
import { Module } from "../tree/index.js";
import * as f from "./activations.js";
import type { Same, Sight, Unruled } from "./layer.js";

/** A module that keeps the shape. */
abstract class Activation extends Module {
  declare readonly shapes: Same;
  abstract forward<S extends Shape>(x: Tensor<S>): Tensor<S>;

  /** Each output sees its own place. */
  get windows(): Sight {
    return "own";
  }
}

/** The module of an activation that nothing is to be told. */
const activation = (f: <S extends Shape>(x: Tensor<S>) => Tensor<S>) =>
  class extends Activation {
    forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
      return f(x);
    }
  };

/** `max(x, 0)`; see `relu`. */
export class ReLU extends activation(f.relu) {}

/** `min(max(x, 0), 6)`; see `relu6`. */
export class ReLU6 extends activation(f.relu6) {}

/** `scale · elu(x, alpha)` with the constants that keep mean 0 and variance 1 (Klambauer et al. 2017); see `selu`. */
export class SELU extends activation(f.selu) {}

/** `x σ(x)`, also called swish (Ramachandran, Zoph & Le 2017); see `silu`. */
export class SiLU extends activation(f.silu) {}

/** `x tanh(softplus(x))` (Misra 2019); see `mish`. */
export class Mish extends activation(f.mish) {}

/** `x / (1 + |x|)`; see `softsign`. */
export class Softsign extends activation(f.softsign) {}

/** `x - tanh(x)`; see `tanhshrink`. */
export class Tanhshrink extends activation(f.tanhshrink) {}

/** `min(max(x / 6 + ½, 0), 1)`; see `hardsigmoid`. */
export class Hardsigmoid extends activation(f.hardsigmoid) {}

/** `x · hardsigmoid(x)` (Howard et al. 2019); see `hardswish`. */
export class Hardswish extends activation(f.hardswish) {}

/** `1 / (1 + exp(-x))`; see `sigmoid`. */
export class Sigmoid extends activation(f.sigmoid) {}

/** Hyperbolic tangent; see `tanh`. */
export class Tanh extends activation(f.tanh) {}

/** `log σ(x)`; see `logSigmoid`. */
export class LogSigmoid extends activation(f.logSigmoid) {}

/** `x` where positive, else `slope · x` (Maas, Hannun & Ng 2013); see `leakyRelu`. */
export class LeakyReLU extends Activation {
  readonly slope: number;

  constructor(slope = 0.01) {
    super();
    this.slope = slope;
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.leakyRelu(x, this.slope);
  }
}

/** `x` where positive, else `alpha (exp(x) - 1)` (Clevert et al. 2016); see `elu`. */
export class ELU extends Activation {
  readonly alpha: number;

  constructor(alpha = 1) {
    super();
    this.alpha = alpha;
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.elu(x, this.alpha);
  }
}

/** `x` where positive, else `alpha (exp(x / alpha) - 1)` (Barron 2017); see `celu`. */
export class CELU extends Activation {
  readonly alpha: number;

  constructor(alpha = 1) {
    super();
    this.alpha = alpha;
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.celu(x, this.alpha);
  }
}

/** `log(1 + exp(beta · x)) / beta`; see `softplus`. */
export class Softplus extends Activation {
  readonly beta: number;

  constructor(beta = 1) {
    super();
    this.beta = beta;
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.softplus(x, this.beta);
  }
}

/** `x` moved towards 0 by `threshold`, and 0 where it is nearer than that; see `softshrink`. */
export class Softshrink extends Activation {
  readonly threshold: number;

  constructor(threshold = 0.5) {
    super();
    this.threshold = threshold;
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.softshrink(x, this.threshold);
  }
}

/** `x` outside [-threshold, threshold], else 0; see `hardshrink`. */
export class Hardshrink extends Activation {
  readonly threshold: number;

  constructor(threshold = 0.5) {
    super();
    this.threshold = threshold;
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.hardshrink(x, this.threshold);
  }
}

/** `x` on a straight line through 0, held between `min` (-1 unless told) and `max` (1); see `hardtanh`. */
export class Hardtanh extends Activation {
  readonly min: number;
  readonly max: number;

  constructor(options: { readonly min?: number; readonly max?: number } = {}) {
    super();
    this.min = options.min ?? -1;
    this.max = options.max ?? 1;
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.hardtanh(x, { min: this.min, max: this.max });
  }
}

/** `x Φ(x)` with the normal distribution function Φ, or its tanh approximation (Hendrycks & Gimpel 2016); see `gelu`. */
export class GELU extends Activation {
  readonly approximate: "none" | "tanh";

  constructor(options: { readonly approximate?: "none" | "tanh" } = {}) {
    super();
    this.approximate = options.approximate ?? "none";
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.gelu(x, { approximate: this.approximate });
  }
}

/** `x` where positive, else `weight · x`, with one learnt weight or one for each channel (He et al. 2015); it starts at 0.25. */
export class PReLU extends Activation {
  weight: Tensor;

  constructor(channels = 1, initial = 0.25) {
    super();
    this.weight = full([channels], initial);
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.prelu(x, this.weight);
  }
}

/** The module of an activation that joins the elements along an axis, the last unless told. */
const alongAxis = (f: <S extends Shape>(x: Tensor<S>, axis: number) => Tensor<S>) =>
  class extends Activation {
    readonly axis: number;

    constructor(axis = -1) {
      super();
      this.axis = axis;
    }
    /** Each output sees its own place where the axis is that of the channels. */
    override get windows(): Sight {
      return this.axis === 1 ? "own" : "unknown";
    }
    forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
      return f(x, this.axis);
    }
  };

/** `exp(xᵢ) / Σⱼ exp(xⱼ)` along an axis, the last unless told; see `softmax`. */
export class Softmax extends alongAxis(f.softmax) {}

/** `xᵢ - log Σⱼ exp(xⱼ)` along an axis, the last unless told; see `logSoftmax`. */
export class LogSoftmax extends alongAxis(f.logSoftmax) {}

/** `softmax(-x)` along an axis, the last unless told; see `softmin`. */
export class Softmin extends alongAxis(f.softmin) {}

/** `a · σ(b)`, where a and b are the halves of the input along an axis, the last unless told (Dauphin et al. 2017). */
export class GLU extends Module {
  declare readonly shapes: Unruled;
  readonly axis: number;

  constructor(axis = -1) {
    super();
    this.axis = axis;
  }
  /** Each output sees its own place where the axis is that of the channels. */
  get windows(): Sight {
    return this.axis === 1 ? "own" : "unknown";
  }
  forward(x: Tensor): Tensor {
    return f.glu(x, this.axis);
  }
}
