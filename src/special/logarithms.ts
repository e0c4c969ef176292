/** Logarithms of gamma and beta functions in JavaScript numbers, for references and host routines. */
import * as table from "./coefficients.js";

const halfLogTwoPi = Math.log(2 * Math.PI) / 2;

const polynomial = (x: number, coefficients: readonly number[]): number =>
  coefficients.reduce((sum, c) => sum * x + c, 0);

/** `log Γ(x)` for x > 0, by the polynomials and the series of the formula that devices compute. */
export function logGamma(x: number): number {
  if (x < 0.5) return logGammaOnePlus(x) - Math.log(x);
  if (x >= 8) return (x - 0.5) * (Math.log(x) - 1) + halfLogTwoPi - 0.5 + polynomial(1 / x / x, table.stirling) / x;
  if (x < 1) return (x - 1) * polynomial(x - 1, table.logGammaTwo) - Math.log(x);
  let w = x;
  let product = 1;
  while (w >= 2.5) product *= --w;
  const near =
    w < 1.5 ? (w - 1) * polynomial(w - 1, table.logGammaOne) : (w - 2) * polynomial(w - 2, table.logGammaTwo);
  return near + Math.log(product);
}

/** `log Γ(1 + a)`, accurate relative to itself also for small a. */
export const logGammaOnePlus = (a: number): number =>
  a <= 0.5 ? a * polynomial(a, table.logGammaOne) : logGamma(1 + a);

/** `log Γ(x) - (x - ½) log x + x - log √(2π)`. */
export const stirlingError = (x: number): number =>
  x < 15
    ? logGamma(x) - (x - 0.5) * Math.log(x) + x - halfLogTwoPi
    : (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / x / x) / x / x) / x / x) / x / x) / x;

/** `log B(a, b)` for a, b ≥ 0; NaN for negative arguments. */
export function logBeta(a: number, b: number): number {
  const [p, q] = [Math.min(a, b), Math.max(a, b)];
  if (!(p >= 0) || (p === 0 && q === Infinity)) return Number.NaN;
  if (p === 0 || q === Infinity) return p === 0 ? Infinity : -Infinity;
  if (q < 15) return logGamma(p) + logGamma(q) - logGamma(p + q);
  const corrections = stirlingError(q) - stirlingError(p + q);
  if (p < 15) return logGamma(p) + corrections - (q - 0.5) * Math.log1p(p / q) - p * (Math.log(p + q) - 1);
  const main = (p - 0.5) * Math.log(p / (p + q)) - q * Math.log1p(p / q) - 0.5 * Math.log(q);
  return halfLogTwoPi + main + corrections + stirlingError(p);
}
