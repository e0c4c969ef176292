/** Ready optimizers. Names and defaults are PyTorch's where it has the method. */
import { ArgumentError } from "../index.js";
import { toFloat } from "./count.js";
import {
  type AdamMoments,
  type Moments,
  scaleByAdam,
  scaleByAdamax,
  scaleByLion,
  scaleByNadam,
  scaleByRadam,
} from "./moments.js";
import { Momentum, Nesterov, Optimizer, type Projection, type Rate } from "./optimizer.js";
import { nesterovMomentum } from "./schedules.js";
import { chain, type GradientTransformation, type ParameterMask } from "./transformation.js";
import {
  addDecayedWeights,
  checkRange,
  scale,
  scaleByAdadelta,
  scaleByAdagrad,
  scaleByRms,
  scaleBySchedule,
  sign,
  trace,
} from "./transformations.js";

/** Options of all optimizers. */
export interface Common {
  /** A number, or a schedule: a function of the step count. */
  readonly learningRate?: Rate;
  /** Applied to the gradients first: `clipByGlobalNorm(1)`, `clipByValue(0.5)`, or any other. */
  readonly clip?: GradientTransformation;
  /** Times the parameter, added to its gradient (to its update in `adamw` and `lion`). */
  readonly weightDecay?: number;
  /** Which parameters decay: `matrices`, say, leaves out biases and scales. All unless given. */
  readonly weightDecayOn?: ParameterMask;
  /** Puts every parameter back into a set after each step: see `projections`. */
  readonly projection?: Projection;
  /** Goes up the gradient. */
  readonly maximize?: boolean;
}

/** What stands before a method's own transformations: clipping, direction, decay added to the gradient. */
function prepared({ clip, maximize = false, weightDecay = 0, weightDecayOn }: Common): GradientTransformation[] {
  return [
    ...(clip === undefined ? [] : [clip]),
    ...(maximize ? [scale(-1)] : []),
    ...decaying(weightDecay, weightDecayOn),
  ];
}

function decaying(weightDecay: number, on?: ParameterMask): GradientTransformation[] {
  checkRange("weightDecay", weightDecay, 0);
  return weightDecay === 0 ? [] : [addDecayedWeights(weightDecay, on)];
}

function build(options: Common, learningRate: Rate, ...method: GradientTransformation[]): Optimizer {
  const parts = [...prepared(options), ...method];
  return new Optimizer(chain(...parts), options.learningRate ?? learningRate, options.projection);
}

/** As `build`, with weight decay that goes past the method straight into the update. */
function buildDecoupled(
  options: Common,
  learningRate: Rate,
  decay: number,
  method: GradientTransformation[],
): Optimizer {
  const { weightDecay = decay, weightDecayOn, ...rest } = options;
  return build(rest, learningRate, ...method, ...decaying(weightDecay, weightDecayOn));
}

export interface SgdOptions extends Common {
  readonly learningRate: Rate;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly dampening?: number;
}

/**
 * Stochastic gradient descent with PyTorch's momentum: `v ← momentum · v + (1 - dampening) · g`, `θ ← θ - η v`, or with
 * `nesterov` `θ ← θ - η (g + momentum · v)`, the form in which the parameters are the points looked ahead to.
 */
export const sgd = (options: SgdOptions): Optimizer =>
  build(options, options.learningRate, ...velocity("sgd", options));

/** Stochastic gradient descent with decoupled weight decay, `θ ← θ - η (v + λθ)` (Loshchilov & Hutter 2019). */
export const sgdw = (options: SgdOptions): Optimizer =>
  buildDecoupled(options, options.learningRate, 0.01, velocity("sgdw", options));

function velocity(name: string, options: SgdOptions): GradientTransformation[] {
  const { momentum = 0, nesterov = false, dampening = 0 } = options;
  checkRange("momentum", momentum, 0);
  if (nesterov && (momentum === 0 || dampening !== 0))
    throw new ArgumentError(
      `${name}: nesterov needs momentum and no dampening, got momentum ${momentum} and dampening ${dampening}. set one of them otherwise`,
    );
  return momentum === 0 ? [] : [trace({ momentum, nesterov, dampening })];
}

export interface MomentumOptions extends Common {
  readonly learningRate: Rate;
  /** β: a number, or a schedule. */
  readonly momentum?: Rate;
}

/** The heavy ball, `θ ← θ - η ∇f(θ) + β (θ - θ₋)` with the point θ₋ before (Polyak 1964); β is 0.9 unless given. */
export function heavyBall(options: MomentumOptions): Momentum {
  const { learningRate, momentum = 0.9, projection } = options;
  return new Momentum(chain(...prepared(options)), learningRate, momentum, projection);
}

