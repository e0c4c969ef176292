/** This package as a program of the benchmark. */
import { readFileSync } from "node:fs";
import {
  compile,
  convolution,
  evaluate,
  getThreads,
  setDevice,
  setThreads,
  softmax,
  tensor,
  type Tensor,
  valueAndGrad,
  vjp,
} from "typegrad";
import { crossEntropy, layerNorm, loadStateDict, mse, namedParameters, stateDict } from "typegrad/nn";
import { adam } from "typegrad/optim";
import { operation, type Prepared, type Program, seconds, training } from "../program.js";
import { digest, integers, values } from "../values.js";
import type { Task, TaskOf } from "../workloads.js";
import { cnn, Gpt, Lstm, mlp, type Model } from "./models.js";
import { lenet5 } from "typegrad/models";

const input = (shape: readonly number[], seed: number, scale = 1): Tensor =>
  tensor(values(shape, seed, scale), { shape });
const tokens = (shape: readonly number[], seed: number, end: number): Tensor =>
  tensor(
    integers(
      shape.reduce((a, b) => a * b),
      seed,
      end,
    ),
    { shape },
  );

/** Gives weights the values that every program starts from; biases and norms keep those they have in PyTorch. */
function start(model: Model): void {
  const state = stateDict(model);
  Object.entries(namedParameters(model)).forEach(([path, p], i) => {
    if (p.rank > 1) state[path] = input(p.shape, i, (p.shape[0] / p.size) ** 0.5);
    else if (path.endsWith("bias")) state[path] = p.mul(0);
  });
  loadStateDict(model, state);
}

function step(model: Model, loss: (output: Tensor, target: Tensor) => Tensor, x: Tensor, y: Tensor): Prepared {
  start(model);
  evaluate(model, x, y);
  const optimizer = adam({ learningRate: 1e-3 });
  const run = compile(
    (inputs: Tensor, target: Tensor) => {
      const [value, gradients] = valueAndGrad((m: Model) => loss(m.forward(inputs), target))(model);
      optimizer.update(model, gradients);
      return value;
    },
    { state: [model, optimizer] },
  );
  return training(
    () => run(x, y),
    async (value) => value.item(),
  );
}

/** A compiled function of tensors that are in memory. Its result is freed at once, as `using` does, and as peers free theirs. */
function kernel(f: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Prepared {
  evaluate(inputs);
  const run = compile(f);
  return operation(
    () => run(...inputs),
    (y) => {
      evaluate(y);
      y[Symbol.dispose]();
    },
    async (y) => Float32Array.from(await y.flatten().data()),
  );
}

function convolutionPass({ pass, from, to, size, batch }: TaskOf<"convolution">): Prepared {
  const x = input([batch, from, size, size], 0);
  const w = input([to, from, 3, 3], 1, (9 * from) ** -0.5);
  const g = input([batch, to, size, size], 2);
  const conv = (a: Tensor, b: Tensor): Tensor =>
    convolution(a, b, {
      padding: [
        [1, 1],
        [1, 1],
      ],
    });
  if (pass === "forward") return kernel(conv, x, w);
  if (pass === "input") return kernel((a, b, c) => vjp((v: Tensor) => conv(v, b), a)[1](c), x, w, g);
  return kernel((a, b, c) => vjp((v: Tensor) => conv(a, v), b)[1](c), x, w, g);
}

/** Operations one by one, as they are called; nothing is compiled by the caller. */
function eager({ each, operations }: TaskOf<"eager">): Prepared {
  const x = input([8], 0);
  evaluate(x);
  const chain = (): Tensor => {
    let y = x;
    for (let i = 0; i < operations; i++) {
      y = i % 2 === 0 ? y.mul(0.99) : y.add(0.01);
      if (each) evaluate(y);
    }
    return y;
  };
  return {
    run: (times) =>
      seconds(() => {
        for (let i = 0; i < times; i++) evaluate(chain());
      }),
    check: async () => digest(Float32Array.from(await chain().data())),
  };
}

function prepare(task: Task): Prepared {
  switch (task.task) {
    case "mlp": {
      const { sizes, batch } = task;
      const last = sizes[sizes.length - 1];
      const x = input([batch, sizes[0]], 100);
      return task.loss === "squared"
        ? step(mlp(task), mse, x, input([batch, last], 101))
        : step(mlp(task), crossEntropy, x, tokens([batch], 101, last));
    }
    case "lenet":
      return step(lenet5(), crossEntropy, input([task.batch, 1, 28, 28], 100), tokens([task.batch], 101, 10));
    case "cnn":
      return step(cnn(), crossEntropy, input([task.batch, 3, 32, 32], 100), tokens([task.batch], 101, 10));
    case "lstm":
    case "gpt": {
      const { batch, length, vocabulary } = task;
      const model = task.task === "lstm" ? new Lstm(task) : new Gpt(task);
      const [x, y] = [tokens([batch, length], 100, vocabulary), tokens([batch * length], 101, vocabulary)];
      return step(model, (logits, target) => crossEntropy(logits.reshape([batch * length, vocabulary]), target), x, y);
    }
    case "matmul":
      return kernel((a, b) => a.matmul(b), input([task.m, task.k], 0), input([task.k, task.n], 1));
    case "convolution":
      return convolutionPass(task);
    case "softmax":
      return kernel((x) => softmax(x, -1), input([task.rows, task.columns], 0));
    case "layer-norm": {
      const columns = [task.columns];
      return kernel(
        (x, w, b) => layerNorm(x, columns, w, b),
        input([task.rows, task.columns], 0),
        input(columns, 1),
        input(columns, 2),
      );
    }
    case "tanh-chain":
      return kernel((x) => x.mul(2).add(1).tanh().mul(x).sub(x.mul(0.5)).sum(), input([task.n], 0));
    case "cheap-chain":
      return kernel((x) => x.mul(2).add(1).relu().mul(x), input([task.n], 0));
    case "sum":
      return kernel((x) => x.sum(), input([task.rows, task.columns], 0));
    case "gather":
      return kernel(
        (table, rows) => table.take(rows, 0),
        input([task.rows, task.columns], 0),
        tokens([task.count], 1, task.rows),
      );
    case "eager":
      return eager(task);
  }
}

/** Us on a device. */
export async function typegrad(device: "wasm" | "native", threads: number): Promise<Program> {
  setThreads(threads);
  await setDevice(device);
  const { version }: { version: string } = JSON.parse(readFileSync("package.json", "utf8"));
  return { version, threads: getThreads(), prepare: async (task) => prepare(task) };
}
