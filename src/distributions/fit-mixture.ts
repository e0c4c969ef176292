/** Fitting mixtures of normal distributions by expectation and maximisation, with or without labels. */
import {
  arange,
  ArgumentError,
  compile,
  eye,
  full,
  logSumExp,
  ShapeError,
  stack,
  type Tensor,
  where,
  shown,
} from "../index.js";
import * as random from "../random/index.js";
import { Categorical } from "./categorical.js";
import { Mixture } from "./mixture.js";
import { MultivariateNormal } from "./multivariate-normal.js";

/** Parameters of a mixture of k normal distributions in d dimensions. */
export interface NormalMixture {
  /** `[k]` */
  readonly weights: Tensor;
  /** `[k, d]` */
  readonly means: Tensor;
  /** `[k, d, d]` */
  readonly covariances: Tensor;
}

export interface MixtureFitOptions {
  /** How many normal distributions. */
  readonly components: number;
  /** The component of each row, int32 `[N]`; -1 where it is not known. */
  readonly labels?: Tensor;
  /** What a row without a label counts beside one with; 1 unless given (Nigam et al. 2000: EM-λ). */
  readonly unlabelledWeight?: number;
  /** Any matrices, one matrix for all, diagonal ones, or multiples of the identity. */
  readonly covariance?: "full" | "tied" | "diagonal" | "spherical";
  /** Added to variances; 1e-6 unless given. */
  readonly regularisation?: number;
  readonly maxIterations?: number;
  /** Stops when the mean log-likelihood grows by less; 1e-5 unless given. */
  readonly tolerance?: number;
  /** Where to begin. Unless given: at the means of labelled rows, or at rows drawn far from each other (k-means++). */
  readonly start?: NormalMixture;
  /** Of the draws of the start. */
  readonly seed?: number;
}

/** What covariances may be. */
interface Spread {
  readonly covariance: NonNullable<MixtureFitOptions["covariance"]>;
  readonly regularisation: number;
}

/** A mixture that was fitted, and how. */
export interface MixtureFit extends NormalMixture {
  readonly mixture: Mixture;
  /** `p(k | x)` of each row, `[N, k]`; 0 and 1 for rows with labels. */
  readonly responsibilities: Tensor;
  /** What is maximised, over the weight of all rows, before every iteration and at the end; without regularisation it never falls. */
  readonly logLikelihoods: readonly number[];
  readonly converged: boolean;
}

/** What a fit is given, beside its parameters: rows `[N, d]`, their labels as 0 and 1 `[N, k]`, and what each row counts. */
interface Evidence {
  readonly x: Tensor;
  readonly marks: Tensor;
  /** bool `[N, 1]` */
  readonly known: Tensor;
  /** `[N, 1]` */
  readonly importance: Tensor;
}

/** `p(k | x)` of each row, and the mean of what is maximised. */
const expect = compile(({ x, marks, known, importance }: Evidence, { weights, means, covariances }: NormalMixture) => {
  const components = new MultivariateNormal(means, { covarianceMatrix: covariances });
  const logs = components.logProb(x.expandDims(1)).add(weights.log()); // log w_k + log N(x | μ_k, Σ_k), [N, k]
  const total = logSumExp(logs, 1, { keepDims: true });
  const own = where(known, where(marks.greater(0), logs, 0).sum(1, { keepDims: true }), total);
  return {
    responsibilities: where(known, marks, logs.sub(total).exp()),
    objective: own.mul(importance).sum().div(importance.sum()),
  };
});

/** The parameters that are best for given shares `[N, k]` of every row. */
const maximise = compile(
  ({ x, importance }: Evidence, responsibilities: Tensor, { covariance, regularisation }: Spread): NormalMixture => {
    const d = x.shape[1];
    const shares = responsibilities.mul(importance);
    const counts = shares.sum(0); // [k]
    const means = shares.T.matmul(x).div(counts.expandDims(1)); // [k, d]
    const off = x.expandDims(0).sub(means.expandDims(1)); // [k, N, d]
    const scatter = off.mul(shares.T.expandDims(2)).swapAxes(1, 2).matmul(off); // [k, d, d]
    const each = scatter.div(counts.reshape([-1, 1, 1]));
    const identity = eye(d).astype(x.dtype);
    const shaped = {
      full: () => each,
      tied: () => scatter.sum(0, { keepDims: true }).div(counts.sum()).broadcastTo(each.shape),
      diagonal: () => each.mul(identity),
      spherical: () => each.mul(identity).sum([1, 2], { keepDims: true }).div(d).mul(identity),
    }[covariance]();
    return { weights: counts.div(counts.sum()), means, covariances: shaped.add(identity.mul(regularisation)) };
  },
);

