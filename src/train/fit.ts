/** Training in one call: compiled steps, epochs, metrics, early stopping, checkpoints and going on where one stopped. */
import { ArgumentError, type Tensor, compile, stopGradient, valueAndGrad, shown } from "../index.js";
import { loadStateDict, stateDict } from "../nn/index.js";
import type { Optimizer, ParameterAverage } from "../optim/index.js";
import { defaultGenerator, manualSeed } from "../random/index.js";
import { type Module, leaves, map } from "../tree/index.js";
import { renewMoments, trackedIn } from "./batch-statistics.js";
import type { BatchEvent, Callback, EpochRecord, StopReason } from "./callbacks.js";
import { Clock, Pause } from "./clock.js";
import { Gathered } from "./gathered.js";
import type { Measured, Metric, Sums } from "./metrics.js";
import { type Parts, type Progress, type TrainState, restoreState, takeState } from "./state.js";
import { Totals } from "./totals.js";

/** Inputs and targets, tensors or trees of tensors, the examples along axis 0. */
export type Batch<X = Tensor, Y = Tensor> = readonly [input: X, target: Y];
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
export type Trainable<X = Tensor> = Module & { forward(x: X): Tensor };

/** What a training step minimises, and the output that metrics look at. */
export interface Objective {
  readonly loss: Tensor;
  readonly output: Tensor;
}

export interface FitOptions<M extends Module, B = Batch, X = Tensor, Y = Tensor> {
  readonly data: Source<B>;
  /** Input and target of a batch; needed when a batch is not such a pair itself. */
  readonly pair?: (batch: B) => Batch<X, Y>;
  /** What happens to a batch in training steps only, inside the compiled step: augmentation. */
  readonly augment?: (batch: Batch<X, Y>) => Batch<X, Y>;
  /** The mean loss of a batch. */
  readonly loss: (output: Tensor, target: Y) => Tensor;
  /** What training steps minimise where it is not `loss` of the model's output: smoothed labels, auxiliary outputs. */
  readonly objective?: (model: M, input: X, target: Y) => Objective;
  readonly optimizer: Optimizer;
  readonly epochs: number;
  /** Over how many batches gradients are averaged before the optimizer moves once; 1 unless told. */
  readonly accumulate?: number;
  /**
   * An average of the parameters, updated after every step of the optimizer or, as in stochastic weight averaging, every
   * epoch. Validation looks at the averaged model, and in the end the averages take the place of the parameters, unless the
   * run is interrupted. Running moments of batch normalisation are made anew for the averages by a pass over the data
   * (`torch.optim.swa_utils.update_bn`) before each of both, unless `moments` is `"own"`: then the model's own serve.
   */
  readonly average?: {
    readonly of: ParameterAverage;
    readonly every?: "step" | "epoch";
    readonly moments?: "renewed" | "own";
  };
  readonly validation?: Source<B>;
  /** The first part of the names of what is measured on `validation`: `"validation"` gives `validationLoss`. */
  readonly validationName?: string;
  readonly metrics?: Readonly<Record<string, Metric<Sums, Y>>>;
  readonly forward?: (model: M, input: X) => Tensor;
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

/** Why `fit` ended, every epoch's record, and the epoch with the best monitored value. */
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
export async function fit<M extends Trainable<X>, B = Batch, X = Tensor, Y = Tensor>(
  model: M,
  options: FitOptions<M, B, X, Y>,
): Promise<FitResult> {
  return new Run(model, options).run();
}

class Run<M extends Trainable<X>, B, X, Y> {
  readonly #model: M;
  readonly #options: FitOptions<M, B, X, Y>;
  readonly #train: Totals<Y>;
  readonly #test: Totals<Y>;
  /** Gradients that wait for the optimizer's next step; `null` when every batch is a step. */
  readonly #gathered: Gathered | null;
  readonly #trainStep: (x: X, y: Y) => Tensor;
  readonly #moveStep: () => void;
  readonly #testStep: (x: X, y: Y) => Tensor;
  /** Puts a batch through the model for its running moments alone. */
  readonly #momentStep: (x: X, y: Y) => void;
  readonly #pause = new Pause();
  /** A copy of the model at its best epoch, where it is to be put back. */
  #best: M | null = null;
  #progress: Progress = { epoch: 1, position: 0, examples: 0, best: null, reference: null, waited: 0, history: [] };

