/** Training in one call: compiled steps, epochs, metrics, early stopping, checkpoints and going on where one stopped. */
import { ArgumentError, Tensor, compile, stopGradient, valueAndGrad } from "../index.js";
import { loadStateDict, stateDict } from "../nn/index.js";
import type { Optimizer } from "../optim/index.js";
import { defaultGenerator, manualSeed } from "../random/index.js";
import { type Module, map } from "../tree/index.js";
import type { BatchEvent, Callback, EpochRecord, StopReason } from "./callbacks.js";
import type { Measured, Metric } from "./metrics.js";
import { type Parts, type Progress, type TrainState, restoreState, takeState } from "./state.js";
import { Totals } from "./totals.js";

/** Inputs and targets, the examples along axis 0. */
export type Batch = readonly [input: Tensor, target: Tensor];
type Batches<B> = Iterable<B> | AsyncIterable<B>;

/**
 * Data that can be gone through again and again: batches to iterate over, or, where the order depends on the epoch (which
 * a run that goes on must see again), an object that gives the batches of the epoch with a number, counted from 1, from
 * batch number `start` on. A `DataLoader` is one.
 */
export type Source<B = Batch> = (Batches<B> | { epoch(number: number, start: number): Batches<B> }) & {
  /** How many batches an epoch has. */
  readonly length?: number;
};

/** A model that `fit` can train. */
export type Trainable = Module & { forward(x: Tensor): Tensor };

export interface FitOptions<M extends Module, B = Batch> {
  readonly data: Source<B>;
  /** Input and target of a batch; needed when a batch is not such a pair itself. */
  readonly pair?: (batch: B) => Batch;
  /** The mean loss of a batch. */
  readonly loss: (output: Tensor, target: Tensor) => Tensor;
  readonly optimizer: Optimizer;
  readonly epochs: number;
  readonly validation?: Source<B>;
  /** The first part of the names of what is measured on `validation`: `"validation"` gives `validationLoss`. */
  readonly validationName?: string;
  readonly metrics?: Readonly<Record<string, Metric>>;
  readonly forward?: (model: M, input: Tensor) => Tensor;
  readonly callbacks?: readonly Callback[];
  /** The number of the epoch's record that tells how good the model is; the loss on `validation`, or in training. */
  readonly monitor?: { readonly name: string; readonly mode?: "min" | "max" };
  /** Stops when the monitored number has not become better by more than `minDelta` (0) for `patience` epochs. */
  readonly earlyStopping?: { readonly patience: number; readonly minDelta?: number };
  /** Keeps a copy of the model at its best epoch and puts it back in the end, unless the run is interrupted. */
  readonly restoreBest?: boolean;
  /**
   * `save` is awaited after every `everyEpochs` (1) epochs, after every `everyBatches` batches if given, when the
   * monitored number is the best so far, and when the run is interrupted. It must have read the tensors when it returns.
   */
  readonly checkpoint?: {
    readonly save: (state: TrainState, why: { readonly best: boolean }) => void | Promise<void>;
    readonly everyEpochs?: number;
    readonly everyBatches?: number;
  };
  /** A state that `checkpoint.save` was given: the run goes on from there as if it had never stopped. */
  readonly resume?: TrainState;
  /** Seeds the default generator before the first batch. */
  readonly seed?: number;
  /** Ends the run after the batch in hand. */
  readonly signal?: AbortSignal;
}

export interface FitResult {
  readonly reason: StopReason;
  readonly history: readonly EpochRecord[];
  readonly best: { readonly epoch: number; readonly value: number } | null;
}

/**
 * Trains `model`: every batch is one compiled step (forward, backward, update). The batches of an epoch, the model, the
 * optimizer, the default generator and the metrics so far make the state that a checkpoint holds, so a run that goes on
 * from one gives the same numbers, bit for bit, as one that never stopped.
 */
export async function fit<M extends Trainable, B = Batch>(model: M, options: FitOptions<M, B>): Promise<FitResult> {
  return new Run(model, options).run();
}

class Run<M extends Trainable, B> {
  readonly #model: M;
  readonly #options: FitOptions<M, B>;
  readonly #train: Totals;
  readonly #test: Totals;
  readonly #trainStep: (x: Tensor, y: Tensor) => Tensor;
  readonly #testStep: (x: Tensor, y: Tensor) => Tensor;
  readonly #pause = new Pause();
  /** A copy of the model at its best epoch, where it is to be put back. */
  #best: M | null = null;
  #progress: Progress = { epoch: 1, position: 0, examples: 0, best: null, reference: null, waited: 0, history: [] };

