/** A function of a tree as a function of host vectors, with its derivatives, counted. */
import { compile, grad, hessian, jvp, type Tensor, tensor, valueAndGrad } from "../../index.js";
import { ravel } from "../../tree/index.js";
import { isFinite, type Vector } from "./vectors.js";

/** A point, the function's value there, and its gradient. */
export interface Evaluation {
  readonly x: Vector;
  readonly value: number;
  readonly gradient: Vector;
}

export const isUsable = (e: Evaluation): boolean => Number.isFinite(e.value) && isFinite(e.gradient);

export const toVector = async (x: Tensor): Promise<Vector> => Float64Array.from(await x.data());

/** A tree as a host vector, and the way back. */
export class Space<M> {
  readonly start: Tensor;
  readonly unravel: (vector: Tensor) => M;
  /** The distance from 1 to the next number of the vector's dtype. */
  readonly epsilon: number;

  constructor(x0: M) {
    const { vector, unravel } = ravel(x0);
    this.start = vector;
    this.unravel = unravel;
    this.epsilon = vector.dtype === "float64" ? 2 ** -52 : 2 ** -23;
  }

  tensor(x: Vector): Tensor {
    return tensor(x, { dtype: this.start.dtype });
  }
  tree(x: Vector): M {
    return this.unravel(this.tensor(x));
  }
}

export class Objective<M> {
  readonly space: Space<M>;
  /** How often the function, its gradient and its second derivatives were computed. */
  nfev = 0;
  njev = 0;
  nhev = 0;
  readonly #both: (x: Tensor) => [value: Tensor, gradient: Tensor];
  readonly #value: (x: Tensor) => Tensor;
  readonly #product: (x: Tensor, v: Tensor) => Tensor;
  readonly #hessian: (x: Tensor) => Tensor;

  constructor(f: (x: M) => Tensor, x0: M, compiled: boolean) {
    this.space = new Space(x0);
    const flat = (x: Tensor): Tensor => f(this.space.unravel(x));
    const build = <A extends readonly unknown[], R>(g: (...args: A) => R): ((...args: A) => R) =>
      compiled ? compile(g) : g;
    this.#both = build((x: Tensor) => valueAndGrad(flat)(x));
    this.#value = build(flat);
    this.#product = build((x: Tensor, v: Tensor) => jvp(grad(flat), x, v)[1]);
    this.#hessian = build(hessian(flat));
  }

  async at(x: Vector): Promise<Evaluation> {
    this.nfev++;
    this.njev++;
    const [value, gradient] = this.#both(this.space.tensor(x));
    const slope = await toVector(gradient);
    return { x, value: await value.item(), gradient: slope };
  }

  async value(x: Vector): Promise<number> {
    this.nfev++;
    return await this.#value(this.space.tensor(x)).item();
  }

  /** The Hessian at a point times a vector. */
  async hessianTimes(x: Vector, v: Vector): Promise<Vector> {
    this.nhev++;
    return await toVector(this.#product(this.space.tensor(x), this.space.tensor(v)));
  }

  hessian(x: Vector): Tensor {
    this.nhev++;
    return this.#hessian(this.space.tensor(x));
  }
}