  constructor(model: M, options: FitOptions<M, B, X, Y>) {
    checkOptions(options);
    this.#model = model;
    this.#options = options;
    const { optimizer, metrics = {}, seed, resume, restoreBest = false, accumulate = 1, average } = options;
    this.#train = new Totals(metrics);
    this.#test = new Totals(metrics);
    this.#gathered = accumulate > 1 ? new Gathered(model) : null;
    optimizer.init(model);
    if (seed !== undefined) manualSeed(seed);
    if (restoreBest) this.#best = copyOf(model);
    if (resume) this.#progress = restoreState(resume, this.#parts);
    const gathered = this.#gathered ? [this.#gathered] : [];
    const averaged = average ? [average.of] : [];
    const moved = [model, optimizer, ...gathered, ...averaged];
    this.#trainStep = compile((x: X, y: Y) => this.#learn(x, y), { state: [...moved, this.#train] });
    this.#moveStep = compile(() => this.#moveByGathered(), { state: moved });
    this.#testStep = compile((x: X, y: Y) => this.#measure(x, y), { state: [model, this.#test] });
    this.#momentStep = compile((x: X, y: Y) => void this.#forward(model, this.#augmented(x, y)[0]), { state: [model] });
  }

  get #parts(): Parts {
    return {
      model: this.#model,
      optimizer: this.#options.optimizer,
      metrics: this.#train,
      generator: defaultGenerator,
      ...(this.#best ? { best: this.#best } : {}),
      ...(this.#gathered ? { gathered: this.#gathered } : {}),
      ...(this.#options.average ? { average: this.#options.average.of } : {}),
    };
  }
  #pair(batch: B): Batch<X, Y> {
    const pair: unknown = this.#options.pair?.(batch) ?? batch;
    if (isPair<X, Y>(pair)) return pair;
    throw new ArgumentError(
      "fit: a batch must be [input, target], two tensors or trees of them. say with pair how it becomes one",
    );
  }
  #forward(model: M, x: X): Tensor {
    const { forward } = this.#options;
    return forward ? forward(model, x) : model.forward(x);
  }

  #objective(model: M, x: X, y: Y): Objective {
    const { objective, loss } = this.#options;
    if (objective) return objective(model, x, y);
    const output = this.#forward(model, x);
    return { loss: loss(output, y), output };
  }

