import { ArgumentError, ShapeError, type Tensor, concatenate, shown } from "../index.js";
import { BatchNorm, Conv2d, ConvTranspose2d, initializers, maxPool2d, relu } from "../nn/index.js";
import { Module } from "../tree/index.js";
import { checkPictures } from "./pictures.js";

export interface UNetOptions {
  /** Channels of the picture; 1 unless told. */
  readonly channels?: number;
  /** How many classes a pixel may have; 2 unless told. */
  readonly classes?: number;
  /** Channels of the first level, doubled at each further one; 64 unless told. */
  readonly width?: number;
  /** How many times pictures are halved; 4 unless told. */
  readonly depth?: number;
  /** "same" (the default) keeps sizes; "valid", as published, loses 2 pixels at each convolution. */
  readonly padding?: "same" | "valid";
  /** Batch normalisation behind every 3×3 convolution; not unless told. */
  readonly batchNorm?: boolean;
}

type Part = Required<Pick<UNetOptions, "padding" | "batchNorm">>;

/** Two times 3×3 convolution, batch normalisation where it is wanted, and ReLU. */
class DoubleConv extends Module {
  convs: Conv2d[];
  norms: BatchNorm[];

  constructor(into: number, out: number, { padding, batchNorm }: Part) {
    super();
    // Deviation √(2 / (9 · in)), as section 3 of the paper says.
    const options = { padding, bias: !batchNorm, initWeight: initializers.heNormal() };
    this.convs = [new Conv2d(into, out, 3, options), new Conv2d(out, out, 3, options)];
    this.norms = batchNorm ? this.convs.map(() => new BatchNorm(out)) : [];
  }

  /** `[N, in, H, W]` to `[N, out, H, W]`, 4 pixels less each way with "valid". */
  forward(x: Tensor): Tensor {
    return this.convs.reduce((h, conv, i) => {
      const y = conv.forward(h);
      return relu(this.norms[i]?.forward(y) ?? y);
    }, x);
  }
}

/** Twice the size and half the channels, the picture of the way down beside it, and two convolutions. */
class UpStep extends Module {
  up: ConvTranspose2d;
  convs: DoubleConv;

  constructor(out: number, part: Part) {
    super();
    this.up = new ConvTranspose2d(2 * out, out, 2, { stride: 2 });
    this.convs = new DoubleConv(2 * out, out, part);
  }

  /** `[N, 2 C, h, w]` and `[N, C, H, W]` to `[N, C, 2 h, 2 w]`, less what convolutions lose. */
  forward(x: Tensor, skip: Tensor): Tensor {
    const y = this.up.forward(x); // [N, C, 2 h, 2 w]
    const both = concatenate([cropped(skip, y.shape[2], y.shape[3]), y], 1); // [N, 2 C, 2 h, 2 w]
    return this.convs.forward(both); // [N, C, 2 h, 2 w]
  }
}

/** The middle of pictures. */
function cropped(x: Tensor, height: number, width: number): Tensor {
  const [top, left] = [(x.shape[2] - height) >> 1, (x.shape[3] - width) >> 1];
  return x.at(":", ":", `${top}:${top + height}`, `${left}:${left + width}`);
}

/**
 * U-Net (Ronneberger, Fischer and Brox 2015): a class for every pixel, from a path that halves the picture, one that
 * doubles it again, and at each size a skip from the first to the second. `[N, in, H, W]` to logits `[N, classes, H, W]`;
 * as published (`padding: "valid"`), 31,030,658 parameters and 572×572 pixels to 388×388.
 */
export class UNet extends Module {
  down: DoubleConv[];
  bottom: DoubleConv;
  /** The smallest pictures first. */
  up: UpStep[];
  out: Conv2d;
  readonly padding: "same" | "valid";

  constructor(options: UNetOptions = {}) {
    super();
    const { channels = 1, classes = 2, width = 64, depth = 4, padding = "same", batchNorm = false } = options;
    if (!Number.isInteger(depth) || depth < 1)
      throw new ArgumentError(`UNet: depth must be a positive integer, got ${shown(depth)}. 4 is as published`);
    const part: Part = { padding, batchNorm };
    const widths = Array.from({ length: depth }, (_, i) => width * 2 ** i);
    this.padding = padding;
    this.down = widths.map((out, i) => new DoubleConv(widths[i - 1] ?? channels, out, part));
    this.bottom = new DoubleConv(widths[depth - 1], 2 * widths[depth - 1], part);
    this.up = widths.toReversed().map((out) => new UpStep(out, part));
    this.out = new Conv2d(width, classes, 1);
  }

  /** The side of the result for a side of the picture. A side that cannot be halved as often as it must is an error. */
  outputSize(side: number): number {
    const lost = this.padding === "valid" ? 4 : 0;
    const halved = this.down.reduce((n) => (n - lost) / 2, side);
    const result = this.up.reduce((n) => 2 * n - lost, halved - lost);
    if (!Number.isInteger(halved) || result < 1)
      throw new ShapeError(
        `UNet: pictures must be halved ${this.down.length} times without a rest, got a side of ${side}. ${this.#fitting(side)} fits`,
      );
    return result;
  }

  /** The next side that can be halved. */
  #fitting(side: number): number {
    const lost = this.padding === "valid" ? 4 : 0;
    const least = this.up.reduce((n) => Math.ceil((n + lost) / 2), 1) + lost;
    const down = Math.max(least, Math.ceil(this.down.reduce((n) => (n - lost) / 2, side)));
    return this.down.reduce((n) => 2 * n + lost, down);
  }

  /**
   * `[N, channels, H, W]` to logits `[N, classes, H', W']`, where `H'` is `outputSize(H)`. Shapes are those of the published
   * network, for pictures of 572×572.
   */
  forward(x: Tensor): Tensor {
    checkPictures("UNet", x, this.down[0].convs[0].weight.shape[1]);
    this.outputSize(x.shape[2]);
    this.outputSize(x.shape[3]);
    const skips: Tensor[] = [];
    let h = x; // [N, in, H, W]
    for (const level of this.down) {
      const skip = level.forward(h); // [N, 64, 568, 568], [N, 128, 280, 280], [N, 256, 136, 136], [N, 512, 64, 64]
      skips.unshift(skip);
      h = maxPool2d(skip, 2); // [N, 64, 284, 284], [N, 128, 140, 140], [N, 256, 68, 68], [N, 512, 32, 32]
    }
    h = this.bottom.forward(h); // [N, 1024, 28, 28]
    this.up.forEach((step, i) => {
      h = step.forward(h, skips[i]); // [N, 512, 52, 52], [N, 256, 100, 100], [N, 128, 196, 196], [N, 64, 388, 388]
    });
    return this.out.forward(h); // [N, classes, 388, 388]
  }
}
