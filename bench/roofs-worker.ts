/** One thread that measures what WebAssembly reaches at best, in rounds that all threads start together. */
import { parentPort, workerData } from "node:worker_threads";
import { ModuleBuilder } from "#src/backend/wasm/assembler.js";
import { hasRelaxedSimd } from "#src/backend/wasm/features.js";

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

const { threads, meeting }: { threads: number; meeting: SharedArrayBuffer } = workerData;
const arrived = new Int32Array(meeting);

/** Waits for the other threads. */
function together(): void {
  const generation = Atomics.load(arrived, 1);
  if (Atomics.add(arrived, 0, 1) === threads - 1) {
    Atomics.store(arrived, 0, 0);
    Atomics.add(arrived, 1, 1);
    Atomics.notify(arrived, 1);
  } else while (Atomics.load(arrived, 1) === generation) Atomics.wait(arrived, 1, generation, 1);
}

const rounds = 9;
/** Work done per nanosecond. */
function rates(run: () => void, work: number): number[] {
  run();
  return Array.from({ length: rounds }, () => {
    together();
    const start = performance.now();
    run();
    return work / ((performance.now() - start) * 1e6);
  });
}

const bytes = Math.floor(2 ** 28 / threads / 65536 / 2) * 65536 * 2;
const memory = new WebAssembly.Memory({ initial: bytes / 65536, maximum: 65536 });
const data = new Uint8Array(memory.buffer).fill(1); // pages that were never written are all one page
const arithmetic = await loop(memory, 12, multiplyAdd);
const reading = await loop(memory, unroll, readAll);
const times = 3_000_000;
const measured = [
  rates(() => arithmetic(times), times * 12 * 4 * 2),
  rates(() => reading(bytes / (16 * unroll)), bytes),
  rates(() => data.copyWithin(0, bytes / 2), bytes),
];
parentPort?.postMessage(measured, []);
