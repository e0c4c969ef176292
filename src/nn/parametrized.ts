/** Layers whose weights are computed from others: weight and spectral normalisation, or any function of a tensor. */
import { ArgumentError, type Fits, type Shape, type ShapeOf, stopGradient, Tensor, shown } from "../index.js";
import * as random from "../random/index.js";
import { Module } from "../tree/index.js";
import { ConvTranspose } from "./convolution/transposed.js";
import type { Layer, RuleOf, Through } from "./layer.js";
import { normalize } from "./norm.js";
import { pass, type Stage } from "./sequential.js";

/** The tensor in a field of a layer. */
function tensorIn(layer: object, field: string): Tensor {
  const value: unknown = Reflect.get(layer, field);
  const tensors = Object.keys(layer).filter((key) => Reflect.get(layer, key) instanceof Tensor);
  if (!(value instanceof Tensor))
    throw new ArgumentError(
      `Parametrized: the layer must hold a tensor in "${field}", got ${typeof value}. name one of ${tensors.join(", ")}`,
    );
  return value;
}

/**
 * A layer that works with `parametrization(tensor)` in place of the tensor in one of its fields. What is trained and saved is
 * the layer's own tensor, under the layer's path (`layer.weight`), and what the parametrisation holds.
 *
 * `new Parametrized(new Linear(8, 8), "weight", (w) => w.add(w.transpose()))` is a linear layer with a symmetric matrix.
 */
export class Parametrized<L extends Module & Layer, P extends Stage = Stage> extends Module {
  declare readonly shapes: RuleOf<L>;
  readonly layer: L;
  readonly field: string;
  readonly parametrization: P;

  constructor(layer: L, field: string, parametrization: P) {
    super();
    tensorIn(layer, field);
    this.layer = layer;
    this.field = field;
    this.parametrization = parametrization;
  }

  /** What the layer's outputs see. */
  get windows(): unknown {
    return "windows" in this.layer ? this.layer.windows : "unknown";
  }

  /** What the layer works with. */
  parametrized(): Tensor {
    return pass(this.parametrization, tensorIn(this.layer, this.field));
  }

  /** Gives the layer to `run` while the parametrised tensor stands in its field. */
  within<R>(run: (layer: L) => R): R {
    const original = tensorIn(this.layer, this.field);
    Reflect.set(this.layer, this.field, this.parametrized());
    try {
      return run(this.layer);
    } finally {
      Reflect.set(this.layer, this.field, original);
    }
  }

  /** The layer, with the parametrised tensor in its field for good. */
  folded(): L {
    Reflect.set(this.layer, this.field, this.parametrized());
    return this.layer;
  }

  forward<const S extends Shape>(
    x: Tensor<S> & Fits<Through<RuleOf<L>, S, "Parametrized">>,
  ): Tensor<ShapeOf<Through<RuleOf<L>, S, "Parametrized">>>;
  forward(x: Tensor): Tensor {
    return this.within((layer) => layer.forward(x));
  }
}

/** Axes of a tensor but one, from the end where negative; all for `null`. */
function axesBut(name: string, x: Tensor, axis: number | null): number[] {
  const kept = axis === null ? null : axis < 0 ? axis + x.rank : axis;
  if (kept !== null && !(Number.isInteger(kept) && kept >= 0 && kept < x.rank))
    throw new ArgumentError(`${name}: axis must be one of ${x.describe()}, got ${axis}. 0 are a layer's outputs`);
  return x.shape.flatMap((_, i) => (i === kept ? [] : [i]));
}

const lengthsOver = (x: Tensor, axes: readonly number[]): Tensor => x.square().sum(axes, { keepDims: true }).sqrt();

/** `magnitude · v / ‖v‖` for every slice along an axis: a vector's length and direction apart (Salimans & Kingma 2016). */
export class WeightNorm extends Module {
  readonly axis: number | null;
  /** The lengths; those of the given tensor to begin with, which then stays as it is. */
  magnitude: Tensor;

