/** Derivatives by differences of values: what gradients are compared with, and used where there are none. */
import { isFloat } from "../ir/dtype.js";
import { stack, tensor, type Tensor } from "../tensor/index.js";
import { range } from "../util/arrays.js";
import { ArgumentError, DTypeError, ShapeError } from "../util/errors.js";

export interface DifferenceOptions {
  /**
   * `forward`: `(f(x + h eᵢ) - f(x)) / h`, of error O(h). `central`, the default: `(f(x + h eᵢ) - f(x - h eᵢ)) / 2h`, of error
   * O(h²).
   */
  readonly scheme?: "forward" | "central";
  /** h. Unless given it balances truncation with rounding: a root of the dtype's epsilon. */
  readonly step?: number;
}

type Scalar = (x: Tensor) => Tensor;

/** The step for a quotient of differences of order `order` whose truncation error is O(hᵖ): ε to the power 1/(order + p). */
function stepOf(op: string, x: Tensor, order: number, { scheme = "central", step }: DifferenceOptions): number {
  if (!isFloat(x.dtype))
    throw new DTypeError(`${op}: the argument must be a float, got ${x.describe()}. convert it with astype`);
  if (scheme !== "forward" && scheme !== "central")
    throw new ArgumentError(`${op}: the scheme must be forward or central, got ${String(scheme)}. use one of them`);
  if (step !== undefined && !(step > 0))
    throw new ArgumentError(`${op}: the step must be positive, got ${step}. leave it out`);
  const epsilon = x.dtype === "float64" ? 2 ** -52 : 2 ** -23;
  return step ?? epsilon ** (1 / (order + (scheme === "central" ? 2 : 1)));
}

/** `x ↦ f(x + Σ hᵢ eᵢ)` for moves of single elements. */
function shifted(op: string, f: Scalar, x: Tensor): (...moves: readonly (readonly [i: number, h: number])[]) => Tensor {
  return (...moves) => {
    const by = new Float64Array(x.size);
    for (const [i, h] of moves) by[i] += h;
    const y = f(x.add(tensor(by, { shape: x.shape, dtype: x.dtype })));
    if (y.rank !== 0)
      throw new ShapeError(`${op}: the function must return a scalar, got ${y.describe()}. take its sum`);
    return y;
  };
}

/** The gradient of a scalar function of a tensor by differences; one or two values for each element. */
export const differenceGradient =
  (f: Scalar, options: DifferenceOptions = {}): Scalar =>
  (x) => {
    const h = stepOf("differenceGradient", x, 1, options);
    const at = shifted("differenceGradient", f, x);
    const quotient =
      options.scheme === "forward"
        ? (i: number) => at([i, h]).sub(at()).div(h)
        : (i: number) =>
            at([i, h])
              .sub(at([i, -h]))
              .div(2 * h);
    return stack(range(x.size).map(quotient)).reshape(x.shape);
  };

/**
 * The Hessian of a scalar function of a tensor by differences of values: forward
 * `(f(x + h eᵢ + h eⱼ) - f(x + h eᵢ) - f(x + h eⱼ) + f(x)) / h²`, central
 * `(f(+h, +h) - f(+h, -h) - f(-h, +h) + f(-h, -h)) / 4h²` in the directions i and j.
 */
export const differenceHessian =
  (f: Scalar, options: DifferenceOptions = {}): Scalar =>
  (x) => {
    const h = stepOf("differenceHessian", x, 2, options);
    const at = shifted("differenceHessian", f, x);
    const corner = (i: number, a: number, j: number, b: number): Tensor => at([i, a * h], [j, b * h]);
    const quotient =
      options.scheme === "forward"
        ? (i: number, j: number) =>
            corner(i, 1, j, 1)
              .sub(at([i, h]))
              .sub(at([j, h]))
              .add(at())
              .div(h * h)
        : (i: number, j: number) =>
            corner(i, 1, j, 1)
              .sub(corner(i, 1, j, -1))
              .sub(corner(i, -1, j, 1))
              .add(corner(i, -1, j, -1))
              .div(4 * h * h);
    const n = x.size;
    const upper = range(n).map((i) => range(n).map((j) => (j < i ? null : quotient(i, j))));
    const entries = range(n).flatMap((i) =>
      range(n).map((j) => upper[Math.min(i, j)][Math.max(i, j)] ?? quotient(i, j)),
    );
    return stack(entries).reshape([...x.shape, ...x.shape]);
  };
