/** What the engine at hand can do. */
import { ModuleBuilder } from "./assembler.js";

/** Whether fused multiply-add instructions compile. Node 20 has them behind a flag that can be set while running. */
export const hasRelaxedSimd: () => boolean = once(() => {
  if (!validatesMadd()) allowRelaxedSimd();
  return validatesMadd();
});

function validatesMadd(): boolean {
  const module = new ModuleBuilder({ shared: false });
  const f = module.function(["v128"], ["v128"]);
  f.code.get(0).get(0).get(0).op("f32x4.relaxed_madd");
  return WebAssembly.validate(module.finish());
}

function allowRelaxedSimd(): void {
  if (typeof process === "undefined" || typeof process.getBuiltinModule !== "function") return;
  process.getBuiltinModule("node:v8")?.setFlagsFromString("--experimental-wasm-relaxed-simd");
}

function once<T extends boolean>(f: () => T): () => T {
  let known: T | undefined;
  return () => (known ??= f());
}
