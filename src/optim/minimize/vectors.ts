/** Arithmetic of points, on the host in float64. */
export type Vector = Float64Array<ArrayBuffer>;

export const dot = (x: ArrayLike<number>, y: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
};
export const norm = (x: Vector): number => Math.sqrt(dot(x, x));
/** The largest absolute value; NaN if there is one. */
export const maxAbs = (x: Vector): number => x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
/** `x + a·y`. */
export const plus = (x: Vector, a: number, y: Vector): Vector => x.map((v, i) => v + a * y[i]);
export const minus = (x: Vector, y: Vector): Vector => x.map((v, i) => v - y[i]);
export const times = (a: number, x: Vector): Vector => x.map((v) => a * v);
export const isFinite = (x: Vector): boolean => x.every((v) => Number.isFinite(v));
