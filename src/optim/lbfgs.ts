/** L-BFGS as an optimizer that keeps its history from step to step. */
import { ArgumentError, hold, type Tensor, tensor, zeros, shown } from "../index.js";
import { Module } from "../tree/index.js";
import { strongWolfe } from "./minimize/line-search.js";
import { type Evaluation, isUsable, Objective, Space, toVector } from "./minimize/objective.js";
import { type Pair, twoLoop } from "./minimize/rules.js";
import { dot, maxAbs, minus, plus, times, type Vector } from "./minimize/vectors.js";
import { leavesOf, replaceLeaves } from "./transformation.js";
import { checkRange } from "./transformations.js";

export interface LbfgsOptions {
  readonly learningRate?: number;
  /** Iterations of one step, and evaluations of the loss: 20, and 1.25 times as many, unless given. */
  readonly maxIterations?: number;
  readonly maxEvaluations?: number;
  /** A step ends when no element of the gradient exceeds this; 1e-7 unless given. */
  readonly toleranceGradient?: number;
  /** A step ends when loss, or parameters, change by less than this; 1e-9 unless given. */
  readonly toleranceChange?: number;
  /** Pairs kept; 100 unless given. They take twice as many times the model's memory. */
  readonly historySize?: number;
  /** How long a step is: the learning rate, or what satisfies the strong Wolfe conditions. */
  readonly lineSearch?: "strongWolfe" | null;
}

/** What an optimizer remembers of the last evaluation. */
interface Last {
  readonly gradient: Vector;
  readonly step: Vector;
}

const defaults = {
  learningRate: 1,
  maxIterations: 20,
  toleranceGradient: 1e-7,
  toleranceChange: 1e-9,
  historySize: 100,
  lineSearch: null,
};

/** See `lbfgs`. */
export class Lbfgs extends Module {
  /** Iterations done in all steps. */
  count: Tensor = tensor(0, { dtype: "int32" });
  /** Steps s and changes y of the gradient [historySize, n], the oldest first, and how many of them there are. */
  steps: Tensor | null = null;
  changes: Tensor | null = null;
  stored: Tensor = tensor(0, { dtype: "int32" });
  /** The last step and the gradient before it. */
  lastStep: Tensor | null = null;
  lastGradient: Tensor | null = null;
  readonly #options: Required<LbfgsOptions>;

  override get buffers(): readonly string[] {
    return ["count", "steps", "changes", "stored", "lastStep", "lastGradient"];
  }

  constructor(options: LbfgsOptions = {}) {
    super();
    const all = { ...defaults, ...options };
    const { learningRate, toleranceGradient, toleranceChange, maxIterations, historySize, lineSearch } = all;
    checkRange("the learning rate", learningRate, 0);
    checkRange("toleranceGradient", toleranceGradient, 0);
    checkRange("toleranceChange", toleranceChange, 0);
    for (const [name, value] of Object.entries({ maxIterations, historySize }))
      if (!Number.isInteger(value) || value < 1)
        throw new ArgumentError(`lbfgs: ${name} must be a positive integer, got ${shown(value)}. raise it`);
    if (lineSearch !== null && lineSearch !== "strongWolfe")
      throw new ArgumentError(
        `lbfgs: lineSearch must be "strongWolfe" or null, got ${String(lineSearch)}. use one of them`,
      );
    this.#options = { ...all, maxEvaluations: all.maxEvaluations ?? Math.floor(maxIterations * 1.25) };
  }

  /** Makes the state for the parameters of a model; does nothing when it is there. */
  init(model: unknown): this {
    if (this.steps !== null) return this;
    const { start } = new Space(model);
    const [n, dtype] = [start.size, start.dtype];
    const { historySize } = this.#options;
    this.steps = zeros([historySize, n], { dtype });
    this.changes = zeros([historySize, n], { dtype });
    this.lastStep = zeros([n], { dtype });
    this.lastGradient = zeros([n], { dtype });
    return this;
  }

