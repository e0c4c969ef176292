/** The native device beyond its arithmetic: the folder of compiled kernels, and compilers that fail. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type Tensor, arange, compile, evaluate, full, getDevice, getThreads, setDevice, setThreads } from "typegrad";
import { startBuild } from "#src/backend/native/builder.js";
import { streamedStores } from "#src/backend/native/streams.js";
import type { Toolchain } from "#src/backend/native/toolchain.js";
import type { Statement, Value } from "#src/compile/loop.js";
import { add, get, int, kernel, load, local, loop, mul, store } from "./build.js";
import { type Told, Workshop, expected, noNative, runChild } from "./child.js";

const skip = noNative();
const isRoot = process.getuid?.() === 0;

/** A test in a workshop of its own. */
function inWorkshop(title: string, body: (w: Workshop) => Promise<void>, why: string | false = false): void {
  test(title, { skip: skip || why }, async () => {
    const workshop = new Workshop();
    try {
      await body(workshop);
    } finally {
      workshop.remove();
    }
  });
}

function ranInC(told: Told): void {
  assert.equal(told.total, expected);
  assert.match(told.ran, /^native: /);
}
/** It ran, if not in C, and said once why. */
function fellBack(told: Told, why: RegExp): void {
  assert.equal(told.total, expected);
  assert.match(told.ran, /^wasm: /);
  const complaints = told.warnings.filter((w) => w.code === "TYPEGRAD_NATIVE_COMPILE");
  assert.equal(complaints.length, 1);
  assert.match(complaints[0].message, why);
}

inWorkshop("a second process compiles nothing, and the folder is private", async (w) => {
  ranInC(await runChild({ env: w.env }));
  assert.ok(w.compiled() > 0);
  const kept = w.kept();
  assert.ok(kept.length > 0 && kept.every((name) => /^[0-9a-f]{32}\.so$/.test(name)), kept.join());
  for (const folder of [w.libraries, dirname(w.libraries)]) assert.equal(lstatSync(folder).mode & 0o777, 0o700);
  ranInC(await runChild({ env: w.env }));
  assert.equal(w.compiled(), 0);
  assert.deepEqual(w.kept(), kept);
});

inWorkshop("processes that compile the same at once do not disturb each other", async (w) => {
  const all = await Promise.all([1, 2, 3].map(() => runChild({ env: w.env })));
  all.forEach(ranInC);
  assert.ok(w.kept().every((name) => name.endsWith(".so")));
  ranInC(await runChild({ env: w.env }));
});

inWorkshop("damaged libraries are compiled again", async (w) => {
  await runChild({ env: w.env });
  const paths = w.kept().map((name) => join(w.libraries, name));
  const whole = paths.map((path) => readFileSync(path));
  const damage: readonly ((path: string, bytes: Buffer) => void)[] = [
    (path, bytes) => truncateSync(path, Math.floor(bytes.length / 2)),
    (path) => truncateSync(path, 0),
    (path) => writeFileSync(path, "not a library, but long enough to look at"),
    (path, bytes) =>
      writeFileSync(
        path,
        bytes.map((b, i) => (i === 4000 ? b ^ 1 : b)),
      ),
  ];
  for (const harm of damage) {
    paths.forEach((path, i) => harm(path, whole[i]));
    w.compiled();
    const told = await runChild({ env: w.env });
    ranInC(told);
    assert.deepEqual(told.warnings, []);
    assert.ok(w.compiled() >= paths.length);
  }
});

/** Nothing is kept in such a folder, it is said why, and kernels are compiled all the same. */
async function distrusted(w: Workshop, why: RegExp): Promise<void> {
  const told = await runChild({ env: w.env });
  ranInC(told);
  const said = told.warnings.filter((x) => x.code === "TYPEGRAD_NATIVE_CACHE");
  assert.equal(said.length, 1);
  assert.match(said[0].message, why);
  assert.ok(!told.ran.includes(w.cache));
}

inWorkshop("a folder that others can write to is not used", async (w) => {
  mkdirSync(w.libraries, { recursive: true });
  for (const mode of [0o777, 0o770, 0o755]) {
    chmodSync(w.libraries, mode);
    await distrusted(w, /open to other users/);
    assert.deepEqual(w.kept(), []);
  }
});

inWorkshop("a link, or a file, in the folder's place is not used", async (w) => {
  mkdirSync(dirname(w.libraries), { recursive: true });
  const elsewhere = join(w.folder, "elsewhere");
  mkdirSync(elsewhere, { mode: 0o700 });
  symlinkSync(elsewhere, w.libraries);
  await distrusted(w, /is not a folder/);
  const other = new Workshop();
  try {
    mkdirSync(dirname(other.libraries), { recursive: true });
    writeFileSync(other.libraries, "");
    await distrusted(other, /EEXIST|ENOTDIR/);
  } finally {
    other.remove();
  }
});

