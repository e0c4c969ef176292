/** Drawing from a model's distribution over classes. */
import { ArgumentError, type Tensor, random } from "../index.js";

export interface SamplingOptions {
  /** The same key gives the same draws; from the default generator unless told. */
  readonly key?: random.Key;
  /** What the logits are divided by; 1 unless told. Below 1 likely classes become likelier; 0 takes the likeliest. */
  readonly temperature?: number;
}

/** Classes drawn by logits `[…, C]`: int32 `[…]`. */
export function draw(logits: Tensor, key: random.Key, temperature = 1): Tensor {
  if (!(temperature >= 0 && temperature < Infinity))
    throw new ArgumentError(
      `sampling: temperature must be finite and not negative, got ${temperature}. 1 draws as the model says`,
    );
  return temperature === 0 ? logits.argmax(-1) : random.categorical(key, logits.div(temperature));
}
