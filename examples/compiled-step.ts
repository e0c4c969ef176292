/** The same training step, eager and compiled: equal results, and how long each takes. */
import { compile, valueAndGrad, type Tensor } from "typegrad";
import { Linear, mse, Sequential, tanh } from "typegrad/nn";
import { adam } from "typegrad/optim";
import { manualSeed, randn } from "typegrad/random";

async function train(isCompiled: boolean): Promise<{ loss: number; microseconds: number }> {
  manualSeed(0);
  const model = new Sequential([new Linear(2, 16), tanh, new Linear(16, 16), tanh, new Linear(16, 1)]);
  const optimizer = adam({ learningRate: 1e-2 });
  const step = (x: Tensor, y: Tensor): Tensor => {
    const [loss, grads] = valueAndGrad((m: typeof model) => mse(m.forward(x), y))(model);
    optimizer.update(model, grads);
    return loss;
  };
  const run = isCompiled ? compile(step, { state: [model, optimizer] }) : step;
  const x = randn([32, 2]);
  const y = x.square().sum(1, { keepDims: true }).sqrt();
  let loss = 0;
  for (let i = 0; i < 20; i++) loss = await run(x, y).item(); // compiles, and warms up
  const start = performance.now();
  for (let i = 0; i < 200; i++) loss = await run(x, y).item();
  return { loss, microseconds: ((performance.now() - start) / 200) * 1e3 };
}

const eager = await train(false);
const compiled = await train(true);
console.log(`eager    loss ${eager.loss.toFixed(4)}  ${eager.microseconds.toFixed(0)} µs a step`);
console.log(`compiled loss ${compiled.loss.toFixed(4)}  ${compiled.microseconds.toFixed(0)} µs a step`);
