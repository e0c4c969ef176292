import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { WasmDevice } from "#src/backend/wasm/device.js";
import { type DType, type TypedArray, dtypeOf } from "#src/ir/dtype.js";
import type { HostValue } from "#src/ir/node.js";
import type { Program } from "#src/compile/loop.js";
import { add, constant, get, int, kernel, load, local, loop, program, store } from "./build.js";

const host = (data: TypedArray, shape: readonly number[] = [data.length]): HostValue => ({
  device: "host",
  dtype: dtypeOf(data),
  shape,
  data,
});

/** `out = in + 1` on float32, in place when the input is donated. */
function increment(n: number, reuse: boolean): Program {
  const i = local("i");
  const aval = { dtype: "float32", shape: [n] } as const;
  return program(
    [aval],
    [aval],
    [
      kernel("increment", n, (first, last) => [
        loop(i, get(first), get(last), 1, [store(1, get(i), add(load("float32", 0, get(i)), constant("float32", 1)))]),
      ]),
    ],
    { reuses: [reuse ? 0 : null] },
  );
}

test("values of every dtype come back as they went in", () => {
  const device = new WasmDevice();
  const arrays: readonly TypedArray[] = [
    Float32Array.of(1.5, -0, Number.NaN),
    Float64Array.of(0.1, Infinity),
    Int32Array.of(-(2 ** 31), 7),
    Uint32Array.of(2 ** 32 - 1, 0),
    Uint8Array.of(1, 0, 1),
  ];
  for (const data of arrays) assert.deepEqual(device.read(device.upload(host(data))), data);
  assert.deepEqual(device.read(device.upload(host(Uint8Array.of(0, 2, 255)))), Uint8Array.of(0, 1, 1));
});

test("what is read is a copy", () => {
  const device = new WasmDevice();
  const value = device.upload(host(Float32Array.of(1, 2)));
  device.read(value)[0] = 9;
  assert.deepEqual(device.read(value), Float32Array.of(1, 2));
});

test("a donated input's memory becomes the output's", () => {
  const device = new WasmDevice();
  const run = device.load(increment(1000, true), [true]);
  let value = device.upload(host(new Float32Array(1000)));
  run.run([value])[0].free();
  const { used } = device.memory();
  value = device.upload(host(new Float32Array(1000)));
  const before = device.memory().used;
  for (let i = 0; i < 10; i++) {
    const [next] = run.run([value]);
    assert.equal(value.gone, "donated");
    assert.throws(() => device.read(value), { name: "DonatedError", message: /float32\[1000\].*clone\(\)/ });
    assert.throws(() => run.run([value]), { name: "DonatedError" });
    value.free();
    assert.equal(value.gone, "donated");
    value = next;
  }
  assert.equal(device.memory().used, before);
  assert.deepEqual(device.read(value), new Float32Array(1000).fill(10));
  value.free();
  assert.equal(device.memory().used, used);
});

test("a donated input that no output takes over is freed", () => {
  const device = new WasmDevice();
  const run = device.load(increment(1000, false), [true]);
  const value = device.upload(host(new Float32Array(1000)));
  const { used } = device.memory();
  const [out] = run.run([value]);
  out.free();
  assert.ok(device.memory().used < used);
  assert.throws(() => device.read(value), { name: "DonatedError" });
});

test("the place of a small tensor goes to the next of its size, and to no two at once", () => {
  const device = new WasmDevice();
  const made = (from: number) => device.upload(host(Float32Array.from({ length: 500 }, (_, i) => from + i)));
  const { used } = device.memory();
  made(0).free();
  assert.equal(device.memory().used, used);
  const values = [1, 2, 3, 4].map((n) => made(1000 * n));
  values[1].free();
  values[2].free();
  const later = [made(5000), made(6000)];
  for (const [value, from] of [
    [values[0], 1000],
    [values[3], 4000],
    [later[0], 5000],
    [later[1], 6000],
  ] as const)
    assert.equal(device.read(value)[499], from + 499);
  for (const value of [values[0], values[3], ...later]) value.free();
  assert.equal(device.memory().used, used);
});

