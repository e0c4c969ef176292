/** What a measurement says, as rows for machines and as a table for people. */
import { cpus } from "node:os";
import { median, quantile } from "./measure.js";
import type { Roofs } from "./roofs.js";
import type { Runner } from "./runner.js";
import type { Workload } from "./workloads.js";

export interface Measured {
  readonly runner: Runner;
  /** Seconds of one run, one sample a round. */
  readonly samples: readonly number[];
}
export interface Result {
  readonly workload: Workload;
  readonly measured: readonly Measured[];
}

/** One of our devices beside one peer; `ratio` above 1 means that we are ahead. */
export interface Row {
  readonly workload: string;
  readonly kind: string;
  readonly device: string;
  readonly threads: number;
  readonly value: number;
  /** The quarter of the samples below and above the median ends here. */
  readonly spread: readonly [number, number];
  readonly unit: string;
  readonly peer: string | null;
  readonly peerVersion: string | null;
  readonly peerThreads: number | null;
  readonly peerValue: number | null;
  readonly ratio: number | null;
  readonly roofShare: number | null;
}

const inUnit = (workload: Workload, seconds: number): number =>
  workload.unit === "ms" ? seconds * 1e3 : workload.operations / seconds / 1e9;

/** Every peer once, with the number of threads that serves it best here. */
export function bestPeers(result: Result): Measured[] {
  const best = new Map<string, Measured>();
  for (const m of result.measured) {
    const other = best.get(m.runner.name);
    if (m.runner.peer && (!other || median(m.samples) < median(other.samples))) best.set(m.runner.name, m);
  }
  return [...best.values()];
}

/** The median of the ratios of samples taken side by side. */
const ratio = (ours: Measured, peer: Measured): number =>
  median(ours.samples.slice(0, peer.samples.length).map((s, i) => peer.samples[i] / s));

/** How near a workload comes to what its device could do at best; `null` where no roof is known. */
function roofShare({ operations, bytes }: Workload, ours: Measured, roofs: Roofs): number | null {
  const seconds = median(ours.samples);
  if (ours.runner.name !== "wasm" || ours.runner.threads !== 1) return null;
  if (operations > 0) return operations / seconds / 1e9 / roofs.gigaflops;
  return bytes > 0 ? bytes / seconds / 1e9 / roofs.gigabytesPerSecond : null;
}

export function rowsOf(result: Result, roofs: Roofs): Row[] {
  const { workload } = result;
  const peers = bestPeers(result);
  return result.measured
    .filter((m) => !m.runner.peer)
    .flatMap((ours) =>
      (peers.length > 0 ? peers : [null]).map((peer) => ({
        workload: workload.name,
        kind: workload.kind,
        device: ours.runner.name,
        threads: ours.runner.threads,
        value: inUnit(workload, median(ours.samples)),
        spread: [
          inUnit(workload, quantile(ours.samples, 0.25)),
          inUnit(workload, quantile(ours.samples, 0.75)),
        ] as const,
        unit: workload.unit,
        peer: peer && peer.runner.name,
        peerVersion: peer && peer.runner.version,
        peerThreads: peer && peer.runner.threads,
        peerValue: peer && inUnit(workload, median(peer.samples)),
        ratio: peer && ratio(ours, peer),
        roofShare: roofShare(workload, ours, roofs),
      })),
    );
}

/** Three significant digits, no exponent. */
const digits = (x: number): string => (x >= 100 ? x.toFixed(0) : x.toFixed(Math.max(0, 2 - Math.floor(Math.log10(x)))));

const label = (m: Measured): string => (m.runner.peer ? m.runner.name : `typegrad ${m.runner.name}`);
const shown = (r: Result): Measured[] => [...r.measured.filter((m) => !m.runner.peer), ...bestPeers(r)];

/** A Markdown table: a line for each workload, a column for each runner, and how far ahead of each peer we are. */
export function table(results: readonly Result[]): string {
  const columns = [...new Set(results.flatMap((r) => shown(r).map(label)))];
  const lines = results.map((result) => {
    const { workload } = result;
    const ours = result.measured.filter((m) => !m.runner.peer);
    const cells = columns.map((column) => {
      const m = shown(result).find((x) => label(x) === column);
      if (!m) return "";
      const ratios = m.runner.peer ? ours.map((x) => `${digits(ratio(x, m))}×`) : [];
      const ahead = ratios.length > 0 ? ` (${ratios.join(", ")})` : "";
      return `${digits(inUnit(workload, median(m.samples)))}${ahead}`;
    });
    return `| ${[workload.name, workload.unit, ...cells].join(" | ")} |`;
  });
  return [
    `| workload | unit | ${columns.join(" | ")} |`,
    `| --- | --- |${columns.map(() => " ---: |").join("")}`,
    ...lines,
  ].join("\n");
}

/** The machine and the versions, as one sentence to stand under the table. */
export function setting(runners: readonly Runner[], roofs: Roofs): string {
  const peers = new Map(runners.filter((r) => r.peer).map((r) => [r.name, r.version]));
  const machine = `${cpus()[0]?.model ?? "unknown CPU"}, ${cpus().length} cores, Node ${process.versions.node}`;
  const best = `WebAssembly roofs on one thread ${digits(roofs.gigaflops)} GFLOP/s and ${digits(roofs.gigabytesPerSecond)} GB/s`;
  return `${[machine, ...[...peers].map(([name, version]) => `${name} ${version}`), best].join("; ")}.`;
}
