/** Shared libraries, loaded and called through koffi. */
import { DeviceError, messageOf } from "../../util/errors.js";
import type { Arena } from "../arena/arena.js";
import { nodeProcess } from "./toolchain.js";

/** What is used of koffi. */
interface Koffi {
  /** A library, or what the process itself has. */
  load(path: string | null): { func(declaration: string): (...args: readonly number[]) => unknown; unload(): void };
  address(view: Uint8Array): bigint;
  proto(result: string, parameters: readonly string[]): object;
  pointer(type: object): object;
  /** The address of a C function that calls back. */
  register(callback: () => number, type: object): bigint;
}

/** koffi, and where it was found. */
export interface FoundKoffi {
  readonly koffi: Koffi;
  readonly path: string;
}

const isKoffi = (x: unknown): x is Koffi =>
  typeof x === "object" &&
  x !== null &&
  "load" in x &&
  typeof x.load === "function" &&
  "address" in x &&
  typeof x.address === "function" &&
  "register" in x &&
  typeof x.register === "function";

/**
 * The package koffi, as this package or the running program sees it.
 *
 * @throws DeviceError when it is not installed.
 */
export function findKoffi(): FoundKoffi {
  const { createRequire } = nodeProcess().getBuiltinModule("node:module");
  const { join } = nodeProcess().getBuiltinModule("node:path");
  let reason = "it is not installed";
  for (const from of [import.meta.url, join(process.cwd(), "package.json")])
    try {
      const require = createRequire(from);
      const found: unknown = require("koffi");
      if (isKoffi(found)) return { koffi: found, path: require.resolve("koffi") };
      reason = "it is of another version";
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND")) reason = messageOf(error);
    }
  throw new DeviceError(
    `device: the native device must have the package koffi, got none: ${reason}. npm install koffi, or use setDevice("wasm"), which needs nothing`,
  );
}

const MADV_HUGEPAGE = 14;
/**
 * Asks Linux for large pages where it gives them to who asks: addresses spread over many small ones have to be looked up
 * again and again, and each is faulted in by itself (adding up 64 MiB took 1.3 times as long).
 */
export function preferLargePages(koffi: Koffi, { memory, limit }: Pick<Arena, "memory" | "limit">): void {
  if (nodeProcess().platform !== "linux") return;
  const advise = koffi.load(null).func("int madvise(uintptr_t address, size_t bytes, int advice)");
  advise(Number(koffi.address(new Uint8Array(memory.buffer))), limit, MADV_HUGEPAGE);
}

/** What a worker makes segments from: text of a function of this data and the memory, which gives the function of a segment. */
export interface LibraryData {
  readonly koffi: string;
  readonly library: string;
  /** The segments that threads share, by number, and how they are declared. */
  readonly declarations: ReadonlyMap<number, string>;
}
export const libraryScript = `(data, memory) => {
  const koffi = process.getBuiltinModule("node:module").createRequire(data.koffi)(data.koffi);
  const library = koffi.load(data.library);
  const base = Number(koffi.address(new Uint8Array(memory.buffer)));
  const calls = new Map([...data.declarations].map(([number, text]) => [number, library.func(text)]));
  return (number) => (table, scratch, thread, threads) => calls.get(number)(base, table, scratch, thread, threads, 0);
}`;
