import { ArgumentError, ShapeError, type Tensor, arange, random, scan, where, zeros } from "../index.js";
import { Conv2d, type Pairs, conv2d, crossEntropy, relu } from "../nn/index.js";
import { Module } from "../tree/index.js";
import { draw, type SamplingOptions } from "./sampling.js";

/** Whether a pixel's own colour is hidden from the middle of the kernel (first layer) or seen there (later layers). */
export type MaskType = "A" | "B";

/** The colour that a channel belongs to, when `channels` are dealt out to `colours` in equal runs. */
const colourOf = (channels: number, colours: number): Tensor => arange(channels).floorDivide(channels / colours);

/**
 * Which weights `[out, in, KH, KW]` of a masked convolution are kept: those above the middle, those left of it in its
 * row, and in the middle those from earlier colours (type A) or from earlier ones and the own (type B).
 */
export function pixelMask(type: MaskType, shape: readonly number[], colours = 1): Tensor {
  const [out, into, height, width] = shape;
  const row = arange(height).reshape([height, 1]);
  const column = arange(width);
  const [y, x] = [(height - 1) / 2, (width - 1) / 2];
  const before = row.less(y).or(row.equal(y).and(column.less(x))); // [KH, KW]
  const middle = row.equal(y).and(column.equal(x));
  const to = colourOf(out, colours).reshape([out, 1, 1, 1]);
  const from = colourOf(into, colours).reshape([into, 1, 1]);
  return before.or(middle.and(type === "A" ? from.less(to) : from.lessEqual(to)));
}

/** A convolution that keeps the size of a picture and sees only pixels before its own, in reading order. */
export class MaskedConv2d extends Module {
  weight: Tensor;
  bias: Tensor;
  readonly padding: readonly number[];
  readonly #mask: Tensor;

  constructor(type: MaskType, inChannels: number, outChannels: number, kernel: readonly [number, number], colours = 1) {
    super();
    if (kernel.some((k) => k % 2 !== 1) || inChannels % colours !== 0 || outChannels % colours !== 0)
      throw new ArgumentError(
        `MaskedConv2d: the kernel must be odd and ${colours} colours divide the channels, got [${kernel.join(",")}] and ${inChannels} to ${outChannels} channels. change them`,
      );
    const plain = new Conv2d(inChannels, outChannels, kernel);
    this.weight = plain.weight;
    this.bias = plain.bias ?? zeros([outChannels]);
    this.padding = kernel.map((k) => (k - 1) / 2);
    this.#mask = pixelMask(type, this.weight.shape, colours);
  }

