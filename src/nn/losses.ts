/** Losses, with PyTorch's meanings: `reduction` is `"mean"` unless told. */
import {
  ArgumentError,
  DTypeError,
  ShapeError,
  type Tensor,
  arange,
  isFloat,
  logSoftmax,
  onesLike,
  operation,
  softmax,
  where,
} from "../index.js";
import { relu, softplus } from "./activations.js";
import { checkIndices } from "./indices.js";

/** How the losses of the elements are joined: their mean, their sum, or not at all. */
export type Reduction = "mean" | "sum" | "none";
export interface LossOptions {
  readonly reduction?: Reduction;
}

/** Losses of elements joined: their mean unless told, their sum, or as they are. */
export function reduceLoss(values: Tensor, reduction: Reduction = "mean"): Tensor {
  switch (reduction) {
    case "mean":
      return values.mean();
    case "sum":
      return values.sum();
    case "none":
      return values;
    default:
      throw new ArgumentError(
        `loss: reduction must be "mean", "sum" or "none", got ${JSON.stringify(reduction)}. choose one of them`,
      );
  }
}

/** Losses of pairs compare elements of equal shapes: broadcasting here would hide a missing axis. */
function checkPair(name: string, input: Tensor, target: Tensor): void {
  if (input.shape.length !== target.shape.length || input.shape.some((d, i) => d !== target.shape[i]))
    throw new ShapeError(
      `${name}: input and target must have the same shape, got ${input.describe()} and ${target.describe()}. reshape one of them`,
    );
}

/** Squared error `(input - target)²`. */
export function mse(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkPair("mse", input, target);
  return reduceLoss(input.sub(target).square(), options.reduction);
}

/** Absolute error `|input - target|`. */
export function l1(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkPair("l1", input, target);
  return reduceLoss(input.sub(target).abs(), options.reduction);
}

/** `½d²` where `|d| < delta`, else `delta (|d| - ½delta)`, with `d = input - target` (Huber 1964). */
export function huber(input: Tensor, target: Tensor, options: LossOptions & { readonly delta?: number } = {}): Tensor {
  const { delta = 1, reduction } = options;
  checkPair("huber", input, target);
  if (!(delta > 0)) throw new ArgumentError(`huber: delta must be positive, got ${delta}. 1 is usual`);
  const d = input.sub(target);
  const size = d.abs();
  return reduceLoss(where(size.less(delta), d.square().mul(0.5), size.sub(0.5 * delta).mul(delta)), reduction);
}

/** `½d²/beta` where `|d| < beta`, else `|d| - ½beta`; `beta` 0 is the absolute error. */
export function smoothL1(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { readonly beta?: number } = {},
): Tensor {
  const { beta = 1, reduction } = options;
  if (beta === 0) return l1(input, target, { reduction });
  checkPair("smoothL1", input, target);
  if (!(beta > 0)) throw new ArgumentError(`smoothL1: beta must not be negative, got ${beta}. 1 is usual`);
  const d = input.sub(target);
  const size = d.abs();
  return reduceLoss(where(size.less(beta), d.square().mul(0.5 / beta), size.sub(0.5 * beta)), reduction);
}

export interface ClassLossOptions extends LossOptions {
  /** One factor for every class, `[C]`. */
  readonly weight?: Tensor;
  /** Targets with this value count for nothing; -100 unless told. */
  readonly ignoreIndex?: number;
}
export interface CrossEntropyOptions extends ClassLossOptions {
  /** The share of every target that is spread evenly over all classes, in [0, 1]. */
  readonly labelSmoothing?: number;
}

/** The class axis of logits: 1, or 0 for a single example `[C]`. */
const classAxis = (input: Tensor): number => (input.shape.length > 1 ? 1 : 0);

/** A vector over the classes, ready to broadcast against `input`. */
const alongClasses = (vector: Tensor, input: Tensor): Tensor =>
  vector.reshape(input.shape.map((d, i) => (i === classAxis(input) ? d : 1)));

function checkClassWeight(name: string, input: Tensor, weight: Tensor | undefined): void {
  const classes = input.shape[classAxis(input)];
  if (weight && (weight.shape.length !== 1 || weight.shape[0] !== classes))
    throw new ShapeError(
      `${name}: weight must have one factor for each of ${classes} classes, got ${weight.describe()}. give every class one`,
    );
}

/** Where each element of `input` stands for its target's class, and which targets count at all. */
function markTargets(name: string, input: Tensor, target: Tensor, ignoreIndex: number) {
  const axis = classAxis(input);
  const expected = input.shape.toSpliced(axis, 1);
  if (target.shape.length !== expected.length || target.shape.some((d, i) => d !== expected[i]))
    throw new ShapeError(
      `${name}: target must have the shape [${expected.join(",")}] of the input without its class axis ${axis}, got ${input.describe()} and ${target.describe()}. move or drop an axis`,
    );
  const kept = target.notEqual(ignoreIndex);
  const classes = input.shape[axis];
  const mark = alongClasses(arange(classes).astype(target.dtype), input).equal(target.expandDims(axis));
  const valid = target.greaterEqual(0).and(target.less(classes)).or(kept.not());
  return { axis, kept, valid, mark: mark.and(kept.expandDims(axis)) };
}

