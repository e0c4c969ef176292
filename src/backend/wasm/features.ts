/** What the engine at hand can do. */
import { ModuleBuilder } from "./assembler.js";

/**
 * Whether fused multiply-add instructions compile. Node 20 has them behind a flag that can be set while running. Engines of
 * that age also optimise JavaScript that has hardly run: two thirds of LeNet's first step went there, for functions that were
 * done before. They are told to wait eight times as long, about as long as later ones do.
 */
export const hasRelaxedSimd = (): boolean =>
  (relaxed ||= (setFlags("--experimental-wasm-relaxed-simd", "--interrupt-budget=540000"), validatesMadd()));

function validatesMadd(): boolean {
  const module = new ModuleBuilder({ shared: false });
  const f = module.function(["v128"], ["v128"]);
  f.code.get(0).get(0).get(0).op("f32x4.relaxed_madd");
  return WebAssembly.validate(module.finish());
}

let relaxed = validatesMadd();
/** How modules are compiled by default; V8 11, which does not begin with fused multiply-adds, inlines no calls. */
const usualFlags = ["--liftoff", "--wasm-lazy-compilation", ...(relaxed ? ["--wasm-inlining"] : [])];

/** Sets options of the engine while it runs, where that can be done. */
function setFlags(...flags: readonly string[]): boolean {
  if (typeof process === "undefined" || typeof process.getBuiltinModule !== "function") return false;
  for (const flag of flags) process.getBuiltinModule("node:v8")?.setFlagsFromString(flag);
  return true;
}

/**
 * A module for programs that run so many operations at a time. Engines begin with code that is made quickly and runs at a
 * quarter of the speed: the first run of a long program is over before there is better. In Node that is made at once from
 * 2000 operations for each byte on, where it takes as long as quick code would lose. Calls are not inlined then: V8 13 and
 * 14 look up what quick code has counted, and end the process where there was none; or, if inlining stayed off, where modules
 * made before, of whatever package, are instantiated again. Flags go back to the defaults and what the command line says.
 */
export function moduleOf(bytes: Uint8Array<ArrayBuffer>, work: number): WebAssembly.Module {
  const atOnce =
    work > 2000 * bytes.length && setFlags("--no-liftoff", "--no-wasm-lazy-compilation", "--no-wasm-inlining");
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    if (atOnce) setFlags(...usualFlags, ...chosenFlags());
  }
}

/** What the command line says of how modules are compiled; what a program set since cannot be asked for. */
const chosenFlags = (): string[] =>
  [...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/), ...process.execArgv].filter((flag) =>
    /^--no[-_]?(liftoff|wasm[-_]lazy[-_]compilation|wasm[-_]inlining)$/.test(flag),
  );
