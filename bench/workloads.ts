/** What is measured, as data: every program (ours and the peers') builds the same computation from the same record. */

/** A training step has a batch, an optimizer (Adam, 1e-3) and everything included; a kernel is one operation. */
export type Task =
  | {
      readonly task: "mlp";
      readonly sizes: readonly number[];
      readonly batch: number;
      readonly activation: "tanh" | "relu";
      readonly loss: "squared" | "cross-entropy";
    }
  /** LeNet-5 on 28×28 pictures: tanh, average pooling, cross-entropy. */
  | { readonly task: "lenet"; readonly batch: number }
  /** Three 3×3 convolutions (32, 64, 64) with batch norm and ReLU, two max poolings, one linear layer, on 32×32×3. */
  | { readonly task: "cnn"; readonly batch: number }
  /** An embedding, one LSTM over the sequence, a linear layer: predicts a token at every place. */
  | {
      readonly task: "lstm";
      readonly hidden: number;
      readonly embedded: number;
      readonly length: number;
      readonly batch: number;
      readonly vocabulary: number;
    }
  /** A decoder: layer norm first, causal attention, GELU (exact), learnt positions. */
  | {
      readonly task: "gpt";
      readonly layers: number;
      readonly width: number;
      readonly heads: number;
      readonly length: number;
      readonly batch: number;
      readonly vocabulary: number;
    }
  /** The product of float32 matrices [m, k] and [k, n]. */
  | { readonly task: "matmul"; readonly m: number; readonly k: number; readonly n: number }
  /** A 3×3 convolution with padding 1, or its gradient with respect to its input or its weight. */
  | {
      readonly task: "convolution";
      readonly pass: "forward" | "input" | "weight";
      readonly from: number;
      readonly to: number;
      readonly size: number;
      readonly batch: number;
    }
  /** Over the last axis of [rows, columns]; the norm with a scale and a shift. */
  | { readonly task: "softmax" | "layer-norm"; readonly rows: number; readonly columns: number }
  /** sum(tanh(2x + 1) · x - x / 2) over n float32 elements. */
  | { readonly task: "tanh-chain"; readonly n: number }
  /** max(2x + 1, 0) · x over n elements: what memory bounds. */
  | { readonly task: "cheap-chain"; readonly n: number }
  /** The sum of all elements of [rows, columns]. */
  | { readonly task: "sum"; readonly rows: number; readonly columns: number }
  /** `count` rows of a table [rows, columns], by integers. */
  | { readonly task: "gather"; readonly rows: number; readonly columns: number; readonly count: number }
  /** Eager operations on 8 elements, x · 0.99 and x + 0.01 in turn: `each` is computed at once, or all of a chain at its end. */
  | { readonly task: "eager"; readonly each: boolean; readonly operations: number };

export type TaskOf<K extends Task["task"]> = Extract<Task, { task: K }>;

export type Kind = "kernel" | "step" | "dispatch" | "cold" | "size" | "memory";

/** What bounds a workload: multiply-adds, reading memory, or reading and writing it. */
export type Bound = "multiply-add" | "read" | "copy";

/** The work of a run that cannot be avoided. */
export interface Work {
  readonly bound: Bound;
  /** Operations, or bytes. */
  readonly amount: number;
}

export interface Workload {
  readonly name: string;
  readonly kind: "kernel" | "step" | "dispatch";
  readonly unit: "ms" | "µs" | "GFLOP/s";
  /** `null` for what no roof bounds. */
  readonly work: Work | null;
  /** How many times what `unit` counts happens in a run. */
  readonly repeats: number;
  readonly task: Task;
}

const multiplyAdds = (count: number): Work => ({ bound: "multiply-add", amount: 2 * count });

/** A dense layer's products: forward, weight gradient, and the input gradient where somebody needs it. */
const dense = (rows: number, from: number, to: number, first = false): number => (first ? 2 : 3) * rows * from * to;

