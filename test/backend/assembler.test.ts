import assert from "node:assert/strict";
import { test } from "node:test";
import { Bytes, type Code, ModuleBuilder, type WasmType } from "#src/backend/wasm/assembler.js";
import { hasRelaxedSimd } from "#src/backend/wasm/features.js";
import { type Instruction, opcodeOf } from "#src/backend/wasm/opcodes.js";

function encode(write: (b: Bytes) => void): number[] {
  const b = new Bytes();
  write(b);
  return [...b.view()];
}

const memory = () => new WebAssembly.Memory({ initial: 1, maximum: 65536 });

/** Compiles one function and returns it as JavaScript sees it. */
function compile(
  parameters: readonly WasmType[],
  results: readonly WasmType[],
  write: (code: Code, local: (type: WasmType) => number) => void,
  imported = memory(),
): (...args: (number | bigint)[]) => unknown {
  const module = new ModuleBuilder({ shared: false });
  const f = module.function(parameters, results, "f");
  write(f.code, (type) => f.local(type));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { env: { memory: imported } });
  const found = exports.f;
  assert.ok(typeof found === "function");
  return (...args) => found(...args);
}

test("LEB128, against the examples of the DWARF standard (figures 22 and 23)", () => {
  for (const [x, bytes] of [
    [2, [2]],
    [127, [127]],
    [128, [0x80, 1]],
    [129, [0x81, 1]],
    [12857, [57 + 0x80, 100]],
  ] as const)
    assert.deepEqual(
      encode((b) => b.unsigned(x)),
      bytes,
    );
  for (const [x, bytes] of [
    [2, [2]],
    [-2, [0x7e]],
    [127, [127 + 0x80, 0]],
    [-127, [1 + 0x80, 0x7f]],
    [128, [0 + 0x80, 1]],
    [-128, [0 + 0x80, 0x7f]],
    [129, [1 + 0x80, 1]],
    [-129, [0x7f + 0x80, 0x7e]],
  ] as const)
    assert.deepEqual(
      encode((b) => b.signed(x)),
      bytes,
    );
  assert.deepEqual(
    encode((b) => b.signed64(-129n)),
    [0x7f + 0x80, 0x7e],
  );
  assert.deepEqual(
    encode((b) => b.unsigned(2 ** 32 - 1)),
    [0xff, 0xff, 0xff, 0xff, 0x0f],
  );
});

test("opcodes at the ends of their rows, against the specification's index of instructions", () => {
  const known: readonly [Instruction, number, number][] = [
    ["drop", 0, 0x1a],
    ["i32.store", 0, 0x36],
    ["f64.ge", 0, 0x66],
    ["i32.rotr", 0, 0x78],
    ["i64.rotr", 0, 0x8a],
    ["f32.copysign", 0, 0x98],
    ["f64.copysign", 0, 0xa6],
    ["f64.promote_f32", 0, 0xbb],
    ["i64.extend32_s", 0, 0xc4],
    ["i64.trunc_sat_f64_u", 0xfc, 0x07],
    ["f64x2.splat", 0xfd, 0x14],
    ["f64x2.replace_lane", 0xfd, 0x22],
    ["i32x4.ge_u", 0xfd, 0x40],
    ["f64x2.ge", 0xfd, 0x4c],
    ["v128.any_true", 0xfd, 0x53],
    ["v128.load64_zero", 0xfd, 0x5d],
    ["v128.store64_lane", 0xfd, 0x5b],
    ["i32x4.add", 0xfd, 0xae],
    ["i32x4.max_u", 0xfd, 0xb9],
    ["i64x2.add", 0xfd, 0xce],
    ["i64x2.ge_s", 0xfd, 0xdb],
    ["f32x4.pmax", 0xfd, 0xeb],
    ["f64x2.neg", 0xfd, 0xed],
    ["f64x2.pmax", 0xfd, 0xf7],
    ["f64x2.convert_low_i32x4_u", 0xfd, 0xff],
    ["f64x2.relaxed_nmadd", 0xfd, 0x108],
    ["i32.atomic.rmw.cmpxchg", 0xfe, 0x48],
  ];
  for (const [name, prefix, code] of known) assert.deepEqual(opcodeOf(name), { prefix, code }, name);
});

