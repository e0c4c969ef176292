/** What a compiled function consists of and where its time goes. */
import type { Account } from "../backend/backend.js";
import type { Kernel, Program } from "../compile/loop.js";
import { buffersOf, kernelsOf, workOf } from "../compile/walk.js";
import { byteSize } from "../ir/dtype.js";
import { type Aval, sizeOf } from "../ir/shape.js";
import { ArgumentError, DeviceError } from "../util/errors.js";
import type { Compiled, PassExplanation } from "./compile.js";
import { listing } from "./listing.js";
import { type Times, timesOf } from "./times.js";

/** One kernel, measured by itself. */
export interface KernelExplanation {
  /** Its place in the program, from 0. */
  readonly place: number;
  /** The operations whose results it computes. */
  readonly name: string;
  /** Lengths of its loops, and of those that fold (sums, maxima, products of matrices). */
  readonly over: readonly number[];
  readonly folds: readonly number[];
  /** Parts that threads may share. */
  readonly tasks: number;
  /** Arithmetic operations of all turns in one run, a multiply-add being one. */
  readonly operations: number;
  /** Bytes of the arrays it reads and writes, each once. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Of all turns in one run. */
  readonly milliseconds: number;
  /** Its share of the time of all kernels. */
  readonly share: number;
}

/** What a compiled function keeps in memory. */
export interface MemoryExplanation {
  /** Bytes of arguments, state and constants; of results and new state, and how many of those are in the place of old state. */
  readonly inputs: number;
  readonly outputs: number;
  readonly inPlace: number;
  /** Bytes for what is computed on the way, and what it would take if no two arrays shared a place. */
  readonly workspace: number;
  readonly unshared: number;
}

const bytesOf = ({ dtype, shape }: Aval): number => byteSize(dtype) * sizeOf(shape);
const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);

/** What `explain` tells of a compiled function; printed, it is a table of at most 120 columns. */
export class Explanation {
  /** The code and how threads share it, in a line. */
  readonly summary: string;
  readonly passes: readonly PassExplanation[];
  /** In the order they run. */
  readonly kernels: readonly KernelExplanation[];
  readonly memory: MemoryExplanation;
  /** Milliseconds of tracing and all passes. */
  readonly compileMilliseconds: number;
  /** Milliseconds of one run: the least of several. */
  readonly runMilliseconds: number;
  readonly #account: Account;

  constructor(account: Account, times: Times, tracing: PassExplanation) {
    const { compiled, rendering, summary } = account;
    const passes = compiled.passes.map((p) => ({ name: p.name, milliseconds: p.milliseconds, result: p.summary }));
    this.#account = account;
    this.summary = summary;
    this.passes = [
      tracing,
      ...passes,
      { name: "code", milliseconds: rendering, result: summary.replace(/, workspace.*bytes/, "") },
    ];
    this.kernels = kernelsIn(account, times.kernels);
    this.memory = memoryOf(compiled.program);
    this.compileMilliseconds = sum(this.passes.map((p) => p.milliseconds));
    this.runMilliseconds = times.run;
  }

