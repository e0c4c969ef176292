/**
 * Learning rates (or any other numbers) as functions of the step count. The count is an integer tensor and so is
 * everything made from it, so a compiled step is not traced again when it grows.
 */
import { ArgumentError, type Tensor, where } from "../index.js";
import { toFloat } from "./count.js";

/**
 * The value at the step with this count; counts start at 0. They are int32, or float64 where the value is wanted in
 * float64.
 */
export type Schedule = (count: Tensor) => Tensor;

function positive(name: string, what: string, value: number): void {
  if (!(value > 0)) throw new ArgumentError(`${name}: ${what} must be positive, got ${value}. raise it`);
}

/** How far the count is on its way to `steps`, from 0 to 1. */
const progress = (count: Tensor, steps: number): Tensor => toFloat(count).div(steps).minimum(1);

/** Always `value`. */
export const constant =
  (value: number): Schedule =>
  (count) =>
    toFloat(count).mul(0).add(value);

/** `start`, multiplied by `factor` after every `every` steps. */
export function step(options: { start: number; every: number; factor?: number }): Schedule {
  const { start, every, factor = 0.1 } = options;
  positive("step", "every", every);
  return (count) => powers(factor, toFloat(count.floorDivide(every))).mul(start);
}

/** `start`, multiplied by `factor` at each of the counts `at`. */
export function multiStep(options: { start: number; at: readonly number[]; factor?: number }): Schedule {
  const { start, at, factor = 0.1 } = options;
  return (count) =>
    at.reduce((rate, n) => where(count.greaterEqual(n), rate.mul(factor), rate), constant(start)(count));
}

/** `start · factor^count`. */
export function exponential(options: { start: number; factor: number }): Schedule {
  positive("exponential", "factor", options.factor);
  return (count) => powers(options.factor, toFloat(count)).mul(options.start);
}

/** `base^exponent`, exact in base. */
const powers = (base: number, exponent: Tensor): Tensor => exponent.mul(Math.log(base)).exp();

/** From `start` to `end` (0) in a straight line of `steps` steps. */
export function linear(options: { start: number; steps: number; end?: number }): Schedule {
  const { start, steps, end = 0 } = options;
  positive("linear", "steps", steps);
  return (count) =>
    progress(count, steps)
      .mul(end - start)
      .add(start);
}

/** `end + (start - end) (1 - count / steps)^power`. */
export function polynomial(options: { start: number; steps: number; power: number; end?: number }): Schedule {
  const { start, steps, power, end = 0 } = options;
  positive("polynomial", "steps", steps);
  return (count) =>
    progress(count, steps)
      .neg()
      .add(1)
      .pow(power)
      .mul(start - end)
      .add(end);
}

/**
 * `start / (1 + decay · count)^power`. With power 1 it satisfies the conditions of Robbins & Monro (1951), Σ = ∞ and
 * Σ² < ∞, as every power in (½, 1] does.
 */
export function inversePower(options: { start: number; decay?: number; power?: number }): Schedule {
  const { start, decay = 1, power = 1 } = options;
  positive("inversePower", "decay", decay);
  return (count) => toFloat(count).mul(decay).add(1).pow(-power).mul(start);
}

/** `count / (count + 3)`: the momentum of Nesterov's method on convex functions (Su, Boyd & Candès 2016). */
export const nesterovMomentum = (): Schedule => (count) => toFloat(count).div(toFloat(count).add(3));

/** Half a cosine from `from` at 0 to `to` at 1. */
const halfCosine = (t: Tensor, from: number, to: number): Tensor =>
  t
    .mul(Math.PI)
    .cos()
    .add(1)
    .mul((from - to) / 2)
    .add(to);

/** `end + ½ (start - end) (1 + cos(π count / steps))`, then `end` (Loshchilov & Hutter 2017). */
export function cosine(options: { start: number; steps: number; end?: number }): Schedule {
  const { start, steps, end = 0 } = options;
  positive("cosine", "steps", steps);
  return (count) => halfCosine(progress(count, steps), start, end);
}

/** A straight line from `start` (0) to `value` in `steps` steps, then what `then` gives for the count since. */
export function warmup(options: { value: number; steps: number; start?: number; then?: Schedule }): Schedule {
  const { value, steps, start = 0, then = constant(value) } = options;
  return join([linear({ start, end: value, steps }), then], [steps]);
}

