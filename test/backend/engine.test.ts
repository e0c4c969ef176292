import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, setDevice, setThreads, softmax, tensor } from "typegrad";
import { ModuleBuilder } from "#src/backend/wasm/assembler.js";
import { moduleOf } from "#src/backend/wasm/features.js";

/** A module whose `run` calls a function twice, which adds `step`. */
function twice(step: number): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared: false });
  const inner = module.function(["i32"], ["i32"]);
  inner.code.get(0).i32(step).op("i32.add");
  const outer = module.function(["i32"], ["i32"], "run");
  outer.code.get(0).call(inner.index).call(inner.index);
  return module.finish();
}

/** What `run` of a new instance makes of 40. */
function runOf(module: WebAssembly.Module): unknown {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  return typeof run === "function" && run(40);
}

// V8 13 and 14 ended the process here when calls were not inlined from then on. First of all, as it would stay so.
test("modules made before one that is optimised at once may be instantiated again", () => {
  const earlier = new WebAssembly.Module(twice(2));
  assert.equal(runOf(earlier), 44);
  assert.equal(runOf(moduleOf(twice(3), 1e12)), 46);
  assert.equal(runOf(earlier), 44);
});

// V8 14 ended the process here when it was to inline calls without having counted them.
for (const threads of [1, 2])
  test(`a program long enough to be optimised before its first run, ${threads} threads`, async () => {
    await setDevice("wasm");
    setThreads(threads);
    const [rows, columns] = [2048, 1024];
    const logits = tensor(
      Float32Array.from({ length: rows * columns }, (_, i) => Math.log(1 + (i % columns))),
      { shape: [rows, columns] },
    );
    const p = Float32Array.from(
      await compile((x: typeof logits) => softmax(x, -1))(logits)
        .flatten()
        .data(),
    );
    const total = (columns * (columns + 1)) / 2;
    const error = p.reduce((most, x, i) => Math.max(most, Math.abs((x * total) / (1 + (i % columns)) - 1)), 0);
    assert.ok(error < 1e-5, `relative error ${error}`);
  });

test("one function calls another in a module that is optimised at once", () => {
  assert.equal(runOf(moduleOf(twice(1), 1e12)), 42);
});
