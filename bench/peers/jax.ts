/** jax-js as a peer, on its WebAssembly backend; everything is under `jit`. */
import { createRequire } from "node:module";
import * as jax from "@jax-js/jax";
import { operation, type Prepared, type Program, seconds, training } from "../program.js";
import { digest, integers, values } from "../values.js";
import type { Task, TaskOf } from "../workloads.js";
import { conv, lossOf } from "./jax-models.js";
import { permute, pictures, type Weight, weightsOf } from "./weights.js";

const { numpy: np, nn } = jax;

const array = ({ shape, data }: Weight): jax.Array => np.array(data).reshape([...shape]);
const input = (shape: readonly number[], seed: number, scale = 1): jax.Array =>
  array({ shape, data: values(shape, seed, scale) });
const oneHot = (classes: Int32Array, end: number): jax.Array => nn.oneHot(np.array(classes).astype(np.int32), end);

/** Inputs and targets of a training step; classes as rows with a one. */
function batchOf(task: Task): [x: jax.Array, y: jax.Array] {
  switch (task.task) {
    case "mlp": {
      const { sizes, batch } = task;
      const last = sizes[sizes.length - 1];
      const target = task.loss === "squared" ? input([batch, last], 101) : oneHot(integers(batch, 101, last), last);
      return [input([batch, sizes[0]], 100), target];
    }
    case "lenet":
      return [array(pictures([task.batch, 1, 28, 28], 100)), oneHot(integers(task.batch, 101, 10), 10)];
    case "cnn":
      return [array(pictures([task.batch, 3, 32, 32], 100)), oneHot(integers(task.batch, 101, 10), 10)];
    case "lstm":
    case "gpt": {
      // a row of a table is a product with a one: what is gathered has no gradient in it
      const { batch, length, vocabulary } = task;
      const tokens = integers(batch * length, 100, vocabulary);
      const ordered =
        task.task === "gpt" ? tokens : tokens.map((_, i) => tokens[(i % batch) * length + Math.floor(i / batch)]);
      return [oneHot(ordered, vocabulary), oneHot(integers(batch * length, 101, vocabulary), vocabulary)];
    }
    default:
      throw new Error(`bench: ${task.task} is no training step`);
  }
}

/** One jitted function: loss, gradients and Adam. */
function trainingStep(task: Task): Prepared {
  const loss = lossOf(task);
  const weights = weightsOf(task).map(array);
  const [x, y] = batchOf(task);
  type State = { w: jax.Array[]; m: jax.Array[]; v: jax.Array[]; t: jax.Array };
  const step = jax.jit((state: State, inputs: jax.Array, target: jax.Array) => {
    const [value, gradients] = jax.valueAndGrad(loss)(
      state.w.map((w) => w.ref),
      inputs,
      target,
    );
    const t = state.t.add(1);
    const c1 = np.subtract(1, np.power(0.9, t.ref));
    const c2 = np.subtract(1, np.power(0.999, t.ref));
    const m = state.m.map((a, i) => a.mul(0.9).add(gradients[i].ref.mul(0.1)));
    const v = state.v.map((a, i) => a.mul(0.999).add(np.square(gradients[i]).mul(0.001)));
    const w = state.w.map((a, i) => {
      const scaled = m[i].ref.div(c1.ref).div(np.sqrt(v[i].ref.div(c2.ref)).add(1e-8));
      return a.sub(scaled.mul(1e-3));
    });
    c1.dispose();
    c2.dispose();
    return { state: { w, m, v, t }, value };
  });
  let state: State = {
    w: weights,
    m: weights.map((a) => np.zeros(a.shape)),
    v: weights.map((a) => np.zeros(a.shape)),
    t: np.array(0).astype(np.float32),
  };
  return training(
    () => {
      const next = step(state, x.ref, y.ref);
      state = next.state;
      return next.value;
    },
    async (value) => {
      const [number] = await value.data();
      await jax.blockUntilReady(state);
      return number;
    },
    (value) => value.dispose(),
  );
}

