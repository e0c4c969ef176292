/**
 * The loop form: kernels as statements over typed scalars and short vectors. Everything above it (fusion, tiling, memory
 * plans) is a pass that makes it; everything below (WebAssembly, C, WGSL) prints it.
 */
import type { ScalarOp, ScalarType } from "../ir/scalar.js";
import type { NdArray } from "../ir/node.js";
import type { Aval } from "../ir/shape.js";

/** Elements of a value that go side by side. A vector may be shorter than a register; it then fills the low part of it. */
export type Lanes = 1 | 2 | 4 | 8 | 16;

/** A register. Locals are compared by identity. */
export interface Local {
  readonly name: string;
  readonly type: ScalarType;
  readonly lanes: Lanes;
}

interface Typed {
  readonly type: ScalarType;
  readonly lanes: Lanes;
}

/** A value; `type` and `lanes` are known at every node. */
export type Value =
  /** The same constant in every lane. */
  | (Typed & { readonly kind: "const"; readonly value: number })
  | (Typed & { readonly kind: "get"; readonly local: Local })
  /** The iteration number of the enclosing program loop with this number; int32. */
  | { readonly kind: "counter"; readonly type: "int32"; readonly lanes: 1; readonly loop: number }
  /** `lanes` neighbouring elements from element `offset` (int32) on. Lanes beyond a buffer's end are never read. */
  | (Typed & { readonly kind: "load"; readonly buffer: number; readonly offset: Value })
  /** One scalar in every lane. */
  | (Typed & { readonly kind: "splat"; readonly value: Value })
  /** A vector from as many scalars as it has lanes. */
  | (Typed & { readonly kind: "pack"; readonly values: readonly Value[] })
  /** One lane of a vector. */
  | (Typed & { readonly kind: "lane"; readonly lanes: 1; readonly value: Value; readonly lane: number })
  /** A scalar operation, lane by lane; all arguments have the result's number of lanes. Meaning as in `ir/scalar`. */
  | (Typed & { readonly kind: "op"; readonly op: ScalarOp; readonly args: readonly Value[] });

export type Statement =
  | { readonly kind: "set"; readonly local: Local; readonly value: Value }
  | { readonly kind: "store"; readonly buffer: number; readonly offset: Value; readonly value: Value }
  /** `for (index = from; index < to; index += step)`; `from` and `to` are computed once. */
  | {
      readonly kind: "loop";
      readonly index: Local;
      readonly from: Value;
      readonly to: Value;
      readonly step: number;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: "if";
      readonly condition: Value;
      readonly then: readonly Statement[];
      readonly otherwise: readonly Statement[];
    };

/**
 * Work that may be split: tasks 0 to `tasks - 1` are independent of each other, and a call does those from `first` up to,
 * not including, `last`. One thread does all; several take a range each.
 */
export interface Kernel {
  readonly name: string;
  readonly tasks: number;
  readonly first: Local;
  readonly last: Local;
  readonly body: readonly Statement[];
  /** Kernels of the same form share one body; in all but the first some buffers go by the numbers that the first has. */
  readonly renamed?: ReadonlyMap<number, number>;
  /** An estimate that decides splitting and that `explain` prints. */
  readonly cost: { readonly flops: number };
}

/** Runs what is in it `length` times; its counter goes from 0 up, or from `length - 1` down when `reverse`. */
export interface ProgramLoop {
  readonly kind: "loop";
  readonly loop: number;
  readonly length: number;
  readonly reverse: boolean;
}

/** One step of a program. */
export type Step =
  | { readonly kind: "kernel"; readonly kernel: Kernel }
  /** A host routine reads and writes whole buffers. */
  | {
      readonly kind: "routine";
      readonly name: string;
      readonly inputs: readonly number[];
      readonly outputs: readonly number[];
      run(inputs: readonly NdArray[]): readonly NdArray[];
    }
  | (ProgramLoop & { readonly steps: readonly Step[] })
  /** Runs the steps that an int32 or bool scalar in buffer `selector` chooses, clamped to the cases there are. */
  | { readonly kind: "branch"; readonly selector: number; readonly cases: readonly (readonly Step[])[] };

/**
 * Where a buffer of a program lives. Inputs and outputs get their addresses at each call; temporaries have a byte offset
 * in the program's workspace; scratch has one in a workspace of each thread's own.
 */
export type Placement =
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "output"; readonly index: number }
  | { readonly kind: "temporary"; readonly offset: number }
  | { readonly kind: "scratch"; readonly offset: number };

/** An array that kernels read and write, row-major. */
export interface BufferInfo extends Aval {
  readonly placement: Placement;
}

/** A whole computation: buffers, and steps in the order they run. */
export interface Program {
  readonly buffers: readonly BufferInfo[];
  readonly inputs: readonly Aval[];
  readonly outputs: readonly Aval[];
  /** For each output, the donated input whose memory it takes over, or `null`. */
  readonly reuses: readonly (number | null)[];
  readonly steps: readonly Step[];
  readonly workspaceBytes: number;
  readonly scratchBytes: number;
  /** How many program loops there are; their counters are numbered from 0. */
  readonly loops: number;
}
