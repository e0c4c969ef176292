/** What is there once: the first step of a fresh process, its peak memory, and the import of the package. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Entry, Result } from "./results.js";
import { type Contestant, refuses, startRunner } from "./runner.js";
import type { Workload } from "./workloads.js";

/** Seconds of the first step, and bytes after some more. */
async function once(
  contestant: Contestant,
  workload: Workload,
  patience: number,
): Promise<{ seconds: number; bytes: number } | string> {
  const cache = mkdtempSync(join(tmpdir(), "typegrad-cold-")); // compiled kernels of earlier runs are not found here
  try {
    const runner = await startRunner(contestant, {
      frugal: true,
      env: { XDG_CACHE_HOME: cache },
      ...(contestant.peer ? { patience } : {}),
    });
    if (refuses(runner)) return runner.cannot;
    try {
      const refusal = await runner.prepare(workload.task);
      if (refusal) return refusal.cannot;
      const seconds = await runner.run(1);
      const again = await runner.run(1);
      if (again < 0.5) await runner.run(Math.min(50, Math.ceil(1 / again)));
      return { seconds, bytes: await runner.memory() };
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      await runner.close();
    }
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

/** The rows `cold` and `memory` of a training step. Slow ones are not repeated. */
export async function measureCold(
  workload: Workload,
  field: readonly Contestant[],
  { repeats, patience }: { readonly repeats: number; readonly patience: number },
): Promise<{ cold: Result; memory: Result }> {
  const cold: Entry[] = [];
  const memory: Entry[] = [];
  const refusals: { contestant: Contestant; cannot: string }[] = [];
  for (const contestant of field) {
    const seconds: number[] = [];
    const bytes: number[] = [];
    do {
      const sample = await once(contestant, workload, patience);
      if (typeof sample === "string") {
        refusals.push({ contestant, cannot: sample });
        break;
      }
      seconds.push(sample.seconds);
      bytes.push(sample.bytes);
    } while (seconds.length < repeats && seconds[0] < 1);
    if (seconds.length === 0) continue;
    cold.push({ contestant, samples: seconds });
    memory.push({ contestant, samples: bytes });
  }
  const common = { workload: workload.name, work: null, refusals };
  return {
    cold: { ...common, kind: "cold", unit: "ms", entries: cold },
    memory: { ...common, kind: "memory", unit: "MiB", entries: memory },
  };
}

/** What a program imports before it can do anything. */
const imported: Readonly<Record<string, readonly string[]>> = {
  wasm: ["typegrad"],
  "jax-js": ["@jax-js/jax"],
  "tfjs-wasm": ["@tensorflow/tfjs", "@tensorflow/tfjs-backend-wasm"],
  "tfjs-cpu": ["@tensorflow/tfjs"],
};

/** Seconds of `import`, in a fresh process for each. */
export function measureImport(field: readonly Contestant[], repeats: number): Result {
  const entries: Entry[] = [];
  const refusals: { contestant: Contestant; cannot: string }[] = [];
  for (const contestant of field) {
    const names = Object.hasOwn(imported, contestant.name) ? imported[contestant.name] : [];
    if (names.length === 0) continue;
    const program = `const start = performance.now();
      ${names.map((name) => `await import(${JSON.stringify(name)});`).join("\n")}
      console.log(performance.now() - start);`;
    try {
      const samples = Array.from({ length: repeats }, () => {
        const printed = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        });
        return Number(printed.trim().split("\n").at(-1)) / 1000;
      });
      entries.push({ contestant, samples });
    } catch {
      refusals.push({ contestant, cannot: `${names.join(" and ")} cannot be imported` });
    }
  }
  return { workload: "import", kind: "cold", unit: "ms", work: null, entries, refusals };
}
