/** What one process of the benchmark runs: this package on a device, or a peer written in JavaScript. */
import { digest } from "./values.js";
import type { Task } from "./workloads.js";

/** A task that is ready to run. */
export interface Prepared {
  /** Runs it `times` times and gives the seconds that took, its last result included. */
  run(times: number): number | Promise<number>;
  /** Numbers that every program must agree on; for a training step the losses of the first steps. */
  check(): Promise<number[]>;
}

export interface Program {
  readonly version: string;
  /** Threads that it really uses. */
  readonly threads: number;
  /** Builds the task, or says why it cannot. */
  prepare(task: Task): Promise<Prepared | string>;
}

/** Training steps that programs are compared on. */
export const checkedSteps = 3;

export async function seconds(work: () => void | Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** A training step, of which `step` runs one and `read` gives the loss of the last. */
export const training = <Loss>(
  step: () => Loss,
  read: (loss: Loss) => Promise<number>,
  drop: (loss: Loss) => void = () => {},
): Prepared => ({
  run: (times) =>
    seconds(async () => {
      for (let i = 1; i < times; i++) drop(step());
      await read(step());
    }),
  async check() {
    const losses: number[] = [];
    for (let i = 0; i < checkedSteps; i++) losses.push(await read(step()));
    return losses;
  },
});

/** An operation, whose results are waited for one by one. */
export const operation = <Result>(
  call: () => Result,
  wait: (result: Result) => void | Promise<void>,
  data: (result: Result) => Promise<ArrayLike<number>>,
): Prepared => ({
  run: (times) =>
    seconds(async () => {
      for (let i = 0; i < times; i++) await wait(call());
    }),
  check: async () => digest(await data(call())),
});
