/** What is measured, as data: every runner (ours and the peers') builds the same computation from the same record. */

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
  /** The product of two square float32 matrices. */
  | { readonly task: "matmul"; readonly n: number }
  /** sum(tanh(2x + 1) · x - x / 2) over n float32 elements. */
  | { readonly task: "tanh-chain"; readonly n: number };

export interface Workload {
  readonly name: string;
  readonly kind: "kernel" | "step";
  readonly unit: "ms" | "GFLOP/s";
  /** Floating-point operations of one run, for workloads counted in GFLOP/s. */
  readonly operations: number;
  /** Bytes one run cannot avoid to move to or from memory, for workloads bound by that; else 0. */
  readonly bytes: number;
  readonly task: Task;
}

const step = (name: string, task: Task): Workload => ({
  name,
  kind: "step",
  unit: "ms",
  operations: 0,
  bytes: 0,
  task,
});
const matmul = (n: number): Workload => ({
  name: `matmul ${n}`,
  kind: "kernel",
  unit: "GFLOP/s",
  operations: 2 * n ** 3,
  bytes: 0,
  task: { task: "matmul", n },
});

export const workloads: readonly Workload[] = [
  step("MLP 2-16-16-1, batch 32", {
    task: "mlp",
    sizes: [2, 16, 16, 1],
    batch: 32,
    activation: "tanh",
    loss: "squared",
  }),
  step("MLP 784-128-10, batch 64", {
    task: "mlp",
    sizes: [784, 128, 10],
    batch: 64,
    activation: "relu",
    loss: "cross-entropy",
  }),
  step("MLP 784-1024-1024-10, batch 128", {
    task: "mlp",
    sizes: [784, 1024, 1024, 10],
    batch: 128,
    activation: "relu",
    loss: "cross-entropy",
  }),
  step("LeNet, batch 64", { task: "lenet", batch: 64 }),
  step("CNN 32×32 with batch norm, batch 32", { task: "cnn", batch: 32 }),
  matmul(64),
  matmul(256),
  matmul(512),
  matmul(1024),
  {
    name: "tanh chain, 4 M elements",
    kind: "kernel",
    unit: "ms",
    operations: 0,
    bytes: 4 << 22,
    task: { task: "tanh-chain", n: 1 << 22 },
  },
];
