/** The gradient flow, of which gradient descent is Euler's approximation. */
import { ArgumentError, compile, grad, scan, type Tensor, tensor, shown } from "../../index.js";
import { observe, type Trajectory } from "./trajectory.js";

export interface FlowOptions {
  /** Where the flow ends; it begins at 0. */
  readonly time: number;
  /** How many equal steps lead there. */
  readonly steps: number;
  /** `rk4`, the classical method of Runge and Kutta (1901), unless given; `euler` is gradient descent with rate `time / steps`. */
  readonly method?: "rk4" | "euler";
}

type Field = (x: Tensor) => Tensor;

/** One step of length h along a vector field. */
const integrators: Readonly<Record<"rk4" | "euler", (field: Field, x: Tensor, h: number) => Tensor>> = {
  euler: (field, x, h) => x.add(field(x).mul(h)),
  rk4(field, x, h) {
    const k1 = field(x);
    const k2 = field(x.add(k1.mul(h / 2)));
    const k3 = field(x.add(k2.mul(h / 2)));
    const k4 = field(x.add(k3.mul(h)));
    return x.add(
      k1
        .add(k2.add(k3).mul(2))
        .add(k4)
        .mul(h / 6),
    );
  },
};

/** The flow `x' = -∇f(x)` from x0, in float64: the start and the point after each step. */
export async function gradientFlow(f: Field, x0: ArrayLike<number>, options: FlowOptions): Promise<Trajectory> {
  const { time, steps, method = "rk4" } = options;
  if (!(time > 0)) throw new ArgumentError(`gradientFlow: the time must be positive, got ${time}. raise it`);
  if (!Number.isInteger(steps) || steps < 1)
    throw new ArgumentError(`gradientFlow: steps must be a positive integer, got ${shown(steps)}. round it`);
  if (!Object.hasOwn(integrators, method))
    throw new ArgumentError(`gradientFlow: the method must be rk4 or euler, got ${String(method)}. use one of them`);
  const down: Field = (x) => grad(f)(x).neg();
  const run = compile((start: Tensor) => {
    const [, path] = scan(
      (x: Tensor) => {
        const next = integrators[method](down, x, time / steps);
        return [next, next];
      },
      start,
      [],
      { length: steps },
    );
    return path;
  });
  const path = await run(tensor(Float64Array.from(x0))).data(); // [steps, n]
  const n = x0.length;
  const points = Array.from({ length: steps }, (_, k) => Float64Array.from(path.slice(k * n, (k + 1) * n)));
  return observe(f, [Float64Array.from(x0), ...points]);
}
