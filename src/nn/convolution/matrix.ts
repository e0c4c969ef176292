/** The matrix that a convolution is. */
import { type Shape, ShapeError, type Tensor, einsum, eye, slidingWindows } from "../../index.js";
import { pad } from "../padding.js";
import type { ConvOptions } from "./conv.js";
import { windowsOver } from "./geometry.js";

/** Sums over taps, by the number of axes: kernel, then which element of each axis tap `p` of window `l` reads. */
const sums = ["ocp,ilp->olci", "ocpq,ilp,jmq->olmcij", "ocpqr,ilp,jmq,knr->olmncijk"];

/** A grouped weight as the ungrouped one that does the same: zeros from every group to the others. */
function ungrouped(weight: Tensor, groups: number): Tensor {
  if (groups === 1) return weight;
  const [out, into, ...kernel] = weight.shape;
  const own = eye(groups, groups, { dtype: weight.dtype }).reshape([groups, 1, groups, 1, ...kernel.map(() => 1)]);
  return weight
    .reshape([groups, out / groups, 1, into, ...kernel])
    .mul(own)
    .reshape([out, into * groups, ...kernel]);
}

/**
 * The matrix T of a convolution with weight `[out, in / groups, …K]` over an input with spatial axes of the given lengths:
 * `T · vec(x) = vec(y)` with `x` as `[in, …I]` and `y` as `[out, …L]`, so T is `[out · L, in · I]`. On one channel it is a
 * band matrix, Toeplitz where nothing is padded but zeros; on two axes a block Toeplitz matrix of such blocks.
 */
export function convolutionMatrix(weight: Tensor, lengths: Shape, options: ConvOptions = {}): Tensor {
  const { groups = 1, paddingMode = "zeros" } = options;
  const [out, into, ...kernel] = weight.shape;
  const rank = lengths.length;
  if (kernel.length !== rank || rank < 1 || rank > 3 || out % groups !== 0)
    throw new ShapeError(
      `convolutionMatrix: the weight must be [out, channels / groups, …kernel] with ${groups} groups and ${rank} of 1 to 3 spatial axes, got ${weight.describe()} and lengths [${lengths.join(",")}]. give as many lengths as the kernel has axes`,
    );
  const { strides, dilations, padding } = windowsOver("convolutionMatrix", lengths, kernel, options);
  // reads[i, l, p] = 1 where tap p of window l reads element i.
  const reads = lengths.map((length, a) => {
    const padded = pad(eye(length, length, { dtype: weight.dtype }), [padding[a]], {
      mode: paddingMode === "zeros" ? "constant" : paddingMode,
    });
    return slidingWindows(padded, [kernel[a]], { axes: [1], strides: [strides[a]], dilations: [dilations[a]] });
  });
  const matrix = einsum(sums[rank - 1], ungrouped(weight, groups), ...reads);
  const columns = lengths.reduce((a, b) => a * b, into * groups);
  return matrix.reshape([-1, columns]);
}
