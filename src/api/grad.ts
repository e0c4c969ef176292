/** Reverse mode: gradients, and products with the transposed Jacobian. */
import { isFloat } from "../ir/dtype.js";
import type { Node } from "../ir/node.js";
import { fillLike, hole } from "../primitive/leaf.js";
import { evaluateLong } from "../tensor/evaluate.js";
import { Tensor } from "../tensor/tensor.js";
import { backward, materialize, replace } from "../transform/index.js";
import { leaves } from "../tree/index.js";
import { ArgumentError, DTypeError, ShapeError } from "../util/errors.js";
import { checkLike, finish, marked, nodesOf, withNodes } from "./marks.js";

function checkLoss(op: string, y: unknown): asserts y is Tensor {
  if (!(y instanceof Tensor))
    throw new ArgumentError(`${op}: the function must return a tensor, got ${typeof y}. return the loss`);
  if (y.rank !== 0)
    throw new ShapeError(`${op}: the function must return a scalar, got ${y.describe()}. take its mean or sum`);
  if (!isFloat(y.dtype))
    throw new DTypeError(`${op}: the function must return a float, got ${y.describe()}. convert it with astype`);
}

function run<M, A extends readonly unknown[], R>(
  f: (model: M, ...rest: A) => Tensor | Promise<Tensor>,
  model: M,
  rest: A,
  then: (value: Tensor, gradient: readonly Node[]) => R,
): R | Promise<R> {
  const { argument, nodes, close } = marked("grad", model);
  const pull = (y: Tensor): R => {
    checkLoss("grad", y);
    const cotangents = backward([y.node], [fillLike(y.node, 1)], nodes);
    const gradients = nodes.map((x, i) => materialize(cotangents[i], x));
    close();
    return then(y, gradients);
  };
  return finish(() => f(argument, ...rest), pull, close);
}

/**
 * The value of a scalar function and its gradient with respect to the first argument, in the form of that argument: for a
 * model, an object of the model's own type that holds gradients in place of parameters. Async functions give promises.
 */
export function valueAndGrad<M, A extends readonly unknown[]>(
  f: (model: M, ...rest: A) => Promise<Tensor>,
): (model: M, ...rest: A) => Promise<[value: Tensor, gradient: M]>;
export function valueAndGrad<M, A extends readonly unknown[]>(
  f: (model: M, ...rest: A) => Tensor,
): (model: M, ...rest: A) => [value: Tensor, gradient: M];
export function valueAndGrad<M, A extends readonly unknown[]>(f: (model: M, ...rest: A) => Tensor | Promise<Tensor>) {
  return (model: M, ...rest: A) =>
    run(f, model, rest, (value, gradients): [Tensor, M] => {
      evaluateLong([value.node, ...gradients]);
      return [value, withNodes(model, gradients)];
    });
}

/** The gradient of a scalar function with respect to its first argument, in the form of that argument. */
export function grad<M, A extends readonly unknown[]>(
  f: (model: M, ...rest: A) => Promise<Tensor>,
): (model: M, ...rest: A) => Promise<M>;
export function grad<M, A extends readonly unknown[]>(f: (model: M, ...rest: A) => Tensor): (model: M, ...rest: A) => M;
export function grad<M, A extends readonly unknown[]>(f: (model: M, ...rest: A) => Tensor | Promise<Tensor>) {
  return (model: M, ...rest: A) => run(f, model, rest, (_value, gradients) => withNodes(model, gradients));
}

/** The map `g ↦ Jᵀg`, from cotangents of a function's result to cotangents of its argument. */
export type Pull<M, R> = (cotangents: R) => M;

/** The value of a function of a tree and its `Pull`. Argument and result may be any trees of tensors. */
export function vjp<M, R>(f: (model: M) => Promise<R>, model: M): Promise<[value: R, pull: Pull<M, R>]>;
export function vjp<M, R>(f: (model: M) => R, model: M): [value: R, pull: Pull<M, R>];
export function vjp<M, R>(f: (model: M) => R | Promise<R>, model: M) {
  const { argument, nodes, restore, close } = marked("vjp", model);
  const derive = (result: R): [R, Pull<M, R>] => {
    const outputs = leaves(result);
    const holes = outputs.map((y) => hole(y.node.aval, "cotangent"));
    const seeds = holes.map((h) => (isFloat(h.dtype) ? h : null));
    const found = backward(nodesOf(result), seeds, nodes);
    const cotangents = nodes.map((x, i) => materialize(found[i], x));
    restore();
    const pull = (given: R): M => {
      checkLike("vjp", "cotangent", outputs, leaves(given));
      return withNodes(model, replace(cotangents, holes, nodesOf(given)));
    };
    return [result, pull];
  };
  return finish(() => f(argument), derive, close);
}