  /** `[N, in, H, W]` to `[N, out, H, W]`. */
  forward(x: Tensor): Tensor {
    return conv2d(x, where(this.#mask, this.weight, 0), this.bias, { padding: this.padding });
  }
}

/** ReLU, 1×1 to half the channels, ReLU, masked k×k, ReLU, 1×1 back, and the input added (figure 5 of the paper). */
class ResidualBlock extends Module {
  reduce: MaskedConv2d;
  masked: MaskedConv2d;
  expand: MaskedConv2d;

  constructor(channels: number, kernel: number, colours: number) {
    super();
    this.reduce = new MaskedConv2d("B", channels, channels / 2, [1, 1], colours);
    this.masked = new MaskedConv2d("B", channels / 2, channels / 2, [kernel, kernel], colours);
    this.expand = new MaskedConv2d("B", channels / 2, channels, [1, 1], colours);
  }

  forward(x: Tensor): Tensor {
    const h = this.reduce.forward(relu(x)); // [N, C / 2, H, W]
    return x.add(this.expand.forward(relu(this.masked.forward(relu(h)))));
  }
}

interface Sizes {
  readonly channels: number;
  readonly blocks: number;
  readonly kernel: number;
  readonly firstKernel: number;
  readonly colours: number;
}

/** How far up, left and right a pixel sees. */
const reachOf = ({ blocks, kernel, firstKernel }: Sizes): number => (firstKernel - 1 + blocks * (kernel - 1)) / 2;

/** A stack of masked convolutions. Its kernels never reach pixels above and far to the right: the blind spot. */
class MaskedStack extends Module {
  first: MaskedConv2d;
  blocks: ResidualBlock[];

  readonly reach: number;

  constructor(into: number, sizes: Sizes) {
    super();
    const { channels, blocks, kernel, firstKernel, colours } = sizes;
    this.reach = reachOf(sizes);
    this.first = new MaskedConv2d("A", into, channels, [firstKernel, firstKernel], colours);
    this.blocks = Array.from({ length: blocks }, () => new ResidualBlock(channels, kernel, colours));
  }

  forward(x: Tensor): Tensor {
    return relu(this.blocks.reduce((h, block) => block.forward(h), this.first.forward(x)));
  }
}

const gate = (both: Tensor): Tensor => {
  const half = both.shape[1] / 2;
  return both
    .at(":", `:${half}`)
    .tanh()
    .mul(both.at(":", `${half}:`).sigmoid());
};

/** What all rows up to a pixel's, and the pixels before it in its row, say of it. */
interface Stacks {
  readonly vertical: Tensor;
  readonly horizontal: Tensor;
}

/**
 * One layer of the gated PixelCNN (van den Oord et al. 2016b, figure 2). The vertical stack sees whole rows up to the
 * pixel's; the horizontal one its own row before the pixel, and the vertical stack one row further up.
 */
class GatedLayer extends Module {
  /** `[2 C, C, ⌈k / 2⌉, k]`. */
  vertical: Conv2d;
  /** `[2 C, C, 1, k]`, masked; for each colour its filter and its gate. */
  horizontal: MaskedConv2d;
  /** From the vertical stack to the horizontal one. */
  down: Conv2d;
  out: MaskedConv2d;
  readonly type: MaskType;
  readonly colours: number;

  constructor(type: MaskType, into: number, channels: number, kernel: number, colours: number) {
    super();
    this.type = type;
    this.colours = colours;
    const reach = (kernel - 1) / 2;
    const padding: Pairs = [
      [reach, 0],
      [reach, reach],
    ];
    this.vertical = new Conv2d(into, 2 * channels, [reach + 1, kernel], { padding });
    this.horizontal = new MaskedConv2d(type, into, 2 * channels, [1, kernel], colours);
    this.down = new Conv2d(2 * channels, 2 * channels, 1);
    this.out = new MaskedConv2d("B", channels, channels, [1, 1], colours);
  }

  forward({ vertical, horizontal }: Stacks): Stacks {
    const v = this.vertical.forward(vertical); // [N, 2 C, H, W]
    const above = v.at(":", ":", ":-1").pad([
      [0, 0],
      [0, 0],
      [1, 0],
      [0, 0],
    ]);
    const h = this.out.forward(this.#gate(this.horizontal.forward(horizontal).add(this.down.forward(above))));
    return { vertical: gate(v), horizontal: this.type === "A" ? h : h.add(horizontal) };
  }

  /** As `gate`, with filters and gates inside each colour's own run of channels. */
  #gate(both: Tensor): Tensor {
    const [n, channels, ...rest] = both.shape;
    const runs = both.reshape([n * this.colours, channels / this.colours, ...rest]);
    return gate(runs).reshape([n, channels / 2, ...rest]);
  }
}

/** Gated layers, whose two stacks together see every pixel before the own one. */
class GatedStack extends Module {
  layers: GatedLayer[];

  readonly reach: number;

  constructor(into: number, sizes: Sizes) {
    super();
    const { channels, blocks, kernel, firstKernel, colours } = sizes;
    this.reach = reachOf(sizes);
    this.layers = [
      new GatedLayer("A", into, channels, firstKernel, colours),
      ...Array.from({ length: blocks }, () => new GatedLayer("B", channels, channels, kernel, colours)),
    ];
  }

  forward(x: Tensor): Tensor {
    const start: Stacks = { vertical: x, horizontal: x };
    return relu(this.layers.reduce((stacks, layer) => layer.forward(stacks), start).horizontal);
  }
}

export interface PixelCnnOptions extends Partial<Sizes> {
  /** Values that a pixel can have; 2 unless told. */
  readonly levels?: number;
  /** Channels of the residual blocks (32) and of the layer before the output (as many). */
  readonly headChannels?: number;
  /** Vertical and horizontal stacks with gates, and no blind spot. */
  readonly gated?: boolean;
}

/**
 * PixelCNN (van den Oord et al. 2016): `p(x) = Π p(xᵢ | x₁ … xᵢ₋₁)` over the pixels of a picture in reading order, and over
 * the colours of a pixel, all factors at once by masked convolutions: 7×7 of type A, residual blocks with 3×3 of type B,
 * two 1×1, and a softmax over the levels. With `gated` the gated PixelCNN of the same year.
 */
export class PixelCnn extends Module {
  stack: MaskedStack | GatedStack;
  head: MaskedConv2d;
  out: MaskedConv2d;
  readonly levels: number;
  readonly colours: number;

  constructor(options: PixelCnnOptions = {}) {
    super();
    const { levels = 2, channels = 32, blocks = 7, kernel = 3, firstKernel = 7, colours = 1, gated = false } = options;
    const { headChannels = channels } = options;
    if (!Number.isInteger(levels) || levels < 2)
      throw new ArgumentError(`PixelCnn: levels must be an integer of at least 2, got ${levels}. 2 is black and white`);
    this.levels = levels;
    this.colours = colours;
    const sizes: Sizes = { channels, blocks, kernel, firstKernel, colours };
    this.stack = gated ? new GatedStack(colours, sizes) : new MaskedStack(colours, sizes);
    this.head = new MaskedConv2d("B", channels, headChannels, [1, 1], colours);
    this.out = new MaskedConv2d("B", headChannels, colours * levels, [1, 1], colours);
  }

  /** Levels `[N, C, H, W]`, integers from 0, to logits `[N, levels, C, H, W]`. */
  forward(x: Tensor): Tensor {
    if (x.rank !== 4 || x.shape[1] !== this.colours)
      throw new ShapeError(
        `PixelCnn: pictures must be [N, ${this.colours}, H, W], got ${x.describe()}. reshape them or set colours`,
      );
    return this.logits(
      x
        .astype(this.out.bias.dtype)
        .mul(2 / (this.levels - 1))
        .sub(1),
    );
  }

  /** From levels between -1 and 1. */
  logits(x: Tensor): Tensor {
    const y = this.out.forward(relu(this.head.forward(this.stack.forward(x)))); // [N, C · levels, H, W]
    const [n, , ...size] = y.shape;
    return y.reshape([n, this.colours, this.levels, ...size]).swapAxes(1, 2);
  }

  /** `-log p` of each picture `[N, C, H, W]` in nats, `[N]`; for bits per dimension divide by `C · H · W · ln 2`. */
  nll(x: Tensor): Tensor {
    return crossEntropy(this.forward(x), x.astype("int32"), { reduction: "none" }).sum([1, 2, 3]);
  }

  /** How far up, left and right the logits of a pixel look. */
  get reach(): number {
    return this.stack.reach;
  }

  /**
   * New pictures, int32 `shape` `[N, C, H, W]`, one pixel and colour after the other, each from what it can see of those
   * before it. Where `mask` is true the levels of `given` stay: the rest of a picture is then filled in.
   */
  sample(
    shape: readonly [number, number, number, number],
    options: SamplingOptions & { readonly given?: { readonly levels: Tensor; readonly mask: Tensor } } = {},
  ): Tensor {
    const { key = random.defaultGenerator.next(), temperature = 1, given } = options;
    const [n, colours, height, width] = shape;
    const places = arange(colours * height * width).reshape([colours, height, width]);
    const kept = given?.mask.broadcastTo(shape);
    const start = given && kept ? where(kept, given.levels.astype("int32"), 0) : zeros(shape, { dtype: "int32" });
    const [picture] = scan(
      (state: { readonly x: Tensor; readonly key: random.Key }, step: Tensor) => {
        const [left, own] = random.split(state.key);
        // Colours of a pixel follow each other, pixels come row by row.
        const [pixel, colour] = [step.floorDivide(colours), step.remainder(colours)];
        const [row, column] = [pixel.floorDivide(width), pixel.remainder(width)];
        const drawn = draw(this.#logitsAt(state.x, row, column, colour), own, temperature); // [N]
        const here = places.equal(colour.mul(height * width).add(pixel));
        const isNew = kept ? here.and(kept.not()) : here;
        return [{ x: where(isNew, drawn.reshape([n, 1, 1, 1]), state.x), key: left }, []] as const;
      },
      { x: start, key },
      arange(colours * height * width),
    );
    return picture.x;
  }

  /** The logits `[N, levels]` of one pixel and colour, from the part of the pictures that it sees. */
  #logitsAt(x: Tensor, row: Tensor, column: Tensor, colour: Tensor): Tensor {
    const [, , height, width] = x.shape;
    const above = windowAround(row, this.reach + 1, height, this.reach);
    const beside = windowAround(column, 2 * this.reach + 1, width, this.reach);
    const seen = x.take(above.places, 2).take(beside.places, 3);
    return this.forward(seen).take(beside.at, 4).take(above.at, 3).take(colour, 2);
  }
}

/** `size` places (or all) of an axis from `before` ahead of one, moved to lie inside; and where among them that one is. */
function windowAround(place: Tensor, size: number, length: number, before: number): { places: Tensor; at: Tensor } {
  const count = Math.min(size, length);
  const first = place
    .sub(before)
    .maximum(0)
    .minimum(length - count);
  return { places: arange(count).add(first), at: place.sub(first) };
}
