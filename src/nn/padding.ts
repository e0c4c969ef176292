/** Elements added around a tensor, by mode, as a function and as layers. */
import { ArgumentError, ShapeError, type Tensor, concatenate } from "../index.js";
import { Module } from "../tree/index.js";
import type { Pooled } from "./layer.js";
import { isPairs, type Pairs, type PerAxis, pairsPerAxis } from "./spatial.js";

/**
 * What lies outside: a constant; the inside mirrored at its border elements, which are not repeated; the border elements
 * again and again; or the inside from its other end.
 */
export type PadMode = "constant" | "reflect" | "replicate" | "circular";

const modes: readonly PadMode[] = ["constant", "reflect", "replicate", "circular"];

export interface PadOptions {
  /** "constant" unless told. */
  readonly mode?: PadMode;
  /** What "constant" adds; 0 unless told. */
  readonly value?: number;
}

/**
 * Elements added before and after the last axes, one pair for each in the order of the axes (PyTorch's `F.pad` counts from
 * the last axis). With "constant" negative widths crop. "reflect" can add less than an axis has, "circular" as much.
 */
export const pad = (x: Tensor, widths: Pairs, options: PadOptions = {}): Tensor => padFor("pad", x, widths, options);

/** `pad` for a caller, by whose name errors call it. */
export function padFor(name: string, x: Tensor, widths: Pairs, options: PadOptions): Tensor {
  const { mode = "constant", value = 0 } = options;
  const first = x.rank - widths.length;
  if (!modes.includes(mode))
    throw new ArgumentError(
      `${name}: the mode must be one of ${modes.join(", ")}, got ${JSON.stringify(mode)}. choose one`,
    );
  if (!isPairs(widths) || widths.some((pair) => pair.length !== 2 || pair.some((n) => !Number.isInteger(n))))
    throw new ArgumentError(
      `${name}: widths must be integers, [before, after] for each axis, got ${JSON.stringify(widths)}. write [[1, 1], [2, 2]] for the two last axes`,
    );
  if (first < 0)
    throw new ShapeError(
      `${name}: there must be an axis for every pair, got ${widths.length} pairs for ${x.describe()}. leave some out`,
    );
  if (mode !== "constant") return widths.reduce((y, pair, i) => extended(name, y, first + i, pair, mode), x);
  if (widths.every(([before, after]) => before >= 0 && after >= 0))
    return x.pad([...x.shape.slice(0, first).map((): [number, number] => [0, 0]), ...widths], value);
  return padOrCrop(name, x, first, widths, value);
}

/** Negative widths crop first. */
function padOrCrop(name: string, x: Tensor, first: number, widths: Pairs, value: number): Tensor {
  const ranges = widths.map(([before, after], i): readonly [number, number] => [
    Math.max(0, -before),
    x.shape[first + i] + Math.min(0, after),
  ]);
  if (ranges.some(([from, to]) => from > to))
    throw new ArgumentError(
      `${name}: at most all of an axis can be cropped, got ${JSON.stringify(widths)} for ${x.describe()}. crop less`,
    );
  const left = x.at("...", ...ranges.map(([from, to]) => `${from}:${to}`));
  return pad(
    left,
    widths.map(([before, after]) => [Math.max(0, before), Math.max(0, after)]),
    { value },
  );
}

/** How much of an axis of this length a mode can add on one side. */
const reach = (mode: PadMode, length: number): number =>
  mode === "reflect" ? Math.max(0, length - 1) : mode === "circular" ? length : length > 0 ? Infinity : 0;

/** One axis with elements of its own added on both sides. */
function extended(
  name: string,
  x: Tensor,
  axis: number,
  [before, after]: readonly [number, number],
  mode: Exclude<PadMode, "constant">,
): Tensor {
  const length = x.shape[axis];
  if ([before, after].some((n) => n < 0 || n > reach(mode, length)))
    throw new ArgumentError(
      `${name}: widths for "${mode}" must be integers from 0 to ${reach(mode, length)}, got [${before},${after}] for axis ${axis} of ${x.describe()}. pad less, or by another mode`,
    );
  const part = (from: number, to: number): Tensor =>
    x.at(...x.shape.slice(0, axis).map(() => ":"), `${from}:${to}`, "...");
  const edge = (at: number, count: number): Tensor => part(at, at + 1).broadcastTo(x.shape.with(axis, count));
  const around = {
    reflect: () => [part(1, before + 1).flip(axis), part(length - 1 - after, length - 1).flip(axis)],
    replicate: () => [edge(0, before), edge(length - 1, after)],
    circular: () => [part(length - before, length), part(0, after)],
  };
  if (before === 0 && after === 0) return x;
  const [low, high] = around[mode]();
  return concatenate([...(before > 0 ? [low] : []), x, ...(after > 0 ? [high] : [])], axis);
}

/** A layer that pads the last axes. */
abstract class Pad extends Module {
  declare readonly shapes: Pooled;
  readonly widths: Pairs;
  readonly options: PadOptions;

  constructor(rank: number, widths: PerAxis | Pairs, options: PadOptions) {
    super();
    const least = (options.mode ?? "constant") === "constant" ? -Infinity : 0;
    this.widths = pairsPerAxis(this.constructor.name, widths, rank, least);
    this.options = options;
  }

  /** What its outputs see. */
  get windows(): { readonly kernel: number; readonly padding: Pairs } {
    return { kernel: 1, padding: this.widths };
  }

  forward(x: Tensor): Tensor {
    return padFor(this.constructor.name, x, this.widths, this.options);
  }
}

/** The layer of a mode for so many last axes. */
const padLayer = (rank: number, mode: PadMode) =>
  class extends Pad {
    constructor(widths: PerAxis | Pairs) {
      super(rank, widths, { mode });
    }
  };

/** The layer that adds a constant around so many last axes. */
const constantPad = (rank: number) =>
  class extends Pad {
    constructor(widths: PerAxis | Pairs, value: number) {
      super(rank, widths, { value });
    }
  };

/** Adds a constant around the last axis. */
export class ConstantPad1d extends constantPad(1) {}

/** Adds a constant around the two last axes. */
export class ConstantPad2d extends constantPad(2) {}

/** Adds a constant around the three last axes. */
export class ConstantPad3d extends constantPad(3) {}

/** Adds zeros around the last axis. */
export class ZeroPad1d extends padLayer(1, "constant") {}

/** Adds zeros around the two last axes. */
export class ZeroPad2d extends padLayer(2, "constant") {}

/** Adds zeros around the three last axes. */
export class ZeroPad3d extends padLayer(3, "constant") {}

/** Adds the mirror image of the last axis around it. */
export class ReflectionPad1d extends padLayer(1, "reflect") {}

/** Adds the mirror image of the two last axes around them. */
export class ReflectionPad2d extends padLayer(2, "reflect") {}

/** Adds the mirror image of the three last axes around them. */
export class ReflectionPad3d extends padLayer(3, "reflect") {}

/** Repeats the border of the last axis. */
export class ReplicationPad1d extends padLayer(1, "replicate") {}

/** Repeats the border of the two last axes. */
export class ReplicationPad2d extends padLayer(2, "replicate") {}

/** Repeats the border of the three last axes. */
export class ReplicationPad3d extends padLayer(3, "replicate") {}

/** Goes on at the other end of the last axis. */
export class CircularPad1d extends padLayer(1, "circular") {}

/** Goes on at the other end of the two last axes. */
export class CircularPad2d extends padLayer(2, "circular") {}

/** Goes on at the other end of the three last axes. */
export class CircularPad3d extends padLayer(3, "circular") {}
