/**
 * jax-js as a peer, on its WebAssembly backend. Its arrays are reference-counted: an argument is consumed unless it is
 * passed as `x.ref`.
 */
import { createRequire } from "node:module";
import * as jax from "@jax-js/jax";
import type { Run, Runner } from "../runner.js";
import type { Task } from "../workloads.js";

const { numpy: np, nn, lax } = jax;
type Values = jax.Array[];

/** Standard normal values scaled by `scale`; what they are does not matter here, that they are not all alike does. */
function normal(shape: number[], scale = 1): jax.Array {
  return jax.random.normal(jax.random.key(shape.reduce((a, b) => a * 31 + b, 7)), shape).mul(scale);
}
const zeros = (...shape: number[]): jax.Array => np.zeros(shape);
const labels = (batch: number): jax.Array =>
  nn.oneHot(np.array(Array.from({ length: batch }, (_, i) => i % 10)).astype(np.int32), 10);

const dense = (a: number, b: number): Values => [normal([a, b], a ** -0.5), zeros(b)];
const filters = (out: number, into: number, k: number): Values => [
  normal([out, into, k, k], (into * k * k) ** -0.5),
  zeros(out, 1, 1),
];

/** x: [batch, a], w: [a, b] -> [batch, b] */
const linear = (x: jax.Array, w: jax.Array, b: jax.Array): jax.Array => np.matmul(x, w).add(b);
/** x: [batch, c, h, w] -> [batch, d, h', w'] */
const conv = (x: jax.Array, w: jax.Array, b: jax.Array, pad: number): jax.Array =>
  lax
    .conv(
      x,
      w,
      [1, 1],
      [
        [pad, pad],
        [pad, pad],
      ],
    )
    .add(b);
/** Means of 2×2 windows. */
function averagePool(x: jax.Array): jax.Array {
  const [n, c, h, w] = x.shape;
  return x.reshape([n, c, h / 2, 2, w / 2, 2]).mean([3, 5]);
}
function maxPool(x: jax.Array): jax.Array {
  const [n, c, h, w] = x.shape;
  return np.max(x.reshape([n, c, h / 2, 2, w / 2, 2]), [3, 5]);
}
function batchNorm(x: jax.Array, scale: jax.Array, shift: jax.Array): jax.Array {
  const mean = np.mean(x.ref, [0, 2, 3], { keepdims: true });
  const centred = x.sub(mean);
  const variance = np.mean(np.square(centred.ref), [0, 2, 3], { keepdims: true });
  return centred
    .div(np.sqrt(variance.add(1e-5)))
    .mul(scale)
    .add(shift);
}
const flatten = (x: jax.Array): jax.Array => x.reshape([x.shape[0], -1]);

const crossEntropy = (logits: jax.Array, target: jax.Array): jax.Array =>
  np.sum(nn.logSoftmax(logits, -1).mul(target), -1).mean().neg();
const squared = (y: jax.Array, target: jax.Array): jax.Array => np.square(y.sub(target)).mean();

interface Model {
  readonly weights: Values;
  readonly x: jax.Array;
  readonly y: jax.Array;
  readonly loss: (weights: Values, x: jax.Array, y: jax.Array) => jax.Array;
}

function mlp(task: Extract<Task, { task: "mlp" }>): Model {
  const { sizes, batch } = task;
  const activation = task.activation === "tanh" ? np.tanh : nn.relu;
  const last = sizes[sizes.length - 1];
  return {
    weights: sizes.slice(1).flatMap((b, i) => dense(sizes[i], b)),
    x: normal([batch, sizes[0]]),
    y: task.loss === "squared" ? normal([batch, last]) : labels(batch),
    loss(w, x, y) {
      let h = x;
      for (let i = 0; i < w.length; i += 2) {
        h = linear(h, w[i], w[i + 1]);
        if (i < w.length - 2) h = activation(h);
      }
      return task.loss === "squared" ? squared(h, y) : crossEntropy(h, y);
    },
  };
}