inWorkshop(
  "a folder of another user is not used",
  async (w) => {
    mkdirSync(w.libraries, { recursive: true, mode: 0o700 });
    chownSync(w.libraries, 65_534, 65_534);
    await distrusted(w, /belongs to another user/);
  },
  !isRoot && "only root can give a folder away",
);

inWorkshop(
  "a folder that cannot be written to is not used",
  async (w) => {
    mkdirSync(w.libraries, { recursive: true, mode: 0o700 });
    chmodSync(w.libraries, 0o500);
    await distrusted(w, /EACCES/);
  },
  isRoot && "root can write everywhere",
);

inWorkshop("a kernel that the compiler refuses is named, and runs on wasm", async (w) => {
  const CC = w.script("refusing", '[ -z "$compiles" ] || set -- -Dv2=+ "$@"');
  fellBack(await runChild({ env: { ...w.env, CC } }), /must accept a program, got .*k_\w*(dot|sum).*error/s);
  assert.deepEqual(w.kept(), []);
});

inWorkshop("a compiler that crashes, or is gone, leaves the program to wasm", async (w) => {
  const crashing = w.script("crashing", '[ -z "$compiles" ] || kill -SEGV $$');
  fellBack(await runChild({ env: { ...w.env, CC: crashing } }), /must accept|must run/);
  const leaving = w.script("leaving", 'rm -f "$0"');
  fellBack(await runChild({ env: { ...w.env, CC: leaving } }), /must run, got .*ENOENT/);
  assert.deepEqual(w.kept(), []);
});

inWorkshop("a compiler that leaves nothing, or what is no library, leaves the program to wasm", async (w) => {
  const nothing = w.script("nothing", 'case " $* " in *" -shared "*) exit 0;; esac');
  fellBack(await runChild({ env: { ...w.env, CC: nothing } }), /must leave a library, got ENOENT/);
  const writes = 'for a; do [ "$was" != -o ] || echo text > "$a"; was=$a; done; exit 0';
  const text = w.script("text", `case " $* " in *" -shared "*) ${writes};; esac`);
  fellBack(await runChild({ env: { ...w.env, CC: text } }), /must be a library that can be loaded, got/);
});

inWorkshop("where nothing can be written, programs keep to wasm", async (w) => {
  mkdirSync(dirname(w.libraries), { recursive: true });
  writeFileSync(w.libraries, "");
  const env = { ...w.env, TMPDIR: join(w.folder, "nowhere"), TIMES: "9000" };
  const told = await runChild({ device: "", env });
  assert.equal(told.total, expected);
  assert.deepEqual(
    told.warnings.map((x) => x.code),
    ["TYPEGRAD_NATIVE_CACHE", "TYPEGRAD_NATIVE_COMPILER"],
  );
  await assert.rejects(runChild({ env }), /DeviceError: .*must have a folder to compile in, got ENOENT/);
});

inWorkshop("a compiler that does not answer is ended, and not waited for again", async (w) => {
  const command = w.script("silent", `[ -z "$compiles" ] || { echo $$ >> "${w.folder}/pids"; exec sleep 600; }`);
  const toolchain: Toolchain = { command, flags: [], identity: "", vectorBytes: 16, registers: 16 };
  const silent = (patience: number): number => {
    const started = performance.now();
    const folder = join(w.folder, `${patience}.tmp`);
    const build = startBuild(toolchain, { head: "", functions: ["int f;"] }, folder, () => {}, patience);
    assert.throws(() => build.wait(), { name: "CompileError", message: /must answer within .* s, got nothing/ });
    assert.equal(existsSync(folder), false);
    return performance.now() - started;
  };
  const [first, second] = [silent(2000), silent(6000)];
  assert.ok(first >= 2000 && second < 2000, `${first} and ${second} ms`);
  const running = (): boolean[] =>
    readFileSync(join(w.folder, "pids"), "utf8")
      .trim()
      .split("\n")
      .map((pid) => existsSync(`/proc/${pid}`));
  await sleep(1000);
  assert.ok(running()[0] === false, "the first is ended");
  while (running().includes(true)) await sleep(100);
});

