/**
 * The losses of the training steps in jax-js. Its arrays are reference-counted: an argument is consumed unless it is passed
 * as `x.ref`.
 */
import * as jax from "@jax-js/jax";
import type { Task, TaskOf } from "../workloads.js";

const { numpy: np, nn } = jax;
type Arrays = jax.Array[];
export type Loss = (weights: Arrays, x: jax.Array, y: jax.Array) => jax.Array;

/** x: [..., a], w: [a, b] -> [..., b] */
const linear = (x: jax.Array, w: jax.Array, b: jax.Array): jax.Array => np.matmul(x, w).add(b);

/**
 * x: [n, h, w, a], filters: [k, k, a, b] -> [n, h', w', b]. Its own `lax.conv` takes 5 to 50 times as long on these sizes:
 * products of plain matrices are what its WebAssembly backend does well. So windows are gathered along one axis, and a
 * convolution is the sum of k products.
 */
export function conv(x: jax.Array, filters: jax.Array, pad: number): jax.Array {
  const [k, , a, b] = filters.shape;
  const [n, h, w] = x.shape.map((size, i) => (i === 0 ? size : size + 2 * pad - k + 1));
  const edge: [number, number] = [pad, pad];
  const padded = np.pad(x, [[0, 0], edge, edge, [0, 0]]);
  const shifted = Array.from({ length: k }, (_, j) => padded.ref.slice([], [], [j, j + w]));
  padded.dispose();
  const rows = np.concatenate(shifted, -1); // [n, h + k - 1, w', k · a]
  const products = Array.from({ length: k }, (_, i) =>
    np.matmul(rows.ref.slice([], [i, i + h]).reshape([n * h * w, k * a]), filters.ref.slice(i).reshape([k * a, b])),
  );
  rows.dispose();
  filters.dispose();
  return products.reduce((sum, y) => sum.add(y)).reshape([n, h, w, b]);
}

/** x: [n, h, w, c] -> [n, h / 2, 2, w / 2, 2, c] */
function windows(x: jax.Array): jax.Array {
  const [n, h, w, c] = x.shape;
  return x.reshape([n, h / 2, 2, w / 2, 2, c]);
}
const averagePool = (x: jax.Array): jax.Array => windows(x).mean([2, 4]);
const maxPool = (x: jax.Array): jax.Array => np.max(windows(x), [2, 4]);
const flatten = (x: jax.Array): jax.Array => x.reshape([x.shape[0], -1]);

function normalize(x: jax.Array, axes: number[], scale: jax.Array, shift: jax.Array): jax.Array {
  const mean = np.mean(x.ref, axes, { keepdims: true });
  const centred = x.sub(mean);
  const variance = np.mean(np.square(centred.ref), axes, { keepdims: true });
  const deviation = np.sqrt(variance.add(1e-5));
  return centred.div(deviation).mul(scale).add(shift);
}

/** `target` holds a one in each row. */
const crossEntropy = (logits: jax.Array, target: jax.Array): jax.Array =>
  np.sum(nn.logSoftmax(logits, -1).mul(target), -1).mean().neg();
const squared = (y: jax.Array, target: jax.Array): jax.Array => np.square(y.sub(target)).mean();

function mlp(task: TaskOf<"mlp">): Loss {
  const activation = task.activation === "tanh" ? np.tanh : nn.relu;
  return (w, x, y) => {
    let h = x;
    for (let i = 0; i < w.length; i += 2) {
      h = linear(h, w[i], w[i + 1]);
      if (i < w.length - 2) h = activation(h);
    }
    return task.loss === "squared" ? squared(h, y) : crossEntropy(h, y);
  };
}

const lenet: Loss = ([w1, b1, w2, b2, w3, b3, w4, b4, w5, b5], x, y) => {
  const h1 = averagePool(np.tanh(conv(x, w1, 2).add(b1))); // [n, 14, 14, 6]
  const h2 = averagePool(np.tanh(conv(h1, w2, 0).add(b2))); // [n, 5, 5, 16]
  const h3 = np.tanh(linear(flatten(h2), w3, b3));
  return crossEntropy(linear(np.tanh(linear(h3, w4, b4)), w5, b5), y);
};

