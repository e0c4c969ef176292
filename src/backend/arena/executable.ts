/** A rendered program, ready to be called. */
import { zip } from "../../util/arrays.js";
import { invariant } from "../../util/errors.js";
import type { Program, Step } from "../../compile/loop.js";
import { show, sizeOf } from "../../ir/shape.js";
import type { DeviceValue, Executable } from "../backend.js";
import { assertInputs } from "../values.js";
import type { Chunk } from "./allocator.js";
import { type Arena, guardBytes } from "./arena.js";
import { type Action, type Plan, planOf } from "./plan.js";
import { toNdArray, write } from "./transfer.js";
import { ArenaValue, type Holding, type Holdings, bytesOf, ownValue } from "./values.js";

/** Runs a segment; gets the address of the call's table and of scratch memory. */
export type Segment = (table: number, scratch: number) => void;

/** A program's segments as functions. */
export interface Code {
  readonly segments: readonly Segment[];
  /** One line about it, for people. */
  readonly summary: string;
}

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** Working memory, kept from run to run; a run inside a run (a host routine that computes with tensors) gets another. */
export class WorkAreas {
  readonly #arena: Arena;
  #idle: Chunk[] = [];
  constructor(arena: Arena) {
    this.#arena = arena;
  }
  take(bytes: number): Chunk {
    const chunk = this.#idle.pop();
    if (chunk !== undefined) {
      if (chunk.size >= bytes) return chunk;
      this.#arena.release(chunk);
    }
    return this.#arena.allocate(bytes, () => this.drop());
  }
  giveBack(chunk: Chunk): void {
    this.#idle.push(chunk);
  }
  /** Frees what is not in use. */
  drop(): void {
    for (const chunk of this.#idle) this.#arena.release(chunk);
    this.#idle = [];
  }
}

/** What executables of one device share. */
export interface DeviceState {
  readonly arena: Arena;
  readonly areas: WorkAreas;
  readonly holdings: Holdings;
}

/** Addresses of one call. */
interface Call {
  readonly table: number;
  readonly scratch: number;
  readonly workspace: number;
}

export class ArenaExecutable implements Executable {
  readonly #program: Program;
  readonly #donated: readonly boolean[];
  readonly #state: DeviceState;
  readonly #plan: Plan;
  readonly #code: Code;
  readonly #outputBytes: readonly number[];
  readonly #scratchOffset: number;
  readonly #workspaceOffset: number;
  readonly #areaBytes: number;

  constructor(program: Program, donated: readonly boolean[], state: DeviceState, link: (plan: Plan) => Code) {
    this.#program = program;
    this.#donated = donated;
    this.#state = state;
    this.#plan = planOf(program);
    this.#code = link(this.#plan);
    this.#outputBytes = program.outputs.map(bytesOf);
    this.#scratchOffset = aligned(4 * this.#plan.table.words);
    this.#workspaceOffset = this.#scratchOffset + aligned(program.scratchBytes);
    this.#areaBytes = this.#workspaceOffset + aligned(program.workspaceBytes);
  }