  constructor(model: M, options: FitOptions<M, B>) {
    checkOptions(options);
    this.#model = model;
    this.#options = options;
    const { optimizer, metrics = {}, seed, resume, restoreBest = false } = options;
    this.#train = new Totals(metrics);
    this.#test = new Totals(metrics);
    optimizer.init(model);
    if (seed !== undefined) manualSeed(seed);
    if (restoreBest) this.#best = copyOf(model);
    if (resume) this.#progress = restoreState(resume, this.#parts);
    this.#trainStep = compile((x: Tensor, y: Tensor) => this.#learn(x, y), { state: [model, optimizer, this.#train] });
    this.#testStep = compile((x: Tensor, y: Tensor) => this.#measure(x, y), { state: [model, this.#test] });
  }

  get #parts(): Parts {
    return {
      model: this.#model,
      optimizer: this.#options.optimizer,
      metrics: this.#train,
      generator: defaultGenerator,
      ...(this.#best ? { best: this.#best } : {}),
    };
  }
  #pair(batch: B): Batch {
    const pair: unknown = this.#options.pair?.(batch) ?? batch;
    if (isPair(pair)) return pair;
    throw new ArgumentError("fit: a batch must be [input, target], two tensors. say with pair how it becomes one");
  }
  #forward(model: M, x: Tensor): Tensor {
    const { forward } = this.#options;
    return forward ? forward(model, x) : model.forward(x);
  }

  /** One training step; this is what is compiled. */
  #learn(x: Tensor, y: Tensor): Tensor {
    const { loss, optimizer } = this.#options;
    let output = x;
    const [value, grads] = valueAndGrad((model: M) => {
      output = this.#forward(model, x);
      return loss(output, y);
    })(this.#model);
    optimizer.update(this.#model, grads);
    this.#train.add(value, stopGradient(output), y);
    return value;
  }
  #measure(x: Tensor, y: Tensor): Tensor {
    const output = this.#forward(this.#model, x);
    const value = this.#options.loss(output, y);
    this.#test.add(value, output, y);
    return value;
  }

  async run(): Promise<FitResult> {
    const { epochs, callbacks = [] } = this.#options;
    let reason: StopReason = "finished";
    if (this.#hasWaited()) reason = "stopped early";
    while (reason === "finished" && this.#progress.epoch <= epochs) {
      for (const c of callbacks) await c.onEpochStart?.({ epoch: this.#progress.epoch, epochs });
      const pass = await this.#trainPass();
      if (pass === null) {
        reason = "interrupted";
        await this.#save(false);
      } else if (await this.#endEpoch(pass)) reason = "stopped early";
    }
    const { history, best } = this.#progress;
    if (this.#best && best && reason !== "interrupted") loadStateDict(this.#model, stateDict(copyOf(this.#best)));
    for (const c of callbacks) await c.onEnd?.({ reason, history });
    return { reason, history, best };
  }

  /** Goes through what is left of the epoch's batches; `null` when the signal ended it. */
  async #trainPass(): Promise<Pass | null> {
    const { data, callbacks = [], checkpoint, signal } = this.#options;
    const { epoch, position: start } = this.#progress;
    const clock = new Clock();
    this.#model.train();
    let number = start;
    for await (const batch of batchesOf(data, epoch, start)) {
      if (signal?.aborted) return null;
      const [x, y] = this.#pair(batch);
      number++;
      this.#trainStep(x, y);
      clock.add(x.shape[0]);
      const examples = this.#progress.examples + x.shape[0];
      this.#progress = { ...this.#progress, position: number, examples };
      const event = this.#event(data, number, examples, clock, this.#train, "train");
      for (const c of callbacks) await c.onBatch?.(event);
      await this.#pause.now();
      if (checkpoint?.everyBatches && number % checkpoint.everyBatches === 0) await this.#save(false);
    }
    if (number === 0) throw new ArgumentError("fit: data must hold at least one batch, got none. check the loader");
    if (signal?.aborted) return null;
    return { measured: await this.#train.measured("train"), ...clock.stop() };
  }

  /** Measures the validation data in evaluation mode. */
  async #validate(): Promise<Record<string, Measured>> {
    const { validation, validationName = "validation", callbacks = [] } = this.#options;
    if (!validation) return {};
    this.#test.clear();
    const clock = new Clock();
    this.#model.eval();
    let number = 0;
    for await (const batch of batchesOf(validation, this.#progress.epoch, 0)) {
      const [x, y] = this.#pair(batch);
      this.#testStep(x, y);
      clock.add(x.shape[0]);
      const event = this.#event(validation, ++number, clock.examples, clock, this.#test, validationName);
      for (const c of callbacks) await c.onValidationBatch?.(event);
      await this.#pause.now();
    }
    this.#model.train();
    return this.#test.measured(validationName);
  }

  #event(data: Source<B>, batch: number, examples: number, clock: Clock, totals: Totals, prefix: string): BatchEvent {
    return {
      epoch: this.#progress.epoch,
      epochs: this.#options.epochs,
      batch,
      batches: data.length ?? null,
      examples,
      examplesPerSecond: clock.examples / clock.seconds(),
      measured: () => totals.measured(prefix),
    };
  }

  /** Validates, records, compares and saves; whether to stop. */
  async #endEpoch(pass: Pass): Promise<boolean> {
    const { optimizer, checkpoint, earlyStopping, callbacks = [] } = this.#options;
    const { epoch, history } = this.#progress;
    const record: EpochRecord = {
      epoch,
      ...pass.measured,
      ...(await this.#validate()),
      seconds: pass.seconds,
      examplesPerSecond: pass.examples / pass.seconds,
      learningRate: await optimizer.learningRate.item(),
    };
    const value = this.#monitored(record);
    const best = this.#isBetter(value, this.#progress.best?.value ?? null, 0);
    const moved = this.#isBetter(value, this.#progress.reference, earlyStopping?.minDelta ?? 0);
    this.#train.clear();
    this.#progress = {
      epoch: epoch + 1,
      position: 0,
      examples: 0,
      best: best ? { epoch, value } : this.#progress.best,
      reference: moved ? value : this.#progress.reference,
      waited: moved ? 0 : this.#progress.waited + 1,
      history: [...history, record],
    };
    if (best && this.#best) this.#best = copyOf(this.#model);
    if (checkpoint && (best || epoch % (checkpoint.everyEpochs ?? 1) === 0)) await this.#save(best);
    for (const c of callbacks) await c.onEpoch?.({ record, best });
    return this.#hasWaited();
  }
  #hasWaited(): boolean {
    const { earlyStopping } = this.#options;
    return earlyStopping !== undefined && this.#progress.waited >= earlyStopping.patience;
  }

  #monitored(record: EpochRecord): number {
    const { monitor, validation, validationName = "validation" } = this.#options;
    const name = monitor?.name ?? (validation ? `${validationName}Loss` : "trainLoss");
    const value = record[name];
    if (typeof value === "number") return value;
    throw new ArgumentError(
      `fit: monitor must name a number of the record, got ${name}. there are ${Object.keys(record).join(", ")}`,
    );
  }
  /** Whether a value beats another by more than `delta`; NaN beats nothing. */
  #isBetter(value: number, other: number | null, delta: number): boolean {
    if (Number.isNaN(value)) return false;
    if (other === null) return true;
    return this.#options.monitor?.mode === "max" ? value > other + delta : value < other - delta;
  }

  async #save(best: boolean): Promise<void> {
    await this.#options.checkpoint?.save(takeState(this.#parts, this.#progress), { best });
  }
}

