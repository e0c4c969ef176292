/** Learns a soft disc in the page, and leaves on the body the loss of the best constant and of the network. */
import { compile, tensor, valueAndGrad, type Tensor } from "typegrad";
import { Linear, mse, relu, Sequential } from "typegrad/nn";
import { adam } from "typegrad/optim";
import { manualSeed } from "typegrad/random";

manualSeed(0);
const model = new Sequential([new Linear(2, 32), relu, new Linear(32, 1)]);
const optimizer = adam({ learningRate: 0.03 });
const step = compile(
  (x: Tensor, y: Tensor) => {
    const [loss, grads] = valueAndGrad((m: typeof model) => mse(m.forward(x), y))(model);
    optimizer.update(model, grads);
    return loss;
  },
  { state: [model, optimizer] },
);

const points = Array.from({ length: 256 }, (_, i) => [((i % 16) - 7.5) / 4, (Math.floor(i / 16) - 7.5) / 4]);
const x = tensor(points);
const y = tensor(points.map(([a, b]) => [Math.tanh(2 - a * a - b * b)]));
const losses: number[] = [];
for (let i = 0; i < 200; i++) losses.push(await step(x, y).item());
document.body.dataset["losses"] = JSON.stringify([await y.variance().item(), losses[losses.length - 1]]);
