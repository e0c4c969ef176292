import { ArgumentError, ShapeError, type Tensor, arange, random, scan, where, zeros, shown } from "../index.js";
import { Conv2d, type Pairs, conv2d, crossEntropy, pad, relu } from "../nn/index.js";
import { Module } from "../tree/index.js";
import { gate } from "./gate.js";
import { draw, type SamplingOptions } from "./sampling.js";

/** Whether a pixel's own value is hidden from the middle of the kernel (first layer) or seen there (later layers). */
export type MaskType = "A" | "B";

/** The channel of the picture that each of `maps` belongs to, which are dealt out to `channels` in equal runs: `[maps]`. */
const channelOf = (maps: number, channels: number): Tensor => arange(maps).floorDivide(maps / channels);

/**
 * Which weights `[out, in, KH, KW]` of a masked convolution are kept, as truth values: those above the middle, those left of
 * it in its row, and in the middle those from earlier channels of the picture (type A) or from earlier ones and the own (type
 * B). Its inputs and outputs are dealt out to the picture's `channels` in equal runs (van den Oord et al. 2016, section 3.4).
 */
export function pixelMask(type: MaskType, shape: readonly number[], channels = 1): Tensor {
  const [out, into, height, width] = shape;
  const row = arange(height).reshape([height, 1]);
  const column = arange(width);
  const [y, x] = [(height - 1) / 2, (width - 1) / 2];
  const before = row.less(y).or(row.equal(y).and(column.less(x))); // [KH, KW]
  const middle = row.equal(y).and(column.equal(x));
  const to = channelOf(out, channels).reshape([out, 1, 1, 1]);
  const from = channelOf(into, channels).reshape([into, 1, 1]);
  return before.or(middle.and(type === "A" ? from.less(to) : from.lessEqual(to)));
}

/**
 * A convolution that keeps the size of a picture and sees only pixels before its own, in reading order; `[N, in, H, W]` to
 * `[N, out, H, W]`, both dealt out to the channels of the picture as `pixelMask` says. The kernel's lengths must be odd.
 */
export class MaskedConv2d extends Module {
  weight: Tensor;
  bias: Tensor;
  readonly padding: readonly number[];
  readonly #mask: Tensor;

  constructor(type: MaskType, into: number, out: number, kernel: readonly [number, number], channels = 1) {
    super();
    if (kernel.some((k) => k % 2 !== 1) || into % channels !== 0 || out % channels !== 0)
      throw new ArgumentError(
        `MaskedConv2d: the kernel must be odd and the picture's ${channels} channels divide those of the layer, got [${kernel.join(",")}] and ${into} to ${out}. change them`,
      );
    const plain = new Conv2d(into, out, kernel);
    this.weight = plain.weight;
    this.bias = plain.bias ?? zeros([out]);
    this.padding = kernel.map((k) => (k - 1) / 2);
    this.#mask = pixelMask(type, this.weight.shape, channels);
  }

