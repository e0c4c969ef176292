/** Functions made of random numbers or data. */
import { ArgumentError, random, ShapeError, softplus, type Tensor, tensor, shown } from "../../index.js";
import { diag, eigvalsh, lstsq, qr } from "../../linalg/index.js";
import type { Specimen } from "./specimen.js";

const rowsOf = (x: Tensor): number[] => Array.from(x.astype("float64").dataSync());

export interface QuadraticOptions {
  readonly dimension?: number;
  /** The quotient of the greatest and the least curvature; 10 unless given. */
  readonly condition?: number;
  /** The least curvature; 1 unless given. */
  readonly strongConvexity?: number;
  /** Where the minimum is; 0 unless given. */
  readonly minimizer?: readonly number[];
  /** Of the rotation. */
  readonly seed?: number;
}

/**
 * `½ (x - x*)ᵀ H (x - x*)` with `H = Q diag(λ) Qᵀ`: curvatures λ in geometric steps from μ to κμ, along the axes of a random
 * rotation Q. `hessian` is H[n, n].
 */
export function quadratic(options: QuadraticOptions = {}): Specimen & { readonly hessian: Tensor } {
  const { dimension: n = 2, condition = 10, strongConvexity = 1, seed = 0 } = options;
  const { minimizer = new Array<number>(n).fill(0) } = options;
  if (!Number.isInteger(n) || n < 1)
    throw new ArgumentError(`quadratic: the dimension must be a positive integer, got ${shown(n)}. raise it`);
  if (!(condition >= 1) || !(strongConvexity > 0) || (n === 1 && condition !== 1))
    throw new ArgumentError(
      `quadratic: the condition must be at least 1 (1 in one dimension) and the curvature positive, got ${condition} and ${strongConvexity} for dimension ${n}. raise them`,
    );
  if (minimizer.length !== n)
    throw new ArgumentError(
      `quadratic: the minimizer must have ${n} numbers, got ${minimizer.length}. add what is missing`,
    );
  const { q } = qr(random.normal(random.key(seed), [n, n]).astype("float64"));
  const curvatures = Array.from({ length: n }, (_, i) => strongConvexity * condition ** (n === 1 ? 0 : i / (n - 1)));
  const skew = q.matmul(diag(tensor(curvatures, { dtype: "float64" }))).matmul(q.T);
  const hessian = skew.add(skew.T).div(2);
  const center = tensor([...minimizer], { dtype: "float64" });
  const greatest = strongConvexity * condition;
  return {
    name: `quadratic of condition ${condition}`,
    dimension: n,
    hessian,
    value(x) {
      const away = x.sub(center.astype(x.dtype));
      return away.mul(hessian.astype(x.dtype).matmul(away)).sum().div(2);
    },
    start: minimizer.map((v, i) => v + (i % 2 === 0 ? 1.5 : -1)),
    minimizers: [minimizer],
    minimum: 0,
    smoothness: greatest,
    strongConvexity,
    pl: strongConvexity,
    window: [
      [minimizer[0] - 2, minimizer[0] + 2],
      [(minimizer[1] ?? 0) - 2, (minimizer[1] ?? 0) + 2],
    ],
  };
}

function checkData(name: string, x: Tensor, y: Tensor): void {
  if (x.rank !== 2 || y.rank !== 1 || x.shape[0] !== y.size)
    throw new ShapeError(
      `${name}: data must be [m, n] and [m], got ${x.describe()} and ${y.describe()}. transpose one`,
    );
}

/** The least and the greatest eigenvalue of `XᵀX / m`. */
function spectrum(x: Tensor): { readonly least: number; readonly greatest: number } {
  const data = x.astype("float64");
  const values = rowsOf(eigvalsh(data.T.matmul(data).div(x.shape[0])));
  return { least: Math.max(0, values[0]), greatest: values[values.length - 1] };
}

/** `½ mean (Xw - y)² + ½ ridge ‖w‖²` for X[m, n] and y[m]. */
export function leastSquares(x: Tensor, y: Tensor, ridge = 0): Specimen {
  checkData("leastSquares", x, y);
  const [m, n] = x.shape;
  const { least, greatest } = spectrum(x);
  const value = (w: Tensor): Tensor => {
    const residual = x.astype(w.dtype).matmul(w).sub(y.astype(w.dtype));
    return residual.square().mean().add(w.square().sum().mul(ridge)).div(2);
  };
  const data = x.astype("float64");
  const gram = data.T.matmul(data).div(m);
  const shifted = gram.add(diag(tensor(new Float64Array(n).fill(ridge))));
  const best = lstsq(shifted, data.T.matmul(y.astype("float64")).div(m)).solution;
  return {
    name: "least squares",
    dimension: n,
    value,
    start: new Array<number>(n).fill(0),
    minimizers: least + ridge > 0 ? [rowsOf(best)] : [],
    minimum: value(best).itemSync(),
    smoothness: greatest + ridge,
    ...(least + ridge > 0 ? { strongConvexity: least + ridge, pl: least + ridge } : {}),
    window: [
      [-3, 3],
      [-3, 3],
    ],
  };
}

/**
 * `mean log(1 + exp(-yᵢ xᵢᵀw)) + ½ ridge ‖w‖²` for X[m, n] and labels y[m] of -1 and 1. Its curvature is at most
 * `λ_max(XᵀX) / 4m + ridge`, and at least `ridge`. The minimum has no closed form: find it with `minimize`.
 */
export function logisticRegression(x: Tensor, y: Tensor, ridge = 0): Specimen {
  checkData("logisticRegression", x, y);
  if (rowsOf(y).some((label) => Math.abs(label) !== 1))
    throw new ArgumentError(`logisticRegression: labels must be -1 and 1, got others in ${y.describe()}. map 0 to -1`);
  const n = x.shape[1];
  return {
    name: "logistic regression",
    dimension: n,
    value(w) {
      const margins = x.astype(w.dtype).matmul(w).mul(y.astype(w.dtype));
      return softplus(margins.neg())
        .mean()
        .add(
          w
            .square()
            .sum()
            .mul(ridge / 2),
        );
    },
    start: new Array<number>(n).fill(0),
    minimizers: [],
    smoothness: spectrum(x).greatest / 4 + ridge,
    ...(ridge > 0 ? { strongConvexity: ridge, pl: ridge } : {}),
    window: [
      [-3, 3],
      [-3, 3],
    ],
  };
}
