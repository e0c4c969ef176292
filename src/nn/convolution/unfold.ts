/** Windows as columns of a matrix, and columns added up where they came from (`im2col` and `col2im`). */
import { type Shape, ShapeError, type Tensor, slidingWindows, vjp, zeros } from "../../index.js";
import { pad } from "../padding.js";
import { type PerAxis, perAxis } from "../spatial.js";
import { type WindowOptions, convOutputSize, windowsOver } from "./geometry.js";

const product = (xs: readonly number[]): number => xs.reduce((a, b) => a * b, 1);

/** The windows of `[N, C, …I]` over any number of spatial axes: `[N, C, …L, …K]`. */
export function windowsOf(name: string, x: Tensor, kernel: PerAxis, options: WindowOptions): Tensor {
  const rank = x.rank - 2;
  if (rank < 1)
    throw new ShapeError(
      `${name}: the input must be [N, C, …], got ${x.describe()}. add the missing axes with reshape`,
    );
  const sizes = perAxis(name, "kernel", kernel, rank);
  const { strides, dilations, padding } = windowsOver(name, x.shape.slice(2), sizes, options);
  const padded = padding.some(([before, after]) => before !== 0 || after !== 0) ? pad(x, padding) : x;
  return slidingWindows(padded, sizes, { axes: sizes.map((_, i) => i + 2), strides, dilations });
}

/**
 * Each window of `[N, C, …I]` as a column: `[N, C · K, L]` with K elements of a window and L windows, PyTorch's `F.unfold`
 * over any number of axes. A convolution is `weight.reshape([out, C · K])` times it.
 */
export function unfold(x: Tensor, kernel: PerAxis, options: WindowOptions = {}): Tensor {
  const windows = windowsOf("unfold", x, kernel, options);
  const [n, c, ...rest] = windows.shape;
  const rank = rest.length / 2;
  const axes = rest.slice(0, rank).map((_, i) => i);
  return windows
    .transpose([0, 1, ...axes.map((i) => 2 + rank + i), ...axes.map((i) => 2 + i)])
    .reshape([n, c * product(rest.slice(rank)), product(rest.slice(0, rank))]);
}

/**
 * Columns `[N, C · K, L]` added up where `unfold` would have taken them from an input of spatial `lengths`: its transpose,
 * PyTorch's `F.fold`.
 */
export function fold(columns: Tensor, lengths: Shape, kernel: PerAxis, options: WindowOptions = {}): Tensor {
  const sizes = perAxis("fold", "kernel", kernel, lengths.length);
  const windows = product(convOutputSize(lengths, sizes, options));
  const taps = product(sizes);
  const [n, rows, count] = columns.shape;
  if (columns.rank !== 3 || rows % taps !== 0 || count !== windows)
    throw new ShapeError(
      `fold: columns must be [N, channels · ${taps}, ${windows}] for lengths [${lengths.join(",")}], got ${columns.describe()}. check the kernel, stride and padding`,
    );
  const [, pull] = vjp(
    (x: Tensor) => unfold(x, sizes, options),
    zeros([n, rows / taps, ...lengths], { dtype: columns.dtype }),
  );
  return pull(columns);
}
