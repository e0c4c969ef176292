/** Draws that need a loop: rejection and waiting times, for all elements at once until the last has its value. */
import { random, type Shape, type Tensor, where, whileLoop, zeros } from "../index.js";
import { lgamma } from "../special/index.js";

import { openUniform } from "./distribution.js";

type Key = random.Key;
const f64 = { dtype: "float64" } as const;

/** `propose` until each element has accepted one; elements that `isDone` says keep 0. All is float64. */
function rejection(
  key: Key,
  isDone: Tensor,
  propose: (key: Key) => { readonly value: Tensor; readonly isAccepted: Tensor },
): Tensor {
  const start = { key, isDone, value: zeros(isDone.shape, f64) };
  const end = whileLoop(
    (state) => state.isDone.all().not(),
    (state) => {
      const [next, own] = random.split(state.key);
      const { value, isAccepted } = propose(own);
      return {
        key: next,
        isDone: state.isDone.or(isAccepted),
        value: where(state.isDone.not().and(isAccepted), value, state.value),
      };
    },
    start,
  );
  return end.value;
}

/**
 * Logarithms, in float64, of draws from Gamma(concentration, 1): G. Marsaglia and W. W. Tsang, "A simple method for
 * generating gamma variables", 2000. Logarithms, since draws for small concentrations underflow.
 */
export function logStandardGamma(key: Key, concentration: Tensor, shape: Shape): Tensor {
  const [loop, last] = random.split(key);
  const a = concentration.astype("float64").broadcastTo(shape);
  const isSmall = a.less(1);
  const d = where(isSmall, a.add(1), a).sub(1 / 3);
  const c = d.mul(9).rsqrt();
  const cube = rejection(loop, d.isFinite().not(), (k) => {
    const [first, second] = random.split(k);
    const x: Tensor = random.normal(first, shape, f64);
    const root = x.mul(c).add(1);
    const v = where(root.greater(0), root, 1).pow(3);
    const bound = x
      .square()
      .mul(0.5)
      .add(d.mul(v.log().sub(v).add(1)));
    return { value: v, isAccepted: root.greater(0).and(openUniform(second, shape, "float64").log().less(bound)) };
  });
  // Gamma(a) = Gamma(a + 1) · U^(1/a)
  const power = openUniform(last, shape, "float64").log().div(a);
  return d
    .mul(cube)
    .log()
    .add(where(isSmall, power, 0));
}

/** How many arrivals there are up to `limit`, the waiting times before each drawn by `wait`. */
function arrivals(key: Key, limit: Tensor, wait: (u: Tensor) => Tensor): Tensor {
  const none: Tensor = zeros(limit.shape, f64);
  const draw = (k: Key): Tensor => wait(openUniform(k, limit.shape, "float64"));
  const [first, rest] = random.split(key);
  const end = whileLoop(
    (state) => state.time.lessEqual(limit).any(),
    (state) => {
      const [next, own] = random.split(state.key);
      const count = state.count.add(state.time.lessEqual(limit).astype("float64"));
      return { key: next, count, time: state.time.add(draw(own)) };
    },
    { key: rest, count: none, time: draw(first) },
  );
  return end.count;
}

/** The hat of a transformed rejection: candidates are `⌊(2a/(½ - |u|) + b) u + center⌋`. */
interface Hat {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly center: Tensor;
  /** Candidates with v up to here are taken without a look at the ratio. */
  readonly squeeze: Tensor;
  /** `log α`, the constant of acceptance. */
  readonly logScale: Tensor;
}

/**
 * Transformed rejection with squeeze: W. Hörmann, "The generation of binomial random variates", 1993, and "The transformed
 * rejection method for generating Poisson random variables", 1993. `logRatio` is the logarithm of the probability of a
 * candidate up to a constant, -∞ outside the support.
 */
