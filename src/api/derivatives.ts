/** Whole Jacobians and Hessians, and products with them. */
import { isFloat } from "../ir/dtype.js";
import { sizeOf } from "../ir/shape.js";
import { eye } from "../tensor/creation.js";
import { Tensor } from "../tensor/tensor.js";
import { map } from "../tree/index.js";
import { range } from "../util/arrays.js";
import { ArgumentError, DTypeError } from "../util/errors.js";
import { jvp, linearize } from "./forward.js";
import { grad, vjp } from "./grad.js";
import { vmap } from "./vmap.js";

type Field = (x: Tensor) => Tensor;

/** The unit tensors of a shape, stacked. */
function basis(op: string, x: Tensor): Tensor {
  if (!isFloat(x.dtype))
    throw new DTypeError(`${op}: the tensor must be a float, got ${x.describe()}. convert it with astype`);
  const n = sizeOf(x.shape);
  return eye(n, n, { dtype: x.dtype }).reshape([n, ...x.shape]);
}

/** `J[i…, j…] = ∂f(x)[i…] / ∂x[j…]` by forward mode: one pass for each element of x. Good for few inputs. */
export const jacobianForward =
  (f: Field): Field =>
  (x) => {
    const [value, push] = linearize(f, x);
    const columns = vmap(push)(basis("jacobianForward", x)); // [inputs, …outputs]
    return columns.moveAxis(0, -1).reshape([...value.shape, ...x.shape]);
  };

/**
 * `J[i…, j…] = ∂f(x)[i…] / ∂x[j…]` by reverse mode: one pass for each element of f(x). Good for few outputs. The argument
 * may be a tree, such as a model: the result is a tree of its form, with the axes of f(x) in front in every tensor.
 */
export function jacobianReverse(f: Field): Field;
export function jacobianReverse<M>(f: (x: M) => Tensor): (x: M) => M;
export function jacobianReverse<M>(f: (x: M) => Tensor) {
  return (x: M): M => {
    const [value, pull] = vjp(f, x);
    const rows = vmap(pull)(basis("jacobianReverse", value)); // [outputs, …inputs]
    return map((row) => row.reshape([...value.shape, ...row.shape.slice(1)]), rows);
  };
}

export interface JacobianOptions {
  /**
   * `numerator`, the default, puts the axes of f(x) in front: [m, n] for x[n] and f(x)[m]. `denominator` puts those of x in
   * front: [n, m], its transpose, so that the derivative of a scalar has the axes of a column.
   */
  readonly layout?: "numerator" | "denominator";
}

/** The Jacobian by reverse mode, in either layout. */
export function jacobian(f: Field, options?: JacobianOptions): Field;
export function jacobian<M>(f: (x: M) => Tensor, options?: JacobianOptions): (x: M) => M;
export function jacobian<M>(f: (x: M) => Tensor, options: JacobianOptions = {}) {
  const { layout = "numerator" } = options;
  if (layout !== "numerator" && layout !== "denominator")
    throw new ArgumentError(
      `jacobian: the layout must be numerator or denominator, got ${String(layout)}. use one of them`,
    );
  return (x: M): M => {
    let rank = 0;
    const rows = jacobianReverse((y: M) => {
      const value = f(y);
      rank = value.rank;
      return value;
    })(x);
    if (layout === "numerator") return rows;
    return map((j) => j.transpose([...range(j.rank - rank).map((i) => rank + i), ...range(rank)]), rows);
  };
}

/** `H[i…, j…] = ∂²f(x) / ∂x[i…] ∂x[j…]` of a scalar function: forward over reverse mode. */
export const hessian = (f: Field): Field => jacobianForward(grad(f));

/** `H·v` of a scalar function of a tree, without forming H: the directional derivative of the gradient. */
export const hvp = <M>(f: (x: M) => Tensor, x: M, v: M): M => jvp(grad(f), x, v)[1];
