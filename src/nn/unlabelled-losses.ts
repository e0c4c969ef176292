/**
 * Losses whose targets are no labels: what another model says, what the model itself says, and which pairs belong together.
 * `reduction` is `"mean"`, over examples, unless told.
 */
import { arange, ArgumentError, logSoftmax, ShapeError, softmax, stopGradient, type Tensor, where } from "../index.js";
import { crossEntropy, klDivergence, type LossOptions, reduceLoss } from "./losses.js";

function checkTemperature(name: string, temperature: number): void {
  if (!(temperature > 0))
    throw new ArgumentError(`${name}: the temperature must be positive, got ${temperature}. 1 changes nothing`);
}

/**
 * `T² KL(softmax(teacher / T) ‖ softmax(student / T))` for logits `[N, C, …]`: distillation (Hinton, Vinyals & Dean 2015). The
 * factor keeps the gradient's size at high temperatures, where it tends to `(z - v) / C` for logits z, v of mean 0. No
 * gradient goes to the teacher.
 */
export function distillation(
  student: Tensor,
  teacher: Tensor,
  options: LossOptions & { readonly temperature?: number } = {},
): Tensor {
  const { temperature = 1, reduction } = options;
  checkTemperature("distillation", temperature);
  if (student.shape.join() !== teacher.shape.join())
    throw new ShapeError(
      `distillation: logits of student and teacher must have the same shape, got ${student.describe()} and ${teacher.describe()}. let both tell the same classes apart`,
    );
  const target = softmax(stopGradient(teacher).div(temperature), 1);
  const terms = klDivergence(logSoftmax(student.div(temperature), 1), target, { reduction: "none" });
  return reduceLoss(terms.sum(1).mul(temperature ** 2), reduction);
}

/**
 * `-Σ p log p` for `p = softmax(logits)` over axis 1. Minimised on examples without labels it moves the boundaries between
 * classes to where there are few of them (Grandvalet & Bengio 2004).
 */
export function entropy(logits: Tensor, options: LossOptions = {}): Tensor {
  const logs = logSoftmax(logits, 1);
  // A class of no probability counts for nothing, also where its logit is -∞.
  const terms = where(logs.equal(-Infinity), 0, logs.exp().mul(logs));
  return reduceLoss(terms.sum(1).neg(), options.reduction);
}

/**
 * Cross-entropy with the class that `guide`, other logits of the same examples, holds most probable; 0 for examples of which
 * it is less sure than `threshold`, which count in the mean (Lee 2013; with weak and strong augmentation, FixMatch: Sohn et
 * al. 2020). No gradient goes to the guide.
 */
export function pseudoLabel(
  logits: Tensor,
  guide: Tensor,
  options: LossOptions & { readonly threshold?: number } = {},
): Tensor {
  const { threshold = 0.95, reduction } = options;
  if (!(threshold >= 0 && threshold <= 1))
    throw new ArgumentError(`pseudoLabel: the threshold must be from 0 to 1, got ${threshold}. 0.95 is usual`);
  const probabilities = softmax(stopGradient(guide), 1);
  const losses = crossEntropy(logits, probabilities.argmax(1), { reduction: "none" });
  return reduceLoss(where(probabilities.max(1).greaterEqual(threshold), losses, 0), reduction);
}

/**
 * `-log(exp(sᵢᵢ) / Σⱼ exp(sᵢⱼ))` for scores `[N, N]` of N queries with N keys, of which each query's own stands on the
 * diagonal and the others are its negatives (van den Oord, Li & Vinyals 2018). `log N - infoNce` bounds the information
 * between query and key from below, and is at most log N.
 */
export function infoNce(scores: Tensor, options: LossOptions = {}): Tensor {
  const [n, m] = scores.shape;
  if (scores.rank !== 2 || n !== m)
    throw new ShapeError(
      `infoNce: there must be as many keys as queries, got ${scores.describe()}. score each query [N, …] with each key: [N, N]`,
    );
  return crossEntropy(scores, arange(n).astype("int32"), options);
}

/** Cosines of every row of `a[N, d]` with every row of `b[M, d]`, over a temperature: `[N, M]` (SimCLR, CLIP). */
export function cosineScores(a: Tensor, b: Tensor, options: { readonly temperature?: number } = {}): Tensor {
  const { temperature = 1 } = options;
  checkTemperature("cosineScores", temperature);
  if (a.rank !== 2 || b.rank !== 2 || a.shape[1] !== b.shape[1])
    throw new ShapeError(
      `cosineScores: both must hold vectors of one length, got ${a.describe()} and ${b.describe()}. reshape them to [N, d]`,
    );
  const unit = (x: Tensor): Tensor => x.div(x.square().sum(1, { keepDims: true }).add(1e-24).sqrt());
  return unit(a).matmul(unit(b).transpose()).div(temperature);
}
