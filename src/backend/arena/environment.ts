/** What the place we run in allows threads to do. */

/** Whether memory can be handed to workers: always in Node, in browsers on cross-origin isolated pages. */
export const sharingAllowed = (): boolean =>
  typeof SharedArrayBuffer !== "undefined" &&
  (!("crossOriginIsolated" in globalThis) || globalThis.crossOriginIsolated);

/** Whether this thread may sleep until another wakes it; the main thread of a page may not. */
export function sleepAllowed(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}

/** Node, where this is Node. */
export const nodeProcess = (): NodeJS.Process | null =>
  typeof process !== "undefined" && typeof process.getBuiltinModule === "function" ? process : null;
