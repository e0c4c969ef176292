/** What devices that compute on an arena have in common: all but how a program becomes code. */
import type { TypedArray } from "../../ir/dtype.js";
import type { HostValue } from "../../ir/node.js";
import type { Program } from "../../compile/loop.js";
import type { Target } from "../../compile/loops.js";
import { bytesOf } from "../../compile/memory.js";
import { type Compiled, compileWithPasses } from "../../compile/pipeline.js";
import type { Computation, Device, DeviceValue, Executable } from "../backend.js";
import { assertPresent } from "../values.js";
import { Arena } from "./arena.js";
import { environmentVariable } from "./environment.js";
import { ArenaExecutable, type Code, type DeviceState, WorkAreas } from "./executable.js";
import type { Plan } from "./plan.js";
import { type Worth, alwaysWorth, measuredWorth } from "./stages.js";
import { copyOut, write } from "./transfer.js";
import { ArenaValue, Holdings, ownValue } from "./values.js";

export interface ArenaOptions {
  /** Most bytes that tensors may take together; at most, and by default, the 4 GiB that wasm32 can address. */
  readonly limit?: number;
  /** Whether threads may share the memory; by default, where that is allowed. */
  readonly shared?: boolean;
  /** When threads are worth it. */
  readonly worth?: Worth;
}

/** With `TYPEGRAD_THREADS_ALWAYS` in the environment everything that can be split is: for tests. */
const defaultWorth = (): Worth => (environmentVariable("TYPEGRAD_THREADS_ALWAYS") === "" ? measuredWorth : alwaysWorth);

export abstract class ArenaDevice implements Device {
  readonly name: string;
  protected readonly state: DeviceState;

  constructor(name: string, { limit, shared, worth = defaultWorth() }: ArenaOptions) {
    this.name = name;
    const arena = new Arena(limit, shared);
    this.state = { arena, areas: new WorkAreas(arena), holdings: new Holdings(name, arena), worth };
  }

  /** What the compiler needs to know of the machine. */
  protected abstract target(): Target;

  /** A program's code, ready to be called. */
  protected abstract link(plan: Plan): Code;

  upload(value: HostValue): DeviceValue {
    const { arena, holdings } = this.state;
    const bytes = bytesOf(value);
    const result = new ArenaValue(value, bytes === 0 ? null : holdings.allocate(bytes), holdings);
    write(arena, result, result.address, value.data);
    return result;
  }

  read(value: DeviceValue): TypedArray {
    assertPresent("read", value);
    const own = ownValue(value, this.state.holdings);
    return copyOut(this.state.arena, own, own.address);
  }

  prepare(computation: Computation): Executable {
    const compiled = compileWithPasses(computation, { ...this.target(), taskWork: this.state.worth.task });
    return this.ready(compiled, computation.donated, (plan) => this.link(plan));
  }

  /** `relink` makes code of another plan, for `account`. */
  protected ready(
    compiled: Compiled,
    donated: readonly boolean[],
    link: (plan: Plan) => Code,
    relink: (plan: Plan) => Code = link,
  ): Executable {
    const start = performance.now();
    const executable = new ArenaExecutable(compiled.program, donated, this.state, link);
    const rendering = performance.now() - start;
    return {
      run: (values) => executable.run(values),
      account: () => ({
        compiled,
        summary: executable.explain(),
        rendering,
        apart: (watch) => new ArenaExecutable(compiled.program, donated, this.state, relink, watch),
      }),
    };
  }

  /** A program, rendered. */
  load(program: Program, donated: readonly boolean[]): ArenaExecutable {
    return new ArenaExecutable(program, donated, this.state, (plan) => this.link(plan));
  }

  memory(): { readonly used: number; readonly peak: number; readonly limit: number } {
    const { used, peak, limit } = this.state.arena;
    return { used: used - this.state.holdings.spareBytes, peak, limit };
  }
}
