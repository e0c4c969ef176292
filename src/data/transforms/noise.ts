/** Scaling, noise, and holes. */
import { ArgumentError, arange, random, type Tensor, tensor, where } from "../../index.js";
import { randomBoxes } from "./geometry.js";
import { checkPictures, checkProbability, fixed, rangeOf, type Transform, transform } from "./transform.js";

/** `(x - mean) / std`, with a number for each channel, or one for all. */
export function normalize(mean: number | readonly number[], std: number | readonly number[]): Transform {
  const [means, deviations] = [mean, std].map((list) => (typeof list === "number" ? [list] : list));
  if (means.length !== deviations.length || !deviations.every((s) => s > 0))
    throw new ArgumentError(
      `normalize: there must be as many positive deviations as means, got ${JSON.stringify(mean)} and ${JSON.stringify(std)}. measure both`,
    );
  const perChannel = (list: readonly number[], x: Tensor): Tensor =>
    tensor([...list], { dtype: x.dtype === "float64" ? "float64" : "float32" }).reshape([1, list.length, 1, 1]);
  return fixed("normalize", (x) => {
    if (means.length > 1) checkPictures("normalize", x, means.length);
    return x.sub(perChannel(means, x)).div(perChannel(deviations, x));
  });
}

/** Normal noise of deviation `sigma` on every element; the sum is kept from 0 to 1 with `clip`, which is the default. */
export function gaussianNoise(
  sigma = 0.1,
  { mean = 0, clip = true }: { readonly mean?: number; readonly clip?: boolean } = {},
): Transform {
  if (!(sigma >= 0)) throw new ArgumentError(`gaussianNoise: sigma must be at least 0, got ${sigma}. 0.1 is usual`);
  return transform("gaussianNoise", (x, key) => {
    const dtype = x.dtype === "float64" ? "float64" : "float32";
    const noisy = x.add(random.normal(key, x.shape, { mean, std: sigma, dtype }));
    return clip ? noisy.clip(0, 1) : noisy;
  });
}

/** Options of `randomErasing`. */
export interface ErasingOptions {
  /** The share of pictures with a hole. */
  readonly p?: number;
  /** Which shares of the area a hole may have; `[0.02, 0.33]` unless told. */
  readonly scale?: readonly [number, number];
  /** Which ratios of width to height; `[0.3, 3.3]` unless told. */
  readonly ratio?: readonly [number, number];
  /** What is in the hole: a number (0 unless told), or standard normal noise. */
  readonly value?: number | "random";
}

/** 1 inside a box of each picture, `[N,1,H,W]`, bool. */
export function inBoxes(
  x: Tensor,
  box: { readonly top: Tensor; readonly left: Tensor; readonly height: Tensor; readonly width: Tensor },
): Tensor {
  const [, , h, w] = x.shape;
  const between = (place: Tensor, from: Tensor, length: Tensor): Tensor => {
    const start = from.reshape([-1, 1, 1, 1]);
    return place.greaterEqual(start).and(place.less(start.add(length.reshape([-1, 1, 1, 1]))));
  };
  const rows = arange(h).reshape([1, 1, h, 1]);
  return between(rows, box.top, box.height).and(between(arange(w), box.left, box.width));
}

/** A rectangle of random place, size and shape erased in some pictures (Zhong et al. 2017, arXiv:1708.04896). */
export function randomErasing({ p = 0.5, value = 0, ...options }: ErasingOptions = {}): Transform {
  const name = "randomErasing";
  checkProbability(name, p);
  const scale = rangeOf(name, "scale", options.scale ?? [0.02, 0.33], 0, 0);
  const ratio = rangeOf(name, "ratio", options.ratio ?? [0.3, 3.3], 0, Number.MIN_VALUE);
  return transform(name, (x, key) => {
    const [coin, forBox, forNoise] = random.split(key, 3);
    const box = randomBoxes(forBox, x, scale, ratio);
    const [n] = x.shape;
    const erased = box.fits.and(random.bernoulli(coin, p, [n])).reshape([n, 1, 1, 1]);
    const filling = value === "random" ? random.normal(forNoise, x.shape) : value;
    return where(inBoxes(x, box).and(erased), filling, x);
  });
}
