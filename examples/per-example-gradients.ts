/** The gradient of every example by itself: `vmap` of `grad`, with the parameters shared and the examples mapped over. */
import { grad, tensor, vmap, type Tensor } from "typegrad";

const w = tensor([0.5, -1, 2]);
const x = tensor([
  [1, 2, 3],
  [0, 1, 0],
  [2, -1, 1],
  [1, 1, 1],
]);
const y = tensor([1, 0, 2, 3]);

/** Squared error of one example. */
const loss = (v: Tensor, xi: Tensor, yi: Tensor): Tensor => v.mul(xi).sum().sub(yi).square();
const perExample = vmap(grad(loss), { inAxes: [null, 0, 0] })(w, x, y); // [4, 3]
const norms = await perExample.square().sum(1).sqrt().data();
console.log(`gradient norms: ${[...norms].map((n) => n.toFixed(4)).join(", ")}`);