/**
 * `-weight[t] · logProbabilities[t]` for the integer target t of every example; the mean is over the weights of the
 * targets that count.
 *
 * @throws ArgumentError for a target that is known and is neither a class nor `ignoreIndex`. One that is still to be computed,
 * as inside `compile`, gives NaN.
 */
export function nll(logProbabilities: Tensor, target: Tensor, options: ClassLossOptions = {}): Tensor {
  return classLoss("nll", logProbabilities, target, options);
}

function classLoss(name: string, logs: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  const { weight, ignoreIndex = -100, labelSmoothing = 0, reduction = "mean" } = options;
  checkClassWeight(name, logs, weight);
  const { axis, kept, valid, mark } = markTargets(name, logs, target, ignoreIndex);
  checkIndices(
    target,
    logs.shape[axis],
    `${name}: targets must be classes`,
    "check the labels, or make more logits",
    ignoreIndex,
  );
  const weights = weight ? alongClasses(weight, logs) : onesLike(logs);
  const weighted = weight ? logs.mul(weights) : logs;
  const share = where(mark, weights, 0).sum(axis);
  let losses = where(mark, weighted, 0).sum(axis).neg();
  if (labelSmoothing > 0) {
    const even = where(kept, weighted.sum(axis).neg(), 0);
    losses = losses.mul(1 - labelSmoothing).add(even.mul(labelSmoothing / logs.shape[axis]));
  }
  losses = where(valid, losses, Number.NaN);
  return reduction === "mean" ? losses.sum().div(share.sum()) : reduceLoss(losses, reduction);
}

/**
 * `-log softmax(logits)[t]`, for logits `[N, C, …]` (or `[C]`) and a target that is a class for every example (integers
 * `[N, …]`) or a distribution over classes (floats, shaped like the logits).
 *
 * With label smoothing ε the target becomes `(1 - ε) target + ε / C` (Szegedy et al. 2016).
 *
 * @throws ArgumentError for a target that is no class, as `nll`.
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { weight, labelSmoothing = 0, reduction = "mean" } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new ArgumentError(`crossEntropy: labelSmoothing must be from 0 to 1, got ${labelSmoothing}. 0.1 is usual`);
  const axis = classAxis(logits);
  const logs = logSoftmax(logits, axis);
  if (!isFloat(target.dtype)) return classLoss("crossEntropy", logs, target, options);
  if (target.rank === logits.rank - 1)
    throw new DTypeError(
      `crossEntropy: classes must be integers, got ${logits.describe()} and ${target.describe()}. convert them with astype("int32")`,
    );
  checkPair("crossEntropy", logits, target);
  checkClassWeight("crossEntropy", logits, weight);
  const classes = logits.shape[axis];
  const soft = labelSmoothing > 0 ? target.mul(1 - labelSmoothing).add(labelSmoothing / classes) : target;
  const weighted = weight ? soft.mul(alongClasses(weight, logits)) : soft;
  // A class of no probability counts for nothing, also where its logit is -∞.
  const losses = where(weighted.equal(0), 0, logs.mul(weighted)).sum(axis).neg();
  return reduceLoss(losses, reduction);
}

/**
 * One minus the soft Dice coefficient of every example and class, `1 - (2 Σ p t + s) / (Σ p + Σ t + s)`, with
 * `p = softmax(logits)` and `s` = `smooth` (Milletari et al. 2016, without their squares): `[N, C]` before they are
 * reduced. Logits are `[N, C, …]`, the target's classes integers `[N, …]`.
 */
export function dice(logits: Tensor, target: Tensor, options: LossOptions & { readonly smooth?: number } = {}): Tensor {
  const { smooth = 1e-5, reduction } = options;
  if (logits.rank < 3)
    throw new ShapeError(`dice: logits must be [N, C, …], got ${logits.describe()}. add the axes that are summed over`);
  const { mark } = markTargets("dice", logits, target, -100);
  const axes = logits.shape.slice(2).map((_, i) => i + 2);
  const p = softmax(logits, 1);
  const both = where(mark, p, 0).sum(axes); // [N, C]
  const sizes = p.sum(axes).add(where(mark, onesLike(p), 0).sum(axes));
  return reduceLoss(both.mul(2).add(smooth).div(sizes.add(smooth)).neg().add(1), reduction);
}

