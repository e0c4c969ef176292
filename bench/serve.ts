/**
 * One process of the benchmark: `serve.js PROGRAM THREADS` reads a JSON request a line and answers with a JSON line.
 *
 *     {"prepare": task}  ->  {"ready": true} or {"cannot": reason}
 *     {"check": true}    ->  {"numbers": [...]}
 *     {"run": n}         ->  {"seconds": s}
 *     {"memory": true}   ->  {"bytes": the most that was resident so far}
 */
import { createInterface } from "node:readline";
import type { Prepared, Program } from "./program.js";
import type { Task } from "./workloads.js";

/** Every program by name; a package that is not installed makes its import fail. */
const programs: Readonly<Record<string, (threads: number) => Promise<Program>>> = {
  wasm: async (threads) => (await import("./ours/program.js")).typegrad("wasm", threads),
  native: async (threads) => (await import("./ours/program.js")).typegrad("native", threads),
  "jax-js": async () => (await import("./peers/jax.js")).jaxJs(),
  "tfjs-wasm": async () => (await import("./peers/tfjs.js")).tfjs("wasm"),
  "tfjs-cpu": async () => (await import("./peers/tfjs.js")).tfjs("cpu"),
};

interface Request {
  readonly prepare?: Task;
  readonly check?: boolean;
  readonly run?: number;
  readonly memory?: boolean;
}
let prepared: Prepared | null = null;

async function answer(program: Program, request: Request): Promise<object> {
  if (request.prepare) {
    prepared = null;
    const made = await program.prepare(request.prepare);
    if (typeof made === "string") return { cannot: made };
    prepared = made;
    return { ready: true };
  }
  if (request.memory) return { bytes: process.resourceUsage().maxRSS * 1024 };
  if (!prepared) throw new Error("bench: nothing is prepared");
  return request.check ? { numbers: await prepared.check() } : { seconds: await prepared.run(request.run ?? 1) };
}

const [, , name, threads] = process.argv;
const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
const explain = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split("\n")[0];
try {
  const program = await programs[name](Number(threads));
  say({ version: program.version, threads: program.threads });
  for await (const line of createInterface({ input: process.stdin })) {
    const request: Request = JSON.parse(line);
    say(await answer(program, request).catch((error: unknown) => ({ cannot: explain(error) })));
  }
} catch (error) {
  say({ missing: explain(error) });
}
process.exit(0);
