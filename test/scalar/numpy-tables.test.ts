/**
 * NumPy's published accuracy tables (`numpy/core/tests/data/umath-validation-set-*.csv`, hexadecimal floats computed with
 * higher precision, and the error NumPy allows itself). Debian's python3-numpy brings them.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { bitcast } from "./evaluate.js";
import { cases, limitOf, primitiveNamed } from "./support.js";
import { type FloatType, scalarFunction, ulpError } from "./ulp.js";

const folder = process.env["TYPEGRAD_NUMPY_TABLES"] ?? "/usr/lib/python3/dist-packages/numpy/core/tests/data";
const skip = existsSync(folder) ? false : `NOT TESTED: no NumPy tables at ${folder} (Debian: python3-numpy)`;

const tables: Readonly<Record<string, string>> = {
  arccos: "acos",
  arccosh: "acosh",
  arcsin: "asin",
  arcsinh: "asinh",
  arctan: "atan",
  arctanh: "atanh",
  cbrt: "cbrt",
  cos: "cos",
  cosh: "cosh",
  exp: "exp",
  exp2: "exp2",
  expm1: "expm1",
  log: "log",
  log10: "log10",
  log1p: "log1p",
  log2: "log2",
  sin: "sin",
  sinh: "sinh",
  tan: "tan",
  tanh: "tanh",
};

interface Row {
  readonly type: FloatType;
  readonly input: number;
  readonly output: number;
  readonly tolerance: number;
}

function rowsOf(table: string): Row[] {
  const lines = readFileSync(`${folder}/umath-validation-set-${table}.csv`, "utf8").split("\n");
  return lines.flatMap((line) => {
    const match = /^np\.(float32|float64),(\w+),(\w+),(\d+)/.exec(line);
    if (!match) return [];
    const type = match[1] === "float32" ? "float32" : "float64";
    const number = (hex: string) =>
      type === "float32"
        ? bitcast("uint32", type, Number(hex))
        : bitcast("int64", type, BigInt.asIntN(64, BigInt(hex)));
    return [{ type, input: Number(number(match[2])), output: Number(number(match[3])), tolerance: Number(match[4]) }];
  });
}

for (const [table, name] of Object.entries(tables))
  test(`${name} against NumPy's table`, { skip }, (t) => {
    const rows = rowsOf(table);
    assert.ok(rows.length > 200, `only ${rows.length} rows were read`);
    const c = cases.find((x) => x.name === name);
    assert.ok(c);
    for (const type of ["float32", "float64"] as const) {
      const mine = rows.filter((r) => r.type === type);
      for (const fused of [false, true]) {
        const f = scalarFunction(primitiveNamed(name), {}, type, 1, fused);
        const errors = mine.map((r) => ulpError(type, f(r.input), r.output));
        const worst = Math.max(...errors);
        const { input, output, tolerance } = mine[errors.indexOf(worst)];
        t.diagnostic(`${name} ${type}${fused ? " fused" : ""}: ${worst.toFixed(2)} ULP over ${mine.length} rows`);
        const limit = Math.min(tolerance, limitOf(c, type) + 0.5);
        assert.ok(worst <= limit, `${worst} ULP: ${name}(${input}) = ${f(input)}, not ${output}`);
      }
    }
  });
