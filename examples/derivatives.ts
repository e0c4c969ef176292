/** Jacobians and Hessians of a function, and Newton's method on Rosenbrock's valley, in float64. */
import { grad, hessian, jacobianForward, stack, tensor, type Tensor } from "typegrad";

/** f(a, b) = (1 - a)² + 100 (b - a²)², smallest at (1, 1). */
function rosenbrock(p: Tensor): Tensor {
  const [a, b] = [p.at(0), p.at(1)];
  return a.neg().add(1).square().add(b.sub(a.square()).square().mul(100));
}

let p: Tensor = tensor([-1.2, 1], { dtype: "float64" });
for (let step = 0; step < 8; step++) {
  const [g0, g1] = await grad(rosenbrock)(p).data();
  const [h00, h01, h10, h11] = await hessian(rosenbrock)(p).data();
  const determinant = h00 * h11 - h01 * h10;
  const move = [(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h10 * g0) / determinant];
  p = p.sub(tensor(move, { dtype: "float64" }));
}
console.log(`minimum at ${(await p.data()).join(", ")}`);

/** (r cos φ, r sin φ): its Jacobian's determinant is r. */
const polar = (v: Tensor): Tensor => stack([v.at(1).cos(), v.at(1).sin()]).mul(v.at(0));
const jacobian = await jacobianForward(polar)(tensor([2, 0], { dtype: "float64" })).toArray();
console.log(`jacobian of polar coordinates at (2, 0): ${JSON.stringify(jacobian)}`);
