/** The parts optimizers are chained from. */
import { ArgumentError, type Tensor, tensor, where, zerosLike } from "../index.js";
import type { Schedule } from "./schedules.js";
import { type GradientTransformation, type Leaves, mapLeaves, stateless } from "./transformation.js";

const zerosOf = (params: Leaves): Leaves => mapLeaves((p) => zerosLike(p), params);
const start = (): Tensor => tensor(0, { dtype: "int32" });

/** `decay · average + (1 - decay) · value`. */
const blend = (decay: number, average: Leaves, values: Leaves): Leaves =>
  mapLeaves((a, v) => a.mul(decay).add(v.mul(1 - decay)), average, values);
const squares = (leaves: Leaves): Leaves => mapLeaves((g) => g.mul(g), leaves);

/** `1 - decay^count`, by `expm1` since it is a small difference at first. */
const biasCorrection = (decay: number, count: Tensor): Tensor =>
  count.astype("float32").mul(Math.log(decay)).expm1().neg();

/** Throws unless `low ≤ value < high`. */
export function checkRange(what: string, value: number, low: number, high = Infinity): void {
  if (!(value >= low && value < high))
    throw new ArgumentError(
      `optimizer: ${what} must be ${high === Infinity ? `at least ${low}` : `in [${low}, ${high})`}, got ${value}. choose a value in that range`,
    );
}

/** Multiplies by a number. */
export const scale = (factor: number): GradientTransformation<readonly []> =>
  stateless((grads) => mapLeaves((g) => g.mul(factor), grads));

/** Multiplies by `schedule(count)`, where count is the number of steps before this one. */
export const scaleBySchedule = (schedule: Schedule): GradientTransformation<{ readonly count: Tensor }> => ({
  init: () => ({ count: start() }),
  update(grads, { count }) {
    const factor = schedule(count);
    return [mapLeaves((g) => g.mul(factor), grads), { count: count.add(1) }];
  },
});

/** Adds `decay · parameter`: weight decay. */
export const addDecayedWeights = (decay: number): GradientTransformation<readonly []> =>
  stateless((grads, params) => mapLeaves((g, p) => g.add(p.mul(decay)), grads, params));

export type TraceState = {
  readonly count: Tensor;
  readonly trace: Leaves;
};

/**
 * Momentum: `v ← momentum · v + (1 - dampening) · g`, where the first step takes g whole; the update is v, or
 * `g + momentum · v` with Nesterov.
 */
export function trace(options: {
  readonly momentum: number;
  readonly nesterov?: boolean;
  readonly dampening?: number;
}): GradientTransformation<TraceState> {
  const { momentum, nesterov = false, dampening = 0 } = options;
  return {
    init: (params) => ({ count: start(), trace: zerosOf(params) }),
    update(grads, { count, trace: old }) {
      const share = dampening === 0 ? 1 : where(count.equal(0), 1, 1 - dampening);
      const next = mapLeaves((v, g) => v.mul(momentum).add(g.mul(share)), old, grads);
      const updates = nesterov ? mapLeaves((g, v) => g.add(v.mul(momentum)), grads, next) : next;
      return [updates, { count: count.add(1), trace: next }];
    },
  };
}

export type AdamState = {
  readonly count: Tensor;
  readonly mean: Leaves;
  readonly square: Leaves;
  /** The largest second moments so far; empty without `amsgrad`. */
  readonly largest: Leaves;
};
export interface AdamMoments {
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
  readonly amsgrad?: boolean;
}

/** `m̂ / (√v̂ + ε)` with running moments corrected for their start at 0 (Kingma & Ba 2015; Reddi et al. 2018). */
export function scaleByAdam(options: AdamMoments = {}): GradientTransformation<AdamState> {
  const { betas = [0.9, 0.999], epsilon = 1e-8, amsgrad = false } = options;
  const [beta1, beta2] = betas;
  checkRange("betas[0]", beta1, 0, 1);
  checkRange("betas[1]", beta2, 0, 1);
  checkRange("epsilon", epsilon, 0);
  return {
    init: (params) => ({
      count: start(),
      mean: zerosOf(params),
      square: zerosOf(params),
      largest: amsgrad ? zerosOf(params) : {},
    }),
    update(grads, state) {
      const count = state.count.add(1);
      const mean = blend(beta1, state.mean, grads);
      const square = blend(beta2, state.square, squares(grads));
      const largest = amsgrad ? mapLeaves((a, b) => a.maximum(b), state.largest, square) : state.largest;
      const first = biasCorrection(beta1, count);
      const second = biasCorrection(beta2, count).sqrt();
      const updates = mapLeaves(
        (m, v) => m.div(first).div(v.sqrt().div(second).add(epsilon)),
        mean,
        amsgrad ? largest : square,
      );
      return [updates, { count, mean, square, largest }];
    },
  };
}

/** `g / (√v + ε)` with a running mean v of squares, less the squared running mean of g when `centered`. */
export function scaleByRms(
  options: { readonly decay?: number; readonly epsilon?: number; readonly centered?: boolean } = {},
): GradientTransformation<{ readonly square: Leaves; readonly mean: Leaves }> {
  const { decay = 0.99, epsilon = 1e-8, centered = false } = options;
  checkRange("decay", decay, 0, 1);
  return {
    init: (params) => ({ square: zerosOf(params), mean: centered ? zerosOf(params) : {} }),
    update(grads, state) {
      const square = blend(decay, state.square, squares(grads));
      const mean = centered ? blend(decay, state.mean, grads) : state.mean;
      const variance = centered ? mapLeaves((v, m) => v.sub(m.mul(m)), square, mean) : square;
      return [mapLeaves((g, v) => g.div(v.sqrt().add(epsilon)), grads, variance), { square, mean }];
    },
  };
}

/** `g / (√Σg² + ε)` over all steps so far (Duchi et al. 2011). */
export const scaleByAdagrad = (epsilon = 1e-10): GradientTransformation<{ readonly sum: Leaves }> => ({
  init: (params) => ({ sum: zerosOf(params) }),
  update(grads, state) {
    const sum = mapLeaves((a, b) => a.add(b), state.sum, squares(grads));
    return [mapLeaves((g, s) => g.div(s.sqrt().add(epsilon)), grads, sum), { sum }];
  },
});

/** `√Σg²` over all elements of all tensors. */
export function globalNorm(leaves: Leaves): Tensor {
  const sums = Object.values(leaves).map((x) => x.mul(x).sum());
  return sums.reduce((a, b) => a.add(b)).sqrt();
}

/** Scales all gradients together so that their norm is at most `limit`; PyTorch's `clip_grad_norm_`. */
export function clipByGlobalNorm(limit: number): GradientTransformation<readonly []> {
  checkRange("the norm to clip at", limit, 0);
  return stateless((grads) => {
    // The 1e-6 keeps gradients that are all zero from becoming NaN.
    const factor = globalNorm(grads).add(1e-6).reciprocal().mul(limit).minimum(1);
    return mapLeaves((g) => g.mul(factor), grads);
  });
}

/** Holds every element of the gradients within `[-limit, limit]`. */
export function clipByValue(limit: number): GradientTransformation<readonly []> {
  checkRange("the value to clip at", limit, 0);
  return stateless((grads) => mapLeaves((g) => g.clip(-limit, limit), grads));
}
