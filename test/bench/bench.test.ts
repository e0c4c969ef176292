/** The benchmark as a command: what it writes for programs, and what it says to people who mistype. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../bench/main.js", import.meta.url));
const bench = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

test("a workload is measured on our devices, and written as rows", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typegrad-bench-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [json, svg] = [join(folder, "rows.json"), join(folder, "plot.svg")];
  const only = ["--quick", "--peers", "none", "--only", "matmul 64", "--json", json, "--plot", svg];
  const { status, stdout, stderr } = bench(...only);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /\| matmul 64, GFLOP\/s \|/);
  assert.ok(stdout.split("\n").every((line) => line.length <= 120));

  const rows: Record<string, unknown>[] = JSON.parse(readFileSync(json, "utf8"));
  const fields = "workload kind device threads value unit peer peerValue ratio roofShare".split(" ");
  assert.ok(rows.some((row) => row["device"] === "wasm" && row["threads"] === 1));
  for (const row of rows) {
    assert.deepEqual(Object.keys(row), fields);
    assert.deepEqual([row["workload"], row["kind"], row["unit"]], ["matmul 64", "kernel", "GFLOP/s"]);
    assert.deepEqual([row["peer"], row["peerValue"], row["ratio"]], [null, null, null]);
    const { value, roofShare } = row;
    assert.ok(typeof value === "number" && value > 0, `${String(value)} GFLOP/s`);
    // a figure of this machine, busy or not
    assert.ok(typeof roofShare === "number" && roofShare > 0.001 && roofShare < 10, `${String(roofShare)} of the roof`);
  }
  assert.match(readFileSync(svg, "utf8"), /^<svg[^]*<\/svg>$/);
});

test("help names options, workloads, kinds, peers and the fields of rows", () => {
  const { status, stdout } = bench("--help");
  assert.equal(status, 0);
  assert.ok(stdout.split("\n").every((line) => line.length <= 120));
  for (const told of ["--only NAME", "GPT 4×128 T64 b16", "dispatch", "jax-js", "roofShare"])
    assert.ok(stdout.includes(told));
});

test("names that do not exist are told beside those that do", () => {
  const workload = bench("--only", "matmul 65");
  assert.equal(workload.status, 2);
  assert.match(workload.stderr, /no workload is named like "matmul 65"[^]*GPT 4×128 T64 b16/);
  const peer = bench("--peers", "numpy");
  assert.equal(peer.status, 2);
  assert.match(peer.stderr, /pytorch, jax-js, tfjs-wasm, tfjs-cpu, or none, got "numpy"/);
  const file = bench("--json", join(tmpdir(), "no-such-folder", "rows.json"));
  assert.equal(file.status, 2);
  assert.match(file.stderr, /must be in a folder that is there/);
  const folder = bench("--json", tmpdir());
  assert.equal(folder.status, 2);
  assert.match(folder.stderr, /must be a file, got a folder/);
});