  run(values: readonly DeviceValue[]): readonly DeviceValue[] {
    assertInputs(this.#program.inputs, this.#donated, values);
    const inputs = values.map((value) => ownValue(value, this.#state.holdings));
    const { areas } = this.#state;
    const fresh = this.#allocateOutputs();
    const area = areas.take(this.#areaBytes);
    try {
      const { address } = area;
      const call = {
        table: address,
        scratch: address + this.#scratchOffset,
        workspace: address + this.#workspaceOffset,
      };
      this.#fillTable(call, inputs, fresh);
      for (const action of this.#plan.actions) this.#perform(action, call);
    } catch (error) {
      for (const holding of fresh) if (holding !== null) this.#state.holdings.free(holding);
      throw error;
    } finally {
      areas.giveBack(area);
    }
    return this.#outputs(inputs, fresh);
  }

  explain(): string {
    const { workspaceBytes, scratchBytes, steps } = this.#program;
    return [
      `${this.#code.summary}, workspace ${workspaceBytes}, scratch ${scratchBytes} bytes`,
      ...explainSteps(steps, "  "),
    ].join("\n");
  }

  /** Memory for each output that does not take over an input's and is not empty. */
  #allocateOutputs(): (Holding | null)[] {
    const { holdings } = this.#state;
    const fresh: (Holding | null)[] = [];
    try {
      for (let i = 0; i < this.#outputBytes.length; i++) {
        const bytes = this.#program.reuses[i] === null ? this.#outputBytes[i] : 0;
        fresh.push(bytes === 0 ? null : holdings.allocate(bytes));
      }
    } catch (error) {
      for (const holding of fresh) if (holding !== null) holdings.free(holding);
      throw error;
    }
    return fresh;
  }

  #fillTable(call: Call, inputs: readonly ArenaValue[], fresh: readonly (Holding | null)[]): void {
    const { words } = this.#state.arena;
    const { table } = this.#plan;
    const start = call.table / 4;
    words[start + table.workspace] = call.workspace;
    for (let i = 0; i < inputs.length; i++) words[start + table.inputs + i] = inputs[i].address;
    for (let i = 0; i < fresh.length; i++) {
      const reused = this.#program.reuses[i];
      words[start + table.outputs + i] =
        reused === null ? (fresh[i]?.chunk.address ?? guardBytes) : inputs[reused].address;
    }
  }

  #outputs(inputs: readonly ArenaValue[], fresh: readonly (Holding | null)[]): readonly ArenaValue[] {
    const { outputs, reuses } = this.#program;
    const { holdings } = this.#state;
    const values = outputs.map((aval, i) => {
      const reused = reuses[i];
      return new ArenaValue(aval, reused === null ? fresh[i] : inputs[reused].donate(), holdings);
    });
    for (let i = 0; i < inputs.length; i++) {
      if (!this.#donated[i] || inputs[i].gone !== null) continue;
      const holding = inputs[i].donate();
      if (holding !== null) holdings.free(holding);
    }
    return values;
  }

  #perform(action: Action, call: Call): void {
    switch (action.kind) {
      case "segment":
        this.#code.segments[action.number](call.table, call.scratch);
        return;
      case "routine":
        return this.#routine(action.routine, call);
      case "loop":
        for (let i = 0; i < action.length; i++) {
          const counter = call.table / 4 + this.#plan.table.counters + action.loop;
          this.#state.arena.words[counter] = action.reverse ? action.length - 1 - i : i;
          for (const inner of action.actions) this.#perform(inner, call);
        }
        return;
      case "branch": {
        const selected = this.#state.arena.words[this.#addressOf(action.selector, call) / 4];
        const at = Math.min(Math.max(selected, 0), action.cases.length - 1);
        for (const inner of action.cases[at]) this.#perform(inner, call);
      }
    }
  }

  #routine(routine: Step & { readonly kind: "routine" }, call: Call): void {
    const { arena } = this.#state;
    const { buffers } = this.#program;
    const results = routine.run(routine.inputs.map((b) => toNdArray(arena, buffers[b], this.#addressOf(b, call))));
    for (const [b, { data }] of zip(routine.outputs, results)) {
      invariant(
        data.length === sizeOf(buffers[b].shape),
        `${routine.name} gave ${data.length} elements for ${show(buffers[b])}`,
      );
      write(arena, buffers[b], this.#addressOf(b, call), data);
    }
  }

  #addressOf(buffer: number, call: Call): number {
    const { placement } = this.#program.buffers[buffer];
    const { table } = this.#plan;
    switch (placement.kind) {
      case "temporary":
        return call.workspace + placement.offset;
      case "scratch":
        return call.scratch + placement.offset;
      case "input":
        return this.#state.arena.words[call.table / 4 + table.inputs + placement.index] >>> 0;
      case "output":
        return this.#state.arena.words[call.table / 4 + table.outputs + placement.index] >>> 0;
    }
  }
}

function explainSteps(steps: readonly Step[], indent: string): readonly string[] {
  return steps.flatMap((step) => {
    switch (step.kind) {
      case "kernel": {
        const { name, tasks, cost } = step.kernel;
        return [`${indent}${name}: ${tasks} tasks, ${cost.flops} flops, ${cost.bytes} bytes`];
      }
      case "routine":
        return [`${indent}routine ${step.name}`];
      case "loop":
        return [
          `${indent}loop ${step.length} times${step.reverse ? " backwards" : ""}`,
          ...explainSteps(step.steps, `${indent}  `),
        ];
      case "branch":
        return step.cases.flatMap((list, i) => [`${indent}case ${i}`, ...explainSteps(list, `${indent}  `)]);
    }
  });
}
