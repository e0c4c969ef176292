/** Pictures read at fractional places: spatial transformers (Jaderberg et al. 2015, arXiv:1506.02025), rotations, warps. */
import { ArgumentError, arange, linspace, ones, type Shape, ShapeError, stack, type Tensor, where } from "../index.js";

/** How a value between pixels is made of those around it. */
export type GridMode = "nearest" | "bilinear" | "bicubic";
/** What lies beyond the border: a constant, the border itself, or the mirrored picture. */
export type GridPadding = "zeros" | "border" | "reflection";

/** Options of `sampleAt`. */
export interface SampleOptions {
  /** `"bilinear"` unless told. */
  readonly mode?: GridMode;
  /** `"zeros"` unless told. */
  readonly paddingMode?: GridPadding;
  /** What lies beyond the border instead of zeros. */
  readonly fill?: number;
  /** Whether mirrors stand in the middle of the outermost pixels and not at their outer edges. */
  readonly alignCorners?: boolean;
}

/** A pixel of an axis for every place, and its share. */
interface Tap {
  readonly at: Tensor;
  readonly weight: Tensor | null;
}

/** Keys' cubic convolution (1981) with a = -0.75, as PyTorch, OpenCV and Pillow's predecessors have it: |d| ≤ 1, then |d| < 2. */
const cubicNear = (d: Tensor): Tensor => d.mul(1.25).sub(2.25).mul(d.square()).add(1);
const cubicFar = (d: Tensor): Tensor => d.mul(-0.75).add(3.75).mul(d).sub(6).mul(d).add(3);

const taps: Readonly<Record<GridMode, (place: Tensor) => Tap[]>> = {
  nearest: (place) => [{ at: place.round(), weight: null }],
  bilinear(place) {
    const before = place.floor();
    const share = place.sub(before);
    return [
      { at: before, weight: share.neg().add(1) },
      { at: before.add(1), weight: share },
    ];
  },
  bicubic(place) {
    const before = place.floor();
    const d = place.sub(before);
    const rest = d.neg().add(1);
    const weights = [cubicFar(d.add(1)), cubicNear(d), cubicNear(rest), cubicFar(rest.add(1))];
    return weights.map((weight, i) => ({ at: before.add(i - 1), weight }));
  },
};

/** Places brought back onto an axis of `length` pixels. */
function onto(place: Tensor, length: number, padding: GridPadding, alignCorners: boolean): Tensor {
  if (padding === "zeros") return place;
  if (padding === "border") return place.clip(0, length - 1);
  const low = alignCorners ? 0 : -0.5;
  const span = alignCorners ? length - 1 : length;
  if (span === 0) return place.mul(0);
  const way = place
    .sub(low)
    .abs()
    .remainder(2 * span); // along a picture and its mirror image
  return way
    .minimum(way.neg().add(2 * span))
    .add(low)
    .clip(0, length - 1);
}

const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

/** The shape `[N or 1,H',W']` of rows and columns together, each axis as long or 1; `null` when they do not fit. */
function placesShape(pictures: number, rows: Shape, columns: Shape): Shape | null {
  const shape = rows.map((n, i) => (n === 1 ? columns[i] : n));
  const fits = (part: Shape): boolean => part.length === 3 && part.every((n, i) => n === 1 || n === shape[i]);
  return fits(rows) && fits(columns) && [1, pictures].includes(shape[0]) ? shape : null;
}

/**
 * The values of `x [N,C,H,W]` at places counted in pixels: `y[n,c,i,j] = x[n,c,rows[n,i,j],columns[n,i,j]]`, where 0 is the
 * middle of the first pixel. Rows and columns are `[N,H',W']`; axes along which they do not change may have length 1.
 *
 * @throws ShapeError when they do not fit; ArgumentError when an option is unknown.
 */
