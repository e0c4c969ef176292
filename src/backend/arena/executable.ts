/** A rendered program, ready to be called. */
import { zip } from "../../util/arrays.js";
import { invariant } from "../../util/errors.js";
import type { Program, Step } from "../../compile/loop.js";
import { aligned, bytesOf } from "../../compile/memory.js";
import { kernelsOf } from "../../compile/walk.js";
import { show, sizeOf } from "../../ir/shape.js";
import type { DeviceValue, Watch } from "../backend.js";
import { assertInputs } from "../values.js";
import type { Chunk } from "./allocator.js";
import { Choice } from "./choice.js";
import { type Arena, guardBytes } from "./arena.js";
import { type Action, type Plan, planOf } from "./plan.js";
import { type Enlisted, type Parcel, currentPool } from "./pool.js";
import { type Worth, isSplit } from "./stages.js";
import { toNdArray, write } from "./transfer.js";
import { ArenaValue, type Holding, type Holdings, ownValue } from "./values.js";

/**
 * Runs a segment; gets the addresses of the thread's table of the call and of its scratch memory, the thread's number and
 * how many there are. All threads of a run call it, and follow the protocol of `control.ts`.
 */
export type Segment = (table: number, scratch: number, thread: number, threads: number) => void;

/** A program's segments as functions. */
export interface Code {
  readonly segments: readonly Segment[];
  /** What other threads make the same segments from, where they can. */
  readonly parcel: Parcel | null;
  /** One line about it, for people. */
  readonly summary: string;
}

/** Microseconds that a late thread is waited for: in a first run, by when one that sleeps has usually woken, and at most. */
const [firstPatience, mostPatience] = [200, 5000];

/** Working memory, kept from run to run; a run inside a run (a host routine that computes with tensors) gets another. */
export class WorkAreas {
  readonly #arena: Arena;
  #idle: Chunk[] = [];
  constructor(arena: Arena) {
    this.#arena = arena;
    arena.reclaims.push(() => this.#drop());
  }
  take(bytes: number): Chunk {
    const chunk = this.#idle.pop();
    if (chunk !== undefined) {
      if (chunk.size >= bytes) return chunk;
      this.#arena.release(chunk);
    }
    return this.#arena.allocate(bytes);
  }
  giveBack(chunk: Chunk): void {
    this.#idle.push(chunk);
  }
  /** Frees what is not in use. */
  #drop(): void {
    for (const chunk of this.#idle) this.#arena.release(chunk);
    this.#idle = [];
  }
}

/** What executables of one device share. */
export interface DeviceState {
  readonly arena: Arena;
  readonly areas: WorkAreas;
  readonly holdings: Holdings;
  readonly worth: Worth;
}

/** Addresses of one call: those of thread 0, and how far on those of the next thread are. */
interface Call {
  readonly table: number;
  readonly scratch: number;
  readonly stride: number;
  readonly workspace: number;
  /** The threads that may take part besides this one, or `null`. */
  readonly team: Enlisted | null;
}

export class ArenaExecutable {
  readonly #program: Program;
  readonly #donated: readonly boolean[];
  readonly #state: DeviceState;
  readonly #plan: Plan;
  readonly #code: Code;
  readonly #watch: Watch | null;
  readonly #outputBytes: readonly number[];
  readonly #scratchOffset: number;
  /** Bytes of one thread's table and scratch memory. */
  readonly #stride: number;
  readonly #mostShared: number;
  readonly #choices: readonly Choice[];
  #enlisted: Enlisted | null = null;

  /** With `watch`, kernels run one by one, and it hears of each. */
  constructor(
    program: Program,
    donated: readonly boolean[],
    state: DeviceState,
    link: (plan: Plan) => Code,
    watch: Watch | null = null,
  ) {
    this.#program = program;
    this.#donated = donated;
    this.#state = state;
    this.#plan = planOf(program, state.worth, watch !== null);
    this.#watch = watch;
    this.#code = link(this.#plan);
    this.#outputBytes = program.outputs.map(bytesOf);
    this.#scratchOffset = aligned(4 * this.#plan.table.words);
    this.#stride = this.#scratchOffset + aligned(program.scratchBytes);
    this.#choices = this.#plan.segments.map(() => new Choice());
    this.#mostShared = Math.max(0, ...this.#plan.sharedWork);
  }

