/** `docs/from-scratch.ts` is executed: its own checks throw, and what it prints is looked at here once more. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(new URL("../../docs/from-scratch.js", import.meta.url));
const source = readFileSync(new URL("../../../docs/from-scratch.ts", import.meta.url), "utf8");

test("the core fits in 500 lines and imports nothing", () => {
  assert.ok(source.trimEnd().split("\n").length <= 500);
  assert.doesNotMatch(source, /^import\b|\bimport\(/m);
});

test("what it claims holds when it runs", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  const errors = [...stdout.matchAll(/: error (\S+)$/gm)].map((m) => Number(m[1]));
  assert.equal(errors.length, 6);
  assert.ok(Math.max(...errors) < 1e-8, stdout);

  const training = /two moons: loss ([\d.]+) -> ([\d.]+), accuracy ([\d.]+) %/.exec(stdout);
  assert.ok(training, stdout);
  const [first, last, accuracy] = training.slice(1).map(Number);
  // Weights near zero give scores near zero, whose logistic loss is log 2.
  assert.ok(Math.abs(first - Math.LN2) < 0.2 && last < 0.05 && accuracy >= 98, stdout);

  const kernels = Number(/compiled to (\d+) kernels/.exec(stdout)?.[1]);
  assert.ok(kernels > 0 && kernels < 100, "200 steps share their kernels");
});
