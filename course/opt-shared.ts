/** OPT: what its rows share. */
import { compile, grad, random, stack, type Tensor } from "typegrad";
import {
  addDecayedWeights,
  type GradientTransformation,
  type MinimizeOptions,
  minimize,
  type Optimizer,
  type ParameterAverage,
  type State,
} from "typegrad/optim";
import type { Trajectory } from "typegrad/optim/convergence";
import type { Points } from "typegrad/plot";
import * as zoo from "typegrad/optim/zoo";
import { f64, gaussian, numbers } from "./helpers.js";

/** The function of a specimen with its minimum, which is looked for where it has no closed form. */
export async function solved(specimen: zoo.Specimen): Promise<{
  readonly value: (x: Tensor) => Tensor;
  readonly minimizer: number[];
  readonly minimum: number;
  readonly L: number;
  readonly mu: number;
}> {
  const { value, dimension, smoothness = NaN, strongConvexity = 0 } = specimen;
  const newton: MinimizeOptions<Tensor> = { method: "newton", gtol: 1e-13 };
  const { x, fun } = await minimize(value, f64(new Array<number>(dimension).fill(0)), newton);
  return { value, minimizer: numbers(x), minimum: fun, L: smoothness, mu: strongConvexity };
}

/** Logistic regression on 40 points of 3 coordinates whose labels are noisy, so that no plane parts them. */
export const logistic = (ridge = 0): Promise<Awaited<ReturnType<typeof solved>>> => {
  const x = gaussian(1, 40, 3);
  const y = x
    .matmul(f64([1, -2, 1]))
    .add(gaussian(2, 40).mul(2))
    .sign();
  return solved(zoo.logisticRegression(x, y, ridge));
};

/** The way of a run in the plane, for a contour plot. */
export const pathOf = ({ points }: Trajectory, name: string): Points => ({
  name,
  isPath: true,
  x: points.map(([x]) => x),
  y: points.map(([, y]) => y),
});

/** `½(x - z)²` of every run at x[runs, n], for standard normal draws z. */
export const noisyBowl = (x: Tensor, key: random.Key): Tensor =>
  x
    .sub(random.normal(key, x.shape, { dtype: "float64" }))
    .square()
    .sum(1)
    .div(2);

/** Which runs go side by side. */
interface Side {
  readonly optimizer: Optimizer;
  /** Where all begin, `[runs, n]`. */
  readonly start: Tensor;
  /** The losses of all runs at their points `[runs, n]`, `[runs]`; each draws for itself. */
  readonly loss: (x: Tensor, key: random.Key) => Tensor;
  readonly steps: number;
  /** Gets the points `[runs, n]` after every step, or after those `at` names. */
  readonly seen?: (x: Tensor, step: number) => void;
  readonly at?: readonly number[];
  readonly seed?: number;
  /** Takes in the points after every step; of `{ x: start }`. */
  readonly average?: ParameterAverage;
}

/** Runs of stochastic gradient descent side by side, in one compiled step; gives the points at the end, `[runs, n]`. */
export function sideBySide({ optimizer, start, loss, steps, seen, at, seed = 1, average }: Side): Tensor {
  const model = { x: start };
  const key = random.key(seed);
  const step = compile(
    () => {
      const draws = random.foldIn(key, optimizer.count);
      optimizer.update(model, grad((m: typeof model) => loss(m.x, draws).sum())(model));
      average?.update(model);
    },
    { state: [model, optimizer, ...(average ? [average] : [])] },
  );
  for (let k = 1; k <= steps; k++) {
    step();
    if (seen && (at === undefined || at.includes(k))) seen(model.x, k);
  }
  return model.x;
}

/**
 * Where a hundred steps lead from (1.5, 1.5) along the vector that Torch's tests of old used in place of Rosenbrock's
 * gradient: the lines of `lua.out`, which stands with PyTorch's tests to this day.
 */
export function torchRun(optimizer: Optimizer, steps = 100): Tensor {
  const model = { x: f64([1.5, 1.5]) };
  const step = compile(
    () => {
      const [x, y] = [model.x.at(0), model.x.at(1)];
      const bend = y.sub(x.square()).mul(200);
      optimizer.update(model, { x: stack([bend.mul(x).mul(-2).add(x.mul(2)).sub(2), bend.mul(x)]) });
    },
    { state: [model, optimizer] },
  );
  for (let k = 0; k < steps; k++) step();
  return model.x;
}

/** What a training operator of ONNX gives at its step 0: rate 0.1, gradients to which `decay` times x is added. */
export function onnxStep<S extends State>(
  method: GradientTransformation<S>,
  state: S,
  { x, gradient, decay = 0.001 }: { readonly x: number[]; readonly gradient: number[]; readonly decay?: number },
): Tensor {
  const params = { x: f64(x) };
  const [grads] = addDecayedWeights(decay).update({ x: f64(gradient) }, [], params);
  const [updates] = method.update(grads, state, params);
  return params.x.sub(updates.x.mul(0.1));
}
