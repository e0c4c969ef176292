/**
 * What a worker of the pool runs. It is text that imports nothing, so that it needs no file of its own that bundlers and
 * servers would have to find.
 *
 * The first message brings the pool's words, every other one a program. Between messages the worker waits for runs: first
 * turning in a loop, then asleep; a message posted meanwhile is told by `posted`, and sends it back to the event loop to
 * read it. Everything is told to the main thread in words, never in messages, so that it need not return to its event loop.
 */
import { control } from "./control.js";

/** Words (by number) that the pool and its workers share; a cache line for what is written by different threads. */
export const poolWords = {
  /** Changes when there is anything to look at. */
  signal: 0,
  /** How many messages every worker was sent. */
  posted: 1,
  /** How many runs were begun, and the last: program, segment, table, bytes to scratch memory and to the next thread's. */
  runs: 2,
  call: 3,
  /** Workers that are asleep. */
  sleeping: 16,
  /** 1 + the number of a thread that failed, and why, as length and UTF-16 code units. */
  failed: 32,
  reasonLength: 33,
  reason: 34,
  /** All of them, in bytes. */
  bytes: 768,
} as const;

/** Most code units of a reason. */
const reasonUnits = poolWords.bytes / 2 - 2 * poolWords.reason;

/** How long a worker that has nothing to do looks for more before it sleeps. */
export const idleMilliseconds = 0.2;

const w = poolWords;

export const workerSource = `"use strict";
const node = globalThis.process?.getBuiltinModule?.("node:worker_threads");
const port = node ? node.parentPort : globalThis;
const programs = new Map();
let words, thread, threads, lifeline, messages = 0, ran = 0;

function fail(error) {
  if (Atomics.compareExchange(words, ${w.failed}, 0, -1) !== 0) return;
  const text = String(error).slice(0, ${reasonUnits});
  const units = new Uint16Array(words.buffer, 4 * ${w.reason});
  for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
  words[${w.reasonLength}] = text.length;
  Atomics.store(words, ${w.failed}, 1 + thread);
}

function wasm(module, memory) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abandoned: () => 0 } });
  return (number) => exports["segment" + number];
}

function receive(message) {
  if (message.words) return void ({ words, thread, threads, lifeline } = message);
  for (const id of message.forget) programs.delete(id);
  const { id, memory, parcel } = message;
  const segment = parcel.kind === "wasm" ? wasm(parcel.module, memory) : (0, eval)(parcel.script)(parcel.data, memory);
  programs.set(id, { segment, control: new Int32Array(memory.buffer), crew: new Int32Array(memory.buffer, ${control.crew}, 1) });
}

/** Whether this thread takes part in the run it has seen, which may have gone on without it, to another one even. */
function joins(crew) {
  for (;;) {
    const now = Atomics.load(crew, 0);
    if (now >> 8 !== (ran << 8) >> 8) return false;
    if (now & ${control.closed}) return (now & ${control.closed - 1}) === threads;
    if (Atomics.compareExchange(crew, 0, now, now + 1) === now) return true;
  }
}

function run({ segment, control, crew }) {
  if (!joins(crew)) return;
  const [, number, first, scratch, stride] = words.subarray(${w.call});
  const table = first + thread * stride;
  try {
    segment(number)(table, table + scratch, thread, threads);
  } catch (error) {
    fail(error);
    Atomics.store(control, ${control.broken / 4}, 1);
    Atomics.notify(control, ${control.generation / 4});
  }
}

function idle() {
  let since = performance.now();
  for (;;) {
    const signal = Atomics.load(words, ${w.signal});
    const runs = Atomics.load(words, ${w.runs});
    if (Atomics.load(words, ${w.posted}) !== messages) return;
    if (runs !== ran) {
      const program = programs.get(words[${w.call}]);
      // One that came with a message since then is not known yet; one that is let go has no more runs.
      if (!program && Atomics.load(words, ${w.posted}) !== messages) return;
      ran = runs;
      if (program) run(program);
      since = performance.now();
    }
    else if (performance.now() - since < ${idleMilliseconds})
      for (let i = 0; i < 100 && Atomics.load(words, ${w.signal}) === signal; i++);
    else {
      Atomics.add(words, ${w.sleeping}, 1);
      Atomics.wait(words, ${w.signal}, signal);
      Atomics.sub(words, ${w.sleeping}, 1);
    }
  }
}

port.onmessage = ({ data }) => {
  try {
    receive(data);
    messages++;
    idle();
  } catch (error) {
    fail(error);
  }
};
`;
