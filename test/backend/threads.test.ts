/** Programs on several threads: the same results, and no thread that is lost makes anybody wait for ever. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, test } from "node:test";
import { build } from "esbuild";
import { Choice } from "#src/backend/arena/choice.js";
import type { ArenaDevice } from "#src/backend/arena/device.js";
import type { Code } from "#src/backend/arena/executable.js";
import type { Plan } from "#src/backend/arena/plan.js";
import { type Parcel, currentPool } from "#src/backend/arena/pool.js";
import { poolWords } from "#src/backend/arena/worker.js";
import { alwaysWorth, sharedWork, stagesOf } from "#src/backend/arena/stages.js";
import { NativeDevice, type NativeOptions } from "#src/backend/native/device.js";
import { WasmDevice } from "#src/backend/wasm/device.js";
import type { BufferInfo, Local, Program, Statement, Step, Value } from "#src/compile/loop.js";
import { DeviceError, getThreads, setThreads } from "typegrad";
import { add, get, int, kernel, load, local, loop, mul, op, program, runOn, store } from "./build.js";

const counts = [1, 2, 3] as const;

type DeviceClass = new (options: NativeOptions) => ArenaDevice;
/** Devices that compute on threads; `native` only where there are a compiler and koffi. */
const hasNative = ((): boolean => {
  try {
    return new NativeDevice().name === "native";
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    console.log(`threads: native IS NOT TESTED: ${error.message}`);
    return false;
  }
})();
const devices: readonly DeviceClass[] = hasNative ? [WasmDevice, NativeDevice] : [WasmDevice];

/** Runs a program on so many threads, and checks that they did run it. */
function runWith(threads: number, p: Program, inputs: readonly Int32Array[], device = splitting()): readonly unknown[] {
  setThreads(threads);
  const before = currentPool()?.runs ?? 0;
  const result = runOn(device, p, inputs);
  const pool = currentPool();
  assert.equal(pool?.threads ?? 1, threads);
  if (pool !== null) assert.ok(pool.runs > before, "several threads took part");
  return result;
}
const everything = { worth: alwaysWorth, smallest: 0 };
const splitting = (Device: DeviceClass = WasmDevice): ArenaDevice => new Device(everything);

/** Workers of a pool that was stopped end on the event loop; only then is there another. */
async function settled(): Promise<void> {
  while (getThreads() > 1 && currentPool() === null) await turn();
}

/** A kernel with a task for each element. */
const each = (name: string, n: number, body: (i: Value) => readonly Statement[]) =>
  kernel(name, n, (first: Local, last: Local) => {
    const i = local("task");
    return [loop(i, get(first), get(last), 1, body(get(i)))];
  });
const ints = (n: number) => ({ dtype: "int32", shape: [n] }) as const;
const temporary = (n: number, offset: number): BufferInfo => ({ ...ints(n), placement: { kind: "temporary", offset } });
const at = (buffer: number, i: Value): Value => load("int32", buffer, i);
const counter = (number: number): Value => ({ kind: "counter", type: "int32", lanes: 1, loop: number });

