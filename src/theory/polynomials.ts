/** Polynomials that converge to a continuous function. */
import { ArgumentError, type Tensor, arange, tensor, shown } from "../index.js";
import { lgamma, xlog1py, xlogy } from "../special/index.js";

const degreeOf = (op: string, degree: number, least: number): number => {
  if (!Number.isInteger(degree) || degree < least)
    throw new ArgumentError(
      `${op}: the degree must be an integer of at least ${least}, got ${shown(degree)}. round or raise it`,
    );
  return degree;
};

/**
 * Bernstein's polynomial `B_n f(x) = Σ_k f(k/n) C(n, k) xᵏ (1 - x)ⁿ⁻ᵏ` on [0, 1], element by element: the mean of f over n
 * tosses of a coin, which tends to f uniformly (Bernstein 1912), within 5/4 of f's modulus of continuity at 1/√n
 * (Popoviciu 1935; Lorentz, Bernstein Polynomials, 1953).
 */
export function bernstein(f: (x: number) => number, degree: number): (x: Tensor) => Tensor {
  const n = degreeOf("bernstein", degree, 1);
  const values = tensor(Float64Array.from({ length: n + 1 }, (_, k) => f(k / n)));
  return (x) => {
    const k = arange(n + 1).astype("float64"); // [n + 1]
    const logChoose = lgamma(k.add(1))
      .add(lgamma(k.neg().add(n + 1)))
      .neg()
      .add(lgamma(tensor(n + 1, { dtype: "float64" })));
    const at = x.expandDims(-1); // […, 1]
    const logWeight = xlogy(k, at)
      .add(xlog1py(k.neg().add(n), at.neg()))
      .add(logChoose); // […, n + 1]
    return logWeight.exp().mul(values).sum(-1).astype(x.dtype);
  };
}

/**
 * The polynomial of `|x|` on [-1, 1] after `steps` of `p ← p + (x² - p²) / 2` from 0, element by element. It grows towards
 * |x| and stays within `2 / (steps + 1)` of it (Lebesgue's proof of Weierstrass' theorem, 1898; the recursion is Visser's).
 */
export function absolutePolynomial(steps: number): (x: Tensor) => Tensor {
  degreeOf("absolutePolynomial", steps, 0);
  return (x) => {
    let p = x.mul(0);
    for (let k = 0; k < steps; k++) p = p.add(x.square().sub(p.square()).mul(0.5));
    return p;
  };
}