  /** `[N, in, H, W]` to `[N, out, H, W]`. */
  forward(x: Tensor): Tensor {
    return conv2d(x, where(this.#mask, this.weight, 0), this.bias, { padding: this.padding });
  }
}

/** What both kinds of stacks are built from. */
interface Sizes {
  /** Channels of the pictures; 1 unless told. */
  readonly channels: number;
  /** Maps that layers pass on, a multiple of twice the channels; 32 unless told. */
  readonly width: number;
  /** Layers behind the first; 7 unless told. */
  readonly blocks: number;
  /** Their kernels; 3 unless told. */
  readonly kernel: number;
  /** The kernel of the first layer; 7 unless told. */
  readonly firstKernel: number;
}

/** ReLU, 1×1 to half the maps, ReLU, masked k×k, ReLU, 1×1 back, and the input added (figure 5 of the paper). */
class ResidualBlock extends Module {
  reduce: MaskedConv2d;
  masked: MaskedConv2d;
  expand: MaskedConv2d;

  constructor({ width, kernel, channels }: Sizes) {
    super();
    this.reduce = new MaskedConv2d("B", width, width / 2, [1, 1], channels);
    this.masked = new MaskedConv2d("B", width / 2, width / 2, [kernel, kernel], channels);
    this.expand = new MaskedConv2d("B", width / 2, width, [1, 1], channels);
  }

  forward(x: Tensor): Tensor {
    const narrow = this.reduce.forward(relu(x)); // [N, width / 2, H, W]
    const seen = this.masked.forward(relu(narrow)); // [N, width / 2, H, W]
    return x.add(this.expand.forward(relu(seen))); // [N, width, H, W]
  }
}

/**
 * A stack of masked convolutions: `[N, C, H, W]` to `[N, width, H, W]`. Its kernels never reach pixels above and far to the
 * right: the blind spot.
 */
class MaskedStack extends Module {
  first: MaskedConv2d;
  blocks: ResidualBlock[];

  constructor(sizes: Sizes) {
    super();
    const { channels, width, blocks, firstKernel } = sizes;
    this.first = new MaskedConv2d("A", channels, width, [firstKernel, firstKernel], channels);
    this.blocks = Array.from({ length: blocks }, () => new ResidualBlock(sizes));
  }

  forward(x: Tensor): Tensor {
    return relu(this.blocks.reduce((h, block) => block.forward(h), this.first.forward(x)));
  }
}

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
  /** `[2 W, W, ⌈k / 2⌉, k]` for W maps. */
  vertical: Conv2d;
  /** `[2 W, W, 1, k]`, masked; for each channel of the picture its filter and its gate. */
  horizontal: MaskedConv2d;
  /** From the vertical stack to the horizontal one. */
  down: Conv2d;
  out: MaskedConv2d;
  readonly type: MaskType;
  readonly channels: number;

  constructor(type: MaskType, into: number, kernel: number, { width, channels }: Sizes) {
    super();
    this.type = type;
    this.channels = channels;
    const reach = (kernel - 1) / 2;
    const padding: Pairs = [
      [reach, 0],
      [reach, reach],
    ];
    this.vertical = new Conv2d(into, 2 * width, [reach + 1, kernel], { padding });
    this.horizontal = new MaskedConv2d(type, into, 2 * width, [1, kernel], channels);
    this.down = new Conv2d(2 * width, 2 * width, 1);
    this.out = new MaskedConv2d("B", width, width, [1, 1], channels);
  }

  forward({ vertical, horizontal }: Stacks): Stacks {
    const v = this.vertical.forward(vertical); // [N, 2 W, H, W]
    const above = pad(v, [
      [1, 0],
      [0, 0],
    ]).at(":", ":", ":-1"); // [N, 2 W, H, W], one row further up
    const both = this.horizontal.forward(horizontal).add(this.down.forward(above)); // [N, 2 W, H, W]
    const h = this.out.forward(this.#gate(both)); // [N, W, H, W]
    return { vertical: gate(v), horizontal: this.type === "A" ? h : h.add(horizontal) };
  }

  /** As `gate`, with filters and gates inside the run of maps of each channel of the picture. */
  #gate(both: Tensor): Tensor {
    const [n, maps, ...size] = both.shape;
    const runs = both.reshape([n * this.channels, maps / this.channels, ...size]);
    return gate(runs).reshape([n, maps / 2, ...size]);
  }
}

/** Gated layers, whose two stacks together see every pixel before the own one: `[N, C, H, W]` to `[N, width, H, W]`. */
class GatedStack extends Module {
  layers: GatedLayer[];

  constructor(sizes: Sizes) {
    super();
    const { channels, width, blocks, kernel, firstKernel } = sizes;
    this.layers = [
      new GatedLayer("A", channels, firstKernel, sizes),
      ...Array.from({ length: blocks }, () => new GatedLayer("B", width, kernel, sizes)),
    ];
  }

  forward(x: Tensor): Tensor {
    const start: Stacks = { vertical: x, horizontal: x };
    return relu(this.layers.reduce((stacks, layer) => layer.forward(stacks), start).horizontal);
  }
}

export interface PixelCNNOptions extends Partial<Sizes> {
  /** Values that a pixel can have; 2 unless told. */
  readonly levels?: number;
  /** Maps of the layer before the output; as many as `width` unless told. */
  readonly headWidth?: number;
  /** Vertical and horizontal stacks with gates, and no blind spot; not unless told. */
  readonly gated?: boolean;
}

/**
 * PixelCNN (van den Oord et al. 2016): `p(x) = Π p(xᵢ | x₁ … xᵢ₋₁)` over the pixels of a picture in reading order, and over
 * the channels of a pixel, all factors at once by masked convolutions: 7×7 of type A, residual blocks with 3×3 of type B,
 * two 1×1, and a softmax over the levels. With `gated` the gated PixelCNN of the same year.
 */
export class PixelCNN extends Module {
  stack: MaskedStack | GatedStack;
  head: MaskedConv2d;
  out: MaskedConv2d;
  readonly levels: number;
  readonly channels: number;
  /** How far up, left and right the logits of a pixel look. */
  readonly reach: number;

