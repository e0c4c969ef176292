/** One thread of those that measure what WebAssembly reaches at best, in rounds that they start together. */
import { parentPort, workerData } from "node:worker_threads";
import { ModuleBuilder } from "#src/backend/wasm/assembler.js";
import { hasRelaxedSimd } from "#src/backend/wasm/features.js";
import type { RoofTask, Span } from "./roofs.js";

type Code = ReturnType<ModuleBuilder["function"]>;
type Loop = (iterations: number) => void;

/** A module whose loop runs `body` over `accumulators` independent registers; `index` starts at 0 and is free. */
async function loop(
  memory: WebAssembly.Memory,
  accumulators: number,
  body: (f: Code, registers: readonly number[], index: number) => void,
): Promise<Loop> {
  const module = new ModuleBuilder({ shared: false });
  const f = module.function(["i32"], ["f32"], "run");
  const index = f.local("i32");
  const registers = Array.from({ length: accumulators }, () => f.local("v128"));
  f.code.loop();
  body(f, registers, index);
  f.code.get(0).i32(1).op("i32.sub").tee(0).brIf(0).end();
  f.code.get(registers[0]);
  for (const r of registers.slice(1)) f.code.get(r).op("f32x4.add");
  f.code.lane("f32x4.extract_lane", 0);
  const { instance } = await WebAssembly.instantiate(module.finish(), { env: { memory } });
  const { run } = instance.exports;
  if (typeof run !== "function") throw new Error("bench: the loop was not exported");
  return (iterations) => void run(iterations);
}

const rounds = 16;
const accumulators = 12;
const unroll = 8;
const advance = (f: Code, index: number): void =>
  void f.code
    .get(index)
    .i32(16 * unroll)
    .op("i32.add")
    .set(index);

function multiplyAdd(f: Code, registers: readonly number[]): void {
  const factor = f.local("v128");
  for (const r of registers) {
    f.code.get(factor).get(factor);
    if (hasRelaxedSimd()) f.code.get(r).op("f32x4.relaxed_madd").set(r);
    else f.code.op("f32x4.mul").get(r).op("f32x4.add").set(r);
  }
}

function readAll(f: Code, registers: readonly number[], index: number): void {
  registers.forEach((r, i) =>
    f.code
      .get(r)
      .get(index)
      .memory("v128.load", 16 * i)
      .op("f32x4.add")
      .set(r),
  );
  advance(f, index);
}

const { threads, work, meeting }: RoofTask = workerData;
const arrived = new Int32Array(meeting);

/** Waits for the other threads; nobody sleeps, so that all go on at once. */
function together(): void {
  const generation = Atomics.load(arrived, 1);
  if (Atomics.add(arrived, 0, 1) === threads - 1) {
    Atomics.store(arrived, 0, 0);
    Atomics.add(arrived, 1, 1);
  } else while (Atomics.load(arrived, 1) === generation);
}

const memory = (bytes: number): WebAssembly.Memory =>
  new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536), maximum: 65536 });

/** A thread's share of the work, as a function that does it. */
async function share(): Promise<() => void> {
  const part = work.amount / threads;
  if (work.bound === "multiply-add") {
    const arithmetic = await loop(memory(1), accumulators, multiplyAdd);
    return () => arithmetic(part / (2 * 4 * accumulators));
  }
  const space = memory(part);
  const data = new Uint8Array(space.buffer).fill(1); // pages that were never written are all one page
  if (work.bound === "copy") return () => void data.copyWithin(0, part / 2, part);
  const reading = await loop(space, unroll, readAll);
  return () => reading(part / (16 * unroll));
}

const run = await share();
const now = (): number => performance.timeOrigin + performance.now();
run();
const measured = Array.from({ length: rounds }, (): Span => {
  together();
  const start = now();
  run();
  return [start, now()];
});
parentPort?.postMessage(measured, []);
