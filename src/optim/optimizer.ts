/** The mutable skin over gradient transformations, and the recipes. */
import { ArgumentError, ShapeError, type Tensor, hold, tensor } from "../index.js";
import { Module } from "../tree/index.js";
import type { Schedule } from "./schedules.js";
import {
  applyUpdates,
  chain,
  type GradientTransformation,
  type Leaves,
  leavesOf,
  mapLeaves,
  replaceLeaves,
  type State,
} from "./transformation.js";
import {
  addDecayedWeights,
  type AdamMoments,
  checkRange,
  scaleByAdagrad,
  scaleByAdam,
  scaleByRms,
  trace,
} from "./transformations.js";

/** A number, or a function of the step count. */
export type Rate = number | Schedule;

/**
 * Moves the parameters of a model against their gradients: `θ ← θ - rate · transformation(g)`. It is a Module, so
 * `compile(…, { state: [model, optimizer] })` and checkpoints take it as they take a model. Step count and rate are
 * tensors: changing them never traces a compiled step again.
 */
export class Optimizer extends Module {
  /** Steps taken. */
  count: Tensor = tensor(0, { dtype: "int32" });
  /** What the transformation remembers; `null` until `init`. */
  state: State | null = null;
  rate: Tensor;
  readonly #schedule: Schedule | null;
  readonly #transformation: GradientTransformation;

  override get buffers(): readonly string[] {
    return ["count", "state", "rate"];
  }

  constructor(transformation: GradientTransformation, learningRate: Rate) {
    super();
    if (typeof learningRate !== "function") checkRange("the learning rate", learningRate, 0);
    this.#transformation = transformation;
    this.#schedule = typeof learningRate === "function" ? learningRate : null;
    this.rate = typeof learningRate === "function" ? learningRate(this.count) : tensor(learningRate);
  }

  /** The rate of the next step. Setting it does not trace compiled steps again; a schedule keeps its own. */
  get learningRate(): Tensor {
    return this.rate;
  }
  set learningRate(rate: number | Tensor) {
    if (this.#schedule)
      throw new ArgumentError(
        "optimizer: the learning rate follows a schedule. make the optimizer with a number to set it",
      );
    if (typeof rate === "number") checkRange("the learning rate", rate, 0);
    this.rate = typeof rate === "number" ? tensor(rate) : rate;
  }

  /** Makes the state for the parameters of a model; does nothing when it is there. */
  init(model: unknown): this {
    this.state ??= this.#transformation.init(leavesOf(model));
    return this;
  }

  /** `compile` is about to trace: the state is made for the one model that stands beside this optimizer. */
  override beforeTrace(state: readonly object[]): void {
    if (this.state !== null) return;
    const models = state.filter((x) => !(x instanceof Optimizer) && Object.keys(leavesOf(x)).length > 0);
    if (models.length !== 1)
      throw new ArgumentError(
        `optimizer: there must be one model beside it in the compiled state, got ${models.length}. call optimizer.init(model) first`,
      );
    this.init(models[0]);
  }

  /** One step: puts new tensors in place of the model's parameters. */
  update<M>(model: M, gradients: M): void {
    const params = leavesOf(model);
    const grads = leavesOf(gradients);
    checkGradients(params, grads);
    this.state ??= this.#transformation.init(params);
    const [updates, state] = this.#transformation.update(grads, this.state, params);
    replaceLeaves(
      model,
      applyUpdates(
        params,
        mapLeaves((u) => u.mul(this.rate).neg(), updates),
      ),
    );
    this.state = state;
    this.count = this.count.add(1);
    if (this.#schedule) this.rate = this.#schedule(this.count);
    hold([model, this]);
  }
}

/** Throws unless there is a gradient for every parameter, and of its shape. */
function checkGradients(params: Leaves, grads: Leaves): void {
  for (const [path, p] of Object.entries(params)) {
    const g = grads[path];
    if (g === undefined || g.shape.join() !== p.shape.join())
      throw new ShapeError(
        `optimizer: gradients must be those of the model, got ${p.describe()} and ${g?.describe() ?? "no gradient"} at ${path}. update the model that was differentiated`,
      );
  }
}

interface Common {
  /** Applied to the gradients first: `clipByGlobalNorm(1)`, `clipByValue(0.5)`, or any other. */
  readonly clip?: GradientTransformation;
  /** Times the parameter, added to its gradient (to its update in `adamw`). */
  readonly weightDecay?: number;
}

export interface SgdOptions extends Common {
  readonly learningRate: Rate;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly dampening?: number;
}

const given = <T>(part: T | undefined): T[] => (part === undefined ? [] : [part]);

const decayed = (weightDecay: number): GradientTransformation[] => {
  checkRange("weightDecay", weightDecay, 0);
  return weightDecay === 0 ? [] : [addDecayedWeights(weightDecay)];
};

/** Stochastic gradient descent with PyTorch's momentum: `v ← momentum · v + (1 - dampening) · g`. */
export function sgd(options: SgdOptions): Optimizer {
  const { learningRate, momentum = 0, nesterov = false, dampening = 0, weightDecay = 0, clip } = options;
  checkRange("momentum", momentum, 0);
  if (nesterov && (momentum === 0 || dampening !== 0))
    throw new ArgumentError(
      `sgd: nesterov needs momentum and no dampening, got momentum ${momentum} and dampening ${dampening}. set one of them otherwise`,
    );
  const velocity = momentum === 0 ? [] : [trace({ momentum, nesterov, dampening })];
  return new Optimizer(chain(...given(clip), ...decayed(weightDecay), ...velocity), learningRate);
}

export interface AdamOptions extends AdamMoments, Common {
  readonly learningRate?: Rate;
}

/** Adam (Kingma & Ba 2015), with AMSGrad on request; weight decay is added to the gradient. */
export function adam(options: AdamOptions = {}): Optimizer {
  const { learningRate = 1e-3, weightDecay = 0, clip, ...moments } = options;
  return new Optimizer(chain(...given(clip), ...decayed(weightDecay), scaleByAdam(moments)), learningRate);
}

/** Adam with decoupled weight decay, 0.01 unless told (Loshchilov & Hutter 2019). */
export function adamw(options: AdamOptions = {}): Optimizer {
  const { learningRate = 1e-3, weightDecay = 0.01, clip, ...moments } = options;
  return new Optimizer(chain(...given(clip), scaleByAdam(moments), ...decayed(weightDecay)), learningRate);
}

export interface RmspropOptions extends Common {
  readonly learningRate?: Rate;
  readonly decay?: number;
  readonly epsilon?: number;
  readonly centered?: boolean;
  readonly momentum?: number;
}

/** Gradients over the root of their running mean square (Hinton 2012), with PyTorch's defaults. */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  const { learningRate = 0.01, momentum = 0, weightDecay = 0, clip, ...moments } = options;
  const velocity = momentum === 0 ? [] : [trace({ momentum })];
  return new Optimizer(chain(...given(clip), ...decayed(weightDecay), scaleByRms(moments), ...velocity), learningRate);
}

/** Gradients over the root of the sum of all their squares (Duchi et al. 2011). */
export function adagrad(options: Common & { readonly learningRate?: Rate; readonly epsilon?: number } = {}): Optimizer {
  const { learningRate = 0.01, epsilon, weightDecay = 0, clip } = options;
  return new Optimizer(chain(...given(clip), ...decayed(weightDecay), scaleByAdagrad(epsilon)), learningRate);
}
