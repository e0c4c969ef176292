/** The default device: WebAssembly first, then C; and what is there when C is not. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CpuDevice } from "#src/backend/cpu/device.js";
import { add } from "#src/primitive/define.js";
import { dot } from "#src/primitive/contraction.js";
import { hole } from "#src/primitive/leaf.js";
import { Workshop, expected, noNative, runChild } from "./child.js";

const skip = noNative();
const n = 48;
/** 2·48³ operations, roughly. */
const patience = { start: 4e5, change: 1e6 };

/** `y = v + A·x`, where v becomes y, a thousand times if need be. */
function stepping() {
  process.env["TYPEGRAD_NATIVE_SMALLEST"] = "0";
  const device = new CpuDevice({ patience });
  const [a, x, v] = ["a", "x", "v"].map((name) => hole({ dtype: "float32", shape: [n, n] }, name));
  const product = dot(a, x, { contract: [[1], [0]], batch: [[], []] });
  const program = device.prepare({ inputs: [a, x, v], outputs: [add(v, product)], donated: [false, false, true] });
  const upload = (f: (i: number) => number) =>
    device.upload({
      device: "host",
      dtype: "float32",
      shape: [n, n],
      data: Float32Array.from({ length: n * n }, (_, i) => f(i)),
    });
  const values = { a: upload((i) => Math.sin(i)), x: upload((i) => Math.cos(3 * i)) };
  let state = upload(() => 0);
  return {
    device,
    run: () => ([state] = program.run([values.a, values.x, state])),
    kind: () => program.account()?.summary.split(":")[0],
    read: () => device.read(state),
  };
}

test("a program changes to C after a fixed amount of work, and goes on with the same memory", { skip }, () => {
  const histories = [0, 1].map(() => {
    const s = stepping();
    const kinds: (string | undefined)[] = [];
    for (let i = 0; i < 12; i++) {
      s.run();
      kinds.push(s.kind());
    }
    return { kinds, result: s.read(), used: s.device.memory().used };
  });
  const [first, second] = histories;
  const change = first.kinds.indexOf("native");
  assert.ok(change > 1, first.kinds.join());
  assert.deepEqual(
    first.kinds,
    first.kinds.map((_, i) => (i < change ? "wasm" : "native")),
  );
  assert.deepEqual(second.kinds, first.kinds);
  // The second time the library was there already: the same bits all the same.
  assert.deepEqual(second.result, first.result);
  first.result.forEach((y, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let k = 0; k < n; k++) sum += Math.sin(i * n + k) * Math.cos(3 * (k * n + j));
    assert.ok(Math.abs(y - 12 * sum) < 1e-3, `${y} against ${12 * sum}`);
  });
});

test("without a compiler everything runs on wasm, and one warning says why", { skip }, async () => {
  const workshop = new Workshop();
  try {
    const env = { ...workshop.env, CC: "", PATH: join(workshop.folder, "nowhere"), TIMES: "9000" };
    const told = await runChild({ device: "", env });
    assert.equal(told.total, expected);
    assert.match(told.ran, /^wasm: /);
    assert.deepEqual(
      told.warnings.map((x) => x.code),
      ["TYPEGRAD_NATIVE_COMPILER"],
    );
    assert.match(told.warnings[0].message, /keep to wasm.*must have a C compiler.*install one/);
  } finally {
    workshop.remove();
  }
});

/** The package as it is where nothing is installed. */
async function withoutPackages(use: (entry: string, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "typegrad alone "));
  const dist = dirname(dirname(dirname(fileURLToPath(import.meta.resolve("#src/backend/cpu/device.js")))));
  try {
    mkdirSync(join(folder, "typegrad"));
    cpSync(dist, join(folder, "typegrad", "dist"), { recursive: true });
    writeFileSync(join(folder, "typegrad", "package.json"), '{ "type": "module" }');
    await use(pathToFileURL(join(folder, "typegrad", "dist", "index.js")).href, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("without koffi everything runs on wasm, silently; asked for native, it says what to install", async () => {
  await withoutPackages(async (from, cwd) => {
    const told = await runChild({ device: "", from, cwd, env: { TIMES: "9000" } });
    assert.equal(told.total, expected);
    assert.match(told.ran, /^wasm: /);
    assert.deepEqual(told.warnings, []);
    await assert.rejects(runChild({ device: "native", from, cwd }), /DeviceError: .*koffi.*npm install koffi/);
  });
});

test("the environment names the first device", async () => {
  const ran = async (name: string) => (await runChild({ device: "", env: { TYPEGRAD_DEVICE: name } })).ran;
  assert.match(await ran("cpu"), /^wasm: /);
  assert.match(await ran("wasm"), /^wasm: /);
  if (!skip) assert.match(await ran("native"), /^native: /);
  await assert.rejects(ran("gpu9"), /TYPEGRAD_DEVICE: the name must be one of cpu, .*got "gpu9"/);
});