for (const [Device, threads] of devices.flatMap((Device) => counts.map((n) => [Device, n] as const)))
  describe(`${Device.name}, ${threads} threads`, () => {
    test("every task is done once, whatever their number", async () => {
      const device = splitting(Device);
      setThreads(threads);
      await settled();
      for (const n of [2, 3, 5, 7, 64, 1000]) {
        const rounds = 50;
        const p = program(
          [ints(n)],
          [ints(n)],
          [
            each("start", n, (i) => [store(1, i, at(0, i))]),
            {
              kind: "loop",
              loop: 0,
              length: rounds,
              reverse: false,
              steps: [each("count", n, (i) => [store(1, i, add(at(1, i), int(1)))])],
            },
          ],
          { loops: 1 },
        );
        const input = Int32Array.from({ length: n }, (_, i) => i);
        assert.deepEqual(runWith(threads, p, [input], device), [input.map((x) => x + rounds)]);
      }
    });

    test("kernels see all of what those before them wrote, also what one thread wrote alone", async () => {
      setThreads(threads);
      await settled();
      const n = 500;
      const rounds = 2000;
      const reversed = (i: Value) => op("sub", "int32", int(n - 1), i);
      // Each round reverses, adds the total that a single task left, and that task reads one element.
      const p = program(
        [ints(n)],
        [ints(n)],
        [
          each("start", n, (i) => [store(1, i, at(0, i))]),
          {
            kind: "loop",
            loop: 0,
            length: rounds,
            reverse: true,
            steps: [
              kernel("single", 1, () => [store(3, int(0), add(at(1, int(7)), counter(0)))]),
              each("reverse", n, (i) => [store(2, i, add(at(1, reversed(i)), at(3, int(0))))]),
              each("back", n, (i) => [store(1, i, op("and", "int32", at(2, i), int(0xffff)))]),
            ],
          },
        ],
        { others: [temporary(n, 0), temporary(1, 4096)], workspaceBytes: 8192, loops: 1 },
      );
      const input = Int32Array.from({ length: n }, (_, i) => i * i);
      let expected: Int32Array = input;
      for (let round = rounds - 1; round >= 0; round--) {
        const total = expected[7] + round;
        expected = expected.toReversed().map((x) => (x + total) & 0xffff);
      }
      assert.deepEqual(runWith(threads, p, [input], splitting(Device)), [expected]);
    });

    test("branches inside loops are taken by all threads alike", async () => {
      setThreads(threads);
      await settled();
      const n = 300;
      const rounds = 600;
      const [one, two] = [3, 5].map((factor) =>
        each(`times ${factor}`, n, (i) => [
          store(1, i, op("and", "int32", add(mul(at(1, i), int(factor)), i), int(0xfff))),
        ]),
      );
      const steps: readonly Step[] = [
        kernel("choose", 1, () => [store(2, int(0), op("and", "int32", at(1, int(1)), int(3)))]),
        {
          kind: "branch",
          selector: 2,
          cases: [[one], [two, one], [kernel("alone", 1, () => [store(1, int(1), counter(0))])]],
        },
        kernel("spoil", 1, () => [store(2, int(0), int(99))]),
      ];
      const p = program(
        [ints(n)],
        [ints(n)],
        [
          each("start", n, (i) => [store(1, i, at(0, i))]),
          { kind: "loop", loop: 0, length: rounds, reverse: false, steps },
        ],
        { others: [temporary(1, 0)], workspaceBytes: 64, loops: 1 },
      );
      const expected = Int32Array.from({ length: n }, (_, i) => i);
      const times = (factor: number) => expected.forEach((x, i) => (expected[i] = (x * factor + i) & 0xfff));
      for (let round = 0; round < rounds; round++) {
        const which = Math.min(expected[1] & 3, 2);
        if (which === 2) expected[1] = round;
        else if (which === 1) times(5);
        if (which < 2) times(3);
      }
      assert.deepEqual(runWith(threads, p, [Int32Array.from({ length: n }, (_, i) => i)], splitting(Device)), [
        expected,
      ]);
    });

    test("a thread has scratch memory of its own", async () => {
      setThreads(threads);
      await settled();
      const n = 200;
      const j = local("j");
      const scratch: BufferInfo = { ...ints(64), placement: { kind: "scratch", offset: 64 } };
      const p = program(
        [ints(n)],
        [ints(n)],
        [
          each("sums", n, (i) => [
            loop(j, int(0), int(64), 1, [store(2, get(j), add(at(0, i), get(j)))]),
            store(1, i, int(0)),
            loop(j, int(0), int(64), 1, [store(1, i, add(at(1, i), at(2, get(j))))]),
          ]),
        ],
        { others: [scratch], scratchBytes: 64 + 4 * 64 },
      );
      const input = Int32Array.from({ length: n }, (_, i) => i * 11);
      assert.deepEqual(runWith(threads, p, [input], splitting(Device)), [input.map((x) => 64 * x + (63 * 64) / 2)]);
    });

    test("a routine may compute on threads while a program stands still", async () => {
      setThreads(threads);
      await settled();
      const device = splitting(Device);
      const n = 100;
      const double = program([ints(n)], [ints(n)], [each("double", n, (i) => [store(1, i, mul(at(0, i), int(2)))])]);
      const outer = program(
        [ints(n)],
        [ints(n)],
        [
          {
            kind: "loop",
            loop: 0,
            length: 3,
            reverse: false,
            steps: [
              each("add", n, (i) => [store(2, i, add(at(0, i), counter(0)))]),
              {
                kind: "routine",
                name: "inner",
                inputs: [2],
                outputs: [1],
                run: ([x]) => {
                  const [result] = runOn(device, double, [Int32Array.from(x.data)]);
                  return [{ shape: x.shape, data: Float64Array.from(result) }];
                },
              },
              each("more", n, (i) => [store(1, i, add(at(1, i), int(1)))]),
            ],
          },
        ],
        { others: [temporary(n, 0)], workspaceBytes: 4 * n + 64, loops: 1 },
      );
      const input = Int32Array.from({ length: n }, (_, i) => i);
      assert.deepEqual(runWith(threads, outer, [input], device), [input.map((x) => 2 * (x + 2) + 1)]);
    });
  });

