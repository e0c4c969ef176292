/** TensorFlow.js as a peer, on its WebAssembly backend (one thread: it has no more in Node) or on plain JavaScript. */
import { version_wasm as wasmVersion } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs";
import { operation, type Prepared, type Program, seconds, training } from "../program.js";
import { digest, integers, values } from "../values.js";
import type { Task, TaskOf } from "../workloads.js";
import { permute, pictures, type Weight, weightsOf } from "./weights.js";

const tensor = ({ shape, data }: Weight): tf.Tensor => tf.tensor(data, [...shape]);
const input = (shape: readonly number[], seed: number, scale = 1): tf.Tensor =>
  tensor({ shape, data: values(shape, seed, scale) });

/** Losses of training steps, from the weights in the order of `weightsOf`. */
type Loss = () => tf.Scalar;

const as4d = (x: tf.Tensor): tf.Tensor4D =>
  tf.reshape(x, [x.shape[0], x.shape[1] ?? 1, x.shape[2] ?? 1, x.shape[3] ?? 1]);
const linear = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.add(tf.matMul(x, w), b);
const conv = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor, pad: number): tf.Tensor =>
  tf.add(tf.conv2d(as4d(x), as4d(w), 1, pad), b);
const flatten = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [x.shape[0], -1]);
const scalar = (x: tf.Tensor): tf.Scalar => tf.reshape<tf.Rank.R0>(x, []);
const crossEntropy = (logits: tf.Tensor, target: tf.Tensor): tf.Scalar =>
  scalar(tf.losses.softmaxCrossEntropy(target, logits));

function normalize(x: tf.Tensor, axes: number[], scale: tf.Tensor, shift: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, axes, true);
  const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
  return tf.add(tf.mul(normal, scale), shift);
}

function mlp(task: TaskOf<"mlp">, w: readonly tf.Tensor[]): Loss {
  const { sizes, batch } = task;
  const last = sizes[sizes.length - 1];
  const x = input([batch, sizes[0]], 100);
  const y = task.loss === "squared" ? input([batch, last], 101) : oneHot(integers(batch, 101, last), last);
  const activation = task.activation === "tanh" ? tf.tanh : tf.relu;
  return () => {
    let h = x;
    for (let i = 0; i < w.length; i += 2) {
      h = linear(h, w[i], w[i + 1]);
      if (i < w.length - 2) h = activation(h);
    }
    return task.loss === "squared" ? scalar(tf.mean(tf.squaredDifference(h, y))) : crossEntropy(h, y);
  };
}

/** Converted from integers: asked for floats, the WebAssembly backend gives the bits of integers. */
const oneHot = (classes: Int32Array, end: number): tf.Tensor =>
  tf.cast(tf.oneHot(tf.tensor1d(classes, "int32"), end), "float32");

function lenet(batch: number, [w1, b1, w2, b2, w3, b3, w4, b4, w5, b5]: readonly tf.Tensor[]): Loss {
  const x = tensor(pictures([batch, 1, 28, 28], 100));
  const y = oneHot(integers(batch, 101, 10), 10);
  return () => {
    const h1 = tf.avgPool(as4d(tf.tanh(conv(x, w1, b1, 2))), 2, 2, "valid"); // [n, 14, 14, 6]
    const h2 = tf.avgPool(as4d(tf.tanh(conv(h1, w2, b2, 0))), 2, 2, "valid"); // [n, 5, 5, 16]
    const h3 = tf.tanh(linear(flatten(h2), w3, b3));
    return crossEntropy(linear(tf.tanh(linear(h3, w4, b4)), w5, b5), y);
  };
}

function cnn(batch: number, w: readonly tf.Tensor[]): Loss {
  const x = tensor(pictures([batch, 3, 32, 32], 100));
  const y = oneHot(integers(batch, 101, 10), 10);
  const block = (h: tf.Tensor, i: number): tf.Tensor =>
    tf.relu(normalize(conv(h, w[i], w[i + 1], 1), [0, 1, 2], w[i + 2], w[i + 3]));
  const pool = (h: tf.Tensor): tf.Tensor => tf.maxPool(as4d(h), 2, 2, "valid");
  return () => crossEntropy(linear(flatten(pool(block(pool(block(block(x, 0), 4)), 8))), w[12], w[13]), y);
}

