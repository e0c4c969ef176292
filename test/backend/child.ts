/** Programs in processes of their own, with an environment, a compiler and a cache folder that are the test's. */
import { execFile, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeviceError } from "typegrad";
import { findKoffi } from "#src/backend/native/library.js";
import { findToolchain } from "#src/backend/native/toolchain.js";

/** Why native kernels cannot be tested here; `false` where they can. */
export function noNative(): string | false {
  try {
    findKoffi();
    findToolchain();
    return false;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return error.message;
  }
}

/** What a child printed: the sum of a product, what ran it, and the warnings. */
export interface Told {
  readonly total: number;
  readonly ran: string;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** Sums the elements of A·A, A[i,j] = (3i + 5j) mod 7, on `device`; all numbers on the way are small integers. */
const script = (device: string, from: string): string => `
  import { compile, setDevice, tensor } from ${JSON.stringify(from)};
  const warnings = [];
  process.on("warning", ({ code, message }) => warnings.push({ code, message }));
  if (${JSON.stringify(device)} !== "") await setDevice(${JSON.stringify(device)});
  const a = tensor(Array.from({ length: 64 }, (_, i) => Array.from({ length: 64 }, (_, j) => (3 * i + 5 * j) % 7)));
  const f = compile((x) => x.matmul(x).sum());
  let total = await f(a).item();
  if (process.env.TIMES) for (let i = 0; i < Number(process.env.TIMES); i++) total = await f(a).item();
  await new Promise(setImmediate);
  const ran = f.explain().split("\\n").at(-1);
  process.stdout.write(JSON.stringify({ total, ran, warnings }));
`;

const element = (i: number, j: number): number => (3 * i + 5 * j) % 7;
/** The sum that children print. */
export const expected = ((): number => {
  let sum = 0;
  for (let i = 0; i < 64; i++)
    for (let j = 0; j < 64; j++) for (let k = 0; k < 64; k++) sum += element(i, k) * element(k, j);
  return sum;
})();

export interface ChildOptions {
  readonly device?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What it imports. */
  readonly from?: string;
  /** Largest file it may write, in blocks of 512 bytes. */
  readonly blocks?: number;
}

export function runChild({ device = "native", env = {}, cwd, from = "typegrad", blocks }: ChildOptions): Promise<Told> {
  const node = [process.execPath, "--no-warnings", "--input-type=module", "-e", script(device, from)];
  const [file, ...args] =
    blocks === undefined ? node : ["/bin/sh", "-c", `ulimit -f ${blocks}; exec "$@"`, "sh", ...node];
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd, env: { ...process.env, ...env }, encoding: "utf8" }, (error, stdout) => {
      if (error) reject(error);
      else resolve(JSON.parse(stdout));
    });
  });
}

/** A folder with a cache, whose name has spaces, and a compiler that logs what it compiles. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), "typegrad native "));
  readonly cache = join(this.folder, "kept here");
  /** Where libraries stand. */
  readonly libraries = join(this.cache, "typegrad", "native");
  readonly #log = join(this.folder, "log");
  readonly compiler = this.script("cc", "");

  /** A compiler that logs, and runs `first` before it does what it is asked for; `$compiles` is set when it compiles. */
  script(name: string, first: string): string {
    const real = spawnSync("/bin/sh", ["-c", "command -v cc || command -v clang || command -v gcc"], {
      encoding: "utf8",
    });
    const path = join(this.folder, name);
    const text = `#!/bin/sh
case " $* " in *" -c "*) compiles=1; echo compile >> "${this.#log}";; *) compiles=;; esac
${first}
exec ${real.stdout.trim()} "$@"
`;
    writeFileSync(path, text);
    chmodSync(path, 0o755);
    return path;
  }

  get env(): Readonly<Record<string, string>> {
    return { XDG_CACHE_HOME: this.cache, CC: this.compiler };
  }
  /** How often something was compiled since the last question. */
  compiled(): number {
    if (!existsSync(this.#log)) return 0;
    const count = readFileSync(this.#log, "utf8").trim().split("\n").length;
    rmSync(this.#log);
    return count;
  }
  kept(): readonly string[] {
    return readdirSync(this.libraries).toSorted();
  }
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
