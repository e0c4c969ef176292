import type { Task } from "./workloads.js";

/** Runs a prepared task `times` times and gives the seconds that took, its last result included. */
export type Run = (times: number) => Promise<number>;

/** A program that can run workloads: this package on one of its devices, or a peer. */
export interface Runner {
  /** `wasm`, `reference` … for us; `pytorch`, `jax-js` … for peers. */
  readonly name: string;
  readonly version: string;
  readonly threads: number;
  readonly peer: boolean;
  /** Builds the task, or `null` when this runner cannot. */
  prepare(task: Task): Promise<Run | null>;
  /** Lets go of what the last task held. */
  release(): Promise<void>;
  close(): Promise<void>;
}