/** The same model with tensors of its own, which no step donates. */
const copyOf = <M extends Module>(model: M): M => map((x) => x.clone(), model);

/** What one pass over the training data gave. */
interface Pass {
  readonly measured: Readonly<Record<string, Measured>>;
  readonly seconds: number;
  readonly examples: number;
}

/** Examples and the time they took. */
class Clock {
  examples = 0;
  readonly #start = performance.now();
  add(examples: number): void {
    this.examples += examples;
  }
  seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }
  stop(): { readonly seconds: number; readonly examples: number } {
    return { seconds: this.seconds(), examples: this.examples };
  }
}

/** Lets signals, pages and the collector of dropped tensors have their turn, at most every 50 ms. */
class Pause {
  #last = performance.now();
  async now(): Promise<void> {
    if (performance.now() - this.#last < 50) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.#last = performance.now();
  }
}

const isPair = (x: unknown): x is Batch =>
  Array.isArray(x) && x.length === 2 && x[0] instanceof Tensor && x[1] instanceof Tensor;

/** The batches of an epoch from number `start` on. */
async function* batchesOf<B>(data: Source<B>, epoch: number, start: number): AsyncGenerator<B> {
  if ("epoch" in data) {
    yield* data.epoch(epoch, start);
    return;
  }
  let number = 0;
  for await (const batch of data) if (number++ >= start) yield batch;
}

function checkOptions<M extends Trainable, B>(options: FitOptions<M, B>): void {
  const positive = (name: string, value: number | undefined): void => {
    if (value !== undefined && !(Number.isInteger(value) && value > 0))
      throw new ArgumentError(`fit: ${name} must be a positive integer, got ${value}. round it`);
  };
  positive("epochs", options.epochs);
  positive("earlyStopping.patience", options.earlyStopping?.patience);
  positive("checkpoint.everyEpochs", options.checkpoint?.everyEpochs);
  positive("checkpoint.everyBatches", options.checkpoint?.everyBatches);
}
