/** The mutable skin over gradient transformations, and the recipes. */
import { ArgumentError, type DType, hold, ShapeError, type Tensor, tensor } from "../index.js";
import { map, Module } from "../tree/index.js";
import { constant, type Schedule } from "./schedules.js";
import {
  applyUpdates,
  type GradientTransformation,
  type Leaves,
  leavesOf,
  mapLeaves,
  replaceLeaves,
  type State,
} from "./transformation.js";
import { atCount, checkRange, perDType, zerosOf } from "./transformations.js";

/** A number, or a function of the step count. */
export type Rate = number | Schedule;

/** The point of a set nearest to a tensor; gets the path of the tensor in the model. */
export type Projection = (x: Tensor, path: string) => Tensor;

/** The dtype in which numbers that all parameters share are kept. */
const sharedDType = (params: Leaves): DType =>
  Object.values(params).some((p) => p.dtype === "float64") ? "float64" : "float32";

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
  #rate: Rate;
  readonly #transformation: GradientTransformation;
  readonly #project: Projection | null;

  override get buffers(): readonly string[] {
    return ["count", "state", "rate"];
  }

  /** With a projection, every new parameter is put back into its set: projected gradient descent. */
  constructor(transformation: GradientTransformation, learningRate: Rate, projection: Projection | null = null) {
    super();
    if (typeof learningRate !== "function") checkRange("the learning rate", learningRate, 0);
    this.#transformation = transformation;
    this.#project = projection;
    this.#rate = learningRate;
    this.rate = this.#rateIn("float32");
  }

  #rateIn(dtype: DType): Tensor {
    if (typeof this.#rate === "number") return tensor(this.#rate, { dtype });
    return this.#rate(dtype === "float64" ? this.count.astype(dtype) : this.count);
  }

  /** The rate of the next step. Setting it does not trace compiled steps again; a schedule keeps its own. */
  get learningRate(): Tensor {
    return this.rate;
  }
  set learningRate(rate: number | Tensor) {
    if (typeof this.#rate === "function")
      throw new ArgumentError(
        "optimizer: the learning rate follows a schedule. make the optimizer with a number to set it",
      );
    if (typeof rate === "number") {
      checkRange("the learning rate", rate, 0);
      this.#rate = rate;
      this.rate = this.#rateIn(this.rate.dtype);
    } else this.rate = rate;
  }

  /** Makes the state for the parameters of a model; does nothing when it is there. */
  init(model: unknown): this {
    this.#stateFor(leavesOf(model));
    return this;
  }

  #stateFor(params: Leaves): State {
    if (this.state !== null) return this.state;
    const dtype = sharedDType(params);
    if (this.rate.dtype !== dtype) this.rate = this.#rateIn(dtype);
    return (this.state = this.#transformation.init(params));
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
    this.init(model);
    const [updates, state] = this.#transformation.update(grads, this.#stateFor(params), params);
    const rate = perDType((dtype) => this.rate.astype(dtype));
    const steps = mapLeaves((u) => u.mul(rate(u)).neg(), updates);
    replaceLeaves(model, this.move(params, steps));
    this.state = state;
    this.count = this.count.add(1);
    if (typeof this.#rate === "function") this.rate = this.#rateIn(this.rate.dtype);
    hold([model, this]);
  }

  /** The parameters after steps from where they are. */
  protected move(params: Leaves, steps: Leaves): Leaves {
    return this.project(applyUpdates(params, steps));
  }

  /** The parameters, each put into its set; they themselves where there are no sets. */
  protected project(params: Leaves): Leaves {
    const project = this.#project;
    if (project === null) return params;
    return Object.fromEntries(Object.entries(params).map(([path, p]) => [path, project(p, path)]));
  }
}

/** A copy of a model with `f` of every parameter. */
export function withParameters<M>(model: M, f: (p: Tensor, path: string) => Tensor): M {
  const wanted = new Set(Object.keys(leavesOf(model)));
  return map((x, path) => (wanted.has(path) ? f(x, path) : x), model);
}

/**
 * Descent with inertia in Polyak's own form, the heavy ball: `v ← βv - η g`, `θ ← θ + v`, where v is the last step. The
 * rate scales the gradient and not the velocity, so for a rate that changes it differs from `sgd({ momentum })`.
 */
export class Momentum extends Optimizer {
  /** The last step of every parameter; `null` until `init`. */
  velocity: Leaves | null = null;
  readonly #momentum: Schedule;

  override get buffers(): readonly string[] {
    return [...super.buffers, "velocity"];
  }

  constructor(
    transformation: GradientTransformation,
    learningRate: Rate,
    momentum: Rate,
    projection: Projection | null = null,
  ) {
    super(transformation, learningRate, projection);
    if (typeof momentum === "number") checkRange("momentum", momentum, 0);
    this.#momentum = typeof momentum === "number" ? constant(momentum) : momentum;
  }

  override init(model: unknown): this {
    super.init(model);
    this.velocity ??= zerosOf(leavesOf(model));
    return this;
  }

  /** `βv` for the step to come. */
  protected inertia(params: Leaves): Leaves {
    const beta = atCount(this.#momentum, this.count);
    return mapLeaves((v) => v.mul(beta(v)), this.velocity ?? zerosOf(params));
  }

  protected override move(params: Leaves, steps: Leaves): Leaves {
    const velocity = mapLeaves((v, s) => v.add(s), this.inertia(params), steps);
    const moved = applyUpdates(params, velocity);
    const next = this.project(moved);
    // Where the set cut the step short, the velocity is what was left of it.
    this.velocity = next === moved ? velocity : mapLeaves((after, before) => after.sub(before), next, params);
    return next;
  }
}

/** Nesterov's method in its own form: `v ← βv - η∇f(θ + βv)`, `θ ← θ + v`. Take gradients of `lookAhead(model)`. */
export class Nesterov extends Momentum {
  /** A copy of the model with the parameters `θ + βv`. */
  lookAhead<M>(model: M): M {
    this.init(model);
    const inertia = this.inertia(leavesOf(model));
    return withParameters(model, (p, path) => p.add(inertia[path]));
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
