/**
 * Hands out ranges of addresses. Two-level segregated fit (Masmano, Ripoll, Crespo, Real: "TLSF: a new dynamic memory
 * allocator for real-time systems", ECRTS 2004): allocating and freeing take constant time, neighbouring free ranges are
 * joined at once.
 */
import { invariant } from "../../util/errors.js";

/** Everything is a multiple of this many bytes: a cache line. */
export const unit = 64;

const subdivisionBits = 4;
const subdivisions = 1 << subdivisionBits;

/** A range of addresses, in use or free. */
export class Chunk {
  address: number;
  size: number;
  free = false;
  /** Neighbours in memory. */
  before: Chunk | null = null;
  after: Chunk | null = null;
  /** Neighbours in the list of free chunks of like size. */
  previous: Chunk | null = null;
  next: Chunk | null = null;
  constructor(address: number, size: number) {
    this.address = address;
    this.size = size;
  }
}

/** The list that holds free chunks of `size` bytes: a power of two, cut into sixteen. */
function listOf(size: number): number {
  const units = size / unit;
  if (units < subdivisions) return units;
  const log = 31 - Math.clz32(units);
  return ((log - subdivisionBits + 1) << subdivisionBits) + ((units >>> (log - subdivisionBits)) & (subdivisions - 1));
}

/** `size` rounded up so that every chunk in its list is large enough. */
function roundToList(size: number): number {
  const units = size / unit;
  if (units < subdivisions) return size;
  const step = 1 << (31 - Math.clz32(units) - subdivisionBits);
  return Math.ceil(units / step) * step * unit;
}

export class Allocator {
  used = 0;
  peak = 0;
  /** First address past all chunks. */
  end: number;
  readonly #lists: (Chunk | null)[] = new Array<Chunk | null>(32 * subdivisions).fill(null);
  /** One bit for each non-empty list, and one for each non-empty word of those. */
  readonly #occupied = new Int32Array(subdivisions);
  #words = 0;
  #last: Chunk | null = null;

  constructor(start: number) {
    this.end = start;
  }

  /** A chunk of at least `bytes` (more than 0), or `null` when there is none. */
  allocate(bytes: number): Chunk | null {
    const size = Math.ceil(bytes / unit) * unit;
    const chunk = this.#find(size);
    if (chunk === null) return null;
    this.#unlink(chunk);
    if (chunk.size > size) this.#split(chunk, size);
    chunk.free = false;
    this.used += chunk.size;
    this.peak = Math.max(this.peak, this.used);
    return chunk;
  }

  release(chunk: Chunk): void {
    invariant(!chunk.free, "a chunk of memory was freed twice");
    this.used -= chunk.size;
    const { before, after } = chunk;
    let joined = chunk;
    if (before?.free) {
      this.#unlink(before);
      joined = this.#join(before, chunk);
    }
    if (after?.free) {
      this.#unlink(after);
      joined = this.#join(joined, after);
    }
    this.#link(joined);
  }

  /** Adds `bytes` at the end. */
  extend(bytes: number): void {
    const chunk = new Chunk(this.end, bytes);
    chunk.before = this.#last;
    if (this.#last !== null) this.#last.after = chunk;
    this.#last = chunk;
    this.end += bytes;
    this.used += bytes;
    this.release(chunk);
  }

  /** Bytes that `extend` must add so that `bytes` can be allocated. */
  shortfall(bytes: number): number {
    const tail = this.#last?.free ? this.#last.size : 0;
    return Math.max(0, roundToList(Math.ceil(bytes / unit) * unit) - tail);
  }

  #find(size: number): Chunk | null {
    const first = listOf(roundToList(size));
    const word = first >>> 5;
    const rest = this.#occupied[word] & (-1 << (first & 31));
    if (rest !== 0) return this.#lists[(word << 5) + lowestBit(rest)];
    const words = word === 31 ? 0 : this.#words & (-1 << (word + 1));
    if (words === 0) return this.#exact(size);
    const found = lowestBit(words);
    return this.#lists[(found << 5) + lowestBit(this.#occupied[found])];
  }
  /** The rounding of `roundToList` skips the list of `size` itself; before giving up, look through it. */
  #exact(size: number): Chunk | null {
    let chunk = this.#lists[listOf(size)];
    while (chunk !== null && chunk.size < size) chunk = chunk.next;
    return chunk;
  }
  #split(chunk: Chunk, size: number): void {
    const rest = new Chunk(chunk.address + size, chunk.size - size);
    rest.before = chunk;
    rest.after = chunk.after;
    if (rest.after !== null) rest.after.before = rest;
    else this.#last = rest;
    chunk.after = rest;
    chunk.size = size;
    this.#link(rest);
  }
  #join(left: Chunk, right: Chunk): Chunk {
    left.size += right.size;
    left.after = right.after;
    if (left.after !== null) left.after.before = left;
    else this.#last = left;
    return left;
  }
  #link(chunk: Chunk): void {
    const list = listOf(chunk.size);
    const head = this.#lists[list];
    chunk.free = true;
    chunk.previous = null;
    chunk.next = head;
    if (head !== null) head.previous = chunk;
    this.#lists[list] = chunk;
    this.#occupied[list >>> 5] |= 1 << (list & 31);
    this.#words |= 1 << (list >>> 5);
  }
  #unlink(chunk: Chunk): void {
    const { previous, next } = chunk;
    if (next !== null) next.previous = previous;
    if (previous !== null) {
      previous.next = next;
      return;
    }
    const list = listOf(chunk.size);
    this.#lists[list] = next;
    if (next !== null) return;
    this.#occupied[list >>> 5] &= ~(1 << (list & 31));
    if (this.#occupied[list >>> 5] === 0) this.#words &= ~(1 << (list >>> 5));
  }
}

const lowestBit = (x: number): number => 31 - Math.clz32(x & -x);
