import { eye, random, type Shape, type Tensor } from "../index.js";
import { cholesky, solveTriangular } from "../linalg/index.js";
import { diagonal, positiveVector, realMatrix, realVector } from "./constraints.js";
import { drawType, refuse } from "./distribution.js";
import { kl, registerKL } from "./kl.js";
import { MultivariateNormal, NormalVectors, onColumns } from "./multivariate-normal.js";
import { type DistributionOptions, type Parameter, parameters } from "./parameters.js";

/**
 * The multivariate normal distribution with covariance `W Wᵀ + diag(d)` for a factor `W[…, n, r]` and `d[…, n]`: costs
 * grow as `n r²`, by the matrix determinant lemma and the Woodbury identity.
 */
export class LowRankMultivariateNormal extends NormalVectors {
  readonly loc: Tensor;
  readonly covFactor: Tensor;
  readonly covDiag: Tensor;
  constructor(loc: Parameter, covFactor: Parameter, covDiag: Parameter, options: DistributionOptions = {}) {
    super();
    const declared = [
      ["loc", loc, realVector],
      ["covFactor", covFactor, realMatrix],
      ["covDiag", covDiag, positiveVector],
    ] as const;
    [this.loc, this.covFactor, this.covDiag] = parameters("LowRankMultivariateNormal", declared, options);
    const [n] = this.eventShape;
    if (this.covFactor.shape[this.covFactor.rank - 2] !== n || this.covDiag.shape[this.covDiag.rank - 1] !== n)
      refuse(
        "LowRankMultivariateNormal",
        "loc, the rows of covFactor and covDiag must be equally many",
        [this.loc, this.covFactor, this.covDiag].map((x) => x.describe()).join(", "),
        "reshape them",
      );
  }
  get covarianceMatrix(): Tensor {
    const n = this.eventShape[0];
    const diagonalPart = eye(n, n, { dtype: this.dtype }).mul(this.covDiag.expandDims(-1));
    return this.covFactor.matmul(this.covFactor.T).add(diagonalPart);
  }
  override get variance(): Tensor {
    return this.covFactor.square().sum(-1).add(this.covDiag);
  }
  /** The same distribution by its full covariance. */
  full(): MultivariateNormal {
    return new MultivariateNormal(this.loc, { covarianceMatrix: this.covarianceMatrix, validate: false });
  }
  /** `Wᵀ diag(d)⁻¹`. */
  private get weighted(): Tensor {
    return this.covFactor.div(this.covDiag.expandDims(-1)).T;
  }
  /** The Cholesky factor of the capacitance `I + Wᵀ diag(d)⁻¹ W`. */
  private get capacitance(): Tensor {
    const rank = this.covFactor.shape[this.covFactor.rank - 1];
    return cholesky(this.weighted.matmul(this.covFactor).add(eye(rank, rank, { dtype: this.dtype })));
  }
  /** `½ log det Σ`. */
  protected get halfLogDet(): Tensor {
    return this.covDiag.log().sum(-1).mul(0.5).add(diagonal(this.capacitance).log().sum(-1));
  }
  /** `exp(tᵀ loc + ½ tᵀ Σ t)` for vectors t. */
  override mgf(t: Tensor | number): Tensor {
    const s = this.operand(t);
    const image = s.expandDims(-2).matmul(this.covFactor).squeeze(-2);
    const spread = image.square().sum(-1).add(s.square().mul(this.covDiag).sum(-1));
    return s.mul(this.loc).sum(-1).add(spread.mul(0.5)).exp();
  }
  protected logDensity(x: Tensor): Tensor {
    const difference = x.sub(this.loc);
    const inner = onColumns(difference, this.batchShape, (columns) =>
      solveTriangular(this.capacitance, this.weighted.matmul(columns)),
    );
    const distance = difference.square().div(this.covDiag).sum(-1).sub(inner.square().sum(-1));
    const constant = (this.eventShape[0] / 2) * Math.log(2 * Math.PI);
    return distance.mul(-0.5).sub(this.halfLogDet.add(constant));
  }
  protected draw(key: random.Key, shape: Shape): Tensor {
    const dtype = drawType(this.dtype);
    const [first, second] = random.split(key);
    const rank = this.covFactor.shape[this.covFactor.rank - 1];
    const z: Tensor = random.normal(first, [...shape.slice(0, -1), rank], { dtype });
    const own: Tensor = random.normal(second, shape, { dtype });
    const shared = onColumns(z, this.batchShape, (columns) => this.covFactor.matmul(columns));
    return shared.add(own.mul(this.covDiag.sqrt())).add(this.loc);
  }
}

registerKL(LowRankMultivariateNormal, LowRankMultivariateNormal, (p, q) => kl(p.full(), q.full()));
registerKL(LowRankMultivariateNormal, MultivariateNormal, (p, q) => kl(p.full(), q));
registerKL(MultivariateNormal, LowRankMultivariateNormal, (p, q) => kl(p, q.full()));
