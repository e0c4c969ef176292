/** What was measured, and what is made of it: values in their unit, ratios, shares of the roof, rows. */
import { median, quantile } from "./measure.js";
import { type Roofs, roofKey } from "./roofs.js";
import type { Contestant } from "./runner.js";
import type { Kind, Workload } from "./workloads.js";

/** Samples of one contestant in seconds or bytes, of which less is better; those of one round have the same place. */
export interface Entry {
  readonly contestant: Contestant;
  readonly samples: readonly number[];
}

export interface Result {
  readonly workload: string;
  readonly kind: Kind;
  readonly unit: Unit;
  readonly work: Workload["work"];
  readonly entries: readonly Entry[];
  readonly refusals: readonly { readonly contestant: Contestant; readonly cannot: string }[];
  /** What was measured between the rounds, for this work. */
  readonly roofs?: Roofs | null;
}

/** What a sample is in a unit, for the work and the repeats of a run. */
const units = {
  ms: (seconds: number) => seconds * 1e3,
  µs: (seconds: number, _amount: number, repeats: number) => (seconds * 1e6) / repeats,
  "GFLOP/s": (seconds: number, amount: number) => amount / seconds / 1e9,
  KiB: (bytes: number) => bytes / 2 ** 10,
  MiB: (bytes: number) => bytes / 2 ** 20,
} as const;
export type Unit = keyof typeof units;

/** Operations of one run that dispatch is counted by. */
export const eagerOperations = 100;

const inUnit = (result: Result, sample: number): number =>
  units[result.unit](sample, result.work?.amount ?? 0, eagerOperations);

export const valueOf = (result: Result, entry: Entry): number => inUnit(result, median(entry.samples));
/** Between which values half of the samples lie. */
export function spreadOf(result: Result, { samples }: Entry): [low: number, high: number] {
  const ends = [inUnit(result, quantile(samples, 0.25)), inUnit(result, quantile(samples, 0.75))];
  return [Math.min(...ends), Math.max(...ends)];
}

export const oursOf = (result: Result): Entry[] => result.entries.filter((e) => !e.contestant.peer);

/** Every peer once, with the number of threads that serves it best here. */
export function bestPeers(result: Result): Entry[] {
  const best = new Map<string, Entry>();
  for (const entry of result.entries) {
    const { name, peer } = entry.contestant;
    const other = best.get(name);
    if (peer && (!other || median(entry.samples) < median(other.samples))) best.set(name, entry);
  }
  return [...best.values()];
}

/** How many times better we are: the median of the ratios of samples taken side by side, where there are enough. */
export function ratioOf(ours: Entry, peer: Entry): number {
  const paired = Math.min(ours.samples.length, peer.samples.length);
  if (paired < 3) return median(peer.samples) / median(ours.samples);
  return median(ours.samples.slice(0, paired).map((s, i) => peer.samples[i] / s));
}

/** How near a workload comes to what its device could do at best; `null` where no roof is known. */
export function roofShareOf({ work, roofs: own }: Result, { contestant, samples }: Entry, roofs: Roofs): number | null {
  if (!work) return null;
  const roof = (own ?? roofs).get(roofKey(contestant.name, contestant.threads, work.bound));
  return roof ? work.amount / median(samples) / 1e9 / roof : null;
}

/** One of our devices beside one peer; `ratio` above 1 means that we are ahead. What `--json` writes. */
export interface Row {
  readonly workload: string;
  readonly kind: Kind;
  readonly device: string;
  readonly threads: number;
  readonly value: number;
  readonly unit: Unit;
  readonly peer: string | null;
  readonly peerValue: number | null;
  readonly ratio: number | null;
  readonly roofShare: number | null;
}

/** A row for each of our devices and each peer that could run the workload; where none could, a row with no peer. */
export function rowsOf(result: Result, roofs: Roofs): Row[] {
  const peers = bestPeers(result);
  return oursOf(result).flatMap((ours) =>
    (peers.length > 0 ? peers : [null]).map((peer) => ({
      workload: result.workload,
      kind: result.kind,
      device: ours.contestant.name,
      threads: ours.contestant.threads,
      value: valueOf(result, ours),
      unit: result.unit,
      peer: peer && peer.contestant.name,
      peerValue: peer && valueOf(result, peer),
      ratio: peer && ratioOf(ours, peer),
      roofShare: roofShareOf(result, ours, roofs),
    })),
  );
}

/**
 * Geometric means of a device's ratios over the training steps that a peer can run, with all threads.
 */
export function meansOf(results: readonly Result[]): { device: string; peer: string; mean: number; steps: number }[] {
  const logs = new Map<string, number[]>();
  for (const result of results.filter((r) => r.kind === "step"))
    for (const ours of mostThreads(result))
      for (const peer of bestPeers(result)) {
        const key = `${ours.contestant.name}|${peer.contestant.name}`;
        logs.set(key, [...(logs.get(key) ?? []), Math.log(ratioOf(ours, peer))]);
      }
  return [...logs].map(([key, list]) => {
    const [device, peer] = key.split("|");
    return { device, peer, mean: Math.exp(list.reduce((a, b) => a + b, 0) / list.length), steps: list.length };
  });
}

/** Each of our devices once, with as many threads as were measured. */
export function mostThreads(result: Result): Entry[] {
  const ours = oursOf(result);
  return ours.filter(({ contestant: c }) =>
    ours.every(({ contestant: o }) => o.name !== c.name || o.threads <= c.threads),
  );
}
