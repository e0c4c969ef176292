/** Kullback-Leibler divergences: a registry of closed forms, and the estimate by samples for whoever asks for it. */
import { ArgumentError, random, type Tensor } from "../index.js";
import type { Distribution } from "./distribution.js";
import { UnavailableError } from "./errors.js";

/** A class of distributions. */
type Kind<D extends Distribution> = abstract new (...args: never[]) => D;

interface Entry {
  readonly p: Kind<Distribution>;
  readonly q: Kind<Distribution>;
  /** The divergence; `null` when the pair is of other kinds. */
  of(p: Distribution, q: Distribution): Tensor | null;
}
const registry: Entry[] = [];

/** Says how `KL(p ‖ q)` of two kinds of distributions is computed. The newest of the nearest kinds is taken. */
export function registerKL<P extends Distribution, Q extends Distribution>(
  p: Kind<P>,
  q: Kind<Q>,
  closedForm: (p: P, q: Q) => Tensor,
): void {
  registry.unshift({ p, q, of: (a, b) => (a instanceof p && b instanceof q ? closedForm(a, b) : null) });
}

/** How many classes lie between a distribution and one of its bases; ∞ when it is none. */
function distanceTo(x: Distribution, kind: Kind<Distribution>): number {
  let steps = 0;
  for (let at: object | null = Object.getPrototypeOf(x); at !== null; at = Object.getPrototypeOf(at), steps++)
    if (at === kind.prototype) return steps;
  return Infinity;
}

function closedForm(p: Distribution, q: Distribution): Tensor | null {
  const distance = (e: Entry): number => distanceTo(p, e.p) + distanceTo(q, e.q);
  const nearest = registry.reduce<Entry | null>(
    (best, e) => (distance(e) < (best === null ? Infinity : distance(best)) ? e : best),
    null,
  );
  return nearest?.of(p, q) ?? null;
}

/** A mean over samples and its standard error. */
export interface Estimate {
  readonly estimate: Tensor;
  readonly standardError: Tensor;
}
export interface KLOptions {
  /** How many samples of p. */
  readonly samples: number;
  readonly key?: random.Key;
}

/**
 * `KL(p ‖ q) = E_p log(p / q)` in nats, for each pair of the batch. In closed form where one is registered, else an
 * `UnavailableError`. With `{ samples }` always the Monte-Carlo mean of `log p - log q` over samples of p, which says how far
 * off it may be; derivatives pass through the samples where p has `rsample`.
 */
export function kl(p: Distribution, q: Distribution): Tensor;
export function kl(p: Distribution, q: Distribution, options: KLOptions): Estimate;
export function kl(p: Distribution, q: Distribution, options?: KLOptions): Tensor | Estimate {
  if (options !== undefined) return estimated(p, q, options);
  const found = closedForm(p, q);
  if (found !== null) return found;
  const pair = `${p.constructor.name} and ${q.constructor.name}`;
  throw new UnavailableError(
    `kl: a closed form must be registered for the two kinds, got ${pair}. registerKL one, or estimate it by { samples: 10000 }`,
  );
}

function estimated(p: Distribution, q: Distribution, { samples, key }: KLOptions): Estimate {
  if (!Number.isInteger(samples) || samples < 2)
    throw new ArgumentError(`kl: there must be at least 2 samples, got ${samples}. 10000 give two digits`);
  const k = key ?? random.defaultGenerator.next();
  const x = p.hasRsample ? p.rsample(k, [samples]) : p.sample(k, [samples]);
  const ratio = p.logProb(x).sub(q.logProb(x)); // [samples, ...batch]
  return { estimate: ratio.mean(0), standardError: ratio.std(0).div(Math.sqrt(samples)) };
}
