import { ArgumentError, ShapeError, type Tensor, concatenate, full, random, scan, zeros, shown } from "../index.js";
import { Conv1d, Embedding, conv1d, crossEntropy, relu } from "../nn/index.js";
import { Module } from "../tree/index.js";
import { gate } from "./gate.js";
import { draw, type SamplingOptions } from "./sampling.js";

/** `cycles` times the dilations 1, 2, 4, …, 2^(layers - 1). */
export const dilationCycles = (layers: number, cycles = 1): number[] =>
  Array.from({ length: cycles }, () => Array.from({ length: layers }, (_, i) => 2 ** i)).flat();

export interface WaveNetOptions {
  /** Classes of a sample; 256 unless told. */
  readonly levels?: number;
  /** Channels that the layers pass on; 32 unless told. */
  readonly residualChannels?: number;
  /** Channels of the sum of all skips; 256 unless told. */
  readonly skipChannels?: number;
  /** Taps of the dilated convolutions; 2 unless told. */
  readonly kernel?: number;
  /** One layer each; three times 1, 2, 4, …, 512 unless told. */
  readonly dilations?: readonly number[];
}

/** What a layer passes on, and what it gives to the sum of skips. */
interface Outputs {
  readonly residual: Tensor;
  readonly skip: Tensor;
}

/** A dilated causal convolution, its gate, and two 1×1 convolutions behind it. */
class GatedLayer extends Module {
  /** Filter and gate side by side, `[2 C, C, kernel]`. */
  gated: Conv1d;
  /** None in the last layer, whose residual nobody reads. */
  residual: Conv1d | null;
  skip: Conv1d;
  readonly kernel: number;
  readonly dilation: number;

  constructor(channels: number, skip: number, kernel: number, dilation: number, isLast: boolean) {
    super();
    this.kernel = kernel;
    this.dilation = dilation;
    this.gated = new Conv1d(channels, 2 * channels, kernel, { dilation, padding: "causal" });
    this.residual = isLast ? null : new Conv1d(channels, channels, 1);
    this.skip = new Conv1d(channels, skip, 1);
  }

  /** How many earlier inputs a step needs. */
  get memory(): number {
    return (this.kernel - 1) * this.dilation;
  }

  /** `[N, C, T]` to `[N, C, T]` and `[N, S, T]`. */
  forward(x: Tensor): Outputs {
    return this.#outputs(x, this.gated.forward(x));
  }

  /** The newest step of `forward`: `x` is `[N, C, 1]`, `past` the inputs before it, `[memory, N, C]`. */
  step(x: Tensor, past: Tensor): Outputs & { readonly past: Tensor } {
    const all = concatenate([past, x.moveAxis(2, 0)]); // [memory + 1, N, C]
    const taps = all.at(`::${this.dilation}`).moveAxis(0, 2); // [N, C, kernel]
    return { ...this.#outputs(x, conv1d(taps, this.gated.weight, this.gated.bias)), past: all.at("1:") };
  }

  /** From the two halves of the dilated convolution, `[N, 2 C, T]`. */
  #outputs(x: Tensor, both: Tensor): Outputs {
    const z = gate(both); // [N, C, T]
    return { residual: this.residual ? this.residual.forward(z).add(x) : x, skip: this.skip.forward(z) };
  }
}

/** What generation remembers: the inputs of every layer that later steps will look at, `[memory, N, C]` each. */
export type WaveNetMemory = readonly Tensor[];

/**
 * WaveNet (van den Oord et al. 2016): the distribution of every next sample of a sound, given all before it, from gated
 * causal convolutions with growing dilations, `z = tanh(W_f * x) ⊙ σ(W_g * x)`, whose skips are summed.
 */
export class WaveNet extends Module {
  /** Classes `[N, T]` to `[N, T, C]`: a 1×1 convolution of their one-hot code. */
  embed: Embedding;
  layers: GatedLayer[];
  head: Conv1d;
  out: Conv1d;
  readonly levels: number;

  constructor(options: WaveNetOptions = {}) {
    super();
    const { levels = 256, residualChannels = 32, skipChannels = 256, kernel = 2 } = options;
    const { dilations = dilationCycles(10, 3) } = options;
    if (!Number.isInteger(levels) || levels < 2 || !Number.isInteger(kernel) || kernel < 2 || dilations.length === 0)
      throw new ArgumentError(
        `WaveNet: there must be at least 2 levels, 2 taps and 1 layer, got ${levels}, ${kernel} and ${dilations.length}. raise them`,
      );
    this.levels = levels;
    this.embed = new Embedding(levels, residualChannels);
    this.layers = dilations.map(
      (dilation, i) => new GatedLayer(residualChannels, skipChannels, kernel, dilation, i === dilations.length - 1),
    );
    this.head = new Conv1d(skipChannels, skipChannels, 1);
    this.out = new Conv1d(skipChannels, levels, 1);
  }