test("constants of every type reach JavaScript unchanged", () => {
  for (const x of [0, 1, -1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31)])
    assert.equal(compile([], ["i32"], (c) => c.i32(x))(), x);
  for (const x of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) assert.equal(compile([], ["i64"], (c) => c.i64(x))(), x);
  for (const x of [0, -0, 1.5, Number.NaN, Infinity, 2 ** -149])
    assert.ok(Object.is(compile([], ["f32"], (c) => c.f32(x))(), x));
  for (const x of [0.1, -0, Number.MIN_VALUE, -Infinity])
    assert.ok(Object.is(compile([], ["f64"], (c) => c.f64(x))(), x));
});

test("control flow: a loop, an if with a result, a table of branches", () => {
  const sum = compile(["i32"], ["i32"], (c, local) => {
    const total = local("i32");
    c.block().loop().get(0).op("i32.eqz").brIf(1);
    c.get(total).get(0).op("i32.add").set(total).get(0).i32(1).op("i32.sub").set(0).br(0).end().end().get(total);
  });
  assert.equal(sum(100), 5050);
  const sign = compile(["f64"], ["i32"], (c) => c.get(0).f64(0).op("f64.lt").if("i32").i32(-1).else().i32(1).end());
  assert.deepEqual([sign(-3), sign(3)], [-1, 1]);
  const pick = compile(["i32"], ["i32"], (c) =>
    c
      .block()
      .block()
      .block()
      .get(0)
      .brTable([0, 1], 2)
      .end()
      .i32(10)
      .return()
      .end()
      .i32(11)
      .return()
      .end()
      .i32(12)
      .return(),
  );
  assert.deepEqual([pick(0), pick(1), pick(2), pick(-1)], [10, 11, 12, 12]);
});

test("vectors: constants, lanes, shuffles and lane loads", () => {
  const m = memory();
  const words = new Int32Array(m.buffer);
  words.set([1, 2, 3, 4, 5]);
  compile(
    [],
    [],
    (c) => {
      c.i32(64).i32(0).memory("v128.load", 4).v128(new Uint8Array(16).fill(1)).op("v128.xor").memory("v128.store");
      c.i32(80).i32(0).memory("v128.load");
      c.i32(0).memory("v128.load", 4).shuffle([0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23]);
      c.memory("v128.store");
      c.i32(96).i32(0).i32(0).memory("v128.load32_zero", 16).laneMemory("v128.load32_lane", 2, 4).memory("v128.store");
      c.i32(112).i32(7).op("i32x4.splat").i32(9).lane("i32x4.replace_lane", 3).laneMemory("v128.store64_lane", 1);
    },
    m,
  )();
  const mask = 0x01010101;
  assert.deepEqual([...words.subarray(16, 20)], [2 ^ mask, 3 ^ mask, 4 ^ mask, 5 ^ mask]);
  assert.deepEqual([...words.subarray(20, 24)], [1, 2, 2, 3]);
  assert.deepEqual([...words.subarray(24, 28)], [5, 0, 2, 0]);
  assert.deepEqual([...words.subarray(28, 32)], [7, 9, 0, 0]);
});

test("atomics", () => {
  const m = memory();
  const words = new Int32Array(m.buffer);
  words.set([3, 4]);
  const old = compile(
    [],
    ["i32"],
    (c) => {
      c.i32(4).i32(6).memory("i32.atomic.rmw.add");
    },
    m,
  )();
  assert.equal(old, 4);
  assert.deepEqual([words[0], words[1]], [3, 10]);
});

test("the multiply-add found by the feature test computes a·b + c", () => {
  if (!hasRelaxedSimd()) return;
  const f = compile(["f32", "f32", "f32"], ["f32"], (c) =>
    c
      .get(0)
      .op("f32x4.splat")
      .get(1)
      .op("f32x4.splat")
      .get(2)
      .op("f32x4.splat")
      .op("f32x4.relaxed_madd")
      .lane("f32x4.extract_lane", 2),
  );
  assert.equal(f(3, 5, 7), 22);
});

test("many functions and locals of mixed types in one module", () => {
  const module = new ModuleBuilder({ shared: false });
  for (let i = 0; i < 300; i++) {
    const f = module.function(["i32"], ["i32"], `f${i}`);
    const locals = (["i32", "i32", "f64", "i32", "v128"] as const).map((type) => f.local(type));
    f.code.get(0).i32(i).op("i32.add").tee(locals[3]).get(locals[0]).op("i32.add");
    if (i > 0) f.code.call(i - 1);
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { env: { memory: memory() } });
  assert.ok(typeof exports.f299 === "function");
  assert.equal(exports.f299(5), 5 + (299 * 300) / 2);
});