  constructor(options: PixelCNNOptions = {}) {
    super();
    const { levels = 2, channels = 1, width = 32, blocks = 7, kernel = 3, firstKernel = 7, gated = false } = options;
    const { headWidth = width } = options;
    if (!Number.isInteger(levels) || levels < 2)
      throw new ArgumentError(
        `PixelCNN: levels must be an integer of at least 2, got ${shown(levels)}. 2 is black and white`,
      );
    this.levels = levels;
    this.channels = channels;
    this.reach = (firstKernel - 1 + blocks * (kernel - 1)) / 2;
    const sizes: Sizes = { channels, width, blocks, kernel, firstKernel };
    this.stack = gated ? new GatedStack(sizes) : new MaskedStack(sizes);
    this.head = new MaskedConv2d("B", width, headWidth, [1, 1], channels);
    this.out = new MaskedConv2d("B", headWidth, channels * levels, [1, 1], channels);
  }

  /** Levels `[N, C, H, W]`, integers from 0, to logits `[N, levels, C, H, W]`. */
  forward(x: Tensor): Tensor {
    if (x.rank !== 4 || x.shape[1] !== this.channels)
      throw new ShapeError(
        `PixelCNN: pictures must be [N, ${this.channels}, H, W], got ${x.describe()}. reshape them or set channels`,
      );
    return this.logits(
      x
        .astype(this.out.bias.dtype)
        .mul(2 / (this.levels - 1))
        .sub(1),
    );
  }

  /** From levels between -1 and 1, `[N, C, H, W]`. */
  logits(x: Tensor): Tensor {
    const maps = this.stack.forward(x); // [N, width, H, W]
    const y = this.out.forward(relu(this.head.forward(maps))); // [N, C · levels, H, W]
    const [n, , ...size] = y.shape;
    return y.reshape([n, this.channels, this.levels, ...size]).swapAxes(1, 2);
  }

  /** `-log p` of each picture `[N, C, H, W]` in nats, `[N]`; for bits per dimension divide by `C · H · W · ln 2`. */
  nll(x: Tensor): Tensor {
    return crossEntropy(this.forward(x), x.astype("int32"), { reduction: "none" }).sum([1, 2, 3]);
  }

  /**
   * New pictures, int32 `shape` `[N, C, H, W]`, one pixel and channel after the other, each from what it can see of those
   * before it. Where `mask` is true the levels of `given` stay: the rest of a picture is then filled in.
   */
  sample(
    shape: readonly [number, number, number, number],
    options: SamplingOptions & { readonly given?: { readonly levels: Tensor; readonly mask: Tensor } } = {},
  ): Tensor {
    const { key = random.defaultGenerator.next(), temperature = 1, given } = options;
    const [n, channels, height, width] = shape;
    const places = arange(channels * height * width).reshape([channels, height, width]);
    const kept = given?.mask.broadcastTo(shape);
    const start = given && kept ? where(kept, given.levels.astype("int32"), 0) : zeros(shape, { dtype: "int32" });
    const [picture] = scan(
      (state: { readonly x: Tensor; readonly key: random.Key }, step: Tensor) => {
        const [left, own] = random.split(state.key);
        // Channels of a pixel follow each other, pixels come row by row.
        const [pixel, channel] = [step.floorDivide(channels), step.remainder(channels)];
        const [row, column] = [pixel.floorDivide(width), pixel.remainder(width)];
        const drawn = draw(this.#logitsAt(state.x, row, column, channel), own, temperature); // [N]
        const here = places.equal(channel.mul(height * width).add(pixel));
        const isNew = kept ? here.and(kept.not()) : here;
        return [{ x: where(isNew, drawn.reshape([n, 1, 1, 1]), state.x), key: left }, []] as const;
      },
      { x: start, key },
      arange(channels * height * width),
    );
    return picture.x;
  }

  /** The logits `[N, levels]` of one pixel and channel, from the part of the pictures that it sees. */
  #logitsAt(x: Tensor, row: Tensor, column: Tensor, channel: Tensor): Tensor {
    const [, , height, width] = x.shape;
    const above = windowAround(row, this.reach + 1, height, this.reach);
    const beside = windowAround(column, 2 * this.reach + 1, width, this.reach);
    const seen = x.take(above.places, 2).take(beside.places, 3);
    return this.forward(seen).take(beside.at, 4).take(above.at, 3).take(channel, 2);
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
