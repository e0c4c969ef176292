/** Dtypes that meet, shapes that do not, and where the error points: at the caller's own line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  allClose,
  arange,
  compile,
  concatenate,
  cond,
  type DType,
  eye,
  grad,
  hessian,
  isClose,
  jvp,
  logSoftmax,
  logSumExp,
  operation,
  promote,
  random,
  scan,
  setDevice,
  softmax,
  split,
  stack,
  tensor,
  type Tensor,
  TypegradError,
  vjp,
  vmap,
  where,
  zeros,
} from "typegrad";
import * as linalg from "typegrad/linalg";
import * as nn from "typegrad/nn";

const promotions = `
         float32 float64 int32   uint32  bool
float32  float32 float64 float32 float32 float32
float64  float64 float64 float64 float64 float64
int32    float32 float64 int32   error   int32
uint32   float32 float64 error   uint32  uint32
bool     float32 float64 int32   uint32  bool`;
const isDType = (text: string): text is DType => ["float32", "float64", "int32", "uint32", "bool"].includes(text);

test("the promotion table is as written, for primitives and for tensors", () => {
  const [head, ...rows] = promotions
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  let checked = 0;
  for (const [left, ...results] of rows)
    results.forEach((result, k) => {
      const right = head[k];
      assert.ok(isDType(left) && isDType(right));
      const [x, y] = [zeros([2], { dtype: left }), zeros([2], { dtype: right })];
      checked++;
      if (result === "error") {
        assert.throws(() => promote("add", left, right), { name: "DTypeError" });
        assert.throws(() => x.add(y), { name: "DTypeError", message: /dtypes must have a common type/ });
        return;
      }
      assert.equal(promote("add", left, right), result);
      assert.equal(where(tensor([true, false]), x, y).dtype, result);
      // Arithmetic on bools gives int32, division and elementary functions floats.
      assert.equal(x.add(y).dtype, result === "bool" ? "int32" : result);
      assert.equal(x.div(y).dtype, result.startsWith("float") ? result : "float32");
      assert.equal(x.less(y).dtype, "bool");
    });
  assert.equal(checked, 25);
});

test("plain numbers are weak: they take the tensor's dtype, but a fraction needs a float", () => {
  const of = (dtype: DType): Tensor => zeros([2], { dtype });
  assert.deepEqual(
    (["float32", "float64", "int32", "uint32", "bool"] as const).map((d) => [of(d).add(1).dtype, of(d).mul(0.5).dtype]),
    [
      ["float32", "float32"],
      ["float64", "float64"],
      ["int32", "float32"],
      ["uint32", "float32"],
      ["int32", "float32"],
    ],
  );
  assert.equal(of("bool").and(true).dtype, "bool");
  assert.equal(of("float64").add(0.1).dataSync()[0], 0.1);
  assert.equal(of("int32").exp().dtype, "float32");
  assert.equal(of("int32").mean().dtype, "float32");
  assert.equal(of("bool").sum().dtype, "int32");
  assert.throws(() => of("uint32").add(-1), { name: "ArgumentError", message: /must be from 0 to 4294967295, got -1/ });
});

test("shapes that do not broadcast are named, both of them", () => {
  const x = zeros([64, 784]);
  const wide: Tensor = zeros([10]);
  assert.throws(() => x.add(wide), {
    name: "ShapeError",
    message:
      "add: shapes must broadcast, got float32[64,784] and float32[10]. dimensions 784 and 10 differ and neither is 1",
  });
  assert.throws(() => zeros([2, 3, 4]).mul(zeros([2, 1, 5]) as Tensor), /dimensions 4 and 5 differ/);
  assert.throws(
    () => x.matmul(wide.reshape([-1, 1])),
    /matmul: inner dimensions 784 and 10 differ, got float32\[64,784\] and float32\[10,1\]/,
  );
  assert.throws(() => wide.broadcastTo([3]), /broadcastTo: /);
  assert.throws(() => x.reshape([3, -1]), /reshape: .*\[3,-1\]/);
  assert.throws(() => x.sum(2), /sum: axis must be an integer from -2 to 1, got 2 for float32\[64,784\]/);
  assert.throws(() => x.transpose([0, 0]), /transpose: /);
});

const wide: Tensor = zeros([4]);
const x: Tensor = zeros([2, 3]);
/** One mistake per way into the library. */
const mistakes: Readonly<Record<string, () => unknown>> = {
  add: () => x.add(wide),
  matmul: () => x.matmul(wide),
  sum: () => x.sum(5),
  reshape: () => x.reshape([5]),
  at: () => x.at(7),
  concatenate: () => concatenate([x, wide]),
  stack: () => stack([x, wide]),
  split: () => split(x, 2, 1),
  where: () => where(x, 1, 2),
  softmax: () => softmax(x, 9),
  logSumExp: () => logSumExp(x, 9),
  zeros: () => zeros([-1]),
  tensor: () => tensor([[1], [2, 3]]),
  eye: () => eye(-1),
  arange: () => arange(0, 1, 0),
  item: () => x.itemSync(),
  gradient: () => grad((v: Tensor) => v)(x),
  "inside a gradient": () => grad((v: Tensor) => v.add(wide).sum())(x),
  jvp: () => jvp((v: Tensor) => v, x, wide),
  vjp: () => vjp((v: Tensor) => v, x)[1](wide),
  vmap: () => vmap((v: Tensor, w: Tensor) => v.add(w))(x, wide),
  hessian: () => hessian((v: Tensor) => v)(x),
  compile: () => compile((v: Tensor) => v.add(wide))(x),
  scan: () => scan((c: Tensor, v: Tensor) => [c.add(v), []], zeros([]), x),
  cond: () =>
    cond(
      tensor(1),
      (v: Tensor) => v,
      (v: Tensor) => v,
      x,
    ),
  key: () => random.key(-1),
  uniform: () => random.uniform(random.key(1), [2], { low: 3, high: 2 }),
  topK: () => x.topK(9),
  and: () => x.and(true),
};