test("one value cannot be donated and read in the same call", () => {
  const device = new WasmDevice();
  const i = local("i");
  const aval = { dtype: "float32", shape: [4] } as const;
  const p = program(
    [aval, aval],
    [aval],
    [
      kernel("sum", 1, () => [
        loop(i, int(0), int(4), 1, [store(2, get(i), add(load("float32", 0, get(i)), load("float32", 1, get(i))))]),
      ]),
    ],
    { reuses: [0] },
  );
  const value = device.upload(host(Float32Array.of(1, 2, 3, 4)));
  assert.throws(() => device.load(p, [true, false]).run([value, value]), { name: "DonatedError", message: /once/ });
  assert.equal(value.gone, null);
  assert.deepEqual(device.read(device.load(p, [false, false]).run([value, value])[0]), Float32Array.of(2, 4, 6, 8));
});

test("freed values, values of other devices, wrong inputs", () => {
  const device = new WasmDevice();
  const value = device.upload(host(Float32Array.of(1)));
  value.free();
  value.free();
  assert.equal(value.gone, "freed");
  assert.throws(() => device.read(value), { name: "DeviceError", message: /float32\[1\] that was freed/ });
  const foreign = { device: "other", dtype: "float32", shape: [1], gone: null, met: 0, free: () => undefined } as const;
  assert.throws(() => device.read(foreign), { name: "DeviceError", message: /on other.*x\.to\("wasm"\)/ });
  const elsewhere = new WasmDevice().upload(host(Float32Array.of(1)));
  assert.throws(() => device.read(elsewhere), { name: "DeviceError" });
  const run = device.load(increment(2, false), [false]);
  assert.throws(() => run.run([elsewhere]), { name: "InternalError", message: /float32\[2\], got float32\[1\]/ });
  assert.throws(() => run.run([]), { name: "InternalError" });
});

test("tensors without elements take no memory and run no task", () => {
  const device = new WasmDevice();
  for (const dtype of ["float32", "float64", "int32", "uint32", "bool"] satisfies DType[]) {
    const data = {
      float32: Float32Array,
      float64: Float64Array,
      int32: Int32Array,
      uint32: Uint32Array,
      bool: Uint8Array,
    }[dtype].of();
    assert.deepEqual(device.read(device.upload(host(data, [3, 0]))), data);
  }
  assert.equal(device.memory().used, 0);
  const [out] = device.load(increment(0, false), [false]).run([device.upload(host(new Float32Array(0)))]);
  assert.deepEqual(device.read(out), new Float32Array(0));
});

