/** Every example runs and prints what it should; an example without an expectation fails. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const numbers = (text: string): number[] =>
  [...text.matchAll(/-?\d+(?:\.\d+)?(?:e[-+]\d+)?/g)].map((m) => Number(m[0]));
const near = (measured: readonly number[], expected: readonly number[], tolerance: number): void =>
  assert.ok(
    measured.length === expected.length && expected.every((x, i) => Math.abs(x - measured[i]) <= tolerance),
    `${measured} should be ${expected}`,
  );

/** What each example prints. */
const expectations: Readonly<Record<string, (output: string) => void>> = {
  // Least squares by hand: the alternating errors of ±0.5 have covariance -0.25 with x, whose variance is 8.25.
  "fit-a-line": (output) => near(numbers(output.trim().split("\n").at(-1) ?? ""), [3 - 0.25 / 8.25, -2], 1e-3),
  xor: (output) => assert.match(output, /= 0, 1, 1, 0$/m),
  derivatives: (output) => {
    const lines = output.trim().split("\n");
    near(numbers(lines[0]), [1, 1], 1e-9);
    near(numbers(lines[1].split(":")[1]), [1, 0, 0, 2], 1e-12);
  },
  // 2 |w·x - y| |x| for each row
  "per-example-gradients": (output) =>
    near(numbers(output), [2 * 3.5 * 14 ** 0.5, 2 * 1, 2 * 2 * 6 ** 0.5, 2 * 1.5 * 3 ** 0.5], 1e-3),
  // Guessing is right once in ten times; how right a net is after one epoch depends on a seed.
  lenet: (output) => {
    const [, , , testAccuracy] = numbers(output.trim().split("\n").at(-1) ?? "");
    assert.ok(testAccuracy > 0.85, output);
  },
  "compiled-step": (output) => {
    const [eager, compiled] = output.trim().split("\n").map(numbers);
    near([compiled[0]], [eager[0]], 1e-4);
  },
};

const examples = readdirSync(`${root}/examples`).filter((f) => f.endsWith(".ts"));

test("there is an expectation for every example, and an example for every expectation", () => {
  assert.deepEqual(examples.map((f) => f.replace(".ts", "")).toSorted(), Object.keys(expectations).toSorted());
});

for (const [name, check] of Object.entries(expectations))
  test(`examples/${name}.ts`, { timeout: 300_000 }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [`${root}/build/examples/${name}.js`]);
    check(stdout);
  });
