/** Shared libraries, loaded and called through koffi. */
import { DeviceError } from "../../util/errors.js";
import { nodeProcess } from "./toolchain.js";

/** What is used of koffi. */
interface Koffi {
  load(path: string): { func(declaration: string): (...args: readonly number[]) => unknown; unload(): void };
  address(view: Uint8Array): bigint;
}

const isKoffi = (x: unknown): x is Koffi =>
  typeof x === "object" &&
  x !== null &&
  "load" in x &&
  typeof x.load === "function" &&
  "address" in x &&
  typeof x.address === "function";

/**
 * The package koffi, as this package or the running program sees it.
 *
 * @throws DeviceError when it is not installed.
 */
export function findKoffi(): Koffi {
  const { createRequire } = nodeProcess().getBuiltinModule("node:module");
  const { join } = nodeProcess().getBuiltinModule("node:path");
  let reason = "it is not installed";
  for (const from of [import.meta.url, join(process.cwd(), "package.json")])
    try {
      const found: unknown = createRequire(from)("koffi");
      if (isKoffi(found)) return found;
      reason = "it is of another version";
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND"))
        reason = error instanceof Error ? error.message : String(error);
    }
  throw new DeviceError(
    `device: the native device must have the package koffi, got none: ${reason}. npm install koffi, or use setDevice("wasm"), which needs nothing`,
  );
}

export type { Koffi };
