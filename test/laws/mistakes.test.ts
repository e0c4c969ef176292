/** What people try first, and get wrong: nothing silently gives another number, and errors say what to write. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, grad, jvp, setThreads, tensor, Tensor, vmap, zeros } from "typegrad";
import { Linear, crossEntropy } from "typegrad/nn";
import { close, f64 } from "./support.js";

/** Calls a function as plain JavaScript may: with arguments that its types refuse. */
const untyped = (f: Function, ...args: unknown[]): unknown => Reflect.apply(f, undefined, args);
const method = (x: Tensor, name: "add" | "mul" | "astype" | "bitcast", argument: unknown): unknown =>
  Reflect.apply(x[name], x, [argument]);

test("derivatives pass through clone, in every mode", () => {
  close(grad((x: Tensor) => x.clone().square().sum())(f64([1, 2])), f64([2, 4]));
  close(jvp((x: Tensor) => x.clone().square(), f64(3), f64(1))[1], 6);
  close(vmap((x: Tensor) => x.clone().mul(2))(f64([1, 2])), f64([2, 4]));
  close(compile((x: Tensor) => x.clone().mul(2))(f64([1, 2])), f64([2, 4]));
});

test("a clone outlives the step that takes its tensor's memory over", () => {
  const state = { x: tensor([1, 2, 3]) };
  const step = compile(
    () => {
      state.x = state.x.add(1);
    },
    { state: [state] },
  );
  step();
  const kept = state.x.clone();
  step();
  step();
  assert.deepEqual(kept.toArraySync(), [2, 3, 4]);
  assert.deepEqual(state.x.toArraySync(), [4, 5, 6]);
});

test("a tensor under a transform does not change its device", async () => {
  const away = grad(async (x: Tensor) => (await x.to("reference")).sum());
  await assert.rejects(Promise.resolve(away(tensor([1]))), { name: "TraceError", message: /^to: .*move it before$/ });
});

test("floorDivide is the exact floor, and agrees with remainder", () => {
  const xs = [1, -1, 0.3, 7, -7, 6, 1e6, 0.7, 5.5];
  const ys = [0.1, 0.1, 0.1, 2, 2, -2, 0.1, -0.1, 0.5];
  const [x, y] = [tensor(xs), tensor(ys)];
  // Quotients of two 24-bit numbers are far enough from integers for float64 to find their floor.
  const exact = [...x.dataSync()].map((v, i) => Math.floor(v / y.dataSync()[i]));
  assert.deepEqual(x.floorDivide(y).toArraySync(), exact);
  close(x.floorDivide(y).mul(y).add(x.remainder(y)), x, 1e-6);
  assert.deepEqual(tensor([1, -1]).floorDivide(0).toArraySync(), [Infinity, -Infinity]);
});

test("numbers that a dtype cannot hold are refused", () => {
  assert.throws(() => tensor([1, 2 ** 31], { dtype: "int32" }), { name: "ArgumentError", message: /must fit int32/ });
  assert.throws(() => tensor([-1], { dtype: "uint32" }), { name: "ArgumentError" });
  assert.throws(() => tensor([Number.NaN], { dtype: "int32" }), { name: "ArgumentError" });
  assert.deepEqual(tensor([1.7, -1.7, -0.5], { dtype: "int32" }).toArraySync(), [1, -1, 0]);
});

test("bytes are bools only when they look it", () => {
  assert.deepEqual(tensor(Uint8Array.of(0, 1)).toArraySync(), [false, true]);
  assert.throws(() => tensor(Uint8Array.of(0, 200)), { name: "DTypeError", message: /got 200 at 1\. name the dtype/ });
  assert.deepEqual(tensor(Uint8Array.of(0, 200), { dtype: "float32" }).toArraySync(), [0, 200]);
  assert.throws(() => untyped(tensor, Int16Array.of(7)), { name: "DTypeError", message: /Int16Array/ });
});

test("what only plain JavaScript can pass is named", () => {
  assert.throws(() => method(tensor([1]), "add", undefined), { message: /^add: operands .* got undefined/ });
  assert.throws(() => method(tensor([1]), "mul", [1]), { message: /^mul: operands .* wrap lists in tensor/ });
  assert.throws(() => untyped(zeros, 3), {
    name: "ShapeError",
    message: "zeros: a shape must be a list of lengths, got 3. write [3]",
  });
  for (const make of [
    () => untyped(tensor, [1], { dtype: "float16" }),
    () => untyped(zeros, [1], { dtype: "float16" }),
    () => method(tensor([1]), "astype", "float16"),
    () => method(tensor([1]), "bitcast", "float16"),
  ])
    assert.throws(make, { name: "DTypeError", message: /got "float16"/ });
  assert.throws(() => grad((x: number) => tensor(x))(3), {
    message: /^grad: the argument .* got number\. wrap numbers/,
  });
});

test("texts where numbers belong are shown in quotes", () => {
  for (const [call, message] of [
    [() => untyped(setThreads, "2"), /^setThreads: threads must be a whole number from 1 to 64, got "2"\. /],
    [() => untyped(zeros, ["2", 3]), /^zeros: dimensions must be non-negative integers, got \["2",3\]\. /],
    [() => Reflect.apply(tensor([1]).cumsum, tensor([1]), ["0"]), /^cumsum: axis must be an integer .*, got "0" for /],
    [() => Reflect.construct(Linear, ["4", 2]), /^Linear: .* must be positive integers, got "4" and 2\. /],
  ] as const)
    assert.throws(call, { message });
});

test("float labels are told from soft targets", () => {
  assert.throws(() => crossEntropy(zeros([3, 4]), tensor([0, 1, 2])), {
    name: "DTypeError",
    message: /classes must be integers, got float32\[3,4\] and float32\[3\]\. convert them with astype\("int32"\)/,
  });
});

test("a compiled async function is refused, and its promise disturbs nobody", async () => {
  const f = compile(async (x: Tensor) => x.mul(await x.item()));
  assert.throws(() => f(tensor(1)), { message: /must not be async/ });
  await new Promise((resolve) => setImmediate(resolve)); // an unhandled rejection would fail the test
});

test("a tensor in JSON is its numbers", () => {
  assert.equal(
    JSON.stringify({ p: tensor([[1, 2]]), ok: tensor(true), none: zeros([0]) }),
    '{"p":[[1,2]],"ok":true,"none":[]}',
  );
});
