/**
 * The benchmark: `npm run bench [-- --quick] [--json FILE] [--only NAME] [--readme]`. Every workload is run by us and by
 * each peer that is installed, side by side in one run.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { full, interleaved, quick } from "./measure.js";
import { ours } from "./ours.js";
import { jaxJs } from "./peers/jax.js";
import { pytorch } from "./peers/pytorch.js";
import { type Result, rowsOf, setting, table } from "./report.js";
import { higher, measureRoofs } from "./roofs.js";
import type { Run, Runner } from "./runner.js";
import { type Workload, workloads } from "./workloads.js";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    only: { type: "string" },
    readme: { type: "boolean", default: false },
  },
});

/** Replaces a file as a whole, so that a reader never sees half of it. */
function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Us, and the peers that are there; says which are missing. */
async function findRunners(): Promise<Runner[]> {
  const peers = { "PyTorch, one thread": pytorch(1), "PyTorch, two threads": pytorch(2), "jax-js": jaxJs() };
  const runners = await ours();
  for (const [name, peer] of Object.entries(peers)) {
    const runner = await peer;
    if (runner) runners.push(runner);
    else console.log(`${name}: not installed, left out`);
  }
  return runners;
}

async function measure(workload: Workload, runners: readonly Runner[]): Promise<Result> {
  const prepared: { runner: Runner; run: Run }[] = [];
  for (const runner of runners) {
    const run = await runner.prepare(workload.task);
    if (run) prepared.push({ runner, run });
  }
  const samples = await interleaved(
    prepared.map((p) => p.run),
    options.quick ? quick : full,
  );
  for (const { runner } of prepared) await runner.release();
  return { workload, measured: prepared.map(({ runner }, i) => ({ runner, samples: samples[i] })) };
}

const chosen = workloads.filter((w) => w.name.toLowerCase().includes((options.only ?? "").toLowerCase()));
if (chosen.length === 0) {
  console.error(
    `bench: no workload is named like "${options.only}". there are: ${workloads.map((w) => w.name).join("; ")}`,
  );
  process.exit(2);
}

const runners = await findRunners();
let roofs = await measureRoofs();
console.log(setting(runners, roofs));
const results: Result[] = [];
for (const workload of chosen) {
  const result = await measure(workload, runners);
  results.push(result);
  roofs = higher(roofs, await measureRoofs());
  console.log(`\n${table([result])}`);
}
for (const runner of runners) await runner.close();

const markdown = `${table(results)}\n\n${setting(runners, roofs)}`;
console.log(`\n${markdown}`);
if (options.json)
  write(
    options.json,
    `${JSON.stringify(
      results.flatMap((r) => rowsOf(r, roofs)),
      null,
      2,
    )}\n`,
  );
if (options.readme) {
  const between = /(<!-- bench -->)[^]*(<!-- \/bench -->)/;
  const readme = readFileSync("README.md", "utf8");
  if (!between.test(readme)) throw new Error("README.md: there must be lines <!-- bench --> and <!-- /bench -->");
  write(
    "README.md",
    readme.replace(between, (_, start: string, end: string) => `${start}\n\n${markdown}\n\n${end}`),
  );
}
