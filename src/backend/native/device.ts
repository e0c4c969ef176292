/** Kernels compiled by the C compiler of the machine, on an arena as the `wasm` device has it. */
import type { Target } from "../../compile/loops.js";
import { compileWithPasses, defaultTarget } from "../../compile/pipeline.js";
import { workOf } from "../../compile/walk.js";
import { range } from "../../util/arrays.js";
import { ArenaDevice } from "../arena/device.js";
import type { Code } from "../arena/executable.js";
import type { Plan } from "../arena/plan.js";
import type { Computation, Executable } from "../backend.js";
import { wasmCode, wasmTarget } from "../wasm/device.js";
import { LibraryCache } from "./cache.js";
import { type Koffi, findKoffi } from "./library.js";
import { render } from "./render.js";
import { CompileError, type Toolchain, findToolchain, nodeProcess } from "./toolchain.js";

/**
 * Programs of fewer operations run on `wasm`, where they take some microseconds at most: compiling C takes some tens of
 * milliseconds, which they would win back only after thousands of calls.
 */
const worthCompiling = 20_000;

export interface NativeOptions {
  /** Most bytes that tensors may take together. */
  readonly limit?: number;
  /** Programs of fewer operations run on `wasm`; `TYPEGRAD_NATIVE_SMALLEST` in the environment by default, or 20,000. */
  readonly smallest?: number;
}

export class NativeDevice extends ArenaDevice {
  readonly #smallest: number;
  readonly #koffi: Koffi;
  readonly #toolchain: Toolchain;
  readonly #cache: LibraryCache;
  readonly #complaints = new Set<string>();
  #seen: Uint8Array | null = null;
  #base = 0;

  /** @throws DeviceError when there is no compiler, or no koffi. */
  constructor(options: NativeOptions = {}) {
    const koffi = findKoffi();
    const toolchain = findToolchain();
    super("native", options);
    this.#smallest = options.smallest ?? Number(nodeProcess().env["TYPEGRAD_NATIVE_SMALLEST"] ?? worthCompiling);
    this.#koffi = koffi;
    this.#toolchain = toolchain;
    this.#cache = new LibraryCache();
  }

  /** What is too small, or refused by the compiler (which is said once), runs on `wasm`. */
  override prepare(computation: Computation): Executable {
    const compiled = compileWithPasses(computation, { ...this.target(), taskWork: this.state.worth.task });
    if (workOf(compiled.program.steps, (kernel) => kernel.cost.flops) >= this.#smallest)
      try {
        return this.ready(compiled, computation.donated, (plan) => this.link(plan));
      } catch (error) {
        if (!(error instanceof CompileError)) throw error;
        this.#complain(error.message);
      }
    const { arena, worth } = this.state;
    const portable = compileWithPasses(computation, { ...wasmTarget(), taskWork: worth.task });
    return this.ready(portable, computation.donated, (plan) => wasmCode(plan, arena));
  }

  #complain(message: string): void {
    if (this.#complaints.has(message)) return;
    this.#complaints.add(message);
    nodeProcess().emitWarning(`${message}. the program runs on wasm instead`, { code: "TYPEGRAD_NATIVE_COMPILE" });
  }

  protected target(): Target {
    const { vectorBytes, registers } = this.#toolchain;
    const microRows = registers === 32 ? 14 : 6;
    return { ...defaultTarget, vectorBytes, microRows, kc: 512, panelBytes: 1 << 18, panelRows: 64 };
  }

  protected link(plan: Plan): Code {
    const { path, wait } = this.#cache.library(this.#toolchain, render(plan));
    wait();
    const library = this.#koffi.load(path);
    const segments = range(plan.segments.length).map((i) => {
      const alone = library.func(`int32_t alone${i}(uintptr_t base, uint32_t table, uint32_t scratch)`);
      return (table: number, scratch: number) => void alone(this.#address(), table, scratch);
    });
    return { segments, parcel: null, summary: `native: ${this.#toolchain.command}, ${path}` };
  }

  /** Where the arena begins; it may move when it grows. */
  #address(): number {
    const { bytes } = this.state.arena;
    if (bytes !== this.#seen) {
      this.#seen = bytes;
      this.#base = Number(this.#koffi.address(bytes));
    }
    return this.#base;
  }
}