/** `-(t log p + (1 - t) log(1 - p))` for probabilities p; logarithms are held above -100, as PyTorch does. */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { readonly weight?: Tensor } = {},
): Tensor {
  checkPair("binaryCrossEntropy", input, target);
  const { weight, reduction } = options;
  const yes = input.log().maximum(-100).mul(target);
  const no = input.neg().log1p().maximum(-100).mul(target.neg().add(1));
  const losses = yes.add(no).neg();
  return reduceLoss(weight ? losses.mul(weight) : losses, reduction);
}

/** Binary cross-entropy of `sigmoid(logits)`; `positiveWeight` scales the losses of positive targets. */
export function binaryCrossEntropyWithLogits(
  logits: Tensor,
  target: Tensor,
  options: LossOptions & { readonly weight?: Tensor; readonly positiveWeight?: Tensor } = {},
): Tensor {
  checkPair("binaryCrossEntropyWithLogits", logits, target);
  const { weight, positiveWeight, reduction } = options;
  const scaled = positiveWeight ? target.mul(positiveWeight) : target;
  // -log σ(x) = softplus(-x) and -log(1 - σ(x)) = softplus(x)
  const losses = softplus(logits.neg())
    .mul(scaled)
    .add(softplus(logits).mul(target.neg().add(1)));
  return reduceLoss(weight ? losses.mul(weight) : losses, reduction);
}

/**
 * `target · (log target - input)`, where `input` holds log-probabilities and `target` probabilities (or their logarithms
 * with `logTarget`). Reduction `"batchMean"` divides the sum by the first axis: the divergence itself.
 */
export function klDivergence(
  input: Tensor,
  target: Tensor,
  options: { readonly reduction?: Reduction | "batchMean"; readonly logTarget?: boolean } = {},
): Tensor {
  checkPair("klDivergence", input, target);
  const { reduction = "mean", logTarget = false } = options;
  const present = target.greater(0);
  const losses = logTarget
    ? target.exp().mul(target.sub(input))
    : where(present, target.mul(where(present, target, 1).log().sub(input)), 0);
  return reduction === "batchMean" ? losses.sum().div(input.shape[0]) : reduceLoss(losses, reduction);
}

/** `input` where the target is 1, `max(0, margin - input)` where it is -1. */
export function hingeEmbedding(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { readonly margin?: number } = {},
): Tensor {
  checkPair("hingeEmbedding", input, target);
  const { margin = 1, reduction } = options;
  return reduceLoss(where(target.greater(0), input, relu(input.neg().add(margin))), reduction);
}

/** `a·b / (‖a‖ ‖b‖)` along an axis; the squared norms are held above 0 by 1e-12. */
export const cosineSimilarity = operation("cosineSimilarity", (a: Tensor, b: Tensor, axis: number = -1): Tensor => {
  checkPair("cosineSimilarity", a, b);
  const squared = (x: Tensor): Tensor => x.square().sum(axis).add(1e-12);
  return a
    .mul(b)
    .sum(axis)
    .div(squared(a).mul(squared(b)).sqrt());
});

/** `1 - cos(a, b)` where the target is 1, `max(0, cos(a, b) - margin)` where it is -1. */
export function cosineEmbedding(
  a: Tensor,
  b: Tensor,
  target: Tensor,
  options: LossOptions & { readonly margin?: number } = {},
): Tensor {
  const { margin = 0, reduction } = options;
  const cosine = cosineSimilarity(a, b);
  checkPair("cosineEmbedding", cosine, target);
  return reduceLoss(where(target.greater(0), cosine.neg().add(1), relu(cosine.sub(margin))), reduction);
}

/** `log(1 + exp(-target · input))` for targets 1 and -1. */
export function softMargin(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkPair("softMargin", input, target);
  return reduceLoss(softplus(input.mul(target).neg()), options.reduction);
}

/** `exp(input) - target · input`: the negative log-likelihood of counts whose log-rate is `input`, up to a constant. */
export function poissonNll(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkPair("poissonNll", input, target);
  return reduceLoss(input.exp().sub(target.mul(input)), options.reduction);
}

/** `½(log v + (input - target)² / v)`: the negative log-likelihood of a normal distribution, up to a constant. */
export function gaussianNll(input: Tensor, target: Tensor, variance: Tensor, options: LossOptions = {}): Tensor {
  checkPair("gaussianNll", input, target);
  const v = variance.maximum(1e-6);
  return reduceLoss(v.log().add(input.sub(target).square().div(v)).mul(0.5), options.reduction);
}

/** `max(0, ‖anchor - positive‖ - ‖anchor - negative‖ + margin)` over the last axis. */
export function tripletMargin(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: LossOptions & { readonly margin?: number } = {},
): Tensor {
  const { margin = 1, reduction } = options;
  checkPair("tripletMargin", anchor, positive);
  checkPair("tripletMargin", anchor, negative);
  // The 1e-6 keeps the norm of equal points differentiable.
  const distance = (other: Tensor): Tensor => anchor.sub(other).add(1e-6).square().sum(-1).sqrt();
  return reduceLoss(relu(distance(positive).sub(distance(negative)).add(margin)), reduction);
}
