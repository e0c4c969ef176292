/** Bytes of a minimal trainer as a web page would load it: bundled, minified, compressed. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { Entry, Result } from "./results.js";
import type { Contestant } from "./runner.js";

/** The WebAssembly that TensorFlow.js loads beside its JavaScript, in browsers with SIMD and no shared memory. */
function beside(name: string): Buffer[] {
  if (name !== "tfjs-wasm") return [];
  const main = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
  return [readFileSync(join(dirname(main), "tfjs-backend-wasm-simd.wasm"))];
}

async function sizeOf(name: string): Promise<number> {
  const entry = fileURLToPath(new URL(`../../bench/trainers/${name}.ts`, import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    outdir: "bundle",
    format: "esm",
    splitting: true, // what is only imported on demand is no part of what a page loads
    platform: "browser",
    target: "es2022",
    conditions: ["import", "browser"],
    logLevel: "silent",
  });
  const start = outputFiles.find((f) => f.path.endsWith(`${name}.js`));
  if (!start) throw new Error(`bench: esbuild wrote no ${name}.js`);
  const loaded = reachable(start.path, new Map(outputFiles.map((f) => [f.path, f.text])));
  return [...loaded.map((text) => Buffer.from(text)), ...beside(name)].reduce((sum, b) => sum + gzipSync(b).length, 0);
}

/** The texts of a file and of everything it imports statically. */
function reachable(path: string, files: ReadonlyMap<string, string>, seen = new Set<string>()): string[] {
  const text = files.get(path);
  if (text === undefined || seen.has(path)) return [];
  seen.add(path);
  const chunks = [...text.matchAll(/(?:from|import)\s*"(\.\/[^"]+)"/g)].map(([, to]) => join(dirname(path), to));
  return [text, ...chunks.flatMap((chunk) => reachable(chunk, files, seen))];
}

export async function measureSizes(field: readonly Contestant[]): Promise<Result> {
  const entries: Entry[] = [];
  const refusals: { contestant: Contestant; cannot: string }[] = [];
  for (const contestant of field) {
    if (contestant.name === "pytorch" || contestant.name === "native") continue; // not for pages
    try {
      entries.push({ contestant, samples: [await sizeOf(contestant.name)] });
    } catch (error) {
      refusals.push({ contestant, cannot: error instanceof Error ? error.message.split("\n")[0] : String(error) });
    }
  }
  return { workload: "minimal trainer", kind: "size", unit: "KiB", work: null, entries, refusals };
}
