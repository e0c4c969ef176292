import { checkSide } from "./pictures.js";
import { AvgPool2d, Conv2d, Flatten, Linear, Sequential, tanh } from "../nn/index.js";

export interface LeNet5Options {
  /** Channels of the pictures; 1 unless told. */
  readonly channels?: number;
  /** Their side, which 4 must divide; 28 unless told. */
  readonly size?: number;
  /** 10 unless told. */
  readonly classes?: number;
}

/**
 * LeNet-5 (LeCun et al. 1998) in the form that is taught: digits `[N, 1, 28, 28]` in, logits `[N, 10]` out, 61,706
 * parameters. The shapes behind the layers are those of digits.
 */
export function lenet5({ channels = 1, size = 28, classes = 10 }: LeNet5Options = {}) {
  checkSide("lenet5", size, 12);
  return new Sequential([
    new Conv2d(channels, 6, 5, { padding: 2 }), // [N, 6, 28, 28]
    tanh,
    new AvgPool2d(2), // [N, 6, 14, 14]
    new Conv2d(6, 16, 5), // [N, 16, 10, 10]
    tanh,
    new AvgPool2d(2), // [N, 16, 5, 5]
    new Flatten(), // [N, 400]
    new Linear(16 * (size / 4 - 2) ** 2, 120),
    tanh,
    new Linear(120, 84),
    tanh,
    new Linear(84, classes),
  ]);
}

/** What `lenet5` makes. */
export type LeNet5 = ReturnType<typeof lenet5>;
