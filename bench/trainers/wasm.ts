/** A minimal trainer: a network of two layers learns exclusive or. The others in this folder do the same. */
import { compile, tensor, valueAndGrad } from "typegrad";
import { Linear, mse, Sequential, tanh } from "typegrad/nn";
import { adam } from "typegrad/optim";

const x = tensor([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]);
const y = tensor([[0], [1], [1], [0]]);
const model = new Sequential([new Linear(2, 8), tanh, new Linear(8, 1)]);
const optimizer = adam({ learningRate: 0.05 });
const step = compile(
  () => {
    const [loss, gradients] = valueAndGrad((m: typeof model) => mse(m.forward(x), y))(model);
    optimizer.update(model, gradients);
    return loss;
  },
  { state: [model, optimizer] },
);
let loss = step();
for (let i = 1; i < 300; i++) loss = step();
console.log(await loss.item());
