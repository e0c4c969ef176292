/** What this machine can do at best, in WebAssembly on one thread, measured in the same run as everything else. */
import { ModuleBuilder } from "#src/backend/wasm/assembler.js";
import { hasRelaxedSimd } from "#src/backend/wasm/features.js";
import { median } from "./measure.js";

export interface Roofs {
  /** Multiply-adds in registers, two operations each. */
  readonly gigaflops: number;
  /** Reading an array much larger than the caches. */
  readonly gigabytesPerSecond: number;
}

type Loop = (iterations: number) => void;

/** A module whose loop runs `body` over `accumulators` independent registers; local 0 counts down, local 1 is free. */
async function loop(
  memory: WebAssembly.Memory,
  accumulators: number,
  body: (f: ReturnType<ModuleBuilder["function"]>, registers: readonly number[], index: number) => void,
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

/** The median over rounds of work done per nanosecond. */
function rate(run: Loop, iterations: number, workPerIteration: number): number {
  run(iterations);
  const samples = Array.from({ length: 15 }, () => {
    const start = performance.now();
    run(iterations);
    return (iterations * workPerIteration) / ((performance.now() - start) * 1e6);
  });
  return median(samples);
}

export async function measureRoofs(): Promise<Roofs> {
  const relaxed = hasRelaxedSimd();
  const small = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const multiplyAdd = await loop(small, 12, (f, registers) => {
    const factor = f.local("v128");
    for (const r of registers) {
      f.code.get(factor).get(factor);
      if (relaxed) f.code.get(r).op("f32x4.relaxed_madd").set(r);
      else f.code.op("f32x4.mul").get(r).op("f32x4.add").set(r);
    }
  });
  const bytes = 2 ** 28;
  const large = new WebAssembly.Memory({ initial: bytes / 65536, maximum: 65536 });
  new Float32Array(large.buffer).fill(1); // pages that were never written are all one page
  const unroll = 8;
  const readAll = await loop(large, unroll, (f, registers, index) => {
    registers.forEach((r, i) =>
      f.code
        .get(r)
        .get(index)
        .memory("v128.load", 16 * i)
        .op("f32x4.add")
        .set(r),
    );
    f.code
      .get(index)
      .i32(16 * unroll)
      .op("i32.add")
      .set(index);
  });
  return {
    gigaflops: rate(multiplyAdd, 2_000_000, 12 * 4 * 2),
    gigabytesPerSecond: rate(readAll, bytes / (16 * unroll), 16 * unroll),
  };
}

/** The higher of two measurements: a machine that was busy during one of them has no lower roof for it. */
export const higher = (a: Roofs, b: Roofs): Roofs => ({
  gigaflops: Math.max(a.gigaflops, b.gigaflops),
  gigabytesPerSecond: Math.max(a.gigabytesPerSecond, b.gigabytesPerSecond),
});
