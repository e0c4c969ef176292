/** Forward mode: products with the Jacobian, and a function's linear part. */
import { isFloat } from "../ir/dtype.js";
import type { Node } from "../ir/node.js";
import { hole } from "../primitive/leaf.js";
import { forward, materialize, replace } from "../transform/index.js";
import { leaves } from "../tree/index.js";
import { checkLike, finish, marked, nodesOf, withNodes } from "./marks.js";

/** Runs `f` on marked tensors and pushes tangents, given as nodes, through it. */
function push<M, R, T>(
  op: string,
  f: (x: M) => R | Promise<R>,
  x: M,
  tangents: readonly (Node | null)[],
  then: (value: R, tangents: readonly Node[]) => T,
): T | Promise<T> {
  const { argument, nodes, restore, close } = marked(op, x);
  const derive = (result: R): T => {
    const outputs = nodesOf(result);
    const found = forward(outputs, nodes, tangents);
    restore();
    return then(
      result,
      outputs.map((y, i) => materialize(found[i], y)),
    );
  };
  return finish(() => f(argument), derive, close);
}

/** The value of a function of a tree, and `J·t` for tangents `t` in the form of its argument. */
export function jvp<M, R>(f: (x: M) => Promise<R>, x: M, tangents: M): Promise<[value: R, tangent: R]>;
export function jvp<M, R>(f: (x: M) => R, x: M, tangents: M): [value: R, tangent: R];
export function jvp<M, R>(f: (x: M) => R | Promise<R>, x: M, tangents: M) {
  const given = leaves(tangents);
  checkLike("jvp", "tangent", leaves(x), given);
  const seeds = given.map((t) => (isFloat(t.dtype) ? t.node : null));
  return push("jvp", f, x, seeds, (value, nodes): [R, R] => [value, withNodes(value, nodes)]);
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
      checkLike("linearize", "tangent", inputs, leaves(t));
      return withNodes(value, replace(tangents, holes, nodesOf(t)));
    };
    return [value, linear];
  });
}
