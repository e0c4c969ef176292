/** Forward mode: products with the Jacobian, and a function's linear part. */
import { isFloat } from "../ir/dtype.js";
import type { Node } from "../ir/node.js";
import { hole, mark } from "../primitive/leaf.js";
import { Tensor } from "../tensor/tensor.js";
import { forward, materialize, replace } from "../transform/index.js";
import { leaves, unflatten } from "../tree/index.js";
import { checkLike, enter, finish, open, settleArgument } from "./marks.js";

/** Runs `f` on marked tensors and pushes tangents, given as nodes, through it. */
function push<M, R, T>(
  op: string,
  f: (x: M) => R | Promise<R>,
  x: M,
  tangents: readonly (Node | null)[],
  then: (value: R, tangents: readonly Node[]) => T,
): T | Promise<T> {
  settleArgument(op, x);
  const scope = open(op, false);
  const entered = enter(x, (node) => mark(node, scope));
  const close = (): void => {
    entered.restore();
    scope.live = false;
  };
  const derive = (result: R): T => {
    const outputs = leaves(result).map((y) => y.node);
    const found = forward(outputs, entered.nodes, tangents);
    entered.restore();
    return then(
      result,
      outputs.map((y, i) => materialize(found[i], y)),
    );
  };
  return finish(() => f(entered.argument), derive, close);
}

/** The value of a function of a tree, and `J·t` for tangents `t` in the form of its argument. */
export function jvp<M, R>(f: (x: M) => Promise<R>, x: M, tangents: M): Promise<[value: R, tangent: R]>;
export function jvp<M, R>(f: (x: M) => R, x: M, tangents: M): [value: R, tangent: R];
export function jvp<M, R>(f: (x: M) => R | Promise<R>, x: M, tangents: M) {
  const given = leaves(tangents);
  checkLike("jvp", "tangent", leaves(x), given);
  const seeds = given.map((t) => (isFloat(t.dtype) ? t.node : null));
  return push("jvp", f, x, seeds, (value, nodes): [R, R] => [
    value,
    unflatten(
      value,
      nodes.map((n) => Tensor.of(n)),
    ),
  ]);
}

/** The value of a function at a point, and the linear map `t ↦ J·t` there, which may be applied many times. */
export function linearize<M, R>(f: (x: M) => Promise<R>, x: M): Promise<[value: R, linear: (tangents: M) => R]>;
export function linearize<M, R>(f: (x: M) => R, x: M): [value: R, linear: (tangents: M) => R];
export function linearize<M, R>(f: (x: M) => R | Promise<R>, x: M) {
  const inputs = leaves(x);
  const holes = inputs.map((t) => hole(t.node.aval, "tangent"));
  const seeds = holes.map((h) => (isFloat(h.dtype) ? h : null));
  return push("linearize", f, x, seeds, (value, tangents): [R, (t: M) => R] => {
    const linear = (t: M): R => {
      const given = leaves(t);
      checkLike("linearize", "tangent", inputs, given);
      const images = replace(
        tangents,
        holes,
        given.map((g) => g.node),
      );
      return unflatten(
        value,
        images.map((n) => Tensor.of(n)),
      );
    };
    return [value, linear];
  });
}
