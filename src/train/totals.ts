/** The sums behind the metrics of one pass over the data: a part of the state of the compiled steps. */
import { type Tensor, tensor } from "../index.js";
import { Module } from "../tree/index.js";
import type { Measured, Metric, Sums } from "./metrics.js";

/** `trainLoss` of `train` and `loss`. */
const joined = (prefix: string, name: string): string => `${prefix}${name[0].toUpperCase()}${name.slice(1)}`;

export class Totals<Y = Tensor> extends Module {
  loss: Tensor = tensor(0);
  examples: Tensor = tensor(0);
  metrics: Record<string, Sums> = {};
  readonly #metrics: Readonly<Record<string, Metric<Sums, Y>>>;

  constructor(metrics: Readonly<Record<string, Metric<Sums, Y>>>) {
    super();
    this.#metrics = metrics;
    this.clear();
  }

  override get buffers(): readonly string[] {
    return ["loss", "examples", "metrics"];
  }

  clear(): void {
    this.loss = tensor(0);
    this.examples = tensor(0);
    this.metrics = Object.fromEntries(Object.entries(this.#metrics).map(([name, m]) => [name, m.init()]));
  }

  /** Counts a batch whose mean loss is `loss`. */
  add(loss: Tensor, output: Tensor, target: Y): void {
    const n = output.shape[0];
    this.loss = this.loss.add(loss.mul(n));
    this.examples = this.examples.add(n);
    this.metrics = Object.fromEntries(
      Object.entries(this.#metrics).map(([name, m]) => [name, m.update(this.metrics[name], output, target)]),
    );
  }

  /** `{ trainLoss: …, trainAccuracy: … }` for the prefix `train`. */
  async measured(prefix: string): Promise<Record<string, Measured>> {
    const result: Record<string, Measured> = {
      [joined(prefix, "loss")]: (await this.loss.item()) / (await this.examples.item()),
    };
    for (const [name, metric] of Object.entries(this.#metrics))
      result[joined(prefix, name)] = await metric.value(this.metrics[name]);
    return result;
  }
}
