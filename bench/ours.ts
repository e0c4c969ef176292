/** This package as a runner. */
import { readFileSync } from "node:fs";
import { compile, DeviceError, evaluate, type Module, setDevice, tensor, type Tensor, valueAndGrad } from "typegrad";
import {
  BatchNorm,
  Conv2d,
  crossEntropy,
  Flatten,
  Linear,
  MaxPool2d,
  mse,
  relu,
  Sequential,
  type Stage,
  tanh,
} from "typegrad/nn";
import { adam } from "typegrad/optim";
import { manualSeed, randn } from "typegrad/random";
import { lenet5 } from "typegrad/models";
import type { Run, Runner } from "./runner.js";
import type { Task } from "./workloads.js";

/** Times calls of a compiled function; the result of the last is read. */
function timed(call: () => Tensor): Run {
  return async (times) => {
    const start = performance.now();
    let result = call();
    for (let i = 1; i < times; i++) result = call();
    await result.flatten().at(0).item();
    return (performance.now() - start) / 1000;
  };
}

type Model = Module & { forward(x: Tensor): Tensor };

function trainingStep(model: Model, loss: (output: Tensor, target: Tensor) => Tensor, x: Tensor, y: Tensor): Run {
  evaluate(model, x, y); // on the device of this runner
  const optimizer = adam({ learningRate: 1e-3 });
  const step = compile(
    (input: Tensor, target: Tensor) => {
      const [value, gradients] = valueAndGrad((m: Model) => loss(m.forward(input), target))(model);
      optimizer.update(model, gradients);
      return value;
    },
    { state: [model, optimizer] },
  );
  return timed(() => step(x, y));
}

const labels = (batch: number): Tensor =>
  tensor(
    Array.from({ length: batch }, (_, i) => i % 10),
    { dtype: "int32" },
  );

function mlp(task: Extract<Task, { task: "mlp" }>): Run {
  const { sizes, batch } = task;
  const activation = task.activation === "tanh" ? tanh : relu;
  const layers = sizes.slice(1).flatMap((to, i): Stage[] => [new Linear(sizes[i], to), activation]);
  const last = sizes[sizes.length - 1];
  const model = new Sequential(layers.slice(0, -1));
  const x = randn([batch, sizes[0]]);
  return task.loss === "squared"
    ? trainingStep(model, mse, x, randn([batch, last]))
    : trainingStep(model, crossEntropy, x, labels(batch));
}

const block = (a: number, b: number): Stage[] => [new Conv2d(a, b, 3, { padding: 1 }), new BatchNorm(b), relu];
const cnn = (): Stage[] => [
  ...block(3, 32),
  ...block(32, 64),
  new MaxPool2d(2),
  ...block(64, 64),
  new MaxPool2d(2),
  new Flatten(),
  new Linear(64 * 64, 10),
];

function prepare(task: Task): Run {
  switch (task.task) {
    case "mlp":
      return mlp(task);
    case "lenet":
      return trainingStep(lenet5(), crossEntropy, randn([task.batch, 1, 28, 28]), labels(task.batch));
    case "cnn":
      return trainingStep(new Sequential(cnn()), crossEntropy, randn([task.batch, 3, 32, 32]), labels(task.batch));
    case "matmul": {
      const product = compile((a: Tensor, b: Tensor) => a.matmul(b));
      const [a, b] = [randn([task.n, task.n]), randn([task.n, task.n])];
      evaluate(a, b);
      return timed(() => product(a, b));
    }
    case "tanh-chain": {
      const chain = compile((x: Tensor) => x.mul(2).add(1).tanh().mul(x).sub(x.mul(0.5)).sum());
      const x = randn([task.n]);
      evaluate(x);
      return timed(() => chain(x));
    }
  }
}

/** Us on a device; `null` where there is none of that name, for want of a compiler or of koffi. */
async function on(name: string, version: string): Promise<Runner | null> {
  /** Everything that follows runs here; keys of random numbers start on the host. */
  const enter = async (): Promise<void> => {
    await setDevice(name);
    manualSeed(0);
  };
  try {
    await enter();
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    console.log(`${name}: ${error.message}`);
    return null;
  }
  return {
    name,
    version,
    threads: 1,
    peer: false,
    async prepare(task) {
      await enter();
      const run = prepare(task);
      return async (times) => {
        await enter();
        return run(times);
      };
    },
    release: async () => {},
    close: async () => {},
  };
}

/** Us on each of our fast devices. */
export async function ours(): Promise<Runner[]> {
  const { version }: { version: string } = JSON.parse(readFileSync("package.json", "utf8"));
  const found = [await on("wasm", version), await on("native", version)];
  return found.filter((runner) => runner !== null);
}
