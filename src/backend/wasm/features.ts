/** What the engine at hand can do. */
import { ModuleBuilder } from "./assembler.js";

/** Whether fused multiply-add instructions compile. Node 20 has them behind a flag that can be set while running. */
export const hasRelaxedSimd = (): boolean => (relaxed ??= validatesMadd() || (allowRelaxedSimd(), validatesMadd()));

/**
 * Rows of a register tile two vectors wide. Engines old enough to hide relaxed SIMD behind a flag run out of registers with
 * six (measured on Node 20: 55 GFLOP/s with four, 43 with six; on Node 26 58 and 62).
 */
export function tileRows(): number {
  hasRelaxedSimd();
  return flagWasNeeded ? 4 : 6;
}

let relaxed: boolean | undefined;
let flagWasNeeded = false;

function validatesMadd(): boolean {
  const module = new ModuleBuilder({ shared: false });
  const f = module.function(["v128"], ["v128"]);
  f.code.get(0).get(0).get(0).op("f32x4.relaxed_madd");
  return WebAssembly.validate(module.finish());
}

function allowRelaxedSimd(): void {
  if (typeof process === "undefined" || typeof process.getBuiltinModule !== "function") return;
  flagWasNeeded = true;
  process.getBuiltinModule("node:v8")?.setFlagsFromString("--experimental-wasm-relaxed-simd");
}