test("a full arena: the error names scope, nothing was done, and freeing helps", () => {
  const device = new WasmDevice({ limit: 8 << 20 });
  const run = device.load(increment(1 << 19, true), [true]);
  const big = device.upload(host(new Float32Array(1 << 20)));
  const value = device.upload(host(new Float32Array(1 << 19)));
  assert.throws(() => device.upload(host(new Float32Array(1 << 19))), { name: "OutOfMemoryError", message: /scope\(/ });
  const fresh = device.load(increment(1 << 19, false), [false]);
  assert.throws(() => fresh.run([value]), { name: "OutOfMemoryError" });
  assert.equal(value.gone, null);
  const [next] = run.run([value]);
  assert.equal(device.read(next)[5], 1);
  big.free();
  assert.equal(device.read(fresh.run([next])[0])[5], 2);
});

test("working memory is given up before the arena is full", () => {
  const device = new WasmDevice({ limit: 8 << 20 });
  const large = device.load({ ...increment(16, false), workspaceBytes: 4 << 20 }, [false]);
  const value = device.upload(host(new Float32Array(16)));
  const [out] = large.run([value]);
  assert.ok(device.memory().used > 4 << 20);
  const upload = device.upload(host(new Float32Array(5 << 18)));
  assert.equal(device.read(upload).length, 5 << 18);
  assert.equal(device.read(out)[3], 1);
});

test("a routine may compute on the device that is running", () => {
  const device = new WasmDevice();
  const inner = device.load({ ...increment(4, false), workspaceBytes: 1000 }, [false]);
  const i = local("i");
  const aval = { dtype: "float32", shape: [4] } as const;
  const copy = (from: number, to: number) =>
    kernel("copy", 1, () => [loop(i, int(0), int(4), 1, [store(to, get(i), load("float32", from, get(i)))])]);
  const p = program(
    [aval],
    [aval],
    [
      copy(0, 2),
      {
        kind: "routine",
        name: "inner",
        inputs: [2],
        outputs: [3],
        run: ([x]) => {
          const [y] = inner.run([device.upload(host(Float32Array.from(x.data)))]);
          return [{ shape: [4], data: Float64Array.from(device.read(y)) }];
        },
      },
      copy(3, 1),
    ],
    {
      others: [
        { ...aval, placement: { kind: "temporary", offset: 0 } },
        { ...aval, placement: { kind: "temporary", offset: 64 } },
      ],
      workspaceBytes: 128,
    },
  );
  const [out] = device.load(p, [false]).run([device.upload(host(Float32Array.of(1, 2, 3, 4)))]);
  assert.deepEqual(device.read(out), Float32Array.of(2, 3, 4, 5));
});

/** Most bytes in use while `step` runs `steps` times, with a turn of the event loop every `every` steps. */
async function peakOf(device: WasmDevice, steps: number, every: number, step: () => void): Promise<number> {
  let peak = 0;
  for (let i = 0; i < steps; i++) {
    step();
    peak = Math.max(peak, device.memory().used);
    if (i % every === 0) await setImmediate();
  }
  return peak;
}

test("dropped values are freed: large ones", async () => {
  const device = new WasmDevice();
  const data = host(new Float32Array(1 << 18));
  // 4 GB go by; none of it is freed by hand.
  const peak = await peakOf(device, 4000, 1, () => void device.upload(data));
  assert.ok(peak < 1 << 29, `${peak} bytes`);
});

test("dropped values are freed: small ones, results of a program", async () => {
  const device = new WasmDevice();
  const run = device.load(increment(1024, false), [false]);
  const value = device.upload(host(new Float32Array(1024)));
  // 400 MB go by in pieces of 4 KB.
  const peak = await peakOf(device, 100_000, 20, () => void run.run([value]));
  assert.ok(peak < 1 << 27, `${peak} bytes`);
  assert.deepEqual(device.read(value), new Float32Array(1024));
});

test("a compiled step that donates its state stays where it is", async () => {
  const device = new WasmDevice();
  const run = device.load(increment(1 << 18, true), [true]);
  let value = device.upload(host(new Float32Array(1 << 18)));
  const steps = 300;
  const before = device.memory().used;
  const peak = await peakOf(device, steps, 1000, () => ([value] = run.run([value])));
  assert.ok(peak <= before + 4096);
  assert.equal(device.read(value)[7], steps);
});

test("small values share memory: each keeps its own, and all of it comes back", () => {
  const device = new WasmDevice();
  const { used } = device.memory();
  const make = (from: number) =>
    Array.from({ length: 100 }, (_, i) => device.upload(host(Float32Array.of(from + i, -i))));
  const first = make(0);
  for (const value of first.filter((_, i) => i % 3 === 0)) value.free();
  const second = make(1000);
  first.forEach((value, i) => {
    if (i % 3 !== 0) assert.deepEqual(device.read(value), Float32Array.of(i, -i));
  });
  second.forEach((value, i) => assert.deepEqual(device.read(value), Float32Array.of(1000 + i, -i)));
  assert.ok(device.memory().used >= used + 64 * 166);
  for (const value of [...first, ...second]) value.free();
  assert.ok(device.memory().used <= used + 512, "but for the places that the next ones get");
});
