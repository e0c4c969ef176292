import { checkSide } from "./pictures.js";
import { Conv2d, Dropout, Flatten, Linear, MaxPool2d, Sequential, relu } from "../nn/index.js";

export interface SmallCNNOptions {
  /** Channels of the pictures; 1 unless told. */
  readonly channels?: number;
  /** Their side, which 4 must divide; 28 unless told. */
  readonly size?: number;
  /** 10 unless told. */
  readonly classes?: number;
  /** Probability of dropping an input of the linear layers; 0.25 unless told. */
  readonly dropout?: number;
}

/**
 * A small convolutional net: two convolutions with maxima over pools behind them, and two linear layers. Pictures
 * `[N, channels, size, size]` in, logits `[N, classes]` out; 421,642 parameters for `[N, 1, 28, 28]`, whose shapes stand
 * behind the layers.
 */
export function smallCnn({ channels = 1, size = 28, classes = 10, dropout = 0.25 }: SmallCNNOptions = {}) {
  checkSide("smallCnn", size, 4);
  return new Sequential([
    new Conv2d(channels, 32, 3, { padding: 1 }), // [N, 32, 28, 28]
    relu,
    new MaxPool2d(2), // [N, 32, 14, 14]
    new Conv2d(32, 64, 3, { padding: 1 }), // [N, 64, 14, 14]
    relu,
    new MaxPool2d(2), // [N, 64, 7, 7]
    new Flatten(), // [N, 3136]
    new Dropout(dropout),
    new Linear(64 * (size / 4) ** 2, 128),
    relu,
    new Dropout(dropout),
    new Linear(128, classes),
  ]);
}

/** What `smallCnn` makes. */
export type SmallCNN = ReturnType<typeof smallCnn>;