inWorkshop("a compiler at work ends with the program", async (w) => {
  const pids = join(w.folder, "pids");
  const command = w.script("hanging", `[ -z "$compiles" ] || { echo $$ > "${pids}"; exec sleep 600; }`);
  const toolchain: Toolchain = { command, flags: [], identity: "", vectorBytes: 16, registers: 16 };
  const program = `
    import { existsSync } from "node:fs";
    import { startBuild } from ${JSON.stringify(import.meta.resolve("#src/backend/native/builder.js"))};
    startBuild(${JSON.stringify(toolchain)}, { head: "", functions: ["int f;"] }, ${JSON.stringify(join(w.folder, "made"))}, () => {});
    while (!existsSync(${JSON.stringify(pids)})) await new Promise((done) => setTimeout(done, 20));
  `;
  await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
  const pid = readFileSync(pids, "utf8").trim();
  const end = performance.now() + 5000;
  while (existsSync(`/proc/${pid}/exe`) && performance.now() < end) await sleep(20);
  assert.ok(!existsSync(`/proc/${pid}/exe`), "it is ended");
});

inWorkshop("CC may name a compiler with its first arguments, as for make", async (w) => {
  w.script("wrapper", "shift");
  const env = { ...w.env, CC: "wrapper cc", PATH: `${w.folder}:${process.env["PATH"]}` };
  ranInC(await runChild({ env }));
  assert.ok(w.compiled() > 0);
});

inWorkshop("a disk without room leaves the program to wasm, and nothing behind", async (w) => {
  fellBack(await runChild({ env: w.env, blocks: 4 }), /must accept|must run|EFBIG/);
  assert.deepEqual(w.kept(), []);
});

inWorkshop("without a compiler setDevice says what to install, or what CC may name", async (w) => {
  const none = { ...w.env, CC: "", PATH: join(w.folder, "nowhere") };
  await assert.rejects(runChild({ env: none }), /DeviceError: .*must have a C compiler.*install one/);
  const wrong = { ...w.env, CC: join(w.folder, "no such compiler") };
  await assert.rejects(runChild({ env: wrong }), /DeviceError: .*must have a C compiler.*let CC name one/);
});

test("a kernel with more buffers than a word has bits, truth values among them", { skip }, async () => {
  const before = getDevice().name;
  await setDevice("native");
  try {
    const f = compile((xs: Tensor[]) => {
      const total = xs.reduce((a, b) => a.add(b));
      return [total, total.greater(2000)] as const;
    });
    const [total, isMore] = f(Array.from({ length: 70 }, (_, i) => full([200_000], i)));
    assert.ok((await total.data()).every((x) => x === 2415));
    assert.equal(await isMore.all().item(), 1);
    assert.match(f.explain().split("\n").at(-1) ?? "", /^native: /);
  } finally {
    await setDevice(before);
  }
});

test("stores go past the caches where a large result is written in aligned vectors, and is not read", () => {
  const infos = [1 << 23, 1 << 23, 1 << 22].map((n, index) => ({
    dtype: "float32" as const,
    shape: [n],
    placement: { kind: "output" as const, index },
  }));
  const [rows, columns] = [local("row"), local("column")];
  /** How many stores are streamed of a kernel that writes vectors along rows of so many elements. */
  const streamed = (from: number, to: number, width: number, aliases = [0, 1, 2], start: Value = int(0)): number => {
    const { kernel: k } = kernel("copy", 8, (first, last) => {
      const at = add(mul(get(rows), int(width)), get(columns));
      const body: Statement[] = [store(to, at, load("float32", from, at, 16))];
      return [loop(rows, get(first), get(last), 1, [loop(columns, start, int(width), 16, body)])];
    });
    return streamedStores(k, infos, aliases).size;
  };
  assert.equal(streamed(0, 1, 64), 1);
  assert.equal(streamed(0, 1, 72), 0, "rows that do not begin at lines");
  assert.equal(streamed(0, 1, 64, undefined, int(8)), 0, "vectors that do not");
  assert.equal(streamed(0, 1, 64, undefined, get(rows)), 0, "or may not");
  assert.equal(streamed(0, 2, 64), 0, "a result that fits the caches");
  assert.equal(streamed(0, 1, 64, [0, 0, 2]), 0, "a result in place");
});

test("large results are whole on every thread", { skip }, async () => {
  const before = [getDevice().name, getThreads()] as const;
  await setDevice("native");
  try {
    for (const threads of [1, 2]) {
      setThreads(threads);
      for (const n of [1 << 23, (1 << 23) + 8]) {
        const x = arange(n).mul(0.5);
        evaluate(x);
        const f = compile((a: Tensor) => a.mul(2).add(1));
        const g = compile((a: Tensor) => f(a).sub(a.mul(2)).sub(1).abs().max());
        for (let i = 0; i < 4; i++) assert.equal(await g(x).item(), 0);
        const y = await f(x).data();
        assert.ok([0, 1, 12_345, n - 9, n - 1].every((i) => y[i] === i + 1));
      }
    }
  } finally {
    setThreads(before[1]);
    await setDevice(before[0]);
  }
});