/** Tokens as rows with a one: the gradient of `gather` has no kernel in WebAssembly, that of a product has. */
function lstm(task: TaskOf<"lstm">, w: readonly tf.Tensor[]): Loss {
  const { hidden, batch, length, vocabulary } = task;
  const [table, inputWeight, hiddenWeight, inputBias, hiddenBias, outWeight, outBias] = w;
  const x = oneHot(integers(batch * length, 100, vocabulary), vocabulary);
  const y = oneHot(integers(batch * length, 101, vocabulary), vocabulary);
  return () => {
    const bias = tf.add(inputBias, hiddenBias);
    const gates = tf.reshape(linear(tf.matMul(x, table), inputWeight, bias), [batch, length, -1]);
    const states: tf.Tensor[] = [];
    let h: tf.Tensor = tf.zeros([batch, hidden]);
    let c: tf.Tensor = tf.zeros([batch, hidden]);
    for (const gate of tf.unstack(gates, 1)) {
      const [i, f, g, o] = tf.split(tf.add(gate, tf.matMul(h, hiddenWeight)), 4, -1);
      c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      h = tf.mul(tf.sigmoid(o), tf.tanh(c));
      states.push(h);
    }
    return crossEntropy(linear(tf.reshape(tf.stack(states, 1), [batch * length, hidden]), outWeight, outBias), y);
  };
}

function gelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

function gpt(task: TaskOf<"gpt">, weights: readonly tf.Tensor[]): Loss {
  const { layers, width, heads, length, batch, vocabulary } = task;
  const x = oneHot(integers(batch * length, 100, vocabulary), vocabulary);
  const y = oneHot(integers(batch * length, 101, vocabulary), vocabulary);
  const visible = tf.linalg.bandPart(tf.ones([length, length]), -1, 0);
  const mask = tf.mul(tf.sub(visible, 1), 1e9); // 0 or -1e9
  const attention = (qkv: tf.Tensor): tf.Tensor => {
    const parts = tf.transpose(tf.reshape(qkv, [batch, length, 3, heads, width / heads]), [2, 0, 3, 1, 4]);
    const [q, k, v] = tf.unstack(parts);
    const scores = tf.add(tf.matMul(tf.mul(q, (width / heads) ** -0.5), k, false, true), mask);
    return tf
      .matMul(tf.softmax(scores), v)
      .transpose([0, 2, 1, 3])
      .reshape([batch * length, width]);
  };
  return () => {
    let next = 2;
    const norm = (h: tf.Tensor): tf.Tensor => normalize(h, [-1], weights[next++], weights[next++]);
    const dense = (h: tf.Tensor): tf.Tensor => linear(h, weights[next++], weights[next++]);
    const start = tf.add(tf.reshape(tf.matMul(x, weights[0]), [batch, length, width]), weights[1]);
    let h = tf.reshape(start, [batch * length, width]);
    for (let i = 0; i < layers; i++) {
      h = tf.add(h, dense(attention(dense(norm(h)))));
      h = tf.add(h, dense(gelu(dense(norm(h)))));
    }
    return crossEntropy(dense(norm(h)), y);
  };
}

function lossOf(task: Task, w: readonly tf.Tensor[]): Loss | null {
  switch (task.task) {
    case "mlp":
      return mlp(task, w);
    case "lenet":
      return lenet(task.batch, w);
    case "cnn":
      return cnn(task.batch, w);
    case "lstm":
      return lstm(task, w);
    case "gpt":
      return gpt(task, w);
    default:
      return null;
  }
}

const first = async (x: tf.Tensor): Promise<number> => {
  const [number] = await x.data<"float32">();
  x.dispose();
  return number;
};