test("where threads meet: never twice in a row, and always between what depends on each other", () => {
  const shared = each("shared", 8, (i) => [store(0, i, i)]);
  const single = kernel("single", 1, () => [store(0, int(0), int(0))]);
  const kinds = (steps: readonly Step[]): string =>
    stagesOf(steps, 0)
      .map((stage) => stage.kind)
      .join(" ");
  assert.equal(kinds([]), "");
  assert.equal(kinds([single, single]), "alone barrier");
  assert.equal(kinds([shared, shared]), "together barrier together barrier");
  assert.equal(kinds([single, shared, single, single]), "alone barrier together barrier alone barrier");
  const loops = { kind: "loop", loop: 0, length: 2, reverse: false } as const;
  assert.equal(kinds([{ ...loops, steps: [single] }, single]), "alone barrier");
  assert.equal(kinds([{ ...loops, steps: [single, shared] }, single]), "loop alone barrier");
  assert.equal(
    kinds([single, { kind: "branch", selector: 0, cases: [[], [shared]] }, single]),
    "alone barrier branch barrier alone barrier",
  );
  assert.equal(sharedWork([single, { ...loops, steps: [shared, shared] }], 0), 4);
  assert.equal(sharedWork([shared], 1), 0);
});

describe("one thread or several: what is faster", () => {
  /** Calls of each kind, when they take these times. */
  const tally = (choice: Choice, calls: number, alone: () => number, together: () => number): [number, number] => {
    const counts: [number, number] = [0, 0];
    for (let i = 0; i < calls; i++) {
      counts[Number(choice.together)]++;
      choice.took(choice.together ? together() : alone());
    }
    return counts;
  };

  test("is chosen, and the slower tried again for a thirtieth of the time at most", () => {
    for (const [alone, together] of [
      [1, 1.05],
      [1, 2],
      [1, 20],
      [3, 2],
    ]) {
      const calls = 100_000;
      const counts = tally(
        new Choice(),
        calls,
        () => alone,
        () => together,
      );
      const [slow, fast] = alone < together ? [1, 0] : [0, 1];
      assert.ok(counts[slow] >= 6 && counts[fast] > 0.9 * calls, `${counts}`);
      assert.ok((counts[slow] * Math.max(alone, together)) / (counts[fast] * Math.min(alone, together)) < 1 / 25);
    }
  });

  test("changes with the machine, and not with single slow calls", () => {
    const choice = new Choice();
    let i = 0;
    const noisy = (time: number) => () => (i++ % 10 === 0 ? 50 * time : time);
    const first = tally(choice, 3000, noisy(3), noisy(2));
    assert.ok(first[1] > 2500, `${first}`);
    const then = tally(choice, 3000, noisy(3), noisy(9));
    assert.ok(then[0] > 2500, `${then}`);
    const again = tally(choice, 3000, noisy(3), noisy(2));
    assert.ok(again[1] > 2000, `${again}`);
  });

  test("a first call together that had to wake workers does not settle it", () => {
    const choice = new Choice();
    let calls = 0;
    const counts = tally(
      choice,
      1000,
      () => 2,
      () => (calls++ === 0 ? 100 : 1),
    );
    assert.ok(counts[1] > 900, `${counts}`);
  });
});

const doubled = (n: number): Program =>
  program([ints(n)], [ints(n)], [each("double", n, (i) => [store(1, i, mul(at(0, i), int(2)))])]);

test("many programs, each let go soon", async () => {
  setThreads(2);
  await settled();
  const device = splitting();
  for (let k = 2; k < 300; k++) {
    const input = Int32Array.from({ length: k }, (_, i) => i);
    assert.deepEqual(runWith(2, doubled(k), [input], device), [input.map((x) => 2 * x)]);
  }
});

test("memory that grows while workers have it", async () => {
  setThreads(2);
  await settled();
  const device = splitting();
  for (const n of [1 << 10, 1 << 18, 1 << 22, 1 << 23]) {
    const input = Int32Array.from({ length: n }, (_, i) => i);
    const [output] = runWith(2, doubled(n), [input], device);
    assert.deepEqual(
      output,
      input.map((x) => 2 * x),
    );
  }
});

test("without shared memory there is one thread", async () => {
  setThreads(2);
  await settled();
  const runs = currentPool()?.runs;
  const device = new WasmDevice({ shared: false, worth: alwaysWorth });
  const input = Int32Array.of(1, 2, 3);
  assert.deepEqual(runOn(device, doubled(3), [input]), [Int32Array.of(2, 4, 6)]);
  assert.equal(currentPool()?.runs, runs);
});

