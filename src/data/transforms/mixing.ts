/** Transforms that change what a picture shows, and so the targets too. */
import { ArgumentError, isFloat, oneHot, random, ShapeError, type Tensor, where } from "../../index.js";
import { Beta } from "../../distributions/index.js";
import { inBoxes } from "./noise.js";
import { checkPictures } from "./transform.js";

/** Pictures, and for each a distribution over the classes `[N,K]`: what `crossEntropy` takes. */
export interface Mixed {
  readonly x: Tensor;
  readonly targets: Tensor;
}

/** Pictures `[N,C,H,W]` with targets, which are classes (integers `[N]`) or distributions (floats `[N,K]`). */
export type Mixing = (x: Tensor, targets: Tensor, key?: random.Key) => Mixed;

/** Options of `mixup` and `cutmix`. */
export interface MixOptions {
  /** How many classes there are; not needed for targets that are distributions. */
  readonly classes?: number;
  /** Shares are drawn from Beta(alpha, alpha); 1, which is uniform, unless told. */
  readonly alpha?: number;
}

/** Targets as distributions `[N,K]`; a number that is no class gives NaN. */
function distributionsOf(name: string, targets: Tensor, classes: number | undefined, x?: Tensor): Tensor {
  if (x && targets.shape[0] !== x.shape[0])
    throw new ShapeError(
      `${name}: there must be a target for every picture, got ${targets.describe()} for ${x.describe()}. take both from one batch`,
    );
  if (isFloat(targets.dtype) && targets.rank === 2) return targets;
  if (isFloat(targets.dtype) || targets.rank !== 1)
    throw new ShapeError(
      `${name}: targets must be classes int32[N] or distributions float32[N,K], got ${targets.describe()}. convert them`,
    );
  if (classes === undefined)
    throw new ArgumentError(
      `${name}: classes must be given for targets that are numbers of classes, got none. count them`,
    );
  const known = targets.greaterEqual(0).and(targets.less(classes)).expandDims(1); // [N,1]
  return where(known, oneHot(targets, classes).astype("float32"), Number.NaN);
}

/**
 * `(1 - ε) target + ε / K`: classes, of which there are `classes`, or distributions as distributions `[N,K]` (Szegedy et al.
 * 2016, arXiv:1512.00567). A target that is no class gives NaN.
 */
export function smoothLabels(targets: Tensor, epsilon: number, classes?: number): Tensor {
  if (!(epsilon >= 0 && epsilon <= 1))
    throw new ArgumentError(`smoothLabels: epsilon must be from 0 to 1, got ${epsilon}. 0.1 is usual`);
  const sharp = distributionsOf("smoothLabels", targets, classes);
  return sharp.mul(1 - epsilon).add(epsilon / sharp.shape[1]);
}

/** What is drawn for each picture: the share it keeps `[N]`, and who gives the rest `[N]`. */
function draw(name: string, x: Tensor, alpha: number, key: random.Key) {
  if (!(alpha > 0)) throw new ArgumentError(`${name}: alpha must be positive, got ${alpha}. 0.2 to 1 is usual`);
  checkPictures(name, x);
  const [forShare, forPartner, rest] = random.split(key, 3);
  const [n] = x.shape;
  const share: Tensor =
    alpha === 1 ? random.uniform(forShare, [n]) : new Beta(alpha, alpha).sample(forShare, [n]).astype("float32");
  return { share, partner: random.permutation(forPartner, n), rest };
}

/** `share · a + (1 - share) · b`, with one share `[N]` for each row. */
function weighed(share: Tensor, a: Tensor, b: Tensor): Tensor {
  const weight = share.reshape([-1, ...a.shape.slice(1).map(() => 1)]);
  return a.mul(weight).add(b.mul(weight.neg().add(1)));
}

/**
 * Each picture and its target blended with another of the batch: `λ a + (1 - λ) b`, with `λ ~ Beta(alpha, alpha)` drawn for
 * each picture (Zhang et al. 2018, arXiv:1710.09412).
 */
export function mixup({ classes, alpha = 1 }: MixOptions = {}): Mixing {
  return (x, targets, key) => {
    const { share, partner } = draw("mixup", x, alpha, key ?? random.defaultGenerator.next());
    const sharp = distributionsOf("mixup", targets, classes, x);
    return { x: weighed(share, x, x.take(partner)), targets: weighed(share, sharp, sharp.take(partner)) };
  };
}

/**
 * In each picture a box that comes from another of the batch, of area `1 - λ` with `λ ~ Beta(alpha, alpha)` where it is
 * inside; targets are weighed by the area that is left (Yun et al. 2019, arXiv:1905.04899).
 */
export function cutmix({ classes, alpha = 1 }: MixOptions = {}): Mixing {
  return (x, targets, key) => {
    const { share, partner, rest } = draw("cutmix", x, alpha, key ?? random.defaultGenerator.next());
    const sharp = distributionsOf("cutmix", targets, classes, x);
    const [n, , h, w] = x.shape;
    const half = share.neg().add(1).sqrt().mul(0.5); // of the box's sides, as a share of the picture's
    const [forRow, forColumn] = random.split(rest);
    const sides = (k: random.Key, length: number): { from: Tensor; size: Tensor } => {
      const middle = random.uniform(k, [n]).mul(length).floor();
      const reach = half.mul(length).floor();
      const from = middle.sub(reach).maximum(0);
      return { from, size: middle.add(reach).minimum(length).sub(from) };
    };
    const [rows, columns] = [sides(forRow, h), sides(forColumn, w)];
    const inside = inBoxes(x, { top: rows.from, height: rows.size, left: columns.from, width: columns.size });
    const kept = rows.size
      .mul(columns.size)
      .div(h * w)
      .neg()
      .add(1);
    return { x: where(inside, x.take(partner), x), targets: weighed(kept, sharp, sharp.take(partner)) };
  };
}
