/** How many threads compute. */
import { ArgumentError, shown } from "../../util/errors.js";
import { mostThreads } from "./control.js";
import { cores, environmentVariable, sharingAllowed } from "./environment.js";

const defaultMost = 8;

let wanted: number | null = null;
let changed: (threads: number) => void = () => {};

/** Who is told when the number is set. */
export const whenSet = (listener: (threads: number) => void): void => void (changed = listener);

/** How many threads compute. */
export function getThreads(): number {
  return sharingAllowed() ? (wanted ??= defaultThreads()) : 1;
}

/**
 * Sets how many threads compute; by default as many as there are cores, at most 8, or what the environment variable
 * `TYPEGRAD_THREADS` says. Without shared memory (browsers on pages that are not cross-origin isolated) there is one.
 * Results do not depend on it.
 *
 * @throws ArgumentError unless `threads` is a whole number from 1 to 64.
 */
export function setThreads(threads: number): void {
  if (!isThreadCount(threads))
    throw new ArgumentError(
      `setThreads: threads must be a whole number from 1 to ${mostThreads}, got ${shown(threads)}. leave it to the default, or pass the number of cores`,
    );
  wanted = threads;
  changed(threads);
}

const isThreadCount = (n: number): boolean => Number.isInteger(n) && n >= 1 && n <= mostThreads;
function defaultThreads(): number {
  const asked = environmentVariable("TYPEGRAD_THREADS");
  if (asked === "") return Math.min(Math.max(1, cores()), defaultMost);
  if (isThreadCount(Number(asked))) return Number(asked);
  throw new ArgumentError(
    `TYPEGRAD_THREADS: must be a whole number from 1 to ${mostThreads}, got "${asked}". unset it for the default`,
  );
}
