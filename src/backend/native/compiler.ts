/** What makes kernels from programs with the C compiler of the machine, for one arena. */
import type { Target } from "../../compile/loops.js";
import { defaultTarget } from "../../compile/pipeline.js";
import { range } from "../../util/arrays.js";
import { ArgumentError, DeviceError } from "../../util/errors.js";
import type { Arena } from "../arena/arena.js";
import type { Code, Segment } from "../arena/executable.js";
import type { Plan } from "../arena/plan.js";
import { type Parcel, abandoned } from "../arena/pool.js";
import type { Worth } from "../arena/stages.js";
import { LibraryCache } from "./cache.js";
import { type FoundKoffi, type LibraryData, findKoffi, libraryScript, preferLargePages } from "./library.js";
import { render } from "./render.js";
import { CompileError, type Toolchain, asCompileError, findToolchain, nodeProcess } from "./toolchain.js";

/**
 * Programs of fewer operations are left to `wasm`, where they take some microseconds at most: compiling C takes some tens
 * of milliseconds, which they would win back only after thousands of calls. `TYPEGRAD_NATIVE_SMALLEST` sets another limit.
 */
export function worthCompiling(): number {
  const asked = nodeProcess().env["TYPEGRAD_NATIVE_SMALLEST"] ?? "20000";
  if (/^\d+$/.test(asked)) return Number(asked);
  throw new ArgumentError(
    `TYPEGRAD_NATIVE_SMALLEST: must be a number of operations, got "${asked}". unset it for the default`,
  );
}

export class NativeCompiler {
  readonly #arena: Arena;
  readonly #koffi: FoundKoffi["koffi"];
  readonly #koffiPath: string;
  readonly #toolchain: Toolchain;
  readonly #cache: LibraryCache;
  readonly #complaints = new Set<string>();
  /** Operations that one thread does by itself, at most: what threads are worth was measured with vectors of 32 bytes. */
  readonly #mostAlone: number;
  #seen: Uint8Array | null = null;
  #base = 0;
  #asking = 0;

  /** @throws DeviceError when there is no compiler. */
  constructor(arena: Arena, { koffi, path }: FoundKoffi, worth: Worth) {
    this.#toolchain = findToolchain();
    this.#mostAlone = ((worth.segment - 1) * this.#toolchain.vectorBytes) / 32;
    this.#cache = new LibraryCache();
    this.#arena = arena;
    this.#koffi = koffi;
    this.#koffiPath = path;
    preferLargePages(koffi, arena);
  }

  /** What the machine has. */
  get target(): Target {
    const { vectorBytes, registers } = this.#toolchain;
    // Rows a multiple of 4 KiB apart meet in one set of the nearest cache, which has room for 12 (a product of 1024: 4 %).
    const microRows = registers === 32 ? 12 : 6;
    const target = { ...defaultTarget, vectorBytes, microRows, panelBytes: Infinity };
    if (vectorBytes < 64) return { ...target, kc: 512 };
    // Vectors as long as cache lines use all that is fetched: copying shorter sums costs more than it saves. So does
    // dividing sums: adding to results 1024 apart took a tenth of a product.
    return { ...target, kc: 2048, mc: 128, farSteps: 256, panelRows: 48 };
  }

  /** What `use` gives; `null`, which is said once, when the C compiler refuses. */
  attempt<T>(use: () => T): T | null {
    try {
      return use();
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      const { message } = error;
      if (!this.#complaints.has(message))
        nodeProcess().emitWarning(`${message}. the program runs on wasm instead`, { code: "TYPEGRAD_NATIVE_COMPILE" });
      this.#complaints.add(message);
      return null;
    }
  }

  /** Starts to compile; what it gives waits for the code. */
  start(plan: Plan): () => Code {
    const { path, wait } = this.#cache.library(this.#toolchain, render(plan));
    return () => {
      wait();
      return this.#load(plan, path);
    };
  }

  #load(plan: Plan, path: string): Code {
    const library = this.#open(path);
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
    const isShared = this.#arena.shared && Math.max(0, ...plan.sharedWork) > this.#mostAlone;
    const parcel: Parcel | null = isShared ? { kind: "script", script: libraryScript, data } : null;
    return { segments, parcel, summary: `native: ${this.#toolchain.command}, ${path}` };
  }

  #open(path: string): ReturnType<FoundKoffi["koffi"]["load"]> {
    try {
      return this.#koffi.load(path);
    } catch (error) {
      // Where the folder is on a disk that no program may run from, say.
      throw asCompileError(`what ${this.#toolchain.command} made must be a library that can be loaded`, error);
    }
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
    const { bytes } = this.#arena;
    if (bytes !== this.#seen) {
      this.#seen = bytes;
      this.#base = Number(this.#koffi.address(bytes));
    }
    return this.#base;
  }
}

/** A compiler for an arena; `null` without koffi, and, which is said, where that is but no C compiler. */
export function openNative(arena: Arena, worth: Worth): NativeCompiler | null {
  let koffi: FoundKoffi | null = null;
  try {
    koffi = findKoffi();
    return new NativeCompiler(arena, koffi, worth);
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    if (koffi !== null)
      nodeProcess().emitWarning(`programs keep to wasm. ${error.message}`, { code: "TYPEGRAD_NATIVE_COMPILER" });
    return null;
  }
}
