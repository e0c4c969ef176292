/** How numbers read in terminals and reports. */

/** `12,345` */
export const count = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");

/** `98.35 %` */
export const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)} %`;

/** `0.0412`: four significant digits, no exponent where a person would not write one. */
export function figure(x: number): string {
  if (!Number.isFinite(x)) return `${x}`;
  if (x === 0) return "0";
  const size = Math.abs(x);
  return size < 1e-4 || size >= 1e6 ? x.toExponential(2) : x.toPrecision(4);
}

/** Four digits behind the point while they say anything. */
export const lossText = (x: number): string => (Math.abs(x) >= 0.001 ? x.toFixed(4) : figure(x));

const two = (n: number): string => String(n).padStart(2, "0");

/** `8.4 s`, `2 min 05 s`, `1 h 03 min` */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours} h ${two(minutes)} min` : `${minutes} min ${two(rest)} s`;
}

/** `1 epoch`, `3 epochs` */
export const plural = (n: number, one: string): string => `${count(n)} ${one}${n === 1 ? "" : "s"}`;
