/**
 * The benchmark: every workload is run by us and by each peer that is installed, side by side in one run.
 *
 *     npm run bench -- [--quick] [--json FILE] [--plot FILE] [--only NAME] [--peers NAMES] [--readme] [--help]
 */
import { accessSync, constants, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { measureCold, measureImport } from "./cold.js";
import { full, interleaved, quick } from "./measure.js";
import { picture } from "./plot.js";
import { details, label, markdown, setting, summary } from "./report.js";
import { type Entry, type Result, rowsOf } from "./results.js";
import { higher, measureRoofs, medianRoofs, type Roofs } from "./roofs.js";
import { type Contestant, contestants, refuses, type Runner, startRunner } from "./runner.js";
import { measureSizes } from "./sizes.js";
import { type Kind, type Workload, workloads } from "./workloads.js";

/** Stops with a message, as a command that was called wrongly does. */
function refuse(message: string): never {
  console.error(`bench: ${message}`);
  process.exit(2);
}

function optionsOf() {
  try {
    const text = { type: "string" } as const;
    const flag = { type: "boolean", default: false } as const;
    return parseArgs({
      options: { quick: flag, json: text, plot: text, only: text, peers: text, readme: flag, help: flag },
    }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}
const options = optionsOf();
for (const file of [options.json, options.plot])
  if (file !== undefined) {
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) refuse(`${file} must be a file, got a folder`);
    try {
      accessSync(dirname(resolve(file)), constants.W_OK);
    } catch {
      refuse(`${file} must be in a folder that is there and can be written. make the folder`);
    }
  }

/** Replaces a file as a whole, so that a reader never sees half of it. */
function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** One thing that can be measured. */
interface Item {
  readonly kind: Kind;
  readonly name: string;
  readonly workload?: Workload;
}
const items: readonly Item[] = [
  ...workloads.map((w) => ({ kind: w.kind, name: w.name, workload: w })),
  ...workloads
    .filter((w) => w.kind === "step")
    .flatMap((w) => [
      { kind: "cold" as const, name: w.name, workload: w },
      { kind: "memory" as const, name: w.name, workload: w },
    ]),
  { kind: "cold", name: "import" },
  { kind: "size", name: "minimal trainer" },
];

const peerNames = [...new Set(contestants.filter((c) => c.peer).map((c) => c.name))];

function choices(): string {
  const names = [...new Set(items.map((item) => item.name))].join("\n  ");
  const kinds = [...new Set(items.map((item) => item.kind))].join(", ");
  return `there are the kinds ${kinds}, and\n  ${names}`;
}

function usage(): string {
  return `npm run bench -- [options]: every workload for us and for each peer that is installed, about 25 minutes

  --quick        four minutes: few rounds
  --only NAME    the workloads of a name, a part of it, or a kind
  --peers NAMES  some of ${peerNames.join(",")}, or none
  --json FILE    an array of rows { workload, kind, device, threads, value, unit, peer, peerValue, ratio, roofShare },
                 one for each device, number of threads and peer; ratio > 1: we are ahead
  --plot FILE    an SVG
  --readme       writes the tables into README.md and docs/BENCHMARK.md
  --help         this

${choices()}`;
}

/** Those whose kind or name is `only`, or whose name contains it. */
function choose(only: string | undefined): readonly Item[] {
  if (only === undefined) return items;
  const plain = (text: string): string => text.toLowerCase().replaceAll("×", "x");
  const wanted = plain(only);
  for (const fits of [
    (item: Item) => item.kind === wanted,
    (item: Item) => plain(item.name) === wanted,
    (item: Item) => plain(item.name).includes(wanted),
  ]) {
    const found = items.filter(fits);
    if (found.length > 0) return found;
  }
  return refuse(`no workload is named like "${only}". ${choices()}`);
}
if (options.help) {
  console.log(usage());
  process.exit();
}
const chosen = choose(options.only);

/** Us, and the peers that are asked for. */
function fieldOf(peers: string | undefined): readonly Contestant[] {
  if (peers === undefined) return contestants;
  const wanted = peers.split(",").filter((name) => name !== "" && name !== "none");
  const unknown = wanted.find((name) => !peerNames.includes(name));
  if (unknown !== undefined) refuse(`--peers must name some of ${peerNames.join(", ")}, or none, got "${unknown}"`);
  return contestants.filter((c) => !c.peer || wanted.includes(c.name));
}

/** Seconds that a peer's three steps, or a burst, may take; whoever needs longer is out of the race. */
const patience = options.quick ? 6 : 30;

const versions = new Map<string, string>();

/** Those that are there; says which are missing, and why. */
async function present(field: readonly Contestant[]): Promise<readonly Contestant[]> {
  const found: Contestant[] = [];
  for (const contestant of field) {
    const runner = await startRunner(contestant);
    if (refuses(runner)) console.log(`${label(contestant)} is left out: ${runner.cannot}`);
    else {
      if (runner.contestant.peer) versions.set(contestant.name, runner.version);
      if (!found.some((c) => c.name === contestant.name && c.threads === runner.contestant.threads))
        found.push(runner.contestant);
      await runner.close();
    }
  }
  return found;
}

/** Whether two programs computed the same; the sum of millions of float32 in a row is off by some thousandths. */
function agree(kind: Kind, a: readonly number[], b: readonly number[]): boolean {
  const spread = kind === "step" ? 0 : Math.sqrt(Math.abs(a[1]));
  return a.every((x, i) => Math.abs(x - b[i]) <= 5e-3 * Math.max(Math.abs(x), Math.abs(b[i]), i === 1 ? 0 : spread));
}

let disagreements = 0;
async function measure(workload: Workload, field: readonly Contestant[]): Promise<Result> {
  const ready: Runner[] = [];
  const refusals: { contestant: Contestant; cannot: string }[] = [];
  let reference: { by: string; numbers: readonly number[] } | undefined;
  const started = await Promise.all(
    field.map((contestant) => startRunner(contestant, contestant.peer ? { patience } : {})),
  );
  for (const [i, runner] of started.entries()) {
    const contestant = field[i];
    const turn = async (cannot: string): Promise<void> => {
      refusals.push({ contestant, cannot });
      if (!refuses(runner)) await runner.close();
    };
    if (refuses(runner)) {
      await turn(runner.cannot);
      continue;
    }
    const refusal = await runner.prepare(workload.task);
    const numbers = refusal ?? (await runner.check());
    if (refuses(numbers)) {
      await turn(numbers.cannot);
      continue;
    }
    reference ??= { by: label(contestant), numbers };
    if (!agree(workload.kind, reference.numbers, numbers)) {
      disagreements++;
      console.log(
        `${label(contestant)} and ${reference.by} differ: ${numbers.join(" ")} and ${reference.numbers.join(" ")}`,
      );
    }
    ready.push(runner);
  }
  const { name, kind, unit, work } = workload;
  const between: Roofs[] = [];
  const samples = await interleaved(
    ready.map((runner) => (times) => runner.run(times)),
    options.quick ? quick : full,
    async () => {
      if (work && work.bound !== "multiply-add") between.push(await measureRoofs([work]));
    },
  );
  await Promise.all(ready.map((runner) => runner.close()));
  const entries: Entry[] = [];
  for (const [i, { contestant }] of ready.entries()) {
    const measured = samples[i];
    if ("cannot" in measured) refusals.push({ contestant, cannot: measured.cannot });
    else entries.push({ contestant, samples: measured });
  }
  return { workload: name, kind, unit, work, entries, refusals, roofs: medianRoofs(between) };
}

const started = performance.now();
const field = await present(fieldOf(options.peers));
let roofs = await measureRoofs();
console.log(`\n${setting(versions, roofs)}`);
const results: Result[] = [];
const add = (result: Result): void => {
  results.push(result);
  console.log(`\n${details(result, roofs)}`);
};

for (const { kind, workload } of chosen) {
  if (!workload || kind === "cold" || kind === "memory") continue;
  add(await measure(workload, field));
  if (kind === "kernel" && !options.quick) roofs = higher(roofs, await measureRoofs());
}
/** With all threads, which is how everybody starts; peers that have no threads as they are. */
const usual = field.filter((c) => field.every((other) => other.name !== c.name || other.threads <= c.threads));
const coldField = options.quick ? usual.filter((c) => !c.peer || c.name === "pytorch") : usual;
for (const workload of workloads) {
  const kinds = chosen.filter((item) => item.workload === workload).map((item) => item.kind);
  if (!kinds.includes("cold") && !kinds.includes("memory")) continue;
  const { cold, memory } = await measureCold(workload, coldField, { repeats: options.quick ? 1 : 3, patience });
  if (kinds.includes("cold")) add(cold);
  if (kinds.includes("memory")) add(memory);
}
if (chosen.some((item) => item.name === "import")) add(measureImport(usual, options.quick ? 3 : 7));
if (chosen.some((item) => item.kind === "size")) add(await measureSizes(usual));

roofs = higher(roofs, await measureRoofs());
const text = markdown(results, roofs);
const seconds = Math.round((performance.now() - started) / 1000);
console.log(`\n${text}\n\n${setting(versions, roofs)}\n\n${results.length} workloads in ${seconds} s`);
const rows = results.flatMap((result) => rowsOf(result, roofs));
if (options.json !== undefined) write(options.json, `${JSON.stringify(rows, null, 2)}\n`);
if (options.plot !== undefined) write(options.plot, picture(rows));
if (options.readme) {
  const between = /(<!-- bench -->)[^]*(<!-- \/bench -->)/;
  const readme = readFileSync("README.md", "utf8");
  if (!between.test(readme)) throw new Error("README.md: there must be lines <!-- bench --> and <!-- /bench -->");
  const inside = `${summary(results)}\n\n${setting(versions, roofs)}`;
  write(
    "README.md",
    readme.replace(between, (_, start: string, end: string) => `${start}\n\n${inside}\n\n${end}`),
  );
  const head = "# The benchmark\n\nWritten by `npm run bench -- --readme`; medians of interleaved runs on one machine.";
  write("docs/BENCHMARK.md", `${head}\n\n${text}\n\n${setting(versions, roofs)}\n`);
}
if (disagreements > 0) {
  console.error(`bench: ${disagreements} programs did not compute what ours did; their figures mean nothing`);
  process.exitCode = 1;
}
