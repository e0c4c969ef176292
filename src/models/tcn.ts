import { ArgumentError, type Tensor } from "../index.js";
import { Conv1d, Dropout, type Layer, Linear, relu, weightNorm } from "../nn/index.js";
import { Module } from "../tree/index.js";

export interface TcnOptions {
  /** Taps of the convolutions; 2 unless told. */
  readonly kernel?: number;
  /** Dropout behind every convolution; 0.2 unless told. */
  readonly dropout?: number;
  /** Whether lengths and directions of the kernels are trained apart; true unless told. */
  readonly weightNorm?: boolean;
}

/** Two dilated causal convolutions with weight normalisation, ReLU and dropout, and a shortcut around both. */
class TcnBlock extends Module {
  conv1: Layer;
  conv2: Layer;
  /** A 1×1 convolution where the channels change. */
  shortcut: Conv1d | null;
  dropout: Dropout;

  constructor(into: number, out: number, dilation: number, options: TcnOptions) {
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
    const h = drop(this.conv2.forward(drop(this.conv1.forward(x))));
    return relu(h.add(this.shortcut?.forward(x) ?? x));
  }
}

/**
 * Temporal convolutional network (Bai, Kolter and Koltun 2018): residual blocks of causal convolutions with dilations 1,
 * 2, 4, …, one block for each number of channels. `[N, in, T]` to `[N, last of channels, T]`; each step sees
 * `receptiveField` steps up to itself.
 */
export class Tcn extends Module {
  blocks: TcnBlock[];
  readonly receptiveField: number;

  constructor(inChannels: number, channels: readonly number[], options: TcnOptions = {}) {
    super();
    const { kernel = 2 } = options;
    if (channels.length === 0)
      throw new ArgumentError("Tcn: there must be at least one block, got no channels. [25, 25, 25, 25] makes four");
    this.blocks = channels.map((out, i) => new TcnBlock(channels[i - 1] ?? inChannels, out, 2 ** i, options));
    this.receptiveField = 1 + 2 * (kernel - 1) * (2 ** channels.length - 1);
  }

  forward(x: Tensor): Tensor {
    return this.blocks.reduce((h, block) => block.forward(h), x);
  }
}

/**
 * A TCN that reads a whole sequence before it answers, by a linear layer behind its last step: `[N, in, …]` to
 * `[N, outputs]`. What comes behind the channels is read in its order, so pictures come pixel by pixel, row by row (Bai,
 * Kolter and Koltun 2018, section 5).
 */
export class TcnReader extends Module {
  tcn: Tcn;
  head: Linear;

  constructor(inChannels: number, channels: readonly number[], outputs: number, options: TcnOptions = {}) {
    super();
    this.tcn = new Tcn(inChannels, channels, options);
    this.head = new Linear(channels[channels.length - 1], outputs);
  }

  forward(x: Tensor): Tensor {
    const [examples, channels] = x.shape;
    const steps = this.tcn.forward(x.reshape([examples, channels, -1])); // [N, last of channels, T]
    return this.head.forward(steps.at(":", ":", -1)); // [N, outputs]
  }
}