export function sampleAt(x: Tensor, rows: Tensor, columns: Tensor, options: SampleOptions = {}): Tensor {
  const { mode = "bilinear", paddingMode = "zeros", fill = 0, alignCorners = false } = options;
  if (!Object.hasOwn(taps, mode))
    throw new ArgumentError(
      `sampleAt: mode must be one of ${Object.keys(taps).join(", ")}, got ${JSON.stringify(mode)}. choose one`,
    );
  if (!["zeros", "border", "reflection"].includes(paddingMode))
    throw new ArgumentError(
      `sampleAt: paddingMode must be "zeros", "border" or "reflection", got ${JSON.stringify(paddingMode)}. choose one`,
    );
  const places = x.rank === 4 ? placesShape(x.shape[0], rows.shape, columns.shape) : null;
  if (places === null)
    throw new ShapeError(
      `sampleAt: there must be pictures [N,C,H,W] and a row and a column for each of [N,H',W'] pixels, got ${x.describe()}, ${rows.describe()} and ${columns.describe()}. add the missing axes`,
    );
  const [n, channels, height, width] = x.shape;
  const [of, outRows, outColumns] = places;
  const flat = x.reshape([n, channels, height * width]);
  const whole = (place: Tensor, length: number): Tensor => onto(place, length, paddingMode, alignCorners);
  // A cubic's outer pixels are brought back one by one, as PyTorch does; otherwise the place itself is.
  const spread = (place: Tensor, length: number): Tap[] =>
    mode === "bicubic"
      ? taps.bicubic(place).map(({ at, weight }) => ({ at: whole(at, length).round(), weight }))
      : taps[mode](whole(place, length));
  const terms = spread(rows, height).flatMap((row) =>
    spread(columns, width).map((column) => {
      const inside = within(row.at, height).and(within(column.at, width)).expandDims(1); // [N, 1, H', W'], or shorter
      const place = row.at
        .clip(0, height - 1)
        .mul(width)
        .add(column.at.clip(0, width - 1)); // [N, H', W']
      const index = place.astype("int32").reshape([of, 1, outRows * outColumns]);
      const value = flat
        .takeAlongAxis(index.broadcastTo([n, channels, outRows * outColumns]), 2)
        .reshape([n, channels, outRows, outColumns]);
      const known = paddingMode === "zeros" ? where(inside, value, fill) : value;
      const weight = row.weight && column.weight ? row.weight.mul(column.weight).expandDims(1) : null;
      return weight ? known.mul(weight) : known;
    }),
  );
  return terms.reduce((sum, term) => sum.add(term));
}

const within = (place: Tensor, length: number): Tensor => place.greaterEqual(0).and(place.lessEqual(length - 1));

/**
 * The values of `x [N,C,H,W]` at the places `(x, y)` of a grid `[N,H',W',2]` that goes from -1 to 1 over each axis, as
 * PyTorch's `grid_sample`. With `alignCorners` -1 and 1 are the middles of the outermost pixels, else their outer edges.
 *
 * @throws ShapeError when the grid does not fit the pictures; ArgumentError when an option is unknown.
 */
export function gridSample(x: Tensor, grid: Tensor, options: SampleOptions = {}): Tensor {
  if (x.rank !== 4 || grid.rank !== 4 || grid.shape[3] !== 2 || grid.shape[0] !== x.shape[0])
    throw new ShapeError(
      `gridSample: there must be pictures [N,C,H,W] and a grid [N,H',W',2], got ${x.describe()} and ${grid.describe()}. make one with affineGrid`,
    );
  const pixels = (place: Tensor, length: number): Tensor =>
    options.alignCorners ? place.add(1).mul((length - 1) / 2) : place.add(1).mul(length).sub(1).div(2);
  return sampleAt(x, pixels(grid.at("...", 1), x.shape[2]), pixels(grid.at("...", 0), x.shape[3]), options);
}

/**
 * The grid `[N,H,W,2]` for `gridSample` whose places are `theta [N,2,3] · (x, y, 1)`, with x and y from -1 to 1 over an
 * output of the given `[N,C,H,W]`, as PyTorch's `affine_grid`.
 *
 * @throws ShapeError when theta is not `[N,2,3]`.
 */
export function affineGrid(
  theta: Tensor,
  size: readonly [number, number, number, number],
  { alignCorners = false }: { readonly alignCorners?: boolean } = {},
): Tensor {
  const [n, , height, width] = size;
  if (!sameShape(theta.shape, [n, 2, 3]))
    throw new ShapeError(
      `affineGrid: theta must be [${n},2,3], got ${theta.describe()}. give every picture a 2×3 matrix`,
    );
  const dtype = theta.dtype === "float64" ? "float64" : "float32";
  const along = (length: number): Tensor => {
    if (alignCorners) return length === 1 ? linspace(0, 0, 1, { dtype }) : linspace(-1, 1, length, { dtype });
    return arange(0, length, 1, { dtype }).mul(2).add(1).div(length).sub(1);
  };
  const one = ones([height, width], { dtype });
  const places = stack([along(width).mul(one), along(height).expandDims(1).mul(one), one], 2); // [H, W, 3]
  return places
    .reshape([height * width, 3])
    .matmul(theta.transpose([0, 2, 1]))
    .reshape([n, height, width, 2]);
}
