/** Maxima with the places they came from, and putting values back there. */
import {
  ArgumentError,
  DTypeError,
  isFloat,
  limits,
  type Shape,
  ShapeError,
  type Tensor,
  arange,
  setAt,
  zeros,
} from "../../index.js";
import { forRanks, type PerAxis, spatialShape } from "../spatial.js";
import { geometry, joined, type PoolOptions, windowNumbers, windowsOf } from "./windows.js";

/** Maxima and where they stood. */
export interface PooledMaxima {
  readonly values: Tensor;
  /** int32: for every value its place in the input's plane, counted in row-major order over the spatial axes. */
  readonly indices: Tensor;
}

/**
 * Maxima over windows and where they stand. Of equal maxima it is the first, which alone has the gradient, while `maxPool`
 * shares it among them.
 */
export const [maxPool1dWithIndices, maxPool2dWithIndices, maxPool3dWithIndices] = forRanks(
  (rank) =>
    (x: Tensor, kernel: PerAxis, options: PoolOptions = {}): PooledMaxima => {
      const g = geometry(`maxPool${rank}dWithIndices`, rank, x, kernel, options);
      const plane = x.shape.slice(2);
      const size = plane.reduce((a, b) => a * b, 1);
      const windows = joined(windowsOf(x, g, limits[x.dtype][0]));
      const places = joined(windowsOf(arange(size, undefined, 1, { dtype: "int32" }).reshape([1, 1, ...plane]), g, 0));
      const best = windows.argmax(-1, { keepDims: true });
      const at = (t: Tensor): Tensor => t.broadcastTo(windows.shape).takeAlongAxis(best, -1).squeeze(-1);
      return { values: at(windows), indices: at(places) };
    },
);

export interface UnpoolOptions {
  /** The stride of the pooling; the window's own size unless told. */
  readonly stride?: PerAxis;
  /** The padding of the pooling. */
  readonly padding?: PerAxis;
  /** Lengths of the spatial axes, where the pooling's input had others than `(L - 1) · stride - 2 · padding + kernel`. */
  readonly outputSize?: Shape;
}

/** Lengths of the spatial axes before the pooling. */
function unpooledPlane(name: string, rank: number, x: Tensor, kernel: PerAxis, options: UnpoolOptions): Shape {
  const lengths = spatialShape(name, x, rank);
  const { sizes, strides, padding } = windowNumbers(name, rank, kernel, options);
  const usual = lengths.map((n, i) => (n - 1) * strides[i] - 2 * padding[i] + sizes[i]);
  const plane = options.outputSize ?? usual;
  if (plane.length !== rank || plane.some((n, i) => !Number.isInteger(n) || Math.abs(n - usual[i]) >= strides[i]))
    throw new ArgumentError(
      `${name}: the output size must be within a stride of [${usual.join(",")}], got [${plane.join(",")}]. give the lengths of the pooling's input`,
    );
  return plane;
}

/** Zeros but for the values of `x`, each at the place in its plane that `indices` gives: what a max pooling forgot is 0. */
export const [maxUnpool1d, maxUnpool2d, maxUnpool3d] = forRanks(
  (rank) =>
    (x: Tensor, indices: Tensor, kernel: PerAxis, options: UnpoolOptions = {}): Tensor => {
      const name = `maxUnpool${rank}d`;
      const plane = unpooledPlane(name, rank, x, kernel, options);
      if (indices.shape.join() !== x.shape.join())
        throw new ShapeError(
          `${name}: values and indices must have the same shape, got ${x.describe()} and ${indices.describe()}. take both from one pooling`,
        );
      if (isFloat(indices.dtype))
        throw new DTypeError(
          `${name}: indices must be integers, got ${indices.describe()}. take them from maxPool${rank}dWithIndices`,
        );
      const [n, c] = x.shape;
      const size = plane.reduce((a, b) => a * b, 1);
      const starts = arange(n * c, undefined, 1, { dtype: "int32" })
        .mul(size)
        .reshape([n, c, ...plane.map(() => 1)]);
      const empty = zeros([n * c * size], { dtype: x.dtype });
      return setAt(empty, [indices.add(starts).reshape([-1])], x.reshape([-1])).reshape([n, c, ...plane]);
    },
);
