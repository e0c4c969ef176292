/** What the place we run in allows threads to do. */

/** Whether memory can be handed to workers: always in Node, in browsers on cross-origin isolated pages. */
export const sharingAllowed = (): boolean =>
  typeof SharedArrayBuffer !== "undefined" &&
  (!("crossOriginIsolated" in globalThis) || globalThis.crossOriginIsolated);

/** Whether this thread may sleep until another wakes it; that of a page may not. */
export const sleepAllowed = (): boolean => !("document" in globalThis);

/** Node, where this is Node. */
export const nodeProcess = (): NodeJS.Process | null =>
  typeof process !== "undefined" && typeof process.getBuiltinModule === "function" ? process : null;

/** How many threads can run at once. */
export const cores = (): number =>
  nodeProcess()?.getBuiltinModule("node:os").availableParallelism() ?? navigator.hardwareConcurrency;

/** A variable of the environment; empty when there is none. */
export const environmentVariable = (name: string): string => nodeProcess()?.env[name] ?? "";

/**
 * Collects what nobody holds, where that can be asked for. Weak references hold what they were made of for a turn of the
 * event loop; to the engine, a context with microtasks of its own ends one.
 */
export function collectGarbage(): void {
  const node = nodeProcess();
  if (node === null) return;
  node.getBuiltinModule("node:v8").setFlagsFromString("--expose-gc");
  const collect: unknown = node
    .getBuiltinModule("node:vm")
    .runInNewContext("gc", undefined, { microtaskMode: "afterEvaluate" });
  if (typeof collect === "function") collect();
}

/** A module of this package, by its path from `url`, without waiting: in Node, unless a bundler has moved it; else `null`. */
export function moduleNow(url: string, path: string): unknown {
  try {
    return nodeProcess()?.getBuiltinModule("node:module").createRequire(url)(path) ?? null;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND") return null;
    throw error;
  }
}