  #augmented(x: X, y: Y): Batch<X, Y> {
    return this.#options.augment?.([x, y]) ?? [x, y];
  }

  /** One training step; this is what is compiled. */
  #learn(x: X, y: Y): Tensor {
    const [input, target] = this.#augmented(x, y);
    const outputs: Tensor[] = [];
    const [value, grads] = valueAndGrad((model: M) => {
      const { loss, output } = this.#objective(model, input, target);
      outputs.push(output);
      return loss;
    })(this.#model);
    this.#train.add(value, stopGradient(outputs[0]), target);
    if (this.#gathered) this.#gathered.add(grads);
    else this.#move(grads);
    return value;
  }
  #move(grads: M): void {
    const { optimizer, average } = this.#options;
    optimizer.update(this.#model, grads);
    if (average && average.every !== "epoch") average.of.update(this.#model);
  }
  #moveByGathered(): void {
    if (this.#gathered) this.#move(this.#gathered.take(this.#model));
  }
  /** `f` while the averaged model, if there is such, stands in place of the model. */
  async #averaged<T>(f: () => Promise<T>): Promise<T> {
    const { average, validation } = this.#options;
    if (!average || !(validation || this.#best)) return f(); // nobody looks at it
    const own = stateDict(this.#model);
    await this.#takeAverages();
    try {
      return await f();
    } finally {
      loadStateDict(this.#model, own);
    }
  }
  /** Puts the averages in place of the parameters, and the moments that belong to them in place of the running ones. */
  async #takeAverages(): Promise<void> {
    const { average } = this.#options;
    if (!average) return;
    loadStateDict(this.#model, stateDict(copyOf(average.of.model(this.#model))));
    if (average.moments !== "own" && trackedIn(this.#model).length > 0) await this.#renewMoments();
  }
  /** The first epoch's batches go through the model; random numbers go on as if they had not, so each time it gives the same. */
  async #renewMoments(): Promise<void> {
    const numbers = copyOf(defaultGenerator);
    await renewMoments(this.#model, async () => {
      let count = 0;
      for await (const batch of batchesOf(this.#options.data, 1, 0)) {
        const [x, y] = this.#pair(batch);
        this.#momentStep(x, y);
        count++;
        await this.#pause.now();
      }
      return count;
    });
    loadStateDict(defaultGenerator, stateDict(numbers));
  }

  #measure(x: X, y: Y): Tensor {
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
    if (reason !== "interrupted") await this.#settle();
    for (const c of callbacks) await c.onEnd?.({ reason, history });
    return { reason, history, best };
  }

  /** Puts the best model, or the averaged one, in place of the last. */
  async #settle(): Promise<void> {
    if (this.#best && this.#progress.best) loadStateDict(this.#model, stateDict(copyOf(this.#best)));
    else await this.#takeAverages();
  }

  /** Goes through what is left of the epoch's batches; `null` when the signal ended it. */
  async #trainPass(): Promise<Pass | null> {
    const { data, callbacks = [], checkpoint, signal, accumulate = 1 } = this.#options;
    const { epoch, position: start } = this.#progress;
    const clock = new Clock();
    this.#model.train();
    let number = start;
    for await (const batch of batchesOf(data, epoch, start)) {
      if (signal?.aborted) return null;
      const [x, y] = this.#pair(batch);
      number++;
      this.#trainStep(x, y);
      clock.add(countOf(x));
      if (accumulate > 1 && number % accumulate === 0) this.#moveStep();
      const examples = this.#progress.examples + countOf(x);
      this.#progress = { ...this.#progress, position: number, examples };
      const event = this.#event(data, number, examples, clock, this.#train, "train");
      for (const c of callbacks) await c.onBatch?.(event);
      await this.#pause.now();
      if (checkpoint?.everyBatches && number % checkpoint.everyBatches === 0) await this.#save(false);
    }
    if (number === 0) throw new ArgumentError("fit: data must hold at least one batch, got none. check the loader");
    if (signal?.aborted) return null;
    if (number % accumulate > 0) this.#moveStep();
    return { measured: await this.#train.measured("train"), ...clock.stop() };
  }

  /** Validates, and keeps a copy of the model where it is better than before. */
  async #judge(pass: Pass): Promise<Judged> {
    const { optimizer } = this.#options;
    const { epoch } = this.#progress;
    const record: EpochRecord = {
      epoch,
      ...pass.measured,
      ...(await this.#validate()),
      seconds: pass.seconds,
      examplesPerSecond: pass.examples / pass.seconds,
      learningRate: await optimizer.learningRate.item(),
    };
    const value = this.#monitored(record);
    const isBest = this.#isBetter(value, this.#progress.best?.value ?? null, 0);
    if (isBest && this.#best) this.#best = copyOf(this.#model);
    return { record, value, isBest };
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
      clock.add(countOf(x));
      const event = this.#event(validation, ++number, clock.examples, clock, this.#test, validationName);
      for (const c of callbacks) await c.onValidationBatch?.(event);
      await this.#pause.now();
    }
    this.#model.train();
    return this.#test.measured(validationName);
  }

  #event(
    data: Source<B>,
    batch: number,
    examples: number,
    clock: Clock,
    totals: Totals<Y>,
    prefix: string,
  ): BatchEvent {
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

  /** Judges, records and saves; whether to stop. */
  async #endEpoch(pass: Pass): Promise<boolean> {
    const { checkpoint, earlyStopping, callbacks = [], average } = this.#options;
    const { epoch, history } = this.#progress;
    assertLearns(epoch, pass);
    if (average?.every === "epoch") average.of.update(this.#model);
    const { record, value, isBest: best } = await this.#averaged(() => this.#judge(pass));
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

/** What validation gave, and whether it is the best so far. */
interface Judged {
  readonly record: EpochRecord;
  readonly value: number;
  readonly isBest: boolean;
}

const isPair = <X, Y>(x: unknown): x is Batch<X, Y> =>
  Array.isArray(x) && x.length === 2 && x.every((part) => leaves(part).length > 0);

/** How many examples an input holds. */
const countOf = (input: unknown): number => leaves(input)[0].shape[0];

/** The batches of an epoch from number `start` on. */
async function* batchesOf<B>(data: Source<B>, epoch: number, start: number): AsyncGenerator<B> {
  if ("epoch" in data) {
    yield* data.epoch(epoch, start);
    return;
  }
  let number = 0;
  for await (const batch of data) if (number++ >= start) yield batch;
}

function checkOptions<M extends Module, B, X, Y>(options: FitOptions<M, B, X, Y>): void {
  const positive = (name: string, value: number | undefined): void => {
    if (value !== undefined && !(Number.isInteger(value) && value > 0))
      throw new ArgumentError(`fit: ${name} must be a positive integer, got ${shown(value)}. round it`);
  };
  positive("epochs", options.epochs);
  positive("accumulate", options.accumulate);
  positive("earlyStopping.patience", options.earlyStopping?.patience);
  positive("checkpoint.everyEpochs", options.checkpoint?.everyEpochs);
  positive("checkpoint.everyBatches", options.checkpoint?.everyBatches);
}

/** Stops before a model that the epoch ruined is judged, and before its checkpoint is written over the one before. */
function assertLearns(epoch: number, { measured }: Pass): void {
  if (Number.isNaN(measured.trainLoss))
    throw new ArgumentError(
      `fit: the training loss must be a number, got NaN in epoch ${epoch}. lower the learning rate, clip gradients, or check that inputs are finite and that the model has an output for every class of the targets`,
    );
}
