/** What transforms are, and pipelines of them. */
import { ArgumentError, random, ShapeError, type Tensor, where } from "../../index.js";

/**
 * A batch of pictures `[N,C,H,W]` made into another. What a random transform does to each picture is drawn from the key, by
 * itself for every picture; the same key draws the same. Without a key the default generator gives one.
 */
export type Transform = (x: Tensor, key?: random.Key) => Tensor;

/** A transform of what `f` makes of pictures and a key, after a look at the shape. */
export const transform =
  (name: string, f: (x: Tensor, key: random.Key) => Tensor): Transform =>
  (x, key) => {
    checkPictures(name, x);
    return f(x, key ?? random.defaultGenerator.next());
  };

/** As `transform`, for what draws nothing. */
export const fixed =
  (name: string, f: (x: Tensor) => Tensor): Transform =>
  (x) => {
    checkPictures(name, x);
    return f(x);
  };

/** Throws unless `x` is `[N,C,H,W]`, with as many channels as are asked for. */
export function checkPictures(name: string, x: Tensor, channels?: number): void {
  if (x.rank !== 4 || (channels !== undefined && x.shape[1] !== channels))
    throw new ShapeError(
      `${name}: pictures must be [N,${channels ?? "C"},H,W], got ${x.describe()}. check its axes and channels`,
    );
}

/** Transforms one after another, each with a key of its own; an empty pipeline changes nothing. */
export function compose(...steps: readonly Transform[]): Transform {
  return (x, key) => {
    const own = key ?? random.defaultGenerator.next();
    return steps.reduce((y, step, i) => step(y, random.foldIn(own, i)), x);
  };
}

/** Throws unless `p` is a probability. */
export function checkProbability(name: string, p: number): void {
  if (!(p >= 0 && p <= 1))
    throw new ArgumentError(`${name}: p must be from 0 to 1, got ${p}. it is the share of pictures that change`);
}

/** Pictures of `changed` with probability p each, else of `x`. */
export const sometimes = (key: random.Key, p: number, changed: Tensor, x: Tensor): Tensor =>
  p === 1 ? changed : where(random.bernoulli(key, p, [x.shape[0], 1, 1, 1]), changed, x);

/** The transform, to each picture with probability p; it must keep the shape. */
export function randomApply(step: Transform, p = 0.5): Transform {
  checkProbability("randomApply", p);
  return transform("randomApply", (x, key) => {
    const [coin, inner] = random.split(key);
    return sometimes(coin, p, step(x, inner), x);
  });
}

/** A range of numbers, or the bound of a range around a middle. */
export type Range = number | readonly [low: number, high: number];

/** `[low, high]` of a range; a number `r` stands for `[middle - r, middle + r]`, held above `least`. */
export function rangeOf(name: string, what: string, range: Range, middle: number, least = -Infinity): [number, number] {
  const [low, high] = typeof range === "number" ? [Math.max(least, middle - range), middle + range] : range;
  const bound = least === -Infinity ? "" : least > 0 ? " above 0" : ` from ${least} on`;
  if (!(low <= high && low >= least && Number.isFinite(high)))
    throw new ArgumentError(
      `${name}: ${what} must be a number of at least 0 or a range [low, high]${bound}, got ${JSON.stringify(range)}. swap or raise the bounds`,
    );
  return [low, high];
}

/** A number for every picture, `[N]`, uniform on a range. */
export const drawn = (key: random.Key, x: Tensor, [low, high]: readonly [number, number]): Tensor =>
  random.uniform(key, [x.shape[0]], { low, high });
