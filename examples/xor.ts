/** A small network learns XOR: model, loss, optimizer, loop. */
import { tensor, valueAndGrad } from "typegrad";
import { binaryCrossEntropyWithLogits, Linear, Sequential, tanh } from "typegrad/nn";
import { adam } from "typegrad/optim";
import { manualSeed } from "typegrad/random";

manualSeed(3);
const x = tensor([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]);
const y = tensor([[0], [1], [1], [0]]);

const model = new Sequential([new Linear(2, 8), tanh, new Linear(8, 1)]);
const optimizer = adam({ learningRate: 0.05 });
for (let step = 1; step <= 300; step++) {
  const [loss, grads] = valueAndGrad((m: typeof model) => binaryCrossEntropyWithLogits(m.forward(x), y))(model);
  optimizer.update(model, grads);
  const value = await loss.item(); // computes the loss, and with it the new parameters
  if (step % 100 === 0) console.log(`step ${step}: loss ${value.toFixed(4)}`);
}
const answers = await model.forward(x).greater(0).astype("int32").data();
console.log(`0 xor 0, 0 xor 1, 1 xor 0, 1 xor 1 = ${answers.join(", ")}`);
