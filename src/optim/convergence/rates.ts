/** Rates read off runs. */
import { ArgumentError, tensor, vmap } from "../../index.js";
import type { Schedule } from "../schedules.js";

/** A straight line through points, by least squares. */
export interface LineFit {
  readonly slope: number;
  readonly intercept: number;
  /** The standard error of the slope. */
  readonly standardError: number;
}

/** `y ≈ intercept + slope · x`; at least three points. */
export function lineFit(x: readonly number[], y: readonly number[]): LineFit {
  const n = x.length;
  if (n < 3 || y.length !== n)
    throw new ArgumentError(`lineFit: there must be three points or more, got ${n} and ${y.length} numbers. add some`);
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / n;
  const [mx, my] = [mean(x), mean(y)];
  const sxx = x.reduce((s, v) => s + (v - mx) ** 2, 0);
  const slope = x.reduce((s, v, i) => s + (v - mx) * (y[i] - my), 0) / sxx;
  const intercept = my - slope * mx;
  const rest = x.reduce((s, v, i) => s + (y[i] - intercept - slope * v) ** 2, 0);
  return { slope, intercept, standardError: Math.sqrt(rest / (n - 2) / sxx) };
}

/** The exponent p of `y ≈ C xᵖ`: the slope of log y over log x. Points that are not positive are an error. */
export function logLogSlope(x: readonly number[], y: readonly number[]): LineFit {
  if ([...x, ...y].some((v) => !(v > 0)))
    throw new ArgumentError("logLogSlope: all numbers must be positive, got one that is not. cut it off");
  return lineFit(x.map(Math.log), y.map(Math.log));
}

/** The factor q of `y ≈ C qᵏ` over the indices k, with the standard error of log q: linear convergence. */
export function geometricRate(y: readonly number[]): { readonly factor: number; readonly standardError: number } {
  if (y.some((v) => !(v > 0)))
    throw new ArgumentError("geometricRate: all numbers must be positive, got one that is not. cut it off");
  const { slope, standardError } = lineFit(
    y.map((_, k) => k),
    y.map(Math.log),
  );
  return { factor: Math.exp(slope), standardError };
}

/** What the conditions of Robbins & Monro (1951) say of a schedule that falls like `t^-exponent` in the end. */
export interface RobbinsMonro {
  readonly exponent: number;
  /** `Σ ηₜ = ∞`: the exponent is at most 1. */
  readonly sumDiverges: boolean;
  /** `Σ ηₜ² < ∞`: the exponent is above ½. */
  readonly squaresConverge: boolean;
  readonly holds: boolean;
}

/** Checks `Σ ηₜ = ∞` and `Σ ηₜ² < ∞` by the exponent with which a schedule falls between the steps 10⁶ and 10⁹. */
export function robbinsMonro(schedule: Schedule): RobbinsMonro {
  const counts = Array.from({ length: 13 }, (_, i) => Math.round(10 ** (6 + i / 4)));
  const rates = Array.from(vmap(schedule)(tensor(counts, { dtype: "float64" })).dataSync());
  if (rates.some((v) => !(v >= 0)))
    throw new ArgumentError("robbinsMonro: rates must not be negative or NaN, got one that is. check the schedule");
  const exponent = rates.includes(0) ? Infinity : -logLogSlope(counts, rates).slope;
  const sumDiverges = exponent <= 1 + 1e-3;
  const squaresConverge = exponent > 0.5 + 1e-3;
  return { exponent, sumDiverges, squaresConverge, holds: sumDiverges && squaresConverge };
}
