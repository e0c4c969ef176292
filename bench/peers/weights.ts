/**
 * The weights of each model as JavaScript peers keep them: dense layers [in, out], filters [k, k, in, out], pictures with
 * the channels last. The numbers are those that PyTorch's layouts hold, in the order of PyTorch's parameters.
 */
import { sizeOf, values } from "../values.js";
import type { Task } from "../workloads.js";

export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** How the models' parts are turned: y[j] = x[i] with the axes of x in the order `axes`. */
export function permute(data: Float32Array, shape: readonly number[], axes: readonly number[]): Weight {
  const strides = shape.map((_, i) => sizeOf(shape.slice(i + 1)));
  const target = axes.map((a) => shape[a]);
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    let rest = i;
    let from = 0;
    for (let k = axes.length - 1; k >= 0; k--) {
      from += (rest % target[k]) * strides[axes[k]];
      rest = Math.floor(rest / target[k]);
    }
    out[i] = data[from];
  }
  return { shape: target, data: out };
}

/** Channels-first pictures, channels last. */
export const pictures = (shape: readonly number[], seed: number, scale = 1): Weight =>
  permute(values(shape, seed, scale), shape, [0, 2, 3, 1]);

/** Numbers the parameters as it goes. */
class Weights {
  readonly list: Weight[] = [];

  #next(shape: readonly number[]): Float32Array {
    return values(shape, this.list.length, (shape[0] / sizeOf(shape)) ** 0.5);
  }
  #push(weight: Weight): this {
    this.list.push(weight);
    return this;
  }
  /** A weight and its bias. */
  dense(from: number, to: number): this {
    return this.#push(permute(this.#next([to, from]), [to, from], [1, 0])).fill(to, 0);
  }
  /** A dense layer of what pictures [channels, size, size] hold, which come with the channels last. */
  flattened(channels: number, size: number, to: number): this {
    const shape = [to, channels, size, size];
    const { data } = permute(this.#next([to, channels * size * size]), shape, [2, 3, 1, 0]);
    return this.#push({ shape: [channels * size * size, to], data }).fill(to, 0);
  }
  /** Filters and their bias. */
  filters(from: number, to: number, k: number): this {
    const shape = [to, from, k, k];
    return this.#push(permute(this.#next(shape), shape, [2, 3, 1, 0])).fill(to, 0);
  }
  table(rows: number, columns: number): this {
    return this.#push({ shape: [rows, columns], data: this.#next([rows, columns]) });
  }
  /** [out, in] kept as [in, out], without a bias. */
  turned(from: number, to: number): this {
    return this.#push(permute(this.#next([to, from]), [to, from], [1, 0]));
  }
  fill(size: number, value: number): this {
    return this.#push({ shape: [size], data: new Float32Array(size).fill(value) });
  }
  /** The scale and shift of a norm. */
  norm(size: number): this {
    return this.fill(size, 1).fill(size, 0);
  }
}

/** What a training step updates. */
export function weightsOf(task: Task): readonly Weight[] {
  const w = new Weights();
  switch (task.task) {
    case "mlp":
      task.sizes.slice(1).forEach((to, i) => w.dense(task.sizes[i], to));
      break;
    case "lenet":
      w.filters(1, 6, 5).filters(6, 16, 5).flattened(16, 5, 120).dense(120, 84).dense(84, 10);
      break;
    case "cnn":
      w.filters(3, 32, 3).norm(32).filters(32, 64, 3).norm(64).filters(64, 64, 3).norm(64).flattened(64, 8, 10);
      break;
    case "lstm": {
      const { hidden, embedded, vocabulary } = task;
      w.table(vocabulary, embedded)
        .turned(embedded, 4 * hidden)
        .turned(hidden, 4 * hidden)
        .fill(4 * hidden, 0)
        .fill(4 * hidden, 0)
        .dense(hidden, vocabulary);
      break;
    }
    case "gpt": {
      const { layers, width, length, vocabulary } = task;
      w.table(vocabulary, width).table(length, width);
      for (let i = 0; i < layers; i++)
        w.norm(width)
          .dense(width, 3 * width)
          .dense(width, width)
          .norm(width)
          .dense(width, 4 * width)
          .dense(4 * width, width);
      w.norm(width).dense(width, vocabulary);
      break;
    }
    default:
  }
  return w.list;
}
