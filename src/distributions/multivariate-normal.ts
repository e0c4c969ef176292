import { eye, random, type Shape, type Tensor, tensor } from "../index.js";
import { cholesky, choleskySolve, solve, solveTriangular } from "../linalg/index.js";
import { type Constraint, diagonal, lowerCholesky, positiveDefinite, realVector } from "./constraints.js";
import { Distribution, drawType, refuse } from "./distribution.js";
import { registerKL } from "./kl.js";
import { type Declared, type DistributionOptions, type Parameter, parameters } from "./parameters.js";

/** The covariance, its inverse, or its Cholesky factor, `[…, n, n]`. */
export type Spread = DistributionOptions &
  (
    | { readonly covarianceMatrix: Parameter; readonly precisionMatrix?: undefined; readonly scaleTril?: undefined }
    | { readonly precisionMatrix: Parameter; readonly covarianceMatrix?: undefined; readonly scaleTril?: undefined }
    | { readonly scaleTril: Parameter; readonly covarianceMatrix?: undefined; readonly precisionMatrix?: undefined }
  );

function declare(given: Spread): Declared {
  if (given.covarianceMatrix !== undefined) return ["covarianceMatrix", given.covarianceMatrix, positiveDefinite];
  if (given.precisionMatrix !== undefined) return ["precisionMatrix", given.precisionMatrix, positiveDefinite];
  return ["scaleTril", given.scaleTril, lowerCholesky];
}

/** The Cholesky factor of the inverse of p: with `J p J = l lᵀ` for the reversal J it is `J l⁻ᵀ J`, which is lower. */
function factorOfInverse(p: Tensor): Tensor {
  const n = p.shape[p.rank - 1];
  const reversed = cholesky(p.flip([-2, -1])).flip([-2, -1]); // upper, u uᵀ = p
  return solveTriangular(reversed, eye(n, n, { dtype: p.dtype }).broadcastTo(p.shape), { upper: true }).T;
}

/** Applies `f`, a linear map `[…batch, n, m]` to `[…batch, k, m]`, to vectors `[…, …batch, n]`, all leading ones at once. */
export function onColumns(x: Tensor, batch: Shape, f: (columns: Tensor) => Tensor): Tensor {
  const lead = x.shape.slice(0, x.rank - batch.length - 1);
  const n = x.shape[x.rank - 1];
  const y = f(x.reshape([-1, ...batch, n]).moveAxis(0, -1)).moveAxis(-1, 0);
  return y.reshape([...lead, ...batch, y.shape[y.rank - 1]]);
}

/** What normal distributions of vectors have in common, however their covariance is kept. */
export abstract class NormalVectors extends Distribution {
  abstract readonly loc: Tensor;
  /** `½ log det Σ`. */
  protected abstract get halfLogDet(): Tensor;

  get batchShape(): Shape {
    return this.loc.shape.slice(0, -1);
  }
  override get eventShape(): Shape {
    return this.loc.shape.slice(-1);
  }
  get support(): Constraint {
    return realVector;
  }
  override get hasRsample(): boolean {
    return true;
  }
  override get mean(): Tensor {
    return this.loc;
  }
  override get mode(): Tensor {
    return this.loc;
  }
  /** `½ log det Σ + n/2 (1 + log 2π)`. */
  override entropy(): Tensor {
    return this.halfLogDet.add((this.eventShape[0] / 2) * (1 + Math.log(2 * Math.PI)));
  }
}

/** The multivariate normal distribution of vectors `[n]`: `p(x) = exp(-½ (x - loc)ᵀ Σ⁻¹ (x - loc)) / √det(2πΣ)`. */
export class MultivariateNormal extends NormalVectors {
  readonly loc: Tensor;
  /** The Cholesky factor of the covariance. */
  readonly scaleTril: Tensor;
  constructor(loc: Parameter, given: Spread) {
    super();
    const [center, matrix] = parameters("MultivariateNormal", [["loc", loc, realVector], declare(given)], given);
    const n = center.shape[center.rank - 1];
    if (matrix.shape.slice(-2).some((m) => m !== n))
      refuse(
        "MultivariateNormal",
        "the matrix must have as many rows and columns as loc",
        `${center.describe()} and ${matrix.describe()}`,
        "reshape one",
      );
    this.loc = center;
    this.scaleTril =
      given.scaleTril !== undefined
        ? matrix
        : given.precisionMatrix !== undefined
          ? factorOfInverse(matrix)
          : cholesky(matrix);
  }

