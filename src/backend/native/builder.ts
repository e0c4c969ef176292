/**
 * Libraries compiled in the background: a worker starts the compilers, several at once, and tells when they are done in a
 * word of shared memory, so that the main thread can wait for them without returning to its event loop.
 */
import type { MessagePort, Worker } from "node:worker_threads";
import { CompileError, type Toolchain, asCompileError, nodeProcess } from "./toolchain.js";

/** A program as C: functions that may be compiled apart, and what stands before each part. */
export interface Source {
  readonly head: string;
  readonly functions: readonly string[];
}

/** A library that is being compiled. */
export interface Build {
  /** Waits until it stands at its path. @throws CompileError when the compiler refuses it. */
  wait(): void;
}

/** Text that is worth a compiler of its own: one takes some 30 ms to start, and a second for 250 kB. */
const partLength = 60_000;
/** Milliseconds that a library may take, at most. A compiler that once took longer is not waited for again. */
const longest = 120_000;
let isSilent = false;
/** Of each build under way: whether it is done, and the ids of the compilers at work, 0 for none. */
const underWay = new Set<Int32Array>();

/**
 * What the worker runs: gets commands that may run side by side and the one that comes after them, and answers with the
 * first failure, as a text, or `null`. `state` is as in `underWay`.
 */
const workerSource = `"use strict";
const { parentPort } = require("node:worker_threads");
const { spawn } = require("node:child_process");

const run = (command, { args, input }, timeout, state, place) => new Promise((resolve) => {
  const child = spawn(command, args, { stdio: ["pipe", "ignore", "pipe"], timeout });
  Atomics.store(state, place, child.pid ?? 0);
  child.on("exit", () => Atomics.store(state, place, 0));
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (complaint += text));
  child.stdin.on("error", () => {}).end(input);
  child.on("error", (error) => resolve({ status: null, complaint: error.message }));
  child.on("close", (status, signal) =>
    resolve(status === 0 ? null : { status, complaint: signal === null ? complaint : "an end by " + signal }));
});

parentPort.on("message", async ({ command, folder, parts, last, patience, state, port }) => {
  let failure = null;
  try {
    require("node:fs").mkdirSync(folder, { recursive: true, mode: 0o700 });
    const waiting = [...parts];
    const work = async (_, i) => {
      for (let next = waiting.shift(); next !== undefined && failure === null; next = waiting.shift())
        failure = (await run(command, next, patience, state, i + 1)) ?? failure;
    };
    await Promise.all(Array.from({ length: state.length - 1 }, work));
    failure ??= await run(command, last, patience, state, 1);
  } catch (error) {
    failure = { status: null, complaint: String(error) };
  }
  port.postMessage(failure);
  port.close();
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
});
`;

let worker: Worker | null = null;

function builder(): Worker {
  if (worker !== null) return worker;
  const { Worker } = nodeProcess().getBuiltinModule("node:worker_threads");
  const fresh = new Worker(workerSource, { eval: true, execArgv: [], name: "typegrad compiler" });
  // Whoever waits for it is told that it did not answer.
  fresh.on("error", () => (worker = null));
  fresh.on("exit", () => (worker = null));
  fresh.unref();
  nodeProcess().once("exit", endCompilers);
  return (worker = fresh);
}

/** Compilers do not outlive the program; one that hangs would for ever, as its worker does not. */
function endCompilers(): void {
  for (const state of underWay)
    for (const id of state.subarray(1).filter((x) => x !== 0))
      try {
        nodeProcess().kill(id);
      } catch {
        // It ended by itself.
      }
}

/**
 * Starts to compile a library into `folder`, which is made; `finish` gets its path when it is there. What takes longer than
 * `patience`, in milliseconds, is ended.
 */
export function startBuild(
  toolchain: Toolchain,
  source: Source,
  folder: string,
  finish: (library: string) => void,
  patience = longest,
): Build {
  const { join } = nodeProcess().getBuiltinModule("node:path");
  const { MessageChannel } = nodeProcess().getBuiltinModule("node:worker_threads");
  const { command } = toolchain;
  const atOnce = nodeProcess().getBuiltinModule("node:os").availableParallelism();
  const texts = partsOf(source, atOnce);
  const objects = texts.map((_, i) => join(folder, `${i}.o`));
  const library = join(folder, "library.so");
  const parts = texts.map((input, i) => ({
    args: [...toolchain.flags, "-x", "c", "-c", "-", "-o", objects[i]],
    input,
  }));
  const last = { args: [...toolchain.flags, "-shared", "-Wl,-Bsymbolic", ...objects, "-o", library, "-lm"], input: "" };
  const state = new Int32Array(new SharedArrayBuffer(4 + 4 * atOnce));
  underWay.add(state);
  const { port1, port2 } = new MessageChannel();
  builder().postMessage({ command, folder, parts, last, patience, state, port: port2 }, [port2]);
  return {
    wait: () => {
      const { rmSync } = nodeProcess().getBuiltinModule("node:fs");
      try {
        takeAnswer(command, state, port1, patience);
        finish(library);
      } catch (error) {
        throw asCompileError(`${command} must leave a library`, error);
      } finally {
        if (Atomics.load(state, 0) === 1) underWay.delete(state);
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

interface Failure {
  readonly status: number | null;
  readonly complaint: string;
}

const isFailure = (x: unknown): x is Failure =>
  typeof x === "object" && x !== null && "status" in x && "complaint" in x && typeof x.complaint === "string";

function takeAnswer(command: string, state: Int32Array, port: MessagePort, patience: number): void {
  const { receiveMessageOnPort } = nodeProcess().getBuiltinModule("node:worker_threads");
  const told = Atomics.wait(state, 0, 0, isSilent ? 0 : patience);
  isSilent = told === "timed-out";
  const answer: { readonly message: unknown } | undefined = receiveMessageOnPort(port);
  port.close();
  if (told === "timed-out" || answer === undefined)
    throw new CompileError(`native: ${command} must answer within ${patience / 1000} s, got nothing`);
  const { message } = answer;
  if (!isFailure(message)) return;
  throw message.status === null
    ? new CompileError(`native: ${command} must run, got ${message.complaint}`)
    : new CompileError(`native: ${command} must accept a program, got ${firstError(message)}`);
}

/** The first error, and the kernel it is in. */
function firstError({ status, complaint }: Failure): string {
  const lines = complaint.split("\n");
  const at = lines.findIndex((line) => line.includes("error"));
  if (at < 0) return `exit status ${status}: ${lines[0]}`;
  const kernel = lines.slice(0, at + 1).findLast((line) => line.includes("unction"));
  return kernel === undefined || kernel === lines[at] ? lines[at] : `${kernel} ${lines[at]}`;
}

/** The functions in as many texts of about the same length as may be compiled at once and are long enough. */
function partsOf({ head, functions }: Source, atOnce: number): readonly string[] {
  const length = functions.reduce((sum, text) => sum + text.length, 0);
  const count = Math.max(1, Math.min(atOnce, Math.floor(length / partLength)));
  const parts = Array.from({ length: count }, (): string[] => [head]);
  const lengths = parts.map(() => 0);
  for (const text of functions.toSorted((a, b) => b.length - a.length)) {
    const least = lengths.indexOf(Math.min(...lengths));
    parts[least].push(text);
    lengths[least] += text.length;
  }
  return parts.map((texts) => `${texts.join("\n\n")}\n`);
}
