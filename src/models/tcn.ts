import { ArgumentError, ShapeError, type Tensor } from "../index.js";
import { Conv1d, Dropout, type Layer, Linear, relu, weightNorm } from "../nn/index.js";
import { Module } from "../tree/index.js";

export interface TCNOptions {
  /** Taps of the convolutions; 2 unless told. */
  readonly kernel?: number;
  /** Dropout behind every convolution; 0.2 unless told. */
  readonly dropout?: number;
  /** Whether lengths and directions of the kernels are trained apart; true unless told. */
  readonly weightNorm?: boolean;
}

/** Two dilated causal convolutions with weight normalisation, ReLU and dropout, and a shortcut around both. */
class TemporalBlock extends Module {
  conv1: Layer;
  conv2: Layer;
  /** A 1×1 convolution where the channels change. */
  shortcut: Conv1d | null;
  dropout: Dropout;

  constructor(into: number, out: number, dilation: number, options: TCNOptions) {
    super();
    const { kernel = 2, dropout = 0.2, weightNorm: isNormal = true } = options;
    const causal = (from: number): Layer => {
      const conv = new Conv1d(from, out, kernel, { dilation, padding: "causal" });
      return isNormal ? weightNorm(conv) : conv;
    };
    this.conv1 = causal(into);
    this.conv2 = causal(out);
    this.shortcut = into === out ? null : new Conv1d(into, out, 1);
    this.dropout = new Dropout(dropout);
  }

  /** `[N, in, T]` to `[N, out, T]`. */
  forward(x: Tensor): Tensor {
    const drop = (h: Tensor): Tensor => this.dropout.forward(relu(h));
    const h = drop(this.conv1.forward(x)); // [N, out, T]
    const residual = drop(this.conv2.forward(h)); // [N, out, T]
    return relu(residual.add(this.shortcut?.forward(x) ?? x));
  }
}

/**
 * Temporal convolutional network (Bai, Kolter and Koltun 2018): residual blocks of causal convolutions with dilations 1,
 * 2, 4, …, one block for each number of channels. `[N, in, T]` to `[N, last of channels, T]`; each step sees
 * `receptiveField` steps up to itself.
 */
export class TCN extends Module {
  blocks: TemporalBlock[];
  readonly inChannels: number;
  /** How many steps up to its own a step sees: `1 + 2 (kernel - 1) (2^blocks - 1)`. */
  readonly receptiveField: number;

  constructor(inChannels: number, channels: readonly number[], options: TCNOptions = {}) {
    super();
    const { kernel = 2 } = options;
    if (channels.length === 0)
      throw new ArgumentError("TCN: there must be at least one block, got no channels. [25, 25, 25, 25] makes four");
    this.inChannels = inChannels;
    this.blocks = channels.map((out, i) => new TemporalBlock(channels[i - 1] ?? inChannels, out, 2 ** i, options));
    this.receptiveField = 1 + 2 * (kernel - 1) * (2 ** channels.length - 1);
  }

  /** `[N, in, T]` to `[N, last of channels, T]`. */
  forward(x: Tensor): Tensor {
    if (x.rank !== 3 || x.shape[1] !== this.inChannels)
      throw new ShapeError(
        `TCN: sequences must be [N, ${this.inChannels}, T], got ${x.describe()}. reshape or transpose them`,
      );
    return this.blocks.reduce((h, block) => block.forward(h), x);
  }
}

/**
 * A TCN that reads a whole sequence before it answers, by a linear layer behind its last step: `[N, in, …]` to
 * `[N, outputs]`. What comes behind the channels is read in its order, so pictures come pixel by pixel, row by row (Bai,
 * Kolter and Koltun 2018, section 5).
 */
export class TCNReader extends Module {
  tcn: TCN;
  head: Linear;

  constructor(inChannels: number, channels: readonly number[], outputs: number, options: TCNOptions = {}) {
    super();
    this.tcn = new TCN(inChannels, channels, options);
    this.head = new Linear(channels[channels.length - 1], outputs);
  }

  /** `[N, in, …]` to `[N, outputs]`. */
  forward(x: Tensor): Tensor {
    const [examples, channels] = x.shape;
    const steps = this.tcn.forward(x.reshape([examples, channels, -1])); // [N, last of channels, T]
    return this.head.forward(steps.at(":", ":", -1)); // [N, outputs]
  }
}
