/** A line through noisy points, by gradient descent: the slope and intercept are a plain object, and so is the gradient. */
import { evaluate, tensor, valueAndGrad, type Tensor } from "typegrad";

const xs = [-4.5, -3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 4.5];
const x = tensor(xs);
const y = tensor(xs.map((v, i) => 3 * v - 2 + (i % 2 === 0 ? 0.5 : -0.5)));

interface Line {
  readonly slope: Tensor;
  readonly intercept: Tensor;
}
const loss = (line: Line): Tensor => x.mul(line.slope).add(line.intercept).sub(y).square().mean();

let line: Line = { slope: tensor(0), intercept: tensor(0) };
for (let step = 0; step < 200; step++) {
  const [error, gradient] = valueAndGrad(loss)(line);
  line = {
    slope: line.slope.sub(gradient.slope.mul(0.05)),
    intercept: line.intercept.sub(gradient.intercept.mul(0.05)),
  };
  evaluate(error, line); // computes both at once, and the next step starts from values
  if (step % 50 === 0) console.log(`step ${step}: mean squared error ${(await error.item()).toFixed(3)}`);
}
const slope = await line.slope.item();
const intercept = await line.intercept.item();
console.log(`y = ${slope.toFixed(3)} x + ${intercept.toFixed(3)}`);
