/** Memory of what was dropped is found when it is needed, before the event loop turns and finalizers run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, setDevice, zeros } from "typegrad";
import { Linear, Sequential } from "typegrad/nn";
import { WasmDevice } from "#src/backend/wasm/device.js";

const turn = (): Promise<void> => new Promise((done) => setTimeout(done, 10));

test("tensors that are dropped in one loop make room for more than the arena holds", async () => {
  const device = new WasmDevice({ limit: 8 << 20 });
  const upload = (length: number, value: number) =>
    device.upload({ device: "host", dtype: "float32", shape: [length], data: new Float32Array(length).fill(value) });
  const kept = upload(1 << 18, 7);
  for (let i = 0; i < 64; i++) assert.equal(device.read(upload(1 << 18, i))[5], i);
  assert.ok(
    device.read(kept).every((x) => x === 7),
    "what is still referred to stays",
  );
  const held = device.memory().used;
  // Finalizers that now run must not free anything again.
  for (let i = 0; i < 5; i++) await turn();
  assert.ok(device.memory().used <= held);
  assert.equal(device.read(upload(1 << 18, 3))[0], 3);
  const all = [kept];
  assert.throws(
    () => {
      for (let i = 0; i < 16; i++) all.push(upload(1 << 18, i));
    },
    { name: "OutOfMemoryError", message: /dispose/ },
  );
  assert.ok(all.every((x, i) => device.read(x)[9] === (i === 0 ? 7 : i - 1)));
});

test(
  "models of more than 4 GiB together are built and dropped in one loop",
  { skip: process.env["TYPEGRAD_FULL"] !== "1" },
  async () => {
    await setDevice("wasm");
    for (let bytes = 0; bytes < 5 * 2 ** 30; bytes += 8 * 6144 ** 2) {
      const model = new Sequential([new Linear(6144, 6144), new Linear(6144, 6144)]);
      evaluate(model);
      assert.equal(model.forward(zeros([1, 6144])).shape[1], 6144);
    }
  },
);
