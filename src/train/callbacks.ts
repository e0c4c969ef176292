/** What `fit` tells while it runs, and ready-made listeners. */
import type { Measured } from "./metrics.js";

/** What one epoch gave: `trainLoss`, `trainAccuracy`, `testLoss`, … by name. */
export interface EpochRecord {
  /** Counted from 1. */
  readonly epoch: number;
  readonly seconds: number;
  readonly examplesPerSecond: number;
  readonly learningRate: number;
  readonly [metric: string]: Measured;
}

/** Where a run is. Reading `measured` waits for the device; it gives means over the epoch so far. */
export interface BatchEvent {
  readonly epoch: number;
  readonly epochs: number;
  /** Batches done in this epoch, and how many it has where that is known. */
  readonly batch: number;
  readonly batches: number | null;
  /** Examples seen in this epoch, and the seconds it took for those seen in this run. */
  readonly examples: number;
  readonly examplesPerSecond: number;
  measured(): Promise<Readonly<Record<string, Measured>>>;
}

/** What callbacks are told at the end of an epoch. */
export interface EpochEvent {
  readonly record: EpochRecord;
  /** Whether the monitored value is the best so far. */
  readonly best: boolean;
}

/** Every method is optional and may be asynchronous; the run waits for it. */
export interface Callback {
  onEpochStart?(event: { readonly epoch: number; readonly epochs: number }): void | Promise<void>;
  onBatch?(event: BatchEvent): void | Promise<void>;
  onValidationBatch?(event: BatchEvent): void | Promise<void>;
  onEpoch?(event: EpochEvent): void | Promise<void>;
  onEnd?(event: { readonly reason: StopReason; readonly history: readonly EpochRecord[] }): void | Promise<void>;
}

/** Why a run ended: all epochs done, no progress, or its signal. */
export type StopReason = "finished" | "stopped early" | "interrupted";

/** Writes every epoch's record as one line of JSON; tables are left out. */
export function jsonLines(write: (line: string) => void | Promise<void>): Callback {
  return {
    onEpoch({ record }) {
      const numbers = Object.entries(record).filter(([, value]) => typeof value === "number");
      return write(`${JSON.stringify(Object.fromEntries(numbers))}\n`);
    },
  };
}
