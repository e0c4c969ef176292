/** A user's first program: a small network learns XOR with a compiled training step. */
import { compile, tensor, valueAndGrad, type Tensor } from "typegrad";
import { Linear, mse, Sequential, tanh } from "typegrad/nn";
import { adam } from "typegrad/optim";
import { manualSeed } from "typegrad/random";

manualSeed(1);
const model = new Sequential([new Linear(2, 8), tanh, new Linear(8, 1)]);
const optimizer = adam({ learningRate: 0.05 });
const step = compile(
  (x: Tensor, y: Tensor) => {
    const [loss, grads] = valueAndGrad((m: typeof model) => mse(m.forward(x), y))(model);
    optimizer.update(model, grads);
    return loss;
  },
  { state: [model, optimizer] },
);

// prettier-ignore
const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]]);
const y = tensor([[0], [1], [1], [0]]);
let loss = 1;
for (let i = 0; i < 300; i++) loss = await step(x, y).item();
console.log(`loss ${loss.toExponential(2)}`);
const page: unknown = Reflect.get(globalThis, "document");
if (typeof page === "object" && page !== null) Reflect.set(page, "title", `loss ${loss}`);
