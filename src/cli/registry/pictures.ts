/** Pictures as tensors and back. */
import { type Tensor, tensor } from "../../index.js";
import type { HostArray } from "../../io/index.js";
import type { Picture } from "../../plot/index.js";
import type { Facts } from "./task.js";

/** Levels `[N, C, H, W]` from 0 to 1 with mean 0 and deviation 1 over the training set. */
export function standardised(x: Tensor, { mean, deviation }: Facts): Tensor {
  const perChannel = (values: readonly number[]): Tensor | number =>
    values.length === 1 ? values[0] : tensor(Float32Array.from(values), { shape: [values.length, 1, 1] });
  return x.sub(perChannel(mean)).div(perChannel(deviation));
}

/** Levels `[C, H, W]` from 0 to 1, of one or three channels, to look at. */
export function pictureOf({ data, shape }: HostArray): Picture {
  const [channels, height, width] = shape;
  const size = height * width;
  const pixels = new Uint8Array(size * channels);
  for (let i = 0; i < size; i++)
    for (let c = 0; c < channels; c++) pixels[i * channels + c] = Math.round(255 * data[c * size + i]);
  return { width, height, channels: channels === 3 ? 3 : 1, pixels };
}
