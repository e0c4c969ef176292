/** The compiled kernels compute bit for bit what the scalar language says, on numbers of every size. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { device } from "typegrad";
import { NativeDevice } from "#src/backend/native/device.js";
import { Node } from "#src/ir/node.js";
import { computed, holesOf, randomNumbers } from "../conformance/support.js";
import { bitcast } from "./evaluate.js";
import { noNative } from "../backend/child.js";
import { cases, primitiveNamed } from "./support.js";
import { type FloatType, scalarFunction } from "./ulp.js";

const withoutC = noNative();
/** The devices that have kernels of their own. */
const devices = [
  { on: await device("wasm"), skip: false },
  ...(withoutC ? [{ on: null, skip: withoutC }] : [{ on: new NativeDevice({ smallest: 0 }), skip: false }]),
];
const edges = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  -2,
  Infinity,
  -Infinity,
  Number.NaN,
  88.7,
  -87.4,
  709.7,
  -708.5,
  1e-310,
  1e308,
];
const length = 1001;

function arguments_(type: FloatType, next: () => number, [low, high]: readonly [number, number]): Float64Array {
  const word = () => Math.floor(next() * 2 ** 32);
  return Float64Array.from({ length }, (_, i) => {
    if (i < 2 * edges.length) return Math.fround(edges[Math.floor(i / 2 + next()) % edges.length]);
    if (i % 2) return Math.fround(low + (high - low) * next());
    if (type === "float32") return Number(bitcast("uint32", "float32", word()));
    return Number(bitcast("int64", "float64", BigInt.asIntN(64, (BigInt(word()) << 32n) | BigInt(word()))));
  });
}

for (const { on, skip } of devices)
  for (const [c, type] of cases.flatMap((c) => (["float32", "float64"] as const).map((type) => [c, type] as const)))
    test(`${c.name} of ${type} on ${on?.name ?? "native"} is what its formula says`, { skip }, () => {
      assert.ok(on);
      const next = randomNumbers(c.name.length + c.name.charCodeAt(0));
      const primitive = primitiveNamed(c.name);
      const inputs = holesOf(Array.from({ length: c.arity }, () => ({ dtype: type, shape: [length] })));
      const values = inputs.map((x) => ({ shape: x.shape, data: arguments_(type, next, c.range) }));
      const [got] = computed(on, inputs, [Node.apply(primitive, inputs, {})], values);
      const [unfused, fused] = [false, true].map((mode) => {
        const f = scalarFunction(primitive, {}, type, c.arity, mode);
        return Array.from({ length }, (_, i) => f(...values.map((x) => x.data[i])));
      });
      // a loop's last elements may be computed outside vectors, and then without fusing
      const wrong = got.data.findIndex((x, i) => !Object.is(x, unfused[i]) && !Object.is(x, fused[i]));
      const xs = values.map((x) => x.data[wrong]).join(", ");
      const text = `${c.name}(${xs}) is ${got.data[wrong]}, not ${unfused[wrong]} or ${fused[wrong]}`;
      assert.equal(wrong, -1, text);
    });
