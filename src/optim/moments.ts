/** Transformations with running moments of the gradient: Adam and its relatives. */
import { type Tensor, tensor, where } from "../index.js";
import { blend, checkRange, perDType, squares, start, zerosOf } from "./transformations.js";
import { type GradientTransformation, type Leaves, mapLeaves } from "./transformation.js";

/**
 * `1 / (1 - decay^count)`, by `expm1` since the divisor is a small difference at first. It is one number for all elements, so
 * that none of them need be divided.
 */
const biasCorrection = (decay: number, count: Tensor): ((x: Tensor) => Tensor) =>
  perDType((dtype) => count.astype(dtype).mul(Math.log(decay)).expm1().neg().reciprocal());

function checkMoments([beta1, beta2]: readonly [number, number], epsilon: number): void {
  checkRange("betas[0]", beta1, 0, 1);
  checkRange("betas[1]", beta2, 0, 1);
  checkRange("epsilon", epsilon, 0);
}

/** Steps so far, and running means of the gradients and of their squares. */
export type AdamState = {
  readonly count: Tensor;
  readonly mean: Leaves;
  readonly square: Leaves;
  /** The largest second moments so far; empty without `amsgrad`. */
  readonly largest: Leaves;
};
/** Weights of the running moments (0.9 and 0.999 unless told), what is added to their root (1e-8), and whether the largest counts. */
export interface AdamMoments {
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
  readonly amsgrad?: boolean;
}

/** `m̂ / (√v̂ + ε)` with running moments corrected for their start at 0 (Kingma & Ba 2015; Reddi et al. 2018). */
export function scaleByAdam(options: AdamMoments = {}): GradientTransformation<AdamState> {
  const { betas = [0.9, 0.999], epsilon = 1e-8, amsgrad = false } = options;
  const [beta1, beta2] = betas;
  checkMoments(betas, epsilon);
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
      const second = biasCorrection(beta2, count);
      const updates = mapLeaves(
        (m, v) => m.mul(first(m)).div(v.mul(second(v)).sqrt().add(epsilon)),
        mean,
        amsgrad ? largest : square,
      );
      return [updates, { count, mean, square, largest }];
    },
  };
}

/** Weights of the running moments (0.9 and 0.999 unless told), and what is added to their root (1e-8). */
export interface Moments {
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
}
/** Running means of the gradients and of their squares. */
export type MomentState = { readonly count: Tensor; readonly mean: Leaves; readonly square: Leaves };

/** The moments after one more gradient. */
function advance([beta1, beta2]: readonly [number, number], state: MomentState, grads: Leaves): MomentState {
  return {
    count: state.count.add(1),
    mean: blend(beta1, state.mean, grads),
    square: blend(beta2, state.square, squares(grads)),
  };
}

/** The running means, with the product of the momenta. */
export type NadamState = MomentState & {
  /** The product of the momenta `μ₁ … μ_t` so far. */
  readonly product: Tensor;
};

/**
 * Adam with Nesterov's momentum (Dozat 2016): `(μ_{t+1} m / (1 - Πμ μ_{t+1}) + (1 - μ_t) g / (1 - Πμ)) / (√v̂ + ε)` with
 * `μ_t = β₁ (1 - ½ 0.96^{tψ})`, ψ the `momentumDecay`.
 */
export function scaleByNadam(
  options: Moments & { readonly momentumDecay?: number } = {},
): GradientTransformation<NadamState> {
  const { betas = [0.9, 0.999], epsilon = 1e-8, momentumDecay = 4e-3 } = options;
  checkMoments(betas, epsilon);
  checkRange("momentumDecay", momentumDecay, 0);
  /** `μ_t` for t = count. */
  const momentum = (count: Tensor): Tensor =>
    count
      .astype("float64")
      .mul(momentumDecay * Math.log(0.96))
      .exp()
      .mul(-0.5)
      .add(1)
      .mul(betas[0]);
  return {
    init: (params) => ({
      count: start(),
      mean: zerosOf(params),
      square: zerosOf(params),
      product: tensor(1, { dtype: "float64" }),
    }),
    update(grads, state) {
      const moments = advance(betas, state, grads);
      const [now, next] = [momentum(moments.count), momentum(moments.count.add(1))];
      const product = state.product.mul(now);
      const share = perDType((dtype) => now.neg().add(1).div(product.neg().add(1)).astype(dtype));
      const ahead = perDType((dtype) => next.div(product.mul(next).neg().add(1)).astype(dtype));
      const second = biasCorrection(betas[1], moments.count);
      const updates = mapLeaves(
        (g, m, v) =>
          m
            .mul(ahead(m))
            .add(g.mul(share(g)))
            .div(v.mul(second(v)).sqrt().add(epsilon)),
        grads,
        moments.mean,
        moments.square,
      );
      return [updates, { ...moments, product }];
    },
  };
}

