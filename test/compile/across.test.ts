/** Arrays that are read across, in blocks whose last ones are not whole. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { arange, compile, getDevice, getThreads, setDevice, setThreads, type Tensor } from "typegrad";
import { noNative } from "../backend/child.js";

const sizes = [
  [1, 32, 32],
  [1, 33, 47],
  [3, 50, 64],
  [2, 257, 40],
  [1, 515, 300],
] as const;

for (const name of ["wasm", "native"] as const)
  test(`transposes beside what lies along them, on ${name}`, { skip: name === "native" && noNative() }, async () => {
    const before = [getDevice().name, getThreads()] as const;
    await setDevice(name);
    setThreads(2);
    try {
      for (const dtype of ["float32", "float64", "int32", "bool"] as const)
        for (const [batch, rows, columns] of sizes) {
          const n = batch * rows * columns;
          const numbers = arange(n);
          const x = dtype === "bool" ? numbers.remainder(3).equal(0) : numbers.astype(dtype);
          const f = compile((a: Tensor, b: Tensor) => a.transpose([0, 2, 1]).mul(3).add(b));
          const sum = f(x.reshape([batch, rows, columns]), arange(n).reshape([batch, columns, rows]));
          const [values, actual] = [await x.data(), await sum.data()];
          const wrong = Array.from(actual).findIndex((value, at) => {
            const [k, j, i] = [Math.floor(at / (rows * columns)), Math.floor(at / rows) % columns, at % rows];
            return value !== 3 * values[(k * rows + i) * columns + j] + at;
          });
          assert.equal(wrong, -1, `${dtype} ${batch} ${rows} ${columns}`);
        }
    } finally {
      setThreads(before[1]);
      await setDevice(before[0]);
    }
  });