function lenet(batch: number): Model {
  return {
    weights: [...filters(6, 1, 5), ...filters(16, 6, 5), ...dense(400, 120), ...dense(120, 84), ...dense(84, 10)],
    x: normal([batch, 1, 28, 28]),
    y: labels(batch),
    loss([w1, b1, w2, b2, w3, b3, w4, b4, w5, b5], x, y) {
      const h1 = averagePool(np.tanh(conv(x, w1, b1, 2))); // [batch, 6, 14, 14]
      const h2 = averagePool(np.tanh(conv(h1, w2, b2, 0))); // [batch, 16, 5, 5]
      const h3 = np.tanh(linear(flatten(h2), w3, b3));
      return crossEntropy(linear(np.tanh(linear(h3, w4, b4)), w5, b5), y);
    },
  };
}

/** A convolution, and the scale and shift of the batch norm after it. */
const block = (a: number, b: number): Values => [...filters(b, a, 3), np.ones([b, 1, 1]), zeros(b, 1, 1)];

function cnn(batch: number): Model {
  return {
    weights: [...block(3, 32), ...block(32, 64), ...block(64, 64), ...dense(64 * 64, 10)],
    x: normal([batch, 3, 32, 32]),
    y: labels(batch),
    loss(w, x, y) {
      const forward = (h: jax.Array, i: number): jax.Array =>
        nn.relu(batchNorm(conv(h, w[i], w[i + 1], 1), w[i + 2], w[i + 3]));
      const h2 = maxPool(forward(forward(x, 0), 4)); // [batch, 64, 16, 16]
      const h3 = maxPool(forward(h2, 8)); // [batch, 64, 8, 8]
      return crossEntropy(linear(flatten(h3), w[12], w[13]), y);
    },
  };
}

/** One jitted function: loss, gradients and Adam. */
function trainingStep({ weights, x, y, loss }: Model): Run {
  type State = { w: Values; m: Values; v: Values; t: jax.Array };
  const step = jax.jit((state: State, input: jax.Array, target: jax.Array) => {
    const [value, gradients] = jax.valueAndGrad(loss)(
      state.w.map((w) => w.ref),
      input,
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
  return async (times) => {
    const start = performance.now();
    for (let i = 0; i < times; i++) {
      const next = step(state, x.ref, y.ref);
      state = next.state;
      if (i === times - 1) await next.value.data();
      else next.value.dispose();
    }
    await jax.blockUntilReady(state);
    return (performance.now() - start) / 1000;
  };
}

function kernel(f: () => jax.Array): Run {
  return async (times) => {
    const start = performance.now();
    for (let i = 0; i < times; i++) {
      const y = f();
      await y.blockUntilReady();
      y.dispose();
    }
    return (performance.now() - start) / 1000;
  };
}

function prepare(task: Task): Run {
  switch (task.task) {
    case "mlp":
      return trainingStep(mlp(task));
    case "lenet":
      return trainingStep(lenet(task.batch));
    case "cnn":
      return trainingStep(cnn(task.batch));
    case "matmul": {
      const a = normal([task.n, task.n]);
      const b = normal([task.n, task.n]);
      return kernel(() => np.matmul(a.ref, b.ref));
    }
    case "tanh-chain": {
      const x = normal([task.n]);
      const f = jax.jit((v: jax.Array) => np.tanh(v.ref.mul(2).add(1)).mul(v.ref).sub(v.mul(0.5)).sum());
      return kernel(() => f(x.ref));
    }
  }
}

export async function jaxJs(): Promise<Runner | null> {
  const devices = await jax.init("wasm");
  if (!devices.includes("wasm")) return null;
  jax.defaultDevice("wasm");
  const { version }: { version: string } = createRequire(import.meta.url)(
    createRequire(import.meta.url)
      .resolve("@jax-js/jax")
      .replace(/dist\/.*$/, "package.json"),
  );
  return {
    name: "jax-js",
    version,
    threads: 1,
    peer: true,
    prepare: async (task) => prepare(task),
    release: async () => {},
    close: async () => {},
  };
}
