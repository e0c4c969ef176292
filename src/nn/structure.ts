/** How layers are joined otherwise than one after the other: sums, concatenations, and gates. */
import { ArgumentError, type Fits, type Shape, ShapeError, type ShapeOf, type Tensor, concatenate } from "../index.js";
import { Module } from "../tree/index.js";
import { relu, sigmoid } from "./activations.js";
import { Conv2d } from "./convolution/index.js";
import type { PerChannel, RuleOf, Sight, Through, Unruled } from "./layer.js";
import { pass, type Stage } from "./sequential.js";
import { checkChannels } from "./spatial.js";

/** `f(x) + shortcut(x)`; the shortcut is the identity unless told (He et al. 2016). */
export class Residual<F extends Stage = Stage, H extends Stage = (x: Tensor) => Tensor> extends Module {
  declare readonly shapes: RuleOf<F>;
  readonly f: F;
  readonly shortcut: H | null;

  constructor(f: F, shortcut: H | null = null) {
    super();
    this.f = f;
    this.shortcut = shortcut;
  }

  /** Those of the branch and of the shortcut differ. */
  get windows(): Sight {
    return "unknown";
  }

  forward<const S extends Shape>(
    x: Tensor<S> & Fits<Through<RuleOf<F>, S, "Residual">>,
  ): Tensor<ShapeOf<Through<RuleOf<F>, S, "Residual">>>;
  forward(x: Tensor): Tensor {
    const y = pass(this.f, x);
    const around = this.shortcut === null ? x : pass(this.shortcut, x);
    if (y.shape.join() !== around.shape.join())
      throw new ShapeError(
        `Residual: the branch and the shortcut must give one shape, got ${y.describe()} and ${around.describe()}. project the shortcut`,
      );
    return y.add(around);
  }
}

/** The outputs of several branches of one input, joined along an axis, 1 unless told (Szegedy et al. 2015). */
export class Branches<const B extends readonly Stage[] = readonly Stage[]> extends Module {
  declare readonly shapes: Unruled;
  readonly branches: B;
  readonly axis: number;

  constructor(branches: B, axis = 1) {
    super();
    if (branches.length === 0)
      throw new ArgumentError(`${new.target.name}: there must be at least one branch, got none. give it layers`);
    this.branches = branches;
    this.axis = axis;
  }

  /** Branches differ. */
  get windows(): Sight {
    return "unknown";
  }

  forward(x: Tensor): Tensor {
    const parts = this.branches.map((branch) => pass(branch, x));
    const axis = this.axis < 0 ? this.axis + parts[0].rank : this.axis;
    const around = parts.map((part) => part.shape.with(axis, 0).join());
    if (!(axis in parts[0].shape) || around.some((shape) => shape !== around[0]))
      throw new ShapeError(
        `${this.constructor.name}: branches must give one shape but for axis ${this.axis}, got ${parts.map((part) => part.describe()).join(", ")}. pad, or give them equal strides`,
      );
    return concatenate(parts, axis);
  }
}

/** `[x, f(x)]` joined along an axis, 1 unless told: every layer sees all before it (Huang et al. 2017). */
export class DenseConnection<F extends Stage = Stage> extends Branches<readonly [Stage, F]> {
  constructor(f: F, axis = 1) {
    super([(x: Tensor) => x, f], axis);
  }
}

export interface SqueezeExciteOptions {
  /** Between the two layers; ReLU unless told. */
  readonly activation?: Stage;
  /** Makes the gate; the sigmoid unless told. */
  readonly scaleActivation?: Stage;
}

/**
 * `x · σ(W₂ δ(W₁ mean(x)))`: every channel of `[N, C, H, W]` is scaled by what the means of all channels say (Hu et al. 2018).
 * The fields are torchvision's.
 */
export class SqueezeExcite<C extends number = number> extends Module {
  declare readonly shapes: PerChannel<C>;
  readonly fc1: Conv2d;
  readonly fc2: Conv2d;
  readonly activation: Stage;
  readonly scaleActivation: Stage;

  constructor(channels: C, squeezeChannels: number, options: SqueezeExciteOptions = {}) {
    super();
    this.fc1 = new Conv2d<number, number>(channels, squeezeChannels, 1);
    this.fc2 = new Conv2d<number, number>(squeezeChannels, channels, 1);
    this.activation = options.activation ?? relu;
    this.scaleActivation = options.scaleActivation ?? sigmoid;
  }

  /** Means are over all places. */
  get windows(): Sight {
    return "all";
  }

  forward<S extends Shape>(x: Tensor<S>): Tensor<S>;
  forward(x: Tensor): Tensor {
    if (x.rank !== 4)
      throw new ShapeError(`SqueezeExcite: the input must be [N, C, H, W], got ${x.describe()}. reshape it`);
    checkChannels("SqueezeExcite", x, this.fc1.weight.shape[1]);
    const squeezed = x.mean([2, 3], { keepDims: true }); // [N, C, 1, 1]
    const hidden = pass(this.activation, this.fc1.forward(squeezed));
    return x.mul(pass(this.scaleActivation, this.fc2.forward(hidden)));
  }
}