/** Warm-up to `peak`, then a cosine that reaches `end` at count `steps`. */
export function warmupCosine(options: {
  peak: number;
  warmup: number;
  steps: number;
  start?: number;
  end?: number;
}): Schedule {
  const { peak, warmup: rising, steps, start, end } = options;
  if (!(steps > rising))
    throw new ArgumentError(`warmupCosine: steps must exceed warmup, got ${steps} and ${rising}. give more steps`);
  return warmup({ value: peak, steps: rising, start, then: cosine({ start: peak, steps: steps - rising, end }) });
}

/** The schedules one after the other: number i + 1 takes over at count `boundaries[i]` and starts there from 0. */
export function join(schedules: readonly Schedule[], boundaries: readonly number[]): Schedule {
  if (schedules.length !== boundaries.length + 1)
    throw new ArgumentError(
      `join: there must be one boundary between every two schedules, got ${schedules.length} schedules and ${boundaries.length} boundaries. add what is missing`,
    );
  return (count) =>
    boundaries.reduce(
      (rate, at, i) => where(count.greaterEqual(at), schedules[i + 1](count.sub(at).maximum(0)), rate),
      schedules[0](count),
    );
}

export interface OneCycleOptions {
  readonly peak: number;
  readonly steps: number;
  /** The share of the steps in which the rate rises. */
  readonly warmup?: number;
  /** The rate starts at `peak / startFactor` … */
  readonly startFactor?: number;
  /** … and ends at that divided by `endFactor`. */
  readonly endFactor?: number;
  readonly anneal?: "cosine" | "linear";
  /** Falls to the start in as many steps as it rose, and only then to the end. */
  readonly threePhase?: boolean;
}

/** Up to a peak and down to nearly nothing (Smith & Topin 2018); PyTorch's `OneCycleLR`. */
export function oneCycle(options: OneCycleOptions): Schedule {
  const { peak, steps, warmup = 0.3, startFactor = 25, endFactor = 1e4, anneal = "cosine", threePhase } = options;
  if (!(warmup > 0 && warmup < 1))
    throw new ArgumentError(`oneCycle: warmup must be between 0 and 1, got ${warmup}. 0.3 is usual`);
  const start = peak / startFactor;
  const end = start / endFactor;
  const top = warmup * steps - 1;
  const ends = threePhase ? [top, 2 * top, steps - 1] : [top, steps - 1];
  const rates = threePhase ? [start, peak, start, end] : [start, peak, end];
  const between = (t: Tensor, a: number, b: number): Tensor =>
    anneal === "cosine" ? halfCosine(t, a, b) : t.mul(b - a).add(a);
  return (count) => {
    const at = toFloat(count);
    const phase = (i: number): Tensor => {
      const from = i === 0 ? 0 : ends[i - 1];
      return between(
        at
          .sub(from)
          .div(ends[i] - from)
          .minimum(1)
          .maximum(0),
        rates[i],
        rates[i + 1],
      );
    };
    return ends.slice(1).reduce((rate, _, i) => where(at.greater(ends[i]), phase(i + 1), rate), phase(0));
  };
}

/** Cosines from `start` to `end`; the first takes `period` steps, each further one `factor` times as many. */
export function cosineRestarts(options: { start: number; period: number; factor?: number; end?: number }): Schedule {
  const { start, period, factor = 1, end = 0 } = options;
  positive("cosineRestarts", "period", period);
  if (!(factor >= 1))
    throw new ArgumentError(`cosineRestarts: factor must be at least 1, got ${factor}. 1 keeps every period as long`);
  return (count) => {
    const at = toFloat(count);
    if (factor === 1) return halfCosine(at.div(period).sub(at.div(period).floor()), start, end);
    // Cycle n starts at period (factorⁿ - 1) / (factor - 1); the half keeps rounding from moving a start.
    const cycle = at
      .add(0.5)
      .mul((factor - 1) / period)
      .log1p()
      .div(Math.log(factor))
      .floor();
    const length = powers(factor, cycle).mul(period);
    const from = length.sub(period).div(factor - 1);
    return halfCosine(at.sub(from).div(length), start, end);
  };
}
