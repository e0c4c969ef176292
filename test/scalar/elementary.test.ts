import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { randomNumbers } from "../conformance/support.js";
import { cases, limitOf, primitiveNamed, referenceAt } from "./support.js";
import { type FloatType, scalarFunction, ulpError } from "./ulp.js";

const types: readonly FloatType[] = ["float32", "float64"];
const modes = [false, true];

/** Text of a number that tells -0 from 0. */
const text = (x: number): string => (Object.is(x, -0) ? "-0" : String(x));

const words = new DataView(new ArrayBuffer(4));
function float32OfBits(bits: number): number {
  words.setUint32(0, bits);
  return words.getFloat32(0);
}

for (const c of cases)
  test(`${c.name} of float32 is within 2 ULP of float64 arithmetic over the whole range`, (t) => {
    const random = randomNumbers(c.name.length * 1009 + c.name.charCodeAt(0));
    const primitive = primitiveNamed(c.name);
    const functions = modes.map((fused) => scalarFunction(primitive, {}, "float32", c.arity, fused));
    const [low, high] = c.range;
    const any = () => float32OfBits(random() * 2 ** 32);
    const usual = () => Math.fround(low + (high - low) * random());
    let worst = 0;
    let at = "";
    for (let i = 0; i < 12000; i++) {
      const xs = Array.from({ length: c.arity }, i % 2 ? any : usual);
      const exact = referenceAt(primitive, xs);
      for (const f of functions) {
        const error = ulpError("float32", f(...xs), exact);
        if (error > worst) [worst, at] = [error, `${xs.map(text).join(", ")}: ${text(f(...xs))} for ${text(exact)}`];
      }
    }
    t.diagnostic(`${c.name}: ${worst.toFixed(3)} ULP at ${at}`);
    assert.ok(worst <= limitOf(c, "float32"), `${worst} ULP at ${at}`);
  });

function fixture(): Record<string, number[][]> {
  const path = new URL("../../../test/scalar/fixtures/elementary.json", import.meta.url);
  return JSON.parse(readFileSync(path, "utf8"));
}

for (const [name, rows] of Object.entries(fixture()))
  test(`${name} of float64 against mpmath`, (t) => {
    const c = cases.find((x) => x.name === name);
    assert.ok(c);
    let worst = 0;
    let at = "";
    for (const fused of modes) {
      const f = scalarFunction(primitiveNamed(name), {}, "float64", c.arity, fused);
      for (const row of rows) {
        const xs = row.slice(0, -1);
        const error = ulpError("float64", f(...xs), row[c.arity]);
        if (error > worst) [worst, at] = [error, `${xs.map(text).join(", ")}: ${text(f(...xs))} for ${row[c.arity]}`];
      }
    }
    t.diagnostic(`${name}: ${worst.toFixed(2)} ULP at ${at} (${rows.length} points)`);
    // the fixture is rounded to half a unit
    assert.ok(worst <= limitOf(c, "float64") + 0.5, `${worst} ULP at ${at}`);
  });

for (const name of ["erf", "erfc", "erfinv"])
  test(`the reference of ${name} agrees with mpmath to 1e-15`, () => {
    for (const [x, y] of fixture()[name]) {
      const error = Math.abs(referenceAt(primitiveNamed(name), [x]) - y);
      assert.ok(error <= 1e-15 * Math.abs(y) + 5e-324, `${name}(${x}): relative error ${error / y}`);
    }
  });