/** `null` when the task is no training step. */
function trainingStep(task: Task): Prepared | null {
  const weights = weightsOf(task).map((w) => tf.variable(tensor(w)));
  const loss = lossOf(task, weights);
  if (loss === null) return null;
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  return training(
    () => {
      const value = optimizer.minimize(loss, true, weights);
      if (value === null) throw new Error("bench: TensorFlow.js gave no loss");
      return value;
    },
    first,
    (value) => value.dispose(),
  );
}

/** Operations are done when they are called; what they make on the way is freed by `tidy`. */
const kernel = (f: () => tf.Tensor): Prepared =>
  operation(
    () => tf.tidy(f),
    (y) => y.dispose(),
    async (y) => y.data(),
  );

function convolution({ pass, from, to, size, batch }: TaskOf<"convolution">): Prepared {
  const shape = [to, from, 3, 3];
  const x = tensor(pictures([batch, from, size, size], 0));
  const filter = tensor(permute(values(shape, 1, (9 * from) ** -0.5), shape, [2, 3, 1, 0]));
  const dy = tensor(pictures([batch, to, size, size], 2));
  const same = { strides: 1, pad: 1, dataFormat: "NHWC" } as const;
  const run = (name: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap): tf.Tensor =>
    tf.engine().runKernel(name, inputs, attributes);
  if (pass === "forward") return kernel(() => tf.conv2d(as4d(x), as4d(filter), 1, 1));
  return pass === "input"
    ? kernel(() => run(tf.Conv2DBackpropInput, { dy, filter }, { ...same, inputShape: x.shape }))
    : kernel(() => run(tf.Conv2DBackpropFilter, { x, dy }, { ...same, filterShape: filter.shape }));
}

function eager({ operations }: TaskOf<"eager">): Prepared {
  const x = input([8], 0);
  const chain = (): tf.Tensor =>
    tf.tidy(() => {
      let y = x;
      for (let i = 0; i < operations; i++) y = i % 2 === 0 ? tf.mul(y, 0.99) : tf.add(y, 0.01);
      return y;
    });
  return {
    run: (times) =>
      seconds(() => {
        for (let i = 0; i < times; i++) chain().dispose();
      }),
    check: async () => digest(await chain().data()),
  };
}

function prepare(task: Task): Prepared {
  switch (task.task) {
    case "matmul": {
      const [a, b] = [input([task.m, task.k], 0), input([task.k, task.n], 1)];
      return kernel(() => tf.matMul(a, b));
    }
    case "convolution":
      return convolution(task);
    case "softmax": {
      const x = input([task.rows, task.columns], 0);
      return kernel(() => tf.softmax(x));
    }
    case "layer-norm": {
      const [x, w, b] = [input([task.rows, task.columns], 0), input([task.columns], 1), input([task.columns], 2)];
      return kernel(() => normalize(x, [-1], w, b));
    }
    case "tanh-chain": {
      const x = input([task.n], 0);
      return kernel(() => tf.sum(tf.sub(tf.mul(tf.tanh(tf.add(tf.mul(x, 2), 1)), x), tf.mul(x, 0.5))));
    }
    case "cheap-chain": {
      const x = input([task.n], 0);
      return kernel(() => tf.mul(tf.relu(tf.add(tf.mul(x, 2), 1)), x));
    }
    case "sum": {
      const x = input([task.rows, task.columns], 0);
      return kernel(() => tf.sum(x));
    }
    case "gather": {
      const [table, rows] = [
        input([task.rows, task.columns], 0),
        tf.tensor1d(integers(task.count, 1, task.rows), "int32"),
      ];
      return kernel(() => tf.gather(table, rows));
    }
    case "eager":
      return eager(task);
    default: {
      const step = trainingStep(task);
      if (step === null) throw new Error(`bench: ${task.task} is not written for TensorFlow.js`);
      return step;
    }
  }
}

export async function tfjs(backend: "wasm" | "cpu"): Promise<Program> {
  if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js has no backend "${backend}" here`);
  await tf.ready();
  return {
    version: backend === "wasm" ? wasmVersion : tf.version_core,
    threads: 1,
    prepare: async (task) => prepare(task),
  };
}
