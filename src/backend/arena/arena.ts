/** The one memory that all tensors and kernels of a device share. */
import { ArgumentError, OutOfMemoryError } from "../../util/errors.js";
import { Allocator, type Chunk } from "./allocator.js";
import { sharingAllowed } from "./environment.js";

const pageBytes = 65536;

/**
 * Nothing is allocated below this address; what threads meet at (`control.ts`) lies there. Addresses that are a constant less than the guard too small may therefore be
 * formed (the constant is added by the load itself) without going below zero.
 */
export const guardBytes = 1 << 20;

/** What wasm32 can address. */
export const addressable = 2 ** 32;

/** Pages of which the first are the guard's; not shared where that is not to be had. */
function memoryOf(maximum: number, shared: boolean): WebAssembly.Memory {
  const initial = guardBytes / pageBytes;
  try {
    return new WebAssembly.Memory({ initial, maximum, shared });
  } catch (error) {
    if (!shared) throw error;
    return new WebAssembly.Memory({ initial, maximum });
  }
}

export class Arena {
  readonly memory: WebAssembly.Memory;
  /** Whether several threads may compute on it. */
  readonly shared: boolean;
  readonly limit: number;
  /** What gives memory back when all is in use, the cheapest first. */
  readonly reclaims: (() => void)[] = [];
  readonly #allocator: Allocator;
  #bytes = new Uint8Array(0);
  #words = new Int32Array(0);

  constructor(limit = addressable, shared = sharingAllowed()) {
    if (!(limit >= 2 * guardBytes && limit <= addressable))
      throw new ArgumentError(
        `arena: the limit must be from ${2 * guardBytes} to ${addressable} bytes, got ${limit}. leave it out for all of it`,
      );
    this.limit = Math.floor(limit / pageBytes) * pageBytes;
    this.memory = memoryOf(this.limit / pageBytes, shared);
    this.shared = !(this.memory.buffer instanceof ArrayBuffer);
    this.#allocator = new Allocator(guardBytes);
  }

  /** At least `bytes` (more than 0), aligned to a cache line. */
  allocate(bytes: number): Chunk {
    for (const reclaim of [() => undefined, ...this.reclaims]) {
      reclaim();
      const chunk = this.#allocator.allocate(bytes) ?? this.#growFor(bytes);
      if (chunk !== null) return chunk;
    }
    const { used } = this.#allocator;
    throw new OutOfMemoryError(
      `allocate: tensors must fit into ${this.limit} bytes, got a request for ${bytes} with ${used} in use. ` +
        "free tensors that are still referred to with scope(() => …), using or dispose(), or use smaller batches",
    );
  }
  release(chunk: Chunk): void {
    this.#allocator.release(chunk);
  }

  /** The whole memory; a view taken before an allocation may be detached, or too short, after it. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.memory.buffer);
    return this.#bytes;
  }
  /** The whole memory as int32 words. */
  get words(): Int32Array {
    if (this.#words.length === 0) this.#words = new Int32Array(this.memory.buffer);
    return this.#words;
  }
  get used(): number {
    return this.#allocator.used;
  }
  get peak(): number {
    return this.#allocator.peak;
  }

  /** Makes room for `bytes`, and more when it is cheap, so that growing stays rare. */
  #growFor(bytes: number): Chunk | null {
    const { end } = this.#allocator;
    const needed = this.#allocator.shortfall(bytes);
    for (const wanted of [Math.max(needed, 16 * pageBytes, (end - guardBytes) / 4), needed, bytes]) {
      const pages = Math.ceil(wanted / pageBytes);
      if (end + pages * pageBytes > this.limit || !this.#grow(pages)) continue;
      this.#allocator.extend(pages * pageBytes);
      return this.#allocator.allocate(bytes);
    }
    return null;
  }
  #grow(pages: number): boolean {
    try {
      this.memory.grow(pages);
    } catch {
      return false;
    }
    this.#bytes = new Uint8Array(0);
    this.#words = new Int32Array(0);
    return true;
  }
}
