/**
 * The threads that run programs together with the calling thread, which is number 0. There is one pool; it is started when
 * a program that is worth it is first run, serves all devices and arenas, and runs one program at a time, on all threads.
 *
 * Nothing waits for a pool that is not there: while its workers are not up, or have not read a program, they do not come to
 * its runs, and the results are the same.
 */
import { DeviceError } from "../../util/errors.js";
import { range } from "../../util/arrays.js";
import type { Arena } from "./arena.js";
import { breakControl, meetings, openRun, resetControl } from "./control.js";
import { sleepAllowed } from "./environment.js";
import { type Worker, spawn } from "./spawn.js";
import { getThreads, whenSet } from "./threads.js";
import { poolWords as at, workerSource } from "./worker.js";

/** What a worker makes a program's segments from. */
export type Parcel =
  | { readonly kind: "wasm"; readonly module: WebAssembly.Module }
  /** Text of a function `(data, memory) => (number) => segment`; `data` is copied to the worker. */
  | { readonly kind: "script"; readonly script: string; readonly data: unknown };

/** A program that the workers of a pool were sent. */
export interface Enlisted {
  readonly pool: Pool;
  readonly id: number;
  readonly arena: Arena;
}

/** Time without any progress after which a thread counts as lost, where its end cannot be seen. */
const longest = 60_000;

export class Pool {
  readonly threads: number;
  readonly #words = new Int32Array(new SharedArrayBuffer(at.bytes));
  readonly #workers: readonly Worker[];
  readonly #dropped = new FinalizationRegistry<number>((id) => this.#forget.push(id));
  readonly #arenas = new WeakSet<Arena>();
  #forget: number[] = [];
  #programs = 0;
  #lost: string | null = null;
  #ending = false;
  /** The run that is going on. */
  #running: Arena | null = null;
  #stillness = { generation: -1, since: 0 };

  constructor(threads: number) {
    this.threads = threads;
    this.alive = threads - 1;
    const hello = { words: this.#words, threads };
    this.#workers = range(threads - 1).map((i) =>
      spawn(workerSource, { ...hello, thread: i + 1 }, (reason) => {
        this.alive--;
        this.#lost ??= `thread ${i + 1} ended: ${reason}`;
      }),
    );
    this.#words[at.posted] = 1;
  }

  /** Whether it can be given programs. */
  get works(): boolean {
    return this.#lost === null && Atomics.load(this.#words, at.failed) === 0;
  }
  /** Workers that have not ended. */
  alive: number;
  /** How many runs there were. */
  get runs(): number {
    return this.#words[at.runs];
  }

  /** Sends a program to the workers. */
  enlist(parcel: Parcel, arena: Arena): Enlisted {
    if (!this.#arenas.has(arena)) {
      resetControl(arena, !sleepAllowed());
      this.#arenas.add(arena);
    }
    const id = this.#programs++;
    const [forget, { memory }] = [this.#forget, arena];
    this.#forget = [];
    for (const worker of this.#workers) worker.post({ id, memory, parcel, forget });
    const enlisted = { pool: this, id, arena };
    Atomics.add(this.#words, at.posted, 1);
    this.#dropped.register(enlisted, id);
    this.#signal();
    return enlisted;
  }

  /**
   * Runs a segment on all threads that come; `own` is this thread's part. A call tells the segment's number, thread 0's
   * table, and how many bytes on its scratch memory and the next thread's table are. Threads which come late are waited for
   * `patience` microseconds, at most; `null`: all must take part.
   *
   * @throws DeviceError when a thread fails or ends. The pool is gone then; what was being written is undefined.
   */
  run({ id, arena }: Enlisted, call: readonly number[], patience: number | null, own: () => void): void {
    this.#words.set([id, ...call], at.call);
    openRun(arena, this.runs + 1, this.threads, patience);
    Atomics.add(this.#words, at.runs, 1);
    this.#signal();
    this.#running = arena;
    try {
      own();
    } catch (error) {
      throw this.#failure(arena, error);
    } finally {
      this.#running = null;
    }
  }

  /** Stops all workers. */
  end(reason = "it was stopped"): void {
    this.#lost ??= reason;
    if (!this.#ending) for (const worker of this.#workers) worker.end();
    this.#ending = true;
  }

  /** Asked now and then by a thread 0 that waits: whether to give up. */
  abandoned(): boolean {
    const arena = this.#running;
    if (arena === null || !this.works) return true;
    const ended = this.#workers.findIndex((worker) => worker.hasEnded());
    if (ended >= 0) this.#lost = `thread ${ended + 1} ended`;
    const [generation, now] = [meetings(arena), performance.now()];
    if (generation !== this.#stillness.generation) this.#stillness = { generation, since: now };
    else if (now - this.#stillness.since > longest) this.#lost ??= `no progress for ${longest / 1000} s`;
    return this.#lost !== null;
  }

  #signal(): void {
    Atomics.add(this.#words, at.signal, 1);
    if (Atomics.load(this.#words, at.sleeping) > 0) Atomics.notify(this.#words, at.signal);
  }

  #failure(arena: Arena, error: unknown): DeviceError {
    breakControl(arena);
    const failed = Atomics.load(this.#words, at.failed);
    const reason = failed > 0 ? `thread ${failed - 1} failed: ${this.#reason()}` : (this.#lost ?? `${error}`);
    this.end(reason);
    return new DeviceError(
      `run: all ${this.threads} threads must finish, got ${reason}. run it again, or call setThreads(1) to compute on one thread`,
      { cause: error },
    );
  }

  #reason(): string {
    const units = new Uint16Array(this.#words.buffer, 4 * at.reason, this.#words[at.reasonLength]);
    return String.fromCharCode(...units);
  }
}

/** Pools that are started for one number of threads, the first and those in place of ones that failed. */
const mostPools = 4;

let pool: Pool | null = null;
let starts = 0;

whenSet((threads) => {
  starts = 0;
  if (threads > 1 && pool !== null && pool.threads !== threads) pool.end();
});

/** The pool, started if need be, or `null` when there is none to be had now. */
export function currentPool(): Pool | null {
  const threads = getThreads();
  if (pool !== null && pool.works && pool.threads === threads) return pool;
  if (threads === 1) return null;
  if (pool !== null) {
    // Workers of a failed pool may still be writing until they have ended, which is told on the event loop.
    pool.end();
    if (pool.alive > 0) return null;
    pool = null;
  }
  if (starts >= mostPools) return null;
  starts++;
  try {
    return (pool = new Pool(threads));
  } catch {
    // A page's content security policy may forbid workers.
    return null;
  }
}

/** What segments ask while they wait at a barrier, 100 ms after the last time: 1 when they are to give up. */
export const abandoned = (): number => (pool?.abandoned() ? 1 : 0);
