/**
 * What this machine can do at best, by device and number of threads, measured in the same run as everything else. What two
 * threads get from memory may double or halve within minutes, with the cores on which a host lets them run: workloads that
 * memory bounds have a roof of their own, for as many bytes as they move, measured between the rounds in which they run.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { findToolchain } from "#src/backend/native/toolchain.js";
import { median } from "./measure.js";
import { allThreads } from "./runner.js";
import type { Bound, Work } from "./workloads.js";

/** Operations per nanosecond, or bytes, by device, threads and bound, as in `native 2 read`. */
export type Roofs = ReadonlyMap<string, number>;

export const roofKey = (device: string, threads: number, bound: Bound): string => `${device} ${threads} ${bound}`;

/** What the roofs of the machine are measured with: arrays of 64 MiB, which no cache holds. */
const usual: readonly Work[] = [
  { bound: "multiply-add", amount: 3 * 2 ** 27 },
  { bound: "read", amount: 2 ** 26 },
  { bound: "copy", amount: 2 ** 27 },
];

export interface RoofTask {
  readonly threads: number;
  readonly work: Work;
  readonly meeting: SharedArrayBuffer;
}
/** Milliseconds at which a thread began and ended a round. */
export type Span = readonly [start: number, end: number];

const workerFile = new URL("roofs-worker.js", import.meta.url);

/** Threads that measure side by side, each with memory of its own; the best round, until the last of them is done. */
async function wasmRoof(threads: number, work: Work): Promise<number> {
  const workerData: RoofTask = { threads, work, meeting: new SharedArrayBuffer(8) };
  const spans = await Promise.all(
    Array.from(
      { length: threads },
      () =>
        new Promise<readonly Span[]>((resolve, reject) => {
          const worker = new Worker(workerFile, { workerData });
          worker.once("message", resolve);
          worker.once("error", reject);
        }),
    ),
  );
  const times = spans[0].map((_, round) => {
    const of = spans.map((thread) => thread[round]);
    return Math.max(...of.map(([, end]) => end)) - Math.min(...of.map(([start]) => start));
  });
  return work.amount / Math.min(...times) / 1e6;
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

export async function measureRoofs(works: readonly Work[] = usual): Promise<Roofs> {
  const roofs = new Map<string, number>();
  native ??= compileNative();
  for (const threads of new Set([1, allThreads]))
    for (const work of works) {
      roofs.set(roofKey("wasm", threads, work.bound), await wasmRoof(threads, work));
      if (native === null) continue;
      const rate = execFileSync(native, [String(threads), work.bound, String(work.amount)], { encoding: "utf8" });
      roofs.set(roofKey("native", threads, work.bound), Number(rate));
    }
  return roofs;
}

/** Several measurements as one. */
const combined = (all: readonly Roofs[], choose: (rates: readonly number[]) => number): Roofs =>
  new Map([...all[0].keys()].map((key) => [key, choose(all.map((roofs) => roofs.get(key) ?? NaN))]));

/** The higher of two measurements: a machine that was busy during one of them has no lower roof for it. */
export const higher = (a: Roofs, b: Roofs): Roofs => combined([a, b], (rates) => Math.max(...rates));

/** The roofs of a workload, from those measured between its rounds. */
export const medianRoofs = (all: readonly Roofs[]): Roofs | null => (all.length === 0 ? null : combined(all, median));
