/** Activations as functions; `activation-layers.ts` wraps them as modules. */
import { operation, ShapeError, softplus as softplusOf, type Tensor, softmax, split, where } from "../index.js";
import { keepsShape } from "./layer.js";

export { logSoftmax, softmax } from "../index.js";

/** `x` below or at 0 and 0 above it, so that what is not selected there cannot overflow. */
const negativePart = (x: Tensor): Tensor => where(x.greater(0), 0, x);

/** `max(x, 0)`; its derivative at 0 is 0. */
export const relu = keepsShape((x) => x.relu());

/** `min(max(x, 0), 6)`. */
export const relu6 = keepsShape((x) => hardtanh(x, { min: 0, max: 6 }));

/** `x` where positive, else `slope · x`. */
export const leakyRelu = keepsShape((x, slope: number = 0.01) => where(x.greater(0), x, x.mul(slope)));

/** `x` where positive, else `weight · x`, with one learnt weight or one for each channel (axis 1). */
export const prelu = keepsShape((x, weight: Tensor) => {
  const [channels = 1] = weight.shape;
  if (weight.rank > 1 || (channels !== 1 && channels !== x.shape[1]))
    throw new ShapeError(
      `prelu: weight must be one number or one for each channel (axis 1), got ${weight.describe()} for ${x.describe()}. reshape the weight`,
    );
  const slopes = weight.reshape(channels === 1 ? [] : x.shape.map((_, i) => (i === 1 ? channels : 1)));
  return where(x.greater(0), x, x.mul(slopes));
});

/** `x` where positive, else `alpha (exp(x) - 1)` (Clevert et al. 2016). */
export const elu = keepsShape((x, alpha: number = 1) => where(x.greater(0), x, negativePart(x).expm1().mul(alpha)));

/** `x` where positive, else `alpha (exp(x / alpha) - 1)` (Barron 2017). */
export const celu = keepsShape((x, alpha: number = 1) =>
  where(x.greater(0), x, negativePart(x).div(alpha).expm1().mul(alpha)),
);

/** Where mean 0 and variance 1 stay: Klambauer et al. 2017, equation 14. */
const seluAlpha = 1.6732632423543772;
const seluScale = 1.0507009873554805;
/** `scale · elu(x, alpha)` with the constants that keep mean 0 and variance 1. */
export const selu = keepsShape((x) => elu(x, seluAlpha).mul(seluScale));

/** `x Φ(x)` with the normal distribution function Φ, or its tanh approximation (Hendrycks & Gimpel 2016). */
export const gelu = keepsShape((x, options: { readonly approximate?: "none" | "tanh" } = {}) => {
  if (options.approximate === "tanh") {
    const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
    return x.mul(inner.tanh().add(1)).mul(0.5);
  }
  return x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5);
});

/** `x σ(x)`, also called swish. */
export const silu = keepsShape((x) => x.mul(x.sigmoid()));

/** `x tanh(softplus(x))` (Misra 2019). */
export const mish = keepsShape((x) => x.mul(softplus(x).tanh()));

/** `log(1 + exp(beta · x)) / beta`, without overflow and with every derivative right at 0. */
export const softplus = keepsShape((x, beta: number = 1) =>
  beta === 1 ? softplusOf(x) : softplusOf(x.mul(beta)).div(beta),
);

/** `x / (1 + |x|)`. */
export const softsign = keepsShape((x) => x.div(x.abs().add(1)));

/** `x - threshold` above the threshold, `x + threshold` below its negative, else 0. */
export const softshrink = keepsShape((x, threshold: number = 0.5) =>
  where(x.greater(threshold), x.sub(threshold), where(x.less(-threshold), x.add(threshold), 0)),
);

/** `x` outside [-threshold, threshold], else 0. */
export const hardshrink = keepsShape((x, threshold: number = 0.5) => where(x.abs().greater(threshold), x, 0));

/** `x - tanh(x)`. */
export const tanhshrink = keepsShape((x) => x.sub(x.tanh()));

/** `x` held between `min` (-1) and `max` (1); its derivative is 0 on and outside the bounds. */
export const hardtanh = keepsShape((x, options: { readonly min?: number; readonly max?: number } = {}) => {
  const { min = -1, max = 1 } = options;
  return where(x.lessEqual(min), min, where(x.greaterEqual(max), max, x));
});

/** `min(max(x / 6 + ½, 0), 1)`. */
export const hardsigmoid = keepsShape((x) => hardtanh(x.div(6).add(0.5), { min: 0, max: 1 }));

/** `x · hardsigmoid(x)` (Howard et al. 2019). */
export const hardswish = keepsShape((x) => x.mul(hardsigmoid(x)));

/** `1 / (1 + exp(-x))`. */
export const sigmoid = keepsShape((x) => x.sigmoid());

/** Hyperbolic tangent. */
export const tanh = keepsShape((x) => x.tanh());

/** `log σ(x) = -softplus(-x)`. */
export const logSigmoid = keepsShape((x) => softplus(x.neg()).neg());

/** `softmax(-x)`. */
export const softmin = keepsShape(operation("softmin", (x: Tensor, axis: number = -1) => softmax(x.neg(), axis)));

/** `a · σ(b)`, where a and b are the halves of `x` along an axis (Dauphin et al. 2017). */
export function glu(x: Tensor, axis = -1): Tensor {
  const length = x.shape.at(axis);
  if (length === undefined || length % 2 === 1)
    throw new ShapeError(`glu: axis ${axis} must have two halves, got ${x.describe()}. name an axis of even length`);
  const [a, b] = split(x, 2, axis);
  return a.mul(b.sigmoid());
}
