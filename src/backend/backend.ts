/** The contract between tensors and the devices that compute them. */
import type { HostValue, Node, Stored } from "../ir/node.js";
import type { Compiled } from "../compile/pipeline.js";
import type { TypedArray } from "../ir/dtype.js";

/** A value in a device's memory. Its memory is freed when nobody holds the object, or by `free`. */
export interface DeviceValue extends Stored {
  /** Why it can no longer be read: its memory was freed, or donated to a compiled step. */
  readonly gone: "freed" | "donated" | null;
  /** The number of the last look at inputs that met it: tells what is passed twice, without a search. */
  met: number;
  free(): void;
}

/** What a device is asked to compute: `outputs` from `inputs`, where inputs are leaves of the outputs' graph. */
export interface Computation {
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
  /** Inputs whose memory the computation may take over; their values are `gone` after the call. */
  readonly donated: readonly boolean[];
}

/** Hears how many milliseconds a part took. */
export type Watch = (part: number, milliseconds: number) => void;

/** A program that became code. */
export interface Account {
  readonly compiled: Compiled;
  /** One line on the code. */
  readonly summary: string;
  /** Milliseconds in which it became code. */
  readonly rendering: number;
  /** The same with its kernels, in the order of `kernelsOf`, run one by one. */
  apart(watch: Watch): Pick<Executable, "run">;
}

/** A prepared computation. It may be called any number of times, with inputs of the same dtypes and shapes. */
export interface Executable {
  /** Runs, and returns the outputs. Everything that can be wrong was found before the first element is written. */
  run(inputs: readonly DeviceValue[]): readonly DeviceValue[];
  /** What it is made of; `null` where nothing is compiled. */
  account(): Account | null;
}

export interface Device {
  readonly name: string;
  /** Copies a host value into the device's memory. */
  upload(value: HostValue): DeviceValue;
  /** Copies a value out. */
  read(value: DeviceValue): TypedArray;
  prepare(computation: Computation): Executable;
  /** Bytes in use, and the most that was ever in use. */
  memory(): { readonly used: number; readonly peak: number; readonly limit: number };
}
