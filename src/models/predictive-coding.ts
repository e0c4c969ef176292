/** Contrastive predictive coding: telling what comes next from what comes elsewhere. */
import { ArgumentError, ShapeError, type Tensor, vmap, shown } from "../index.js";
import { infoNce, type Layer, Linear } from "../nn/index.js";
import { Module } from "../tree/index.js";

export interface PredictiveCodingOptions {
  /** Takes what is seen at one time to its code: `[M, …]` to `[M, code]`. */
  readonly encoder: Layer;
  /** Takes codes to contexts without looking ahead: `[N, T, code]` to `[N, T, context]`. */
  readonly context: Layer;
  readonly codeSize: number;
  readonly contextSize: number;
  /** How many steps ahead are predicted. */
  readonly steps: number;
}

/**
 * Codes `z_t` of what is seen, contexts `c_t` of the codes so far, and for every k a matrix `W_k` with the score
 * `z_{t+k}ᵀ W_k c_t`, highest for the code that does come k steps later among those of the other sequences of the batch (van
 * den Oord, Li & Vinyals 2018). `log N - loss` bounds the information between context and code from below.
 */
export class PredictiveCoding extends Module {
  readonly encoder: Layer;
  readonly context: Layer;
  /** `W_k`, from one step ahead on. */
  readonly predictors: readonly Linear[];

  constructor({ encoder, context, codeSize, contextSize, steps }: PredictiveCodingOptions) {
    super();
    if (!(Number.isInteger(steps) && steps > 0))
      throw new ArgumentError(
        `PredictiveCoding: steps must be a positive integer, got ${shown(steps)}. 1 predicts the next`,
      );
    this.encoder = encoder;
    this.context = context;
    this.predictors = Array.from({ length: steps }, () => new Linear(contextSize, codeSize, { bias: false }));
  }

  /** Codes `[N, T, code]` of sequences `[N, T, …]`. */
  encode(x: Tensor): Tensor {
    const [n, length, ...rest] = x.shape;
    return this.encoder.forward(x.reshape([n * length, ...rest])).reshape([n, length, -1]);
  }

  /** Contexts `[N, T, context]` of sequences `[N, T, …]`. */
  forward(x: Tensor): Tensor {
    return this.context.forward(this.encode(x));
  }

  /** Mean InfoNCE of sequences `[N, T, …]`, one for each number of steps ahead. */
  losses(x: Tensor): Tensor[] {
    const [, length] = x.shape;
    if (x.rank < 2 || length <= this.predictors.length)
      throw new ShapeError(
        `PredictiveCoding: sequences [N, T, …] must be longer than ${this.predictors.length} steps, got ${x.describe()}. predict fewer steps`,
      );
    const codes = this.encode(x);
    const contexts = this.context.forward(codes);
    return this.predictors.map((predictor, i) => {
      const ahead = i + 1;
      const predicted = predictor.forward(contexts.at(":", `:${length - ahead}`)).swapAxes(0, 1); // [T - k, N, code]
      const scores = predicted.matmul(codes.at(":", `${ahead}:`).swapAxes(0, 1).T); // [T - k, N, N]
      return vmap((s: Tensor) => infoNce(s))(scores).mean();
    });
  }

  /** The mean of `losses`. */
  loss(x: Tensor): Tensor {
    return this.losses(x)
      .reduce((a, b) => a.add(b))
      .div(this.predictors.length);
  }
}
