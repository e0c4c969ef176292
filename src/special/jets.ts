/**
 * Truncated power series in two variables: a value with its derivatives by two parameters, in ordinary numbers. Element
 * (i, j) is the coefficient of αⁱβʲ, i ≤ orders[0], j ≤ orders[1].
 */
export interface Jets {
  /** A constant. */
  of(value: number): Float64Array;
  /** A constant plus a multiple of the first (0) or second (1) variable. */
  variable(value: number, axis: 0 | 1, slope?: number): Float64Array;
  /** A function of the first or second variable, or of their sum (2), from its Taylor coefficients. */
  series(coefficients: readonly number[], of: 0 | 1 | 2): Float64Array;
  add(a: Float64Array, b: Float64Array): Float64Array;
  scale(a: Float64Array, c: number): Float64Array;
  mul(a: Float64Array, b: Float64Array): Float64Array;
  div(a: Float64Array, b: Float64Array): Float64Array;
  exp(a: Float64Array): Float64Array;
  /** The derivative of highest order. */
  last(a: Float64Array): number;
}

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
const binomial = (n: number, k: number): number => factorial(n) / (factorial(k) * factorial(n - k));

export function jets([p, q]: readonly [number, number]): Jets {
  const width = q + 1;
  const size = (p + 1) * width;
  const make = (f: (i: number, j: number) => number): Float64Array =>
    Float64Array.from({ length: size }, (_, k) => f(Math.floor(k / width), k % width));
  const of = (value: number) => make((i, j) => (i + j === 0 ? value : 0));
  const add = (a: Float64Array, b: Float64Array) => a.map((x, k) => x + b[k]);
  const scale = (a: Float64Array, c: number) => a.map((x) => x * c);
  const mul = (a: Float64Array, b: Float64Array): Float64Array =>
    make((i, j) => {
      let sum = 0;
      for (let k = 0; k <= i; k++) for (let l = 0; l <= j; l++) sum += a[k * width + l] * b[(i - k) * width + j - l];
      return sum;
    });
  // coefficient by coefficient, each from those below it: a = b · y
  const div = (a: Float64Array, b: Float64Array): Float64Array => {
    const y = new Float64Array(size);
    for (let i = 0; i <= p; i++)
      for (let j = 0; j <= q; j++) {
        let rest = a[i * width + j];
        for (let k = 0; k <= i; k++)
          for (let l = 0; l <= j; l++) if (k + l > 0) rest -= b[k * width + l] * y[(i - k) * width + j - l];
        y[i * width + j] = rest / b[0];
      }
    return y;
  };
  // the series of eʰ ends, as h has no constant
  const exp = (a: Float64Array): Float64Array => {
    const h = a.with(0, 0);
    let term = of(1);
    let sum = term;
    for (let k = 1; k <= p + q; k++) {
      term = scale(mul(term, h), 1 / k);
      sum = add(sum, term);
    }
    return scale(sum, Math.exp(a[0]));
  };
  return {
    of,
    variable: (value, axis, slope = 1) =>
      make((i, j) => (i + j === 0 ? value : i + j === 1 && (axis === 0 ? i : j) === 1 ? slope : 0)),
    series: (c, by) =>
      make((i, j) => {
        if (by === 2) return binomial(i + j, i) * c[i + j];
        return (by === 0 ? j : i) === 0 ? c[i + j] : 0;
      }),
    add,
    scale,
    mul,
    div,
    exp,
    last: (a) => a[size - 1] * factorial(p) * factorial(q),
  };
}