  /** All passes, and what they came to: every kernel as statements. */
  listing(): string {
    return listing(this.#account.compiled);
  }

  toString(): string {
    const { memory: m, kernels } = this;
    const alone = sum(kernels.map((k) => k.milliseconds));
    const names = ["", "kernel", "loops", "tasks", "Mop", "read", "written", "ms", "share", "Gop/s", "GB/s"];
    return [
      `${kernels.length} kernel${kernels.length === 1 ? "" : "s"}, ${time(this.runMilliseconds)} ms a run, ${time(alone)} ms one by one; compiled in ${time(this.compileMilliseconds)} ms`,
      `memory: ${bytes(m.inputs)} in, ${bytes(m.outputs)} out, of which ${bytes(m.inPlace)} in place; ${bytes(m.workspace)} on the way (${bytes(m.unshared)} if nothing shared a place)`,
      "",
      ...table(
        ["pass", "ms", "result"],
        this.passes.map((p) => [p.name, time(p.milliseconds), fit(p.result, 96)]),
        [1],
      ),
      "",
      "loops: lengths, Σ those folded; Mop: million operations, a multiply-add being one; ms: of all turns, run by itself",
      ...table(
        names,
        kernels.toSorted((a, b) => b.milliseconds - a.milliseconds).map(row),
        [0, 3, 4, 5, 6, 7, 8, 9, 10],
      ),
    ].join("\n");
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

function kernelsIn({ compiled }: Account, times: readonly number[]): readonly KernelExplanation[] {
  const { program, spaces } = compiled;
  const total = sum(times);
  return kernelsOf(program.steps).map((kernel, place) => ({
    place,
    name: kernel.name,
    ...spaces[place],
    tasks: kernel.tasks,
    operations: workOf(program.steps, (other) => (other === kernel ? kernel.cost.flops : 0)),
    ...trafficOf(program, kernel),
    milliseconds: times[place],
    share: total > 0 ? times[place] / total : 0,
  }));
}

function trafficOf(
  { buffers }: Program,
  kernel: Kernel,
): { readonly bytesRead: number; readonly bytesWritten: number } {
  const { reads, writes } = buffersOf(kernel);
  const isArray = (b: number): boolean => buffers[b].placement.kind !== "scratch";
  const total = (numbers: ReadonlySet<number>): number =>
    sum([...numbers].filter(isArray).map((b) => bytesOf(buffers[b])));
  return { bytesRead: total(reads), bytesWritten: total(writes) };
}

function memoryOf({ inputs, outputs, reuses, buffers, workspaceBytes }: Program): MemoryExplanation {
  return {
    inputs: sum(inputs.map(bytesOf)),
    outputs: sum(outputs.map(bytesOf)),
    inPlace: sum(outputs.filter((_, i) => reuses[i] !== null).map(bytesOf)),
    workspace: workspaceBytes,
    unshared: sum(buffers.filter((b) => b.placement.kind === "temporary").map(bytesOf)),
  };
}

const fit = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);
/** Three digits that mean something. */
const digits = (x: number): string => (x >= 100 || x === 0 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2));
const time = (milliseconds: number): string => (milliseconds < 0.1 ? milliseconds.toFixed(4) : digits(milliseconds));
const rate = (amount: number, milliseconds: number): string =>
  milliseconds > 0 ? digits(amount / milliseconds / 1e6) : "";

function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  return n < 1e6 ? `${digits(n / 1e3)} kB` : n < 1e9 ? `${digits(n / 1e6)} MB` : `${digits(n / 1e9)} GB`;
}

const loopsOf = ({ over, folds }: KernelExplanation): string =>
  `${over.length === 0 ? "1" : over.join("·")}${folds.length === 0 ? "" : ` Σ ${folds.join("·")}`}`;

const row = (k: KernelExplanation): string[] => [
  `${k.place}`,
  fit(k.name, 29),
  fit(loopsOf(k), 24),
  `${k.tasks}`,
  digits(k.operations / 1e6),
  bytes(k.bytesRead),
  bytes(k.bytesWritten),
  time(k.milliseconds),
  `${(100 * k.share).toFixed(1)}%`,
  rate(k.operations, k.milliseconds),
  rate(k.bytesRead + k.bytesWritten, k.milliseconds),
];

/** Columns as wide as they must be; those in `right` end flush. */
function table(head: readonly string[], rows: readonly (readonly string[])[], right: readonly number[]): string[] {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((cells) => cells[i].length)));
  return [head, ...rows].map((cells) =>
    cells
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join("  ")
      .trimEnd(),
  );
}

/**
 * What a compiled function runs and where its time goes: passes, kernels with their loops, operations, bytes and times, and
 * memory. Printed, it is a table. With arguments, it is about the program for them, which is traced if need be but not
 * called: nothing of its state changes, as what is measured runs on copies. Without, it is about the last call's program.
 *
 * @throws ArgumentError unless `f` is compiled; TraceError if it was not called and there are no arguments; DeviceError on
 *   `reference`.
 */
export function explain<A extends readonly unknown[], R>(f: Compiled<A, R>): Explanation;
export function explain<A extends readonly unknown[], R>(f: Compiled<A, R>, ...args: A): Explanation;
export function explain<A extends readonly unknown[], R>(f: Compiled<A, R>, ...args: A): Explanation {
  if (typeof f !== "function" || !("ready" in f))
    throw new ArgumentError(`explain: the function must be a compiled one, got ${typeof f}. pass what compile gave`);
  const { device, executable, values, tracing } = f.ready(args.length === 0 && f.traces() > 0 ? null : args);
  const account = executable.account();
  if (account === null)
    throw new DeviceError(`explain: the device must compile what it runs, got ${device.name}. use setDevice("wasm")`);
  return new Explanation(account, timesOf(device, executable, account, values), tracing);
}
