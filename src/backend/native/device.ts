/** Kernels compiled by the C compiler of the machine, on an arena as the `wasm` device has it. */
import type { Target } from "../../compile/loops.js";
import { compileWithPasses, defaultTarget } from "../../compile/pipeline.js";
import { workOf } from "../../compile/walk.js";
import { ArenaDevice, type ArenaOptions } from "../arena/device.js";
import type { Code } from "../arena/executable.js";
import type { Plan } from "../arena/plan.js";
import type { Computation, Executable } from "../backend.js";
import { wasmCode } from "../wasm/device.js";
import { NativeCompiler, worthCompiling } from "./compiler.js";
import { findKoffi } from "./library.js";

export interface NativeOptions extends ArenaOptions {
  /** Programs of fewer operations run on `wasm`; `TYPEGRAD_NATIVE_SMALLEST` in the environment by default, or 20,000. */
  readonly smallest?: number;
}

export class NativeDevice extends ArenaDevice {
  readonly #smallest: number;
  readonly #compiler: NativeCompiler;

  /** @throws DeviceError when there is no compiler, or no koffi. */
  constructor(options: NativeOptions = {}) {
    const koffi = findKoffi();
    super("native", options);
    this.#smallest = options.smallest ?? worthCompiling();
    this.#compiler = new NativeCompiler(this.state.arena, koffi, this.state.worth);
  }

  /** What is too small, or refused by the compiler (which is said once), runs on `wasm`. */
  override prepare(computation: Computation): Executable {
    const { donated } = computation;
    const { arena, worth } = this.state;
    const compiled = compileWithPasses(computation, { ...this.target(), taskWork: worth.task });
    const found =
      workOf(compiled.program.steps, (kernel) => kernel.cost.flops) < this.#smallest
        ? null
        : this.#compiler.attempt(() => this.ready(compiled, donated, (plan) => this.link(plan)));
    if (found !== null) return found;
    const portable = compileWithPasses(computation, { ...defaultTarget, taskWork: worth.task });
    return this.ready(portable, donated, (plan) => wasmCode(plan, arena));
  }

  protected target(): Target {
    return this.#compiler.target;
  }

  protected link(plan: Plan): Code {
    return this.#compiler.start(plan)();
  }
}
