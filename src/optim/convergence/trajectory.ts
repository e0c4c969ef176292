/** Runs as lists of points. */
import { ArgumentError, compile, grad, type Tensor, tensor, valueAndGrad, vmap, shown } from "../../index.js";
import { Nesterov, type Optimizer } from "../optimizer.js";

/** Points of a run in order, as vectors, with the function's values and gradients there. */
export interface Trajectory {
  readonly points: readonly Float64Array[];
  readonly values: readonly number[];
  readonly gradients: readonly Float64Array[];
}

/** Values and gradients of a scalar function of a vector at given points; computed in float64. */
export async function observe(f: (x: Tensor) => Tensor, points: readonly ArrayLike<number>[]): Promise<Trajectory> {
  if (points.length === 0) throw new ArgumentError("observe: there must be at least one point, got none. pass the run");
  const vectors = points.map((p) => Float64Array.from(p));
  const n = vectors[0].length;
  const all = new Float64Array(points.length * n);
  vectors.forEach((p, k) => all.set(p, k * n));
  const everywhere = compile(
    vmap((x: Tensor) => {
      const [value, gradient] = valueAndGrad(f)(x);
      return { value, gradient };
    }),
  );
  const found = everywhere(tensor(all, { shape: [points.length, n] })); // [points], [points, n]
  const values = Array.from(await found.value.data());
  const gradients = Float64Array.from(await found.gradient.data());
  return { points: vectors, values, gradients: vectors.map((_, k) => gradients.slice(k * n, (k + 1) * n)) };
}

export interface FollowOptions {
  /** The loss that the optimizer sees at a step, counted from 0, when it is not f itself: a batch's, for instance. */
  readonly loss?: (x: Tensor, step: number) => Tensor;
  /** Points to keep: every one, or one in so many steps; the start always. */
  readonly every?: number;
}

/**
 * Runs an optimizer on a function of a vector for a number of steps, in float64, and records the start and where each step
 * leads. Nesterov's method gets its gradients where it looks ahead.
 */
export async function follow(
  f: (x: Tensor) => Tensor,
  x0: ArrayLike<number>,
  optimizer: Optimizer,
  steps: number,
  options: FollowOptions = {},
): Promise<Trajectory> {
  const { loss, every = 1 } = options;
  for (const [name, value, least] of [
    ["steps", steps, 0],
    ["every", every, 1],
  ] as const)
    if (!Number.isInteger(value) || value < least)
      throw new ArgumentError(`follow: ${name} must be an integer from ${least}, got ${shown(value)}. round it`);
  const model = { x: tensor(Float64Array.from(x0)) };
  optimizer.init(model);
  const update = (objective: (x: Tensor) => Tensor): void => {
    const at = optimizer instanceof Nesterov ? optimizer.lookAhead(model) : model;
    optimizer.update(model, grad((m: typeof model) => objective(m.x))(at));
  };
  const step = compile(() => update(f), { state: [model, optimizer] });
  const points = [Float64Array.from(x0)];
  for (let k = 0; k < steps; k++) {
    if (loss === undefined) step();
    else update((x) => loss(x, k));
    if ((k + 1) % every === 0) points.push(Float64Array.from(await model.x.data()));
  }
  return observe(f, points);
}
