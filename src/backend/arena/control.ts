/**
 * Where threads that run a program together meet: words at the start of the arena, which is never allocated. Renderers
 * write code that follows this protocol (`wasm/meeting.ts` is the model), and every thread of a run calls the same
 * function `segment(table, scratch, thread, threads)`.
 *
 * Who takes part: thread 0, and every thread that comes before thread 0 is at a barrier for the first time, where it waits
 * `patience` microseconds for late ones; a core that is busy with something else thus stops nobody. `crew` holds the number
 * of the run, whether it is closed, and how many take part; a thread joins by adding 1 to what it read, if it is unchanged.
 *
 * A barrier: thread 0 puts 0 into the ticket words of the next set and closes the run; every thread adds 1 to `arrived` and
 * waits until `generation` changes; the last of the crew puts 0 into `arrived`, adds 1 to `generation`, and wakes those that
 * sleep on that word, of which there are `sleeping`. Who waits looks at `broken`: when that is not 0, a thread of the run is
 * gone, and the segment is left at once.
 *
 * Tasks of a kernel that is split: thread t owns those from `tasks·t/threads` up to `tasks·(t+1)/threads`, and takes some
 * of them at a time by adding to its ticket word in set `generation mod 2`; when they are used up it takes from the next
 * thread's. At most one kernel is split between two barriers, and a segment ends with a barrier.
 */
import type { Arena } from "./arena.js";

/** Most threads there are words for. */
export const mostThreads = 64;

/** Byte addresses. What different threads write lies in different cache lines. */
export const control = {
  arrived: 4096,
  sleeping: 4100,
  generation: 4160,
  broken: 4224,
  /** 1 when thread 0 must not sleep. */
  wakeful: 4228,
  /** `run << 8`, and in the low byte how many take part; `closed` is added when nobody else can. */
  crew: 4232,
  closed: 128,
  patience: 4236,
  /** Ticket words: two sets, one line for each thread. */
  tickets: 4288,
  ticketStride: 64,
  setStride: 64 * mostThreads,
} as const;

const end = control.tickets + 2 * control.setStride;

/** Puts everything back to the start, when no thread is inside. */
export function resetControl(arena: Arena, wakeful: boolean): void {
  arena.bytes.fill(0, control.arrived, end);
  arena.words[control.wakeful / 4] = wakeful ? 1 : 0;
}

/** How often all threads have met, ever. */
export const meetings = (arena: Arena): number => Atomics.load(arena.words, control.generation / 4);

/** Before a run: opens it for threads that come, or, when `patience` is `null`, for no fewer than all. */
export function openRun({ words }: Arena, run: number, threads: number, patience: number | null): void {
  words[control.patience / 4] = patience ?? 0;
  Atomics.store(words, control.crew / 4, (run << 8) | (patience === null ? control.closed | threads : 1));
}

/** Makes everybody who waits at a barrier of the arena give up. */
export function breakControl({ words }: Arena): void {
  Atomics.store(words, control.broken / 4, 1);
  Atomics.notify(words, control.generation / 4);
}