  /** How many samples up to the present one a prediction sees. */
  get receptiveField(): number {
    return this.layers.reduce((sum, layer) => sum + layer.memory, 1);
  }

  /** Classes `[N, T]` to logits `[N, levels, T]`; those at t are of the sample t + 1, given the samples up to t. */
  forward(x: Tensor): Tensor {
    if (x.rank !== 2)
      throw new ShapeError(`WaveNet: samples must be classes [N, T], got ${x.describe()}. encode with muLawEncode`);
    return this.logits(this.embed.forward(x).swapAxes(1, 2));
  }

  /** From embedded samples `[N, C, T]`. */
  logits(x: Tensor): Tensor {
    let h = x;
    const skips = this.layers.map((layer) => {
      const { residual, skip } = layer.forward(h);
      h = residual;
      return skip;
    });
    return this.#classify(skips);
  }

  /** `-log p` of each sample but the first, given those before it: `[N, T]` to nats `[N, T - 1]`. */
  nll(x: Tensor): Tensor {
    return crossEntropy(this.forward(x.at(":", ":-1")), x.at(":", "1:"), { reduction: "none" });
  }

  /** The memory before the first sample of `batch` sounds: silence of the layers, as the padding of `forward` is. */
  start(batch: number): WaveNetMemory {
    const [, channels] = this.embed.weight.shape;
    return this.layers.map((layer) => zeros([layer.memory, batch, channels], { dtype: this.embed.weight.dtype }));
  }

  /**
   * One more sample, `[N]`: the logits `[N, levels]` that `forward` gives at its place, at the cost of one place whatever
   * came before.
   */
  step(x: Tensor, memory: WaveNetMemory): { readonly logits: Tensor; readonly memory: WaveNetMemory } {
    let h: Tensor = this.embed.forward(x).expandDims(2); // [N, C, 1]
    const steps = this.layers.map((layer, i) => {
      const step = layer.step(h, memory[i]);
      h = step.residual;
      return step;
    });
    const logits = this.#classify(steps.map((step) => step.skip)); // [N, levels, 1]
    return { logits: logits.squeeze(2), memory: steps.map((step) => step.past) };
  }

  /**
   * `count` new samples behind a prompt of classes `[N, P]`: int32 `[N, count]`. Without a prompt one sound begins after
   * a sample of silence, the class in the middle.
   */
  sample(count: number, options: SamplingOptions & { readonly prompt?: Tensor } = {}): Tensor {
    const { prompt = full([1, 1], Math.floor(this.levels / 2), { dtype: "int32" }) } = options;
    const { key = random.defaultGenerator.next(), temperature = 1 } = options;
    if (!Number.isInteger(count) || count < 0)
      throw new ArgumentError(`WaveNet: count must be an integer of at least 0, got ${shown(count)}. it is of samples`);
    if (prompt.rank !== 2 || prompt.shape[1] === 0)
      throw new ShapeError(`WaveNet: the prompt must be classes [N, P], got ${prompt.describe()}. give it a sample`);
    const given = prompt.astype("int32").transpose(); // [P, N]
    const [memory] = scan(
      (past: WaveNetMemory, x: Tensor) => [this.step(x, past).memory, []] as const,
      this.start(prompt.shape[0]),
      given.at(":-1"),
    );
    type State = { readonly memory: WaveNetMemory; readonly x: Tensor; readonly key: random.Key };
    const [, drawn] = scan(
      (state: State) => {
        const { logits, memory: next } = this.step(state.x, state.memory);
        const [left, own] = random.split(state.key);
        const x = draw(logits, own, temperature);
        return [{ memory: next, x, key: left }, x] as const;
      },
      { memory, x: given.at(-1), key },
      [],
      { length: count },
    );
    return drawn.transpose();
  }

  /** `[N, S, T]` of every layer to `[N, levels, T]`. */
  #classify(skips: readonly Tensor[]): Tensor {
    const sum = skips.reduce((a, b) => a.add(b));
    return this.out.forward(relu(this.head.forward(relu(sum))));
  }
}