  run(values: readonly DeviceValue[]): readonly DeviceValue[] {
    assertInputs(this.#program.inputs, this.#donated, values);
    const { areas, holdings } = this.#state;
    const inputs = values.map((value) => ownValue(value, holdings));
    const fresh = this.#allocateOutputs();
    const team = this.#team();
    const threadBytes = this.#stride * (team?.pool.threads ?? 1);
    const area = areas.take(threadBytes + aligned(this.#program.workspaceBytes));
    try {
      const { address } = area;
      const call = {
        table: address,
        scratch: address + this.#scratchOffset,
        stride: this.#stride,
        workspace: address + threadBytes,
        team,
      };
      this.#fillTable(call, inputs, fresh);
      for (const action of this.#plan.actions) this.#perform(action, call);
    } catch (error) {
      for (const holding of fresh) if (holding !== null) this.#state.holdings.free(holding);
      this.#spoil(inputs);
      throw error;
    } finally {
      areas.giveBack(area);
    }
    return this.#outputs(inputs, fresh);
  }

  /** Its kernels stand in the compiler's account; this is what the device adds. */
  explain(): string {
    const { workspaceBytes, scratchBytes, steps } = this.#program;
    const kernels = kernelsOf(steps);
    const split = kernels.filter((kernel) => isSplit(kernel, this.#state.worth.kernel)).length;
    return `${this.#code.summary}, workspace ${workspaceBytes}, scratch ${scratchBytes} bytes, ${split} of ${kernels.length} kernels split among threads`;
  }

  /** The pool with this program, when the program is worth it. */
  #team(): Enlisted | null {
    const { arena, worth } = this.#state;
    const { parcel } = this.#code;
    if (parcel === null || this.#mostShared < worth.segment) return null;
    const pool = currentPool();
    if (pool === null) return null;
    if (this.#enlisted?.pool !== pool) this.#enlisted = pool.enlist(parcel, arena);
    return this.#enlisted;
  }

  /** What a run that failed may have written over is nobody's any more. */
  #spoil(inputs: readonly ArenaValue[]): void {
    for (const reused of this.#program.reuses) {
      const holding = reused === null ? null : inputs[reused].donate();
      if (holding !== null) this.#state.holdings.free(holding);
    }
  }

  /** Memory for each output that does not take over an input's and is not empty. */
  #allocateOutputs(): (Holding | null)[] {
    const { holdings } = this.#state;
    const fresh = new Array<Holding | null>(this.#outputBytes.length).fill(null);
    try {
      for (let i = 0; i < fresh.length; i++)
        if (this.#program.reuses[i] === null && this.#outputBytes[i] > 0)
          fresh[i] = holdings.allocate(this.#outputBytes[i]);
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
      words[start + table.outputs + i] = reused === null ? (fresh[i]?.address ?? guardBytes) : inputs[reused].address;
    }
    this.#eachTable(call, (other) => {
      if (other !== start) words.copyWithin(other, start, start + table.words);
    });
  }

  /** Calls `use` with the word at which each thread's table starts. */
  #eachTable({ table, stride, team }: Call, use: (start: number) => void): void {
    for (let i = 0; i < (team?.pool.threads ?? 1); i++) use((table + i * stride) / 4);
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
      case "segment": {
        const start = this.#watch && performance.now();
        this.#segment(action.number, call);
        return this.#watch?.(action.number, performance.now() - (start ?? 0));
      }
      case "routine":
        return this.#routine(action.routine, call);
      case "loop":
        for (let i = 0; i < action.length; i++) {
          const turn = action.reverse ? action.length - 1 - i : i;
          this.#eachTable(call, (start) => {
            this.#state.arena.words[start + this.#plan.table.counters + action.loop] = turn;
          });
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

  #segment(number: number, call: Call): void {
    const { team } = call;
    const { worth } = this.#state;
    if (!team?.pool.works || this.#plan.sharedWork[number] < worth.segment) return this.#alone(number, call);
    if (worth.forced) return this.#together(number, call, team, null);
    const choice = this.#choices[number];
    const start = performance.now();
    if (choice.together) this.#together(number, call, team, this.#patience(number));
    else this.#alone(number, call);
    choice.took(performance.now() - start);
  }
  #alone(number: number, { table, scratch }: Call): void {
    this.#code.segments[number](table, scratch, 0, 1);
  }
  /** Where more comes after the first barrier, late threads are waited for, a small part of the time the segment takes. */
  #patience(number: number): number {
    if (this.#plan.stages[number].length <= 2) return 0;
    const least = this.#choices[number].least();
    return least === Infinity ? firstPatience : Math.floor(Math.min(mostPatience, (1000 / 16) * least));
  }
  #together(number: number, { table, scratch, stride }: Call, team: Enlisted, patience: number | null): void {
    team.pool.run(team, [number, table, scratch - table, stride], patience, () =>
      this.#code.segments[number](table, scratch, 0, team.pool.threads),
    );
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
