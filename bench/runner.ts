/** Programs in processes of their own: nobody's compiler, heap or threads stand in another's way. */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Task } from "./workloads.js";

/** What a program says that cannot do a task, or is not there. */
export interface Refusal {
  readonly cannot: string;
}
export const refuses = <T extends object>(answer: T | Refusal): answer is Refusal => "cannot" in answer;

/** How to start a program: us on one of our devices, or a peer, with a number of threads. */
export interface Contestant {
  /** `wasm`, `native` for us; `pytorch`, `jax-js` … for peers. */
  readonly name: string;
  readonly threads: number;
  readonly peer: boolean;
}

export const allThreads = availableParallelism();
const withThreads = (name: string, peer: boolean): Contestant[] =>
  [...new Set([1, allThreads])].map((threads) => ({ name, threads, peer }));
export const contestants: readonly Contestant[] = [
  ...withThreads("wasm", false),
  ...withThreads("native", false),
  ...withThreads("pytorch", true),
  ...["jax-js", "tfjs-wasm", "tfjs-cpu"].map((name) => ({ name, threads: 1, peer: true })),
];

/** A contestant whose process runs. */
export interface Runner {
  readonly contestant: Contestant;
  readonly version: string;
  /** Builds the task; what was built before is let go. */
  prepare(task: Task): Promise<Refusal | null>;
  /** Numbers that every program must agree on. */
  check(): Promise<readonly number[] | Refusal>;
  /** Seconds of `times` runs. */
  run(times: number): Promise<number>;
  /** Bytes of memory that were resident at most. */
  memory(): Promise<number>;
  close(): Promise<void>;
}

const pythonScript = fileURLToPath(new URL("../../bench/peers/pytorch.py", import.meta.url));
const server = fileURLToPath(new URL("serve.js", import.meta.url));

function command({ name, threads }: Contestant): [program: string, ...args: string[]] {
  if (name === "pytorch") return [process.env["TYPEGRAD_PYTHON"] ?? "/usr/bin/python3", pythonScript, String(threads)];
  return [process.execPath, server, name, String(threads)];
}

/** glibc gives big blocks back at once, and PyTorch then faults in fresh pages for every result: it is told not to. */
const keepMemory = { MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: String(2 ** 40), MALLOC_TOP_PAD_: String(2 ** 26) };

/** OpenBLAS takes the kernels made for the processor, even where the environment names older ones. */
const ownKernels = { OPENBLAS_CORETYPE: undefined };

const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === "object" && x !== null;

/** Seconds that a program may take to start, or to fill its inputs. */
const longest = 60;

/** Starts a contestant, or says why it is not there. `frugal`: the allocator keeps its defaults, as memory is measured. */
export async function startRunner(
  contestant: Contestant,
  options: {
    readonly frugal?: boolean;
    readonly env?: Readonly<Record<string, string>>;
    /** Seconds that runs may take before the process is ended. */
    readonly patience?: number;
  } = {},
): Promise<Runner | Refusal> {
  const { name, threads } = contestant;
  const { patience = 60 } = options;
  const [program, ...args] = command(contestant);
  const ofPython =
    name === "pytorch"
      ? { ...ownKernels, OMP_NUM_THREADS: String(threads), ...(options.frugal ? {} : keepMemory) }
      : {};
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, ...ofPython, ...options.env },
  });
  const exited = new Promise<void>((resolve) => {
    child.once("error", () => resolve()); // no such program
    child.once("exit", () => resolve());
  });
  child.stdin.on("error", () => {}); // it has ended: the next answer says so
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (limit = patience): Promise<Record<string, unknown>> => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, limit * 1000);
    const line = await lines.next();
    clearTimeout(timer);
    if (late) return { cannot: `took longer than ${limit} s` };
    const message: unknown = line.done ? {} : JSON.parse(line.value);
    return isRecord(message) ? message : {};
  };
  const ask = (request: object, limit = patience): Promise<Record<string, unknown>> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return answer(limit);
  };
  const refusal = ({ cannot }: Record<string, unknown>): Refusal => ({
    cannot: typeof cannot === "string" ? cannot : "the process ended",
  });
  const figure = async (request: object, key: string): Promise<number> => {
    const said = await ask(request);
    const value = said[key];
    if (typeof value !== "number") throw new Error(`bench: ${name}: ${refusal(said).cannot}`);
    return value;
  };

  const { version, missing } = await answer(longest);
  if (typeof version !== "string") return { cannot: typeof missing === "string" ? missing : `${program} does not run` };
  return {
    contestant,
    version,
    async prepare(task) {
      const said = await ask({ prepare: task }, longest);
      return said["ready"] === true ? null : refusal(said);
    },
    async check() {
      const said = await ask({ check: true });
      const { numbers } = said;
      return Array.isArray(numbers) ? numbers.map(Number) : refusal(said);
    },
    run: (times) => figure({ run: times }, "seconds"),
    memory: () => figure({ memory: true }, "bytes"),
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}