  /**
   * One step of up to `maxIterations` iterations on a loss, which is evaluated as often as needed and must be the same each
   * time. Puts new tensors in place of the model's parameters; gives the loss before the step. Reads values.
   */
  async step<M>(model: M, loss: (model: M) => Tensor): Promise<number> {
    this.init(model);
    const objective = new Objective(loss, model, false);
    const first = await objective.at(await toVector(objective.space.start));
    const history = await this.#load();
    const { x, last, count } = await this.#iterate(objective, first, history.pairs, history.last, history.count);
    replaceLeaves(model, leavesOf(objective.space.tree(x)));
    this.#save(objective.space, history.pairs, last, count);
    hold([model, this]);
    return first.value;
  }

  async #iterate<M>(objective: Objective<M>, first: Evaluation, pairs: Pair[], last: Last, count: number) {
    const o = this.#options;
    let at = first;
    let x = first.x;
    for (let k = 1; k <= o.maxIterations && isUsable(at) && maxAbs(at.gradient) > o.toleranceGradient; k++) {
      if (count > 0) learn(pairs, { s: last.step, y: minus(at.gradient, last.gradient) }, o.historySize);
      const newest = pairs.at(-1);
      const scale = newest === undefined ? 1 : dot(newest.s, newest.y) / dot(newest.y, newest.y);
      const direction = times(-1, twoLoop(pairs, scale, at.gradient));
      const size = at.gradient.reduce((sum, v) => sum + Math.abs(v), 0);
      const length = count === 0 ? Math.min(1, 1 / size) * o.learningRate : o.learningRate;
      count++;
      last = { gradient: at.gradient, step: new Float64Array(x.length) };
      if (dot(at.gradient, direction) > -o.toleranceChange) break;
      const before = at;
      if (o.lineSearch === null) {
        last = { gradient: at.gradient, step: times(length, direction) };
        x = plus(x, length, direction);
        if (k < o.maxIterations) at = await objective.at(x);
      } else {
        const conditions = { c1: 1e-4, c2: 0.9, first: length, trials: 25 };
        const found = await strongWolfe(objective, at, direction, conditions);
        if (!found.found) break;
        last = { gradient: at.gradient, step: times(found.step, direction) };
        at = found.at;
        x = at.x;
      }
      if (objective.nfev >= o.maxEvaluations || maxAbs(last.step) <= o.toleranceChange) break;
      if (at !== before && Math.abs(at.value - before.value) < o.toleranceChange) break;
    }
    return { x, last, count };
  }

  async #load() {
    const rows = async (x: Tensor | null, count: number): Promise<Vector[]> => {
      if (x === null) return [];
      const all = await toVector(x);
      const n = x.shape[1];
      return Array.from({ length: count }, (_, i) => all.slice(i * n, (i + 1) * n));
    };
    const stored = await this.stored.item();
    const [s, y] = [await rows(this.steps, stored), await rows(this.changes, stored)];
    const read = (x: Tensor | null) => (x === null ? Promise.resolve(new Float64Array()) : toVector(x));
    const last = { gradient: await read(this.lastGradient), step: await read(this.lastStep) };
    return { pairs: s.map((v, i) => ({ s: v, y: y[i] })), last, count: await this.count.item() };
  }

  #save<M>(space: Space<M>, pairs: readonly Pair[], last: Last, count: number): void {
    const { historySize } = this.#options;
    const { dtype } = space.start;
    const n = last.step.length;
    const packed = (rows: readonly Vector[]): Tensor => {
      const all = new Float64Array(historySize * n);
      rows.forEach((row, i) => all.set(row, i * n));
      return tensor(all, { shape: [historySize, n], dtype });
    };
    this.steps = packed(pairs.map((p) => p.s));
    this.changes = packed(pairs.map((p) => p.y));
    this.stored = tensor(pairs.length, { dtype: "int32" });
    this.count = tensor(count, { dtype: "int32" });
    this.lastStep = space.tensor(last.step);
    this.lastGradient = space.tensor(last.gradient);
  }
}

/** Takes in a pair that has curvature; the oldest makes room. */
function learn(pairs: Pair[], pair: Pair, historySize: number): void {
  if (!(dot(pair.s, pair.y) > 1e-10)) return;
  if (pairs.length === historySize) pairs.shift();
  pairs.push(pair);
}

/**
 * PyTorch's `LBFGS`: each step makes several iterations of L-BFGS on a loss, `await optimizer.step(model, (m) => loss)`. For
 * a whole minimisation see `minimize`.
 */
export const lbfgs = (options: LbfgsOptions = {}): Lbfgs => new Lbfgs(options);
