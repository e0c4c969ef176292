/** What a representation knows: a linear model on features that stay as they are. */
import { ArgumentError, ShapeError, type Tensor, zeros } from "../index.js";
import { crossEntropy, linear, Linear } from "../nn/index.js";
import { minimize } from "../optim/index.js";

export interface LinearProbeOptions {
  /** How many classes there are. */
  readonly classes: number;
  /** Times `½‖W‖²`; 1e-3 unless given. scikit-learn's `C` is `1 / (l2 · N)`. */
  readonly l2?: number;
  readonly maxIterations?: number;
}

/**
 * Multinomial logistic regression from features `[N, d]` to classes int32 `[N]`: the minimum of the mean cross-entropy with
 * `½ l2 ‖W‖²`, found by L-BFGS. The layer it gives takes features to logits; its accuracy on other data says how much of
 * the classes a representation holds in a form that is easy to read (Alain & Bengio 2016).
 */
export async function linearProbe(features: Tensor, labels: Tensor, options: LinearProbeOptions): Promise<Linear> {
  const { classes, l2 = 1e-3, maxIterations = 500 } = options;
  if (features.rank !== 2 || labels.rank !== 1 || labels.shape[0] !== features.shape[0])
    throw new ShapeError(
      `linearProbe: there must be features [N, d] and classes [N], got ${features.describe()} and ${labels.describe()}. flatten the features`,
    );
  if (!(l2 >= 0)) throw new ArgumentError(`linearProbe: l2 must not be negative, got ${l2}. 1e-3 is usual`);
  const { dtype } = features;
  const width = features.shape[1];
  const start = { weight: zeros([classes, width], { dtype }), bias: zeros([classes], { dtype }) };
  const loss = (m: typeof start): Tensor =>
    crossEntropy(linear(features, m.weight, m.bias), labels).add(
      m.weight
        .square()
        .sum()
        .mul(l2 / 2),
    );
  const { x } = await minimize(loss, start, { method: "l-bfgs", gtol: 1e-5, maxIterations });
  const layer = new Linear(width, classes);
  layer.weight = x.weight;
  layer.bias = x.bias;
  return layer;
}
