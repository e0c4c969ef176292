/** The C compiler of this machine, and what it makes of this processor. */
import { DeviceError, TypegradError, messageOf } from "../../util/errors.js";

/** A compiler that works. */
export interface Toolchain {
  readonly command: string;
  /** Arguments that all compilations have in common. */
  readonly flags: readonly string[];
  /** Differs whenever the same source may give other code: compiler, version, instruction sets, flags. */
  readonly identity: string;
  /** Bytes of the widest vectors the processor works on at once. */
  readonly vectorBytes: 16 | 32 | 64;
  /** Vector registers. */
  readonly registers: 16 | 32;
}

/** A compiler refused a source, or what it made is of no use. */
export class CompileError extends TypegradError {
  override name = "CompileError";
}

/** What went wrong with `expected`, as a `CompileError`. */
export function asCompileError(expected: string, error: unknown): CompileError {
  if (error instanceof CompileError) return error;
  return new CompileError(`native: ${expected}, got ${messageOf(error)}`, { cause: error });
}

/**
 * Arithmetic is what the source says: multiply-adds are written out, so no others are made (`-ffp-contract=off`); integers
 * wrap; the floating-point exceptions and `errno`, which nobody reads, may be wrong.
 */
const baseFlags = [
  "-std=gnu11",
  "-O2",
  "-fPIC",
  "-fwrapv",
  "-fno-strict-aliasing",
  "-fno-math-errno",
  "-fno-trapping-math",
  "-ffp-contract=off",
  "-fno-asynchronous-unwind-tables",
  "-Wno-psabi",
];
const nativeFlags = ["-march=native", "-mcpu=native"];

export const missing = (op: string, what: string): DeviceError =>
  new DeviceError(`${op}: the native device must have ${what}. or use setDevice("wasm"), which needs nothing`);

export function nodeProcess(): NodeJS.Process {
  if (typeof process === "undefined" || typeof process.getBuiltinModule !== "function")
    throw missing("device", "Node 20.19 or later, got another runtime");
  return process;
}

/**
 * The compiler that `CC` names, perhaps with arguments, as for make (`ccache gcc`), or the first of `cc`, `clang` and `gcc`
 * that works.
 *
 * @throws DeviceError when there is none.
 */
export function findToolchain(): Toolchain {
  const CC = nodeProcess().env["CC"]?.trim() ?? "";
  const { existsSync } = nodeProcess().getBuiltinModule("node:fs");
  const named = existsSync(CC) ? [CC] : CC.split(/\s+/);
  const tried: string[] = [];
  for (const [command, ...first] of CC === "" ? [["cc"], ["clang"], ["gcc"]] : [named])
    for (const native of nativeFlags) {
      const flags = [...first, ...baseFlags, native];
      const macros = probe(command, flags);
      if (macros.text !== null) return toolchain(command, flags, macros.text);
      tried.push(`${[command, ...first, native].join(" ")}: ${macros.why}`);
    }
  const remedy = CC === "" ? "install one: apt install gcc, xcode-select --install" : "let CC name one, or unset it";
  throw missing("device", `a C compiler, got none that works (${tried.join("; ")}). ${remedy}`);
}

/** All macros a compiler defines: its version, and a macro for each instruction set. */
function probe(command: string, flags: readonly string[]): { readonly text: string | null; readonly why: string } {
  const { spawnSync } = nodeProcess().getBuiltinModule("node:child_process");
  const { status, stdout, stderr, error } = spawnSync(command, [...flags, "-dM", "-E", "-x", "c", "-"], {
    input: "",
    encoding: "utf8",
    timeout: 20_000,
    maxBuffer: 1 << 24,
  });
  if (error !== undefined) return { text: null, why: error.message };
  if (status === 0 && stdout.includes("__INT64_TYPE__")) return { text: stdout, why: "" };
  return { text: null, why: (stderr ?? "").trim().split("\n")[0] || `exit status ${status}` };
}

function toolchain(command: string, flags: readonly string[], macros: string): Toolchain {
  const has = (name: string): boolean => macros.includes(`#define ${name} `);
  const wide = has("__AVX512F__") && has("__AVX512DQ__") && has("__AVX512VL__");
  return {
    command,
    flags,
    identity: JSON.stringify([command, flags, macros]),
    vectorBytes: wide ? 64 : has("__AVX2__") ? 32 : 16,
    registers: wide || has("__aarch64__") ? 32 : 16,
  };
}