const kernel = (f: () => jax.Array): Prepared =>
  operation(
    f,
    async (y) => {
      await y.blockUntilReady();
      y.dispose();
    },
    async (y) => y.data(),
  );

function convolution({ pass, from, to, size, batch }: TaskOf<"convolution">): Prepared {
  const x = array(pictures([batch, from, size, size], 0));
  const shape = [to, from, 3, 3];
  const w = array(permute(values(shape, 1, (9 * from) ** -0.5), shape, [2, 3, 1, 0]));
  const g = array(pictures([batch, to, size, size], 2));
  if (pass === "forward") {
    const f = jax.jit((a: jax.Array, b: jax.Array) => conv(a, b, 1));
    return kernel(() => f(x.ref, w.ref));
  }
  const f = jax.jit((a: jax.Array, b: jax.Array, c: jax.Array) =>
    pass === "input"
      ? jax.grad((v: jax.Array) => conv(v, b, 1).mul(c).sum())(a)
      : jax.grad((v: jax.Array) => conv(a, v, 1).mul(c).sum())(b),
  );
  return kernel(() => f(x.ref, w.ref, g.ref));
}

function eager({ each, operations }: TaskOf<"eager">): Prepared {
  const x = input([8], 0);
  const chain = async (): Promise<jax.Array> => {
    let y = x.ref;
    for (let i = 0; i < operations; i++) {
      y = i % 2 === 0 ? y.mul(0.99) : y.add(0.01);
      if (each) await y.blockUntilReady();
    }
    await y.blockUntilReady();
    return y;
  };
  return {
    run: (times) =>
      seconds(async () => {
        for (let i = 0; i < times; i++) (await chain()).dispose();
      }),
    check: async () => digest(await (await chain()).data()),
  };
}

function unary(f: (x: jax.Array) => jax.Array, shape: readonly number[]): Prepared {
  const x = input(shape, 0);
  const jitted = jax.jit(f);
  return kernel(() => jitted(x.ref));
}

function prepare(task: Task): Prepared {
  switch (task.task) {
    case "matmul": {
      const [a, b] = [input([task.m, task.k], 0), input([task.k, task.n], 1)];
      return kernel(() => np.matmul(a.ref, b.ref));
    }
    case "convolution":
      return convolution(task);
    case "softmax":
      return unary((x) => nn.softmax(x, -1), [task.rows, task.columns]);
    case "layer-norm": {
      const [x, w, b] = [input([task.rows, task.columns], 0), input([task.columns], 1), input([task.columns], 2)];
      const f = jax.jit((v: jax.Array, scale: jax.Array, shift: jax.Array) =>
        nn.standardize(v, -1).mul(scale).add(shift),
      );
      return kernel(() => f(x.ref, w.ref, b.ref));
    }
    case "tanh-chain":
      return unary((x) => np.tanh(x.ref.mul(2).add(1)).mul(x.ref).sub(x.mul(0.5)).sum(), [task.n]);
    case "cheap-chain":
      return unary((x) => nn.relu(x.ref.mul(2).add(1)).mul(x), [task.n]);
    case "sum":
      return unary((x) => x.sum(), [task.rows, task.columns]);
    case "gather": {
      const table = input([task.rows, task.columns], 0);
      const rows = np.array(integers(task.count, 1, task.rows)).astype(np.int32);
      const f = jax.jit((a: jax.Array, i: jax.Array) => np.take(a, i, 0));
      return kernel(() => f(table.ref, rows.ref));
    }
    case "eager":
      return eager(task);
    default:
      return trainingStep(task);
  }
}

export async function jaxJs(): Promise<Program> {
  const devices = await jax.init("wasm");
  if (!devices.includes("wasm")) throw new Error("it has no WebAssembly backend here");
  jax.defaultDevice("wasm");
  const require = createRequire(import.meta.url);
  const { version }: { version: string } = require(
    require.resolve("@jax-js/jax").replace(/dist[\\/].*$/, "package.json"),
  );
  return { version, threads: 1, prepare: async (task) => prepare(task) };
}