  /** `axis` is that of the outputs, 0 unless told; `null` for one length of the whole tensor. */
  constructor(v: Tensor, axis: number | null = 0) {
    super();
    this.axis = axis;
    this.magnitude = lengthsOver(v, axesBut("WeightNorm", v, axis));
  }

  forward(v: Tensor): Tensor {
    return v.mul(this.magnitude.div(lengthsOver(v, axesBut("WeightNorm", v, this.axis))));
  }
}

/** `[length of the axis, rest]`. */
function asMatrix(x: Tensor, axis: number): Tensor {
  const front = x.moveAxis(axis, 0);
  return front.reshape([front.shape[0], front.size / front.shape[0]]);
}

export interface SpectralNormOptions {
  /** Steps of power iteration at each forward pass in training; 1 unless told. */
  readonly powerIterations?: number;
  /** The axis of the outputs: 0 unless told, and 1 of a transposed convolution that `spectralNorm` is given. */
  readonly axis?: number;
  /** The least length in a division; 1e-12 unless told. */
  readonly epsilon?: number;
}

/**
 * `W / σ(W)`, where σ is the largest singular value of the matrix `[outputs, rest]`, found by power iteration (Miyato et
 * al. 2018). In training every call makes a step, which has no gradient; in evaluation the vectors stay.
 */
export class SpectralNorm extends Module {
  readonly axis: number;
  readonly powerIterations: number;
  readonly epsilon: number;
  /** The left singular vector, of length one. */
  u: Tensor;
  /** The right singular vector, of length one. */
  v: Tensor;

  /** Begins with random vectors and 15 steps on the given tensor. */
  constructor(weight: Tensor, options: SpectralNormOptions = {}) {
    super();
    const { powerIterations = 1, axis = 0, epsilon = 1e-12 } = options;
    if (!Number.isInteger(powerIterations) || powerIterations < 1)
      throw new ArgumentError(
        `SpectralNorm: powerIterations must be a positive integer, got ${shown(powerIterations)}. 1 is enough when weights move slowly`,
      );
    axesBut("SpectralNorm", weight, axis);
    this.axis = axis;
    this.powerIterations = powerIterations;
    this.epsilon = epsilon;
    const matrix = asMatrix(weight, this.axis);
    const [u, v] = matrix.shape.map((n) => normalize(random.randn([n]), 0, epsilon).astype(weight.dtype));
    this.u = u;
    this.v = v;
    this.iterate(matrix, 15);
  }

  override get buffers(): readonly string[] {
    return ["u", "v"];
  }

  /** Steps of power iteration. */
  private iterate(matrix: Tensor, steps: number): void {
    const fixed = stopGradient(matrix);
    for (let i = 0; i < steps; i++) {
      this.u = normalize(fixed.matmul(this.v), 0, this.epsilon);
      this.v = normalize(this.u.matmul(fixed), 0, this.epsilon);
    }
  }

  forward(weight: Tensor): Tensor {
    const matrix = asMatrix(weight, this.axis);
    if (this.training) this.iterate(matrix, this.powerIterations);
    return weight.div(this.u.mul(matrix.matmul(this.v)).sum());
  }
}

/** A layer with its weight's lengths and directions trained apart; see `WeightNorm`. */
export const weightNorm = <L extends Module & Layer>(
  layer: L,
  options: { readonly field?: string; readonly axis?: number | null } = {},
): Parametrized<L, WeightNorm> => {
  const { field = "weight", axis = 0 } = options;
  return new Parametrized(layer, field, new WeightNorm(tensorIn(layer, field), axis));
};

/** A layer whose weight is divided by its largest singular value; see `SpectralNorm`. */
export const spectralNorm = <L extends Module & Layer>(
  layer: L,
  options: SpectralNormOptions & { readonly field?: string } = {},
): Parametrized<L, SpectralNorm> => {
  const { field = "weight", axis = layer instanceof ConvTranspose ? 1 : 0, ...rest } = options;
  return new Parametrized(layer, field, new SpectralNorm(tensorIn(layer, field), { axis, ...rest }));
};