const cnn: Loss = (w, x, y) => {
  const block = (h: jax.Array, i: number): jax.Array =>
    nn.relu(normalize(conv(h, w[i], 1).add(w[i + 1]), [0, 1, 2], w[i + 2], w[i + 3]));
  const h2 = maxPool(block(block(x, 0), 4)); // [n, 16, 16, 64]
  const h3 = maxPool(block(h2, 8)); // [n, 8, 8, 64]
  return crossEntropy(linear(flatten(h3), w[12], w[13]), y);
};

/** A loop of its own: there is no `scan`, so the steps are written out. */
const lstm =
  ({ hidden, batch, length }: TaskOf<"lstm">): Loss =>
  ([table, inputWeight, hiddenWeight, inputBias, hiddenBias, w, b], x, y) => {
    const embedded = np.matmul(x, table).reshape([length, batch, -1]);
    const gates = linear(embedded, inputWeight, inputBias.add(hiddenBias)); // [T, n, 4H]
    let h: jax.Array | null = null;
    let c: jax.Array | null = null;
    const states: jax.Array[] = [];
    for (let t = 0; t < length; t++) {
      const gate = gates.ref.slice(t);
      const sums: jax.Array = h === null ? gate : gate.add(np.matmul(h, hiddenWeight.ref)); // [n, 4H]
      const [i, f, g, o] = np.split(sums, 4, -1);
      const fresh = nn.sigmoid(i).mul(np.tanh(g));
      const cell: jax.Array = c === null ? fresh : fresh.add(nn.sigmoid(f.ref).mul(c));
      f.dispose();
      h = nn.sigmoid(o).mul(np.tanh(cell.ref));
      c = cell;
      states.push(h.ref);
    }
    for (const rest of [gates, hiddenWeight, h, c]) rest?.dispose();
    const all = np.stack(states, 1).reshape([batch * length, hidden]);
    return crossEntropy(linear(all, w, b), y);
  };

/** By hand: `nn.dotProductAttention` needs Node 22. x: [n, t, 3d] -> [n, t, d] */
function attention(x: jax.Array, heads: number): jax.Array {
  const [n, t, d3] = x.shape;
  const width = d3 / 3 / heads;
  const parts = np.split(np.transpose(x.reshape([n, t, 3, heads, width]), [2, 0, 3, 1, 4]), 3, 0);
  const [q, k, v] = parts.map((part) => part.reshape([n, heads, t, width]));
  const scores = np.matmul(q.mul(width ** -0.5), np.transpose(k, [0, 1, 3, 2])); // [n, heads, t, t]
  const visible = np.tri(t).astype(np.bool);
  const mixed = np.matmul(nn.softmax(np.where(visible, scores, -1e9), -1), v);
  return np.transpose(mixed, [0, 2, 1, 3]).reshape([n, t, d3 / 3]);
}

const gpt =
  ({ layers, width, heads, length, batch }: TaskOf<"gpt">): Loss =>
  (weights, x, y) => {
    let next = 0;
    const take = (count: number): Arrays => weights.slice(next, (next += count));
    const norm = (h: jax.Array): jax.Array => {
      const [scale, shift] = take(2);
      return normalize(h, [-1], scale, shift);
    };
    const dense = (h: jax.Array): jax.Array => {
      const [w, b] = take(2);
      return linear(h, w, b);
    };
    const [table, positions] = take(2);
    let h = np.matmul(x, table).reshape([batch, length, width]).add(positions);
    for (let i = 0; i < layers; i++) {
      h = h.ref.add(dense(attention(dense(norm(h)), heads)));
      h = h.ref.add(dense(nn.gelu(dense(norm(h)), { approximate: false })));
    }
    return crossEntropy(dense(norm(h)).reshape([batch * length, -1]), y);
  };

export function lossOf(task: Task): Loss {
  switch (task.task) {
    case "mlp":
      return mlp(task);
    case "lenet":
      return lenet;
    case "cnn":
      return cnn;
    case "lstm":
      return lstm(task);
    case "gpt":
      return gpt(task);
    default:
      throw new Error(`bench: ${task.task} is no training step`);
  }
}
