/**
 * What parameters start with: functions of a shape that draw from the default generator. The fans of a weight
 * `[out, in, …kernel]` are `in · kernel` and `out · kernel`.
 */
import { type Shape, ShapeError, Tensor, eye, full, outer, scan, triu, where } from "../index.js";
import * as random from "../random/index.js";

/** Makes a tensor of a shape to start training from; random ones draw from the default generator. */
export type Initializer = <const S extends Shape>(shape: S) => Tensor<S>;

/** All 0. */
export const zeros = (): Initializer => constant(0);
/** All 1. */
export const ones = (): Initializer => constant(1);
/** All the same. */
export const constant =
  (value: number): Initializer =>
  (shape) =>
    full(shape, value);

/** Evenly between `low` (0) and `high` (1). */
export const uniform =
  (low = 0, high = 1): Initializer =>
  (shape) =>
    random.uniform(random.defaultGenerator.next(), shape, { low, high });

/** Normal with mean `mean` (0) and deviation `std` (1). */
export const normal =
  (mean = 0, deviation = 1): Initializer =>
  (shape) =>
    random.normal(random.defaultGenerator.next(), shape, { mean, std: deviation });

/** How many inputs feed one output of a weight, and how many outputs one input feeds. */
export function fans(shape: Shape): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length < 2)
    throw new ShapeError(
      `initializer: a weight must have at least 2 axes to have fans, got [${shape.join(",")}]. use normal or uniform`,
    );
  const [out, into, ...kernel] = shape;
  const window = kernel.reduce((a, b) => a * b, 1);
  return { fanIn: into * window, fanOut: out * window };
}

export interface FanOptions {
  /** Which fan keeps its variance: forward passes need `"in"`, backward passes `"out"`. */
  readonly mode?: "in" | "out" | "average";
  /** Times the standard deviation; see `gain`. */
  readonly gain?: number;
}

const fanOf = (shape: Shape, mode: "in" | "out" | "average"): number => {
  const { fanIn, fanOut } = fans(shape);
  return mode === "in" ? fanIn : mode === "out" ? fanOut : (fanIn + fanOut) / 2;
};

/** A distribution of variance `gain² scale / fan`. */
const scaled =
  (scale: number, defaultMode: "in" | "average", kind: "uniform" | "normal") =>
  (options: FanOptions = {}): Initializer =>
  (shape) => {
    const { mode = defaultMode, gain: factor = 1 } = options;
    const deviation = factor * Math.sqrt(scale / fanOf(shape, mode));
    return kind === "normal" ? normal(0, deviation)(shape) : symmetric(Math.sqrt(3) * deviation)(shape);
  };
const symmetric = (bound: number): Initializer => uniform(-bound, bound);

/** Uniform with variance `1 / fanIn` (LeCun et al. 1998). */
export const lecunUniform = scaled(1, "in", "uniform");
/** Normal with variance `1 / fanIn` (LeCun et al. 1998). */
export const lecunNormal = scaled(1, "in", "normal");
/** Uniform with variance `2 / (fanIn + fanOut)` (Glorot & Bengio 2010); PyTorch's `xavier_uniform_`. */
export const glorotUniform = scaled(1, "average", "uniform");
/** Normal with variance `2 / (fanIn + fanOut)` (Glorot & Bengio 2010); PyTorch's `xavier_normal_`. */
export const glorotNormal = scaled(1, "average", "normal");
/** Uniform with variance `2 / fanIn`, for relu (He et al. 2015); PyTorch's `kaiming_uniform_`. */
export const heUniform = scaled(2, "in", "uniform");
/** Normal with variance `2 / fanIn`, for relu (He et al. 2015); PyTorch's `kaiming_normal_`. */
export const heNormal = scaled(2, "in", "normal");

/** What an activation does to the deviation, undone: PyTorch's `calculate_gain`. */
export function gain(activation: "linear" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "selu", slope = 0.01): number {
  switch (activation) {
    case "linear":
    case "sigmoid":
      return 1;
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leakyRelu":
      return Math.sqrt(2 / (1 + slope ** 2));
    case "selu":
      return 3 / 4;
  }
}

/** What weights of PyTorch's layers start with: `heUniform` for a leaky relu of slope √5, which is `±1 / √fanIn`. */
export const layerWeight = (): Initializer => (shape) => symmetric(1 / Math.sqrt(fans(shape).fanIn))(shape);

/** What biases of PyTorch's layers start with: uniform within `±1 / √fanIn`. */
export const layerBias = (fanIn: number): Initializer => symmetric(fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0);

/** Normal, but for what lies outside [low, high]. */
export const truncatedNormal =
  (mean = 0, deviation = 1, low = -2, high = 2): Initializer =>
  (shape) => {
    const bounds = { low: (low - mean) / deviation, high: (high - mean) / deviation };
    return random.truncatedNormal(random.defaultGenerator.next(), shape, bounds).mul(deviation).add(mean);
  };

/**
 * Rows or columns (whichever are fewer) of a uniformly drawn orthogonal matrix, times `factor`: a weight `[out, in, …]`
 * counts as `[out, in · …]`. A product of random reflections (Stewart 1980).
 */
export const orthogonal =
  (factor = 1): Initializer =>
  (shape) => {
    if (shape.length < 2)
      throw new ShapeError(
        `orthogonal: a weight must have at least 2 axes, got [${shape.join(",")}]. use normal or uniform`,
      );
    const rows = shape[0];
    const columns = shape.slice(1).reduce((a, b) => a * b, 1);
    const tall = randomColumns(Math.max(rows, columns), Math.min(rows, columns));
    return Tensor.of((rows >= columns ? tall : tall.transpose()).mul(factor).reshape(shape).node);
  };

/** `columns` orthonormal columns of length n, uniformly drawn. */
function randomColumns(n: number, columns: number): Tensor {
  // Row j reflects the j-th axis onto a random direction of the axes from j on.
  const x = triu(random.normal(random.defaultGenerator.next(), [columns, n]));
  const diagonal = eye(columns, n);
  const sign = where(x.mul(diagonal).sum(1).less(0), -1, 1);
  const length = x.square().sum(1).sqrt();
  const u = x.add(diagonal.mul(sign.mul(length).expandDims(1)));
  const mirrors = u.div(u.square().sum(1, { keepDims: true }).sqrt());
  const [q] = scan(
    (m: Tensor, v: Tensor) => [m.sub(outer(v, v.matmul(m)).mul(2)), []] as const,
    eye(n, columns).mul(sign.neg()),
    mirrors,
    { reverse: true },
  );
  return q;
}
