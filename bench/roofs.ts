/** What this machine can do at best, by device and number of threads, measured in the same run as everything else. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { findToolchain } from "#src/backend/native/toolchain.js";
import { allThreads } from "./runner.js";
import type { Bound } from "./workloads.js";

/** Operations per nanosecond, or bytes. */
export type Roof = Readonly<Record<Bound, number>>;
/** By device and threads, as in `native 2`. */
export type Roofs = ReadonlyMap<string, Roof>;

export const roofKey = (device: string, threads: number): string => `${device} ${threads}`;
const roofNames: readonly Bound[] = ["multiply-add", "read", "copy"];
const roofOf = ([a, b, c]: readonly number[]): Roof => ({ "multiply-add": a, read: b, copy: c });

const workerFile = new URL("roofs-worker.js", import.meta.url);

/** Threads that measure side by side, each with memory of its own; the best round of all together. */
async function wasmRoof(threads: number): Promise<Roof> {
  const meeting = new SharedArrayBuffer(8);
  const rates = await Promise.all(
    Array.from(
      { length: threads },
      () =>
        new Promise<readonly number[][]>((resolve, reject) => {
          const worker = new Worker(workerFile, { workerData: { threads, meeting } });
          worker.once("message", resolve);
          worker.once("error", reject);
        }),
    ),
  );
  const sum = (kind: number, round: number): number => rates.reduce((total, of) => total + of[kind][round], 0);
  return roofOf(roofNames.map((_, kind) => Math.max(...rates[0][kind].map((_, round) => sum(kind, round)))));
}

/** The same in C; `null` where there is no compiler. */
function compileNative(): string | null {
  let toolchain;
  try {
    toolchain = findToolchain();
  } catch {
    return null;
  }
  const { command, vectorBytes, flags } = toolchain;
  const machine = flags.filter((flag) => flag.startsWith("-m"));
  const folder = mkdtempSync(join(tmpdir(), "typegrad-roofs-"));
  const source = fileURLToPath(new URL("../../bench/roofs.c", import.meta.url));
  const program = join(folder, "roofs");
  execFileSync(command, ["-O3", ...machine, `-DWIDTH=${vectorBytes}`, "-o", program, source, "-lpthread"]);
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return program;
}
let native: string | null | undefined;

export async function measureRoofs(): Promise<Roofs> {
  const roofs = new Map<string, Roof>();
  native ??= compileNative();
  for (const threads of new Set([1, allThreads])) {
    roofs.set(roofKey("wasm", threads), await wasmRoof(threads));
    if (native === null) continue;
    const lines = execFileSync(native, [String(threads)], { encoding: "utf8" });
    roofs.set(roofKey("native", threads), roofOf(lines.trim().split("\n").map(Number)));
  }
  return roofs;
}

/** The higher of two measurements: a machine that was busy during one of them has no lower roof for it. */
export function higher(a: Roofs, b: Roofs): Roofs {
  const best = new Map(a);
  for (const [key, roof] of b) {
    const other = best.get(key) ?? roof;
    best.set(key, roofOf(roofNames.map((name) => Math.max(roof[name], other[name]))));
  }
  return best;
}