function transformedRejection(key: Key, isDone: Tensor, hat: Hat, logRatio: (k: Tensor) => Tensor): Tensor {
  return rejection(key, isDone, (own) => {
    const [first, second] = random.split(own);
    const u = openUniform(first, isDone.shape, "float64").sub(0.5);
    const v = openUniform(second, isDone.shape, "float64");
    const rest = u.abs().neg().add(0.5);
    const value = hat.a.mul(2).div(rest).add(hat.b).mul(u).add(hat.center).floor();
    const isEasy = rest.greaterEqual(0.07).and(v.lessEqual(hat.squeeze));
    const height = v.log().add(hat.logScale).sub(hat.a.div(rest.square()).add(hat.b).log());
    return { value, isAccepted: isEasy.or(height.lessEqual(logRatio(value))) };
  });
}

/** Draws from Poisson(rate), float64: arrivals of a Poisson process up to a rate of 10, transformed rejection above. */
export function poisson(key: Key, rate: Tensor, shape: Shape): Tensor {
  const [first, second] = random.split(key);
  const mean = rate.astype("float64").broadcastTo(shape);
  const isLarge = mean.greater(10);
  const few = arrivals(first, where(isLarge, -1, mean), (u) => u.log().neg());
  const m = where(isLarge, mean, 11);
  const b = m.sqrt().mul(2.53).add(0.931);
  const hat = {
    a: b.mul(0.02483).sub(0.059),
    b,
    center: m.add(0.43),
    squeeze: b.sub(2).reciprocal().mul(-3.6224).add(0.9277),
    logScale: b.sub(3.4).reciprocal().mul(1.1328).add(1.1239).log(),
  };
  const many = transformedRejection(second, isLarge.not(), hat, (k) => {
    const inside = k.greaterEqual(0);
    const count = where(inside, k, 0);
    return where(
      inside,
      count
        .mul(m.log())
        .sub(m)
        .sub(lgamma(count.add(1))),
      -Infinity,
    );
  });
  return where(mean.isNaN(), Number.NaN, where(isLarge, many, few));
}

/**
 * Draws from Binomial(count, probability), float64: waiting times between successes (L. Devroye, "Non-uniform random variate
 * generation", 1986, X.4.3) for a mean of at most 10, transformed rejection above; of the rarer outcome.
 */
export function binomial(key: Key, count: Tensor, probability: Tensor, shape: Shape): Tensor {
  const [first, second] = random.split(key);
  const n = count.astype("float64").broadcastTo(shape);
  const given = probability.astype("float64").broadcastTo(shape);
  const isSwapped = given.greater(0.5);
  const p = where(isSwapped, given.neg().add(1), given);
  const isLarge = n.mul(p).greater(10);
  const few = arrivals(first, where(isLarge, -1, n), (u) => u.log().div(p.neg().log1p()).floor().add(1));
  const [size, rate] = [where(isLarge, n, 40), where(isLarge, p, 0.5)];
  const deviation = size.mul(rate).mul(rate.neg().add(1)).sqrt();
  const b = deviation.mul(2.53).add(1.15);
  const hat = {
    a: b.mul(0.0248).add(rate.mul(0.01)).sub(0.0873),
    b,
    center: size.mul(rate).add(0.5),
    squeeze: b.reciprocal().mul(-4.2).add(0.92),
    logScale: b.reciprocal().mul(5.1).add(2.83).mul(deviation).log(),
  };
  const mode = size.add(1).mul(rate).floor();
  const logOdds = rate.log().sub(rate.neg().log1p());
  const weight = (k: Tensor): Tensor => lgamma(k.add(1)).add(lgamma(size.sub(k).add(1)));
  const many = transformedRejection(second, isLarge.not(), hat, (k) => {
    const inside = k.greaterEqual(0).and(k.lessEqual(size));
    const x = where(inside, k, mode);
    return where(inside, weight(mode).sub(weight(x)).add(x.sub(mode).mul(logOdds)), -Infinity);
  });
  const rarer = where(isLarge, many, few);
  return where(given.isNaN(), Number.NaN, where(isSwapped, n.sub(rarer), rarer));
}
