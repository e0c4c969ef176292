/** Sampling as pure functions of a key: the same key gives the same numbers on every device. */
import { checkShape, type Shape } from "../ir/shape.js";
import { randomBits } from "../primitive/random.js";
import { tensor } from "../tensor/creation.js";
import { Tensor } from "../tensor/tensor.js";
import { ArgumentError, shown } from "../util/errors.js";

/** State of the generator, uint32[2]; never use one twice: `split` it. */
export type Key = Tensor<readonly [2]>;

/** A key from a seed: an integer from 0 to 2^53 - 1. */
export function key(seed: number): Key {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new ArgumentError(
      `random.key: the seed must be an integer from 0 to 2^53 - 1, got ${shown(seed)}. use Math.trunc`,
    );
  return Tensor.of(tensor(Uint32Array.of(Math.floor(seed / 2 ** 32), seed % 2 ** 32)).node);
}

/** Uniform 32-bit words. */
export function bits<const S extends Shape>(k: Key, shape: S): Tensor<S> {
  checkShape("random.bits", shape);
  return Tensor.of(randomBits(k.node, shape));
}

/** `n` independent keys. */
export function split(k: Key, n = 2): Key[] {
  const words = bits(k, [n, 2]);
  return Array.from({ length: n }, (_, i) => Tensor.of<readonly [2]>(words.at(i).node));
}

/** A key for the `data`-th of many uses of one key; unlike any that `split` gives. */
export function foldIn(k: Key, data: number | Tensor): Key {
  if (typeof data === "number" && (!Number.isInteger(data) || data < 0 || data >= 2 ** 32))
    throw new ArgumentError(
      `random.foldIn: the number must be an integer from 0 to 2^32 - 1, got ${shown(data)}. count the uses of the key`,
    );
  const number = data instanceof Tensor ? data.astype("uint32") : tensor(Uint32Array.of(data)).reshape([]);
  const word = number.mul(0x9e3779b9); // 2^32 / golden ratio spreads small numbers
  // The two words differ in a constant (2^32 · √2 / 2), so that one of them always changes the key.
  const mixed: Tensor = Tensor.of<Shape>(k.node).xor(word.xor(tensor(Uint32Array.of(0, 0xb504f333))));
  return Tensor.of(randomBits(mixed.node, [2]));
}

export interface Sampling {
  readonly dtype?: "float32" | "float64";
}

/** Uniform on [low, high): 24 random bits for float32, 53 for float64. */
export function uniform<const S extends Shape>(
  k: Key,
  shape: S,
  options: Sampling & { readonly low?: number; readonly high?: number } = {},
): Tensor<S> {
  const { low = 0, high = 1, dtype = "float32" } = options;
  if (!(high >= low))
    throw new ArgumentError(`random.uniform: low must not exceed high, got ${low} and ${high}. swap them`);
  const unit = mantissas(k, shape, dtype).mul(2 ** -precision[dtype]);
  return Tensor.of(unit.mul(high - low).add(low).node);
}

/** Bits of a number below 1 that a dtype holds exactly. */
const precision = { float32: 24, float64: 53 } as const;

/** Whole numbers of `precision` random bits: of one word, or of two. */
function mantissas(k: Key, shape: Shape, dtype: "float32" | "float64"): Tensor {
  if (dtype === "float32") return bits(k, shape).shiftRight(8).astype("float32");
  const words: Tensor = bits(k, [...shape, 2]);
  const top = words.at("...", 0).shiftRight(5).astype("float64");
  const low = words.at("...", 1).shiftRight(6).astype("float64");
  return top.mul(2 ** 26).add(low);
}

/**
 * Uniform on the open interval (-1, 1), symmetric, for inverse transforms: odd multiples x of 2^(1 - precision), for which
 * (1 + x) / 2 is exact too.
 */
function openSymmetric(k: Key, shape: Shape, dtype: "float32" | "float64"): Tensor {
  const half = 2 ** (precision[dtype] - 2);
  return mantissas(k, shape, dtype)
    .mul(0.5)
    .floor()
    .sub(half - 0.5)
    .div(half);
}

/** Normal with the given mean and standard deviation: `√2·erf⁻¹(u)`. */
export function normal<const S extends Shape>(
  k: Key,
  shape: S,
  options: Sampling & { readonly mean?: number; readonly std?: number } = {},
): Tensor<S> {
  const { mean = 0, std = 1, dtype = "float32" } = options;
  return Tensor.of(
    openSymmetric(k, shape, dtype)
      .erfinv()
      .mul(Math.SQRT2 * std)
      .add(mean).node,
  );
}

/** Normal restricted to [low, high], in units of the standard deviation. */
export function truncatedNormal<const S extends Shape>(
  k: Key,
  shape: S,
  options: Sampling & { readonly low?: number; readonly high?: number } = {},
): Tensor<S> {
  const { low = -2, high = 2, dtype = "float32" } = options;
  if (!(high > low))
    throw new ArgumentError(`random.truncatedNormal: low must be below high, got ${low} and ${high}. swap them`);
  const u: Tensor = uniform(k, shape, { dtype });
  const edge = (x: number): Tensor => tensor(x / Math.SQRT2, { dtype }).erf();
  const [a, b] = [edge(low), edge(high)];
  return Tensor.of(u.mul(b.sub(a)).add(a).erfinv().mul(Math.SQRT2).clip(low, high).node);
}

/** True with probability `p`, a number or a tensor that broadcasts to the shape. */
export function bernoulli<const S extends Shape>(k: Key, p: number | Tensor, shape: S): Tensor<S> {
  if (typeof p === "number" && !(p >= 0 && p <= 1))
    throw new ArgumentError(`random.bernoulli: p must be from 0 to 1, got ${p}. check the probability`);
  const u: Tensor = uniform(k, shape);
  return Tensor.of(u.less(p).node);
}

/** int32 uniform on low … high - 1. */
export function randint<const S extends Shape>(k: Key, shape: S, low: number, high: number): Tensor<S> {
  const span = high - low;
  if (!Number.isInteger(low) || !Number.isInteger(high) || span <= 0 || low < -(2 ** 31) || high > 2 ** 31)
    throw new ArgumentError(
      `random.randint: low and high must be integers from -2^31 to 2^31 with low < high, got ${shown(low)} and ${shown(high)}. check the bounds`,
    );
  const words: Tensor = bits(k, shape);
  // A remainder of 32 bits favours small numbers by up to span / 2^32: too much for wide ranges, which take 53 bits.
  const offset =
    span <= 2 ** 16
      ? words.remainder(span)
      : mantissas(k, shape, "float64")
          .mul(span * 2 ** -53)
          .floor()
          .astype("uint32");
  return Tensor.of(offset.bitcast("int32").add(low).node);
}

/** Standard Gumbel: `-log(-log u)`. */
export function gumbel<const S extends Shape>(k: Key, shape: S, options: Sampling = {}): Tensor<S> {
  const dtype = options.dtype ?? "float32";
  const u = openSymmetric(k, shape, dtype).add(1).mul(0.5);
  return Tensor.of(u.log().neg().log().neg().node);
}

/** Classes drawn by the logits of the last axis (Gumbel-max); int32. */
export function categorical(k: Key, logits: Tensor): Tensor {
  return logits.add(gumbel(k, logits.shape, { dtype: logits.dtype === "float64" ? "float64" : "float32" })).argmax(-1);
}

/** The numbers 0 … n - 1 in random order; int32. */
export const permutation = (k: Key, n: number): Tensor<readonly [number]> =>
  Tensor.of(bits(k, [n]).astype("uint32").argsort().node);
