/** Functions by which the threads of a run meet, and share the tasks of a kernel; `arena/control.ts` says how. */
import { control, mostThreads } from "../arena/control.js";
import type { ModuleBuilder } from "./assembler.js";

/**
 * Turns of the loop in which a thread waits at a barrier before it sleeps, some 40 µs. A thread that sleeps comes 30 to
 * 160 µs late when it is woken; one that turns keeps its core from the very thread it waits for where cores are few.
 */
const turns = 20_000;

/** Turns of such a loop in a microsecond. */
const turnsInMicrosecond = 500;

/** How long a thread sleeps before it asks whether to give up, in nanoseconds. */
const nap = 100_000_000n;

/** Numbers of the functions. */
export interface Meeting {
  readonly barrier: number;
  readonly take: number;
}

export const writeMeeting = (module: ModuleBuilder, abandoned: number): Meeting => ({
  barrier: writeBarrier(module, abandoned),
  take: writeTake(module),
});

/** `(thread, threads)`: returns when all threads of the run have called it. Traps when a thread was lost. */
function writeBarrier(module: ModuleBuilder, abandoned: number): number {
  const f = module.function(["i32", "i32"], []);
  const [thread, threads] = [0, 1];
  const [generation, turn, word] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const c = f.code;
  c.get(threads).i32(1).op("i32.le_s").if().return().end();
  c.i32(0).memory("i32.atomic.load", control.generation).tee(generation);
  c.i32(1).op("i32.add").i32(1).op("i32.and").i32(control.setStride).op("i32.mul").set(word);
  c.get(thread).op("i32.eqz").if().loop();
  c.get(word).i32(0).memory("i32.store", control.tickets);
  c.get(word).i32(control.ticketStride).op("i32.add").set(word);
  c.get(turn).i32(1).op("i32.add").tee(turn).get(threads).op("i32.lt_u").brIf(0).end();
  c.i32(0).memory("i32.load", control.patience).i32(turnsInMicrosecond).op("i32.mul").set(turn);
  // A closed run has more in its low byte than there are threads.
  c.block().loop().i32(0).memory("i32.atomic.load", control.crew).i32(255).op("i32.and");
  c.get(threads).op("i32.ge_u").get(turn).op("i32.eqz").op("i32.or").brIf(1);
  c.get(turn).i32(1).op("i32.sub").set(turn).br(0).end().end();
  c.i32(0).i32(control.closed).memory("i32.atomic.rmw.or", control.crew).op("drop").i32(0).set(turn).end();
  // The last to arrive lets all go on.
  c.i32(control.closed).i32(0).i32(1).memory("i32.atomic.rmw.add", control.arrived).op("i32.add").i32(1).op("i32.add");
  c.i32(0).memory("i32.atomic.load", control.crew).i32(255).op("i32.and").op("i32.eq").if();
  c.i32(0).i32(0).memory("i32.atomic.store", control.arrived);
  c.i32(0).i32(1).memory("i32.atomic.rmw.add", control.generation).op("drop");
  c.i32(0).memory("i32.atomic.load", control.sleeping).if();
  c.i32(0).i32(mostThreads).memory("memory.atomic.notify", control.generation).op("drop").end().return().end();
  c.block().loop();
  c.i32(0).memory("i32.atomic.load", control.generation).get(generation).op("i32.ne").brIf(1);
  c.i32(0).memory("i32.atomic.load", control.broken).if().unreachable().end();
  c.get(turn).i32(1).op("i32.add").tee(turn).i32(turns).op("i32.lt_u").brIf(0);
  c.get(thread).op("i32.eqz").i32(0).memory("i32.load", control.wakeful).op("i32.and").if();
  c.i32(0).set(turn).call(abandoned).if().unreachable().end();
  c.else();
  c.i32(0).i32(1).memory("i32.atomic.rmw.add", control.sleeping).op("drop");
  c.i32(0).get(generation).i64(nap).memory("memory.atomic.wait32", control.generation);
  c.i32(0).i32(-1).memory("i32.atomic.rmw.add", control.sleeping).op("drop");
  // 2: nobody woke it.
  c.i32(2).op("i32.eq").if().call(abandoned).if().unreachable().end().end();
  c.end().br(0).end().end();
  return f.index;
}

/**
 * `(thread, threads, tasks)`: the first task that the thread is to do next, and the one after the last; 0 and 0 when there
 * are none left. It takes a quarter of what is left of a range, so that few calls do most and threads finish together.
 */
function writeTake(module: ModuleBuilder): number {
  const f = module.function(["i32", "i32", "i32"], ["i32", "i32"]);
  const [thread, threads, tasks] = [0, 1, 2];
  const [owner, start, size, word, next, count] = Array.from({ length: 6 }, () => f.local("i32"));
  const c = f.code;
  c.get(thread).set(owner).loop();
  c.get(tasks).get(owner).op("i32.mul").get(threads).op("i32.div_u").set(start);
  c.get(tasks).get(owner).i32(1).op("i32.add").op("i32.mul").get(threads).op("i32.div_u").get(start).op("i32.sub");
  c.set(size);
  c.i32(0).memory("i32.atomic.load", control.generation).i32(1).op("i32.and").i32(control.setStride).op("i32.mul");
  c.get(owner).i32(control.ticketStride).op("i32.mul").op("i32.add").tee(word);
  c.memory("i32.atomic.load", control.tickets).tee(next).get(size).op("i32.lt_s").if();
  c.get(size).get(next).op("i32.sub").i32(3).op("i32.add").i32(2).op("i32.shr_u").set(count);
  c.get(word).get(count).memory("i32.atomic.rmw.add", control.tickets).tee(next).get(size).op("i32.lt_s").if();
  c.get(next).get(count).op("i32.add").tee(count).get(size).get(count).get(size).op("i32.lt_s").op("select").set(size);
  c.get(start).get(next).op("i32.add").get(start).get(size).op("i32.add").return();
  c.end().end();
  c.get(owner).i32(1).op("i32.add").tee(owner).get(threads).op("i32.eq").if().i32(0).set(owner).end();
  c.get(owner).get(thread).op("i32.ne").brIf(0).end();
  c.i32(0).i32(0);
  return f.index;
}