/** Multiply-adds of the products and convolutions of one step. */
function stepWork(task: Task): number {
  switch (task.task) {
    case "mlp":
      return task.sizes.slice(1).reduce((sum, to, i) => sum + dense(task.batch, task.sizes[i], to, i === 0), 0);
    case "lenet":
      return (
        task.batch *
        (dense(28 * 28, 25, 6, true) + dense(100, 150, 16) + dense(1, 400, 120) + dense(1, 120, 84) + dense(1, 84, 10))
      );
    case "cnn":
      return task.batch * (dense(1024, 27, 32, true) + dense(1024, 288, 64) + dense(256, 576, 64) + dense(1, 4096, 10));
    case "lstm": {
      const rows = task.batch * task.length;
      return dense(rows, task.embedded + task.hidden, 4 * task.hidden) + dense(rows, task.hidden, task.vocabulary);
    }
    case "gpt": {
      const { layers, width, length, vocabulary } = task;
      const rows = task.batch * length;
      const attention = 2 * dense(rows, width, length); // queries by keys, weights by values
      return layers * (dense(rows, width, 12 * width) + attention) + dense(rows, width, vocabulary);
    }
    default:
      return 0;
  }
}

const step = (name: string, task: Task): Workload => ({
  name,
  kind: "step",
  unit: "ms",
  work: multiplyAdds(stepWork(task)),
  repeats: 1,
  task,
});

const product = (name: string, m: number, k: number, n: number): Workload => ({
  name,
  kind: "kernel",
  unit: "GFLOP/s",
  work: multiplyAdds(m * k * n),
  repeats: 1,
  task: { task: "matmul", m, k, n },
});
const square = (n: number): Workload => product(`matmul ${n}`, n, n, n);
const skinny = (m: number, k: number, n: number): Workload => product(`matmul ${m}×${k}×${n}`, m, k, n);

const convolution = (pass: "forward" | "input" | "weight"): Workload => {
  const task = { task: "convolution", pass, from: 32, to: 64, size: 32, batch: 32 } as const;
  return {
    name: `convolution ${pass === "forward" ? pass : `${pass} gradient`}`,
    kind: "kernel",
    unit: "GFLOP/s",
    work: multiplyAdds(9 * task.from * task.to * task.size ** 2 * task.batch),
    repeats: 1,
    task,
  };
};

const moving = (name: string, bound: "read" | "copy", floats: number, task: Task): Workload => ({
  name,
  kind: "kernel",
  unit: "ms",
  work: { bound, amount: 4 * floats },
  repeats: 1,
  task,
});

const eager = (name: string, each: boolean): Workload => ({
  name,
  kind: "dispatch",
  unit: "µs",
  work: null,
  repeats: 100,
  task: { task: "eager", each, operations: 100 },
});

const million = 1 << 20;

export const workloads: readonly Workload[] = [
  step("MLP 2-16-16-1 b32", { task: "mlp", sizes: [2, 16, 16, 1], batch: 32, activation: "tanh", loss: "squared" }),
  step("MLP 784-128-10 b64", {
    task: "mlp",
    sizes: [784, 128, 10],
    batch: 64,
    activation: "relu",
    loss: "cross-entropy",
  }),
  step("MLP 784-1024-1024-10 b128", {
    task: "mlp",
    sizes: [784, 1024, 1024, 10],
    batch: 128,
    activation: "relu",
    loss: "cross-entropy",
  }),
  step("LeNet b64", { task: "lenet", batch: 64 }),
  step("CNN 32×32 b32", { task: "cnn", batch: 32 }),
  step("LSTM 128 T64 b32", { task: "lstm", hidden: 128, embedded: 64, length: 64, batch: 32, vocabulary: 65 }),
  step("GPT 4×128 T64 b16", { task: "gpt", layers: 4, width: 128, heads: 4, length: 64, batch: 16, vocabulary: 65 }),
  ...[64, 256, 1024, 2048].map(square),
  skinny(64, 784, 128),
  skinny(4096, 64, 64),
  skinny(16, 4096, 16),
  convolution("forward"),
  convolution("input"),
  convolution("weight"),
  moving("softmax 4096×1024", "copy", 8 * million, { task: "softmax", rows: 4096, columns: 1024 }),
  moving("layer norm 4096×1024", "copy", 8 * million, { task: "layer-norm", rows: 4096, columns: 1024 }),
  moving("tanh chain 4 M", "read", 4 * million, { task: "tanh-chain", n: 4 * million }),
  moving("cheap chain 16 M", "copy", 32 * million, { task: "cheap-chain", n: 16 * million }),
  moving("sum 16 M", "read", 16 * million, { task: "sum", rows: 4096, columns: 4096 }),
  moving("gather 16384 rows of 128", "copy", 2 * 16384 * 128, {
    task: "gather",
    rows: 50_000,
    columns: 128,
    count: 16384,
  }),
  eager("eager operation, each read", true),
  eager("eager operation, chain of 100", false),
];
