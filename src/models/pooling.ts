/** Pooling in PyTorch's `ceil_mode`, and to a given size. */
import { type Tensor, tensor } from "../index.js";
import { maxPool2d } from "../nn/index.js";

/** Maxima over windows of `[N, C, H, W]`, of which the last may reach over the end. */
export function ceilMaxPool2d(x: Tensor, kernel: number, stride: number): Tensor {
  const missing = (length: number): [number, number] => {
    const steps = Math.ceil((length - kernel) / stride);
    return [0, (steps * stride >= length ? steps - 1 : steps) * stride + kernel - length];
  };
  const [, , height, width] = x.shape;
  const edges = [[0, 0], [0, 0], missing(height), missing(width)] satisfies [number, number][];
  return maxPool2d(x.pad(edges, Number.NEGATIVE_INFINITY), kernel, { stride });
}

/** `[outputs, length]`: row i is the mean over positions from ⌊i L / n⌋ to ⌈(i + 1) L / n⌉. */
const means = (length: number, outputs: number): number[][] =>
  Array.from({ length: outputs }, (_, i) => {
    const from = Math.floor((i * length) / outputs);
    const to = Math.ceil(((i + 1) * length) / outputs);
    return Array.from({ length }, (_, j) => (from <= j && j < to ? 1 / (to - from) : 0));
  });

/** Means of `size × size` parts of `[N, C, H, W]`. */
export function adaptiveAvgPool2d(x: Tensor, size: number): Tensor {
  const [, , height, width] = x.shape;
  const rows = tensor(means(height, size), { dtype: "float64" }).astype(x.dtype);
  const columns = tensor(means(width, size), { dtype: "float64" }).astype(x.dtype);
  return rows.matmul(x).matmul(columns.transpose());
}
