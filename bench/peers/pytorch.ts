/** PyTorch as a peer: a Python process of its own, asked over its standard input. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Runner } from "../runner.js";

const script = fileURLToPath(new URL("../../../bench/peers/pytorch.py", import.meta.url));

/** Starts Python with PyTorch on `threads` threads; `null` when there is none. */
export async function pytorch(threads: number): Promise<Runner | null> {
  const python = spawn(process.env["TYPEGRAD_PYTHON"] ?? "/usr/bin/python3", [script, String(threads)], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, OMP_NUM_THREADS: String(threads) },
  });
  const exited = new Promise<void>((resolve) => {
    python.once("error", () => resolve()); // no such program
    python.once("exit", () => resolve());
  });
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  const answer = async (key: string): Promise<unknown> => {
    const line = await lines.next();
    const fields: Record<string, unknown> = line.done ? {} : JSON.parse(line.value);
    return fields[key];
  };
  const ask = (request: object, key: string): Promise<unknown> => {
    python.stdin.write(`${JSON.stringify(request)}\n`);
    return answer(key);
  };
  const run = async (times: number): Promise<number> => {
    const seconds = await ask({ run: times }, "seconds");
    if (typeof seconds !== "number") throw new Error("bench: PyTorch stopped");
    return seconds;
  };

  const version = await answer("version");
  if (typeof version !== "string") return null;
  return {
    name: "pytorch",
    version,
    threads,
    peer: true,
    prepare: async (task) => ((await ask({ prepare: task }, "prepared")) === true ? run : null),
    release: async () => void (await ask({ release: true }, "")),
    close: async () => {
      python.stdin.end();
      await exited;
    },
  };
}
