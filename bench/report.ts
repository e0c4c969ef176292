/** What a measurement says, for people: lines while it runs, and tables in Markdown, in 120 columns. */
import { cpus } from "node:os";
import {
  bestPeers,
  type Entry,
  meansOf,
  mostThreads,
  oursOf,
  ratioOf,
  type Result,
  roofShareOf,
  spreadOf,
  valueOf,
} from "./results.js";
import type { Roofs } from "./roofs.js";
import { type Contestant, contestants } from "./runner.js";
import type { Bound } from "./workloads.js";

/** Three significant digits, no exponent. */
function digits(x: number): string {
  if (!Number.isFinite(x) || x === 0) return String(x);
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(x))));
  return x.toFixed(Math.min(decimals, 6));
}
const times = (ratio: number): string => `${digits(ratio)}×`;
const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** `wasm 2`, or only the name of what has no threads. */
export const label = ({ name, threads }: Contestant): string =>
  contestants.some((c) => c.name === name && c.threads !== 1) ? `${name} ${threads}` : name;

const width = 118;
const clipped = (line: string): string => (line.length > width ? `${line.slice(0, width - 1)}…` : line);

/** A heading and a line for every contestant: median, quartiles, share of the roof, and how far ahead of each peer. */
export function details(result: Result, roofs: Roofs): string {
  const peers = bestPeers(result);
  const line = (entry: Entry): string => {
    const [low, high] = spreadOf(result, entry);
    const name = label(entry.contestant).padEnd(10);
    const spread = entry.samples.length > 1 ? `[${digits(low)}, ${digits(high)}]` : "";
    const figures = `  ${name} ${digits(valueOf(result, entry)).padStart(8)}  ${spread.padEnd(18)}`;
    if (entry.contestant.peer) return figures.trimEnd();
    const share = roofShareOf(result, entry, roofs);
    const roof = share === null ? "" : `roof ${percent(share)}`;
    const ahead = peers.map((peer) => `${peer.contestant.name} ${times(ratioOf(entry, peer))}`);
    return `${figures} ${roof.padEnd(10)} ${ahead.join("  ")}`.trimEnd();
  };
  const refused = result.refusals.map(({ contestant, cannot }) =>
    clipped(`  ${label(contestant).padEnd(10)}        -  ${cannot}`),
  );
  const own = [...(result.roofs ?? [])].map(([key, rate]) => `${key} ${digits(rate)} GB/s`);
  const beside = own.length > 0 ? [`  roofs: ${own.join(", ")}`] : [];
  const heading = `${result.workload} (${result.kind}, ${result.unit})`;
  return [heading, ...result.entries.map(line), ...beside, ...refused].join("\n");
}

/** A Markdown table whose columns line up. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((h, i) => Math.max(h.length, 3, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((c, i) => (i === 0 ? c.padEnd(widths[i]) : c.padStart(widths[i]))).join(" | ")} |`;
  const rule = widths.map((w, i) => (i === 0 ? "-".repeat(w) : `${"-".repeat(w - 1)}:`));
  return [line(header), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

const rowName = ({ workload, unit }: Result): string => `${workload}, ${unit}`;

/** Medians: a column for each contestant, peers with the number of threads that serves them best. */
function medians(results: readonly Result[]): string {
  const shown = (r: Result): Entry[] => [...oursOf(r), ...bestPeers(r)];
  const heading = (e: Entry): string => (e.contestant.peer ? e.contestant.name : label(e.contestant));
  const columns = [...new Set(results.flatMap((r) => shown(r).map(heading)))];
  const rows = results.map((r) => [
    rowName(r),
    ...columns.map((c) => {
      const entry = shown(r).find((e) => heading(e) === c);
      return entry ? digits(valueOf(r, entry)) : "";
    }),
  ]);
  return table(["median", ...columns], rows);
}

/** How many times better one of our devices is than each peer, with all threads, and its share of the roof. */
function ratios(device: string, results: readonly Result[], roofs: Roofs): string {
  const peers = [...new Set(results.flatMap((r) => bestPeers(r).map((e) => e.contestant.name)))];
  const rows = results.flatMap((r) => {
    const ours = mostThreads(r).find((e) => e.contestant.name === device);
    if (!ours) return [];
    const share = roofShareOf(r, ours, roofs);
    const ahead = peers.map((p) => {
      const peer = bestPeers(r).find((e) => e.contestant.name === p);
      return peer ? times(ratioOf(ours, peer)) : "";
    });
    return [[r.workload, share === null ? "" : percent(share), ...ahead]];
  });
  return table([`times better, ${device}`, "of the roof", ...peers], rows);
}

const sections = [
  { title: "Training steps and kernels", kinds: ["step", "kernel", "dispatch"] },
  { title: "First step of each training in a fresh process, and importing the package", kinds: ["cold"] },
  { title: "Peak memory of a process that trains", kinds: ["memory"] },
  { title: "Bundle, minified and compressed", kinds: ["size"] },
] as const;

/** Everything as Markdown. */
export function markdown(results: readonly Result[], roofs: Roofs): string {
  const parts = sections.flatMap(({ title, kinds }) => {
    const of = results.filter((r) => kinds.some((k) => k === r.kind));
    if (of.length === 0) return [];
    const devices = [...new Set(of.flatMap((r) => oursOf(r).map((e) => e.contestant.name)))];
    return [`### ${title}`, medians(of), ...devices.map((device) => ratios(device, of, roofs))];
  });
  return [...parts, ...means(results)].join("\n\n");
}

function means(results: readonly Result[]): string[] {
  const lines = meansOf(results).map(
    ({ device, peer, mean, steps }) =>
      `- ${device} : ${peer} ${times(mean)} (${steps} ${steps === 1 ? "step" : "steps"})`,
  );
  return lines.length > 0
    ? ["How many times faster, in the geometric mean over the training steps:", lines.join("\n")]
    : [];
}

/** The training steps alone, as Markdown. */
export const summary = (results: readonly Result[]): string =>
  [medians(results.filter((r) => r.kind === "step")), ...means(results)].join("\n\n");

/** The machine and its roofs, and the versions. */
export function setting(versions: ReadonlyMap<string, string>, roofs: Roofs): string {
  const machine = `${cpus()[0]?.model ?? "unknown CPU"}, ${cpus().length} cores, Node ${process.versions.node}`;
  const ours = [...new Set([...roofs.keys()].map((key) => key.slice(0, key.lastIndexOf(" "))))];
  const rate = (device: string, bound: Bound): string => digits(roofs.get(`${device} ${bound}`) ?? NaN);
  const lines = ours.map(
    (o) =>
      `- roofs of ${o}: ${rate(o, "multiply-add")} GFLOP/s, reads ${rate(o, "read")} GB/s, copies ${rate(o, "copy")} GB/s`,
  );
  return [`- ${machine}`, ...[...versions].map(([name, version]) => `- ${name} ${version}`), ...lines].join("\n");
}
