/**
 * The default device: kernels compiled to WebAssembly, and programs that have run for long by the C compiler of the machine,
 * where there are one and koffi. Both work on the same arena, so a program changes between two runs, and copies nothing.
 */
import { compileWithPasses, defaultTarget } from "../../compile/pipeline.js";
import { workOf } from "../../compile/walk.js";
import type { ArenaOptions } from "../arena/device.js";
import { moduleNow } from "../arena/environment.js";
import { planOf } from "../arena/plan.js";
import type { Account, Computation, DeviceValue, Executable } from "../backend.js";
import type { NativeCompiler } from "../native/compiler.js";
import { WasmDevice } from "../wasm/device.js";

/**
 * When a program becomes C, in operations it has run. That alone decides, never the clock: the two kinds of kernels differ in
 * last bits, and the same program is to give the same results each time. The compiler starts, beside us, after what takes
 * `wasm` some tenths of a second, so that short programs never start one; after about a second the program waits for it, if
 * it must, and changes over: by then waiting costs about what was spent already.
 */
export interface Patience {
  readonly start: number;
  readonly change: number;
}
const usual: Patience = { start: 2e9, change: 1e10 };

export interface CpuOptions extends ArenaOptions {
  readonly patience?: Patience;
}

type NativeModule = typeof import("../native/compiler.js");

export class CpuDevice extends WasmDevice {
  readonly #patience: Patience;
  /** `undefined` until somebody asks. */
  #native: { readonly module: NativeModule; readonly compiler: NativeCompiler } | null | undefined;

  constructor(options: CpuOptions = {}) {
    super(options, "cpu");
    this.#patience = options.patience ?? usual;
  }

  override prepare(computation: Computation): Executable {
    const { donated } = computation;
    const compiled = compileWithPasses(computation, { ...defaultTarget, taskWork: this.state.worth.task });
    const first = this.ready(compiled, donated, (plan) => this.link(plan));
    const work = workOf(compiled.program.steps, (kernel) => kernel.cost.flops);
    return new Growing(first, work, this.#patience, () => this.#startNative(computation, work));
  }

  /** Starts to compile; what it gives waits for the program, `null` when there cannot be one. */
  #startNative(computation: Computation, work: number): (() => Executable | null) | null {
    const native = this.#openNative();
    if (native === null || work < native.module.worthCompiling()) return null;
    const { compiler } = native;
    const { worth } = this.state;
    const compiled = compileWithPasses(computation, { ...compiler.target, taskWork: worth.task });
    const finish = compiler.attempt(() => compiler.start(planOf(compiled.program, worth)));
    return (
      finish &&
      (() =>
        compiler.attempt(() => this.ready(compiled, computation.donated, finish, (plan) => compiler.start(plan)())))
    );
  }

  #openNative() {
    if (this.#native !== undefined) return this.#native;
    const module = moduleNow(import.meta.url, "../native/compiler.js");
    const compiler = isNativeModule(module) ? module.openNative(this.state.arena, this.state.worth) : null;
    return (this.#native = isNativeModule(module) && compiler !== null ? { module, compiler } : null);
  }
}

const isNativeModule = (x: unknown): x is NativeModule =>
  typeof x === "object" && x !== null && "openNative" in x && typeof x.openNative === "function";

/** A program that is exchanged for a better one when it has run often enough. */
class Growing implements Executable {
  readonly #patience: Patience;
  readonly #work: number;
  #start: (() => (() => Executable | null) | null) | null;
  #finish: (() => Executable | null) | null = null;
  #now: Executable;
  #done = 0;

  constructor(now: Executable, work: number, patience: Patience, start: () => (() => Executable | null) | null) {
    this.#now = now;
    this.#work = work;
    this.#patience = patience;
    this.#start = start;
  }

  run(values: readonly DeviceValue[]): readonly DeviceValue[] {
    if (this.#start !== null || this.#finish !== null) this.#grow();
    return this.#now.run(values);
  }

  #grow(): void {
    if (this.#start !== null && this.#done >= this.#patience.start) {
      this.#finish = this.#start();
      this.#start = null;
    }
    if (this.#finish !== null && this.#done >= this.#patience.change) {
      this.#now = this.#finish() ?? this.#now;
      this.#finish = null;
    }
    this.#done += this.#work;
  }

  account(): Account | null {
    return this.#now.account();
  }
}