for (const [name, mistake] of Object.entries(mistakes))
  test(`the error of ${name} says what must hold, what was given and what to do, at the caller's line`, () => {
    assert.throws(mistake, (error: unknown) => {
      assert.ok(error instanceof TypegradError, String(error));
      assert.notEqual(error.constructor, TypegradError);
      assert.notEqual(error.name, "InternalError");
      assert.match(error.message, /^[\w.]+: .+, got .+\. [^.].*[^.]$/s);
      const frame = (error.stack ?? "").split("\n").find((line) => line.trim().startsWith("at "));
      assert.match(frame ?? "", /test\/laws\/errors\.test\.[jt]s/, `the trace begins at ${frame}`);
      return true;
    });
  });

test("errors name the operation that was called, not those it is made of", () => {
  const calls: Readonly<Record<string, () => unknown>> = {
    softmax: () => softmax(x, 9),
    logSoftmax: () => logSoftmax(x, 2),
    logSumExp: () => logSumExp(x, [0, 9]),
    std: () => x.std(9),
    isClose: () => isClose(x, wide),
    allClose: () => allClose(x, wide),
    norm: () => linalg.norm(x, { axes: 9 }),
    cross: () => linalg.cross(zeros([3]), zeros([3]), 4),
    softmin: () => nn.softmin(x, 9),
    normalize: () => nn.normalize(x, 9),
    cosineSimilarity: () => nn.cosineSimilarity(x, x, 9),
    "my.own": () => operation("my.own", (v: Tensor) => softmax(v.exp(), 9))(x),
  };
  for (const [name, call] of Object.entries(calls))
    assert.throws(call, (error: unknown) => {
      assert.ok(error instanceof TypegradError, String(error));
      const got =
        name === "isClose" || name === "allClose" ? "float32\\[2,3\\] and float32\\[4\\]" : ".*[92]|4 for float32";
      assert.match(error.message, new RegExp(`^${name}: [^:]*, got (${got})`));
      assert.ok(error.stack?.startsWith(`${error.name}: ${error.message}`), error.stack);
      return true;
    });
});

test("what is wrong elsewhere keeps its own name", () => {
  const reading = operation("mine", (v: Tensor) => v.mul(v.sum().itemSync()));
  assert.throws(() => compile(reading)(x), { name: "TraceError", message: /^read: / });
});

test("an unknown device is named, with those there are", async () => {
  await assert.rejects(setDevice("gpu9"), { name: "DeviceError", message: /must be one of .*reference.*, got "gpu9"/ });
});

test("this file is where it says it is", () => {
  assert.match(fileURLToPath(import.meta.url), /test[/\\]laws[/\\]errors\.test\.js$/);
});