/**
 * Rectified Adam (Liu et al. 2020): `r m̂ / √v̂` once the variance of the adaptive rate is finite (ρ > 5), and m̂ before.
 * With `ρ∞ = 2/(1-β₂) - 1` and `ρ = ρ∞ - 2t β₂ᵗ/(1-β₂ᵗ)`, `r² = (ρ-4)(ρ-2)ρ∞ / ((ρ∞-4)(ρ∞-2)ρ)`.
 */
export function scaleByRadam(options: Moments = {}): GradientTransformation<MomentState> {
  const { betas = [0.9, 0.999], epsilon = 1e-8 } = options;
  checkMoments(betas, epsilon);
  const limit = 2 / (1 - betas[1]) - 1;
  return {
    init: (params) => ({ count: start(), mean: zerosOf(params), square: zerosOf(params) }),
    update(grads, state) {
      const next = advance(betas, state, grads);
      const first = biasCorrection(betas[0], next.count);
      const second = biasCorrection(betas[1], next.count);
      // In float64: ρ is at first the small difference of large numbers.
      const count = next.count.astype("float64");
      const power = count.mul(Math.log(betas[1]));
      const rho = count.mul(2).mul(power.exp()).div(power.expm1()).add(limit);
      const ratio = rho
        .sub(4)
        .mul(rho.sub(2))
        .mul(limit)
        .div(rho.mul((limit - 4) * (limit - 2)));
      const rectification = perDType((dtype) => ratio.maximum(0).sqrt().astype(dtype));
      const updates = mapLeaves(
        (m, v) => {
          const mean = m.mul(first(m));
          const scaled = mean.mul(rectification(m)).mul(second(v).rsqrt()).div(v.sqrt().add(epsilon));
          return where(rho.greater(5), scaled, mean);
        },
        next.mean,
        next.square,
      );
      return [updates, next];
    },
  };
}

/** Steps so far, the running mean of the gradients, and the infinity norm of them. */
export type AdamaxState = { readonly count: Tensor; readonly mean: Leaves; readonly norm: Leaves };

/** `m̂ / u` with the infinity norm `u ← max(β₂ u, |g| + ε)` (Kingma & Ba 2015, section 7.1). */
export function scaleByAdamax(options: Moments = {}): GradientTransformation<AdamaxState> {
  const { betas = [0.9, 0.999], epsilon = 1e-8 } = options;
  checkMoments(betas, epsilon);
  return {
    init: (params) => ({ count: start(), mean: zerosOf(params), norm: zerosOf(params) }),
    update(grads, state) {
      const count = state.count.add(1);
      const mean = blend(betas[0], state.mean, grads);
      const norm = mapLeaves((u, g) => u.mul(betas[1]).maximum(g.abs().add(epsilon)), state.norm, grads);
      const first = biasCorrection(betas[0], count);
      return [mapLeaves((m, u) => m.mul(first(m)).div(u), mean, norm), { count, mean, norm }];
    },
  };
}

/** `sign(β₁ m + (1 - β₁) g)`, then `m ← β₂ m + (1 - β₂) g` (Chen et al. 2023, algorithm 2). */
export function scaleByLion(
  options: { readonly betas?: readonly [number, number] } = {},
): GradientTransformation<{ readonly mean: Leaves }> {
  const { betas = [0.9, 0.99] } = options;
  checkMoments(betas, 0);
  return {
    init: (params) => ({ mean: zerosOf(params) }),
    update: (grads, { mean }) => [
      mapLeaves((x) => x.sign(), blend(betas[0], mean, grads)),
      { mean: blend(betas[1], mean, grads) },
    ],
  };
}
