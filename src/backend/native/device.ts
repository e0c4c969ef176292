/** Kernels compiled by the C compiler of the machine, on an arena as the `wasm` device has it. */
import type { Target } from "../../compile/loops.js";
import { compileWithPasses, defaultTarget } from "../../compile/pipeline.js";
import { workOf } from "../../compile/walk.js";
import { range } from "../../util/arrays.js";
import { DeviceError } from "../../util/errors.js";
import { ArenaDevice, type ArenaOptions } from "../arena/device.js";
import type { Code, Segment } from "../arena/executable.js";
import type { Plan } from "../arena/plan.js";
import { type Parcel, abandoned } from "../arena/pool.js";
import type { Computation, Executable } from "../backend.js";
import { wasmCode, wasmTarget } from "../wasm/device.js";
import { LibraryCache } from "./cache.js";
import { type FoundKoffi, type LibraryData, findKoffi, libraryScript } from "./library.js";
import { render } from "./render.js";
import { CompileError, type Toolchain, findToolchain, nodeProcess } from "./toolchain.js";

/**
 * Programs of fewer operations run on `wasm`, where they take some microseconds at most: compiling C takes some tens of
 * milliseconds, which they would win back only after thousands of calls.
 */
const worthCompiling = 20_000;

export interface NativeOptions extends ArenaOptions {
  /** Programs of fewer operations run on `wasm`; `TYPEGRAD_NATIVE_SMALLEST` in the environment by default, or 20,000. */
  readonly smallest?: number;
}

export class NativeDevice extends ArenaDevice {
  readonly #smallest: number;
  readonly #koffi: FoundKoffi["koffi"];
  readonly #koffiPath: string;
  readonly #toolchain: Toolchain;
  readonly #cache: LibraryCache;
  readonly #complaints = new Set<string>();
  #seen: Uint8Array | null = null;
  #base = 0;
  #asking = 0;

  /** @throws DeviceError when there is no compiler, or no koffi. */
  constructor(options: NativeOptions = {}) {
    const { koffi, path } = findKoffi();
    const toolchain = findToolchain();
    super("native", options);
    this.#smallest = options.smallest ?? Number(nodeProcess().env["TYPEGRAD_NATIVE_SMALLEST"] ?? worthCompiling);
    this.#koffi = koffi;
    this.#koffiPath = path;
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
    const declarations = new Map<number, string>();
    const segments = range(plan.segments.length).map((i): Segment => {
      const part = "(uintptr_t base, uint32_t table, uint32_t scratch";
      const alone = library.func(`int32_t alone${i}${part})`);
      const runAlone: Segment = (table, scratch) => void alone(this.#address(), table, scratch);
      if (plan.sharedWork[i] === 0) return runAlone;
      const declaration = `int32_t shared${i}${part}, int32_t thread, int32_t threads, uintptr_t ask)`;
      declarations.set(i, declaration);
      const shared = library.func(declaration);
      return (table, scratch, thread, threads) => {
        if (threads === 1) runAlone(table, scratch, thread, threads);
        else if (shared(this.#address(), table, scratch, thread, threads, this.#ask()) !== 0)
          throw new DeviceError("run: all threads must finish, got one that was lost. run it again");
      };
    });
    const data: LibraryData = { koffi: this.#koffiPath, library: path, declarations };
    const parcel: Parcel | null = this.state.arena.shared ? { kind: "script", script: libraryScript, data } : null;
    return { segments, parcel, summary: `native: ${this.#toolchain.command}, ${path}` };
  }

  /** The address of a C function by which a thread that waits for long asks whether to give up. */
  #ask(): number {
    if (this.#asking === 0) {
      const koffi = this.#koffi;
      this.#asking = Number(koffi.register(abandoned, koffi.pointer(koffi.proto("int32_t", []))));
    }
    return this.#asking;
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
