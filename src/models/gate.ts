/** The gate of the gated convolutional networks (van den Oord et al. 2016). */
import type { Tensor } from "../index.js";

/** `tanh(a) · σ(b)`, where a and b are the halves of the channels: `[N, 2 C, …]` to `[N, C, …]`. */
export function gate(both: Tensor): Tensor {
  const channels = both.shape[1] / 2;
  const [a, b] = [both.at(":", `:${channels}`), both.at(":", `${channels}:`)];
  return a.tanh().mul(b.sigmoid());
}