  /** The distribution that makes rows `[…, m, n]` most probable: their mean and `1/m Σ (x - mean)(x - mean)ᵀ`. */
  static fit(x: Tensor): MultivariateNormal {
    const loc = x.mean(-2);
    const centered = x.sub(loc.expandDims(-2));
    return new MultivariateNormal(loc, { covarianceMatrix: centered.T.matmul(centered).div(x.shape[x.rank - 2]) });
  }

  get covarianceMatrix(): Tensor {
    return this.scaleTril.matmul(this.scaleTril.T);
  }
  get precisionMatrix(): Tensor {
    const n = this.eventShape[0];
    return choleskySolve(this.scaleTril, eye(n, n, { dtype: this.dtype }).broadcastTo(this.scaleTril.shape));
  }
  override get variance(): Tensor {
    return this.scaleTril.square().sum(-1);
  }
  /** `½ log det Σ`. */
  protected get halfLogDet(): Tensor {
    return diagonal(this.scaleTril).log().sum(-1);
  }
  /** `exp(tᵀ loc + ½ tᵀ Σ t)` for vectors t. */
  override mgf(t: Tensor | number): Tensor {
    const s = this.operand(t);
    const image = s.expandDims(-2).matmul(this.scaleTril).squeeze(-2);
    return s.mul(this.loc).sum(-1).add(image.square().sum(-1).mul(0.5)).exp();
  }

  /** The distribution of some of the elements. */
  marginal(indices: readonly number[]): MultivariateNormal {
    const places = this.places("marginal", indices);
    const covariance = this.covarianceMatrix.take(places, -1).take(places, -2);
    return new MultivariateNormal(this.loc.take(places, -1), { covarianceMatrix: covariance, validate: false });
  }
  /**
   * The distribution of the other elements once those at `indices` are seen to be `values`: mean
   * `μ₁ + Σ₁₂ Σ₂₂⁻¹ (v - μ₂)` and covariance `Σ₁₁ - Σ₁₂ Σ₂₂⁻¹ Σ₂₁`.
   */
  condition(indices: readonly number[], values: Tensor): MultivariateNormal {
    const n = this.eventShape[0];
    const seen = this.places("condition", indices);
    const other = this.places(
      "condition",
      Array.from({ length: n }, (_, i) => i).filter((i) => !indices.includes(i)),
    );
    const covariance = this.covarianceMatrix;
    const across = covariance.take(seen, -2).take(other, -1); // Σ₂₁
    const gain = solve(covariance.take(seen, -2).take(seen, -1), across).T; // Σ₁₂ Σ₂₂⁻¹
    const surprise = values.sub(this.loc.take(seen, -1)).expandDims(-1);
    return new MultivariateNormal(this.loc.take(other, -1).add(gain.matmul(surprise).squeeze(-1)), {
      covarianceMatrix: covariance.take(other, -2).take(other, -1).sub(gain.matmul(across)),
      validate: false,
    });
  }
  private places(op: string, indices: readonly number[]): Tensor {
    const n = this.eventShape[0];
    const isPlace = (i: number): boolean => Number.isInteger(i) && i >= 0 && i < n;
    if (indices.length === 0 || !indices.every(isPlace) || new Set(indices).size !== indices.length)
      refuse(
        `MultivariateNormal.${op}`,
        `some, not all, different elements from 0 to ${n - 1} must be named`,
        indices.join(", ") || "none",
        "check the indices",
      );
    return tensor(indices, { dtype: "int32" });
  }

  protected logDensity(x: Tensor): Tensor {
    const z = onColumns(x.sub(this.loc), this.batchShape, (columns) => solveTriangular(this.scaleTril, columns));
    const constant = (this.eventShape[0] / 2) * Math.log(2 * Math.PI);
    return z.square().sum(-1).mul(-0.5).sub(this.halfLogDet.add(constant));
  }
  protected draw(key: random.Key, shape: Shape): Tensor {
    const z: Tensor = random.normal(key, shape, { dtype: drawType(this.dtype) });
    return onColumns(z, this.batchShape, (columns) => this.scaleTril.matmul(columns)).add(this.loc);
  }
}

registerKL(MultivariateNormal, MultivariateNormal, (p, q) => {
  const [n] = p.eventShape;
  const ratio = solveTriangular(q.scaleTril, p.scaleTril);
  const distance = solveTriangular(q.scaleTril, q.loc.sub(p.loc).expandDims(-1));
  const trace = ratio
    .square()
    .sum([-2, -1])
    .add(distance.square().sum([-2, -1]));
  const logDets = diagonal(q.scaleTril).log().sum(-1).sub(diagonal(p.scaleTril).log().sum(-1));
  return trace.sub(n).mul(0.5).add(logDets);
});