const inf = Infinity;
const nan = Number.NaN;
/** Arguments and value, by IEEE 754 and C99 annex F; the values must be exact. */
const special: Readonly<Record<string, readonly (readonly number[])[]>> = {
  exp: [
    [0, 1],
    [-0, 1],
    [inf, inf],
    [-inf, 0],
    [nan, nan],
    [1e5, inf],
    [-1e5, 0],
  ],
  exp2: [
    [0, 1],
    [10, 1024],
    [-3, 0.125],
    [inf, inf],
    [-inf, 0],
    [nan, nan],
    [5000, inf],
    [-5000, 0],
  ],
  expm1: [
    [0, 0],
    [-0, -0],
    [inf, inf],
    [-inf, -1],
    [nan, nan],
    [-1e4, -1],
    [1e5, inf],
  ],
  log: [
    [1, 0],
    [0, -inf],
    [-0, -inf],
    [inf, inf],
    [-1, nan],
    [-inf, nan],
    [nan, nan],
  ],
  log2: [
    [1, 0],
    [8, 3],
    [2 ** -140, -140],
    [0, -inf],
    [inf, inf],
    [-1, nan],
    [nan, nan],
  ],
  log10: [
    [1, 0],
    [10, 1],
    [1000, 3],
    [1e10, 10],
    [0, -inf],
    [inf, inf],
    [-1, nan],
    [nan, nan],
  ],
  log1p: [
    [0, 0],
    [-0, -0],
    [-1, -inf],
    [inf, inf],
    [-2, nan],
    [nan, nan],
  ],
  sin: [
    [0, 0],
    [-0, -0],
    [inf, nan],
    [-inf, nan],
    [nan, nan],
  ],
  cos: [
    [0, 1],
    [-0, 1],
    [inf, nan],
    [-inf, nan],
    [nan, nan],
  ],
  tan: [
    [0, 0],
    [-0, -0],
    [inf, nan],
    [-inf, nan],
    [nan, nan],
  ],
  asin: [
    [0, 0],
    [-0, -0],
    [2, nan],
    [-2, nan],
    [nan, nan],
  ],
  acos: [
    [1, 0],
    [2, nan],
    [-2, nan],
    [nan, nan],
  ],
  atan: [
    [0, 0],
    [-0, -0],
    [nan, nan],
  ],
  atan2: [
    [0, 1, 0],
    [-0, 1, -0],
    [1, inf, 0],
    [-1, inf, -0],
    [0, 0, 0],
    [-0, 0, -0],
    [nan, 1, nan],
    [1, nan, nan],
  ],
  sinh: [
    [0, 0],
    [-0, -0],
    [inf, inf],
    [-inf, -inf],
    [nan, nan],
    [1e4, inf],
  ],
  cosh: [
    [0, 1],
    [-0, 1],
    [inf, inf],
    [-inf, inf],
    [nan, nan],
    [-1e4, inf],
  ],
  tanh: [
    [0, 0],
    [-0, -0],
    [inf, 1],
    [-inf, -1],
    [nan, nan],
    [30, 1],
    [-30, -1],
  ],
  asinh: [
    [0, 0],
    [-0, -0],
    [inf, inf],
    [-inf, -inf],
    [nan, nan],
  ],
  acosh: [
    [1, 0],
    [0.5, nan],
    [-inf, nan],
    [inf, inf],
    [nan, nan],
  ],
  atanh: [
    [0, 0],
    [-0, -0],
    [1, inf],
    [-1, -inf],
    [2, nan],
    [-2, nan],
    [nan, nan],
  ],
  sigmoid: [
    [0, 0.5],
    [inf, 1],
    [-inf, 0],
    [nan, nan],
    [1e5, 1],
    [-1e5, 0],
  ],
  erf: [
    [0, 0],
    [-0, -0],
    [inf, 1],
    [-inf, -1],
    [nan, nan],
    [7, 1],
  ],
  erfc: [
    [0, 1],
    [inf, 0],
    [-inf, 2],
    [nan, nan],
    [30, 0],
  ],
  erfinv: [
    [0, 0],
    [-0, -0],
    [1, inf],
    [-1, -inf],
    [1.5, nan],
    [-1.5, nan],
    [nan, nan],
  ],
  sqrt: [
    [0, 0],
    [-0, -0],
    [4, 2],
    [inf, inf],
    [-1, nan],
    [nan, nan],
  ],
  rsqrt: [
    [0, inf],
    [-0, -inf],
    [4, 0.5],
    [inf, 0],
    [-1, nan],
    [nan, nan],
  ],
  cbrt: [
    [0, 0],
    [-0, -0],
    [27, 3],
    [-8, -2],
    [inf, inf],
    [-inf, -inf],
    [nan, nan],
  ],
  pow: [
    [nan, 0, 1],
    [1, nan, 1],
    [1, inf, 1],
    [-1, inf, 1],
    [-1, -inf, 1],
    [2, 3, 8],
    [-2, 3, -8],
    [-2, 2, 4],
    [2, -2, 0.25],
    [0, 3, 0],
    [-0, 3, -0],
    [-0, 2, 0],
    [0, -1, inf],
    [-0, -1, -inf],
    [-0, -2, inf],
    [-2, 0.5, nan],
    [0, 0, 1],
    [inf, 2, inf],
    [inf, -2, 0],
    [-inf, 3, -inf],
    [-inf, 2, inf],
    [-inf, -3, -0],
    [-inf, 0.5, inf],
    [0.5, inf, 0],
    [0.5, -inf, inf],
    [2, inf, inf],
    [2, -inf, 0],
    [nan, 1, nan],
    [2, nan, nan],
    [10, 2, 100],
    [3, 4, 81],
    [-0.5, 1e9, 0],
  ],
};

test("special values", () => {
  assert.deepEqual(Object.keys(special).toSorted(), cases.map((c) => c.name).toSorted());
  for (const [name, rows] of Object.entries(special))
    for (const type of types)
      for (const fused of modes) {
        const f = scalarFunction(primitiveNamed(name), {}, type, rows[0].length - 1, fused);
        for (const row of rows) {
          const xs = row.slice(0, -1);
          assert.equal(text(f(...xs)), text(row[row.length - 1]), `${name}(${xs.map(text).join(", ")}) of ${type}`);
        }
      }
});

test("results that are subnormal in float32 are as accurate as others", () => {
  const subnormal: readonly [string, number[]][] = [
    ["exp", [-90]],
    ["exp2", [-149]],
    ["sigmoid", [-95]],
    ["pow", [2 ** -140, 1]],
    ["erfc", [9.5]],
  ];
  for (const [name, xs] of subnormal) {
    const arguments32 = xs.map(Math.fround);
    const exact = referenceAt(primitiveNamed(name), arguments32);
    assert.ok(exact > 0 && exact < 2 ** -126, `${exact} is not subnormal`);
    for (const fused of modes) {
      const got = scalarFunction(primitiveNamed(name), {}, "float32", xs.length, fused)(...arguments32);
      assert.ok(ulpError("float32", got, exact) <= 1, `${name}(${xs.join(", ")}) = ${got}, not ${exact}`);
    }
  }
});
