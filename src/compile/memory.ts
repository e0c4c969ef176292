/** Where buffers live: offsets of temporaries, reused when their content is dead, and outputs that take over inputs. */
import { remembered } from "../util/key.js";
import { byteSize } from "../ir/dtype.js";
import { type Aval, sizeOf } from "../ir/shape.js";
import type { Step } from "./loop.js";
import { buffersOf } from "./walk.js";

/** When a buffer is used. Positions number the steps in the order they run, those inside loops once. */
interface Life {
  first: number;
  last: number;
  lastRead: number;
  readonly writes: Set<number>;
  /** Whether a step inside a loop or branch writes it. */
  nested: boolean;
}

const alignment = 64;
/** Free bytes after every array, so that a vector may be read across its end. */
const slack = 64;

export const bytesOf = (a: Aval): number => sizeOf(a.shape) * byteSize(a.dtype);
export const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** The life of every buffer that steps use. What is used inside a loop and outside it lives during all of the loop. */
export function livesOf(steps: readonly Step[]): Map<number, Life> {
  const lives = new Map<number, Life>();
  let position = 0;
  const touch = (buffer: number, at: number) => {
    const fresh = () => ({ first: at, last: at, lastRead: -1, writes: new Set<number>(), nested: false });
    const life = remembered(lives, buffer, fresh);
    life.first = Math.min(life.first, at);
    life.last = Math.max(life.last, at);
    return life;
  };
  const use = (reads: Iterable<number>, writes: Iterable<number>, nested: boolean) => {
    for (const b of reads) touch(b, position).lastRead = position;
    for (const b of writes) {
      const life = touch(b, position);
      life.writes.add(position);
      life.nested ||= nested;
    }
    position++;
  };
  const intervals: [number, number][] = [];
  const walk = (list: readonly Step[], nested: boolean) => {
    for (const step of list) {
      const start = position;
      if (step.kind === "kernel") {
        const { reads, writes } = buffersOf(step.kernel);
        use(reads, writes, nested);
      } else if (step.kind === "routine") use(step.inputs, step.outputs, nested);
      else if (step.kind === "loop") {
        position++;
        walk(step.steps, true);
        intervals.push([start, position++]);
      } else {
        use([step.selector], [], nested);
        for (const inside of step.cases) walk(inside, true);
      }
    }
  };
  walk(steps, false);
  for (const [start, end] of intervals)
    for (const life of lives.values()) {
      const inside = life.last > start && life.first < end;
      if (inside && (life.first < start || life.last > end || life.lastRead < Math.max(...life.writes, -1))) {
        life.first = Math.min(life.first, start);
        life.last = Math.max(life.last, end);
        if (life.lastRead > start && life.lastRead < end) life.lastRead = end;
      }
    }
  return lives;
}

/** Offsets of temporaries such that two that live at the same time do not overlap. */
export function placeTemporaries(
  temporaries: readonly { readonly buffer: number; readonly aval: Aval }[],
  lives: ReadonlyMap<number, Life>,
): { offsets: Map<number, number>; bytes: number } {
  const offsets = new Map<number, number>();
  const placed: { life: Life; from: number; to: number }[] = [];
  let bytes = 0;
  const items = temporaries
    .flatMap(({ buffer, aval }) => {
      const life = lives.get(buffer);
      return life ? [{ buffer, life, size: aligned(bytesOf(aval) + slack) }] : [];
    })
    .sort((a, b) => b.size - a.size);
  for (const { buffer, life, size } of items) {
    const rivals = placed
      .filter((p) => p.life.first <= life.last && life.first <= p.life.last)
      .sort((a, b) => a.from - b.from);
    let from = 0;
    for (const rival of rivals) {
      if (rival.from >= from + size) break;
      from = Math.max(from, rival.to);
    }
    offsets.set(buffer, from);
    placed.push({ life, from, to: from + size });
    bytes = Math.max(bytes, from + size);
  }
  return { offsets, bytes };
}

/** An output or input of a program, in the order of its signature. */
interface Slot {
  readonly buffer: number;
  readonly aval: Aval;
}

/**
 * For each output the donated input whose memory it may take: every read of the input comes before the step that writes
 * the output, or is of the very element that the same kernel writes (`inPlace`).
 */
export function chooseReuses(
  inputs: readonly Slot[],
  outputs: readonly Slot[],
  donated: readonly boolean[],
  lives: ReadonlyMap<number, Life>,
  inPlace: (output: number, input: number) => boolean,
): (number | null)[] {
  const free = new Set(inputs.flatMap((_, i) => (donated[i] ? [i] : [])));
  return outputs.map(({ buffer, aval }) => {
    const life = lives.get(buffer);
    if (!life || life.nested || life.writes.size !== 1 || sizeOf(aval.shape) === 0) return null;
    const [written] = life.writes;
    const fits = [...free].filter((i) => {
      const other = inputs[i];
      if (other.aval.dtype !== aval.dtype || sizeOf(other.aval.shape) !== sizeOf(aval.shape)) return false;
      const read = lives.get(other.buffer)?.lastRead ?? -1;
      return read < written || (read === written && inPlace(buffer, other.buffer));
    });
    const same = fits.find((i) => lives.get(inputs[i].buffer)?.lastRead === written);
    const chosen = same ?? fits[0] ?? null;
    if (chosen !== null) free.delete(chosen);
    return chosen;
  });
}
