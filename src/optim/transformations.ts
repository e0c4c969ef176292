/** The parts optimizers are chained from. */
import { ArgumentError, type DType, fullLike, type Tensor, tensor, where, zerosLike } from "../index.js";
import type { Schedule } from "./schedules.js";
import {
  type GradientTransformation,
  type Leaves,
  mapLeaves,
  masked,
  type ParameterMask,
  stateless,
} from "./transformation.js";

/** Zeros in the places of the parameters. */
export const zerosOf = (params: Leaves): Leaves => mapLeaves((p) => zerosLike(p), params);
/** A step count before the first step. */
export const start = (): Tensor => tensor(0, { dtype: "int32" });

/** `decay · average + (1 - decay) · value`. */
export const blend = (decay: number, average: Leaves, values: Leaves): Leaves =>
  mapLeaves((a, v) => a.mul(decay).add(v.mul(1 - decay)), average, values);
export const squares = (leaves: Leaves): Leaves => mapLeaves((g) => g.mul(g), leaves);

/** A number that changes from step to step, made once in the dtype of each tensor it meets. */
export function perDType(make: (dtype: DType) => Tensor): (x: Tensor) => Tensor {
  const made = new Map<DType, Tensor>();
  return (x) => {
    const value = made.get(x.dtype) ?? make(x.dtype);
    made.set(x.dtype, value);
    return value;
  };
}

/** `schedule(count)` in the dtype of each tensor it meets. */
export const atCount = (schedule: Schedule, count: Tensor): ((x: Tensor) => Tensor) =>
  perDType((dtype) => schedule(dtype === "float64" ? count.astype(dtype) : count));

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
    const factor = atCount(schedule, count);
    return [mapLeaves((g) => g.mul(factor(g)), grads), { count: count.add(1) }];
  },
});

/** Adds `decay · parameter`: weight decay, of all parameters or of those that `on` accepts. */
export const addDecayedWeights = (decay: number, on?: ParameterMask): GradientTransformation<readonly []> => {
  const all = stateless((grads, params) => mapLeaves((g, p) => g.add(p.mul(decay)), grads, params));
  return on === undefined ? all : masked(all, on);
};

/** Steps so far, and the velocity of every parameter. */
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
      const share = perDType((dtype) => where(count.equal(0), 1, tensor(1 - dampening, { dtype })));
      const next = mapLeaves((v, g) => v.mul(momentum).add(dampening === 0 ? g : g.mul(share(g))), old, grads);
      const updates = nesterov ? mapLeaves((g, v) => g.add(v.mul(momentum)), grads, next) : next;
      return [updates, { count: count.add(1), trace: next }];
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
      const variance = centered ? mapLeaves((v, m) => v.sub(m.mul(m)).maximum(0), square, mean) : square;
      return [mapLeaves((g, v) => g.div(v.sqrt().add(epsilon)), grads, variance), { square, mean }];
    },
  };
}

/** `g / (√Σg² + ε)` over all steps so far (Duchi et al. 2011); the sums begin at `initial`. */
export function scaleByAdagrad(
  options: { readonly epsilon?: number; readonly initial?: number } = {},
): GradientTransformation<{ readonly sum: Leaves }> {
  const { epsilon = 1e-10, initial = 0 } = options;
  checkRange("epsilon", epsilon, 0);
  checkRange("the initial sum of squares", initial, 0);
  return {
    init: (params) => ({ sum: mapLeaves((p) => fullLike(p, initial), params) }),
    update(grads, state) {
      const sum = mapLeaves((a, b) => a.add(b), state.sum, squares(grads));
      return [mapLeaves((g, s) => g.div(s.sqrt().add(epsilon)), grads, sum), { sum }];
    },
  };
}

/**
 * `√(d + ε) / √(v + ε) · g`, with running means v of squared gradients and d of squared updates: the update has the unit
 * of the parameter (Zeiler 2012).
 */
export function scaleByAdadelta(
  options: { readonly rho?: number; readonly epsilon?: number } = {},
): GradientTransformation<{ readonly square: Leaves; readonly moved: Leaves }> {
  const { rho = 0.9, epsilon = 1e-6 } = options;
  checkRange("rho", rho, 0, 1);
  checkRange("epsilon", epsilon, 0);
  return {
    init: (params) => ({ square: zerosOf(params), moved: zerosOf(params) }),
    update(grads, state) {
      const square = blend(rho, state.square, squares(grads));
      const updates = mapLeaves(
        (g, v, d) => g.mul(d.add(epsilon).sqrt().div(v.add(epsilon).sqrt())),
        grads,
        square,
        state.moved,
      );
      return [updates, { square, moved: blend(rho, state.moved, squares(updates)) }];
    },
  };
}

/** The signs of the gradients: each element moves by the rate, whatever its size (Bernstein et al. 2018). */
export const sign = (): GradientTransformation<readonly []> => stateless((grads) => mapLeaves((g) => g.sign(), grads));

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
