/** Activations as modules, for those who like them in a `Sequential`; the functions do as well. */
import { type Shape, type Tensor, full } from "../index.js";
import { Module } from "../tree/index.js";
import * as f from "./activations.js";
import type { Same, Unruled } from "./layer.js";

/** A module that keeps the shape. */
abstract class Activation extends Module {
  declare readonly shapes: Same;
  abstract forward<S extends Shape>(x: Tensor<S>): Tensor<S>;
}

export class ReLU extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.relu(x);
  }
}

export class ReLU6 extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.relu6(x);
  }
}

export class SELU extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.selu(x);
  }
}

export class SiLU extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.silu(x);
  }
}

export class Mish extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.mish(x);
  }
}

export class Softsign extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.softsign(x);
  }
}

export class Tanhshrink extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.tanhshrink(x);
  }
}

export class Hardsigmoid extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.hardsigmoid(x);
  }
}

export class Hardswish extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.hardswish(x);
  }
}

export class Sigmoid extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.sigmoid(x);
  }
}

export class Tanh extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.tanh(x);
  }
}

export class LogSigmoid extends Activation {
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.logSigmoid(x);
  }
}

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

export class Softmax extends Activation {
  readonly axis: number;
  constructor(axis = -1) {
    super();
    this.axis = axis;
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.softmax(x, this.axis);
  }
}

export class LogSoftmax extends Activation {
  readonly axis: number;
  constructor(axis = -1) {
    super();
    this.axis = axis;
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.logSoftmax(x, this.axis);
  }
}

export class Softmin extends Activation {
  readonly axis: number;
  constructor(axis = -1) {
    super();
    this.axis = axis;
  }
  forward<S extends Shape>(x: Tensor<S>): Tensor<S> {
    return f.softmin(x, this.axis);
  }
}

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

/** `x` where positive, else `weight · x`, with one learnt weight or one for each channel; it starts at 0.25. */
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

/** `a · σ(b)`, where a and b are the halves of the input along an axis. */
export class GLU extends Module {
  declare readonly shapes: Unruled;
  readonly axis: number;
  constructor(axis = -1) {
    super();
    this.axis = axis;
  }
  forward(x: Tensor): Tensor {
    return f.glu(x, this.axis);
  }
}