/**
 * Nesterov's method in its own form: `y = θ + β (θ - θ₋)`, `θ ← y - η ∇f(y)` (Nesterov 1983; Sutskever et al. 2013). Take
 * the gradient of `optimizer.lookAhead(model)`. Unless given, β is `count / (count + 3)`, which has the rate
 * `2L‖θ₀ - θ*‖² / (k + 1)²` on convex functions; `(√κ - 1) / (√κ + 1)` suits strongly convex ones.
 */
export function nesterov(options: MomentumOptions): Nesterov {
  const { learningRate, momentum = nesterovMomentum(), projection } = options;
  return new Nesterov(chain(...prepared(options)), learningRate, momentum, projection);
}

export interface AdamOptions extends AdamMoments, Common {}

/** Adam (Kingma & Ba 2015), with AMSGrad on request; weight decay is added to the gradient. */
export const adam = (options: AdamOptions = {}): Optimizer => build(options, 1e-3, scaleByAdam(options));

/** Adam over the largest second moment so far (Reddi, Kale & Kumar 2018): `adam({ amsgrad: true })`. */
export const amsgrad = (options: Omit<AdamOptions, "amsgrad"> = {}): Optimizer => adam({ ...options, amsgrad: true });

/** Adam with decoupled weight decay, 0.01 unless told (Loshchilov & Hutter 2019). */
export const adamw = (options: AdamOptions = {}): Optimizer =>
  buildDecoupled(options, 1e-3, 0.01, [scaleByAdam(options)]);

/** Adam with Nesterov's momentum (Dozat 2016). */
export const nadam = (options: Common & Moments & { readonly momentumDecay?: number } = {}): Optimizer =>
  build(options, 2e-3, scaleByNadam(options));

/** Adam whose first steps, while the variance of its rate is not finite, are plain momentum (Liu et al. 2020). */
export const radam = (options: Common & Moments = {}): Optimizer => build(options, 1e-3, scaleByRadam(options));

/** Adam with the infinity norm (Kingma & Ba 2015, section 7.1). */
export const adamax = (options: Common & Moments = {}): Optimizer => build(options, 2e-3, scaleByAdamax(options));

export interface LionOptions extends Common {
  readonly betas?: readonly [number, number];
}

/** The sign of an interpolated momentum, with decoupled weight decay (Chen et al. 2023). */
export const lion = (options: LionOptions = {}): Optimizer => buildDecoupled(options, 1e-4, 0, [scaleByLion(options)]);

export interface SignSgdOptions extends Common {
  readonly learningRate: Rate;
  /** Above 0 the sign of the running mean of gradients is taken: Signum. */
  readonly momentum?: number;
}

/** `θ ← θ - η sign(g)` (Bernstein et al. 2018); see `majorityVote` for several workers. */
export function signSgd(options: SignSgdOptions): Optimizer {
  const { learningRate, momentum = 0 } = options;
  checkRange("momentum", momentum, 0, 1);
  return build(options, learningRate, ...(momentum === 0 ? [] : [trace({ momentum })]), sign());
}

export interface RmspropOptions extends Common {
  /** The share of the running mean of squares that stays. */
  readonly alpha?: number;
  readonly epsilon?: number;
  /** Divides by the running standard deviation instead of the root of the mean square. */
  readonly centered?: boolean;
  readonly momentum?: number;
}

/** Gradients over the root of their running mean square (Hinton 2012). */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  const { momentum = 0, alpha, epsilon, centered } = options;
  checkRange("momentum", momentum, 0);
  const scaling = scaleByRms({ decay: alpha, epsilon, centered });
  return build(options, 0.01, scaling, ...(momentum === 0 ? [] : [trace({ momentum })]));
}

export interface AdagradOptions extends Common {
  readonly epsilon?: number;
  /** The rate of step t, from 0, is divided by `1 + t · learningRateDecay`. */
  readonly learningRateDecay?: number;
  readonly initialAccumulatorValue?: number;
}

/** Gradients over the root of the sum of all their squares (Duchi et al. 2011). */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  const { epsilon, learningRateDecay = 0, initialAccumulatorValue } = options;
  checkRange("learningRateDecay", learningRateDecay, 0);
  const slower =
    learningRateDecay === 0
      ? []
      : [scaleBySchedule((count) => toFloat(count).mul(learningRateDecay).add(1).reciprocal())];
  return build(options, 0.01, scaleByAdagrad({ epsilon, initial: initialAccumulatorValue }), ...slower);
}

/** Steps in the unit of the parameter, with no rate to choose (Zeiler 2012). */
export const adadelta = (options: Common & { readonly rho?: number; readonly epsilon?: number } = {}): Optimizer =>
  build(options, 1, scaleByAdadelta(options));