test("what is read has no shared memory", () => {
  const [output] = runOn(splitting(), doubled(3), [Int32Array.of(1, 2, 3)]);
  assert.ok(output.buffer instanceof ArrayBuffer);
});

/** Devices whose workers do what a script says instead of their part. */
const parcelOf = (script: string): Parcel => ({ kind: "script", script, data: "what for" });
class SabotagedWasm extends WasmDevice {
  readonly #script: string;
  constructor(script: string, options: NativeOptions = everything) {
    super(options);
    this.#script = script;
  }
  protected override link(plan: Plan): Code {
    return { ...super.link(plan), parcel: parcelOf(this.#script) };
  }
}
class SabotagedNative extends NativeDevice {
  readonly #script: string;
  constructor(script: string) {
    super(everything);
    this.#script = script;
  }
  protected override link(plan: Plan): Code {
    return { ...super.link(plan), parcel: parcelOf(this.#script) };
  }
}
const sabotaged = hasNative ? [SabotagedWasm, SabotagedNative] : [SabotagedWasm];

const accidents = [
  {
    what: "throws",
    script: "(data) => () => () => { throw new Error('no ' + data); }",
    message: /thread 1 failed.*no what for/,
  },
  { what: "ends", script: "() => () => () => process.exit(3)", message: /thread 1 ended/ },
];
for (const [Sabotaged, { what, script, message }] of sabotaged.flatMap((x) => accidents.map((y) => [x, y] as const)))
  test(
    `${Sabotaged.name}: a thread that ${what} is an error, and there are threads again after it`,
    { timeout: 20_000 },
    async () => {
      setThreads(2);
      await settled();
      const input = Int32Array.of(1, 2, 3, 4);
      const started = performance.now();
      assert.throws(() => runOn(new Sabotaged(script), doubled(4), [input]), { name: "DeviceError", message });
      assert.ok(performance.now() - started < 5000);
      assert.deepEqual(runOn(splitting(), doubled(4), [input]), [Int32Array.of(2, 4, 6, 8)], "one thread goes on");
      await settled();
      assert.deepEqual(runWith(2, doubled(4), [input]), [Int32Array.of(2, 4, 6, 8)]);
    },
  );

/** Threads that come in time take part, and nobody waits for the others. */
const open = { worth: { ...alwaysWorth, forced: false }, smallest: 0 };

for (const Device of devices)
  test(`${Device.name}: a thread that is busy with something else is not waited for`, async () => {
    setThreads(2);
    await settled();
    const n = 1000;
    const device = new Device(open);
    const executable = device.load(doubled(n), [false]);
    const input = Int32Array.from({ length: n }, (_, i) => i);
    const value = device.upload({ device: "host", ...ints(n), data: input });
    const run = () => device.read(executable.run([value])[0]);
    run();
    const busy = "() => { const end = Date.now() + 1000; while (Date.now() < end); return () => () => {}; }";
    runOn(new SabotagedWasm(busy, open), doubled(n), [input]);
    const [runs, started] = [currentPool()?.runs ?? 0, performance.now()];
    assert.deepEqual(
      run(),
      input.map((x) => 2 * x),
    );
    assert.equal(currentPool()?.runs, runs + 1, "it was a run for all who come");
    assert.ok(performance.now() - started < 500);
  });

test("runs that threads come to at any time, or never, compute the same", async () => {
  setThreads(3);
  await settled();
  const n = 64;
  const loops = { kind: "loop", loop: 0, length: 20, reverse: false } as const;
  const p = program(
    [ints(n)],
    [ints(n)],
    [
      each("start", n, (i) => [store(1, i, at(0, i))]),
      {
        ...loops,
        steps: [
          each("count", n, (i) => [store(2, i, add(at(1, op("sub", "int32", int(n - 1), i)), int(1)))]),
          each("back", n, (i) => [store(1, i, at(2, i))]),
        ],
      },
    ],
    { others: [temporary(n, 0)], workspaceBytes: 4 * n, loops: 1 },
  );
  const input = Int32Array.from({ length: n }, (_, i) => i * i);
  for (const Device of devices) {
    const device = new Device(open);
    const executable = device.load(p, [false]);
    const value = device.upload({ device: "host", ...ints(n), data: input });
    const runs = currentPool()?.runs ?? 0;
    for (let i = 0; i < 3000; i++) {
      // Workers fall asleep now and then.
      if (i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      assert.deepEqual(
        device.read(executable.run([value])[0]),
        input.map((x) => x + 20),
      );
    }
    assert.ok((currentPool()?.runs ?? 0) > runs + 10);
  }
});

test("a run that failed gives up what it may have written over", async () => {
  setThreads(2);
  await settled();
  const n = 16;
  const p: Program = {
    ...program([ints(n)], [ints(n)], [each("add", n, (i) => [store(1, i, add(at(0, i), int(1)))])]),
    reuses: [0],
  };
  const device = new SabotagedWasm(accidents[0].script);
  const value = device.upload({ device: "host", ...ints(n), data: new Int32Array(n) });
  assert.throws(() => device.load(p, [true]).run([value]), { name: "DeviceError" });
  assert.equal(value.gone, "donated");
  assert.equal(device.memory().used <= 64 * 1024, true);
});

test("a worker that cannot make a program's functions is done without", async () => {
  setThreads(2);
  await settled();
  const device = new SabotagedWasm("() => { throw new Error('cannot'); }", open);
  assert.deepEqual(runOn(device, doubled(3), [Int32Array.of(1, 2, 3)]), [Int32Array.of(2, 4, 6)]);
});

test("the number of threads is checked", () => {
  for (const wrong of [0, -1, 1.5, NaN, 65])
    assert.throws(() => setThreads(wrong), { name: "ArgumentError", message: /setThreads.*from 1 to 64, got/ });
});

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** What a program prints, in a process of its own; fails unless it ends by itself with code 0. */
function output(program: string, env: Record<string, string> = {}): Promise<string> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 30_000,
  });
  let text = "";
  child.stdout.on("data", (part: Buffer) => (text += part.toString()));
  return new Promise((resolve, reject) =>
    child.on("close", (code, signal) =>
      code === 0 ? resolve(text.trim()) : reject(new Error(`ended with ${code ?? signal}: ${text}`)),
    ),
  );
}

const multiply = `
  const x = random.normal(random.key(1), [300, 300]);
  let y = x;
  for (let i = 0; i < 20; i++) { y = y.matmul(x).tanh(); await y.data(); }
  const data = await y.data();`;
const head = 'import { getThreads, random, setDevice, setThreads } from "typegrad";';

test("a program that esbuild made one file of has its threads", async () => {
  const folder = await mkdtemp(join(tmpdir(), "typegrad-bundle-"));
  try {
    const outfile = join(folder, "program.mjs");
    const watch = `
      const threads = process.getBuiltinModule("node:worker_threads");
      let words = new Int32Array(3);
      threads.Worker = class extends threads.Worker {
        postMessage(message, ...rest) {
          words = message.words ?? words;
          super.postMessage(message, ...rest);
        }
      };`;
    const contents = `${head} ${watch} setThreads(2); ${multiply} console.log(data.length, words[${poolWords.runs}] > 0);`;
    await build({
      stdin: { contents, resolveDir: root },
      bundle: true,
      platform: "node",
      format: "esm",
      outfile,
      logLevel: "error",
    });
    assert.equal(
      await output(`await import(${JSON.stringify(outfile)});`, { TYPEGRAD_THREADS_ALWAYS: "1" }),
      "90000 true",
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

const names = hasNative ? ["wasm", "native"] : ["wasm"];

test("a program that has finished exits by itself", async () => {
  for (const name of names) {
    const text = await output(
      `${head} await setDevice("${name}"); setThreads(2); ${multiply} console.log(data.length);`,
      { TYPEGRAD_THREADS_ALWAYS: "1" },
    );
    assert.equal(text, "90000");
  }
});

test("the environment says how many threads there are", async () => {
  const ask = `${head} try { console.log(getThreads()); } catch (e) { console.log(e.name, e.message); }`;
  assert.equal(await output(ask, { TYPEGRAD_THREADS: "3" }), "3");
  assert.match(await output(ask, { TYPEGRAD_THREADS: "many" }), /ArgumentError TYPEGRAD_THREADS.*got "many"/);
});

test("results do not depend on the number of threads", async () => {
  const digest = `
    const { createHash } = await import("node:crypto");
    console.log(createHash("sha256").update(new Uint8Array(data.buffer)).digest("hex"));`;
  for (const name of names) {
    const texts = await Promise.all(
      counts.map((threads) =>
        output(`${head} await setDevice("${name}"); setThreads(${threads}); ${multiply} ${digest}`, {
          TYPEGRAD_THREADS_ALWAYS: "1",
        }),
      ),
    );
    assert.equal(new Set(texts).size, 1);
  }
});

afterEach(() => setThreads(1));