/** Rows far from each other (Arthur & Vassilvitskii 2007): each next one is drawn by its squared distance to those before. */
function spread(x: Tensor, k: number, seed: number): Tensor {
  const key = random.key(seed);
  const chosen = [x.at(0)];
  while (chosen.length < k) {
    const distances = stack(chosen.map((c) => x.sub(c).square().sum(1))).min(0);
    chosen.push(x.at(random.categorical(random.foldIn(key, chosen.length), distances.log()).itemSync()));
  }
  return stack(chosen);
}

/** Labels as 0 and 1, `[N, k]`; none where the label is no component. */
const marksOf = (labels: Tensor, k: number): Tensor => labels.expandDims(1).equal(arange(k).astype(labels.dtype));

/** Hard shares by the nearest of the starting means, and by the labels where there are. */
function beginning({ x, marks, known }: Evidence, seed: number): Tensor {
  const k = marks.shape[1];
  const counts = marks.sum(0);
  const labelled = marks.T.matmul(x).div(counts.maximum(1).expandDims(1));
  const means = counts.min().itemSync() > 0 ? labelled : spread(x, k, seed);
  const nearest = x.expandDims(1).sub(means).square().sum(2).argmin(1);
  return where(known, marks, marksOf(nearest, k).astype(x.dtype));
}

function check(x: Tensor, { components, labels, unlabelledWeight = 1 }: MixtureFitOptions): void {
  if (x.rank !== 2) throw new ShapeError(`fitMixture: rows must be [N, d], got ${x.describe()}. reshape them`);
  if (!(Number.isInteger(components) && components > 0 && components <= x.shape[0]))
    throw new ArgumentError(
      `fitMixture: components must be an integer from 1 to the ${x.shape[0]} rows, got ${shown(components)}. ask for fewer`,
    );
  if (labels && (labels.rank !== 1 || labels.shape[0] !== x.shape[0]))
    throw new ShapeError(
      `fitMixture: there must be a label for each row, got ${x.describe()} and ${labels.describe()}. use -1 where there is none`,
    );
  if (!(unlabelledWeight >= 0))
    throw new ArgumentError(`fitMixture: unlabelledWeight must not be negative, got ${unlabelledWeight}. 1 is usual`);
}

/**
 * The mixture of normal distributions that makes rows `[N, d]` most probable, and the labels of those that have one:
 * `Σ_labelled log w_y N(x | y) + λ Σ_others log Σ_k w_k N(x | k)`, by expectation and maximisation (Dempster, Laird & Rubin
 * 1977), from a start that decides which of its maxima is found.
 */
export async function fitMixture(x: Tensor, options: MixtureFitOptions): Promise<MixtureFit> {
  check(x, options);
  const { components: k, labels, unlabelledWeight = 1, covariance = "full", regularisation = 1e-6 } = options;
  const { maxIterations = 200, tolerance = 1e-5, start, seed = 0 } = options;
  const marks = marksOf(labels ?? full([x.shape[0]], -1, { dtype: "int32" }), k).astype(x.dtype);
  const known = marks.sum(1, { keepDims: true }).greater(0);
  const evidence = { x, marks, known, importance: where(known, 1, unlabelledWeight).astype(x.dtype) };
  const shape = { covariance, regularisation };
  let current = start ?? maximise(evidence, beginning(evidence, seed), shape);
  let expected = expect(evidence, current);
  const logLikelihoods = [await expected.objective.item()];
  let converged = false;
  while (!converged && logLikelihoods.length <= maxIterations) {
    current = maximise(evidence, expected.responsibilities, shape);
    expected = expect(evidence, current);
    logLikelihoods.push(await expected.objective.item());
    const [before, after] = logLikelihoods.slice(-2);
    converged = after - before < tolerance;
  }
  const { weights, means, covariances } = current;
  return {
    weights,
    means,
    covariances,
    mixture: new Mixture(
      new Categorical({ probs: weights }),
      new MultivariateNormal(means, { covarianceMatrix: covariances }),
    ),
    responsibilities: expected.responsibilities,
    logLikelihoods,
    converged,
  };
}
