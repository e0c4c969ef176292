/** Gradients of several batches on their way to one step of the optimizer: a part of the state of the compiled steps. */
import { type Tensor, tensor, zerosLike } from "../index.js";
import { type Leaves, leavesOf, withParameters } from "../optim/index.js";
import { Module } from "../tree/index.js";

const zerosFor = (model: unknown): Leaves =>
  Object.fromEntries(Object.entries(leavesOf(model)).map(([path, p]) => [path, zerosLike(p)]));

export class Gathered extends Module {
  sums: Leaves;
  count: Tensor = tensor(0);

  constructor(model: unknown) {
    super();
    this.sums = zerosFor(model);
  }

  override get buffers(): readonly string[] {
    return ["sums", "count"];
  }

  add(gradients: unknown): void {
    const grads = leavesOf(gradients);
    this.sums = Object.fromEntries(Object.entries(this.sums).map(([path, sum]) => [path, sum.add(grads[path])]));
    this.count = this.count.add(1);
  }

  /** The mean gradient of the batches since it was last taken, in the places of the model's parameters. */
  take<M>(model: M): M {
    const { sums, count } = this;
    const means = withParameters(model, (p, path) => sums[path].div(count.astype(p.dtype)));
    this.sums = zerosFor(model);
    this.count = tensor(0);
    return means;
  }
}
