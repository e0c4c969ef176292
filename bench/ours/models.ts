/** The networks of the training steps, in the public API. Their parameters stand in the order they have in PyTorch. */
import { Module, ones, scan, softmax, type Tensor, tril, where, zeros } from "typegrad";
import {
  BatchNorm,
  Conv2d,
  Embedding,
  Flatten,
  gelu,
  LayerNorm,
  Linear,
  linear,
  MaxPool2d,
  relu,
  Sequential,
  type Stage,
  tanh,
} from "typegrad/nn";
import type { TaskOf } from "../workloads.js";

export type Model = Module & { forward(x: Tensor): Tensor };

export function mlp({ sizes, activation }: TaskOf<"mlp">): Model {
  const act = activation === "tanh" ? tanh : relu;
  return new Sequential(
    sizes
      .slice(1)
      .flatMap((to, i): Stage[] => [new Linear(sizes[i], to), act])
      .slice(0, -1),
  );
}

const block = (a: number, b: number): Stage[] => [new Conv2d(a, b, 3, { padding: 1 }), new BatchNorm(b), relu];
export const cnn = (): Model =>
  new Sequential([
    ...block(3, 32),
    ...block(32, 64),
    new MaxPool2d(2),
    ...block(64, 64),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(64 * 64, 10),
  ]);

/** One layer with the gates i, f, g, o and, as PyTorch has them, two biases. */
export class Lstm extends Module {
  readonly hidden: number;
  embedding: Embedding;
  inputWeight: Tensor; // [4H, E]
  hiddenWeight: Tensor; // [4H, H]
  inputBias: Tensor; // [4H]
  hiddenBias: Tensor; // [4H]
  output: Linear;

  constructor({ hidden, embedded, vocabulary }: TaskOf<"lstm">) {
    super();
    this.hidden = hidden;
    this.embedding = new Embedding(vocabulary, embedded);
    this.inputWeight = zeros([4 * hidden, embedded]);
    this.hiddenWeight = zeros([4 * hidden, hidden]);
    this.inputBias = zeros([4 * hidden]);
    this.hiddenBias = zeros([4 * hidden]);
    this.output = new Linear(hidden, vocabulary);
  }

  /** [N, T] tokens to [N, T, V] logits. */
  forward(x: Tensor): Tensor {
    const embedded = this.embedding.forward(x).transpose([1, 0, 2]); // [T, N, E]
    const gates = linear(embedded, this.inputWeight, this.inputBias.add(this.hiddenBias)); // [T, N, 4H]
    const start: Tensor = zeros([x.shape[0], this.hidden]);
    const [, states] = scan(
      ({ h, c }, gate): [{ h: Tensor; c: Tensor }, Tensor] => {
        const sums = gate.add(linear(h, this.hiddenWeight)); // [N, 4H]
        const part = (k: number): Tensor => sums.at(":", `${k * this.hidden}:${(k + 1) * this.hidden}`);
        const kept = part(1).sigmoid().mul(c);
        const cell = kept.add(part(0).sigmoid().mul(part(2).tanh()));
        const state = part(3).sigmoid().mul(cell.tanh());
        return [{ h: state, c: cell }, state];
      },
      { h: start, c: start },
      gates,
    );
    return this.output.forward(states.transpose([1, 0, 2]));
  }
}

/** x + attention(norm(x)), then x + feed-forward(norm(x)). */
class Block extends Module {
  readonly heads: number;
  norm1: LayerNorm;
  qkv: Linear;
  projection: Linear;
  norm2: LayerNorm;
  up: Linear;
  down: Linear;

  constructor(width: number, heads: number) {
    super();
    this.heads = heads;
    this.norm1 = new LayerNorm(width);
    this.qkv = new Linear(width, 3 * width);
    this.projection = new Linear(width, width);
    this.norm2 = new LayerNorm(width);
    this.up = new Linear(width, 4 * width);
    this.down = new Linear(4 * width, width);
  }

  attend(x: Tensor): Tensor {
    const [n, t, d] = x.shape;
    const split = this.qkv
      .forward(x)
      .reshape([n, t, 3, this.heads, d / this.heads])
      .transpose([2, 0, 3, 1, 4]); // [3, N, heads, T, D / heads]
    const [q, k, v] = [split.at(0), split.at(1), split.at(2)];
    const scores = q.matmul(k.transpose([0, 1, 3, 2])).mul((d / this.heads) ** -0.5); // [N, heads, T, T]
    const weights = softmax(where(tril(ones([t, t])).greater(0), scores, -1e9), -1);
    const mixed = weights.matmul(v).transpose([0, 2, 1, 3]).reshape([n, t, d]);
    return this.projection.forward(mixed);
  }

  forward(x: Tensor): Tensor {
    const h = x.add(this.attend(this.norm1.forward(x)));
    return h.add(this.down.forward(gelu(this.up.forward(this.norm2.forward(h)))));
  }
}

export class Gpt extends Module {
  embedding: Embedding;
  positions: Tensor; // [T, D]
  blocks: Block[];
  norm: LayerNorm;
  output: Linear;

  constructor({ layers, width, heads, length, vocabulary }: TaskOf<"gpt">) {
    super();
    this.embedding = new Embedding(vocabulary, width);
    this.positions = zeros([length, width]);
    this.blocks = Array.from({ length: layers }, () => new Block(width, heads));
    this.norm = new LayerNorm(width);
    this.output = new Linear(width, vocabulary);
  }

  /** [N, T] tokens to [N, T, V] logits. */
  forward(x: Tensor): Tensor {
    const start = this.embedding.forward(x).add(this.positions); // [N, T, D]
    return this.output.forward(this.norm.forward(this.blocks.reduce((h, b) => b.forward(h), start)));
  }
}
