/**
 * AlexNet in the form with one column (Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014),
 * which torchvision has. The network of 2012 (Krizhevsky, Sutskever & Hinton, NeurIPS) had two columns and local response
 * normalisation. Fields are named as torchvision's.
 */
import type { Tensor } from "../index.js";
import { adaptiveAvgPool2d, Conv2d, Dropout, flatten, Linear, MaxPool2d, relu, Sequential } from "../nn/index.js";
import { Module } from "../tree/index.js";
import { checkPictures } from "./pictures.js";

export interface AlexNetOptions {
  /** How many classes it tells apart; 1000 unless told. */
  readonly classes?: number;
  /** Channels of the pictures; 3 unless told. */
  readonly channels?: number;
  /** Probability of dropping an input of the first two linear layers; 0.5 unless told. */
  readonly dropout?: number;
  /** Channels of the first convolution, 64 unless told; everything else grows and shrinks with it. */
  readonly width?: number;
}

/** Five convolutions and three linear layers, for pictures of 63×63 pixels or more: `[N, channels, H, W]` to logits `[N, classes]`. */
export class AlexNet extends Module {
  readonly channels: number;
  features: Sequential;
  classifier: Sequential;

  constructor(options: AlexNetOptions = {}) {
    super();
    const { classes = 1000, channels = 3, dropout = 0.5, width = 64 } = options;
    this.channels = channels;
    const pool = (): MaxPool2d => new MaxPool2d(3, { stride: 2 });
    this.features = new Sequential([
      new Conv2d(channels, width, 11, { stride: 4, padding: 2 }), // [N, 64, 55, 55]
      relu,
      pool(), // [N, 64, 27, 27]
      new Conv2d(width, 3 * width, 5, { padding: 2 }), // [N, 192, 27, 27]
      relu,
      pool(), // [N, 192, 13, 13]
      new Conv2d(3 * width, 6 * width, 3, { padding: 1 }), // [N, 384, 13, 13]
      relu,
      new Conv2d(6 * width, 4 * width, 3, { padding: 1 }), // [N, 256, 13, 13]
      relu,
      new Conv2d(4 * width, 4 * width, 3, { padding: 1 }), // [N, 256, 13, 13]
      relu,
      pool(), // [N, 256, 6, 6]
    ]);
    this.classifier = new Sequential([
      new Dropout(dropout),
      new Linear(4 * width * 6 * 6, 64 * width), // [N, 4096]
      relu,
      new Dropout(dropout),
      new Linear(64 * width, 64 * width), // [N, 4096]
      relu,
      new Linear(64 * width, classes), // [N, classes]
    ]);
  }

  /** `[N, channels, H, W]`, from 63×63 on, to logits `[N, classes]`. Shapes are those for pictures of 224×224. */
  forward(x: Tensor): Tensor {
    checkPictures("AlexNet", x, this.channels, 63);
    const maps = adaptiveAvgPool2d(this.features.forward(x), 6); // [N, 256, 6, 6]
    return this.classifier.forward(flatten(maps)); // [N, classes]
  }
}

/** AlexNet: 61,100,840 parameters; torchvision's top-1 accuracy on ImageNet is 56.52 %. */
export const alexnet = (options: AlexNetOptions = {}): AlexNet => new AlexNet(options);
