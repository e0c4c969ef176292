/** A segmentation task that needs no files: pictures of cells under a microscope, drawn by a formula. */
import { ArgumentError, shown } from "../index.js";
import type { HostArray } from "../io/index.js";
import { type ArrayDataset, arrayDataset } from "./dataset.js";
import { threefry } from "./shuffle.js";

/** Pictures, and a class for every pixel. */
export interface SegmentedImages {
  /** float32 `[N, 1, H, W]`, about 0 to 1. */
  readonly images: HostArray;
  /** int32 `[N, H, W]`. */
  readonly masks: HostArray;
}

export interface CellsOptions {
  /** How many pictures; 64 unless told. */
  readonly count?: number;
  /** Height and width in pixels; 64 unless told. */
  readonly size?: number;
  /** Other pictures for another seed; 0 unless told. */
  readonly seed?: number;
  /** Standard deviation of the noise; 0.15 unless told, which is more than cells differ from their surroundings. */
  readonly noise?: number;
}

/** What is drawn: a wobbly ellipse, in units of the picture's side. */
interface Cell {
  readonly x: number;
  readonly y: number;
  readonly radii: readonly [number, number];
  readonly angle: number;
  readonly phase: number;
}

/** A dark scratch that is no cell. */
interface Scratch {
  readonly x: number;
  readonly y: number;
  readonly angle: number;
  readonly length: number;
}

type Uniform = (low: number, high: number) => number;

function uniforms(seed: number, stream: number): Uniform {
  let draws = 0;
  return (low, high) => {
    const [word] = threefry(seed, 0x63656c6c, stream, draws++);
    return low + ((word + 0.5) / 2 ** 32) * (high - low);
  };
}

/** The distance from a cell's middle, 1 on its border. */
function radiusIn(cell: Cell, x: number, y: number): number {
  const [dx, dy] = [x - cell.x, y - cell.y];
  const [cos, sin] = [Math.cos(cell.angle), Math.sin(cell.angle)];
  const [u, v] = [(dx * cos + dy * sin) / cell.radii[0], (dy * cos - dx * sin) / cell.radii[1]];
  return Math.hypot(u, v) / (1 + 0.12 * Math.cos(3 * Math.atan2(v, u) + cell.phase));
}

function isOn(scratch: Scratch, x: number, y: number): boolean {
  const [dx, dy] = [x - scratch.x, y - scratch.y];
  const along = dx * Math.cos(scratch.angle) + dy * Math.sin(scratch.angle);
  const across = dy * Math.cos(scratch.angle) - dx * Math.sin(scratch.angle);
  return Math.abs(along) < scratch.length && Math.abs(across) < 0.012;
}

/** Draws one picture into rows of `size` levels and classes. */
function paint(levels: Float32Array, classes: Int32Array, size: number, draw: Uniform, noise: number): void {
  const list = <T>(count: number, one: () => T): T[] => Array.from({ length: Math.floor(count) }, one);
  const place = (): { x: number; y: number; angle: number } => ({
    x: draw(0, 1),
    y: draw(0, 1),
    angle: draw(0, Math.PI),
  });
  const radius = (): number => draw(0.07, 0.16);
  const cells = list(draw(3, 8), (): Cell => ({ ...place(), radii: [radius(), radius()], phase: draw(0, 6.3) }));
  const scratches = list(draw(2, 5), (): Scratch => ({ ...place(), length: draw(0.05, 0.2) }));
  const [tiltX, tiltY] = [draw(-0.2, 0.2), draw(-0.2, 0.2)];
  for (let i = 0; i < size * size; i++) {
    const [x, y] = [((i % size) + 0.5) / size, (Math.floor(i / size) + 0.5) / size];
    const nearest = Math.min(...cells.map((cell) => radiusIn(cell, x, y)));
    const isMembrane = nearest > 0.85 && nearest < 1;
    const shade = isMembrane || scratches.some((scratch) => isOn(scratch, x, y)) ? 0.3 : nearest < 1 ? 0.1 : 0;
    const normal = Math.sqrt(-2 * Math.log(draw(0, 1))) * Math.cos(draw(0, 2 * Math.PI));
    levels[i] = 0.6 + tiltX * (x - 0.5) + tiltY * (y - 0.5) - shade + noise * normal;
    classes[i] = Number(nearest < 1);
  }
}

/**
 * Pictures of cells as `{ images: float32[N,1,S,S], masks: int32[N,S,S] }` with class 1 inside cells: wobbly ellipses with
 * dark membranes, a little darker than their surroundings, under uneven light, among scratches as dark as membranes, and
 * with noise. A picture depends on the seed and its number alone.
 */
export function cells(options: CellsOptions = {}): ArrayDataset<SegmentedImages> {
  const { count = 64, size = 64, seed = 0, noise = 0.15 } = options;
  if (![count, size].every((n) => Number.isInteger(n) && n > 0) || !Number.isInteger(seed) || seed < 0 || !(noise >= 0))
    throw new ArgumentError(
      `cells: count and size must be positive integers, seed and noise not negative, got ${shown(count)}, ${shown(size)}, ${shown(seed)} and ${shown(noise)}. correct them`,
    );
  const pixels = size * size;
  const levels = new Float32Array(count * pixels);
  const classes = new Int32Array(count * pixels);
  for (let i = 0; i < count; i++) {
    const [from, to] = [i * pixels, (i + 1) * pixels];
    paint(levels.subarray(from, to), classes.subarray(from, to), size, uniforms(seed, i), noise);
  }
  return arrayDataset({
    images: { dtype: "float32", shape: [count, 1, size, size], data: levels },
    masks: { dtype: "int32", shape: [count, size, size], data: classes },
  });
}
